"""Papers drawn by a seed: the same seed gives the same paper in an exam, in every export and on every machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from string import ascii_uppercase

from helpers.checks import check_choice
from helpers.quiz.instances import instantiate
from helpers.quiz.mixing import lot
from helpers.quiz.questions import NEEDS, Question

_TRIES = 60
"""How many seeds are tried for a form that no earlier version of a paper has."""


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
    """The same questions with other numbers and orders of answers, and in another order, drawn for this version.

    A question differs from that of all versions before, A, B and so on, as long as it has so many forms.
    """
    own = _seed_of_version(seed, version)
    mixed = sorted(questions, key=lambda question: lot(own, f"place of {question.id}"))
    return tuple(_unlike_earlier(question, seed, version) for question in mixed)


def has_one_form(question: Question) -> bool:
    """Whether all versions ask the question alike."""
    return not question.varies and not question.order


def _unlike_earlier(question: Question, seed: int | str, version: str) -> Question:
    chosen, taken = question, []
    for each in ascii_uppercase[: ascii_uppercase.index(version) + 1]:
        first = seed_of(_seed_of_version(seed, each), question.id)
        forms = (instantiate(question, first + step) for step in range(1 if has_one_form(question) else _TRIES))
        chosen = next((form for form in forms if _form(form) not in taken), instantiate(question, first))
        taken.append(_form(chosen))
    return chosen


def _form(question: Question) -> tuple[object, ...]:
    """What tells two instances of a question apart: what is asked, or else the order of the answers."""
    return question.text, question.code, question.network, question.varies or question.order


def _seed_of_version(seed: int | str, version: str) -> str:
    return f"{normalized(seed)} version {version}"


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
