"""The exercises of lesson 01."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function, judge_number
from helpers.quiz import format_number


def _chain_gradient(weights: Array, slopes: Array) -> float:
    return float(np.prod(weights * slopes))


def _judge_chain_gradient(function: Any) -> CheckResult:
    inputs = [
        (np.array([1.5, 3.0, 0.5]), np.array([0.25, 0.2, 0.1])),
        (np.array([2.0]), np.array([0.25])),
        (np.array([-2.0, 1.5]), np.array([1.0, 0.5])),
        (np.array([1.0, 0.0, 4.0]), np.array([0.25, 0.25, 0.25])),
        (np.full(20, 1.0), np.full(20, 0.25)),
    ]
    mistakes = [
        Mistake(lambda w, s: np.prod(s), "That is the product of the slopes alone: each weight is a factor too."),
        Mistake(lambda w, s: np.prod(w), "That is the product of the weights alone: each slope is a factor too."),
        Mistake(lambda w, s: 0.0, "A product that begins with 0 stays 0: begin with 1."),
        Mistake(lambda w, s: np.sum(w * s), "You add the neurons' factors; the chain rule multiplies them."),
        Mistake(lambda w, s: 1 + np.sum(w * s), "You add the neurons' factors; the chain rule multiplies them."),
        Mistake(lambda w, s: np.prod(w + s), "The factor of a neuron is weight times slope, not weight plus slope."),
        Mistake(lambda w, s: w[-1] * s[-1], "That is the last neuron alone: the gradient passes through all of them."),
        Mistake(lambda w, s: w[0] * s[0], "That is the first neuron alone. Is your `return` inside the loop?"),
        Mistake(lambda w, s: np.prod(w[1:] * s[1:]), "The first neuron is missing: h₀ acts through it as well."),
        Mistake(lambda w, s: np.prod(w[:-1] * s[:-1]), "The last neuron is missing. Does the loop end one too early?"),
        Mistake(lambda w, s: np.prod(w / s), "The slope multiplies; you divide by it."),
        Mistake(lambda w, s: np.prod((w * s) ** 2), "You multiply by each factor twice."),
    ]
    return judge_function(function, "chain_gradient", _chain_gradient, inputs, mistakes=mistakes)


def float32_zero_depth() -> int:
    """How many factors of 0.25 make a float32 product exactly 0."""
    product, depth = np.float32(1), 0
    while product > 0:
        product, depth = product * np.float32(0.25), depth + 1
    return depth


def _judge_float32_depth(thing: Any) -> CheckResult:
    truth = float32_zero_depth()
    last_full = int(round(-math.log2(float(np.finfo(np.float32).tiny)) / 2))

    def judge(depth: float) -> CheckResult:
        if depth == truth:
            return CheckResult("right", f"After {truth} factors of 0.25, the product is exactly 0 in float32.")
        if depth == truth - 1:
            left = format_number(float(np.float32(0.25) ** np.float32(depth)))
            return CheckResult("wrong", f"One too few: after {int(depth)} factors float32 still holds {left}.")
        if depth == truth + 1:
            between = f"{int(depth)} neurons have {truth} factors between the last and the first"
            return CheckResult("wrong", f"One too many: {between}. Count the factors.")
        if depth in (last_full, last_full + 1):
            below = "Full precision ends there; float32 stores smaller numbers with fewer digits."
            return CheckResult("wrong", f"{below} Go on multiplying until the product is exactly 0.")
        if depth in (2 * truth - 1, 2 * truth):
            return CheckResult("wrong", "That counts factors of a half; here each factor is a quarter.")
        if depth in (537, 538):
            return CheckResult("wrong", "That is where float64 ends: begin with `np.float32(1)`.")
        if depth in (23, 24):
            return CheckResult(
                "wrong",
                "That is the number of binary digits of float32. How small a number can be depends on its exponent.",
            )
        if depth in (37, 38, 39):
            return CheckResult(
                "wrong",
                "10⁻³⁸ is about the smallest number of full precision. How many factors of 0.25 lead below 10⁻⁴⁵?",
            )
        if not 1 <= depth <= 10_000 or depth != int(depth):
            return CheckResult("wrong", "A number of factors is a whole number, at least 1.")
        if depth < truth:
            left = format_number(float(np.float32(0.25) ** np.float32(depth)))
            return CheckResult(
                "wrong", f"After {int(depth)} factors float32 still holds {left}. More factors are needed."
            )
        return CheckResult(
            "wrong", f"After {int(depth)} factors it is 0, but it was 0 before. Which number is the first?"
        )

    return judge_number(thing, judge)


EXERCISES = (
    Exercise(
        id="chain_gradient",
        hints=(
            "Each neuron multiplies twice: by its weight and by the slope of its activation.",
            "Begin with 1 and multiply by `weight * slope` for each neuron: a loop over `zip(weights, slopes)`.",
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
        hints=(
            "Begin with `np.float32(1)` and multiply by `np.float32(0.25)` until the result equals 0; count.",
            "The smallest positive number of float32 is 2⁻¹⁴⁹, and half of it is rounded to 0. A quarter is 2⁻².",
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
