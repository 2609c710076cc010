"""Lesson 04: every number that its prose and its quiz state, the physics of its panels, and what it added below."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from helpers import exercises, figures, panels, quiz, theme, theory
from helpers.activations import get_activation
from helpers.datasets import digits_split, gaussian
from helpers.exercises import check_exercise
from helpers.exercises import lesson_04 as lesson_04_exercises
from helpers.models import MLP
from helpers.network import NetworkSpec, backpropagate, gradient_profile, initial_parameters
from helpers.panels import curves, lesson_04
from helpers.theory.averages import average
from helpers.training import OPTIMIZERS, train
from tests.lessons import prose_of
from tests.test_panels import places
from tests.tiers import first_slow

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "04_relu.ipynb"
prose = partial(prose_of, "04")
HE = {"activation": "relu", "scheme": "he_normal", "depth": 30, "width": 64, "bias": 0.0, "leak": 0.01}
SCHEMES = {"pytorch_default": 1 / 6, "xavier_normal": 1 / 2, "he_normal": 1.0}


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.relu()


def shown(panel: panels.Panel, trace: str = "ReLU", **values: object) -> np.ndarray:
    """One of the panel's lines, the layers that are there."""
    panel.set(**{**HE, **values})
    return np.asarray(panel.data[trace])[: panel.controls["depth"].value]


def factor(panel: panels.Panel, trace: str = "ReLU", **values: object) -> float:
    line = shown(panel, trace, **values)
    return float(10 ** ((line[0] - line[-1]) / (len(line) - 1)))


# A constant bias in the engine ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias_std", [0.0, 0.3])
def test_a_constant_bias_reaches_every_hidden_unit_and_no_read_out(bias_std: float) -> None:
    spec = NetworkSpec(4, 6, "relu", "he_normal", bias_std=bias_std, seeds=3)
    shifted = NetworkSpec(4, 6, "relu", "he_normal", bias_std=bias_std, bias_mean=-1.5, seeds=3)
    before, after = (initial_parameters(each, 5, 4).biases for each in (spec, shifted))
    for old, new in zip(before[:-1], after[:-1], strict=True):
        assert np.allclose(new, old - 1.5)
    assert np.array_equal(before[-1], after[-1])


@pytest.mark.parametrize("bias_mean", [-0.7, 0.4])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", "selu"])
def test_gradients_with_a_constant_bias_equal_autograd(activation: str, bias_mean: float) -> None:
    spec = NetworkSpec(4, 12, activation, "he_normal", bias_std=0.1, bias_mean=bias_mean, batch=16, seeds=1, leak=0.2)
    inputs, targets = gaussian(16)
    profile = backpropagate(spec, initial_parameters(spec, 64, 10), inputs, targets)
    model = MLP(spec, 64, 10, dtype=torch.float64)
    states = model.hidden(torch.as_tensor(inputs))
    loss = nn.functional.cross_entropy(model.readout(states[-1]), torch.as_tensor(targets))
    norms = [float(gradient.norm()) for gradient in torch.autograd.grad(loss, states)]
    assert profile.signal[0] == pytest.approx(norms, rel=1e-9)
    assert gradient_profile(spec, (inputs, targets)).signal[0] == pytest.approx(norms, rel=1e-4)


def test_a_bias_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="bias_mean must be a finite number; got nan"):
        NetworkSpec(bias_mean=math.nan)


# Theory --------------------------------------------------------------------------------------------------------------


def test_averages_off_centre_are_those_of_a_shifted_relu() -> None:
    """E[relu(z)²] and E[slope²] for z ~ N(m, q) have closed forms."""
    for mean, variance in ((-1.0, 2.0), (0.7, 0.5), (-5.0, 2.0)):
        t = mean / math.sqrt(variance)
        active, bell = 0.5 * math.erfc(-t / math.sqrt(2)), math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
        square = (mean**2 + variance) * active + mean * math.sqrt(variance) * bell
        relu = get_activation("relu")
        assert average(relu, "slope", 2, variance, mean) == pytest.approx(active, rel=1e-8)
        assert average(relu, "function", 2, variance, mean) == pytest.approx(square, rel=1e-8)


