"""Lesson 05: every number that its prose and its quiz state, the physics of its panels, and their computation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from helpers import figures, panels, quiz, theory
from helpers.activations import ACTIVATIONS, get_activation
from helpers.arrays import mean_cosine
from helpers.datasets import classification_batch, digits_split
from helpers.exercises import check_exercise
from helpers.exercises import lesson_05 as exercise
from helpers.jacobians import input_output_jacobian, singular_values
from helpers.models import MLP
from helpers.network import NetworkSpec, gradient_profile, initial_parameters
from helpers.panels import curves, lesson_05
from helpers.training import train
from tests.lessons import prose_of
from tests.tiers import first_slow

prose = partial(prose_of, "05")
TANH = {"activation": "tanh", "bias_std": 0.3, "depth": 50}
PLACES = {"ordered": 1.0, "critical": 1.4, "chaotic": 2.5}


@pytest.fixture(scope="module")
def plane() -> panels.Panel:
    return panels.initialization()


@pytest.fixture(scope="module")
def schemes() -> panels.Panel:
    return panels.initialization_schemes()


@pytest.fixture(scope="module")
def jacobians() -> panels.Panel:
    return panels.jacobian_singular_values()


def shown(panel: panels.Panel, trace: str, **values: object) -> np.ndarray:
    """A line of the panel, without its empty places."""
    panel.set(**values)
    line = np.asarray(panel.data[trace])
    assert not panel.live.error
    return line[np.isfinite(line)]


def factor(line: np.ndarray) -> float:
    """The factor a layer on the way from the last place of a log10 line to its first."""
    return float(10 ** ((line[0] - line[-1]) / (len(line) - 1)))


# Compute: Jacobians, the plane of factors, cosines -------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("skip", [0.0, 0.5])
def test_the_jacobian_is_autograds(activation: str, skip: float) -> None:
    spec = NetworkSpec(depth=4, width=6, activation=activation, bias_std=0.2, skip=skip, seeds=1, batch=2)
    parameters = initial_parameters(spec, inputs=5, classes=3)
    inputs = np.random.default_rng(0).standard_normal((2, 5))
    found = input_output_jacobian(spec, parameters, inputs)
    assert found.shape == (1, 2, 6, 5)
    model = MLP(spec, inputs=5, classes=3, dtype=torch.float64)
    for sample in range(2):
        expected = torch.autograd.functional.jacobian(
            lambda x: model.hidden(x[None])[-1][0], torch.tensor(inputs[sample])
        )
        assert found[0, sample] == pytest.approx(expected.numpy(), abs=1e-12)


def test_the_jacobian_says_what_it_cannot_do() -> None:
    spec = NetworkSpec(depth=2, width=4, seeds=1, batch=3)
    parameters = initial_parameters(spec, inputs=5, classes=3)
    with pytest.raises(ValueError, match=r"inputs must have shape \(samples, 5\); got \(3, 4\)"):
        input_output_jacobian(spec, parameters, np.zeros((3, 4)))
    normed = NetworkSpec(depth=2, width=4, norm="batch", seeds=1, batch=3)
    with pytest.raises(ValueError, match="spec.norm must be 'none'.*got 'batch'"):
        input_output_jacobian(normed, parameters, np.zeros((3, 5)))


def test_the_mean_square_singular_value_is_the_product_of_factors() -> None:
    """E‖J v‖² / ‖v‖² of a linear network of variance σ_w²/N is σ_w² to the power of its depth."""
    spec = NetworkSpec(depth=5, width=64, activation="linear", init="lecun_normal", gain=1.1, seeds=20, batch=1)
    values = singular_values(
        input_output_jacobian(spec, initial_parameters(spec, inputs=64, classes=2), np.ones((1, 64)))
    )
    assert np.mean(values**2) == pytest.approx(1.1**10, rel=0.1)


@pytest.mark.parametrize("activation", [*lesson_05.PLANE_ACTIVATIONS.values(), "elu", "hard_tanh", "leaky_relu"])
def test_the_plane_holds_the_factors_that_are_solved_for(activation: str) -> None:
    weights, biases = [0.15, 0.9, 1.0, 1.4, 2.2, 3.0], [0.0, 0.05, 0.3, 1.0]
    found = theory.factor_plane(activation, weights, biases)
    for row, bias in zip(found, biases, strict=True):
        expected = [theory.per_layer_factor(activation, weight**2, bias**2) for weight in weights]
        assert row == pytest.approx(expected, rel=0.007)


def test_the_plane_refuses_what_has_several_fixed_points() -> None:
    with pytest.raises(ValueError, match="activation must have one fixed point for each σ_w; gelu has several"):
        theory.factor_plane("gelu", [1.0], [0.0])
    with pytest.raises(ValueError, match="weight_stds must be a finite number > 0; got 0"):
        theory.factor_plane("tanh", [0.0], [0.0])
    with pytest.raises(ValueError, match="bias_stds must be a finite number ≥ 0; got -1"):
        theory.factor_plane("tanh", [1.0], [-1.0])


def arc_cosine(correlation: float) -> float:
    """The cosine of two ReLU layers' outputs (Cho & Saul 2009, eq. 3 and 6, degree 1)."""
    angle = math.acos(correlation)
    return (math.sin(angle) + (math.pi - angle) * correlation) / math.pi


