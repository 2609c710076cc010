"""Mean-field theory of signals and gradients in a wide random network without normalization.

σ_w² ("weight_variance") is fan_in times the variance of a weight, σ_b² ("bias_variance") the variance of a bias, q the
variance of a pre-activation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from helpers.activations import Activation, ActivationLike, get_activation
from helpers.arrays import Array
from helpers.checks import check_number, check_whole
from helpers.theory.averages import average, averages

SMALLEST, LARGEST = 1e-24, 1e24  # a fixed point is searched for between these variances; beyond, it is 0 or infinity


def preactivation_variances(
    activation: ActivationLike,
    weight_variance: float,
    bias_variance: float,
    depth: int,
    input_second_moment: float,
    bias_mean: float = 0.0,
) -> Array:
    """The variance q_l of the pre-activations of layers 1 … depth, an array (depth,) (Poole 2016, eq. 3).

    `input_second_moment` is the mean square of an input feature. Biases of mean `bias_mean` shift every
    pre-activation by it. Each q is clipped to 1e-24 … 1e24, since only ratios matter beyond.
    """
    resolved = get_activation(activation)
    weight_variance = check_number("weight_variance", weight_variance, above=0)
    bias_variance = check_number("bias_variance", bias_variance, least=0)
    check_whole("depth", depth, 1)
    moment = check_number("input_second_moment", input_second_moment, least=0)
    bias_mean = check_number("bias_mean", bias_mean)
    variances: list[float] = []
    for _ in range(depth):
        variances.append(min(max(weight_variance * moment + bias_variance, SMALLEST), LARGEST))
        moment = average(resolved, "function", 2, variances[-1], bias_mean)
        if len(variances) > 1 and variances[-1] == variances[-2]:
            break
    return np.array(variances + [variances[-1]] * (depth - len(variances)))


def bisect(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return the point in [low, high], above 0, where a condition stops holding, to float precision."""
    for _ in range(200):
        middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    return math.sqrt(low) * math.sqrt(high)


