"""What a question, an answer and a prediction are."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.network import NetworkSpec
from helpers.quiz.keys import compute_key


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
class Question:
    """One question of a bank, ready to be asked: what depends on a seed has been filled in for `seed`.

    `type` is multiple_choice, many_choice, numeric, ordering, profile or open. `answers` are the choices, the numbers,
    the entries in their right order, or the points of the rubric. `tolerance` is relative; without it `precision`
    counts significant digits. `feedback` goes with a right order, `model` is the model answer of an open question, and
    `shows` names the quantity of a `GradientProfile` that a profile question draws. `entry` is the bank's own, of which
    `instantiate` makes further instances.
    """

    id: str
    type: str
    text: str
    answers: tuple[Answer, ...]
    code: str = ""
    unit: str = ""
    precision: int | None = None
    tolerance: float | None = None
    feedback: str = ""
    model: str = ""
    shows: str = "signal"
    seed: int = 0
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]

    @property
    def varies(self) -> bool:
        """Whether another seed makes another instance."""
        return self.type == "profile" or "draw" in self.entry

    @property
    def network(self) -> NetworkSpec | None:
        """The hidden network of a profile question."""
        return next((answer.network for answer in self.answers if answer.correct), None)

    def presented(self) -> tuple[Answer, ...]:
        """The answers as a learner meets them: the entries of an ordering mixed, never in the right order."""
        if self.type != "ordering":
            return self.answers
        mixed, dice = list(self.answers), random.Random(f"{self.id} {self.seed} order")
        while tuple(mixed) == self.answers:
            dice.shuffle(mixed)
        return tuple(mixed)

    def right_answer(self) -> Any:
        """What to give to be graded right: a text, texts, a number, or for `open` the model answer with all points."""
        if self.type == "ordering":
            return [answer.text for answer in self.answers]
        if self.type == "many_choice":
            return [answer.text for answer in self.answers if answer.correct]
        if self.type == "open":
            return {"text": self.model, "points": list(range(len(self.answers)))}
        right = next(answer for answer in self.answers if answer.correct)
        if self.type == "numeric":
            return sum(right.range) / 2 if right.range else right.number()
        return right.text


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
