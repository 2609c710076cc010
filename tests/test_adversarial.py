"""The two players' gradients by hand against torch's autograd, and the closed forms against what they claim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import theory
from helpers.adversarial import (
    Dense,
    discriminator_gradients,
    discriminator_loss,
    draw_dense,
    forward,
    generator_gradients,
    generator_loss,
    gradient_penalty,
    input_slopes,
)
from helpers.games import Adam

LOSSES = theory.GENERATOR_LOSSES
BOTH = [(np.float64, 1e-9), (np.float32, 1e-5)]


def nets(seeds: int, dtype: Any, seed: int = 0, features: int = 3, width: int = 16) -> tuple[Dense, Dense]:
    random = [np.random.default_rng((seed, k)) for k in range(seeds)]
    generator = draw_dense((4, width, width, features), random, output="tanh", dtype=dtype)
    return generator, draw_dense((features, width, width, 1), random, dtype=dtype)


def tensors(net: Dense, which: int) -> list[torch.Tensor]:
    return [torch.tensor(array[which].astype(float), requires_grad=True) for array in net.arrays]


def torch_forward(net: Dense, arrays: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    count = len(net.weights)
    for layer in range(count):
        x = x @ arrays[layer] + arrays[count + layer]
        if layer < count - 1:
            x = torch.nn.functional.leaky_relu(x, net.leak)
    return torch.tanh(x) if net.output == "tanh" else x


def torch_generator_loss(loss: str, logits: torch.Tensor) -> torch.Tensor:
    log_sigmoid = torch.nn.functional.logsigmoid
    if loss == "saturating":
        return log_sigmoid(-logits).mean()
    return -log_sigmoid(logits).mean() if loss == "non_saturating" else -logits.mean()


def torch_discriminator_loss(loss: str, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    return entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))


def assert_close(mine: Any, right: Any, tolerance: float, scale: float = 0.0) -> None:
    """Within a share of the right one's norm; one that is exactly 0 is held against `scale`."""
    right = np.asarray(right)
    assert np.linalg.norm(np.asarray(mine, float) - right) <= tolerance * max(np.linalg.norm(right), 1e-3 * scale)


def assert_all_close(mine: Any, right: list[torch.Tensor], which: int, tolerance: float) -> None:
    scale = max(float(tensor.grad.norm()) for tensor in right)
    assert scale > 0
    for array, tensor in zip(mine, right, strict=True):
        assert_close(array[which], tensor.grad, tolerance, scale)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
def test_the_generators_gradients_equal_autograd(loss: str, dtype: Any, tolerance: float) -> None:
    generator, discriminator = nets(3, dtype)
    noise = np.random.default_rng(1).standard_normal((3, 20, 4)).astype(dtype)
    mine = generator_gradients(generator, discriminator, noise, loss)
    assert mine.at_samples.dtype == dtype
    for which in range(3):
        g, d = tensors(generator, which), tensors(discriminator, which)
        z = torch.tensor(noise[which].astype(float), requires_grad=True)
        made = torch_forward(generator, g, z)
        made.retain_grad()
        logits = torch_forward(discriminator, d, made)
        logits.retain_grad()
        value = torch_generator_loss(loss, logits)
        value.backward()
        assert float(mine.loss[which]) == pytest.approx(value.item(), rel=1e-5)
        assert_all_close(mine.generator.arrays, g, which, tolerance)
        assert_all_close(mine.discriminator.arrays, d, which, tolerance)
        assert_close(mine.at_samples[which], made.grad, tolerance)
        assert_close(mine.generator.at_inputs[which], z.grad, tolerance)
        norm = math.sqrt(sum(float((tensor.grad**2).sum()) for tensor in g))
        assert float(mine.norm()[which]) == pytest.approx(norm, rel=10 * tolerance)
        units, values = mine.unit_gradients(), mine.unit_activations()
        for place, tensor in ((0, z), (3, made), (-1, logits)):
            assert_close(units[place][which], tensor.grad.norm(dim=0), tolerance)
            assert_close(values[place][which], tensor.detach().norm(dim=0), tolerance)
        signal = mine.signal()[which]
        assert signal[[0, 3, -1]] == pytest.approx(
            [float(z.grad.norm()), float(made.grad.norm()), float(logits.grad.norm())], rel=10 * tolerance
        )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
