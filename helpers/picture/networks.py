"""Pictures of the course's networks, from the profiles of their engines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from helpers.activations import get_activation
from helpers.adversarial import GeneratorGradients
from helpers.arrays import Array
from helpers.datasets import digits
from helpers.network import GradientProfile, NetworkSpec, gradient_profile, unit_signals
from helpers.network.units import SHOWN, chosen_units
from helpers.picture.packing import NetworkPicture
from helpers.recurrent import TimeProfile
from helpers.residual import ResidualProfile

RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "hard_tanh": (-1.0, 1.0)}


def layers(profile: GradientProfile, units: int = SHOWN, **facts: Any) -> NetworkPicture:
    """Return the picture of a profile's first network: its layers, the digit it sees, its activations, its gradient.

    At most `units` of each layer are chosen; pass fewer if networks share the height. `facts` are shown too: `title`,
    or `arrives`, log10 of the gradient at layer 1, averaged over all networks.
    """
    spec, log10 = profile.spec, profile.log10_signal[0]
    if profile.backward is None:
        return first_of(spec, units, **facts)
    found = unit_signals(profile, count=units)
    deviation = _above(found.log10_gradient, log10 - 0.5 * math.log10(spec.width))
    rectifier = spec.activation == "relu"  # its units are closed for half of the samples anyway
    known = {
        "last": spec.depth,
        "width": spec.width,
        "activation": spec.activation,
        "norm": spec.norm,
        "skip": spec.skip,
        "nets": spec.seeds,
        "input": _first_digit(),
        "closed": "dead" if rectifier else "saturated",
    }
    return NetworkPicture(
        "layers",
        _above(log10, log10[-1]),
        deviation,
        _brightness(found.sample, spec.activation),
        found.closed,
        found.closed_share if rectifier else found.flat_share,
        found.links,
        facts={**known, **facts},
    )


def first_of(spec: NetworkSpec, units: int = SHOWN, **facts: Any) -> NetworkPicture:
    """Return the picture of a spec's first network on the digits, computed only for the picture."""
    return layers(gradient_profile(replace(spec, seeds=1)), units, **{"nets": spec.seeds, **facts})


def chain(slopes: Array, values: Array, weight: float, activation: str, **facts: Any) -> NetworkPicture:
    """Return the picture of a chain of single neurons with these slopes and values (depth,), input first."""
    with np.errstate(divide="ignore"):
        factors = np.log10(np.abs(weight * slopes[1:]))
    level = np.append(np.cumsum(factors[::-1])[::-1], 0.0)
    closed = np.abs(slopes) < get_activation(activation).flat_slope
    known = {"last": len(slopes), "width": 1, "activation": activation, "weight": weight}
    return NetworkPicture(
        "chain",
        level,
        np.where(level > -np.inf, 0.0, -np.inf)[:, None],
        _brightness(values[:, None], activation),
        closed[:, None],
        closed.astype(float),
        rows={"slope": slopes},
        facts={**known, **facts},
    )


def blocks(profile: ResidualProfile, **facts: Any) -> NetworkPicture:
    """Return the picture of a residual profile's first network: stem, blocks, and gradients by skip and by branch."""
    spec, log10 = profile.spec, profile.log10_signal[0]
    units = chosen_units(spec.width)
    gradient = _log10(profile.unit_gradient[0][:, units])
    by_skip, by_branch = (
        _above(np.append(_log10(signal[0]), -np.inf), log10[-1])
        for signal in (profile.skip_signal, profile.branch_signal)
    )
    known = {"last": spec.blocks, "width": spec.width, "norm": spec.norm, "skip": spec.skip, "nets": spec.seeds}
    return NetworkPicture(
        "blocks",
        _above(log10, log10[-1]),
        _above(gradient, log10 - 0.5 * math.log10(spec.width)),
        _brightness(profile.states[:, 0, 0][:, units], ""),
        np.zeros(gradient.shape, bool),
        np.zeros(len(gradient)),
        profile.links(0, units),
        rows={"skip": by_skip, "branch": by_branch},
        facts={**known, "input": _first_digit(), **facts},
    )


