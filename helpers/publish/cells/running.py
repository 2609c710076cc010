"""Running a notebook: what each of its cells printed, and the object that it shows."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import IPython
import IPython.display

SHOWING = {"panels", "figures", "lesson", "predict", "quiz", "check", "timeline"}
"""Names whose calls only show something; cells that call nothing else are run even where the others are not."""


class Several(tuple[Any, ...]):
    """What a cell has shown one after another."""


@dataclass
class Cell:
    """One cell of a notebook: `kind` "markdown" or "code", and for code the text and the object it showed, if any.

    Where `display` was called, `shown` is a `Several`.
    """

    id: str
    kind: str
    source: str
    slide: str = ""
    text: str = ""
    shown: Any = None


class _Failed(RuntimeError):
    """A cell of a notebook raised."""


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook with the texts that are stored with them, not yet run."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        Cell(
            id=cell["id"],
            kind=cell["cell_type"],
            source="".join(cell["source"]),
            slide=cell["metadata"].get("slideshow", {}).get("slide_type", ""),
            text="".join("".join(output.get("text", "")) for output in cell.get("outputs", ())),
        )
        for cell in notebook["cells"]
    ]


def run_cells(path: Path, quick: bool = False, done: Callable[[], None] = lambda: None) -> list[Cell]:
    """Run a notebook from top to bottom in this process, as its kernel would; RuntimeError names a cell that raised.

    quick: run only the imports and the cells that do nothing but show something, and keep the stored texts of the
    others. `done` is called after each cell.
    """
    cells, names = read_cells(path), {"__name__": "__main__"}
    with contextlib.chdir(path.parent), _quiet():
        for cell in cells:
            if cell.kind == "code" and (not quick or cell.slide == "skip" or only_shows(cell.source)):
                try:
                    cell.text, cell.shown = _run(cell, names)
                except NameError as error:
                    if not quick:
                        raise _Failed(f"{path.name}, cell {cell.id}: {error!r}") from error
                except Exception as error:
                    raise _Failed(f"{path.name}, cell {cell.id}: {error!r}") from error
            done()
    return cells


def only_shows(source: str) -> bool:
    """Whether all calls in a cell are of things that show something."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return all(_root(call) in SHOWING for call in calls)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _run(cell: Cell, names: dict[str, Any]) -> tuple[str, Any]:
    """What a cell prints, and what it shows: the value of its last line where that is an expression."""
    body = ast.parse(cell.source)
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed, shown = io.StringIO(), None
    with contextlib.redirect_stdout(printed), _displaying() as displayed:
        exec(compile(body, f"<{cell.id}>", "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), f"<{cell.id}>", "eval"), names)
    if displayed:
        shown = Several([*displayed, *([] if shown is None else [shown])])
    return printed.getvalue(), shown


@contextlib.contextmanager
def _displaying() -> Iterator[list[Any]]:
    """All that is handed to `display`, as in a kernel: without one, IPython prints where it lies in memory."""
    displayed: list[Any] = []
    kernel = SimpleNamespace(kernel=None)
    with (
        patch.object(IPython.display, "display", lambda *shown, **_: displayed.extend(shown)),
        patch.object(IPython, "get_ipython", lambda: kernel),
    ):
        yield displayed


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars of the training runs go nowhere: the build has one of its own."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        yield
