"""Single units against torch's autograd: their gradients, activations, and the links that carry most of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from helpers.activations import ACTIVATIONS
from helpers.datasets import gaussian
from helpers.models import MLP
from helpers.network import NetworkSpec, backpropagate, gradient_profile, initial_parameters, unit_signals
from helpers.network.units import chosen_units

SPEC = NetworkSpec(5, 23, "tanh", "xavier_normal", 1.5, 0.3, batch=12, seeds=2)


def by_autograd(spec: NetworkSpec) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor], MLP]:
    """∂L/∂h and ∂L/∂z of every layer, and what leaves the activation, of the first network."""
    model = MLP(spec, 20, 10, dtype=torch.float64)
    inputs, targets = (torch.tensor(array) for array in gaussian(spec.batch, features=20))
    preactivations: list[torch.Tensor] = []
    activations: list[torch.Tensor] = []

    def keep(kept: list[torch.Tensor]) -> Any:
        def hook(module: Any, given: Any, output: torch.Tensor) -> None:
            output.retain_grad()
            kept.append(output)

        return hook

    for layer, activation in zip(model.layers, model.activations, strict=True):
        layer.register_forward_hook(keep(preactivations))
        activation.register_forward_hook(keep(activations))
    hidden = model.hidden(inputs)
    for h in hidden:
        h.retain_grad()
    cross_entropy(model.readout(hidden[-1]), targets).backward()
    return [h.grad for h in hidden], [z.grad for z in preactivations], activations, model


@pytest.mark.parametrize("skip", [0.0, 0.7])
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_units_equal_autograd(activation: str, norm: str, skip: float) -> None:
    spec = replace(SPEC, activation=activation, norm=norm, skip=skip)
    inputs, targets = gaussian(spec.batch, features=20)
    profile = backpropagate(spec, initial_parameters(spec, 20, 10), inputs, targets)
    found = unit_signals(profile, sample=3, count=16)
    at_hidden, at_z, activations, model = by_autograd(spec)
    units = found.units
    for layer in range(spec.depth):
        values = activations[layer].detach().numpy()
        norms = np.linalg.norm(at_hidden[layer].numpy(), axis=0)[units]
        np.testing.assert_allclose(10.0 ** found.log10_gradient[layer], norms, rtol=1e-7, atol=1e-15)
        np.testing.assert_allclose(found.activation[layer], np.linalg.norm(values, axis=0)[units], rtol=1e-9)
        np.testing.assert_allclose(found.sample[layer], values[3, units], rtol=1e-7, atol=1e-12)
    for layer in range(spec.depth - 1):
        weights = model.layers[layer + 1].weight.detach().numpy().T[np.ix_(units, units)]
        carried = np.abs(weights) * np.linalg.norm(at_z[layer + 1].numpy(), axis=0)[units]
        assert (found.links[layer] == carried.argmax(axis=1)).all()


def test_all_units_together_are_the_signal_even_beyond_the_range_of_floats() -> None:
    spec = NetworkSpec(300, 12, "sigmoid", batch=8, seeds=2)  # ends near 1e-300
    for profile in (gradient_profile(spec), gradient_profile(replace(spec, skip=0.2, depth=40))):
        for net in range(2):
            found = unit_signals(profile, net, count=12)
            total = np.log10((10.0 ** (2 * (found.log10_gradient - profile.log10_signal[net][:, None]))).sum(axis=1))
            np.testing.assert_allclose(total, 0, atol=1e-5)  # float32
    assert gradient_profile(spec).log10_signal.min() < -150


def test_closed_units_are_the_dead_or_the_saturated() -> None:
    relu = gradient_profile(NetworkSpec(6, 40, "relu", "he_normal", bias_mean=-1.0, batch=16, seeds=2))
    found = unit_signals(relu, 1)
    assert found.closed_share == pytest.approx(relu.dead[1])
    assert 0 < found.closed_share.min() < 0.1 and found.closed_share[-1] == 1  # the last layers are dead altogether
    assert not np.isnan(found.log10_gradient).any() and (found.log10_gradient[:4] == -np.inf).all()
    assert not found.activation[found.closed].any() and (found.activation[~found.closed] > 0).all()
    tanh = gradient_profile(NetworkSpec(3, 40, "tanh", gain=8.0, bias_std=8.0, batch=16, seeds=1))
    assert 0 < unit_signals(tanh).closed_share.max() <= tanh.saturated.max()


def test_the_same_units_are_chosen_whatever_the_depth() -> None:
    assert chosen_units(64).tolist() == unit_signals(gradient_profile(NetworkSpec(3, batch=4))).units.tolist()
    assert len(chosen_units(64)) == 16 and chosen_units(64)[[0, -1]].tolist() == [0, 63]
    assert chosen_units(3).tolist() == [0, 1, 2]
    one = unit_signals(gradient_profile(NetworkSpec(1, 5, batch=4)))
    assert one.links.shape == (0, 5) and one.log10_gradient.shape == (1, 5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"net": 2}, "net must be a whole number from 0 to 1; got 2"),
        ({"sample": 12}, "sample must be a whole number from 0 to 11; got 12"),
        ({"count": 0}, "count must be a whole number ≥ 1; got 0"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unit_signals(gradient_profile(SPEC), **arguments)


def test_networks_that_went_in_turns_have_no_units() -> None:
    profile = replace(gradient_profile(SPEC), backward=None)
    with pytest.raises(ValueError, match="seeds must be few enough for one forward pass; got 2"):
        unit_signals(profile)
