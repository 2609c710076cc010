"""Residual networks at initialization: the forward pass, exact gradients by hand, and the gradient's paths.

A stem maps the inputs to `width` units, h_0. Block l = 1 … blocks adds a branch of two layers to its input:

    h_l = skip · h_(l-1) + branch · F(h_(l-1)),    F(h) = relu(h W₁) W₂,

with W₁ of variance 2/width and W₂ of variance 1/width, so a branch keeps the size of its input. With `skip` 0 the
network is plain; with 1 it is the residual network (He et al. 2016). A normalization may precede each branch ("pre")
or follow each sum ("post"), over the units of a sample ("layer") or over the samples of a batch ("batch"), without an
affine part and with the biased variance. A linear read-out and the mean cross-entropy follow. Arrays are
(seeds, batch, width).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from helpers import normalization
from helpers.arrays import Array
from helpers.checks import check_choice, check_number, check_whole
from helpers.datasets import CLASSES, classification_batch
from helpers.losses import cross_entropy
from helpers.network import NetworkSpec, Parameters, initial_parameters

NORMALIZATIONS = ("none", "pre_layer", "post_layer", "pre_batch", "post_batch")


@dataclass(frozen=True)
class ResidualSpec:
    """The settings of a residual network at initialization, and the numbers of samples and seeds.

    `skip` is the strength of the skip connection, `branch` the factor on the branch (0: zero-initialised, as in ReZero,
    Bachlechner 2020). Raises a ValueError that names the argument, the given value and the allowed ones.
    """

    blocks: int = 20
    width: int = 64
    skip: float = 1.0
    branch: float = 1.0
    norm: str = "none"
    batch: int = 32
    seeds: int = 4

    def __post_init__(self) -> None:
        for name in ("blocks", "width", "batch", "seeds"):
            check_whole(name, getattr(self, name), 1)
        for name in ("skip", "branch"):
            check_number(name, getattr(self, name))
        check_choice("norm", self.norm, NORMALIZATIONS)


def residual_parameters(spec: ResidualSpec, inputs: int, classes: int, seed: int = 0) -> Parameters:
    """Draw weights, with biases 0: the stem, W₁ and W₂ of each block in turn, the read-out last; float64.

    The arrays are (seeds, fan_in, fan_out). The numbers depend only on the seed and the layer's place, not on the
    number of blocks that follow.
    """
    layers = NetworkSpec(depth=2 * spec.blocks + 1, width=spec.width, init="lecun_normal", seeds=spec.seeds)
    drawn = initial_parameters(layers, inputs, classes, seed)
    first = slice(1, -1, 2)  # W₁ of every block: He's variance, since a ReLU follows
    weights = list(drawn.weights)
    weights[first] = [math.sqrt(2) * weight for weight in weights[first]]
    return Parameters(weights, drawn.biases)


# A block and its backward pass ---------------------------------------------------------------------------------------


class _Normalization:
    """A normalization, or none; if frozen, a batch's mean and standard deviation count as constants."""

    def __init__(self, kind: str, x: Array, frozen: bool) -> None:
        self.axis = normalization.AXES.get(kind)
        self.frozen = frozen and kind == "batch"
        self.output = x
        if self.axis is not None:
            self.output = x.copy()
            self.scale = normalization.normalize(self.output, self.axis)

    def backward(self, gradient: Array) -> Array:
        """Return ∂L/∂x."""
        if self.axis is None:
            return gradient
        if self.frozen:
            return gradient * self.scale
        at_input = gradient.copy()
        normalization.backward(at_input, self.output, self.scale, self.axis)
        return at_input


