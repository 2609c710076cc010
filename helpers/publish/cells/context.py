"""What the widgets of one page have in common while it is built, and what is asked for of all pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from helpers.publish.cells.bake import Fineness, baked
from helpers.publish.cells.packing import Table
from helpers.publish.cells.pieces import Piece


@dataclass(frozen=True)
class BuildOptions:
    """How finely panels are baked, whether the lessons' experiments are left out (quick), and whether slides show the
    whole lesson instead of the short deck (whole).
    """

    fineness: Fineness = Fineness()
    quick: bool = False
    whole: bool = False


@dataclass
class BuildContext:
    """One page that is being built: the data of its scripts by tag.

    `tables` has the tables of panels that were baked before, by the panel's name; others are baked when they are put on
    the page.
    """

    lesson: str
    options: BuildOptions = BuildOptions()
    data: dict[str, Any] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def put(self, piece: Piece) -> str:
        """The HTML of a piece; what the page's scripts need for it goes to the page's data."""
        for name, each in piece.data.items():
            panel = each.get("table")
            self.data[name] = {**each, "table": self._table(panel)} if panel else each
        return piece.html

    def _table(self, panel: str) -> Table:
        if panel not in self.tables:
            self.tables[panel] = baked(panel, self.options.fineness)
        return self.tables[panel]
