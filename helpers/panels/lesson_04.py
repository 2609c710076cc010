"""Lesson 04: ReLU and its family, dead units, and nets that are born dead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.network import NetworkSpec, first_silent_layers, gradient_profile
from helpers.panels.controls import SCHEMES, dropdown, float_slider, int_slider, steps
from helpers.panels.curves import (
    BATCH,
    DEEPEST,
    LAYERS,
    decades_range,
    default_bias_std,
    gaps_for_zero,
    layers_range,
    padded,
)
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture
from helpers.words import counted

FAMILY = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu")
THREE = ("PyTorch's default", "Xavier", "He")
SEEDS = 4
NETS = 1000
WIDEST = 12


# ReLU and its family -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measured:
    """The quantities shown for one network, (depth,) each: means over seeds; `spread` is lowest, highest (2, depth)."""

    signal: Array
    spread: Array
    dead: Array
    similarity: Array


@lru_cache(maxsize=64)
def _measured(spec: NetworkSpec) -> _Measured:
    profile = gradient_profile(spec)
    signal, dead = profile.log10_signal, profile.dead
    similarity = np.where(dead < 1, profile.similarity, np.nan)  # a silent layer has no similarity
    ends = [np.fmin.reduce(gaps_for_zero(signal)), np.fmax.reduce(gaps_for_zero(signal))]
    return _Measured(
        _mean_of_living(signal),
        np.stack(ends),
        dead.mean(axis=0),
        _mean_of_living(similarity),
    )


@lru_cache(maxsize=64)
def _picture(spec: NetworkSpec, arrives: float, title: str | None = None) -> NetworkPicture:
    """Return the picture of the first network; `arrives` is the mean over all of them."""
    named = {} if title is None else {"title": title}
    return picture.first_of(spec, 6 if title else 16, arrives=arrives, **named)


def _arrives(signal: Array) -> float:
    return float(signal[0] - signal[-1])


def _mean_of_living(values: Array) -> Array:
    """Return the mean over the finite values of all seeds (seeds, depth); a gap if there are none."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _spec(activation: str, depth: int, width: int, scheme: str, bias: float, leak: float) -> NetworkSpec:
    """Return the network of the panels; unused settings keep their defaults, so that the cache finds the network."""
    return NetworkSpec(
        depth=depth,
        width=width,
        activation=activation,
        init=scheme,
        bias_std=default_bias_std(width) if scheme == "pytorch_default" else 0.0,
        bias_mean=bias,
        leak=leak if activation == "leaky_relu" else 0.01,
        batch=BATCH,
        seeds=SEEDS,
    )


def _theory(spec: NetworkSpec) -> Array:
    """Return the predicted log10 of signal_l / signal_L for l = 1 … depth; a gap where the signal is exactly 0."""
    activation = get_activation(spec.activation, spec.leak)
    return gaps_for_zero(
        theory.signal_profile(activation, spec.weight_variance, spec.bias_std**2, spec.depth, 1.0, spec.bias_mean)
    )


