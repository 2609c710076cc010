"""One of several answers."""

from __future__ import annotations

from helpers.quiz.faults import check_one_correct
from helpers.quiz.grading import grade_of, not_understood, place_of
from helpers.quiz.questions import Grade, Question, QuestionType, register


def _grade(question: Question, given: object) -> Grade:
    place = place_of(question, given)
    return not_understood("Choose one of the answers first.") if place is None else grade_of(question.answers[place])


def _right_answer(question: Question) -> str:
    return next(answer.text for answer in question.answers if answer.correct)


MULTIPLE_CHOICE = register(
    QuestionType(
        name="multiple_choice",
        fields={"required": ["answers"], "properties": {"answers": {"$ref": "#/definitions/choices"}}},
        check=check_one_correct,
        grade=_grade,
        right_answer=_right_answer,
        is_mixed=True,
    )
)
