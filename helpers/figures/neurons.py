"""Single neurons: a chain of them, and the slope of one."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import (
    Numbers,
    backward_arrow,
    decades,
    dot,
    dressed,
    float32_limit,
    line,
    stacking,
    switched,
)


def chain(depths: Numbers, z: Numbers) -> go.Figure:
    """A chain of single neurons: its gradient over the neurons; as a second view, each neuron's place on the slope.

    Traces to fill: "measured", "largest slope everywhere" over the neurons; "slope" over `z` and, on it, the markers
    "first neuron" and "last neuron".
    """
    figure = go.Figure().set_subplots(rows=2, cols=1)
    left, right = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "neuron %{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(line("measured", depths, colour=theme.MEASURED, width=4, hovertemplate=hover), **left)
    steepest = line("largest slope everywhere", depths, colour=theme.BOUND, dash="dash", hovertemplate=hover)
    figure.add_trace(steepest, **left)
    figure.add_trace(
        line("slope", z, colour=theme.SLOPE, showlegend=False, hovertemplate="slope at %{x:.2f}: %{y:.3f}"), **right
    )
    figure.add_trace(dot("last neuron", colour=theme.MUTED, hovertemplate="last neuron: z = %{x:.2f}"), **right)
    figure.add_trace(dot("first neuron", colour=theme.MEASURED, hovertemplate="first neuron: z = %{x:.2f}"), **right)
    dressed(figure, "Each neuron multiplies by weight × slope")
    figure.update_xaxes(title_text="neuron (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5], **left)
    decades(figure, "signal, last neuron = 1", -80, 20, **left)
    figure.update_xaxes(title_text="pre-activation z", range=[float(np.min(z)), float(np.max(z))], **right)
    figure.update_yaxes(title_text="slope φ′(z)", range=[-0.05, 0.3], **right)
    float32_limit(figure, **left)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "where the neurons sit": [(2, 1)]}))


def slope_and_spread(z: Numbers) -> go.Figure:
    """An activation with its tangent, and beside it the slope under the spread of z.

    Traces to fill, over `z`: "activation", "tangent", the marker "here"; "slope²" with the marker "slope² here",
    "bell: where z lies" (not to scale), and the level of the mean under that spread, "E[slope²]", shaded down to 0.
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    curve = line("activation", z, colour=theme.INK, width=4, hovertemplate="φ(%{x:.2f}) = %{y:.3f}")
    figure.add_trace(curve, **left)
    figure.add_trace(line("tangent", [-1.5, 1.5], colour=theme.SLOPE, dash="dash", hoverinfo="skip"), **left)
    figure.add_trace(dot("here", colour=theme.SLOPE, showlegend=False, hovertemplate="z = %{x:.2f}"), **left)
    spread = line("bell: where z lies", z, colour=theme.MUTED, dash="dot", width=2, hoverinfo="skip")
    figure.add_trace(spread, **right)
    level = line("E[slope²]", [float(np.min(z)), float(np.max(z))], colour=theme.MEASURED, dash="dash", width=2)
    level.update(fill="tozeroy", fillcolor=theme.transparent(theme.MEASURED, 0.3))
    figure.add_trace(level.update(hovertemplate="E[slope²] = %{y:.4f}"), **right)
    figure.add_trace(line("slope²", z, colour=theme.SLOPE, hovertemplate="slope² at %{x:.2f}: %{y:.3f}"), **right)
    figure.add_trace(dot("slope² here", colour=theme.SLOPE, showlegend=False, hoverinfo="skip"), **right)
    dressed(figure, "An activation with its tangent, and slope² with its mean over the bell", height=theme.ALONE)
    limits = [float(np.min(z)), float(np.max(z))]
    figure.update_xaxes(title_text="pre-activation z", range=limits)
    figure.update_yaxes(title_text="activation φ(z)", range=[-1.5, 1.5], **left)
    figure.update_yaxes(title_text="slope² φ′(z)²", range=[0, 0.08], **right)
    return stacking(figure, [[(1, 1)], [(1, 2)]])


def histogram_under_bell(z: Array, bins: int = 60) -> go.Figure:
    """The distribution of the pre-activations `z` as a histogram of density, with the normal density N(0, 1).

    The bell is the theory for independent terms whose variances add up to 1; it is not fitted.
    """
    density, edges = np.histogram(z, bins, range=(-4, 4), density=True)
    points = np.linspace(-4, 4, 161)
    figure = go.Figure()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=density,
        name="measured pre-activations",
        marker={"color": theme.transparent(theme.MEASURED, 0.45), "line": {"width": 0}},
        hovertemplate="z = %{x:.2f}: %{y:.3f}",
    )
    bell = np.exp(-(points**2) / 2) / np.sqrt(2 * np.pi)
    figure.add_trace(line("normal distribution", points, bell, colour=theme.THEORY, dash="dash", hoverinfo="skip"))
    figure.update_layout(
        template=theme.TEMPLATE,
        title_text=f"{np.size(z):,} pre-activations lie under a bell of standard deviation 1",
        height=380,
        bargap=0,
    )
    figure.update_xaxes(title_text="pre-activation z", range=[-4, 4])
    figure.update_yaxes(title_text="density", rangemode="tozero")
    return figure
