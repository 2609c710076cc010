"""The exact engine: a deep network at its start, its loss, and every layer's gradient, by backpropagation by hand.

Layer l = 1 … depth computes ``z = h W + b``, normalises z if asked, applies the activation and, from the second layer
on, adds ``skip`` times the layer's input. A linear read-out and the mean cross-entropy follow. All ``seeds`` networks
are computed at once; arrays are (seeds, batch, width).

Gradients that leave the range of a float do not get lost: the running gradient is multiplied by a power of two
whenever its norm strays, and the exponent is kept beside it as a whole number.
"""

import math
import sys
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.activations import ACTIVATIONS, Kernel, get_activation
from helpers.datasets import CLASSES, classification_batch

Array = NDArray[Any]

INITS = (
    "pytorch_default",
    "lecun_normal",
    "xavier_normal",
    "xavier_uniform",
    "he_normal",
    "he_uniform",
    "orthogonal",
    "standard_normal",
)
NORMS = ("none", "batch", "layer")
NORM_EPSILON = 1e-5
PASS_BYTES = 800_000_000  # what one forward pass may keep; more seeds than fit go in turns
SPARE_BYTES = 256_000_000  # memory of finished forward passes kept for the next one
CACHE_BYTES = 128_000_000  # drawn numbers kept for the next call


# What a network is -------------------------------------------------------------------------------------------------


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number ≥ {least}; got {value!r}")


def _check_number(name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf) -> None:
    bound = f" > {above:g}" if above > -math.inf else f" ≥ {least:g}" if least > -math.inf else ""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not abs(value) <= sys.float_info.max or value <= above or value < least:
        raise ValueError(f"{name} must be a finite number{bound}; got {value!r}")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


@dataclass(frozen=True)
class NetworkSpec:
    """What decides a network at its start, and how many samples and seeds it is measured with.

    ``gain`` multiplies every weight on top of ``init``. ``bias_std`` is the standard deviation of the biases.
    ``skip`` is the strength of the residual connection. ``leak`` is leaky_relu's slope below zero. ``bias_mean`` is
    added to every bias of the hidden layers; added to all logits alike it would change nothing.
    Raises ValueError that names the argument, the value given and what is allowed.
    """

    depth: int = 30
    width: int = 64
    activation: str = "sigmoid"
    init: str = "xavier_normal"
    gain: float = 1.0
    bias_std: float = 0.0
    norm: str = "none"
    skip: float = 0.0
    batch: int = 128
    seeds: int = 8
    leak: float = 0.01
    bias_mean: float = 0.0

    def __post_init__(self) -> None:
        for name in ("depth", "width", "batch", "seeds"):
            _check_whole(name, getattr(self, name), 1)
        _check_choice("activation", self.activation, tuple(ACTIVATIONS))
        _check_choice("init", self.init, INITS)
        _check_choice("norm", self.norm, NORMS)
        _check_number("gain", self.gain, above=0)
        _check_number("bias_std", self.bias_std, least=0)
        _check_number("skip", self.skip)
        _check_number("leak", self.leak)
        _check_number("bias_mean", self.bias_mean)
        if self.norm == "batch" and self.batch < 2:
            raise ValueError(
                f"batch must be ≥ 2 with norm 'batch', which needs a spread over samples; got {self.batch!r}"
            )

    @property
    def weight_variance(self) -> float:
        """σ_w² of the hidden layers, fan_in times the variance of a weight, ``gain`` included."""
        return self.width * _weight_std(self.init, self.width, self.width) ** 2 * self.gain**2


def _weight_std(init: str, fan_in: int, fan_out: int) -> float:
    """The standard deviation of a weight before ``gain`` (Glorot 2010 eq. 12 and 16, He 2015 eq. 10)."""
    variance = {
        "pytorch_default": 1 / (3 * fan_in),  # U(-1/√fan_in, 1/√fan_in)
        "lecun_normal": 1 / fan_in,
        "xavier_normal": 2 / (fan_in + fan_out),
        "xavier_uniform": 2 / (fan_in + fan_out),
        "he_normal": 2 / fan_in,
        "he_uniform": 2 / fan_in,
        "orthogonal": 1 / max(fan_in, fan_out),
        "standard_normal": 1.0,
    }[init]
    return math.sqrt(variance)


@dataclass(frozen=True, eq=False)
class Parameters:
    """``weights``: arrays (seeds, fan_in, fan_out); ``biases``: arrays (seeds, fan_out); the read-out comes last."""

    weights: list[Array]
    biases: list[Array]


# Drawing parameters ------------------------------------------------------------------------------------------------


