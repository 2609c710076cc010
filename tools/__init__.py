"""Programs for developers of the course, such as `python -m tools.normalise`."""
