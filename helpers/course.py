"""What the course consists of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"

LESSONS: Mapping[str, str] = {
    "00": "Start here",
    "01": "What is a vanishing gradient?",
    "02": "Where the factor comes from: activation derivatives",
    "03": "Deep sigmoid networks",
    "04": "ReLU",
    "05": "Initialization",
    "06": "Batch normalization",
    "07": "Residual networks",
    "08": "Recurrent networks and LSTMs",
    "09": "GANs",
    "10": "Gradient clipping",
    "11": "Your own network",
}
"""Title of every lesson by its two-digit number."""


def notebooks(folder: Path = NOTEBOOKS) -> Mapping[str, Path]:
    """The notebook of each lesson that is there, by the lesson's two-digit number."""
    return {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
