"""Norms that do not underflow, stored as a number times a power of two, and rescaling of a gradient to norm 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.arrays import Array

STRAY = 40  # |log2| of a norm beyond which float32 might lose some of it


def squares_of(vectors: Array) -> list[float]:
    """Return the squared Euclidean norm of each row."""
    return np.vecdot(vectors, vectors).tolist()


class Norms:
    """Euclidean norms of many vectors, a row of `seeds` norms for each layer, each a number times a power of two.

    The numbers are kept in plain lists, since Python is faster than numpy on so few at a time.
    """

    def __init__(self, seeds: int, dtype: np.dtype[Any]) -> None:
        self._seeds = seeds
        self._squares: list[float] = []
        self._exponents: list[int] = []
        self._low, self._high = (1e-25, 1e30) if dtype.itemsize == 4 else (1e-280, 1e280)

    def add(self, vectors: Array, exponents: list[int], squares: list[float] | None = None) -> None:
        """Add rows of norms of `vectors` (rows · seeds, numbers) · 2^exponents; pass `squares` if they are known.

        `exponents` are those of all rows, or of one row if all rows have the same.
        """
        squares = squares_of(vectors) if squares is None else squares
        exponents = exponents * (len(squares) // len(exponents))
        if min(squares) >= self._low and max(squares) <= self._high:
            self._squares += squares
            self._exponents += exponents
        else:
            self._add_carefully(vectors, exponents)

    def _add_carefully(self, vectors: Array, exponents: list[int]) -> None:
        for vector, exponent in zip(vectors, exponents, strict=True):
            _, shift = math.frexp(float(np.max(np.abs(vector))))
            scaled = np.ldexp(vector.astype(np.float64), -shift)
            self._squares.append(float(scaled @ scaled))
            self._exponents.append(exponent + shift)

    def last(self) -> list[float]:
        """Return log2 of the row added last; -inf for 0."""
        pairs = zip(self._squares[-self._seeds :], self._exponents[-self._seeds :], strict=True)
        return [0.5 * math.log2(square) + exponent if square else -math.inf for square, exponent in pairs]

    def all_within(self, log2_limit: int) -> bool:
        """Whether every norm is between 2^-limit and 2^limit; may be False for norms close to a limit."""
        low, high = 2.0**-log2_limit, 2.0**log2_limit
        inside = low <= math.sqrt(min(self._squares)) and math.sqrt(max(self._squares)) <= high
        return inside and not any(self._exponents)

    def arrays(self) -> tuple[Array, Array]:
        """Return norms, 0 below 5e-324, and their log2, which is -inf only for an exact 0; (rows, seeds), float64."""
        squares = np.array(self._squares).reshape(-1, self._seeds)
        exponents = np.array(self._exponents).reshape(-1, self._seeds)
        with np.errstate(under="ignore", over="ignore", divide="ignore"):
            return np.ldexp(np.sqrt(squares), exponents), 0.5 * np.log2(squares) + exponents


def recentre(array: Array, exponents: list[int], norms: Norms) -> list[int]:
    """Multiply each seed's part by the power of two that brings its norm near 1; return the exponents that undo it.

    The norms of `array` · 2^exponents are those added last to `norms`. To save a pass over the array, nothing is done
    while the norms are so near 1 that a further factor of 16 in the next layer does no harm.
    """
    most = 100 if array.dtype.itemsize == 4 else 1000
    logarithms = [log2 - exponent for log2, exponent in zip(norms.last(), exponents, strict=True)]
    if max(logarithms) <= STRAY - 4 and min(logarithms) >= 4 - STRAY:
        return exponents
    shifts = [max(-most, min(most, round(log2))) if math.isfinite(log2) else 0 for log2 in logarithms]
    array *= np.array([2.0**-shift for shift in shifts], array.dtype)[:, None, None]
    return [exponent + shift for exponent, shift in zip(exponents, shifts, strict=True)]
