"""Select the questions to export, and instantiate them with a seed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from helpers.quiz import Question, load_banks
from helpers.quiz.banks import load_own_banks
from helpers.quiz.papers import can_be_asked, draw_paper


class ChoiceError(ValueError):
    """The questions asked for don't exist; the message says which ones do."""


def choose(
    lessons: Sequence[str] = (),
    seed: int | str = 0,
    questions: int | None = None,
    own: Path | None = None,
    needs: Collection[str] = (),
) -> tuple[Question, ...]:
    """The questions of some lessons ("03"; all if none is named), in the order of the banks.

    seed: draws the numbers and networks of questions that vary, and the order of the options.
    questions: how many to draw: the same paper as an exam with this seed, number and lessons (`draw_paper`).
    own: a folder with the user's own banks, whose questions replace the course's.
    needs: the names in `NEEDS` that are available to learners; questions that need anything else are left out.

    Raises ChoiceError for an unknown lesson or too few questions; BankError for a damaged bank.
    """
    bank = can_be_asked(all_of(lessons, own), needs)
    if questions is not None:
        graded = sum(not question.kind.is_self_graded for question in bank)
        if not 1 <= questions <= graded:
            raise ChoiceError(
                f"{questions} questions were asked for, and the chosen lessons have {graded} for a paper: "
                f"give a number from 1 to {graded}"
            )
    return draw_paper(bank, seed, questions, needs)


def all_of(lessons: Sequence[str] = (), own: Path | None = None) -> tuple[Question, ...]:
    """All questions of some lessons, whatever they need, from the course's banks or the user's own."""
    questions = load_own_banks(own) if own else load_banks()
    available = sorted({question.lesson for question in questions})
    wanted = {lesson.zfill(2) for lesson in lessons} or available
    for lesson in sorted(wanted):
        if lesson not in available:
            raise ChoiceError(f"There are no questions for lesson {lesson!r}: give one of {', '.join(available)}")
    return tuple(question for question in questions if question.lesson in wanted)