class _Cache:
    """The most recently used arrays, up to a number of bytes in all. What is kept becomes read-only."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._arrays: OrderedDict[tuple[Any, ...], Array] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> Array | None:
        if key in self._arrays:
            self._arrays.move_to_end(key)
        return self._arrays.get(key)

    def put(self, key: tuple[Any, ...], array: Array) -> None:
        self._arrays.pop(key, None)
        if array.nbytes <= self._most_bytes:
            array.flags.writeable = False
            self._arrays[key] = array
        while self.nbytes > self._most_bytes:
            self._arrays.popitem(last=False)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values())


_drawn = _Cache(CACHE_BYTES)

FIRST, HIDDEN, READ_OUT, BIAS, READ_OUT_BIAS = range(5)  # each has random numbers of its own


def _distribution(init: str) -> str:
    if init == "orthogonal":
        return "orthogonal"
    return "uniform" if init in ("pytorch_default", "xavier_uniform", "he_uniform") else "normal"


def _orthogonal(normals: Array) -> Array:
    """Uniformly distributed orthonormal rows or columns, scaled to entries of variance 1 (Saxe 2014)."""
    fan_in, fan_out = normals.shape[-2:]
    tall = normals if fan_in >= fan_out else normals.swapaxes(-1, -2)
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :] * math.sqrt(max(fan_in, fan_out))
    return q if fan_in >= fan_out else q.swapaxes(-1, -2)


def _draw_layer(kind: str, stream: int, layer: int, seed: int, shape: tuple[int, int]) -> Array:
    """Numbers of mean 0 and variance 1 that depend on the arguments alone: not on depth, precision or other seeds."""
    generator = np.random.default_rng((seed, stream, layer))
    if kind == "uniform":
        return generator.uniform(-math.sqrt(3), math.sqrt(3), shape)
    normals: Array = generator.standard_normal(shape)
    return _orthogonal(normals) if kind == "orthogonal" else normals


def _standard(kind: str, stream: int, layers: int, shape: tuple[int, int], seed: int, dtype: np.dtype[Any]) -> Array:
    """One network's drawn numbers (layers, *shape) of variance 1, from the cache as far as they are in it."""
    key = (kind, stream, shape, seed, dtype.char)
    known = _drawn.get(key)
    if known is None or len(known) < layers:
        start = 0 if known is None else len(known)
        block = np.empty((layers if layers < 8 else -(-layers // 8) * 8, *shape), dtype)
        if known is not None:
            block[:start] = known
        for layer in range(start, len(block)):
            block[layer] = _draw_layer(kind, stream, layer, seed, shape)
        _drawn.put(key, block)
        known = block
    return known[:layers]


def initial_parameters(
    spec: NetworkSpec, inputs: int, classes: int, seed: int = 0, dtype: DTypeLike = np.float64
) -> Parameters:
    """Draw the parameters of ``spec.seeds`` networks with ``inputs`` features and ``classes`` outputs.

    Network k is drawn from seed + k and a layer's numbers do not depend on depth: a deeper network shares its first
    layers with a shallower one, and one seed is the first of many. Biases are N(bias_mean, bias_std²), those of the
    read-out N(0, bias_std²). ``dtype`` is float64 or float32 (the same numbers, rounded). Raises ValueError for
    anything else, or sizes below 1.
    """
    _check_whole("inputs", inputs, 1)
    _check_whole("classes", classes, 1)
    _check_whole("seed", seed, 0)
    precision = np.dtype(dtype)
    if precision.char not in "fd":
        raise ValueError(f"dtype must be float32 or float64; got {dtype!r}")

    def drawn(kind: str, stream: int, layers: int, shape: tuple[int, int], scale: float) -> Array:
        numbers = np.empty((layers, spec.seeds, *shape), precision)
        for net in range(spec.seeds):
            np.multiply(_standard(kind, stream, layers, shape, seed + net, precision), scale, out=numbers[:, net])
        return numbers

    def weights(stream: int, layers: int, fan_in: int, fan_out: int) -> Array:
        scale = float(spec.gain) * _weight_std(spec.init, fan_in, fan_out)
        return drawn(_distribution(spec.init), stream, layers, (fan_in, fan_out), scale)

    def biases(stream: int, layers: int, fan_out: int, mean: float) -> Array:
        if spec.bias_std == 0:
            return np.full((layers, spec.seeds, fan_out), mean, precision)
        spread = drawn("normal", stream, layers, (1, fan_out), float(spec.bias_std))[:, :, 0]
        return np.add(spread, mean, out=spread)

    width, hidden = spec.width, spec.depth - 1
    return Parameters(
        [
            *weights(FIRST, 1, inputs, width),
            *(weights(HIDDEN, hidden, width, width) if hidden else ()),
            *weights(READ_OUT, 1, width, classes),
        ],
        [*biases(BIAS, spec.depth, width, float(spec.bias_mean)), *biases(READ_OUT_BIAS, 1, classes, 0.0)],
    )


# Norms that do not underflow ---------------------------------------------------------------------------------------


STRAY = 40  # log2 of a norm, up or down, beyond which float32 might lose some of it


def _squares(vectors: Array) -> list[float]:
    squares: list[float] = np.vecdot(vectors, vectors).tolist()
    return squares


class _Norms:
    """Euclidean norms of many vectors, a row of ``seeds`` norms for each layer, each a number times a power of two.

    The numbers are kept in plain lists: for so few at a time Python is quicker than numpy.
    """

    def __init__(self, seeds: int, dtype: np.dtype[Any]) -> None:
        self._seeds = seeds
        self._squares: list[float] = []
        self._exponents: list[int] = []
        self._low, self._high = (1e-25, 1e30) if dtype.itemsize == 4 else (1e-280, 1e280)

    def add(self, vectors: Array, exponents: list[int], squares: list[float] | None = None) -> None:
        """Add rows of norms of ``vectors`` (rows · seeds, numbers) · 2^exponents; ``squares`` if they are known.

        ``exponents`` are those of all rows, or of one row where all are alike.
        """
        squares = _squares(vectors) if squares is None else squares
        exponents = exponents * (len(squares) // len(exponents))
        if min(squares) >= self._low and max(squares) <= self._high:
            self._squares += squares
            self._exponents += exponents
        else:
            self._add_carefully(vectors, exponents)

    def _add_carefully(self, vectors: Array, exponents: list[int]) -> None:
        for vector, exponent in zip(vectors, exponents, strict=True):
            _, shift = math.frexp(float(np.max(np.abs(vector))))
            scaled = np.ldexp(vector.astype(np.float64), -shift)
            self._squares.append(float(scaled @ scaled))
            self._exponents.append(exponent + shift)

    def last(self) -> list[float]:
        """log2 of the row added last; -inf for 0."""
        pairs = zip(self._squares[-self._seeds :], self._exponents[-self._seeds :], strict=True)
        return [0.5 * math.log2(square) + exponent if square else -math.inf for square, exponent in pairs]

    def all_within(self, log2_limit: int) -> bool:
        """Whether every norm is between 2^-limit and 2^limit; may say no when it is close."""
        low, high = 2.0**-log2_limit, 2.0**log2_limit
        inside = low <= math.sqrt(min(self._squares)) and math.sqrt(max(self._squares)) <= high
        return inside and not any(self._exponents)

    def arrays(self) -> tuple[Array, Array]:
        """The norms and their log2, (rows, seeds) in float64: the first 0 below 5e-324, the second -inf for 0 only."""
        squares = np.array(self._squares).reshape(-1, self._seeds)
        exponents = np.array(self._exponents).reshape(-1, self._seeds)
        with np.errstate(under="ignore", over="ignore", divide="ignore"):
            return np.ldexp(np.sqrt(squares), exponents), 0.5 * np.log2(squares) + exponents


def _recentre(array: Array, exponents: list[int], norms: _Norms, layers: int = 1) -> list[int]:
    """Multiply each seed's part by the power of two that brings its norm near 1; returns the exponents that undo it.

    The norms of ``array`` · 2^exponents are those added last to ``norms``. Nothing is done, which saves a pass over
    the array, while they are so near 1 that the next ``layers`` may each change them by a factor of 16.
    """
    most = 100 if array.dtype.itemsize == 4 else 1000
    logarithms = [log2 - exponent for log2, exponent in zip(norms.last(), exponents, strict=True)]
    if max(logarithms) <= STRAY - 4 * layers and min(logarithms) >= 4 * layers - STRAY:
        return exponents
    shifts = [max(-most, min(most, round(log2))) if math.isfinite(log2) else 0 for log2 in logarithms]
    array *= np.array([2.0**-shift for shift in shifts], array.dtype)[:, None, None]
    return [exponent + shift for exponent, shift in zip(exponents, shifts, strict=True)]


# Forward -----------------------------------------------------------------------------------------------------------


class _Memory:
    """Blocks of memory that are used again: pages fresh from the system cost as much time as the arithmetic."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._spare: dict[int, Array] = {}

    def take(self, nbytes: int) -> Array:
        """A block of at least ``nbytes`` bytes, the smallest spare one that is large enough, or a new one."""
        for key, block in sorted(self._spare.items(), key=lambda item: item[1].nbytes):
            if block.nbytes >= nbytes and self._spare.pop(key, None) is not None:
                return block
        self._spare.clear()
        return np.empty(nbytes, np.uint8)

    def give_back(self, block: Array) -> None:
        """Keep ``block`` for the next ``take``, unless two or too many bytes are kept already."""
        if len(self._spare) < 2 and block.nbytes + self.nbytes <= self._most_bytes:
            self._spare[id(block)] = block

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return sum(block.nbytes for block in self._spare.values())


_memory = _Memory(SPARE_BYTES)


def _arrays_kept(spec: NetworkSpec) -> int:
    """How many arrays (depth, seeds, batch, width) a forward pass keeps."""
    return 3 + bool(spec.skip) + (spec.norm != "none")


class _Forward:
    """A forward pass and what it keeps: ``activation``, ``slope`` and ``hidden``, arrays (depth, seeds, batch, width).

    ``hidden`` is a layer's output, the activation itself without a skip connection. ``normalised`` is what a norm made
    of the pre-activations; without one they are computed again when asked for. ``delta`` is room for the way back. No
    array may outlive this object: the memory is used again.
    """

    def __init__(self, spec: NetworkSpec, parameters: Parameters, inputs: Array, biased: bool) -> None:
        self.spec, self.parameters, self.inputs, self._biased = spec, parameters, inputs, biased
        self._axis = 1 if spec.norm == "batch" else 2
        shape = (spec.depth, spec.seeds, spec.batch, spec.width)
        self.activation, self.slope, self.delta, *others = self._arrays(_arrays_kept(spec), shape)
        self.hidden = others.pop() if spec.skip else self.activation
        self.normalised = others.pop() if others else None
        self.spread: list[Array] = []  # 1/√(variance + eps) that a norm multiplied by
        self.norms = _Norms(spec.seeds, inputs.dtype)  # of hidden
        self._run(get_activation(spec.activation, spec.leak).evaluate)
        self.norms.add(self.hidden.reshape(-1, spec.batch * spec.width), [0] * spec.seeds)

    def _arrays(self, count: int, shape: tuple[int, ...]) -> list[Array]:
        dtype = self.inputs.dtype
        size = math.prod(shape) * dtype.itemsize
        stride = -(-size // 64) * 64  # vector instructions like whole cache lines
        block = _memory.take(count * stride + 64)
        weakref.finalize(self, _memory.give_back, block).atexit = False
        first = -block.__array_interface__["data"][0] % 64
        starts = [first + number * stride for number in range(count)]
        return [block[start : start + size].view(dtype).reshape(shape) for start in starts]

    def _run(self, evaluate: Kernel) -> None:
        spec, h = self.spec, self.inputs
        z = np.empty((spec.seeds, spec.batch, spec.width), h.dtype)
        for layer, (value, slope, hidden) in enumerate(zip(self.activation, self.slope, self.hidden, strict=True)):
            if self.normalised is not None:
                z = self.normalised[layer]
            self._affine(layer, h, z)
            if self.normalised is not None:
                self.spread.append(_normalise(z, self._axis))
            evaluate(z, value, slope)
            if spec.skip:
                np.add(value, h * spec.skip if layer else 0, hidden)
            h = hidden

    def _affine(self, layer: int, h: Array, z: Array) -> None:
        np.matmul(h, self.parameters.weights[layer], z)
        if self._biased:
            np.add(z, self.parameters.biases[layer][:, None, :], z)

    def preactivation(self, layer: int) -> Array:
        """What the activation of this layer saw (seeds, batch, width)."""
        z: Array = np.empty_like(self.slope[layer]) if self.normalised is None else self.normalised[layer]
        if self.normalised is None:
            self._affine(layer, self.hidden[layer - 1] if layer else self.inputs, z)
        return z

    def through_norm(self, layer: int, delta: Array) -> None:
        """Turn the gradient at a norm's output into the one at its input, in place (Ioffe 2015, section 3)."""
        if self.normalised is None:
            return
        normalised = self.normalised[layer]
        along = _mean(delta * normalised, self._axis)
        np.subtract(delta, _mean(delta, self._axis), delta)
        np.subtract(delta, normalised * along, delta)
        np.multiply(delta, self.spread[layer], delta)

    def lost_layer(self) -> int | None:
        """The first layer, from 1, whose signal float32 or float64 cannot hold well; None if all are fine.

        An exact zero is fine where the activation makes it, as in a ReLU layer without an active unit.
        """
        limit = 50 if self.inputs.dtype.itemsize == 4 else 960  # log2 of about 1e15 and 1e289
        if self.norms.all_within(limit):
            return None
        _, log2 = self.norms.arrays()
        for layer, net in np.argwhere(~(np.abs(log2) <= limit)).tolist():
            if not (log2[layer, net] == -np.inf and self._is_really_zero(layer, net)):
                return layer + 1
        return None

    def _is_really_zero(self, layer: int, net: int) -> bool:
        below = self.hidden[layer - 1, net] if layer else self.inputs
        one_unit = self.spec.norm == "layer" and self.spec.width == 1  # each is its own mean
        if one_unit or not below.any():
            return True
        makes_zeros = float(get_activation(self.spec.activation, self.spec.leak).function(-1.0)) == 0
        return makes_zeros and bool(self.preactivation(layer)[net].any())


@lru_cache(maxsize=32)
def _averaging(count: int, code: str) -> Array:
    return np.full(count, 1 / count, code)


def _mean(array: Array, axis: int) -> Array:
    """The mean along axis 1 or 2 of (seeds, batch, width), that axis kept: as a matrix product, for speed."""
    vector = _averaging(array.shape[axis], array.dtype.char)
    means: Array = np.matmul(vector, array)[:, None, :] if axis == 1 else np.matmul(array, vector)[:, :, None]
    return means


def _normalise(z: Array, axis: int) -> Array:
    """Bring ``z`` to mean 0 and variance 1 along ``axis`` in place; returns 1/√(variance + eps)."""
    np.subtract(z, _mean(z, axis), z)
    spread: Array = 1 / np.sqrt(_mean(np.square(z), axis) + NORM_EPSILON)
    np.multiply(z, spread, z)
    return spread


# Backward ----------------------------------------------------------------------------------------------------------


def _cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Mean cross-entropy (seeds,) and its gradient at the logits (seeds, classes, batch)."""
    samples = np.arange(len(targets))
    logits -= logits.max(axis=1, keepdims=True)
    gradient = np.exp(logits)
    sums = gradient.sum(axis=1, keepdims=True)
    loss: Array = (np.log(sums[:, 0]) - logits[:, targets, samples]).mean(axis=1)
    gradient /= sums
    gradient[:, targets, samples] -= 1
    gradient /= len(targets)
    return loss, gradient


class _Backward:
    """The way back: δ = ∂L/∂z from ∂L/∂h, then ∂L/∂W = hᵀδ and the next ∂L/∂h = δWᵀ (Rumelhart 1986).

    The running gradient is kept near norm 1, with an exponent of two for each seed beside it. Small layers are done a
    stretch at a time, before their norms are taken together. Weight gradients, a third of the work, wait until they are
    asked for.
    """

    def __init__(self, forward: _Forward) -> None:
        spec, dtype = forward.spec, forward.inputs.dtype
        layer_size = spec.seeds * spec.width * max(spec.batch, spec.width)
        self._stretch = min(max(32_768 // layer_size, 1), 8)  # what stays in the processor's cache
        self.forward, self._spec = forward, spec
        self._slopes, self._deltas = list(forward.slope), list(forward.delta)
        self._above = [weights.swapaxes(1, 2) for weights in forward.parameters.weights]
        self._gradients = np.empty((self._stretch, spec.seeds, spec.batch, spec.width), dtype)
        self._rows = list(self._gradients)
        self._exponents = [0] * spec.seeds
        self._delta_exponents = [self._exponents] * spec.depth
        self._signal = _Norms(spec.seeds, dtype)

    def run(self, targets: Array) -> "GradientProfile":
        """From the loss down to the first layer."""
        gradient, loss = self._from_loss(targets)
        layer = self._spec.depth - 1
        while layer:
            gradient, layer = self._descend(gradient, layer)
        self._delta(gradient, 0)
        self._delta_exponents[0] = self._exponents
        signal, log2_signal = self._signal.arrays()
        return GradientProfile(self._spec, signal[::-1].T, log2_signal[::-1].T * math.log10(2), loss, _backward=self)

    def weight_gradients(self) -> tuple[Array, Array]:
        """‖∂L/∂W‖ of every layer and its log10, (seeds, depth)."""
        spec, forward = self._spec, self.forward
        norms = _Norms(spec.seeds, forward.inputs.dtype)
        first = np.matmul(forward.inputs.T, forward.delta[0])
        norms.add(first.reshape(spec.seeds, -1), self._delta_exponents[0])
        below = forward.hidden.swapaxes(2, 3)
        products = np.empty((self._stretch, spec.seeds, spec.width, spec.width), first.dtype)
        for start in range(1, spec.depth, self._stretch):
            layers = range(start, min(start + self._stretch, spec.depth))
            some = products[: len(layers)]
            np.matmul(below[start - 1 : layers[-1]], forward.delta[start : layers[-1] + 1], some)
            exponents = [exponent for layer in layers for exponent in self._delta_exponents[layer]]
            norms.add(some.reshape(len(exponents), -1), exponents)
        plain, log2 = norms.arrays()
        return plain.T, log2.T * math.log10(2)

    def weight_gradient_matrices(self) -> list[Array]:
        """∂L/∂W of every layer, (seeds, fan_in, width) in float64."""
        forward = self.forward
        below = [np.broadcast_to(forward.inputs, (self._spec.seeds, *forward.inputs.shape)), *forward.hidden[:-1]]
        layers = zip(below, forward.delta, self._delta_exponents, strict=True)
        return [
            np.matmul(h.swapaxes(1, 2), delta).astype(np.float64) * np.ldexp(1.0, np.array(exponents))[:, None, None]
            for h, delta, exponents in layers
        ]

    def _from_loss(self, targets: Array) -> tuple[Array, Array]:
        """∂L/∂h of the last layer, and the loss."""
        seeds, bias = self._spec.seeds, self.forward.parameters.biases[-1]
        logits = (
            np.matmul(self._above[-1], self.forward.hidden[-1].swapaxes(1, 2)).astype(np.float64) + bias[:, :, None]
        )
        loss, at_logits = _cross_entropy(logits, targets)
        norms = _Norms(seeds, logits.dtype)
        norms.add(at_logits.reshape(seeds, -1), self._exponents)
        self._exponents = _recentre(at_logits, self._exponents, norms)
        gradient = np.matmul(at_logits.swapaxes(1, 2).astype(self._gradients.dtype), self._above[-1])
        self._signal.add(gradient.reshape(seeds, -1), self._exponents)
        self._exponents = _recentre(gradient, self._exponents, self._signal, self._stretch)
        return gradient, loss

    def _delta(self, gradient: Array, layer: int) -> Array:
        delta: Array = self._deltas[layer]
        np.multiply(gradient, self._slopes[layer], delta)
        if self.forward.normalised is not None:
            self.forward.through_norm(layer, delta)
        return delta

    def _descend(self, gradient: Array, layer: int) -> tuple[Array, int]:
        """From ∂L/∂h of ``layer`` down a stretch of layers; returns ∂L/∂h of the layer where it ends, and that layer.

        The stretch is cut where a norm strays so far from 1 that float32 might lose some of it.
        """
        spec, gradients = self._spec, self._gradients
        count = min(self._stretch, layer)
        for step, below in enumerate(self._rows[:count]):
            delta = self._delta(gradient, layer - step)
            carried = gradient * spec.skip if spec.skip else None
            np.matmul(delta, self._above[layer - step], below)
            if carried is not None:
                np.add(below, carried, below)
            gradient = below

        flat = gradients[:count].reshape(count * spec.seeds, -1)
        squares = _squares(flat)
        near = [4.0**-STRAY <= square <= 4.0**STRAY for square in squares]
        count = count if all(near) else near.index(False) // spec.seeds + 1
        rows = count * spec.seeds
        self._signal.add(flat[:rows], self._exponents, squares[:rows])
        self._delta_exponents[layer - count + 1 : layer + 1] = [self._exponents] * count

        gradient = gradients[count - 1]
        self._exponents = _recentre(gradient, self._exponents, self._signal, self._stretch)
        return gradient, layer - count


# What is measured --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GradientProfile:
    """Every layer's gradient and state at initialization; arrays (seeds, depth) with layer 1 first, ``loss`` (seeds,).

    ``signal`` is ‖∂L/∂h_l‖, Frobenius over batch and units, h_l a layer's output; ``weight_gradient`` is ‖∂L/∂W_l‖.
    Both are float64, and their ``log10_…`` stay exact where the norms themselves fall below 1e-308; a norm that is
    exactly 0 has -inf. All but ``signal`` and ``loss`` is computed when first asked for, with the parameters and inputs
    as they are then.
    """

    spec: NetworkSpec
    signal: Array
    log10_signal: Array
    loss: Array
    _backward: _Backward | None = field(default=None, repr=False)

    def per_layer_factor(self) -> Array:
        """The geometric mean of signal_{l-1} / signal_l over l = 2 … depth, one per seed (seeds,).

        Below 1 the gradient vanishes on its way down, above 1 it explodes. With one layer there is no ratio: nan.
        """
        if self.spec.depth == 1:
            return np.full(len(self.signal), np.nan)
        with np.errstate(invalid="ignore"):
            steps = (self.log10_signal[:, 0] - self.log10_signal[:, -1]) / (self.spec.depth - 1)
        factors: Array = 10.0**steps
        return factors

    def _per_layer(self, statistic: Callable[[_Forward, int], Array]) -> Array:
        """Apply ``statistic(forward, layer) -> (seeds,)`` to every layer; returns (seeds, depth)."""
        assert self._backward is not None
        forward = self._backward.forward
        return np.stack([statistic(forward, layer) for layer in range(self.spec.depth)], axis=1)

    @cached_property
    def _weight_gradients(self) -> tuple[Array, Array]:
        assert self._backward is not None
        with np.errstate(all="ignore"):
            return self._backward.weight_gradients()

    @cached_property
    def weight_gradient(self) -> Array:
        """‖∂L/∂W_l‖, Frobenius."""
        return self._weight_gradients[0]

    @cached_property
    def log10_weight_gradient(self) -> Array:
        """log10 ‖∂L/∂W_l‖, exact also where the norm itself falls below 1e-308."""
        return self._weight_gradients[1]

    def weight_gradient_matrices(self) -> list[Array]:
        """∂L/∂W_l of every layer, arrays (seeds, fan_in, width) in float64; they overflow or underflow where that does.

        Raises ValueError for networks that were too large for one pass: nothing of them is kept but norms.
        """
        if self._backward is None:
            raise ValueError(f"seeds must be few enough for one forward pass; got {self.spec.seeds}")
        return self._backward.weight_gradient_matrices()

    @cached_property
    def preactivation_std(self) -> Array:
        """The standard deviation over batch and units of what the activation sees (after a norm)."""
        return self._per_layer(lambda forward, layer: _deviation(forward.preactivation(layer)))

    @cached_property
    def activation_std(self) -> Array:
        """The standard deviation over batch and units of the activation's output (before a skip is added)."""
        return self._per_layer(lambda forward, layer: _deviation(forward.activation[layer]))

    @cached_property
    def saturated(self) -> Array:
        """The fraction of units and samples whose |slope| is below 0.01 of the activation's largest."""
        limit = 0.01 * get_activation(self.spec.activation, self.spec.leak).max_slope
        return self._per_layer(lambda forward, layer: (np.abs(forward.slope[layer]) < limit).mean(axis=(1, 2)))

    @cached_property
    def dead(self) -> Array:
        """The fraction of units whose activation is exactly 0 for every sample of the batch."""
        return self._per_layer(lambda forward, layer: (forward.activation[layer] == 0).all(axis=1).mean(axis=1))

    @cached_property
    def similarity(self) -> Array:
        """The mean cosine between the activations of two different samples; nan for a batch of one.

        A sample whose activations are all 0 has no direction: its cosines count as 0.
        """
        return self._per_layer(lambda forward, layer: _mean_cosine(forward.activation[layer]))

    @cached_property
    def update_ratio(self) -> Array:
        """‖∂L/∂W_l‖ / ‖W_l‖: how far one gradient step of learning rate 1 moves a layer, relative to its size."""
        sizes = self._per_layer(lambda forward, layer: _frobenius(forward.parameters.weights[layer]))
        ratio: Array = self.weight_gradient / sizes
        return ratio


_EAGER = ("signal", "log10_signal", "loss")
_LAZY = ("weight_gradient", "log10_weight_gradient", "preactivation_std", "activation_std", "saturated", "dead",
         "similarity", "update_ratio")  # fmt: skip


def _deviation(values: Array) -> Array:
    deviation: Array = values.std(axis=(1, 2), dtype=np.float64)
    return deviation


def _frobenius(matrices: Array) -> Array:
    norms: Array = np.linalg.norm(matrices.astype(np.float64), axis=(1, 2))
    return norms


def _mean_cosine(activations: Array) -> Array:
    """The mean over pairs of different rows, from |Σu|² = Σ|u|² + Σ over pairs, u the rows at length 1."""
    rows = activations.astype(np.float64)
    count = rows.shape[1]
    if count < 2:
        return np.full(len(rows), np.nan)
    lengths = np.linalg.norm(rows, axis=2, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1)
    total = np.square(units.sum(axis=1)).sum(axis=1)
    cosines: Array = (total - np.square(units).sum(axis=(1, 2))) / (count * (count - 1))
    return cosines


# The two doors -----------------------------------------------------------------------------------------------------


def backpropagate(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    """Exact gradients of every layer for given parameters and one batch, by the chain rule (Rumelhart 1986).

    ``inputs`` are (batch, features), ``targets`` (batch,) whole numbers below the number of classes. Computes in the
    dtype of the parameters, float32 or float64. Raises ValueError for arrays that do not fit ``spec``. Warns
    (RuntimeWarning, naming the layer) when the forward signal itself leaves what that dtype can hold.
    """
    dtype = _check_arrays(spec, parameters, inputs, targets)
    x, t = np.ascontiguousarray(inputs, dtype), np.asarray(targets)

    def part(some: NetworkSpec, start: int) -> GradientProfile:
        nets = slice(start, start + some.seeds)
        chosen = Parameters([w[nets] for w in parameters.weights], [b[nets] for b in parameters.biases])
        return _profile(some, chosen, x, t)

    return _in_turns(spec, part)


def gradient_profile(spec: NetworkSpec, data: str | tuple[Array, Array] = "digits", seed: int = 0) -> GradientProfile:
    """Draw ``spec.seeds`` networks and one batch from ``seed`` and backpropagate through all of them.

    ``data`` is a task of ``classification_batch`` ("digits", "clusters", "gaussian") or (inputs, targets) with ten
    classes. Computes in float32 with rescaled gradients, and again in float64 where the forward signal leaves
    [1e-15, 1e15] or weights, biases or inputs are extreme. Raises and warns like ``backpropagate``.
    """
    if isinstance(data, str):
        inputs, targets = _batch(data, spec.batch, seed)
    else:
        inputs, targets = (np.asarray(array) for array in data)
        _check_batch(spec, inputs, targets, CLASSES)
    single, double = (np.ascontiguousarray(inputs, dtype) for dtype in (np.float32, np.float64))
    tame = (
        1e-6 < spec.weight_variance < 1e3
        and spec.bias_std < 30
        and abs(spec.bias_mean) < 30
        and (isinstance(data, str) or abs(single).max() < 1e3)
    )

    def part(some: NetworkSpec, start: int) -> GradientProfile:
        draw = partial(initial_parameters, some, inputs.shape[1], CLASSES, seed + start)
        if tame:
            with np.errstate(all="ignore"):
                forward = _Forward(some, draw(np.float32), single, some.bias_std > 0 or some.bias_mean != 0)
                if forward.lost_layer() is None:
                    return _Backward(forward).run(targets)
        return _profile(some, draw(np.float64), double, targets)

    return _in_turns(spec, part, 4 * spec.depth * spec.width**2)


def _profile(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    with np.errstate(all="ignore"):
        forward = _Forward(spec, parameters, inputs, any(bias.any() for bias in parameters.biases[:-1]))
        lost = forward.lost_layer()
        profile = _Backward(forward).run(targets)
    if lost is not None or not np.isfinite(profile.loss).all():
        _check_finite(parameters)
        where = "the read-out" if lost is None else f"layer {lost}"
        norms = profile.loss if lost is None else forward.norms.arrays()[0][lost - 1]
        warnings.warn(
            f"The forward signal of {where} leaves what {inputs.dtype} can hold "
            f"({'losses' if lost is None else 'norms'} {norms.min():.1e} to {norms.max():.1e}): "
            "from there on the numbers are not reliable",
            RuntimeWarning,
            stacklevel=5,
        )
    return profile


def _check_finite(parameters: Parameters) -> None:
    for name in ("weights", "biases"):
        for layer, array in enumerate(getattr(parameters, name)):
            if not np.isfinite(array).all():
                raise ValueError(f"{name}[{layer}] must be finite numbers; got NaN or infinity")


def _in_turns(
    spec: NetworkSpec, part: Callable[[NetworkSpec, int], GradientProfile], bytes_drawn: int = 0
) -> GradientProfile:
    """``part(spec, first seed)`` for all seeds at once, or for some after the other where memory asks for it."""
    at_once = max(1, PASS_BYTES // (8 * _arrays_kept(spec) * spec.depth * spec.batch * spec.width + bytes_drawn))
    if spec.seeds <= at_once:
        return part(spec, 0)
    joined: dict[str, list[Array]] = {name: [] for name in (*_EAGER, *_LAZY)}
    for start in range(0, spec.seeds, at_once):
        profile = part(replace(spec, seeds=min(at_once, spec.seeds - start)), start)
        for name, arrays_so_far in joined.items():
            arrays_so_far.append(getattr(profile, name))
    whole: dict[str, Any] = {name: np.concatenate(joined[name]) for name in _EAGER}
    result = GradientProfile(spec, **whole)
    for name in _LAZY:
        vars(result)[name] = np.concatenate(joined[name])
    return result


@lru_cache(maxsize=8)
def _batch(name: str, size: int, seed: int) -> tuple[Array, Array]:
    return classification_batch(name, size, seed)


def _check_arrays(spec: NetworkSpec, parameters: Parameters, inputs: Any, targets: Any) -> np.dtype[Any]:
    """Compare every shape with what ``spec`` asks for; returns the dtype that all parameters share."""
    for name in ("weights", "biases"):
        arrays = getattr(parameters, name)
        if len(arrays) != spec.depth + 1:
            raise ValueError(f"{name} must hold depth + 1 = {spec.depth + 1} arrays, read-out last; got {len(arrays)}")
    dtypes = {np.asarray(array).dtype for array in (*parameters.weights, *parameters.biases)}
    if len(dtypes) != 1 or next(iter(dtypes)).char not in "fd":
        names = ", ".join(sorted(str(dtype) for dtype in dtypes))
        raise ValueError(f"weights and biases must all be float32 or all be float64; got {names}")
    readout = np.shape(parameters.weights[-1])
    if len(readout) != 3:
        raise ValueError(f"weights[-1] must have shape (seeds, width, classes); got {readout}")
    classes = readout[2]
    _check_batch(spec, inputs, targets, classes)
    widths = [np.shape(inputs)[1], *[spec.width] * spec.depth, classes]
    for layer, (weight, bias) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        _check_shape(f"weights[{layer}]", weight, (spec.seeds, widths[layer], widths[layer + 1]))
        _check_shape(f"biases[{layer}]", bias, (spec.seeds, widths[layer + 1]))
    return dtypes.pop()


def _check_shape(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}; got {np.shape(array)}")


def _check_batch(spec: NetworkSpec, inputs: Any, targets: Any, classes: int) -> None:
    x, t = np.asarray(inputs), np.asarray(targets)
    if x.ndim != 2 or len(x) != spec.batch or not x.shape[1]:
        raise ValueError(f"inputs must have shape (batch, features) with batch = {spec.batch}; got {x.shape}")
    if x.dtype.kind not in "fiu" or not np.isfinite(x).all():
        raise ValueError(
            "inputs must be finite numbers; got " + ("NaN or infinity" if x.dtype.kind == "f" else str(x.dtype))
        )
    _check_shape("targets", t, (spec.batch,))
    if t.dtype.kind not in "iu" or t.min() < 0 or t.max() >= classes:
        given = f"{t.min()} … {t.max()}" if t.dtype.kind in "iu" else str(t.dtype)
        raise ValueError(f"targets must be whole numbers from 0 to {classes - 1}; got {given}")
