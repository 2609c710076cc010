"""The map of the course: what each lesson adds to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.course import LESSONS, notebooks
from helpers.figures.parts import line

_COLUMNS = np.arange(5.0)
_ROWS = np.array([-0.22, 0.0, 0.22])

Points = tuple[Array, Array]


def course_map(
    ready: Sequence[str] = (), done: Mapping[str, float] | None = None, links: Mapping[str, str] | None = None
) -> go.Figure:
    """The lessons as rows: a small network with the lesson's addition in colour, and the lesson's title.

    `ready` are the two-digit numbers of the lessons that exist, by default those that have a notebook. The others are
    marked as coming. `done` has the part of each lesson, from 0 to 1, that the learner has done; `links` has the
    address that each lesson's title links to.
    """
    ready = ready or tuple(notebooks())
    figure = go.Figure()
    for row, (number, lesson) in enumerate(LESSONS.items()):
        _draw_lesson(figure, number, float(row))
        coming = "" if number in ready else " <i>(coming)</i>"
        colour = theme.MUTED if coming else theme.INK
        mine = _share_done((done or {}).get(number, 0.0))
        title = lesson.title
        if address := (links or {}).get(number):
            title = f"<a href='{address}' target='_blank'>{title}</a>"
        text = f"<b>{number} {title}</b>{coming}{mine}<br>{lesson.adds}"
        figure.add_annotation(
            x=5.0, y=row, text=text, font={"color": colour}, showarrow=False, xanchor="left", align="left"
        )
    figure.update_layout(
        template=theme.TEMPLATE,
        title_text="What each lesson adds to the network",
        height=58 * len(LESSONS) + 70,
        showlegend=False,
        hovermode=False,
        dragmode=False,
        margin={"l": 8, "r": 8, "t": 56, "b": 8},
    )
    figure.update_xaxes(visible=False, range=[-0.4, 15.6], fixedrange=True)
    figure.update_yaxes(visible=False, range=[len(LESSONS) - 0.5, -0.6], fixedrange=True)
    return figure


def _share_done(share: float) -> str:
    """Return the text after the title: nothing, "40 % done", or a tick, which only a complete lesson gets."""
    if share <= 0:
        return ""
    return "  <b>✓ done</b>" if share >= 1 else f"  · {min(99, max(1, round(100 * share)))} % done"


def _draw_lesson(figure: go.Figure, number: str, y: float) -> None:
    """Draw the network of one lesson around height `y`: earlier parts in grey, new parts in colour."""
    units = np.array([0.0]) if number in ("01", "02") else _ROWS
    columns = {"00": _COLUMNS[:0], "09": _COLUMNS[[0, 1, 3, 4]]}.get(number, _COLUMNS)
    links = [_between(x, units) for x in columns if x + 1 in columns]
    new_links, new_units = number == "05", number in ("01", "03")
    where = f"lesson {number}"
    if links:
        colour, width = (theme.THEORY, 2.0) if new_links else (theme.LIMIT, 1.0)
        figure.add_trace(line(f"{where}: links", *_joined(links, y), colour=colour, width=width))
    if len(columns):
        x, heights = (part.ravel() for part in np.meshgrid(columns, units))
        marker = {"size": 10, "color": theme.THEORY if new_units else theme.MUTED}
        figure.add_trace(go.Scatter(x=x, y=y + heights, mode="markers", marker=marker, name=f"{where}: units"))
    lines, marks, symbol = _additions(number)
    if lines:
        figure.add_trace(line(f"{where}: new", *_joined(lines, y), colour=theme.THEORY, width=2.5))
    if len(marks[0]):
        edge = {"size": 12, "color": "white", "symbol": symbol, "line": {"width": 2.5, "color": theme.THEORY}}
        figure.add_trace(go.Scatter(x=marks[0], y=y + marks[1], mode="markers", marker=edge, name=f"{where}: marks"))


def _additions(number: str) -> tuple[list[Points], Points, str]:
    """Return the lines, the marks and the marks' symbol that a lesson adds, around height 0 (up is negative)."""
    t = np.linspace(-1, 1, 21)
    flat, none = np.zeros_like(t), (np.empty(0), np.empty(0))
    gaps = _COLUMNS[:-1] + 0.5
    match number:
        case "00":
            return [(2 + 2 * t, flat)], (np.array([2.8]), np.array([0.0])), "circle"
        case "02":
            return [(x + 0.36 * t, -0.3 * np.tanh(2.5 * t)) for x in _COLUMNS], none, "circle"
        case "04":
            return [], (_COLUMNS, _ROWS[[0, 2, 1, 0, 2]]), "circle"
        case "06":
            return [(x + 0 * t, 0.34 * t) for x in gaps], none, "circle"
        case "07":
            return [(x + 0.5 * t, -0.22 - 0.17 * (1 - t**2)) for x in gaps], none, "circle"
        case "08":
            return [(2 + 2.3 * t, flat - 0.38)], (gaps, np.full(4, -0.38)), "circle-x"
        case "09":
            return [(2 + 0.8 * t, flat), _between(3.0, _ROWS)], (np.array([2.0]), np.array([0.0])), "diamond"
        case "10":
            return [(2 + 2.3 * t, flat + side) for side in (-0.36, 0.36)], none, "circle"
        case "11":
            corners = np.array([-1.0, 1.0, 1.0, -1.0, -1.0])
            return [(2 + 2.3 * corners, 0.36 * np.array([-1.0, -1.0, 1.0, 1.0, -1.0]))], none, "circle"
        case "01" | "03" | "05":  # only coloured units or links
            return [], none, "circle"
        case _:
            return [(2 + 2.3 * t, flat)], none, "circle"


def _between(x: float, units: Array) -> Points:
    """Return lines from every unit of one column to every unit of the next."""
    ends = [(a, b, np.nan) for a in units for b in units]
    return np.tile([x, x + 1, np.nan], len(ends)), np.ravel(ends)


def _joined(lines: Sequence[Points], y: float) -> Points:
    """Join several lines into one, with gaps between them, at height `y`."""
    gap = np.array([np.nan])
    xs, ys = zip(*lines, strict=True)
    return np.concatenate([p for x in xs for p in (x, gap)]), y + np.concatenate([p for h in ys for p in (h, gap)])
