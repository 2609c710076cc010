"""The exercises of lesson 03."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers import theory
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function, judge_number, numbers_from
from helpers.network import NetworkSpec, gradient_profile
from helpers.quiz import format_number

Curve = Callable[[Array], Array]

GAINS = (0.1, 200.0)
"""The range in which a gain is searched for."""

_X = np.linspace(-10, 10, 4001)
_BELL = np.exp(-(_X**2) / 2) / np.exp(-(_X**2) / 2).sum()


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z: Array) -> Array:
    """Slope of the sigmoid."""
    return sigmoid(z) * (1 - sigmoid(z))


def slow_sigmoid(z: Array) -> Array:
    """½ + z / (2 (1 + |z|)): rises from 0 to 1 like the sigmoid, with slope ½ at 0 and long tails."""
    return 0.5 + 0.5 * z / (1 + np.abs(z))


def slow_sigmoid_slope(z: Array) -> Array:
    """Slope of `slow_sigmoid`."""
    return 0.5 / (1 + np.abs(z)) ** 2


def _arctan_slope(z: Array) -> Array:
    return 1 / (1 + z**2)


def _mean(values: Array) -> float:
    """Mean over z ~ N(0, 1) of a function, given its values at the points `_X`."""
    return float(_BELL @ values)


def settled_variance(activation: Curve, gain: float, rounds: int = 300) -> float:
    """The fixed point q of the pre-activations' variance: q = gain² E[activation(z)²] for z ~ N(0, q)."""
    q = 1.0
    for _ in range(rounds):
        q = gain**2 * _mean(activation(math.sqrt(q) * _X) ** 2)
    return q


def _root_mean_square(slope: Curve, q: float) -> float:
    return math.sqrt(_mean(slope(math.sqrt(q) * _X) ** 2))


def factor(activation: Curve, slope: Curve, gain: float) -> float:
    """√χ of a deep network with weights of variance gain²/N and without biases."""
    return gain * _root_mean_square(slope, settled_variance(activation, gain))


@functools.cache
def measured_factor(gain: float) -> float:
    """The per-layer factor that the engine measures in a sigmoid network, weight variance gain²/N, mean over seeds."""
    spec = NetworkSpec(depth=30, width=128, activation="sigmoid", init="lecun_normal", gain=gain, batch=32, seeds=4)
    return float(np.mean(gradient_profile(spec, data="gaussian").per_layer_factor()))


def _variance_instead(activation: Curve, gain: float) -> float:
    """The fixed point found when the activations' variance is taken for their mean square."""
    q = 1.0
    for _ in range(300):
        values = activation(math.sqrt(q) * _X)
        q = gain**2 * (_mean(values**2) - _mean(values) ** 2)
    return q


def _at(q: Callable[[Curve, float], float]) -> Callable[[Curve, Curve, float], float]:
    """The factor found with another, wrong variance q."""
    return lambda f, s, g: g * _root_mean_square(s, max(q(f, g), 0.0))


FACTOR_MISTAKES = (
    Mistake(
        lambda f, s, g: g * float(s(np.zeros(1))[0]),
        "That takes the slope at 0 for every unit, the largest one. A start value of 0 for the variance gives the same "
        "where the activation is 0 at 0: then the variance stays 0. Start from 1.",
    ),
    Mistake(lambda f, s, g: factor(f, s, g) ** 2, "That is χ, the factor of the squared norm. Take its root."),
    Mistake(lambda f, s, g: factor(f, s, g) / g, "The weights are missing: χ has the factor gain² too."),
    Mistake(lambda f, s, g: factor(f, s, g) * g, "Under the root the gain enters once as gain²; you have it twice."),
    Mistake(
        _at(lambda f, g: 1.0),
        "That assumes variance 1 for the pre-activations. The gain changes it: find the variance "
        "that reproduces itself.",
    ),
    Mistake(
        _at(lambda f, g: g**2),
        "That uses gain² as the variance of z. It is gain² times the mean square of the activations.",
    ),
    Mistake(
        _at(lambda f, g: settled_variance(f, g, rounds=1)),
        "That applies the equation for the variance once. Repeat it until the variance no longer changes.",
    ),
    Mistake(
        _at(_variance_instead),
        "That uses the variance of the activations. Their mean square is needed: the mean of φ² itself, without "
        "subtracting the squared mean.",
    ),
    Mistake(
        lambda f, s, g: g * _mean(s(math.sqrt(settled_variance(f, g)) * _X)),
        "That is the mean slope. Square each slope first, then average, then take the root.",
    ),
    Mistake(
        lambda f, s, g: g * _root_mean_square(s, settled_variance(f, g) ** 2),
        "q is the variance of z. Its standard deviation is √q: take z = √q·x.",
    ),
)


def _judge_predict_factor(function: Any) -> CheckResult:
    inputs = [
        (slow_sigmoid, slow_sigmoid_slope, 5.0),
        (sigmoid, sigmoid_slope, 8.0),
        (np.arctan, _arctan_slope, 3.0),
        (sigmoid, sigmoid_slope, 1.0),
    ]
    result = judge_function(function, "predict_factor", factor, inputs, 0.01, mistakes=FACTOR_MISTAKES)
    return _beside_measurement(function) if result.correct else result


