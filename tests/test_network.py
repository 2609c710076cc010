"""The engine against torch's autograd, finite differences, closed forms and its own promises."""

from __future__ import annotations

import gc
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.activations import ACTIVATIONS, get_activation
from helpers.datasets import classification_batch, gaussian
from helpers.network import (
    INITS,
    NORMALIZATIONS,
    GradientProfile,
    NetworkSpec,
    Parameters,
    backpropagate,
    engine,
    gradient_profile,
    initial_parameters,
)
from helpers.network import parameters as drawing
from helpers.network.profile import LAZY
from tests.reference import autograd
from tests.tiers import first_slow

PER_LAYER = ["signal", "log10_signal", "weight_gradient", "log10_weight_gradient", *LAZY]


def drawn(spec: NetworkSpec, seed: int = 0, features: int = 64) -> tuple[Parameters, np.ndarray, np.ndarray]:
    inputs, targets = gaussian(spec.batch, features=features, seed=seed)
    return initial_parameters(spec, features, 10, seed), inputs, targets


def assert_equal_to_autograd(spec: NetworkSpec, nets: tuple[int, ...] = (0,), tolerance: float = 1e-9) -> None:
    parameters, inputs, targets = drawn(spec)
    profile = backpropagate(spec, parameters, inputs, targets)
    for net in nets:
        expected = autograd(spec, parameters, inputs, targets, net)
        for name in ("signal", "weight_gradient"):
            np.testing.assert_allclose(getattr(profile, name)[net], expected[name], rtol=tolerance, atol=1e-290)
        assert profile.loss[net] == pytest.approx(expected["loss"], rel=tolerance)


# Against torch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip", [0.0, 0.5])
@pytest.mark.parametrize("norm", NORMALIZATIONS)
@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_equals_autograd(activation: str, init: str, norm: str, skip: float) -> None:
    spec = NetworkSpec(5, 9, activation, init, bias_std=0.3, norm=norm, skip=skip, batch=12, seeds=2, leak=0.2)
    assert_equal_to_autograd(spec, nets=(0, 1))


@pytest.mark.parametrize("norm_bias", [-0.7, 2.0])
@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_bias_after_the_norm_equals_autograd(activation: str, norm: str, norm_bias: float) -> None:
    spec = NetworkSpec(5, 9, activation, bias_std=0.3, norm=norm, skip=0.5, batch=12, seeds=2, norm_bias=norm_bias)
    assert_equal_to_autograd(replace(spec, leak=0.2), nets=(0, 1))
    profile, (parameters, inputs, targets) = gradient_profile(spec), drawn(spec)
    assert not np.allclose(profile.signal, gradient_profile(replace(spec, norm_bias=0.0)).signal)
    profile = backpropagate(spec, parameters, inputs, targets)
    expected = autograd(spec, parameters, inputs, targets)
    assert profile.backward is not None
    for layer, seen in enumerate(expected["preactivations"]):
        np.testing.assert_allclose(profile.backward.forward.preactivation(layer)[0], seen, rtol=1e-9, atol=1e-12)


SIZES = [
    (depth, width, seeds)
    for depth in (1, 2, 50, 200)
    for width in (1, 2, 3, 17, 64, 256)
    for seeds in (1, 16)
    if depth * width * width * seeds < 4e6
]
HUGE = first_slow([(50, 256, 16), (200, 256, 1), (200, 256, 16)], 2)


@pytest.mark.parametrize(("depth", "width", "seeds"), [*SIZES, *HUGE])
def test_every_size_equals_autograd(depth: int, width: int, seeds: int) -> None:
    """tanh at a gain of 1 neither dies out nor turns chaotic, so that even 200 layers lose no digits."""
    spec = NetworkSpec(depth, width, "tanh", "xavier_normal", bias_std=0.1, batch=16, seeds=seeds)
    assert_equal_to_autograd(spec, nets=(0, seeds - 1))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "gelu", "softplus", "relu", "selu"])
