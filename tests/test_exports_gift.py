"""GIFT files, read back by a reader of our own (tests/gift_reader.py)."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given, settings

from helpers.course import LESSONS
from helpers.publish.exports import choose, gift
from helpers.publish.exports.markup import as_html, body, cleaned, name_of
from helpers.publish.exports.numbers import interval
from helpers.publish.exports.pictures import picture_of
from helpers.publish.exports.presented import present
from helpers.quiz import NEEDS
from helpers.quiz.instances import build
from tests import nasty_texts
from tests.gift_reader import read
from tests.html_reader import tags_of, text_of
from tests.quiz_examples import KINDS, OF_EACH_TYPE

ALL = [*choose(seed=3, needs=NEEDS), *(build(entry, 3) for entry in OF_EACH_TYPE)]
BY_ID = {question.id: question for question in ALL}
READ = read(gift.document(ALL))


def test_the_reader_reads_what_the_format_describes():
    (choice, number, match, essay) = read(
        "// note [id:q1] [tag:a] [tag:b c]\n::Q1\\: one:: What {\n =right # yes\\: \\#1\n"
        " ~%-50%wrong\\=\\~ #no\n ~neither\n}\n\n"
        "$CATEGORY: $course$/x\n\n::Q2::[html]<p>2 \\{ 3?{#=%100%1e-3:0.1#a ~#b####all}\n\n"
        "::Q3::Sort{\n=a->1\n=b -> 2\n}\n\n::Q4::Write.\\nTwo lines\\\\n{####model}\n"
    )
    assert (choice.name, choice.id, choice.tags, choice.category) == ("Q1: one", "q1", ["a", "b c"], "")
    assert [(a.text.text, a.weight, a.feedback.text) for a in choice.answers] == [
        ("right", 100, "yes: #1"),
        ("wrong=~", -50, "no"),
        ("neither", 0, ""),
    ]
    assert (number.category, number.text.text, number.text.format) == ("$course$/x", "<p>2 { 3?", "html")
    assert [(a.text.text, a.tolerance, a.feedback.text) for a in number.answers] == [
        ("1e-3", 0.1, "a"),
        ("", None, "b"),
    ]
    assert number.general_feedback.text == "all"
    assert match.kind == "matching" and [(a.text.text, a.match) for a in match.answers] == [("a", "1"), ("b", "2")]
    assert essay.kind == "essay" and essay.text.text == "Write.\nTwo lines\\n"


@pytest.mark.parametrize("damaged", ["no name {}", "::x:: no braces", "::x:: two {} pairs {}", "::x:: {first ~second}"])
def test_the_reader_refuses_what_is_not_gift(damaged):
    with pytest.raises(ValueError):
        read(damaged)


def test_every_question_is_there_once_in_its_category():
    assert [question.id for question in READ] == [question.id for question in ALL]
    for found in READ:
        lesson = found.id[:2]
        assert found.name == name_of(BY_ID[found.id]) and found.tags == [f"lesson {lesson}"]
        assert found.category == f"$course$/top/Where did the gradient go?/{LESSONS[lesson].name}"


@pytest.mark.parametrize("found", [pytest.param(found, id=found.id) for found in READ])
def test_texts_answers_and_feedback_come_back(found):
    question = BY_ID[found.id]
    assert found.kind == KINDS[question.type][0]
    assert found.text.format == "html" and text_of(found.text.text) == text_of(
        body(question, hint=present(question).hint)
    )
    if found.kind in ("multichoice", "numerical"):
        remarks = [question.kind.remark(question, question.answers.index(a)) for a in question.presented()]
        assert [a.feedback.text for a in found.answers] == [as_html(remark) for remark in remarks]
        assert all(answer.feedback.format == "html" for answer in found.answers)
        assert found.general_feedback is None
    else:
        feedback = text_of(found.general_feedback.text)
        assert as_html(question.model or question.feedback) in found.general_feedback.text
        assert all(
            text_of(as_html(a.feedback)) in feedback and text_of(as_html(a.text)) in feedback for a in question.answers
        )
    if found.kind == "multichoice":
        assert [a.text.text for a in found.answers] == [as_html(a.text) for a in question.presented()]
        assert [a.weight > 0 for a in found.answers] == [a.correct for a in question.presented()]
        assert sum(a.weight for a in found.answers if a.weight > 0) == pytest.approx(100, abs=1e-4)
        if question.type == "many_choice":
            assert sum(a.weight for a in found.answers) == pytest.approx(0, abs=1e-4)
    if found.kind == "matching":
        assert sorted((int(a.match), a.text.text) for a in found.answers) == [
            (place, as_html(a.text)) for place, a in enumerate(question.answers, start=1)
        ]
        assert [int(a.match) for a in found.answers] != sorted(int(a.match) for a in found.answers)
    if found.kind == "numerical":
        for given_back, answer in zip(found.answers, question.answers, strict=True):
            taken = interval(question, answer)
            if taken:
                assert float(given_back.text.text) == pytest.approx(taken.centre, abs=taken.margin / 100)
                assert re.fullmatch(r"-?\d+(\.\d+)?", given_back.text.text), "some readers know no powers of ten"
                assert given_back.tolerance == pytest.approx(taken.margin, rel=1e-9)
                assert given_back.weight == (100 if answer.correct else 0)
            else:
                assert given_back.text.text == "" and given_back.weight == 0


def test_a_picture_goes_along_in_the_text_with_its_words():
    question = next(question for question in ALL if question.type == "profile")
    found = next(found for found in READ if found.id == question.id)
    (image,) = [attributes for tag, attributes in tags_of(found.text.text) if tag == "img"]
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == picture_of(question).svg
    assert image["alt"] == picture_of(question).words


@pytest.mark.parametrize("text", ["[html]", "\t[plain] a", " %50% b", "[moodle]", "%-1%"])
def test_a_text_that_reads_as_a_sign_of_the_format_comes_back(text):
    (answer,) = read(f"::x::[html]q{{\n\t={gift.escaped(text)}\n}}\n")[0].answers
    assert text_of(answer.text.text).strip() == text.strip() and answer.weight == 100


@settings(max_examples=40)
@given(nasty_texts.questions)
def test_any_text_comes_back_intact(question):
    (found,) = read(gift.document([question]))
    assert text_of(found.text.text).startswith(cleaned(question.text))
    assert cleaned(question.code) in text_of(found.text.text)
    if question.type in ("open", "ordering"):
        feedback = text_of(found.general_feedback.text)
        assert all(cleaned(text) in feedback for each in question.answers for text in (each.text, each.feedback))
        assert cleaned(question.model or question.feedback) in feedback
    if question.type == "ordering":
        found.answers.sort(key=lambda answer: int(answer.match))
    for given_back, answer in zip(found.answers, question.answers, strict=question.type != "open"):
        assert text_of(given_back.text.text).strip() == cleaned(answer.text).strip() or question.type == "numeric"
        assert text_of(given_back.feedback.text).strip() == cleaned(answer.feedback).strip() or found.kind == "matching"
