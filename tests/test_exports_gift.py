"""GIFT files, read back by a reader of our own (tests/gift_reader.py)."""

from __future__ import annotations

import pytest
from hypothesis import given

from helpers.course import LESSONS
from helpers.exports import choose, gift
from helpers.exports.markup import as_html, body, cleaned
from helpers.exports.numbers import interval
from tests import nasty_texts
from tests.gift_reader import read
from tests.html_reader import text_of

ALL = choose()
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
        assert found.name == found.id and found.tags == [f"lesson {lesson}"]
        assert found.category == f"$course$/top/Where did the gradient go?/{lesson} {LESSONS[lesson]}"


@pytest.mark.parametrize("found", [pytest.param(found, id=found.id) for found in READ])
def test_texts_answers_and_feedback_come_back(found):
    question = BY_ID[found.id]
    assert found.text.format == "html" and found.text.text == body(question)
    assert [answer.feedback.text for answer in found.answers] == [as_html(a.feedback) for a in question.answers]
    assert all(answer.feedback.format == "html" for answer in found.answers)
    if question.type == "multiple_choice":
        assert found.kind == "multichoice"
        assert [(a.text.text, a.weight) for a in found.answers] == [
            (as_html(a.text), 100 if a.correct else 0) for a in question.answers
        ]
    if question.type == "numeric":
        assert found.kind == "numerical"
        for given_back, answer in zip(found.answers, question.answers, strict=True):
            taken = interval(question, answer)
            if taken:
                assert float(given_back.text.text) == pytest.approx(taken.centre, abs=taken.margin / 100)
                assert given_back.tolerance == pytest.approx(taken.margin, rel=1e-9)
                assert given_back.weight == (100 if answer.correct else 0)
            else:
                assert given_back.text.text == "" and given_back.weight == 0


@given(nasty_texts.questions)
def test_any_text_comes_back_intact(question):
    (found,) = read(gift.document([question]))
    assert text_of(found.text.text).startswith(cleaned(question.text))
    assert cleaned(question.code) in text_of(found.text.text)
    for given_back, answer in zip(found.answers, question.answers, strict=True):
        assert text_of(given_back.text.text).strip() == cleaned(answer.text).strip() or question.type == "numeric"
        assert text_of(given_back.feedback.text).strip() == cleaned(answer.feedback).strip()