@pytest.mark.parametrize(("depth", "width"), [(1, 3), (2, 1), (50, 32), (100, 64), (200, 16)])
@pytest.mark.parametrize("seeds", [1, 16])
def test_float32_is_right_to_a_ten_thousandth(activation: str, depth: int, width: int, seeds: int) -> None:
    """More is allowed only where the network itself is sensitive, by as much as it is.

    A chaotic network: rounding its parameters alone and computing in float64 shows how far such errors grow. A weight
    gradient is a sum over samples: what cancels in the sum leaves the error of what was summed. And a ReLU within a
    rounding error of its kink may fall to the other side, which changes one unit of one layer.
    """
    init = {"sigmoid": "pytorch_default", "relu": "he_normal", "gelu": "he_normal"}.get(activation, "lecun_normal")
    spec = NetworkSpec(depth, width, activation, init, bias_std=0.05, batch=32, seeds=seeds)
    parameters, inputs, targets = drawn(spec)
    exact = backpropagate(spec, parameters, inputs, targets)
    rounded = [[array.astype(np.float32) for array in arrays] for arrays in (parameters.weights, parameters.biases)]
    back = [[array.astype(np.float64) for array in arrays] for arrays in rounded]
    growth = backpropagate(spec, Parameters(*back), inputs.astype(np.float32).astype(np.float64), targets)
    single = backpropagate(spec, Parameters(*rounded), inputs, targets)
    for name, cancels in (("log10_signal", 1.0), ("log10_weight_gradient", cancellation(exact, inputs))):
        alive = np.isfinite(getattr(exact, name))  # a net that is dead has no logarithm
        assert (np.isfinite(getattr(single, name)) == alive).all()
        moved = np.abs(getattr(growth, name)[alive] - getattr(exact, name)[alive]).max(initial=0)
        error = np.abs(getattr(single, name)[alive] - getattr(exact, name)[alive]).max(initial=0)
        kink = 1e-3 * depth if activation in ("relu", "selu") and depth > 2 else 0
        assert error * math.log(10) <= max(1e-4, 30 * moved, 3e-7 * math.sqrt(depth) * cancels, kink)


def cancellation(profile: GradientProfile, inputs: np.ndarray) -> float:
    """How many times larger ‖∂L/∂W‖ could be, at most, if no two samples pulled in opposite directions."""
    assert profile.backward is not None
    hidden = np.linalg.norm(profile.backward.forward.hidden, axis=(2, 3)).T
    below = np.column_stack([np.full(len(hidden), np.linalg.norm(inputs)), hidden[:, :-1]])
    with np.errstate(divide="ignore"):
        below = np.log10(below)
    bound = below + profile.log10_signal + math.log10(get_activation(profile.spec.activation).max_slope)
    with np.errstate(invalid="ignore"):  # a dead net: -inf less -inf
        return float(10 ** np.nanmax(bound - profile.log10_weight_gradient))


def test_the_default_profile_is_float32_and_equals_autograd() -> None:
    spec = NetworkSpec()
    profile = gradient_profile(spec)
    inputs, targets = classification_batch("digits", spec.batch)
    expected = autograd(spec, initial_parameters(spec, 64, 10), inputs, targets, net=3)
    np.testing.assert_allclose(profile.signal[3], expected["signal"], rtol=1e-4)
    np.testing.assert_allclose(profile.weight_gradient[3], expected["weight_gradient"], rtol=1e-4)
    assert profile.backward is not None and profile.backward.forward.activation.dtype == np.float32


# Against finite differences -----------------------------------------------------------------------------------------


def plain_loss(spec: NetworkSpec, parameters: Parameters, h: np.ndarray, targets: np.ndarray, start: int) -> float:
    """The loss of net 0 from the output `h` of layer `start` on, layers counted from 1: a few lines of numpy."""
    phi = get_activation(spec.activation, spec.leak).function
    for layer in range(start, spec.depth):
        z = h @ parameters.weights[layer][0] + parameters.biases[layer][0]
        if spec.norm != "none":
            axis = 0 if spec.norm == "batch" else 1
            z = (z - z.mean(axis, keepdims=True)) / np.sqrt(z.var(axis, keepdims=True) + 1e-5)
        h = phi(z) + (spec.skip * h if layer else 0)
    logits = h @ parameters.weights[-1][0] + parameters.biases[-1][0]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets]))


