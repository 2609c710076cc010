"""Lesson 01: a chain of single neurons."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme
from helpers.activations import ACTIVATIONS
from helpers.arrays import Array
from helpers.panels.controls import activation_choice, dropdown, float_slider, int_slider
from helpers.panels.curves import DEEPEST, LAYERS, decades_range, gaps_for_zero, layers_range, next_of, padded
from helpers.panels.panel import Panel

FREE, HELD = "free", "held"
Z = np.linspace(-8, 8, 161)


def definition() -> Panel:
    """A chain of single neurons: depth, weight, pre-activation and activation set its gradient."""
    controls = {
        "depth": int_slider("depth", 20, 1, DEEPEST),
        "weight": float_slider("weight", 1.0, 0.1, 10, 0.1),
        "preactivation": float_slider("pre-activation", 0.0, -6, 6, 0.1),
        "activation": activation_choice("sigmoid"),
        "bias": dropdown("biases", {"hold z": HELD, "zero": FREE}, HELD),
    }
    still = {"activation": "sigmoid", "bias": HELD, "preactivation": 0.0}
    presets = {
        "a shallow chain": {**still, "depth": 4, "weight": 1.0},
        "ten times deeper": {**still, "depth": 40, "weight": 1.0},
        "weight 4 at zero: the knife's edge": {**still, "depth": 40, "weight": 4.0},
        "weight 6 at zero: explosion": {**still, "depth": 40, "weight": 6.0},
        "saturated": {**still, "depth": 40, "weight": 4.0, "preactivation": 4.0},
        "weight 6, zero bias": {**still, "depth": 40, "weight": 6.0, "bias": FREE},
    }
    return Panel("definition", figures.chain(LAYERS, Z), controls, _chain_state, presets)


def _chain_state(depth: int, weight: float, preactivation: float, activation: str, bias: str) -> dict[str, Any]:
    """Compute the panel's content for these controls."""
    function, slope = ACTIVATIONS[activation].function, ACTIVATIONS[activation].slope
    places = np.full(depth, preactivation)
    if bias == FREE:
        for k in range(1, depth):
            places[k] = np.clip(weight * function(places[k - 1]), -1e6, 1e6)
    slopes, curve = slope(places), _slope_curve(activation)
    with np.errstate(divide="ignore"):
        factors = np.log10(np.abs(weight * slopes[1:]))
        steepest = np.log10(weight * np.max(np.abs(curve)))
    top = next_of((0.3, 1.2, 1.9), np.max(curve))
    largest = steepest * np.arange(depth - 1, -1, -1)
    # The backward pass: from the last neuron to the first, one factor weight × slope per neuron.
    signal = np.append(np.cumsum(factors[::-1])[::-1], 0.0)
    measured = gaps_for_zero(signal)
    return {
        "measured": padded(measured),
        "largest slope everywhere": padded(largest),
        "slope": curve,
        "first neuron": _point(places[0], slopes[0]),
        "last neuron": _point(places[-1], slopes[-1]),
        "ranges": {
            "xaxis": layers_range(depth),
            "yaxis": decades_range(measured, largest),
            "yaxis2": [-0.16 * top, top],
        },
        "net": picture.chain(slopes, function(places), weight, activation),
        "summary": _chain_summary(depth, signal[0], float(slopes[0])),
    }


@cache
def _slope_curve(activation: str) -> Array:
    return ACTIVATIONS[activation].slope(Z)


def _point(z: float, slope: float) -> Array:
    """Return the place of one neuron on the slope curve as (2, 1), moved to the plot's edge if it lies outside."""
    return np.array([[min(max(z, -8.0), 8.0)], [slope]])


def _chain_summary(depth: int, log10_signal: float, first_slope: float) -> str:
    with np.errstate(divide="ignore"):
        log10_gradient = log10_signal + float(np.log10(abs(first_slope)))
    # A step moves the first weight by learning rate × gradient (its input is 1), so 0.01 takes 0.01 / (0.1 · gradient).
    log10_steps = max(-1.0 - log10_gradient, 0.0)
    if depth == 1:
        text = "There is only one neuron.\n"
    else:
        text = f"The first neuron receives {theme.share(log10_signal, 'the last one')}.\n"
    if log10_gradient == -np.inf:
        return text + "Its weight never moves."
    if log10_steps == 0:
        return text + "Its weight moves by 0.01 or more in a single step at learning rate 0.1."
    text += f"Its weight needs {theme.scientific(log10_steps)} steps at learning rate 0.1 to move by 0.01"
    a_minute_of_steps = np.log10(60_000)
    return text + (
        f": at a thousand steps a second, {_duration(log10_steps - 3)}." if log10_steps > a_minute_of_steps else "."
    )


def _duration(log10_seconds: float) -> str:
    units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86400.0), ("years", 31557600.0)]
    age_of_universe = 13.8e9 * 31557600.0
    if log10_seconds > np.log10(age_of_universe):
        return f"{theme.scientific(log10_seconds - np.log10(age_of_universe))} times the age of the universe"
    seconds = 10**log10_seconds
    name, size = next((u for u in reversed(units) if seconds >= u[1]), units[0])
    return f"{theme.scientific(np.log10(seconds / size))} {name}"
