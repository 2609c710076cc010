"""A lesson's quiz: its questions one under another, each with a way to answer and the feedback on it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.course import LESSONS
from helpers.lesson.hidden import hidden_profile
from helpers.lesson.inputs import TextInput, input_for
from helpers.lesson.parts import View, html_box, make_button, show_if, verdict_html
from helpers.progress import Progress, progress
from helpers.quiz import Grade, Question, another, grade, instantiate, load_bank
from helpers.quiz.text import as_html

_NOT_YET = Grade(False, "", understood=False)


class QuestionView(widgets.VBox):
    """One question: text, a way to answer, the feedback on the answer, and a button to see why in the panel.

    A question that varies can be asked again with other numbers. `grade` is that of the last answer that could be read.
    """

    def __init__(self, number: int, question: Question, quiz_view: QuizView) -> None:
        self._number, self._quiz = number, quiz_view
        self.grade = _NOT_YET
        self._text = html_box()
        self._place = widgets.VBox()
        self.button = make_button("Check", self._answer)
        self.feedback = html_box()
        self.show_button = make_button("Show me in the panel", self._show_in_panel)
        self.shown = html_box()
        other = "Another network" if question.type == "profile" else "Ask with other numbers"
        self.again_button = make_button(other, self._vary)
        super().__init__(
            [self._text, self._place, self.button, self.feedback, self.show_button, self.shown, self.again_button]
        )
        self.add_class("lesson-item")
        self._ask(question)

    def restore(self, given: Any, seed: int | None = None) -> None:
        """Show an answer given earlier, to the instance of that seed, graded as the bank grades it now."""
        question = self.question if seed is None else instantiate(self.question, seed)
        regraded = grade(question, given)
        if regraded.understood:
            if question != self.question:
                self._ask(question)
            self.input.put(given)
            self._show(regraded)

    def _ask(self, question: Question) -> None:
        self.question = question
        self.input = input_for(question, lambda text: self._quiz.announcer.say(text))
        code = f"<pre><code>{html.escape(question.code)}</code></pre>" if question.code else ""
        label = f'<span class="lesson-number">{self._number}.</span>'
        lesson = f"Lesson {LESSONS[question.lesson].name}" if self._quiz.is_mixed else ""
        origin = f'<div class="lesson-origin">{html.escape(lesson)}</div>' if lesson else ""
        self._text.value = f'{origin}<div class="lesson-question">{label}{as_html(question.text)}</div>{code}'
        picture = [hidden_profile(question)] if question.type == "profile" else []
        self._place.children = (*picture, self.input.widget)
        self._show(_NOT_YET)

    def _answer(self) -> None:
        given = self.input.get()
        result = grade(self.question, given)
        self._show(result)
        self._quiz.answered(self.question, given, result)

    def _vary(self) -> None:
        self._ask(another(self.question))
        self._quiz.announcer.say(f"A new question. {self.question.text}")

    def _show(self, result: Grade) -> None:
        if result.understood:
            self.grade = result
        if isinstance(self.input, TextInput):
            if result.understood:
                self.input.compare()
            self.button.description = "Keep my points" if self.input.is_compared else "Compare with a model answer"
        sign, word, kind = headline(self.question, result)
        self.feedback.value = verdict_html(sign, word, result.feedback, kind) if result.feedback else ""
        self.shown.value = ""
        show_if(self.show_button, self._quiz.panel is not None and bool(result.try_state))
        show_if(self.again_button, self.question.varies and result.understood)

    def _show_in_panel(self) -> None:
        panel = self._quiz.panel
        if panel is not None:
            panel.set(**self.grade.try_state)
            self.shown.value = f'<div class="lesson-hint">The panel is set. It says: {as_html(panel.summary)}</div>'
            self._quiz.announcer.say(f"The panel is set. It says: {panel.summary}")
            self._quiz.announcer.bring_into_view(panel)


def headline(question: Question, result: Grade) -> tuple[str, str, str]:
    """Sign, word and kind of a verdict."""
    if not result.understood:
        return "·", "No answer yet.", "open"
    if result.correct:
        return "✓", "Right.", "right"
    if question.type == "open":
        made = len(question.answers) - len(result.missing)
        return "·", f"{made} of {len(question.answers)} points." if result.missing else "Written.", "open"
    return "✗", "Not so.", "wrong"


class SettablePanel(Protocol):
    """A panel whose controls can be moved by name, as those of `helpers.panels` can."""

    def set(self, **values: Any) -> None:
        """Move controls to the values."""

    @property
    def summary(self) -> str:
        """What the panel shows now, in words."""


class QuizView(View):
    """The questions of a lesson one under another, with what was answered before, and a score."""

    question_view: type[QuestionView] = QuestionView
    is_mixed = False  # questions of several lessons say which one they are of

    def __init__(
        self, lesson: str, questions: Sequence[Question], record: Progress, panel: SettablePanel | None = None
    ) -> None:
        self.panel, self._record = panel, record
        self.score = html_box()
        self.questions = [self.question_view(n, question, self) for n, question in enumerate(questions, start=1)]
        super().__init__([*self.questions, self.score], record)
        earlier = record.answers(lesson)
        for view in self.questions:
            if view.question.id in earlier:
                view.restore(earlier[view.question.id].given, earlier[view.question.id].seed)
        self._show_score()

    def answered(self, question: Question, given: Any, result: Grade) -> None:
        """Keep an answer, and tell the score."""
        if result.understood:
            self._record.record_answer(
                question.lesson, question.id, given, result.correct,
                seed=question.seed if question.varies else None,
                score=result.fraction if question.type == "open" else None,
            )  # fmt: skip
        word = headline(question, result)[1]
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
