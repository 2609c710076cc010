"""The same network in plain torch, by autograd: the independent reference for the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from helpers.network import NetworkSpec, Parameters

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": lambda z: F.softplus(z, threshold=1e6),
    "hard_tanh": F.hardtanh,
    "linear": lambda z: z,
}


def autograd(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: NDArray[Any],
    targets: NDArray[Any],
    net: int = 0,
    scale: float = 1.0,
) -> dict[str, Any]:
    """Norms of ∂(scale·L)/∂h_l and ∂(scale·L)/∂W_l of one net, and its loss, in float64; also the raw gradients."""
    weights = [torch.tensor(w[net], dtype=torch.float64, requires_grad=True) for w in parameters.weights]
    biases = [torch.tensor(b[net], dtype=torch.float64, requires_grad=True) for b in parameters.biases]
    phi = ACTIVATIONS[spec.activation]
    h = torch.tensor(inputs, dtype=torch.float64)
    outputs, activations, preactivations = [], [], []
    for layer in range(spec.depth):
        z = h @ weights[layer] + biases[layer]
        if spec.norm == "batch":
            z = F.batch_norm(z, None, None, training=True, eps=1e-5)
        elif spec.norm == "layer":
            z = F.layer_norm(z, (spec.width,), eps=1e-5)
        z = z + spec.norm_bias
        a = F.leaky_relu(z, spec.leak) if spec.activation == "leaky_relu" else phi(z)
        h = a + spec.skip * h if layer and spec.skip else a
        h.retain_grad() if h.requires_grad else None
        outputs.append(h)
        activations.append(a)
        preactivations.append(z)
    loss = F.cross_entropy(h @ weights[-1] + biases[-1], torch.tensor(np.asarray(targets)).long())
    (scale * loss).backward()
    return {
        "signal": np.array([h.grad.norm().item() for h in outputs]),
        "weight_gradient": np.array([w.grad.norm().item() for w in weights[:-1]]),
        "loss": loss.item(),
        "weights": [w.grad.numpy() for w in weights],
        "activations": [a.detach().numpy() for a in activations],
        "preactivations": [z.detach().numpy() for z in preactivations],
    }
