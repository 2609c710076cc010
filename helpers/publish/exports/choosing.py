"""Which questions go out, and what each of them asks under a seed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from helpers.quiz import BANKS, Question, available_lessons, load_banks
from helpers.quiz.papers import can_be_asked, draw_paper


class ChoiceError(ValueError):
    """Questions were asked for that are not there; the message is a sentence that says what can be had."""


def choose(
    lessons: Sequence[str] = (),
    seed: int | str = 0,
    questions: int | None = None,
    folder: Path = BANKS,
    needs: Collection[str] = (),
) -> tuple[Question, ...]:
    """The questions of some lessons ("03"; all, where none is named), in the order of the banks.

    seed: draws the numbers and networks of the questions that have some, and the order of the options.
    questions: only so many of them: the paper that an exam of this seed, number and lessons has (`draw_paper`).
    needs: what is at hand when they are answered, of `NEEDS`; questions that need anything else are left out.

    Raises ChoiceError where there is no such lesson or not as many questions; BankError for a damaged bank.
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
