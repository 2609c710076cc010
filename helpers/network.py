"""The exact engine: a deep network at its start, its loss, and every layer's gradient, by backpropagation by hand.

Layer l = 1 … depth computes ``z = h W + b``, normalises z if asked, applies the activation and, from the second layer
on, adds ``skip`` times the layer's input. A linear read-out and the mean cross-entropy follow. All ``seeds`` networks
are computed at once; arrays are (seeds, batch, width).

Gradients that leave the range of a float do not get lost: the running gradient is multiplied by a power of two
whenever its norm strays, and the exponent is kept beside it as a whole number.
"""

import math
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from helpers.activations import ACTIVATIONS, get_activation
from helpers.datasets import classification_batch

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
RECORD_BYTES = 400_000_000  # what one forward pass may keep; more seeds than fit go in turns
CACHE_BYTES = 256_000_000  # drawn numbers kept for the next call


# What a network is -------------------------------------------------------------------------------------------------


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number ≥ {least}; got {value!r}")


def _check_number(name: str, value: Any, allowed: str, ok: bool | None = None) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or ok is False:
        raise ValueError(f"{name} must be {allowed}; got {value!r}")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


@dataclass(frozen=True)
class NetworkSpec:
    """What decides a network at its start, and how many samples and seeds it is measured with.

    ``gain`` multiplies every weight on top of ``init``. ``bias_std`` is the standard deviation of the biases.
    ``skip`` is the strength of the residual connection. ``leak`` is leaky_relu's slope below zero.
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

    def __post_init__(self) -> None:
        for name in ("depth", "width", "batch", "seeds"):
            _check_whole(name, getattr(self, name), 1)
        _check_choice("activation", self.activation, tuple(ACTIVATIONS))
        _check_choice("init", self.init, INITS)
        _check_choice("norm", self.norm, NORMS)
        for name in ("gain", "bias_std", "skip", "leak"):
            _check_number(name, getattr(self, name), "a finite number")
        _check_number("gain", self.gain, "a finite number > 0", self.gain > 0)
        _check_number("bias_std", self.bias_std, "a finite number ≥ 0", self.bias_std >= 0)
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
    """The most recently used arrays, up to a number of bytes in all."""

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


def _standard(
    kind: str, stream: int, layers: int, shape: tuple[int, int], seed: int, seeds: int, dtype: np.dtype[Any]
) -> Array:
    """Drawn numbers (layers, seeds, *shape) of variance 1, from the cache as far as they are in it."""
    key = (kind, stream, shape, seed, seeds, dtype.char)
    known = _drawn.get(key)
    if known is None or len(known) < layers:
        start = 0 if known is None else len(known)
        block = np.empty((layers if layers < 8 else -(-layers // 8) * 8, seeds, *shape), dtype)
        if known is not None:
            block[:start] = known
        for layer in range(start, len(block)):
            for net in range(seeds):
                block[layer, net] = _draw_layer(kind, stream, layer, seed + net, shape)
        _drawn.put(key, block)
        known = block
    return known[:layers]


def initial_parameters(
    spec: NetworkSpec, inputs: int, classes: int, seed: int = 0, dtype: DTypeLike = np.float64
) -> Parameters:
    """Draw the parameters of ``spec.seeds`` networks with ``inputs`` features and ``classes`` outputs.

    Network k is drawn from seed + k and a layer's numbers do not depend on depth: a deeper network shares its first
    layers with a shallower one, and one seed is the first of many. Biases are N(0, bias_std²). ``dtype`` is float64
    or float32 (the same numbers, rounded). Raises ValueError for anything else, or sizes below 1.
    """
    _check_whole("inputs", inputs, 1)
    _check_whole("classes", classes, 1)
    _check_whole("seed", seed, 0)
    precision = np.dtype(dtype)
    if precision.char not in "fd":
        raise ValueError(f"dtype must be float32 or float64; got {dtype!r}")

    def weights(stream: int, layers: int, fan_in: int, fan_out: int) -> Array:
        drawn = _standard(_distribution(spec.init), stream, layers, (fan_in, fan_out), seed, spec.seeds, precision)
        scaled: Array = drawn * (spec.gain * _weight_std(spec.init, fan_in, fan_out))
        return scaled

    def biases(stream: int, layers: int, fan_out: int) -> Array:
        if spec.bias_std == 0:
            return np.zeros((layers, spec.seeds, fan_out), precision)
        drawn = _standard("normal", stream, layers, (1, fan_out), seed, spec.seeds, precision)
        scaled: Array = drawn[:, :, 0] * float(spec.bias_std)
        return scaled

    width, hidden = spec.width, spec.depth - 1
    return Parameters(
        [
            *weights(FIRST, 1, inputs, width),
            *(weights(HIDDEN, hidden, width, width) if hidden else ()),
            *weights(READ_OUT, 1, width, classes),
        ],
        [*biases(BIAS, spec.depth, width), *biases(READ_OUT_BIAS, 1, classes)],
    )


# Norms that do not underflow ---------------------------------------------------------------------------------------


class _Norms:
    """Euclidean norms of many vectors, (layers, seeds), each as a number times a power of two."""

    def __init__(self, layers: int, seeds: int, dtype: np.dtype[Any]) -> None:
        self.squares = np.empty((layers, seeds))
        self.exponents = np.zeros((layers, seeds), np.int64)
        self._low, self._high = (1e-25, 1e30) if dtype.itemsize == 4 else (1e-280, 1e280)

    def measure(self, layer: int, vectors: Array, exponent: Array | int = 0) -> list[float]:
        """Take the norms of ``vectors`` (seeds, numbers) · 2^exponent; returns the squares without that exponent."""
        squares = np.vecdot(vectors, vectors)
        self.squares[layer] = squares
        self.exponents[layer] = exponent
        values: list[float] = squares.tolist()
        if not (min(values) >= self._low and max(values) <= self._high):
            self._measure_carefully(layer, vectors)
        return values

    def _measure_carefully(self, layer: int, vectors: Array) -> None:
        for net, vector in enumerate(vectors):
            _, exponent = math.frexp(float(np.max(np.abs(vector))))
            scaled = np.ldexp(vector.astype(np.float64), -exponent)
            self.squares[layer, net] = scaled @ scaled
            self.exponents[layer, net] += exponent

    @property
    def log2(self) -> Array:
        """log2 of the norms (layers, seeds); -inf for 0."""
        with np.errstate(divide="ignore"):
            logarithms: Array = 0.5 * np.log2(self.squares) + self.exponents
        return logarithms

    @property
    def values(self) -> Array:
        """The norms (layers, seeds) as float64: 0 below 5e-324, where ``log2`` still tells."""
        with np.errstate(under="ignore", over="ignore"):
            norms: Array = np.ldexp(np.sqrt(self.squares), self.exponents)
        return norms


def _recentre(array: Array, exponent: Array, log2_norms: Array) -> None:
    """Multiply each seed's part by the power of two that brings its norm near 1, and book it in ``exponent``."""
    most = 100 if array.dtype.itemsize == 4 else 1000
    shift = np.clip(np.nan_to_num(np.rint(log2_norms), posinf=0, neginf=0), -most, most).astype(np.int64)
    np.multiply(array, np.ldexp(array.dtype.type(1), -shift)[:, None, None], out=array)
    exponent += shift


