"""Grading: any answer at all gets a grade or a clear word; nothing is evaluated as code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.quiz.questions import Answer, Question
from helpers.quiz.text import shortened

MAX_ANSWER_LENGTH = 200


@dataclass(frozen=True)
class Grade:
    """What `grade` found. `understood` is False where no answer could be read; such a try counts for nothing.

    `try_state` maps names of the panel's controls to values at which the reader can see why.
    """

    correct: bool
    feedback: str
    understood: bool = True
    try_state: Mapping[str, Any] = field(default_factory=dict)


def grade(question: Question, given: object) -> Grade:
    """Grade any answer at all; never raises, evaluates nothing as code.

    given: for multiple choice the answer's text or its place (from 0); for a number a number or a text such as
    "1e-6", "1×10^-6", "10⁻⁶", "0,25", "1/4" or "0.25^10", with or without the question's unit.
    """
    if question.type == "multiple_choice":
        return _grade_choice(question, given)
    try:
        number = read_number(given, unit=question.unit)
    except ValueError as error:
        return Grade(correct=False, feedback=str(error), understood=False)
    return _grade_of(_matching(question, number))


def _grade_of(answer: Answer) -> Grade:
    return Grade(correct=answer.correct, feedback=answer.feedback, try_state=answer.try_state)


def _grade_choice(question: Question, given: object) -> Grade:
    if isinstance(given, str):
        for answer in question.answers:
            if answer.text == given:
                return _grade_of(answer)
    elif isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given < len(question.answers):
        return _grade_of(question.answers[int(given)])
    return Grade(correct=False, feedback="Choose one of the answers first.", understood=False)


def _matching(question: Question, number: float) -> Answer:
    """The first answer of the bank that takes the number, else the default one."""
    for answer in question.answers:
        if answer.range is not None and answer.range[0] <= number < answer.range[1]:
            return answer
        expected = answer.number()
        if expected is not None and _agree(number, expected, question.tolerance, question.precision):
            return answer
    return next(answer for answer in question.answers if answer.default)


def _agree(number: float, expected: float, tolerance: float | None, precision: int | None) -> bool:
    if tolerance is not None:
        return abs(number - expected) <= tolerance * abs(expected)
    if precision is not None:
        return f"{number:.{precision - 1}e}" == f"{expected:.{precision - 1}e}"
    return math.isclose(number, expected, rel_tol=1e-9)


_PLAIN = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[float, float], float]], ...] = (
    (re.compile(rf"({_PLAIN})()"), lambda number, _: number),
    (re.compile(rf"({_PLAIN})[×x·*⋅]10(?:\^|\*\*)([+-]?\d+)"), lambda mantissa, power: mantissa * 10.0**power),
    (re.compile(rf"({_PLAIN})(?:\^|\*\*)({_PLAIN})"), lambda base, power: base**power),
    (re.compile(rf"({_PLAIN})/({_PLAIN})"), lambda above, below: above / below),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MINUSES = str.maketrans("−–‒﹣－", "-----")


def read_number(given: object, unit: str = "") -> float:
    """Read a finite number from a number or a text; ValueError, a sentence for the reader, where there is none.

    Takes 1e-6, 1×10^-6, 10⁻⁶, 0,25, 1/4, 0.25^10, a per cent sign, and the given unit behind it.
    """
    if isinstance(given, str):
        number = _parse(given, unit)
    elif isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        number = _as_float(given)
    else:
        raise ValueError("Write one number, for instance 0.25 or 1e-6.")
    if not math.isfinite(number):
        raise ValueError("That is not a finite number. Write one such as 0.25 or 1e-6.")
    return number


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _parse(text: str, unit: str) -> float:
    if len(text) > MAX_ANSWER_LENGTH:
        raise ValueError(f"That is longer than {MAX_ANSWER_LENGTH} characters. Write one number, such as 1e-6.")
    plain = text.strip()
    if not plain:
        raise ValueError("Write a number first, for instance 0.25 or 1e-6.")
    if unit and plain.endswith(unit):
        plain = plain[: -len(unit)]
    plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), plain)
    plain = re.sub(r"\s+", "", plain.translate(_MINUSES))
    scale = 1.0
    if plain.endswith("%"):
        plain, scale = plain[:-1], 0.01
    plain = _with_point(plain, text)
    for form, value in _FORMS:
        found = form.fullmatch(plain)
        if found:
            return scale * _evaluate(value, found[1], found[2])
    raise ValueError(f"“{shortened(text.strip(), 40)}” is not a number I can read. Write it like 0.25, 1e-6 or 10^-6.")


def _with_point(plain: str, text: str) -> str:
    """A decimal comma made a point; refused where it might have been meant to part thousands."""
    if "," not in plain:
        return plain
    if "." in plain or re.search(r"(?<!\d)[1-9]\d{0,2},\d{3}(?!\d)", plain) or re.search(r",\d*,", plain):
        raise ValueError(f"Is “{shortened(text.strip(), 40)}” a decimal comma? Write it with a point, such as 1000.5.")
    return plain.replace(",", ".")


def _evaluate(value: Callable[[float, float], float], first: str, second: str) -> float:
    try:
        result = value(float(first), float(second or 0))
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        raise ValueError("That divides by zero. Write a finite number.") from None
    return result if isinstance(result, float) else math.nan  # a negative base to a broken power is complex