@pytest.mark.parametrize("activation", ["sigmoid", "gelu", "selu", "hard_tanh"])
def test_averages_off_centre_meet_those_at_the_centre(activation: str) -> None:
    for part in ("function", "slope"):
        near = average(get_activation(activation), part, 2, 1.7, 1e-9)
        assert near == pytest.approx(average(get_activation(activation), part, 2, 1.7), rel=1e-6)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "gelu"])
@pytest.mark.parametrize("bias_mean", [-0.3, 1.0])
def test_profile_with_a_constant_bias_is_what_wide_nets_show(activation: str, bias_mean: float) -> None:
    spec = NetworkSpec(6, 512, activation, "he_normal", bias_mean=bias_mean, batch=32, seeds=4)
    inputs, targets = gaussian(32)
    measured = gradient_profile(spec, (inputs, targets)).log10_signal.mean(axis=0)
    predicted = theory.signal_profile(activation, 2.0, 0.0, 6, float((inputs**2).mean()), bias_mean)
    assert measured - measured[-1] == pytest.approx(predicted, abs=0.1)


def test_the_cosine_after_a_relu_is_that_of_a_wide_layer() -> None:
    rng = np.random.default_rng(0)
    for cosine in (-0.8, 0.0, 0.5, 0.95):
        z = rng.standard_normal((2, 1_000_000))
        z[1] = cosine * z[0] + math.sqrt(1 - cosine**2) * z[1]
        a, b = np.maximum(z, 0)
        assert theory.relu_overlaps(cosine)[1] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), abs=0.003)
    grid = np.linspace(-1, 1, 101)
    assert (theory.relu_overlaps(grid)[1] >= grid - 1e-12).all()


def test_born_dead_by_hand() -> None:
    assert theory.born_dead_probability(1, 1) == pytest.approx(0.5)
    assert theory.born_dead_probability(2, 2) == pytest.approx(1 - (3 / 4) ** 2)
    assert theory.born_dead_probability(64, 30) == pytest.approx(30 * 2.0**-64, rel=1e-9)
    assert theory.born_dead_probability(np.array([[1], [2]]), np.arange(1, 4)).shape == (2, 3)
    with pytest.raises(ValueError, match="depth must be whole numbers ≥ 1; got 0"):
        theory.born_dead_probability(3, 0)


def test_born_dead_nets_are_those_whose_engine_is_silent() -> None:
    """The panel's quick count against the engine's dead units, one input, 200 nets."""
    spec = NetworkSpec(20, 3, "relu", "he_normal", batch=1, seeds=200)
    silent = (gradient_profile(spec).dead[:, -1] == 1).mean()
    expected = theory.born_dead_probability(3, 20)
    assert silent == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 200))


# The panel: ReLU and its family --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "chi"), SCHEMES.items())
def test_the_scale_of_the_weights_decides(panel: panels.Panel, scheme: str, chi: float) -> None:
    assert factor(panel, scheme=scheme, width=128) == pytest.approx(math.sqrt(chi), rel=0.03)
    assert f"{math.sqrt(chi):.2g}" in ("0.41", "0.71", "1")


def test_he_keeps_the_line_level_over_the_whole_depth_slider(panel: panels.Panel) -> None:
    for depth in places(panel, "depth")[9::10]:
        assert factor(panel, depth=depth, width=128) == pytest.approx(1, abs=0.02)


def test_depth_only_makes_the_default_worse(panel: panels.Panel) -> None:
    lost = []
    for depth in (10, 20, 40, 80, 100):
        line = shown(panel, depth=depth, scheme="pytorch_default")
        lost.append(line[0] - line[-1])
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] == pytest.approx(99 * math.log10(math.sqrt(1 / 6)), rel=0.05)


def test_a_constant_bias_below_zero_silences_deep_layers(panel: panels.Panel) -> None:
    dead = shown(panel, "dead units", bias=-0.2)
    assert dead[0] == 0 and dead[15] < 1 and (dead[16:] == 1).all()
    silent = []
    for bias in (0.0, -0.1, -0.2, -0.5, -1.0, -2.0, -5.0, -8.0):
        silent.append(np.nanmean(shown(panel, "dead units", bias=bias)))
    assert silent == sorted(silent) and silent[0] < 0.5 and silent[-1] == 1
    panel.set(**{**HE, "bias": -5.0})
    assert "exactly 0" in panel.summary
    assert panel.data["dead units"][0] == pytest.approx(0.97, abs=0.02)


