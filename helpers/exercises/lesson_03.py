"""The exercises of lesson 03."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers import theory
from helpers.exercises.checking import Exercise, Mistake, Verdict, judge_function, judge_number, numbers_from
from helpers.network import NetworkSpec, gradient_profile
from helpers.quiz import say_number


def _theory_factor(gain: float) -> float:
    return float(theory.per_layer_factor("sigmoid", gain**2))


@functools.cache
def measured_factor(gain: float) -> float:
    """The per-layer factor that the engine measures in a sigmoid network of variance gain²/N, mean of its seeds."""
    spec = NetworkSpec(depth=30, width=128, activation="sigmoid", init="lecun_normal", gain=gain, batch=32, seeds=4)
    return float(np.mean(gradient_profile(spec, data="gaussian").per_layer_factor()))


def _judge_predict_factor(function: Any) -> Verdict:
    mistakes = [
        Mistake(lambda g: 0.25 * g, "That takes the largest slope for every unit; their mean square is smaller."),
        Mistake(lambda g: _theory_factor(g) ** 2, "That is the factor of the squared norm: take its root."),
        Mistake(
            lambda g: g * math.sqrt(theory.mean_square_slope("sigmoid", 1.0)),
            "You took variance 1 for the pre-activations. The gain changes it: find the variance that stays the same.",
        ),
        Mistake(
            lambda g: g * math.sqrt(theory.mean_square_slope("sigmoid", g**2)),
            "You took gain² for their variance. It is gain² times the mean square of the sigmoid's values.",
        ),
    ]
    inputs = [(2.0,), (1.0,), (4.0,), (8.0,), (12.0,)]
    verdict = judge_function(function, "predict_factor", _theory_factor, inputs, 0.03, mistakes=mistakes)
    return _beside_measurement(function) if verdict.correct else verdict


def _beside_measurement(function: Callable[[float], Any], gains: Sequence[float] = (1.0, 4.0)) -> Verdict:
    """Hold a law that agrees with theory against a network as well."""
    sentences = []
    for gain in gains:
        claimed, measured = float(numbers_from(function, (gain,), ())), measured_factor(gain)
        sentences.append(f"At gain {gain:g} you say {claimed:.3f}, a network of 30 layers measures {measured:.3f}.")
        if abs(claimed - measured) > 0.1 * measured:
            return Verdict("wrong", sentences[-1])
    return Verdict("right", " ".join(sentences))


def _judge_critical_gain(thing: Any) -> Verdict:
    truth = float(theory.critical_gain("sigmoid"))

    def judge(gain: float) -> Verdict:
        if not 0 < gain <= 100:
            return Verdict("wrong", "A gain is a positive number. Look between 1 and 20.")
        factor = _theory_factor(gain)
        if abs(gain - truth) <= 0.01 * truth:
            return Verdict("right", f"At gain {gain:.4g} a layer multiplies the gradient by {factor:.3f}.")
        way = "higher" if gain < truth else "lower"
        effect = f"over 30 layers that multiplies the gradient by {say_number(factor**30)}. Go {way}."
        return Verdict("wrong", f"At gain {gain:.4g} the factor of a layer is {factor:.3f}: {effect}")

    return judge_number(thing, judge)


EXERCISES = (
    Exercise(
        id="predict_factor",
        lesson="03",
        task="Write `predict_factor(gain)`: the per-layer factor of a deep sigmoid net of weight variance gain²/N.",
        hints=(
            "First find the variance q of the pre-activations: q is gain² times the mean of σ(z)² for z ~ N(0, q).",
            "Begin with q = 1 and put it in again and again until it stays; 100 rounds are enough.",
            "A mean under a bell is a weighted sum on a grid x: `bell = np.exp(-x**2 / 2)`, `bell /= bell.sum()`, "
            "and z = √q·x.",
        ),
        solution="""\
import numpy as np

def predict_factor(gain):
    x = np.linspace(-8, 8, 2001)
    bell = np.exp(-x**2 / 2) / np.exp(-x**2 / 2).sum()
    q = 1.0
    for _ in range(100):
        s = 1 / (1 + np.exp(-np.sqrt(q) * x))
        q = gain**2 * (bell * s**2).sum()
    return gain * np.sqrt((bell * (s * (1 - s))**2).sum())
""",
        judge=_judge_predict_factor,
    ),
    Exercise(
        id="critical_gain",
        lesson="03",
        task="Find the gain at which a deep sigmoid net neither shrinks nor grows its gradients.",
        hints=(
            "Call your `predict_factor` for gains from 1 to 20. Where does it cross 1?",
            "Bisect: keep a gain that is too low and one that is too high, and try the middle of the two.",
        ),
        solution="""\
from helpers.theory import per_layer_factor

low, high = 1.0, 20.0
for _ in range(40):
    critical_gain = (low + high) / 2
    if per_layer_factor("sigmoid", critical_gain**2) < 1:
        low = critical_gain
    else:
        high = critical_gain
""",
        judge=_judge_critical_gain,
    ),
)
