"""Averages over Gaussian pre-activations: integrals with Gauss-Legendre nodes, exact to about 1e-12."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from helpers.activations import Activation, ActivationLike, get_activation
from helpers.arrays import Array
from helpers.checks import check_number


@lru_cache(maxsize=256)
def _nodes(octave: int) -> tuple[Array, Array]:
    """Return points z and weights for integrals over |z| ≤ 20·2^octave: standard deviations 2^(octave-1) to 2^octave.

    Panels end at 0 and ±1, where slopes may jump. They are narrow near 0, where an activation bends, and never wider
    than half the smallest standard deviation, so that they resolve the Gaussian density.
    """
    widest = 2.0**octave / 4
    edges = [0.0]
    while edges[-1] < 20 * 2.0**octave:
        step = min(max(0.5, edges[-1] / 2), widest)
        nxt = edges[-1] + step
        edges.append(1.0 if edges[-1] < 1 < nxt else nxt)
    x, w = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges) / 2
    points = ((np.array(edges[:-1]) + half)[:, None] + half[:, None] * x).ravel()
    weights = (half[:, None] * w).ravel()
    return np.concatenate([-points, points]), np.concatenate([weights, weights])


@lru_cache(maxsize=1024)
def _weighted(activation: Activation, part: str, power: int, octave: int) -> Array:
    z, weights = _nodes(octave)
    values = activation.function(z) if part == "function" else activation.slope(z)
    return np.asarray(values, float) ** power * weights


def average(activation: Activation, part: str, power: int, variance: float, mean: float = 0.0) -> float:
    """Return E[f(z)^power] for z ~ N(mean, variance), where f is the activation's function or slope."""
    if variance == 0:
        return float(np.asarray(getattr(activation, part)(mean))) ** power
    if mean:
        return _average_off_centre(activation, part, power, variance, mean)
    octave = math.ceil(math.log2(variance) / 2)
    z, _ = _nodes(octave)
    density = np.exp(z * z * (-0.5 / variance))
    return float(density @ _weighted(activation, part, power, octave)) / math.sqrt(2 * math.pi * variance)


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(64)


def _average_off_centre(activation: Activation, part: str, power: int, variance: float, mean: float) -> float:
    """Return the average for a mean other than 0: fewer points, nothing cached. Panels end at 0 and ±1, as above."""
    spread = math.sqrt(variance)
    low, high = mean - 9 * spread, mean + 9 * spread
    edges = np.array([low, *(edge for edge in (-1.0, 0.0, 1.0) if low < edge < high), high])
    x, w = _legendre()
    half = np.diff(edges)[:, None] / 2
    z, weights = (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
    density = np.exp(-0.5 * ((z - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    return float((weights * density) @ np.asarray(getattr(activation, part)(z), float) ** power)


def averages(activation: ActivationLike, part: str, power: int, variance: ArrayLike) -> Any:
    """Return `average` with mean 0 for one variance (a float) or an array of them (an array of the same shape)."""
    if np.ndim(variance):
        each = [averages(activation, part, power, one) for one in np.ravel(variance).tolist()]
        return np.array(each).reshape(np.shape(variance))
    return average(get_activation(activation), part, power, check_number("variance", variance, least=0))


def mean_square_slope(activation: ActivationLike, variance: ArrayLike = 1.0) -> Any:
    """E[φ′(z)²] for z ~ N(0, variance).

    Times σ_w² it is the factor per layer of the squared gradient (Schoenholz 2017, eq. 7).
    A float for one variance, an array of the same shape for an array. Raises ValueError for a negative variance.
    """
    return averages(activation, "slope", 2, variance)


def mean_square_activation(activation: ActivationLike, variance: ArrayLike = 1.0) -> Any:
    """E[φ(z)²] for z ~ N(0, variance) (Poole 2016, eq. 3, the integral). Float or array, like `variance`."""
    return averages(activation, "function", 2, variance)


def mean_slope(activation: ActivationLike, variance: ArrayLike = 1.0) -> Any:
    """E[φ′(z)] for z ~ N(0, variance). Float or array, like `variance`."""
    return averages(activation, "slope", 1, variance)
