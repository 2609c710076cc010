"""`python -m tools.without_torch 03 07`: runs the cells of lessons as in a browser, where there is no PyTorch.

It prints a line per lesson: its number, how many code cells it has, and the ids of those that fail because PyTorch is
missing. Any other error ends the program.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.course import NOTEBOOKS, notebooks
from helpers.publish.cells.running import NotebookShell, notebook_shell, read_cells
from helpers.publish.lite.wheel import TORCH
from helpers.without_torch import NeedsTorch


def visit(shell: NotebookShell, path: Path) -> tuple[int, list[str]]:
    """Run a notebook; returns the number of its code cells and the ids of those that need PyTorch."""
    shell.reset(new_session=False)
    ended = []
    cells = [cell for cell in read_cells(path) if cell.kind == "code"]
    for cell in cells:
        outcome = shell.run(cell.source)
        if isinstance(outcome.error, NeedsTorch):
            ended.append(cell.id)
            message = outcome.text.rstrip()
            assert message.endswith(str(outcome.error)), f"{path.name}, {cell.id}: {message}"
        elif outcome.error is not None:
            raise RuntimeError(f"{path.name}, {cell.id}: {outcome.error!r}")
    return len(cells), ended


def main(lessons: Sequence[str]) -> None:
    """Run lessons, all if none is named, and print a line each."""
    with tempfile.TemporaryDirectory() as folder, notebook_shell(NOTEBOOKS) as shell:
        shutil.copy(TORCH, folder)
        sys.path.insert(0, folder)  # before the real one
        for lesson in lessons or list(notebooks()):
            count, ended = visit(shell, notebooks()[lesson])
            print(lesson, count, *ended, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