def differences(function: Any, point: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The gradient of `function()` with respect to `point`, which is changed in place, entry by entry."""
    gradient = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        middle, sides = point[index], []
        for side in (step, -step):
            point[index] = middle + side
            sides.append(function())
        point[index] = middle
        gradient[index] = (sides[0] - sides[1]) / (2 * step)
    return gradient


SMOOTH = ["sigmoid", "tanh", "gelu", "silu", "softplus", "linear"]


@settings(deadline=None, max_examples=40)
@given(
    depth=st.integers(1, 4),
    width=st.integers(2, 4),
    batch=st.integers(2, 4),
    activation=st.sampled_from(SMOOTH),
    init=st.sampled_from(INITS),
    norm=st.sampled_from(NORMALIZATIONS),
    skip=st.sampled_from([0.0, 0.3, 1.0, -0.5]),
    gain=st.floats(0.3, 2.0),
    bias_std=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_gradients_are_finite_differences_of_the_loss(seed: int, data: Any, **shape: Any) -> None:
    spec = NetworkSpec(seeds=1, **shape)
    parameters, inputs, targets = drawn(spec, seed, features=3)
    profile = backpropagate(spec, parameters, inputs, targets)
    layer = data.draw(st.integers(0, spec.depth - 1))

    def loss_of_parameters() -> float:
        return plain_loss(spec, parameters, inputs, targets, 0)

    assert profile.loss[0] == pytest.approx(loss_of_parameters(), rel=1e-9)  # a norm of two units may magnify rounding
    by_weight = differences(loss_of_parameters, parameters.weights[layer])
    assert profile.weight_gradient[0, layer] == pytest.approx(np.linalg.norm(by_weight), rel=1e-4, abs=1e-8)

    hidden = hidden_outputs(spec, parameters, inputs)[layer]
    by_output = differences(lambda: plain_loss(spec, parameters, hidden, targets, layer + 1), hidden)
    assert profile.signal[0, layer] == pytest.approx(np.linalg.norm(by_output), rel=1e-4, abs=1e-8)


def hidden_outputs(spec: NetworkSpec, parameters: Parameters, inputs: np.ndarray) -> list[np.ndarray]:
    profile = backpropagate(spec, parameters, inputs, np.zeros(spec.batch, int))
    assert profile.backward is not None
    return [h[0].copy() for h in profile.backward.forward.hidden]


# Nothing is lost to the range of a float ----------------------------------------------------------------------------


def test_sigmoid_at_depth_200_equals_autograd_of_the_rescaled_loss() -> None:
    """Layer 1 hears 1e-171: its square is 0 in float64, so autograd gets a loss multiplied by 2^500."""
    spec = NetworkSpec(200, 64, "sigmoid", "pytorch_default", batch=128, seeds=2)
    inputs, targets = classification_batch("digits", 128)
    profile = gradient_profile(spec)
    assert np.isfinite(profile.log10_signal).all() and np.isfinite(profile.log10_weight_gradient).all()
    assert profile.log10_signal[:, 0].max() < -160
    for net in range(2):
        expected = autograd(spec, initial_parameters(spec, 64, 10), inputs, targets, net, scale=2.0**500)
        shift = 500 * math.log10(2)
        for name in ("signal", "weight_gradient"):
            logarithm = getattr(profile, f"log10_{name}")[net]
            np.testing.assert_allclose(logarithm, np.log10(expected[name]) - shift, atol=1e-3)
            np.testing.assert_allclose(np.log10(getattr(profile, name)[net]), logarithm, atol=1e-9)


def test_a_norm_of_1e_minus_300_is_still_that() -> None:
    spec = NetworkSpec(40, 32, "sigmoid", "orthogonal", gain=4e-8, seeds=2, batch=16)
    profile = gradient_profile(spec)
    shrinks = math.log10(4e-8 / 4)  # an orthogonal matrix turns, the slope at 0 is 1/4
    np.testing.assert_allclose(np.diff(profile.log10_signal, axis=1), -shrinks, rtol=1e-6)
    nearest = np.argmin(np.abs(profile.log10_signal[0] + 300))
    assert profile.signal[0, nearest] == pytest.approx(10 ** profile.log10_signal[0, nearest], rel=1e-9)


@pytest.mark.parametrize("gain", [1e-3, 1e-30, 1e-150, 1e-300])
def test_norms_go_on_below_the_smallest_float(gain: float) -> None:
    spec = NetworkSpec(200, 8, "sigmoid", "orthogonal", gain=gain, seeds=3, batch=16)
    profile = gradient_profile(spec)
    np.testing.assert_allclose(np.diff(profile.log10_signal, axis=1), -math.log10(gain / 4), rtol=1e-5)
    assert (profile.signal[:, 0] == 0).all() and profile.log10_signal.max() < 0
    np.testing.assert_allclose(profile.per_layer_factor(), gain / 4, rtol=1e-4)


def test_explosions_beyond_the_largest_float32() -> None:
    spec = NetworkSpec(150, 16, "linear", "orthogonal", gain=10.0, seeds=2, batch=16)
    profile = gradient_profile(spec)
    np.testing.assert_allclose(profile.per_layer_factor(), 10, rtol=1e-9)
    assert profile.log10_signal[:, 0].min() > 140


def test_seeds_of_very_different_size_do_not_disturb_each_other() -> None:
    spec = NetworkSpec(60, 16, "tanh", "xavier_normal", seeds=3, batch=16)
    parameters, inputs, targets = drawn(spec)
    for weights in parameters.weights[:-1]:
        weights *= np.array([0.05, 1.0, 1.5])[:, None, None]
    together = backpropagate(spec, parameters, inputs, targets)
    one = replace(spec, seeds=1)
    for net in range(3):
        alone = Parameters(
            [w[net : net + 1] for w in parameters.weights], [b[net : net + 1] for b in parameters.biases]
        )
        profile = backpropagate(one, alone, inputs, targets)
        np.testing.assert_allclose(together.log10_signal[net], profile.log10_signal[0], atol=1e-9)
        np.testing.assert_allclose(together.log10_weight_gradient[net], profile.log10_weight_gradient[0], atol=1e-9)


def test_a_forward_signal_that_underflows_is_reported_with_its_layer() -> None:
    spec = NetworkSpec(200, 8, "linear", "orthogonal", gain=1e-3, seeds=2, batch=4)
    with pytest.warns(RuntimeWarning, match=r"forward signal of layer 9[67] leaves the range of float64"):
        gradient_profile(spec)


def test_a_forward_signal_that_overflows_is_reported_with_its_layer() -> None:
    spec = NetworkSpec(200, 8, "relu", "he_normal", gain=1e3, seeds=2, batch=4)
    with pytest.warns(RuntimeWarning, match=r"forward signal of layer (9\d|10\d) leaves the range of float64"):
        gradient_profile(spec)


def test_float32_parameters_that_do_not_hold_the_signal_are_reported() -> None:
    spec = NetworkSpec(60, 8, "linear", "orthogonal", gain=0.3, seeds=1, batch=4)
    inputs, targets = gaussian(4)
    with pytest.warns(RuntimeWarning, match="layer 3[01] leaves the range of float32"):
        backpropagate(spec, initial_parameters(spec, 64, 10, dtype=np.float32), inputs, targets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile = gradient_profile(spec)  # the same network, taken up again in float64
    np.testing.assert_allclose(profile.per_layer_factor(), 0.3, rtol=1e-9)


def test_a_dead_network_is_zero_and_no_error() -> None:
    """Every unit of some layer is off for every sample: the gradient is exactly 0 below, and no float's fault."""
    spec = NetworkSpec(50, 2, "relu", "he_normal", seeds=16, batch=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile = gradient_profile(spec)
    died = (profile.dead == 1).any(axis=1)
    assert 8 <= died.sum() <= 16
    assert (profile.signal[died, 0] == 0).all() and (profile.log10_signal[died, 0] == -np.inf).all()
    np.testing.assert_allclose(profile.loss[died], math.log(10))
    assert np.isnan(profile.per_layer_factor()[profile.signal[:, -1] == 0]).all()


# Statistics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMALIZATIONS)
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh", "selu"])
def test_statistics_are_what_their_names_say(activation: str, norm: str) -> None:
    spec = NetworkSpec(4, 12, activation, "standard_normal", bias_std=1.0, norm=norm, skip=0.5, batch=6, seeds=2)
    parameters, inputs, targets = drawn(spec)
    profile = backpropagate(spec, parameters, inputs, targets)
    net = 1
    expected = autograd(spec, parameters, inputs, targets, net)
    slope, limit = ACTIVATIONS[activation].slope, 0.01 * {"sigmoid": 0.25, "selu": 1.758099}.get(activation, 1.0)
    for layer, (a, z) in enumerate(zip(expected["activations"], expected["preactivations"], strict=True)):
        assert profile.preactivation_std[net, layer] == pytest.approx(z.std(), rel=1e-9)
        assert profile.activation_std[net, layer] == pytest.approx(a.std(), rel=1e-9)
        assert profile.saturated[net, layer] == pytest.approx((np.abs(slope(z)) < limit).mean())
        assert profile.dead[net, layer] == pytest.approx((a == 0).all(axis=0).mean())
        units = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-300)
        cosines = [float(units[i] @ units[j]) for i in range(6) for j in range(i)]
        assert profile.similarity[net, layer] == pytest.approx(np.mean(cosines), abs=1e-12)
        size = np.linalg.norm(parameters.weights[layer][net])
        assert profile.update_ratio[net, layer] == pytest.approx(expected["weight_gradient"][layer] / size, rel=1e-9)


def test_shapes_and_dtypes() -> None:
    profile = gradient_profile(NetworkSpec(7, 5, seeds=3, batch=4))
    for name in PER_LAYER:
        assert getattr(profile, name).shape == (3, 7), name
        assert getattr(profile, name).dtype == np.float64, name
    assert profile.loss.shape == (3,) and profile.per_layer_factor().shape == (3,)


def test_per_layer_factor_is_the_geometric_mean_of_the_steps() -> None:
    profile = gradient_profile(NetworkSpec(9, 16, "tanh", seeds=2, batch=8))
    steps = profile.signal[:, :-1] / profile.signal[:, 1:]
    np.testing.assert_allclose(profile.per_layer_factor(), np.exp(np.log(steps).mean(axis=1)))
    assert np.isnan(gradient_profile(NetworkSpec(1, 16, seeds=2)).per_layer_factor()).all()


def test_a_batch_of_one_has_no_similarity() -> None:
    profile = gradient_profile(NetworkSpec(3, 4, batch=1, seeds=1))
    assert np.isnan(profile.similarity).all() and np.isfinite(profile.signal).all()


# Drawing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize(("inputs", "width"), [(64, 64), (30, 80), (80, 30)])
def test_weights_have_the_variance_of_their_scheme(init: str, inputs: int, width: int) -> None:
    spec = NetworkSpec(6, width, init=init, gain=1.5, seeds=8)
    parameters = initial_parameters(spec, inputs, 10)
    fan_ins, fan_outs = [inputs, *[width] * 6], [*[width] * 6, 10]
    for weights, fan_in, fan_out in zip(parameters.weights, fan_ins, fan_outs, strict=True):
        assert weights.shape == (8, fan_in, fan_out)
        variance = {
            "pytorch_default": 1 / (3 * fan_in),
            "lecun_normal": 1 / fan_in,
            "xavier_normal": 2 / (fan_in + fan_out),
            "xavier_uniform": 2 / (fan_in + fan_out),
            "he_normal": 2 / fan_in,
            "he_uniform": 2 / fan_in,
            "orthogonal": 1 / max(fan_in, fan_out),
            "standard_normal": 1.0,
        }[init]
        count = weights.size
        assert weights.var() == pytest.approx(2.25 * variance, rel=6 * math.sqrt(2 / count))
        assert abs(weights.mean()) < 6 * math.sqrt(2.25 * variance / count)
    hidden = np.mean([weights.var() for weights in parameters.weights[1:-1]]) * width
    assert spec.weight_variance == pytest.approx(hidden, rel=0.05)


@pytest.mark.parametrize("init", ["pytorch_default", "xavier_uniform", "he_uniform"])
def test_uniform_schemes_are_uniform(init: str) -> None:
    weights = initial_parameters(NetworkSpec(2, 64, init=init, seeds=4), 64, 10).weights[1]
    bound = {"pytorch_default": 1 / 8, "xavier_uniform": math.sqrt(6 / 128), "he_uniform": math.sqrt(6 / 64)}[init]
    assert bound * 0.999 < np.abs(weights).max() <= bound
    histogram, _ = np.histogram(weights, 10, (-bound, bound))
    assert histogram.min() > 0.9 * histogram.mean()


@pytest.mark.parametrize(("inputs", "width"), [(16, 16), (5, 16), (16, 5)])
def test_orthogonal_weights_are_orthogonal(inputs: int, width: int) -> None:
    for weights in initial_parameters(NetworkSpec(3, width, init="orthogonal", gain=2.0, seeds=2), inputs, 4).weights:
        small = min(weights.shape[1:])
        for w in weights:
            gram = w @ w.T if w.shape[0] == small else w.T @ w
            np.testing.assert_allclose(gram, 4 * np.eye(small), atol=1e-12)


@pytest.mark.parametrize("init", INITS)
def test_a_deeper_network_shares_its_first_layers_and_one_seed_is_the_first_of_many(init: str) -> None:
    drawing._drawn._arrays.clear()
    small = initial_parameters(NetworkSpec(3, 6, init=init, bias_std=0.2, seeds=1), 5, 4, seed=2)
    large = initial_parameters(NetworkSpec(21, 6, init=init, bias_std=0.2, seeds=4), 5, 4, seed=1)
    again = initial_parameters(NetworkSpec(3, 6, init=init, bias_std=0.2, seeds=1), 5, 4, seed=2)
    for layer in range(3):
        np.testing.assert_array_equal(small.weights[layer][0], large.weights[layer][1])
        np.testing.assert_array_equal(small.biases[layer][0], large.biases[layer][1])
    np.testing.assert_array_equal(small.weights[-1][0], large.weights[-1][1])
    np.testing.assert_array_equal(small.biases[-1][0], large.biases[-1][1])
    for one, other in zip(small.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_both_precisions_see_the_same_network() -> None:
    spec = NetworkSpec(4, 8, bias_std=0.1, seeds=2)
    double, single = (initial_parameters(spec, 64, 10, dtype=dtype) for dtype in (np.float64, np.float32))
    for one, other in zip([*double.weights, *double.biases], [*single.weights, *single.biases], strict=True):
        assert one.dtype == np.float64 and other.dtype == np.float32
        np.testing.assert_allclose(other, one, rtol=2e-7)


def test_parameters_may_be_changed_without_changing_the_next_draw() -> None:
    spec = NetworkSpec(3, 4, bias_std=0.1, seeds=1)
    first = initial_parameters(spec, 64, 10)
    kept = [array.copy() for array in (*first.weights, *first.biases)]
    for array in (*first.weights, *first.biases):
        array[...] = np.nan
    second = initial_parameters(spec, 64, 10)
    for array, expected in zip((*second.weights, *second.biases), kept, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_gain_multiplies_every_weight_and_no_bias() -> None:
    spec = NetworkSpec(3, 4, bias_std=0.1, seeds=1)
    one, three = (initial_parameters(replace(spec, gain=gain), 64, 10) for gain in (1.0, 3.0))
    for weights, tripled in zip(one.weights, three.weights, strict=True):
        np.testing.assert_allclose(3 * weights, tripled)
    for biases, same in zip(one.biases, three.biases, strict=True):
        np.testing.assert_array_equal(biases, same)
    assert replace(spec, gain=3.0).weight_variance == pytest.approx(9 * spec.weight_variance)


def test_a_draw_too_large_to_keep_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = NetworkSpec(5, 16, seeds=2)
    kept = initial_parameters(spec, 64, 10)
    monkeypatch.setattr(drawing, "_drawn", drawing._Cache(0))
    for one, other in zip(kept.weights, initial_parameters(spec, 64, 10).weights, strict=True):
        np.testing.assert_array_equal(one, other)


# Memory and time ----------------------------------------------------------------------------------------------------


def test_seeds_in_turns_give_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = NetworkSpec(6, 10, "relu", "he_normal", skip=0.5, norm="layer", batch=8, seeds=5)
    parameters, inputs, targets = drawn(spec)

    def both() -> list[GradientProfile]:
        return [gradient_profile(spec, seed=3), backpropagate(spec, parameters, inputs, targets)]

    at_once = both()
    monkeypatch.setattr(engine, "PASS_BYTES", 2 * 8 * 4 * 6 * 8 * 10 + 5000)
    for whole, turns in zip(at_once, both(), strict=True):
        assert whole.backward is not None and turns.backward is None
        for name in (*PER_LAYER, "loss"):
            np.testing.assert_allclose(getattr(turns, name), getattr(whole, name), rtol=1e-5, atol=1e-7, err_msg=name)


def test_an_array_kept_from_a_profile_never_changes() -> None:
    """Not even when the profile is gone and others of the same shape are computed."""
    spec = NetworkSpec(4, 8, "tanh", norm="layer", skip=0.5, batch=8, seeds=1)
    profile = gradient_profile(spec)
    backward = profile.backward
    assert backward is not None
    kept = {name: value for part in (profile, backward, backward.forward) for name, value in arrays_in(part).items()}
    assert {"signal", "loss", "activation", "hidden", "slope", "delta", "normalized"} <= kept.keys()
    before = {name: array.copy() for name, array in kept.items()}
    del profile, backward
    gc.collect()
    others = [gradient_profile(spec, seed=seed) for seed in range(1, 6)]
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert others[0].signal[0, 0] != before["signal"][0, 0]


def arrays_in(part: object) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray)}


def many_random_specs(count: int) -> None:
    generator = np.random.default_rng(0)
    for _ in range(count):
        spec = NetworkSpec(
            int(generator.integers(1, 60)),
            int(generator.integers(1, 70)),
            str(generator.choice(list(ACTIVATIONS))),
            str(generator.choice(INITS)),
            gain=float(10 ** generator.uniform(-1, 1)),
            bias_std=float(generator.choice([0.0, 0.1, 1.0])),
            norm=str(generator.choice(NORMALIZATIONS)),
            skip=float(generator.choice([0.0, 0.5, 1.0])),
            batch=int(generator.integers(2, 64)),
            seeds=int(generator.integers(1, 4)),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            profile = gradient_profile(spec, seed=int(generator.integers(0, 50)))
        assert not np.isnan(profile.signal).any() and not np.isnan(profile.loss).any(), spec
        assert drawing._drawn.nbytes <= drawing.CACHE_BYTES


def test_random_networks_are_computed_and_nothing_grows() -> None:
    many_random_specs(150)


@pytest.mark.parametrize(
    ("count", "most"),
    first_slow([(300, 3_000_000), (2000, 20_000_000)]),
)
def test_more_random_networks_than_are_kept(count: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_drawn", drawing._Cache(most))
    monkeypatch.setattr(drawing, "CACHE_BYTES", most)
    many_random_specs(count)
    gc.collect()
    assert len(drawing._drawn._arrays) < count


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"depth": 0}, "depth must be a whole number ≥ 1; got 0"),
        ({"depth": 2.0}, "depth must be a whole number ≥ 1; got 2.0"),
        ({"depth": True}, "depth must be a whole number ≥ 1; got True"),
        ({"width": -3}, "width must be a whole number ≥ 1; got -3"),
        ({"batch": 0}, "batch must be a whole number ≥ 1; got 0"),
        ({"seeds": "8"}, "seeds must be a whole number ≥ 1; got '8'"),
        ({"activation": "swish"}, "activation must be one of sigmoid, tanh, relu,"),
        ({"init": "glorot"}, "init must be one of pytorch_default, lecun_normal,"),
        ({"norm": None}, "norm must be one of none, batch, layer; got None"),
        ({"gain": math.nan}, "gain must be a finite number > 0; got nan"),
        ({"gain": math.inf}, "gain must be a finite number > 0; got inf"),
        ({"gain": 0.0}, "gain must be a finite number > 0; got 0.0"),
        ({"gain": -1}, "gain must be a finite number > 0; got -1"),
        ({"gain": 10**400}, "gain must be a finite number > 0; got 1000"),
        ({"gain": "2"}, "gain must be a finite number > 0; got '2'"),
        ({"gain": True}, "gain must be a finite number > 0; got True"),
        ({"bias_std": -0.1}, "bias_std must be a finite number ≥ 0; got -0.1"),
        ({"skip": math.nan}, "skip must be a finite number; got nan"),
        ({"leak": None}, "leak must be a finite number; got None"),
        ({"norm": "batch", "norm_bias": math.nan}, "norm_bias must be a finite number; got nan"),
        ({"norm_bias": 2.0}, "norm_bias must be 0 with norm 'none', which has no bias of its own; got 2.0"),
        ({"norm": "batch", "batch": 1}, "batch must be ≥ 2 with norm 'batch'"),
    ],
)
def test_a_bad_spec_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        NetworkSpec(**arguments)
    assert words in str(caught.value)


