"""Readable backpropagation: every rule of the forward pass, followed by the same rule backward.

One network, arrays (batch, units), nothing rescaled and nothing in place: code to read, and a reference for the fast
engine. Each rule returns its output and a function that maps the gradient at the output to the gradients at the inputs.
These gradients underflow where float64 does, at about 1e-308.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.network.spec import NetworkSpec


def affine(h: Array, weights: Array, biases: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """z = h W + b, and from ∂L/∂z the gradients at h, W and b."""
    z = h @ weights + biases
    return z, lambda dz: (dz @ weights.T, h.T @ dz, dz.sum(axis=0))


def normalize(z: Array, axis: int) -> tuple[Array, Callable[[Array], Array]]:
    """y = (z - mean) / deviation along the samples (axis 0) or the units (axis 1), and ∂L/∂z from ∂L/∂y."""

    def mean(x: Array) -> Array:
        return x.mean(axis=axis, keepdims=True)

    deviation = np.sqrt(mean((z - mean(z)) ** 2) + 1e-5)
    y = (z - mean(z)) / deviation
    return y, lambda dy: (dy - mean(dy) - y * mean(dy * y)) / deviation


def activate(z: Array, name: str, leak: float) -> tuple[Array, Callable[[Array], Array]]:
    """a = φ(z), and ∂L/∂z = ∂L/∂a · φ′(z)."""
    phi = get_activation(name, leak)
    return phi.function(z), lambda da: da * phi.slope(z)


def add_skip(a: Array, h: Array, skip: float) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """a + skip · h, and from ∂L/∂(sum) the gradients at a and h."""
    return a + skip * h, lambda dsum: (dsum, skip * dsum)


def cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """The mean of -log softmax(logits)[target] over the batch, and its gradient at the logits."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax = exponentials / exponentials.sum(axis=1, keepdims=True)
    loss = -np.log(softmax[np.arange(len(targets)), targets]).mean()
    return float(loss), (softmax - np.eye(logits.shape[1])[targets]) / len(targets)


class Gradients(NamedTuple):
    """The loss, ∂L/∂h of every layer (batch, width), and ∂L/∂W and ∂L/∂b of every layer and the read-out."""

    loss: float
    outputs: list[Array]
    weights: list[Array]
    biases: list[Array]


def backpropagate(
    spec: NetworkSpec, weights: list[Array], biases: list[Array], inputs: Array, targets: Array
) -> Gradients:
    """Forward through all layers, then backward through the same rules in reverse order (Rumelhart 1986).

    `weights` are matrices (fan_in, fan_out) and `biases` vectors (fan_out,), the read-out's last; `inputs` are
    (batch, features) and `targets` whole numbers (batch,). `initial_parameters` returns weights and biases of several
    networks; the first one's are `[w[0] for w in parameters.weights]`. Results are float64 if the arguments are.
    """
    h, layers = inputs, []
    for layer in range(spec.depth):
        z, affine_back = affine(h, weights[layer], biases[layer])
        y, normalize_back = normalize(z, ("batch", "layer").index(spec.norm)) if spec.norm != "none" else (z, _same)
        a, activate_back = activate(y + spec.norm_bias, spec.activation, spec.leak)
        h, skip_back = add_skip(a, h, spec.skip) if layer and spec.skip else (a, None)
        layers.append((affine_back, normalize_back, activate_back, skip_back))
    logits, readout_back = affine(h, weights[-1], biases[-1])
    loss, dlogits = cross_entropy(logits, targets)

    dh, dw, db = readout_back(dlogits)
    outputs, by_weights, by_biases = [dh], [dw], [db]
    for affine_back, normalize_back, activate_back, skip_back in reversed(layers):
        da, skipped = skip_back(dh) if skip_back else (dh, 0.0)
        dh, dw, db = affine_back(normalize_back(activate_back(da)))
        dh = dh + skipped
        outputs, by_weights, by_biases = [dh, *outputs], [dw, *by_weights], [db, *by_biases]
    return Gradients(loss, outputs[1:], by_weights, by_biases)


def _same(gradient: Array) -> Array:
    return gradient


def source(*rules: Callable[..., Any]) -> str:
    """Return the source code of these rules, by default of all of them in the order of the forward pass.

    A lesson prints it: `print(plain.source(plain.normalize))`.
    """
    return "\n\n".join(inspect.getsource(rule) for rule in rules or RULES)


RULES = (affine, normalize, activate, add_skip, cross_entropy, backpropagate)
"""The functions that `source` returns by default."""
