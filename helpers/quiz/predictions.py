"""Comparing what a learner predicted with what was measured."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from helpers.quiz.numbers import format_number, read_number
from helpers.quiz.questions import Prediction
from helpers.quiz.tables import Handler, complete_table
from helpers.quiz.text import shortened
from helpers.quiz.verdict import Verdict

WELL = math.log10(1.5)


@dataclass(frozen=True)
class Comparison:
    """A prediction compared with the measurement; `close` is None where there is no prediction to compare."""

    close: bool | None
    sentence: str

    @property
    def verdict(self) -> Verdict:
        """The comparison in a word; a prediction that didn't come true isn't a mistake."""
        if self.close is None:
            return Verdict("open", "Measured.", self.sentence)
        if self.close:
            return Verdict("right", "As predicted.", self.sentence)
        return Verdict("differs", "Not as predicted.", self.sentence)


@dataclass(frozen=True, kw_only=True)
class PredictionType:
    """A type of prediction, apart from how it is asked.

    compare: compares the answer given (None: none) with the outcome.
    in_words: describes the outcome; both raise ValueError where the outcome doesn't fit the question.
    check: raises ValueError with a sentence for the reader where the answer given can't be read.
    """

    compare: Callable[[Prediction, object, object], Comparison]
    in_words: Callable[[Prediction, object], str]
    check: Callable[[Prediction, object], object] = lambda prediction, given: None


def compare_prediction(prediction: Prediction, given: object, outcome: object) -> Comparison:
    """Compare what was predicted (None: nothing) with what was measured.

    outcome: for `scale` and `number` the measured number, for `choice` the option that came true, for `order` a
    mapping from each option to its measured number (largest first is right). ValueError for anything else.
    """
    return PREDICTION_TYPES[prediction.type].compare(prediction, given, outcome)


def check_prediction(prediction: Prediction, given: object) -> None:
    """Raise ValueError with a sentence for the reader where `given` can't be read as a prediction."""
    PREDICTION_TYPES[prediction.type].check(prediction, given)


def describe_outcome(prediction: Prediction, outcome: object) -> str:
    """What was measured, in a sentence; ValueError where the outcome doesn't fit the question."""
    return f"{prediction.outcome}: {PREDICTION_TYPES[prediction.type].in_words(prediction, outcome)}."


# Numbers -------------------------------------------------------------------------------------------------------------


def _number_in_words(prediction: Prediction, outcome: object) -> str:
    return f"{format_number(_finite_outcome(prediction, outcome))}{_unit(prediction)}"


def _unit(prediction: Prediction) -> str:
    return f" {prediction.unit}" if prediction.unit else ""


def _compare_numbers(prediction: Prediction, given: object, outcome: object, near: float = WELL) -> Comparison:
    """Compare two numbers; they are close if they are at most `near` powers of ten apart."""
    measured = _finite_outcome(prediction, outcome)
    truth = describe_outcome(prediction, outcome)
    if given is None:
        return Comparison(None, f"{truth} You skipped the prediction. Try one next time, even a guess.")
    try:
        predicted = read_number(given, unit=prediction.unit)
    except ValueError:
        return Comparison(None, f"{truth} What you predicted could not be read.")
    if predicted > 0 and measured > 0:
        close, distance = _decades_apart(predicted, measured, near)
    else:
        close, distance = math.isclose(predicted, measured, rel_tol=0.1), "Compare the two."
        if close:
            distance = "Well predicted."
    return Comparison(close, f"You said {format_number(predicted)}{_unit(prediction)}. {truth} {distance}")


def _finite_outcome(prediction: Prediction, outcome: object) -> float:
    try:
        measured = float(outcome)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        measured = math.nan
    if not math.isfinite(measured):
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {shortened(repr(outcome), 60)}; it must be a number"
        )
    return measured


def _decades_apart(predicted: float, measured: float, near: float) -> tuple[bool, str]:
    """Whether the prediction is at most `near` powers of ten off, and how far off it is, in words."""
    decades = math.log10(predicted) - math.log10(measured)
    if abs(decades) <= WELL:
        return True, "Well predicted."
    size = f"{10 ** abs(decades):.1f} times" if abs(decades) < 1 else f"{abs(decades):.1f} powers of ten"
    far = f"our number was {size} too {'large' if decades > 0 else 'small'}."
    return (True, f"Close: y{far}") if abs(decades) <= near else (False, f"Y{far}")


# Choices and orders --------------------------------------------------------------------------------------------------


def _compare_choice(prediction: Prediction, given: object, outcome: object) -> Comparison:
    truth = describe_outcome(prediction, outcome)
    if given is None:
        return Comparison(None, f"{truth} You skipped the prediction. Try one next time, even a guess.")
    right = given == outcome
    return Comparison(right, f"You said: {given}. {truth}" + (" Well predicted." if right else ""))


def _chosen_outcome(prediction: Prediction, outcome: object) -> str:
    if outcome not in prediction.options:
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {shortened(repr(outcome), 60)}; "
            f"it must be one of {', '.join(prediction.options)}"
        )
    return str(outcome)


def _compare_order(prediction: Prediction, given: object, outcome: object) -> Comparison:
    numbers, truth = _ordered_outcome(prediction, outcome), describe_outcome(prediction, outcome)
    if not isinstance(given, list) or sorted(map(str, given)) != sorted(numbers):
        return Comparison(None, f"{truth} You skipped the prediction. Try one next time, even a guess.")
    wrong = [(a, b) for i, a in enumerate(given) for b in given[i + 1 :] if numbers[a] < numbers[b] - 1e-9]
    given_order = f"You said: {', '.join(given)}."
    if not wrong:
        return Comparison(True, f"{given_order} {truth} Well predicted.")
    first, second = wrong[0]
    return Comparison(False, f"{given_order} {truth} You put {first} before {second}.")


def _order_in_words(prediction: Prediction, outcome: object) -> str:
    numbers = _ordered_outcome(prediction, outcome)
    return ", ".join(
        f"{name} {format_number(numbers[name])}" for name in sorted(numbers, key=lambda name: -numbers[name])
    )


def _ordered_outcome(prediction: Prediction, outcome: object) -> dict[str, float]:
    if not isinstance(outcome, Mapping) or set(outcome) != set(prediction.options):
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {shortened(repr(outcome), 60)}; "
            f"it must map each of {', '.join(prediction.options)} to a number"
        )
    return {name: float(value) for name, value in outcome.items()}


PREDICTION_TYPES: Mapping[str, PredictionType] = {
    "choice": PredictionType(compare=_compare_choice, in_words=_chosen_outcome),
    "order": PredictionType(compare=_compare_order, in_words=_order_in_words),
    "scale": PredictionType(compare=functools.partial(_compare_numbers, near=0.5), in_words=_number_in_words),
    "number": PredictionType(
        compare=_compare_numbers,
        in_words=_number_in_words,
        check=lambda prediction, given: read_number(given, unit=prediction.unit),
    ),
}
"""The types of prediction by their name in `predictions.json`."""


def for_each_prediction(purpose: str, handlers: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """Return a table with a handler for each type of prediction; LookupError unless it has exactly these types."""
    return complete_table(purpose, handlers, PREDICTION_TYPES, "prediction type")
