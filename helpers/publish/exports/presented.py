"""A question prepared for paper or a card: its options in order, its solution, and a remark on each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from string import ascii_uppercase

from helpers.publish.exports.markup import as_html
from helpers.publish.exports.numbers import leeway, stated
from helpers.quiz import Answer, Question, for_each_type


@dataclass(frozen=True)
class Remark:
    """The feedback on one answer. `label` is the answer's text, with its letter if it has one.

    `right` is None where there is no right or wrong: for an entry of an ordering or a point of a rubric.
    """

    label: str
    feedback: str
    right: bool | None = None


@dataclass(frozen=True)
class Presented:
    """`options` are texts to choose from or to order, lettered from A; empty where the answer is written.

    `solution` is short: letters or numbers, empty for an open question. `explanation` gives the reasons for an order,
    or is the model answer. `hint` says how to answer, where the options don't make it clear.
    """

    question: Question
    options: tuple[str, ...]
    solution: str
    remarks: tuple[Remark, ...]
    explanation: str = ""
    hint: str = ""

    def solved(self) -> str:
        """Solution and explanation in HTML."""
        solution = f"<p><b>{as_html(self.solution)}</b></p>" if self.solution else ""
        return solution + (f"<p>{as_html(self.explanation)}</p>" if self.explanation else "")

    def remarked(self) -> str:
        """The remarks as an HTML list, each with a sign that says whether its answer is right."""
        signs = {True: "✓", False: "✗", None: "•"}
        items = "".join(
            f"<li>{signs[each.right]} <b>{as_html(each.label)}</b> – {as_html(each.feedback)}</li>"
            for each in self.remarks
        )
        return f'<ul class="remarks">{items}</ul>'


def present(question: Question) -> Presented:
    """Prepare a question, with its options in the order shown."""
    return PRESENTERS[question.type](question)


def _lettered(question: Question) -> list[tuple[str, Answer, str]]:
    """Letter, answer and remark, in the order in which the question shows its answers."""
    return [
        (letter, answer, question.kind.remark(question, question.answers.index(answer)))
        for letter, answer in zip(ascii_uppercase, question.presented(), strict=False)
    ]


def _choice(question: Question) -> Presented:
    lettered = _lettered(question)
    return Presented(
        question,
        options=tuple(answer.text for _, answer, _ in lettered),
        solution=", ".join(letter for letter, answer, _ in lettered if answer.correct),
        remarks=tuple(
            Remark(f"{letter}: {answer.text}", remark, answer.correct) for letter, answer, remark in lettered
        ),
    )


def _ordering(question: Question) -> Presented:
    lettered = sorted(_lettered(question), key=lambda each: question.answers.index(each[1]))
    return Presented(
        question,
        options=tuple(answer.text for answer in question.presented()),
        solution=", ".join(letter for letter, *_ in lettered),
        explanation=question.feedback,
        hint="Give each of them its place; 1 comes first.",
        remarks=tuple(Remark(f"{letter}: {answer.text}", remark) for letter, answer, remark in lettered),
    )


def _numeric(question: Question) -> Presented:
    right = [stated(question, answer) + leeway(question, answer) for answer in question.answers if answer.correct]
    return Presented(
        question,
        options=(),
        solution=" or ".join(right),
        remarks=tuple(Remark(stated(question, answer), answer.feedback, answer.correct) for answer in question.answers),
    )


def _open(question: Question) -> Presented:
    points = tuple(Remark(point.text, point.feedback) for point in question.answers)
    return Presented(question, options=(), solution="", explanation=question.model, remarks=points)


PRESENTERS: Mapping[str, Callable[[Question], Presented]] = for_each_type(
    "helpers/publish/exports/presented.py",
    {
        "multiple_choice": _choice,
        "many_choice": lambda question: replace(
            _choice(question), hint="More than one may be right: mark each of them."
        ),
        "profile": _choice,
        "ordering": _ordering,
        "numeric": _numeric,
        "open": _open,
    },
)