def test_cosines_of_relu_follow_the_arc_cosine_kernel() -> None:
    found, cosine = theory.cosines("relu", 2.0, 0.0, 20, 1.0, 0.1), 0.1
    for layer in range(20):
        cosine = arc_cosine(cosine)
        assert found[layer] == pytest.approx(cosine, abs=4e-3)


def test_cosines_of_linear_layers_stay_and_of_equal_inputs_are_1() -> None:
    assert theory.cosines("linear", 1.3, 0.0, 10, 1.0, 0.3) == pytest.approx([0.3] * 10, abs=1e-6)
    assert theory.cosines("tanh", 2.0, 0.1, 10, 1.0, 1.0) == pytest.approx([1.0] * 10, abs=1e-6)
    with pytest.raises(ValueError, match="cosine must be a finite number from -1 to 1; got 1.5"):
        theory.cosines("tanh", 1.0, 0.0, 3, 1.0, 1.5)


def test_a_small_angle_changes_by_chi_a_layer() -> None:
    """Near 1, 1 - cosine is multiplied by χ·(growth of the variance): at the fixed point by χ (Poole 2016)."""
    for weight_std in (1.0, 2.0):
        chi = theory.per_layer_factor("tanh", weight_std**2, 0.09) ** 2
        moment = theory.mean_square_activation("tanh", theory.variance_fixed_point("tanh", weight_std**2, 0.09))
        apart = 1 - theory.cosines("tanh", weight_std**2, 0.09, 6, moment, 1 - 1e-6)
        assert apart[1:] / apart[:-1] == pytest.approx([chi] * 5, rel=2e-3)


# Predict, slide, measure ---------------------------------------------------------------------------------------------


def test_the_level_gain_is_among_the_options_and_is_1_15() -> None:
    variance = {
        option: 10 ** theory.signal_profile("tanh", float(option) ** 2, 0, 50, 1.0)[0]
        for option in quiz.load_predictions()["05"].options
    }
    assert min(variance, key=lambda option: abs(math.log(variance[option]))) == "1.15"
    assert math.log10(variance["1.15"]) == pytest.approx(0.001, abs=5e-4)
    assert variance["1"] == pytest.approx(1 / 6, rel=0.1)
    assert variance["1.667"] == pytest.approx(100, rel=0.1)
    assert variance["1.414"] == pytest.approx(10, rel=0.1)


def test_variance_by_layer_as_the_notebook_measures_it() -> None:
    final = []
    for seed in range(4):
        generator, h = np.random.default_rng(seed), digits_split().train_inputs[:128]
        for _ in range(50):
            z = h @ generator.normal(0, 1 / 8, (64, 64))
            h = np.tanh(z)
        final.append(z.var())
    assert np.mean(final) == pytest.approx(0.01, abs=0.004)


def test_no_gain_is_level_at_every_depth() -> None:
    """Without biases: what is level over 50 layers rises over 100, and gain 1 sags ever more."""
    assert theory.signal_profile("tanh", 1.15**2, 0, 100, 1.0)[0] > 0.15
    sagging = [theory.signal_profile("tanh", 1.0, 0, depth, 1.0)[0] for depth in (10, 50, 100)]
    assert sagging == sorted(sagging, reverse=True)
    assert 10 ** sagging[-1] == pytest.approx(0.1, rel=0.3)


def test_schemes_level_or_not_over_the_whole_depth_slider(schemes: panels.Panel) -> None:
    start = {"activation": "relu", "gain": 1.0, "width": 128}
    for scheme, expected in (("he_normal", 1.0), ("he_uniform", 1.0), ("xavier_normal", 0.5**0.5)):
        for depth in range(2, 101, 14):
            line = shown(schemes, "measured", **start, scheme=scheme, depth=depth)
            assert len(line) == depth
            assert abs(math.log10(factor(line) / expected)) < 0.1 if depth < 20 else 0.02, (scheme, depth)
            up = shown(schemes, "pre-activations")
            assert factor(up[::-1]) == pytest.approx(expected, rel=0.15 if depth < 20 else 0.05)


