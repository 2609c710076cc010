"""When each answered question should come again, by the algorithm FSRS-6.

The schedule is computed from the answers each time, so there is no second state that could contradict the record.
Source: Ye, Su and Cao, "A Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling"
(KDD 2022), and its successor in the package `fsrs`, with the package's default parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpers.progress import Given
from helpers.quiz.questions import Question

if TYPE_CHECKING:
    from fsrs import Card, Rating

SOON = timedelta(minutes=10)
"""A question comes again after this long if it was answered wrong, or right within this time after a wrong answer."""


@dataclass(frozen=True)
class Standing:
    """How well a question is remembered: `due` in seconds since 1970, `retrievability` the chance of recall now.

    `stability` is the number of days after which that chance falls to 0.9; `right`: whether the last answer was right.
    """

    question: str
    right: bool
    due: float
    retrievability: float
    stability: float

    def is_due(self, now: float) -> bool:
        """Whether it should come again by now."""
        return self.due <= now


def standings(history: Sequence[Given], now: float) -> dict[str, Standing]:
    """How well each question answered so far is remembered, by its id.

    history: the answers, the oldest first (`Progress.history`); now: seconds since 1970.
    """
    from fsrs import Card, Scheduler

    scheduler = Scheduler(learning_steps=(SOON,), relearning_steps=(SOON,), enable_fuzzing=False)
    cards: dict[str, Card] = {}
    before: dict[str, Given] = {}
    for given in filter(_is_review, history):
        card = cards.get(given.question) or Card(card_id=len(cards))
        rating = _rating(given, before.get(given.question))
        cards[given.question], _ = scheduler.review_card(card, rating, _moment(given.at))
        before[given.question] = given
    found = {}
    for question, card in cards.items():
        retrievability = scheduler.get_card_retrievability(card, _moment(now))
        right, stability = before[question].correct, card.stability or 0.0
        found[question] = Standing(question, right, card.due.timestamp(), retrievability, stability)
    return found


def weakest_first(questions: Sequence[Question], history: Sequence[Given], now: float) -> list[Question]:
    """The questions in the order in which to review them: due, then not yet due, then never answered.

    The first two groups begin with questions last answered wrong, then go by the chance of recall, lowest first; the
    last group keeps its order.
    """
    known = standings(history, now)

    def place(question: Question) -> tuple[float, ...]:
        found = known.get(question.id)
        if found is None:
            return (2,)
        return (0 if found.is_due(now) else 1, found.right, found.retrievability, found.stability)

    return sorted(questions, key=place)


def count_due(questions: Sequence[Question], history: Sequence[Given], now: float) -> int:
    """The number of questions that are due for review by now."""
    known = standings(history, now)
    return sum(question.id in known and known[question.id].is_due(now) for question in questions)


def _is_review(given: Given) -> bool:
    """Whether an answer counts as a review; an open one does only once it has been compared with the model answer."""
    return given.score is None or not isinstance(given.given, str)


def _rating(given: Given, before: Given | None) -> Rating:
    """Again for a wrong answer, Good for a right one; Hard if it is half right, or right just after a wrong one."""
    from fsrs import Rating

    if given.score is not None:
        return Rating.Good if given.score >= 0.8 else Rating.Hard if given.score >= 0.4 else Rating.Again
    if not given.correct:
        return Rating.Again
    just_answered_wrong = before is not None and not before.correct and given.at - before.at < SOON.total_seconds()
    return Rating.Hard if just_answered_wrong else Rating.Good


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
