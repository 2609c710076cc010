"""Moodle XML: the format of Moodle's own question bank (docs.moodle.org, "Moodle XML format").

Types: multiple_choice → multichoice, numeric → numerical with tolerance and unit.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from itertools import groupby

from helpers.exports.markup import COURSE, as_html, body, lesson_name
from helpers.exports.numbers import interval
from helpers.quiz import Question

OPTIONAL_UNIT, NO_UNIT = "0", "3"  # what Moodle calls UNITINPUT and UNITNONE


def document(questions: Sequence[Question]) -> str:
    """The questions as one XML file, a category for each lesson."""
    root = ET.Element("quiz")
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        _category(root, lesson)
        for question in group:
            _question(root, question)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def category_path(lesson: str) -> str:
    """Where Moodle files the questions of a lesson; a slash within a name is written twice."""
    names = (COURSE, lesson_name(lesson))
    return "/".join(["$course$", "top", *(name.replace("/", "//") for name in names)])


def _category(root: ET.Element, lesson: str) -> None:
    entry = ET.SubElement(root, "question", type="category")
    _text(entry, "category", category_path(lesson))


def _text(parent: ET.Element, tag: str, content: str, **attributes: str) -> ET.Element:
    """`<tag><text>content</text></tag>`, the way Moodle wraps every text."""
    element = ET.SubElement(parent, tag, attributes)
    ET.SubElement(element, "text").text = content
    return element


def _html(parent: ET.Element, tag: str, content: str) -> ET.Element:
    return _text(parent, tag, content, format="html")


def _plain(parent: ET.Element, **values: str) -> None:
    for tag, value in values.items():
        ET.SubElement(parent, tag).text = value


def _question(root: ET.Element, question: Question) -> None:
    kind, fill = TYPES[question.type]
    entry = ET.SubElement(root, "question", type=kind)
    _text(entry, "name", question.id)
    _html(entry, "questiontext", body(question))
    _html(entry, "generalfeedback", "")
    _plain(entry, defaultgrade="1", penalty="0.3333333", hidden="0", idnumber=question.id)
    fill(entry, question)
    tags = ET.SubElement(entry, "tags")
    _text(tags, "tag", f"lesson {question.lesson}")


def _answer(entry: ET.Element, text: str, fraction: str, feedback: str, format: str = "html") -> ET.Element:
    answer = _text(entry, "answer", text, fraction=fraction, format=format)
    _html(answer, "feedback", as_html(feedback))
    return answer


def _choice(entry: ET.Element, question: Question) -> None:
    _plain(entry, single="true", shuffleanswers="true", answernumbering="ABCD", showstandardinstruction="0")
    for answer in question.answers:
        _answer(entry, as_html(answer.text), "100" if answer.correct else "0", answer.feedback)


def _numeric(entry: ET.Element, question: Question) -> None:
    for answer in question.answers:
        taken = interval(question, answer)
        text, margin = (taken.written(), taken.margin_written()) if taken else ("*", "0")
        element = _answer(entry, text, "100" if answer.correct else "0", answer.feedback, format="moodle_auto_format")
        _plain(element, tolerance=margin)
    if question.unit:
        unit = ET.SubElement(ET.SubElement(entry, "units"), "unit")
        _plain(unit, multiplier="1", unit_name=question.unit)
    shown = OPTIONAL_UNIT if question.unit else NO_UNIT
    _plain(entry, unitgradingtype="0", unitpenalty="0", showunits=shown, unitsleft="0")


TYPES: dict[str, tuple[str, Callable[[ET.Element, Question], None]]] = {
    "multiple_choice": ("multichoice", _choice),
    "numeric": ("numerical", _numeric),
}
