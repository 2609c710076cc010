"""Lesson 07: residual networks, the lengths of their paths, and gradients that shatter."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.arrays import Array
from helpers.panels.controls import dropdown, float_slider, int_slider, steps
from helpers.panels.curves import decades_range, layers_range, next_of, over_seeds, padded
from helpers.panels.panel import Panel
from helpers.residual import (
    ResidualSpec,
    autocorrelation,
    input_gradients,
    path_energies,
    residual_profile,
)
from helpers.words import counted

MOST_BLOCKS = 50
NORMALIZATIONS = {
    "none": "none",
    "pre-norm, layer": "pre_layer",
    "post-norm, layer": "post_layer",
    "pre-norm, batch": "pre_batch",
    "post-norm, batch": "post_batch",
}
DEFAULT_BRANCH = round(float(np.sqrt(1 / 18)), 3)
"""The branch strength with PyTorch's default weights: two layers of variance 1/(3 fan_in) and a ReLU."""
BRANCHES = [0.0, 0.05, 0.1, 0.15, 0.2, DEFAULT_BRANCH, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5]


def residual_networks() -> Panel:
    """A network of two-layer branches on the digits, from plain to residual: its gradient signal and its sizes."""
    length = MOST_BLOCKS + 1

    def compute(skip: float, branch: float, norm: str, blocks: int, width: int) -> dict[str, Any]:
        spec = ResidualSpec(blocks=blocks, width=width, skip=skip, branch=branch, norm=norm)
        profile, predicted = residual_profile(spec), theory.residual_theory(blocks, skip, branch, norm)
        signal, spread = over_seeds(profile.log10_signal)
        with np.errstate(divide="ignore"):
            size, sizes = over_seeds(np.log10(profile.size))
            size_theory = size[0] + np.log10(predicted.size)
        signal_theory = signal[-1] + predicted.log10_signal
        return {
            "measured": padded(signal, length),
            "spread over seeds": padded(spread, length),
            "theory": padded(np.where(np.isfinite(signal_theory), signal_theory, np.nan), length),
            "size": padded(size, length),
            "spread of sizes": padded(sizes, length),
            "size in theory": padded(np.where(np.isfinite(size_theory), size_theory, np.nan), length),
            "ranges": {
                **dict.fromkeys(("xaxis", "xaxis2"), [-0.5, layers_range(blocks)[1]]),
                "yaxis": decades_range(spread, signal_theory),
                "yaxis2": decades_range(sizes, size_theory),
            },
            "net": picture.blocks(profile, arrives=signal[0] - signal[-1]),
            "summary": _summary(spec, profile.log10_signal, size, predicted),
        }

    controls = {
        "skip": float_slider("skip strength", 1.0, 0, 1, 0.05),
        "branch": steps("branch scale α", [(f"{branch:g}", branch) for branch in BRANCHES], 1.0),
        "norm": dropdown("normalization", NORMALIZATIONS, "none"),
        "blocks": int_slider("blocks", 20, 1, MOST_BLOCKS),
        "width": steps("width", [16, 32, 64, 128], 64),
    }
    full = {"branch": 1.0, "norm": "none", "blocks": 20, "width": 64}
    presets = {
        "plain": {**full, "skip": 0.0},
        "plain, PyTorch's default": {**full, "skip": 0.0, "branch": DEFAULT_BRANCH},
        "plain with batch normalization": {**full, "skip": 0.0, "norm": "post_batch"},
        "residual without normalization": {**full, "skip": 1.0},
        "post-norm": {**full, "skip": 1.0, "norm": "post_layer"},
        "pre-norm": {**full, "skip": 1.0, "norm": "pre_layer"},
        "zero-initialised": {**full, "skip": 1.0, "branch": 0.0},
    }
    title = "From plain to residual"
    figure = figures.signal_and_size(np.arange(length), title=title, low=-4, high=4)
    return Panel("residual_networks", figure, controls, compute, presets)


def _summary(spec: ResidualSpec, log10_signal: Array, size: Array, predicted: theory.ResidualTheory) -> str:
    kind = f"{counted(spec.blocks, 'block')}, skip {spec.skip:g}, branch {spec.branch:g}"
    if not np.isfinite(size[-1]):
        return f"{kind}: nothing gets through.\nThere is neither skip nor branch."
    ways = (log10_signal[:, 0] - log10_signal[:, -1]) / spec.blocks
    law = predicted.log10_signal[0] / spec.blocks
    kinds = {value: name for name, value in NORMALIZATIONS.items()}
    kinds["none"] = "no normalization"
    return (
        f"The stem receives {theme.share(ways.mean() * spec.blocks, 'the last block')}.\n"
        f"{kind}, {kinds[spec.norm]}: a factor of {10 ** ways.mean():.3g} per block (theory {10**law:.3g}). "
        f"Forward, h ends at {theme.scientific(size[-1] - size[0])} × its size at the stem."
    )


