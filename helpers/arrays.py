"""The array type that the course computes with, and the mean cosine between an array's rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A numpy array; docstrings give its shape, and its dtype if that is not floating point."""


def mean_cosine(vectors: Array) -> Array:
    """Return the mean cosine between two different rows, (…, rows, entries) → (…) in float64; nan for a single row.

    A row of zeros has no direction: its cosines count as 0.
    """
    rows = vectors.astype(np.float64)
    count = rows.shape[-2]
    if count < 2:
        return np.full(rows.shape[:-2], np.nan)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1)
    # |Σu|² = Σ|u|² + the sum over all pairs
    total = np.square(units.sum(axis=-2)).sum(axis=-1) - np.square(units).sum(axis=(-2, -1))
    return total / (count * (count - 1))
