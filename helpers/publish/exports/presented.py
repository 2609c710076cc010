"""A question as it stands on paper or on a card: its options in an order, its solution, and a remark on each answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_uppercase

from helpers.publish.exports.choosing import generator
from helpers.publish.exports.markup import as_html
from helpers.publish.exports.numbers import leeway, stated
from helpers.quiz import Answer, Question, grade


@dataclass(frozen=True)
class Remark:
    """What there is to say to one answer. `label` is what the answer says, with its letter where it has one.

    `right` is None where there is no right or wrong: an entry of an ordering, a point of a rubric.
    """

    label: str
    feedback: str
    right: bool | None = None


@dataclass(frozen=True)
class Presented:
    """`options` are texts to choose from or to order, lettered from A; none where something is to be written.

    `solution` is short: letters or numbers, empty for an open question. `explanation` says why an order is as it is, or
    is the model answer.
    """

    question: Question
    options: tuple[str, ...]
    solution: str
    remarks: tuple[Remark, ...]
    explanation: str = ""

    def solved(self) -> str:
        """Solution and explanation in HTML."""
        solution = f"<p><b>{as_html(self.solution)}</b></p>" if self.solution else ""
        return solution + (f"<p>{as_html(self.explanation)}</p>" if self.explanation else "")

    def remarked(self) -> str:
        """The remarks as a list in HTML, each with a sign that says whether it is about a right answer."""
        signs = {True: "✓", False: "✗", None: "•"}
        items = "".join(
            f"<li>{signs[each.right]} <b>{as_html(each.label)}</b> – {as_html(each.feedback)}</li>"
            for each in self.remarks
        )
        return f'<ul class="remarks">{items}</ul>'


def present(question: Question, seed: int = 0) -> Presented:
    """The question with its options in the order that belongs to the seed."""
    return TYPES[question.type](question, seed)


def feedback(question: Question, answer: Answer) -> str:
    """What the course says to somebody who gives this answer."""
    return grade(question, answer.text).feedback if question.type == "profile" else answer.feedback


def shuffled(question: Question, seed: int) -> tuple[Answer, ...]:
    """The answers of a question in the order that belongs to the seed; never in the right order where that is asked."""
    answers = tuple(generator(seed, question.id).sample(question.answers, len(question.answers)))
    gives_it_away = question.type == "ordering" and answers == question.answers
    return answers[1:] + answers[:1] if gives_it_away else answers


def _choice(question: Question, seed: int) -> Presented:
    answers = shuffled(question, seed)
    lettered = list(zip(ascii_uppercase, answers, strict=False))
    return Presented(
        question,
        options=tuple(answer.text for answer in answers),
        solution=", ".join(letter for letter, answer in lettered if answer.correct),
        remarks=tuple(
            Remark(f"{letter}: {answer.text}", feedback(question, answer), answer.correct)
            for letter, answer in lettered
        ),
    )


def _ordering(question: Question, seed: int) -> Presented:
    mixed = shuffled(question, seed)
    letters = [ascii_uppercase[mixed.index(answer)] for answer in question.answers]
    return Presented(
        question,
        options=tuple(answer.text for answer in mixed),
        solution=", ".join(letters),
        explanation=question.feedback,
        remarks=tuple(
            Remark(f"{letter}: {answer.text}", answer.feedback)
            for letter, answer in zip(letters, question.answers, strict=True)
        ),
    )


def _numeric(question: Question, seed: int) -> Presented:
    right = [stated(question, answer) + leeway(question, answer) for answer in question.answers if answer.correct]
    return Presented(
        question,
        options=(),
        solution=" or ".join(right),
        remarks=tuple(Remark(stated(question, answer), answer.feedback, answer.correct) for answer in question.answers),
    )


def _open(question: Question, seed: int) -> Presented:
    points = tuple(Remark(point.text, point.feedback) for point in question.answers)
    return Presented(question, options=(), solution="", explanation=question.model, remarks=points)


TYPES: dict[str, Callable[[Question, int], Presented]] = {
    "multiple_choice": _choice,
    "many_choice": _choice,
    "profile": _choice,
    "ordering": _ordering,
    "numeric": _numeric,
    "open": _open,
}
