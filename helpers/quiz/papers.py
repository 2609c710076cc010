"""Papers that a seed draws: the same seed gives the same paper on every machine, another one a different paper."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from helpers.quiz import Question

GRADED_BY_ITS_READER = "open"
CHOICES = ("multiple_choice", "many_choice", "profile")


def draw_paper(questions: Iterable[Question], count: int, seed: int | str) -> list[tuple[str, int]]:
    """Draw `count` questions, spread evenly over their lessons: the id and the seed of each, in order of lessons.

    Open questions are left out: nobody but their reader can grade them. Where there are fewer than `count`, all are
    taken.
    """
    by_lesson: dict[str, list[Question]] = {}
    for question in sorted(questions, key=lambda question: _lot(seed, question.id)):
        if question.type != GRADED_BY_ITS_READER:
            by_lesson.setdefault(question.lesson, []).append(question)
    turns = [
        (turn, _lot(seed, lesson), question)
        for lesson, drawn in by_lesson.items()
        for turn, question in enumerate(drawn)
    ]
    chosen = [question for *_, question in sorted(turns, key=lambda each: each[:2])][:count]
    return [(question.id, seed_of(seed, question.id)) for question in sorted(chosen, key=lambda q: q.lesson)]


def shuffled(question: Question, seed: int | str) -> Question:
    """The question with its choices in an order that the seed draws; other types as they are."""
    if question.type not in CHOICES:
        return question
    order = sorted(question.answers, key=lambda answer: _lot(seed, f"{question.id} {answer.text}"))
    return replace(question, answers=tuple(order))


def seed_of(seed: int | str, name: str) -> int:
    """A seed for one question of the paper."""
    return _lot(seed, name) % 2**31


def _lot(seed: int | str, name: str) -> int:
    """A number that looks random and is the same in every version of Python."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big")
