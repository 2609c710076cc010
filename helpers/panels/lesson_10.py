"""Lesson 10: gradient clipping."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme
from helpers.arrays import Array
from helpers.clipping import FACTORS, cosine, descend, gradient_parts, one_unit_loss
from helpers.panels.controls import dropdown, float_slider, int_slider, log_slider
from helpers.panels.curves import decades_range, gaps_for_zero, layers_range, over_seeds, padded
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture

LONGEST, UNITS = 60, 32
NETWORKS = {"recurrent": "recurrent", "feed-forward": "layers"}
RULES = {"by norm": "norm", "by value": "value"}
UPDATES = 50
WEIGHTS, BIASES = np.linspace(2, 8, 121), np.linspace(-4.5, 3, 151)


def gradient_clipping() -> Panel:
    """Threshold, rule and spectral radius: the gradient of a tanh network before and after clipping, part by part."""

    def compute(network: str, length: int, radius: float, threshold: float, rule: str) -> dict[str, Any]:
        parts, whole = gradient_parts(network, length, radius)
        factors = FACTORS[rule](whole, threshold)
        before, after = _log10_norms(parts), _log10_norms(parts * factors)
        mean, spread = over_seeds(before)
        clipped = gaps_for_zero(after).mean(axis=0)
        kept = clipped - mean
        places = layers_range(length)
        return {
            "before": padded(mean, LONGEST),
            "spread over seeds": padded(spread, LONGEST),
            "after": padded(clipped, LONGEST),
            "after / before": padded(kept, LONGEST),
            "ranges": {
                "xaxis": places,
                "xaxis2": places,
                "yaxis": decades_range(spread, clipped),
                "yaxis2": decades_range(kept),
            },
            "net": _pictures(network, parts[0], (parts * factors)[0]),
            "summary": _summary(network, rule, whole, whole * factors, mean, clipped),
        }

    controls = {
        "network": dropdown("network", NETWORKS, "recurrent"),
        "length": int_slider("steps or layers", 50, 5, LONGEST),
        "radius": float_slider("spectral radius", 3.0, 0.5, 4.0, 0.1),
        "threshold": log_slider("threshold", 1.0, -3, 2),
        "rule": dropdown("clip", RULES, "norm"),
    }
    exploding = {"network": "recurrent", "length": 50, "radius": 3.0, "threshold": 1.0, "rule": "norm"}
    layers = {**exploding, "network": "layers"}
    presets = {
        "an exploding RNN": exploding,
        "a vanishing RNN": {**exploding, "radius": 0.5, "threshold": 10.0},
        "exploding layers": layers,
        "vanishing layers": {**layers, "radius": 0.5},
        "exploding layers, by value": {**layers, "rule": "value", "threshold": 0.01},
    }
    figure = figures.before_and_after(
        np.arange(1, LONGEST + 1), title="A gradient before and after clipping", low=-20, high=12
    )
    return Panel("gradient_clipping", figure, controls, compute, presets)


def _pictures(network: str, before: Array, after: Array) -> list[NetworkPicture]:
    """Return pictures of one draw's gradient before and after clipping."""
    kind = "layers" if network == "layers" else "steps"
    size, more = (len(before), -1, UNITS), {} if kind == "layers" else {"cell": "rnn"}
    first = 0 if kind == "layers" else 1  # step 1 adds nothing, since its initial state is 0
    whole, clipped = before.reshape(size)[first:], after.reshape(size)[first:]
    return [
        picture.parts(each, whole, kind, 8, title=title, last=len(before), **more)
        for title, each in (("before", whole), ("after", clipped))
    ]


def _log10_norms(parts: Array) -> Array:
    with np.errstate(divide="ignore"):
        norms: Array = np.log10(np.linalg.norm(parts, axis=2))
    return norms


def _summary(network: str, rule: str, whole: Array, clipped: Array, before: Array, after: Array) -> str:
    size, left = (float(np.log10(np.linalg.norm(g, axis=(1, 2))).mean()) for g in (whole, clipped))
    name, first = ("layer", 1) if network == "layers" else ("step", 2)  # step 1 adds nothing: its initial state is 0
    ratios = [theme.scientific(float(line[first - 1] - line[-1])) for line in (before, after)]
    text = f"The whole gradient has norm {theme.scientific(size)} before, {theme.scientific(left)} after.\n"
    if np.array_equal(whole, clipped):
        text += f"The threshold is not reached: clipping multiplies every {name} by 1. "
    elif rule == "norm":
        factor = theme.scientific(left - size)
        text += f"In each draw every {name} is multiplied by one number, {factor} on average. "
    else:
        text += (
            f"Each entry is cut by itself; the cosine between before and after is {cosine(whole, clipped).mean():.2f}. "
        )
    return f"{text}{name.capitalize()} {first} over {name} {len(before)}: {ratios[0]} before, {ratios[1]} after."


# The cliff ------------------------------------------------------------------------------------------------------------


@cache
def _surface() -> Array:
    """Return the loss (biases, weights) of the one-unit network."""
    return one_unit_loss(*np.meshgrid(WEIGHTS, BIASES))


def cliff() -> Panel:
    """Gradient descent on a loss with a cliff, with and without clipping, starting where you click."""

    def compute(weight: float, bias: float, learning_rate: float, threshold: float) -> dict[str, Any]:
        free = descend(weight, bias, learning_rate=learning_rate, updates=UPDATES)
        clipped = free
        if free.gradients.max() > threshold:
            clipped = descend(weight, bias, learning_rate=learning_rate, updates=UPDATES, threshold=threshold)
        return {
            "without clipping": np.stack([free.weights, free.biases]),
            "clipped": np.stack([clipped.weights, clipped.biases]),
            "start": np.array([[weight], [bias]]),
            "loss without clipping": free.losses,
            "loss, clipped": clipped.losses,
            "summary": f"Longest step: {free.longest_step:.3g} without clipping, {clipped.longest_step:.3g} clipped at "
            f"{threshold:.3g}.\n"
            f"The largest gradient met without clipping is {theme.number(float(free.gradients.max()))}. "
            f"The loss ends at {free.losses[-1]:.3f}; clipped, at {clipped.losses[-1]:.3f}.",
        }

    controls = {
        "weight": float_slider("start: weight", 5.0, 2.0, 8.0, 0.1),
        "bias": float_slider("start: bias", -2.0, -4.5, 3.0, 0.1),
        "learning_rate": log_slider("learning rate", 1.0, -1, 1),
        "threshold": log_slider("threshold", 0.1, -2, 2),
    }
    start = {"weight": 5.0, "bias": -2.0, "learning_rate": 1.0, "threshold": 0.1}
    presets = {
        "thrown off the cliff": start,
        "a smaller learning rate": {**start, "learning_rate": 10**-0.75},
        "a threshold too high": {**start, "threshold": 10.0},
        "from above the cliff": {**start, "bias": -3.0, "learning_rate": 10**-0.25},
        "a gentle slope: nothing to clip": {**start, "weight": 7.0, "bias": -1.0},
    }
    figure = figures.cliff(WEIGHTS, BIASES, _surface(), UPDATES)
    return Panel("cliff", figure, controls, compute, presets, click={"loss": ("weight", "bias")})
