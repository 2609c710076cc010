"""What a question, an answer and a prediction are, and what a type of question consists of."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.network import NetworkSpec
from helpers.quiz.keys import compute_key
from helpers.quiz.verdict import Verdict


@dataclass(frozen=True)
class Answer:
    """One answer of a question, with the feedback that is its own.

    By the question's type: a choice (`multiple_choice`, `many_choice`, `profile`), a number, a range of numbers or
    `default`, any other number (`numeric`), an entry at its right place (`ordering`), a point of the rubric (`open`).
    """

    feedback: str
    correct: bool = False
    text: str = ""
    value: float | None = None
    range: tuple[float, float] | None = None
    default: bool = False
    key: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    try_state: Mapping[str, Any] = field(default_factory=dict)
    network: NetworkSpec | None = None

    def number(self) -> float | None:
        """The number this answer stands for: computed where it has a key, else as written in the bank."""
        if self.key is None:
            return self.value
        return compute_key(self.key, **self.arguments)


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


@dataclass(frozen=True)
class Question:
    """One question of a bank, ready to be asked: what depends on a seed has been filled in for `seed`.

    `type` is a name in `TYPES`. `needs` is what it can't be answered without, one of `NEEDS`, or empty. `answers` are
    the choices, the numbers, the entries in their right order, or the points of the rubric; `order` holds their places
    as they are shown, where that isn't the bank's order. `tolerance` is relative; without it `precision` counts
    significant digits. `feedback` goes with a right order, `model` is the model answer of an open question, and `shows`
    names the quantity of a `GradientProfile` that a profile question draws. `entry` is the bank's own, of which
    `instantiate` makes further instances.
    """

    id: str
    type: str
    text: str
    answers: tuple[Answer, ...]
    needs: str = ""
    code: str = ""
    unit: str = ""
    precision: int | None = None
    tolerance: float | None = None
    feedback: str = ""
    model: str = ""
    shows: str = "signal"
    seed: int = 0
    order: tuple[int, ...] = ()
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kind(self) -> QuestionType:
        """The record of the question's type."""
        return TYPES[self.type]

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]

    @property
    def varies(self) -> bool:
        """Whether another seed asks something else, and not only in another order."""
        return "draw" in self.entry

    @property
    def network(self) -> NetworkSpec | None:
        """The hidden network of a profile question."""
        return next((answer.network for answer in self.answers if answer.correct), None)

    def presented(self) -> tuple[Answer, ...]:
        """The answers in the order in which a learner meets them."""
        return tuple(self.answers[place] for place in self.order) if self.order else self.answers

    def right_answer(self) -> Any:
        """What to give to be graded right: a text, texts, a number, or for `open` the model answer with all points."""
        return self.kind.right_answer(self)


@dataclass(frozen=True)
class Explanation:
    """What is said after any answer: a text, then each entry with its feedback, `numbered` where the order counts."""

    text: str
    numbered: bool


def answers_in(entry: Mapping[str, Any], dice: random.Random) -> tuple[Answer, ...]:
    """The answers of an entry of a bank, as they stand there."""
    return tuple(answer_of(answer) for answer in entry["answers"])


def answer_of(entry: Mapping[str, Any]) -> Answer:
    """One answer of an entry of a bank."""
    bounds = entry.get("range")
    return Answer(
        feedback=entry["feedback"],
        correct=entry.get("correct", False),
        text=entry.get("answer", ""),
        value=entry.get("value"),
        range=(bounds[0], bounds[1]) if bounds else None,
        default=entry.get("type") == "default",
        key=entry.get("key"),
        arguments=entry.get("arguments", {}),
        try_state=entry.get("try", {}),
    )


def plain_verdict(question: Question, grade: Grade) -> Verdict:
    """Right, not so, or no answer yet."""
    if not grade.understood:
        return Verdict("open", "No answer yet.", grade.feedback)
    return Verdict("right", "Right.", grade.feedback) if grade.correct else Verdict("wrong", "Not so.", grade.feedback)


@dataclass(frozen=True, kw_only=True)
class QuestionType:
    """All that the course must know of a type of question, apart from how it is shown or written to a file.

    name: what a bank writes as `type`.
    fields: a JSON Schema of what an entry has besides id, type, question and code: `required` and `properties`.
    answers: the answers of an entry whose draws are filled in; `dice` draws what else a seed decides.
    check: raises `Fault` where an instance makes no sense; it is called for every value that can be drawn.
    grade, right_answer: as `quiz.grade` and `Question.right_answer`.
    verdict: a grade in a word.
    remark: what is said to somebody who gives the answer at that place.
    share: the part of the mark that an answer earns by itself, from -1 to 1.
    points: what the question is worth.
    explanation: what is said after any answer, if anything.
    in_words: a right answer in words.
    is_mixed: whether the answers are shown in an order that a seed draws; `hides_order`: never in the bank's order.
    is_self_graded: whether only its reader can grade an answer; papers leave such questions out.
    ask_again: the label of the button that asks another instance.
    """

    name: str
    fields: Mapping[str, Any]
    check: Callable[[Question], None]
    grade: Callable[[Question, object], Grade]
    right_answer: Callable[[Question], Any]
    in_words: Callable[[Any], str] = str
    answers: Callable[[Mapping[str, Any], random.Random], tuple[Answer, ...]] = answers_in
    verdict: Callable[[Question, Grade], Verdict] = plain_verdict
    remark: Callable[[Question, int], str] = lambda question, place: question.answers[place].feedback
    share: Callable[[Question, Answer], float] = lambda question, answer: float(answer.correct)
    points: Callable[[Question], int] = lambda question: 1
    explanation: Callable[[Question], Explanation | None] = lambda question: None
    is_mixed: bool = False
    hides_order: bool = False
    is_self_graded: bool = False
    ask_again: str = "Ask with other numbers"


NEEDS: Mapping[str, str] = {"panel": "the lesson's panel", "run": "cells of the lesson that are run"}
"""What a question may need, by the word that a bank writes."""

TYPES: dict[str, QuestionType] = {}
"""The types of question by name, each registered by its file in `helpers/quiz/types/`."""


def register(kind: QuestionType) -> QuestionType:
    """Make a type known under its name; ValueError where the name is taken."""
    if kind.name in TYPES:
        raise ValueError(f"question type {kind.name!r} is registered already")
    TYPES[kind.name] = kind
    return kind


@dataclass(frozen=True)
class Prediction:
    """A question asked before anything is shown. `low` and `high` are powers of ten (type `scale`)."""

    id: str
    type: str
    question: str
    outcome: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    unit: str = ""

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]
