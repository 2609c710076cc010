"""ReLU and its family: compared by layer, with three initializations, and nets that are born dead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import (
    BLUES,
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

_LONG = "12px,4px"  # of "longdash" a sample in the legend has room for half a dash
_HOVER = "layer %{x}: 10<sup>%{y:.2f}</sup>"
_SIX_DASHES = ("solid", _LONG, "dot", "dashdot", "longdashdot", "3px,3px")
_SCHEME_LOOKS = (
    (theme.MEASURED, "solid"),
    (theme.ACTIVATION_COLOURS["tanh"], _LONG),
    (theme.ACTIVATION_COLOURS["relu"], "dot"),
)


def rectifier_family(depths: Numbers, activations: Sequence[str]) -> go.Figure:
    """Up to six activations side by side over the layers, in three plots that take turns.

    Traces to fill: in the first, the gradient signal of each, named as the activation is written, with the "spread over
    seeds" and the "theory" of the one in focus; in the second the "dead units" of that one; in the third the similarity
    of two inputs to each layer, named "…, similarity".
    """
    figure = go.Figure().set_subplots(rows=3, cols=1, shared_xaxes=True)
    names = [theme.ACTIVATION_NAMES[activation] for activation in activations]
    colours = [theme.ACTIVATION_COLOURS[activation] for activation in activations]
    figure.add_trace(band("spread over seeds", depths, colour=theme.INK), row=1, col=1)
    for name, colour, dash in zip(names, colours, _SIX_DASHES, strict=False):
        hover = f"{name}, {_HOVER}<extra></extra>"
        signal = line(name, depths, colour=colour, dash=dash, legendgroup=name, hovertemplate=hover)
        hover = f"{name}, layer %{{x}}: cosine %{{y:.3f}}<extra></extra>"
        alike = line(f"{name}, similarity", depths, colour=colour, dash=dash, legendgroup=name, hovertemplate=hover)
        figure.add_trace(signal, row=1, col=1)
        figure.add_trace(alike.update(showlegend=False), row=3, col=1)
    theory = line("theory", depths, colour=theme.THEORY, dash="dash", width=2, hovertemplate=_HOVER)
    figure.add_trace(theory, row=1, col=1)
    dead = line("dead units", depths, colour=theme.SATURATED, hovertemplate="layer %{x}: %{y:.0%}")
    dead.update(fill="tozeroy", fillcolor=theme.transparent(theme.SATURATED, 0.3), showlegend=False)
    figure.add_trace(dead, row=2, col=1)
    _over_layers(figure, depths, "ReLU and its family on the digits")
    decades(figure, "gradient ‖∂L/∂h‖", -15, 5, row=1, col=1)
    figure.update_yaxes(title_text="dead", range=[-0.02, 1.02], tickformat=".0%", nticks=3, row=2, col=1)
    figure.update_yaxes(title_text="similarity", range=[-0.1, 1.02], nticks=4, row=3, col=1)
    float32_limit(figure, row=1, col=1)
    return stacking(switched(figure, {"gradient": [(1, 1)], "dead units": [(2, 1)], "similarity": [(3, 1)]}))


def signal_and_weight_gradient(depths: Numbers, schemes: Sequence[str]) -> go.Figure:
    """The same net with up to three initializations: its gradient signal; as a second view, its weight gradient.

    Traces to fill: for each scheme "…" and "…, weight gradient"; one "theory" for all signals, the predictions one
    after the other, each (deepest + 1,) with a gap at its end.
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    for scheme, (colour, dash) in zip(schemes, _SCHEME_LOOKS, strict=False):
        hover = f"{scheme}, {_HOVER}<extra></extra>"
        for name, row in ((scheme, 1), (f"{scheme}, weight gradient", 2)):
            curve = line(name, depths, colour=colour, dash=dash, width=4, legendgroup=scheme, hovertemplate=hover)
            figure.add_trace(curve.update(showlegend=row == 1), row=row, col=1)
    places = np.tile(np.append(depths, np.max(depths)), len(schemes))
    theory = line("theory", places, colour=theme.THEORY, dash="dash", width=1.5, hoverinfo="skip")
    figure.add_trace(theory, row=1, col=1)
    _over_layers(figure, depths, "One net, three initializations")
    decades(figure, "signal ‖∂L/∂h‖", -15, 5, row=1, col=1)
    decades(figure, "weights ‖∂L/∂W‖", -15, 5, row=2, col=1)
    return stacking(switched(figure, {"signal": [(1, 1)], "weight gradient": [(2, 1)]}))


def born_dead(depths: Numbers, widths: Numbers, probability: Array) -> go.Figure:
    """Nets that are silent at initialization: their `probability` (widths, depths), and their count at one width.

    Traces to fill: the marker "here" on the map; over the depths the "counted" share of nets with the "band of
    chance" around the "theory", and the marker "this depth".
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.14)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    figure.add_trace(
        go.Heatmap(
            name="probability",
            x=depths,
            y=widths,
            z=probability,
            zmin=0,
            zmax=1,
            colorscale=BLUES,
            showscale=False,
            hovertemplate="%{x} layers of %{y}: %{z:.1%}<extra></extra>",
        ),
        **left,
    )
    figure.add_trace(dot("here", colour=theme.INK, showlegend=False, hoverinfo="skip"), **left)
    figure.add_trace(band("band of chance", depths, colour=theme.THEORY, showlegend=False), **right)
    hover = "%{x} layers: %{y:.1%}"
    counted = line("counted", depths, colour=theme.MEASURED, width=4, hovertemplate=hover)
    figure.add_trace(counted, **right)
    figure.add_trace(line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate=hover), **right)
    figure.add_trace(dot("this depth", colour=theme.INK, showlegend=False, hoverinfo="skip"), **right)
    dressed(figure, "ReLU nets that are born dead", height=theme.ALONE)
    figure.update_xaxes(title_text="depth (layers)", range=[0.5, float(np.max(depths)) + 0.5])
    figure.update_xaxes(title_text="depth (blue: most are dead)", **left)
    figure.update_yaxes(title_text="width (units per layer)", dtick=2, **left)
    figure.update_yaxes(title_text="born dead", range=[-0.02, 1.02], tickformat=".0%", **right)
    return stacking(figure, [[(1, 1)], [(1, 2)]])


def _over_layers(figure: go.Figure, depths: Numbers, label: str) -> None:
    """Set the properties that all plots over layers share."""
    dressed(figure, label)
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    backward_arrow(figure)
