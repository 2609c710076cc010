"""The forward pass: activations, slopes, and the first layer whose signal leaves the range of the precision."""

from __future__ import annotations

import numpy as np

from helpers import normalization
from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.network.parameters import Parameters
from helpers.network.spec import NetworkSpec
from helpers.norms import Norms


def arrays_kept(spec: NetworkSpec) -> int:
    """Return the number of arrays (depth, seeds, batch, width) that a forward and a backward pass keep together."""
    return 3 + bool(spec.skip) + (spec.norm != "none")


class Forward:
    """A forward pass with the arrays that it keeps: `activation`, `slope` and `hidden`, (depth, seeds, batch, width).

    `hidden` is a layer's output; without a skip connection it is the activation itself. `normalized` holds the
    normalized pre-activations and `scales` the factors that normalized them along `axis`; without a normalization,
    pre-activations are recomputed on demand. `norms` are the norms of `hidden`; `delta` is room for the backward pass.
    """

    def __init__(self, spec: NetworkSpec, parameters: Parameters, inputs: Array, biased: bool) -> None:
        self.spec, self.parameters, self.inputs, self._biased = spec, parameters, inputs, biased
        # One block: the system reclaims the memory of several smaller ones after each pass, which costs time.
        block = np.empty((arrays_kept(spec), spec.depth, spec.seeds, spec.batch, spec.width), inputs.dtype)
        self.activation, self.slope, self.delta, *others = block
        self.hidden = others.pop() if spec.skip else self.activation
        self.normalized = others.pop() if others else None
        self.axis = normalization.AXES.get(spec.norm, 0)
        self.scales: list[Array] = []
        self._run()
        self.norms = Norms(spec.seeds, inputs.dtype)
        self.norms.add(self.hidden.reshape(-1, spec.batch * spec.width), [0] * spec.seeds)

    def _run(self) -> None:
        spec, h = self.spec, self.inputs
        evaluate = get_activation(spec.activation, spec.leak).evaluate
        z = np.empty((spec.seeds, spec.batch, spec.width), h.dtype)
        for layer, (value, slope, hidden) in enumerate(zip(self.activation, self.slope, self.hidden, strict=True)):
            if self.normalized is not None:
                z = self.normalized[layer]
            self._affine(layer, h, z)
            if self.normalized is not None:
                self.scales.append(normalization.normalize(z, self.axis))
            evaluate(z + spec.norm_bias if spec.norm_bias else z, value, slope)
            if spec.skip:
                np.add(value, h * spec.skip if layer else 0, hidden)
            h = hidden

    def _affine(self, layer: int, h: Array, z: Array) -> None:
        np.matmul(h, self.parameters.weights[layer], z)
        if self._biased:
            np.add(z, self.parameters.biases[layer][:, None, :], z)

    def preactivation(self, layer: int) -> Array:
        """Return the pre-activations of this layer, after a normalization, (seeds, batch, width)."""
        if self.normalized is not None:
            return self.normalized[layer] + self.spec.norm_bias
        z = np.empty_like(self.slope[layer])
        self._affine(layer, self.hidden[layer - 1] if layer else self.inputs, z)
        return z

    def lost_layer(self) -> int | None:
        """Return the first layer, counted from 1, whose signal leaves the range of its precision; None if none does.

        An exact zero counts as valid where the activation produces it, as in a ReLU layer without an active unit.
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
        one_unit = self.spec.norm == "layer" and self.spec.width == 1  # the only unit is its own mean
        if one_unit or not below.any():
            return True
        makes_zeros = float(get_activation(self.spec.activation, self.spec.leak).function(-1.0)) == 0
        return makes_zeros and bool(self.preactivation(layer)[net].any())