def test_what_the_text_says_of_the_schemes(schemes: panels.Panel) -> None:
    start = {"activation": "relu", "gain": 1.0, "width": 128, "depth": 50}
    line = shown(schemes, "measured", **start, scheme="xavier_normal")
    assert factor(line) == pytest.approx(0.7, abs=0.015)
    assert 10 ** (line[0] - line[-1]) == pytest.approx(2.5e-8, rel=0.05)
    assert pytest.approx(4e-8, rel=0.1) == 2 ** (-49 / 2)
    default = shown(schemes, "measured", **start, scheme="pytorch_default")
    assert factor(default) == pytest.approx(math.sqrt(1 / 6), rel=0.03)
    signal = shown(schemes, "pre-activations")
    assert signal[-1] > -2, "the biases keep the signal"
    tanh = {**start, "activation": "tanh", "scheme": "xavier_normal"}
    assert shown(schemes, "measured", **tanh)[0] < shown(schemes, "measured")[-1] - 0.5
    steep = shown(schemes, "measured", **{**tanh, "gain": 5 / 3})
    assert 10 ** (steep[0] - steep[-1]) == pytest.approx(100, rel=0.3)
    assert 10 ** shown(schemes, "pre-activations")[1:] == pytest.approx(np.full(49, 1.1), abs=0.1)


def test_the_gain_moves_both_lines_up_and_theory_follows(schemes: panels.Panel) -> None:
    schemes.set(activation="tanh", scheme="lecun_normal", depth=30, width=128)
    slopes = []
    for gain in (0.5, 0.8, 1.0, 1.3, 2.0, 4.0):
        measured, expected = shown(schemes, "measured", gain=gain), shown(schemes, "theory")
        slopes.append(factor(measured))
        assert factor(measured) == pytest.approx(factor(expected), rel=0.03)
        up, law = shown(schemes, "pre-activations"), shown(schemes, "theory, forward")
        assert up == pytest.approx(law, abs=0.25)
    assert slopes == sorted(slopes)


def test_only_the_standard_normal_asks_for_the_width(schemes: panels.Panel) -> None:
    start = {"activation": "relu", "gain": 1.0, "depth": 20}
    for scheme, moves in (("standard_normal", True), ("he_normal", False), ("orthogonal", False)):
        narrow, wide = (factor(shown(schemes, "measured", **start, scheme=scheme, width=width)) for width in (16, 128))
        assert (wide > 2 * narrow) == moves
        assert moves or wide == pytest.approx(narrow, rel=0.15)


# The plane -----------------------------------------------------------------------------------------------------------


def test_ordered_critical_and_chaotic(plane: panels.Panel) -> None:
    expected = {"ordered": 0.837, "critical": 1.0, "chaotic": 1.26}
    for place, weight_std in PLACES.items():
        assert plane.presets[place]["weight_std"] == weight_std
        line = shown(plane, "gradient", **TANH, weight_std=weight_std)
        assert factor(line) == pytest.approx(expected[place], rel=0.015)
        assert factor(shown(plane, "theory")) == pytest.approx(factor(line), rel=0.015)


def test_nearby_inputs_merge_stay_or_fly_apart(plane: panels.Panel) -> None:
    assert mean_cosine(lesson_05._near_digits()[0]) == pytest.approx(0.99, abs=0.003)
    assert mean_cosine(lesson_05._digits()[0]) == pytest.approx(0.03, abs=0.005)
    ends = {}
    for place, weight_std in PLACES.items():
        plane.set(**TANH, weight_std=weight_std)
        near, far = (np.asarray(plane.data[name])[:50] for name in ("nearby inputs", "two digits"))
        ends[place] = float(near[-1]), float(far[-1])
        assert near == pytest.approx(np.asarray(plane.data["theory: nearby"])[:50], abs=0.1)
        assert far == pytest.approx(np.asarray(plane.data["theory: digits"])[:50], abs=0.1)
    assert min(ends["ordered"]) > 0.999
    assert ends["critical"][0] > 0.95
    assert ends["chaotic"] == pytest.approx((0.1, 0.1), abs=0.04)


def test_along_the_critical_line_the_gradient_is_level(plane: panels.Panel) -> None:
    xs, ys = lesson_05._plane_traces("tanh")["critical line"]
    for weight_std, bias_std in list(zip(xs, ys, strict=True))[2::4]:
        line = shown(plane, "gradient", **{**TANH, "weight_std": round(weight_std, 2), "bias_std": bias_std})
        assert factor(line) == pytest.approx(1, abs=0.02), (weight_std, bias_std)
    for bias_std, weight_std in ((0.1, 1.4242**0.5), (1.0, 3.4432**0.5)):
        assert np.interp(bias_std, ys, xs) == pytest.approx(weight_std, abs=0.005)


