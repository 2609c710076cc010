"""Closed forms against direct sums, against each other, and against the engine."""

from __future__ import annotations

import math
import pkgutil
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import theory
from helpers.activations import ACTIVATIONS, Activation, get_activation
from helpers.datasets import gaussian
from helpers.network import NetworkSpec, backpropagate, initial_parameters

AVERAGES = {
    "mean_square_slope": ("slope", 2),
    "mean_square_activation": ("function", 2),
    "mean_slope": ("slope", 1),
}


def direct_average(name: str, part: str, power: int, spread: float) -> float:
    """E[f(z)^power] by the midpoint rule, a million points from kink to kink."""
    total, count = 0.0, 1_000_000
    edges = [-12 * spread, *(edge for edge in (-1.0, 0.0, 1.0) if abs(edge) < 12 * spread), 12 * spread]
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        step = (high - low) / count
        z = low + step * (np.arange(count) + 0.5)
        density = np.exp(-0.5 * (z / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
        values = getattr(ACTIVATIONS[name], part)(z)
        total += float((values**power * density).sum()) * step
    return total


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gaussian_averages_equal_a_direct_sum(name: str, average: str) -> None:
    for spread in (1e-3, 0.3, 1.0, 6.75, 100.0):
        expected = direct_average(name, *AVERAGES[average], spread)
        assert getattr(theory, average)(name, spread**2) == pytest.approx(expected, rel=1e-7), spread


@pytest.mark.parametrize("average", AVERAGES)
def test_averages_take_numbers_and_arrays(average: str) -> None:
    function = getattr(theory, average)
    variances = np.array([[0.0, 0.5], [1.0, 4.0]])
    result = function("tanh", variances)
    assert result.shape == (2, 2) and isinstance(function("tanh", 1.0), float)
    assert [[function("tanh", float(v)) for v in row] for row in variances] == result.tolist()
    assert function("tanh") == function(ACTIVATIONS["tanh"], 1.0)


def test_variance_zero_is_the_value_at_zero() -> None:
    assert theory.mean_square_slope("sigmoid", 0) == 1 / 16
    assert theory.mean_square_activation("sigmoid", 0.0) == 1 / 4


@settings(deadline=None)
@given(st.floats(1e-6, 1e4))
def test_homogeneous_activations_have_averages_that_only_scale(variance: float) -> None:
    for name, leak in (("relu", 0.0), ("leaky_relu", 0.2), ("linear", 1.0)):
        activation = get_activation(name, leak)
        half = (1 + leak**2) / 2
        assert theory.mean_square_slope(activation, variance) == pytest.approx(half, rel=1e-10)
        assert theory.mean_square_activation(activation, variance) == pytest.approx(half * variance, rel=1e-10)


def test_an_activation_of_ones_own() -> None:
    square = Activation("square", lambda z: np.square(z), lambda z: 2 * np.asarray(z), 1.0, "z²")
    assert theory.mean_square_activation(square, 2.0) == pytest.approx(3 * 4.0)
    assert theory.mean_square_slope(square, 2.0) == pytest.approx(4 * 2.0)


# Recursion and fixed point ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "weight_variance", "bias_variance", "expected"),
    [
        ("relu", 1.0, 0.5, 1.0),  # q = q/2 + 1/2
        ("relu", 1.9, 0.0, 0.0),
        ("relu", 2.0, 0.0, 1.0),  # every variance stays
        ("relu", 2.1, 0.0, math.inf),
        ("linear", 0.5, 1.0, 2.0),
        ("linear", 1.5, 0.0, math.inf),
        ("tanh", 0.9, 0.0, 0.0),
        ("sigmoid", 103.0, 0.0, 45.6),
        ("selu", 1.0, 0.0, 1.0),
    ],
)
def test_fixed_points(name: str, weight_variance: float, bias_variance: float, expected: float) -> None:
    assert theory.variance_fixed_point(name, weight_variance, bias_variance) == pytest.approx(expected, rel=1e-3)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["sigmoid", "tanh", "hard_tanh"]), st.floats(0.1, 30), st.floats(0.0, 2.0))
def test_a_fixed_point_is_where_the_recursion_ends(name: str, weight_variance: float, bias_variance: float) -> None:
    q = theory.variance_fixed_point(name, weight_variance, bias_variance)
    if q > 1e-12:
        assert weight_variance * theory.mean_square_activation(name, q) + bias_variance == pytest.approx(q, rel=1e-9)
    reached = theory.preactivation_variances(name, weight_variance, bias_variance, 3000, 1.0)[-1]
    assert reached == pytest.approx(q, rel=1e-3, abs=2e-3)  # near the critical line it takes its time


