"""What a lesson shows a learner besides its panel: predictions, checks, the quiz, the map of the course.

Questions and grading live in `quiz`, tasks in `exercises`, the record in `progress`; here they are only shown. Every
function returns a widget, so that a call at the end of a cell displays it. All text is escaped; `backticks` mark code.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import anywidget
import ipywidgets as widgets
import traitlets

from helpers.course import LESSONS
from helpers.exercises import EXERCISES, Exercise, Verdict, check_exercise, get_exercise
from helpers.progress import Progress, progress
from helpers.quiz import (
    Grade,
    Prediction,
    Question,
    available_lessons,
    compare_prediction,
    grade,
    load_bank,
    load_predictions,
    say_number,
)

# Small parts ---------------------------------------------------------------------------------------------------------


def as_html(text: str) -> str:
    """Text made safe for a page; what stands in `backticks` becomes code, a line break stays one."""
    escaped = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=True))
    return escaped.replace("\n", "<br>")


def as_plain(text: str) -> str:
    """Text without backticks, for places that show no code: buttons, labels, screen readers."""
    return text.replace("`", "")


class Announcer(anywidget.AnyWidget):
    """A hidden line that screen readers read out when `say` changes it; it also brings the style sheet along."""

    _esm = Path(__file__).with_name("lesson.js")
    _css = Path(__file__).with_name("lesson.css")
    text = traitlets.Unicode("").tag(sync=True)

    def say(self, text: str) -> None:
        """Have the text read out, again if it is the same as before."""
        text = as_plain(text)
        self.text = text + "\u00a0" if text == self.text else text


def _html(content: str = "", *classes: str) -> widgets.HTML:
    box = widgets.HTML(content)
    for name in classes:
        box.add_class(name)
    return box


def _button(label: str, action: Callable[[], None], primary: bool = False) -> widgets.Button:
    button = widgets.Button(description=label, button_style="primary" if primary else "")
    button.on_click(lambda _: action())
    return button


def _verdict(sign: str, word: str, message: str, kind: str, more: str = "") -> str:
    """A verdict that sign, word and colour all tell; `message` is escaped here, `more` is HTML already."""
    return (
        f'<div class="lesson-verdict lesson-{kind}"><strong>{sign} {html.escape(word)}</strong> '
        f"{as_html(message)}{more}</div>"
    )


class _View(widgets.VBox):
    """A column in the course's look, with its announcer and, where there is one, the notice about the record."""

    def __init__(self, children: Sequence[widgets.Widget], record: Progress) -> None:
        self.announcer = Announcer()
        notice = [_html(f'<div class="lesson-notice">{html.escape(record.notice)}</div>')] if record.notice else []
        super().__init__([*notice, *children, self.announcer])
        self.add_class("lesson")


# Ways to answer ------------------------------------------------------------------------------------------------------


class _Input(Protocol):
    """A way to answer: `get` gives None where nothing is chosen yet, `put` shows an earlier answer."""

    widget: widgets.Widget

    def get(self) -> Any: ...
    def put(self, given: Any) -> None: ...
    def lock(self, locked: bool) -> None: ...


class _OneWidget:
    """An input that is a single ipywidget with a value."""

    widget: widgets.Widget

    def get(self) -> Any:
        return self.widget.value

    def put(self, given: Any) -> None:
        self.widget.value = given

    def lock(self, locked: bool) -> None:
        self.widget.disabled = locked


class ChoiceInput(_OneWidget):
    """One of several texts."""

    def __init__(self, options: Sequence[str]) -> None:
        self.widget = widgets.RadioButtons(options=[(as_plain(text), text) for text in options], index=None)

    def put(self, given: Any) -> None:
        """Choose the text, if it is still among the options."""
        if given in [value for _, value in self.widget.options]:
            self.widget.value = given


