"""Computed answers: a numeric answer in a bank may name one of these functions instead of a number kept by hand."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from helpers import clipping, theory
from helpers.activations import get_activation
from helpers.checks import check_choice


def _per_layer_factor(
    activation: str, weight_variance: float, bias_variance: float = 0.0, layers: float = 1.0
) -> float:
    """The factor of one layer to the power of `layers`."""
    return float(theory.per_layer_factor(activation, weight_variance, bias_variance) ** layers)


def _spread_factor(activation: str, spread: float, power: float = 1.0) -> float:
    """√E[slope²] for z of standard deviation `spread`, to a power: a layer's factor for weight variance 1/width."""
    return float(theory.mean_square_slope(activation, spread**2) ** (power / 2))


def _gain_factor(activation: str, gain: float, power: float = 1.0) -> float:
    """The factor of a layer whose weights have variance gain²/width, to a power."""
    return float(theory.per_layer_factor(activation, gain**2) ** power)


def _he_leaky(leak: float, depth: int, fewer: int = 1, power: float = 1.0) -> float:
    """Signal at layer 1 over layer `depth` in a leaky ReLU net with He's weights, √(1 + leak²) per step, to a power."""
    return float((1 + leak**2) ** (power * (depth - fewer) / 2))


def _init_std(rule: str, fan_in: int, fan_out: int, power: float = 1.0) -> float:
    """The standard deviation of the weights that a rule asks for, to a power; `power` 2 gives the variance."""
    variance = {"he": 2 / fan_in, "lecun": 1 / fan_in, "xavier": 2 / (fan_in + fan_out)}[rule]
    return float(variance ** (power / 2))


def _normalized_factor(
    activation: str, norm: str = "batch", layers: float = 1.0, power: float = 1.0, norm_bias: float = 0.0
) -> float:
    """The factor of one layer with normalization to the power of `layers` · `power`."""
    return float(theory.normalized_factor(activation, norm, norm_bias) ** (layers * power))


def _value_chain(activation: str, depth: int, weight: float, preactivation: float = 0.0) -> float:
    """(weight · value) ** depth: the result of mistaking the activation's value for its slope."""
    return float((weight * get_activation(activation).function(preactivation)) ** depth)


def _chain(activation: str, depth: int, weight: float = 1.0, preactivation: float = 0.0, fewer: int = 0) -> float:
    """Derivative of a chain's output by its input, (weight · slope) ** (depth - fewer)."""
    return float(theory.chain_gradient(activation, depth - fewer, weight, preactivation)[-1])


def _zero_depth(factor: float, dtype: str = "float32") -> float:
    """How many times 1 can be multiplied by `factor` until the product is exactly 0 in the given float type."""
    if not abs(factor) <= 0.99:
        raise ValueError(f"factor is {factor}; it must be between -0.99 and 0.99, so that the product soon ends at 0")
    kind = np.dtype(dtype).type
    product, depth = kind(1), 0
    while product != 0:
        product, depth = kind(product * kind(factor)), depth + 1
    return float(depth)


def _active(bias: float, variance: float) -> float:
    """The share of pre-activations drawn from N(bias, variance) that are above 0."""
    return 0.5 * math.erfc(-bias / math.sqrt(2 * variance))


def _depth_until(activation: str, weight_variance: float, ratio: float) -> float:
    """The smallest depth at which the first layer's signal is below `ratio` times the last one's."""
    steps = math.log(ratio) / math.log(theory.per_layer_factor(activation, weight_variance))
    return float(math.floor(steps) + 2)  # a network of depth L has L - 1 steps


def _depth_scale(activation: str, weight_std: float, bias_std: float) -> float:
    return float(theory.depth_scale(activation, weight_std**2, bias_std**2))


def _reach(activation: str, weight_std: float, bias_std: float) -> float:
    """6 ξ_c, the depth up to which a network may train (Schoenholz 2017)."""
    return 6 * float(theory.correlation_depth_scale(activation, weight_std**2, bias_std**2))


def _residual_size(blocks: int, branch: float, skip: float = 1.0, norm: str = "none", power: float = 1.0) -> float:
    """The factor by which a residual network changes the root mean square of its activations, to a power."""
    return float(theory.residual_theory(blocks, skip, branch, norm).size[-1] ** power)


def _residual_signal(blocks: int, branch: float, skip: float = 1.0, norm: str = "none") -> float:
    """The factor by which a residual network changes the norm of the gradient on the way back."""
    return float(10 ** theory.residual_theory(blocks, skip, branch, norm).log10_signal[0])


