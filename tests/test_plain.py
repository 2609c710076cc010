"""The engine as text against the fast engine and against torch's autograd: one oracle for the other."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from helpers.activations import ACTIVATIONS
from helpers.arrays import Array
from helpers.datasets import gaussian
from helpers.network import INITS, NORMALIZATIONS, NetworkSpec, backpropagate, initial_parameters, plain
from tests.reference import autograd

Rule = Callable[[Array], tuple[Array, Callable[[Array], Array]]]


def assert_equal_to_both(spec: NetworkSpec) -> None:
    inputs, targets = gaussian(spec.batch, features=7)
    parameters = initial_parameters(spec, 7, 10)
    found = plain.backpropagate(
        spec, [w[1] for w in parameters.weights], [b[1] for b in parameters.biases], inputs, targets
    )
    signal = [np.linalg.norm(gradient) for gradient in found.outputs]
    by_torch = autograd(spec, parameters, inputs, targets, net=1)
    assert found.loss == pytest.approx(by_torch["loss"], rel=1e-9)
    np.testing.assert_allclose(signal, by_torch["signal"], rtol=1e-9)
    for mine, theirs in zip(found.weights, by_torch["weights"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-12 * np.abs(theirs).max())
    fast = backpropagate(spec, parameters, inputs, targets)
    assert found.loss == pytest.approx(fast.loss[1], rel=1e-9)
    np.testing.assert_allclose(signal, fast.signal[1], rtol=1e-9)
    for mine, theirs in zip(found.weights, fast.weight_gradient_matrices(), strict=False):  # all but the read-out's
        np.testing.assert_allclose(mine, theirs[1], rtol=1e-7, atol=1e-12 * np.abs(mine).max())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_equals_the_fast_engine_and_autograd(activation: str) -> None:
    for init, norm, skip in itertools.product(INITS, NORMALIZATIONS, (0.0, 0.5)):
        norm_bias = 0.0 if norm == "none" else 0.3
        assert_equal_to_both(
            NetworkSpec(3, 9, activation, init, 1.0, 0.3, norm, skip, 12, 2, leak=0.2, norm_bias=norm_bias)
        )


def test_one_layer_and_twenty() -> None:
    for depth in (1, 20):
        assert_equal_to_both(NetworkSpec(depth, 5, "tanh", bias_std=0.2, skip=0.3, batch=6, seeds=2))


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: plain.normalize(x, 0),
        lambda x: plain.normalize(x, 1),
        lambda x: plain.activate(x, "gelu", 0.01),
    ],
    ids=["batch", "layer", "gelu"],
)
def test_a_rule_backward_is_the_slope_of_the_rule_forward(
    rule: Callable[[Array], tuple[Array, Callable[[Array], Array]]],
) -> None:
    random = np.random.default_rng(0)
    x, weight, direction = (random.standard_normal((6, 4)) for _ in range(3))
    _, back = rule(x)
    step = 1e-6
    difference = (weight * (rule(x + step * direction)[0] - rule(x - step * direction)[0])).sum() / (2 * step)
    assert (back(weight) * direction).sum() == pytest.approx(difference, rel=1e-6)


def test_the_text_is_some_forty_lines_that_a_lesson_can_show() -> None:
    text = plain.source()
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert len(functions) == len(ast.parse(text).body)
    assert [function.name for function in functions] == [rule.__name__ for rule in plain.RULES]
    lines = sum(
        function.end_lineno - function.body[0].end_lineno + 1  # from `def` on, without the docstring
        for function in functions
    )
    assert 30 <= lines <= 50
    assert plain.source(plain.affine).startswith("def affine(")
    assert "normalize" not in plain.source(plain.affine)