# Forward -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Record:
    """What the forward pass keeps, arrays (depth, seeds, batch, width)."""

    preactivation: Array
    activation: Array
    slope: Array
    hidden: Array  # the layer's output: the activation itself without a skip connection
    spread: list[Array]  # 1/√(variance + eps) that a norm multiplied by
    norms: _Norms  # of hidden


def _forward(spec: NetworkSpec, parameters: Parameters, inputs: Array) -> _Record:
    activation = get_activation(spec.activation, spec.leak)
    shape = (spec.depth, len(parameters.weights[0]), spec.batch, spec.width)
    z, a, slope = (np.empty(shape, inputs.dtype) for _ in range(3))
    hidden = np.empty(shape, inputs.dtype) if spec.skip else a
    record = _Record(z, a, slope, hidden, [], _Norms(shape[0], shape[1], inputs.dtype))
    flat = hidden.reshape(*shape[:2], -1)
    h = inputs
    for layer in range(spec.depth):
        np.matmul(h, parameters.weights[layer], out=z[layer])
        if parameters.biases[layer].any():
            np.add(z[layer], parameters.biases[layer][:, None, :], out=z[layer])
        if spec.norm != "none":
            record.spread.append(_normalise(z[layer], _norm_axis(spec)))
        activation.evaluate(z[layer], a[layer], slope[layer])
        if spec.skip and layer:
            np.multiply(h, spec.skip, out=hidden[layer])
            np.add(hidden[layer], a[layer], out=hidden[layer])
        elif spec.skip:
            np.copyto(hidden[layer], a[layer])
        h = hidden[layer]
        record.norms.measure(layer, flat[layer])
    return record


