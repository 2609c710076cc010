"""The records of a question, an answer and a prediction, and of a type of question."""

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
    """One answer of a question, with its own feedback.

    Depending on the question's type: a choice (`multiple_choice`, `many_choice`, `profile`); a number, a range of
    numbers or the `default` for any other number (`numeric`); an entry (`ordering`); a point of the rubric (`open`).
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
        """The number of this answer: computed if it has a key, else as written in the bank."""
        if self.key is None:
            return self.value
        return compute_key(self.key, **self.arguments)


@dataclass(frozen=True)
class Grade:
    """The result of `grade`. `understood` is False where no answer could be read; such a try doesn't count.

    `fraction` is the part that is right, from 0 to 1. For several choices, `wrong` holds those picked by mistake and
    `missing` those that should have been picked; for an open question, `missing` holds the points that the text lacks.
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
    """One question of a bank, ready to be asked: all that depends on a seed has been filled in for `seed`.

    `type` is a name in `TYPES`. `needs` names what the answer requires, one of `NEEDS`, or is empty. `answers` are the
    choices, the numbers, the entries in their right order, or the points of the rubric; `order` holds their indices in
    the order shown, where that isn't the bank's order. `tolerance` is relative; without it `precision` is the number of
    significant digits. `feedback` is shown for a right order, `model` is the model answer of an open question, and
    `shows` names the quantity of a `GradientProfile` that a profile question draws. `entry` is the entry in the bank,
    from which `instantiate` makes further instances.
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
        """Whether another seed changes the question, not only the order of its answers."""
        return "draw" in self.entry

    @property
    def network(self) -> NetworkSpec | None:
        """The hidden network of a profile question."""
        return next((answer.network for answer in self.answers if answer.correct), None)

    def presented(self) -> tuple[Answer, ...]:
        """The answers in the order shown to the learner."""
        return tuple(self.answers[place] for place in self.order) if self.order else self.answers

    def right_answer(self) -> Any:
        """The input that is graded right: a text, texts, a number, or for `open` the model answer with all points."""
        return self.kind.right_answer(self)


@dataclass(frozen=True)
class Explanation:
    """Shown after any answer: a text, then each entry with its feedback, `numbered` where the order counts."""

    text: str
    numbered: bool


def answers_in(entry: Mapping[str, Any], dice: random.Random) -> tuple[Answer, ...]:
    """The answers of an entry of a bank, unchanged."""
    return tuple(answer_of(answer) for answer in entry["answers"])


def answer_of(entry: Mapping[str, Any]) -> Answer:
    """Make an answer from one in an entry of a bank."""
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
    """The verdict of most types: right, wrong, or no answer yet."""
    if not grade.understood:
        return Verdict("open", "No answer yet.", grade.feedback)
    if grade.correct:
        return Verdict("right", "Right.", grade.feedback)
    return Verdict("wrong", "Not quite.", grade.feedback)


@dataclass(frozen=True, kw_only=True)
class QuestionType:
    """Everything the course knows about a type of question, apart from how it is shown or written to a file.

    name: the value of `type` in a bank.
    fields: a JSON Schema (`required` and `properties`) of an entry's fields besides id, type, question and code.
    answers: makes the answers from an entry whose draws are filled in; `dice` draws whatever else depends on the seed.
    check: raises `Fault` where an instance makes no sense; called for every combination of values that can be drawn.
    grade, right_answer: as `quiz.grade` and `Question.right_answer`.
    verdict: a grade as a word and a message.
    remark: the feedback for choosing the answer at an index.
    share: the part of the mark that an answer contributes, from -1 to 1.
    points: the number of points the question is worth.
    explanation: shown after any answer, if there is one.
    in_words: a right answer in words.
    is_mixed: whether the answers are shown in an order that a seed draws; `hides_order`: never in the bank's order.
    is_self_graded: whether only the learner can grade an answer; papers leave such questions out.
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
"""What a question may need to be answered, by its name in a bank."""

TYPES: dict[str, QuestionType] = {}
"""The types of question by name, each registered by its file in `helpers/quiz/types/`."""


def register(kind: QuestionType) -> QuestionType:
    """Register a type under its name; ValueError where the name is taken."""
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
    high: float = 1.0
    unit: str = ""

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]
