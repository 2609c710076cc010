"""Torch twins of the networks that the engine computes by hand: the same parameters, the same forward pass.

They are what trains, and the independent reference that the engine's gradients are tested against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from helpers.network import NetworkSpec, initial_parameters

NORM_EPSILON = 1e-5


class MLP(nn.Module):
    """The fully connected network of a `NetworkSpec` as a `torch.nn.Module`.

    Its initial weights are exactly those of `initial_parameters(spec, inputs, classes, seed)`, the first of the spec's
    seeds; `spec.seeds` and `spec.batch` play no part. Layer l computes z = h W + b, then `norm`, then the activation,
    and from the second layer on adds `skip` times the layer's input.

    `layers` holds the hidden `nn.Linear` modules, `readout` the last one; torch keeps a weight as (fan_out, fan_in),
    the transpose of the engine's. Batch norm uses the statistics of the batch it is given, when training and
    afterwards, as the engine does: no running averages, so that measuring a network never changes it.

    Raises ValueError where `initial_parameters` does.
    """

    def __init__(
        self, spec: NetworkSpec, inputs: int, classes: int, seed: int = 0, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        drawn = initial_parameters(replace(spec, seeds=1), inputs=inputs, classes=classes, seed=seed)
        pairs = zip(drawn.weights, drawn.biases, strict=True)
        linear = [_linear(weights[0], biases[0], dtype) for weights, biases in pairs]
        self.spec = spec
        self.layers = nn.ModuleList(linear[:-1])
        self.norms = nn.ModuleList(_norm(spec.norm, spec.width) for _ in self.layers)
        self.activations = nn.ModuleList(_activation(spec.activation, spec.leak) for _ in self.layers)
        self.readout = linear[-1]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of `inputs` (batch, features)."""
        logits: Tensor = self.readout(self.hidden(inputs)[-1])
        return logits

    def hidden(self, inputs: Tensor) -> list[Tensor]:
        """What leaves each hidden layer: `depth` tensors h_l (batch, width), the first layer's first."""
        states: list[Tensor] = []
        for layer, norm, activation in zip(self.layers, self.norms, self.activations, strict=True):
            before = states[-1] if states else inputs
            after = activation(norm(layer(before)))
            states.append(after + self.spec.skip * before if states and self.spec.skip else after)
        return states


def _linear(weight: np.ndarray, bias: np.ndarray, dtype: torch.dtype) -> nn.Linear:
    """A linear layer with these parameters: weight (fan_in, fan_out), bias (fan_out)."""
    fan_in, fan_out = weight.shape
    layer = nn.Linear(fan_in, fan_out, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T.copy()))
        layer.bias.copy_(torch.from_numpy(bias.copy()))
    return layer


def _norm(name: str, width: int) -> nn.Module:
    norms: dict[str, Callable[[], nn.Module]] = {
        "none": nn.Identity,
        "batch": lambda: nn.BatchNorm1d(width, eps=NORM_EPSILON, affine=False, track_running_stats=False),
        "layer": lambda: nn.LayerNorm(width, eps=NORM_EPSILON, elementwise_affine=False),
    }
    return norms[name]()


def _activation(name: str, leak: float) -> nn.Module:
    activations: dict[str, Callable[[], nn.Module]] = {
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(leak),
        "elu": nn.ELU,
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "softplus": nn.Softplus,
        "hard_tanh": nn.Hardtanh,
        "linear": nn.Identity,
    }
    return activations[name]()