def _norm_axis(spec: NetworkSpec) -> int:
    return 1 if spec.norm == "batch" else 2


def _normalise(z: Array, axis: int) -> Array:
    """Bring ``z`` to mean 0 and variance 1 along ``axis`` in place; returns 1/√(variance + eps)."""
    np.subtract(z, z.mean(axis=axis, keepdims=True), out=z)
    variance = np.square(z).mean(axis=axis, keepdims=True)
    spread: Array = 1 / np.sqrt(variance + NORM_EPSILON)
    np.multiply(z, spread, out=z)
    return spread


def _normalise_backward(delta: Array, normalised: Array, spread: Array, axis: int) -> None:
    """Turn the gradient at a norm's output into the one at its input, in place (Ioffe 2015, section 3)."""
    along = (delta * normalised).mean(axis=axis, keepdims=True)
    np.subtract(delta, delta.mean(axis=axis, keepdims=True), out=delta)
    np.subtract(delta, normalised * along, out=delta)
    np.multiply(delta, spread, out=delta)


def _lost_layer(spec: NetworkSpec, record: _Record) -> int | None:
    """The first layer, from 1, whose forward signal float32 or float64 cannot hold well; None if all are fine.

    An exact zero is fine where the activation makes it, as in a ReLU layer without an active unit.
    """
    single = record.activation.dtype.itemsize == 4
    limit = 50 if single else 960  # log2 of about 1e15 and 1e289
    makes_zeros = float(get_activation(spec.activation, spec.leak).function(-1.0)) == 0
    log2 = record.norms.log2
    for layer, net in np.argwhere(~(np.abs(log2) <= limit)):
        dead = log2[layer, net] == -np.inf and makes_zeros and bool(record.preactivation[layer, net].any())
        silent = log2[layer, net] == -np.inf and layer > 0 and log2[layer - 1, net] == -np.inf
        one_unit = spec.norm == "layer" and spec.width == 1  # every z is its own mean
        if not (dead or silent or one_unit):
            return int(layer) + 1
    return None


# Backward ----------------------------------------------------------------------------------------------------------


