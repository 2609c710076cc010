"""Lesson 02: the slope of an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import figures, theme, theory
from helpers.activations import ACTIVATIONS
from helpers.panels.controls import activation_choice, float_slider, log_slider
from helpers.panels.curves import next_of
from helpers.panels.panel import Panel


def activation_derivatives() -> Panel:
    """An activation with its tangent, and the mean square slope for a given spread of z."""
    z = np.linspace(-6, 6, 241)

    def compute(activation: str, here: float, spread: float) -> dict[str, Any]:
        chosen = ACTIVATIONS[activation]
        value, slope = float(chosen.function(np.array([here]))[0]), float(chosen.slope(np.array([here]))[0])
        reach = np.array([-1.5, 1.5]) / np.hypot(1, slope)
        bell = np.exp(-0.5 * (z / spread) ** 2)
        squared = chosen.slope(z) ** 2
        mean_square = theory.mean_square_slope(activation, spread**2)
        steepest = float(np.max(np.abs(chosen.slope(np.linspace(-12, 12, 24001)))))
        top = next_of((0.08, 0.3, 1.2, 1.5, 4), steepest**2)
        bounded = activation in ("sigmoid", "tanh", "hard_tanh")
        return {
            "activation": chosen.function(z),
            "tangent": np.stack([here + reach, value + slope * reach]),
            "here": np.array([[here], [value]]),
            "slope²": squared,
            "slope² here": np.array([[here], [slope**2]]),
            "bell: where z lies": 0.9 * top * bell,
            "E[slope²]": np.full(2, mean_square),
            "ranges": {"yaxis": [-1.5, 1.5] if bounded else [-2, 4], "yaxis2": [0, top]},
            "summary": f"The factor per layer is {mean_square**0.5:.3f}, the root of E[slope²] = {mean_square:.4f}.\n"
            f"{theme.ACTIVATION_NAMES[activation]}, {chosen.formula}: slope {slope:.3f} at z = {here:.1f}, at most "
            f"{steepest:.3f}. Shaded: E[slope²] at standard deviation {spread:.3g}, weights of variance 1/width.",
        }

    controls = {
        "activation": activation_choice("sigmoid"),
        "here": float_slider("z (tangent)", 0.0, -6, 6, 0.1),
        "spread": log_slider("standard deviation of z", 1.0, -1, 1),
    }
    presets = {
        "sigmoid at its best": {"activation": "sigmoid", "here": 0.0, "spread": 0.1},
        "sigmoid, saturated": {"activation": "sigmoid", "here": 5.0, "spread": 10.0},
        "tanh": {"activation": "tanh", "here": 0.0, "spread": 1.0},
        "ReLU: half the neurons": {"activation": "relu", "here": 1.0, "spread": 1.0},
        "GELU: above 1": {"activation": "gelu", "here": 1.4, "spread": 1.0},
    }
    return Panel("activation_derivatives", figures.slope_and_spread(z), controls, compute, presets)
