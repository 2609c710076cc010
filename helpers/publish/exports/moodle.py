"""Moodle XML: the format of Moodle's own question bank (docs.moodle.org, "Moodle XML format").

Choices become Moodle's type multichoice; numeric becomes numerical with tolerance and unit; ordering stays ordering
(part of Moodle since 4.4, before that the plugin qtype_ordering); open becomes essay, with the model answer and the
rubric for the grader.
"""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from helpers.course import TITLE
from helpers.publish.exports.markup import as_html, body, cleaned, explained, lesson_name, name_of
from helpers.publish.exports.numbers import interval, share
from helpers.publish.exports.pictures import picture_of
from helpers.quiz import Question, for_each_type

OPTIONAL_UNIT, NO_UNIT = "0", "3"  # what Moodle calls UNITINPUT and UNITNONE


def files(questions: Sequence[Question], seed: int | str) -> dict[str, bytes]:
    """The questions as a file for Moodle's question bank."""
    return {"moodle.xml": document(questions).encode()}


def document(questions: Sequence[Question]) -> str:
    """The questions as one XML text, with a category for each lesson."""
    root = ET.Element("quiz")
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        _category(root, lesson)
        for question in group:
            _question(root, question)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def category_path(lesson: str) -> str:
    """The path of Moodle's category for a lesson; a slash within a name is doubled."""
    names = (TITLE, lesson_name(lesson))
    return "/".join(["$course$", "top", *(name.replace("/", "//") for name in names)])


def _category(root: ET.Element, lesson: str) -> None:
    entry = ET.SubElement(root, "question", type="category")
    _text(entry, "category", category_path(lesson))


def _text(parent: ET.Element, tag: str, content: str, **attributes: str) -> ET.Element:
    """Add `<tag><text>content</text></tag>`, as Moodle wraps every text."""
    element = ET.SubElement(parent, tag, attributes)
    ET.SubElement(element, "text").text = content
    return element


def _html(parent: ET.Element, tag: str, content: str) -> ET.Element:
    return _text(parent, tag, content, format="html")


def _plain(parent: ET.Element, **values: str) -> None:
    for tag, value in values.items():
        ET.SubElement(parent, tag).text = value


def _question(root: ET.Element, question: Question) -> None:
    kind, fill = WRITERS[question.type]
    picture = picture_of(question)
    image = picture.image(f"@@PLUGINFILE@@/{picture.name}") if picture else ""
    entry = ET.SubElement(root, "question", type=kind)
    _text(entry, "name", name_of(question))
    text = _html(entry, "questiontext", body(question, image))
    if picture:
        file = ET.SubElement(text, "file", name=picture.name, path="/", encoding="base64")
        file.text = base64.b64encode(picture.svg.encode()).decode()
    _html(entry, "generalfeedback", explained(question))
    _plain(
        entry, defaultgrade=str(question.kind.points(question)), penalty="0.3333333", hidden="0", idnumber=question.id
    )
    fill(entry, question)
    tags = ET.SubElement(entry, "tags")
    _text(tags, "tag", f"lesson {question.lesson}")


def _choice(entry: ET.Element, question: Question, single: str = "true") -> None:
    _plain(entry, single=single, shuffleanswers="true", answernumbering="ABCD", showstandardinstruction="0")
    for answer in question.presented():
        element = _text(entry, "answer", as_html(answer.text), fraction=share(question, answer), format="html")
        remark = question.kind.remark(question, question.answers.index(answer))
        _html(element, "feedback", as_html(remark))


def _choices(entry: ET.Element, question: Question) -> None:
    _choice(entry, question, single="false")


def _numeric(entry: ET.Element, question: Question) -> None:
    for answer in question.answers:
        taken = interval(question, answer)
        text, margin = (taken.written(), taken.margin_written()) if taken else ("*", "0")
        element = _text(entry, "answer", text, fraction=share(question, answer), format="moodle_auto_format")
        _html(element, "feedback", as_html(answer.feedback))
        _plain(element, tolerance=margin)
    if question.unit:
        unit = ET.SubElement(ET.SubElement(entry, "units"), "unit")
        _plain(unit, multiplier="1", unit_name=cleaned(question.unit))
    shown = OPTIONAL_UNIT if question.unit else NO_UNIT
    _plain(entry, unitgradingtype="0", unitpenalty="0", showunits=shown, unitsleft="0")


def _ordering(entry: ET.Element, question: Question) -> None:
    _plain(entry, layouttype="VERTICAL", selecttype="ALL", selectcount=str(len(question.answers)))
    _plain(entry, gradingtype="RELATIVE_ALL_PREVIOUS_AND_NEXT", showgrading="SHOW", numberingstyle="123")
    for part in ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"):
        _html(entry, part, "")
    _plain(entry, shownumcorrect="1")
    for place, answer in enumerate(question.answers, start=1):
        _text(entry, "answer", as_html(answer.text), fraction=str(place), format="html")


def _open(entry: ET.Element, question: Question) -> None:
    _plain(entry, responseformat="editor", responserequired="1", responsefieldlines="10")
    _plain(entry, attachments="0", attachmentsrequired="0")
    _html(entry, "graderinfo", explained(question))
    _html(entry, "responsetemplate", "")


WRITERS: Mapping[str, tuple[str, Callable[[ET.Element, Question], None]]] = for_each_type(
    "helpers/publish/exports/moodle.py",
    {
        "multiple_choice": ("multichoice", _choice),
        "many_choice": ("multichoice", _choices),
        "profile": ("multichoice", _choice),
        "numeric": ("numerical", _numeric),
        "ordering": ("ordering", _ordering),
        "open": ("essay", _open),
    },
)
