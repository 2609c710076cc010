"""Select the questions to export, and instantiate them with a seed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from helpers.quiz import BANKS, Question, available_lessons, load_banks
from helpers.quiz.papers import can_be_asked, draw_paper


class ChoiceError(ValueError):
    """The questions asked for don't exist; the message says which ones do."""


def choose(
    lessons: Sequence[str] = (),
    seed: int | str = 0,
    questions: int | None = None,
    folder: Path = BANKS,
    needs: Collection[str] = (),
) -> tuple[Question, ...]:
    """The questions of some lessons ("03"; all if none is named), in the order of the banks.

    seed: draws the numbers and networks of questions that vary, and the order of the options.
    questions: how many to draw: the same paper as an exam with this seed, number and lessons (`draw_paper`).
    needs: the names in `NEEDS` that are available to learners; questions that need anything else are left out.

    Raises ChoiceError for an unknown lesson or too few questions; BankError for a damaged bank.
    """
    bank = can_be_asked(load_banks(_wanted_lessons(lessons, folder), folder), needs)
    if questions is not None:
        graded = sum(not question.kind.is_self_graded for question in bank)
        if not 1 <= questions <= graded:
            raise ChoiceError(
                f"{questions} questions were asked for, and the chosen lessons have {graded} for a paper: "
                f"give a number from 1 to {graded}"
            )
    return draw_paper(bank, seed, questions, needs)


def _wanted_lessons(lessons: Sequence[str], folder: Path) -> list[str]:
    available = available_lessons(folder)
    wanted = sorted({lesson.zfill(2) for lesson in lessons}) or list(available)
    for lesson in wanted:
        if lesson not in available:
            raise ChoiceError(f"There are no questions for lesson {lesson!r}: give one of {', '.join(available)}")
    return wanted
