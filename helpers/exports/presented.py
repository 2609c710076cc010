"""A question as it stands on paper or on a card: its options in an order, its solution, and a remark on each answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_uppercase

from helpers.exports.choosing import generator
from helpers.exports.numbers import leeway, stated
from helpers.quiz import Answer, Question


@dataclass(frozen=True)
class Remark:
    """What there is to say to one answer. `label` is what the answer says, with its letter where it has one."""

    label: str
    feedback: str
    right: bool


@dataclass(frozen=True)
class Presented:
    """`options` are the texts to choose from, lettered from A; none where a number is asked for."""

    question: Question
    options: tuple[str, ...]
    solution: str
    remarks: tuple[Remark, ...]


def present(question: Question, seed: int = 0) -> Presented:
    """The question with its options in the order that belongs to the seed."""
    return TYPES[question.type](question, seed)


def shuffled(question: Question, seed: int) -> tuple[Answer, ...]:
    """The answers of a question in the order that belongs to the seed."""
    return tuple(generator(seed, question.id).sample(question.answers, len(question.answers)))


def _choice(question: Question, seed: int) -> Presented:
    answers = shuffled(question, seed)
    lettered = [f"{letter}: {answer.text}" for letter, answer in zip(ascii_uppercase, answers, strict=False)]
    return Presented(
        question,
        options=tuple(answer.text for answer in answers),
        solution="\n".join(label for label, answer in zip(lettered, answers, strict=True) if answer.correct),
        remarks=tuple(
            Remark(label, answer.feedback, answer.correct) for label, answer in zip(lettered, answers, strict=True)
        ),
    )


def _numeric(question: Question, seed: int) -> Presented:
    right = [stated(question, answer) + leeway(question, answer) for answer in question.answers if answer.correct]
    return Presented(
        question,
        options=(),
        solution="\n".join(right),
        remarks=tuple(Remark(stated(question, answer), answer.feedback, answer.correct) for answer in question.answers),
    )


TYPES: dict[str, Callable[[Question, int], Presented]] = {
    "multiple_choice": _choice,
    "numeric": _numeric,
}
