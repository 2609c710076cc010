"""What the figures of the panels take: arrays over layers, of a length that does not change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers import theory
from helpers.arrays import Array

DEEPEST = 100
LAYERS = np.arange(1, DEEPEST + 1)
BATCH = 32


def padded(values: Array, length: int = DEEPEST) -> Array:
    """`values` along the last axis, filled up with NaN to `length`."""
    out = np.full((*values.shape[:-1], length), np.nan)
    out[..., : values.shape[-1]] = values
    return out


def gaps_for_zero(log10: Array) -> Array:
    """log10 of exact zeros is a gap in a line, not a place on it."""
    return np.where(np.isfinite(log10), log10, np.nan)


def over_seeds(log10: Array) -> tuple[Array, Array]:
    """Mean and (lowest, highest) over seeds of log10 norms (seeds, depth); layers with exact zeros become gaps."""
    known = gaps_for_zero(log10)
    return known.mean(axis=0), np.stack([known.min(axis=0), known.max(axis=0)])


def next_of(limits: Sequence[float], value: float) -> float:
    """The smallest of the rising `limits` that holds `value`."""
    return next((limit for limit in limits if value <= limit), limits[-1])


FEWEST = 5
"""An axis of layers is never shorter: with fewer its ticks would stand between whole numbers."""
DECADES_DOWN = (1, 3, 6, 10, 15, 20, 30, 40, 60, 80, 100, 150, 250)
DECADES_UP = (1, 3, 6, 10, 20, 40, 80, 160)


def layers_range(depth: int) -> list[float]:
    """An axis of layers that ends at the last of `depth`, so that the picture of the network fills its strip."""
    return [0.5, max(depth, FEWEST) + 0.5]


def decades_range(*log10: Array) -> list[float]:
    """An axis of log10 values that holds these: the smallest of a few, so that it seldom moves."""
    known = np.concatenate([np.ravel(values) for values in log10])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return [-next_of(DECADES_DOWN, 0.2 - low), next_of(DECADES_UP, high + 0.2)]


def default_bias_std(width: int) -> float:
    """Standard deviation of the biases that `torch.nn.Linear` draws: 1/√(3 fan_in)."""
    return float(1 / np.sqrt(3 * width))


def sigmoid_theory(depth: int, weight_variance: float, bias_variance: float) -> Array:
    """Predicted log10 of signal_l / signal_L for l = 1 … depth."""
    return theory.signal_profile("sigmoid", weight_variance, bias_variance, depth, input_second_moment=1.0)
