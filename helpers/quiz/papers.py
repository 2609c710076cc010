"""Papers that a seed draws: the same seed gives the same paper in an exam, in every export and on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from helpers.checks import check_choice
from helpers.quiz.instances import instantiate
from helpers.quiz.mixing import lot
from helpers.quiz.questions import NEEDS, Question


def draw_paper(
    questions: Iterable[Question], seed: int | str, count: int | None = None, needs: Collection[str] = ()
) -> tuple[Question, ...]:
    """Draw `count` questions, spread evenly over their lessons, with numbers, hidden networks and orders of their own.

    seed: any text or number; spaces around it don't count.
    needs: what is at hand, of `NEEDS`; questions that need anything else are left out.
    count: None for all questions, in the order given. Otherwise they come in order of lessons; questions that nobody
    but their reader can grade are left out, and where there are fewer than `count`, all are taken.
    """
    usable = can_be_asked(questions, needs)
    chosen = usable if count is None else _spread(usable, normalized(seed), count)
    return tuple(instantiate(question, seed_of(seed, question.id)) for question in chosen)


def can_be_asked(questions: Iterable[Question], needs: Collection[str]) -> list[Question]:
    """The questions that can be answered with no more than `needs` at hand; ValueError for what no question needs."""
    for need in needs:
        check_choice("each of needs", need, NEEDS)
    return [question for question in questions if not question.needs or question.needs in needs]


def version_of(questions: Iterable[Question], seed: int | str, version: str) -> tuple[Question, ...]:
    """The same questions with the numbers and orders of another version, themselves in an order of its own."""
    own = f"{normalized(seed)} version {version}"
    mixed = sorted(questions, key=lambda question: lot(own, f"place of {question.id}"))
    return tuple(instantiate(question, seed_of(own, question.id)) for question in mixed)


def seed_of(seed: int | str, name: str) -> int:
    """The seed of one question of the paper, by the question's id."""
    return lot(normalized(seed), name) % 2**31


def normalized(seed: int | str) -> str:
    """A seed as it counts: 7, "7" and " 7 " draw the same paper."""
    return str(seed).strip()


def _spread(questions: Iterable[Question], seed: str, count: int) -> list[Question]:
    """Take from each lesson in turn what the seed puts first, until there are `count`."""
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
