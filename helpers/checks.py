"""Clear refusals: a ValueError that names the argument, what was given and what is allowed."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from typing import Any

import numpy as np


def check_whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """`value` as an int; refuses anything but a whole number of at least `least`, and at most `most` if given."""
    allowed = f"a whole number ≥ {least}" if most is None else f"a whole number from {least} to {most}"
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
    return int(value)


def check_number(
    name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> float:
    """`value` as a float; refuses anything but a finite number above `above`, and from `least` to `most`."""
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
    """`value` itself; refuses anything but one of the names."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value


def check_precision(name: str, value: Any) -> np.dtype[Any]:
    """`value` as a dtype; refuses anything but float32 and float64."""
    dtype = np.dtype(value)
    if dtype.char not in "fd":
        raise ValueError(f"{name} must be float32 or float64; got {value!r}")
    return dtype


def check_shape(name: str, array: Any, shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}; got {np.shape(array)}")


def check_finite(name: str, array: Any) -> None:
    """Refuse an array in which a number is NaN or infinity."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers; got NaN or infinity")
