"""A lesson's quiz: its questions one below another, each with an input and its feedback."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.course import LESSONS
from helpers.lesson.hidden import hidden_profile
from helpers.lesson.inputs import input_for
from helpers.lesson.parts import View, html_box, make_button, show_if, verdict_html
from helpers.progress import Given, Progress, progress
from helpers.quiz import BankError, Grade, Question, another, grade, instantiate, load_bank
from helpers.quiz.text import as_html

_NOT_YET = Grade(False, "", understood=False)


class QuestionForm(widgets.VBox):
    """One question with an input, a button that calls `submit`, and a place for feedback.

    `announce` has a text read out; the widgets in `more` follow below the feedback.
    """

    def __init__(
        self,
        number: int,
        submit: Callable[[], None],
        announce: Callable[[str], None],
        names_lesson: bool = False,
        more: Sequence[widgets.Widget] = (),
    ) -> None:
        self._number, self._announce, self._names_lesson = number, announce, names_lesson
        self._text, self._place = html_box(), widgets.VBox()
        self._submit, self.button = submit, make_button("", submit)
        self.feedback = html_box()
        super().__init__([self._text, self._place, self.button, self.feedback, *more])
        self.add_class("lesson-item")

    def ask(self, question: Question) -> None:
        """Show a question, not yet answered."""
        self.question = question
        self.input = input_for(question, self._announce)
        self.input.on_enter(self._submit)
        code = f"<pre><code>{html.escape(question.code)}</code></pre>" if question.code else ""
        label = f'<span class="lesson-number">{self._number}.</span>'
        lesson = f"Lesson {LESSONS[question.lesson].name}" if self._names_lesson else ""
        origin = f'<div class="lesson-origin">{html.escape(lesson)}</div>' if lesson else ""
        self._text.value = f'{origin}<div class="lesson-question">{label}{as_html(question.text)}</div>{code}'
        picture = [hidden_profile(question)] if question.network is not None else []
        self._place.children = (*picture, self.input.widget)
        self.feedback.value = ""


class QuestionView(QuestionForm):
    """A question of a quiz: each answer gets its feedback at once, and a button shows why in the panel.

    A question that varies can be asked again with other numbers. `grade` is the grade of the last readable answer.
    `answered` is called after each answer, with the answer and its grade; `show_state` moves the panel to a state,
    offers the way back to this question and returns what the panel shows; it is None where there is no panel.
    """

    def __init__(
        self,
        number: int,
        question: Question,
        announce: Callable[[str], None],
        answered: Callable[[Question, Any, Grade], None],
        show_state: Callable[[Mapping[str, Any], QuestionView], str] | None = None,
        names_lesson: bool = False,
    ) -> None:
        self._announce, self._answered, self._show_state = announce, answered, show_state
        self.grade = _NOT_YET
        self.show_button = make_button("Show me in the panel", self._show_in_panel)
        self.shown = html_box()
        self.again_button = make_button(question.kind.ask_again, self._vary)
        more = [self.show_button, self.shown, self.again_button]
        super().__init__(number, self._answer, announce, names_lesson, more)
        self._ask(question)

    def restore(self, given: Any, seed: int | None = None) -> None:
        """Show an earlier answer to the instance with this seed, graded by the present bank."""
        question = self.question if seed is None else instantiate(self.question, seed)
        regraded = grade(question, given)
        if regraded.understood:
            if question != self.question:
                self._ask(question)
            self.input.put(given)
            self._show(regraded)

    def _ask(self, question: Question) -> None:
        self.ask(question)
        self._show(_NOT_YET)

    def _answer(self) -> None:
        given = self.input.get()
        result = grade(self.question, given)
        self._show(result)
        self._answered(self.question, given, result)

    def _vary(self) -> None:
        self._ask(another(self.question))
        self._announce(f"A new question. {self.question.text}")

    def _show(self, result: Grade) -> None:
        if result.understood:
            self.grade = result
            self.input.answered()
        self.button.description = self.input.label
        verdict = self.question.kind.verdict(self.question, result)
        self.feedback.value = verdict_html(verdict) if verdict.message else ""
        self.shown.value = ""
        show_if(self.show_button, self._show_state is not None and bool(result.try_state))
        show_if(self.again_button, self.question.varies and result.understood)

    def _show_in_panel(self) -> None:
        if self._show_state is not None:
            message = f"The panel is set. It says: {self._show_state(self.grade.try_state, self)}"
            self.shown.value = f'<div class="lesson-hint">{as_html(message)}</div>'


class SettablePanel(Protocol):
    """A panel whose controls can be set by name, such as those of `helpers.panels`."""

    controls: dict[str, widgets.Widget]

    def set(self, **values: Any) -> None:
        """Set the named controls to the values."""

    @property
    def summary(self) -> str:
        """What the panel shows now, in words."""


def count_right(views: Sequence[QuestionView]) -> str:
    """The score of some questions, in a sentence."""
    answered = sum(view.grade.understood for view in views)
    return f"{sum(view.grade.correct for view in views)} of {len(views)} right, {answered} answered."


class QuizView(View):
    """Questions one below another, with earlier answers and a score.

    earlier: earlier answers by the question's id; names_lessons: whether each question names its lesson; score: makes
    the sentence below the questions; after: called after each answer.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        record: Progress,
        panel: SettablePanel | None = None,
        *,
        earlier: Mapping[str, Given] | None = None,
        names_lessons: bool = False,
        score: Callable[[Sequence[QuestionView]], str] = count_right,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.panel, self._record, self._sentence, self._after = panel, record, score, after
        self.score = html_box()
        show_state = None if panel is None else self._show_state
        self.questions = [
            QuestionView(number, question, self.announce, self._answered, show_state, names_lessons)
            for number, question in enumerate(questions, start=1)
        ]
        super().__init__([*self.questions, self.score], record)
        for view in self.questions:
            given = (earlier or {}).get(view.question.id)
            if given is not None:
                view.restore(given.given, given.seed)
        self._show_score()

    def _answered(self, question: Question, given: Any, result: Grade) -> None:
        """Keep an answer, and update and announce the score."""
        if result.understood:
            self._record.record_answer(
                question.lesson,
                question.id,
                given,
                result.correct,
                seed=question.seed if question.varies else None,
                score=result.fraction if question.kind.is_self_graded else None,
            )
        self._show_score()
        self.announce(f"{question.kind.verdict(question, result).sentence} {self._sentence(self.questions)}")
        self._after()

    def _show_state(self, state: Mapping[str, Any], question: QuestionView) -> str:
        """Set the panel, scroll to it, and return what it shows."""
        assert self.panel is not None
        self.panel.set(**state)
        self.announce(f"The panel is set. It says: {self.panel.summary}")
        self.announcer.bring_into_view(self.panel, way_back=question)
        return self.panel.summary

    def _show_score(self) -> None:
        self.score.value = f'<div class="lesson-score">{self._sentence(self.questions)}</div>'


def quiz(lesson: str, panel: SettablePanel | None = None) -> QuizView:
    """Show the quiz of a lesson ("01") with the answers given so far; BankError where its bank can't be read.

    panel: the lesson's panel; wrong answers then offer to set its sliders so that one sees why. BankError where a
    question names a control that this panel doesn't have.
    """
    questions, record = load_bank(lesson), progress()
    if panel is not None:
        for question in questions:
            _check_states(question, panel.controls)
    return QuizView(questions, record, panel, earlier=record.answers(lesson[:2]))


def _check_states(question: Question, controls: Mapping[str, widgets.Widget]) -> None:
    """Check that the states to try name controls of the panel and options of its menus; BankError otherwise."""
    for place, answer in enumerate(question.answers):
        for name, value in answer.try_state.items():
            field = f"question {question.id}, answer {place + 1}, field try.{name}"
            if name not in controls:
                raise BankError(f"{field}: this panel has no such control; it has {', '.join(controls)}")
            options = [each[1] if isinstance(each, tuple) else each for each in getattr(controls[name], "options", ())]
            if options and value not in options:
                raise BankError(f"{field}: {value!r} must be one of {', '.join(map(repr, options))}")
