"""Networks at initialization: forward and backward signal, the plane of their scales, and their singular values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.figures.parts import (
    Numbers,
    backward_arrow,
    band,
    beside_picture,
    decades,
    dot,
    dressed,
    float32_limit,
    forward_arrow,
    line,
    stacking,
    switched,
)

_POWER = "layer %{x}: 10<sup>%{y:.2f}</sup>"


def both_ways(depths: Numbers, *, title: str) -> go.Figure:
    """The backward gradient by layer; as a second view, the spread of the pre-activations in the forward pass.

    Traces to fill, log10 over `depths`: "measured" with "spread over seeds" and "theory"; second view
    "pre-activations", "spread of pre-activations" and "theory, forward".
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    for name, spread, law, colour, where in (
        ("measured", "spread over seeds", "theory", theme.MEASURED, above),
        ("pre-activations", "spread of pre-activations", "theory, forward", theme.FORWARD, below),
    ):
        figure.add_trace(band(spread, depths, colour=colour), **where)
        figure.add_trace(line(name, depths, colour=colour, width=4, hovertemplate=_POWER), **where)
        dashed = line(law, depths, colour=theme.THEORY, dash="dash", hovertemplate=_POWER)
        figure.add_trace(dashed, **where)
    dressed(figure, title)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", -8, 4, **above)
    decades(figure, "std of z", -8, 4, **below)
    float32_limit(figure, **above)
    backward_arrow(figure)
    forward_arrow(figure, "xaxis2")
    return stacking(switched(figure, {"gradient, backward": [(1, 1)], "pre-activations, forward": [(2, 1)]}))


SMALLEST_FACTOR, LARGEST_FACTOR = 0.5, 2.0
QUIET: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False}
"""The per-layer factors at which the colours of `phase_plane` end."""


def phase_plane(
    depths: Numbers, weight_stds: Numbers, bias_stds: Numbers, *, every: int = 1, longest: float
) -> go.Figure:
    """A network's gradient and, as a second view, the cosine of inputs by layer; beside them its place among scales.

    Traces to fill: over `depths` "gradient" with "spread over seeds" and "theory", the mark "6ξ" (2, 2);
    "nearby inputs" and "two digits" with "theory: nearby" and "theory: digits"; on the plane the heat map
    "factor per layer" of log10 √χ (bias_stds, one in `every` of weight_stds), "critical line" (2, n), "regions" (2, 2),
    "here" (2, 1); over `weight_stds` log10 of the "depth scale ξ", which the axis cuts off at `longest`, and
    "ξ here" (2, 1).
    """
    figure = go.Figure().set_subplots(
        rows=2,
        cols=2,
        column_widths=[0.58, 0.42],
        horizontal_spacing=0.1,
    )
    _add_gradient(figure, depths)
    _add_cosines(figure, depths)
    _add_plane(figure, np.asarray(weight_stds)[::every], bias_stds)
    _add_depth_scale(figure, weight_stds, longest)
    dressed(figure, "A random network, and its place in the plane")
    backward_arrow(figure)
    views = {
        "gradient": [(1, 1), (1, 2)],
        "cosine of inputs": [(2, 1), (1, 2)],
        "depth scale ξ": [(1, 1), (2, 2)],
    }
    return beside_picture(switched(figure, views), [[(1, 1), (2, 1)], [(1, 2), (2, 2)]])


def _add_gradient(figure: go.Figure, depths: Numbers) -> None:
    where = {"row": 1, "col": 1}
    figure.add_trace(band("spread over seeds", depths, colour=theme.MEASURED, showlegend=False), **where)
    figure.add_trace(line("gradient", depths, colour=theme.MEASURED, width=4, hovertemplate=_POWER), **where)
    theory = line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate=_POWER)
    figure.add_trace(theory, **where)
    reach = line("6ξ", [0, 0], colour=theme.BOUND, dash="dot", width=2.5, hovertemplate="6ξ from the loss: layer %{x}")
    figure.add_trace(reach, **where)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5], **where)
    decades(figure, "gradient ‖∂L/∂h‖", -8, 4, **where)


def _add_cosines(figure: go.Figure, depths: Numbers) -> None:
    where, hover = {"row": 2, "col": 1}, "layer %{x}: %{y:.3f}"
    for name, law, colour, dash in (
        ("nearby inputs", "theory: nearby", theme.SIMILARITY, "solid"),
        ("two digits", "theory: digits", theme.INK, "dashdot"),
    ):
        figure.add_trace(line(name, depths, colour=colour, dash=dash, hovertemplate=hover), **where)
        theory = line(law, depths, colour=theme.THEORY, dash="dash", width=2, hovertemplate=hover, showlegend=False)
        figure.add_trace(theory, **where)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5], **where)
    figure.update_yaxes(title_text="cosine", range=[-0.08, 1.08], tickvals=[0, 0.5, 1], **where)


