"""The residual blocks computed by hand equal autograd; their paths, correlations and closed forms agree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from helpers import theory
from helpers.arrays import mean_cosine
from helpers.datasets import classification_batch
from helpers.models import ConvNet, ResidualMLP
from helpers.residual import (
    NORMALIZATIONS,
    ResidualSpec,
    autocorrelation,
    input_gradients,
    path_energies,
    residual_parameters,
    residual_profile,
)


def twin(spec: ResidualSpec, inputs: int = 20, classes: int = 10, seed: int = 0) -> ResidualMLP:
    return ResidualMLP(spec, inputs, classes, seed, dtype=torch.float64)


@settings(max_examples=80, deadline=None)
@given(
    norm=st.sampled_from(NORMALIZATIONS),
    skip=st.sampled_from([0.0, 0.3, 1.0]),
    branch=st.sampled_from([0.0, 0.2, 1.0, 1.5]),
    blocks=st.integers(1, 6),
    width=st.integers(3, 20),
    seed=st.integers(0, 1000),
)
def test_gradients_equal_autograd(norm: str, skip: float, branch: float, blocks: int, width: int, seed: int) -> None:
    spec = ResidualSpec(blocks=blocks, width=width, skip=skip, branch=branch, norm=norm, batch=9, seeds=1)
    inputs, targets = classification_batch("clusters", 9, seed=seed)
    profile = residual_profile(spec, (inputs, targets), seed)
    model = twin(spec, seed=seed)
    states = model.states(torch.as_tensor(inputs))
    loss = cross_entropy(model.readout(states[-1]), torch.as_tensor(targets))
    layers = [layer.weight for layer in (*model.first, *model.second)]
    found = torch.autograd.grad(loss, [*states, *layers, model.factors])
    norms = [float(gradient.norm()) for gradient in found[:-1]]
    signal, first, second = norms[: blocks + 1], norms[blocks + 1 : 2 * blocks + 1], norms[2 * blocks + 1 :]
    tight: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-13 * (1 + max(norms))}
    np.testing.assert_allclose(profile.loss, [loss.item()], rtol=1e-9)
    np.testing.assert_allclose(profile.signal, [signal], **tight)
    np.testing.assert_allclose(profile.first_gradient, [first], **tight)
    np.testing.assert_allclose(profile.second_gradient, [second], **tight)
    np.testing.assert_allclose(profile.branch_gradient, [found[-1].numpy()], **tight)
    units = [gradient.norm(dim=0).numpy() for gradient in found[: blocks + 1]]
    np.testing.assert_allclose(profile.unit_gradient, [units], **tight)
    np.testing.assert_allclose(profile.states[:, 0], [state.detach().numpy() for state in states], rtol=1e-9, atol=1e-9)
    if not norm.startswith("post"):
        np.testing.assert_allclose(profile.skip_signal, abs(skip) * profile.signal[:, 1:], **tight)
    if skip == 0:
        np.testing.assert_allclose(profile.branch_signal, profile.signal[:, :-1], **tight)
    sizes = [float(state.detach().square().mean().sqrt()) for state in states]
    np.testing.assert_allclose(profile.size, [sizes], rtol=1e-9)


@pytest.mark.parametrize("norm", NORMALIZATIONS)
@pytest.mark.parametrize("branch", [1.0, 0.3])
def test_branches_are_linked_where_most_of_their_gradient_came_through(norm: str, branch: float) -> None:
    """Against autograd through one output of a branch at a time, statistics before it detached."""
    spec, units = ResidualSpec(4, 12, branch=branch, norm=norm, batch=7, seeds=1), np.array([0, 3, 4, 8, 11])
    inputs, targets = classification_batch("digits", 7)
    model = twin(spec, inputs.shape[1])
    h = model.stem(torch.as_tensor(inputs))
    below, sums = [], []
    for first, second in zip(model.first, model.second, strict=True):
        below.append(h)
        sums.append(h + branch * second(torch.relu(first(model.before(h)))))
        h = model.after(sums[-1])
    at_sums = torch.autograd.grad(cross_entropy(model.readout(h), torch.as_tensor(targets)), sums)
    along = {"pre_layer": -1, "pre_batch": -2}.get(norm)
    expected = []
    for block, (first, second) in enumerate(zip(model.first, model.second, strict=True)):
        entered = below[block].detach().requires_grad_()
        x = entered
        if along is not None:
            variance = entered.detach().var(along, unbiased=False, keepdim=True)
            x = (entered - entered.detach().mean(along, keepdim=True)) / (variance + 1e-5).sqrt()
        through = second(torch.relu(first(x))) * at_sums[block]
        by_output = [torch.autograd.grad(through[:, v].sum(), entered, retain_graph=True)[0] for v in units]
        expected.append(torch.stack(by_output).norm(dim=1).argmax(dim=0)[units].tolist())
    assert residual_profile(spec, (inputs, targets)).links(0, units).tolist() == expected


@pytest.mark.parametrize("norm", ["none", "pre_layer", "post_layer"])
@pytest.mark.parametrize("skip", [0.0, 0.7, 1.0])
def test_input_gradients_equal_autograd(norm: str, skip: float) -> None:
    spec = ResidualSpec(blocks=4, width=11, skip=skip, norm=norm, seeds=1)
    x = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    twin(spec, inputs=5, classes=1)(x).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(input_gradients(spec, x.detach().numpy())[0], x.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", ["pre_batch", "post_batch"])
def test_input_gradients_take_the_statistics_of_a_batch_as_constants(norm: str) -> None:
    """Against torch with the mean and the deviation detached."""
    spec = ResidualSpec(blocks=3, width=11, skip=0.6, norm=norm, seeds=1)
    model = twin(spec, inputs=5, classes=1)

    def detached(h: torch.Tensor) -> torch.Tensor:
        deviation = (h.var(dim=0, unbiased=False) + 1e-5).sqrt()
        return (h - h.mean(dim=0).detach()) / deviation.detach()

    normalise = {"pre_batch": (detached, lambda h: h), "post_batch": (lambda h: h, detached)}
    model.before, model.after = None, None
    before, after = normalise[norm]
    x = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    h = model.stem(x)
    for first, second in zip(model.first, model.second, strict=True):
        h = after(spec.skip * h + second(torch.relu(first(before(h)))))
    model.readout(h).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(input_gradients(spec, x.detach().numpy())[0], x.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_live_statistics_would_correlate_all_gradients_alike() -> None:
    """The trap: through live statistics the gradients of a plain network's inputs sum to 0, whatever the network."""
    spec = ResidualSpec(blocks=12, width=64, skip=0.0, norm="pre_batch", seeds=1)
    torch.manual_seed(0)
    x = torch.randn(16, 64, dtype=torch.float64, requires_grad=True)
    (twin(spec, inputs=64, classes=1)(x) * torch.randn(16, 1, dtype=torch.float64)).sum().backward()
    assert x.grad is not None
    assert float(x.grad.sum(dim=0).norm() / x.grad.norm()) < 1e-9
    assert mean_cosine(x.grad.numpy()[None])[0] == pytest.approx(-1 / 15, abs=0.03)


