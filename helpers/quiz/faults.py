"""The error for an entry of a bank that makes no sense, and the checks that several types of question share."""

from __future__ import annotations

import inspect
import math
import re

import numpy as np

from helpers.quiz.keys import KEYS, compute_key
from helpers.quiz.questions import Answer, Question
from helpers.quiz.refusals import as_number, meant
from helpers.quiz.text import shortened


class Fault(ValueError):
    """An entry of a bank has the right form but makes no sense; the message is "field NAME: reason"."""

    @property
    def steps(self) -> tuple[str | int, ...]:
        """The field as names and indices: `answers[0].value` is ("answers", 0, "value")."""
        field = str(self).removeprefix("field ").partition(":")[0]
        return tuple(int(step) if step.isdecimal() else step for step in re.findall(r"\w+", field))

    @property
    def reason(self) -> str:
        """The message without the field."""
        return str(self).partition(": ")[2]


def check_one_correct(question: Question) -> None:
    """Raise Fault unless exactly one answer is correct."""
    correct = sum(answer.correct for answer in question.answers)
    if correct != 1:
        raise Fault(f"field answers: {correct} of them are correct; exactly one must be")


def check_keys(question: Question) -> None:
    """Raise Fault unless each key is known, takes its arguments and gives a finite number."""
    for index, answer in enumerate(question.answers):
        if answer.key is not None:
            _check_key(f"field answers[{index}]", answer.key, answer)


MOST_LAYERS = 10_000
"""The most layers or blocks a key may ask for; more take too long to compute while somebody waits for a quiz."""


def _check_key(field: str, key: str, answer: Answer) -> None:
    if key not in KEYS:
        raise Fault(f"{field}.key: {shortened(key, 40)!r} must be one of {', '.join(KEYS)}{meant(key, KEYS)}")
    for name in ("depth", "blocks"):
        size = answer.arguments.get(name)
        if isinstance(size, int | float) and not size <= MOST_LAYERS:
            raise Fault(f"{field}.arguments.{name}: {size} must be at most {MOST_LAYERS}")
    for name, value in answer.arguments.items():
        digits = as_number(value) if isinstance(value, str) else None
        if digits is not None:
            raise Fault(f"{field}.arguments.{name}: {value!r} is a text: write {digits:g}, without quotation marks")
    given = shortened(", ".join(f"{name}={value!r}" for name, value in answer.arguments.items()), 200)
    try:
        inspect.signature(KEYS[key]).bind(**answer.arguments)
        with np.errstate(all="ignore"):  # the result is checked below
            number = compute_key(key, **answer.arguments)
    except Exception as error:  # a bank's arguments may make a formula raise anything
        wrong = str(error).startswith("unsupported operand") or isinstance(error, AttributeError)
        reason = "a text stands where a number belongs" if wrong else error
        raise Fault(f"{field}.arguments: {key}({given}): {reason}") from None
    if not math.isfinite(number):
        raise Fault(f"{field}.arguments: {key}({given}) is {number}; it must be a finite number")
