"""The engine's networks in torch: the same parameters and the same forward pass.

They are the networks that get trained, and the independent reference for testing the engine's gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from helpers import normalization, recurrent
from helpers.arrays import Array
from helpers.checks import check_choice
from helpers.network import NetworkSpec, initial_parameters
from helpers.recurrent import RecurrentSpec
from helpers.residual import ResidualSpec, residual_parameters


class MLP(nn.Module):
    """The fully connected network of a `NetworkSpec` as a `torch.nn.Module`.

    Its initial weights are exactly those of `initial_parameters(spec, inputs, classes, seed)`, the first of the spec's
    seeds; `spec.seeds` and `spec.batch` are ignored. Layer l computes z = h W + b, then `norm` plus `norm_bias`, then
    the activation, and from the second layer on adds `skip` times the layer's input. The normalization's scale and bias
    are not trained: they stay at 1 and `spec.norm_bias`.

    `layers` holds the hidden `nn.Linear` modules, `readout` the last one; torch stores a weight as (fan_out, fan_in),
    the transpose of the engine's. Batch norm uses the statistics of the current batch, in training and afterwards, as
    the engine does. It has no running averages, so measuring a network never changes it.

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
        self.normalizations = nn.ModuleList(_normalization(spec.norm, spec.width) for _ in self.layers)
        self.activations = nn.ModuleList(_activation(spec.activation, spec.leak) for _ in self.layers)
        self.readout = linear[-1]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of `inputs` (batch, features)."""
        return self.readout(self.hidden(inputs)[-1])

    def hidden(self, inputs: Tensor) -> list[Tensor]:
        """Return the output of each hidden layer: `depth` tensors h_l (batch, width), the first layer's first."""
        states: list[Tensor] = []
        for layer, normalize, activation in zip(self.layers, self.normalizations, self.activations, strict=True):
            before = states[-1] if states else inputs
            after = activation(normalize(layer(before)) + self.spec.norm_bias)
            states.append(after + self.spec.skip * before if states and self.spec.skip else after)
        return states


def _linear(weight: Array, bias: Array, dtype: torch.dtype) -> nn.Linear:
    """Return a linear layer with these parameters: weight (fan_in, fan_out), bias (fan_out)."""
    fan_in, fan_out = weight.shape
    layer = nn.Linear(fan_in, fan_out, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T.copy()))
        layer.bias.copy_(torch.from_numpy(bias.copy()))
    return layer


def _normalization(name: str, width: int) -> nn.Module:
    makers: dict[str, Callable[[], nn.Module]] = {
        "none": nn.Identity,
        "batch": lambda: nn.BatchNorm1d(width, eps=normalization.EPSILON, affine=False, track_running_stats=False),
        "layer": lambda: nn.LayerNorm(width, eps=normalization.EPSILON, elementwise_affine=False),
    }
    return makers[name]()


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


