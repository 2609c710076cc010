"""The picture of a profile question: a self-contained SVG drawn from the same numbers as the course's own plot."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from helpers import theme
from helpers.arrays import Array
from helpers.quiz import Question, profile_curve

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 92.0, 620.0, 16.0, 296.0
DECADES = 8  # the fewest on the axis, so that a level curve looks level
QUANTITIES = {"signal": "gradient norm ‖∂L/∂h‖", "weight_gradient": "weight gradient ‖∂L/∂W‖"}


@dataclass(frozen=True)
class Picture:
    """An SVG, a file name that changes with its contents, and a description in words."""

    name: str
    svg: str
    words: str

    def image(self, source: str) -> str:
        """An HTML image with the address `source`, which shrinks on a narrow screen."""
        size = f'width="{WIDTH}" height="{HEIGHT}" style="max-width:100%;height:auto"'
        return f'<p><img src="{source}" alt="{html.escape(self.words)}" {size}></p>'


def picture_of(question: Question) -> Picture | None:
    """The picture of a question with a hidden network; None for other questions."""
    if question.network is None:
        return None
    mean, spread = profile_curve(question)
    svg = profile_svg(mean, spread, QUANTITIES[question.shows])
    mark = hashlib.sha256(svg.encode()).hexdigest()[:8]
    return Picture(f"{question.id}-{mark}.svg", svg, in_words(mean, QUANTITIES[question.shows]))


def in_words(mean: Array, quantity: str) -> str:
    """The curve in words, at up to five layers; mean: log10 by layer (depth,)."""
    places = sorted({round(place) for place in np.linspace(0, len(mean) - 1, 5)})
    values = [f"layer {place + 1}: {_power(mean[place])}" for place in places]
    return f"The {quantity} by layer, from the input to the loss. " + ", ".join(values) + "."


def _power(log10: float) -> str:
    return "exactly 0" if np.isnan(log10) else theme.power_of_ten(log10, digits=1)


@dataclass(frozen=True)
class _Axes:
    """The positions of layers and powers of ten in the drawing."""

    layers: int
    low: int
    high: int

    def x(self, layer: float) -> float:
        return LEFT + (RIGHT - LEFT) * layer / (self.layers + 1)

    def y(self, log10: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (log10 - self.low) / (self.high - self.low)

    def points(self, layers: Iterable[float], values: Iterable[float]) -> str:
        return " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(layers, values, strict=True))


def profile_svg(mean: Array, spread: Array, quantity: str) -> str:
    """A curve by layer on a logarithmic axis, with its band; it is interrupted at layers with an exact zero.

    mean: log10 (depth,), NaN for an exact zero; spread: lowest and highest (2, depth). Same numbers, same bytes.
    """
    drawn = spread[np.isfinite(spread)] if np.isfinite(spread).any() else np.zeros(1)
    high = int(np.ceil(drawn.max())) + 1
    low = min(int(np.floor(drawn.min())) - 1, high - DECADES)
    axes = _Axes(len(mean), low, high)
    known = np.isfinite(mean)
    runs = [run for run in np.split(np.arange(len(mean)), np.flatnonzero(np.diff(known)) + 1) if known[run[0]]]
    parts = [*_frame(axes, quantity), *(part for run in runs for part in _curve(axes, run, mean, spread))]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="{html.escape(theme.FONT)}" font-size="15" fill="{theme.INK}" role="img">'
        f"<title>{html.escape(in_words(mean, quantity))}</title>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{theme.PAPER}"/>{"".join(parts)}</svg>'
    )


def _curve(axes: _Axes, run: Array, mean: Array, spread: Array) -> list[str]:
    """The band and the line over consecutive layers."""
    layers = run + 1
    edge = axes.points([*layers, *layers[::-1]], [*spread[0][run], *spread[1][run][::-1]])
    dots = "".join(
        f'<circle cx="{axes.x(layer):.1f}" cy="{axes.y(value):.1f}" r="2.5"/>'
        for layer, value in zip(layers, mean[run], strict=True)
    )
    return [
        f'<polygon points="{edge}" fill="{theme.INK}" fill-opacity="0.15"/>',
        f'<polyline points="{axes.points(layers, mean[run])}" fill="none" stroke="{theme.INK}" stroke-width="2.5"/>',
        dots,
    ]


def _frame(axes: _Axes, quantity: str) -> list[str]:
    """Grid, axes, their numbers and titles, and the arrow of the backward pass."""
    parts = []
    for power in _ticks(axes.low, axes.high, at_most=9):
        y = axes.y(power)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="{theme.GRID}"/>')
        parts.append(_text(LEFT - 8, y + 5, theme.power_of_ten(power), "end"))
    for layer in [1, *_ticks(2, axes.layers, at_most=8)]:
        parts.append(_text(axes.x(layer), BOTTOM + 20, str(layer), "middle"))
        parts.append(f'<path d="M{axes.x(layer):.1f} {BOTTOM}v5" stroke="{theme.MUTED}"/>')
    middle = (TOP + BOTTOM) / 2
    return [
        *parts,
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="{theme.MUTED}"/>',
        _text((LEFT + RIGHT) / 2, BOTTOM + 42, "layer (input left, loss right)", "middle"),
        f'<g transform="rotate(-90 22 {middle})">{_text(22, middle, quantity, "middle")}</g>',
        f'<path d="M{RIGHT} {HEIGHT - 9}h-110m8 -5l-8 5l8 5" fill="none" stroke="{theme.MUTED}" stroke-width="1.5"/>',
        _text(RIGHT - 118, HEIGHT - 4, "backward pass", "end"),
    ]


def _text(x: float, y: float, content: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(content)}</text>'


def _ticks(low: int, high: int, at_most: int) -> list[int]:
    """At most `at_most` whole numbers from low to high, at an equal round distance."""
    distance = next(
        each * 10**power for power in range(9) for each in (1, 2, 5) if (high - low) / (each * 10**power) < at_most
    )
    return [number for number in range(low, high + 1) if number % distance == 0]