def test_the_recursion_is_the_map_applied_again_and_again() -> None:
    variances = theory.preactivation_variances("tanh", 1.7, 0.1, 30, 0.4)
    assert variances.shape == (30,) and variances[0] == pytest.approx(1.7 * 0.4 + 0.1)
    for before, after in zip(variances[:-1], variances[1:], strict=True):
        assert after == pytest.approx(1.7 * theory.mean_square_activation("tanh", before) + 0.1)


def test_variances_beyond_all_bounds_are_held() -> None:
    assert theory.preactivation_variances("relu", 40.0, 0.0, 100, 1.0).max() == theory.LARGEST
    assert theory.preactivation_variances("relu", 0.01, 0.0, 100, 1.0).min() == theory.SMALLEST


# The gradient's factor ----------------------------------------------------------------------------------------------


def test_per_layer_factor_of_what_can_be_done_by_hand() -> None:
    for weight_variance in (0.5, 1.0, 2.0, 3.0):
        assert theory.per_layer_factor("relu", weight_variance) == pytest.approx(math.sqrt(weight_variance / 2))
        assert theory.per_layer_factor("linear", weight_variance) == pytest.approx(math.sqrt(weight_variance))
    assert theory.per_layer_factor("tanh", 0.3) == pytest.approx(math.sqrt(0.3), rel=1e-6)  # the signal dies: slope 1
    assert theory.per_layer_factor("sigmoid", 1e-6) == pytest.approx(1e-3 / 4, rel=1e-4)


def test_the_signal_profile_multiplies_the_factors_of_the_layers() -> None:
    variances = theory.preactivation_variances("tanh", 2.0, 0.1, 12, 1.0)
    profile = theory.signal_profile("tanh", 2.0, 0.1, 12, 1.0)
    assert profile.shape == (12,) and profile[-1] == 0
    for layer in range(11):
        factor = 2.0 * theory.mean_square_slope("tanh", variances[layer + 1])
        assert profile[layer] - profile[layer + 1] == pytest.approx(math.log10(factor) / 2)
    assert theory.signal_profile("tanh", 2.0, 0.1, 1, 1.0).tolist() == [0.0]
    deep = theory.signal_profile("tanh", 2.0, 0.1, 200, 1.0)
    assert deep[0] - deep[1] == pytest.approx(
        math.log10(2.0 * theory.mean_square_slope("tanh", 2.0 * theory.mean_square_activation("tanh", 2.1) + 0.1)) / 2
    )
    slope = (deep[100] - deep[101]) * 2
    assert slope == pytest.approx(2 * math.log10(theory.per_layer_factor("tanh", 2.0, 0.1)), abs=1e-9)


@pytest.mark.parametrize(
    ("activation", "init", "gain", "bias_std"),
    [
        ("sigmoid", "lecun_normal", 1.0, 0.0),
        ("sigmoid", "pytorch_default", 1.0, 0.05),
        ("sigmoid", "lecun_normal", 6.0, 0.0),
        ("tanh", "lecun_normal", 1.2, 0.3),
        ("tanh", "xavier_uniform", 1.0, 0.0),
        ("relu", "he_normal", 1.0, 0.0),
        ("gelu", "he_normal", 1.0, 0.2),
        ("softplus", "lecun_normal", 1.0, 0.1),
        ("hard_tanh", "orthogonal", 1.1, 0.2),
        ("elu", "lecun_normal", 1.0, 0.1),
    ],
)
def test_the_signal_profile_is_what_the_engine_measures(
    activation: str, init: str, gain: float, bias_std: float
) -> None:
    """In a layer of 256 units the theory for infinitely wide ones is right to a few percent a layer."""
    spec = NetworkSpec(20, 256, activation, init, gain, bias_std, batch=32, seeds=6)
    inputs, targets = gaussian(32, features=256)
    profile = backpropagate(spec, initial_parameters(spec, 256, 10, dtype=np.float32), inputs, targets)
    measured = (profile.log10_signal - profile.log10_signal[:, -1:]).mean(axis=0)
    expected = theory.signal_profile(activation, spec.weight_variance, bias_std**2, 20, float((inputs**2).mean()))
    per_layer = (measured - expected)[:-1] / np.arange(19, 0, -1)
    assert np.abs(per_layer[:15]).max() < math.log10(1.03)


