"""ReLU networks that are silent at initialization."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def born_dead_probability(width: ArrayLike, depth: ArrayLike) -> Any:
    """Return the probability 1 − (1 − 2^−width)^depth that some layer of a ReLU net is silent on one input.

    The net has no biases (after Lu 2019). As long as the layer below is not silent, each unit is silent with
    probability ½, independently. `width` and `depth` are whole numbers ≥ 1 or arrays of them that broadcast. Raises
    ValueError for smaller numbers.
    """
    for name, value in (("width", width), ("depth", depth)):
        if not (np.asarray(value) >= 1).all():
            raise ValueError(f"{name} must be whole numbers ≥ 1; got {value!r}")
    return -np.expm1(np.asarray(depth) * np.log1p(-np.exp2(-np.asarray(width, float))))
