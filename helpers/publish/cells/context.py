"""The state shared by the widgets of one page while it is built, and the options for all pages."""

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
    """One page that is being built: `data` is the data for its scripts, by tag.

    `tables` holds the tables of panels baked before, by the panel's name; others are baked when they are put on the
    page.
    """

    lesson: str
    options: BuildOptions = BuildOptions()
    data: dict[str, Any] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def put(self, piece: Piece) -> str:
        """Return the HTML of a piece, and add the data that its scripts need to the page's data."""
        for name, each in piece.data.items():
            panel = each.get("table")
            self.data[name] = {**each, "table": self._table(panel)} if panel else each
        return piece.html

    def _table(self, panel: str) -> Table:
        if panel not in self.tables:
            self.tables[panel] = baked(panel, self.options.fineness)
        return self.tables[panel]
