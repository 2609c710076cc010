"""The gradient of every layer at every training step: layers upwards, steps to the right, the norm as a colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array

MOST_NAMES = 20
LOW, HIGH = -8.0, 2.0
NO_GRADIENT = "#f4d9d6"


def log10_or_gap(values: Array) -> Array:
    """Return log10 of positive finite numbers and NaN, a gap in a map, for all others."""
    known = np.isfinite(values) & (values > 0)
    return np.where(known, np.log10(np.where(known, values, 1.0)), np.nan)


def layers_over_steps(layers: Sequence[str], steps: Array, *, title: str) -> go.Figure:
    """An empty map of gradient norms; the trace "gradient norm" takes log10 of them, (layers, steps), as its z.

    The colours run from 10⁻⁸ to 10². Gaps show the background: there is no gradient, or none that is finite.
    """
    count = len(layers)
    heat_map = go.Heatmap(
        name="gradient norm",
        x=steps,
        y=np.arange(1, count + 1),
        z=np.full((count, len(steps)), np.nan),
        zmin=LOW,
        zmax=HIGH,
        colorscale="Viridis",
        hovertemplate="step %{x}, layer %{y}: 10<sup>%{z:.2f}</sup><extra>gradient norm ‖∂L/∂W‖</extra>",
        colorbar={
            "outlinewidth": 0,
            "thickness": 16,
            "len": 1.0,
            "tickprefix": "10<sup>",
            "ticksuffix": "</sup>",
        },
        hoverongaps=False,
    )
    places = np.unique(np.linspace(1, count, min(count, MOST_NAMES)).round().astype(int)) if count else np.array([])
    names = [layers[place - 1] for place in places]
    figure = go.Figure(heat_map)
    figure.update_xaxes(title_text="training steps", showgrid=False)
    figure.update_yaxes(
        title_text="layer (loss above)",
        tickvals=places,
        showgrid=False,
        range=[0.5, count + 0.5],
        ticktext=[name if len(name) <= 18 else f"…{name[-17:]}" for name in names],
    )
    return figure.update_layout(
        template=theme.TEMPLATE,
        title_text=title,
        height=max(340, min(640, 150 + 26 * count)),
        plot_bgcolor=NO_GRADIENT,
        modebar_orientation="h",  # a vertical one would cover the colour bar
        margin={"l": 96, "t": 72},
    )
