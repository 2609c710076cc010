"""The teacher's notes of a lesson: `data/teacher/NN_slug.md`, each note under the id of its cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.publish.cells.running import Cell

FOLDER = Path(__file__).resolve().parents[2] / "data" / "teacher"
NOTE = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"##? ")


class NotesError(ValueError):
    """The file of notes doesn't fit its notebook; the message names file, cell and remedy."""


def notes_of(notebook: Path, cells: Sequence[Cell], folder: Path = FOLDER) -> Mapping[str, str]:
    """The notes of a lesson as Markdown, by the id of their cell; empty where there is no file.

    NotesError where a note is bound to a cell that the notebook doesn't have.
    """
    path = folder / f"{notebook.stem}.md"
    notes = dict(read_notes(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    if unknown := notes.keys() - {cell.id for cell in cells}:
        raise NotesError(
            f"{path.name} has notes for {', '.join(sorted(unknown))}, and {notebook.name} has no such cell: "
            "use the id of a cell as the heading"
        )
    return notes


def read_notes(text: str) -> list[tuple[str, str]]:
    """The notes of a file, in order: the id of the cell, and the Markdown."""
    return [(found[1], found[2].strip()) for found in NOTE.finditer(text)]


def spread(cells: Sequence[Cell], notes: Mapping[str, str]) -> dict[str, str]:
    """The id of the note for each cell: its own, else the previous one in the same section."""
    found, current = {}, ""
    for cell in cells:
        if cell.id in notes:
            current = cell.id
        elif cell.kind == "markdown" and SECTION.match(cell.source):
            current = ""
        if current:
            found[cell.id] = current
    return found
