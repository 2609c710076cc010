"""Lesson 01: every number that its prose states, and its timeline."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch

from helpers import figures, panels, quiz, theory
from helpers.datasets import classification_batch, digits, digits_split
from helpers.exercises.lesson_01 import float32_zero_depth
from helpers.models import MLP
from helpers.network import NetworkSpec
from helpers.training import train
from tests.lessons import prose_of

prose = partial(prose_of, "01")
YEAR = 31557600.0


def sigmoid(z: float | np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(z, dtype=np.float64)))


def free_chain(weight: float, neurons: int) -> tuple[float, float]:
    """Place of the last neuron, and log10 of what the first hears, in a chain without biases that begins at 0."""
    z, log10 = 0.0, 0.0
    for _ in range(neurons - 1):
        z = weight * float(sigmoid(z))
        log10 += math.log10(weight * float(sigmoid(z) * (1 - sigmoid(z))))
    return z, log10


# Measure and explain -------------------------------------------------------------------------------------------------


def test_twenty_neurons_of_weight_one() -> None:
    chain = theory.chain_gradient("sigmoid", 20)
    assert f"{chain[19]:.1e}" == "3.6e-12" and chain[19] == 0.25**19
    assert f"{chain[20]:.1e}" == "9.1e-13"
    assert math.log10(0.25) == pytest.approx(-0.60, abs=0.005)
    assert math.log10(chain[10]) == pytest.approx(-6, abs=0.05), "six powers of ten every ten neurons"


def test_steps_to_move_the_first_weight() -> None:
    steps = {n: theory.steps_to_move(theory.chain_gradient("sigmoid", n)[-1]) for n in (4, 20, 40)}
    assert round(steps[4]) == 26
    assert f"{steps[20]:.1e}" == "1.1e+11"
    assert steps[20] / 1000 / YEAR == pytest.approx(3.5, abs=0.05)
    assert steps[40] / 1000 / (13.8e9 * YEAR) == pytest.approx(280, abs=5)


def test_the_free_chain_at_rest_passes_on_at_most_0_278() -> None:
    z = np.linspace(0, 10, 10001)
    factor = z / (1 + np.exp(z))
    best = z[factor.argmax()]
    assert factor.max() == pytest.approx(0.278, abs=5e-4) and factor.max() < 0.28
    assert best == pytest.approx(1.28, abs=0.005) and best / sigmoid(best) == pytest.approx(1.63, abs=0.005)
    for weight in np.geomspace(0.1, 10, 41):
        longer, shorter = free_chain(weight, 400)[1], free_chain(weight, 399)[1]
        assert longer - shorter <= math.log10(0.2785), f"weight {weight}"


def test_the_same_weight_explodes_when_held_and_vanishes_when_free() -> None:
    panel = panels.definition()
    panel.set(**panel.presets["weight 6 at zero: explosion"])
    assert panel.data["measured"][0] == pytest.approx(39 * math.log10(1.5)) and panel.data["measured"][0] > 6
    assert pytest.approx(7e6, rel=0.1) == 1.5**39, "seven million"
    panel.set(**panel.presets["weight 6, zero bias"])
    assert panel.data["measured"][0] == pytest.approx(free_chain(6.0, 40)[1])
    assert panel.data["measured"][0] < -69


def test_what_the_teacher_is_told_of_the_four_experiments() -> None:
    panel = panels.definition()
    panel.set(**panel.presets["ten times deeper"])
    assert panel.data["measured"][0] == pytest.approx(math.log10(3e-24), abs=0.05)
    assert free_chain(6.0, 40)[0] == pytest.approx(6, abs=0.05)
    left = {weight: free_chain(weight, 40)[1] for weight in np.arange(0.5, 6.05, 0.1)}
    assert max(left, key=lambda weight: left[weight]) == pytest.approx(1.7, abs=0.01)
    assert [f"{10 ** free_chain(weight, 40)[1]:.0e}" for weight in (1.6, 1.7)] == ["3e-22", "3e-22"]
    settled = [10 ** (free_chain(weight, 60)[1] - free_chain(weight, 59)[1]) for weight in (1.6, 1.7)]
    assert settled == pytest.approx([0.278, 0.278], abs=5e-4)


def test_a_small_step_off_the_knifes_edge() -> None:
    panel = panels.definition()
    panel.set(**panel.presets["weight 4 at zero: the knife's edge"])
    for weight, stated in ((3.9, 0.37), (4.1, 2.6)):
        panel.set(weight=weight)
        assert 10 ** panel.data["measured"][0] == pytest.approx(stated, abs=0.05 * stated)


def test_the_sentence_of_the_panel_compares_neurons_only_where_there_are_two() -> None:
    panel = panels.definition()
    panel.set(depth=1)
    assert panel.summary.startswith("There is only one neuron.")
    panel.set(depth=2, weight=4.0)
    assert panel.summary.startswith("The first neuron receives as much as the last one does.")


def test_what_is_said_of_explosion_and_of_the_learning_rate() -> None:
    assert pytest.approx(2e6, rel=0.1) == 1.5**39 * 0.25, "the gradient of the first weight"
    assert f"{0.25**39:.0e}" == "3e-24"


def test_saturated_at_four() -> None:
    slope = float(sigmoid(4) * (1 - sigmoid(4)))
    assert slope == pytest.approx(0.018, abs=5e-4) and 4 * slope == pytest.approx(0.071, abs=5e-4)
    assert 0.25 / slope == pytest.approx(14, abs=0.3)


def test_presets_of_the_panel_are_the_ones_the_text_names() -> None:
    text = prose()
    for name in panels.definition().presets:
        assert f"*{name}*" in text, name


def test_what_is_predicted_is_what_the_panel_and_the_cell_measure() -> None:
    panel = panels.definition()
    panel.set(depth=20, weight=1.0, preactivation=0.0, activation="sigmoid", bias="held")
    assert 10 ** panel.data["measured"][0] == pytest.approx(0.25**19)
    assert quiz.load_predictions()["01"].low < math.log10(0.25**19) < quiz.load_predictions()["01"].high


def test_where_float32_ends() -> None:
    """2^-149 is the smallest float32; a product of quarters reaches it between 2^-148 and 0."""
    assert float32_zero_depth() == 75 > 63
    assert np.float32(2.0**-149) > 0 == np.float32(2.0**-150)
    assert np.finfo(np.float32).tiny == 0.25**63, "full precision for 63 factors"
    assert np.float32(0.25**74) > 0 == np.float32(0.25**75), "0 from 76 neurons on"


# Train ---------------------------------------------------------------------------------------------------------------


def steps_to_learn(depth: int, limit: int, rate: float = 4.0) -> tuple[int, float, float]:
    """Steps until the error is below 0.05, the error and the spread of the answers: the lesson's chain, by hand."""
    return train_by_hand(depth, limit, rate)[:3]


