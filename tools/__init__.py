"""Programs for those who work on the course: `python -m tools.normalise`."""