def steps(profile: TimeProfile, units: int = SHOWN, columns: int = 100, **facts: Any) -> NetworkPicture:
    """Return the picture of a recurrent profile's first network: ∂L/∂h of its time steps, and the gradient's paths.

    In a plain network these are links through its weights, in the others the part that the cell or the state carries
    past the weights. At most `columns` steps are drawn: for a longer series every second, every fifth and so on, always
    with the last one.
    """
    spec, log10 = profile.spec, profile.log10_signal[0]
    stride = next(stride for stride in (1, 2, 5, 10, 20, 50, spec.length) if spec.length <= stride * columns)
    times, chosen = np.arange(spec.length - 1, -1, -stride)[::-1], chosen_units(spec.hidden, units)
    gradient = profile.log10_unit_gradient[0][times][:, chosen]
    known = {"last": spec.length, "stride": stride, "width": spec.hidden, "cell": spec.cell, "nets": spec.seeds}
    return NetworkPicture(
        "steps",
        _above(log10, log10[-1])[times],
        _above(gradient, log10[times] - 0.5 * math.log10(spec.hidden)),
        _brightness(profile.states[times, 0, 0][:, chosen], ""),
        np.zeros(gradient.shape, bool),
        np.zeros(len(gradient)),
        profile.links(0, chosen, times) if spec.cell == "rnn" else None,
        rows={} if spec.cell == "rnn" else {"skip": _above(profile.log10_carried[0], log10[-1])[times]},
        facts={**known, **facts},
    )


def players(gradients: GeneratorGradients, net: int, border: int, **facts: Any) -> NetworkPicture:
    """Return the picture of generator and discriminator in a row, from noise to logit; `border` is the sample's place.

    Levels are a unit's gradient relative to a logit's gradient of ±1 for each sample.
    """
    by_unit = [_log10(each[net]) for each in gradients.unit_gradients()]
    active = [_brightness(each[net][None], "")[0] for each in gradients.unit_activations()]
    batch, counts = gradients.at_logits.shape[-2], [len(each) for each in by_unit]
    rms = np.array([_log10(np.sqrt(np.mean(np.square(10.0**each)))) for each in by_unit])
    most = max(counts)
    weights = [weight if weight.ndim == 2 else weight[net] for weight in _weights(gradients)]
    links = np.zeros((len(counts) - 1, most), int)
    for column, weight in enumerate(weights):
        through = np.abs(weight) * 10.0 ** by_unit[column + 1]
        links[column, : counts[column]] = through.argmax(axis=1)
    return NetworkPicture(
        "places",
        rms + 0.5 * math.log10(batch),
        np.stack([_filled(_above(each, one), most, -np.inf) for each, one in zip(by_unit, rms, strict=True)]),
        np.stack([_filled(each, most, 0.0) for each in active]),
        np.zeros((len(counts), most), bool),
        np.zeros(len(counts)),
        links,
        facts={"last": len(counts) - 1, "width": most, "counts": counts, "middle": border, **facts},
    )


def parts(gradient: Array, whole: Array, kind: str, units: int = SHOWN, **facts: Any) -> NetworkPicture:
    """Return the picture of weight gradients by parts, (parts, fan in, units), each unit's over its incoming weights.

    Levels are relative to the last part of `whole`, the gradient before clipping, which has the same shape.
    """
    chosen = chosen_units(gradient.shape[2], units)
    by_unit, size = _log10(np.linalg.norm(gradient, axis=1)), _log10(np.linalg.norm(gradient, axis=(1, 2)))
    before = _log10(np.linalg.norm(whole, axis=(1, 2)))
    known = {"last": len(gradient), "width": gradient.shape[2]}
    return NetworkPicture(
        kind,
        _above(size, before[-1]),
        _above(by_unit[:, chosen], size - 0.5 * math.log10(gradient.shape[2])),
        np.full((len(gradient), len(chosen)), 0.5),
        np.zeros((len(gradient), len(chosen)), bool),
        np.zeros(len(gradient)),
        facts={**known, **facts},
    )


def _weights(gradients: GeneratorGradients) -> Sequence[Array]:
    return [*gradients.made.net.weights, *gradients.judged.net.weights]


def _filled(values: Array, length: int, value: float) -> Array:
    return np.pad(values, (0, length - len(values)), constant_values=value)


def _log10(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        found: Array = np.log10(values)
    return found


def _above(log10: Array, reference: Array) -> Array:
    """Return log10 - reference (columns,), a reference for each row of a matrix; -inf where there is no gradient."""
    wide = reference[:, None] if log10.ndim == 2 else reference
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(log10), log10 - wide, -np.inf)


def _brightness(values: Array, activation: str) -> Array:
    """Return activations (columns, units) scaled to 0 … 1: by the activation's range, else by each column's sizes."""
    known = np.where(np.isfinite(values), values, 0.0)
    if activation in RANGES:
        lowest, highest = RANGES[activation]
        inside: Array = np.minimum(np.maximum((known - lowest) / (highest - lowest), 0), 1)
        return inside
    size = np.abs(known)
    return size / np.maximum(size.max(axis=1, keepdims=True), np.finfo(float).tiny)


@cache
def _first_digit() -> str:
    """Return the pixels of the first sample of every batch of digits, as a string of 64 digits from 0 to 9."""
    order = np.random.default_rng(0).permutation(len(digits().labels))
    return "".join(str(round(9 * float(ink))) for ink in digits().images[order[0]].ravel())
