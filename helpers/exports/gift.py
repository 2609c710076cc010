"""GIFT: questions as a plain text that Moodle and other platforms read (docs.moodle.org, "GIFT format")."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from helpers.exports.markup import COURSE, as_html, body
from helpers.exports.moodle import category_path
from helpers.exports.numbers import interval
from helpers.quiz import Answer, Question


def document(questions: Sequence[Question]) -> str:
    """The questions as one text, a blank line between any two, a category for each lesson."""
    blocks = [f"// {COURSE}"]
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        blocks.append(f"$CATEGORY: {category_path(lesson)}")
        blocks.extend(_question(question) for question in group)
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    r"""A text in which nothing is a sign of the format any more; a line break becomes \n."""
    text = re.sub(r"([\\~=#{}:])", r"\\\1", text).replace("\n", r"\n")
    # A text may begin with what reads as its format, [plain], or as its weight, %50%: then its format is named first.
    return f"[html]{text}" if text.startswith(("[", "%")) else text


def _question(question: Question) -> str:
    opening, lines = TYPES[question.type]
    return "\n".join(
        [
            f"// [id:{question.id}] [tag:lesson {question.lesson}]",
            f"::{escaped(question.id)}::[html]{escaped(body(question))}{opening}",
            *(f"\t{line}" for line in lines(question)),
            "}",
        ]
    )


def _feedback(answer: Answer) -> str:
    return f"#{escaped(as_html(answer.feedback))}"


def _choice(question: Question) -> Iterator[str]:
    for answer in question.answers:
        yield f"{'=' if answer.correct else '~'}{escaped(as_html(answer.text))}{_feedback(answer)}"


def _numeric(question: Question) -> Iterator[str]:
    for answer in question.answers:
        taken = interval(question, answer)
        if taken:
            weight = 100 if answer.correct else 0
            yield f"=%{weight}%{taken.written()}:{taken.margin_written()}{_feedback(answer)}"
    yield from (f"~{_feedback(answer)}" for answer in question.answers if answer.default)


TYPES: dict[str, tuple[str, Callable[[Question], Iterator[str]]]] = {
    "multiple_choice": ("{", _choice),
    "numeric": ("{#", _numeric),
}
