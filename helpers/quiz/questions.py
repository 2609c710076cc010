"""What a question, an answer and a prediction are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.quiz.keys import compute_key


@dataclass(frozen=True)
class Answer:
    """One answer of a question: a choice, a number, a range of numbers, or `default` (any other number)."""

    feedback: str
    correct: bool = False
    text: str = ""
    value: float | None = None
    range: tuple[float, float] | None = None
    default: bool = False
    key: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    try_state: Mapping[str, Any] = field(default_factory=dict)

    def number(self) -> float | None:
        """The number this answer stands for: computed where it has a key, else as written in the bank."""
        if self.key is None:
            return self.value
        return compute_key(self.key, **self.arguments)


@dataclass(frozen=True)
class Question:
    """One question of a bank. `tolerance` is relative; without it `precision` counts significant digits."""

    id: str
    type: str
    text: str
    answers: tuple[Answer, ...]
    code: str = ""
    unit: str = ""
    precision: int | None = None
    tolerance: float | None = None

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]


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
