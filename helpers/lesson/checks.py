"""The verdict on an exercise, with hints in stages."""

from __future__ import annotations

import html
from typing import Any

from helpers import quiz
from helpers.exercises import CheckResult, Exercise, check_exercise, get_exercise
from helpers.lesson.parts import View, html_box, make_button, verdict_html
from helpers.progress import Progress, progress
from helpers.quiz.text import as_html

WORDS = {"right": "Right.", "wrong": "Not yet right.", "open": "Open."}


class CheckView(View):
    """The verdict on an exercise, with a button that reveals one hint after another and finally the solution."""

    def __init__(self, exercise: Exercise, result: CheckResult, record: Progress) -> None:
        self.exercise, self.result = exercise, result
        self._steps = [] if result.correct else [f'<div class="lesson-hint">{as_html(h)}</div>' for h in exercise.hints]
        self._steps.append(f"<pre><code>{html.escape(exercise.solution)}</code></pre>")
        self._spoken = [*([] if result.correct else exercise.hints), "The solution is shown."]
        self._opened = 0
        verdict = quiz.Verdict(result.status, WORDS[result.status], result.message)
        self.shown = html_box(verdict_html(verdict))
        self.help = html_box()
        self.button = make_button("", self._open_next)
        super().__init__([self.shown, self.button, self.help], record)
        self.announce(verdict.sentence)
        self._label()

    def _open_next(self) -> None:
        self._opened += 1
        self.help.value = "".join(self._steps[: self._opened])
        self.announce(self._spoken[self._opened - 1])
        self._label()

    def _label(self) -> None:
        left = len(self._steps) - self._opened
        if left > 1:
            self.button.description = f"Hint {self._opened + 1} of {len(self._steps) - 1}"
        else:
            self.button.description = "Compare with a solution" if self.result.correct else "Show the solution"
        self.button.disabled = left == 0


def check(exercise_id: str, thing: Any) -> CheckView:
    """Judge the learner's function or number and show the verdict; three dots count as "not yet done".

    ValueError where there is no exercise with this id; never raises for what the learner's code does.
    """
    exercise, record = get_exercise(exercise_id), progress()
    result = check_exercise(exercise_id, thing)
    if result.status != "open":
        record.record_exercise(exercise.lesson, exercise_id, result.correct)
    return CheckView(exercise, result, record)
