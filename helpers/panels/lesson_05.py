"""Lesson 05: the scale of the weights at initialization."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.arrays import Array, mean_cosine
from helpers.datasets import classification_batch
from helpers.jacobians import input_output_jacobian, singular_values
from helpers.network import GradientProfile, NetworkSpec, gradient_profile, initial_parameters
from helpers.panels.controls import activation_choice, dropdown, float_slider, int_slider, steps
from helpers.panels.curves import (
    BATCH,
    DEEPEST,
    LAYERS,
    decades_range,
    default_bias_std,
    layers_range,
    over_seeds,
    padded,
)
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture
from helpers.words import counted

EIGHT_SCHEMES = {
    "PyTorch's default": "pytorch_default",
    "LeCun": "lecun_normal",
    "Xavier": "xavier_normal",
    "Xavier, uniform": "xavier_uniform",
    "He": "he_normal",
    "He, uniform": "he_uniform",
    "orthogonal": "orthogonal",
    "standard normal": "standard_normal",
}
GAINS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6, 5 / 3]
GAINS += [1.8, 2.0, 2.5, 3.0, 4.0]


# Both ways through a network ---------------------------------------------------------------------------------------


def initialization_schemes() -> Panel:
    """Eight initializations: the backward gradient and the forward pre-activations, layer by layer."""
    controls = {
        "scheme": dropdown("initialization", EIGHT_SCHEMES, "xavier_normal"),
        "activation": activation_choice("relu"),
        "gain": steps("gain", [(f"{gain:.3g}", gain) for gain in GAINS], 1.0),
        "depth": int_slider("depth", 50, 2, DEEPEST),
        "width": steps("width", [16, 32, 64, 128], 128),
    }
    start = {"activation": "relu", "gain": 1.0, "depth": 50, "width": 128}
    presets = {
        "ReLU, Xavier": {**start, "scheme": "xavier_normal"},
        "ReLU, He": {**start, "scheme": "he_normal"},
        "ReLU, PyTorch's default": {**start, "scheme": "pytorch_default"},
        "tanh, Xavier": {**start, "scheme": "xavier_normal", "activation": "tanh"},
        "tanh, gain 5/3": {**start, "scheme": "xavier_normal", "activation": "tanh", "gain": 5 / 3},
        "standard normal": {**start, "scheme": "standard_normal", "depth": 20},
    }
    figure = figures.both_ways(LAYERS, title="The gradient on its way back, the pre-activations on their way forward")
    return Panel("initialization_schemes", figure, controls, _schemes_state, presets)


def _schemes_state(scheme: str, activation: str, gain: float, depth: int, width: int) -> dict[str, Any]:
    """Compute the panel's content for these controls."""
    bias_std = default_bias_std(width) if scheme == "pytorch_default" else 0.0
    spec = NetworkSpec(
        depth=depth,
        width=width,
        activation=activation,
        init=scheme,
        gain=gain,
        bias_std=bias_std,
        batch=BATCH,
        seeds=4,
    )
    profile = gradient_profile(spec)
    gradient, gradient_band = over_seeds(profile.log10_signal)
    forward, forward_band = over_seeds(_log10(profile.preactivation_std))
    variances = theory.preactivation_variances(activation, spec.weight_variance, bias_std**2, depth, 1.0)
    expected = theory.signal_profile(activation, spec.weight_variance, bias_std**2, depth, 1.0)
    layers = layers_range(depth)
    return {
        "measured": padded(gradient),
        "spread over seeds": padded(gradient_band),
        "theory": padded(gradient[-1] + expected),
        "pre-activations": padded(forward),
        "spread of pre-activations": padded(forward_band),
        "theory, forward": padded(0.5 * np.log10(variances)),
        "ranges": {
            "xaxis": layers,
            "xaxis2": layers,
            "yaxis": decades_range(gradient_band, gradient[-1] + expected),
            "yaxis2": decades_range(forward_band, 0.5 * np.log10(variances)),
        },
        "net": picture.layers(profile, arrives=gradient[0] - gradient[-1]),
        "summary": _both_ways_summary(spec, gradient, forward),
    }


