"""A diagnosis as a figure over the layers: gradients above, the shares of flat elements beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import Numbers, backward_arrow, decades, float32_limit

WHOLE_DECADES = 8
"""On an axis with fewer decades than this, plotly would also label half decades."""


@dataclass(frozen=True)
class Readings:
    """The quantities shown for every layer, in order of execution; nan where one doesn't apply."""

    labels: Sequence[str]
    types: Sequence[str]
    signal: Numbers
    gradient: Numbers
    gradient_to_weight: Numbers
    saturated: Numbers
    dead: Numbers


def diagnosis_by_layer(readings: Readings, *, title: str) -> go.Figure:
    """Over the layers: log10 of signal and gradient norm; beneath it log10 of gradient over weight, and flat shares.

    Lines skip layers without a signal. Exact zeros, which have no logarithm, are crosses on the lower edge.
    """
    layers = np.arange(1, len(readings.labels) + 1)
    words = zip(layers, readings.labels, readings.types, strict=True)
    text = np.array([f"{layer} {label} ({kind})" for layer, label, kind in words])
    figure = go.Figure().set_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.56, 0.22, 0.22], vertical_spacing=0.06
    )
    signal, gradient, ratio = map(_log10, (readings.signal, readings.gradient, readings.gradient_to_weight))
    low, high = _range(signal, gradient)
    edge = low + 0.02 * (high - low)
    _add_sizes(figure, "signal ‖∂L/∂output‖", signal, text, edge, colour=theme.MEASURED, symbol="circle")
    tanh = theme.ACTIVATION_COLOURS["tanh"]
    _add_sizes(figure, "gradient ‖∂L/∂θ‖", gradient, text, edge, colour=tanh, symbol="diamond")
    ratios = _points("gradient / weight", layers, ratio, text, theme.SIMILARITY, "square", showlegend=False)
    figure.add_trace(ratios, row=2, col=1)
    _add_flat_shares(figure, readings, text)
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=780, barmode="overlay", margin_t=116)
    figure.update_xaxes(range=[0, len(layers) + 1])
    figure.update_xaxes(title_text="layer (input left, loss right)", row=3, col=1)
    decades(figure, "norm", low, high, row=1, col=1)
    decades(figure, "gradient / weight", *_range(ratio), row=2, col=1)
    figure.update_yaxes(nticks=4, row=2, col=1)
    if high - low <= WHOLE_DECADES:
        figure.update_yaxes(dtick=1, row=1, col=1)
    figure.update_yaxes(title_text="flat", range=[0, 1], tickformat=".0%", nticks=3, row=3, col=1)
    if low < -38:
        float32_limit(figure, row=1, col=1)
    backward_arrow(figure, "xaxis3")
    return figure


def _add_sizes(
    figure: go.Figure, name: str, logs: Array, text: Array, edge: float, *, colour: str, symbol: str
) -> None:
    """Add a curve over the layers, with a cross on the lower edge where it is exactly 0."""
    layers = np.arange(1, len(logs) + 1)
    figure.add_trace(_points(name, layers, logs, text, colour, symbol), row=1, col=1)
    gone = np.isneginf(logs)
    if gone.any():
        at_edge = np.full(gone.sum(), edge)
        zeros = _points(f"{name.split()[0]} exactly 0", layers[gone], at_edge, text[gone], colour, "x")
        zeros.update(mode="markers", hovertemplate="%{text}: 0<extra></extra>")
        figure.add_trace(zeros, row=1, col=1)


def _add_flat_shares(figure: go.Figure, readings: Readings, text: Array) -> None:
    """Add bars over the layers: the shares of saturated elements and of dead units."""
    for name, shares, colour, pattern in (
        ("saturated elements", readings.saturated, theme.SATURATED, ""),
        ("dead units", readings.dead, theme.INK, "/"),
    ):
        bars = go.Bar(
            x=np.arange(1, len(text) + 1),
            y=_plain(shares),
            name=name,
            text=text,
            textposition="none",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{text}: %{y:.0%}<extra>" + name + "</extra>",
        )
        figure.add_trace(bars, row=3, col=1)


def _points(
    name: str,
    layers: Array,
    values: Array,
    text: Array,
    colour: str,
    symbol: str,
    **more: object,
) -> go.Scatter:
    return go.Scatter(
        x=layers,
        y=[None if not np.isfinite(each) else each for each in values],
        name=name,
        text=list(text),
        mode="lines+markers",
        connectgaps=True,
        line={"color": colour, "width": 2},
        marker={"symbol": symbol, "size": 8, "color": colour},
        hovertemplate="%{text}: 10<sup>%{y:.2f}</sup><extra>" + name + "</extra>",
        **more,
    )


def _log10(values: Numbers) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Array = np.log10(np.asarray(values, float))
    return logs


def _plain(values: Numbers) -> list[float | None]:
    return [None if value != value else float(value) for value in values]


def _range(*rows: Array) -> tuple[float, float]:
    """Return a range of at least three whole decades around all finite values."""
    finite = np.concatenate([row[np.isfinite(row)] for row in rows])
    if not len(finite):
        return -3.0, 1.0
    low, high = np.floor(finite.min() - 0.5), np.ceil(finite.max() + 0.5)
    return float(min(low, high - 3)), float(high)