def test_weights_move_the_gradient_from_vanishing_to_exploding(plane: panels.Panel) -> None:
    for activation in lesson_05.PLANE_ACTIVATIONS.values():
        plane.set(activation=activation, depth=30, bias_std=0.3)
        slopes = [factor(shown(plane, "gradient", weight_std=weight)) for weight in np.arange(0.1, 3.01, 0.29).round(2)]
        assert slopes == sorted(slopes), activation
        assert slopes[0] < 0.5
        assert (slopes[-1] > 1) == (activation != "sigmoid")


def test_biases_are_felt_by_tanh_and_not_by_the_gradient_of_relu(plane: panels.Panel) -> None:
    plane.set(depth=40, weight_std=1.4)
    tanh = [factor(shown(plane, "gradient", activation="tanh", bias_std=bias)) for bias in (0.0, 0.3, 0.6, 1.0)]
    assert tanh == sorted(tanh, reverse=True) and tanh[0] > 1.02 and tanh[-1] < 0.9
    relu = [factor(shown(plane, "gradient", activation="relu", bias_std=bias)) for bias in (0.0, 0.5, 1.0)]
    assert relu == pytest.approx([1.4 / math.sqrt(2)] * 3, rel=0.02)


def test_depth_lengthens_the_line_and_keeps_its_slope(plane: panels.Panel) -> None:
    for depth in (20, 50, 100):
        line = shown(plane, "gradient", **{**TANH, "weight_std": 1.2, "depth": depth})
        assert len(line) == depth
        assert factor(line) == pytest.approx(theory.per_layer_factor("tanh", 1.44, 0.09), rel=0.02)


def test_the_depth_scale_grows_towards_the_line_and_is_cut_off_on_it(plane: panels.Panel) -> None:
    plane.set(**TANH, weight_std=1.0)
    curve = np.asarray(plane.data["depth scale ξ"])
    peak = int(np.argmax(curve))
    assert curve.max() == pytest.approx(math.log10(lesson_05.LONGEST))
    assert lesson_05.WEIGHT_STDS[peak] == pytest.approx(1.3956, abs=0.011)
    assert (np.diff(curve[:peak]) > 0).all() and (np.diff(curve[peak + 2 :]) < 0).all()
    assert plane.data["ξ here"][1, 0] == pytest.approx(math.log10(2.807), abs=1e-3)
    on_curve = np.interp(1.0, lesson_05.WEIGHT_STDS, curve)
    assert on_curve == pytest.approx(plane.data["ξ here"][1, 0], abs=0.01)
    reach = plane.data["6ξ"]
    assert reach[0] == pytest.approx(50 - 6 * 2.807, abs=0.01)
    plane.set(weight_std=1.4)
    assert np.isnan(plane.data["6ξ"]).all(), "beyond the first layer there is no place for the mark"
    plane.set(activation="tanh", bias_std=0.0, weight_std=1.0)
    assert "beyond 1000 layers" in plane.summary and plane.data["ξ here"][1, 0] == pytest.approx(3)


def test_the_line_of_each_activation(plane: panels.Panel) -> None:
    lines = {name: lesson_05._plane_traces(name)["critical line"][0] for name in lesson_05.PLANE_ACTIVATIONS.values()}
    assert lines["relu"] == pytest.approx([math.sqrt(2)] * 21, abs=1e-3)
    assert lines["linear"] == pytest.approx([1.0] * 21, abs=1e-3)
    assert np.isnan(lines["sigmoid"]).all()
    assert theory.critical_gain("sigmoid") == pytest.approx(10.15, abs=0.005)
    for activation in ("relu", "tanh"):
        words = lesson_05._plane_traces(activation)["regions"][0]
        assert words[0] < lines[activation][16] < words[1]
    assert np.isnan(lesson_05._plane_traces("sigmoid")["regions"][0, 1]), "nothing explodes in sight"


def test_heat_map_and_click_fit_the_sliders(plane: panels.Panel) -> None:
    picture = next(trace for trace in plane.live.figure.data if trace.name == "factor per layer")
    assert np.shape(plane.data["factor per layer"]) == (len(picture.y), len(picture.x))
    sliders = [plane.controls[name] for name in ("weight_std", "bias_std")]
    assert (picture.x[0], picture.x[-1]) == (sliders[0].min, sliders[0].max)
    assert (picture.y[0], picture.y[-1]) == (sliders[1].min, sliders[1].max)
    names = list(plane.controls)
    clicks = plane.live.spec["clicks"]
    assert [names[number] for number in clicks[0]["controls"]] == ["weight_std", "bias_std"]
    assert plane.live.figure.data[clicks[0]["index"]] is picture
    for trace in plane.live.figure.data:
        if trace.xaxis == picture.xaxis and trace is not picture:
            assert trace.hoverinfo == "skip", f"{trace.name} would catch the click"


