"""What a schema can't say well: which answers go together, whether keys can be computed and names are drawn."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from helpers.quiz.instances import build, names_in
from helpers.quiz.keys import KEYS, compute_key
from helpers.quiz.questions import Answer, Question


class Fault(ValueError):
    """What is wrong with an entry of a bank; the message begins with the field."""


def checked(entry: Mapping[str, Any], lesson: str) -> Question:
    """The question that an entry of a lesson's bank makes; Fault, which names the field, where it makes no sense."""
    if entry["id"][:2] != lesson:
        raise Fault(f"field id: must begin with {lesson}-")
    _check_names(entry)
    question = _built(entry)
    _check_texts(question)
    if question.type == "numeric":
        _check_numbers(question)
    elif question.type == "ordering":
        _check_keys(question)
        _check_order(question)
    elif question.type != "open":
        _check_choices(question)
    return question


def _check_names(entry: Mapping[str, Any]) -> None:
    if "draw" not in entry:
        return
    used = names_in(entry) - {"value", "right"}
    for name in [*sorted(used - set(entry["draw"])), *sorted(set(entry["draw"]) - used)]:
        raise Fault(f"field draw: {name!r} must be both drawn and used")


def _built(entry: Mapping[str, Any]) -> Question:
    try:
        return build(entry)
    except (KeyError, TypeError, ValueError) as error:
        field = "network" if entry["type"] == "profile" else "answers"
        raise Fault(f"field {field}: {error}") from None


def _check_texts(question: Question) -> None:
    texts = [answer.text for answer in question.answers if answer.text]
    if len(set(texts)) < len(texts):
        raise Fault("field answers: two have the same text")


def _check_choices(question: Question) -> None:
    correct = sum(answer.correct for answer in question.answers)
    if question.type == "many_choice":
        if not 0 < correct < len(question.answers):
            raise Fault(f"field answers: {correct} of {len(question.answers)} are correct; some must be, not all")
    elif correct != 1:
        raise Fault(f"field answers: {correct} of them are correct; it must be one")


def _check_numbers(question: Question) -> None:
    if not any(answer.correct for answer in question.answers):
        raise Fault("field answers: none of them is correct")
    if sum(answer.default for answer in question.answers) != 1:
        raise Fault('field answers: exactly one must be {"type": "default"}, for any other number')
    for index, answer in enumerate(question.answers):
        field = f"field answers[{index}]"
        kinds = [answer.value is not None or answer.key is not None, answer.range is not None, answer.default]
        if sum(kinds) != 1:
            raise Fault(f'{field}: must have one of value or key, range, or "type": "default"')
        if answer.range is not None and not answer.range[0] < answer.range[1]:
            raise Fault(f"{field}.range: {list(answer.range)} must rise")
    _check_keys(question)


def _check_keys(question: Question) -> None:
    for index, answer in enumerate(question.answers):
        if answer.key is not None:
            _check_key(f"field answers[{index}]", answer.key, answer)


def _check_key(field: str, key: str, answer: Answer) -> None:
    if key not in KEYS:
        raise Fault(f"{field}.key: {key!r} must be one of {', '.join(KEYS)}")
    try:
        inspect.signature(KEYS[key]).bind(**answer.arguments)
        compute_key(key, **answer.arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(f"{field}.arguments: {key}: {error}") from None


def _check_order(question: Question) -> None:
    """Entries with keys stand in the order of their numbers, whichever way round."""
    numbers = [number for answer in question.answers if (number := answer.number()) is not None]
    pairs = list(zip(numbers, numbers[1:], strict=False))
    if not (all(first < second for first, second in pairs) or all(first > second for first, second in pairs)):
        raise Fault(f"field answers: their numbers {numbers} must rise, or fall, from each to the next")
