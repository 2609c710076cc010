"""The exercises of lesson 02."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def softsign_slope(z: Any) -> Any:
    """The slope of z/(1 + |z|), for a number or an array."""
    return 1 / (1 + np.abs(np.asarray(z, dtype=np.float64))) ** 2


def _judge_softsign_slope(function: Any) -> CheckResult:
    inputs: list[tuple[Any, ...]] = [(2.0,), (-3.0,), (0.0,), (0.5,), (np.linspace(-6.0, 6.0, 7),)]
    second_term = "That is |z|/(1 + |z|)², the second term of the quotient rule alone, or φ·(1 − φ), a sigmoid's rule."
    added = "The second term of the quotient rule is subtracted. (1 − φ² is the slope of tanh.)"
    mistakes = [
        Mistake(_softsign, "That is softsign itself. The exercise asks for its slope."),
        Mistake(lambda z: 1 / (1 + z) ** 2, "For negative z the absolute value is missing."),
        Mistake(
            lambda z: 1 / (1 + np.abs(z)) - z / (1 + np.abs(z)) ** 2,
            "For negative z the sign is wrong: left of 0 the slope of |z| is −1.",
        ),
        Mistake(lambda z: 1 / (1 + np.abs(z)), "The denominator changes with z too: the rule has two terms."),
        Mistake(lambda z: np.abs(z) / (1 + np.abs(z)) ** 2, second_term),
        Mistake(lambda z: -np.abs(z) / (1 + np.abs(z)) ** 2, second_term),
        Mistake(lambda z: (1 + 2 * np.abs(z)) / (1 + np.abs(z)) ** 2, added),
        Mistake(lambda z: 1 / (1 + np.asarray(z) ** 2), "The whole denominator is squared, 1 and |z| together."),
        Mistake(lambda z: np.sign(z) / (1 + np.abs(z)) ** 2, "Softsign rises everywhere, so its slope is positive."),
        Mistake(lambda z: -2 * np.sign(z) / (1 + np.abs(z)) ** 3, "You took the derivative twice."),
        Mistake(lambda z: 2 * z / (1 + np.abs(z)) ** 3, "That is the slope of softsign squared."),
    ]
    return judge_function(function, "softsign_slope", softsign_slope, inputs, floor=1e-12, mistakes=mistakes)


def _softsign(z: Any) -> Any:
    return np.asarray(z) / (1 + np.abs(z))


def weight_deviation(z: Array, wanted: float) -> float:
    """The standard deviation of the weights with which a tanh layer multiplies the gradient's norm by `wanted`."""
    return wanted / math.sqrt(len(z) * _mean_square_slope(z))


def _mean_square_slope(z: Array, activation: str = "tanh") -> float:
    return float(np.mean(get_activation(activation).slope(z) ** 2))


def _judge_weight_deviation(function: Any) -> CheckResult:
    draws = np.random.default_rng(2).standard_normal(200)
    inputs = [(draws, 0.5), (3.0 * draws, 2.0), (draws[:50], 1.0), (np.zeros(4), 3.0)]

    def at(wanted: float, z: Array, root_mean_square: Any) -> float:
        return float(wanted / (math.sqrt(len(z)) * root_mean_square))

    def slope(z: Array) -> Array:
        return get_activation("tanh").slope(z)

    mistakes = [
        Mistake(lambda z, w: weight_deviation(z, w) ** 2, "That is the variance; the standard deviation is its root."),
        Mistake(
            lambda z, w: w / math.sqrt(_mean_square_slope(z)),
            "That is σ_w. The weights have variance σ_w²/N, so their standard deviation is σ_w/√N.",
        ),
        Mistake(lambda z, w: at(w, z, np.mean(slope(z))), "Square each slope first, then take the mean and the root."),
        Mistake(
            lambda z, w: at(w, z, np.std(slope(z))),
            "The standard deviation of the slopes is measured from their "
            "mean; the root mean square is measured from 0.",
        ),
        Mistake(lambda z, w: at(w, z, np.max(slope(z))), "That takes the largest slope for every neuron."),
        Mistake(lambda z, w: at(w, z, 1.0), "That takes tanh's largest slope, 1, for every neuron."),
        Mistake(lambda z, w: at(w, z, _mean_square_slope(z)), "The norm is multiplied by the root of the mean square."),
        Mistake(lambda z, w: at(1.0, z, math.sqrt(_mean_square_slope(z))), "`wanted` is missing: that keeps the norm."),
        Mistake(
            lambda z, w: math.sqrt(weight_deviation(z, 1.0) ** 2 * w),
            "`wanted` is the factor of the norm. You took it for the factor of the squared norm.",
        ),
        Mistake(
            lambda z, w: w * math.sqrt(_mean_square_slope(z) / len(z)),
            "Upside down: the smaller the slopes, the larger the weights must be.",
        ),
        Mistake(lambda z, w: at(w, z, math.sqrt(np.mean(np.tanh(z) ** 2))), "You took tanh's values, not its slopes."),
        Mistake(lambda z, w: at(w, z, math.sqrt(np.mean((1 - np.tanh(z)) ** 2))), "The slope of tanh is 1 − tanh²."),
        Mistake(lambda z, w: at(w, z, math.sqrt(_mean_square_slope(z, "sigmoid"))), "The neurons are tanh neurons."),
    ]
    return judge_function(function, "weight_deviation", weight_deviation, inputs, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="softsign_slope",
        hints=(
            "For z > 0, |z| is z: use the quotient rule on z/(1 + z), and simplify.",
            "Softsign is antisymmetric, so its slope at −z is the slope at z. Which power of 1 + |z| is it?",
            "Compare with (softsign(z + h) − softsign(z − h)) / 2h for a small h, such as 1e-5.",
        ),
        solution="""\
import numpy as np

def softsign_slope(z):
    return 1 / (1 + np.abs(z)) ** 2
""",
        judge=_judge_softsign_slope,
    ),
    Exercise(
        id="weight_deviation",
        hints=(
            "The factor of the norm is √(σ_w² · mean of slope²), and it must equal `wanted`. Solve for σ_w.",
            "The slope of tanh is 1 − tanh². The mean is taken over the entries of z.",
            "σ_w² is N times the variance of the weights. So the standard deviation is σ_w/√N, with N = len(z).",
        ),
        solution="""\
import numpy as np

def weight_deviation(z, wanted):
    slope = 1 - np.tanh(z) ** 2
    sigma = wanted / np.sqrt(np.mean(slope**2))
    return sigma / np.sqrt(len(z))
""",
        judge=_judge_weight_deviation,
    ),
)
