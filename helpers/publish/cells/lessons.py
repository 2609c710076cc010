"""Run a lesson for pages."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.running import Cell, run_cells
from helpers.publish.cells.widgets import with_pieces


def run_lesson(notebook: Path, context: BuildContext, only: Collection[str] | None = None) -> list[Cell]:
    """Run the cells of a notebook, or `only` those with these ids; the objects that they show become pieces."""
    return with_pieces(run_cells(notebook, context.options.quick, only), context)
