"""A lesson that has been run, as pages take it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.running import Cell, run_cells
from helpers.publish.cells.widgets import with_pieces


def run_lesson(notebook: Path, context: BuildContext, only: Collection[str] | None = None) -> list[Cell]:
    """The cells of a notebook, run (`only` these ids, if given), with pieces in place of what they have shown."""
    return with_pieces(run_cells(notebook, context.options.quick, only), context)
