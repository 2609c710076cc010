"""Lesson 03: a deep sigmoid network."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.arrays import Array
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels.controls import SCHEMES, dropdown, int_slider, steps
from helpers.panels.curves import (
    BATCH,
    DEEPEST,
    LAYERS,
    decades_range,
    default_bias_std,
    layers_range,
    over_seeds,
    padded,
    sigmoid_theory,
)
from helpers.panels.panel import Panel

GAINS = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0]
GAINS += [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]


CHOICES = {name: SCHEMES[name] for name in ("PyTorch's default", "Xavier", "standard normal")}
"""The initializations to choose from; lessons 04 and 05 explain the others."""


def deep_sigmoid_nets() -> Panel:
    """A deep sigmoid network on the digits: its gradient signal and its saturated units, layer by layer."""

    def compute(depth: int, width: int, gain: float, scheme: str, seeds: int) -> dict[str, Any]:
        bias_std = default_bias_std(width) if scheme == "pytorch_default" else 0.0
        spec = NetworkSpec(
            depth=depth, width=width, init=scheme, gain=gain, bias_std=bias_std, batch=BATCH, seeds=seeds
        )
        profile = gradient_profile(spec)
        mean, spread = over_seeds(profile.log10_signal)
        saturated = profile.saturated.mean(axis=0)
        predicted = mean[-1] + sigmoid_theory(depth, spec.weight_variance, bias_std**2)
        bound = mean[-1] + np.log10(0.25) * np.arange(depth - 1, -1, -1)
        layers = layers_range(depth)
        return {
            "measured": padded(mean),
            "spread over seeds": padded(spread),
            "theory": padded(predicted),
            "0.25 per layer": padded(bound),
            "saturated units": padded(saturated),
            "ranges": {"xaxis": layers, "xaxis2": layers, "yaxis": decades_range(spread, predicted, bound)},
            "net": picture.layers(profile, arrives=mean[0] - mean[-1]),
            "summary": _deep_summary(spec, mean, float(saturated.mean())),
        }

    critical = round(theory.critical_gain("sigmoid"), 3)
    controls = {
        "depth": int_slider("depth", 60, 1, DEEPEST),
        "width": steps("width", [8, 16, 32, 64, 128, 256], 64),
        "gain": steps("gain", [(f"{gain:.4g}", gain) for gain in sorted([*GAINS, critical])], 1.0),
        "scheme": dropdown("initialization", CHOICES, "pytorch_default"),
        "seeds": int_slider("seeds", 4, 1, 16),
    }
    xavier = {"depth": 60, "width": 64, "scheme": "xavier_normal", "gain": 1.0}
    presets = {
        "PyTorch's default": {**xavier, "scheme": "pytorch_default"},
        "Xavier": xavier,
        f"gain {critical:.2f}: it stops vanishing": {**xavier, "width": 256, "gain": critical},
        "what it costs": {**xavier, "width": 256, "gain": critical, "depth": 20},
    }
    figure = figures.signal_and_saturation(LAYERS, title="A deep sigmoid network on the digits", low=-90, high=15)
    return Panel("deep_sigmoid_nets", figure, controls, compute, presets)


def _deep_summary(spec: NetworkSpec, mean: Array, saturated: float) -> str:
    if spec.depth == 1:
        return "With one layer there is no way back.\nAdd a second one."
    measured = 10 ** ((mean[0] - mean[-1]) / (spec.depth - 1))
    predicted = theory.per_layer_factor(spec.activation, spec.weight_variance, spec.bias_std**2)
    return (
        f"Layer 1 receives {theme.share(mean[0] - mean[-1], f'layer {spec.depth}')}.\n"
        f"A factor of {measured:.3g} per layer (theory for wide layers {predicted:.3g}); "
        f"{saturated:.0%} of the units are saturated."
    )
