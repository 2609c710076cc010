"""Gradient clipping, and the smallest recurrent network whose loss has a cliff (Pascanu 2013)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.checks import check_choice, check_number
from helpers.datasets import gaussian
from helpers.network import NetworkSpec, gradient_profile
from helpers.recurrent import RecurrentSpec, recurrent_profile

UNIT_STEPS, UNIT_TARGET, UNIT_START = 50, 0.7, 0.5
"""The one-unit network: its number of steps, its target and its initial state."""


def norm_factors(gradient: Array, threshold: float) -> Array:
    """Return the factor by which clipping by norm scales a gradient: min(1, threshold / ‖g‖), one for all entries.

    gradient: (seeds, …), one whole gradient for each seed; the factors have shape (seeds, 1, …).
    Pascanu 2013, algorithm 1. Raises ValueError for a threshold that is not above 0.
    """
    check_number("threshold", threshold, above=0)
    norms = np.sqrt(np.square(gradient).sum(axis=tuple(range(1, gradient.ndim)), keepdims=True))
    return _at_most_one(threshold, norms)


def value_factors(gradient: Array, threshold: float) -> Array:
    """Return the factor by which clipping by value scales each entry g, min(1, threshold / |g|): the gradient's shape.

    Raises ValueError for a threshold that is not above 0.
    """
    check_number("threshold", threshold, above=0)
    return _at_most_one(threshold, np.abs(gradient))


FACTORS: Mapping[str, Callable[[Array, float], Array]] = {"norm": norm_factors, "value": value_factors}
"""The two clipping rules by name. Their factors are never above 1."""


def cosine(first: Array, second: Array) -> Array:
    """Return the cosine between two gradients of each seed, (seeds, …) → (seeds,); nan where one of them is 0."""
    a, b = (array.reshape(len(array), -1) for array in (first, second))
    with np.errstate(invalid="ignore"):
        return np.vecdot(a, b) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def gradient_parts(
    network: str, length: int, radius: float, *, width: int = 32, samples: int = 4, seeds: int = 4
) -> tuple[Array, Array]:
    """Return a tanh network's gradient in parts (seeds, length, entries), and the whole that is clipped, on these axes.

    "layers": the parts are the weight gradients of a feed-forward network's layers and together make the whole. Its
    Gaussian weights have variance radius²/width, so `radius` is their spectral radius in wide layers. "recurrent": the
    parts are what each time step adds to the gradient of the recurrent weights, and the whole is their sum (length 1).
    """
    check_choice("network", network, ("layers", "recurrent"))
    if network == "layers":
        spec = NetworkSpec(length, width, "tanh", "lecun_normal", radius, 0.2, batch=samples, seeds=seeds)
        matrices = gradient_profile(spec, gaussian(samples, features=width)).weight_gradient_matrices()
        parts = np.stack(matrices, axis=1).reshape(seeds, length, -1)
        return parts, parts
    recurrent = RecurrentSpec("rnn", length, hidden=width, init="gaussian", radius=radius, batch=samples, seeds=seeds)
    parts = recurrent_profile(recurrent).shares().reshape(seeds, length, -1)
    return parts, parts.sum(axis=1, keepdims=True)


def adam_first_step(gradient: Array, learning_rate: float, epsilon: float = 1e-8) -> Array:
    """Return Adam's first step, −learning_rate · g / (|g| + ε), which hardly depends on the size of g.

    After one step the bias-corrected running means are g and g² (Kingma 2015, algorithm 1; ε as in PyTorch).
    """
    return -learning_rate * gradient / (np.abs(gradient) + epsilon)


def _at_most_one(threshold: float, sizes: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.minimum(1.0, threshold / sizes)


# The cliff ------------------------------------------------------------------------------------------------------------


def one_unit_loss(weight: Array, bias: Array) -> Array:
    """Return the loss of the one-unit recurrent network for arrays of weights and biases.

    x_t = weight · σ(x_{t-1}) + bias for `UNIT_STEPS` steps from `UNIT_START`; the loss is (σ(x_T) − `UNIT_TARGET`)².
    The surface is that of Pascanu 2013, Fig. 6.
    """
    return _one_unit(np.asarray(weight, np.float64), np.asarray(bias, np.float64), np.tanh)[0]


def one_unit_gradient(weight: float, bias: float) -> tuple[float, float]:
    """Return (∂L/∂weight, ∂L/∂bias) of `one_unit_loss`, by forward-mode differentiation along with the state."""
    _, by_weight, by_bias = _one_unit(weight, bias, math.tanh)
    return by_weight, by_bias


def _one_unit(w: Any, b: Any, tanh: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Return loss and gradient for numbers or arrays; plain numbers with `math.tanh` are five times faster."""
    x, by_weight, by_bias = UNIT_START, 0.0, 0.0
    for _ in range(UNIT_STEPS):
        s = 0.5 * (1 + tanh(0.5 * x))
        x = w * s
        slope = x * (1 - s)
        x, by_weight, by_bias = x + b, s + slope * by_weight, 1 + slope * by_bias
    s = 0.5 * (1 + tanh(0.5 * x))
    off = s - UNIT_TARGET
    at_state = 2 * off * s * (1 - s)
    return off * off, at_state * by_weight, at_state * by_bias


@dataclass(frozen=True)
class Descent:
    """The path of gradient descent with its start, arrays (updates + 1,). `gradients` are norms before clipping."""

    weights: Array
    biases: Array
    losses: Array
    gradients: Array

    @property
    def longest_step(self) -> float:
        """The longest single step, in the plane of weight and bias."""
        return float(np.hypot(np.diff(self.weights), np.diff(self.biases)).max(initial=0.0))


def descend(weight: float, bias: float, *, learning_rate: float, updates: int, threshold: float = math.inf) -> Descent:
    """Run gradient descent on the one-unit network; a gradient longer than `threshold` is scaled down to it.

    Raises ValueError for a threshold that is neither a number above 0 nor `math.inf`.
    """
    if threshold != math.inf:
        check_number("threshold", threshold, above=0)
    rows = []
    for _ in range(updates + 1):
        loss, by_weight, by_bias = _one_unit(weight, bias, math.tanh)
        norm = math.hypot(by_weight, by_bias)
        rows.append((weight, bias, loss, norm))
        step = learning_rate * (threshold / norm if norm > threshold else 1.0)
        weight, bias = weight - step * by_weight, bias - step * by_bias
    return Descent(*np.array(rows).T)
