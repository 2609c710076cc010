"""Which questions go out, and what each of them asks under a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from helpers.quiz import BANKS, Question, available_lessons, instantiate, load_banks


class ChoiceError(ValueError):
    """Questions were asked for that are not there; the message is a sentence that says what can be had."""


def generator(seed: int, purpose: str) -> random.Random:
    """Random numbers of their own for each purpose, the same on every machine and in every year."""
    return random.Random(f"{seed} {purpose}")


def choose(
    lessons: Sequence[str] = (), seed: int = 0, questions: int | None = None, folder: Path = BANKS
) -> tuple[Question, ...]:
    """The questions of some lessons ("03"; all, where none is named), in the order of the banks.

    seed: draws the numbers and networks of the questions that have some.
    questions: only so many of them, drawn by the seed as well.

    Raises ChoiceError where there is no such lesson or not as many questions; BankError for a damaged bank.
    """
    bank = [instantiate(question, seed) for question in load_banks(_wanted_lessons(lessons, folder), folder)]
    if questions is None:
        return tuple(bank)
    if not 1 <= questions <= len(bank):
        raise ChoiceError(
            f"{questions} questions were asked for, and the chosen lessons have {len(bank)}: "
            f"give a number from 1 to {len(bank)}"
        )
    drawn = generator(seed, "questions").sample(range(len(bank)), questions)
    return tuple(bank[place] for place in sorted(drawn))


def _wanted_lessons(lessons: Sequence[str], folder: Path) -> list[str]:
    available = available_lessons(folder)
    wanted = sorted({lesson.zfill(2) for lesson in lessons}) or list(available)
    for lesson in wanted:
        if lesson not in available:
            raise ChoiceError(f"There are no questions for lesson {lesson!r}: give one of {', '.join(available)}")
    return wanted
