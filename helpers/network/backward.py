"""The backward pass: the gradient of every layer, by the chain rule.

It follows the rules in `plain`, but computes all networks at once and in place, and multiplies the running gradient by
powers of two, which keep its norm near 1.
"""

from __future__ import annotations

import math

import numpy as np

from helpers import normalization
from helpers.arrays import Array
from helpers.losses import cross_entropy
from helpers.network.forward import Forward
from helpers.norms import Norms, recentre

BLOCK_BYTES = 500_000  # of weight gradients that are computed before their norms are taken; fits into a CPU's cache


class Backward:
    """δ = ∂L/∂z from ∂L/∂h, then the next ∂L/∂h = δWᵀ, layer by layer (Rumelhart 1986); ∂L/∂W = hᵀδ only on demand.

    `loss` is (seeds,) and `delta` (depth, seeds, batch, width): ∂L/∂z_l is delta[l] · 2^exponents[l], with one
    exponent for each seed. `signal` holds the norms of ∂L/∂h_l, the last layer's first. ∂L/∂(logits) is `at_logits`
    (seeds, batch, classes) · 2^logit_exponents.
    """

    def __init__(self, forward: Forward, targets: Array) -> None:
        spec = forward.spec
        self.forward = forward
        self.delta = forward.delta
        self.exponents = [[0] * spec.seeds] * spec.depth
        self.signal = Norms(spec.seeds, forward.inputs.dtype)
        self.loss, self.at_logits, self.logit_exponents = self._at_logits(targets)
        readout = forward.parameters.weights[-1]
        gradient, exponents = np.matmul(self.at_logits, readout.swapaxes(1, 2)), self.logit_exponents
        for layer in range(spec.depth - 1, -1, -1):
            self.signal.add(gradient.reshape(spec.seeds, -1), exponents)
            exponents = self.exponents[layer] = recentre(gradient, exponents, self.signal)
            self._through_activation(layer, gradient)
            if layer:
                self._through_weights(layer, gradient)

    def _at_logits(self, targets: Array) -> tuple[Array, Array, list[int]]:
        """Return the loss, ∂L/∂(logits) and its exponents."""
        forward, seeds = self.forward, self.forward.spec.seeds
        weights, biases = forward.parameters.weights[-1], forward.parameters.biases[-1]
        logits = np.matmul(forward.hidden[-1], weights).astype(np.float64) + biases[:, None]
        loss, gradient = cross_entropy(logits, targets)
        norms = Norms(seeds, gradient.dtype)
        norms.add(gradient.reshape(seeds, -1), [0] * seeds)
        exponents = recentre(gradient, [0] * seeds, norms)
        return loss, gradient.astype(weights.dtype), exponents

    def _through_activation(self, layer: int, gradient: Array) -> None:
        """Write ∂L/∂z = ∂L/∂h · φ′(z), passed on through the normalization if there is one, to `delta`."""
        forward, delta = self.forward, self.delta[layer]
        np.multiply(gradient, forward.slope[layer], delta)
        if forward.normalized is not None:
            normalization.backward(delta, forward.normalized[layer], forward.scales[layer], forward.axis)

    def _through_weights(self, layer: int, gradient: Array) -> None:
        """Overwrite ∂L/∂h with that of the layer below, ∂L/∂z Wᵀ + skip · ∂L/∂h."""
        skip = self.forward.spec.skip
        skipped = gradient * skip if skip else None
        np.matmul(self.delta[layer], self.forward.parameters.weights[layer].swapaxes(1, 2), gradient)
        if skipped is not None:
            np.add(gradient, skipped, gradient)

    def signal_norms(self) -> tuple[Array, Array]:
        """‖∂L/∂h‖ of every layer and its log10, (seeds, depth)."""
        norms, log2 = self.signal.arrays()
        return norms[::-1].T, log2[::-1].T * math.log10(2)

    def weight_gradients(self) -> tuple[Array, Array]:
        """‖∂L/∂W‖ of every layer and its log10, (seeds, depth)."""
        spec, forward = self.forward.spec, self.forward
        norms = Norms(spec.seeds, forward.inputs.dtype)
        first = np.matmul(forward.inputs.T, self.delta[0])
        norms.add(first.reshape(spec.seeds, -1), self.exponents[0])
        below = forward.hidden.swapaxes(2, 3)
        at_once = max(1, BLOCK_BYTES // (spec.seeds * spec.width**2 * first.itemsize))
        for start in range(1, spec.depth, at_once):
            layers = slice(start, min(start + at_once, spec.depth))
            products = np.matmul(below[start - 1 : layers.stop - 1], self.delta[layers])
            exponents = [exponent for layer in self.exponents[layers] for exponent in layer]
            norms.add(products.reshape(len(exponents), -1), exponents)
        plain, log2 = norms.arrays()
        return plain.T, log2.T * math.log10(2)

    def weight_gradient_matrices(self) -> list[Array]:
        """∂L/∂W of every layer, (seeds, fan_in, width) in float64."""
        forward = self.forward
        below = [np.broadcast_to(forward.inputs, (forward.spec.seeds, *forward.inputs.shape)), *forward.hidden[:-1]]
        return [
            np.matmul(h.swapaxes(1, 2), delta).astype(np.float64) * np.ldexp(1.0, np.array(exponents))[:, None, None]
            for h, delta, exponents in zip(below, self.delta, self.exponents, strict=True)
        ]
