"""Lesson 06: every number that its prose and its quiz state, and what its panels show."""

from __future__ import annotations

import math
import re
from functools import cache, partial
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from helpers import figures, panels, quiz, theory
from helpers.activations import ACTIVATIONS, get_activation
from helpers.datasets import classification_batch, digits_split, gaussian
from helpers.exercises import EXERCISES, check_exercise
from helpers.exercises.lesson_06 import batch_norm_backward
from helpers.models import MLP
from helpers.network import NetworkSpec, backpropagate, gradient_profile
from helpers.panels import lesson_06
from helpers.training import History, train
from tests.lessons import prose_of
from tests.test_panels import ends, places, slope_per_layer
from tests.tiers import first_slow

prose = partial(prose_of, "06")
RELU = {"norm": "batch", "activation": "relu", "depth": 50, "batch": 128, "gain": 1.414, "skip": 0.0, "norm_bias": 0.0}
LINE = ("measured", "theory", "without normalization")


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.batch_norm()


@pytest.fixture(scope="module")
def scale_panel() -> panels.Panel:
    return panels.scale_invariance()


def factor(panel: panels.Panel, trace: str = "measured", **values: Any) -> float:
    """The factor a layer of a line of the panel, ReLU with batch norm where nothing else is asked for."""
    panel.set(**{**RELU, **values})
    return float(10 ** slope_per_layer(np.asarray(panel.data[trace])))


def lost(panel: panels.Panel, trace: str = "measured", **values: Any) -> float:
    """log10 of what layer 1 hears of the last layer's signal."""
    panel.set(**{**RELU, **values})
    first, last, _ = ends(np.asarray(panel.data[trace]))
    return first - last


def difference(panel: panels.Panel, **values: Any) -> np.ndarray:
    panel.set(**{**RELU, **values})
    known = np.asarray(panel.data["difference of two digits"])
    return 10 ** known[np.isfinite(known)]


# The law -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "activation, expected",
    [("relu", math.sqrt(math.pi / (math.pi - 1))), ("tanh", 1.0853), ("sigmoid", 1.0167), ("linear", 1.0)],
)
def test_the_factor_under_batch_norm(activation: str, expected: float) -> None:
    assert theory.normalized_factor(activation) == pytest.approx(expected, abs=5e-5)


def test_no_activation_is_below_one_under_batch_norm() -> None:
    factors = {name: theory.normalized_factor(name) for name in ACTIVATIONS}
    assert min(factors.values()) == pytest.approx(factors["linear"]) == pytest.approx(1)
    assert all(value > 1.001 for name, value in factors.items() if name != "linear")


@pytest.mark.parametrize(
    "bias, factor, over_49", [(0, 1.2112, 11943), (0.5, 1.1178, 234), (1, 1.0584, 16.1), (2, 1.0088, 1.54)]
)
def test_the_bias_of_batch_norm_tames_the_explosion(bias: float, factor: float, over_49: float) -> None:
    """E[slope²] = Φ(β), and Var of max(0, ẑ + β) from the moments of a cut bell."""
    assert theory.normalized_factor("relu", norm_bias=bias) == pytest.approx(factor, abs=1e-4)
    assert theory.normalized_factor("relu", norm_bias=bias) ** 49 == pytest.approx(over_49, rel=0.01)
    share, density = NormalDist().cdf(bias), NormalDist().pdf(bias)
    mean = bias * share + density
    variance = (1 + bias**2) * share + bias * density - mean**2
    assert theory.normalized_factor("relu", norm_bias=bias) == pytest.approx(math.sqrt(share / variance), rel=1e-9)
    spec = NetworkSpec(50, 256, "relu", norm="batch", batch=256, seeds=1, norm_bias=bias)
    measured = gradient_profile(spec, gaussian(256, features=256)).per_layer_factor()
    assert measured == pytest.approx([factor], rel=0.01)


def test_layer_norm_divides_by_the_mean_square() -> None:
    assert theory.normalized_factor("relu", "layer") == pytest.approx(1, abs=1e-9)
    assert theory.normalized_factor("sigmoid", "layer") ** 2 == pytest.approx(0.1528, abs=5e-5)
    assert theory.normalized_factor("sigmoid", "layer") == pytest.approx(0.391, abs=5e-4)
    assert theory.normalized_factor("tanh", "layer") == pytest.approx(theory.normalized_factor("tanh"))


