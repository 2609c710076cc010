"""Wide residual networks of ReLU branches, block by block, and the paths that a gradient takes through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from helpers.arrays import Array


def relu_overlaps(correlation: ArrayLike) -> tuple[Array, Array]:
    """Return 2·E[φ′φ′] and 2·E[φφ] of a ReLU at two correlated pre-activations of variance 1 (Cho and Saul 2009).

    At correlation 0 they are 1/2 and 1/π, at 1 both are 1. They are the overlaps of the gradients and of the
    activations after a layer with He's variance.
    """
    angle = np.arccos(np.clip(np.asarray(correlation, float), -1, 1))
    return 1 - angle / math.pi, (np.sin(angle) + (math.pi - angle) * np.cos(angle)) / math.pi


@dataclass(frozen=True, eq=False)
class ResidualTheory:
    """A wide residual network of ReLU branches, block by block; arrays over h_0 … h_blocks unless a shape is given.

    `size` is the root mean square of h_l over that of h_0, `log10_signal` is log10 of ‖∂L/∂h_l‖ / ‖∂L/∂h_blocks‖,
    `correlation` is the correlation of the gradients of two orthogonal inputs after 0 … blocks blocks, and `share`
    (blocks,) is the part of the squared gradient that passes through the branch of each block, not its skip.
    """

    size: Array
    log10_signal: Array
    correlation: Array
    share: Array


def residual_theory(blocks: int, skip: float, branch: float, norm: str = "none") -> ResidualTheory:
    """Return sizes and gradients in blocks h = skip·h + branch·F(h) where F keeps the mean square, uncorrelated with h.

    Without normalization both mean squares change by skip² + branch² per block. A normalization before the branch
    ("pre_layer", "pre_batch") gives it an input of size 1; one after the sum ("post_…") brings h back to size 1. A
    normalization over the batch (large, of orthogonal inputs) also removes the part of the branch that a ReLU makes
    the same for all samples, a share of 1/π.
    """
    kept = 1 - 1 / math.pi if norm.endswith("batch") else 1.0  # share of a branch that a batch normalization keeps
    s2, b2 = float(skip) ** 2, float(branch) ** 2
    square = seen = 1.0  # mean square of h, and the part of it that a normalization divides by
    overlap, gradients = 0.0, 1.0  # correlation of h and of the gradients for two orthogonal inputs
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
    """Return the shares of a squared gradient that take paths through 0 … blocks branches, an array (blocks + 1,).

    Block l sends the part shares[l] through its branch. The result sums to 1; for equal shares p it is the binomial
    distribution. With shares of 1/2 it is also the share of the 2^blocks paths that have each length (Veit 2016).
    """
    spread = np.ones(1)
    for share in np.asarray(shares, float):
        spread = np.convolve(spread, [1 - share, share])
    return spread