def test_the_discriminators_gradients_equal_autograd(loss: str, one_sided: bool, dtype: Any, tolerance: float) -> None:
    _, net = nets(2, dtype)
    net = net.with_arrays([3 * array for array in net.arrays])  # slopes on both sides of 1
    random = np.random.default_rng(2)
    real, fake, between = (random.standard_normal((2, count, 3)).astype(dtype) for count in (12, 9, 15))
    value, arrays = discriminator_gradients(net, real, fake, loss, between, 7.0, one_sided)
    for which in range(2):
        d = tensors(net, which)
        x = torch.tensor(between[which].astype(float), requires_grad=True)
        (slopes,) = torch.autograd.grad(torch_forward(net, d, x).sum(), x, create_graph=True)
        excess = slopes.norm(dim=1) - 1
        assert (excess > 0).any() and (excess < 0).any()
        excess = excess.clamp(min=0) if one_sided else excess
        at_real, at_fake = (torch_forward(net, d, torch.tensor(part[which].astype(float))) for part in (real, fake))
        total = torch_discriminator_loss(loss, at_real, at_fake) + 7.0 * (excess**2).mean()
        total.backward()
        assert float(value[which]) == pytest.approx(total.item(), rel=1e-5)
        assert_all_close(arrays, d, which, tolerance)
        assert_close(input_slopes(net, between)[which], slopes.detach(), tolerance)


@given(
    seed=st.integers(0, 1000),
    width=st.integers(1, 9),
    features=st.integers(1, 4),
    batch=st.integers(1, 6),
    loss=st.sampled_from(LOSSES),
)
def test_any_two_players_equal_autograd(seed: int, width: int, features: int, batch: int, loss: str) -> None:
    generator, discriminator = nets(1, np.float64, seed, features, width)
    noise = np.random.default_rng(seed).standard_normal((1, batch, 4))
    mine = generator_gradients(generator, discriminator, noise, loss)
    g, d = tensors(generator, 0), tensors(discriminator, 0)
    made = torch_forward(generator, g, torch.tensor(noise[0]))
    torch_generator_loss(loss, torch_forward(discriminator, d, made)).backward()
    for array, tensor in zip(mine.generator.arrays, g, strict=True):
        assert np.abs(array[0] - tensor.grad.numpy()).max() <= 1e-12 + 1e-9 * np.abs(tensor.grad.numpy()).max()


def test_one_network_without_an_axis_of_seeds_is_the_same() -> None:
    _, net = nets(2, np.float64)
    first = net.with_arrays([array[1] for array in net.arrays])
    x = np.random.default_rng(3).standard_normal((5, 3))
    np.testing.assert_array_equal(forward(first, x).outputs, forward(net, x).outputs[1])
    penalty, down = gradient_penalty(first, x, 10.0)
    many, downs = gradient_penalty(net, np.stack([x, x]), 10.0)
    assert penalty == pytest.approx(many[1], rel=1e-14)
    np.testing.assert_allclose(down.arrays[0], downs.arrays[0][1], rtol=1e-12)


def test_adam_is_torchs_adam() -> None:
    _, net = nets(1, np.float64)
    arrays = [torch.tensor(array, requires_grad=True) for array in net.arrays]
    theirs, mine = torch.optim.Adam(arrays, lr=0.01, betas=(0.5, 0.9)), Adam(0.01)
    random = np.random.default_rng(4)
    for step in range(30):
        gradients = [random.standard_normal(array.shape) * 10.0 ** -(step % 12) for array in net.arrays]
        for tensor, gradient in zip(arrays, gradients, strict=True):
            tensor.grad = torch.tensor(gradient)
        theirs.step()
        net = mine.step(net, gradients)
    for array, tensor in zip(net.arrays, arrays, strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-12)


# Losses ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_are_the_derivatives_of_the_losses_far_into_both_tails(loss: str) -> None:
    a = torch.linspace(-700, 700, 1401, dtype=torch.float64, requires_grad=True)
    (torch_generator_loss(loss, a) * len(a)).backward()
    np.testing.assert_allclose(theory.generator_slope(loss, a.detach().numpy()), a.grad.numpy(), rtol=1e-12)


