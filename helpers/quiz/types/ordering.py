"""Entries to put in order. The bank lists them in the right order, and their feedback says why."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.quiz.faults import Fault, check_keys
from helpers.quiz.grading import not_understood, quoted
from helpers.quiz.questions import Explanation, Grade, Question, QuestionType, register

_ENTRY = {
    "type": "object",
    "required": ["answer", "feedback"],
    "properties": {
        "answer": {"$ref": "#/definitions/text"},
        "feedback": {"$ref": "#/definitions/text"},
        "key": {"$ref": "#/definitions/key"},
        "arguments": {"$ref": "#/definitions/arguments"},
        "try": {"$ref": "#/definitions/try"},
    },
    "additionalProperties": False,
    "dependencies": {"key": ["arguments"], "arguments": ["key"]},
}


def _check(question: Question) -> None:
    """Check that the numbers of entries with keys rise throughout or fall throughout."""
    check_keys(question)
    numbers = [number for answer in question.answers if (number := answer.number()) is not None]
    pairs = list(zip(numbers, numbers[1:], strict=False))
    if not (all(first < second for first, second in pairs) or all(first > second for first, second in pairs)):
        raise Fault(f"field answers: their numbers {numbers} must rise, or fall, from each to the next")


def _grade(question: Question, given: object) -> Grade:
    right = _right_answer(question)
    if not isinstance(given, list | tuple) or not _same_texts(given, right):
        return not_understood(f"Put all {len(right)} entries in order first.")
    place = next((place for place, text in enumerate(right) if given[place] != text), None)
    if place is None:
        return Grade(True, question.feedback, fraction=1.0)
    belongs = question.answers[place]
    return Grade(
        correct=False,
        feedback=f"Place {place + 1} belongs to {quoted(belongs)}",
        try_state=belongs.try_state,
        fraction=_pairs_in_order(given, right),
    )


def _same_texts(given: Sequence[object], right: Sequence[str]) -> bool:
    return len(given) == len(right) and all(isinstance(text, str) for text in given) and set(given) == set(right)


def _pairs_in_order(given: Sequence[str], right: Sequence[str]) -> float:
    """The fraction of all pairs that are in the right order."""
    places = [right.index(text) for text in given]
    pairs = [(first, second) for n, first in enumerate(places) for second in places[n + 1 :]]
    return sum(first < second for first, second in pairs) / len(pairs)


def _right_answer(question: Question) -> list[str]:
    return [answer.text for answer in question.answers]


ORDERING = register(
    QuestionType(
        name="ordering",
        fields={
            "required": ["answers", "feedback"],
            "properties": {
                "feedback": {"$ref": "#/definitions/text"},
                "answers": {"type": "array", "minItems": 3, "maxItems": 8, "items": _ENTRY},
            },
        },
        check=_check,
        grade=_grade,
        right_answer=_right_answer,
        in_words="; ".join,
        explanation=lambda question: Explanation(question.feedback, numbered=True),
        is_mixed=True,
        hides_order=True,
    )
)