@pytest.mark.parametrize("skip", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("norm, activation", [("batch", "relu"), ("layer", "relu"), ("layer", "sigmoid")])
def test_the_profile_with_skips_against_the_engine(norm: str, activation: str, skip: float) -> None:
    spec = NetworkSpec(depth=30, width=256, activation=activation, norm=norm, skip=skip, batch=256, seeds=2)
    signal = gradient_profile(spec, gaussian(256, features=256)).log10_signal.mean(axis=0)
    predicted = theory.normalized_profile(activation, norm, 30, skip)
    assert predicted[-1] == 0
    assert signal - signal[-1] == pytest.approx(predicted, abs=0.25)


def test_skips_of_one_cost_a_power_of_the_depth() -> None:
    for depth in (100, 1000):
        doubled = theory.normalized_profile("relu", "batch", 2 * depth, 1.0)[0]
        grown = 10 ** (2 * (doubled - theory.normalized_profile("relu", "batch", depth, 1.0)[0]))
        assert math.log2(grown) == pytest.approx(math.pi / (math.pi - 1), rel=0.02)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("relu", "none", 3), "norm must be one of batch, layer; got 'none'"),
        (("relu", "batch", 0), "depth must be a whole number ≥ 1; got 0"),
        (("relu", "batch", 3, math.nan), "skip must be a finite number; got nan"),
        (("swish", "batch", 3), "swish"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        theory.normalized_profile(*arguments)


# The main panel ------------------------------------------------------------------------------------------------------


def test_what_is_predicted_lies_on_the_scale(panel: panels.Panel) -> None:
    prediction = quiz.load_predictions()["06"]
    assert prediction.low < lost(panel) < prediction.high


def test_presets_are_named_in_the_text(panel: panels.Panel) -> None:
    for name in (
        "no normalization",
        "batch normalization",
        "sigmoid, rescued",
        "layer normalization",
    ):
        assert name in panel.presets and f"*{name}*" in prose()
    assert "so small that ε shows" in panels.scale_invariance().presets and "*so small that ε shows*" in prose()


def test_batch_norm_explodes_by_the_same_factor_at_every_depth(panel: panels.Panel) -> None:
    panel.set(**RELU)
    for depth in places(panel, "depth")[20::8]:
        assert factor(panel, depth=depth) == pytest.approx(1.2112, rel=0.02), depth
        assert ends(panel.data["measured"])[2] == depth
    assert lost(panel) == pytest.approx(4, abs=0.3)


def test_the_gain_moves_the_plain_network_and_not_the_normalised_one(panel: panels.Panel) -> None:
    normed, plain = {}, {}
    for gain in places(panel, "gain"):
        normed[gain], plain[gain] = factor(panel, gain=gain), factor(panel, "without normalization", gain=gain)
        assert plain[gain] == pytest.approx(gain / math.sqrt(2), rel=0.03)
    assert max(normed.values()) - min(normed.values()) < 0.005
    assert lost(panel, "without normalization", gain=4.0) - lost(panel, "without normalization", gain=0.25) > 50


def test_the_gain_lifts_the_normalised_line_as_a_whole_and_does_not_tilt_it(panel: panels.Panel) -> None:
    """The output layer has no norm, so its gain stays in the gradient."""
    lines = []
    for gain in (0.25, 4.0):
        panel.set(**{**RELU, "gain": gain})
        lines.append(np.asarray(panel.data["measured"])[: RELU["depth"]])
    lifted = lines[1] - lines[0]
    assert lifted.min() > 1 and np.ptp(lifted) < 0.15
    question = next(each for each in quiz.load_bank("06") if each.id == "06-gain")
    assert question.right_answer() == "It moves as a whole and stays as steep as before."


def test_the_explosion_ends_after_one_step_at_the_learning_rate_that_is_named() -> None:
    left = {}
    for rate in (0.1, 0.001, 1e-5):
        model = MLP(NetworkSpec(50, activation="relu", init="he_normal", norm="batch"), inputs=64, classes=10)
        norms = train(model, digits_split(), steps=1, learning_rate=rate, records=1, progress=False).gradient_norms
        left[rate] = norms[-1, 0] / norms[0, 0]
    assert left[0.1] < 0.01 < 0.1 < left[0.001] < left[1e-5] < 1
    assert "at learning rate 0.1 the explosion extinguishes itself after one step" in prose()


def test_the_sigmoid_is_rescued(panel: panels.Panel) -> None:
    sigmoid = {"activation": "sigmoid", "gain": 1.0}
    assert factor(panel, **sigmoid) == pytest.approx(1.0167, rel=0.03)
    assert 0 < lost(panel, **sigmoid) < 1
    assert lost(panel, "without normalization", **sigmoid) == pytest.approx(-31, abs=1)
    for depth in (10, 60, 100):
        assert lost(panel, **sigmoid, depth=depth) < 2


def test_small_batches_explode_faster_and_layer_norm_does_not_care(panel: panels.Panel) -> None:
    sizes = places(panel, "batch")
    batch = [factor(panel, batch=size) for size in sizes]
    layer = [factor(panel, norm="layer", batch=size) for size in sizes]
    assert all(later < earlier + 0.003 for earlier, later in zip(batch, batch[1:], strict=False))
    assert batch[0] == pytest.approx(1.6, abs=0.06)
    assert batch[sizes.index(8)] == pytest.approx(1.3, abs=0.04)
    assert layer == pytest.approx([1.0] * len(sizes), abs=0.03)


def test_layer_norm_keeps_the_size_and_loses_the_difference(panel: panels.Panel) -> None:
    assert factor(panel, norm="layer") == pytest.approx(1, abs=0.02)
    assert factor(panel, norm="layer", activation="sigmoid") == pytest.approx(0.391, rel=0.01)
    for norm in ("layer", "none"):
        assert 0.001 < difference(panel, norm=norm)[-1] < 0.01
    apart = difference(panel, depth=100)
    assert len(apart) == 100 and apart[5:].min() > 0.6
    alike = difference(panel, norm="none", activation="sigmoid", depth=100)
    assert len(alike) < 20, "what float32 can't tell apart is a gap"


def test_skips_tame_the_explosion(panel: panels.Panel) -> None:
    skips = places(panel, "skip")
    left = [lost(panel, skip=skip) for skip in skips]
    assert left[:-1] == sorted(left[:-1], reverse=True)
    assert left[0] == pytest.approx(4.2, abs=0.3) and left[-1] == pytest.approx(1, abs=0.3)


def test_the_bias_of_batch_norm_tames_the_explosion_in_the_panel(panel: panels.Panel) -> None:
    biases = places(panel, "norm_bias")
    grown = [lost(panel, norm_bias=bias) for bias in biases if bias <= 2]
    assert grown == sorted(grown, reverse=True)
    assert grown[0] == pytest.approx(4.2, abs=0.3) and grown[-1] == pytest.approx(0.5, abs=0.2)
    for bias in biases:
        law = factor(panel, "theory", norm_bias=bias)
        assert factor(panel, norm_bias=bias) == pytest.approx(law, rel=0.03) and law >= 1
    panel.set(**panel.presets["bias β = 2"])
    assert "with bias β = 2" in panel.summary
    assert factor(panel, norm="layer", norm_bias=2.0) == pytest.approx(0.442, abs=0.02), "layer norm: it vanishes"
    panel.set(**{**RELU, "norm": "none", "norm_bias": 2.0})
    assert "β" not in panel.summary, "without normalization there is no such bias"


def test_what_is_said_of_the_bias(panel: panels.Panel) -> None:
    assert NormalDist().cdf(2) == pytest.approx(0.98, abs=0.005) and NormalDist().cdf(3) > 0.998
    variances = [NormalDist().cdf(bias) / theory.normalized_factor("relu", norm_bias=bias) ** 2 for bias in (0.0, 2.0)]
    assert variances == pytest.approx([0.34, 0.96], abs=0.005)
    assert "bias β" in prose() and "nothing but a skip" not in prose() and "and no activation changes" not in prose()


def test_which_activation_explodes_most_slowly(panel: panels.Panel) -> None:
    names = ("relu", "tanh", "elu", "sigmoid")
    factors = [factor(panel, activation=name, depth=100) for name in names]
    assert factors == sorted(factors, reverse=True)
    assert factors == pytest.approx([1.21, 1.1, 1.06, 1.03], abs=0.015)


@pytest.mark.parametrize("activation", lesson_06.ACTIVATIONS.values())
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_theory_lies_on_the_measurement(panel: panels.Panel, norm: str, activation: str) -> None:
    for skip in (0.0, 0.5, 1.0):
        measured = factor(panel, norm=norm, activation=activation, skip=skip)
        assert measured == pytest.approx(factor(panel, "theory", norm=norm, activation=activation, skip=skip), rel=0.04)


@pytest.mark.parametrize("activation", lesson_06.ACTIVATIONS.values())
def test_theory_without_normalization(panel: panels.Panel, activation: str) -> None:
    for gain in (0.5, 1.414, 4.0):
        setting = {"norm": "none", "activation": activation, "gain": gain}
        assert factor(panel, **setting) == pytest.approx(factor(panel, "theory", **setting), rel=0.03)
    panel.set(**{**RELU, "norm": "none", "skip": 0.5})
    assert np.isnan(panel.data["theory"]).all() and "theory" not in panel.summary


def test_lines_begin_at_one_height_and_the_axis_holds_the_measured_one(panel: panels.Panel) -> None:
    for values in (*panel.presets.values(), {**RELU, "norm": "none", "gain": 4.0, "depth": 100}):
        panel.set(**values)
        rights = [ends(panel.data[name])[1] for name in LINE if np.isfinite(panel.data[name]).any()]
        assert rights == pytest.approx([rights[0]] * len(rights))
        low, high = panel.data["ranges"]["yaxis"]
        assert low <= np.nanmin(panel.data["measured"]) and np.nanmax(panel.data["measured"]) <= high


def test_the_figure_tells_its_lines_apart_by_more_than_colour() -> None:
    figure = figures.signal_and_difference(np.arange(1, 11), title="t", low=-1, high=1)
    above = [trace for trace in figure.data if trace.yaxis == "y" and not (trace.meta or {}).get("band")]
    assert {trace.name for trace in above} == set(LINE)
    assert len({trace.line.dash for trace in above}) == len(above)


# Scale invariance ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_loss_is_flat_and_the_gradient_falls_by_one_decade_a_decade(scale_panel: panels.Panel, norm: str) -> None:
    for activation in lesson_06.ACTIVATIONS.values():
        scale_panel.set(norm=norm, activation=activation)
        ordinary = lesson_06.SCALES > -0.5
        loss, gradient = (np.asarray(scale_panel.data[name])[ordinary] for name in ("loss", "‖∂L/∂W‖"))
        assert np.ptp(loss) < 0.01
        assert np.diff(gradient) == pytest.approx(-np.diff(lesson_06.SCALES[ordinary]), abs=3e-3)
        assert gradient == pytest.approx(np.asarray(scale_panel.data["1 / scale"])[ordinary], abs=3e-3)


def test_without_normalization_the_loss_asks_for_the_scale(scale_panel: panels.Panel) -> None:
    scale_panel.set(norm="none", activation="relu")
    assert np.ptp(scale_panel.data["loss"]) > 10
    assert np.ptp(scale_panel.data["‖∂L/∂W‖"]) < 1, "nearly flat"


def test_epsilon_shows_at_the_smallest_weights(scale_panel: panels.Panel) -> None:
    scale_panel.set(**scale_panel.presets["so small that ε shows"])
    grown = scale_panel.data["gradient here"][1, 0] - scale_panel.data["1 / scale"][lesson_06.SCALES == 0][0]
    assert grown < 3, "four decades would be the law"
    assert scale_panel.data["loss here"][1, 0] == pytest.approx(math.log(10), abs=0.01)


def test_the_dots_lie_on_the_lines(scale_panel: panels.Panel) -> None:
    scale_panel.set(norm="batch", activation="relu")
    for scale in places(scale_panel, "scale"):
        scale_panel.set(scale=scale)
        for dot, name in (("loss here", "loss"), ("gradient here", "‖∂L/∂W‖")):
            (x,), (y,) = scale_panel.data[dot]
            assert y == pytest.approx(np.interp(x, lesson_06.SCALES, scale_panel.data[name]), abs=0.02)


def test_another_scale_is_one_more_network(scale_panel: panels.Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    networks: list[int] = []

    def counted(spec: NetworkSpec, *more: Any) -> Any:
        networks.append(spec.seeds)
        return backpropagate(spec, *more)

    monkeypatch.setattr(lesson_06, "backpropagate", counted)
    for scale in (0.3, 0.4):
        scale_panel.set(norm="batch", activation="elu", scale=scale)
        assert scale_panel.data["loss"].shape == lesson_06.SCALES.shape
    assert sorted(networks)[:2] == [1, 1] and sum(networks) <= 2 + len(lesson_06.SCALES)


def test_scaling_in_the_engine_agrees_with_autograd() -> None:
    scales = np.array([-1.0, 0.0, 1.0])
    loss, gradient = lesson_06._over_scales("batch", "tanh", scales)
    inputs, targets = batch_of_64()
    for scale, expected_loss, expected in zip(10**scales, loss, gradient, strict=True):
        spec = NetworkSpec(depth=4, width=32, activation="tanh", norm="batch", batch=64, seeds=1)
        model = MLP(spec, inputs=64, classes=10, dtype=torch.float64)
        weight = model.layers[-1].weight
        with torch.no_grad():
            weight *= scale
        value = nn.functional.cross_entropy(model(inputs), targets)
        (by_autograd,) = torch.autograd.grad(value, weight)
        assert value.item() == pytest.approx(expected_loss, rel=1e-9)
        assert math.log10(by_autograd.norm().item()) == pytest.approx(expected, abs=1e-8)


def batch_of_64() -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = classification_batch("digits", 64)
    return torch.tensor(inputs), torch.tensor(targets)


# Measure and explain -------------------------------------------------------------------------------------------------


def test_fifty_layers_of_plain_torch_explode_for_every_seed() -> None:
    digits, factors = digits_split(), []
    for seed in range(4):
        torch.manual_seed(seed)
        layers = [m for _ in range(50) for m in (nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU())]
        h, states = torch.tensor(digits.train_inputs[:256], dtype=torch.float32), []
        for module in layers:
            h = module(h)
            states.append(h)
        loss = nn.functional.cross_entropy(nn.Linear(64, 10)(h), torch.tensor(digits.train_targets[:256]))
        gradients = [gradient.norm().item() for gradient in torch.autograd.grad(loss, states[2::3])]
        factors.append((gradients[0] / gradients[-1]) ** (1 / 49))
    assert factors == pytest.approx([1.21] * 4, abs=0.03)


def test_the_variance_of_a_relu_by_hand() -> None:
    variance = theory.mean_square_slope("relu") / theory.normalized_factor("relu") ** 2
    assert variance == pytest.approx(1 / 2 - 1 / (2 * math.pi))
    assert theory.normalized_factor("relu") ** 49 == pytest.approx(11943, rel=1e-4)


def test_slopes_of_hermite_polynomials() -> None:
    """Var φ = Σ a_k² and E[φ′²] = Σ k a_k², by quadrature, for a φ whose series is short."""
    x, w = np.polynomial.hermite_e.hermegauss(40)
    w = w / w.sum()
    a = np.array([0.3, 1.0, -0.5, 0.2])
    series = np.polynomial.hermite_e.HermiteE(a / np.sqrt([1, 1, 2, 6]))
    values, slopes = series(x), series.deriv()(x)
    assert w @ values**2 - (w @ values) ** 2 == pytest.approx(np.sum(a[1:] ** 2))
    assert w @ slopes**2 == pytest.approx(np.sum(np.arange(4) * a**2))


def test_a_digits_output_depends_on_its_company() -> None:
    inputs, _ = batch_of_64()
    replaced = inputs.clone()
    replaced[-1] = inputs[0]
    for norm, depends in (("batch", True), ("layer", False)):
        model = MLP(NetworkSpec(depth=3, activation="relu", norm=norm), inputs=64, classes=10, dtype=torch.float64)
        apart = (model(inputs)[:-1] - model(replaced)[:-1]).abs().max().item()
        assert (apart > 1e-3) == depends and (depends or apart == 0)


# Exercises -----------------------------------------------------------------------------------------------------------


def test_the_backward_pass_agrees_with_autograd() -> None:
    generator = np.random.default_rng(0)
    z, gradient = generator.standard_normal((2, 16, 5))
    tensor = torch.tensor(z, requires_grad=True)
    hat = nn.functional.batch_norm(tensor, None, None, training=True, eps=1e-30)
    (by_autograd,) = torch.autograd.grad(hat, tensor, torch.tensor(gradient))
    assert batch_norm_backward(z, gradient) == pytest.approx(by_autograd.numpy(), rel=1e-9, abs=1e-12)


def test_a_batch_of_two_has_no_gradient() -> None:
    z, gradient = np.random.default_rng(1).standard_normal((2, 2, 4))
    assert np.abs(batch_norm_backward(z, gradient)).max() < 1e-9


def hat(z: np.ndarray) -> np.ndarray:
    return (z - z.mean(axis=0)) / z.std(axis=0)


@pytest.mark.parametrize(
    "exercise_id, function, words",
    [
        ("batch_norm_backward", lambda z, g: g / z.std(axis=0), "as constants"),
        ("batch_norm_backward", lambda z, g: (g - g.mean(axis=0)) / z.std(axis=0), "spread moves with z"),
        ("batch_norm_backward", lambda z, g: batch_norm_backward(z, g) * z.std(axis=0), "division by the spread"),
        ("batch_norm_backward", lambda z, g: batch_norm_backward(z.T, g.T).T, "as layer norm does"),
        ("batch_norm_backward", lambda z, g: batch_norm_backward(z, g) * z.var(axis=0), "multiply by the spread"),
        ("batch_norm_backward", lambda z, g: 1.0, "shape"),
        ("batch_norm_factor", lambda v, s: np.mean(s**2) / np.var(v), "take its root"),
        ("batch_norm_factor", lambda v, s: np.sqrt(np.mean(s**2) / np.mean(v**2)), "layer norm's factor"),
        ("batch_norm_factor", lambda v, s: np.mean(s) / np.std(v), "Square each slope first"),
        ("batch_norm_factor", lambda v, s: np.sqrt(np.mean(s**2)), "division by the spread"),
        ("batch_norm_factor", lambda v, s: np.sqrt(np.var(v) / np.mean(s**2)), "Upside down"),
    ],
)
def test_a_known_mistake_is_named(exercise_id: str, function: Any, words: str) -> None:
    verdict = check_exercise(exercise_id, function)
    assert verdict.status == "wrong" and words in verdict.message and verdict.hint, verdict.message


@pytest.mark.parametrize("exercise_id", ["batch_norm_backward", "batch_norm_factor"])
def test_the_template_is_open(exercise_id: str) -> None:
    assert check_exercise(exercise_id, lambda *arguments: None).status == "open"
    assert EXERCISES[exercise_id].lesson == "06"


def test_torch_and_small_samples_of_the_factor_are_taken() -> None:
    assert check_exercise("batch_norm_factor", lambda v, s: (s**2).mean() ** 0.5 / v.std(ddof=1)).correct
    z = np.random.default_rng(0).standard_normal(100_000)
    relu = get_activation("relu")
    estimated = np.sqrt(np.mean(relu.slope(z) ** 2) / np.var(relu.function(z)))
    assert estimated == pytest.approx(theory.normalized_factor("relu"), rel=0.01)


# Train ---------------------------------------------------------------------------------------------------------------

SGD = {"steps": 200, "learning_rate": 0.1, "records": 2, "progress": False}


@cache
def trained(learning_rate: float = 0.1, seed: int = 0, **choice: Any) -> History:
    """A run of the notebook's recipe on the digits."""
    model = MLP(NetworkSpec(**choice), inputs=64, classes=10, seed=seed)
    return train(model, digits_split(), **{**SGD, "learning_rate": learning_rate}, seed=seed)


def right(learning_rate: float = 0.1, seed: int = 0, **choice: Any) -> float:
    return float(trained(learning_rate, seed, **choice).accuracy[-1])


@pytest.mark.parametrize("seed", first_slow(range(3)))
def test_the_recipe_for_sigmoids(seed: int) -> None:
    assert right(seed=seed, depth=10) < 0.2
    assert right(seed=seed, depth=10, norm="batch") > 0.93
    assert right(seed=seed, depth=20, norm="batch") > 0.9


@pytest.mark.parametrize("seed", first_slow(range(2)))
def test_the_recipe_for_relu_and_skips(seed: int) -> None:
    relu = {"activation": "relu", "init": "he_normal"}
    assert right(seed=seed, depth=20, norm="batch", **relu) > 0.85
    assert right(seed=seed, depth=20, norm="batch", **relu) > right(seed=seed, depth=20, **relu) + 0.1
    assert right(seed=seed, depth=50, norm="batch", skip=0.9, **relu) > 0.85


@pytest.mark.parametrize("learning_rate", first_slow([0.1, 0.01, 1.0]))
def test_fifty_plain_layers_fail_at_every_rate(learning_rate: float) -> None:
    assert right(learning_rate, depth=50, norm="batch", activation="relu", init="he_normal") < 0.2


@pytest.mark.slow
def test_fifty_plain_layers_fail_clipped() -> None:
    """Without a huge first step they fail too."""
    model = MLP(NetworkSpec(50, norm="batch", activation="relu", init="he_normal"), inputs=64, classes=10)
    clipped = train(model, digits_split(), clip=1.0, **{**SGD, "learning_rate": 0.1})
    assert clipped.accuracy[-1] < 0.2


@pytest.mark.parametrize("seed", first_slow(range(2)))
def test_fifty_plain_layers_train_with_the_bias(seed: int) -> None:
    relu = {"activation": "relu", "init": "he_normal", "norm": "batch"}
    for bias in (1.0, 2.0):
        assert right(seed=seed, depth=50, norm_bias=bias, **relu) > 0.75
    assert right(seed=seed, depth=50, **relu) < 0.35


@pytest.mark.exhaustive
def test_eighty_plain_layers_do_not_train_with_the_bias() -> None:
    assert right(depth=80, norm_bias=2.0, activation="relu", init="he_normal", norm="batch") < 0.7


@pytest.mark.exhaustive
def test_a_learned_bias_does_as_well() -> None:
    relu = {"activation": "relu", "init": "he_normal", "norm": "batch"}
    model = MLP(NetworkSpec(50, **relu), inputs=64, classes=10)
    for layer in range(50):  # PyTorch's own module, whose scale and bias are learned
        model.normalizations[layer] = nn.BatchNorm1d(64, track_running_stats=False)
        nn.init.constant_(model.normalizations[layer].bias, 2.0)
    assert train(model, digits_split(), **{**SGD, "learning_rate": 0.1}).accuracy[-1] > 0.75


def test_one_step_throws_the_first_layer_and_its_gradient_falls() -> None:
    spec = NetworkSpec(depth=50, activation="relu", init="he_normal", norm="batch")
    model = MLP(spec, inputs=64, classes=10)
    once = train(model, digits_split(), steps=1, learning_rate=0.1, records=1, progress=False)
    assert once.movement[-1, 0] > 100 and once.movement[-1, 49] < 0.02
    fallen = once.gradient_norms[0, 0] / once.gradient_norms[1, 0]
    assert fallen == pytest.approx(once.movement[-1, 0], rel=1), "about as much as the weight has grown"
    spans = once.gradient_norms[:, :50].max(axis=1) / once.gradient_norms[:, :50].min(axis=1)
    assert spans[0] > 5000 and spans[1] < 100


def test_a_normalised_weight_never_gets_shorter() -> None:
    spec = NetworkSpec(depth=3, width=16, activation="relu", norm="batch")
    model, lengths = MLP(spec, inputs=64, classes=10, dtype=torch.float64), []
    inputs, targets = batch_of_64()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(30):
        lengths.append([layer.weight.norm().item() for layer in model.layers])
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    assert (np.diff(lengths, axis=0) > -1e-6).all()


def test_the_picture_follows_a_training_run() -> None:
    picture = panels.training_picture(["a", "b"], ["10 layers"], steps=4, records=2, chance=2.3, title="Loss")
    names = {trace.name for trace in picture.figure.data}
    assert {"a, 10 layers", "b, 10 layers"} <= names
    draw = panels.follow(picture, "b", "10 layers")
    model = MLP(NetworkSpec(depth=2, width=8), inputs=64, classes=10)
    history = train(model, digits_split(), steps=4, records=2, learning_rate=0.1, progress=False, callback=draw)
    steps, loss = picture.data["b, 10 layers"]
    assert steps.tolist() == [0, 2, 4] and loss == pytest.approx(history.loss)
    assert np.isnan(picture.data["a, 10 layers"]).all()
    with pytest.raises(ValueError, match="the run is 'c, 10 layers'; the picture has a, 10 layers; b, 10 layers"):
        panels.follow(picture, "c", "10 layers")


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("06") for answer in question.answers if answer.try_state]
    assert len(states) > 20
    for state in states:
        panel.set(**state)
        assert {name: panel.controls[name].value for name in state} == pytest.approx(state)


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Measure it", "Move the", "move the", "Run the", "panel", "Go through")
    bank = quiz.load_bank("06")
    assert len(bank) >= 12
    assert 3 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def test_what_the_quiz_says_of_xaviers_sigmoids() -> None:
    assert theory.per_layer_factor("sigmoid", 1.0) == pytest.approx(0.236, abs=5e-4)
    assert theory.mean_square_activation("sigmoid") == pytest.approx(0.2934, abs=5e-5)
    assert 49 * theory.normalized_factor("relu") == pytest.approx(59.35, abs=0.01)
