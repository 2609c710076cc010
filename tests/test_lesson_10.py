"""Lesson 10: every number that its prose and its quiz state, and the physics of its panels."""

from __future__ import annotations

import math
import re
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from helpers import clipping, panels, quiz, theory
from helpers.datasets import digits_split
from helpers.models import MLP
from helpers.network import NetworkSpec
from helpers.training import History, train
from tests.lessons import prose_of

prose = partial(prose_of, "10")
NETWORKS = ("recurrent", "layers")
RULES = ("norm", "value")


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.gradient_clipping()


@pytest.fixture(scope="module")
def cliff() -> panels.Panel:
    return panels.cliff()


def shown(panel: panels.Panel, **values: Any) -> dict[str, np.ndarray]:
    """The lines, log10, without what pads them; the recurrent network's first step adds nothing and is left out."""
    panel.set(**{**panel.presets["an exploding RNN"], **values})
    lines = {name: np.asarray(panel.data[name]) for name in ("before", "after", "after / before")}
    known = np.isfinite(lines["before"])
    return {name: line[known] for name, line in lines.items()}


def first_over_last(line: np.ndarray) -> float:
    return float(line[0] - line[-1])


# The first panel -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("radius", [0.5, 1.0, 2.0, 3.0, 4.0])
def test_by_norm_the_shape_never_changes(panel: panels.Panel, network: str, radius: float) -> None:
    for threshold in (0.001, 0.1, 1.0, 100.0):
        lines = shown(panel, network=network, radius=radius, threshold=threshold)
        assert np.ptp(lines["after / before"]) < 1e-10
        assert first_over_last(lines["after"]) == pytest.approx(first_over_last(lines["before"]), abs=1e-10)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_ever_made_larger(panel: panels.Panel, network: str, rule: str) -> None:
    for radius in (0.5, 1.5, 4.0):
        for threshold in (0.001, 0.1, 10.0):
            lines = shown(panel, network=network, radius=radius, threshold=threshold, rule=rule)
            assert (lines["after"] <= lines["before"] + 1e-12).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_clipped_gradient_is_as_long_as_the_threshold(panel: panels.Panel, network: str) -> None:
    for threshold in (0.001, 1.0, 100.0):
        parts, whole = clipping.gradient_parts(network, 50, 3.0)
        clipped = whole * clipping.norm_factors(whole, threshold)
        assert np.linalg.norm(clipped, axis=(1, 2)) == pytest.approx(threshold)
        assert np.abs(whole * clipping.value_factors(whole, threshold)).max() == pytest.approx(threshold)


def test_the_radius_moves_from_vanishing_to_exploding(panel: panels.Panel) -> None:
    for network in NETWORKS:
        losses = [first_over_last(shown(panel, network=network, radius=r)["before"]) for r in (0.5, 1.0, 2.0, 3.0, 4.0)]
        assert losses == sorted(losses)
        assert losses[0] < -14 and losses[1] < -1 and losses[3] > 3


def test_the_slopes_of_tanh_need_a_radius_above_one(panel: panels.Panel) -> None:
    """Threshold 10 is first reached between 1.1 and 1.3."""
    for radius in (0.5, 0.7, 0.9, 1.0, 1.1):
        assert (shown(panel, radius=radius, threshold=10.0)["after / before"] == 0).all(), radius
    for radius in (1.3, 1.5, 2.0, 3.0, 4.0):
        assert (shown(panel, radius=radius, threshold=10.0)["after / before"] < 0).all(), radius


def test_by_value_exploding_layers_become_level_and_the_direction_changes(panel: panels.Panel) -> None:
    lines = shown(panel, network="layers", rule="value", threshold=0.01)
    assert first_over_last(lines["before"]) > 5
    assert abs(first_over_last(lines["after"])) < 0.1
    _, whole = clipping.gradient_parts("layers", 50, 3.0)
    cosines = clipping.cosine(whole, whole * clipping.value_factors(whole, 0.01))
    assert cosines.mean() == pytest.approx(0.2, abs=0.03)
    assert "the cosine between before and after is 0.2" in panel.summary


