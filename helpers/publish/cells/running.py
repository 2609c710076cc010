"""Run a notebook in this process, and keep what each cell printed and the objects that it showed."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import traitlets
from IPython.core.displayhook import DisplayHook
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from helpers.course import LESSONS

HIDE_INPUT, EXERCISE = "hide-input", "exercise"
"""Tags of cells that only show something, and of those that check the learner's lines (`tools.normalise` sets them)."""
IMPORT = "from helpers.notebook import "
"""The last lines of the imports with which a notebook's code begins."""


class NotebookError(RuntimeError):
    """A cell of a notebook raised; the message names notebook, cell and exception."""


@dataclass
class Cell:
    """One cell of a notebook; `kind` is "markdown" or "code", `text` what code printed, `shown` the objects shown."""

    id: str
    kind: str
    source: str
    slide: str = ""
    tags: frozenset[str] = frozenset()
    text: str = ""
    shown: tuple[Any, ...] = ()

    @property
    def only_shows(self) -> bool:
        """Whether the code only makes calls that show something."""
        return HIDE_INPUT in self.tags


def divided(source: str) -> tuple[str, str]:
    """The lines of a cell up to its last import from `helpers.notebook`, and the code after them."""
    lines = source.splitlines()
    end = max((number for number, line in enumerate(lines, 1) if line.startswith(IMPORT)), default=0)
    return "\n".join(lines[:end]), "\n".join(lines[end:]).strip("\n")


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook with their stored text outputs, not yet run.

    If the cell of the imports also shows something, as in lesson 00, these are two cells: "imports" and the rest.
    """
    cells: list[Cell] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        imports, source = divided("".join(cell["source"])) if cell["cell_type"] == "code" else ("", "")
        if imports and source:
            cells.append(Cell("imports", "code", imports, slide="skip"))
        read = Cell(
            id=cell["id"],
            kind=cell["cell_type"],
            source=source if imports and source else "".join(cell["source"]),
            slide=cell["metadata"].get("slideshow", {}).get("slide_type", ""),
            tags=frozenset(cell["metadata"].get("tags", ())),
            text="".join("".join(output.get("text", "")) for output in cell.get("outputs", ())),
        )
        cells.append(read)
    return cells


def panels_in(cells: Iterable[Cell]) -> list[str]:
    """The names of the panels that these cells show, among those listed in `LESSONS`."""
    known = {name for lesson in LESSONS.values() for name in lesson.panels}
    called = [name for cell in cells if cell.kind == "code" for name in re.findall(r"\bpanels\.(\w+)\(", cell.source)]
    return [name for name in dict.fromkeys(called) if name in known]


def run_cells(path: Path, quick: bool = False, only: Collection[str] | None = None) -> list[Cell]:
    """Run a notebook from top to bottom, as its kernel would; NotebookError names a cell that raised.

    quick: run only the imports, the exercises and the cells that only show something, and keep the stored texts of the
    others. only: run only the cells with these ids.
    """
    cells = read_cells(path)
    with notebook_shell(path.parent) as shell:
        for cell in cells:
            if only is not None and cell.id not in only:
                continue
            if cell.kind == "code" and (not quick or cell.slide == "skip" or cell.tags & {HIDE_INPUT, EXERCISE}):
                outcome = shell.run(cell.source)
                needs_another = quick and isinstance(outcome.error, NameError)  # a cell that was not run
                if outcome.error and not needs_another:
                    raise NotebookError(f"{path.name}, cell {cell.id}: {outcome.error!r}") from outcome.error
                if not needs_another:
                    cell.text, cell.shown = outcome.text, outcome.shown
    return cells


# The shell -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """The result of a cell: what it printed, what it showed, the value of its last line, and what it raised."""

    text: str
    shown: tuple[Any, ...]
    value: Any
    error: BaseException | None


class _ObjectsShown(DisplayFormatter):
    """Keeps the objects shown, where a kernel would turn them into texts and pictures."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.shown: list[Any] = []

    def format(self, obj: Any, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Keep the object and print nothing."""
        self.shown.append(obj)
        return {}, {}


class _WithoutPrompt(DisplayHook):
    def write_output_prompt(self) -> None:
        """Print no "Out[1]:"."""


class NotebookShell(InteractiveShell):
    """IPython's shell without a terminal and history; `run` returns the objects that a cell showed."""

    displayhook_class = traitlets.Type(_WithoutPrompt)
    kernel = None  # programs check this attribute to find out whether they run in a notebook

    def init_display_formatter(self) -> None:
        """Keep the objects shown."""
        self.display_formatter = self.objects = _ObjectsShown(parent=self)

    def init_sys_modules(self) -> None:
        """Leave `__main__` to the program that runs the notebook."""

    def showtraceback(self, *_: Any, **__: Any) -> None:
        """Print no traceback: `run` returns the exception."""

    showsyntaxerror = showtraceback

    def run(self, source: str) -> Outcome:
        """Run the source of a cell."""
        self.objects.shown, printed = [], io.StringIO()
        with contextlib.redirect_stdout(printed):
            result = self.run_cell(source)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            raise error
        return Outcome(printed.getvalue(), tuple(self.objects.shown), result.result, error)


@contextlib.contextmanager
def notebook_shell(folder: Path) -> Iterator[NotebookShell]:
    """A shell that runs cells in a folder, hides progress bars and leaves the user's IPython folder untouched."""
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"cache_size": 0}})
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as ipython_dir,
        contextlib.chdir(folder),
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stderr(nowhere),
    ):
        shell = NotebookShell.instance(config=config, ipython_dir=ipython_dir)
        try:
            yield shell
        finally:
            NotebookShell.clear_instance()
            atexit.unregister(shell.atexit_operations)
            shell.reset(new_session=False)  # free what the cells computed
