"""The panels that the notebooks show, with one line of code for each. Every slider runs a real computation.

A lesson's panels are loaded on first access, so importing this package stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from helpers.course import LESSONS
from helpers.panels.panel import Panel, still

PANELS = {number: list(lesson.panels) for number, lesson in LESSONS.items()}
"""The panels of each lesson, its main one first, by the lesson's two-digit number."""

_MODULES = {
    **{name: f"lesson_{lesson}" for lesson, names in PANELS.items() for name in names},
    **dict.fromkeys(["GameView", "digits_game", "ring_game", "shifted_game"], "play"),
    **dict.fromkeys(["follow", "training_picture"], "training"),
}

__all__ = ["PANELS", "Panel", "still", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