def test_the_variances_are_what_the_engine_measures() -> None:
    spec = NetworkSpec(15, 400, "tanh", "lecun_normal", gain=1.3, bias_std=0.2, batch=32, seeds=4)
    inputs, targets = gaussian(32, features=400)
    profile = backpropagate(spec, initial_parameters(spec, 400, 10, dtype=np.float32), inputs, targets)
    expected = theory.preactivation_variances("tanh", 1.69, 0.04, 15, float((inputs**2).mean()))
    np.testing.assert_allclose((profile.preactivation_std**2).mean(axis=0), expected, rtol=0.05)


# The critical line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "hard_tanh", "elu"])
@pytest.mark.parametrize("bias_variance", [0.01, 0.1, 1.0])
def test_on_the_critical_line_the_factor_is_one(name: str, bias_variance: float) -> None:
    weight_variance = theory.critical_weight_variance(name, bias_variance)
    assert theory.per_layer_factor(name, weight_variance, bias_variance) == pytest.approx(1, abs=1e-9)
    assert theory.per_layer_factor(name, 0.9 * weight_variance, bias_variance) < 1
    assert theory.depth_scale(name, weight_variance, bias_variance) > 1e6


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "linear"])
def test_the_critical_variance_of_homogeneous_activations_needs_no_bias(name: str) -> None:
    half = {"relu": 0.5, "leaky_relu": (1 + 1e-4) / 2, "linear": 1.0}[name]
    for bias_variance in (0.0, 0.3):
        assert theory.critical_weight_variance(name, bias_variance) == pytest.approx(1 / half, rel=1e-9)


def test_critical_gain_is_the_root_of_the_critical_variance() -> None:
    assert theory.critical_gain("sigmoid") ** 2 == pytest.approx(theory.critical_weight_variance("sigmoid"))
    assert theory.critical_gain("relu") == pytest.approx(math.sqrt(2))
    assert theory.critical_gain("tanh") == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("weight_std, six", [(1.0, 16.8), (2.0, 39.9), (2.5, 30.7)])
def test_the_scale_of_correlations_is_the_rate_at_which_two_inputs_settle(weight_std: float, six: float) -> None:
    scale = theory.correlation_depth_scale("tanh", weight_std**2, 0.09)
    assert 6 * scale == pytest.approx(six, abs=0.05)
    cosines = theory.cosines("tanh", weight_std**2, 0.09, 400, 1.0, 0.5)
    first = int(3 * scale)  # layers where the cosine is near its end, and not yet there
    layers = np.arange(first, first + int(3 * scale))
    slope = np.polyfit(layers, np.log(np.abs(cosines[layers] - cosines[-1])), 1)[0]
    assert -1 / slope == pytest.approx(scale, rel=0.05)


def test_the_two_scales_are_one_where_the_gradient_vanishes() -> None:
    for name, weight, bias in (("tanh", 1.0, 0.09), ("sigmoid", 4.0, 0.0), ("relu", 1.5, 0.1)):
        own = theory.depth_scale(name, weight, bias)
        assert theory.correlation_depth_scale(name, weight, bias) == pytest.approx(own)
    assert theory.correlation_depth_scale("tanh", 6.25, 0.09) > 2 * theory.depth_scale("tanh", 6.25, 0.09)
    assert theory.correlation_depth_scale("selu", 1.0) == pytest.approx(35.8, rel=0.05)


@pytest.mark.parametrize(
    ("name", "weight", "bias"),
    [("relu", 1.0, 0.0), ("relu", 4.0, 0.0), ("relu", 4.0, 0.1), ("linear", 0.5, 0.0), ("tanh", 0.64, 0.0)],
)
def test_correlations_have_no_scale_where_the_variance_does_not_settle(name: str, weight: float, bias: float) -> None:
    assert math.isnan(theory.correlation_depth_scale(name, weight, bias))
    assert theory.depth_scale(name, weight, bias) > 0


def test_on_the_critical_line_the_scale_is_infinite_with_and_without_biases() -> None:
    for name, weight in (("relu", 2.0), ("linear", 1.0), ("tanh", 1.0)):
        assert theory.correlation_depth_scale(name, weight) == math.inf
    critical = theory.critical_weight_variance("tanh", 0.09)
    assert theory.correlation_depth_scale("tanh", critical, 0.09) > 1e6


def test_cosines_of_relu_without_biases_approach_1_like_a_power() -> None:
    apart, cosine = [], 0.03
    for _ in range(100):
        cosine = float(theory.relu_overlaps(cosine)[1])
        apart.append(1 - cosine)
    assert apart[49] / apart[99] == pytest.approx(2**2, rel=0.2), "twice the depth leaves a quarter"
    for weight in (1.0, 2.0, 4.0):  # also where the variance is below 1e-24 or above 1e24
        found = theory.cosines("relu", weight, 0.0, 100, 1.0, 0.03)
        assert 1 - found == pytest.approx(np.array(apart), abs=4e-3)


