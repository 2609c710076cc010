"""Closed forms: what a wide random network does to a signal on its way up and to a gradient on its way down.

σ_w² ("weight_variance") is fan_in times the variance of a weight, σ_b² ("bias_variance") the variance of a bias, q the
variance of a pre-activation. Averages over Gaussian pre-activations are integrals, done to about 1e-12 with
Gauss-Legendre nodes. An activation is given by its name or as an ``Activation``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.activations import Activation, get_activation
from helpers.checks import check_whole

Array = NDArray[Any]
Anyhow = str | Activation

SMALLEST, LARGEST = 1e-24, 1e24  # variances between which a fixed point is looked for; beyond: 0 and infinity


def _resolve(activation: Anyhow) -> Activation:
    return activation if isinstance(activation, Activation) else get_activation(activation)


def _number(name: str, value: float, *, above: float | None = None, least: float | None = None) -> float:
    allowed = "a finite number" + (
        f" > {above:g}" if above is not None else f" ≥ {least:g}" if least is not None else ""
    )
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (above is not None and number <= above) or (least is not None and number < least):
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
    return number


# Gaussian averages -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _nodes(octave: int) -> tuple[Array, Array]:
    """Points z and weights of a rule for integrals over |z| ≤ 20·2^octave, good for spreads 2^(octave-1) to 2^octave.

    Panels end at 0 and ±1, where slopes may jump. They are fine near 0, where an activation bends, and never wider
    than half the smallest spread, so that the bell curve itself is resolved.
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
    weighted: Array = np.asarray(values, float) ** power * weights
    return weighted