@pytest.mark.parametrize("norm", NORMALIZATIONS)
def test_paths_add_up_to_the_gradient(norm: str) -> None:
    """Every path counted one by one: 2^4 choices of skip or branch, grouped by how many branches they take."""
    import itertools

    from helpers.residual import _Pass

    spec = ResidualSpec(blocks=4, width=12, skip=0.8, branch=0.7, norm=norm, batch=6, seeds=2)
    inputs, targets = classification_batch("clusters", 6)
    network = _Pass(spec, residual_parameters(spec, 20, 10), inputs)
    gradient, _ = network.from_loss(targets)
    by_length = np.zeros((5, *gradient.shape))
    for choices in itertools.product((0, 1), repeat=4):
        along = gradient
        for block, choice in zip(reversed(network.blocks), choices, strict=True):
            along = block.backward(along)[choice]
        by_length[sum(choices)] += along
    energies = np.square(by_length).sum(axis=(2, 3)).T
    expected = energies / energies.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(path_energies(spec, (inputs, targets)), expected, rtol=1e-9)
    signal = np.linalg.norm(by_length.sum(axis=0).reshape(2, -1), axis=1)
    np.testing.assert_allclose(residual_profile(spec, (inputs, targets)).signal[:, 0], signal, rtol=1e-9)


@pytest.mark.parametrize("norm", NORMALIZATIONS)
@pytest.mark.parametrize("skip", [0.0, 0.5, 1.0])
def test_theory_lies_on_the_measurement(norm: str, skip: float) -> None:
    spec = ResidualSpec(blocks=16, width=256, skip=skip, norm=norm, batch=128, seeds=3)
    inputs = np.random.default_rng(0).standard_normal((128, 256))
    predicted = theory.residual_theory(16, skip, 1.0, norm)
    profile = residual_profile(spec, (inputs, np.arange(128) % 10))
    sizes = np.log10(profile.size[:, -1] / profile.size[:, 0])
    assert sizes.mean() == pytest.approx(np.log10(predicted.size[-1]), abs=0.1)
    grown = profile.log10_signal[:, 0] - profile.log10_signal[:, -1]
    assert grown.mean() == pytest.approx(predicted.log10_signal[0], abs=0.12)
    lengths = (path_energies(spec, (inputs, np.arange(128) % 10)) * np.arange(17)).sum(axis=1).mean()
    assert lengths == pytest.approx(predicted.share.sum(), rel=0.08)
    correlation = mean_cosine(input_gradients(spec, inputs)).mean()
    assert correlation == pytest.approx(predicted.correlation[-1], abs=0.06)


