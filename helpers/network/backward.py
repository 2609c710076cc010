"""From the loss down: the gradient of every layer, by the chain rule."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.network.forward import Forward
from helpers.network.profile import GradientProfile
from helpers.norms import STRAY, Norms, recentre, squares_of

Array = NDArray[Any]


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


class Backward:
    """The way back: δ = ∂L/∂z from ∂L/∂h, then ∂L/∂W = hᵀδ and the next ∂L/∂h = δWᵀ (Rumelhart 1986).

    The running gradient is kept near norm 1, with an exponent of two for each seed beside it. Small layers are done a
    stretch at a time, before their norms are taken together. Weight gradients, a third of the work, wait until they are
    asked for.
    """

    def __init__(self, forward: Forward) -> None:
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
        self._signal = Norms(spec.seeds, dtype)

    def run(self, targets: Array) -> GradientProfile:
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
        norms = Norms(spec.seeds, forward.inputs.dtype)
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
        norms = Norms(seeds, logits.dtype)
        norms.add(at_logits.reshape(seeds, -1), self._exponents)
        self._exponents = recentre(at_logits, self._exponents, norms)
        gradient = np.matmul(at_logits.swapaxes(1, 2).astype(self._gradients.dtype), self._above[-1])
        self._signal.add(gradient.reshape(seeds, -1), self._exponents)
        self._exponents = recentre(gradient, self._exponents, self._signal, self._stretch)
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
        squares = squares_of(flat)
        near = [4.0**-STRAY <= square <= 4.0**STRAY for square in squares]
        count = count if all(near) else near.index(False) // spec.seeds + 1
        rows = count * spec.seeds
        self._signal.add(flat[:rows], self._exponents, squares[:rows])
        self._delta_exponents[layer - count + 1 : layer + 1] = [self._exponents] * count

        gradient = gradients[count - 1]
        self._exponents = recentre(gradient, self._exponents, self._signal, self._stretch)
        return gradient, layer - count