class NumberInput(_OneWidget):
    """A number as free text, so that 1e-6 and 10⁻⁶ can both be written."""

    def __init__(self, unit: str = "") -> None:
        self.widget = widgets.Text(
            description="Your number" + (f" in {unit}" if unit else ""),
            placeholder="such as 0.25 or 1e-6",
            style={"description_width": "initial"},
        )

    def put(self, given: Any) -> None:
        """Show an earlier answer as text."""
        self.widget.value = str(given)


class ScaleInput:
    """A number on a slider in powers of ten, with the number in words we use elsewhere beside it."""

    def __init__(self, low: float, high: float) -> None:
        self.slider = widgets.FloatLogSlider(value=10.0**high, min=low, max=high, step=0.25, readout=False)
        self.slider.layout = {"flex": "1 1 auto"}
        self.readout = widgets.Label(say_number(self.slider.value))
        self.readout.add_class("lesson-readout")
        self.slider.observe(lambda change: setattr(self.readout, "value", say_number(change["new"])), "value")
        self.widget = widgets.HBox([self.slider, self.readout])

    def get(self) -> float:
        """The slider's number."""
        return float(self.slider.value)

    def put(self, given: Any) -> None:
        """Move the slider to an earlier number."""
        self.slider.value = given

    def lock(self, locked: bool) -> None:
        """Stop or allow the moving."""
        self.slider.disabled = locked


class OrderInput:
    """A list whose entries are moved up with buttons, so that the keyboard suffices."""

    def __init__(self, options: Sequence[str]) -> None:
        self._order = list(options)
        self.places = [widgets.Label() for _ in options]
        self.buttons = [_button("↑ up", functools.partial(self._raise, n)) for n in range(1, len(options))]
        rows = [widgets.HBox([self.places[0]])]
        rows += [widgets.HBox([place, button]) for place, button in zip(self.places[1:], self.buttons, strict=True)]
        for place in self.places:
            place.add_class("lesson-place")
        self.widget = widgets.VBox(rows)
        self._show()

    def get(self) -> list[str]:
        """The entries in their present order."""
        return list(self._order)

    def put(self, given: Any) -> None:
        """Take an order of the same entries."""
        if isinstance(given, list) and sorted(map(str, given)) == sorted(self._order):
            self._order = list(given)
            self._show()

    def lock(self, locked: bool) -> None:
        """Stop or allow the moving."""
        for button in self.buttons:
            button.disabled = locked

    def _raise(self, place: int) -> None:
        self._order[place - 1], self._order[place] = self._order[place], self._order[place - 1]
        self._show()

    def _show(self) -> None:
        for number, (label, name) in enumerate(zip(self.places, self._order, strict=True), start=1):
            label.value = f"{number}.  {as_plain(name)}"
        for button, name in zip(self.buttons, self._order[1:], strict=True):
            button.tooltip = f"move {as_plain(name)} one place up"


# Predict and compare -------------------------------------------------------------------------------------------------


def _prediction(prediction_id: str) -> Prediction:
    predictions = load_predictions()
    if prediction_id not in predictions:
        raise ValueError(f"prediction is {prediction_id!r}; it must be one of {', '.join(predictions)}")
    return predictions[prediction_id]


def _prediction_input(prediction: Prediction) -> _Input:
    if prediction.type == "choice":
        return ChoiceInput(prediction.options)
    if prediction.type == "order":
        return OrderInput(prediction.options)
    if prediction.type == "scale":
        return ScaleInput(prediction.low, prediction.high)
    return NumberInput(prediction.unit)


