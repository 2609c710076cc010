"""What a learner predicted, set against what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from helpers.quiz.numbers import read_number, say_number
from helpers.quiz.questions import Prediction
from helpers.quiz.text import shortened

WELL = math.log10(1.5)


@dataclass(frozen=True)
class Comparison:
    """A prediction beside what was measured: `close` is None where nobody predicted."""

    close: bool | None
    sentence: str


def compare_prediction(prediction: Prediction, given: object, outcome: object) -> Comparison:
    """Set what was predicted (None: nothing) against what was measured.

    outcome: for `scale` and `number` the measured number, for `choice` the option that came true, for `order` a
    mapping from each option to its measured number (largest first is right). ValueError where it is none of these.
    """
    measure = {"choice": _compare_choice, "order": _compare_order}.get(prediction.type, _compare_numbers)
    return measure(prediction, given, outcome)


def say_outcome(prediction: Prediction, outcome: object) -> str:
    """What was measured, in a sentence; ValueError where the outcome doesn't fit the question."""
    if prediction.type == "choice":
        measured = _chosen_outcome(prediction, outcome)
    elif prediction.type == "order":
        numbers = _ordered_outcome(prediction, outcome)
        measured = ", ".join(f"{name} {say_number(numbers[name])}" for name in _ranked(numbers))
    else:
        unit = f" {prediction.unit}" if prediction.unit else ""
        measured = f"{say_number(_finite_outcome(prediction, outcome))}{unit}"
    return f"{prediction.outcome}: {measured}."


def _compare_numbers(prediction: Prediction, given: object, outcome: object) -> Comparison:
    measured = _finite_outcome(prediction, outcome)
    unit = f" {prediction.unit}" if prediction.unit else ""
    truth = say_outcome(prediction, outcome)
    if given is None:
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
    try:
        said = read_number(given, unit=prediction.unit)
    except ValueError:
        return Comparison(None, f"{truth} What you predicted could not be read.")
    if said > 0 and measured > 0:
        close, distance = _decades_apart(said, measured, near=0.5 if prediction.type == "scale" else WELL)
    else:
        close, distance = math.isclose(said, measured, rel_tol=0.1), "Compare the two."
        if close:
            distance = "Well predicted."
    return Comparison(close, f"You said {say_number(said)}{unit}. {truth} {distance}")


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


def _decades_apart(said: float, measured: float, near: float) -> tuple[bool, str]:
    """Whether a number is close, at most `near` powers of ten away, and how far away in words."""
    decades = math.log10(said) - math.log10(measured)
    if abs(decades) <= WELL:
        return True, "Well predicted."
    size = f"{10 ** abs(decades):.1f} times" if abs(decades) < 1 else f"{abs(decades):.1f} powers of ten"
    far = f"our number was {size} too {'large' if decades > 0 else 'small'}."
    return (True, f"Close: y{far}") if abs(decades) <= near else (False, f"Y{far}")


def _compare_choice(prediction: Prediction, given: object, outcome: object) -> Comparison:
    truth = say_outcome(prediction, outcome)
    if given is None:
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
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
    numbers, truth = _ordered_outcome(prediction, outcome), say_outcome(prediction, outcome)
    if not isinstance(given, list) or sorted(map(str, given)) != sorted(numbers):
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
    wrong = [(a, b) for i, a in enumerate(given) for b in given[i + 1 :] if numbers[a] < numbers[b] - 1e-9]
    said = f"You said: {', '.join(given)}."
    if not wrong:
        return Comparison(True, f"{said} {truth} Well predicted.")
    first, second = wrong[0]
    return Comparison(False, f"{said} {truth} You put {first} before {second}.")


def _ordered_outcome(prediction: Prediction, outcome: object) -> dict[str, float]:
    if not isinstance(outcome, Mapping) or set(outcome) != set(prediction.options):
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {shortened(repr(outcome), 60)}; "
            f"it must map each of {', '.join(prediction.options)} to a number"
        )
    return {name: float(value) for name, value in outcome.items()}


def _ranked(numbers: Mapping[str, float]) -> list[str]:
    return sorted(numbers, key=lambda name: -numbers[name])