def _cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Mean cross-entropy (seeds,) and its gradient at the logits (seeds, batch, classes), in float64."""
    samples = np.arange(len(targets))
    shifted = logits - logits.max(axis=2, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=2, keepdims=True)
    loss: Array = (np.log(sums[:, :, 0]) - shifted[:, samples, targets]).mean(axis=1)
    gradient = exponentials / sums
    gradient[:, samples, targets] -= 1
    return loss, gradient / len(targets)


def _backward(
    spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array, record: _Record
) -> "GradientProfile":
    weights, dtype = parameters.weights, inputs.dtype
    depth, seeds, batch, width = record.hidden.shape
    logits = np.matmul(record.hidden[-1], weights[-1]).astype(np.float64) + parameters.biases[-1][:, None, :]
    loss, readout_gradient = _cross_entropy(logits, targets)

    exponent = np.zeros(seeds, np.int64)
    start = _Norms(1, seeds, readout_gradient.dtype)
    start.measure(0, readout_gradient.reshape(seeds, -1))
    _recentre(readout_gradient, exponent, start.log2[0])
    gradient = np.matmul(readout_gradient.astype(dtype), weights[-1].swapaxes(1, 2))  # ∂L/∂h, in units of 2^exponent

    signal, weight_gradient = _Norms(depth, seeds, dtype), _Norms(depth, seeds, dtype)
    delta = np.empty((seeds, batch, width), dtype)
    carried = np.empty_like(delta) if spec.skip else delta
    product = np.empty((seeds, width, width), dtype)
    for layer in reversed(range(depth)):
        squares = signal.measure(layer, gradient.reshape(seeds, -1), exponent)
        if not (min(squares) >= 2.0**-40 and max(squares) <= 2.0**40):
            _recentre(gradient, exponent, signal.log2[layer] - exponent)
        np.multiply(gradient, record.slope[layer], out=delta)
        if spec.norm != "none":
            _normalise_backward(delta, record.preactivation[layer], record.spread[layer], _norm_axis(spec))
        if layer:
            np.matmul(record.hidden[layer - 1].swapaxes(1, 2), delta, out=product)
        else:
            product = np.matmul(inputs.T, delta)
        weight_gradient.measure(layer, product.reshape(seeds, -1), exponent)
        if not layer:
            break
        if spec.skip:
            np.multiply(gradient, spec.skip, out=carried)
        np.matmul(delta, weights[layer].swapaxes(1, 2), out=gradient)
        if spec.skip:
            np.add(gradient, carried, out=gradient)
    return GradientProfile(
        spec,
        signal.values.T,
        signal.log2.T * math.log10(2),
        weight_gradient.values.T,
        weight_gradient.log2.T * math.log10(2),
        loss,
        _record=record,
        _weights=weights[:-1],
    )


# What is measured --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GradientProfile:
    """Every layer's gradient and state at initialization; arrays (seeds, depth) with layer 1 first, ``loss`` (seeds,).

    ``signal`` is ‖∂L/∂h_l‖, Frobenius over batch and units, h_l a layer's output; ``weight_gradient`` is ‖∂L/∂W_l‖.
    Both are float64, and their ``log10_…`` stay exact where the norms themselves fall below 1e-308; a norm that is
    exactly 0 has -inf. The other statistics are computed when first asked for.
    """

    spec: NetworkSpec
    signal: Array
    log10_signal: Array
    weight_gradient: Array
    log10_weight_gradient: Array
    loss: Array
    _record: _Record | None = field(default=None, repr=False)
    _weights: list[Array] = field(default_factory=list, repr=False)

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

    def _per_layer(self, statistic: Any) -> Array:
        """Apply ``statistic(record, layer) -> (seeds,)`` to every layer; returns (seeds, depth)."""
        assert self._record is not None
        return np.stack([statistic(self._record, layer) for layer in range(self.spec.depth)], axis=1)

    @cached_property
    def preactivation_std(self) -> Array:
        """The standard deviation over batch and units of what the activation sees (after a norm)."""
        return self._per_layer(lambda record, layer: _spread(record.preactivation[layer]))

    @cached_property
    def activation_std(self) -> Array:
        """The standard deviation over batch and units of the activation's output (before a skip is added)."""
        return self._per_layer(lambda record, layer: _spread(record.activation[layer]))

    @cached_property
    def saturated(self) -> Array:
        """The fraction of units and samples whose |slope| is below 0.01 of the activation's largest."""
        limit = 0.01 * get_activation(self.spec.activation, self.spec.leak).max_slope
        return self._per_layer(lambda record, layer: (np.abs(record.slope[layer]) < limit).mean(axis=(1, 2)))

    @cached_property
    def dead(self) -> Array:
        """The fraction of units whose activation is exactly 0 for every sample of the batch."""
        return self._per_layer(lambda record, layer: (record.activation[layer] == 0).all(axis=1).mean(axis=1))

    @cached_property
    def similarity(self) -> Array:
        """The mean cosine between the activations of two different samples; nan for a batch of one.

        A sample whose activations are all 0 has no direction: its cosines count as 0.
        """
        return self._per_layer(lambda record, layer: _mean_cosine(record.activation[layer]))

    @cached_property
    def update_ratio(self) -> Array:
        """‖∂L/∂W_l‖ / ‖W_l‖: how far one gradient step of learning rate 1 moves a layer, relative to its size."""
        sizes = np.stack([np.linalg.norm(w.astype(np.float64), axis=(1, 2)) for w in self._weights], axis=1)
        ratio: Array = self.weight_gradient / sizes
        return ratio


