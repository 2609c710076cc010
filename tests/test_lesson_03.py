"""Lesson 03: every number that its prose and its quiz state."""

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

from helpers import panels, quiz, theory, training
from helpers.datasets import digits_split
from helpers.exercises import check_exercise, lesson_03
from helpers.exercises.lesson_03 import sigmoid, sigmoid_slope
from helpers.models import MLP
from helpers.network import NetworkSpec, gradient_profile
from tests.lessons import prose_of

Curve = Callable[[np.ndarray], np.ndarray]
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "03_deep_sigmoid_nets.ipynb"
prose = partial(prose_of, "03")
DEFAULT = {"depth": 60, "width": 64, "gain": 1.0, "scheme": "pytorch_default", "seeds": 4}
LEVEL = {**DEFAULT, "scheme": "xavier_normal", "width": 256, "gain": 10.149}


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.deep_sigmoid_nets()


def shown(panel: panels.Panel, **values: object) -> np.ndarray:
    """The measured line, log10, of the layers that are there."""
    panel.set(**{**DEFAULT, **values})
    line = np.asarray(panel.data["measured"])
    return line[np.isfinite(line)]


def lost(panel: panels.Panel, **values: object) -> float:
    """log10 of what layer 1 hears of the last layer's signal."""
    line = shown(panel, **values)
    return float(line[0] - line[-1])


def factor(panel: panels.Panel, **values: object) -> float:
    line = shown(panel, **values)
    return float(10 ** ((line[0] - line[-1]) / (len(line) - 1)))


# Predict, slide, measure ---------------------------------------------------------------------------------------------


def test_what_is_predicted_lies_on_the_scale() -> None:
    prediction = quiz.load_predictions()["03"]
    assert prediction.low < 9 * math.log10(0.1414) < prediction.high


def test_ten_layers_of_plain_torch_lose_what_theory_says() -> None:
    ratios = []
    for seed in range(5):
        torch.manual_seed(seed)
        layers = [module for _ in range(10) for module in (nn.Linear(64, 64), nn.Sigmoid())]
        h, states = torch.tensor(digits_split().train_inputs[:128], dtype=torch.float32), []
        for module in layers:
            h = module(h)
            states.append(h)
        logits = nn.Linear(64, 10)(h)
        loss = nn.functional.cross_entropy(logits, torch.tensor(digits_split().train_targets[:128]))
        gradients = [gradient.norm().item() for gradient in torch.autograd.grad(loss, states[1::2])]
        ratios.append((gradients[0] / gradients[-1]) ** (1 / 9))
    assert ratios == pytest.approx([0.1414] * 5, rel=0.05)
    too_large = (0.25 / 0.1414) ** 9
    assert too_large == pytest.approx(200, rel=0.2)


def test_sixty_and_a_hundred_layers(panel: panels.Panel) -> None:
    assert lost(panel) == pytest.approx(-50, abs=1)
    assert lost(panel, depth=100) == pytest.approx(-85, abs=1)
    assert factor(panel, depth=100) == pytest.approx(factor(panel), rel=0.02)
    bound = np.asarray(panel.data["0.25 per layer"])[:60]
    assert (shown(panel)[:59] < bound[:59]).all(), "it falls faster than 0.25 per layer"


def test_width_narrows_the_band_and_keeps_the_factor(panel: panels.Panel) -> None:
    spread = {}
    for width in (8, 256):
        assert factor(panel, width=width, seeds=16) == pytest.approx(0.14, abs=0.01)
        low, high = np.asarray(panel.data["spread over seeds"])[:, 0]
        spread[width] = high - low
    assert spread[8] > 2 > 1 > spread[256]


def test_near_gain_ten_the_line_is_level(panel: panels.Panel) -> None:
    xavier = {"scheme": "xavier_normal", "width": 256}
    assert factor(panel, **xavier, gain=10.0) == pytest.approx(1, abs=0.03)
    assert factor(panel, **LEVEL) == pytest.approx(1, abs=0.03)
    assert factor(panel, **xavier, gain=16.0) > 1.2
    assert factor(panel, **xavier, gain=4.0) == pytest.approx(0.63, abs=0.015)


def test_only_gains_at_which_the_line_is_level_count_as_critical(panel: panels.Panel) -> None:
    """Level: in theory the signal changes by less than a factor of two over the panel's 59 steps."""
    question = next(each for each in quiz.load_bank("03") if each.id == "03-critical-gain")
    gains = [gain for _, gain in panel.controls["gain"].options]
    right = {gain for gain in gains if quiz.grade(question, gain).correct}
    assert right == {gain for gain in gains if 0.5 < theory.per_layer_factor("sigmoid", gain**2) ** 59 < 2}
    assert right == {10.0, 10.149}


