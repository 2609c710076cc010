"""The "Write it yourself" tasks: how each is checked, its hints in stages, and a solution that the tests run."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from helpers.checks import check_choice
from helpers.exercises.checking import CheckResult, Exercise, Failed

_LESSONS = sorted(name for _, name, _ in pkgutil.iter_modules(__path__) if name.startswith("lesson_"))

EXERCISES: Mapping[str, Exercise] = {
    each.id: replace(each, lesson=name.removeprefix("lesson_"))
    for name in _LESSONS
    for each in import_module(f"{__name__}.{name}").EXERCISES
}
"""All exercises by id; the id is the name of the function or number that the learner writes."""


def check_exercise(exercise_id: str, thing: Any) -> CheckResult:
    """Judge a learner's function or number; never raises for what the learner's code does.

    ValueError where there is no exercise with this id.
    """
    exercise = get_exercise(exercise_id)
    if thing is ... or thing is None:
        return CheckResult("open", "Not yet done: replace the three dots, then run the cell again.", exercise.hints[0])
    try:
        result = exercise.judge(thing)
    except Failed as failure:  # a judge may call it once more after all values were right
        result = CheckResult("wrong", f"Called once more, {failure}")
    return result if result.correct else CheckResult(result.status, result.message, exercise.hints[0])


def get_exercise(exercise_id: str) -> Exercise:
    """The exercise with this id; ValueError that lists all ids where there is none."""
    return EXERCISES[check_choice("exercise", exercise_id, EXERCISES)]
