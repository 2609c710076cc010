"""Lesson 06: batch and layer normalization in deep networks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.arrays import Array
from helpers.datasets import classification_batch
from helpers.network import NetworkSpec, Parameters, backpropagate, gradient_profile, initial_parameters
from helpers.panels.controls import dropdown, float_slider, int_slider, log_slider, steps
from helpers.panels.curves import BATCH, DEEPEST, LAYERS, decades_range, layers_range, over_seeds, padded
from helpers.panels.panel import Panel

WIDTH, SEEDS = 64, 4
BATCHES = [4, 8, 16, 32, 64, 128, 256]
GAINS = [0.25, 0.354, 0.5, 0.707, 1.0, 1.414, 2.0, 2.828, 4.0]
NORMALIZATIONS = {"batch": "batch", "layer": "layer", "none": "none"}
NORMALIZATION_NAMES = {"batch": "batch normalization", "layer": "layer normalization", "none": "no normalization"}
# SiLU, GELU, softplus and SELU are left out: a few samples far above the others, and the law for large batches is off.
ACTIVATIONS = {
    theme.ACTIVATION_NAMES[name]: name
    for name in ("relu", "leaky_relu", "elu", "tanh", "hard_tanh", "sigmoid", "linear")
}
LEAST_DIFFERENCE = 1e-7  # the smallest difference of two activations that float32 resolves


def batch_norm() -> Panel:
    """A deep network with batch or layer normalization or none: its gradient, and how alike two digits look."""
    controls = {
        "norm": dropdown("normalization", NORMALIZATIONS, "batch"),
        "activation": dropdown("activation", ACTIVATIONS, "relu"),
        "depth": int_slider("depth", 50, 2, DEEPEST),
        "batch": steps("batch size", BATCHES, 128),
        "gain": steps("gain", [(f"{gain:.3g}", gain) for gain in GAINS], 1.414),
        "skip": float_slider("skip", 0.0, 0, 1, 0.1),
        "norm_bias": float_slider("bias β", 0.0, 0, 3, 0.25),
    }
    plain = {
        "norm": "none",
        "activation": "relu",
        "depth": 50,
        "batch": 128,
        "gain": 1.414,
        "skip": 0.0,
        "norm_bias": 0.0,
    }
    batch = {**plain, "norm": "batch"}
    presets = {
        "no normalization": plain,
        "batch normalization": batch,
        "gain 4: see what tilts": {**batch, "gain": 4.0},
        "a batch of 8": {**batch, "batch": 8},
        "sigmoid, rescued": {**batch, "activation": "sigmoid", "gain": 1.0},
        "layer normalization": {**batch, "norm": "layer"},
        "with skips": {**batch, "skip": 1.0},
        "bias β = 2": {**batch, "norm_bias": 2.0},
    }
    title = "A deep network with and without normalization"
    figure = figures.signal_and_difference(LAYERS, title=title, low=-12, high=12)
    return Panel("batch_norm", figure, controls, _batch_norm_state, presets)


def _batch_norm_state(
    norm: str, activation: str, depth: int, batch: int, gain: float, skip: float, norm_bias: float
) -> dict[str, Any]:
    """Compute the panel's content for these controls."""
    spec = NetworkSpec(
        depth=depth,
        width=WIDTH,
        activation=activation,
        gain=gain,
        norm=norm,
        skip=skip,
        batch=batch,
        seeds=SEEDS,
        norm_bias=0.0 if norm == "none" else norm_bias,
    )
    profile = gradient_profile(spec)
    mean, spread = over_seeds(profile.log10_signal)
    plain = np.full(depth, np.nan) if norm == "none" else mean[-1] + _without_normalization(spec)
    predicted = mean[-1] + _predicted(spec)
    difference = _difference(profile.similarity.mean(axis=0))
    layers = layers_range(depth)
    return {
        "measured": padded(mean),
        "spread over seeds": padded(spread),
        "theory": padded(predicted),
        "without normalization": padded(plain),
        "difference of two digits": padded(difference),
        "ranges": {
            "xaxis": layers,
            "xaxis2": layers,
            "yaxis": decades_range(spread, predicted, plain),
            "yaxis2": decades_range(difference),
        },
        "net": picture.layers(profile, arrives=mean[0] - mean[-1]),
        "summary": _summary(spec, mean, plain),
    }


def _without_normalization(spec: NetworkSpec) -> Array:
    """Return log10 of signal_l / signal_L of the same networks without normalization, on as few digits as needed."""
    return _relative_signal(replace(spec, norm="none", norm_bias=0.0, batch=min(spec.batch, BATCH)))


@lru_cache(maxsize=64)  # one result serves all kinds of normalization, all biases and all large batches
def _relative_signal(spec: NetworkSpec) -> Array:
    mean, _ = over_seeds(gradient_profile(spec).log10_signal)
    relative: Array = mean - mean[-1]
    return relative