def test_no_depth_scale_where_the_variance_does_not_settle(plane: panels.Panel) -> None:
    for preset in ("ReLU, Xavier", "ReLU, He"):
        plane.set(**plane.presets[preset])
        assert "no ξ" in plane.summary and "ξ =" not in plane.summary
        assert np.isnan(plane.data["6ξ"]).all() and np.isnan(plane.data["ξ here"][1, 0])
        assert np.isnan(plane.data["depth scale ξ"]).all()
    plane.set(activation="tanh", bias_std=0.0, weight_std=0.8)
    assert "no ξ" in plane.summary
    for name in lesson_05.PLANE_ACTIVATIONS.values():
        for bias_std in (0.0, 0.3):
            settles = lesson_05._settles(name, bias_std)
            for place in range(0, len(settles), 29):
                q = theory.variance_fixed_point(name, float(lesson_05.WEIGHT_STDS[place]) ** 2, bias_std**2)
                assert settles[place] == (0 < q < math.inf) or abs(lesson_05._factors(name)[0, place]) < 1e-3


def test_level_along_the_line_of_tanh_apart_from_its_lower_end(plane: panels.Panel) -> None:
    left = {}
    for weight_std, bias_std, depth in ((1.0, 0.0, 50), (1.4, 0.3, 100), (1.62, 0.6, 100)):
        line = shown(plane, "gradient", activation="tanh", weight_std=weight_std, bias_std=bias_std, depth=depth)
        left[weight_std] = 10 ** (line[0] - line[-1])
    assert 0.15 < left[1.0] < 0.2 and left[1.4] > 0.7 and left[1.62] > 0.7
    assert 10 ** theory.signal_profile("tanh", 1.0, 0, 50, 1.0)[0] < 0.2


def test_without_biases_tanh_has_no_gain_for_every_depth() -> None:
    for depth, expected in ((20, 0.8), (50, 1.3), (100, 2.4)):
        signal = gradient_profile(NetworkSpec(depth=depth, activation="tanh", gain=1.15)).log10_signal.mean(axis=0)
        assert 10 ** (signal[0] - signal[-1]) == pytest.approx(expected, rel=0.05)
    size = float((digits_split().train_inputs ** 2).mean())
    for depth, expected in ((20, 0.7), (50, 1.0), (100, 1.7)):
        wide = theory.signal_profile("tanh", 1.15**2, 0, depth, size)[0]
        assert 10**wide == pytest.approx(expected, abs=0.05)


def test_two_digits_stay_apart_in_an_ordered_tanh_network_without_biases() -> None:
    found = theory.cosines("tanh", 0.64, 0.0, 100, 1.0, 0.03)
    assert found[-1] == pytest.approx(0.03, abs=0.01)


@pytest.mark.slow
def test_accuracies_of_twenty_layers_at_the_three_places() -> None:
    for place, expected in (("ordered", 0.84), ("critical", 0.95), ("chaotic", 0.68)):
        model = MLP(NetworkSpec(20, 64, "tanh", gain=PLACES[place], bias_std=0.3), 64, 10)
        history = train(model, digits_split(), steps=300, learning_rate=0.03, progress=False)
        assert history.accuracy[-1] == pytest.approx(expected, abs=0.04), place


@pytest.mark.parametrize("seed", first_slow([0, 1]))
@pytest.mark.parametrize(("learning_rate", "least", "most"), [(0.03, 0.0, 0.2), (0.003, 0.4, 0.6)])
def test_eighty_layers_at_critical_learn_with_a_small_learning_rate_alone(
    learning_rate: float, least: float, most: float, seed: int
) -> None:
    model = MLP(NetworkSpec(80, 64, "tanh", gain=1.4, bias_std=0.3), 64, 10, seed=seed)
    history = train(model, digits_split(), steps=300, learning_rate=learning_rate, records=1, progress=False)
    assert least <= history.accuracy[-1] < most


def test_relu_right_of_its_line_explodes_and_its_inputs_grow_alike(plane: panels.Panel) -> None:
    line = shown(plane, "gradient", activation="relu", weight_std=2.0, bias_std=0.0, depth=50)
    assert factor(line) == pytest.approx(math.sqrt(2), rel=0.02)
    for name in ("nearby inputs", "two digits"):
        cosine = shown(plane, name)
        assert cosine[-1] > 0.98 and cosine[-1] > cosine[0]


# Explain -------------------------------------------------------------------------------------------------------------


