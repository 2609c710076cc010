"""*Go deeper* sections: which cells of a notebook aren't part of the main line.

A markdown cell that begins with the heading `### Go deeper: …` opens such a section. It ends before the next markdown
cell that begins with a heading of the same or a higher level, which is also where JupyterLab ends a folded section.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DEEPER = "deeper"
"""The tag of all cells of such a section (`tools.normalise` sets it)."""

FOLDED = "jp-MarkdownHeadingCollapsed"
"""The metadata by which JupyterLab shows a heading folded."""

HEADING = re.compile(r"### Go deeper: (.+)")
ENDING = re.compile(r"#{1,3} ")


def title_of(source: str) -> str:
    """The title of the section that a markdown cell opens, or ""."""
    found = HEADING.match(source)
    return found[1].strip() if found else ""


def deeper_cells(cells: Iterable[tuple[str, str]]) -> list[bool]:
    """Whether each cell, given as (kind, source), belongs to a *Go deeper* section."""
    flags, inside = [], False
    for kind, source in cells:
        if kind == "markdown" and ENDING.match(source):
            inside = bool(title_of(source))
        flags.append(inside)
    return flags
