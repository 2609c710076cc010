"""What the widgets of one page have in common while it is built, and what is asked for of all pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.running import Cell, read_cells, run_cells


@dataclass(frozen=True)
class BuildOptions:
    """How finely panels are baked, whether the lessons' experiments are left out (quick), and whether slides hold the
    *Go deeper* sections too (whole).
    """

    fineness: Fineness = Fineness()
    quick: bool = False
    whole: bool = False


@dataclass
class BuildContext:
    """One page that is being built: the data of its scripts by tag, and whom to tell how far it is.

    `expect` is told of steps to come, `done` is called after each.
    """

    lesson: str
    options: BuildOptions = BuildOptions()
    expect: Callable[[int], None] = lambda _: None
    done: Callable[[], None] = lambda: None
    data: dict[str, Any] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)

    def run(self, notebook: Path) -> list[Cell]:
        """The cells of the lesson's notebook, run."""
        self.expect(len(read_cells(notebook)))
        return run_cells(notebook, self.options.quick, self.done)
