"""The exercises of lesson 10."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.clipping import adam_first_step, norm_factors, value_factors
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def _row(gradients: list[Array]) -> Array:
    return np.concatenate([gradient.ravel() for gradient in gradients])


def _clip_by_norm(gradients: list[Array], threshold: float) -> Array:
    row = _row(gradients)
    clipped: Array = row * norm_factors(row[None], threshold)[0]
    return clipped


def _each_by_itself(gradients: list[Array], threshold: float) -> Array:
    return _row([gradient * norm_factors(gradient[None], threshold)[0] for gradient in gradients])


def _always_scaled(gradients: list[Array], threshold: float) -> Array:
    row = _row(gradients)
    return row * threshold / np.linalg.norm(row)


def _by_sum(gradients: list[Array], threshold: float) -> Array:
    row = _row(gradients)
    clipped: Array = row * min(1.0, threshold / np.abs(row).sum())
    return clipped


def _unscaled(gradients: list[Array], threshold: float) -> Array:
    """A typical mistake: divide by the norm without multiplying by the threshold."""
    row = _row(gradients)
    norm = float(np.linalg.norm(row))
    return row / norm if norm > threshold else row


def _judge_clip_by_norm(function: Any) -> CheckResult:
    draws = np.random.default_rng(10)
    layers = [draws.standard_normal((3, 2)) * 10.0**power for power in (5, 2, -1)]
    inputs = [
        ([np.array([3.0, 4.0])], 2.0),
        ([np.array([3.0, 0.0]), np.array([4.0])], 2.0),
        ([np.array([[0.1, 0.2], [0.0, -0.2]]), np.array([0.4])], 2.0),
        (layers, 1.0),
        ([np.array([6e-13, 8e-13])], 1.0),
        ([np.zeros(2), np.zeros(3)], 1.0),
    ]
    mistakes = [
        Mistake(_always_scaled, "You always scale to the threshold; a shorter gradient must stay as it is."),
        Mistake(_each_by_itself, "You take each array's own norm. One norm over all arrays keeps their ratios."),
        Mistake(
            lambda g, t: _row(g) * value_factors(_row(g), t), "That clips each entry separately: clipping by value."
        ),
        Mistake(_by_sum, "You divide by the sum of the sizes. The norm is the root of the sum of the squares."),
        Mistake(_unscaled, "After division by the norm the length is 1; multiply by the threshold too."),
        Mistake(lambda g, t: _row(g), "You return the gradient unchanged. Is the condition the wrong way round?"),
    ]
    return judge_function(function, "clip_by_norm", _clip_by_norm, inputs, 1e-9, mistakes=mistakes)


def _judge_adam_first_step(function: Any) -> CheckResult:
    inputs = [(2.0, 0.1), (-5.0, 0.01), (1e-10, 1.0), (np.array([1e6, 1.0, 1e-6, 1e-12]), 0.001), (0.0, 0.1)]
    mistakes = [
        Mistake(lambda g, r: -r * g, "That is a step of plain gradient descent; Adam divides by the size of g."),
        Mistake(lambda g, r: -adam_first_step(g, r), "The sign is wrong: the step goes against the gradient."),
        Mistake(lambda g, r: -r * np.sign(g), "ε is missing: it matters for tiny gradients."),
        Mistake(
            lambda g, r: -r * 0.1 * g / (math.sqrt(0.001) * np.abs(g) + 1e-8),
            "The running means start at 0: divide the first by 1 − 0.9 and the second by 1 − 0.999.",
        ),
        Mistake(lambda g, r: -r * g / np.sqrt(g**2 + 1e-8), "ε belongs outside the root: √v + ε."),
        Mistake(lambda g, r: -r * g / (g**2 + 1e-8), "Divide by the root of the mean square, not by the mean square."),
    ]
    return judge_function(function, "adam_first_step", adam_first_step, inputs, 1e-6, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="clip_by_norm",
        hints=(
            "The norm of the whole gradient: add the squares of all entries of all arrays, then take the root.",
            "Where that norm is above the threshold, multiply every array by threshold / norm; else by 1.",
            "A gradient of zeros has norm 0: test whether the norm is above the threshold before you divide.",
        ),
        solution="""\
import numpy as np

def clip_by_norm(gradients, threshold):
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    factor = threshold / norm if norm > threshold else 1.0
    return [factor * gradient for gradient in gradients]
""",
        judge=_judge_clip_by_norm,
    ),
    Exercise(
        id="adam_first_step",
        hints=(
            "At the first step m = 0.1·g and v = 0.001·g². Corrected for their start at 0 they are g and g².",
            "The step is −learning_rate · m̂ / (√v̂ + ε).",
        ),
        solution="""\
import numpy as np

def adam_first_step(gradient, learning_rate):
    return -learning_rate * gradient / (np.abs(gradient) + 1e-8)
""",
        judge=_judge_adam_first_step,
    ),
)
