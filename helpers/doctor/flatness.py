"""Find where activations are flat, saturated elements and dead units, from the pre-activation alone.

The rule, which the course's gradient profile follows too: an element is saturated where |φ′(z)| is below 1 % of its
largest value; a unit is dead if it is exactly 0 for every sample of the batch. Only rectifiers have such zeros, and a
rectifier is meant to be flat there. So dead units are read for rectifiers, saturated elements for all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

FLAT = 0.01
"""The share of the largest slope below which an element counts as flat."""


@dataclass(frozen=True, eq=False)
class Flat:
    """An activation's flat parts: z ≤ `low`, z ≥ `high`, and the interval `turn` around its minimum.

    A rectifier is 0 on its flat part, which is z ≤ `low`.
    """

    low: float
    high: float = math.inf
    turn: tuple[float, float] = (math.inf, math.inf)
    rectifies: bool = False

    @property
    def squashes(self) -> bool:
        """Whether it is flat on both sides."""
        return self.high < math.inf

    def mask(self, z: Tensor) -> Tensor:
        """Return which elements of the pre-activation lie in a flat part."""
        mask = z <= self.low
        if self.squashes:
            mask = mask | (z >= self.high)
        if self.turn[0] < math.inf:
            mask = mask | ((z > self.turn[0]) & (z < self.turn[1]))
        return mask

    def dead(self, z: Tensor, unit_axis: int) -> Tensor:
        """Return which units of a rectifier are 0 for every sample, (units,); axes but `unit_axis` are samples."""
        peaks = z.amax([axis for axis in range(z.dim()) if axis != unit_axis % z.dim()])
        return peaks <= self.low


def _symmetric(edge: float) -> Flat:
    return Flat(-edge, edge)


_LOGISTIC = math.log((1 + math.sqrt(1 - FLAT)) / (1 - math.sqrt(1 - FLAT)))  # σ(1 - σ) = FLAT / 4

FLAT_PARTS: Mapping[str, Flat] = {
    "sigmoid": _symmetric(_LOGISTIC),
    "tanh": _symmetric(math.atanh(math.sqrt(1 - FLAT))),
    "hardtanh": _symmetric(1.0),
    "hardsigmoid": _symmetric(3.0),
    "softsign": _symmetric(1 / math.sqrt(FLAT) - 1),
    "relu": Flat(0.0, rectifies=True),
    "elu": Flat(math.log(FLAT)),
    "selu": Flat(math.log(FLAT)),
    "gelu": Flat(-3.0216626, turn=(-0.7786017, -0.7262166)),
    "silu": Flat(-6.1429157, turn=(-1.3307900, -1.2295877)),
    "softplus": Flat(math.log(FLAT / (1 - FLAT))),
}
"""The activations that can be flat, by the name of torch's function; a test compares them with their slopes."""


def flat_parts(function: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Flat | None:
    """Return the flat parts of a call of torch's `function`; None if none are known.

    A trailing underscore (the in-place form) makes no difference; hardtanh may have other edges (ReLU6 does).
    """
    name = function.rstrip("_")
    if name != "hardtanh":
        return FLAT_PARTS.get(name)
    given = dict(zip(("min_val", "max_val"), arguments[1:], strict=False)) | dict(named)
    return _between(float(given.get("min_val", -1.0)), float(given.get("max_val", 1.0)))


@cache
def _between(low: float, high: float) -> Flat:
    return Flat(low, rectifies=True) if low == 0 else Flat(low, high)
