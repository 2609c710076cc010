"""The exercises of lesson 08."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers import theory
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function, numbers_from
from helpers.quiz import format_number
from helpers.recurrent import RecurrentSpec, backpropagate, initial_parameters


def _logit(gate: float) -> float:
    return math.log(gate / (1 - gate)) if 0 < gate < 1 else math.nan


def _judge_forget_bias(function: Any) -> CheckResult:
    inputs = [(10.0,), (100.0,), (1000.0,), (1.0,), (3.5,)]
    mistakes = [
        Mistake(lambda n: 2 ** (-1 / n), "That is the gate itself. The bias is the number whose sigmoid is that gate."),
        Mistake(lambda n: -_logit(2 ** (-1 / n)), "The sign is wrong: a gate near 1 needs a positive bias."),
        Mistake(
            lambda n: _logit(math.exp(-1 / n)), "That leaves 1/e after that many steps; the task asks for one half."
        ),
        Mistake(lambda n: math.log(n), "ln T is the rough rule; the task asks for the exact bias."),
        Mistake(lambda n: _logit(1 - 1 / n), "A gate of 1 - 1/T leaves about 1/e after T steps, not 1/2."),
        Mistake(lambda n: _logit(0.5**n), "That gate is 1/2 to the power T; the right one is the T-th root of 1/2."),
    ]
    return judge_function(function, "forget_bias", theory.bias_for_half_life, inputs, floor=1e-9, mistakes=mistakes)


def _forget_path(gates: Array) -> Array:
    path: Array = np.prod(gates[1:], axis=0)
    return path


@functools.cache
def measured_path(radius: float) -> tuple[Array, float]:
    """An LSTM's forget gates (steps, units), and the share of the gradient that remains from last cell to first."""
    spec = RecurrentSpec("lstm", length=50, hidden=32, radius=radius, forget_bias=1.0, batch=1, seeds=1)
    inputs, ones = np.random.default_rng(8).standard_normal((50, 1, 1)), np.ones((1, 32))
    profile = backpropagate(spec, initial_parameters(spec), inputs, 0 * ones, ones)
    assert profile.forget_gates is not None
    return profile.forget_gates[:, 0, 0], float(profile.cell_signal[0, 0] / math.sqrt(32))


def _judge_forget_path(function: Any) -> CheckResult:
    rng = np.random.default_rng(0)
    inputs = [
        (np.array([[0.5], [0.9]]),),
        (np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 1.0]]),),
        (rng.uniform(0.2, 0.95, (12, 4)),),
        (np.full((100, 2), 0.993),),
        (np.array([[0.3, 0.6, 0.9]]),),
    ]
    mistakes = [
        Mistake(
            lambda g: np.prod(g, axis=0),
            "The gate of step 1 is one too many: it comes between the initial cell and the first one.",
        ),
        Mistake(lambda g: np.prod(g[:-1], axis=0), "Leave out the gate of the first step, not that of the last."),
        Mistake(lambda g: np.mean(g, axis=0) ** (len(g) - 1), "That is a power of the mean. Multiply the gates."),
        Mistake(lambda g: np.sum(g[1:], axis=0), "You add the gates up; the chain rule multiplies them."),
        Mistake(lambda g: np.prod(g[1:], axis=0).mean(), "Keep the units apart: one number for each column."),
        Mistake(lambda g: g[-1], "That is the last gate alone: the gradient passes through all gates from step 2 on."),
    ]
    result = judge_function(function, "forget_path", _forget_path, inputs, mistakes=mistakes)
    return _beside_measurement(function) if result.correct else result


def _beside_measurement(function: Callable[[Array], Any]) -> CheckResult:
    """Compare a correct product with what the engine measures, without recurrent weights and with them."""
    sentences = []
    for radius, words in ((0.0, "without recurrent weights"), (0.577, "with PyTorch's usual recurrent weights")):
        gates, measured = measured_path(radius)
        path = numbers_from(function, (gates,), gates.shape[1:])
        product = format_number(float(np.sqrt(np.mean(path**2))))
        sentences.append(f"Over 50 steps {words} your product is {product}, measured {format_number(measured)}.")
    return CheckResult("right", " ".join(sentences) + " The part beyond the product came back through the gates.")


EXERCISES = (
    Exercise(
        id="forget_bias",
        hints=(
            "First find the gate: a number f whose power `half_life` is one half.",
            "f is 2 to the power −1/half_life. The gate is σ(b); which b gives σ(b) = f?",
            "The inverse of the sigmoid is ln(f/(1 − f)).",
        ),
        solution="""\
import math

def forget_bias(half_life):
    gate = 2 ** (-1 / half_life)
    return math.log(gate / (1 - gate))
""",
        judge=_judge_forget_bias,
    ),
    Exercise(
        id="forget_path",
        hints=(
            "From c_T back to c_(T−1) the factor is the forget gate of step T. How far down does that go?",
            "The last factor is the gate of step 2, between c_1 and c_2. The gate of step 1 plays no part.",
            "`np.prod` multiplies along an axis; the steps are axis 0.",
        ),
        solution="""\
import numpy as np

def forget_path(gates):
    return np.prod(gates[1:], axis=0)
""",
        judge=_judge_forget_path,
    ),
)