def test_differences_go_up_as_gradients_come_down() -> None:
    pair = torch.tensor(digits_split().train_inputs[:1]).repeat(2, 1)
    pair[1] += 1e-6 * torch.randn(64, generator=torch.Generator().manual_seed(0))
    for weight_std, expected in zip(PLACES.values(), (0.84, 1.0, 1.26), strict=True):
        spec = NetworkSpec(30, 256, "tanh", gain=weight_std, bias_std=0.3)
        states = MLP(spec, inputs=64, classes=10, dtype=torch.float64).hidden(pair)
        apart = [(h[0] - h[1]).norm().item() for h in states]
        assert (apart[-1] / apart[0]) ** (1 / 29) == pytest.approx(expected, rel=0.02)


def test_lsuv_and_selu_in_closed_form() -> None:
    ratio = {
        name: theory.mean_square_slope(name) / theory.mean_square_activation(name)
        for name in ("relu", "tanh", "selu", "sigmoid")
    }
    assert ratio["relu"] == pytest.approx(1)
    assert math.sqrt(ratio["sigmoid"]) == pytest.approx(0.39, abs=0.005)
    assert math.sqrt(ratio["selu"]) == pytest.approx(1.035, abs=5e-4)
    assert theory.mean_square_activation("selu") == pytest.approx(1, abs=1e-6)


def test_twenty_linear_layers_gaussian_and_orthogonal(jacobians: panels.Panel) -> None:
    start = {"depth": 20, "activation": "linear", "weight_std": 1.0}
    gaussian, orthogonal = (shown(jacobians, name, **start) for name in ("Gaussian", "orthogonal"))
    middle = len(gaussian) // 2 + 8  # the bar around 1
    at_one = int(np.argmin(np.abs((lesson_05.EDGES[:-1] + lesson_05.EDGES[1:]) / 2)))
    assert orthogonal[at_one] == 1 and at_one == middle
    assert gaussian[: at_one - 4].sum() > 0.5, "most directions are left with a tenth and less"
    assert 0 < gaussian[at_one + 1 :].sum() < 0.15, "a few are stretched"


def test_one_layer_stretches_to_twice_and_crushes(jacobians: panels.Panel) -> None:
    values = lesson_05._singular_values("lecun_normal", 1, "linear", 1.0)
    assert values.max() == pytest.approx(2, abs=0.15)
    assert values.min() < 0.05
    assert np.mean(values**2) == pytest.approx(1, abs=0.05)


def test_orthogonal_survives_tanh_and_not_relu() -> None:
    kept = {}
    for activation, weight_std in (("linear", 1.0), ("tanh", 1.05), ("relu", math.sqrt(2))):
        values = lesson_05._singular_values("orthogonal", 20, activation, weight_std)
        kept[activation] = float(np.mean(values > 0.01))
    assert kept["linear"] == 1 and kept["tanh"] > 0.75 and kept["relu"] < 0.75


def test_shares_are_shares_over_the_whole_range(jacobians: panels.Panel) -> None:
    for depth in (1, 20, 60):
        for activation in ("linear", "tanh", "relu"):
            for weight_std in (0.7, 2.0):
                jacobians.set(depth=depth, activation=activation, weight_std=weight_std)
                for name in ("Gaussian", "orthogonal"):
                    assert np.sum(jacobians.data[name]) == pytest.approx(1)


# Train, and the texts ------------------------------------------------------------------------------------------------


def first_and_second(init: str) -> list[torch.Tensor]:
    model = MLP(NetworkSpec(30, 128, "relu", init), inputs=20, classes=10)
    return [layer.weight.detach() for layer in model.layers[:2]]


def test_xavier_loses_against_he_over_29_steps() -> None:
    assert pytest.approx(23_000, rel=0.01) == 2 ** (29 / 2)
    size = {init: [w.std() for w in first_and_second(init)] for init in ("xavier_normal", "he_normal")}
    ratios = [he / xavier for he, xavier in zip(size["he_normal"], size["xavier_normal"], strict=True)]
    assert ratios == pytest.approx([2.7, math.sqrt(2)], rel=0.05)
    first = {}
    for init in ("xavier_normal", "he_normal"):
        spec = NetworkSpec(30, 128, "relu", init, batch=100, seeds=4)
        signal = gradient_profile(spec, classification_batch("clusters", 100)).log10_signal
        first[init] = float((signal[:, 0] - signal[:, -1]).mean())
    assert first["he_normal"] - first["xavier_normal"] == pytest.approx(14.5 * math.log10(2), abs=0.2)


def test_reach_of_the_three_places() -> None:
    reach = {place: 6 * theory.correlation_depth_scale("tanh", weight**2, 0.09) for place, weight in PLACES.items()}
    assert reach["ordered"] == pytest.approx(17, abs=0.5)
    assert reach["chaotic"] == pytest.approx(31, abs=0.5)
    assert reach["critical"] > 1000
    assert max(reach["ordered"], reach["chaotic"]) < 40