SPEC = NetworkSpec(3, 4, batch=6, seeds=2)


def fitting() -> dict[str, Any]:
    parameters, inputs, targets = drawn(SPEC, features=5)
    return {"weights": parameters.weights, "biases": parameters.biases, "inputs": inputs, "targets": targets}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g["weights"].pop(), "weights must hold depth + 1 = 4 arrays, read-out last; got 3"),
        (lambda g: g["biases"].pop(), "biases must hold depth + 1 = 4 arrays, read-out last; got 3"),
        (
            lambda g: g["weights"].__setitem__(1, np.ones((2, 4, 5))),
            "weights[1] must have shape (2, 4, 4); got (2, 4, 5)",
        ),
        (
            lambda g: g["weights"].__setitem__(3, np.ones(4)),
            "weights[-1] must have shape (seeds, width, classes); got (4,)",
        ),
        (lambda g: g["biases"].__setitem__(2, np.ones(4)), "biases[2] must have shape (2, 4); got (4,)"),
        (
            lambda g: g["weights"].__setitem__(0, g["weights"][0].astype(np.float32)),
            "weights and biases must all be float32 or all be float64; got float32, float64",
        ),
        (
            lambda g: g["weights"].__setitem__(0, np.ones((2, 5, 4), int)),
            "weights and biases must all be float32 or all be float64; got float64, int64",
        ),
        (lambda g: g["weights"][2].__setitem__((0, 0, 0), math.nan), "weights[2] must be finite numbers; got NaN"),
        (lambda g: g["weights"][3].__setitem__((0, 0, 0), math.inf), "weights[3] must be finite numbers; got NaN"),
        (lambda g: g["biases"][0].__setitem__((0, 0), math.nan), "biases[0] must be finite numbers; got NaN"),
        (
            lambda g: g.update(inputs=g["inputs"][:5]),
            "inputs must have shape (batch, features) with batch = 6; got (5, 5)",
        ),
        (
            lambda g: g.update(inputs=g["inputs"][0]),
            "inputs must have shape (batch, features) with batch = 6; got (5,)",
        ),
        (lambda g: g.update(inputs=g["inputs"][:, :3]), "weights[0] must have shape (2, 3, 4); got (2, 5, 4)"),
        (lambda g: g["inputs"].__setitem__((0, 0), math.nan), "inputs must be finite numbers; got NaN or infinity"),
        (lambda g: g.update(inputs=g["inputs"].astype(str)), "inputs must be finite numbers; got <U"),
        (lambda g: g.update(targets=g["targets"][:5]), "targets must have shape (6,); got (5,)"),
        (lambda g: g.update(targets=np.full(6, 10)), "targets must be whole numbers from 0 to 9; got 10 … 10"),
        (lambda g: g.update(targets=np.arange(6) - 1), "targets must be whole numbers from 0 to 9; got -1 … 4"),
        (lambda g: g.update(targets=np.ones(6)), "targets must be whole numbers from 0 to 9; got float64"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change: Any, words: str) -> None:
    given_arrays = fitting()
    change(given_arrays)
    parameters = Parameters(given_arrays.pop("weights"), given_arrays.pop("biases"))
    with pytest.raises(ValueError) as caught:
        backpropagate(SPEC, parameters, **given_arrays)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gradient_profile(SPEC, "mnist"), "data must be one of digits, clusters, gaussian; got 'mnist'"),
        (lambda: gradient_profile(NetworkSpec(batch=1798)), "size must be a whole number from 1 to 1797; got 1798"),
        (lambda: gradient_profile(SPEC, seed=-1), "seed must be a whole number ≥ 0; got -1"),
        (
            lambda: gradient_profile(SPEC, (np.ones((6, 2)), np.full(6, 12))),
            "targets must be whole numbers from 0 to 9",
        ),
        (lambda: gradient_profile(SPEC, (np.ones((7, 2)), np.zeros(7, int))), "with batch = 6; got (7, 2)"),
        (lambda: initial_parameters(SPEC, 0, 10), "inputs must be a whole number ≥ 1; got 0"),
        (lambda: initial_parameters(SPEC, 4, 0), "classes must be a whole number ≥ 1; got 0"),
        (lambda: initial_parameters(SPEC, 4, 10, seed=1.5), "seed must be a whole number ≥ 0; got 1.5"),
        (lambda: initial_parameters(SPEC, 4, 10, dtype=np.float16), "dtype must be float32 or float64; got"),
    ],
)
def test_other_bad_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


def test_data_may_be_given_as_arrays() -> None:
    inputs, targets = classification_batch("clusters", 32, seed=4)
    spec = NetworkSpec(5, 8, batch=32, seeds=2)
    given_arrays = gradient_profile(spec, (inputs, targets), seed=4)
    by_name = gradient_profile(spec, "clusters", seed=4)
    np.testing.assert_array_equal(given_arrays.signal, by_name.signal)
