"""The formats by name, and the files that each of them writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from helpers.publish.exports import anki, gift, moodle, paper
from helpers.publish.folder import write_file
from helpers.quiz import Question

Writer = Callable[[Sequence[Question], int | str], Mapping[str, bytes]]
"""Questions and seed -> the content of each file by its name."""


def export(format: str, questions: Sequence[Question], folder: Path, seed: int | str = 0) -> list[Path]:
    """Write the questions in one of `FORMATS` into a folder, made where it isn't there; returns the files written.

    Each file is written whole: until it is there, an earlier one stays. Raises ValueError for a format that is not
    known, and OSError where nothing can be written.
    """
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; it must be one of {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in FORMATS[format](questions, seed).items():
        write_file(folder / name, content)
        written.append(folder / name)
    return written


def _anki(questions: Sequence[Question], seed: int | str) -> Mapping[str, bytes]:
    return {"anki.apkg": anki.package(questions, timestamp=time.time())}


def _moodle(questions: Sequence[Question], seed: int | str) -> Mapping[str, bytes]:
    return {"moodle.xml": moodle.document(questions).encode()}


def _gift(questions: Sequence[Question], seed: int | str) -> Mapping[str, bytes]:
    return {"gift.txt": gift.document(questions).encode()}


def _paper(questions: Sequence[Question], seed: int | str) -> Mapping[str, bytes]:
    sheet, key = paper.documents(questions, seed)
    return {"paper.html": sheet.encode(), "paper_key.html": key.encode()}


FORMATS: Mapping[str, Writer] = {"anki": _anki, "moodle": _moodle, "gift": _gift, "paper": _paper}
