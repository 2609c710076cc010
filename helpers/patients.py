"""Six small networks that don't learn the digits, each for a different reason, and a line of code that cures each.

All are `nn.Sequential`, trained by SGD at rate 0.1 on mean cross-entropy; cured, they learn in a few hundred steps. A
seventh, `late_patient`, is healthy at first and dies during training.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.datasets import CLASSES, Split, digits, digits_split, train_test_split

PIXELS = 64


@dataclass(frozen=True)
class Patient:
    """A network that doesn't learn: the verdict it should get, the untrained network, its data, and the cure.

    `cure` mends a model of this kind in place. `model` is the network before training; train a copy of it.
    """

    illness: str
    model: nn.Sequential
    data: Split
    cure: Callable[[nn.Sequential], object]
    loss_function: Callable[[Tensor, Tensor], Tensor] = cross_entropy

    def batch(self, size: int = 128) -> tuple[Tensor, Tensor]:
        """Return the first training examples: inputs (size, 64) and targets (size,)."""
        inputs, targets = self.data.train_inputs[:size], self.data.train_targets[:size]
        return torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets)

    def case(self) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]:
        """Return the arguments of `diagnose`: model, loss function, inputs, targets."""
        return self.model, self.loss_function, *self.batch()

    def cured(self) -> nn.Sequential:
        """Return a copy of the network with the cure applied."""
        model = copy.deepcopy(self.model)
        self.cure(model)
        return model


# Parts of the networks and of their cures ----------------------------------------------------------------------------


class Detach(nn.Module):
    """Passes on numbers but no gradient: `.detach()` in the middle of a network."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs, detached from their graph."""
        return inputs.detach()


class Standardize(nn.Module):
    """Mean 0 and variance 1 for each column of a batch: (x − mean) / √(variance + eps)."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the standardised columns (batch, columns); a constant column needs `eps` above 0."""
        centred = inputs - inputs.mean(dim=0)
        return centred / (centred.square().mean(dim=0) + self.eps).sqrt()


def perceptron(activation: type[nn.Module], widths: Sequence[int] = (64,) * 8, seed: int = 0) -> nn.Sequential:
    """Return hidden layers of these widths and a read-out for the digits, with PyTorch's default initialization."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pairs = pairwise([PIXELS, *widths])
        hidden = [part for fan_in, fan_out in pairs for part in (nn.Linear(fan_in, fan_out), activation())]
        return nn.Sequential(*hidden, nn.Linear(widths[-1], CLASSES))


def draw_weights(model: nn.Module, gain: float = 1.0, seed: int = 0) -> None:
    """Redraw the weights of all linear layers at He's scale times `gain`, and set their biases to 0 (He 2015)."""
    generator = torch.Generator().manual_seed(seed)
    for layer in linear_layers(model):
        nn.init.normal_(layer.weight, std=gain * (2 / layer.in_features) ** 0.5, generator=generator)
    set_biases(model, 0.0)


def set_biases(model: nn.Module, value: float) -> None:
    """Set all biases of the hidden layers to this value and those of the read-out to 0."""
    *hidden, readout = linear_layers(model)
    for layer in hidden:
        nn.init.constant_(layer.bias, value)
    nn.init.zeros_(readout.bias)


def add_batch_norm(model: nn.Sequential) -> None:
    """Put batch norm between every hidden linear layer and its activation (Ioffe and Szegedy 2015)."""
    for place in reversed(range(len(model) - 1)):
        layer = model[place]
        if isinstance(layer, nn.Linear):
            model.insert(place + 1, nn.BatchNorm1d(layer.out_features))


def linear_layers(model: nn.Module) -> list[nn.Linear]:
    """Return the linear layers in the order in which they were added."""
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


# The six -------------------------------------------------------------------------------------------------------------


def vanishing(seed: int = 0) -> Patient:
    """Eight sigmoid layers with PyTorch's default initialization: each passes on about a seventh of the gradient."""
    return Patient("vanishing", perceptron(nn.Sigmoid, seed=seed), digits_split(), add_batch_norm)


def dead(seed: int = 0) -> Patient:
    """ReLU layers whose biases are −5: hardly any unit ever fires."""
    model = perceptron(nn.ReLU)
    draw_weights(model, seed=seed)
    set_biases(model, -5.0)
    return Patient("dead", model, digits_split(), lambda model: set_biases(model, 0.0))


def saturated(seed: int = 0) -> Patient:
    """Tanh layers that get raw pixels from 0 to 255: every unit of the first layer is at ±1."""
    split = train_test_split(255 * digits().images.reshape(-1, PIXELS), digits().labels)
    model = perceptron(nn.Tanh, [64] * 4)
    draw_weights(model, gain=0.5**0.5, seed=seed)  # variance 1 / fan_in, which suits tanh
    return Patient("saturated", model, split, lambda model: model.insert(0, nn.BatchNorm1d(PIXELS)))


def exploding(seed: int = 0) -> Patient:
    """Ten ReLU layers with weights at three times He's scale: the gradient grows threefold at every layer."""
    model = perceptron(nn.ReLU, [64] * 10)
    draw_weights(model, gain=3.0, seed=seed)
    return Patient("exploding", model, digits_split(), lambda model: draw_weights(model, seed=seed))


def detached(seed: int = 0) -> Patient:
    """A `.detach()` before the read-out: no gradient reaches the layers before it."""
    model = perceptron(nn.ReLU, [64, 6])
    draw_weights(model, seed=seed)
    model.insert(4, Detach())
    return Patient("detached", model, digits_split(), lambda model: model.pop(4))


def non_finite(seed: int = 0) -> Patient:
    """A standardisation without eps: pixels that are always empty have variance 0, and 0 / 0 is NaN."""
    split = train_test_split(digits().images.reshape(-1, PIXELS), digits().labels)
    model = perceptron(nn.ReLU, [64] * 4)
    draw_weights(model, seed=seed)
    model.insert(0, Standardize(eps=0.0))
    return Patient("non-finite", model, split, lambda model: setattr(model[0], "eps", 1e-5))


WARD: Mapping[str, Callable[[int], Patient]] = {
    "A": vanishing,
    "B": dead,
    "C": saturated,
    "D": exploding,
    "E": detached,
    "F": non_finite,
}
"""The patients by their letter; each is made from a seed."""


def ward(seed: int = 0) -> dict[str, Patient]:
    """Return all six patients by their letter, with weights drawn from `seed`."""
    return {letter: make(seed) for letter, make in WARD.items()}


def late_patient(seed: int = 0) -> Patient:
    """Eight ReLU layers at He's scale, healthy at first; trained with Adam at rate 0.3, they die within a few steps.

    The cure is a smaller learning rate; the network itself needs no change.
    """
    model = perceptron(nn.ReLU)
    draw_weights(model, seed=seed)
    return Patient("dead", model, digits_split(), lambda model: None)
