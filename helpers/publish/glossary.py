"""The glossary: what each term means, and the cell of the lesson that defines it (`data/glossary.json`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.publish.cells.running import Cell

FILE = Path(__file__).resolve().parents[2] / "data" / "glossary.json"
BOLD = re.compile(r"\*\*(.+?)\*\*")
ITALIC = re.compile(r"(?<!\*)\*[^*\n]+\*(?!\*)")  # names of buttons


@dataclass(frozen=True)
class Term:
    """A term, its meaning as a phrase, and where it is defined: the lesson's number and the id of the cell."""

    term: str
    meaning: str
    lesson: str
    cell: str

    def stands_in(self, text: str) -> bool:
        """Whether a text uses the term, in the singular or plural."""
        return bool(_pattern(self.term).search(text))

    def is_marked_in(self, text: str) -> bool:
        """Whether a text has the term, or a part of it as in "**He's** variance", in bold."""
        marked = [each.lower() for each in BOLD.findall(text)]
        return self.stands_in(text.replace("**", "")) and any(
            self.stands_in(each) or each in self.term.lower() for each in marked
        )


@cache
def _pattern(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(term)}(s|es)?(?![\w-])", re.IGNORECASE)


def read_glossary() -> tuple[Term, ...]:
    """All terms, in alphabetical order."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(sorted((Term(**row) for row in rows), key=lambda term: term.term.lower()))


def glossary_faults(terms: Sequence[Term], lessons: Mapping[str, Sequence[Cell]]) -> list[str]:
    """The faults of the glossary as sentences: a term listed twice, not defined in its cell, or used before that cell.

    A definition has its term in bold. The start page and the titles of lessons may use a term earlier.
    """
    names = [term.term.lower() for term in terms]
    found = [f"{name}: two rows; a term has one meaning" for name in sorted(set(names)) if names.count(name) > 1]
    for term in terms:
        cells = {cell.id: cell for cell in lessons.get(term.lesson, ())}
        if term.cell not in cells:
            found.append(f"{term.term}: lesson {term.lesson} has no cell {term.cell}")
        elif not term.is_marked_in(cells[term.cell].source):
            found.append(f"{term.term}: the cell {term.cell} of lesson {term.lesson} doesn't have it in bold")
        else:
            for lesson, cell in _before(term, lessons):
                if term.stands_in(ITALIC.sub("", cell.source)):
                    found.append(f"{term.term}: used in {lesson} {cell.id}, before {term.lesson} {term.cell}")
    return found


def _before(term: Term, lessons: Mapping[str, Sequence[Cell]]) -> Iterator[tuple[str, Cell]]:
    """The prose before the definition of a term, in course order, without the start page and the titles."""
    for lesson, cells in lessons.items():
        for place, cell in enumerate(cell for cell in cells if cell.kind == "markdown"):
            if (lesson, cell.id) == (term.lesson, term.cell):
                return
            if place > 0 and lesson != "00":
                yield lesson, cell
