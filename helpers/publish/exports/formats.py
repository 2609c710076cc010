"""The formats by name, and the files that each of them writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from helpers.publish.exports import anki, gift, moodle, paper
from helpers.quiz import Question

Writer = Callable[[Sequence[Question], int | str, Path], list[Path]]


def export(format: str, questions: Sequence[Question], folder: Path, seed: int | str = 0) -> list[Path]:
    """Write the questions in one of `FORMATS` into a folder, made where it isn't there; returns the files written.

    Raises ValueError for a format that is not known, and OSError where nothing can be written.
    """
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; it must be one of {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    return FORMATS[format](questions, seed, folder)


def _text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="\n")
    return path


def _anki(questions: Sequence[Question], seed: int | str, folder: Path) -> list[Path]:
    path = folder / "anki.apkg"
    path.write_bytes(anki.package(questions, timestamp=time.time()))
    return [path]


def _moodle(questions: Sequence[Question], seed: int | str, folder: Path) -> list[Path]:
    return [_text(folder / "moodle.xml", moodle.document(questions))]


def _gift(questions: Sequence[Question], seed: int | str, folder: Path) -> list[Path]:
    return [_text(folder / "gift.txt", gift.document(questions))]


def _paper(questions: Sequence[Question], seed: int | str, folder: Path) -> list[Path]:
    sheet, key = paper.documents(questions, seed)
    return [_text(folder / "paper.html", sheet), _text(folder / "paper_key.html", key)]


FORMATS: Mapping[str, Writer] = {"anki": _anki, "moodle": _moodle, "gift": _gift, "paper": _paper}
