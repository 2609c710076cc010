"""The exercises of lesson 06."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def batch_norm_backward(z: Array, gradient: Array) -> Array:
    """∂L/∂z from ∂L/∂ẑ for ẑ = (z - mean) / std over the samples, arrays (batch, units) (Ioffe 2015, section 3)."""
    spread = z.std(axis=0)
    normalised = (z - z.mean(axis=0)) / spread
    along = (gradient * normalised).mean(axis=0)
    result: Array = (gradient - gradient.mean(axis=0) - normalised * along) / spread
    return result


def _judge_backward(function: Any) -> CheckResult:
    rng = np.random.default_rng(6)

    def normals(*shape: int) -> Array:
        return rng.standard_normal(shape)

    inputs: list[tuple[Any, ...]] = [
        (3 * normals(8, 3) + 1, normals(8, 3)),
        (normals(32, 5) * np.arange(1.0, 6.0), normals(32, 5)),
        (0.01 * normals(6, 2) - 4, 1 + normals(6, 2)),
        (normals(2, 4), normals(2, 4)),
    ]
    mistakes = [
        Mistake(
            lambda z, g: g / z.std(axis=0),
            "You treat mean and spread as constants. Both move when a z moves: two terms are missing.",
        ),
        Mistake(
            lambda z, g: (g - g.mean(axis=0)) / z.std(axis=0),
            "The mean's share is right. The spread moves with z too: subtract ẑ times the mean of gradient · ẑ.",
        ),
        Mistake(
            lambda z, g: batch_norm_backward(z, g) * z.std(axis=0),
            "Only the division by the spread is missing, which the forward pass does too.",
        ),
        Mistake(
            lambda z, g: batch_norm_backward(z.T, g.T).T,
            "That averages over the units, as layer norm does. Batch norm averages over the samples: axis 0.",
        ),
        Mistake(
            lambda z, g: batch_norm_backward(z, g) * z.std(axis=0) ** 2,
            "You multiply by the spread; the forward pass divides by it, and so does the backward pass.",
        ),
    ]
    return judge_function(
        function, "batch_norm_backward", batch_norm_backward, inputs, 1e-6, floor=1e-9, mistakes=mistakes
    )


def _factor(values: Array, slopes: Array) -> float:
    return float(np.sqrt(np.mean(slopes**2) / np.var(values)))


def _judge_factor(function: Any) -> CheckResult:
    z = np.random.default_rng(7).standard_normal(2000)
    chosen = [get_activation(name) for name in ("sigmoid", "relu", "tanh", "elu", "linear")]
    inputs = [(activation.function(z), activation.slope(z)) for activation in chosen]
    mistakes = [
        Mistake(lambda v, s: _factor(v, s) ** 2, "That is the factor of the squared norm: take its root."),
        Mistake(
            lambda v, s: np.sqrt(np.mean(s**2) / np.mean(v**2)),
            "You divide by the mean square: that is layer norm's factor. Batch norm subtracts each unit's mean first.",
        ),
        Mistake(lambda v, s: np.mean(s) / np.std(v), "Square each slope first, then take the mean."),
        Mistake(lambda v, s: np.sqrt(np.mean(s**2)), "The division by the spread of the values is missing."),
        Mistake(lambda v, s: 1 / _factor(v, s), "Upside down: batch norm divides by the spread of the values."),
    ]
    return judge_function(function, "batch_norm_factor", _factor, inputs, 1e-3, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="batch_norm_backward",
        hints=(
            "Begin with what you need from the forward pass: for each unit the spread of z over the samples, and ẑ.",
            "Moving one z moves the unit's mean, and with it all of its ẑ: this subtracts the gradient's mean.",
            "It moves the spread too, by an amount proportional to ẑ: this subtracts ẑ times the mean of "
            "gradient · ẑ. What is left is divided by the spread.",
        ),
        solution="""\
def batch_norm_backward(z, gradient):
    spread = z.std(axis=0)
    normalised = (z - z.mean(axis=0)) / spread
    along = (gradient * normalised).mean(axis=0)
    return (gradient - gradient.mean(axis=0) - normalised * along) / spread
""",
        judge=_judge_backward,
    ),
    Exercise(
        id="batch_norm_factor",
        hints=(
            "Two effects: the slopes multiply the gradient, and batch norm divides it by the spread of its input.",
            "The squared norm changes by the mean of slopes², divided by the variance of the values.",
        ),
        solution="""\
import numpy as np

def batch_norm_factor(values, slopes):
    return np.sqrt(np.mean(slopes**2) / np.var(values))
""",
        judge=_judge_factor,
    ),
)
