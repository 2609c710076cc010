"""Gradients, activations and strongest links of single units, read from an existing profile.

The picture of the network shows a fixed choice of units of every layer, so the same ones stay visible while a slider
moves. Reading them takes one more matrix product for every layer, over the chosen units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.checks import check_whole
from helpers.network.profile import GradientProfile

SHOWN = 16
"""The default number of units chosen in a layer."""


@dataclass(frozen=True, eq=False)
class UnitSignals:
    """The chosen units of one network; arrays (depth, units) with layer 1 first, unless another shape is given.

    units: (units,) the numbers, from 0, of the units chosen in every layer
    log10_gradient: log10 of √(Σ over the batch of (∂L/∂h)²); -inf for an exact 0. Over all units of a layer the squares
        add up to the square of the profile's `signal`
    activation: √(Σ over the batch of φ(z)²)
    sample: φ(z) for one sample of the batch
    closed: whether |φ′(z)| is below 1 % of its largest for every sample: a unit that is dead or saturated
    closed_share: (depth,) the share of all units of a layer that are closed
    flat_share: (depth,) the share of all units and samples at which |φ′(z)| is that small
    links: (depth - 1, units) for each unit of every layer but the last, the unit of the next layer from which most of
        its gradient comes (the largest |W_uv| · ‖∂L/∂z_v‖), as its place among the chosen ones
    """

    units: Array
    log10_gradient: Array
    activation: Array
    sample: Array
    closed: Array
    closed_share: Array
    flat_share: Array
    links: Array


def chosen_units(width: int, count: int = SHOWN) -> Array:
    """Return at most `count` units spread evenly over a layer, the first and the last among them, (units,)."""
    check_whole("width", width, 1)
    check_whole("count", count, 1)
    return np.unique(np.linspace(0, width - 1, min(width, count)).round().astype(int))


def unit_signals(profile: GradientProfile, net: int = 0, *, sample: int = 0, count: int = SHOWN) -> UnitSignals:
    """Return the signals of at most `count` units of every layer of one of the profile's networks.

    Raises ValueError if the profile doesn't have `net` or `sample`, and for networks that were too large for one
    pass: only their norms are kept.
    """
    backward, spec = profile.backward, profile.spec
    if backward is None:
        raise ValueError(f"seeds must be few enough for one forward pass; got {spec.seeds}")
    check_whole("net", net, 0, spec.seeds - 1)
    check_whole("sample", sample, 0, spec.batch - 1)
    forward, units = backward.forward, chosen_units(spec.width, count)
    activation = forward.activation[:, net]
    flat = np.asarray(np.abs(forward.slope[:, net]) < get_activation(spec.activation, spec.leak).flat_slope)
    closed = np.all(flat, axis=1)
    from_units = _weights_from(profile, net, units)
    return UnitSignals(
        units=units,
        log10_gradient=_log10_gradients(profile, net, units, from_units),
        activation=np.linalg.norm(activation[:, :, units].astype(np.float64), axis=1),
        sample=activation[:, sample, units],
        closed=closed[:, units],
        closed_share=closed.mean(axis=1),
        flat_share=flat.mean(axis=(1, 2)),
        links=_links(profile, net, units, from_units),
    )


def _weights_from(profile: GradientProfile, net: int, units: Array) -> Array:
    """Return the weights from the chosen units of each layer but the last to the next, (depth - 1, units, width)."""
    backward = profile.backward
    assert backward is not None
    matrices = [array[net][units] for array in backward.forward.parameters.weights[1:-1]]
    return np.stack(matrices) if matrices else np.empty((0, len(units), profile.spec.width))


def _log10_gradients(profile: GradientProfile, net: int, units: Array, from_units: Array) -> Array:
    """Return log10 of ‖∂L/∂h‖ of each chosen unit, (depth, units).

    ∂L/∂h of layer l is the sum of the gradient through the weights, `below[l]`, and `skip` times ∂L/∂h of layer l + 1.
    Each layer has its own power of two, the exponents; that of the last layer's ∂L/∂h, `above`, is the logits'.
    """
    backward, spec = profile.backward, profile.spec
    assert backward is not None
    above = backward.at_logits[net] @ backward.forward.parameters.weights[-1][net][units].T
    exponents = [backward.logit_exponents[net], *(each[net] for each in backward.exponents[:0:-1])]
    below = np.matmul(backward.delta[1:, net], from_units.swapaxes(1, 2))
    if spec.skip:
        last = above
        for layer in range(spec.depth - 2, -1, -1):
            shift = exponents[spec.depth - 2 - layer] - exponents[spec.depth - 1 - layer]
            below[layer] += spec.skip * np.ldexp(last, shift)
            last = below[layer]
    squares = np.square(np.concatenate([below, above[None]]), dtype=np.float64).sum(axis=1)
    with np.errstate(divide="ignore"):
        return 0.5 * np.log10(squares) + np.array(exponents[::-1])[:, None] * math.log10(2)


def _links(profile: GradientProfile, net: int, units: Array, from_units: Array) -> Array:
    """Return the strongest link of each chosen unit to the next layer, (depth - 1, units)."""
    backward = profile.backward
    assert backward is not None
    arriving = np.square(backward.delta[1:, net][:, :, units], dtype=np.float64).sum(axis=1)
    squares = np.square(from_units[:, :, units], dtype=np.float64) * arriving[:, None, :]
    strongest: Array = squares.argmax(axis=2)
    return strongest
