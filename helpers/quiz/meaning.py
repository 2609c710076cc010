"""Checks that a schema can't express well: the answers agree, keys can be computed, and the names used are drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from helpers.quiz.faults import Fault
from helpers.quiz.instances import build, count_draws, every_instance, format_drawn, names_in, plain_value
from helpers.quiz.questions import Question
from helpers.quiz.refusals import meant
from helpers.quiz.text import shortened

MOST_DRAWS = 1000
"""The most combinations of drawn values that an entry may have, since each of them is checked."""

_MARKUP = {
    "LaTeX": re.compile(r"\\[a-zA-Z]+|\\[()\[\]]|\$[^$\n]*[\\^_{][^$\n]*\$|\$[A-Za-z]\$|[\^_]\{"),
    "HTML": re.compile(r"</?(?:a|b|br|code|em|i|img|li|ol|p|pre|strong|sub|sup|u|ul)\b[^<>]*>", re.IGNORECASE),
    "Markdown": re.compile(r"\*\*[^*\n]+\*\*|!?\[[^\]\n]+\]\([^)\n]+\)"),
}
"""What is shown as it is written, since the quiz renders only `code`."""
_IN_BRACES = re.compile(r"\{\s*[A-Za-z]\w*\s*\}")
_CODE = re.compile(r"`[^`\n]*`")
_NUMBERS = {"value", "right"}


def checked(entry: Mapping[str, Any], lesson: str) -> Question:
    """Make the question of an entry of a lesson's bank; Fault, which names the field, where it makes no sense."""
    if entry["id"][:2] != lesson:
        raise Fault(f"field id: must begin with {lesson}-")
    _check_texts(entry)
    _check_draw(entry)
    try:
        for question in every_instance(entry):
            _check_instance(question)
        return build(entry)
    except Fault:
        raise
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        field = "network" if "network" in entry else "answers"
        raise Fault(f"field {field}: {error}") from None


def _check_instance(question: Question) -> None:
    texts = [" ".join(answer.text.split()) for answer in question.answers]
    for place, text in enumerate(texts):
        if text and texts.index(text) < place:
            raise Fault(f"field answers[{place}]: has the same text as answers[{texts.index(text)}]")
    try:
        question.kind.check(question)
        _check_feedback(question)
    except Fault as fault:
        if not question.varies:
            raise
        raise Fault(f"{fault} (drawn: “{shortened(question.text, 160)}”)") from None


def _check_feedback(question: Question) -> None:
    """Check that `{value}` and `{right}` are used in feedback only where such a number exists."""
    right = next((answer.number() for answer in question.answers if answer.correct), None)
    for index, answer in enumerate(question.answers):
        numbers = {"value": answer.number(), "right": right}
        for name in names_in(answer.feedback) & numbers.keys():
            if numbers[name] is None:
                raise Fault(f"field answers[{index}].feedback: {{{name}}} stands for no number here")


def _check_texts(entry: Mapping[str, Any]) -> None:
    """Check that texts hold no markup and no names in braces that can't be drawn."""
    for field, text in _texts(entry):
        prose = _CODE.sub("", text)
        for kind, markup in _MARKUP.items():
            if found := markup.search(prose):
                raise Fault(
                    f"field {field}: {found[0]} is {kind}, which is shown as it stands: write it out, as in ∂L/∂W"
                )
        for braces in _IN_BRACES.findall(prose):
            if not names_in(braces):
                raise Fault(
                    f"field {field}: {braces} isn't filled in: a drawn name is written {{depth}}, in small letters"
                )


def _texts(thing: Any, field: str = "") -> list[tuple[str, str]]:
    """All texts of an entry that are read as prose, each with the name of its field."""
    if isinstance(thing, str):
        return [(field, thing)]
    if isinstance(thing, Mapping):
        parts = [(f"{field}.{name}".lstrip("."), part) for name, part in thing.items() if name != "code"]
    elif isinstance(thing, list):
        parts = [(f"{field}[{place}]", part) for place, part in enumerate(thing)]
    else:
        parts = []
    return [each for name, part in parts for each in _texts(part, name)]


def _check_draw(entry: Mapping[str, Any]) -> None:
    draw, used = entry.get("draw", {}), names_in(entry)
    if not draw:
        for field, part in _texts(entry):
            for name in sorted(names_in(part)):
                raise Fault(f"field {field}: {{{name}}} stands for a drawn value, but nothing is drawn")
        return
    for name in sorted(used - _NUMBERS - set(draw)):
        field = next(field for field, part in entry.items() if name in names_in({field: part}))
        raise Fault(f"field {field}: {{{name}}} stands for nothing: drawn are {', '.join(draw)}{meant(name, draw)}")
    for name in sorted(set(draw) - used):
        raise Fault(f"field draw.{name}: is drawn, but nothing uses it, as {{{name}}}")
    asked = names_in([entry["question"], entry.get("code", "")])
    for name, values in draw.items():
        if name not in asked:
            raise Fault(f"field draw.{name}: the question must name it, as {{{name}}}; else two of them read alike")
        _check_values(name, values)
    if count_draws(entry) > MOST_DRAWS:
        raise Fault(f"field draw: {count_draws(entry)} combinations; at most {MOST_DRAWS}, since each is checked")


def _check_values(name: str, values: list[Any]) -> None:
    if len({isinstance(plain_value(value), str) for value in values}) > 1:
        raise Fault(f"field draw.{name}: {values} must be all numbers or all texts")
    texts = [format_drawn(value) for value in values]
    for text in texts:
        if texts.count(text) > 1:
            raise Fault(f"field draw.{name}: two values read as {text!r}; no reader could tell them apart")
