"""A lesson's quiz: its questions one under another, each with a way to answer and the feedback on it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.lesson.inputs import ChoiceInput, Input, NumberInput
from helpers.lesson.parts import View, as_html, html_box, make_button, verdict_html
from helpers.progress import Progress, progress
from helpers.quiz import Grade, Question, grade, load_bank


class QuestionView(widgets.VBox):
    """One question: text, a way to answer, the feedback on the answer, and a button to see why in the panel."""

    def __init__(self, number: int, question: Question, quiz_view: QuizView) -> None:
        self.question, self.grade = question, Grade(False, "", understood=False)
        self._quiz = quiz_view
        choice = question.type == "multiple_choice"
        self.input: Input = ChoiceInput([a.text for a in question.answers]) if choice else NumberInput(question.unit)
        self.button = make_button("Check", self._answer)
        self.feedback = html_box()
        self.show_button = make_button("Show me in the panel", self._show_in_panel)
        self.shown = html_box()
        code = f"<pre><code>{html.escape(question.code)}</code></pre>" if question.code else ""
        label = f'<span class="lesson-number">{number}.</span>'
        text = html_box(f'<div class="lesson-question">{label}{as_html(question.text)}</div>{code}')
        super().__init__([text, self.input.widget, self.button, self.feedback, self.show_button, self.shown])
        self.add_class("lesson-item")
        self._show(self.grade)

    def restore(self, given: Any) -> None:
        """Show an answer given earlier, graded as the bank grades it now."""
        regraded = grade(self.question, given)
        if regraded.understood:
            self.input.put(given)
            self._show(regraded)

    def _answer(self) -> None:
        given = self.input.get()
        self._show(grade(self.question, given))
        self._quiz.answered(self.question, given, self.grade)

    def _show(self, result: Grade) -> None:
        self.grade = result
        sign, word, kind = _WORDS[result.understood, result.correct]
        self.feedback.value = verdict_html(sign, word, result.feedback, kind) if result.feedback else ""
        self.shown.value = ""
        self.show_button.layout.display = None if self._quiz.panel is not None and result.try_state else "none"

    def _show_in_panel(self) -> None:
        panel = self._quiz.panel
        if panel is not None:
            panel.set(**self.grade.try_state)
            self.shown.value = f'<div class="lesson-hint">The panel is set. It says: {as_html(panel.summary)}</div>'
            self._quiz.announcer.say(f"The panel is set. It says: {panel.summary}")


_WORDS = {
    (True, True): ("✓", "Right.", "right"),
    (True, False): ("✗", "Not so.", "wrong"),
    (False, False): ("·", "No answer yet.", "open"),
}


class SettablePanel(Protocol):
    """A panel whose controls can be moved by name, as those of `helpers.panels` can."""

    def set(self, **values: Any) -> None:
        """Move controls to the values."""

    @property
    def summary(self) -> str:
        """What the panel shows now, in words."""


class QuizView(View):
    """The questions of a lesson one under another, with what was answered before, and a score."""

    def __init__(
        self, lesson: str, questions: Sequence[Question], record: Progress, panel: SettablePanel | None = None
    ) -> None:
        self.panel, self._record = panel, record
        self.score = html_box()
        self.questions = [QuestionView(n, question, self) for n, question in enumerate(questions, start=1)]
        super().__init__([*self.questions, self.score], record)
        earlier = record.answers(lesson)
        for view in self.questions:
            if view.question.id in earlier:
                view.restore(earlier[view.question.id].given)
        self._show_score()

    def answered(self, question: Question, given: Any, result: Grade) -> None:
        """Keep an answer, and tell the score."""
        if result.understood:
            self._record.record_answer(question.lesson, question.id, given, result.correct)
        word = _WORDS[result.understood, result.correct][1]
        self._show_score()
        self.announcer.say(f"{word} {result.feedback} {self._score_sentence()}")

    def _score_sentence(self) -> str:
        answered = sum(view.grade.understood for view in self.questions)
        right = sum(view.grade.correct for view in self.questions)
        return f"{right} of {len(self.questions)} right, {answered} answered."

    def _show_score(self) -> None:
        self.score.value = f'<div class="lesson-score">{self._score_sentence()}</div>'


def quiz(lesson: str, panel: SettablePanel | None = None) -> QuizView:
    """Show the quiz of a lesson ("01") with the answers given so far; BankError where its bank can't be read.

    panel: the lesson's panel; wrong answers then offer to move its sliders to where one sees why.
    """
    return QuizView(lesson[:2], load_bank(lesson), progress(), panel)
