"""GIFT: questions as plain text that Moodle and other platforms read (docs.moodle.org, "GIFT format").

GIFT holds no files, so a picture is embedded as a data: address, with a description for platforms that drop it. Not
every platform supports orderings, so an order is asked as a matching of entries and places. GIFT has no units, so the
question's text names the unit.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from helpers.course import TITLE
from helpers.publish.exports.markup import as_html, body, explained, name_of
from helpers.publish.exports.moodle import category_path
from helpers.publish.exports.numbers import interval, share
from helpers.publish.exports.pictures import picture_of
from helpers.publish.exports.presented import present
from helpers.quiz import Question, for_each_type


def files(questions: Sequence[Question], seed: int | str) -> dict[str, bytes]:
    """The questions as a file."""
    return {"gift.txt": document(questions).encode()}


def document(questions: Sequence[Question]) -> str:
    """The questions as one text, separated by blank lines, with a category for each lesson."""
    blocks = [f"// {TITLE}"]
    for lesson, group in groupby(questions, key=lambda question: question.lesson):
        blocks.append(f"$CATEGORY: {category_path(lesson)}")
        blocks.extend(_question(question) for question in group)
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    r"""Escape a text for GIFT; a line break becomes \n."""
    text = re.sub(r"([\\~=#{}:])", r"\\\1", text).replace("\n", r"\n")
    # A text that begins with something like a format, [plain], or a weight, %50%, even after blanks, would be misread;
    # naming the format first prevents that.
    return f"[html]{text}" if text.lstrip().startswith(("[", "%")) else text


def _question(question: Question) -> str:
    opening, lines = WRITERS[question.type]
    hint = present(question).hint
    general = explained(question)
    return "\n".join(
        [
            f"// [id:{question.id}] [tag:lesson {question.lesson}]",
            f"::{escaped(name_of(question))}::[html]{escaped(body(question, _image(question), hint))}{opening}",
            *(f"\t{line}" for line in lines(question)),
            *([f"\t####{escaped(general)}"] if general else []),
            "}",
        ]
    )


def _image(question: Question) -> str:
    picture = picture_of(question)
    if picture is None:
        return ""
    return picture.image("data:image/svg+xml;base64," + base64.b64encode(picture.svg.encode()).decode())


def _remark(text: str) -> str:
    return f"#{escaped(as_html(text))}"


def _choice(question: Question) -> Iterator[str]:
    for answer in question.presented():
        earned = share(question, answer)
        sign = {"100": "=", "0": "~"}.get(earned, f"~%{earned}%")
        remark = question.kind.remark(question, question.answers.index(answer))
        yield f"{sign}{escaped(as_html(answer.text))}{_remark(remark)}"


def _numeric(question: Question) -> Iterator[str]:
    for answer in question.answers:
        taken = interval(question, answer)
        if taken:
            number = f"{_decimal(taken.written())}:{_decimal(taken.margin_written())}"
            yield f"=%{share(question, answer)}%{number}{_remark(answer.feedback)}"
    yield from (f"~{_remark(answer.feedback)}" for answer in question.answers if answer.default)


def _decimal(number: str) -> str:
    """A number without a power of ten, "0.000016" for "1.6e-05", which only Moodle itself would read."""
    return f"{Decimal(number):f}"


def _ordering(question: Question) -> Iterator[str]:
    for answer in question.presented():
        yield f"={escaped(as_html(answer.text))} -> {question.answers.index(answer) + 1}"


def _open(question: Question) -> Iterator[str]:
    return iter(())


WRITERS: Mapping[str, tuple[str, Callable[[Question], Iterator[str]]]] = for_each_type(
    "helpers/publish/exports/gift.py",
    {
        "multiple_choice": ("{", _choice),
        "many_choice": ("{", _choice),
        "profile": ("{", _choice),
        "numeric": ("{#", _numeric),
        "ordering": ("{", _ordering),
        "open": ("{", _open),
    },
)