def train_by_hand(depth: int, limit: int, rate: float = 4.0) -> tuple[int, float, float, list[float], list[float]]:
    """`steps_to_learn`, and of the last step the gradients of the weights and the norms of the signals, by neuron."""
    chosen = digits().labels < 2
    ink = digits().images[chosen, 3:5, 3:5].mean(axis=(1, 2))
    ink, target = (ink - ink.mean()) / ink.std(), digits().labels[chosen].astype(float)
    weights, biases = np.ones(depth), np.zeros(depth)
    gradients, signals = np.zeros(depth), np.zeros(depth)
    for step in range(limit + 1):
        states = [ink]
        for weight, bias in zip(weights, biases, strict=True):
            states.append(sigmoid(weight * states[-1] + bias))
        error = float(np.mean((states[-1] - target) ** 2))
        if error < 0.05 or step == limit:
            break
        delta = 2 * (states[-1] - target) / len(ink)
        for layer in range(depth - 1, -1, -1):
            signals[layer] = np.linalg.norm(delta)
            delta = delta * states[layer + 1] * (1 - states[layer + 1])
            gradient = float(delta @ states[layer]), float(delta.sum())
            gradients[layer] = gradient[0]
            delta = delta * weights[layer]
            weights[layer] -= rate * gradient[0]
            biases[layer] -= rate * gradient[1]
    return step, error, float(states[-1].std()), list(gradients), list(signals)


@pytest.mark.parametrize(("depth", "steps"), [(1, 2), (2, 22), (5, 252), (6, 792), (7, 2778), (8, 10332)])
def test_each_further_neuron_costs_more_steps(depth: int, steps: int) -> None:
    taken, error, spread = steps_to_learn(depth, 20_000)
    assert error < 0.05 and spread > 0.3
    assert taken == pytest.approx(steps, rel=0.001, abs=0)


def test_from_five_neurons_on_the_bill_is_multiplied_by_three_to_four() -> None:
    bills = [252, 792, 2778, 10332]
    assert all(3 < later / earlier < 4 for earlier, later in zip(bills, bills[1:], strict=False))


def test_eight_neurons_stall_at_one_half() -> None:
    _, error, spread = steps_to_learn(8, 1000)
    assert error == pytest.approx(0.250, abs=5e-4) and spread < 1e-5


