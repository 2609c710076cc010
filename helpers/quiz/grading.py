"""Grading: any answer at all gets a grade or a clear word; nothing is evaluated as code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.quiz.numbers import read_number
from helpers.quiz.profiles import compare_networks
from helpers.quiz.questions import Answer, Question

MAX_TEXT_LENGTH = 10_000


@dataclass(frozen=True)
class Grade:
    """What `grade` found. `understood` is False where no answer could be read; such a try counts for nothing.

    `fraction` is the part that is right, from 0 to 1. Of a multiple answer `wrong` holds what should not have been
    picked and `missing` what should have; of an open one `missing` holds the points that the text does not make.
    `try_state` maps names of the panel's controls to values at which the reader can see why.
    """

    correct: bool
    feedback: str
    understood: bool = True
    try_state: Mapping[str, Any] = field(default_factory=dict)
    fraction: float = 0.0
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def grade(question: Question, given: object) -> Grade:
    """Grade any answer at all; never raises, evaluates nothing as code.

    given: for one choice the answer's text or its place (from 0); for several a list of these; for an ordering the list
    of all texts; for a number a number or a text such as "1e-6", "1×10^-6", "10⁻⁶", "0,25", "1/4" or "0.25^10", with or
    without the question's unit; for an open question the text, or {"text": …, "points": places of the rubric's points
    that it makes}.
    """
    return _GRADERS[question.type](question, given)


def _not_understood(feedback: str) -> Grade:
    return Grade(correct=False, feedback=feedback, understood=False)


def _grade_of(answer: Answer, more: str = "") -> Grade:
    feedback = f"{answer.feedback} {more}" if more else answer.feedback
    return Grade(answer.correct, feedback, try_state=answer.try_state, fraction=float(answer.correct))


# Choices -------------------------------------------------------------------------------------------------------------


def _place(question: Question, given: object) -> int | None:
    """The place of an answer that was given as its text or as its place; None where there is no such answer."""
    if isinstance(given, str):
        return next((place for place, answer in enumerate(question.answers) if answer.text == given), None)
    if isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given < len(question.answers):
        return int(given)
    return None


def _places(question: Question, given: object) -> set[int] | None:
    """The places of several answers; None where one of them is no answer, or where it is no list at all."""
    if not isinstance(given, list | tuple):
        return None
    places = {_place(question, each) for each in given}
    return None if None in places else {place for place in places if place is not None}


def _grade_choice(question: Question, given: object) -> Grade:
    place = _place(question, given)
    return _not_understood("Choose one of the answers first.") if place is None else _grade_of(question.answers[place])


def _grade_profile(question: Question, given: object) -> Grade:
    place = _place(question, given)
    if place is None:
        return _not_understood("Choose one of the networks first.")
    return _grade_of(question.answers[place], compare_networks(question, place))


def _grade_choices(question: Question, given: object) -> Grade:
    places = _places(question, given)
    if not places:
        return _not_understood("Choose at least one of the answers first.")
    picked = [place in places for place in range(len(question.answers))]
    pairs = list(zip(question.answers, picked, strict=True))
    wrong = [answer for answer, is_picked in pairs if is_picked and not answer.correct]
    missing = [answer for answer, is_picked in pairs if answer.correct and not is_picked]
    if not wrong and not missing:
        return Grade(True, " ".join(answer.feedback for answer in question.answers if answer.correct), fraction=1.0)
    told = [f"Not this one: {_quoted(answer)}" for answer in wrong] + [f"Missing: {_quoted(a)}" for a in missing]
    state = next((answer.try_state for answer in [*wrong, *missing] if answer.try_state), {})
    return Grade(
        correct=False,
        feedback="\n".join(told),
        try_state=state,
        fraction=sum(answer.correct == is_picked for answer, is_picked in pairs) / len(pairs),
        wrong=tuple(answer.text for answer in wrong),
        missing=tuple(answer.text for answer in missing),
    )


def _quoted(answer: Answer) -> str:
    return f"“{answer.text.rstrip('.')}”. {answer.feedback}"


# Order ---------------------------------------------------------------------------------------------------------------


def _grade_order(question: Question, given: object) -> Grade:
    right = [answer.text for answer in question.answers]
    if not isinstance(given, list | tuple) or not _same_texts(given, right):
        return _not_understood(f"Put all {len(right)} entries in order first.")
    place = next((place for place, text in enumerate(right) if given[place] != text), None)
    if place is None:
        return Grade(True, question.feedback, fraction=1.0)
    belongs = question.answers[place]
    return Grade(
        correct=False,
        feedback=f"Place {place + 1} belongs to {_quoted(belongs)}",
        try_state=belongs.try_state,
        fraction=_pairs_in_order(given, right),
    )


def _same_texts(given: Sequence[object], right: Sequence[str]) -> bool:
    return len(given) == len(right) and all(isinstance(text, str) for text in given) and set(given) == set(right)


def _pairs_in_order(given: Sequence[str], right: Sequence[str]) -> float:
    """The part of all pairs that stand the right way round."""
    places = [right.index(text) for text in given]
    pairs = [(first, second) for n, first in enumerate(places) for second in places[n + 1 :]]
    return sum(first < second for first, second in pairs) / len(pairs)


# Numbers -------------------------------------------------------------------------------------------------------------


def _grade_number(question: Question, given: object) -> Grade:
    try:
        number = read_number(given, unit=question.unit)
    except ValueError as error:
        return _not_understood(str(error))
    return _grade_of(_matching(question, number))


def _matching(question: Question, number: float) -> Answer:
    """The first answer of the bank that takes the number, else the default one."""
    for answer in question.answers:
        if answer.range is not None and answer.range[0] <= number < answer.range[1]:
            return answer
        expected = answer.number()
        if expected is not None and agree(number, expected, question.tolerance, question.precision):
            return answer
    return next(answer for answer in question.answers if answer.default)


def agree(number: float, expected: float, tolerance: float | None, precision: int | None) -> bool:
    """Whether a number counts as the expected one: within a relative tolerance, or in its significant digits."""
    if tolerance is not None:
        return abs(number - expected) <= tolerance * abs(expected)
    if precision is not None:
        return f"{number:.{precision - 1}e}" == f"{expected:.{precision - 1}e}"
    return math.isclose(number, expected, rel_tol=1e-9)


# Text ----------------------------------------------------------------------------------------------------------------


def _grade_text(question: Question, given: object) -> Grade:
    """A text is graded by its author, who ticks the points of the rubric that it makes."""
    text, points = given, None
    if isinstance(given, Mapping):
        text, points = given.get("text"), given.get("points")
    if not isinstance(text, str) or not text.strip():
        return _not_understood("Write a sentence or two first.")
    if len(text) > MAX_TEXT_LENGTH:
        return _not_understood(f"That is longer than {MAX_TEXT_LENGTH} characters. Write what matters most.")
    if points is None:
        return Grade(False, "Compare your text with the model answer and tick the points that it makes.")
    made = _places(question, points)
    if made is None:
        return _not_understood("Tick the points that your text makes.")
    missing = [answer for place, answer in enumerate(question.answers) if place not in made]
    told = "\n".join(f"To add: {answer.feedback}" for answer in missing)
    return Grade(
        correct=not missing,
        feedback=told or "Your text makes every point. Come back to it in a week and write it once more.",
        try_state=next((answer.try_state for answer in missing if answer.try_state), {}),
        fraction=1 - len(missing) / len(question.answers),
        missing=tuple(answer.text for answer in missing),
    )


_GRADERS: Mapping[str, Callable[[Question, object], Grade]] = {
    "multiple_choice": _grade_choice,
    "many_choice": _grade_choices,
    "numeric": _grade_number,
    "ordering": _grade_order,
    "profile": _grade_profile,
    "open": _grade_text,
}
