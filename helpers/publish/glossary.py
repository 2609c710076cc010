"""The glossary: what each term means, and the cell of the lesson that defines it (`data/glossary.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "data" / "glossary.json"


@dataclass(frozen=True)
class Term:
    """A term, its meaning as a phrase, and where it is defined: the lesson's number and the id of the cell."""

    term: str
    meaning: str
    lesson: str
    cell: str


def read_glossary() -> tuple[Term, ...]:
    """All terms, in alphabetical order."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(sorted((Term(**row) for row in rows), key=lambda term: term.term.lower()))
