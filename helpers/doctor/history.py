"""The record of a training run made by `watch`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class WatchHistory:
    """The recorded quantities; all arrays but `steps` are (records, layers).

    steps: (records,) the number of optimizer steps made before
    layers: names of the modules that hold parameters, in the order in which they ran
    gradient_norm: norm of the gradient of the layer's own parameters; NaN if there is none, infinite if it contains
        nan or infinity
    gradient_to_weight: that norm over the norm of these parameters
    activation_mean, activation_std: mean and standard deviation of the layer's output after its activation, whether
        that is a module or a function
    dead: share of units that are 0 over the whole batch, after a rectifier (ReLU, ReLU6)
    saturated: share of elements where the slope is below 1 % of its maximum, after any other activation of
        `flatness.FLAT_PARTS`

    update_to_weight: norm of the step's change of these parameters over their norm before it; NaN if no optimizer
        holds them. Of a parameter with many elements about 16,000 are examined
    similarity: mean cosine between the layer's outputs for two samples, over at most 32 samples; NaN for a single one

    `dead` and `saturated` are 0 after anything else. The quantities of a layer that didn't run are NaN; for a layer
    that ran several times, the last call counts.
    """

    steps: Array
    layers: tuple[str, ...]
    gradient_norm: Array
    gradient_to_weight: Array
    activation_mean: Array
    activation_std: Array
    dead: Array
    saturated: Array
    update_to_weight: Array
    similarity: Array


QUANTITIES = tuple(field.name for field in fields(WatchHistory) if field.name not in ("steps", "layers"))
