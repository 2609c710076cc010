"""A small picture of each lesson, from its main panel's initial state: the network as dots, with the curves below."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from helpers import panels
from helpers.arrays import Array
from helpers.course import LESSONS
from helpers.panels import Panel
from helpers.picture import NetworkPicture
from helpers.publish.folder import write_text

WIDTH, HEIGHT, EDGE = 320, 150, 16
DARK, GLOW, HOT, DIM = "#10161e", "#ffb52e", "#ffffff", "#263241"
MOST_COLUMNS, MOST_UNITS, MOST_POINTS = 30, 6, 60
DECADES = 6
"""The visible range: a gradient is shown down to a millionth, as in the picture of the network."""
SHADES = 8


def write_stills(folder: Path, lessons: Sequence[str]) -> None:
    """Write `NN.svg` for each lesson that has a panel into a new folder."""
    folder.mkdir()
    for lesson in lessons:
        if LESSONS[lesson].panels:
            panel: Panel = getattr(panels, LESSONS[lesson].panels[0])()
            write_text(folder / f"{lesson}.svg", still(panel))


def still(panel: Panel) -> str:
    """The panel in its initial state as SVG."""
    net = panel.live.data.get("net")
    network = net if isinstance(net, NetworkPicture) else net[0] if net else None
    top = EDGE if network is None else 70
    parts = [] if network is None else [_dots(network, EDGE, 58)]
    parts += _curves(panel, top, HEIGHT - EDGE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><rect width="{WIDTH}" '
        f'height="{HEIGHT}" fill="{DARK}"/><g fill="none" stroke-linecap="round" stroke-linejoin="round">'
        f"{''.join(parts)}</g></svg>\n"
    )


# The network ---------------------------------------------------------------------------------------------------------


def _dots(network: NetworkPicture, top: float, bottom: float) -> str:
    """Units as dots, as bright as the gradient that reaches them; dots of the same shade form one path."""
    columns = _some(network.deviation.shape[0], MOST_COLUMNS)
    units = _some(network.deviation.shape[1], MOST_UNITS)
    x = np.linspace(EDGE, WIDTH - EDGE, len(columns)) if len(columns) > 1 else [WIDTH / 2]
    y = np.linspace(top, bottom, len(units)) if len(units) > 1 else [(top + bottom) / 2]
    shades: dict[int, list[str]] = defaultdict(list)
    for column, across in zip(columns, x, strict=True):
        for unit, down in zip(units, y, strict=True):
            level = network.level[column] + network.deviation[column, unit]
            shades[_shade(float(level))].append(f"M{across:.1f} {down:.1f}h0")
    return "".join(
        f'<path stroke="{_of_shade(shade)}" stroke-width="{3.2 + 0.25 * max(shade, 0):.1f}" d="{"".join(places)}"/>'
        for shade, places in sorted(shades.items())
    )


def _shade(level: float) -> int:
    """A shade from 0, for at most a millionth of the gradient, through `SHADES` for all of it, to 2 `SHADES`."""
    if not np.isfinite(level):
        return 0 if level < 0 or np.isnan(level) else 2 * SHADES
    return int(np.clip(round(SHADES * (1 + level / DECADES)), 0, 2 * SHADES))


def _of_shade(shade: int) -> str:
    return _mixed(DIM, GLOW, shade / SHADES) if shade <= SHADES else _mixed(GLOW, HOT, shade / SHADES - 1)


# The curves ----------------------------------------------------------------------------------------------------------


def _curves(panel: Panel, top: float, bottom: float) -> Iterator[str]:
    """The traces of the panel's first plot, as lines on a dark background."""
    figure, result = panel.live.figure, panel.live.data
    ranges = {"xaxis": figure.layout.xaxis.range, "yaxis": figure.layout.yaxis.range, **result.get("ranges", {})}
    (left, right), (low, high) = ranges["xaxis"], ranges["yaxis"]

    def path(x: Array, y: Array) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * (np.asarray(x, float) - left) / (right - left)
        down = bottom - (bottom - top) * (np.clip(np.asarray(y, float), low, high) - low) / (high - low)
        return _path(across, down)

    for piece in panel.live.spec["layout_of_row"]:
        trace = figure.data[piece["index"]]
        if (trace.xaxis or "x") != "x" or trace.type != "scatter":
            continue
        array, colour = np.asarray(result[trace.name], float), _light(_colour_of(trace))
        if piece["kind"] == "band":
            x = np.asarray(piece["x"])
            known = np.isfinite(array).all(axis=0)
            outline = path(np.append(x[known], x[known][::-1]), np.append(array[0][known], array[1][known][::-1]))
            yield f'<path fill="{colour}" fill-opacity=".25" d="{outline}"/>' if outline else ""
            continue
        x, y = array if piece["kind"] == "xy" else (np.asarray(piece["x"]), array)
        if trace.mode == "markers":
            yield f'<path stroke="{colour}" stroke-width="6" d="{_points(path(x, y))}"/>'
        elif found := path(x, y):
            dash = ' stroke-dasharray="5 4"' if trace.line.dash not in (None, "solid") else ""
            yield f'<path stroke="{colour}" stroke-width="2"{dash} d="{found}"/>'


def _path(x: Array, y: Array) -> str:
    """A line through the points, interrupted where one is missing or outside, and thinned out to what is visible."""
    inside = np.isfinite(x) & np.isfinite(y) & (x >= 0) & (x <= WIDTH)
    step = max(1, int(inside.sum()) // MOST_POINTS)
    found, pen_down = [], False
    for place in range(len(x)):
        if not inside[place]:
            pen_down = False
        elif place % step == 0 or not pen_down:
            found.append(f"{'L' if pen_down else 'M'}{x[place]:.1f} {y[place]:.1f}")
            pen_down = True
    return "".join(found)


def _points(path: str) -> str:
    """A dot at each point of a path."""
    return "".join(f"M{each}h0" for each in re.split("[ML]", path) if each)


# Colours -------------------------------------------------------------------------------------------------------------


def _colour_of(trace: Any) -> str:
    colour = trace.line.color or trace.marker.color
    return colour if isinstance(colour, str) and re.fullmatch("#[0-9a-f]{6}", colour) else "#9aa5b1"


def _light(colour: str) -> str:
    """A colour meant for a white background, lightened for a dark one."""
    return _mixed(colour, HOT, 0.45)


def _mixed(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def _channels(colour: str) -> Sequence[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _some(count: int, wanted: int) -> Sequence[int]:
    """At most `wanted` of the places 0 … count - 1, evenly spaced."""
    return [round(place) for place in np.linspace(0, count - 1, min(count, wanted))]
