"""The exercises of lesson 05."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import Exercise, Mistake, Verdict, judge_function, judge_values
from helpers.jacobians import input_output_jacobian, singular_values
from helpers.network import NetworkSpec, Parameters

MISTAKEN_STDS = (
    (lambda fan_in, _: 2 / fan_in, "That is He's variance; a drawing function wants its root, the standard deviation."),
    (lambda fan_in, _: math.sqrt(1 / fan_in), "The 2 for the half that ReLU drops is missing."),
    (lambda fan_in, _: math.sqrt(1 / (3 * fan_in)), "That is PyTorch's default, a sixth of He's variance."),
    (lambda _, fan_out: math.sqrt(2 / fan_out), "You divide by fan_out. A pre-activation adds up fan_in products."),
    (lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)), "That is Xavier's rule. He's has fan_in alone."),
    (lambda fan_in, _: math.sqrt(2 / (3 * fan_in)), "A uniform draw from −a to a has variance a²/3: widen a by √3."),
    (lambda *_: 1.0, "These have standard deviation 1: scale them."),
)


def _complain_about_he(weights: Array, fan_in: int, fan_out: int) -> str:
    spread, wanted = float(weights.std()), math.sqrt(2 / fan_in)
    if np.ptp(weights) == 0:
        return "gives the same number everywhere: then all units of a layer stay equal. Draw each weight by itself."
    if abs(float(weights.mean())) > 0.03 * max(spread, wanted):
        return f"has mean {weights.mean():.3g}; He's weights have mean 0."
    if abs(spread / wanted - 1) <= 0.03:
        return ""
    named = [words for std, words in MISTAKEN_STDS if abs(spread / std(fan_in, fan_out) - 1) <= 0.03]
    return f"has standard deviation {spread:.4f}; right is {wanted:.4f}. {' '.join(named)}".rstrip()


def _judge_he_init(function: Any) -> Verdict:
    inputs = [(400, 200), (200, 400), (300, 300)]
    verdict = judge_values(function, "he_init", lambda *fans: fans, _complain_about_he, inputs)
    if not verdict.correct:
        return verdict
    return Verdict("right", "Mean 0 and standard deviation √(2/fan_in) for three shapes.")


def _jacobian_values(weights: Array, x: Array) -> Array:
    depth, width = len(weights), weights.shape[1]
    spec = NetworkSpec(depth=depth, width=width, activation="tanh", seeds=1, batch=1)
    readout = np.zeros((1, width, 1))
    parameters = Parameters([*weights[:, None], readout], [np.zeros((1, width))] * depth + [np.zeros((1, 1))])
    values: Array = singular_values(input_output_jacobian(spec, parameters, x[None]))[0, 0]
    return values


def _of_weights_alone(weights: Array, _: Array) -> Array:
    return singular_values(np.linalg.multi_dot([np.eye(weights.shape[1]), *weights, np.eye(weights.shape[1])]))


def _judge_jacobian_values(function: Any) -> Verdict:
    generator = np.random.default_rng(5)
    shapes = [(1, 3), (2, 4), (5, 6)]
    inputs = [
        (generator.normal(0, 1.2 / math.sqrt(width), (depth, width, width)), generator.normal(0, 1, width))
        for depth, width in shapes
    ]
    mistakes = [
        Mistake(_of_weights_alone, "Those belong to the weights alone: each layer multiplies by its slopes too."),
        Mistake(lambda w, x: _jacobian_values(w, x)[::-1], "They are right, in rising order: the largest comes first."),
        Mistake(lambda w, x: _jacobian_values(w, x) ** 2, "Those are squared: the eigenvalues of JᵀJ. Take roots."),
        Mistake(lambda w, x: _jacobian_values(w[-1:], x), "That is one layer alone: multiply all of them."),
    ]
    return judge_function(function, "jacobian_values", _jacobian_values, inputs, 1e-5, floor=1e-9, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="he_init",
        lesson="05",
        task="Write `he_init(fan_in, fan_out)`: a weight matrix of that shape, drawn by He's rule.",
        hints=(
            "He's variance is 2/fan_in. `np.random.normal` and `generator.normal` take a standard deviation.",
            "The shape is the third argument: `np.random.normal(mean, deviation, shape)`.",
        ),
        solution="""\
import numpy as np

def he_init(fan_in, fan_out):
    return np.random.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))
""",
        judge=_judge_he_init,
    ),
    Exercise(
        id="jacobian_values",
        lesson="05",
        task="Write `jacobian_values(weights, x)`: singular values of ∂h_L/∂x in a tanh net, the largest first.",
        hints=(
            "Go up layer by layer with h, and carry a matrix along that begins as `np.eye(len(x))`.",
            "A layer maps h to tanh(h @ w). A small change goes through w, then times the slope 1 − tanh(z)² of each "
            "unit: `(matrix @ w) * slope`.",
            "`np.linalg.svd(matrix, compute_uv=False)` gives singular values, the largest first.",
        ),
        solution="""\
import numpy as np

def jacobian_values(weights, x):
    h, matrix = x, np.eye(len(x))
    for w in weights:
        h = np.tanh(h @ w)
        matrix = (matrix @ w) * (1 - h**2)
    return np.linalg.svd(matrix, compute_uv=False)
""",
        judge=_judge_jacobian_values,
    ),
)