def test_presets_the_text_names_are_there(panel: panels.Panel) -> None:
    for name in panel.presets:
        short = "what it costs" if "costs" in name else name
        assert f"*{short}*" in prose() or name.startswith("gain"), name


def test_saturated_units_at_the_critical_gain(panel: panels.Panel) -> None:
    shown(panel, **LEVEL)
    saturated = np.asarray(panel.data["saturated units"])[:60]
    assert saturated[1:].mean() == pytest.approx(0.37, abs=0.02)
    assert saturated[1:] == pytest.approx(0.37, abs=0.06), "much the same in all layers"
    edge = 5.95  # where the slope falls below 1 % of 0.25
    slope = math.exp(-edge) / (1 + math.exp(-edge)) ** 2
    assert slope / 0.25 == pytest.approx(0.01, rel=0.05)
    shown(panel)
    assert np.nanmax(np.asarray(panel.data["saturated units"])[:60]) == 0


# Explain -------------------------------------------------------------------------------------------------------------


def test_the_default_by_hand() -> None:
    assert 0.25 / math.sqrt(3) == pytest.approx(0.144, abs=5e-4)
    plain = theory.per_layer_factor("sigmoid", 1 / 3)
    biased = theory.per_layer_factor("sigmoid", 1 / 3, 1 / (3 * 64))
    assert plain == pytest.approx(0.1414, abs=5e-5)
    assert abs(plain - biased) == pytest.approx(0.0002, abs=5e-5)
    assert theory.per_layer_factor("sigmoid", 1.0) == pytest.approx(0.236, abs=5e-4)


def test_the_price_of_the_critical_gain() -> None:
    gain = theory.critical_gain("sigmoid")
    assert gain == pytest.approx(10.149, abs=5e-4)
    spread = math.sqrt(theory.variance_fixed_point("sigmoid", gain**2))
    assert math.erfc(6 / spread / math.sqrt(2)) == pytest.approx(0.37, abs=0.005)
    slope = math.exp(-6) / (1 + math.exp(-6)) ** 2
    assert slope / 0.25 == pytest.approx(0.01, abs=5e-4), "the one definition of saturated"


def test_a_quarter_of_the_units_supplies_nine_tenths_of_the_mean_square_slope() -> None:
    z = theory.variance_fixed_point("sigmoid", theory.critical_gain("sigmoid") ** 2) ** 0.5 * np.linspace(-9, 9, 9001)
    bell = np.exp(-(np.linspace(-9, 9, 9001) ** 2) / 2)
    near, squares = np.abs(z) < 2, bell * sigmoid_slope(z) ** 2
    assert bell[near].sum() / bell.sum() == pytest.approx(0.25, abs=0.03)
    assert squares[near].sum() / squares.sum() > 0.9


def test_saturated_has_one_definition_in_the_lesson() -> None:
    assert prose().count("**saturated**") == 1 and "55 %" not in prose()
    assert not any("55 %" in answer.feedback for question in quiz.load_bank("03") for answer in question.answers)


def test_why_the_gain_wins() -> None:
    """For large gains chi approaches gain / (6 sqrt(pi)): only a strip of units around 0 is steep."""
    s = np.linspace(0, 1, 100_001)
    assert np.mean(s * (1 - s)) == pytest.approx(1 / 6, rel=1e-4)
    assert 6 * math.sqrt(math.pi) == pytest.approx(10.6, abs=0.05)
    for gain in (100.0, 400.0):
        assert theory.per_layer_factor("sigmoid", gain**2) ** 2 == pytest.approx(
            gain / 6 / math.sqrt(math.pi), rel=0.02
        )
        assert theory.variance_fixed_point("sigmoid", gain**2) == pytest.approx(gain**2 / 2, rel=0.02)


# Train ---------------------------------------------------------------------------------------------------------------


def test_the_distance_of_the_cosine_from_1_falls_by_chi_per_layer() -> None:
    similar = gradient_profile(NetworkSpec(depth=10, init="pytorch_default")).similarity.mean(axis=0)
    apart = 1 - similar[:5]
    assert apart[1:] / apart[:-1] == pytest.approx([1 / 50] * 4, rel=0.1)
    assert apart[2] == pytest.approx(2e-5, rel=0.3) and apart[4] == pytest.approx(1e-8, rel=0.1)


def test_digits_look_alike_to_the_tenth_layer() -> None:
    for init, decimals in (("pytorch_default", 1e-12), ("xavier_normal", 1e-7)):
        profile = gradient_profile(NetworkSpec(depth=10, init=init))
        assert (1 - profile.similarity[:, 9] < decimals).all()