def test_numbers_of_the_quiz(panel: panels.Panel) -> None:
    assert first_over_last(shown(panel)["before"]) == pytest.approx(math.log10(7800), abs=0.02)
    layers = shown(panel, network="layers")
    assert 10 ** layers["after / before"].mean() == pytest.approx(1.9e-7, rel=0.05)
    low = shown(panel, network="layers", radius=0.5, threshold=0.001)
    assert 10 ** low["after / before"].mean() == pytest.approx(0.0024, rel=0.05)
    for radius, norm, within in ((0.5, 1.3, 0.05), (3.0, 44_000, 0.05)):
        _, whole = clipping.gradient_parts("recurrent", 50, radius)
        size = 10 ** np.log10(np.linalg.norm(whole, axis=(1, 2))).mean()
        assert size == pytest.approx(norm, rel=within)


def test_the_length_lengthens_the_fall(panel: panels.Panel) -> None:
    for network in NETWORKS:
        falls = [
            first_over_last(shown(panel, network=network, radius=0.5, length=n)["before"]) for n in (5, 20, 40, 60)
        ]
        assert falls == sorted(falls, reverse=True)


def test_buttons_that_text_and_quiz_name_are_there(panel: panels.Panel, cliff: panels.Panel) -> None:
    names = ["an exploding RNN", "a vanishing RNN", "exploding layers", "a smaller learning rate"]
    assert all(f"*{name}*" in prose() for name in names)
    asked = [question.text for question in quiz.load_bank("10") if "A guide says" not in question.text]
    names += [name for text in asked for name in re.findall("“([^”]+)”", text)]
    assert len(names) > 8
    buttons = [*panel.presets, *cliff.presets]
    assert set(names) <= set(buttons)


# The cliff -----------------------------------------------------------------------------------------------------------


def thrown(cliff: panels.Panel, preset: str) -> dict[str, np.ndarray]:
    cliff.set(**cliff.presets[preset])
    return {name: np.asarray(value) for name, value in cliff.data.items() if name != "summary"}


def longest(path: np.ndarray) -> float:
    return float(np.hypot(*np.diff(path)).max())


def test_without_clipping_the_path_leaves_the_valley_and_clipped_it_follows_it(cliff: panels.Panel) -> None:
    for preset in ("thrown off the cliff", "from above the cliff", "a smaller learning rate"):
        data = thrown(cliff, preset)
        assert data["loss without clipping"][-1] > 0.08, preset
        assert data["loss, clipped"][-10:].min() < 0.01, preset
        assert longest(data["clipped"]) < 0.11 < longest(data["without clipping"]), preset


def test_a_smaller_learning_rate_makes_a_longer_jump(cliff: panels.Panel) -> None:
    jumps, steepest = [], []
    for preset in ("thrown off the cliff", "a smaller learning rate"):
        jumps.append(longest(thrown(cliff, preset)["without clipping"]))
        path = clipping.descend(5, -2, learning_rate=cliff.controls["learning_rate"].value, updates=50)
        steepest.append(path.gradients.max())
    assert jumps == pytest.approx([5.0, 29.4], rel=0.02)
    assert steepest == pytest.approx([5.0, 165], rel=0.02)
    assert steepest[1] / steepest[0] == pytest.approx(30, rel=0.15)
    assert 6 * cliff.controls["learning_rate"].value == pytest.approx(1, rel=0.1)


def test_a_threshold_too_high_is_none(cliff: panels.Panel) -> None:
    data = thrown(cliff, "a threshold too high")
    np.testing.assert_array_equal(data["clipped"], data["without clipping"])


def test_on_the_plateau_there_is_nothing_to_clip(cliff: panels.Panel) -> None:
    data = thrown(cliff, "a gentle slope: nothing to clip")
    np.testing.assert_array_equal(data["clipped"], data["without clipping"])
    path = clipping.descend(7, -1, learning_rate=1, updates=50)
    assert path.gradients.max() == pytest.approx(0.003, abs=5e-4)
    assert path.losses[-1] == pytest.approx(0.09, abs=0.005)


def test_the_wall() -> None:
    assert math.pow(1.25, 50) == pytest.approx(70_000, rel=0.01)
    low, high = clipping.one_unit_loss(np.array(5.0), np.array([-2.62, -2.61]))
    assert low - high == pytest.approx(0.33, abs=0.005)


def test_the_map_takes_clicks_and_holds_the_surface(cliff: panels.Panel) -> None:
    heat = cliff.live.figure.data[0]
    assert heat.name == "loss" and cliff.live.spec["clicks"]
    weight, bias = heat.x[40], heat.y[60]
    assert heat.z[60][40] == pytest.approx(float(clipping.one_unit_loss(weight, bias)), abs=6e-4)