def test_the_mark_of_six_scales_stands_at_that_of_the_inputs(plane: panels.Panel) -> None:
    plane.set(**plane.presets["chaotic"])
    assert plane.data["6ξ"][0] == pytest.approx(50 - 30.65, abs=0.05)
    for weight_std in (1.0, 1.6, 2.13, 3.0):
        plane.set(weight_std=weight_std)
        on_curve = np.interp(weight_std, lesson_05.WEIGHT_STDS, np.asarray(plane.data["depth scale ξ"]))
        assert on_curve == pytest.approx(plane.data["ξ here"][1, 0], abs=0.02)


def test_reaches_that_the_text_states() -> None:
    text = prose()
    assert "17 layers at $\\sigma_w = 1$" in text and "31 at 2.5" in text
    assert "At 1.4 (*critical*) it gives more than 2000" in text
    assert 6 * theory.correlation_depth_scale("tanh", 1.4**2, 0.09) > 2000


def test_homogeneous_activations_alone_are_level_after_lsuv() -> None:
    ratio = {name: theory.mean_square_slope(name) / theory.mean_square_activation(name) for name in ACTIVATIONS}
    for leak in (0.0, 0.2, 0.7, 1.0):
        resolved = get_activation("leaky_relu", leak)
        ratio[f"leak {leak}"] = theory.mean_square_slope(resolved) / theory.mean_square_activation(resolved)
    level = {name for name, value in ratio.items() if abs(value - 1) < 0.01}
    assert level == {"linear", "relu", "leaky_relu", "leak 0.0", "leak 0.2", "leak 0.7", "leak 1.0"}


def test_pytorchs_default_loses_its_signal_first_and_then_keeps_it(schemes: panels.Panel) -> None:
    schemes.set(**schemes.presets["ReLU, PyTorch's default"])
    z = np.asarray(schemes.data["pre-activations"])
    assert 10 ** (z[49] - z[0]) == pytest.approx(0.097, abs=0.01) and abs(z[49] - z[9]) < 0.1


@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_the_defaults_scale_without_its_biases_loses_the_signal(schemes: panels.Panel, activation: str) -> None:
    start = {"activation": activation, "depth": 50, "width": 128}
    ends = {}
    for scheme, gain in (("pytorch_default", 1.0), ("lecun_normal", 0.6)):
        z = shown(schemes, "pre-activations", **start, scheme=scheme, gain=gain)
        ends[scheme] = z[-1] - z[9]
    assert abs(ends["pytorch_default"]) < 0.1 and ends["lecun_normal"] < -6


def test_presets_the_text_names_are_there(plane: panels.Panel, schemes: panels.Panel) -> None:
    for name in ("ordered", "critical", "chaotic"):
        assert name in plane.presets and f"*{name}*" in prose()
    for name in ("ReLU, Xavier", "ReLU, He", "tanh, Xavier"):
        assert name in schemes.presets and f"*{name}*" in prose()


def test_figures_have_the_traces_they_promise() -> None:
    names = {trace.name for trace in figures.phase_plane(curves.LAYERS, [0.1, 1, 2], [0, 1], longest=100).data}
    assert {"gradient", "theory", "6ξ", "factor per layer", "critical line", "here", "depth scale ξ"} <= names
    above = [trace for trace in figures.both_ways(curves.LAYERS, title="t").data if trace.yaxis == "y2"]
    assert [trace.name for trace in above] == ["spread of pre-activations", "pre-activations", "theory, forward"]
    bars = figures.singular_values([-1, 0, 1]).data
    assert [bar.name for bar in bars] == ["Gaussian", "orthogonal"] and list(bars[0].x) == [-0.5, 0.5]


# Quiz and exercises --------------------------------------------------------------------------------------------------


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Measure it", "Move ", "move ", "Run the", "Press", "Choose", "panel")
    bank = quiz.load_bank("05")
    assert len(bank) >= 12
    assert 2 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def drawn(std: Callable[[int, int, float], float]) -> Callable[[int, int, float], np.ndarray]:
    """Uniform weights of this standard deviation, as an answer to `he_init`."""
    generator = np.random.default_rng(0)

    def he_init(fan_in: int, fan_out: int, leak: float) -> np.ndarray:
        edge = math.sqrt(3) * std(fan_in, fan_out, leak)
        return generator.uniform(-edge, edge, (fan_in, fan_out))

    return he_init


