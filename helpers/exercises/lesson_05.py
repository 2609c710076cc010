"""The exercises of lesson 05."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function, judge_values
from helpers.jacobians import input_output_jacobian, singular_values
from helpers.network import NetworkSpec, Parameters

Rule = Callable[[int, int, float], float]

MISTAKEN_STDS: tuple[tuple[Rule, str], ...] = (
    (
        lambda n, _, leak: 2 / (1 + leak**2) / n,
        "That is the variance. The standard deviation is its root.",
    ),
    (lambda n, _, leak: math.sqrt(2 / n), "That is He's rule for a ReLU: the negative side with its leak is missing."),
    (
        lambda n, _, leak: math.sqrt(1 / n),
        "That is the rule for a linear layer: a leaky ReLU has another slope below 0.",
    ),
    (
        lambda n, _, leak: math.sqrt(2 / (1 + leak) / n),
        "The mean square is needed: the leak enters as its square.",
    ),
    (
        lambda n, _, leak: math.sqrt(1 / (1 + leak**2) / n),
        "Each side holds half of the units: the mean square slope is (1 + leak²)/2.",
    ),
    (lambda _, m, leak: math.sqrt(2 / (1 + leak**2) / m), "That divides by fan_out. A sum has fan_in products."),
    (
        lambda n, m, leak: math.sqrt(4 / (1 + leak**2) / (n + m)),
        "That uses the mean of the fans, like Xavier's rule. The forward pass needs fan_in alone.",
    ),
    (
        lambda n, _, leak: math.sqrt(2 / 3 / (1 + leak**2) / n),
        "A uniform draw from −a to a has variance a²/3: multiply a by √3.",
    ),
    (
        lambda n, _, leak: math.sqrt(2 / 12 / (1 + leak**2) / n),
        "A uniform draw from −a/2 to a/2 has variance a²/12. The range must reach from −a to a, with a² = 3 Var W.",
    ),
    (lambda n, *_: math.sqrt(1 / (3 * n)), "That is PyTorch's default."),
    (lambda *_: math.sqrt(1 / 3), "These are drawn from −1 to 1 and not scaled."),
    (lambda *_: 1.0, "These have standard deviation 1: scale them."),
)


def he_std(fan_in: int, fan_out: int, leak: float) -> float:
    """The standard deviation that keeps the variance of pre-activations in layers of leaky ReLUs (He 2015, eq. 15)."""
    return math.sqrt(2 / (1 + leak**2) / fan_in)


def _complain_about_he(weights: Array, fan_in: int, fan_out: int, leak: float) -> str:
    spread, wanted = float(weights.std()), he_std(fan_in, fan_out, leak)
    if np.ptp(weights) == 0:
        return "gives the same number everywhere: then all units of a layer stay equal. Draw each weight separately."
    if len(np.unique(weights.ravel())) < weights.size // 2:
        return "gives the same weights several times. Draw each weight separately."
    if abs(float(weights.mean())) > 0.03 * max(spread, wanted):
        return f"has mean {weights.mean():.3g}; the weights must have mean 0."
    if abs(spread / wanted - 1) > 0.02:
        named = [words for std, words in MISTAKEN_STDS if abs(spread / std(fan_in, fan_out, leak) - 1) <= 0.02]
        return f"has standard deviation {spread:.4f}; it must be {wanted:.4f}. {named[0] if named else ''}".rstrip()
    if float(np.abs(weights).max()) > 1.01 * math.sqrt(3) * wanted:
        return "has the right standard deviation, but the weights are not drawn from a uniform distribution."
    return ""


def _judge_he_init(function: Any) -> CheckResult:
    inputs = [(400, 200, 0.5), (200, 400, 0.2), (300, 300, 0.0)]
    result = judge_values(function, "he_init", lambda *sizes: sizes[:2], _complain_about_he, inputs)
    if not result.correct:
        return result
    return CheckResult("right", "Uniform, mean 0 and the right standard deviation for three shapes and leaks.")


def _jacobian_values(weights: Array, x: Array) -> Array:
    depth, width = len(weights), weights.shape[1]
    spec = NetworkSpec(depth=depth, width=width, activation="tanh", seeds=1, batch=1)
    readout = np.zeros((1, width, 1))
    parameters = Parameters([*weights[:, None], readout], [np.zeros((1, width))] * depth + [np.zeros((1, 1))])
    values: Array = singular_values(input_output_jacobian(spec, parameters, x[None]))[0, 0]
    return values


def _of_weights_alone(weights: Array, _: Array) -> Array:
    return singular_values(np.linalg.multi_dot([np.eye(weights.shape[1]), *weights, np.eye(weights.shape[1])]))


def _by_hand(weights: Array, x: Array, wrong: str = "") -> Array:
    """Singular values of the Jacobian of all layers, computed with the mistake `wrong` if one is given."""
    h, matrix = x, np.eye(len(x))
    for number, w in enumerate(weights):
        z = h @ w
        h = z if wrong == "no activation" else np.tanh(z)
        slope = 1 - np.tanh(h if wrong == "slope at h" else z) ** 2
        if wrong == "value for slope":
            slope = np.tanh(z)
        if wrong == "input slope":
            slope = np.ones_like(z) if number == 0 else slope
        if wrong == "no last slope" and number == len(weights) - 1:
            slope = np.ones_like(z)
        if wrong == "transposed":
            matrix = (matrix @ w.T) * slope
        elif wrong == "other side":
            matrix = (w @ matrix) * slope
        else:
            matrix = (matrix @ w) * slope
    return singular_values(matrix)


def _slip(wrong: str) -> Callable[[Array, Array], Array]:
    return lambda weights, x: _by_hand(weights, x, wrong=wrong)


def _judge_jacobian_values(function: Any) -> CheckResult:
    generator = np.random.default_rng(5)
    shapes = [(3, 3), (1, 3), (2, 4), (5, 6)]
    inputs = [
        (generator.normal(0, 1.2 / math.sqrt(width), (depth, width, width)), generator.normal(0, 1, width))
        for depth, width in shapes
    ]
    mistakes = [
        Mistake(_of_weights_alone, "Those belong to the weights alone: each layer multiplies by its slopes too."),
        Mistake(
            lambda w, x: _jacobian_values(w, x)[::-1], "They are right but in rising order: put the largest first."
        ),
        Mistake(lambda w, x: _jacobian_values(w, x) ** 2, "Those are squared: the eigenvalues of JᵀJ. Take roots."),
        Mistake(lambda w, x: _by_hand(w[-1:], x), "That is one layer alone: multiply all of them."),
        Mistake(lambda w, x: _jacobian_values(w[:-1], x), "The last layer is missing."),
        Mistake(_slip("transposed"), "The weights are transposed: a row of activations is multiplied by w, not by wᵀ."),
        Mistake(_slip("other side"), "The new layer belongs on the other side of the product: `matrix @ w`."),
        Mistake(_slip("slope at h"), "The slope of tanh is taken at z. Written with h it is 1 − h², without a tanh."),
        Mistake(_slip("no activation"), "The next layer receives tanh(z), not z."),
        Mistake(_slip("value for slope"), "That multiplies by tanh(z). Its slope is 1 − tanh(z)²."),
        Mistake(_slip("no last slope"), "The slope of the last layer is missing."),
        Mistake(_slip("input slope"), "The slope of the first layer is missing."),
    ]
    return judge_function(function, "jacobian_values", _jacobian_values, inputs, 1e-5, floor=1e-9, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="he_init",
        hints=(
            "What is the mean square of a leaky ReLU's output, if z has variance 1? Half of the units lie on each side "
            "of 0.",
            "fan_in · Var W · E[h²] must equal Var z. Solve for Var W.",
            "Uniform numbers between −a and a have variance a²/3. `np.random.uniform(low, high, shape)` draws them.",
        ),
        solution="""\
import numpy as np

def he_init(fan_in, fan_out, leak):
    variance = 2 / ((1 + leak**2) * fan_in)
    edge = np.sqrt(3 * variance)
    return np.random.uniform(-edge, edge, (fan_in, fan_out))
""",
        judge=_judge_he_init,
    ),
    Exercise(
        id="jacobian_values",
        hints=(
            "Go forward layer by layer with h, and update a matrix that begins as `np.eye(len(x))`.",
            "A layer maps h to tanh(h @ w). It multiplies a small change first by w, then by the slope of each unit.",
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
