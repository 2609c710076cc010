"""Papers drawn by a seed: the same seed gives the same paper in an exam, in every export and on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from helpers.checks import check_choice
from helpers.quiz.instances import instantiate
from helpers.quiz.mixing import lot
from helpers.quiz.questions import NEEDS, Question


def draw_paper(
    questions: Iterable[Question], seed: int | str, count: int | None = None, needs: Collection[str] = ()
) -> tuple[Question, ...]:
    """Draw `count` questions, spread evenly over their lessons; the seed also draws their numbers, networks and orders.

    seed: any text or number; spaces around it don't count.
    needs: the names in `NEEDS` that are available; questions that need anything else are left out.
    count: None for all questions, in the order given. Otherwise they are ordered by lesson, self-graded questions are
    left out, and all are taken where there are fewer than `count`.
    """
    usable = can_be_asked(questions, needs)
    chosen = usable if count is None else _spread(usable, normalized(seed), count)
    return tuple(instantiate(question, seed_of(seed, question.id)) for question in chosen)


def can_be_asked(questions: Iterable[Question], needs: Collection[str]) -> list[Question]:
    """The questions that can be answered with `needs` available; ValueError for a name that isn't in `NEEDS`."""
    for need in needs:
        check_choice("each of needs", need, NEEDS)
    return [question for question in questions if not question.needs or question.needs in needs]


def version_of(questions: Iterable[Question], seed: int | str, version: str) -> tuple[Question, ...]:
    """The same questions with other numbers and orders of answers, and in another order, drawn for this version."""
    own = f"{normalized(seed)} version {version}"
    mixed = sorted(questions, key=lambda question: lot(own, f"place of {question.id}"))
    return tuple(instantiate(question, seed_of(own, question.id)) for question in mixed)


def seed_of(seed: int | str, name: str) -> int:
    """The seed of the question with the id `name` in the paper."""
    return lot(normalized(seed), name) % 2**31


def normalized(seed: int | str) -> str:
    """A seed in its normal form: 7, "7" and " 7 " draw the same paper."""
    return str(seed).strip()


def _spread(questions: Iterable[Question], seed: str, count: int) -> list[Question]:
    """Take a question from each lesson in turn, in the order that the seed draws, until there are `count`."""
    by_lesson: dict[str, list[Question]] = {}
    for question in sorted(questions, key=lambda question: lot(seed, question.id)):
        if not question.kind.is_self_graded:
            by_lesson.setdefault(question.lesson, []).append(question)
    turns = [
        (turn, lot(seed, lesson), question)
        for lesson, drawn in by_lesson.items()
        for turn, question in enumerate(drawn)
    ]
    chosen = [question for *_, question in sorted(turns, key=lambda each: each[:2])][:count]
    return sorted(chosen, key=lambda question: question.lesson)