def _path_length(blocks: int, branch: float, norm: str = "none") -> float:
    """The average number of branches that the squared gradient has passed through."""
    return float(theory.residual_theory(blocks, 1.0, branch, norm).share.sum())


def _gradient_correlation(blocks: int, skip: float, norm: str = "none") -> float:
    """The correlation of the input gradients of two orthogonal inputs."""
    return float(theory.residual_theory(blocks, skip, 1.0, norm).correlation[-1])


def _forget_product(bias: float, steps: float) -> float:
    """The share of the cell kept after `steps` steps by a forget gate that depends on this bias alone."""
    return float(10 ** theory.log10_forget_product(bias, steps))


def _memory_span(bias: float) -> float:
    """1 / (1 - f): the number of steps after which a forget gate's product has fallen to about 1/e."""
    return 1 / (1 - theory.forget_gate(bias))


def _clipped_norm(norm: float, threshold: float) -> float:
    """The norm of a gradient after clipping by norm."""
    return float(norm * clipping.norm_factors(np.array([[norm]]), threshold)[0, 0])


def _clipped_entry(entry: float, other: float, threshold: float) -> float:
    """One of a gradient's two entries after clipping by norm."""
    return float(entry * clipping.norm_factors(np.array([[math.hypot(entry, other)]]), threshold)[0, 0])


def _divided_by_sum(entry: float, other: float, threshold: float) -> float:
    """The wrong value of the same entry when the sum of the entries is taken for the norm."""
    return entry * threshold / (entry + other)


def _adam_first_step(gradient: float, learning_rate: float = 1.0) -> float:
    """The size of Adam's first step."""
    return abs(float(clipping.adam_first_step(np.array(gradient), learning_rate)))


def _generator_slope(loss: str, logit: float) -> float:
    """The size of the slope of a generator's loss at the discriminator's logit."""
    return abs(float(theory.generator_slope(loss, logit)))


def _other_slope(loss: str, logit: float) -> float:
    """The size of the slope of the other of the two losses log(1 - D) and -log D."""
    return _generator_slope({"saturating": "non_saturating", "non_saturating": "saturating"}[loss], logit)


KEYS: Mapping[str, Callable[..., float]] = {
    "largest_slope": lambda activation: get_activation(activation).max_slope,
    "slope": lambda activation, z: float(get_activation(activation).slope(z)),
    "power": lambda base, exponent, fewer=0: base ** (exponent - fewer),
    "product": lambda first, second: first * second,
    "compound": lambda rate, times: (1 + rate) ** times,
    "mean_square_slope": theory.mean_square_slope,
    "spread_factor": _spread_factor,
    "gain_factor": _gain_factor,
    "he_leaky": _he_leaky,
    "init_std": _init_std,
    "per_layer_factor": _per_layer_factor,
    "normalized_factor": _normalized_factor,
    "critical_gain": theory.critical_gain,
    "chain": _chain,
    "value_chain": _value_chain,
    "steps": theory.steps_to_move,
    "zero_depth": _zero_depth,
    "depth_until": _depth_until,
    "ratio": lambda numerator, denominator: numerator / denominator,
    "critical_weight_std": lambda activation, bias_std: math.sqrt(
        theory.critical_weight_variance(activation, bias_std**2)
    ),
    "depth_scale": _depth_scale,
    "reach": _reach,
    "residual_size": _residual_size,
    "residual_signal": _residual_signal,
    "path_length": _path_length,
    "gradient_correlation": _gradient_correlation,
    "born_dead": theory.born_dead_probability,
    "active": _active,
    "forget_gate": theory.forget_gate,
    "forget_product": _forget_product,
    "half_life": theory.half_life,
    "memory_span": _memory_span,
    "bias_for_half_life": theory.bias_for_half_life,
    "copying_baseline": theory.copying_baseline,
    "clipped_norm": _clipped_norm,
    "clipped_entry": _clipped_entry,
    "divided_by_sum": _divided_by_sum,
    "adam_first_step": _adam_first_step,
    "generator_slope": _generator_slope,
    "other_slope": _other_slope,
    "generator_pull": theory.optimal_generator_gradient,
    "js_divergence": theory.js_divergence,
}
"""The functions that a numeric answer may name as its `key`; the bank's `arguments` are passed to them."""


@functools.cache
def _computed(key: str, arguments: tuple[tuple[str, Any], ...]) -> float:
    return float(KEYS[key](**dict(arguments)))


def compute_key(key: str, **arguments: Any) -> float:
    """Compute the number that the function `KEYS[key]` returns; ValueError where `KEYS` has no such function."""
    return _computed(check_choice("key", key, KEYS), tuple(sorted(arguments.items())))