def _add_plane(figure: go.Figure, weight_stds: Numbers, bias_stds: Numbers) -> None:
    where = {"row": 1, "col": 2}
    limits = np.log10([SMALLEST_FACTOR, LARGEST_FACTOR])
    plane = go.Heatmap(
        x=weight_stds,
        y=bias_stds,
        name="factor per layer",
        zmin=limits[0],
        zmax=limits[1],
        zsmooth="fast",
        colorscale=[(0.0, "#7fa3dc"), (0.5, "#ffffff"), (1.0, "#e08a84")],
        showscale=False,
        hovertemplate="σ<sub>w</sub> %{x:.2f}, σ<sub>b</sub> %{y:.2f}: 10<sup>%{z:.2f}</sup> per layer; "
        "click to go there<extra></extra>",
    )
    figure.add_trace(plane, **where)
    _add_marks(figure)
    figure.add_trace(dot("here", colour=theme.MEASURED, **QUIET), **where)
    ends = [float(np.min(weight_stds)), float(np.max(weight_stds))]
    figure.update_xaxes(title_text="σ<sub>w</sub>, weights (blue vanishes, red explodes)", range=ends, **where)
    figure.update_yaxes(title_text="σ<sub>b</sub>", range=[float(np.min(bias_stds)), float(np.max(bias_stds))], **where)


def _add_marks(figure: go.Figure) -> None:
    """Add the critical line, the common initializations with their names, and the names of the two sides."""
    where = {"row": 1, "col": 2}
    figure.add_trace(line("critical line", [0, 0], colour=theme.INK, width=2.5, **QUIET), **where)
    recipes = go.Scatter(
        x=[1 / np.sqrt(3), 1.0, np.sqrt(2)],
        y=[0.0, 0.0, 0.0],
        name="recipes",
        mode="markers",
        cliponaxis=False,
        marker={"size": 9, "symbol": "diamond", "color": theme.INK},
        **QUIET,
    )
    figure.add_trace(recipes, **where)
    # The names are at two heights, so they don't overlap in a narrow window.
    names, sides = ["default", "Xavier", "He"], ["middle center", "middle left", "middle right"]
    figure.add_trace(_words("names", names, [0.58, 1.05, 1.45], [0.08, 0.2, 0.08], textposition=sides), **where)
    figure.add_trace(_words("regions", ["vanishes", "explodes"], [0, 0], [0, 0]), **where)


def _words(name: str, words: list[str], x: Sequence[float], y: Sequence[float], **more: Any) -> go.Scatter:
    look = {"mode": "text", "textfont": {"color": theme.INK}, **QUIET}
    return go.Scatter(x=x, y=y, name=name, text=words, **look, **more)


def _add_depth_scale(figure: go.Figure, weight_stds: Numbers, longest: float) -> None:
    where = {"row": 2, "col": 2}
    hover = "σ<sub>w</sub> %{x:.2f}: 10<sup>%{y:.2f}</sup> layers"
    curve = line("depth scale ξ", weight_stds, colour=theme.BOUND, hovertemplate=hover, showlegend=False)
    figure.add_trace(curve, **where)
    figure.add_trace(dot("ξ here", colour=theme.MEASURED, showlegend=False, hovertemplate=hover), **where)
    figure.update_xaxes(
        title_text="σ<sub>w</sub>, weights", range=[float(np.min(weight_stds)), float(np.max(weight_stds))], **where
    )
    decades(figure, "ξ, layers", -0.6, float(np.log10(longest)), **where)
    figure.update_yaxes(nticks=5, **where)


def singular_values(edges: Numbers) -> go.Figure:
    """Two histograms of log10 singular values between `edges`: bars "Gaussian" and "orthogonal", shares from 0 to 1.

    Values below the first edge are counted in the first bar, values above the last edge in the last.
    """
    edges = np.asarray(edges, dtype=float)
    centres, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    figure = go.Figure().set_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    for column, (name, colour, pattern) in enumerate(
        (("Gaussian", theme.MEASURED, ""), ("orthogonal", theme.SIMILARITY, "/")), start=1
    ):
        bars = go.Bar(
            x=centres,
            y=np.zeros(len(centres)),
            name=name,
            width=width,
            marker={"color": colour},
            hovertemplate="10<sup>%{x:.2f}</sup>: %{y:.0%}<extra></extra>",
        )
        bars.marker.pattern.shape = pattern
        figure.add_trace(bars, row=1, col=column)
    dressed(figure, "Singular values of ∂h_L/∂x", height=theme.ALONE).update_layout(bargap=0)
    figure.add_vline(x=0, line={"color": theme.INK, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(range=[float(edges[0]), float(edges[-1])], tickprefix="10<sup>", ticksuffix="</sup>", dtick=4)
    figure.update_xaxes(title_text="singular value (first bar: all below)")
    figure.update_yaxes(range=[0, 1], tickformat=".0%", nticks=4)
    figure.update_yaxes(title_text="share", col=1)
    return stacking(figure, [[(1, 1)], [(1, 2)]])
