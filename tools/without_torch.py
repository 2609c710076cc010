"""`python -m tools.without_torch 03 07`: runs the cells of lessons as in a browser, where there is no PyTorch.

A line a lesson: its number, its code cells, and how many of them end for want of PyTorch. Any other error ends it all.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from helpers.course import notebooks
from helpers.publish.lite.wheel import TORCH
from helpers.without_torch import NeedsTorch


def visit(shell: InteractiveShell, path: Path) -> tuple[int, list[str]]:
    """Run a notebook: how many code cells it has, and the ids of those that end."""
    shell.reset(new_session=False)
    ended = []
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            result = shell.run_cell("".join(cell["source"]))
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, NeedsTorch):
            ended.append(cell["id"])
            assert said.getvalue().rstrip().endswith(str(error)), f"{path.name}, {cell['id']}: {said.getvalue()}"
        elif error is not None:
            raise RuntimeError(f"{path.name}, {cell['id']}: {error!r}")
    return len(cells), ended


def main(lessons: Sequence[str]) -> None:
    """Run lessons, all where none is named, and print a line each."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(TORCH, folder)
        sys.path.insert(0, folder)  # before the real one
        shell = InteractiveShell.instance()
        for lesson in lessons or list(notebooks()):
            count, ended = visit(shell, notebooks()[lesson])
            print(lesson, count, *ended, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
