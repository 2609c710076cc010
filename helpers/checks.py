"""Checks of arguments: each raises a ValueError that names the argument, the given value and the allowed ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from typing import Any

import numpy as np


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return `value` as an int; raise ValueError unless it is a whole number from `least` to `most`, if given."""
    allowed = f"a whole number ≥ {least}" if most is None else f"a whole number from {least} to {most}"
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
    return int(value)


def check_number(
    name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> float:
    """Return `value` as a float; raise ValueError unless it is finite, above `above`, and from `least` to `most`."""
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    is_finite = is_number and abs(value) <= sys.float_info.max
    if not is_finite or value <= above or not least <= value <= most:
        raise ValueError(f"{name} must be a finite number{_bounds(above, least, most)}; got {value!r}")
    return float(value)


def _bounds(above: float, least: float, most: float) -> str:
    if most < math.inf:
        return f" from {least:g} to {most:g}"
    return f" > {above:g}" if above > -math.inf else f" ≥ {least:g}" if least > -math.inf else ""


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value`; raise ValueError unless it is one of the names."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value


def check_precision(name: str, value: Any) -> np.dtype[Any]:
    """Return `value` as a dtype; raise ValueError unless it is float32 or float64."""
    dtype = np.dtype(value)
    if dtype.char not in "fd":
        raise ValueError(f"{name} must be float32 or float64; got {value!r}")
    return dtype


def check_shape(name: str, array: Any, shape: tuple[int, ...]) -> None:
    """Raise ValueError if an array has another shape."""
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}; got {np.shape(array)}")


def check_finite(name: str, array: Any) -> None:
    """Raise ValueError if an array contains NaN or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers; got NaN or infinity")
