"""Parts of figures: lines, bands, markers, axes of powers of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array

FLOAT32_SMALLEST = np.log10(2.0**-149)

Numbers = Sequence[float] | Array
Place = tuple[int, int]
"""The row and the column of a plot in its figure."""
BLUES = [(0.0, "#ffffff"), (0.25, "#dfe7f1"), (0.5, "#9db4d3"), (0.75, "#5b7fb3"), (1.0, "#2c4a7c")]
"""Colours of a heat map, from low to high. Blue stays the high end in a dark theme, which inverts lightness."""


def dressed(figure: go.Figure, label: str, *, height: int = theme.UNDER_PICTURE) -> go.Figure:
    """A panel's figure in the course's look. It has no title: the panel's sentence stands above it.

    `label` says to screen readers what is seen. Beneath the picture of the network, which is what figures of the usual
    height stand for, there is room on both sides for its input and its loss.
    """
    sides = theme.BESIDE_PICTURE if height == theme.UNDER_PICTURE else {}
    figure.update_layout(
        template=theme.TEMPLATE,
        height=height,
        uirevision="kept",
        meta={"label": label},
        margin={"t": 36, **sides},
        legend={"x": 1, "xanchor": "right"},
    )
    return figure


def _axes(figure: go.Figure, place: Place) -> tuple[str, str]:
    """Return the names of a plot's axes in the layout, such as "xaxis2" and "yaxis2"."""
    plot = figure.get_subplot(*place)
    return plot.xaxis.plotly_name, plot.yaxis.plotly_name


def _letter(axis: str) -> str:
    """Return the name that traces and marks use for an axis: "y2" for "yaxis2"."""
    return axis.replace("axis", "")


def switched(figure: go.Figure, views: Mapping[str, Sequence[Place]]) -> go.Figure:
    """Make views between which the reader switches; each has the whole height for the plots at its places.

    Each view has a name, shown on its button above a live figure. Call it last: marks on a plot are shown and hidden
    with it, and so are the legend's entries with their traces, or with another trace of their group.
    """
    axes = {place: _axes(figure, place) for places in views.values() for place in places}
    for x, y in axes.values():
        figure.layout[x].update(showticklabels=True)
        figure.layout[y].domain = (0, 1)
    groups = [trace.legendgroup or trace.name for trace in figure.data]
    plots: dict[str, set[str]] = {}
    for group, trace in zip(groups, figure.data, strict=True):
        plots.setdefault(group, set()).add(trace.yaxis)
    named = [trace.type == "scatter" and trace.showlegend is not False for trace in figure.data]
    described = []
    for name, places in views.items():
        patch: dict[str, Any] = {}
        seen = {axis for place in places for axis in axes[place]}
        for pair in axes.values():
            patch.update({f"{axis}.visible": axis in seen for axis in pair})
        for kind in ("shapes", "annotations"):
            for number, mark in enumerate(figure.layout[kind]):
                axis = mark.yref.split()[0].replace("y", "yaxis")
                if any(axis in pair for pair in axes.values()):
                    patch[f"{kind}[{number}].visible"] = axis in seen
        hides = ["".join(map(_letter, pair)) for place, pair in axes.items() if place not in places]
        letters = set(map(_letter, seen))
        legend = [may and bool(plots[group] & letters) for may, group in zip(named, groups, strict=True)]
        described.append({"name": name, "hides": hides, "patch": patch, "legend": legend})
    for trace, shown in zip(figure.data, described[0]["legend"], strict=True):
        trace.showlegend = shown
    figure.layout.meta = {**(figure.layout.meta or {}), "views": described}
    return figure


LONG_TITLE, LINE = 32, 18
"""The number of letters of an axis title for which a narrow page has room, and the height of a line in pixels."""


