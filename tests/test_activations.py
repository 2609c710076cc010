"""Activations against torch: values, slopes, gains; what holds for every one of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.activations import ACTIVATIONS, Activation, get_activation
from helpers.arrays import Array
from tests import reference

NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "hard_tanh", "linear"]
GRID = np.concatenate([np.linspace(-12, 12, 4801), [-1.0, -0.0, 0.0, 1.0], np.linspace(-40, 40, 81)])


def torch_value_and_slope(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    y = reference.ACTIVATIONS[name](x)
    y.sum().backward()
    assert x.grad is not None
    return y.detach().numpy(), x.grad.numpy()


def test_the_table_holds_every_activation_of_the_course() -> None:
    assert list(ACTIVATIONS) == NAMES
    assert all(name == activation.name and activation.formula for name, activation in ACTIVATIONS.items())


@pytest.mark.parametrize("name", NAMES)
def test_value_and_slope_equal_torch(name: str) -> None:
    value, slope = torch_value_and_slope(name, GRID)
    np.testing.assert_allclose(ACTIVATIONS[name].function(GRID), value, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(ACTIVATIONS[name].slope(GRID), slope, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@given(
    z=arrays(
        np.float64, st.integers(1, 20), elements=st.floats(-6, 6).filter(lambda v: min(abs(v), abs(abs(v) - 1)) > 1e-3)
    )
)
def test_the_slope_is_the_derivative(name: str, z: np.ndarray) -> None:
    function, step = ACTIVATIONS[name].function, 1e-5
    difference = (function(z + step) - function(z - step)) / (2 * step)
    np.testing.assert_allclose(ACTIVATIONS[name].slope(z), difference, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32_and_is_accurate(name: str) -> None:
    single = GRID.astype(np.float32)
    exact = single.astype(np.float64)
    for part in ("function", "slope"):
        computed = getattr(ACTIVATIONS[name], part)(single)
        assert computed.dtype == np.float32
        np.testing.assert_allclose(computed, getattr(ACTIVATIONS[name], part)(exact), rtol=2e-5, atol=4e-7)


@pytest.mark.parametrize("name", NAMES)
def test_every_shape_and_kind_of_number_is_taken(name: str) -> None:
    activation = ACTIVATIONS[name]
    assert float(activation.function(0.5)) == pytest.approx(float(activation.function(np.array([0.5]))[0]))
    assert activation.function(np.arange(-2, 3)).dtype == np.float64
    assert activation.slope(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    assert activation.slope([]).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_go_writes_the_same_and_leaves_z_alone(name: str, dtype: type) -> None:
    z: Array = np.random.default_rng(0).normal(0, 3, (2, 5, 7)).astype(dtype)
    before, value, slope = z.copy(), np.full_like(z, np.nan), np.full_like(z, np.nan)
    ACTIVATIONS[name].evaluate(z, value, slope)
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(value, ACTIVATIONS[name].function(z))
    np.testing.assert_array_equal(slope, ACTIVATIONS[name].slope(z))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_arguments_stay_finite(name: str, dtype: type) -> None:
    z: Array = np.array([-3e4, -1000, -100, 100, 1000, 3e4], dtype)
    assert np.isfinite(ACTIVATIONS[name].function(z)).all()
    assert np.isfinite(ACTIVATIONS[name].slope(z)).all()


@pytest.mark.parametrize(
    ("name", "slope_at_zero"),
    [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("selu", 1.7580993408473766), ("hard_tanh", 1.0)],
)
def test_the_slope_at_a_kink_is_the_one_torch_takes(name: str, slope_at_zero: float) -> None:
    for zero in (0.0, -0.0):
        assert float(ACTIVATIONS[name].slope(zero)) == pytest.approx(slope_at_zero, rel=1e-15)
        assert torch_value_and_slope(name, np.array([zero]))[1][0] == pytest.approx(slope_at_zero, rel=1e-15)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gain_is_that_of_torch(name: str) -> None:
    assert ACTIVATIONS[name].gain == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-15)


@pytest.mark.parametrize("name", ["elu", "gelu", "silu", "softplus", "hard_tanh"])
def test_gain_is_one_where_torch_names_none(name: str) -> None:
    assert ACTIVATIONS[name].gain == 1
    with pytest.raises(ValueError):
        torch.nn.init.calculate_gain(name)


def test_leak_is_the_slope_below_zero() -> None:
    leaky = get_activation("leaky_relu", leak=0.2)
    assert (float(leaky.slope(-3.0)), float(leaky.slope(3.0))) == pytest.approx((0.2, 1.0))
    assert float(leaky.function(-3.0)) == pytest.approx(-0.6)
    assert leaky.gain == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", 0.2))
    assert get_activation("leaky_relu") is ACTIVATIONS["leaky_relu"]
    assert get_activation("tanh", leak=0.2) is ACTIVATIONS["tanh"]


def test_sigmoid_keeps_its_slope_where_one_minus_itself_is_gone() -> None:
    """In float32, 1 - σ(30) rounds to 0; the slope there is e^-30."""
    assert float(ACTIVATIONS["sigmoid"].slope(np.float32(30))) == pytest.approx(math.exp(-30), rel=1e-5)
    assert np.float32(1) - ACTIVATIONS["sigmoid"].function(np.float32(30)) == 0


def test_gelu_is_the_exact_erf_form() -> None:
    z = np.linspace(-9, 9, 2001)
    exact = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in z])
    np.testing.assert_allclose(ACTIVATIONS["gelu"].function(z), exact, rtol=1e-12, atol=1e-15)


def test_an_activation_of_ones_own_needs_no_kernel() -> None:
    square = Activation("square", lambda z: np.square(z), lambda z: 2 * np.asarray(z), 1.0, "z²")
    z = np.array([1.0, -2.0])
    value, slope = np.empty(2), np.empty(2)
    square.evaluate(z, value, slope)
    assert value.tolist() == [1, 4] and slope.tolist() == [2, -4]


@pytest.mark.parametrize("wrong", ["swish", "ReLU", "", None, 3])
def test_an_unknown_name_is_refused_with_the_names_there_are(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"activation must be one of sigmoid, tanh, .*linear; got " + repr(wrong)):
        get_activation(wrong)  # type: ignore[arg-type]
