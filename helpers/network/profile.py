"""The measurements of a network, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array, mean_cosine
from helpers.network.backward import Backward
from helpers.network.forward import Forward
from helpers.network.spec import NetworkSpec


@dataclass(frozen=True, eq=False)
class GradientProfile:
    """Every layer's gradient and state at initialization; arrays (seeds, depth) with layer 1 first, `loss` (seeds,).

    `signal` is ‖∂L/∂h_l‖, Frobenius over batch and units, h_l being a layer's output; `weight_gradient` is ‖∂L/∂W_l‖.
    Both are float64, and their `log10_…` stay exact where the norms themselves fall below 1e-308; the log10 of a norm
    that is exactly 0 is -inf. All but `signal` and `loss` is computed on first access, from the parameters and inputs
    as they are then. `backward` and `backward.forward` are the passes behind these numbers; `backward` is None for
    networks that were too large for one pass.
    """

    spec: NetworkSpec
    signal: Array
    log10_signal: Array
    loss: Array
    backward: Backward | None = field(default=None, repr=False)

    def per_layer_factor(self) -> Array:
        """Return the geometric mean of signal_{l-1} / signal_l over l = 2 … depth, one per seed (seeds,).

        Below 1 the gradient vanishes on its way back, above 1 it explodes. With one layer there is no ratio: nan.
        """
        if self.spec.depth == 1:
            return np.full(len(self.signal), np.nan)
        with np.errstate(invalid="ignore"):
            steps = (self.log10_signal[:, 0] - self.log10_signal[:, -1]) / (self.spec.depth - 1)
        return 10.0**steps

    def _per_layer(self, statistic: Callable[[Forward, int], Array]) -> Array:
        """Apply `statistic(forward, layer) -> (seeds,)` to every layer and return (seeds, depth)."""
        assert self.backward is not None
        forward = self.backward.forward
        return np.stack([statistic(forward, layer) for layer in range(self.spec.depth)], axis=1)

    @cached_property
    def _weight_gradients(self) -> tuple[Array, Array]:
        assert self.backward is not None
        with np.errstate(all="ignore"):
            return self.backward.weight_gradients()

    @cached_property
    def weight_gradient(self) -> Array:
        """‖∂L/∂W_l‖, Frobenius."""
        return self._weight_gradients[0]

    @cached_property
    def log10_weight_gradient(self) -> Array:
        """log10 ‖∂L/∂W_l‖, exact also where the norm itself falls below 1e-308."""
        return self._weight_gradients[1]

    def weight_gradient_matrices(self) -> list[Array]:
        """Return ∂L/∂W_l of every layer, arrays (seeds, fan_in, width) in float64, which may overflow or underflow.

        Raises ValueError for networks that were too large for one pass: only their norms are kept.
        """
        if self.backward is None:
            raise ValueError(f"seeds must be few enough for one forward pass; got {self.spec.seeds}")
        return self.backward.weight_gradient_matrices()

    @cached_property
    def preactivation_std(self) -> Array:
        """The standard deviation over batch and units of the activation's input (after a normalization)."""
        return self._per_layer(lambda forward, layer: _deviation(forward.preactivation(layer)))

    @cached_property
    def activation_std(self) -> Array:
        """The standard deviation over batch and units of the activation's output (before a skip is added)."""
        return self._per_layer(lambda forward, layer: _deviation(forward.activation[layer]))

    @cached_property
    def saturated(self) -> Array:
        """The fraction of units and samples whose |slope| is below 1 % of the activation's largest."""
        limit = get_activation(self.spec.activation, self.spec.leak).flat_slope
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
        return self._per_layer(lambda forward, layer: mean_cosine(forward.activation[layer]))

    @cached_property
    def update_ratio(self) -> Array:
        """‖∂L/∂W_l‖ / ‖W_l‖: how far one gradient step of learning rate 1 moves a layer, relative to its size."""
        sizes = self._per_layer(
            lambda forward, layer: np.linalg.norm(forward.parameters.weights[layer].astype(float), axis=(1, 2))
        )
        return self.weight_gradient / sizes


EAGER = ("signal", "log10_signal", "loss")
LAZY = (
    "weight_gradient",
    "log10_weight_gradient",
    "preactivation_std",
    "activation_std",
    "saturated",
    "dead",
    "similarity",
    "update_ratio",
)


def _deviation(values: Array) -> Array:
    return values.std(axis=(1, 2), dtype=np.float64)
