"""What `watch` recorded of a training."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class WatchHistory:
    """What was recorded; all arrays but `steps` are (records, layers).

    steps: (records,) how many optimizer steps had been made before
    layers: names of the modules that hold parameters, in the order in which they ran
    gradient_norm: norm of the gradient of the parameters that the layer holds itself; NaN where none arrived,
        infinite where it holds anything that is no finite number
    gradient_to_weight: that norm over the norm of these parameters
    activation_mean, activation_std: of what leaves the layer, after its activation, be it a module or a function
    dead: share of units that are 0 over the whole batch, behind a rectifier (ReLU, ReLU6)
    saturated: share of elements where the slope is below 1 % of its maximum, behind any other activation of
        `flatness.FLAT_PARTS`

    update_to_weight: norm of what the step changed in these parameters over their norm before; NaN where no optimizer
        holds them. Of a parameter with many elements about 16,000 are looked at
    similarity: mean cosine between what leaves the layer for two samples, of at most 32 samples; NaN for a single one

    `dead` and `saturated` are 0 behind everything else. What a layer that didn't run would have given is NaN; of one
    that ran several times the last time counts.
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
