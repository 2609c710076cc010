"""Clipping against torch's own, and the one-unit network against autograd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import clipping
from helpers.exercises import check_exercise, get_exercise
from helpers.network import NetworkSpec, gradient_profile
from helpers.recurrent import RecurrentSpec, recurrent_profile

TORCH = {"norm": torch.nn.utils.clip_grad_norm_, "value": torch.nn.utils.clip_grad_value_}


def clipped_by_torch(rule: str, gradient: np.ndarray, threshold: float) -> np.ndarray:
    weight = torch.nn.Parameter(torch.zeros(gradient.shape, dtype=torch.float64))
    weight.grad = torch.tensor(gradient)
    TORCH[rule]([weight], threshold)
    return weight.grad.numpy()


@given(
    rule=st.sampled_from(list(TORCH)),
    power=st.floats(-14, 12),
    threshold=st.sampled_from([1e-3, 0.5, 1.0, 30.0]),
    seed=st.integers(0, 100),
)
def test_clipping_equals_torch(rule: str, power: float, threshold: float, seed: int) -> None:
    gradients = 10**power * np.random.default_rng(seed).standard_normal((3, 4, 5))
    clipped = gradients * clipping.FACTORS[rule](gradients, threshold)
    for mine, gradient in zip(clipped, gradients, strict=True):
        # torch adds 1e-6 to the norm before it divides
        np.testing.assert_allclose(mine, clipped_by_torch(rule, gradient, threshold), rtol=1.1e-6 / threshold + 1e-12)


@pytest.mark.parametrize("rule", clipping.FACTORS)
def test_no_factor_is_above_one_and_zeros_stay(rule: str) -> None:
    gradients = np.array([[0.0, 0.0], [1e-100, 1e100], [3.0, 4.0]])
    factors = np.broadcast_to(clipping.FACTORS[rule](gradients, 1.0), gradients.shape)
    assert (factors <= 1).all() and (factors[0] == 1).all()


@pytest.mark.parametrize("rule", clipping.FACTORS)
@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_bad_threshold_is_refused(rule: str, threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold must be a finite number > 0; got"):
        clipping.FACTORS[rule](np.ones((1, 2)), threshold)
    with pytest.raises(ValueError, match="threshold must be a finite number > 0; got 0.0"):
        clipping.descend(5, -2, learning_rate=1, updates=1, threshold=0.0)


def test_the_cosine_is_that_of_torch() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    expected = torch.nn.functional.cosine_similarity(torch.tensor(a).flatten(1), torch.tensor(b).flatten(1))
    np.testing.assert_allclose(clipping.cosine(a, b), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("gradient", [3e6, -2.0, 1e-8, 1e-10, 1e-12, 0.0])
def test_adams_first_step_is_that_of_torch(gradient: float) -> None:
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    weight.grad = torch.full_like(weight, gradient)
    torch.optim.Adam([weight], lr=0.1).step()
    assert float(clipping.adam_first_step(np.array(gradient), 0.1)) == pytest.approx(weight.item(), rel=1e-9)


@pytest.mark.parametrize(("weight", "bias"), [(5.0, -2.0), (5.0, -2.61), (3.0, -1.2), (8.0, 3.0), (2.0, -4.5)])
def test_the_one_unit_network_equals_autograd(weight: float, bias: float) -> None:
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (weight, bias))
    x = torch.tensor(clipping.UNIT_START, dtype=torch.float64)
    for _ in range(clipping.UNIT_STEPS):
        x = w * torch.sigmoid(x) + b
    loss = (torch.sigmoid(x) - clipping.UNIT_TARGET) ** 2
    expected = [gradient.item() for gradient in torch.autograd.grad(loss, (w, b))]
    assert float(clipping.one_unit_loss(weight, bias)) == pytest.approx(loss.item(), rel=1e-9)
    assert clipping.one_unit_gradient(weight, bias) == pytest.approx(expected, rel=1e-9)


def test_a_clipped_descent_never_steps_farther_than_rate_times_threshold() -> None:
    for rate in (0.1, 1.0, 10.0):
        for threshold in (0.01, 0.1, 1.0):
            path = clipping.descend(5, -2, learning_rate=rate, updates=50, threshold=threshold)
            assert path.longest_step <= rate * threshold * (1 + 1e-9)
            assert len(path.losses) == len(path.weights) == 51


def test_a_threshold_that_is_not_reached_changes_nothing() -> None:
    free = clipping.descend(5, -2, learning_rate=1, updates=50)
    high = clipping.descend(5, -2, learning_rate=1, updates=50, threshold=float(free.gradients.max()) + 1)
    np.testing.assert_array_equal(free.weights, high.weights)


def test_the_engines_give_the_entries_of_what_they_measure() -> None:
    profile = gradient_profile(NetworkSpec(12, 20, "tanh", gain=2.0, bias_std=0.2, batch=7, seeds=3))
    norms = [np.linalg.norm(matrix, axis=(1, 2)) for matrix in profile.weight_gradient_matrices()]
    np.testing.assert_allclose(np.stack(norms, axis=1), profile.weight_gradient, rtol=1e-5)
    through_time = recurrent_profile(RecurrentSpec("lstm", 9, hidden=5, seeds=2))
    np.testing.assert_allclose(
        through_time.shares().sum(axis=1), through_time.gradients.recurrent_weights, rtol=1e-5, atol=1e-9
    )


def test_entries_of_the_engine_equal_autograd() -> None:
    from helpers.datasets import gaussian
    from helpers.models import MLP

    spec = NetworkSpec(6, 8, "tanh", "lecun_normal", gain=2.0, bias_std=0.2, batch=5, seeds=1)
    inputs, targets = gaussian(5, features=8)
    model = MLP(spec, inputs=8, classes=10, dtype=torch.float64)
    torch.nn.functional.cross_entropy(model(torch.tensor(inputs)), torch.tensor(targets)).backward()
    matrices = gradient_profile(spec, (inputs, targets)).weight_gradient_matrices()
    for matrix, layer in zip(matrices, model.layers, strict=True):
        np.testing.assert_allclose(matrix[0], layer.weight.grad.numpy().T, rtol=1e-3, atol=1e-6)


# The exercises -------------------------------------------------------------------------------------------------------


def judged(exercise_id: str, body: str) -> tuple[str, str]:
    names: dict[str, object] = {"np": np}
    exec(body, names)
    verdict = check_exercise(exercise_id, names[exercise_id])
    return verdict.status, verdict.message


def test_the_solution_is_what_torch_does() -> None:
    names: dict[str, object] = {}
    exec(get_exercise("clip_by_norm").solution, names)
    draws = np.random.default_rng(3)
    for power in (-12, 0, 9):
        gradients = [10.0**power * draws.standard_normal(shape) for shape in ((4, 3), (3,), (3, 2))]
        weights = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for mine, weight in zip(names["clip_by_norm"](gradients, 1.0), weights, strict=True):  # type: ignore[operator]
            np.testing.assert_allclose(mine, weight.grad.numpy(), rtol=2e-6)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("n = np.sqrt(sum((x**2).sum() for x in g)); return [x * t / max(n, 1e-300) for x in g]", "must stay as it is"),
        ("return [x * min(1, t / max(np.linalg.norm(x), 1e-300)) for x in g]", "each array's own norm"),
        ("return [np.clip(x, -t, t) for x in g]", "by value"),
        ("s = sum(abs(x).sum() for x in g); return [x * min(1, t / max(s, 1e-300)) for x in g]", "sum of the sizes"),
        ("n = np.sqrt(sum((x**2).sum() for x in g)); return [x / n if n > t else x for x in g]", "multiply by the thr"),
        ("return g", "You return the gradient unchanged"),
        ("return 3", "wanted: numbers of shape"),
        ("return [x / 0 for x in g]", "which is not finite"),
    ],
)
def test_named_mistakes_of_clip_by_norm(body: str, words: str) -> None:
    status, message = judged("clip_by_norm", f"def clip_by_norm(g, t):\n    {body}")
    assert status == "wrong" and words in message


def test_a_solution_that_changes_its_arrays_in_place_is_right_too() -> None:
    body = """
def clip_by_norm(gradients, threshold):
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for gradient in gradients:
        gradient *= min(1, threshold / max(norm, 1e-300))
    return gradients
"""
    assert judged("clip_by_norm", body)[0] == "right"
    assert judged("clip_by_norm", body)[0] == "right", "the check's own inputs are left alone"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("-r * g", "plain gradient descent"),
        ("r * g / (np.abs(g) + 1e-8)", "sign is wrong"),
        ("-r * np.sign(g)", "ε is missing"),
        ("-r * 0.1 * g / (0.001**0.5 * np.abs(g) + 1e-8)", "running means start at 0"),
        ("-r * g / np.sqrt(g**2 + 1e-8)", "outside the root"),
        ("-r * g / (g**2 + 1e-8)", "root of the mean square"),
    ],
)
def test_named_mistakes_of_adam(body: str, words: str) -> None:
    status, message = judged("adam_first_step", f"def adam_first_step(g, r):\n    return {body}")
    assert status == "wrong" and words in message
