"""The exercises of lesson 11."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def _fitted_factor(signal: Array) -> float:
    """10 to the power of minus the slope of the line fitted to log10 of the signal by layer."""
    return float(10 ** -np.polyfit(np.arange(len(signal)), np.log10(signal), 1)[0])


def _judge_fitted_factor(function: Any) -> CheckResult:
    draws = np.random.default_rng(11)
    inputs = [
        (np.array([1e-3, 1e-2, 1e-1, 1.0]),),
        (np.array([8.0, 4.0, 2.0, 1.0]),),
        (np.array([0.3, 0.01, 0.2, 0.7, 0.9]),),
        (10.0 ** (-0.6 * np.arange(20)[::-1] + 0.3 * draws.standard_normal(20)),),
        (np.full(6, 0.25),),
    ]
    mistakes = [
        Mistake(
            lambda s: (s[0] / s[-1]) ** (1 / (len(s) - 1)),
            "You use only the two ends. Fit a line through all layers, so that one odd layer doesn't decide.",
        ),
        Mistake(lambda s: s[0] / s[-1], "That is the factor over all layers. The task asks for the factor per layer."),
        Mistake(lambda s: 1 / _fitted_factor(s), "Reversed: the gradient goes from the last layer to the first."),
        Mistake(
            lambda s: -np.log10(_fitted_factor(s)),
            "That is the slope. The factor is 10 to the power of minus the slope.",
        ),
        Mistake(lambda s: np.log10(_fitted_factor(s)), "That is the exponent: take 10 to the power of it."),
        Mistake(
            lambda s: float(np.mean(s[:-1] / s[1:])),
            "The largest ratio dominates a mean of ratios. Take logarithms first, then fit a line.",
        ),
        Mistake(
            lambda s: np.exp(-np.polyfit(np.arange(len(s)), np.log10(s), 1)[0]),
            "A slope of log10 is an exponent of 10, not of e: don't use exp.",
        ),
    ]
    return judge_function(function, "fitted_factor", _fitted_factor, inputs, 1e-6, mistakes=mistakes)


def _saturated_share(outputs: Array) -> float:
    """The share of tanh outputs a at which the slope, 1 − a², is below 1 % of its maximum."""
    return float(np.mean(1 - outputs**2 < 0.01))


def _judge_saturated_share(function: Any) -> CheckResult:
    draws = np.random.default_rng(12)
    inputs = [
        (np.array([[0.0, 0.5], [0.999, -0.9999]]),),
        (np.tanh(3 * draws.standard_normal((40, 20))),),
        (np.tanh(0.1 * draws.standard_normal((10, 5))),),
        (np.where(draws.random((8, 6)) < 0.5, 1.0, -1.0),),
        (np.array([[0.992, -0.992, 0.996, -0.996, 0.2, 0.3]]),),
    ]
    mistakes = [
        Mistake(lambda a: np.mean(a > 0.99**0.5), "That counts one end only: at −1 tanh is as flat as at +1."),
        Mistake(lambda a: np.mean(np.abs(a) > 0.99), "That counts |a| > 0.99; the task asks for 1 − a² < 0.01."),
        Mistake(lambda a: np.sum(1 - a**2 < 0.01), "That is their number. Divide by the number of all outputs."),
        Mistake(lambda a: np.mean(1 - a**2 >= 0.01), "That is the share that is not saturated."),
        Mistake(lambda a: np.mean(1 - np.tanh(a) ** 2 < 0.01), "The outputs have been through tanh already: use a."),
        Mistake(lambda a: np.mean(a * (1 - a) < 0.0025), "That is the sigmoid's slope; tanh has 1 − a²."),
    ]
    return judge_function(function, "saturated_share", _saturated_share, inputs, 1e-9, floor=1e-9, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="fitted_factor",
        hints=(
            "A constant factor per layer is a straight line in log10. Fit one through all layers with `np.polyfit`.",
            "`np.polyfit(x, y, 1)[0]` is the slope, in powers of ten per layer, read from input to loss.",
            "The backward pass goes the other way: the factor is 10 to the power of minus that slope.",
        ),
        solution="""\
import numpy as np

def fitted_factor(signal):
    slope = np.polyfit(np.arange(len(signal)), np.log10(signal), 1)[0]
    return 10 ** -slope
""",
        judge=_judge_fitted_factor,
    ),
    Exercise(
        id="saturated_share",
        hints=(
            "The slope of tanh at an output a is 1 − a², and its largest value is 1.",
            "`np.mean` of an array of True and False is the share of True.",
        ),
        solution="""\
import numpy as np

def saturated_share(outputs):
    return np.mean(1 - outputs**2 < 0.01)
""",
        judge=_judge_saturated_share,
    ),
)