def _predicted(spec: NetworkSpec) -> Array:
    """Return log10 of signal_l / signal_L in theory; gaps for skips without normalization, the subject of lesson 07."""
    if spec.norm != "none":
        return theory.normalized_profile(spec.activation, spec.norm, spec.depth, spec.skip, spec.norm_bias)
    if spec.skip:
        return np.full(spec.depth, np.nan)
    return theory.signal_profile(spec.activation, spec.weight_variance, 0.0, spec.depth, input_second_moment=1.0)


def _difference(similarity: Array) -> Array:
    """Return log10 of 1 - cos of two inputs; a gap where float32 cannot distinguish them."""
    difference = 1 - similarity
    return np.log10(np.where(difference > LEAST_DIFFERENCE, difference, np.nan))


def _summary(spec: NetworkSpec, mean: Array, plain: Array) -> str:
    measured = 10 ** ((mean[0] - mean[-1]) / (spec.depth - 1))
    skips = f", skips of {spec.skip:.1f}" if spec.skip else ""
    bias = f" with bias β = {spec.norm_bias:g}" if spec.norm_bias else ""
    law = _predicted(spec)
    by_theory = "" if np.isnan(law[0]) else f" (theory {10 ** (law[0] / (spec.depth - 1)):.3f})"
    name = NORMALIZATION_NAMES[spec.norm]
    without = "" if np.isnan(plain[0]) else f" Without normalization: {theme.scientific(plain[0] - plain[-1])}."
    return (
        f"Layer 1 receives {theme.share(mean[0] - mean[-1], f'layer {spec.depth}')}.\n"
        f"{theme.ACTIVATION_NAMES[spec.activation]}, {name}{bias}, gain {spec.gain:.3g}{skips}, "
        f"batches of {spec.batch}: ×{theme.UNBROKEN}{measured:.3f} per layer{by_theory}.{without}"
    )


# Scale invariance ----------------------------------------------------------------------------------------------------

SCALES = np.linspace(-4, 2, 61)


def scale_invariance() -> Panel:
    """The last hidden layer's weights times a factor: the effect on the loss and on that layer's gradient."""

    def compute(norm: str, activation: str, scale: float) -> dict[str, Any]:
        loss, gradient = _over_all_scales(norm, activation)
        here = np.log10([scale])
        loss_here, gradient_here = _over_scales(norm, activation, here)
        one = int(np.argmin(np.abs(SCALES)))
        return {
            "loss": loss,
            "loss here": np.array([here, loss_here]),
            "‖∂L/∂W‖": gradient,
            "1 / scale": gradient[one] - SCALES,
            "gradient here": np.array([here, gradient_here]),
            "summary": f"Weights × {scale:.3g}: gradient × {theme.scientific(gradient_here[0] - gradient[one])}.\n"
            f"{NORMALIZATION_NAMES[norm].capitalize()}: the loss is {loss_here[0]:.4f}, "
            f"and {loss[one]:.4f} at scale 1.",
        }

    controls = {
        "norm": dropdown("normalization", NORMALIZATIONS, "batch"),
        "activation": dropdown("activation", ACTIVATIONS, "relu"),
        "scale": log_slider("weights times", 1.0, -4, 2),
    }
    batch = {"norm": "batch", "activation": "relu"}
    presets = {
        "ten times the weights": {**batch, "scale": 10.0},
        "a tenth": {**batch, "scale": 0.1},
        "so small that ε shows": {**batch, "scale": 0.0001},
        "no normalization": {**batch, "norm": "none", "scale": 10.0},
    }
    title = "One layer's weights, times a factor"
    return Panel(
        "scale_invariance", figures.loss_and_gradient_by_scale(SCALES, title=title), controls, compute, presets
    )


@cache
def _over_all_scales(norm: str, activation: str) -> tuple[Array, Array]:
    """Return `_over_scales` of `SCALES`, which most states of the panel share."""
    return _over_scales(norm, activation, SCALES)


def _over_scales(norm: str, activation: str, log10_scales: Array) -> tuple[Array, Array]:
    """Return loss and log10‖∂L/∂W₄‖ of a four-layer network whose fourth weight matrix is multiplied by each scale."""
    one = NetworkSpec(depth=4, width=32, activation=activation, norm=norm, batch=64, seeds=1)
    drawn = initial_parameters(one, inputs=64, classes=10)
    many = replace(one, seeds=len(log10_scales))
    weights = [np.repeat(weight, many.seeds, axis=0) for weight in drawn.weights]
    weights[-2] = weights[-2] * (10.0**log10_scales)[:, None, None]
    biases = [np.repeat(bias, many.seeds, axis=0) for bias in drawn.biases]
    profile = backpropagate(many, Parameters(weights, biases), *classification_batch("digits", many.batch))
    return profile.loss, profile.log10_weight_gradient[:, -1]
