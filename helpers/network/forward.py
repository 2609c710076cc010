"""From the inputs up: activations, slopes, and how far they can be trusted."""

from __future__ import annotations

import math
import weakref
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.activations import Kernel, get_activation
from helpers.network.parameters import Parameters
from helpers.network.spec import NetworkSpec
from helpers.norms import Norms

Array = NDArray[Any]

NORM_EPSILON = 1e-5
SPARE_BYTES = 256_000_000  # memory of finished forward passes kept for the next one


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


def arrays_kept(spec: NetworkSpec) -> int:
    """How many arrays (depth, seeds, batch, width) a forward pass keeps."""
    return 3 + bool(spec.skip) + (spec.norm != "none")


class Forward:
    """A forward pass and what it keeps: ``activation``, ``slope`` and ``hidden``, arrays (depth, seeds, batch, width).

    ``hidden`` is a layer's output, the activation itself without a skip connection. ``normalised`` is what a norm made
    of the pre-activations; without one they are computed again when asked for. ``delta`` is room for the way back. No
    array may outlive this object: the memory is used again.
    """

    def __init__(self, spec: NetworkSpec, parameters: Parameters, inputs: Array, biased: bool) -> None:
        self.spec, self.parameters, self.inputs, self._biased = spec, parameters, inputs, biased
        self._axis = 1 if spec.norm == "batch" else 2
        shape = (spec.depth, spec.seeds, spec.batch, spec.width)
        self.activation, self.slope, self.delta, *others = self._arrays(arrays_kept(spec), shape)
        self.hidden = others.pop() if spec.skip else self.activation
        self.normalised = others.pop() if others else None
        self.spread: list[Array] = []  # 1/√(variance + eps) that a norm multiplied by
        self.norms = Norms(spec.seeds, inputs.dtype)  # of hidden
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
            evaluate(z + spec.norm_bias if spec.norm_bias else z, value, slope)
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
        return z + self.spec.norm_bias if self.spec.norm_bias else z

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