def test_one_step_of_the_bias_kills_the_last_layers(panel: panels.Panel) -> None:
    dead = shown(panel, "dead units", bias=-0.1)
    assert dead[0] == 0 and dead[25] < 1 and (dead[28:] == 1).all() and "exactly 0" in panel.summary
    assert shown(panel, "ReLU, similarity", scheme="pytorch_default", depth=10)[9] == pytest.approx(0.999998, abs=1e-6)
    alike = shown(panel, "ReLU, similarity")
    assert alike[29] == pytest.approx(0.99, abs=0.005)


def test_under_he_the_directions_become_alike_and_the_lengths_stay_apart() -> None:
    # the quiz's key says that activations point the same way, not that they are the same
    weights = initial_parameters(NetworkSpec(depth=30, activation="relu", init="he_normal"), 64, 10).weights
    h = np.broadcast_to(digits_split().train_inputs[:32], (8, 32, 64))
    for layer in weights[:-1]:
        h = np.maximum(h @ layer, 0)
    lengths = np.linalg.norm(h, axis=2)
    cosines = h @ h.swapaxes(1, 2) / (lengths[:, :, None] * lengths[:, None, :])
    assert cosines[:, ~np.eye(32, dtype=bool)].mean() > 0.95
    assert (lengths.max(axis=1) / lengths.min(axis=1) > 2).all()


def test_a_bias_above_zero_makes_every_unit_speak_at_first(panel: panels.Panel) -> None:
    at_zero = shown(panel, "dead units")
    raised = shown(panel, "dead units", bias=2.0)
    assert raised[1:5].mean() < at_zero[1:5].mean() + 0.1
    assert factor(panel, bias=2.0) > factor(panel)