def path_lengths() -> Panel:
    """The number of paths of each length, and the share of the gradient that they carry."""
    length = 61

    def compute(blocks: int, branch: float, norm: str) -> dict[str, Any]:
        spec = ResidualSpec(blocks=blocks, width=32, branch=branch, norm=norm, batch=8)
        measured = path_energies(spec).mean(axis=0)
        expected = theory.path_lengths(theory.residual_theory(blocks, 1.0, branch, norm).share)
        count = np.arange(blocks + 1)
        low, high = _middle(measured)
        return {
            "all paths": padded(theory.path_lengths(np.full(blocks, 0.5)), length),
            "gradient": padded(measured, length),
            "gradient in theory": padded(expected, length),
            "ranges": {
                "xaxis": [-0.7, layers_range(blocks)[1] + 0.2],
                "yaxis": [0.0, next_of((0.25, 0.5, 1.05), float(max(measured.max(), expected.max())))],
            },
            "summary": f"The gradient that arrives has passed {float(measured @ count):.2f} branches on average.\n"
            f"Theory: {float(expected @ count):.2f}; nine tenths came through {low} to {high}. "
            f"{counted(blocks, 'block')}: {theme.scientific(blocks * np.log10(2))} paths, most of them "
            f"through about {blocks / 2:g} branches.",
        }

    controls = {
        "blocks": int_slider("blocks", 20, 1, length - 1),
        "branch": steps("branch scale α", [(f"{branch:g}", branch) for branch in BRANCHES], 1.0),
        "norm": dropdown(
            "normalization", {name: value for name, value in NORMALIZATIONS.items() if "batch" not in value}, "none"
        ),
    }
    presets = {
        "every branch at full strength": {"blocks": 20, "branch": 1.0, "norm": "none"},
        "pre-norm": {"blocks": 20, "branch": 1.0, "norm": "pre_layer"},
        "weak branches": {"blocks": 20, "branch": 0.2, "norm": "none"},
        "54 blocks, as in 110 layers": {"blocks": 54, "branch": 0.7, "norm": "none"},
    }
    title = "Which paths carry the gradient"
    return Panel("path_lengths", figures.path_lengths(np.arange(length), title=title), controls, compute, presets)


def _middle(shares: Array) -> tuple[int, int]:
    """Return the lengths between which nine tenths of the shares lie, leaving a twentieth on each side."""
    below = np.cumsum(shares)
    return int(np.searchsorted(below, 0.05)), int(np.searchsorted(below, 0.95))


def shattered_gradients() -> Panel:
    """The gradient of a network along a line of inputs, and the distance over which gradients stay similar."""
    x, lags = np.linspace(-2, 2, 256), np.arange(41)

    def compute(skip: float, blocks: int, branch: float, norm: str) -> dict[str, Any]:
        spec = ResidualSpec(blocks=blocks, width=64, skip=skip, branch=branch, norm=norm)
        gradients = input_gradients(spec, x[:, None])[..., 0]
        correlations = autocorrelation(gradients, len(lags))
        mean = correlations.mean(axis=0)
        first = gradients[0] / max(float(np.sqrt(np.mean(gradients[0] ** 2))), np.finfo(float).tiny)
        return {
            "gradient": np.clip(first, -4, 4),
            "autocorrelation": mean,
            "spread over seeds": np.stack([correlations.min(axis=0), correlations.max(axis=0)]),
            "summary": f"The gradients of two neighbouring inputs correlate at {mean[1]:.2f}.\n"
            f"{counted(blocks, 'block')}, skip {skip:g}: 5 steps apart {mean[5]:.2f}, 20 steps apart "
            f"{mean[20]:.2f}. White noise has 0 at any distance.",
        }

    batch_kinds = {name: value for name, value in NORMALIZATIONS.items() if "layer" not in value}
    controls = {
        "skip": float_slider("skip strength", 1.0, 0, 1, 0.05),
        "blocks": int_slider("blocks", 24, 1, MOST_BLOCKS),
        "branch": steps("branch scale α", [(f"{branch:g}", branch) for branch in BRANCHES if branch], 1.0),
        "norm": dropdown("normalization", batch_kinds, "pre_batch"),
    }
    presets = {
        "plain, 2 blocks": {"skip": 0.0, "blocks": 2, "branch": 1.0, "norm": "pre_batch"},
        "plain, 24 blocks": {"skip": 0.0, "blocks": 24, "branch": 1.0, "norm": "pre_batch"},
        "residual, 24 blocks": {"skip": 1.0, "blocks": 24, "branch": 1.0, "norm": "pre_batch"},
        "residual, weak branches": {"skip": 1.0, "blocks": 50, "branch": 0.1, "norm": "pre_batch"},
        "plain, no normalization": {"skip": 0.0, "blocks": 24, "branch": 1.0, "norm": "none"},
    }
    title = "The gradient by the input, along a line of inputs"
    return Panel("shattered_gradients", figures.shattered_gradients(x, lags, title=title), controls, compute, presets)
