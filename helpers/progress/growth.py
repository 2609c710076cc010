"""Count the questions answered, and answered right, over time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from helpers.progress.record import Given


@dataclass(frozen=True)
class Growth:
    """Counts of questions after each answer: `at` in seconds since 1970, `answered`, and `right` by the last answer."""

    at: tuple[float, ...]
    answered: tuple[int, ...]
    right: tuple[int, ...]


def growth(history: Sequence[Given], questions: Collection[str], now: float) -> Growth:
    """Count the questions (ids) answered and right over time, from 0 at the first answer until now; empty without one.

    history: the answers, the oldest first. Answers to questions that are not among `questions` don't count.
    """
    mine = [given for given in history if given.question in questions]
    if not mine:
        return Growth((), (), ())
    last: dict[str, bool] = {}
    at, answered, right = [mine[0].at], [0], [0]
    for given in mine:
        last[given.question] = given.correct
        at.append(given.at)
        answered.append(len(last))
        right.append(sum(last.values()))
    return Growth((*at, now), (*answered, answered[-1]), (*right, right[-1]))
