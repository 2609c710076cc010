"""The records of a training run as they were measured, and their table, which is built on demand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from .history import QUANTITIES
from .measuring import Leaving, Left, fetched
from .recording import own_parameters

Array = NDArray[Any]

MOST_WAITING = 50
"""The number of records that wait as measured before they are merged into the table, which takes less memory."""


@dataclass
class Record:
    """The measurements of one step: tensors on their devices, and the layers and parameters that they belong to.

    with_gradient: for every layer, the number of its parameters that had a gradient
    gradients, weights: norms of these gradients, scaled by `scale`, and of all parameters, layer by layer
    left: the result of `Outputs.taken`
    updates: ids of parameters, the norms of the step's changes to them, and their norms before it
    """

    step: int
    with_gradient: list[int]
    gradients: Array | Tensor
    weights: Array | Tensor
    scale: float
    left: list[Left]
    updates: list[tuple[list[int], Array | Tensor, Array | Tensor]] = field(default_factory=list)

    def rows(self, layers: Sequence[nn.Module]) -> Array:
        """Return the record as (layers, quantities), in the order of `QUANTITIES`."""
        of_gradients, of_weights = fetched([self.gradients, self.weights])
        each_gradient, each_weight = iter((of_gradients / self.scale).tolist()), iter(of_weights.tolist())
        left = {key: batch.leaving(start + at) for keys, batch, start in self.left for at, key in enumerate(keys)}
        moved: dict[int, tuple[float, float]] = {}
        for parameters, *norms in self.updates:
            moved |= dict(zip(parameters, zip(*(each.tolist() for each in fetched(norms)), strict=True), strict=True))
        table = []
        for layer, count in zip(layers, self.with_gradient, strict=True):
            own = own_parameters(layer)
            gradients, weights = [next(each_gradient) for _ in range(count)], [next(each_weight) for _ in own]
            updates = [moved[id(each)] for each in own if id(each) in moved]
            table.append(_row(gradients, weights, left.get(layer, Leaving()), updates))
        return np.array(table)


class Records:
    """The records of a training run, in order."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.layers: list[nn.Module] = []
        self._finished: list[Array] = []
        self._waiting: list[Record] = []

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> Record:
        """The last record."""
        return self._waiting[-1]

    def add(self, record: Record) -> None:
        """Add the record of a further step."""
        if len(self._waiting) > MOST_WAITING:
            self._finished += [each.rows(self.layers) for each in self._waiting]
            self._waiting.clear()
        self._waiting.append(record)
        self.steps.append(record.step)

    @property
    def table(self) -> Array:
        """All measurements so far, (records, layers, quantities)."""
        rows = [*self._finished, *(each.rows(self.layers) for each in self._waiting)]
        return np.array(rows).reshape(len(self), len(self.layers), len(QUANTITIES))


def _row(
    gradients: Sequence[float],
    weights: Sequence[float],
    left: Leaving,
    updates: Sequence[tuple[float, float]],
) -> list[float]:
    """Return one layer's numbers, in the order of `QUANTITIES`."""
    gradient, weight = math.hypot(*gradients) if gradients else math.nan, math.hypot(*weights)
    if gradients and not math.isfinite(gradient):
        gradient = math.inf
    change, before = (math.hypot(*column) for column in zip(*updates, strict=True)) if updates else (math.nan, 1.0)
    numbers = {
        "gradient_norm": gradient,
        "gradient_to_weight": gradient / weight if weight else math.nan,
        "activation_mean": left.mean,
        "activation_std": left.std,
        "dead": left.dead,
        "saturated": left.saturated,
        "update_to_weight": change / before if before else math.inf if change else 0.0,
        "similarity": left.similarity,
    }
    return [numbers[name] for name in QUANTITIES]