class PredictionView(_View):
    """A question asked before anything is shown, and the prediction once it is kept."""

    def __init__(self, prediction: Prediction, record: Progress) -> None:
        self.prediction, self._record = prediction, record
        self.input = _prediction_input(prediction)
        self.button = _button("Keep my prediction", self._keep_or_change, primary=True)
        self.status = _html()
        head = _html('<div class="lesson-head">Your prediction, before we look</div>')
        question = _html(f'<div class="lesson-question">{as_html(prediction.question)}</div>')
        super().__init__([head, question, self.input.widget, self.button, self.status], record)
        earlier = record.prediction(prediction.id)
        if earlier is not None:
            self._show_earlier(earlier)

    def _keep_or_change(self) -> None:
        if self.button.description == "Change it":
            self._open(True)
            return
        given = self.input.get()
        if given is None or given == "":
            self._tell("·", "Nothing chosen yet.", "Answer first; a guess is fine.")
            return
        self._record.record_prediction(self.prediction.lesson, self.prediction.id, given)
        self._open(False)
        self._tell("✓", "Kept.", "It is set against the measurement further down.")
        _refresh_comparison(self.prediction.id)

    def _show_earlier(self, given: Any) -> None:
        try:
            self.input.put(given)
        except (TypeError, ValueError, traitlets.TraitError):
            return  # kept when the question was another one
        self._open(False)
        self.status.value = _verdict("✓", "Kept.", "You predicted this earlier.", "right")

    def _open(self, is_open: bool) -> None:
        self.input.lock(not is_open)
        self.button.description = "Keep my prediction" if is_open else "Change it"
        self.button.button_style = "primary" if is_open else ""
        self.status.value = ""

    def _tell(self, sign: str, word: str, message: str) -> None:
        self.status.value = _verdict(sign, word, message, "right" if sign == "✓" else "open")
        self.announcer.say(f"{word} {message}")


class ComparisonView(_View):
    """The prediction beside what was measured; follows when the prediction is kept or changed."""

    def __init__(self, prediction: Prediction, outcome: object, record: Progress) -> None:
        self._prediction, self._outcome, self._record = prediction, outcome, record
        self.sentence = _html()
        super().__init__([self.sentence], record)
        self.refresh()

    def refresh(self) -> None:
        """Read the prediction again and say how it compares."""
        given = self._record.prediction(self._prediction.id)
        comparison = compare_prediction(self._prediction, given, self._outcome)
        sign, word, kind = {
            True: ("✓", "As predicted.", "right"),
            False: ("≠", "Not as predicted.", "open"),
            None: ("·", "Measured.", "open"),
        }[comparison.close]
        self.sentence.value = _verdict(sign, word, comparison.sentence, kind)
        self.announcer.say(f"{word} {comparison.sentence}")


_comparisons: dict[str, ComparisonView] = {}


def _refresh_comparison(prediction_id: str) -> None:
    if prediction_id in _comparisons:
        _comparisons[prediction_id].refresh()


def predict(prediction_id: str) -> PredictionView:
    """Ask for a prediction ("01") and keep it; ValueError where there is none of that id."""
    return PredictionView(_prediction(prediction_id), progress())


def compare(prediction_id: str, outcome: object) -> ComparisonView:
    """Set the kept prediction against what was measured; see `quiz.compare_prediction` for `outcome`.

    ValueError for an unknown id or an outcome that doesn't fit the question.
    """
    view = ComparisonView(_prediction(prediction_id), outcome, progress())
    _comparisons[prediction_id] = view
    return view


# Check ---------------------------------------------------------------------------------------------------------------


class CheckView(_View):
    """The verdict on an exercise; a button opens one hint after the other, the solution last."""

    def __init__(self, exercise: Exercise, verdict: Verdict, record: Progress) -> None:
        self.verdict = verdict
        self._steps = (
            [] if verdict.correct else [f'<div class="lesson-hint">{as_html(h)}</div>' for h in exercise.hints]
        )
        self._steps.append(f"<pre><code>{html.escape(exercise.solution)}</code></pre>")
        self._spoken = [*([] if verdict.correct else exercise.hints), "The solution is shown."]
        self._opened = 0
        sign, word, kind = {
            "right": ("✓", "Right.", "right"),
            "wrong": ("✗", "Not yet right.", "wrong"),
            "open": ("·", "Open.", "open"),
        }[verdict.status]
        self.shown = _html(_verdict(sign, word, verdict.message, kind))
        self.help = _html()
        self.button = _button("", self._open_next)
        super().__init__([self.shown, self.button, self.help], record)
        self.announcer.say(f"{word} {verdict.message}")
        self._label()

    def _open_next(self) -> None:
        self._opened += 1
        self.help.value = "".join(self._steps[: self._opened])
        self.announcer.say(self._spoken[self._opened - 1])
        self._label()

    def _label(self) -> None:
        left = len(self._steps) - self._opened
        if left > 1:
            self.button.description = f"Hint {self._opened + 1} of {len(self._steps) - 1}"
        else:
            self.button.description = "Compare with a solution" if self.verdict.correct else "Show the solution"
        self.button.disabled = left == 0


