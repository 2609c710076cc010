"""What every layer did at every step of a training: layers upwards, steps to the right, the number as a colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array

MOST_NAMES = 20
LOW, HIGH = -8.0, 2.0
NO_GRADIENT = "#f4d9d6"

Scale = tuple[str, bool, float | None, float | None]  # what is shown, whether as log10, the ends of the colour bar
SCALES: dict[str, Scale] = {
    "gradient_norm": ("gradient norm ‖∂L/∂W‖", True, LOW, HIGH),
    "gradient_to_weight": ("gradient to weight ‖∂L/∂W‖/‖W‖", True, LOW, HIGH),
    "activation_mean": ("mean activation", False, None, None),
    "activation_std": ("standard deviation of the activations", True, -4.0, HIGH),
    "dead": ("dead units", False, 0.0, 1.0),
    "saturated": ("saturated outputs", False, 0.0, 1.0),
}
"""The quantities of a record and how they are coloured."""


class Recorded(Protocol):
    """What is drawn of a `helpers.doctor.watch.WatchHistory`: the moments, and (records, layers) for each quantity."""

    @property
    def steps(self) -> Array:
        """Moments of the records, in steps."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, input first."""


def log10_or_gap(values: Array) -> Array:
    """log10 of positive finite numbers, NaN for all others: a gap in a map."""
    known = np.isfinite(values) & (values > 0)
    return np.where(known, np.log10(np.where(known, values, 1.0)), np.nan)


def layers_over_steps(layers: Sequence[str], steps: Array, *, title: str) -> go.Figure:
    """An empty map of gradient norms; the trace "gradient norm" takes log10 of them, (layers, steps), as its z.

    The colours run from 10⁻⁸ to 10². Where there is a gap the background is seen: no gradient, or none that is finite.
    """
    figure = go.Figure(
        _map("gradient norm", layers, steps, np.full((len(layers), len(steps)), np.nan), "gradient_norm")
    )
    return _dressed(figure, layers, title)


def recorded_layers(history: Recorded) -> go.Figure:
    """All quantities of a recorded training as maps, one of them seen, with buttons that change it."""
    figure = go.Figure()
    for place, (quantity, (_, is_log10, _, _)) in enumerate(SCALES.items()):
        values = np.asarray(getattr(history, quantity), dtype=float).T
        z = log10_or_gap(values) if is_log10 else np.where(np.isfinite(values), values, np.nan)
        figure.add_trace(_map(quantity, history.layers, history.steps, z, quantity).update(visible=place == 0))
    buttons = [
        {
            "label": words.partition(" ‖")[0],
            "method": "update",
            "args": [{"visible": [other == quantity for other in SCALES]}, {"title.text": f"Layer by layer: {words}"}],
        }
        for quantity, (words, *_) in SCALES.items()
    ]
    menu = {"buttons": buttons, "type": "dropdown", "x": 1, "xanchor": "right", "y": 1.03, "yanchor": "bottom"}
    figure.update_layout(updatemenus=[menu])
    return _dressed(figure, history.layers, f"Layer by layer: {SCALES['gradient_norm'][0]}")


def _map(name: str, layers: Sequence[str], steps: Array, z: Array, quantity: str) -> go.Heatmap:
    words, is_log10, low, high = SCALES[quantity]
    ticks = {"tickprefix": "10<sup>", "ticksuffix": "</sup>"} if is_log10 else {}
    number = "10<sup>%{z:.2f}</sup>" if is_log10 else "%{z:.3g}"
    return go.Heatmap(
        name=name,
        x=steps,
        y=np.arange(1, len(layers) + 1),
        z=z,
        zmin=low,
        zmax=high,
        colorscale="Viridis",
        hovertemplate=f"step %{{x}}, layer %{{y}}: {number}<extra>{words}</extra>",
        colorbar={"outlinewidth": 0, "thickness": 16, "len": 1.0, "tickfont": {"size": 15}, **ticks},
        hoverongaps=False,
    )


def _dressed(figure: go.Figure, layers: Sequence[str], title: str) -> go.Figure:
    """The look: names at the layers, the loss above, the input below."""
    count = len(layers)
    places = np.unique(np.linspace(1, count, min(count, MOST_NAMES)).round().astype(int)) if count else np.array([])
    names = [layers[place - 1] for place in places]
    figure.update_xaxes(title_text="training steps", showgrid=False)
    figure.update_yaxes(
        title_text="layer (loss above)",
        tickvals=places,
        showgrid=False,
        range=[0.5, count + 0.5],
        ticktext=[name if len(name) <= 18 else f"…{name[-17:]}" for name in names],
    )
    figure.update_layout(
        template=theme.TEMPLATE,
        title_text=title,
        height=max(340, min(640, 150 + 26 * count)),
        plot_bgcolor=NO_GRADIENT,
        margin={"l": 96, "t": 72},
    )
    return figure