def test_paths_that_share_a_plot_differ_in_more_than_colour(cliff: panels.Panel, panel: panels.Panel) -> None:
    looks = {trace.name: (trace.line.dash, trace.marker.symbol) for trace in cliff.live.figure.data[1:]}
    assert looks["without clipping"] != looks["clipped"]
    dashes = {trace.name: trace.line.dash for trace in panel.live.figure.data}
    assert dashes["before"] != dashes["after"]


# Predict, measure ----------------------------------------------------------------------------------------------------


def test_what_is_predicted_lies_on_the_scale() -> None:
    prediction = quiz.load_predictions()["10"]
    assert prediction.low < -12 < prediction.high


def whole_norm(spec: NetworkSpec) -> tuple[float, list[float]]:
    model = MLP(spec, inputs=64, classes=10, dtype=torch.float64)
    data = digits_split()
    inputs, targets = torch.tensor(data.train_inputs[:128]), torch.tensor(data.train_targets[:128])
    nn.functional.cross_entropy(model(inputs), targets).backward()
    norms = [layer.weight.grad.norm().item() for layer in model.layers]
    return float(nn.utils.clip_grad_norm_(model.parameters(), math.inf)), norms


def test_sizes_in_the_measured_networks() -> None:
    whole, norms = whole_norm(NetworkSpec(depth=20, init="pytorch_default"))
    assert whole == pytest.approx(0.37, abs=0.005)
    assert math.log10(norms[0]) == pytest.approx(-17, abs=0.3)
    whole, _ = whole_norm(NetworkSpec(depth=30, activation="relu", init="lecun_normal", gain=3.0))
    assert math.log10(whole) == pytest.approx(11, abs=0.3)


# Train, myths --------------------------------------------------------------------------------------------------------


@cache
def trained(gain: float, rate: float, clip: float | None, steps: int) -> History:
    spec = NetworkSpec(depth=10, activation="relu", init="he_normal", gain=gain)
    model = MLP(spec, inputs=64, classes=10)
    return train(model, digits_split(), steps=steps, learning_rate=rate, clip=clip, records=1, progress=False)


def test_the_exploding_run_ends_at_once() -> None:
    history = trained(1.3, 0.1, None, 600)
    assert history.diverged and history.steps[-1] <= 6


@pytest.mark.slow
def test_the_initialization_or_a_lower_rate_can_do_without_clipping() -> None:
    assert trained(1.0, 0.1, None, 300).accuracy[-1] > 0.9
    assert trained(1.3, 0.03, None, 200).accuracy[-1] > 0.7


def test_the_vanishing_gradient_never_reaches_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 150 steps of the lesson's run the norm stays below 1; the notebook compares all 600."""
    seen: list[float] = []
    clip = nn.utils.clip_grad_norm_
    monkeypatch.setattr(nn.utils, "clip_grad_norm_", lambda p, c: seen.append(clip(p, c).item()))
    model = MLP(NetworkSpec(depth=10, init="pytorch_default"), inputs=64, classes=10)
    train(model, digits_split(), steps=150, learning_rate=0.1, clip=1.0, records=1, progress=False)
    assert len(seen) == 150 and max(seen) < 1


def test_epsilon_counts_at_the_small_end() -> None:
    assert abs(float(clipping.adam_first_step(np.array(1e-10), 1.0))) == pytest.approx(0.0099, rel=0.01)


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_of_the_normalizations_batch_norm_rescues_sigmoids() -> None:
    assert theory.normalized_factor("sigmoid") == pytest.approx(1.017, abs=1e-3)
    assert theory.normalized_factor("sigmoid", "layer") < 0.4
    question = next(each for each in quiz.load_bank("10") if each.id == "10-which-help")
    right = [answer.text for answer in question.answers if answer.correct]
    assert "Batch norm in each layer of a sigmoid network." in right
    assert quiz.grade(question, right).correct and not quiz.grade(question, right[:-1]).correct


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("10") for answer in question.answers if answer.try_state]
    assert states
    for state in states:
        panel.set(**state)
        for name, value in state.items():
            now = panel.controls[name].value
            assert now == (value if isinstance(value, str) else pytest.approx(value)), name


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Move the", "Press *", "Read it in the panel", "Run the", "Use the map", "In the panel")
    bank = quiz.load_bank("10")
    assert len(bank) >= 12
    assert 3 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)
