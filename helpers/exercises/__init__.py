"""The "Write it yourself" tasks: what is asked, how it is checked, hints in stages, and a solution that tests run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.exercises import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_11,
)
from helpers.exercises.checking import Exercise, Verdict

_LESSONS = (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_11,
)

EXERCISES: Mapping[str, Exercise] = {each.id: each for lesson in _LESSONS for each in lesson.EXERCISES}
"""All exercises by id; the id is the name of the function or number that the learner writes."""

__all__ = ["EXERCISES", "Exercise", "Verdict", "check_exercise", "get_exercise"]


def check_exercise(exercise_id: str, thing: Any) -> Verdict:
    """Judge a learner's function or number; never raises for what the learner's code does.

    ValueError where there is no exercise of that id.
    """
    exercise = get_exercise(exercise_id)
    if thing is ... or thing is None:
        return Verdict("open", "Not yet done: replace the three dots, then run the cell again.", exercise.hints[0])
    verdict = exercise.judge(thing)
    return verdict if verdict.correct else Verdict(verdict.status, verdict.message, exercise.hints[0])


def get_exercise(exercise_id: str) -> Exercise:
    """The exercise of this id; ValueError that lists all ids where there is none."""
    if exercise_id not in EXERCISES:
        raise ValueError(f"exercise is {exercise_id!r}; it must be one of {', '.join(EXERCISES)}")
    return EXERCISES[exercise_id]
