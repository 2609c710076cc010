"""The type of the arrays that the course computes with."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""A numpy array; its docstring says which shape, and which numbers if they are not floating point."""
