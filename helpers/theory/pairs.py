"""The correlation between the activations of two inputs in a wide random network, layer by layer."""

from __future__ import annotations

import math

import numpy as np

from helpers.activations import Activation, ActivationLike, get_activation
from helpers.arrays import Array
from helpers.checks import check_number
from helpers.theory.averages import average
from helpers.theory.mean_field import depth_scale, per_layer_factor, preactivation_variances, variance_fixed_point


def cosines(
    activation: ActivationLike,
    weight_variance: float,
    bias_variance: float,
    depth: int,
    input_moment: float,
    cosine: float,
) -> Array:
    """The cosine between the activations of two inputs in layers 1 … depth, an array (depth,) (Poole 2016, eq. 5).

    Both inputs have the mean square feature `input_moment`, and `cosine` is the cosine between them. Exact to about
    1e-6, for activations with a kink to a few thousandths.
    """
    resolved = get_activation(activation)
    cosine = check_number("cosine", cosine, least=-1, most=1)
    variances = preactivation_variances(resolved, weight_variance, bias_variance, depth, input_moment)
    moment, found, before = float(input_moment), [], math.nan
    for q in variances:
        size = float(weight_variance) * moment + float(bias_variance)  # q itself is clipped to two bounds
        correlation = (
            min((float(weight_variance) * moment * cosine + float(bias_variance)) / size, 1.0) if size else 0.0
        )
        if abs(correlation - before) < 1e-12:  # converged
            break
        moment = average(resolved, "function", 2, q)
        cosine = min(_average_of_pair(resolved, q, correlation) / moment, 1.0) if moment else 1.0
        found.append(cosine)
        before = correlation
    return np.array(found + [cosine] * (depth - len(found)))


def correlation_depth_scale(activation: ActivationLike, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Return ξ_c, the number of layers over which the distance of a pair's correlation from its limit c* shrinks by e.

    ξ_c = -1/ln(σ_w² E[φ′(u) φ′(v)]), u and v of variance q* and correlation c* (Schoenholz 2017, section 3). Where the
    gradient vanishes, c* is 1 and ξ_c equals `depth_scale`; where it explodes, c* is smaller and ξ_c larger than that.
    It is `math.inf` on the critical line. Elsewhere it is `math.nan` if the variance of the pre-activations goes to 0
    or grows without end, as in a ReLU network without biases: correlations then approach their limit like a power of
    the depth, or don't change at all.
    """
    q = variance_fixed_point(activation, weight_variance, bias_variance)
    along = depth_scale(activation, weight_variance, bias_variance)
    if along == math.inf:
        return along
    if not 0 < q < math.inf:
        return math.nan
    if per_layer_factor(activation, weight_variance, bias_variance) <= 1:
        return along
    resolved = get_activation(activation)

    def growth(correlation: float) -> float:
        """Return by how much one layer raises a correlation: positive below c*, negative between c* and 1."""
        product = _average_of_pair(resolved, q, correlation)
        return (weight_variance * product + bias_variance) / q - correlation

    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if growth(middle) > 0 else (low, middle)
    step = (1 - low) / 100  # the slope of the map by finite differences, since the activation's slope may jump
    return -1 / math.log(1 + (growth(low + step) - growth(low - step)) / (2 * step))


_PAIR = np.linspace(-8, 8, 81)
_PAIR_WEIGHTS = np.exp(-_PAIR * _PAIR / 2) / np.exp(-_PAIR * _PAIR / 2).sum()


def _average_of_pair(activation: Activation, variance: float, correlation: float) -> float:
    """Return E[φ(u) φ(v)] for u, v ~ N(0, variance) with the given correlation, by the trapezoid rule."""
    deviation = math.sqrt(variance)
    other = correlation * _PAIR[:, None] + math.sqrt(max(1 - correlation**2, 0.0)) * _PAIR
    means = np.asarray(activation.function(deviation * other)) @ _PAIR_WEIGHTS
    return float((_PAIR_WEIGHTS * activation.function(deviation * _PAIR)) @ means)