def relu() -> Panel:
    """ReLU and five relatives side by side: gradient signal, dead units and similarity, layer by layer."""

    def compute(activation: str, depth: int, width: int, scheme: str, bias: float, leak: float) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines = []
        for each in FAMILY:
            shown = _measured(_spec(each, depth, width, scheme, bias, leak))
            result[theme.ACTIVATION_NAMES[each]] = padded(shown.signal)
            result[f"{theme.ACTIVATION_NAMES[each]}, similarity"] = padded(shown.similarity)
            lines.append(shown.signal)
        spec = _spec(activation, depth, width, scheme, bias, leak)
        focus = _measured(spec)
        predicted = focus.signal[-1] + _theory(spec)
        return {
            **result,
            "spread over seeds": padded(focus.spread),
            "theory": padded(predicted),
            "dead units": padded(focus.dead),
            "ranges": {
                **dict.fromkeys(("xaxis", "xaxis2", "xaxis3"), layers_range(depth)),
                "yaxis": decades_range(*lines, focus.spread, predicted),
            },
            "net": _picture(spec, _arrives(focus.signal)),
            "summary": _family_summary(spec, focus) + _beside_it(spec, leak, result["leaky ReLU"]),
        }

    controls = {
        "activation": dropdown("in focus", {theme.ACTIVATION_NAMES[name]: name for name in FAMILY}, "relu"),
        "scheme": dropdown("initialization", {name: SCHEMES[name] for name in THREE}, "pytorch_default"),
        "depth": int_slider("depth", 30, 1, DEEPEST),
        "width": steps("width", [8, 16, 32, 64, 128], 64),
        "bias": float_slider("bias", 0.0, -8, 2, 0.1),
        "leak": float_slider("leak", 0.01, 0, 0.5, 0.01),
    }
    plain = {"activation": "relu", "scheme": "he_normal", "depth": 30, "width": 64, "bias": 0.0, "leak": 0.01}
    presets = {
        "PyTorch's default": {**plain, "scheme": "pytorch_default"},
        "Xavier": {**plain, "scheme": "xavier_normal"},
        "He": plain,
        "100 layers: all alike": {**plain, "depth": 100},
        "bias −5: a graveyard": {**plain, "bias": -5.0},
        "leak 0.2": {**plain, "activation": "leaky_relu", "leak": 0.2},
    }
    return Panel("relu", figures.rectifier_family(LAYERS, FAMILY), controls, compute, presets)


def _family_summary(spec: NetworkSpec, focus: _Measured) -> str:
    name = theme.ACTIVATION_NAMES[spec.activation]
    if spec.depth == 1:
        return f"{name}: with one layer there is no way back.\nAdd a second one."
    change = (focus.signal[0] - focus.signal[-1]) / (spec.depth - 1)
    predicted = _theory(spec)[0] / (spec.depth - 1)
    if np.isnan(change):
        words = f"{name}: the signal of layer 1 is exactly 0.\n"
    else:
        wide = f"theory {10**predicted:.3g}" if np.isfinite(predicted) else "in theory 0"
        arrives = theme.share(focus.signal[0] - focus.signal[-1], f"layer {spec.depth}")
        words = f"{name}: layer 1 receives {arrives}.\nA factor of {10**change:.3g} per layer ({wide}). "
    dead = f"Dead: {focus.dead[0]:.0%} in layer 1, {focus.dead[-1]:.0%} in layer {spec.depth}. "
    if np.isnan(focus.similarity[-1]):
        return f"{words}{dead}Nothing gets through to layer {spec.depth}."
    first, last = focus.similarity[0], focus.similarity[-1]
    return f"{words}{dead}Cosine of two digits: {first:.2f}, then {last:.3f}."


def _beside_it(spec: NetworkSpec, leak: float, signal: Array) -> str:
    """Return a sentence on the leaky ReLU while another activation is in focus, so that its slider has an effect."""
    if spec.activation == "leaky_relu" or spec.depth == 1:
        return ""
    change = (signal[0] - signal[spec.depth - 1]) / (spec.depth - 1)
    words = f"{10**change:.3g} per layer" if np.isfinite(change) else "nothing in layer 1"
    return f" Leak {leak:g}: {words}."


# One net, three initializations --------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _gradients(spec: NetworkSpec) -> tuple[Array, Array]:
    """Return log10 of the signal and of the weight gradient, means over the seeds that aren't silent, (depth,) each."""
    profile = gradient_profile(spec)
    return _mean_of_living(profile.log10_signal), _mean_of_living(profile.log10_weight_gradient)


