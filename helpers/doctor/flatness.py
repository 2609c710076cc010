"""Where activations are flat: saturated or dead elements, told from the pre-activation alone.

An element is flat where the slope is below 1 % of the activation's largest, as in the engine of the course. A
squashing activation is flat on both sides: its flat elements are saturated. A rectifier is flat on one side: a unit
that is flat for every sample is dead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

FLAT = 0.01
"""The share of the largest slope below which an element counts as flat."""


@dataclass(frozen=True)
class Flat:
    """An activation's flat parts: z ≤ `low` and z ≥ `high`; a rectifier has none above."""

    low: float
    high: float = math.inf

    @property
    def squashes(self) -> bool:
        """Whether it is flat on both sides."""
        return self.high < math.inf

    def mask(self, z: Tensor) -> Tensor:
        """Which elements of the pre-activation lie where the slope is flat."""
        return (z <= self.low) | (z >= self.high) if self.squashes else z <= self.low


def _symmetric(edge: float) -> Flat:
    return Flat(-edge, edge)


_LOGISTIC = math.log((1 + math.sqrt(1 - FLAT)) / (1 - math.sqrt(1 - FLAT)))  # σ(1 - σ) = FLAT / 4

FLAT_PARTS: Mapping[str, Flat] = {
    "sigmoid": _symmetric(_LOGISTIC),
    "tanh": _symmetric(math.atanh(math.sqrt(1 - FLAT))),
    "hardtanh": _symmetric(1.0),
    "hardsigmoid": _symmetric(3.0),
    "softsign": _symmetric(1 / math.sqrt(FLAT) - 1),
    "relu": Flat(0.0),
    "elu": Flat(math.log(FLAT)),
    "selu": Flat(math.log(FLAT)),
    "gelu": Flat(-3.02167),
    "silu": Flat(-6.14292),
    "softplus": Flat(math.log(FLAT / (1 - FLAT))),
}
"""The activations that can be flat, by the name of torch's function; a test holds them against their slopes."""


def flat_parts(function: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Flat | None:
    """The flat parts of a call of torch's `function`, None if it has none that are known here.

    A trailing underscore (the in-place form) makes no difference; hardtanh may name other edges (ReLU6 does).
    """
    name = function.rstrip("_")
    if name != "hardtanh":
        return FLAT_PARTS.get(name)
    given = dict(zip(("min_val", "max_val"), arguments[1:], strict=False)) | dict(named)
    low, high = float(given.get("min_val", -1.0)), float(given.get("max_val", 1.0))
    return Flat(low) if low >= 0 else Flat(low, high)