def _beside_measurement(function: Callable[..., Any]) -> CheckResult:
    """Compare a law that agrees with theory with a measured network as well."""
    sentences = []
    for gain in (1.0, 4.0):
        claimed = float(numbers_from(function, (sigmoid, sigmoid_slope, gain), ()))
        measured = measured_factor(gain)
        sentences.append(
            f"For a sigmoid at gain {gain:g} you say {claimed:.3f}; in a network of 30 layers it is {measured:.3f}."
        )
        if abs(claimed - measured) > 0.1 * measured:
            return CheckResult("wrong", sentences[-1])
    return CheckResult("right", " ".join(sentences))


@functools.cache
def critical_gain() -> float:
    """The gain at which a deep network of slow sigmoids preserves its gradient."""
    return theory.bisect(lambda gain: factor(slow_sigmoid, slow_sigmoid_slope, gain) < 1, *GAINS)


@functools.cache
def gain_mistakes() -> tuple[tuple[float, str], ...]:
    """Wrong gains that people find, each with the sentence that explains the mistake."""
    slope, value = slow_sigmoid_slope, slow_sigmoid
    sigmoids = float(theory.critical_gain("sigmoid"))
    return (
        (sigmoids, "That is the gain of the sigmoid, another curve."),
        (sigmoids / 2, "Twice the slope at 0 doesn't halve the gain: most units are far from 0."),
        (2.0, "Gain 2 would do if every unit had the slope at 0, which is ½."),
        (4.0, "That is 1 over the square of the largest slope. Few units have this slope."),
        (critical_gain() ** 2, "That is the square of the gain, σ_w²."),
        (1 / _root_mean_square(slope, 1.0), "That assumes variance 1 for the pre-activations at every gain."),
        (
            theory.bisect(lambda g: g * _root_mean_square(slope, g**2) < 1, *GAINS),
            "That uses gain² as the variance of z, without the mean square of the activations.",
        ),
        (
            theory.bisect(lambda g: g * _root_mean_square(slope, _variance_instead(value, g)) < 1, *GAINS),
            "That uses the variance of the activations instead of their mean square.",
        ),
        (
            theory.bisect(lambda g: g * _root_mean_square(slope, settled_variance(value, g, rounds=1)) < 1, *GAINS),
            "That applies the equation for the variance of z once. Repeat it until the variance no longer changes.",
        ),
    )


def _judge_critical_gain(thing: Any) -> CheckResult:
    def judge(gain: float) -> CheckResult:
        if not 0 < gain <= 100:
            return CheckResult("wrong", "A gain is a positive number. Look between 1 and 20.")
        per_layer = factor(slow_sigmoid, slow_sigmoid_slope, gain)
        if abs(gain / critical_gain() - 1) <= 0.02:
            return CheckResult("right", f"At gain {gain:.4g} a layer multiplies the gradient by {per_layer:.3f}.")
        way = "higher" if gain < critical_gain() else "lower"
        found = [sentence for mistaken, sentence in gain_mistakes() if abs(gain / mistaken - 1) <= 0.01]
        effect = f"over 30 steps that multiplies the gradient by {format_number(per_layer**30)}."
        advice = found[0] if found else f"Go {way}."
        return CheckResult("wrong", f"At gain {gain:.4g} the factor per layer is {per_layer:.3f}: {effect} {advice}")

    return judge_number(thing, judge)


EXERCISES = (
    Exercise(
        id="predict_factor",
        hints=(
            "First find the variance q of the pre-activations: q is gain² times the mean of activation(z)² for "
            "z ~ N(0, q).",
            "Begin with q = 1, compute the right side, and put the result in again until q no longer changes; "
            "100 rounds are enough.",
            "A mean over a normal distribution is a weighted sum on a grid x: `bell = np.exp(-x**2 / 2)`, "
            "`bell /= bell.sum()`, and z = √q·x.",
        ),
        solution="""\
import numpy as np

def predict_factor(activation, slope, gain):
    x = np.linspace(-8, 8, 2001)
    bell = np.exp(-x**2 / 2) / np.exp(-x**2 / 2).sum()
    q = 1.0
    for _ in range(100):
        q = gain**2 * (bell * activation(np.sqrt(q) * x)**2).sum()
    return gain * np.sqrt((bell * slope(np.sqrt(q) * x)**2).sum())
""",
        judge=_judge_predict_factor,
    ),
    Exercise(
        id="critical_gain",
        hints=(
            "Call your `predict_factor` with this activation and slope for gains from 1 to 20. Where is it 1?",
            "Bisect: keep a gain that is too low and one that is too high, and try the middle of the two.",
        ),
        solution="""\
import numpy as np

x, low, high = np.linspace(-8, 8, 2001), 1.0, 20.0
bell = np.exp(-x**2 / 2) / np.exp(-x**2 / 2).sum()
for _ in range(30):
    critical_gain, q = (low + high) / 2, 1.0
    for _ in range(100):
        z = np.sqrt(q) * x
        q = critical_gain**2 * (bell * (0.5 + 0.5 * z / (1 + abs(z)))**2).sum()
    chi = critical_gain**2 * (bell * (0.5 / (1 + abs(z))**2)**2).sum()
    low, high = (critical_gain, high) if chi < 1 else (low, critical_gain)
""",
        judge=_judge_critical_gain,
    ),
)