@pytest.mark.slow
def test_adams_epsilon_explains_the_small_step_and_not_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLP(NetworkSpec(depth=10, init="pytorch_default"), inputs=64, classes=10)
    monkeypatch.setitem(training.OPTIMIZERS, "adam", partial(torch.optim.Adam, eps=1e-16))
    history = training.train(
        model, digits_split(), steps=1000, learning_rate=0.01, optimizer="adam", records=1, progress=False
    )
    assert history.movement[-1, 0] == pytest.approx(1.8, abs=0.3) and history.accuracy[-1] < 0.15


def test_noise_on_a_digit_grows_beside_the_difference_of_digits_where_units_are_saturated() -> None:
    inputs = digits_split().train_inputs
    sizes = np.sqrt(np.mean(inputs[:40] ** 2, axis=1))[:, None, None]
    noisy = inputs[:40, None] + 0.1 * sizes * np.random.default_rng(0).standard_normal((40, 32, 64))
    share = {}
    for gain in (4, 10.149):
        near, far = 0.0, 0.0
        for seed in range(4):
            model = MLP(NetworkSpec(10, gain=gain), inputs=64, classes=10, seed=seed, dtype=torch.float64)
            each = model.hidden(torch.tensor(noisy.reshape(-1, 64)))[9].detach().numpy().reshape(40, 32, 64)
            others = model.hidden(torch.tensor(inputs[:64]))[9].detach().numpy()
            near, far = near + each.var(axis=1).mean(), far + others.var(axis=0).mean()
        share[gain] = near / far
    assert share[4] == pytest.approx(0.02, abs=0.005) and share[10.149] == pytest.approx(0.2, abs=0.05)
    assert noisy.var(axis=1).mean() / inputs[:64].var(axis=0).mean() == pytest.approx(0.01, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "moved"), [(torch.float32, 3e-8), (torch.float64, 4e-7)])
def test_float32_rounds_most_updates_of_the_first_layer_away(dtype: torch.dtype, moved: float) -> None:
    model = MLP(NetworkSpec(depth=10, init="pytorch_default"), inputs=64, classes=10, dtype=dtype)
    history = training.train(model, digits_split(), steps=1500, learning_rate=0.5, records=1, progress=False)
    assert history.movement[-1, 0] == pytest.approx(moved, rel=0.3)
    assert history.movement[-1, 9] == pytest.approx(0.75, abs=0.05)


def test_gradients_of_the_first_weights_lie_below_adams_epsilon() -> None:
    sizes = {}
    for depth in (5, 10):
        profile = gradient_profile(NetworkSpec(depth=depth, init="pytorch_default"))
        sizes[depth] = float(np.mean(profile.weight_gradient[:, 0])) / 64  # root mean square over 64 × 64 weights
    assert math.log10(sizes[10]) == pytest.approx(-10, abs=0.5)
    epsilon = torch.optim.Adam([torch.zeros(1)]).defaults["eps"]
    assert sizes[10] < 0.1 * epsilon < 10 * epsilon < sizes[5]


# Exercises -----------------------------------------------------------------------------------------------------------


def factor_with(
    activation: Curve, slope: Curve, gain: float, *, start: float = 1.0, rounds: int = 200, wrong: str = ""
) -> float:
    """The right answer to `predict_factor`, with one slip."""
    x = np.linspace(-9, 9, 3001)
    bell = np.exp(-(x**2) / 2) / np.exp(-(x**2) / 2).sum()
    q = start
    for _ in range(rounds):
        values = activation(np.sqrt(q) * x)
        q = gain**2 * ((bell @ values**2) - ((bell @ values) ** 2 if wrong == "variance" else 0))
    if wrong == "gain squared":
        q = gain**2
    slopes = slope((q if wrong == "q for its root" else np.sqrt(q)) * x)
    if wrong == "largest":
        return float(gain * slope(np.zeros(1))[0])
    if wrong == "mean":
        return float(gain * (bell @ slopes))
    chi = gain**2 * (bell @ slopes**2)
    return float({"chi": chi, "no gain": np.sqrt(chi) / gain, "gain twice": np.sqrt(chi) * gain}.get(wrong, chi**0.5))


