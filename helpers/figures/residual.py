"""Residual networks: the signal and the size of every block, path lengths, shattered gradients."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.figures.parts import Numbers, backward_arrow, band, decades, dressed, line, stacking, switched

COLOUR = theme.MEASURED


def signal_and_size(blocks: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """Gradient signal log10‖∂L/∂h‖ over blocks; as a second view, log10 of the size of h: measured, band, theory.

    `blocks` are 0 (the stem) … most. Traces: "measured", "spread over seeds", "theory"; "size", "spread of sizes" and
    "size in theory" below.
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    rows = (
        ("measured", "spread over seeds", "theory", {"row": 1, "col": 1}),
        ("size", "spread of sizes", "size in theory", {"row": 2, "col": 1}),
    )
    hover = "block %{x}: 10<sup>%{y:.2f}</sup>"
    for measured, spread, predicted, where in rows:
        colour = theme.FORWARD if where["row"] == 2 else COLOUR
        figure.add_trace(band(spread, blocks, colour=colour), **where)
        figure.add_trace(line(measured, blocks, colour=colour, width=4, hovertemplate=hover), **where)
        dashed = line(predicted, blocks, colour=theme.THEORY, dash="dash", hovertemplate=hover)
        figure.add_trace(dashed, **where)
    dressed(figure, title)
    figure.update_xaxes(title_text="block, 0 is the stem (input left, loss right)")
    figure.update_xaxes(range=[-0.5, float(np.max(blocks)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", low, high, row=1, col=1)
    decades(figure, "size of h", -3, 3, row=2, col=1)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "size of h": [(2, 1)]}))


def path_lengths(lengths: Numbers, *, title: str) -> go.Figure:
    """Shares over path lengths: bars for "all paths" and "gradient", and dashed the "gradient in theory"."""
    hover = "%{x} branches: %{y:.2%}"
    marker = {"color": theme.transparent(theme.LIMIT, 0.45), "line": {"width": 0}}
    figure = go.Figure(
        [
            go.Bar(x=lengths, name="all paths", marker=marker, hovertemplate=hover, width=0.95),
            go.Bar(x=lengths, name="gradient", marker={"color": COLOUR}, hovertemplate=hover, width=0.55),
            line("gradient in theory", lengths, colour=theme.THEORY, dash="dash", hovertemplate=hover),
        ]
    )
    dressed(figure, title, height=theme.ALONE).update_layout(barmode="overlay")
    figure.update_xaxes(title_text="branches on the path", range=[-0.7, float(np.max(lengths)) + 0.7])
    figure.update_yaxes(title_text="share", range=[0, 0.4], tickformat=".0%")
    return stacking(figure)


def shattered_gradients(x: Numbers, lags: Numbers, *, title: str) -> go.Figure:
    """One network's "gradient" dy/dx over its input x; beside it its "autocorrelation" with a band over seeds."""
    figure = go.Figure().set_subplots(rows=1, cols=2, column_widths=[0.6, 0.4], horizontal_spacing=0.1)
    above, below = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    gradient = line("gradient", x, colour=COLOUR, width=1.8, hovertemplate="x = %{x:.2f}: %{y:.2f}", showlegend=False)
    figure.add_trace(gradient, **above)
    figure.add_trace(band("spread over seeds", lags, colour=theme.SIMILARITY), **below)
    hover = "%{x} steps apart: %{y:.2f}"
    figure.add_trace(line("autocorrelation", lags, colour=theme.SIMILARITY, width=4, hovertemplate=hover), **below)
    noise = line("white noise", lags, np.zeros(len(lags)), colour=theme.THEORY, dash="dash", width=2, hoverinfo="skip")
    figure.add_trace(noise, **below)
    dressed(figure, title, height=theme.ALONE)
    figure.update_xaxes(title_text="input x", **above)
    figure.update_xaxes(title_text="steps between two inputs", **below)
    figure.update_yaxes(title_text="gradient dy/dx", range=[-4, 4], **above)
    figure.update_yaxes(title_text="autocorrelation", range=[-0.4, 1.05], **below)
    return stacking(figure, [[(1, 1)], [(1, 2)]])
