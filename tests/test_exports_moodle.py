"""Moodle XML, read back by an XML parser and held against what Moodle's import asks of each type of question."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings

from helpers.course import LESSONS
from helpers.publish.exports import choose, moodle
from helpers.publish.exports.markup import as_html, body, cleaned
from helpers.publish.exports.numbers import interval
from helpers.publish.exports.pictures import picture_of
from helpers.quiz import NEEDS
from helpers.quiz.instances import build
from tests import nasty_texts
from tests.html_reader import tags_of, text_of
from tests.quiz_examples import KINDS, OF_EACH_TYPE

ALL = [*choose(seed=3, needs=NEEDS), *(build(entry, 3) for entry in OF_EACH_TYPE)]
BY_ID = {question.id: question for question in ALL}
ROOT = ET.fromstring(moodle.document(ALL))
ENTRIES = [entry for entry in ROOT if entry.get("type") != "category"]

# Which elements a question has, by type, and how often: "1" once, "+" at least once, "?" at most once.
COMMON = {
    "name": "1",
    "questiontext": "1",
    "generalfeedback": "1",
    "defaultgrade": "1",
    "penalty": "1",
    "hidden": "1",
    "idnumber": "1",
    "tags": "?",
}
OWN = {
    "multichoice": {
        "single": "1",
        "shuffleanswers": "1",
        "answernumbering": "1",
        "showstandardinstruction": "?",
        "answer": "+",
    },
    "numerical": {
        "answer": "+",
        "units": "?",
        "unitgradingtype": "1",
        "unitpenalty": "1",
        "showunits": "1",
        "unitsleft": "1",
    },
    "ordering": {
        "layouttype": "1",
        "selecttype": "1",
        "selectcount": "1",
        "gradingtype": "1",
        "showgrading": "1",
        "numberingstyle": "1",
        "correctfeedback": "1",
        "partiallycorrectfeedback": "1",
        "incorrectfeedback": "1",
        "shownumcorrect": "1",
        "answer": "+",
    },
    "essay": {
        "responseformat": "1",
        "responserequired": "1",
        "responsefieldlines": "1",
        "attachments": "1",
        "attachmentsrequired": "1",
        "graderinfo": "1",
        "responsetemplate": "1",
    },
}
TEXTS = {"name", "questiontext", "generalfeedback", "feedback", "answer", "category", "tag"}
TEXTS |= {"graderinfo", "responsetemplate", "correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"}
FORMATS = {"html", "moodle_auto_format", "plain_text", "markdown"}
GRADES = {100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20, 16.66667, 14.28571, 12.5}
GRADES |= {11.11111, 10, 5, 0}  # the shares of a mark that Moodle knows; it refuses others on import


def problems(entry: ET.Element) -> list[str]:
    """What Moodle's import would stumble over."""
    found = []
    wanted = COMMON | OWN[entry.get("type")]
    for tag in {child.tag for child in entry} - wanted.keys():
        found.append(f"{tag} is unknown")
    for tag, times in wanted.items():
        count = len(entry.findall(tag))
        if not {"1": count == 1, "+": count >= 1, "?": count <= 1}[times]:
            found.append(f"{tag} is there {count} times")
    for element in entry.iter():
        if element.tag in TEXTS and len(element.findall("text")) != 1:
            found.append(f"{element.tag} has no text of its own")
        if element.get("format", "html") not in FORMATS:
            found.append(f"{element.tag} has the format {element.get('format')}")
    if entry.get("type") in ("essay", "ordering"):  # graded by hand, and by the order of the answers
        return found
    grades = [float(answer.get("fraction")) for answer in entry.findall("answer")]
    if any(abs(grade) not in GRADES for grade in grades):
        found.append(f"grades are {grades}")
    many = entry.findtext("single") == "false"
    best = sum(grade for grade in grades if grade > 0) if many else max(grades)
    if abs(best - 100) > 1e-4:
        found.append(f"the best answer earns {best}")
    return found


def inner(element: ET.Element, path: str) -> str:
    return element.findtext(f"{path}/text") or ""


def test_the_check_finds_what_is_wrong():
    entry = ET.fromstring(moodle.document([q for q in ALL if q.type == "multiple_choice"][:1]))[1]
    assert problems(entry) == []
    entry.find("single").tag = "several"
    entry.find("answer").set("fraction", "33")
    entry.find("name").clear()
    assert len(problems(entry)) >= 4


@pytest.mark.parametrize("entry", [pytest.param(entry, id=inner(entry, "name")) for entry in ENTRIES])
def test_every_question_is_as_moodle_wants_it(entry):
    assert problems(entry) == []
    question = BY_ID[entry.findtext("idnumber")]
    assert entry.get("type") == KINDS[question.type][1]
    assert (
        inner(entry, "name").startswith(f"{question.id}: {question.text[:20].rstrip()}")
        and len(inner(entry, "name")) < 120
    )
    assert text_of(inner(entry, "questiontext")) == text_of(body(question))
    assert [inner(tag, ".") for tag in entry.find("tags")] == [f"lesson {question.lesson}"]