def stacking(figure: go.Figure, columns: Sequence[Sequence[Place]] = (), gap: float = 0.2) -> go.Figure:
    """Set a figure's layout for a narrow page: its columns, from left to right, are placed one below the other.

    A figure of one column gets the space that its legend takes there.
    """
    layout, count = figure.layout, max(1, len(columns))
    legends = [view["legend"] for view in (layout.meta or {}).get("views", ())]
    legends = legends or [[trace.showlegend is not False for trace in figure.data]]
    entries = max(map(sum, legends)) if layout.showlegend is not False else 0
    margins = {**theme.TEMPLATE["layout"]["margin"], **layout.margin.to_plotly_json()}
    wide: dict[str, Any] = {"height": layout.height}
    narrow: dict[str, Any] = {"height": round(layout.height * (0.9 * count if count > 1 else 1)) + 20 * entries}
    for side, least in theme.NARROW_MARGINS.items():
        wide[f"margin.{side}"], narrow[f"margin.{side}"] = margins[side], min(margins[side], least)
    share = (1 - gap * (count - 1)) / count
    for number, column in enumerate(columns):
        low = (count - 1 - number) * (share + gap)
        for x, y in (_axes(figure, place) for place in column):
            across, up = layout[x].domain or (0, 1), layout[y].domain or (0, 1)
            wide.update({f"{x}.domain": list(across), f"{y}.domain": list(up)})
            narrow.update({f"{x}.domain": [0, 1], f"{y}.domain": [low + share * up[0], low + share * up[1]]})
            if layout[y].showticklabels is False:  # the plot beside it has the same axis
                wide[f"{y}.showticklabels"], narrow[f"{y}.showticklabels"] = False, True
    titles = {axis.plotly_name: axis.title.text or "" for axis in figure.select_xaxes()}
    long = {axis: text for axis, text in titles.items() if len(text) > LONG_TITLE and " (" in text}
    if long:  # break it into two lines, or its ends would be cut off
        wide["margin.b"], narrow["margin.b"] = margins["b"], margins["b"] + LINE
        narrow["height"] += LINE
        wide.update({f"{axis}.title.text": text for axis, text in long.items()})
        narrow.update({f"{axis}.title.text": text.replace(" (", "<br>(", 1) for axis, text in long.items()})
    for patch in (wide, narrow):
        patch["autosize"] = True  # setting a height alone would fix the width too
    figure.layout.meta = {**(layout.meta or {}), "wide": wide, "narrow": narrow}
    return figure


def beside_picture(figure: go.Figure, columns: Sequence[Sequence[Place]]) -> go.Figure:
    """On a wide page, place the picture of the network above the first column only; the second is as high as both.

    On a narrow page the columns are placed one below the other, as with `stacking`.
    """
    under = stacking(figure, columns).layout
    rest = under.margin.t + theme.TEMPLATE["layout"]["margin"]["b"]
    height = under.height + theme.PICTURE
    share = (under.height - rest) / (height - rest)
    _, end = under[_axes(figure, columns[0][0])[0]].domain
    start, _ = under[_axes(figure, columns[1][0])[0]].domain
    wide: dict[str, Any] = {"height": height}
    wide.update({f"{y}.domain": [0, share] for _, y in (_axes(figure, place) for place in columns[0])})
    narrow: dict[str, Any] = {}
    wide.update({"legend.x": end, "legend.y": share})
    narrow.update({"legend.x": 1, "legend.y": 1.02})
    meta = under.meta
    figure.layout.meta = {
        **meta,
        "wide": {**meta["wide"], **wide},
        "narrow": {**meta["narrow"], **narrow},
        "beside": [end, start],
    }
    figure.update_layout({path.replace(".", "_"): value for path, value in wide.items()})
    return figure


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
    """Return a line named `name`; without `y` its values are filled in later."""
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": colour, "dash": dash, "width": width}, **more)


def band(name: str, x: Numbers, *, colour: str, **more: object) -> go.Scatter:
    """Return a filled band over `x`; its lower and upper edges are filled in later ((2, n) in a live figure)."""
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
    """Return one large marker; its place is filled in later."""
    marker = {"size": 13, "color": colour, "line": {"width": 2, "color": "white"}}
    return go.Scatter(x=[0], y=[0], name=name, mode="markers", marker=marker, **more)


def decades(figure: go.Figure, title: str, low: float, high: float, **where: int) -> None:
    """Label a y axis of log10 values with powers of ten."""
    figure.update_yaxes(
        title_text=title, range=[low, high], tickprefix="10<sup>", ticksuffix="</sup>", nticks=7, **where
    )


def backward_arrow(figure: go.Figure, axis: str = "xaxis") -> None:
    """Say in the title of an axis over layers that the backward pass reads it from right to left.

    "layer (input left, loss right)" becomes "layer (input ⟵ backward pass ⟵ loss)", where no line crosses the words.
    """
    _arrow(figure, axis, "⟵ backward pass ⟵")


def forward_arrow(figure: go.Figure, axis: str) -> None:
    """Say in the title of an axis over layers that the forward pass reads it from left to right."""
    _arrow(figure, axis, "⟶ forward pass ⟶")


def _arrow(figure: go.Figure, axis: str, words: str) -> None:
    title = figure.layout[axis].title
    title.text = title.text.replace(" left, ", f" {words} ").replace(" right)", ")")


def float32_limit(figure: go.Figure, **where: int) -> None:
    """Add a faint line below which float32 has only zero (2⁻¹⁴⁹, IEEE 754)."""
    figure.add_hline(
        y=FLOAT32_SMALLEST,
        line={"color": theme.LIMIT, "width": 1.5, "dash": "dot"},
        annotation={
            "text": "below: 0 in float32",
            "font": {"color": theme.MUTED},
            "xanchor": "right",
            "x": 0.99,
            "yanchor": "top",
        },
        **where,
    )
