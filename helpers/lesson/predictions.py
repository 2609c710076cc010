"""Ask for a prediction before anything is shown, and later compare it with the measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from helpers.checks import check_choice
from helpers.lesson.inputs import ChoiceInput, Input, NumberInput, OrderInput, ScaleInput
from helpers.lesson.parts import View, html_box, make_button, verdict_html
from helpers.progress import Progress, progress
from helpers.quiz import (
    Prediction,
    Verdict,
    check_prediction,
    compare_prediction,
    for_each_prediction,
    load_predictions,
)
from helpers.quiz.text import as_html


def _prediction(prediction_id: str) -> Prediction:
    predictions = load_predictions()
    return predictions[check_choice("prediction", prediction_id, predictions)]


INPUTS: Mapping[str, Callable[[Prediction], Input]] = for_each_prediction(
    "helpers/lesson/predictions.py",
    {
        "choice": lambda prediction: ChoiceInput(prediction.options),
        "order": lambda prediction: OrderInput(prediction.options),
        "scale": lambda prediction: ScaleInput(prediction.low, prediction.high),
        "number": lambda prediction: NumberInput(prediction.unit),
    },
)


class PredictionView(View):
    """The question that asks for a prediction, and the prediction once it is kept."""

    def __init__(self, prediction: Prediction, record: Progress) -> None:
        self.prediction, self._record, self.is_open = prediction, record, True
        self.input = INPUTS[prediction.type](prediction)
        self.button = make_button("Keep my prediction", self._keep_or_change, primary=True)
        self.status = html_box()
        head = html_box('<div class="lesson-head">Your prediction, before we look</div>')
        question = html_box(f'<div class="lesson-question">{as_html(prediction.question)}</div>')
        super().__init__([head, question, self.input.widget, self.button, self.status], record)
        earlier = record.prediction(prediction.id)
        if earlier is not None:
            self._show_earlier(earlier)

    def _keep_or_change(self) -> None:
        if not self.is_open:
            self._open(True)
            return
        given = self.input.get()
        if given is None or given == "":
            self.show_verdict(self.status, Verdict("open", "Nothing chosen yet.", "Answer first; a guess is fine."))
            return
        try:
            check_prediction(self.prediction, given)
        except ValueError as error:
            self.show_verdict(self.status, Verdict("open", "Not yet kept.", str(error)))
            return
        self._record.record_prediction(self.prediction.lesson, self.prediction.id, given)
        self._open(False)
        self.show_verdict(
            self.status, Verdict("right", "Kept.", "It will be compared with the measurement further down.")
        )
        if self.prediction.id in _comparisons:
            _comparisons[self.prediction.id].refresh()

    def _show_earlier(self, given: Any) -> None:
        try:
            self.input.put(given)
        except (TypeError, ValueError, traitlets.TraitError):
            return  # kept for an older version of the question
        self._open(False)
        self.status.value = verdict_html(Verdict("right", "Kept.", "You predicted this earlier."))

    def _open(self, is_open: bool) -> None:
        self.is_open = is_open
        self.input.lock(not is_open)
        self.button.description = "Keep my prediction" if is_open else "Change it"
        self.button.button_style = "primary" if is_open else ""
        self.status.value = ""


class ComparisonView(View):
    """The prediction compared with the measurement; it is updated when the prediction is kept or changed."""

    def __init__(self, prediction: Prediction, outcome: object, record: Progress) -> None:
        self.prediction, self.outcome, self._record = prediction, outcome, record
        self.sentence = html_box()
        super().__init__([self.sentence], record)
        self.refresh()

    def refresh(self) -> None:
        """Read the prediction again and say how it compares."""
        given = self._record.prediction(self.prediction.id)
        self.show_verdict(self.sentence, compare_prediction(self.prediction, given, self.outcome).verdict)


_comparisons: dict[str, ComparisonView] = {}


def predict(prediction_id: str) -> PredictionView:
    """Ask for a prediction by its id and keep it; ValueError for an unknown id."""
    return PredictionView(_prediction(prediction_id), progress())


def compare(prediction_id: str, outcome: object) -> ComparisonView:
    """Compare the kept prediction with what was measured; see `quiz.compare_prediction` for `outcome`.

    ValueError for an unknown id or an outcome that doesn't fit the question.
    """
    view = ComparisonView(_prediction(prediction_id), outcome, progress())
    _comparisons[prediction_id] = view
    return view
