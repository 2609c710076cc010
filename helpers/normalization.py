"""Normalization to mean 0 and variance 1 along an axis, without an affine part: the forward and the backward rule.

Along the samples of a batch it is batch normalization (Ioffe 2015), along the units of a sample layer normalization
(Ba 2016). Both functions work in place on arrays (…, batch, units), along axis -2 or -1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.arrays import Array

AXES = {"batch": -2, "layer": -1}
"""The axis along which each kind of normalization takes its mean and its variance."""

EPSILON = 1e-5


def normalize(z: Array, axis: int) -> Array:
    """y = (z - mean) · r with r = 1/√(variance + ε), the biased variance; writes y into `z` and returns r."""
    np.subtract(z, _mean(z, axis), z)
    scale = 1 / np.sqrt(_mean(np.square(z), axis) + EPSILON)
    np.multiply(z, scale, z)
    return scale


def backward(gradient: Array, y: Array, scale: Array, axis: int) -> None:
    """∂L/∂z = r · (∂L/∂y - mean(∂L/∂y) - y · mean(y ∂L/∂y)), written into `gradient`, which holds ∂L/∂y.

    The two means arise because each z also changes the mean and the variance of the others (Ioffe 2015, section 3).
    """
    along = _mean(gradient * y, axis)
    np.subtract(gradient, _mean(gradient, axis), gradient)
    np.subtract(gradient, y * along, gradient)
    np.multiply(gradient, scale, gradient)


def _mean(array: Array, axis: int) -> Array:
    """Return the mean along axis -2 or -1, with that axis kept; a matrix product, for speed."""
    vector = _averaging(array.shape[axis], array.dtype.char)
    return np.matmul(vector, array)[..., None, :] if axis == -2 else np.matmul(array, vector)[..., None]


@lru_cache(maxsize=32)
def _averaging(count: int, code: str) -> Array:
    return np.full(count, 1 / count, code)
