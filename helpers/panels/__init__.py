"""The panels that the notebooks show, one line each. Every slider moves a real computation.

A lesson's panels are loaded when one of them is first named, so that the import of this package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from helpers.panels.panel import Panel, still

PANELS = {
    "00": ["start_here"],
    "01": ["definition"],
    "02": ["activation_derivatives"],
    "03": ["deep_sigmoid_nets"],
    "04": ["relu", "relu_schemes", "born_dead"],
    "05": ["initialization", "initialization_schemes", "jacobian_singular_values"],
    "06": ["batch_norm", "scale_invariance"],
    "07": ["residual_networks", "path_lengths", "shattered_gradients"],
    "08": ["recurrent_networks"],
    "09": ["gans", "generator_losses", "way_back", "disjoint_supports"],
    "10": ["gradient_clipping", "cliff"],
    "11": ["unknown_network"],
}
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
