"""The first panel of the course."""

from __future__ import annotations

from typing import Any

from helpers import figures, picture, theme
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels.controls import int_slider
from helpers.panels.curves import (
    BATCH,
    DEEPEST,
    LAYERS,
    decades_range,
    layers_range,
    over_seeds,
    padded,
    sigmoid_theory,
)
from helpers.panels.panel import Panel
from helpers.words import counted


def start_here() -> Panel:
    """One slider: the depth of a sigmoid network, and its gradient signal over the layers."""

    def compute(depth: int) -> dict[str, Any]:
        profile = gradient_profile(NetworkSpec(depth=depth, batch=BATCH, seeds=4))
        mean, spread = over_seeds(profile.log10_signal)
        predicted = mean[-1] + sigmoid_theory(depth, 1.0, 0.0)
        return {
            "measured": padded(mean),
            "spread over seeds": padded(spread),
            "theory": padded(predicted),
            "ranges": {"xaxis": layers_range(depth), "yaxis": decades_range(spread, predicted)},
            "net": picture.layers(profile, arrives=mean[0] - mean[-1]),
            "summary": f"{_received(depth, mean[0] - mean[-1])}\n"
            f"A real network of {counted(depth, 'sigmoid layer')}; its gradients come from backpropagation.",
        }

    figure = figures.signal_by_layer(LAYERS, title="How much of the gradient reaches each layer", low=-40, high=5)
    return Panel("start_here", figure, {"depth": int_slider("depth", 10, 1, DEEPEST)}, compute)


def _received(depth: int, log10: float) -> str:
    if depth == 1:
        return "There is only one layer."
    return f"Layer 1 receives {theme.share(log10, f'layer {depth}')}."