class _Block:
    """One block, run forward, with everything that the backward pass needs."""

    def __init__(self, spec: ResidualSpec, first: Array, second: Array, below: Array, frozen: bool) -> None:
        place, _, kind = spec.norm.partition("_")
        self.spec, self.first, self.second = spec, first, second
        self.before = _Normalization(kind if place == "pre" else "none", below, frozen)
        z = self.before.output @ first
        self.slope = z > 0
        self.hidden = z * self.slope
        self.branch = self.hidden @ second
        self.after = _Normalization(
            kind if place == "post" else "none", spec.skip * below + spec.branch * self.branch, frozen
        )

    def backward(self, gradient: Array) -> tuple[Array, Array]:
        """Return the gradients at the block's input through the skip and through the branch, from ∂L/∂h_l."""
        return self.ways(*self.inside(gradient))

    def inside(self, gradient: Array) -> tuple[Array, Array]:
        """Return ∂L/∂(the sum of skip and branch) and ∂L/∂z of the branch, from ∂L/∂h_l."""
        at_sum = self.after.backward(gradient)
        return at_sum, (self.spec.branch * at_sum @ self.second.swapaxes(-1, -2)) * self.slope

    def ways(self, at_sum: Array, at_z: Array) -> tuple[Array, Array]:
        """Return the gradients at the block's input through the skip and through the branch."""
        return self.spec.skip * at_sum, self.before.backward(at_z @ self.first.swapaxes(-1, -2))

    def weight_gradients(self, at_sum: Array, at_z: Array) -> tuple[Array, Array, Array]:
        """Return ∂L/∂W₁, ∂L/∂W₂ and the derivative with respect to the branch's factor."""
        return (
            self.before.output.swapaxes(-1, -2) @ at_z,
            self.hidden.swapaxes(-1, -2) @ (self.spec.branch * at_sum),
            (at_sum * self.branch).sum(axis=(-2, -1)),
        )

    def links(self, at_sum: Array, net: int, units: Array) -> Array:
        """Return, for each of `units` of the input, the place of the output unit with the strongest link, (units,)."""
        weight = at_sum[net][:, units]
        if self.before.axis == normalization.AXES["layer"]:
            weight = weight * self.before.scale[net]  # the scale differs from sample to sample
        first = self.first[net][units] * self.slope[net][:, None]
        by_sample = first @ self.second[net][:, units]  # (batch, from, to)
        squares: Array = np.einsum("bv,buv->uv", np.square(weight), np.square(by_sample))
        return squares.argmax(axis=1)


class _Pass:
    """A whole network, run forward on a batch."""

    def __init__(self, spec: ResidualSpec, parameters: Parameters, inputs: Array, frozen: bool = False) -> None:
        stem, *inner, self.readout = parameters.weights
        self.stem = stem
        self.states = [inputs @ stem]
        self.blocks: list[_Block] = []
        for first, second in zip(inner[::2], inner[1::2], strict=True):
            self.blocks.append(_Block(spec, first, second, self.states[-1], frozen))
            self.states.append(self.blocks[-1].after.output)

    def from_loss(self, targets: Array) -> tuple[Array, Array]:
        """Return ∂L/∂h of the last block for the mean cross-entropy, and the loss (seeds,)."""
        loss, at_logits = cross_entropy(self.states[-1] @ self.readout, targets)
        return at_logits @ self.readout.swapaxes(-1, -2), loss


# Measurements --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ResidualProfile:
    """A residual network's gradients and sizes at initialization.

    `signal` (seeds, blocks + 1) is ‖∂L/∂h_l‖, Frobenius over batch and units, l = 0 (the stem) … blocks;
    `size` (seeds, blocks + 1) is the root mean square of h_l. `first_gradient` and `second_gradient` (seeds, blocks)
    are ‖∂L/∂W₁‖ and ‖∂L/∂W₂‖, `branch_gradient` (seeds, blocks) is the derivative of the loss by the factor
    on the block's branch. `loss` is (seeds,). `skip_signal` and `branch_signal` (seeds, blocks) are the norms of the
    gradients at each block's input through its skip and through its branch. `unit_gradient` (seeds, blocks + 1, width)
    is √(Σ over the batch of (∂L/∂h_l)²) of every unit, and `states` (blocks + 1, seeds, batch, width) are the h_l.
    """

    spec: ResidualSpec
    signal: Array
    size: Array
    first_gradient: Array
    second_gradient: Array
    branch_gradient: Array
    loss: Array
    skip_signal: Array
    branch_signal: Array
    unit_gradient: Array = field(repr=False)
    states: Array = field(repr=False)
    _way_back: list[tuple[_Block, Array]] = field(repr=False)

    @property
    def log10_signal(self) -> Array:
        """log10 of `signal`; -inf where it is exactly 0."""
        with np.errstate(divide="ignore"):
            return np.log10(self.signal)

    def links(self, net: int, units: Array) -> Array:
        """Return the unit from which each unit gets most of its gradient through the branch, (blocks, units).

        For each of `units` of a block's input this is the place, among the same units of its output, of the one with
        the largest √(Σ over the batch of (∂L/∂(the sum) · the derivative along the branch)²). The branch's factor,
        which is common to all, is left out, and so is the influence of each unit on all others through the mean and
        the variance of a normalization before the branch.
        """
        return np.array([block.links(at_sum, net, units) for block, at_sum in self._way_back])