def variance_fixed_point(activation: ActivationLike, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Return q*, the pre-activation variance that layers converge to from 1 (Poole 2016, eq. 3).

    0 if the signal dies out, `math.inf` if it grows without end, 1 if every variance stays as it is (ReLU with He's
    variance 2).
    """
    return _fixed_point(
        get_activation(activation),
        check_number("weight_variance", weight_variance, above=0),
        check_number("bias_variance", bias_variance, least=0),
    )


@lru_cache(maxsize=4096)
def _fixed_point(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    def growth(q: float) -> float:
        return (weight_variance * average(activation, "function", 2, q) + bias_variance) / q - 1

    start = growth(1.0)
    if abs(start) < 1e-12:
        return 1.0
    factor = 4.0 if start > 0 else 0.25
    near, far = 1.0, factor
    while growth(far) * start > 0:
        near, far = far, far * factor
        if not SMALLEST <= far <= LARGEST:
            return math.inf if start > 0 else 0.0
    return bisect(lambda q: growth(q) > 0, min(near, far), max(near, far))


def _gradient_factor(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    """χ, the factor per layer of the mean squared gradient at the fixed point."""
    q = min(max(_fixed_point(activation, weight_variance, bias_variance), SMALLEST), LARGEST)
    return weight_variance * average(activation, "slope", 2, q)


def per_layer_factor(activation: ActivationLike, weight_variance: float, bias_variance: float = 0.0) -> float:
    """√χ = √(σ_w² E[φ′(z)²]) at q*: the factor of the gradient's norm per layer (Schoenholz 2017, eq. 7).

    Below 1 the gradient vanishes on its way back, above 1 it explodes.
    """
    weight_variance = check_number("weight_variance", weight_variance, above=0)
    bias_variance = check_number("bias_variance", bias_variance, least=0)
    return math.sqrt(_gradient_factor(get_activation(activation), weight_variance, bias_variance))


def signal_profile(
    activation: ActivationLike,
    weight_variance: float,
    bias_variance: float,
    depth: int,
    input_second_moment: float,
    bias_mean: float = 0.0,
) -> Array:
    """log10 of ‖∂L/∂h_l‖ / ‖∂L/∂h_depth‖ for layers l = 1 … depth, an array (depth,) that ends in 0.

    The squared norm shrinks from layer l to l-1 by σ_w² E[φ′(z)²] at that layer's own q_l, not at the fixed point.
    """
    resolved = get_activation(activation)
    variances = preactivation_variances(resolved, weight_variance, bias_variance, depth, input_second_moment, bias_mean)
    factors = [float(weight_variance) * average(resolved, "slope", 2, q, bias_mean) for q in variances[1:]]
    with np.errstate(divide="ignore"):
        steps = 0.5 * np.log10(factors) if factors else np.empty(0)
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


def critical_weight_variance(activation: ActivationLike, bias_variance: float = 0.0) -> float:
    """The σ_w² at which a gradient neither vanishes nor explodes, χ = 1 (Schoenholz 2017, the critical line).

    With bias variance 0 it is 1 for tanh and 103 for sigmoid. Raises ValueError if it isn't between 1e-6 and 1e6.
    """
    return _critical(get_activation(activation), check_number("bias_variance", bias_variance, least=0))


@lru_cache(maxsize=1024)
def _critical(activation: Activation, bias_variance: float) -> float:
    def vanishes(weight_variance: float) -> bool:
        return _gradient_factor(activation, weight_variance, bias_variance) < 1 - 1e-12

    low, high = 1e-6, 1e6
    if not vanishes(low) or vanishes(high):
        raise ValueError(f"activation {activation.name} has no critical weight_variance in [1e-6, 1e6]")
    return bisect(vanishes, low, high)


def critical_gain(activation: ActivationLike) -> float:
    """Return the gain on weights of variance 1/fan_in that keeps the gradient's norm, without biases.

    It is 10.149 for sigmoid.
    """
    return math.sqrt(critical_weight_variance(activation, 0.0))


def depth_scale(activation: ActivationLike, weight_variance: float, bias_variance: float = 0.0) -> float:
    """1/|ln χ|, the number of layers over which the squared gradient changes by e (Schoenholz 2017, section 4).

    `math.inf` on the critical line. Where the gradient explodes, `correlation_depth_scale` is larger.
    """
    logarithm = 2 * math.log(per_layer_factor(activation, weight_variance, bias_variance))
    return math.inf if abs(logarithm) < 1e-12 else 1 / abs(logarithm)


def factor_plane(activation: ActivationLike, weight_stds: ArrayLike, bias_stds: ArrayLike) -> Array:
    """Return √χ for every pair of σ_b and σ_w, an array (bias_stds, weight_stds): `per_layer_factor` for a whole plane.

    For each q it computes the σ_w² that makes q a fixed point, (q - σ_b²) / E[φ²]. This takes one average for each q,
    where solving for q takes hundreds. Raises ValueError for negative numbers and for activations with several fixed
    points.
    """
    resolved = get_activation(activation)
    weights = np.square([check_number("weight_stds", w, above=0) for w in np.ravel(weight_stds).tolist()])
    biases = np.square([check_number("bias_stds", b, least=0) for b in np.ravel(bias_stds).tolist()])
    q, squares, slopes = _along_variances(resolved)
    rows = []
    for bias in biases:
        above = q > bias
        needed = (q[above] - bias) / squares[above]
        if np.any(np.diff(needed) < -1e-9 * needed[1:]):
            raise ValueError(f"activation must have one fixed point for each σ_w; {resolved.name} has several")
        rows.append(np.sqrt(weights * np.interp(weights, needed, slopes[above])))
    return np.array(rows)


@lru_cache(maxsize=16)
def _along_variances(activation: Activation) -> tuple[Array, Array, Array]:
    """Return variances q from 1e-6 to 1e4, and E[φ²] and E[φ′²] at each."""
    q = np.geomspace(1e-6, 1e4, 700)
    return q, averages(activation, "function", 2, q), averages(activation, "slope", 2, q)