def test_weights_do_not_tell_a_stalled_chain_from_a_trained_one_and_signals_do() -> None:
    *_, gradients, signals = train_by_hand(8, 101)
    assert (min(gradients), max(gradients)) == pytest.approx((-5.1e-6, -3.8e-6), rel=0.02, abs=0)
    assert (signals[0], signals[-1]) == pytest.approx((1.3e-6, 5.3e-2), rel=0.03, abs=0)


@pytest.mark.parametrize("rate", [2.0, 10.0])
def test_another_learning_rate_keeps_the_pattern(rate: float) -> None:
    bills = [steps_to_learn(depth, 1000, rate)[0] for depth in (1, 2, 4, 8)]
    assert bills == sorted(bills) and bills[0] < bills[1] < bills[2] < bills[3] == 1000


# Myths ---------------------------------------------------------------------------------------------------------------


def first_gradient(depth: int, dtype: torch.dtype) -> float:
    inputs, labels = classification_batch("digits", 128)
    network = MLP(NetworkSpec(depth=depth, init="pytorch_default"), 64, 10, dtype=dtype)
    logits = network(torch.as_tensor(inputs).to(dtype))
    torch.nn.functional.cross_entropy(logits, torch.as_tensor(labels)).backward()
    gradient = next(network.parameters()).grad  # of the first weight matrix
    assert gradient is not None
    return float(gradient.double().norm())


def test_float32_is_right_long_after_training_has_ended() -> None:
    assert f"{first_gradient(10, torch.float64):.0e}" == "5e-09"
    single, double = first_gradient(45, torch.float32), first_gradient(45, torch.float64)
    assert math.floor(math.log10(double)) == -39 and single == pytest.approx(double, rel=1e-3)
    assert first_gradient(60, torch.float32) == 0 < first_gradient(60, torch.float64)


def test_ten_layers_stay_at_chance_in_either_format_and_float32_swallows_the_step() -> None:
    moved = {}
    for dtype in (torch.float32, torch.float64):
        network = MLP(NetworkSpec(depth=10, init="pytorch_default"), 64, 10, dtype=dtype)
        history = train(network, digits_split(), steps=300, learning_rate=1.0, records=3, progress=False)
        assert history.accuracy[-1] < 0.2
        assert history.movement[-1, 8] > 0.1
        moved[dtype] = history.movement[-1, 0]
    assert 0 < moved[torch.float32] < 0.5 * moved[torch.float64] < 1e-6


# Timeline ------------------------------------------------------------------------------------------------------------


def test_milestones_are_in_order_from_1986_to_2020() -> None:
    years = [milestone.year for milestone in figures.MILESTONES]
    assert years == sorted(years) and (years[0], years[-1]) == (1986, 2020)
    assert len({milestone.label for milestone in figures.MILESTONES}) == len(years)
    for milestone in figures.MILESTONES:
        assert milestone.sentence.endswith(".") and milestone.sentence.replace("et al. ", "").count(". ") == 0, (
            milestone.label
        )


def test_the_problem_is_older_than_2010_and_younger_than_backpropagation() -> None:
    described = [m.year for m in figures.MILESTONES if m.kind == "problem"]
    assert described[:3] == [1991, 1994, 2009]


@pytest.mark.parametrize("plot_width", [560, 1060])
def test_labels_of_the_timeline_neither_collide_nor_leave_the_plot(plot_width: int) -> None:
    """Each label has a row of its own, higher than its letters, and room on its side of the marker.

    560 and 1060 px are what a page 800 and 1280 px wide leaves; a letter of DejaVu Sans is 0.53 of its size on average.
    """
    figure = figures.timeline()
    low, high = figure.layout.xaxis.range
    margin = figure.layout.margin
    bottom, top = figure.layout.yaxis.range
    row_height = (figure.layout.height - margin.t - margin.b) / (bottom - top)
    rows = [row for trace in figure.data for row in trace.y]
    assert sorted(rows) == list(range(len(figures.MILESTONES)))
    for trace in figure.data:
        assert row_height > 1.5 * trace.textfont.size
        for year, label, place in zip(trace.x, trace.text, trace.textposition, strict=True):
            room = (high - year if place == "middle right" else year - low) / (high - low) * plot_width
            assert 0.53 * trace.textfont.size * len(label) < room, label


def test_every_marker_of_the_timeline_has_its_sentence() -> None:
    shown = " ".join(text.replace("<br>", " ") for trace in figures.timeline().data for text in trace.customdata)
    assert all(milestone.sentence in shown for milestone in figures.MILESTONES)
    symbols = {trace.marker.symbol for trace in figures.timeline().data}
    assert len(symbols) == 3, "colour is not the only thing that tells the kinds apart"
