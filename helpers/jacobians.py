"""The input-output Jacobian of a network at initialization: the effect of a small change of the input."""

from __future__ import annotations

import numpy as np

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.network import NetworkSpec, Parameters


def input_output_jacobian(spec: NetworkSpec, parameters: Parameters, inputs: Array) -> Array:
    """Return ∂h_L/∂x of the last hidden layer, an array (seeds, samples, width, features), by the chain rule.

    `inputs` are (samples, features). Each layer multiplies the product so far by its weights and by the diagonal of
    its slopes (Saxe 2014, eq. 10; Pennington 2017, eq. 2). Raises ValueError for a `spec` with a normalization, since
    samples depend on each other then, and for inputs that do not fit the first weights.
    """
    if spec.norm != "none":
        raise ValueError(
            f"spec.norm must be 'none': with a normalization, samples have no separate Jacobians; got {spec.norm!r}"
        )
    h = np.asarray(inputs, dtype=np.float64)
    features = parameters.weights[0].shape[1]
    if h.ndim != 2 or h.shape[1] != features:
        raise ValueError(f"inputs must have shape (samples, {features}); got {h.shape}")
    activation = get_activation(spec.activation, spec.leak)
    jacobian = np.broadcast_to(np.eye(features), (spec.seeds, len(h), features, features))
    for layer, (weights, biases) in enumerate(zip(parameters.weights[:-1], parameters.biases[:-1], strict=True)):
        z = h @ weights + biases[:, None]
        through = (jacobian @ weights[:, None]) * activation.slope(z)[:, :, None]
        skip = spec.skip if layer else 0.0
        jacobian = through + skip * jacobian if skip else through
        h = activation.function(z) + skip * h if skip else activation.function(z)
    return jacobian.swapaxes(-1, -2)


def singular_values(matrices: Array) -> Array:
    """Return the singular values of each matrix, largest first, an array (…, min(rows, columns)).

    Values below about 1e-16 of the largest are lost in rounding: any number up to that may be returned for them.
    """
    return np.linalg.svd(matrices, compute_uv=False)
