"""A deck of cards for Anki (apps.ankiweb.net), written by genanki: question on the front, answer on the back."""

from __future__ import annotations

import hashlib
import tempfile
import time
import zipfile
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path

import genanki

from helpers.course import TITLE
from helpers.publish.exports.markup import as_html, body, lesson_name
from helpers.publish.exports.pictures import Picture, picture_of
from helpers.publish.exports.presented import Presented, present
from helpers.quiz import Question

STYLE = """
.card { font-family: Inter, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; font-size: 20px;
  line-height: 1.45; text-align: left; max-width: 40em; margin: 0 auto; padding: 0.5em; }
.lesson { font-size: 14px; opacity: 0.7; }
.remarks { font-size: 17px; padding-left: 0; list-style: none; }
.remarks li { margin: 0.6em 0; padding-left: 1.4em; text-indent: -1.4em; }
"""
FRONT = '<div class="lesson">{{Lesson}}</div>{{Question}}{{Options}}'
BACK = '{{FrontSide}}<hr id="answer">{{Answer}}{{Feedback}}'
FIELDS = ("Question", "Options", "Answer", "Feedback", "Lesson", "Id")


def stable_id(name: str) -> int:
    """The number by which Anki recognizes a deck or a note type: always the same for a name (31 bits, not 0)."""
    digest = hashlib.sha256(f"{TITLE} {name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1 or 1


def guid(question: Question) -> str:
    """The identifier by which Anki recognizes the card, even after its text has changed."""
    return str(genanki.guid_for(TITLE, question.id))


def files(questions: Sequence[Question], seed: int | str) -> dict[str, bytes]:
    """The deck as a file; on a second import Anki updates the cards that have changed since the first."""
    return {"anki.apkg": package(questions, timestamp=time.time())}


def package(questions: Sequence[Question], timestamp: float) -> bytes:
    """The content of an .apkg file, a deck for each lesson.

    timestamp: seconds since 1970; on a second import Anki updates cards that have a later one. The same questions and
    timestamp give the same bytes.
    """
    model = _note_type()
    decks, pictures = [], []
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        name = lesson_name(lesson)
        decks.append(genanki.Deck(stable_id(name), f"{TITLE}::{name}"))
        for question in group:
            picture = picture_of(question)
            pictures += [picture] if picture else []
            decks[-1].add_note(_note(model, present(question), picture))
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, picture.name) for picture in pictures]
        for file, picture in zip(files, pictures, strict=True):
            file.write_text(picture.svg, encoding="utf-8", newline="\n")
        written = BytesIO()
        genanki.Package(decks, [str(file) for file in files]).write_to_file(written, timestamp=timestamp)
    return _without_clock(written)


def _note_type() -> genanki.Model:
    return genanki.Model(
        stable_id("question"),
        TITLE,
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Question", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
    )


def _note(model: genanki.Model, shown: Presented, picture: Picture | None) -> genanki.Note:
    question = shown.question
    fields = [
        body(question, picture.image(picture.name) if picture else "", shown.hint),
        _options(shown),
        shown.solved(),
        shown.remarked(),
        as_html(lesson_name(question.lesson)),
        question.id,
    ]
    # An opening bracket could begin one of Anki's own tags, such as [sound:…].
    return genanki.Note(
        model=model,
        fields=[field.replace("[", "&#91;") for field in fields],
        tags=[f"lesson-{question.lesson}"],
        guid=guid(question),
    )


def _options(shown: Presented) -> str:
    items = "".join(f"<li>{as_html(option)}</li>" for option in shown.options)
    return f'<ol type="A">{items}</ol>' if items else ""


def _without_clock(archive: BytesIO) -> bytes:
    """The same zip archive with a fixed date for its files, so that its bytes depend only on their contents."""
    repacked = BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(repacked, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return repacked.getvalue()