def test_closed_forms() -> None:
    plain = theory.residual_theory(20, 1.0, 0.5)
    assert plain.size[-1] ** 2 == pytest.approx(1.25**20)
    assert 10 ** (2 * plain.log10_signal[0]) == pytest.approx(1.25**20)
    normed = theory.residual_theory(20, 1.0, 1.0, "pre_layer")
    np.testing.assert_allclose(normed.size**2, np.arange(1, 22))
    assert 10 ** (2 * normed.log10_signal[0]) == pytest.approx(21), "the product of 1 + 1/l telescopes"
    assert normed.share.sum() == pytest.approx(sum(1 / (block + 1) for block in range(1, 21)))
    shattered = theory.residual_theory(16, 0.0, 1.0, "pre_batch").correlation
    np.testing.assert_allclose(shattered, 0.5 ** np.arange(17))
    for norm in NORMALIZATIONS:
        nothing = theory.residual_theory(3, 0.0, 0.0, norm)
        assert nothing.log10_signal[0] == -np.inf and nothing.share.sum() == 0


def test_overlaps_of_a_relu() -> None:
    rng = np.random.default_rng(0)
    for correlation in (-0.5, 0.0, 0.3, 0.9, 1.0):
        a, b = rng.standard_normal((2, 1_000_000))
        b = correlation * a + math.sqrt(1 - correlation**2) * b
        slopes, values = theory.relu_overlaps(correlation)
        assert slopes == pytest.approx(2 * np.mean((a > 0) & (b > 0)), abs=0.004)
        assert values == pytest.approx(2 * np.mean(np.maximum(a, 0) * np.maximum(b, 0)), abs=0.006)


def test_path_lengths_are_binomial_for_equal_shares() -> None:
    expected = [math.comb(54, k) / 2**54 for k in range(55)]
    np.testing.assert_allclose(theory.path_lengths(np.full(54, 0.5)), expected, rtol=1e-9)
    assert theory.path_lengths([0.2, 0.7]) == pytest.approx([0.24, 0.62, 0.14])


def test_autocorrelation() -> None:
    noise = np.random.default_rng(0).standard_normal((400, 256))
    mean = autocorrelation(noise, 10).mean(axis=0)
    assert mean[0] == 1 and np.abs(mean[1:]).max() < 0.02
    walk = autocorrelation(np.cumsum(noise, axis=1), 10).mean(axis=0)
    assert walk[1] > 0.9 and (np.diff(walk) < 0).all()
    assert (autocorrelation(np.ones(20), 3) == 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": 0}, "blocks must be a whole number ≥ 1; got 0"),
        ({"width": 2.5}, "width must be a whole number"),
        ({"skip": math.nan}, "skip must be a finite number; got nan"),
        ({"branch": "1"}, "branch must be a finite number; got '1'"),
        ({"norm": "layer"}, "norm must be one of none, pre_layer, post_layer, pre_batch, post_batch; got 'layer'"),
    ],
)
def test_bad_arguments_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResidualSpec(**changes)


# The convolutional twins ---------------------------------------------------------------------------------------------


def test_the_twins_differ_in_the_skip_alone() -> None:
    plain, residual = ConvNet(5, skip=0.0), ConvNet(5, skip=1.0)
    for one, other in zip(plain.parameters(), residual.parameters(), strict=True):
        assert torch.equal(one, other)
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in residual.parameters())
    images = torch.randn(6, 64)
    assert plain(images).shape == (6, 10)
    assert not torch.allclose(plain(images), residual(images))
    assert sum(p.dim() > 1 for p in plain.parameters()) == 2 * 5 + 2


def test_a_silent_branch_passes_the_stem_through() -> None:
    net = ConvNet(4, skip=1.0, norm="none")
    with torch.no_grad():
        for layer in net.second:
            layer.weight.zero_()
    images = torch.randn(6, 64)
    stem = torch.nn.functional.avg_pool2d(torch.relu(net.stem(images.reshape(-1, 1, 8, 8))), 2)
    torch.testing.assert_close(net(images), net.readout(stem.mean(dim=(2, 3))))


def test_another_norm_is_named() -> None:
    with pytest.raises(ValueError, match="norm must be one of none, batch; got 'layer'"):
        ConvNet(2, norm="layer")
