"""The parts of a lesson that a learner does: the ids of its predictions, exercises and questions."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.exercises import EXERCISES
from helpers.quiz import load_bank, load_predictions


@dataclass(frozen=True)
class LessonParts:
    """The ids of a lesson's parts, by kind."""

    predictions: frozenset[str]
    exercises: frozenset[str]
    questions: frozenset[str]


def lesson_parts(lesson: str) -> LessonParts:
    """The parts of a lesson, by its two-digit number; `BankError` where it has no bank."""
    return LessonParts(
        predictions=frozenset(each.id for each in load_predictions().values() if each.lesson == lesson),
        exercises=frozenset(each.id for each in EXERCISES.values() if each.lesson == lesson),
        questions=frozenset(question.id for question in load_bank(lesson)),
    )