def _average(activation: Activation, part: str, power: int, variance: float, mean: float = 0.0) -> float:
    """E[f(z)^power] for z ~ N(mean, variance), f the function or the slope."""
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
    """The same around another centre than 0: fewer points, nothing kept. Panels end at 0 and ±1, as above."""
    spread = math.sqrt(variance)
    low, high = mean - 9 * spread, mean + 9 * spread
    edges = np.array([low, *(edge for edge in (-1.0, 0.0, 1.0) if low < edge < high), high])
    x, w = _legendre()
    half = np.diff(edges)[:, None] / 2
    z, weights = (edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()
    density = np.exp(-0.5 * ((z - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    return float((weights * density) @ np.asarray(getattr(activation, part)(z), float) ** power)


def _averages(activation: Anyhow, part: str, power: int, variance: ArrayLike) -> Any:
    resolved = _resolve(activation)
    if np.ndim(variance) == 0:
        return _average(resolved, part, power, _number("variance", variance, least=0))  # type: ignore[arg-type]
    given = np.asarray(variance)
    flat = [_average(resolved, part, power, _number("variance", v, least=0)) for v in given.ravel()]
    return np.array(flat).reshape(given.shape)


def mean_square_slope(activation: Anyhow, variance: ArrayLike = 1.0) -> Any:
    """E[φ′(z)²] for z ~ N(0, variance).

    Times σ_w² it is the factor per layer of the squared gradient (Schoenholz 2017, eq. 7).
    A float for one variance, an array of the same shape for an array of them. ValueError for a negative variance.
    """
    return _averages(activation, "slope", 2, variance)


def mean_square_activation(activation: Anyhow, variance: ArrayLike = 1.0) -> Any:
    """E[φ(z)²] for z ~ N(0, variance) (Poole 2016, eq. 3, the integral). Float or array, like ``variance``."""
    return _averages(activation, "function", 2, variance)


def mean_slope(activation: Anyhow, variance: ArrayLike = 1.0) -> Any:
    """E[φ′(z)] for z ~ N(0, variance). Float or array, like ``variance``."""
    return _averages(activation, "slope", 1, variance)


# Mean field --------------------------------------------------------------------------------------------------------


def preactivation_variances(
    activation: Anyhow,
    weight_variance: float,
    bias_variance: float,
    depth: int,
    input_second_moment: float,
    bias_mean: float = 0.0,
) -> Array:
    """The variance q_l of the pre-activations of layers 1 … depth, an array (depth,) (Poole 2016, eq. 3).

    ``input_second_moment`` is the mean square of an input feature. Biases of mean ``bias_mean`` shift every
    pre-activation by it. Beyond 1e24 and below 1e-24 a q is held there: only ratios matter then.
    """
    resolved = _resolve(activation)
    weight_variance = _number("weight_variance", weight_variance, above=0)
    bias_variance = _number("bias_variance", bias_variance, least=0)
    check_whole("depth", depth, 1)
    moment = _number("input_second_moment", input_second_moment, least=0)
    bias_mean = _number("bias_mean", bias_mean)
    variances: list[float] = []
    for _ in range(depth):
        variances.append(min(max(weight_variance * moment + bias_variance, SMALLEST), LARGEST))
        moment = _average(resolved, "function", 2, variances[-1], bias_mean)
        if len(variances) > 1 and variances[-1] == variances[-2]:
            break
    return np.array(variances + [variances[-1]] * (depth - len(variances)))


def _bisect(positive_below: Callable[[float], bool], low: float, high: float) -> float:
    """The point in [low, high] where the condition stops holding, to the last digits, halving on a log axis."""
    for _ in range(200):
        middle = math.sqrt(low) * math.sqrt(high)
        if not low < middle < high:
            break
        low, high = (middle, high) if positive_below(middle) else (low, middle)
    return math.sqrt(low) * math.sqrt(high)


def variance_fixed_point(activation: Anyhow, weight_variance: float, bias_variance: float = 0.0) -> float:
    """q*, the pre-activation variance that layers settle at when they start from 1 (Poole 2016, eq. 3).

    0 when the signal dies out, ``math.inf`` when it grows without end, 1 when every variance stays as it is
    (ReLU with He's variance 2).
    """
    return _fixed_point(
        _resolve(activation),
        _number("weight_variance", weight_variance, above=0),
        _number("bias_variance", bias_variance, least=0),
    )


@lru_cache(maxsize=4096)
def _fixed_point(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    def growth(q: float) -> float:
        return (weight_variance * _average(activation, "function", 2, q) + bias_variance) / q - 1

    start = growth(1.0)
    if abs(start) < 1e-12:
        return 1.0
    factor = 4.0 if start > 0 else 0.25
    near, far = 1.0, factor
    while growth(far) * start > 0:
        near, far = far, far * factor
        if not SMALLEST <= far <= LARGEST:
            return math.inf if start > 0 else 0.0
    return _bisect(lambda q: growth(q) > 0, min(near, far), max(near, far))


def _gradient_factor(activation: Activation, weight_variance: float, bias_variance: float) -> float:
    """χ, the factor per layer of the mean squared gradient at the fixed point."""
    q = min(max(_fixed_point(activation, weight_variance, bias_variance), SMALLEST), LARGEST)
    return weight_variance * _average(activation, "slope", 2, q)


def per_layer_factor(activation: Anyhow, weight_variance: float, bias_variance: float = 0.0) -> float:
    """√χ = √(σ_w² E[φ′(z)²]) at q*: what one layer does to the gradient's norm (Schoenholz 2017, eq. 7).

    Below 1 the gradient vanishes on its way down, above 1 it explodes.
    """
    weight_variance = _number("weight_variance", weight_variance, above=0)
    bias_variance = _number("bias_variance", bias_variance, least=0)
    return math.sqrt(_gradient_factor(_resolve(activation), weight_variance, bias_variance))


def signal_profile(
    activation: Anyhow,
    weight_variance: float,
    bias_variance: float,
    depth: int,
    input_second_moment: float,
    bias_mean: float = 0.0,
) -> Array:
    """log10 of ‖∂L/∂h_l‖ / ‖∂L/∂h_depth‖ for layers l = 1 … depth, an array (depth,) that ends in 0.

    The squared norm shrinks from layer l to l-1 by σ_w² E[φ′(z)²] at that layer's own q_l, not at the fixed point.
    """
    resolved = _resolve(activation)
    variances = preactivation_variances(resolved, weight_variance, bias_variance, depth, input_second_moment, bias_mean)
    factors = [float(weight_variance) * _average(resolved, "slope", 2, q, bias_mean) for q in variances[1:]]
    with np.errstate(divide="ignore"):
        steps = 0.5 * np.log10(factors) if factors else np.empty(0)
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


def critical_weight_variance(activation: Anyhow, bias_variance: float = 0.0) -> float:
    """The σ_w² at which a gradient neither vanishes nor explodes, χ = 1 (Schoenholz 2017, the critical line).

    For tanh, bias variance 0 gives 1; for sigmoid it takes 103. ValueError if no σ_w² between 1e-6 and 1e6 does it.
    """
    return _critical(_resolve(activation), _number("bias_variance", bias_variance, least=0))


@lru_cache(maxsize=1024)
def _critical(activation: Activation, bias_variance: float) -> float:
    def vanishes(weight_variance: float) -> bool:
        return _gradient_factor(activation, weight_variance, bias_variance) < 1 - 1e-12

    low, high = 1e-6, 1e6
    if not vanishes(low) or vanishes(high):
        raise ValueError(f"activation {activation.name} has no critical weight_variance in [1e-6, 1e6]")
    return _bisect(vanishes, low, high)


def critical_gain(activation: Anyhow) -> float:
    """The gain over weights of variance 1/fan_in that keeps the gradient's norm without biases: 10.149 for sigmoid."""
    return math.sqrt(critical_weight_variance(activation, 0.0))


def depth_scale(activation: Anyhow, weight_variance: float, bias_variance: float = 0.0) -> float:
    """ξ = 1/|ln χ|, the number of layers over which the squared gradient changes by e (Schoenholz 2017, eq. 16).

    ``math.inf`` on the critical line.
    """
    logarithm = 2 * math.log(per_layer_factor(activation, weight_variance, bias_variance))
    return math.inf if abs(logarithm) < 1e-12 else 1 / abs(logarithm)


def factor_plane(activation: Anyhow, weight_stds: ArrayLike, bias_stds: ArrayLike) -> Array:
    """√χ for every pair of σ_b and σ_w, an array (bias_stds, weight_stds): ``per_layer_factor`` for a whole plane.

    It goes along q and asks which σ_w² makes it a fixed point, (q - σ_b²) / E[φ²], which takes one average for each q
    where solving takes hundreds. ValueError for negative numbers, and for activations with several fixed points.
    """
    resolved = _resolve(activation)
    weights = np.square([_number("weight_stds", w, above=0) for w in np.ravel(weight_stds).tolist()])
    biases = np.square([_number("bias_stds", b, least=0) for b in np.ravel(bias_stds).tolist()])
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
    """Variances q from 1e-6 to 1e4 with E[φ²] and E[φ′²] at each."""
    q = np.geomspace(1e-6, 1e4, 700)
    return q, _averages(activation, "function", 2, q), _averages(activation, "slope", 2, q)


def cosines(
    activation: Anyhow, weight_variance: float, bias_variance: float, depth: int, input_moment: float, cosine: float
) -> Array:
    """The cosine between the activations of two inputs in layers 1 … depth, an array (depth,) (Poole 2016, eq. 5).

    Both inputs have the mean square feature ``input_moment`` and the given ``cosine``. Good to about 1e-6, for
    activations with a kink to a few thousandths.
    """
    resolved = _resolve(activation)
    cosine = _number("cosine", cosine)
    if not -1 <= cosine <= 1:
        raise ValueError(f"cosine must be a number from -1 to 1; got {cosine!r}")
    variances = preactivation_variances(resolved, weight_variance, bias_variance, depth, input_moment)
    moment, found, before = float(input_moment), [], math.nan
    for q in variances:
        correlation = min((float(weight_variance) * moment * cosine + float(bias_variance)) / q, 1.0)
        if abs(correlation - before) < 1e-12:  # settled: so it stays
            break
        moment = _average(resolved, "function", 2, q)
        cosine = min(_average_of_pair(resolved, q, correlation) / moment, 1.0) if moment else 1.0
        found.append(cosine)
        before = correlation
    return np.array(found + [cosine] * (depth - len(found)))


_PAIR = np.linspace(-8, 8, 81)
_PAIR_WEIGHTS = np.exp(-_PAIR * _PAIR / 2) / np.exp(-_PAIR * _PAIR / 2).sum()


def _average_of_pair(activation: Activation, variance: float, correlation: float) -> float:
    """E[φ(u) φ(v)] for u, v ~ N(0, variance) of the given correlation, by the trapezoid rule."""
    deviation = math.sqrt(variance)
    other = correlation * _PAIR[:, None] + math.sqrt(max(1 - correlation**2, 0.0)) * _PAIR
    means = np.asarray(activation.function(deviation * other)) @ _PAIR_WEIGHTS
    return float((_PAIR_WEIGHTS * activation.function(deviation * _PAIR)) @ means)


# Normalised networks ------------------------------------------------------------------------------------------------


def normalized_profile(activation: Anyhow, norm: str, depth: int, skip: float = 0.0, norm_bias: float = 0.0) -> Array:
    """log10 of ‖∂L/∂h_l‖ / ‖∂L/∂h_depth‖ for l = 1 … depth with a norm before every activation, (depth,), ends in 0.

    From layer l + 1 to l the squared norm changes by skip² + E[φ′²]/v_l at z ~ N(norm_bias, 1); norm_bias is β, the
    normalization's own bias. The normalization divides by v_l·σ_w²: with "batch" v_l is the variance of h_l over the
    samples, with "layer" its mean square over the units. The weights' scale has cancelled. For wide layers and, with
    "batch", large batches, and an activation that doesn't lift a few samples far above the others, as SiLU does.
    Yang 2019 for batch norm without skip; the rest derived here, with branch and skip taken for independent, which
    holds within a factor of 3 over 50 layers.
    ValueError for another norm, a depth below 1, or a skip or norm_bias that is no number.
    """
    resolved, strength, centre = _resolve(activation), _number("skip", skip), _number("norm_bias", norm_bias)
    if norm not in ("batch", "layer"):
        raise ValueError(f"norm must be batch or layer; got {norm!r}")
    check_whole("depth", depth, 1)
    offset = _average(resolved, "function", 1, 1.0, centre)
    added = _average(resolved, "function", 2, 1.0, centre)
    if norm == "batch":  # a unit's mean over the samples is subtracted: what is constant doesn't count
        offset, added = 0.0, added - offset**2
    slope, mean, divisor = _average(resolved, "slope", 2, 1.0, centre), offset, added
    factors = []
    for _ in range(depth - 1):
        factors.append(strength**2 + slope / divisor)
        divisor = added + strength**2 * divisor + 2 * strength * offset * mean
        mean = offset + strength * mean
    steps = 0.5 * np.log10(factors)
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


def normalized_factor(activation: Anyhow, norm: str = "batch", norm_bias: float = 0.0) -> float:
    """√χ of a plain network with a norm before every activation: what one layer does to the gradient's norm.

    χ = E[φ′²]/Var φ with "batch" (Yang 2019), which is never below 1 (Chernoff 1981), and E[φ′²]/E[φ²] with "layer",
    at z ~ N(norm_bias, 1), norm_bias the normalization's own bias β.
    Batch norm: ReLU √(π/(π-1)) = 1.2112, tanh 1.0853, sigmoid 1.0167, linear 1; ReLU with β = 0.5, 1, 2: 1.118, 1.058,
    1.009. ValueError for another norm or a bias that is no number.
    """
    return float(10 ** normalized_profile(activation, norm, 2, norm_bias=norm_bias)[0])


# Small sums done exactly -------------------------------------------------------------------------------------------


def chain_gradient(activation: Anyhow, depth: int, weight: float = 1.0, preactivation: float = 0.0) -> Array:
    """∂h_depth/∂h_(depth-k) for k = 0 … depth in a chain of single neurons, an array (depth + 1,).

    Every neuron has the same weight and sits at the same pre-activation z, so k layers multiply to (w·φ′(z))^k.
    """
    check_whole("depth", depth, 1)
    slope = float(_resolve(activation).slope(_number("preactivation", preactivation)))
    factor = _number("weight", weight) * slope
    with np.errstate(over="ignore", under="ignore"):
        powers: Array = np.float64(factor) ** np.arange(depth + 1)
    return powers


def steps_to_move(gradient: float, distance: float = 0.01, learning_rate: float = 0.1) -> float:
    """How many gradient-descent steps a weight needs to move by ``distance`` while its gradient stays the same.

    ``math.inf`` for a gradient of 0.
    """
    size = abs(_number("gradient", gradient)) * _number("learning_rate", learning_rate, above=0)
    return _number("distance", distance, least=0) / size if size else math.inf


# Residual networks -------------------------------------------------------------------------------------------------


def relu_overlaps(correlation: ArrayLike) -> tuple[Array, Array]:
    """What a ReLU makes of two Gaussian pre-activations of variance 1: 2·E[φ′φ′] and 2·E[φφ] (Cho and Saul 2009).

    At correlation 0 they are 1/2 and 1/π, at 1 both are 1. They are the overlap of gradients and of activations after
    a layer of He's variance.
    """
    angle = np.arccos(np.clip(np.asarray(correlation, float), -1, 1))
    return 1 - angle / math.pi, (np.sin(angle) + (math.pi - angle) * np.cos(angle)) / math.pi


@dataclass(frozen=True, eq=False)
class ResidualTheory:
    """A wide residual network of ReLU branches, block by block; arrays over h_0 … h_blocks unless said otherwise.

    ``size`` is the root mean square of h_l over that of h_0, ``log10_signal`` is log10 of ‖∂L/∂h_l‖ / ‖∂L/∂h_blocks‖,
    ``correlation`` the correlation of the gradients of two orthogonal inputs after 0 … blocks blocks, and ``share``
    (blocks,) the part of the squared gradient that comes by the branch of each block, not by its skip.
    """

    size: Array
    log10_signal: Array
    correlation: Array
    share: Array


def residual_theory(blocks: int, skip: float, branch: float, norm: str = "none") -> ResidualTheory:
    """How h = skip·h + branch·F(h) treats sizes and gradients where F keeps the mean square and adds no correlation.

    Without a norm both mean squares change by skip² + branch² a block. A norm before the branch ("pre_layer",
    "pre_batch") gives it an input of size 1, one after the sum ("post_…") brings h back to size 1; over a batch
    (large, of orthogonal inputs) it takes away what a ReLU makes all samples share, 1/π of the branch.
    """
    kept = 1 - 1 / math.pi if norm.endswith("batch") else 1.0  # what a norm over the batch sees of a branch
    s2, b2 = float(skip) ** 2, float(branch) ** 2
    square = seen = 1.0  # mean square of h, and the part of it that a norm divides by
    overlap, gradients = 0.0, 1.0  # of two orthogonal inputs: their h's, their gradients
    squares, factors, correlations, shares = [square], [], [gradients], []
    for _ in range(blocks):
        scale = 1 / seen if norm.startswith("pre") and seen else 1.0
        by_slopes, by_values = (0.5, 0.0) if kept < 1 else (float(part) for part in relu_overlaps(overlap))
        total = s2 + b2 * scale
        branched = b2 if norm.startswith("pre") else b2 * square
        before, square = square, s2 * square + branched
        seen = s2 * seen + kept * branched
        if square:
            overlap = (s2 * overlap * before + by_values * branched) / square
        if norm.startswith("post") and seen:
            factors.append(total / seen)
            square = seen = 1.0
        else:
            factors.append(total)
        gradients *= (s2 + b2 * scale * by_slopes) / total if total else 0.0
        squares.append(square)
        correlations.append(gradients)
        shares.append(b2 * scale / total if total else 0.0)
    with np.errstate(divide="ignore"):
        steps = 0.5 * np.log10(factors)
    signal = np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    return ResidualTheory(np.sqrt(squares), signal, np.array(correlations), np.array(shares))


def path_lengths(shares: ArrayLike) -> Array:
    """How a gradient spreads over paths through 0 … blocks branches, block l sending the part shares[l] by its branch.

    An array (blocks + 1,) that sums to 1; for equal shares p it is the binomial distribution. With shares of 1/2 it is
    also how many of the 2^blocks paths have each length (Veit 2016).
    """
    spread = np.ones(1)
    for share in np.asarray(shares, float):
        spread = np.convolve(spread, [1 - share, share])
    return spread


# Rectifiers --------------------------------------------------------------------------------------------------------


def born_dead_probability(width: ArrayLike, depth: ArrayLike) -> Any:
    """1 − (1 − 2^−width)^depth: some layer of a ReLU net without biases is silent on one input (after Lu 2019).

    Each unit of a layer that still hears something is silent with probability ½, independently. ``width`` and
    ``depth`` are whole numbers ≥ 1 or arrays of them that broadcast. Raises ValueError for less.
    """
    for name, value in (("width", width), ("depth", depth)):
        if not (np.asarray(value) >= 1).all():
            raise ValueError(f"{name} must be whole numbers ≥ 1; got {value!r}")
    return -np.expm1(np.asarray(depth) * np.log1p(-np.exp2(-np.asarray(width, float))))


# Gates and memory --------------------------------------------------------------------------------------------------


def forget_gate(bias: ArrayLike) -> Any:
    """σ(bias), the value of an LSTM's forget gate that hears nothing but its bias (Gers 2000).

    PyTorch has two bias vectors for every gate: what counts is their sum. Float or array, like ``bias``.
    """
    value = 1 / (1 + np.exp(-np.asarray(bias, float)))
    return value if np.ndim(bias) else float(value)


def log10_forget_product(bias: float, steps: ArrayLike) -> Any:
    """log10 of σ(bias)^steps: what a cell keeps by its direct path. Float or array, like ``steps``."""
    value = -np.asarray(steps, float) * np.logaddexp(0, -_number("bias", bias)) / math.log(10)
    return value if np.ndim(steps) else float(value)


def half_life(bias: float) -> float:
    """The number of steps, not always whole, after which σ(bias)^steps is 1/2: ln 2 / ln(1 + e^-bias)."""
    return math.log(2) / float(np.logaddexp(0, -_number("bias", bias)))


def bias_for_half_life(steps: float) -> float:
    """The forget bias that leaves half after ``steps``: ln(f/(1-f)) with f = 2^(-1/steps); 2.63, 4.97, 7.27 for 10,
    100, 1000."""
    return -math.log(math.expm1(math.log(2) / _number("steps", steps, above=0)))


def chrono_product(longest: int, steps: ArrayLike) -> Any:
    """What gates keep after ``steps`` whose biases are log U(1, longest - 1) (Tallec & Ollivier 2018, section 3).

    The root of the mean square of σ(bias)^steps over many units, where σ(log u) = u/(1 + u). Float or array.
    """
    spread = np.linspace(1, _number("longest", longest, least=3) - 1, 401)
    logarithm = np.log(spread / (1 + spread))
    squares = np.exp(2 * np.multiply.outer(np.asarray(steps, float), logarithm))
    value = np.sqrt(np.trapezoid(squares, spread, axis=-1) / (spread[-1] - spread[0]))
    return value if np.ndim(steps) else float(value)


def copying_baseline(delay: float, symbols: int = 8, remembered: int = 10) -> float:
    """Cross-entropy a step of who waits rightly and then guesses: remembered · ln symbols / (delay + 2 · remembered).

    The copying task of Hochreiter and Schmidhuber 1997 as Arjovsky 2016 writes it: 10 ln 8 / (T + 20).
    """
    return remembered * math.log(symbols) / (_number("delay", delay, least=0) + 2 * remembered)


# Generative adversarial networks -----------------------------------------------------------------------------------

GENERATOR_LOSSES = ("saturating", "non_saturating", "wasserstein")
"""What a generator may minimise: mean log(1 - D), -mean log D (Goodfellow 2014), -mean critic (Arjovsky 2017)."""


def generator_slope(loss: str, logit: ArrayLike) -> Array:
    """Slope of a generator's loss at the logit a that the discriminator σ(a) gives to a fake; the shape of ``logit``.

    saturating -σ(a), non-saturating -(1 - σ(a)), wasserstein -1 (there a is what the critic says).
    """
    a = np.asarray(logit)
    sigmoid = get_activation("sigmoid").function
    if loss == "saturating":
        return np.asarray(-sigmoid(a))
    if loss == "non_saturating":
        return np.asarray(-sigmoid(-a))
    if loss == "wasserstein":
        return -np.ones_like(a)
    raise ValueError(f"loss must be one of {', '.join(GENERATOR_LOSSES)}; got {loss!r}")


def _bell(x: Array, mean: float) -> Array:
    density: Array = np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi)
    return density


def _line(distance: float) -> tuple[Array, float]:
    """Points over two unit bells at 0 and at ``distance``, and their spacing: sums over them are exact to 1e-12."""
    x = np.linspace(min(0.0, distance) - 12, max(0.0, distance) + 12, 4001)
    return x, float(x[1] - x[0])


def js_divergence(distance: float, spread: float = 1.0) -> float:
    """Jensen-Shannon divergence, in nats, of two normal distributions of one spread, ``distance`` apart.

    ``spread`` 0 means two point masses: 0 where they coincide and log 2 everywhere else (Arjovsky 2017, example 1).
    """
    distance = abs(_number("distance", distance))
    if _number("spread", spread, least=0) == 0:
        return math.log(2) if distance else 0.0
    ratio = distance / spread
    if ratio > 60:  # what is missing to log 2 is below the smallest number
        return math.log(2)
    x, step = _line(ratio)
    # log p/m with m = (p + q)/2 and log p/q = ratio²/2 - ratio·x: log 2 - softplus of the other logit
    logit = ratio * (x - ratio / 2)
    return float(math.log(2) - step * (_bell(x, 0) @ np.logaddexp(0, logit)))


def wasserstein_distance(distance: float) -> float:
    """W₁ of two distributions that differ by a shift: its size (Arjovsky 2017, example 1), whatever their spread."""
    return abs(_number("distance", distance))


def optimal_logit(x: ArrayLike, distance: float) -> Array:
    """log p(x)/q(x), real p = N(0, 1), generated q = N(-distance, 1): what the best discriminator answers.

    Goodfellow 2014, proposition 1, D = p / (p + q) = σ(logit).
    """
    distance = _number("distance", distance)
    return np.asarray(distance * (np.asarray(x, float) + distance / 2))


def optimal_generator_gradient(loss: str, distance: float) -> float:
    """|∂L/∂θ| of a generator N(θ, 1) that stands ``distance`` away from the data N(0, 1), against the best opponent.

    The discriminator is ``optimal_logit``; the mean over the fakes is an integral. Saturating: 2 dJS/dd.
    Wasserstein: 1 for any distance but 0.
    """
    distance = abs(_number("distance", distance))
    if loss == "wasserstein":
        return float(distance > 0)
    x, step = _line(-distance)
    slopes = generator_slope(loss, optimal_logit(x, distance))
    return float(-step * (_bell(x, -distance) @ slopes) * distance)