class ResidualMLP(nn.Module):
    """The residual network of a `ResidualSpec`: the same parameters and the same forward pass, in torch.

    h_l = skip · h_(l-1) + factors[l] · F(h_(l-1)) with a branch F of two layers without biases. The factors begin at
    `spec.branch` and are learned with the weights (ReZero, Bachlechner 2020); `spec.seeds` and `spec.batch` are
    ignored. Batch norm uses the statistics of the current batch, as in `MLP`.
    """

    def __init__(
        self, spec: ResidualSpec, inputs: int, classes: int, seed: int = 0, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        drawn = residual_parameters(replace(spec, seeds=1), inputs, classes, seed)
        shapes = [weights.shape[1:] for weights in drawn.weights]
        linear = [nn.Linear(fan_in, fan_out, bias=False, dtype=dtype) for fan_in, fan_out in shapes]
        with torch.no_grad():
            for layer, weights in zip(linear, drawn.weights, strict=True):
                layer.weight.copy_(torch.from_numpy(weights[0].T.copy()))
        self.spec = spec
        self.stem, self.readout = linear[0], linear[-1]
        self.first, self.second = nn.ModuleList(linear[1:-1:2]), nn.ModuleList(linear[2:-1:2])
        self.factors = nn.Parameter(torch.full((spec.blocks,), float(spec.branch), dtype=dtype))
        place, _, kind = spec.norm.partition("_")
        self.before = _normalization(kind if place == "pre" else "none", spec.width)
        self.after = _normalization(kind if place == "post" else "none", spec.width)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of `inputs` (batch, features)."""
        return self.readout(self.states(inputs)[-1])

    def states(self, inputs: Tensor) -> list[Tensor]:
        """Return the outputs of the stem and of every block: h_0 … h_blocks (batch, width)."""
        states = [self.stem(inputs)]
        for first, second, factor in zip(self.first, self.second, self.factors, strict=True):
            branch = second(torch.relu(first(self.before(states[-1]))))
            states.append(self.after(self.spec.skip * states[-1] + factor * branch))
        return states


class ConvNet(nn.Module):
    """A small convolutional network for the 8 × 8 digits: plain with `skip` 0, residual with `skip` 1.

    A stem of 3 × 3 convolutions, pooled to 4 × 4, then `blocks` times relu(skip · h + F(h)) with F = convolution,
    normalization, ReLU, convolution, normalization (He 2015, fig. 2), and a linear read-out of the mean over
    places: 2 · blocks + 2 layers with weights. The skip has no parameters, so the plain and the residual network have
    the same ones, drawn at He's scale from `seed`.
    `norm` is "batch" (with an affine part and the statistics of the current batch) or "none".
    """

    def __init__(
        self,
        blocks: int,
        skip: float = 1.0,
        *,
        channels: int = 16,
        norm: str = "batch",
        classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_choice("norm", norm, ("none", "batch"))
        generator = torch.Generator().manual_seed(seed)
        self.stem = _convolution(1, channels, norm, generator)
        self.first = nn.ModuleList(_convolution(channels, channels, norm, generator) for _ in range(blocks))
        self.second = nn.ModuleList(_convolution(channels, channels, norm, generator) for _ in range(blocks))
        self.readout = nn.Linear(channels, classes)
        nn.init.normal_(self.readout.weight, std=channels**-0.5, generator=generator)
        nn.init.zeros_(self.readout.bias)
        self.skip = skip

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of `inputs` (batch, 64), the rows of 8 × 8 images."""
        h = torch.relu(self.stem(inputs.reshape(-1, 1, 8, 8)))
        h = nn.functional.avg_pool2d(h, 2)
        for first, second in zip(self.first, self.second, strict=True):
            h = torch.relu(self.skip * h + second(torch.relu(first(h))))
        return self.readout(h.mean(dim=(2, 3)))


def _convolution(channels: int, out: int, norm: str, generator: torch.Generator) -> nn.Module:
    """Return a 3 × 3 convolution without bias, with He's initialization, followed by its normalization."""
    layer = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    if norm == "none":
        return layer
    return nn.Sequential(layer, nn.BatchNorm2d(out, eps=normalization.EPSILON, track_running_stats=False))


class RecurrentNet(nn.Module):
    """The recurrent network of a `RecurrentSpec` as torch's `nn.RNN`, `nn.LSTM` or `nn.GRU`, with a linear read-out.

    Its initial parameters are those of `recurrent.initial_parameters(spec, seed)`, the first of the spec's seeds; the
    read-out is drawn as `nn.Linear` does. `spec.length`, `batch`, `seeds` and `input_scale` are ignored. Raises
    ValueError for another activation than tanh.
    """

    def __init__(self, spec: RecurrentSpec, outputs: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if spec.activation != "tanh":
            raise ValueError(f"spec.activation must be 'tanh': torch has no linear one; got {spec.activation!r}")
        drawn = recurrent.initial_parameters(replace(spec, seeds=1), seed)
        kinds: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
        self.spec = spec
        self.cell = kinds[spec.cell](spec.features, spec.hidden, batch_first=True, dtype=dtype)
        with torch.no_grad():
            for name, array in (
                ("weight_ih_l0", drawn.input_weights[0].T),
                ("weight_hh_l0", drawn.recurrent_weights[0].T),
                ("bias_ih_l0", drawn.input_biases[0]),
                ("bias_hh_l0", drawn.recurrent_biases[0]),
            ):
                getattr(self.cell, name).copy_(torch.from_numpy(array.copy()))
        bound = spec.hidden**-0.5
        generator = np.random.default_rng((seed, outputs, spec.hidden))
        weight = generator.uniform(-bound, bound, (spec.hidden, outputs))
        bias = generator.uniform(-bound, bound, outputs)
        self.readout = _linear(weight, bias, dtype)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the read-out of the last hidden state (batch, outputs) for inputs (batch, length, features)."""
        states, _ = self.cell(inputs)
        return self.readout(states[:, -1])
