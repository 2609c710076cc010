"""Data for the panels' figures: arrays over layers, of constant length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers import theory
from helpers.arrays import Array

DEEPEST = 100
LAYERS = np.arange(1, DEEPEST + 1)
BATCH = 32


def padded(values: Array, length: int = DEEPEST) -> Array:
    """Return `values`, padded with NaN to `length` along the last axis."""
    out = np.full((*values.shape[:-1], length), np.nan)
    out[..., : values.shape[-1]] = values
    return out


def gaps_for_zero(log10: Array) -> Array:
    """Replace log10 of exact zeros by NaN, a gap in a line."""
    return np.where(np.isfinite(log10), log10, np.nan)


def over_seeds(log10: Array) -> tuple[Array, Array]:
    """Return the mean and (lowest, highest) over seeds of log10 norms (seeds, depth), with gaps for exact zeros."""
    known = gaps_for_zero(log10)
    return known.mean(axis=0), np.stack([known.min(axis=0), known.max(axis=0)])


def next_of(limits: Sequence[float], value: float) -> float:
    """Return the smallest of the increasing `limits` that is large enough for `value`."""
    return next((limit for limit in limits if value <= limit), limits[-1])


LAST_LAYERS = (
    *(5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 25, 27, 30, 33, 36, 40, 45, 50, 55, 60, 65, 70, 80, 90, 100),
    *(110, 120, 135, 150, 175, 200, 225, 250, 275, 300, 350, 400, 450, 500),
)
"""The possible ends of an axis of layers or steps. An axis that moves costs the browser half a frame, so not all."""
DECADES_DOWN = (1, 3, 6, 10, 15, 20, 30, 40, 60, 80, 100, 150, 250)
DECADES_UP = (1, 3, 6, 10, 20, 40, 80, 160)


def layers_range(depth: int) -> list[float]:
    """Return the range of an axis that ends at layer `depth` or a few beyond, so that the picture fills its strip."""
    return [0.5, next_of(LAST_LAYERS, depth) + 0.5]


def decades_range(*log10: Array) -> list[float]:
    """Return an axis range for these log10 values: the smallest of a few fixed ones, so that the axis seldom moves."""
    known = np.concatenate([np.ravel(values) for values in log10])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return [-next_of(DECADES_DOWN, 0.2 - low), next_of(DECADES_UP, high + 0.2)]


def default_bias_std(width: int) -> float:
    """Return the standard deviation of the biases that `torch.nn.Linear` draws: 1/√(3 fan_in)."""
    return float(1 / np.sqrt(3 * width))


def sigmoid_theory(depth: int, weight_variance: float, bias_variance: float) -> Array:
    """Return the predicted log10 of signal_l / signal_L for l = 1 … depth."""
    return theory.signal_profile("sigmoid", weight_variance, bias_variance, depth, input_second_moment=1.0)
