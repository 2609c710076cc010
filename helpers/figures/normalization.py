"""Networks with batch norm or layer norm: the gradient, the difference of two inputs, and the scale of the weights."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.figures.parts import (
    Numbers,
    backward_arrow,
    band,
    decades,
    dot,
    dressed,
    float32_limit,
    line,
    stacking,
    switched,
)


def signal_and_difference(depths: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """log10‖∂L/∂h‖ over layers, with and without normalization; as a second view, the difference of two inputs.

    Traces to fill: "measured", its "spread over seeds", "theory" dashed, "without normalization" dotted; second view
    "difference of two digits", log10 of 1 - cos. `depths` are the layers 1 … deepest.
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "layer %{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(band("spread over seeds", depths, colour=theme.MEASURED), **above)
    plain = line("without normalization", depths, colour=theme.BOUND, dash="dot", width=3, hovertemplate=hover)
    figure.add_trace(plain, **above)
    figure.add_trace(line("measured", depths, colour=theme.MEASURED, width=4, hovertemplate=hover), **above)
    figure.add_trace(line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate=hover), **above)
    difference = line("difference of two digits", depths, colour=theme.SIMILARITY, hovertemplate=hover)
    figure.add_trace(difference.update(showlegend=False), **below)
    dressed(figure, title)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", low, high, **above)
    decades(figure, "1 − cosine", -7, 0.5, **below)
    float32_limit(figure, **above)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "difference of two digits": [(2, 1)]}))


def loss_and_gradient_by_scale(scales: Numbers, *, title: str) -> go.Figure:
    """The effect of scaling one layer's weights: on the loss (left) and on that layer's gradient (right).

    `scales` are log10 of the factors. Traces to fill: "loss", "‖∂L/∂W‖", "1 / scale" dashed, and the markers
    "loss here" and "gradient here". The right axis shows powers of ten.
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    hover = "weights × 10<sup>%{x:.2f}</sup>: "
    loss = line("loss", scales, colour=theme.INK, width=4, hovertemplate=hover + "%{y:.4f}")
    figure.add_trace(loss, **left)
    figure.add_trace(dot("loss here", colour=theme.INK, showlegend=False, hoverinfo="skip"), **left)
    gradient = line("‖∂L/∂W‖", scales, colour=theme.MEASURED, width=4, hovertemplate=hover + "10<sup>%{y:.2f}</sup>")
    figure.add_trace(gradient, **right)
    law = line("1 / scale", scales, colour=theme.THEORY, dash="dash", hoverinfo="skip")
    figure.add_trace(law, **right)
    figure.add_trace(dot("gradient here", colour=theme.MEASURED, showlegend=False, hoverinfo="skip"), **right)
    dressed(figure, title, height=theme.ALONE)
    ends = [float(np.min(scales)) - 0.1, float(np.max(scales)) + 0.1]
    figure.update_xaxes(
        title_text="the fourth layer's weights times",
        range=ends,
        tickprefix="10<sup>",
        ticksuffix="</sup>",
        dtick=2,
        tickangle=0,
    )
    figure.update_yaxes(title_text="loss", range=[0, 6], **left)
    decades(figure, "gradient ‖∂L/∂W‖", -5, 4, **right)
    return stacking(figure, [[(1, 1)], [(1, 2)]])
