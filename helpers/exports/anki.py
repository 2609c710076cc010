"""A deck of cards for Anki (apps.ankiweb.net), written by genanki: the question in front, its answer behind."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby

import genanki

from helpers.exports.markup import COURSE, as_html, body, lesson_name
from helpers.exports.presented import Presented, Remark, present
from helpers.quiz import Question

STYLE = """
.card { font-family: Inter, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; font-size: 20px;
  line-height: 1.45; text-align: left; max-width: 40em; margin: 0 auto; padding: 0.5em; }
.lesson { font-size: 14px; opacity: 0.7; }
.answer { font-weight: bold; }
.remarks { font-size: 17px; padding-left: 0; list-style: none; }
.remarks li { margin: 0.6em 0; padding-left: 1.4em; text-indent: -1.4em; }
img { max-width: 100%; background: white; }
"""
FRONT = '<div class="lesson">{{Lesson}}</div>{{Question}}{{Options}}'
BACK = '{{FrontSide}}<hr id="answer"><div class="answer">{{Answer}}</div>{{Feedback}}'
FIELDS = ("Question", "Options", "Answer", "Feedback", "Lesson", "Id")


def stable_id(name: str) -> int:
    """The number by which Anki knows a deck or a note type again: always the same for a name (31 bits, not 0)."""
    digest = hashlib.sha256(f"{COURSE} {name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1 or 1


def guid(question: Question) -> str:
    """The name by which Anki knows the card again, whatever has changed in it."""
    return str(genanki.guid_for(COURSE, question.id))


def package(questions: Sequence[Question], seed: int, timestamp: float) -> bytes:
    """The content of an .apkg file, a deck for each lesson.

    timestamp: seconds since 1970. On a second import Anki takes over what carries a later one than it has.
    The same questions, seed and timestamp give the same bytes.
    """
    model = _note_type()
    decks = []
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        name = lesson_name(lesson)
        decks.append(genanki.Deck(stable_id(name), f"{COURSE}::{name}"))
        for question in group:
            decks[-1].add_note(_note(model, question, seed))
    written = BytesIO()
    genanki.Package(decks).write_to_file(written, timestamp=timestamp)
    return _without_clock(written)


def _note_type() -> genanki.Model:
    return genanki.Model(
        stable_id("question"),
        COURSE,
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Question", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
    )


def _note(model: genanki.Model, question: Question, seed: int) -> genanki.Note:
    shown = present(question, seed)
    fields = [
        body(question),
        _options(shown),
        as_html(shown.solution),
        _remarks(shown.remarks),
        as_html(lesson_name(question.lesson)),
        question.id,
    ]
    # An opening bracket could begin a word that Anki obeys, such as [sound:…].
    return genanki.Note(
        model=model,
        fields=[field.replace("[", "&#91;") for field in fields],
        tags=[f"lesson-{question.lesson}"],
        guid=guid(question),
    )


def _options(shown: Presented) -> str:
    items = "".join(f"<li>{as_html(option)}</li>" for option in shown.options)
    return f'<ol type="A">{items}</ol>' if items else ""


def _remarks(remarks: Sequence[Remark]) -> str:
    items = "".join(
        f"<li>{'✓' if each.right else '✗'} <b>{as_html(each.label)}</b> – {as_html(each.feedback)}</li>"
        for each in remarks
    )
    return f'<ul class="remarks">{items}</ul>' if items else ""


def _without_clock(archive: BytesIO) -> bytes:
    """The same zip archive, its files dated alike, so that it depends on nothing but what is in it."""
    repacked = BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(repacked, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return repacked.getvalue()
