"""What the tests of the lessons read in their notebooks."""

from __future__ import annotations

from helpers.course import notebooks
from helpers.publish.cells.running import read_cells


def prose_of(lesson: str) -> str:
    """All text of a lesson, without its code."""
    return "\n".join(cell.source for cell in read_cells(notebooks()[lesson]) if cell.kind == "markdown")
