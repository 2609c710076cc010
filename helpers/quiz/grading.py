"""Grading: any input gets a grade or a clear message; nothing is evaluated as code."""

from __future__ import annotations

import math

import numpy as np

from helpers.quiz.questions import Answer, Grade, Question


def grade(question: Question, given: object) -> Grade:
    """Grade any input as an answer; never raises, evaluates nothing as code.

    given: for a single choice the answer's text or index (from 0); for several choices a list of these; for an ordering
    the list of all texts; for a numeric question a number or a text such as "1e-6", "1×10^-6", "10⁻⁶", "0,25", "1/4" or
    "0.25^10", with or without the unit; for an open question the text, or {"text": …, "points": indices of the points
    of the rubric that the text makes}.
    """
    return question.kind.grade(question, given)


def agree(number: float, expected: float, tolerance: float | None, precision: int | None) -> bool:
    """Whether a number is as expected: within a relative tolerance, to `precision` significant digits, or to 1e-9."""
    if tolerance is not None:
        return abs(number - expected) <= tolerance * abs(expected)
    if precision is not None:
        return f"{number:.{precision - 1}e}" == f"{expected:.{precision - 1}e}"
    return math.isclose(number, expected, rel_tol=1e-9)


# Used by the types ---------------------------------------------------------------------------------------------------


def not_understood(feedback: str) -> Grade:
    """The grade of an input that can't be read as an answer."""
    return Grade(correct=False, feedback=feedback, understood=False)


def grade_of(answer: Answer, more: str = "") -> Grade:
    """The grade for choosing this answer; `more` is appended to its feedback."""
    feedback = f"{answer.feedback} {more}" if more else answer.feedback
    return Grade(answer.correct, feedback, try_state=answer.try_state, fraction=float(answer.correct))


def place_of(question: Question, given: object) -> int | None:
    """The index of an answer, given as its text or index; None where there is no such answer."""
    if isinstance(given, str):
        return next((place for place, answer in enumerate(question.answers) if answer.text == given), None)
    if isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given < len(question.answers):
        return int(given)
    return None


def places_of(question: Question, given: object) -> set[int] | None:
    """The indices of several answers; None where one of them is no answer, or `given` is not a list."""
    if not isinstance(given, list | tuple):
        return None
    places = {place_of(question, each) for each in given}
    return None if None in places else {place for place in places if place is not None}


def quoted(answer: Answer) -> str:
    """An answer and its feedback as one entry of a list."""
    return f"“{answer.text.rstrip('.')}”. {answer.feedback}"
