"""The figure that the whole course uses: a quantity over the layers, input left, loss right."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import (
    FLOAT32_SMALLEST,
    Numbers,
    backward_arrow,
    band,
    decades,
    dressed,
    float32_limit,
    line,
    stacking,
    switched,
)


def signal_by_layer(depths: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """Gradient signal log10‖∂L/∂h‖ over layers: "measured", its "spread over seeds", and "theory" dashed.

    `depths` are the layers 1 … deepest. The whole course uses this figure.
    """
    colour = theme.ACTIVATION_COLOURS["sigmoid"]
    figure = go.Figure(
        [
            band("spread over seeds", depths, colour=colour),
            line("measured", depths, colour=colour, width=4, hovertemplate="layer %{x}: 10<sup>%{y:.2f}</sup>"),
            line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate="layer %{x}: 10<sup>%{y:.2f}</sup>"),
        ]
    )
    dressed(figure, title)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", low, high)
    float32_limit(figure)
    backward_arrow(figure)
    return stacking(figure)


def signal_and_saturation(depths: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """`signal_by_layer` with the bound 0.25 per layer; as a second view, the share of "saturated units" by layer."""
    colour = theme.ACTIVATION_COLOURS["sigmoid"]
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "layer %{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(band("spread over seeds", depths, colour=colour), **above)
    figure.add_trace(line("measured", depths, colour=colour, width=4, hovertemplate=hover), **above)
    figure.add_trace(line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate=hover), **above)
    bound = line("0.25 per layer", depths, colour=theme.BOUND, dash="dot", width=2, hovertemplate=hover)
    figure.add_trace(bound, **above)
    saturated = line("saturated units", depths, colour=theme.SATURATED, hovertemplate="layer %{x}: %{y:.0%}")
    saturated.update(fill="tozeroy", fillcolor=theme.transparent(theme.SATURATED, 0.3), showlegend=False)
    figure.add_trace(saturated, **below)
    dressed(figure, title)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", low, high, **above)
    figure.update_yaxes(title_text="saturated", range=[-0.02, 1.02], tickformat=".0%", nticks=3, **below)
    float32_limit(figure, **above)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "saturated units": [(2, 1)]}))


def hidden_profile(mean: Numbers, spread: Array, *, shows: str = "signal") -> go.Figure:
    """A norm by layer of an unnamed network: log10 of its mean (depth,) and of its lowest and highest value (2, depth).

    `shows` is "signal" or "weight_gradient". The axis has at least eight decades, so a nearly constant norm looks flat.
    """
    depths = np.arange(1, len(mean) + 1)
    low, high = np.floor(np.nanmin(spread)) - 1, np.ceil(np.nanmax(spread)) + 1
    low = min(low, high - 8)
    edges = np.concatenate([spread[0], spread[1][::-1]])
    shade = band("spread over seeds", np.concatenate([depths, depths[::-1]]), colour=theme.INK, y=edges)
    measured = line(
        "measured", depths, mean, colour=theme.INK, width=4, hovertemplate="layer %{x}: 10<sup>%{y:.2f}</sup>"
    )
    figure = go.Figure([shade, measured])
    figure.update_layout(template=theme.TEMPLATE, title_text="Whose profile is this?", height=400)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0, len(mean) + 1])
    quantity = "gradient norm ‖∂L/∂h‖" if shows == "signal" else "weight gradient ‖∂L/∂W‖"
    decades(figure, quantity, float(low), float(high))
    if low < FLOAT32_SMALLEST:
        float32_limit(figure)
    backward_arrow(figure)
    return figure
