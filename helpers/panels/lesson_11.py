"""Lesson 11: which network made this profile?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme
from helpers.arrays import Array
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels.controls import dropdown, float_slider, int_slider
from helpers.panels.curves import BATCH, decades_range, over_seeds
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture

DEPTH, WIDTH, SEEDS = 30, 64, 4
FITS = 0.1
"""Lines that are nowhere further apart than this, in decades, count as equal."""

UNKNOWN: dict[int, dict[str, Any]] = {
    1: {"activation": "sigmoid", "gain": 2.0, "bias": 0.0, "norm": "none"},
    2: {"activation": "relu", "gain": 2.2, "bias": 0.0, "norm": "none"},
    3: {"activation": "tanh", "gain": 4.0, "bias": 0.0, "norm": "none"},
    4: {"activation": "relu", "gain": 2.0, "bias": -2.5, "norm": "none"},
    5: {"activation": "relu", "gain": 0.5, "bias": 0.0, "norm": "batch"},
    6: {"activation": "relu", "gain": 1.4, "bias": 0.0, "norm": "none"},
}
"""The settings of the unknown networks."""


def unknown_network() -> Panel:
    """An unknown network's gradient and flat units by layer, and sliders to build one that behaves the same."""

    def compute(unknown: int, **own: Any) -> dict[str, Any]:
        (hidden, above), (mine, below) = _network("unknown", **UNKNOWN[unknown]), _network("yours", **own)
        return {
            "unknown": hidden[0],
            "yours": mine[0],
            "spread over seeds": mine[1],
            "unknown, flat": hidden[2],
            "yours, flat": mine[2],
            "ranges": {"yaxis": decades_range(hidden[0], *mine[1])},
            "net": [above, below],
            "summary": _summary(unknown, hidden, mine),
        }

    activations = {theme.ACTIVATION_NAMES[name]: name for name in ("sigmoid", "tanh", "relu")}
    controls = {
        "unknown": int_slider("unknown", 1, 1, len(UNKNOWN)),
        "activation": dropdown("activation", activations, "relu"),
        "gain": float_slider("gain", 1.4, 0.1, 6.0, 0.1),
        "bias": float_slider("bias", 0.0, -5.0, 1.0, 0.5),
        "norm": dropdown("normalization", {"none": "none", "batch": "batch"}, "none"),
    }
    he = {"activation": "relu", "gain": 1.4, "bias": 0.0, "norm": "none"}
    presets = {
        "ReLU at He's scale": he,
        "sigmoid at Xavier's scale": {**he, "activation": "sigmoid", "gain": 1.0},
        "tanh, weights five times too large": {**he, "activation": "tanh", "gain": 5.0},
        "ReLU, biases at −3.5": {**he, "bias": -3.5},
        "sigmoid with batch normalization": {**he, "activation": "sigmoid", "norm": "batch"},
    }
    return Panel(
        "unknown_network",
        figures.unknown_and_own(np.arange(1, DEPTH + 1), low=-15, high=10),
        controls,
        compute,
        presets,
    )


@lru_cache(maxsize=256)
def _network(
    title: str, activation: str, gain: float, bias: float, norm: str
) -> tuple[tuple[Array, ...], NetworkPicture]:
    """Return a network's lines, and a picture whose title doesn't reveal its settings.

    The lines are log10 of the signal, mean (depth,) and spread (2, depth), and the share of dead or saturated units
    (depth,).
    """
    spec = NetworkSpec(
        DEPTH, WIDTH, activation, "lecun_normal", gain, norm=norm, bias_mean=bias, batch=BATCH, seeds=SEEDS
    )
    profile = gradient_profile(spec)
    mean, spread = over_seeds(profile.log10_signal)
    flat = profile.dead if activation == "relu" else profile.saturated
    arrives = float(mean[0] - mean[-1])
    drawn = picture.layers(profile, 8, norm="none", closed="flat", title=title, arrives=arrives)
    return (mean, spread, flat.mean(axis=0)), drawn


def _summary(number: int, hidden: tuple[Array, ...], mine: tuple[Array, ...]) -> str:
    return f"{_compared(hidden, mine)}\nNetwork {number}: {_described(hidden)}. Yours: {_described(mine)}."


def _described(profile: tuple[Array, ...]) -> str:
    signal, _, flat = profile
    arrives = "no gradient arrives"
    if np.isfinite(signal[0]):
        arrives = f"{theme.scientific(signal[0] - signal[-1])} arrives"
    return f"{arrives} at layer 1, up to {flat.max():.0%} of a layer is flat"


def _compared(hidden: tuple[Array, ...], mine: tuple[Array, ...]) -> str:
    if (np.isnan(hidden[0]) != np.isnan(mine[0])).any():
        return "One of them has a silent layer where the other one has a gradient."
    distance = float(np.nanmax(np.abs(hidden[0] - mine[0]), initial=0.0))
    share = float(np.abs(hidden[2] - mine[2]).max())
    if distance <= FITS and share <= FITS:
        return "They behave alike in every layer: found."
    return f"The lines are up to {distance:.1f} powers of ten apart, the flat shares up to {share:.0%}."