@pytest.mark.parametrize(
    ("std", "words"),
    [
        (lambda n, m, a: 2 / (1 + a * a) / n, "That is the variance"),
        (lambda n, m, a: (2 / n) ** 0.5, "for a ReLU"),
        (lambda n, m, a: (1 / n) ** 0.5, "linear layer"),
        (lambda n, m, a: (2 / (1 + a) / n) ** 0.5, "leak enters as its square"),
        (lambda n, m, a: (1 / (1 + a * a) / n) ** 0.5, "half of the units"),
        (lambda n, m, a: (2 / (1 + a * a) / m) ** 0.5, "divides by fan_out"),
        (lambda n, m, a: (4 / (1 + a * a) / (n + m)) ** 0.5, "mean of the fans"),
        (lambda n, m, a: (2 / 3 / (1 + a * a) / n) ** 0.5, "multiply a by √3"),
        (lambda n, m, a: (2 / 12 / (1 + a * a) / n) ** 0.5, "a²/12"),
        (lambda n, m, a: (1 / 3 / n) ** 0.5, "PyTorch's default"),
        (lambda n, m, a: 1.0, "scale them"),
        (lambda n, m, a: (1 / 3) ** 0.5, "not scaled"),
    ],
)
def test_mistakes_about_he_are_named(std: Callable[[int, int, float], float], words: str) -> None:
    verdict = check_exercise("he_init", drawn(std))
    assert verdict.status == "wrong" and words in verdict.message, verdict.message


def test_weights_that_are_not_random_not_centred_not_uniform_or_transposed_are_named() -> None:
    def right(fan_in: int, fan_out: int, leak: float) -> np.ndarray:
        return drawn(exercise.he_std)(fan_in, fan_out, leak)

    for wrong, words in (
        (lambda n, m, a: np.abs(right(n, m, a)), "mean 0"),
        (lambda n, m, a: np.full((n, m), 0.1), "the same number everywhere"),
        (lambda n, m, a: np.repeat(right(n, 1, a), m, axis=1), "several times"),
        (lambda n, m, a: right(m, n, a), "shape (200, 400); wanted"),
        (lambda n, m, a: np.random.default_rng(0).normal(0, exercise.he_std(n, m, a), (n, m)), "not drawn from a uni"),
    ):
        verdict = check_exercise("he_init", wrong)
        assert verdict.status == "wrong" and words in verdict.message, verdict.message
    assert check_exercise("he_init", right).correct


def test_hes_rule_for_a_leaky_relu_keeps_the_variance_of_z() -> None:
    generator, h, leak = np.random.default_rng(0), np.random.default_rng(1).standard_normal((200, 400)), 0.5
    variances = []
    for _ in range(6):
        z = h @ generator.uniform(-1, 1, (400, 400)) * math.sqrt(3) * exercise.he_std(400, 400, leak)
        h = np.where(z > 0, z, leak * z)
        variances.append(z.var())
    assert variances[-1] / variances[0] == pytest.approx(1, abs=0.35), "without the leak in it, 1.25 per layer: 3.05"


def test_mistakes_about_the_jacobian_are_named() -> None:
    def answer(weights: np.ndarray, x: np.ndarray, wrong: str = "") -> np.ndarray:
        h, matrix = x, np.eye(len(x))
        for number, w in enumerate(weights):
            z = h @ w
            h = z if wrong == "linear forward" else np.tanh(z)
            slope = 1 - (np.tanh(h) if wrong == "tanh twice" else np.tanh(z)) ** 2
            if wrong == "value":
                slope = np.tanh(z)
            if (wrong, number) in (("first", 0), ("last", len(weights) - 1)) or wrong == "linear":
                slope = np.ones(len(x))
            step = w.T if wrong == "transposed" else w
            matrix = (step @ matrix if wrong == "side" else matrix @ step) * slope
        return np.linalg.svd(matrix, compute_uv=False)

    assert check_exercise("jacobian_values", answer).correct
    slips: list[tuple[Callable[..., np.ndarray], str]] = [
        (partial(answer, wrong=wrong), words)
        for wrong, words in (
            ("linear", "weights alone"),
            ("transposed", "transposed"),
            ("side", "other side"),
            ("tanh twice", "without a tanh"),
            ("linear forward", "receives tanh(z)"),
            ("value", "multiplies by tanh(z)"),
            ("first", "slope of the first layer is missing"),
            ("last", "slope of the last layer is missing"),
        )
    ]
    slips += [
        (lambda w, x: answer(w, x)[::-1], "rising order"),
        (lambda w, x: answer(w, x) ** 2, "squared"),
        (lambda w, x: answer(w[-1:], x), "one layer alone"),
        (lambda w, x: answer(w[:-1], x), "last layer is missing"),
    ]
    for wrong, words in slips:
        assert words in check_exercise("jacobian_values", wrong).message, words