def relu_schemes() -> Panel:
    """The same net with three initializations: its gradient signal, and the weight gradient that hides it."""

    def compute(activation: str, depth: int, width: int, biased: bool) -> dict[str, Any]:
        bias_std = default_bias_std(width) if biased else 0.0
        specs = {
            name: NetworkSpec(depth, width, activation, SCHEMES[name], bias_std=bias_std, batch=BATCH, seeds=SEEDS)
            for name in THREE
        }
        signal, weights = ({name: _gradients(spec)[part] for name, spec in specs.items()} for part in (0, 1))
        axis, layers = decades_range(*signal.values(), *weights.values()), layers_range(depth)
        return {
            **{name: padded(line) for name, line in signal.items()},
            **{f"{name}, weight gradient": padded(line) for name, line in weights.items()},
            "theory": np.concatenate(
                [padded(signal[name][-1] + _theory(spec), DEEPEST + 1) for name, spec in specs.items()]
            ),
            "ranges": {"xaxis": layers, "xaxis2": layers, "yaxis": axis, "yaxis2": axis},
            "net": [_picture(specs[name], _arrives(signal[name]), name) for name in THREE],
            "summary": _schemes_summary(signal, weights, depth),
        }

    choice = (*FAMILY, "tanh", "sigmoid", "linear")
    controls = {
        "activation": dropdown("activation", {theme.ACTIVATION_NAMES[name]: name for name in choice}, "relu"),
        "biased": dropdown("biases", {"zero": False, "PyTorch's": True}, False),
        "depth": int_slider("depth", 30, 1, DEEPEST),
        "width": steps("width", [8, 16, 32, 64, 128, 256], 128),
    }
    plain = {"activation": "relu", "depth": 30, "width": 128, "biased": False}
    presets = {
        "ReLU: the trap": plain,
        "with PyTorch's biases": {**plain, "biased": True},
        "tanh": {**plain, "activation": "tanh"},
        "sigmoid": {**plain, "activation": "sigmoid"},
    }
    return Panel("relu_schemes", figures.signal_and_weight_gradient(LAYERS, THREE), controls, compute, presets)


def _schemes_summary(signal: dict[str, Array], weights: dict[str, Array], depth: int) -> str:
    def ratios(lines: dict[str, Array]) -> str:
        texts = {name.removeprefix("PyTorch's "): theme.scientific(line[0] - line[-1]) for name, line in lines.items()}
        return ", ".join(f"{name} {ratio}" for name, ratio in texts.items())

    if depth == 1:
        return "With one layer there is no way back.\nAdd a second one."
    level = weights["Xavier"][0] - weights["He"][0]
    return (
        f"The first weights get {theme.scientific(level)} as much under Xavier as under He.\n"
        f"Layer 1 over {depth}: signal {ratios(signal)}; weight gradient {ratios(weights)}."
    )


# Born dead -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=WIDEST)
def _first_silent_layers(width: int) -> Array:
    return first_silent_layers(width, DEEPEST, NETS)


def born_dead() -> Panel:
    """The share of ReLU nets that are silent on an input at initialization, by depth and width; a click sets both."""
    widths = np.arange(1, WIDEST + 1)
    probability = theory.born_dead_probability(widths[:, None], LAYERS)

    def compute(depth: int, width: int) -> dict[str, Any]:
        expected = probability[width - 1]
        silent = (_first_silent_layers(width)[:, None] <= LAYERS).mean(axis=0)
        chance = 2 * np.sqrt(expected * (1 - expected) / NETS)
        share, layer = silent[depth - 1], f"{0.5**width:.3g}"
        return {
            "here": np.array([[depth], [width]]),
            "counted": silent,
            "theory": expected,
            "band of chance": np.stack([np.maximum(expected - chance, 0), np.minimum(expected + chance, 1)]),
            "this depth": np.array([[depth], [share]]),
            "ranges": {"xaxis2": layers_range(depth)},
            "summary": f"{share:.1%} of {NETS} networks are silent on their input from the start.\n"
            f"{counted(depth, 'layer')} of {width}: in theory {expected[depth - 1]:.1%}. "
            f"One layer goes silent with 2⁻ᴺ = {layer}.",
        }

    controls = {
        "depth": int_slider("depth", 10, 1, DEEPEST),
        "width": int_slider("width", 3, 1, WIDEST),
    }
    presets = {
        "3 wide, 10 deep": {"depth": 10, "width": 3},
        "3 wide, 50 deep": {"depth": 50, "width": 3},
        "8 wide, 50 deep": {"depth": 50, "width": 8},
        "12 wide, 100 deep": {"depth": 100, "width": 12},
    }
    figure = figures.born_dead(LAYERS, widths, probability)
    return Panel("born_dead", figure, controls, compute, presets, click={"probability": ("depth", "width")})