@pytest.mark.parametrize("leak", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_a_leak_adds_its_square(panel: panels.Panel, leak: float) -> None:
    measured = factor(panel, "leaky ReLU", activation="leaky_relu", leak=leak, width=128)
    assert measured == pytest.approx(math.sqrt(1 + leak**2), rel=0.02)


def test_a_leak_keeps_the_graveyard_alive(panel: panels.Panel) -> None:
    leaky = {"activation": "leaky_relu", "bias": -5.0, "leak": 0.2}
    assert factor(panel, "leaky ReLU", **leaky) == pytest.approx(0.2 * math.sqrt(2), rel=0.02)
    assert not shown(panel, "dead units", **leaky).any()
    assert np.isfinite(shown(panel, "theory", **leaky)).all()


def test_leak_zero_is_relu(panel: panels.Panel) -> None:
    leaky, relu = (shown(panel, name, leak=0.0) for name in ("leaky ReLU", "ReLU"))
    assert leaky == pytest.approx(relu, abs=1e-4)


def test_width_narrows_the_band(panel: panels.Panel) -> None:
    heights = []
    for width in (8, 32, 128):
        panel.set(**{**HE, "width": width})
        low, high = panel.data["spread over seeds"]
        heights.append(high[0] - low[0])
    assert heights == sorted(heights, reverse=True) and heights[0] > 1


def test_two_digits_look_alike_to_late_layers_of_relu_and_not_of_selu(panel: panels.Panel) -> None:
    alike = shown(panel, "ReLU, similarity", depth=100)
    assert alike[0] == pytest.approx(0.35, abs=0.03)
    assert alike[59] > 0.985 and alike[99] > 0.99
    deep = {"scheme": "xavier_normal", "depth": 100, "width": 128}
    assert shown(panel, "SELU, similarity", **deep)[99] < 0.15
    assert shown(panel, "ReLU, similarity", **deep)[99] > 0.99
    assert shown(panel, "leaky ReLU, similarity", **deep)[99] > 0.99
    assert shown(panel, "ReLU, similarity", scheme="pytorch_default", depth=10)[9] > 0.9995


def test_what_is_in_focus_has_theory_band_and_dead_units(panel: panels.Panel) -> None:
    for activation in lesson_04.FAMILY:
        name = theme.ACTIVATION_NAMES[activation]
        line = shown(panel, name, activation=activation, width=128, scheme="xavier_normal")
        assert name in panel.summary
        low, high = (edge[:30] for edge in panel.data["spread over seeds"])
        assert (low <= line + 1e-6).all() and (line <= high + 1e-6).all()
        assert panel.data["theory"][:30] == pytest.approx(line, abs=0.8)


def test_under_he_selu_grows_and_gelu_shrinks(panel: panels.Panel) -> None:
    factors = {name: factor(panel, theme.ACTIVATION_NAMES[name], activation=name) for name in lesson_04.FAMILY}
    assert max(factors, key=lambda name: factors[name]) == "selu"
    assert factors["selu"] == pytest.approx(1.15, abs=0.01)
    assert factors["gelu"] < 0.95
    assert factor(panel, "SELU", activation="selu", scheme="xavier_normal", width=128) == pytest.approx(1.04, abs=0.015)


def test_the_axis_holds_the_line_in_focus(panel: panels.Panel) -> None:
    for scheme in SCHEMES:
        for depth in (1, 30, 31, 100):
            line = shown(panel, scheme=scheme, depth=depth)
            low, high = panel.data["ranges"]["yaxis"]
            assert low <= line.min() and line.max() <= high and panel.data["ranges"]["xaxis3"][1] > depth


def test_presets_the_text_names_are_there(panel: panels.Panel) -> None:
    for name in ("PyTorch's default", "Xavier", "He", "bias −5: a graveyard"):
        assert name in panel.presets and f"*{name}*" in prose()


# The panel: three initializations ------------------------------------------------------------------------------------


def ratio(panel: panels.Panel, trace: str) -> float:
    line = np.asarray(panel.data[trace])
    line = line[np.isfinite(line)]
    return float(line[0] - line[-1])


def test_the_weight_gradient_hides_what_the_signal_shows() -> None:
    panel = panels.relu_schemes()
    steps = 29
    for name, chi in (("PyTorch's default", 1 / 6), ("Xavier", 1 / 2), ("He", 1.0)):
        assert ratio(panel, name) == pytest.approx(steps * math.log10(chi) / 2, abs=0.4)
        assert abs(ratio(panel, f"{name}, weight gradient")) < 0.7
    level = panel.data["Xavier, weight gradient"][0] - panel.data["He, weight gradient"][0]
    assert level == pytest.approx(-steps / 2 * math.log10(2), abs=0.3)


def test_biases_and_sigmoids_end_the_trap() -> None:
    panel = panels.relu_schemes()
    panel.set(biased=True)
    assert ratio(panel, "PyTorch's default, weight gradient") < -9
    assert ratio(panel, "Xavier, weight gradient") < -3
    panel.set(biased=False, activation="sigmoid")
    assert all(ratio(panel, f"{name}, weight gradient") < -10 for name in lesson_04.THREE)
    panel.set(activation="linear")
    assert ratio(panel, "Xavier") == pytest.approx(0, abs=0.3)


def test_theory_of_all_three_stands_one_after_the_other() -> None:
    panel = panels.relu_schemes()
    for depth in (2, 30, 100):
        panel.set(depth=depth)
        parts = np.asarray(panel.data["theory"]).reshape(3, -1)
        assert np.isnan(parts[:, -1]).all()
        for part, name in zip(parts, lesson_04.THREE, strict=True):
            assert part[depth - 1] == pytest.approx(panel.data[name][depth - 1], abs=1e-6)


# The panel: born dead ------------------------------------------------------------------------------------------------


def test_born_dead_nets_are_counted_where_theory_puts_them() -> None:
    panel = panels.born_dead()
    for width in places(panel, "width"):
        panel.set(width=width)
        counted, expected = panel.data["counted"], panel.data["theory"]
        error = np.sqrt(expected * (1 - expected) / lesson_04.NETS)
        assert (np.abs(counted - expected) <= 4 * error + 1e-3).all(), width
        assert (np.diff(counted) >= 0).all(), "what is silent once stays silent"


def test_depth_kills_and_width_saves() -> None:
    panel = panels.born_dead()
    panel.set(depth=50)
    by_width = []
    for width in places(panel, "width"):
        panel.set(width=width)
        by_width.append(panel.data["this depth"][1, 0])
    assert by_width == sorted(by_width, reverse=True) and by_width[0] == 1 > 0.03 > by_width[-1]
    assert panel.live._clicks({"probability": ("depth", "width")})


def test_numbers_of_the_born_dead_prose_and_quiz() -> None:
    assert theory.born_dead_probability(3, 10) == pytest.approx(0.737, abs=5e-4)
    assert theory.born_dead_probability(12, 50) == pytest.approx(0.01, abs=0.005)
    assert theory.born_dead_probability(8, 50) == pytest.approx(0.18, abs=0.006)
    assert theory.born_dead_probability(8, 25) == pytest.approx(0.09, abs=0.005)
    assert theory.born_dead_probability(16, 50) < 0.001
    assert theory.born_dead_probability(64, 30) == pytest.approx(1e-18, rel=1)


# Figures -------------------------------------------------------------------------------------------------------------


def test_traces_of_the_three_figures() -> None:
    family = figures.rectifier_family(curves.LAYERS, lesson_04.FAMILY)
    above = [trace for trace in family.data if trace.yaxis in (None, "y") and not (trace.meta or {}).get("band")]
    assert len({trace.line.dash for trace in above}) == len(above) == 7
    schemes = figures.signal_and_weight_gradient(curves.LAYERS, lesson_04.THREE)
    assert {trace.name for trace in schemes.data} >= {"He", "He, weight gradient", "theory"}
    assert len(next(trace for trace in schemes.data if trace.name == "theory").x) == 3 * 101
    born = figures.born_dead(curves.LAYERS, np.arange(1, 4), np.zeros((3, 100)))
    assert [trace.type for trace in born.data].count("heatmap") == 1
    assert [trace.name for trace in schemes.data if trace.showlegend is not False] == [*lesson_04.THREE, "theory"]


# Exercises -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "function", "words"),
    [
        ("count_dead", lambda h: (h == 0).sum(), "counts zeros"),
        ("count_dead", lambda h: (h == 0).all(axis=1).sum(), "other axis"),
        ("count_dead", lambda h: (h == 0).any(axis=0).sum(), "It must be every one"),
        ("count_dead", lambda h: (h == 0).all(axis=0).mean(), "share"),
        ("count_dead", lambda h: (h != 0).any(axis=0).sum(), "active for some sample"),
        ("count_dead", lambda h: (h.sum(axis=0) == 0).sum(), "sum can be 0"),
        ("count_dead", lambda h: (h <= 0).all(axis=0).sum(), "negative output"),
        ("count_dead", lambda h: (h.mean(axis=0) < 0.001).sum(), "small outputs as 0"),
        ("count_dead", lambda h: (h[0] == 0).sum(), "first sample alone"),
        ("born_dead", lambda n: 0.5 ** n[0], "first layer alone"),
        ("born_dead", lambda n: 0.5 ** n[-1], "last layer alone"),
        ("born_dead", lambda n: 0.5 ** n.min(), "narrowest layer alone"),
        ("born_dead", lambda n: (0.5**n).sum(), "are counted twice"),
        ("born_dead", lambda n: np.prod(1 - 0.5**n), "Subtract it from 1"),
        ("born_dead", lambda n: 0.5 ** n.sum(), "One layer is enough"),
        ("born_dead", lambda n: 1 - 0.5 ** n.sum(), "Every layer needs an active unit"),
        ("born_dead", lambda n: 1 - (1 - 0.5 ** n.mean()) ** len(n), "mean width"),
        ("born_dead", lambda n: theory.born_dead_probability(int(n.mean()), len(n)), "right result is 0.3944"),
        ("born_dead", lambda n: 1 - np.prod(1 - 0.5 ** n[1:]), "leaves out the first"),
        ("born_dead", lambda n: 1 - np.prod(1 - 0.5 ** n[:-1]), "leaves out the last"),
    ],
)
def test_a_known_mistake_is_named(exercise: str, function: Callable[..., Any], words: str) -> None:
    verdict = check_exercise(exercise, function)
    assert verdict.status == "wrong" and words in verdict.message, verdict.message


