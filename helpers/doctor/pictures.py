"""Figures of the doctor with plotly: the layers of a diagnosis, and all records of a training run.

Plotly is an optional dependency: it is imported only when something is drawn, and `can_draw` tells if it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .history import WatchHistory
from .readings import LayerReading, shortened

if TYPE_CHECKING:
    import plotly.graph_objects as go

Array = NDArray[Any]

MOST_NAMES = 20
NO_GRADIENT = "#f4d9d6"
LABELS = {"ticklabeloverflow": "allow"}
"""By default Plotly hides labels that reach beyond a figure; if it hides all of them, as after a zoom to the limit of
floats, it places the title at infinity."""
LOW, HIGH = -8.0, 2.0

Scale = tuple[str, bool, float | None, float | None]  # what is shown, whether as log10, the ends of the colour bar
SCALES: dict[str, Scale] = {
    "gradient_norm": ("gradient norm ‖∂L/∂W‖", True, LOW, HIGH),
    "gradient_to_weight": ("gradient to weight ‖∂L/∂W‖/‖W‖", True, LOW, HIGH),
    "activation_mean": ("mean activation", False, None, None),
    "activation_std": ("standard deviation of the activations", True, -4.0, HIGH),
    "dead": ("dead units", False, 0.0, 1.0),
    "saturated": ("saturated outputs", False, 0.0, 1.0),
    "update_to_weight": ("update to weight ‖ΔW‖/‖W‖", True, LOW, 0.0),
    "similarity": ("mean cosine between two samples", False, 0.0, 1.0),
}
"""The quantities of a record, with their names and colour scales."""


def can_draw() -> bool:
    """Whether plotly is installed."""
    return find_spec("plotly") is not None


def log10_or_gap(values: ArrayLike) -> Array:
    """Return log10 of positive finite numbers and NaN, a gap in a figure, for all others."""
    numbers = np.asarray(values, dtype=float)
    known = np.isfinite(numbers) & (numbers > 0)
    return np.where(known, np.log10(np.where(known, numbers, 1.0)), np.nan)


def layers(readings: Sequence[LayerReading], title: str) -> go.Figure:
    """Return a figure of signal and gradient norm by layer, as log10, with the flat shares beneath; zeros are gaps."""
    import plotly.graph_objects as go

    places = list(range(1, len(readings) + 1))
    names = [f"{place} {each.label} ({each.type})" for place, each in zip(places, readings, strict=True)]
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.06)
    for words, norms in (
        ("signal ‖∂L/∂output‖", [each.signal_norm for each in readings]),
        ("gradient ‖∂L/∂θ‖", [each.gradient_norm for each in readings]),
    ):
        trace = go.Scatter(x=places, y=log10_or_gap(norms), text=names, name=words, mode="lines+markers")
        figure.add_trace(trace.update(connectgaps=True), row=1, col=1)
    for words, shares in (
        ("saturated elements", [each.saturated for each in readings]),
        ("dead units", [each.dead for each in readings]),
    ):
        figure.add_trace(go.Bar(x=places, y=shares, text=names, textposition="none", name=words), row=2, col=1)
    figure.update_layout(template="plotly_white", title_text=title, height=620, barmode="overlay")
    figure.update_yaxes(tickprefix="10<sup>", ticksuffix="</sup>", title_text="norm", row=1, col=1)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", title_text="flat", row=2, col=1)
    figure.update_xaxes(title_text="layer (input left, loss right)", row=2, col=1)
    return figure.update_xaxes(LABELS).update_yaxes(LABELS)


def steps(history: WatchHistory) -> go.Figure:
    """Return a figure with a heat map for each recorded quantity, and a menu to choose the visible one."""
    import plotly.graph_objects as go

    figure = go.Figure([_map(go, history, quantity) for quantity in SCALES])
    figure.update_traces(visible=False).update_traces(visible=True, selector=0)
    buttons = [
        {
            "label": words.partition(" ‖")[0],
            "method": "update",
            "args": [{"visible": [other == quantity for other in SCALES]}, {"title.text": f"Layer by layer: {words}"}],
        }
        for quantity, (words, *_) in SCALES.items()
    ]
    menu = {"buttons": buttons, "type": "dropdown", "x": 1, "xanchor": "right", "y": 1.03, "yanchor": "bottom"}
    count = len(history.layers)
    places = np.unique(np.linspace(1, count, min(count, MOST_NAMES)).round().astype(int)) if count else np.array([])
    figure.update_xaxes(LABELS, title_text="training steps", showgrid=False)
    figure.update_yaxes(
        LABELS,
        title_text="layer (loss above)",
        tickvals=places,
        showgrid=False,
        range=[0.5, count + 0.5],
        ticktext=[shortened(history.layers[place - 1], 18) for place in places],
    )
    return figure.update_layout(
        template="plotly_white",
        title_text=f"Layer by layer: {SCALES['gradient_norm'][0]}",
        height=max(340, min(640, 150 + 26 * count)),
        plot_bgcolor=NO_GRADIENT,
        margin={"l": 96, "t": 72},
        updatemenus=[menu],
    )


def _map(go: Any, history: WatchHistory, quantity: str) -> go.Heatmap:
    words, is_log10, low, high = SCALES[quantity]
    values = np.asarray(getattr(history, quantity), dtype=float).T
    return go.Heatmap(
        name=quantity,
        x=history.steps,
        y=np.arange(1, len(history.layers) + 1),
        z=log10_or_gap(values) if is_log10 else np.where(np.isfinite(values), values, np.nan),
        zmin=low,
        zmax=high,
        colorscale="Viridis",
        hovertemplate=f"step %{{x}}, layer %{{y}}: {'10<sup>%{z:.2f}</sup>' if is_log10 else '%{z:.3g}'}"
        f"<extra>{words}</extra>",
        colorbar={
            "outlinewidth": 0,
            "thickness": 16,
            "len": 1.0,
            "tickfont": {"size": 15},
            **({"tickprefix": "10<sup>", "ticksuffix": "</sup>"} if is_log10 else {}),
        },
        hoverongaps=False,
    )
