"""The torch twin is the engine's network: same parameters, same forward pass, same gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from helpers.activations import ACTIVATIONS
from helpers.datasets import classification_batch
from helpers.models import MLP
from helpers.network import INITS, NetworkSpec, backpropagate, initial_parameters


def double_twin(spec: NetworkSpec, inputs: int, classes: int, seed: int = 0) -> MLP:
    return MLP(spec, inputs=inputs, classes=classes, seed=seed, dtype=torch.float64)


def signals(model: MLP, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, list[float], list[float]]:
    """Loss, ‖∂L/∂h_l‖ and ‖∂L/∂W_l‖ of the hidden layers, by autograd."""
    states = model.hidden(torch.as_tensor(inputs))
    loss = cross_entropy(model.readout(states[-1]), torch.as_tensor(targets))
    weights = [layer.weight for layer in model.layers]
    gradients = [float(gradient.norm()) for gradient in torch.autograd.grad(loss, [*states, *weights])]
    return loss.item(), gradients[: len(states)], gradients[len(states) :]


@settings(max_examples=150, deadline=None)
@given(
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    init=st.sampled_from(INITS),
    norm=st.sampled_from(["none", "batch", "layer"]),
    skip=st.sampled_from([0.0, 0.3, 1.0]),
    gain=st.sampled_from([0.5, 1.0, 1.7]),
    bias_std=st.sampled_from([0.0, 0.1]),
    depth=st.integers(1, 6),
    width=st.integers(2, 24),
    seed=st.integers(0, 1000),
)
def test_gradients_equal_the_engine(
    activation: str,
    init: str,
    norm: str,
    skip: float,
    gain: float,
    bias_std: float,
    depth: int,
    width: int,
    seed: int,
) -> None:
    spec = NetworkSpec(
        depth=depth,
        width=width,
        activation=activation,
        init=init,
        gain=gain,
        bias_std=bias_std,
        norm=norm,
        skip=skip,
        batch=16,
        seeds=1,
    )
    inputs, targets = classification_batch("clusters", 16, seed=seed)
    profile = backpropagate(spec, initial_parameters(spec, inputs=20, classes=10, seed=seed), inputs, targets)
    loss, signal, weight_gradient = signals(double_twin(spec, 20, 10, seed), inputs, targets)
    np.testing.assert_allclose(profile.loss, [loss], rtol=1e-9)
    np.testing.assert_allclose(profile.signal, [signal], rtol=1e-9, atol=1e-14 * max(signal))
    np.testing.assert_allclose(profile.weight_gradient, [weight_gradient], rtol=1e-9, atol=1e-14 * max(weight_gradient))


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_bias_of_the_norm_is_the_engines_and_torchs(norm: str) -> None:
    spec = NetworkSpec(depth=4, width=8, activation="relu", norm=norm, batch=16, seeds=1, norm_bias=1.5)
    inputs, targets = classification_batch("clusters", 16)
    profile = backpropagate(spec, initial_parameters(spec, inputs=20, classes=10), inputs, targets)
    twin = double_twin(spec, 20, 10)
    loss, signal, _ = signals(twin, inputs, targets)
    np.testing.assert_allclose(profile.loss, [loss], rtol=1e-9)
    np.testing.assert_allclose(profile.signal, [signal], rtol=1e-9)
    affine = torch.nn.BatchNorm1d(8) if norm == "batch" else torch.nn.LayerNorm(8)
    torch.nn.init.constant_(affine.bias, 1.5)
    first = twin.layers[0](torch.as_tensor(inputs))
    torch.testing.assert_close(twin.hidden(torch.as_tensor(inputs))[0], torch.relu(affine.double()(first)))


@pytest.mark.parametrize("init", INITS)
def test_parameters_are_the_engines_own(init: str) -> None:
    spec = NetworkSpec(depth=3, width=7, init=init, bias_std=0.2, seeds=1)
    drawn = initial_parameters(spec, inputs=5, classes=4, seed=3)
    twin = double_twin(spec, 5, 4, seed=3)
    for layer, weight, bias in zip([*twin.layers, twin.readout], drawn.weights, drawn.biases, strict=True):
        np.testing.assert_array_equal(layer.weight.detach().numpy().T, weight[0])
        np.testing.assert_array_equal(layer.bias.detach().numpy(), bias[0])


def test_training_a_twin_leaves_the_engines_parameters_alone() -> None:
    spec = NetworkSpec(depth=2, width=4, seeds=1)
    twin = double_twin(spec, 3, 2)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    fresh = double_twin(spec, 3, 2)
    for trained, again in zip(twin.parameters(), fresh.parameters(), strict=True):
        torch.testing.assert_close(trained - 1, again)


def test_several_seeds_in_a_spec_give_the_first_of_them() -> None:
    eight, one = (MLP(NetworkSpec(depth=2, width=4, seeds=n), inputs=3, classes=2, seed=5) for n in (8, 1))
    assert all(torch.equal(a, b) for a, b in zip(eight.parameters(), one.parameters(), strict=True))


def test_measuring_a_batch_norm_network_does_not_change_it() -> None:
    twin = double_twin(NetworkSpec(depth=3, width=5, norm="batch"), 4, 2)
    inputs = torch.randn(30, 4, dtype=torch.float64)
    first = twin(inputs)
    twin(100 * inputs)
    twin.eval()
    assert torch.equal(first, twin(inputs))


def test_default_precision_is_float32() -> None:
    assert {p.dtype for p in MLP(NetworkSpec(depth=2, width=4), inputs=3, classes=2).parameters()} == {torch.float32}