def _log10(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        logarithms: Array = np.log10(values)
    return logarithms


def _both_ways_summary(spec: NetworkSpec, gradient: Array, forward: Array) -> str:
    back, up = gradient[0] - gradient[-1], forward[-1] - forward[0]
    steps_taken = spec.depth - 1
    return (
        f"Layer 1 receives {theme.share(back, f'layer {spec.depth}')}.\n"
        f"{theme.ACTIVATION_NAMES[spec.activation]}, width {spec.width}, σ_w² = {spec.weight_variance:.3g}: backward × "
        f"{10 ** (back / steps_taken):.3g} per layer; forward × {10 ** (up / steps_taken):.3g} per layer, "
        f"{theme.scientific(up)} in all."
    )


# The plane of scales -----------------------------------------------------------------------------------------------

WEIGHT_STDS = np.round(np.arange(0.1, 3.001, 0.01), 2)
BIAS_STDS = np.round(np.arange(0, 1.001, 0.05), 2)
EVERY = 5  # the heat map has every fifth value of the slider
LONGEST = 1000.0  # ξ diverges on the critical line; the plot ends here
PLANE_WIDTH = 96
PLANE_ACTIVATIONS = {theme.ACTIVATION_NAMES[name]: name for name in ("tanh", "relu", "sigmoid", "selu", "linear")}


def initialization() -> Panel:
    """A random network at a point (σ_w, σ_b) of the phase diagram, where a click chooses another point."""
    controls = {
        "weight_std": float_slider("σ_w, weights", 1.0, 0.1, 3.0, 0.01),
        "bias_std": float_slider("σ_b, biases", 0.3, 0.0, 1.0, 0.05),
        "activation": dropdown("activation", PLANE_ACTIVATIONS, "tanh"),
        "depth": int_slider("depth", 50, 2, DEEPEST),
    }
    tanh = {"activation": "tanh", "depth": 50, "bias_std": 0.3}
    presets = {
        "ordered": {**tanh, "weight_std": 1.0},
        "critical": {**tanh, "weight_std": 1.4},
        "chaotic": {**tanh, "weight_std": 2.5},
        "tanh, Xavier": {**tanh, "bias_std": 0.0, "weight_std": 1.0},
        "ReLU, Xavier": {**tanh, "activation": "relu", "bias_std": 0.0, "weight_std": 1.0},
        "ReLU, He": {**tanh, "activation": "relu", "bias_std": 0.0, "weight_std": 1.41},
    }
    figure = figures.phase_plane(LAYERS, WEIGHT_STDS, BIAS_STDS, every=EVERY, longest=LONGEST)
    return Panel(
        "initialization",
        figure,
        controls,
        _plane_state,
        presets,
        click={"factor per layer": ("weight_std", "bias_std")},
    )


def _plane_state(weight_std: float, bias_std: float, activation: str, depth: int) -> dict[str, Any]:
    """Compute the panel's content for these controls."""
    weight_variance, bias_variance = weight_std**2, bias_std**2
    digits, nearby = _profiles(weight_std, bias_std, activation, depth)
    gradient, spread = over_seeds(digits.log10_signal)
    expected = theory.signal_profile(activation, weight_variance, bias_variance, depth, 1.0)
    alike, far = (float(mean_cosine(inputs)) for inputs, _ in (_near_digits(), _digits()))
    xi = theory.correlation_depth_scale(activation, weight_variance, bias_variance)
    layers = layers_range(depth)
    reach = depth - 6 * xi
    return {
        "gradient": padded(gradient),
        "spread over seeds": padded(spread),
        "theory": padded(gradient[-1] + expected),
        "6ξ": np.array([[reach, reach], [-300.0, 300.0]]) if reach > 1 else np.full((2, 2), np.nan),
        "nearby inputs": padded(nearby.similarity.mean(axis=0)),
        "theory: nearby": padded(theory.cosines(activation, weight_variance, bias_variance, depth, 1.0, alike)),
        "two digits": padded(digits.similarity.mean(axis=0)),
        "theory: digits": padded(theory.cosines(activation, weight_variance, bias_variance, depth, 1.0, far)),
        **_plane_traces(activation),
        "here": np.array([[weight_std], [bias_std]]),
        "depth scale ξ": _depth_scales(activation, bias_std),
        "ξ here": np.array([[weight_std], [math.log10(np.minimum(xi, LONGEST))]]),
        "ranges": {"xaxis": layers, "xaxis3": layers, "yaxis": decades_range(spread, gradient[-1] + expected)},
        "net": [
            picture.layers(digits, 8, arrives=gradient[0] - gradient[-1], title="here"),
            *_on_the_critical_line(bias_std, activation, depth),
        ],
        "summary": _plane_summary(digits, nearby, xi),
    }


@lru_cache(maxsize=64)
def _on_the_critical_line(bias_std: float, activation: str, depth: int) -> list[NetworkPicture]:
    """A network with these biases whose weights lie on the critical line, if there is one."""
    height = int(np.argmin(np.abs(BIAS_STDS - bias_std)))
    weight_std = float(_plane_traces(activation)["critical line"][0, height])
    if np.isnan(weight_std):
        return []
    spec = _plane_spec(weight_std, bias_std, activation, depth, BATCH)
    profile = gradient_profile(replace(spec, seeds=1), _digits())  # the one that is drawn
    mean = profile.log10_signal[0]
    return [
        picture.layers(profile, 8, arrives=mean[0] - mean[-1], title=f"on the critical line: σ_w = {weight_std:.2f}")
    ]


@cache
def _digits() -> tuple[Array, Array]:
    return classification_batch("digits", BATCH)


@cache
def _near_digits() -> tuple[Array, Array]:
    """Return one digit 8 times, each time with noise of a tenth of its size."""
    inputs, targets = _digits()
    size = np.sqrt(np.mean(inputs[0] ** 2))
    noise = np.random.default_rng(0).standard_normal((8, inputs.shape[1]))
    return inputs[:1] + 0.1 * size * noise, targets[:8]


def _profiles(
    weight_std: float, bias_std: float, activation: str, depth: int
) -> tuple[GradientProfile, GradientProfile]:
    """Return profiles of the same networks for different digits and for one digit many times with a little noise."""

    def profile(data: tuple[Array, Array]) -> GradientProfile:
        return gradient_profile(_plane_spec(weight_std, bias_std, activation, depth, len(data[0])), data)

    return profile(_digits()), profile(_near_digits())


def _plane_spec(weight_std: float, bias_std: float, activation: str, depth: int, batch: int) -> NetworkSpec:
    return NetworkSpec(
        depth=depth,
        width=PLANE_WIDTH,
        activation=activation,
        init="lecun_normal",
        gain=weight_std,
        bias_std=bias_std,
        batch=batch,
        seeds=4,
    )


@cache
def _factors(activation: str) -> Array:
    """Return log10 √χ over the plane, (bias_stds, weight_stds)."""
    return _log10(theory.factor_plane(activation, WEIGHT_STDS, BIAS_STDS))


@cache
def _plane_traces(activation: str) -> dict[str, Array]:
    """Return the plane's traces for an activation: colours, the critical line, and the names of the two sides."""
    plane = _factors(activation)
    critical = np.array([np.interp(0.0, row, WEIGHT_STDS, left=np.nan, right=np.nan) for row in plane])
    height = int(0.8 * len(BIAS_STDS))
    ends = WEIGHT_STDS[0], critical[height] if np.isfinite(critical[height]) else WEIGHT_STDS[-1], WEIGHT_STDS[-1]
    words = [(left + right) / 2 if right - left > 0.5 else np.nan for left, right in zip(ends, ends[1:], strict=False)]
    return {
        "factor per layer": plane[:, ::EVERY],
        "critical line": np.stack([critical, BIAS_STDS]),
        "regions": np.array([words, [BIAS_STDS[height]] * 2]),
    }


@cache
def _depth_scales(activation: str, bias_std: float) -> Array:
    """Return log10 ξ over all σ_w, cut off near the critical line, with a gap where the variance doesn't converge."""
    factors = _factors(activation)[int(np.argmin(np.abs(BIAS_STDS - bias_std)))]
    with np.errstate(divide="ignore"):
        scales = -np.log10(2 * np.log(10) * np.abs(factors))
    settles = _settles(activation, bias_std)
    explodes = np.flatnonzero(settles & (factors > 1e-3))
    if len(explodes):  # there ξ is larger than the gradient's depth scale, by a ratio that changes slowly
        some = WEIGHT_STDS[explodes[np.unique(np.linspace(0, len(explodes) - 1, 13).astype(int))]]
        ratios = [_over_gradient_scale(activation, weight_std**2, bias_std**2) for weight_std in some.tolist()]
        scales[explodes] += np.interp(WEIGHT_STDS[explodes], some, np.log10(ratios))
    crossing = np.flatnonzero(np.diff(np.sign(factors)))
    scales[np.concatenate([crossing, crossing + 1])] = math.log10(LONGEST)
    shown: Array = np.where(settles, np.minimum(scales, math.log10(LONGEST)), np.nan)
    return shown


def _settles(activation: str, bias_std: float) -> Array:
    """Whether, for each σ_w, the pre-activations' variance converges: it grows while small, shrinks while large."""

    def after(variance: float) -> Array:
        squares: Array = WEIGHT_STDS**2 * theory.mean_square_activation(activation, variance) + bias_std**2
        return squares

    small, large = 1e-20, 1e20
    return (after(small) > small) & (after(large) < large)


def _over_gradient_scale(activation: str, *variances: float) -> float:
    return theory.correlation_depth_scale(activation, *variances) / theory.depth_scale(activation, *variances)


def _plane_summary(digits: GradientProfile, nearby: GradientProfile, xi: float) -> str:
    spec = digits.spec
    mean, _ = over_seeds(digits.log10_signal)
    measured = 10 ** ((mean[0] - mean[-1]) / (spec.depth - 1))
    law = theory.per_layer_factor(spec.activation, spec.weight_variance, spec.bias_std**2)
    reach = f"ξ = {xi:.3g} layers" if xi < LONGEST else "ξ beyond 1000 layers"
    if math.isnan(xi):
        reach = "no ξ: Var z tends to 0 or ∞"
    return (
        f"Layer 1 receives {theme.share(mean[0] - mean[-1], f'layer {spec.depth}')}.\n"
        f"{theme.ACTIVATION_NAMES[spec.activation]}, σ_w = {spec.gain:.2f}, σ_b = {spec.bias_std:.2f}: "
        f"× {measured:.3g} per layer (theory {law:.3g}), {reach}. Cosine in layer {spec.depth}: nearby inputs "
        f"{nearby.similarity[:, -1].mean():.3f}, two digits {digits.similarity[:, -1].mean():.3f}."
    )


# Singular values ---------------------------------------------------------------------------------------------------

EDGES = np.arange(-8.125, 4.126, 0.25)  # the value 1 is in the middle of a bar
JACOBIAN_WIDTH = 64
ROUNDING = 1e-12  # smaller numbers beside values near 1 are rounding errors
WEIGHT_STEPS = [0.7, 0.8, 0.9, 1.0, 1.05, 1.1, 1.2, 1.3, math.sqrt(2), 1.6, 2.0]


def jacobian_singular_values() -> Panel:
    """Gaussian against orthogonal weights of the same variance: singular values of the input-output Jacobian."""

    def compute(depth: int, activation: str, weight_std: float) -> dict[str, Any]:
        values = {
            name: _singular_values(init, depth, activation, weight_std)
            for name, init in (("Gaussian", "lecun_normal"), ("orthogonal", "orthogonal"))
        }
        shares: dict[str, Any] = {name: _shares(found) for name, found in values.items()}
        return {**shares, "summary": _singular_summary(depth, activation, weight_std, values)}

    controls = {
        "depth": int_slider("depth", 20, 1, 60),
        "activation": dropdown("activation", {"linear": "linear", "tanh": "tanh", "ReLU": "relu"}, "linear"),
        "weight_std": steps("σ_w, weights", [(f"{std:.3g}", std) for std in WEIGHT_STEPS], 1.0),
    }
    start = {"depth": 20, "weight_std": 1.0}
    presets = {
        "one layer": {**start, "activation": "linear", "depth": 1},
        "linear": {**start, "activation": "linear"},
        "tanh": {**start, "activation": "tanh", "weight_std": 1.05},
        "ReLU, He": {**start, "activation": "relu", "weight_std": math.sqrt(2)},
    }
    return Panel("jacobian_singular_values", figures.singular_values(EDGES), controls, compute, presets)


def _singular_values(init: str, depth: int, activation: str, weight_std: float) -> Array:
    """Return the singular values of ∂h_L/∂x at four digits in each of two networks."""
    spec = NetworkSpec(
        depth=depth, width=JACOBIAN_WIDTH, activation=activation, init=init, gain=weight_std, seeds=2, batch=4
    )
    inputs, _ = classification_batch("digits", spec.batch)
    parameters = initial_parameters(spec, inputs=inputs.shape[1], classes=10)
    return singular_values(input_output_jacobian(spec, parameters, inputs))


def _shares(values: Array) -> Array:
    """Return the share of the singular values in each bar; values beyond the ends count in the outermost bars."""
    inside = np.clip(_log10(values), EDGES[0], EDGES[-1] - 1e-9)
    return np.histogram(inside, EDGES)[0] / values.size


def _singular_summary(depth: int, activation: str, weight_std: float, values: dict[str, Array]) -> str:
    def ends(found: Array) -> str:
        largest, smallest = (float(np.median(found[..., place])) for place in (0, -1))
        if largest < 1.001 * smallest:
            return f"all {theme.scientific(math.log10(largest))}"
        low = theme.scientific(math.log10(smallest)) if smallest > ROUNDING else "less than 10⁻¹²"
        return f"from {low} to {theme.scientific(math.log10(largest))}"

    layers = counted(depth, "layer")
    return (
        f"Singular values with Gaussian weights: {ends(values['Gaussian'])}.\n"
        f"With orthogonal ones: {ends(values['orthogonal'])}. {theme.ACTIVATION_NAMES[activation]}, {layers} of "
        f"{JACOBIAN_WIDTH}, σ_w = {weight_std:.3g}."
    )
