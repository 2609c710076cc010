"""The initial weights and biases of a network; the drawn numbers are cached for the next call."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from helpers.arrays import Array
from helpers.checks import check_precision, check_whole
from helpers.network.spec import NetworkSpec, weight_std

CACHE_BYTES = 128_000_000  # drawn numbers kept for the next call


@dataclass(frozen=True, eq=False)
class Parameters:
    """`weights`: arrays (seeds, fan_in, fan_out); `biases`: arrays (seeds, fan_out); the read-out comes last."""

    weights: list[Array]
    biases: list[Array]


class _Cache:
    """The most recently used arrays, up to a total number of bytes. Cached arrays become read-only."""

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

FIRST, HIDDEN, READ_OUT, BIAS, READ_OUT_BIAS = range(5)  # each has its own stream of random numbers


def _distribution(init: str) -> str:
    if init == "orthogonal":
        return "orthogonal"
    return "uniform" if init in ("pytorch_default", "xavier_uniform", "he_uniform") else "normal"


def orthogonal(normals: Array) -> Array:
    """Return uniformly distributed orthogonal rows or columns, scaled to entries of variance 1 (Saxe 2014)."""
    fan_in, fan_out = normals.shape[-2:]
    tall = normals if fan_in >= fan_out else normals.swapaxes(-1, -2)
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :] * math.sqrt(max(fan_in, fan_out))
    return q if fan_in >= fan_out else q.swapaxes(-1, -2)


def _draw_layer(kind: str, stream: int, layer: int, seed: int, shape: tuple[int, int]) -> Array:
    """Draw numbers of mean 0 and variance 1 that depend only on the arguments: not on depth, precision, other seeds."""
    generator = np.random.default_rng((seed, stream, layer))
    if kind == "uniform":
        return generator.uniform(-math.sqrt(3), math.sqrt(3), shape)
    normals = generator.standard_normal(shape)
    return orthogonal(normals) if kind == "orthogonal" else normals


def _standard(kind: str, stream: int, layers: int, shape: tuple[int, int], seed: int, dtype: np.dtype[Any]) -> Array:
    """Return one network's drawn numbers (layers, *shape) of variance 1, from the cache as far as possible."""
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
    """Draw the parameters of `spec.seeds` networks with `inputs` features and `classes` outputs.

    Network k is drawn from seed + k, and a layer's numbers do not depend on depth: a deeper network shares its first
    layers with a shallower one, and the first of many networks is the one that is drawn for one seed. Biases are
    N(bias_mean, bias_std²), those of the read-out N(0, bias_std²). `dtype` is float64 or float32 (the same numbers,
    rounded). Raises ValueError for any other dtype, or sizes below 1.
    """
    check_whole("inputs", inputs, 1)
    check_whole("classes", classes, 1)
    check_whole("seed", seed, 0)
    precision = check_precision("dtype", dtype)

    def drawn(kind: str, stream: int, layers: int, shape: tuple[int, int], scale: float) -> Array:
        numbers = np.empty((layers, spec.seeds, *shape), precision)
        for net in range(spec.seeds):
            np.multiply(_standard(kind, stream, layers, shape, seed + net, precision), scale, out=numbers[:, net])
        return numbers

    def weights(stream: int, layers: int, fan_in: int, fan_out: int) -> Array:
        scale = float(spec.gain) * weight_std(spec.init, fan_in, fan_out)
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
