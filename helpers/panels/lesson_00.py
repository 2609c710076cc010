"""The first panel of the course."""

from __future__ import annotations

from typing import Any

from helpers import figures, theme
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels.controls import int_slider
from helpers.panels.curves import BATCH, DEEPEST, LAYERS, over_seeds, padded, sigmoid_theory
from helpers.panels.panel import Panel


def start_here() -> Panel:
    """One slider: the depth of a sigmoid network, and its gradient signal over the layers."""

    def compute(depth: int) -> dict[str, Any]:
        profile = gradient_profile(NetworkSpec(depth=depth, batch=BATCH, seeds=4))
        mean, spread = over_seeds(profile.log10_signal)
        lost = mean[0] - mean[-1]
        return {
            "measured": padded(mean),
            "spread over seeds": padded(spread),
            "theory": padded(mean[-1] + sigmoid_theory(depth, 1.0, 0.0)),
            "summary": f"{theme.counted(depth, 'layer')}: the first layer hears {theme.share(lost)} what the last "
            "one hears. This is a real network, and its gradients come from backpropagation.",
        }

    figure = figures.signal_by_layer(LAYERS, title="How much of the gradient reaches each layer", low=-40, high=5)
    return Panel("start_here", figure, {"depth": int_slider("depth", 10, 1, DEEPEST)}, compute)
