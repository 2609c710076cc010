"""The losses of runs in progress, as a drawing that takes a fraction of a millisecond to make."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from helpers import theme

WIDTH, HEIGHT = 640, 150
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 8, 34
COLOURS = (
    theme.MEASURED,
    theme.ACTIVATION_COLOURS["tanh"],
    theme.ACTIVATION_COLOURS["relu"],
    theme.ACTIVATION_COLOURS["elu"],
)
SMALL = 0.001
"""Smaller numbers are written as powers of ten."""

DASHES = ("", "8 4", "2 3", "8 3 2 3")
STYLE = f"""<style>.growing-curves {{ max-width: {WIDTH}px; color: {theme.INK}; font: 14px/1.4 {theme.FONT}; }}
.growing-curves text {{ fill: {theme.INK}; font-size: {theme.SMALL}px; }}
.growing-curves span {{ display: inline-block; margin-right: 18px; }}
[data-jp-theme-light="false"] .growing-curves, [data-vscode-theme-kind="vscode-dark"] .growing-curves
  {{ filter: invert(0.92) hue-rotate(180deg); }}</style>"""


@dataclass(frozen=True)
class Curve:
    """A run so far: `values`, positive or gaps, at `steps`, of `end` steps in all."""

    steps: Sequence[float]
    values: Sequence[float]
    end: int


def growing_curves(runs: Mapping[str, Curve], quantity: str, along: str = "steps") -> str:
    """Return HTML: a line for each run, `quantity` on a logarithmic axis over all steps, and its last value beneath."""
    low, high = _limits([value for run in runs.values() for value in run.values if _is_drawn(value)] or [1.0])
    end = max(run.end for run in runs.values())

    def across(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / end, 1)

    def up(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * math.log(high / value) / math.log(high / low), 1)

    parts, legend = [], []
    for value in _ticks(low, high):
        parts.append(f'<path d="M{LEFT},{up(value)}H{WIDTH - RIGHT}" stroke="{theme.GRID}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(value) + 4}" text-anchor="end">{_tick_text(value)}</text>')
    for step, anchor, words in ((0, "start", "0"), (end / 2, "middle", along), (end, "end", f"{end:g}")):
        parts.append(f'<text x="{across(step)}" y="{HEIGHT - 8}" text-anchor="{anchor}">{words}</text>')
    parts.append(f'<path d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{theme.MUTED}"/>')
    for number, (name, run) in enumerate(runs.items()):
        again, place = divmod(number, len(COLOURS))
        colour, dash = COLOURS[place], DASHES[(place + again) % len(DASHES)]
        points = " ".join(f"{across(s)},{up(v)}" for s, v in zip(run.steps, run.values, strict=True) if _is_drawn(v))
        stroke = f'fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {stroke}/>')
        sample = f'<svg width="30" height="10"><path d="M0,5H30" {stroke}/></svg>'
        legend.append(f"<span>{sample} {escape(name)}: {_last(run)}</span>")
    label = escape(f"{quantity}: {described(runs)}")
    drawing = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    title = f"<div>{escape(quantity)}</div>"
    return f'{STYLE}<div class="growing-curves">{title}{drawing}<div>{"".join(legend)}</div></div>'


def described(runs: Mapping[str, Curve]) -> str:
    """Return a sentence about the runs, with the last value and the step of each."""
    return "; ".join(f"{name} {_last(run)} at step {run.steps[-1]:g} of {run.end}" for name, run in runs.items())


def _last(run: Curve) -> str:
    value = run.values[-1]
    return theme.scientific(math.log10(value)) if 0 < value < SMALL else f"{value:.3g}"


def _tick_text(value: float) -> str:
    return theme.power_of_ten(math.log10(value)) if value < SMALL else f"{value:.12g}"


def _is_drawn(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return limits around these values, each 1, 2 or 5 times a power of ten, at least a factor of 10 apart."""
    steps = [digit * 10.0**exponent for exponent in range(-40, 41) for digit in (1, 2, 5)]
    high = next((step for step in steps if step >= max(values)), steps[-1])
    low = next((step for step in reversed(steps) if step <= min(values)), steps[0])
    low = min(low, high / 10)
    return (10.0 ** math.floor(math.log10(low) + 1e-9) if low < SMALL else low), high


def _ticks(low: float, high: float) -> list[float]:
    """Return both ends and at most three powers of ten between them, a line of text apart from the ends."""
    first, last = math.log10(low), math.log10(high)
    room = 0.15 * (last - first)
    between = range(math.ceil(first + room), math.floor(last - room) + 1)
    return [low, *(10.0**exponent for exponent in between[:: -(-len(between) // 3) or 1]), high]
