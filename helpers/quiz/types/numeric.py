"""A number. The bank gives feedback for particular wrong numbers and ranges, and for any other number."""

from __future__ import annotations

import math
from itertools import combinations, product

from helpers.quiz.faults import Fault, check_keys
from helpers.quiz.grading import agree, grade_of, not_understood
from helpers.quiz.numbers import format_number, read_number
from helpers.quiz.questions import Answer, Grade, Question, QuestionType, register

_ANSWER = {
    "type": "object",
    "required": ["feedback"],
    "properties": {
        "value": {
            "description": "The number; beside a key the same, rounded, for readers that can't compute.",
            "type": "number",
        },
        "key": {"$ref": "#/definitions/key"},
        "arguments": {"$ref": "#/definitions/arguments"},
        "range": {
            "description": "From the first number up to, not including, the second.",
            "type": "array",
            "items": {"type": "number"},
            "minItems": 2,
            "maxItems": 2,
        },
        "type": {"description": "The feedback for any other number.", "const": "default"},
        "correct": {"type": "boolean"},
        "feedback": {"$ref": "#/definitions/text"},
        "try": {"$ref": "#/definitions/try"},
    },
    "additionalProperties": False,
    "dependencies": {"value": ["correct"], "range": ["correct"], "key": ["correct"], "arguments": ["key"]},
}


def _grade(question: Question, given: object) -> Grade:
    try:
        number = read_number(given, unit=question.unit)
    except ValueError as error:
        return not_understood(str(error))
    return grade_of(_matching(question, number))


def _matching(question: Question, number: float) -> Answer:
    """The first answer in the bank that matches the number, else the default one."""
    found = (answer for answer in question.answers if _takes(question, answer, number))
    return next(found, None) or next(answer for answer in question.answers if answer.default)


def _takes(question: Question, answer: Answer, number: float) -> bool:
    if answer.range is not None:
        return answer.range[0] <= number < answer.range[1]
    expected = answer.number()
    return expected is not None and agree(number, expected, question.tolerance, question.precision)


def _right_answer(question: Question) -> float | None:
    right = next(answer for answer in question.answers if answer.correct)
    return sum(right.range) / 2 if right.range else right.number()


# Checks --------------------------------------------------------------------------------------------------------------


def _check(question: Question) -> None:
    if question.precision is not None and not isinstance(question.precision, int):
        raise Fault(f"field precision: {question.precision} must be a whole number, such as 2, without a point")
    _check_forms(question)
    check_keys(question)
    _check_values(question)
    _check_digits(question)
    wrong = [(n, each) for n, each in enumerate(question.answers) if not each.correct and not each.default]
    right = [(n, each) for n, each in enumerate(question.answers) if each.correct]
    for pair in product(wrong, right):
        _check_apart(question, *pair)
    for alike in (wrong, right):
        for earlier, later in combinations(alike, 2):
            _check_reached(question, earlier, later)


def _check_forms(question: Question) -> None:
    if not any(answer.correct for answer in question.answers):
        raise Fault("field answers: none of them is correct")
    if sum(answer.default for answer in question.answers) != 1:
        raise Fault('field answers: exactly one must be {"type": "default"}, for any other number')
    for index, answer in enumerate(question.answers):
        field = f"field answers[{index}]"
        kinds = [answer.value is not None or answer.key is not None, answer.range is not None, answer.default]
        if sum(kinds) != 1:
            raise Fault(f'{field}: must have one of value or key, range, or "type": "default"')
        if answer.default and answer.correct:
            raise Fault(f"{field}.correct: the default answer can't be correct")
        if answer.range is not None and not answer.range[0] < answer.range[1]:
            raise Fault(f"{field}.range: {list(answer.range)} must rise from the first number to the second")
        if any(abs(number) > MOST for number in (answer.value or 0.0, *(answer.range or ()))):
            raise Fault(f"{field}: its number exceeds ±{MOST:g}")


MOST = 1e300
"""A larger number would overflow when multiplied by a tolerance."""


def _check_values(question: Question) -> None:
    """Check that a value written beside a key is the key's number, rounded."""
    for index, answer in enumerate(question.answers):
        number = answer.number()
        if answer.key is None or answer.value is None or number is None:
            continue
        rounded = math.isclose(answer.value, number, rel_tol=max(0.02, (question.tolerance or 0) / 2))
        if not rounded or not agree(answer.value, number, question.tolerance, question.precision):
            raise Fault(f"field answers[{index}].value: {answer.value} is not what {answer.key} gives, {number:.6g}")


MOST_DIGITS = 6
"""The most significant digits that a question may ask for; more are given by hardly anybody."""


def _check_digits(question: Question) -> None:
    """Check that a right answer with few digits counts as right."""
    for answer in question.answers:
        number = answer.number() if answer.correct else None
        if number is not None and not _takes(question, answer, float(f"{number:.{MOST_DIGITS}g}")):
            field = "precision" if question.tolerance is None else "tolerance"
            raise Fault(
                f"field {field}: {number!r} would need more than {MOST_DIGITS} digits to count as right: allow more"
            )


def _check_apart(question: Question, one: tuple[int, Answer], other: tuple[int, Answer]) -> None:
    """Check that no number belonging to a wrong answer is graded right, or the other way round."""
    (place, wrong), (_, right) = one, other
    for number in _standing_for(wrong):
        if _takes(question, right, number):
            raise Fault(
                f"field answers[{place}]: {_as_text(wrong)} is wrong, but counts as the right {_as_text(right)}"
            )
    for number in _standing_for(right):
        if _takes(question, wrong, number):
            raise Fault(f"field answers[{place}]: {_as_text(wrong)} is wrong, but takes the right {_as_text(right)}")
    if wrong.range and right.range and max(wrong.range[0], right.range[0]) < min(wrong.range[1], right.range[1]):
        raise Fault(f"field answers[{place}]: {_as_text(wrong)} is wrong, but overlaps the right {_as_text(right)}")


def _check_reached(question: Question, earlier: tuple[int, Answer], later: tuple[int, Answer]) -> None:
    """Check that an earlier answer doesn't take all numbers of a later one, whose feedback nobody would then see."""
    (first, taker), (place, taken) = earlier, later
    numbers = _standing_for(taken)
    inside = taker.range and taken.range and taker.range[0] <= taken.range[0] and taken.range[1] <= taker.range[1]
    if inside or any(_takes(question, taker, number) for number in numbers):
        raise Fault(f"field answers[{place}]: nobody sees its feedback, since answers[{first}] takes {_as_text(taken)}")


def _standing_for(answer: Answer) -> tuple[float, ...]:
    number = answer.number()
    return () if number is None else (number,)


def _as_text(answer: Answer) -> str:
    if answer.range:
        return f"range {list(answer.range)}"
    number = answer.number()
    assert number is not None, "a default answer stands for no number"
    return format_number(number)


NUMERIC = register(
    QuestionType(
        name="numeric",
        fields={
            "required": ["answers"],
            "properties": {
                "draw": {"$ref": "#/definitions/draw"},
                "precision": {
                    "description": "Significant digits to which an answer must agree, where no tolerance is given.",
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 15,
                },
                "tolerance": {
                    "description": "Relative: 0.05 takes anything within 5 % of the value. From 1 on it would take 0.",
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "exclusiveMaximum": 1,
                },
                "unit": {"type": "string", "minLength": 1, "maxLength": 20},
                "answers": {"type": "array", "minItems": 2, "items": _ANSWER},
            },
        },
        check=_check,
        grade=_grade,
        right_answer=_right_answer,
        in_words=format_number,
    )
)