def test_depth_scale_counts_layers_to_one_e() -> None:
    scale = theory.depth_scale("relu", 1.0)
    assert scale == pytest.approx(1 / math.log(2))
    assert theory.depth_scale("relu", 4.0) == pytest.approx(scale)
    assert theory.depth_scale("relu", 2.0) == math.inf


# Chains and steps ---------------------------------------------------------------------------------------------------


def test_a_chain_multiplies_weight_times_slope() -> None:
    gradients = theory.chain_gradient("sigmoid", 5, weight=2.0, preactivation=1.0)
    slope = float(ACTIVATIONS["sigmoid"].slope(1.0))
    assert gradients.tolist() == pytest.approx([(2 * slope) ** k for k in range(6)])
    assert theory.chain_gradient("tanh", 3, weight=-1.0).tolist() == [1, -1, 1, -1]


def test_a_chain_equals_a_network_one_unit_wide() -> None:
    """With weight 0.5 and a bias that puts every neuron at the same pre-activation."""
    slope, z = ACTIVATIONS["tanh"].slope, 0.8
    spec = NetworkSpec(6, 1, "tanh", batch=1, seeds=1)
    parameters = initial_parameters(spec, 1, 2)
    for weights, biases in zip(parameters.weights[:-1], parameters.biases[:-1], strict=True):
        weights[...] = 0.5
        biases[...] = z - 0.5 * math.tanh(z)
    profile = backpropagate(spec, parameters, np.array([[math.tanh(z)]]), np.array([0]))
    ratios = profile.signal[0, ::-1] / profile.signal[0, -1]
    assert ratios.tolist() == pytest.approx(theory.chain_gradient("tanh", 5, 0.5, z).tolist())
    assert ratios[1] == pytest.approx(0.5 * float(slope(z)))


def test_steps_to_move() -> None:
    assert theory.steps_to_move(1.0) == pytest.approx(0.1)
    assert theory.steps_to_move(-1e-6, distance=0.02, learning_rate=0.5) == pytest.approx(4e4)
    assert theory.steps_to_move(0.0) == math.inf


# The package --------------------------------------------------------------------------------------------------------


def test_every_closed_form_of_every_subject_is_found_under_theory() -> None:
    defined = {
        name
        for found in pkgutil.iter_modules(theory.__path__)
        for name, value in vars(import_module(f"helpers.theory.{found.name}")).items()
        if getattr(value, "__module__", "") == f"helpers.theory.{found.name}" and not name.startswith("_")
    }
    shared = {"average", "averages"}  # what the subjects compute with
    assert defined - shared <= vars(theory).keys()


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.mean_square_slope("tan"), "activation must be one of sigmoid, tanh"),
        (lambda: theory.mean_square_slope("tanh", -1.0), "variance must be a finite number ≥ 0; got -1.0"),
        (lambda: theory.mean_slope("tanh", [1.0, math.nan]), "variance must be a finite number ≥ 0; got"),
        (lambda: theory.mean_square_activation("tanh", "wide"), "variance must be a finite number ≥ 0; got 'wide'"),
        (lambda: theory.per_layer_factor("tanh", 0.0), "weight_variance must be a finite number > 0; got 0.0"),
        (lambda: theory.per_layer_factor("tanh", 1.0, -0.1), "bias_variance must be a finite number ≥ 0; got -0.1"),
        (lambda: theory.variance_fixed_point("tanh", math.inf), "weight_variance must be a finite number > 0; got inf"),
        (lambda: theory.signal_profile("tanh", 1.0, 0.0, 0, 1.0), "depth must be a whole number ≥ 1; got 0"),
        (lambda: theory.preactivation_variances("tanh", 1.0, 0.0, 3, -1.0), "input_second_moment must be"),
        (lambda: theory.chain_gradient("tanh", 2.5), "depth must be a whole number ≥ 1; got 2.5"),
        (lambda: theory.chain_gradient("tanh", 2, math.nan), "weight must be a finite number; got nan"),
        (lambda: theory.steps_to_move(math.nan), "gradient must be a finite number; got nan"),
        (lambda: theory.steps_to_move(1.0, learning_rate=0), "learning_rate must be a finite number > 0; got 0"),
    ],
)
def test_bad_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


def test_an_activation_without_a_critical_variance_says_so() -> None:
    flat = Activation(
        "flat", lambda z: np.ones_like(np.asarray(z, float)), lambda z: np.zeros_like(np.asarray(z, float)), 1.0, "1"
    )
    with pytest.raises(ValueError, match="activation flat has no critical weight_variance"):
        theory.critical_weight_variance(flat)