def test_the_probability_of_a_network_born_dead_is_the_share_of_such_networks() -> None:
    rng, widths, count = np.random.default_rng(0), [2, 4, 3], 4000
    h = np.abs(rng.standard_normal((count, 1, 5)))
    for fan_in, width in zip([5, *widths], widths, strict=False):
        h = np.maximum(h @ rng.standard_normal((count, fan_in, width)), 0)
    expected = lesson_04_exercises._born_dead(np.array(widths))
    assert (h.sum(axis=(1, 2)) == 0).mean() == pytest.approx(expected, abs=4 * math.sqrt(0.25 / count))
    assert lesson_04_exercises._born_dead(np.array([3] * 10)) == pytest.approx(theory.born_dead_probability(3, 10))


def test_a_list_of_widths_and_a_torch_answer_count_too() -> None:
    assert check_exercise("born_dead", lambda n: 1 - math.prod(1 - 0.5 ** int(width) for width in n)).correct
    assert check_exercise("count_dead", lambda h: torch.tensor(h).eq(0).all(dim=0).sum()).correct
    assert {"count_dead", "born_dead"} <= set(exercises.EXERCISES)


# Measure, explain ----------------------------------------------------------------------------------------------------


def test_what_is_predicted_is_among_the_options_of_the_notebook() -> None:
    text = "".join("".join(c["source"]) for c in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"])
    assert all(option in text for option in quiz.load_predictions()["04"].options)


def test_ten_layers_of_plain_torch_lose_what_theory_says() -> None:
    inputs = torch.tensor(digits_split().train_inputs[:128], dtype=torch.float32)
    factors = []
    for seed in range(5):
        torch.manual_seed(seed)
        layers = [module for _ in range(10) for module in (nn.Linear(64, 64), nn.ReLU())]
        h, states = inputs, []
        for module in layers:
            h = module(h)
            states.append(h)
        loss = nn.functional.cross_entropy(nn.Linear(64, 10)(h), torch.tensor(digits_split().train_targets[:128]))
        norms = [gradient.norm().item() for gradient in torch.autograd.grad(loss, states[1::2])]
        factors.append((norms[0] / norms[-1]) ** (1 / 9))
    assert np.mean(factors) == pytest.approx(math.sqrt(1 / 6), rel=0.05)


def test_where_the_five_comes_from() -> None:
    """relu(z)² for z ~ N(0, 2): mean 1, mean square 6."""
    z = np.random.default_rng(0).standard_normal(4_000_000) * math.sqrt(2)
    square = np.maximum(z, 0) ** 2
    assert square.mean() == pytest.approx(1, rel=0.01) and (square**2).mean() == pytest.approx(6, rel=0.02)


def test_first_weights_of_the_default_lie_below_adams_epsilon() -> None:
    profile = gradient_profile(NetworkSpec(20, 64, "relu", "pytorch_default"))
    size = float(profile.weight_gradient[:, 1].mean()) / 64  # root mean square over 64 × 64 weights
    epsilon = torch.optim.Adam([torch.zeros(1)]).defaults["eps"]
    assert size == pytest.approx(2e-10, rel=0.3) and size < epsilon / 20


# Train, myths (the rows of the ledger train the clusters; these are the notebook's recipes on the digits) ------------


@pytest.mark.parametrize("seed", first_slow([1, 2]))
@pytest.mark.parametrize(
    ("optimizer", "init", "low", "high"),
    [
        ("sgd", "he_normal", 0.8, 1),
        ("sgd", "xavier_normal", 0.05, 0.5),
        pytest.param("adam", "xavier_normal", 0.7, 1, marks=pytest.mark.exhaustive),
        pytest.param("adam", "pytorch_default", 0.05, 0.6, marks=pytest.mark.exhaustive),
    ],
)
def test_twenty_layers_with_sgd_and_adam(optimizer: str, init: str, low: float, high: float, seed: int) -> None:
    steps, rate = (600, 0.03) if optimizer == "sgd" else (400, 0.001)
    model = MLP(NetworkSpec(20, 64, "relu", init), 64, 10, seed=seed)
    settings = {"learning_rate": rate, "optimizer": optimizer, "seed": seed}
    history = train(model, digits_split(), steps=steps, records=1, progress=False, **settings)
    assert low < history.accuracy[-1] <= high


@pytest.mark.parametrize(
    ("seed", "as_it_is", "tiny"), first_slow([(0, 0.20, 0.67), (1, 0.08, 0.49), (2, 0.08, 0.45), (3, 0.08, 0.33)])
)
def test_here_adams_epsilon_is_the_main_reason(
    seed: int, as_it_is: float, tiny: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network of the lesson with ε = 1e-8 and with 1e-16."""
    for epsilon, expected in ((1e-8, as_it_is), (1e-16, tiny)):
        monkeypatch.setitem(OPTIMIZERS, "adam", partial(torch.optim.Adam, eps=epsilon))
        model = MLP(NetworkSpec(20, 64, "relu", "pytorch_default"), 64, 10, seed=seed)
        history = train(
            model, digits_split(), steps=400, learning_rate=0.001, optimizer="adam", records=1, progress=False
        )
        assert history.accuracy[-1] == pytest.approx(expected, abs=0.12)


@pytest.mark.parametrize("seed", first_slow([0, 1]))
@pytest.mark.parametrize(("depth", "rate", "most"), first_slow([(60, 0.03, 0.5), (100, 0.003, 0.35)]))
def test_a_level_signal_can_belong_to_a_network_that_hardly_learns(
    depth: int, rate: float, most: float, seed: int
) -> None:
    model = MLP(NetworkSpec(depth, 64, "relu", "he_normal"), 64, 10, seed=seed)
    history = train(model, digits_split(), steps=600, learning_rate=rate, records=1, progress=False)
    assert history.accuracy[-1] < most


@pytest.mark.parametrize("seed", first_slow(range(3)))
def test_twenty_layers_of_tanh_learn_under_xavier(seed: int) -> None:
    model = MLP(NetworkSpec(20, 64, "tanh", "xavier_normal"), 64, 10, seed=seed)
    history = train(model, digits_split(), steps=600, learning_rate=0.03, records=1, progress=False)
    assert history.accuracy[-1] == pytest.approx(0.97, abs=0.015)


def test_at_rate_one_half_twenty_layers_end_in_nan() -> None:
    model = MLP(NetworkSpec(20, 64, "relu", "he_normal"), 64, 10)
    history = train(model, digits_split(), steps=600, learning_rate=0.5, records=1, progress=False)
    assert math.isnan(history.loss[-1])


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.03), ("adam", 0.003)])
@pytest.mark.parametrize("seed", [0, 1])
def test_dead_units_recover_above_the_first_layer_and_never_in_it(optimizer: str, rate: float, seed: int) -> None:
    pictures = torch.tensor(digits_split().train_inputs, dtype=torch.float32)
    model, h = MLP(NetworkSpec(3, 64, "relu", "he_normal"), 64, 10, seed=seed), pictures
    with torch.no_grad():
        for layer in model.layers:
            layer.bias[:20] -= layer(h)[:, :20].max(dim=0).values + 0.1
            h = layer(h).relu()
        assert all((state[:, :20] == 0).all() for state in model.hidden(pictures))
    first = model.layers[0].weight[:20].clone()
    train(
        model, digits_split(), steps=300, learning_rate=rate, optimizer=optimizer, seed=seed, records=1, progress=False
    )
    alive = [int((state[:, :20] > 0).any(dim=0).sum()) for state in model.hidden(pictures)]
    assert alive[0] == 0 and torch.equal(model.layers[0].weight[:20], first)
    assert 5 <= alive[1] <= 18 and 8 <= alive[2] <= 18


@pytest.mark.parametrize("seed", first_slow(range(6)))
@pytest.mark.parametrize(
    ("margin", "low", "high"), [(0.1, (7, 15), (9, 18)), (1.0, (1, 4), (5, 12)), (5.0, (0, 1), (0, 4))]
)
def test_the_farther_a_unit_was_pushed_the_fewer_recover(
    margin: float, low: tuple[int, int], high: tuple[int, int], seed: int
) -> None:
    pictures = torch.tensor(digits_split().train_inputs, dtype=torch.float32)
    model, h = MLP(NetworkSpec(3, 64, "relu", "he_normal"), 64, 10, seed=seed), pictures
    with torch.no_grad():
        for layer in model.layers:
            layer.bias[:20] -= layer(h)[:, :20].max(dim=0).values + margin
            h = layer(h).relu()
    train(model, digits_split(), steps=300, learning_rate=0.03, records=1, progress=False)
    alive = [int((state[:, :20] > 0).any(dim=0).sum()) for state in model.hidden(pictures)]
    assert alive[0] == 0 and low[0] <= alive[1] <= low[1] and high[0] <= alive[2] <= high[1]


def test_a_step_too_large_kills_units_and_a_small_one_none() -> None:
    pictures = torch.tensor(digits_split().train_inputs, dtype=torch.float32)
    dead = {}
    for rate in (0.1, 1.0):
        model = MLP(NetworkSpec(3, 64, "relu", "he_normal"), 64, 10)
        train(model, digits_split(), steps=100, learning_rate=rate, records=1, progress=False)
        dead[rate] = [float((state == 0).all(dim=0).float().mean()) for state in model.hidden(pictures)]
    assert dead[0.1] == [0, 0, 0] and dead[1.0][2] == pytest.approx(0.89, abs=0.08)


@pytest.mark.parametrize("seed", first_slow(range(1, 8)))
def test_with_other_seeds_a_large_step_kills_few_units(seed: int) -> None:
    pictures = torch.tensor(digits_split().train_inputs, dtype=torch.float32)
    dead = {}
    for rate in (0.1, 1.0):
        model = MLP(NetworkSpec(3, 64, "relu", "he_normal"), 64, 10, seed=seed)
        train(model, digits_split(), steps=100, learning_rate=rate, records=1, progress=False)
        dead[rate] = [float((state == 0).all(dim=0).float().mean()) for state in model.hidden(pictures)]
    assert max(dead[0.1]) < 0.05
    assert dead[1.0][0] == 0 and 0.02 < dead[1.0][1] < 0.25 and dead[1.0][2] < 0.05


def test_depth_kills_units_without_any_bias(panel: panels.Panel) -> None:
    panel.set(**panel.presets["He"])
    dead = np.asarray(panel.data["dead units"])
    assert dead[0] < 0.02 and dead[29] == pytest.approx(0.46, abs=0.05)


def test_selu_is_apart_with_its_own_weights_and_alike_with_hes() -> None:
    cosine = {}
    for init in ("lecun_normal", "xavier_normal", "he_normal"):
        spec = NetworkSpec(100, 128, "selu", init, batch=32, seeds=4)
        cosine[init] = gradient_profile(spec).similarity.mean(axis=0)[-1]
    assert max(cosine["lecun_normal"], cosine["xavier_normal"]) < 0.15 and cosine["he_normal"] > 0.9


def test_no_key_says_that_a_dead_unit_never_recovers() -> None:
    question = next(question for question in quiz.load_bank("04") if question.id == "04-true-sentences")
    (answer,) = (answer for answer in question.answers if "can't recover" in answer.text)
    assert not answer.correct


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("panel", "Run the", "Move the", "in focus", "lowest plot")
    bank = quiz.load_bank("04")
    assert len(bank) >= 12
    assert 2 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("04") for answer in question.answers if answer.try_state]
    assert len(states) > 20
    for state in states:
        panel.set(**state)
        assert {name: panel.controls[name].value for name in state} == state


def test_shares_of_active_units_in_the_quiz() -> None:
    assert quiz.compute_key("active", bias=-3, variance=2) == pytest.approx(0.017, abs=2e-4)
    assert 1 / quiz.compute_key("active", bias=-3, variance=2) == pytest.approx(60, rel=0.05)
    assert theory.per_layer_factor("sigmoid", 1.0) ** 9 == pytest.approx(2e-6, rel=0.2)
