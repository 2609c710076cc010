"""A chain of single neurons, and the number of steps that a weight takes to move."""

from __future__ import annotations

import math

import numpy as np

from helpers.activations import ActivationLike, get_activation
from helpers.arrays import Array
from helpers.checks import check_number, check_whole


def chain_gradient(activation: ActivationLike, depth: int, weight: float = 1.0, preactivation: float = 0.0) -> Array:
    """∂h_depth/∂h_(depth-k) for k = 0 … depth in a chain of single neurons, an array (depth + 1,).

    Every neuron has the same weight and sits at the same pre-activation z, so k layers multiply to (w·φ′(z))^k.
    """
    check_whole("depth", depth, 1)
    slope = float(get_activation(activation).slope(check_number("preactivation", preactivation)))
    factor = check_number("weight", weight) * slope
    with np.errstate(over="ignore", under="ignore"):
        return np.float64(factor) ** np.arange(depth + 1)


def steps_to_move(gradient: float, distance: float = 0.01, learning_rate: float = 0.1) -> float:
    """Return the number of gradient-descent steps in which a weight with a constant gradient moves by `distance`.

    `math.inf` for a gradient of 0.
    """
    size = abs(check_number("gradient", gradient)) * check_number("learning_rate", learning_rate, above=0)
    return check_number("distance", distance, least=0) / size if size else math.inf
