"""The exercises of lesson 02."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.exercises.checking import Exercise, Mistake, Verdict, judge_function


def _sigmoid(z: Any) -> Any:
    return get_activation("sigmoid").function(np.asarray(z, dtype=np.float64))


def _sigmoid_slope(z: Any) -> Any:
    return get_activation("sigmoid").slope(np.asarray(z, dtype=np.float64))


def _silu_difference(z: Any, step: float = 1e-5) -> Any:
    """Central difference of SiLU: its slope, found without a derivative."""
    silu = get_activation("silu").function
    z = np.asarray(z, dtype=np.float64)
    return (silu(z + step) - silu(z - step)) / (2 * step)


def _judge_silu_slope(function: Any) -> Verdict:
    inputs: list[tuple[Any, ...]] = [(2.0,), (0.0,), (-2.0,), (1.0,), (np.linspace(-6.0, 6.0, 7),)]
    mistakes = [
        Mistake(_sigmoid, "That is σ(z), the first half of the product rule. The second half is z·σ′(z)."),
        Mistake(lambda z: z * _sigmoid_slope(z), "That is z·σ′(z), the second half of the product rule. Add σ(z)."),
        Mistake(_sigmoid_slope, "That is the slope of the sigmoid. SiLU is z·σ(z): use the product rule."),
        Mistake(lambda z: z * _sigmoid(z), "That is SiLU itself. Its slope is asked."),
    ]
    return judge_function(function, "silu_slope", _silu_difference, inputs, 1e-6, floor=1e-8, mistakes=mistakes)


def _factor_of_spread(z: Array, weight_variance: float) -> float:
    return math.sqrt(weight_variance * float(np.mean(_sigmoid_slope(z) ** 2)))


def _judge_per_layer_factor(function: Any) -> Verdict:
    draws = np.random.default_rng(2).standard_normal(1000)
    inputs = [(np.zeros(4), 2.0), (draws, 1.0), (3.0 * draws, 1.0), (10.0 * draws, 100.0)]
    mistakes = [
        Mistake(lambda z, v: _factor_of_spread(z, v) ** 2, "That is the factor of the squared norm: take its root."),
        Mistake(lambda z, v: math.sqrt(v) * np.mean(_sigmoid_slope(z)), "Square each slope first, then take the mean."),
        Mistake(lambda z, v: _factor_of_spread(z, 1.0), "The weight variance is missing."),
        Mistake(lambda z, v: v * _factor_of_spread(z, 1.0), "The weight variance belongs under the root."),
        Mistake(lambda z, v: math.sqrt(v) * 0.25, "That takes the largest slope, 0.25, for every unit."),
    ]
    return judge_function(function, "per_layer_factor", _factor_of_spread, inputs, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="silu_slope",
        lesson="02",
        task="Write `silu_slope(z)`, the slope of SiLU(z) = z·σ(z), for a number or an array.",
        hints=(
            "SiLU is a product of two functions of z. The product rule has two terms.",
            "The slope of the sigmoid is σ(z)·(1 − σ(z)).",
            "σ(z) + z·σ(z)·(1 − σ(z)).",
        ),
        solution="""\
import numpy as np

def silu_slope(z):
    s = 1 / (1 + np.exp(-z))
    return s + z * s * (1 - s)
""",
        judge=_judge_silu_slope,
    ),
    Exercise(
        id="per_layer_factor",
        lesson="02",
        task="Write `per_layer_factor(z, weight_variance)` for a sigmoid layer whose pre-activations are the array z.",
        hints=(
            "The squared norm of the signal is multiplied by the weight variance times the mean of slope².",
            "Compute the slope at each z, square each, take the mean. The norm has the root of the factor.",
        ),
        solution="""\
import numpy as np

def per_layer_factor(z, weight_variance):
    s = 1 / (1 + np.exp(-z))
    slope = s * (1 - s)
    return np.sqrt(weight_variance * np.mean(slope**2))
""",
        judge=_judge_per_layer_factor,
    ),
)