def test_a_sure_discriminator_silences_one_loss_and_not_the_others() -> None:
    slopes = {loss: float(theory.generator_slope(loss, -20.0)) for loss in LOSSES}
    assert slopes["saturating"] == pytest.approx(-2.06e-9, rel=1e-2)
    assert slopes["non_saturating"] == pytest.approx(-1) and slopes["wasserstein"] == -1


@pytest.mark.parametrize(
    "call",
    [
        lambda loss: generator_loss(loss, np.zeros((2, 1))),
        lambda loss: discriminator_loss(loss, np.zeros((2, 1)), np.zeros((2, 1))),
        lambda loss: theory.generator_slope(loss, 0.0),
    ],
)
def test_an_unknown_loss_is_named(call: Any) -> None:
    with pytest.raises(ValueError, match="loss must be one of saturating, non_saturating, wasserstein; got 'hinge'"):
        call("hinge")


def test_sizes_and_outputs_that_make_no_network_are_named() -> None:
    with pytest.raises(ValueError, match="sizes must be at least two whole numbers"):
        draw_dense((3,), [np.random.default_rng(0)])
    with pytest.raises(ValueError, match="output must be one of linear, tanh; got 'relu'"):
        draw_dense((3, 1), [np.random.default_rng(0)], output="relu")


# Closed forms ---------------------------------------------------------------------------------------------------------


def test_js_of_two_bells_by_a_plain_sum() -> None:
    for distance, spread in ((1.0, 1.0), (4.0, 1.0), (2.0, 0.5), (6.0, 2.0)):
        x = np.linspace(-12 * spread, distance + 12 * spread, 100_001)
        p, q = (np.exp(-(((x - m) / spread) ** 2) / 2) / spread / math.sqrt(2 * math.pi) for m in (0.0, distance))
        m = (p + q) / 2
        parts = p * np.log(p / m) / 2 + q * np.log(q / m) / 2
        assert theory.js_divergence(distance, spread) == pytest.approx(np.trapezoid(parts, x), rel=1e-8)


def test_js_ends() -> None:
    assert theory.js_divergence(0.0) == pytest.approx(0, abs=1e-12)
    assert theory.js_divergence(0.0, 0.0) == 0
    for apart in (1e-9, 0.5, 100.0):
        assert theory.js_divergence(apart, 0.0) == math.log(2)
    assert theory.js_divergence(1e6) == math.log(2)
    assert theory.js_divergence(-3.0) == theory.js_divergence(3.0) == theory.js_divergence(6.0, 2.0)
    with pytest.raises(ValueError, match="spread must be a finite number ≥ 0; got -1"):
        theory.js_divergence(1.0, -1)


@pytest.mark.parametrize("distance", [0.5, 1, 2, 4, 6, 8])
def test_against_the_best_discriminator_the_saturating_gradient_is_twice_the_slope_of_js(distance: float) -> None:
    step = 1e-3
    slope = (theory.js_divergence(distance + step) - theory.js_divergence(distance - step)) / (2 * step)
    assert theory.optimal_generator_gradient("saturating", distance) == pytest.approx(2 * slope, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_best_opponents_gradient_is_a_mean_over_fakes(loss: str) -> None:
    fakes = np.random.default_rng(0).standard_normal(400_000) - 2
    slopes = 1.0 if loss == "wasserstein" else 2.0
    mean = -np.mean(theory.generator_slope(loss, theory.optimal_logit(fakes, 2.0)) * slopes)
    assert theory.optimal_generator_gradient(loss, 2.0) == pytest.approx(mean, rel=0.01)
    assert theory.optimal_generator_gradient(loss, 0.0) == 0


def test_the_best_logit_is_the_log_of_a_ratio() -> None:
    x = np.linspace(-6, 3, 10)
    assert theory.optimal_logit(x, 3.0) == pytest.approx(-(x**2) / 2 + (x + 3) ** 2 / 2)
    assert theory.wasserstein_distance(-2.5) == 2.5
