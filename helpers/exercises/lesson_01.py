"""The exercises of lesson 01."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import Exercise, Mistake, Verdict, judge_function, judge_number
from helpers.quiz import say_number


def _chain_gradient(weights: Array, slopes: Array) -> float:
    return float(np.prod(weights * slopes))


def _judge_chain_gradient(function: Any) -> Verdict:
    inputs = [
        (np.array([2.0]), np.array([0.25])),
        (np.array([1.0, 3.0, 0.5]), np.array([0.25, 0.2, 0.1])),
        (np.array([-2.0, 1.5]), np.array([1.0, 0.5])),
        (np.array([1.0, 0.0, 4.0]), np.array([0.25, 0.25, 0.25])),
        (np.full(20, 1.0), np.full(20, 0.25)),
    ]
    mistakes = [
        Mistake(lambda w, s: np.prod(s), "That is the product of the slopes alone: each weight is a factor too."),
        Mistake(lambda w, s: np.prod(w), "That is the product of the weights alone: each slope is a factor too."),
        Mistake(lambda w, s: np.sum(w * s), "You add the layers up; the chain rule multiplies them."),
        Mistake(lambda w, s: w[-1] * s[-1], "That is the last layer alone: the signal passes through all of them."),
        Mistake(lambda w, s: w[0] * s[0], "That is the first layer alone. Does your `return` stand inside the loop?"),
    ]
    return judge_function(function, "chain_gradient", _chain_gradient, inputs, mistakes=mistakes)


def float32_zero_depth() -> int:
    """The number of factors 0.25 after which a float32 product is exactly 0."""
    product, depth = np.float32(1), 0
    while product > 0:
        product, depth = product * np.float32(0.25), depth + 1
    return depth


def _judge_float32_depth(thing: Any) -> Verdict:
    truth = float32_zero_depth()
    last_full = int(round(-math.log2(float(np.finfo(np.float32).tiny)) / 2))

    def judge(depth: float) -> Verdict:
        if depth == truth:
            return Verdict("right", f"After {truth} sigmoid layers float32 has nothing left but 0.")
        if depth in (last_full, last_full + 1):
            below = "There the numbers stored with full precision end; float32 goes on below with fewer digits."
            return Verdict("wrong", f"{below} Multiply on until the product is exactly 0.")
        if depth in (2 * truth - 1, 2 * truth):
            return Verdict("wrong", "That many halvings it takes; each layer multiplies by a quarter, not by a half.")
        if not 1 <= depth <= 10_000 or depth != int(depth):
            return Verdict("wrong", "A depth is a whole number of layers, at least 1.")
        if depth < truth:
            left = say_number(float(np.float32(0.25) ** np.float32(depth)))
            return Verdict("wrong", f"After {int(depth)} layers float32 still holds {left}. Go deeper.")
        return Verdict("wrong", f"At {int(depth)} it is 0, but not for the first time. Which depth is the first?")

    return judge_number(thing, judge)


EXERCISES = (
    Exercise(
        id="chain_gradient",
        lesson="01",
        task="Write `chain_gradient(weights, slopes)`: by how much the chain's output moves when its input moves.",
        hints=(
            "Each neuron multiplies the signal twice: by its weight and by the slope of its activation.",
            "Begin with 1 and multiply by `weight * slope` for each layer: a loop over `zip(weights, slopes)`.",
        ),
        solution="""\
def chain_gradient(weights, slopes):
    gradient = 1.0
    for weight, slope in zip(weights, slopes):
        gradient = gradient * weight * slope
    return gradient
""",
        judge=_judge_chain_gradient,
    ),
    Exercise(
        id="float32_depth",
        lesson="01",
        task="At which depth is the product of slopes 0.25 exactly 0 in float32, for the first time?",
        hints=(
            "Begin with `np.float32(1)` and multiply by `np.float32(0.25)` until the result equals 0; count.",
            "The smallest number of float32 is 2⁻¹⁴⁹, and a quarter is 2⁻². Half of the smallest is rounded to 0.",
        ),
        solution="""\
import numpy as np

product, float32_depth = np.float32(1), 0
while product > 0:
    product = product * np.float32(0.25)
    float32_depth += 1
""",
        judge=_judge_float32_depth,
    ),
)