def check(exercise_id: str, thing: Any) -> CheckView:
    """Judge the learner's function or number and show the verdict; three dots count as "not yet done".

    ValueError where there is no exercise of that id; never raises for what the learner's code does.
    """
    exercise, record = get_exercise(exercise_id), progress()
    verdict = check_exercise(exercise_id, thing)
    if verdict.status != "open":
        record.record_exercise(exercise.lesson, exercise_id, verdict.correct)
    return CheckView(exercise, verdict, record)


# Quiz ----------------------------------------------------------------------------------------------------------------


class QuestionView(widgets.VBox):
    """One question: text, a way to answer, the feedback on the answer, and a button to see why in the panel."""

    def __init__(self, number: int, question: Question, quiz_view: QuizView) -> None:
        self.question, self.grade = question, Grade(False, "", understood=False)
        self._quiz = quiz_view
        choice = question.type == "multiple_choice"
        self.input: _Input = ChoiceInput([a.text for a in question.answers]) if choice else NumberInput(question.unit)
        self.button = _button("Check", self._answer)
        self.feedback = _html()
        self.show_button = _button("Show me in the panel", self._show_in_panel)
        self.shown = _html()
        code = f"<pre><code>{html.escape(question.code)}</code></pre>" if question.code else ""
        label = f'<span class="lesson-number">{number}.</span>'
        text = _html(f'<div class="lesson-question">{label}{as_html(question.text)}</div>{code}')
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
        self.feedback.value = _verdict(sign, word, result.feedback, kind) if result.feedback else ""
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


class QuizView(_View):
    """The questions of a lesson one under another, with what was answered before, and a score."""

    def __init__(
        self, lesson: str, questions: Sequence[Question], record: Progress, panel: SettablePanel | None = None
    ) -> None:
        self.panel, self._record = panel, record
        self.score = _html()
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


# The map of the course -----------------------------------------------------------------------------------------------


def my_progress() -> _View:
    """A table of the lessons with what the learner has done: predictions, exercises, answers that were right."""
    record = progress()
    done, predictions = record.summary(), load_predictions()
    rows = []
    for lesson in available_lessons():
        mine = done.get(lesson)
        columns = [
            _of({p.id for p in predictions.values() if p.lesson == lesson}, mine.predicted if mine else set()),
            _of({e.id for e in EXERCISES.values() if e.lesson == lesson}, mine.solved if mine else set()),
            _of({question.id for question in load_bank(lesson)}, mine.right if mine else set()),
        ]
        cells = "".join(f"<td>{column}</td>" for column in columns)
        rows.append(f"<tr><td>{lesson} {html.escape(LESSONS.get(lesson, ''))}</td>{cells}</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Lesson", "Predicted", "Exercises", "Quiz: right"))
    return _View([_html(f'<table class="lesson-map"><tr>{head}</tr>{"".join(rows)}</table>')], record)


def _of(wanted: set[str], reached: set[str]) -> str:
    """ "2 of 3", with a tick where all is reached; a dash where there is nothing to reach."""
    if not wanted:
        return "–"
    count = len(wanted & reached)
    return f"{'✓ ' if count == len(wanted) else ''}{count} of {len(wanted)}"
