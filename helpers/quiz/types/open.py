"""An answer in words, graded by the learner, who ticks the points of the rubric that it makes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from helpers.quiz.grading import not_understood, places_of
from helpers.quiz.questions import (
    Answer,
    Explanation,
    Grade,
    Question,
    QuestionType,
    answer_of,
    plain_verdict,
    register,
)
from helpers.quiz.verdict import Verdict

MAX_TEXT_LENGTH = 10_000

_POINT = {
    "type": "object",
    "required": ["point", "feedback"],
    "properties": {
        "point": {"$ref": "#/definitions/text"},
        "feedback": {"$ref": "#/definitions/text"},
        "try": {"$ref": "#/definitions/try"},
    },
    "additionalProperties": False,
}


def _answers(entry: Mapping[str, Any], dice: random.Random) -> tuple[Answer, ...]:
    return tuple(answer_of({**point, "answer": point["point"]}) for point in entry["rubric"])


def _grade(question: Question, given: object) -> Grade:
    text, points = given, None
    if isinstance(given, Mapping):
        text, points = given.get("text"), given.get("points")
    if not isinstance(text, str) or not text.strip():
        return not_understood("Write a sentence or two first.")
    if len(text) > MAX_TEXT_LENGTH:
        return not_understood(f"That is longer than {MAX_TEXT_LENGTH} characters. Write what matters most.")
    if points is None:
        return Grade(False, "Compare your text with the model answer and tick the points that it makes.")
    made = places_of(question, points)
    if made is None:
        return not_understood("Tick the points that your text makes.")
    missing = [answer for place, answer in enumerate(question.answers) if place not in made]
    lines = "\n".join(f"To add: {answer.feedback}" for answer in missing)
    return Grade(
        correct=not missing,
        feedback=lines or "Your text makes every point. Come back to it in a week and write it once more.",
        try_state=next((answer.try_state for answer in missing if answer.try_state), {}),
        fraction=1 - len(missing) / len(question.answers),
        missing=tuple(answer.text for answer in missing),
    )


def _verdict(question: Question, grade: Grade) -> Verdict:
    """The answer is neither right nor wrong until its points are ticked; then they are counted."""
    if grade.correct or not grade.understood:
        return plain_verdict(question, grade)
    made = len(question.answers) - len(grade.missing)
    word = f"{made} of {len(question.answers)} points." if grade.missing else "Written."
    return Verdict("open", word, grade.feedback)


OPEN = register(
    QuestionType(
        name="open",
        fields={
            "required": ["model", "rubric"],
            "properties": {
                "model": {
                    "description": "The model answer.",
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 3000,
                    "pattern": "\\S",
                },
                "rubric": {"type": "array", "minItems": 2, "maxItems": 8, "items": _POINT},
            },
        },
        answers=_answers,
        check=lambda question: None,
        grade=_grade,
        right_answer=lambda question: {"text": question.model, "points": list(range(len(question.answers)))},
        in_words=lambda answer: str(answer["text"]),
        verdict=_verdict,
        points=lambda question: len(question.answers),
        explanation=lambda question: Explanation(question.model, numbered=False),
        is_self_graded=True,
    )
)
