"""ReLU networks that are silent from the start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def born_dead_probability(width: ArrayLike, depth: ArrayLike) -> Any:
    """1 − (1 − 2^−width)^depth: some layer of a ReLU net without biases is silent on one input (after Lu 2019).

    Each unit of a layer that still receives something is silent with probability ½, independently. `width` and
    `depth` are whole numbers ≥ 1 or arrays of them that broadcast. Raises ValueError for less.
    """
    for name, value in (("width", width), ("depth", depth)):
        if not (np.asarray(value) >= 1).all():
            raise ValueError(f"{name} must be whole numbers ≥ 1; got {value!r}")
    return -np.expm1(np.asarray(depth) * np.log1p(-np.exp2(-np.asarray(width, float))))