def test_the_factor_of_any_activation_is_accepted() -> None:
    verdict = check_exercise("predict_factor", factor_with)
    assert verdict.correct and "sigmoid at gain 4" in verdict.message, verdict.message


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ({"wrong": "largest"}, "the largest one"),
        ({"wrong": "chi"}, "squared norm"),
        ({"wrong": "no gain"}, "weights are missing"),
        ({"wrong": "gain twice"}, "you have it twice"),
        ({"rounds": 0}, "variance 1 for the pre-activations"),
        ({"wrong": "gain squared"}, "uses gain² as the variance"),
        ({"rounds": 1}, "applies the equation for the variance once"),
        ({"wrong": "variance"}, "Their mean square is needed"),
        ({"wrong": "mean"}, "mean slope"),
        ({"wrong": "q for its root"}, "standard deviation is √q"),
        ({"start": 0.0}, "Start from 1"),
    ],
)
def test_a_mistake_about_the_factor_is_named(slip: dict[str, Any], words: str) -> None:
    verdict = check_exercise("predict_factor", partial(factor_with, **slip))
    assert verdict.status == "wrong" and words in verdict.message, verdict.message


def test_the_librarys_factor_of_a_sigmoid_is_no_answer() -> None:
    verdict = check_exercise("predict_factor", lambda f, s, gain: theory.per_layer_factor("sigmoid", gain**2))
    assert verdict.status == "wrong" and "predict_factor(slow_sigmoid, slow_sigmoid_slope, 5)" in verdict.message


def test_the_factor_of_the_exercise_is_that_of_theory() -> None:
    for gain in (1.0, 4.0, 10.149):
        assert lesson_03.factor(sigmoid, sigmoid_slope, gain) == pytest.approx(
            theory.per_layer_factor("sigmoid", gain**2), rel=1e-4
        )
    z = np.linspace(-5, 5, 101)
    slope = (lesson_03.slow_sigmoid(z + 1e-6) - lesson_03.slow_sigmoid(z - 1e-6)) / 2e-6
    assert lesson_03.slow_sigmoid_slope(z) == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize(
    ("gain", "status", "words"),
    [
        (9.52, "right", "by 1.000"),
        (9.39, "right", "by 0.99"),
        ("9,5", "right", "by 0.999"),
        (8, "wrong", "Go higher"),
        (12, "wrong", "Go lower"),
        (10.149, "wrong", "gain of the sigmoid"),
        (5.07, "wrong", "doesn't halve"),
        (2, "wrong", "which is ½"),
        (4, "wrong", "square of the largest slope"),
        (90.6, "wrong", "square of the gain"),
        (4.19, "wrong", "variance 1 for the pre-activations"),
        (14.98, "wrong", "gain² as the variance"),
        (2.04, "wrong", "variance of the activations"),
        (8.31, "wrong", "equation for the variance of z once"),
        (-1, "wrong", "positive"),
        (1e9, "wrong", "between 1 and 20"),
    ],
)
def test_wrong_gains_are_told_apart(gain: object, status: str, words: str) -> None:
    verdict = check_exercise("critical_gain", gain)
    assert verdict.status == status and words in verdict.message, verdict.message


def test_no_answer_to_an_exercise_is_printed() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) + json.dumps(cell.get("outputs", [])) for cell in cells)
    assert f"{lesson_03.critical_gain():.1f}" not in text


def test_size_of_the_training_part() -> None:
    assert len(digits_split().train_inputs) == 1348


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("03") for answer in question.answers if answer.try_state]
    assert states
    for state in states:
        panel.set(**state)
        assert {name: panel.controls[name].value for name in state} == pytest.approx(state)


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Measure it", "Move the", "move the", "Run the", "panel", "plot say")
    bank = quiz.load_bank("03")
    assert len(bank) >= 10
    assert 3 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def test_smallest_depth_that_loses_twenty_powers_of_ten(panel: panels.Panel) -> None:
    assert lost(panel, depth=24) > -20 > lost(panel, depth=25)
    assert -math.log10(0.1414) == pytest.approx(0.85, abs=0.005)


def test_twice_as_deep_squares_what_is_left(panel: panels.Panel) -> None:
    thirty, fifty_nine = lost(panel, depth=30), lost(panel, depth=59)
    assert thirty == pytest.approx(-25, abs=0.5)
    assert fifty_nine == pytest.approx(2 * thirty, abs=0.5)


def test_standard_normal_crosses_from_vanishing_to_exploding(panel: panels.Panel) -> None:
    assert factor(panel, scheme="standard_normal") == pytest.approx(0.88, abs=0.015)
    assert factor(panel, scheme="standard_normal", width=256) > 1.2


def test_what_is_left_of_the_signal_after_nine_layers() -> None:
    assert theory.per_layer_factor("sigmoid", 1.0) ** 9 == pytest.approx(2e-6, rel=0.2)
    assert theory.per_layer_factor("sigmoid", 16.0) ** 9 == pytest.approx(0.016, rel=0.05)