def residual_profile(spec: ResidualSpec, data: str | tuple[Array, Array] = "digits", seed: int = 0) -> ResidualProfile:
    """Draw `spec.seeds` networks and backpropagate one batch through all of them, in float64.

    `data` is a task of `classification_batch` or (inputs (batch, features), targets (batch,)) of ten classes.
    """
    network, targets = _run(spec, data, seed)
    gradient, loss = network.from_loss(targets)
    signal, units, by_block, way_back = [_norms(gradient)], [_unit_norms(gradient)], [], []
    for block in reversed(network.blocks):
        at_sum, at_z = block.inside(gradient)
        way_back.append((block, at_sum))
        first, second, factor = block.weight_gradients(at_sum, at_z)
        skipped, branched = block.ways(at_sum, at_z)
        by_block.append((_norms(first), _norms(second), factor, _norms(skipped), _norms(branched)))
        gradient = skipped + branched
        signal.append(_norms(gradient))
        units.append(_unit_norms(gradient))
    states = np.stack(network.states)
    size = np.sqrt(np.square(states).mean(axis=(2, 3))).T
    columns = [np.stack(column[::-1], axis=1) for column in zip(*by_block, strict=True)]
    first, second, factor, skipped, branched = columns
    whole, by_unit = np.stack(signal[::-1], axis=1), np.stack(units[::-1], axis=1)
    return ResidualProfile(
        spec, whole, size, first, second, factor, loss, skipped, branched, by_unit, states, way_back[::-1]
    )


def _run(spec: ResidualSpec, data: str | tuple[Array, Array], seed: int) -> tuple[_Pass, Array]:
    """Return a network that is drawn and run forward on a batch, and the batch's targets."""
    inputs, targets = classification_batch(data, spec.batch, seed) if isinstance(data, str) else data
    return _Pass(spec, residual_parameters(spec, inputs.shape[1], CLASSES, seed), inputs), targets


def path_energies(spec: ResidualSpec, data: str | tuple[Array, Array] = "digits", seed: int = 0) -> Array:
    """Return the share of the squared gradient at the stem from paths through k = 0 … blocks branches.

    The result is (seeds, blocks + 1). The gradient at the stem is the sum over all 2^blocks paths, each of which takes
    the skip or the branch of every block (Veit 2016). Paths of equal length are added up before the norm is taken; each
    row is divided by its sum.
    """
    network, targets = _run(spec, data, seed)
    gradient, _ = network.from_loss(targets)
    by_length = gradient[None]  # (lengths so far, seeds, batch, width)
    for block in reversed(network.blocks):
        skipped, branched = block.backward(by_length)
        by_length = np.zeros((len(skipped) + 1, *gradient.shape))
        by_length[:-1] += skipped
        by_length[1:] += branched
    energies = np.square(by_length).sum(axis=(2, 3)).T
    return energies / np.maximum(energies.sum(axis=1, keepdims=True), np.finfo(float).tiny)


def input_gradients(spec: ResidualSpec, inputs: Array, seed: int = 0) -> Array:
    """Return ∂y/∂x for every sample, where y is one random linear read-out of the last block: (seeds, batch, features).

    The statistics of a batch norm count as constants: through them, y of one sample would depend on all the others,
    and the gradients of a batch would sum to 0 for any network.
    """
    parameters = residual_parameters(spec, inputs.shape[1], 1, seed)
    network = _Pass(spec, parameters, np.asarray(inputs, np.float64), frozen=True)
    gradient = np.broadcast_to(network.readout.swapaxes(-1, -2), network.states[-1].shape)
    for block in reversed(network.blocks):
        gradient = np.add(*block.backward(gradient))
    return gradient @ network.stem.swapaxes(-1, -2)


def autocorrelation(series: Array, lags: int) -> Array:
    """Return the autocorrelation of series (…, points) about their means at lags 0 … lags - 1; 0 for a constant."""
    centred = series - series.mean(axis=-1, keepdims=True)
    points = series.shape[-1]
    products = [np.sum(centred[..., : points - lag] * centred[..., lag:], axis=-1) for lag in range(lags)]
    variance = np.maximum(products[0], np.finfo(float).tiny)
    return np.stack([product / variance for product in products], axis=-1)


def _norms(arrays: Array) -> Array:
    return np.linalg.norm(arrays.reshape(len(arrays), -1), axis=1)


def _unit_norms(gradient: Array) -> Array:
    """Return norms over the batch, (seeds, batch, width) → (seeds, width)."""
    return np.linalg.norm(gradient, axis=1)
