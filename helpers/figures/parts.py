"""What the figures are made of: lines, bands, markers, axes of powers of ten."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array

FLOAT32_SMALLEST = np.log10(2.0**-149)

Numbers = Sequence[float] | Array


def line(
    name: str,
    x: Numbers,
    y: Numbers | None = None,
    *,
    colour: str,
    dash: str = "solid",
    width: float = 3,
    **more: object,
) -> go.Scatter:
    """A line named `name`; without `y` its values are still to come."""
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": colour, "dash": dash, "width": width}, **more)


def band(name: str, x: Numbers, *, colour: str, **more: object) -> go.Scatter:
    """A filled band over `x` whose lower and upper edges are still to come (a (2, n) array in a live figure)."""
    return go.Scatter(
        x=x,
        name=name,
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=theme.transparent(colour, 0.22),
        hoverinfo="skip",
        meta={"band": True},
        **more,
    )


def dot(name: str, *, colour: str, **more: object) -> go.Scatter:
    """One large marker whose place is still to come."""
    marker = {"size": 15, "color": colour, "line": {"width": 2, "color": "white"}}
    return go.Scatter(x=[0], y=[0], name=name, mode="markers", marker=marker, **more)


def decades(figure: go.Figure, title: str, low: float, high: float, **where: int) -> None:
    """Make a y axis of log10 values read as powers of ten."""
    figure.update_yaxes(
        title_text=title, range=[low, high], tickprefix="10<sup>", ticksuffix="</sup>", nticks=8, **where
    )


def backward_arrow(figure: go.Figure, y: float = 0.02) -> None:
    """The small arrow that says in which direction the backward pass reads a plot over layers."""
    figure.add_annotation(
        xref="x domain",
        yref="y domain",
        x=0.99,
        y=y,
        xanchor="right",
        yanchor="bottom",
        showarrow=False,
        text="⟵ backward pass",
        font={"size": 16, "color": theme.MUTED},
    )


def float32_limit(figure: go.Figure, **where: int) -> None:
    """A faint line below which float32 knows only zero (2⁻¹⁴⁹, IEEE 754)."""
    figure.add_hline(
        y=FLOAT32_SMALLEST,
        line={"color": theme.LIMIT, "width": 1.5, "dash": "dot"},
        annotation={
            "text": f"below: 0 in float32 ({theme.scientific(FLOAT32_SMALLEST)})",
            "font": {"size": 14, "color": theme.MUTED},
            "xanchor": "right",
            "x": 0.99,
            "yanchor": "top",
        },
        **where,
    )
