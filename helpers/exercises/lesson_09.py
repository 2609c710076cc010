"""The exercises of lesson 09."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers import theory
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function, judge_number

PULL = 1e-6


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def _slopes(a: float) -> Array:
    return np.array([float(theory.generator_slope(loss, a)) for loss in theory.GENERATOR_LOSSES])


def _judge_loss_slopes(function: Any) -> CheckResult:
    mistakes = [
        Mistake(lambda a: -_slopes(a), "The signs are reversed: each of these losses falls as a grows."),
        Mistake(lambda a: _slopes(a)[[1, 0, 2]], "You have exchanged the first two."),
        Mistake(
            lambda a: np.array([-1 / (1 - _sigmoid(a)), -1 / _sigmoid(a), -1.0]),
            "Those are derivatives with respect to D. The logit comes before the sigmoid: multiply by its "
            "slope D(1 − D).",
        ),
        Mistake(
            lambda a: np.array([-_sigmoid(a) * (1 - _sigmoid(a)), _sigmoid(a) * (1 - _sigmoid(a)), -1.0]),
            "That leaves out the logarithm: its derivative adds a factor 1/(1 − D), or 1/D.",
        ),
        Mistake(
            lambda a: np.array([math.log(1 - _sigmoid(a)), -math.log(_sigmoid(a)), -a]),
            "Those are the losses. The task asks for their slopes.",
        ),
    ]
    inputs = [(0.5,), (0.0,), (-4.0,), (4.0,), (-20.0,)]
    return judge_function(function, "loss_slopes", _slopes, inputs, mistakes=mistakes)


def silent_distance() -> float:
    """The distance of two unit normals at which the best discriminator gives a saturating generator the pull `PULL`."""
    return theory.bisect(lambda distance: theory.optimal_generator_gradient("saturating", distance) > PULL, 4.0, 20.0)


def _judge_silent_distance(thing: Any) -> CheckResult:
    truth = silent_distance()

    def judge(distance: float) -> CheckResult:
        if not 0 < distance <= 100:
            return CheckResult("wrong", "A distance is a positive number. Look between 1 and 20.")
        pull = theory.optimal_generator_gradient("saturating", distance)
        pull_is = f"At distance {distance:.4g} the best discriminator leaves a pull of {pull:.1e}."
        if abs(distance - truth) <= 0.005 * truth:
            return CheckResult("right", pull_is)
        if distance < 1.2:
            return CheckResult(
                "wrong", f"{pull_is} The pull is small near 0 too, but there the generator is done. Go up."
            )
        return CheckResult("wrong", f"{pull_is} Go {'up' if distance < truth else 'down'}.")

    return judge_number(thing, judge)


EXERCISES = (
    Exercise(
        id="loss_slopes",
        hints=(
            "With D = σ(a), the slope of D at a is D(1 − D). Use it in the chain rule.",
            "The derivatives by D are −1/(1 − D) for log(1 − D) and −1/D for −log D. A factor cancels in each product.",
            "The slopes are −D, −(1 − D) and −1.",
        ),
        solution="""\
import numpy as np

def loss_slopes(a):
    d = 1 / (1 + np.exp(-a))
    return [-d, -1 / (1 + np.exp(a)), -1.0]
""",
        judge=_judge_loss_slopes,
    ),
    Exercise(
        id="silent_distance",
        hints=(
            "Print the pull for distances from 2 to 20. Where does it cross 1e-6?",
            "Bisect: keep a distance that is too small and one that is too large, and try the middle of the two.",
        ),
        solution="""\
from helpers.theory import optimal_generator_gradient

near, far = 4.0, 20.0
for _ in range(40):
    silent_distance = (near + far) / 2
    if optimal_generator_gradient("saturating", silent_distance) > 1e-6:
        near = silent_distance
    else:
        far = silent_distance
""",
        judge=_judge_silent_distance,
    ),
)