_LAZY = ("preactivation_std", "activation_std", "saturated", "dead", "similarity", "update_ratio")


def _spread(values: Array) -> Array:
    spread: Array = values.std(axis=(1, 2), dtype=np.float64)
    return spread


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


def _join(spec: NetworkSpec, parts: list[GradientProfile]) -> GradientProfile:
    """One profile from those of successive seeds, each already asked for all its statistics."""
    eager = ("signal", "log10_signal", "weight_gradient", "log10_weight_gradient", "loss")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in eager}
    joined = GradientProfile(spec, **arrays)
    for name in _LAZY:
        vars(joined)[name] = np.concatenate([getattr(part, name) for part in parts])
    return joined


# The two doors -----------------------------------------------------------------------------------------------------


def backpropagate(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    """Exact gradients of every layer for given parameters and one batch, by the chain rule (Rumelhart 1986).

    ``inputs`` are (batch, features), ``targets`` (batch,) whole numbers below the number of classes. Computes in the
    dtype of the parameters, float32 or float64. Raises ValueError for arrays that do not fit ``spec``. Warns
    (RuntimeWarning, naming the layer) when the forward signal itself leaves what that dtype can hold.
    """
    dtype = _check_arrays(spec, parameters, inputs, targets)
    return _run(spec, parameters, np.ascontiguousarray(inputs, dtype), np.asarray(targets))


def _run(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    with np.errstate(all="ignore"):
        record = _forward(spec, parameters, inputs)
        _warn_if_lost(spec, record)
        return _backward(spec, parameters, inputs, targets, record)


def _warn_if_lost(spec: NetworkSpec, record: _Record) -> None:
    lost = _lost_layer(spec, record)
    if lost is not None:
        norms = 10 ** (record.norms.log2[lost - 1] * math.log10(2))
        warnings.warn(
            f"The forward signal of layer {lost} leaves what {record.activation.dtype} can hold "
            f"(norms {norms.min():.1e} to {norms.max():.1e}): from there on the numbers are not reliable",
            RuntimeWarning,
            stacklevel=4,
        )


def gradient_profile(spec: NetworkSpec, data: str | tuple[Array, Array] = "digits", seed: int = 0) -> GradientProfile:
    """Draw ``spec.seeds`` networks and one batch from ``seed`` and backpropagate through all of them.

    ``data`` is a task of ``classification_batch`` ("digits", "clusters", "gaussian") or (inputs, targets). Computes
    in float32 with rescaled gradients, and again in float64 where the forward signal leaves [1e-15, 1e15].
    """
    inputs, targets = classification_batch(data, spec.batch, seed) if isinstance(data, str) else data
    parameters = initial_parameters(spec, inputs.shape[1], 10, seed, np.float32)
    single = np.ascontiguousarray(inputs, np.float32)
    with np.errstate(all="ignore"):
        record = _forward(spec, parameters, single)
        if _lost_layer(spec, record) is None:
            return _backward(spec, parameters, single, targets, record)
    return _run(spec, initial_parameters(spec, inputs.shape[1], 10, seed), np.ascontiguousarray(inputs), targets)


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
    classes = _check_batch(spec, inputs, targets, parameters.weights[-1].shape[-1])
    widths = [np.shape(inputs)[1], *[spec.width] * spec.depth, classes]
    for layer, (weight, bias) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        _check_shape(f"weights[{layer}]", weight, (spec.seeds, widths[layer], widths[layer + 1]))
        _check_shape(f"biases[{layer}]", bias, (spec.seeds, widths[layer + 1]))
    return dtypes.pop()


def _check_shape(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}; got {np.shape(array)}")


def _check_batch(spec: NetworkSpec, inputs: Any, targets: Any, classes: int) -> int:
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
    return classes
