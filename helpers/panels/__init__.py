"""The panels that the notebooks show, one line each. Every slider moves a real computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from helpers.panels.lesson_00 import start_here
from helpers.panels.lesson_01 import definition
from helpers.panels.lesson_02 import activation_derivatives
from helpers.panels.lesson_03 import deep_sigmoid_nets
from helpers.panels.panel import Panel, still

PANELS: Mapping[str, Callable[[], Panel]] = {
    "00": start_here,
    "01": definition,
    "02": activation_derivatives,
    "03": deep_sigmoid_nets,
}
"""The main panel of each lesson, by the lesson's two-digit number."""

__all__ = [
    "PANELS",
    "Panel",
    "activation_derivatives",
    "deep_sigmoid_nets",
    "definition",
    "start_here",
    "still",
]
