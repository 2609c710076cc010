"""The page of the teacher's guide, for A4 and Letter: minutes, polls, notes and answers, lesson by lesson."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from helpers.course import AUTHORS, CONTENT_LICENCE, LESSONS, TITLE
from helpers.panels.lesson_11 import UNKNOWN
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.cells.text import markdown_html
from helpers.publish.html import WITHOUT_SCRIPTS, document
from helpers.publish.minutes import contents
from helpers.publish.teacher import notes_of
from helpers.quiz import BANKS, load_predictions

STYLE = """
@page { margin: 18mm 16mm 20mm; }
* { box-sizing: border-box; }
body { font: 11pt/1.45 "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; color: #000; background: #fff;
  max-width: 180mm; margin: 0 auto; padding: 4mm; }
h1 { font-size: 18pt; margin: 0 0 3mm; }
h2 { font-size: 14pt; margin: 9mm 0 2mm; padding-top: 3mm; border-top: 1pt solid #000; break-after: avoid; }
h3 { font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid; }
section + section { break-before: page; }
p { margin: 0 0 2mm; orphans: 3; widows: 3; }
.minutes { color: #444; }
table { border-collapse: collapse; margin: 1mm 0 3mm; font-size: 10pt; }
th, td { padding: 1mm 4mm 1mm 0; text-align: left; vertical-align: top; border-bottom: 0.5pt solid #aaa; }
th, td { overflow-wrap: anywhere; }
tr { break-inside: avoid; }
@media print { .back { display: none; } }
code { font-family: Consolas, Menlo, "DejaVu Sans Mono", monospace; font-size: 0.92em; }
"""
INTRODUCTION = (
    "Each lesson has a main line for one class, and sections called <em>Go deeper</em> for those who want more. "
    "Minutes are computed from the text, the cells and the sliders. The exercises and the quiz are homework. The same "
    "notes appear in the speaker's window of the slides: <code>python start.py present 03</code>, then the key S."
)


def guide_page(sources: Mapping[str, Path], home: str = "") -> str:
    """The guide as HTML. `sources`: the notebook of each lesson by its number; `home`: the page it links back to."""
    lessons = "\n".join(_lesson(lesson, path) for lesson, path in sources.items())
    cells = {lesson: read_cells(path) for lesson, path in sources.items()}
    back = f'<p class="back"><a href="{home}">← {TITLE}</a></p>' if home else ""
    body = (
        f"<main>{back}<h1>{TITLE} Teacher's guide</h1><p>{INTRODUCTION}</p>{_minutes_table(cells)}{lessons}"
        f"<p>© {AUTHORS}, {CONTENT_LICENCE}.</p></main>"
    )
    return document("Teacher's guide", body, style=STYLE, allowed=WITHOUT_SCRIPTS)


def _minutes_table(lessons: Mapping[str, Sequence[Cell]]) -> str:
    rows = []
    for lesson, cells in lessons.items():
        main_line, whole = contents(lesson, cells), contents(lesson, cells, whole=True)
        minutes = (main_line.in_class, main_line.alone, whole.in_class, whole.alone)
        rows.append([html.escape(LESSONS[lesson].name), *(str(each) for each in minutes)])
    return _table(["Lesson", "class", "alone", "class, with Go deeper", "alone, with Go deeper"], rows)


def _lesson(lesson: str, path: Path) -> str:
    cells = read_cells(path)
    parts = [f"<h2>{html.escape(LESSONS[lesson].name)}</h2>", *_poll(lesson)]
    titled = [(_section(cells, id), markdown_html(note)) for id, note in notes_of(path, cells).items()]
    for title, notes in groupby(titled, key=itemgetter(0)):
        parts.append(f"<h3>{html.escape(title)}</h3>{''.join(note for _, note in notes)}")
    parts += _hidden_networks(lesson, path)
    return f"<section>{''.join(parts)}</section>"


def _poll(lesson: str) -> Iterator[str]:
    """The predictions that the class makes before it sees anything."""
    for prediction in load_predictions().values():
        if prediction.lesson == lesson:
            options = f" <em>({' · '.join(map(html.escape, prediction.options))})</em>" if prediction.options else ""
            yield f"<p><b>Poll.</b> {html.escape(prediction.question)}{options}</p>"


def _section(cells: Sequence[Cell], id: str) -> str:
    """The heading of or above a cell, without the lesson's number and without asterisks."""
    heading = ""
    for cell in cells:
        if cell.kind == "markdown" and (found := re.match(r"#{1,3} +(?:\d\d )?(.+)", cell.source)):
            heading = found[1].replace("*", "").strip()
        if cell.id == id:
            break
    return heading


def _hidden_networks(lesson: str, path: Path) -> Iterator[str]:
    """The networks that the lesson's quiz may hide and what gives each away; in lesson 11 also those of the panel."""
    if lesson == "11":
        rows = [
            [str(number), *(html.escape(str(value)) for value in spec.values())] for number, spec in UNKNOWN.items()
        ]
        yield f"<h3>The unknown networks of the panel</h3>{_table(['number', *next(iter(UNKNOWN.values()))], rows)}"
    for question in _profile_questions(path):
        rows = [[html.escape(each["answer"]), html.escape(each["feedback"])] for each in question["answers"]]
        yield f"<h3>Hidden networks in the quiz</h3>{_table(['network', 'what gives it away'], rows)}"


def _profile_questions(path: Path) -> list[dict[str, Any]]:
    bank = json.loads((BANKS / f"{path.stem}.json").read_text(encoding="utf-8"))
    return [question for question in bank if "network" in question]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