def test_every_question_is_there_once_behind_the_category_of_its_lesson():
    assert [entry.findtext("idnumber") for entry in ENTRIES] == [question.id for question in ALL]
    category = ""
    for entry in ROOT:
        if entry.get("type") == "category":
            category = inner(entry, "category")
        else:
            lesson = entry.findtext("idnumber")[:2]
            assert category == f"$course$/top/Where did the gradient go?/{LESSONS[lesson].name}"


@pytest.mark.parametrize("entry", [pytest.param(entry, id=inner(entry, "name")) for entry in ENTRIES])
def test_answers_and_feedback_come_back(entry):
    question = BY_ID[entry.findtext("idnumber")]
    answers = entry.findall("answer")
    if entry.get("type") in ("multichoice", "numerical"):
        remarks = [as_html(question.kind.remark(question, question.answers.index(a))) for a in question.presented()]
        assert [inner(answer, "feedback") for answer in answers] == remarks
        assert [float(answer.get("fraction")) > 0 for answer in answers] == [a.correct for a in question.presented()]
        assert inner(entry, "generalfeedback") == ""
    if entry.get("type") in ("multichoice", "ordering"):
        shown = question.answers if question.type == "ordering" else question.presented()
        assert [inner(answer, ".") for answer in answers] == [as_html(a.text) for a in shown]
        assert entry.findtext("single", "") == {"many_choice": "false", "ordering": ""}.get(question.type, "true")
    if question.type == "many_choice":
        assert sum(float(answer.get("fraction")) for answer in answers) == pytest.approx(0, abs=1e-4)
    if question.type in ("open", "ordering"):
        feedback = inner(entry, "generalfeedback")
        assert as_html(question.model or question.feedback) in feedback
        assert all(as_html(a.text) in feedback and as_html(a.feedback) in feedback for a in question.answers)
    if question.type == "open":
        assert inner(entry, "graderinfo") == inner(entry, "generalfeedback")
        assert entry.findtext("defaultgrade") == str(len(question.answers))
    if question.type == "numeric":
        assert [unit.text for unit in entry.iter("unit_name")] == ([question.unit] if question.unit else [])
        assert entry.findtext("showunits") == ("0" if question.unit else "3")
        for given_back, answer in zip(answers, question.answers, strict=True):
            taken = interval(question, answer)
            if taken:
                assert float(inner(given_back, ".")) == pytest.approx(taken.centre, abs=taken.margin / 100)
                assert float(given_back.findtext("tolerance")) == pytest.approx(taken.margin, rel=1e-9)
            else:
                assert inner(given_back, ".") == "*"


def test_a_picture_goes_along_as_a_file_that_the_text_names():
    pictured = [entry for entry in ENTRIES if entry.find("questiontext/file") is not None]
    assert {BY_ID[entry.findtext("idnumber")].type for entry in pictured} == {"profile"}
    for entry in pictured:
        picture, file = picture_of(BY_ID[entry.findtext("idnumber")]), entry.find("questiontext/file")
        (image,) = [attributes for tag, attributes in tags_of(inner(entry, "questiontext")) if tag == "img"]
        assert image["src"] == f"@@PLUGINFILE@@/{file.get('name')}" and image["alt"] == picture.words
        assert (file.get("path"), file.get("encoding")) == ("/", "base64")
        assert base64.b64decode(file.text).decode() == picture.svg


def test_a_slash_in_a_name_does_not_open_a_category(monkeypatch):
    monkeypatch.setattr(moodle, "lesson_name", lambda lesson: "in/out")
    assert moodle.category_path("03") == "$course$/top/Where did the gradient go?/in//out"


@settings(max_examples=40)
@given(nasty_texts.questions)
def test_any_text_comes_back_intact(question):
    entry = ET.fromstring(moodle.document([question]).encode())[1]
    assert problems(entry) == []
    shown = text_of(inner(entry, "questiontext"))
    assert shown.startswith(cleaned(question.text)) and cleaned(question.code) in shown
    if question.type in ("open", "ordering"):
        feedback = text_of(inner(entry, "generalfeedback"))
        assert all(cleaned(text) in feedback for each in question.answers for text in (each.text, each.feedback))
        assert cleaned(question.model or question.feedback) in feedback
    for given_back, answer in zip(entry.findall("answer"), question.answers, strict=question.type != "open"):
        assert text_of(inner(given_back, ".")) == cleaned(answer.text) or question.type == "numeric"
        assert text_of(inner(given_back, "feedback")) == cleaned(answer.feedback) or question.type == "ordering"
    assert [unit.text for unit in entry.iter("unit_name")] == ([cleaned(question.unit)] if question.unit else [])


def test_the_guide_for_teachers_says_what_questions_that_ask_for_an_order_need() -> None:
    assert "ordering" in {entry.get("type") for entry in ENTRIES}  # which Moodle has had since 4.4
    guide = " ".join((Path(__file__).parents[1] / "docs" / "teaching.md").read_text(encoding="utf-8").split())
    assert "Questions that ask for an order need Moodle 4.4 or newer, or the plugin *Ordering*" in guide
