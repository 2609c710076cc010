"""Lesson 11: the patients and their cures, the panel, and every number that prose and quiz state."""

from __future__ import annotations

import ast
import copy
import json
import math
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from helpers import panels, patients, quiz, theory
from helpers.doctor import THRESHOLDS, Diagnosis, diagnose, watch
from helpers.panels.lesson_11 import UNKNOWN
from helpers.patients import WARD, Patient, ward
from helpers.training import History, train
from tests.tiers import first_slow

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "11_your_own_network.ipynb"
SEEDS = range(4)
LAST = {"steps": 300, "learning_rate": 0.1, "records": 30, "progress": False}


def cells(kind: str) -> dict[str, str]:
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in found if cell["cell_type"] == kind}


@cache
def patient(letter: str, seed: int = 0) -> Patient:
    return WARD[letter](seed)


@cache
def run(letter: str, seed: int, treated: bool) -> tuple[History, nn.Module]:
    model = patient(letter, seed).cured() if treated else copy.deepcopy(patient(letter, seed).model)
    return train(model, patient(letter, seed).data, seed=seed, **LAST), model


def examined(model: nn.Module, letter: str, seed: int = 0) -> Diagnosis:
    return diagnose(model, patient(letter, seed).loss_function, *patient(letter, seed).batch())


# The patients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("letter", WARD)
def test_the_doctor_names_the_illness_and_finds_the_cured_healthy(letter: str, seed: int) -> None:
    case = patient(letter, seed)
    diagnosis = diagnose(*case.case())
    assert diagnosis.verdict == case.illness
    assert [finding.verdict for finding in diagnosis.findings][1:] == (["vanishing"] if letter == "B" else [])
    assert examined(case.cured(), letter, seed).healthy


@pytest.mark.parametrize("seed", first_slow(range(3)))
@pytest.mark.parametrize("letter", WARD)
def test_as_it_came_it_does_not_learn_and_cured_it_does(letter: str, seed: int) -> None:
    assert run(letter, seed, False)[0].accuracy[-1] < 0.5
    assert run(letter, seed, True)[0].accuracy[-1] > 0.9


def test_every_illness_is_another_one_and_the_ward_is_made_from_a_seed() -> None:
    assert len({case.illness for case in ward().values()}) == len(WARD) == 6
    one, same, other = (ward(seed)["A"].model[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_making_patients_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    ward()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("letter", WARD)
def test_the_cure_is_one_line_that_mends_a_copy(letter: str) -> None:
    case = patient(letter)
    before = copy.deepcopy(case.model.state_dict())
    cured = case.cured()
    assert all(torch.equal(case.model.state_dict()[name], before[name]) for name in before)
    assert (
        repr(cured) != repr(case.model)
        or any(not torch.equal(weight, before[name]) for name, weight in cured.state_dict().items())
        or getattr(cured[0], "eps", None) == 1e-5
    )


def test_the_lines_of_the_notebook_are_the_cures() -> None:
    source = cells("code")["treatment"].splitlines()
    names: dict[str, Any] = {**vars(patients), "patients": ward(), "copy": copy, "nn": nn}
    exec("\n".join(source[:7]), names)
    inputs = patient("A").batch()[0]
    for letter, model in names["treated"].items():
        cured = patient(letter).cured()
        assert [type(part) for part in model] == [type(part) for part in cured]
        assert torch.equal(model(inputs), cured(inputs)), letter


def test_a_layer_that_is_cut_off_is_measured_as_one_that_hears_nothing() -> None:
    case = patient("E")
    history = train(copy.deepcopy(case.model), case.data, steps=5, learning_rate=0.1, records=1, progress=False)
    assert (history.gradient_norms[:, :2] == 0).all() and (history.gradient_norms[:, 2] > 0).all()


# What the bedside chart shows, and what is asked about it ------------------------------------------------------------


@pytest.mark.slow
def test_the_bedside_chart_shows_what_the_questions_say() -> None:
    came = {letter: run(letter, 0, False)[0] for letter in WARD}
    first = {letter: history.movement[-1, 0] for letter, history in came.items()}
    last = {letter: history.movement[-1, -1] for letter, history in came.items()}
    apart = abs(came["A"].loss[-1] - came["B"].loss[-1])
    assert 1e-4 < apart < 0.01  # the prediction, and the quiz: less than a hundredth
    prediction = quiz.load_predictions()["11"]
    assert prediction.low < math.log10(apart) < prediction.high
    for letter in "AB":
        assert came[letter].loss[-1] == pytest.approx(math.log(10), abs=0.02) and came[letter].accuracy[-1] < 0.15
    assert 0 < first["A"] < 1e-5 and last["A"] > 0.1
    assert first["B"] == last["B"] == 0
    assert came["C"].accuracy[-1] == pytest.approx(0.3, abs=0.08) and (came["C"].movement[-1] > 0.1).all()
    assert 1e5 < came["D"].loss[0] < 1e6 and came["D"].diverged and came["D"].steps[-1] < 10
    assert first["E"] == 0 and last["E"] == pytest.approx(1, abs=0.2)
    assert came["E"].loss[[0, -1]] == pytest.approx([2.9, 2.0], abs=0.2)
    assert math.isnan(came["F"].loss[0])


def test_every_patient_is_asked_for_and_its_illness_is_among_the_answers() -> None:
    predictions, shown = quiz.load_predictions(), cells("code").values()
    for letter, case in ward().items():
        asked = predictions[f"11-{letter.lower()}"]
        assert case.illness in asked.options and len(asked.options) == 8
        assert any(f'predict("{asked.id}")' in source for source in shown)
        assert any(f'compare("{asked.id}", diagnosis.verdict)' in source for source in shown)


def test_what_the_text_says_of_the_diagnoses() -> None:
    found = {letter: diagnose(*case.case()) for letter, case in ward().items()}
    assert found["A"].findings[0].evidence["first over last"] == pytest.approx(1e-6, rel=0.5)
    factor = theory.per_layer_factor("sigmoid", 1 / 3)
    assert factor == pytest.approx(0.14, abs=0.005)
    assert found["A"].findings[0].evidence["first over last"] == pytest.approx(factor**7, rel=0.6)
    assert found["B"].findings[0].evidence["layers"] == 7
    relus = [layer for layer in found["B"].layers if layer.type == "ReLU"]
    assert all(layer.dead == 1 for layer in relus[2:]) and relus[0].dead < 0.9
    linear, tanh = found["C"].layers[:2]
    assert linear.activation_std == pytest.approx(100, rel=0.2) and tanh.saturated > 0.95
    signals = [layer.signal_norm for layer in found["C"].layers if layer.type == "Linear"][1:]
    assert max(signals) / min(signals) < 3
    growth = [layer.signal_norm for layer in found["D"].layers if layer.type == "Linear"][:-1]
    assert growth[0] / growth[-1] == pytest.approx(2e4, rel=0.5)  # "a factor of twenty thousand"
    assert (growth[0] / growth[-1]) ** (1 / (len(growth) - 1)) == pytest.approx(3, rel=0.1)
    assert "Standardize" in found["F"].findings[0].summary
    assert found["F"].findings[0].evidence["layers with nan or infinity"] == 10


def test_a_layer_frozen_on_purpose_is_not_called_detached() -> None:
    model = copy.deepcopy(patient("E").model)
    for layer in list(model)[:4]:
        layer.requires_grad_(False)
    diagnosis = examined(model, "E")
    assert diagnosis.healthy and diagnosis.layers[0].status == "frozen"


def test_weights_a_hundred_times_smaller_help_the_saturated_too() -> None:
    model = copy.deepcopy(patient("C").model)
    with torch.no_grad():
        model.get_parameter("0.weight").div_(100)
    assert examined(model, "C").healthy
    norm = nn.Sequential(nn.BatchNorm1d(64, affine=False), *patient("C").model)
    assert examined(norm, "C").healthy
    cured, came = (sum(p.numel() for p in m.parameters()) for m in (patient("C").cured(), patient("C").model))
    assert cured - came == 128 and round(came, -3) == 17_000


def test_shuffled_targets_are_as_healthy() -> None:
    model, loss, inputs, targets = patient("C").cured(), *patient("C").case()[1:]
    shuffled = targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))]
    assert diagnose(model, loss, inputs, shuffled).healthy


@pytest.mark.slow
def test_a_trained_network_has_a_small_gradient_and_no_vanishing_one() -> None:
    history, model = run("B", 0, True)
    norms = np.linalg.norm(history.gradient_norms, axis=1)
    assert norms[-1] < norms[0] / 30
    assert history.gradient_norms[-1].max() / history.gradient_norms[-1].min() < 30
    assert examined(model, "B").healthy


@pytest.mark.slow
def test_no_learning_rate_helps_the_vanishing() -> None:
    for rate in (0.01, 1.0, 10.0):
        model = copy.deepcopy(patient("A").model)
        history = train(model, patient("A").data, steps=300, learning_rate=rate, records=1, progress=False)
        assert history.accuracy[-1] < 0.25, rate


def test_the_heat_map_of_the_vanishing_does_not_brighten() -> None:
    model = copy.deepcopy(patient("A").model)
    with watch(model, every=20, show=False) as monitor:
        train(model, patient("A").data, steps=60, learning_rate=0.1, records=1, progress=False)
    norms = np.log10(monitor.history.gradient_norm)
    assert (np.diff(norms, axis=1) > 0).all()  # from layer to layer it rises
    assert np.ptp(norms, axis=0).max() < 0.7 < np.ptp(norms, axis=1).min()  # with the steps it stays


def late_run(rate: float, seed: int = 0) -> tuple[Diagnosis, Diagnosis, Any, float]:
    case = patients.late_patient(seed)
    model = copy.deepcopy(case.model)
    with watch(model, every=5, show=False) as monitor:
        history = train(
            model, case.data, steps=200, learning_rate=rate, optimizer="adam", records=1, progress=False, seed=seed
        )
    return diagnose(*case.case()), diagnose(model, *case.case()[1:]), monitor.diagnosis, history.accuracy[-1]


@pytest.mark.parametrize("seed", [0, *first_slow([1, 2])])
def test_the_late_patient_is_healthy_at_first_and_dead_after_a_few_steps(seed: int) -> None:
    first, last, trained, accuracy = late_run(0.3, seed)
    assert first.healthy and last.verdict == "dead" and accuracy < 0.2
    cause, effect = trained.findings[:2]
    assert (cause.verdict, cause.began, effect.verdict) == ("update too large", 0, "dead") and effect.began <= 10
    assert pytest.approx(0.18, abs=0.005) == (2 / 64) ** 0.5
    assert pytest.approx(1.7, abs=0.05) == 0.3 / (2 / 64) ** 0.5
    assert cause.evidence["update over weight"] == pytest.approx(1.7, abs=0.05)


def test_the_late_patient_learns_at_a_smaller_rate() -> None:
    _, last, trained, accuracy = late_run(0.003)
    assert trained.healthy and accuracy > 0.9


@pytest.mark.slow
def test_what_an_alarm_is_worth() -> None:
    names: dict[str, Any] = {**vars(patients), "np": np, "nn": nn, "diagnose": diagnose, "watch": watch, "train": train}
    names |= {"late": patients.late_patient(), "sgd": {"steps": 300, "records": 30, "learning_rate": 0.1}}
    for cell in ("alarm-one", "alarm-count"):
        exec(cells("code")[cell], names)
    before, after, learns = names["answers"].T
    assert len(learns) == 24 and learns.sum() == 16  # "every third doesn't learn"
    assert (before & ~learns).sum() == (~before & ~learns).sum() == 4  # "half are missed"
    assert 1 <= (before & learns).sum() <= 3
    assert (after == ~learns).all()  # "Watching it finds them"


# The panel -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.unknown_network()


@pytest.mark.parametrize("number", UNKNOWN)
def test_every_unknown_network_can_be_found_with_the_sliders(panel: panels.Panel, number: int) -> None:
    panel.set(unknown=number, **UNKNOWN[number])
    for name in ("", ", flat"):
        np.testing.assert_array_equal(panel.data[f"unknown{name}"], panel.data[f"yours{name}"])
    assert panel.summary.startswith("They behave alike in every layer: found.")
    for name in panel.presets:
        if number != 6 or "He" not in name:
            panel.set(unknown=number, **panel.presets[name])
            assert "found." not in panel.summary, "a button gives the answer away"


def shown(panel: panels.Panel, number: int) -> tuple[np.ndarray, np.ndarray]:
    panel.set(unknown=number)
    return np.asarray(panel.data["unknown"]), np.asarray(panel.data["unknown, flat"])


def test_the_same_gradient_may_have_two_causes(panel: panels.Panel) -> None:
    (relu, dead), (tanh, saturated) = shown(panel, 2), shown(panel, 3)
    assert np.abs(relu - tanh).max() < 0.5
    assert dead[0] == 0 and dead[-1] > 0.4
    assert saturated.min() > 0.35 and saturated.max() < 0.45


def test_network_1_falls_by_a_factor_a_layer(panel: panels.Panel) -> None:
    signal, flat = shown(panel, 1)
    assert 10 ** (signal[0] - signal[-1]) == pytest.approx(5.0e-12, rel=0.02)
    assert 10 ** ((signal[0] - signal[-1]) / 29) == pytest.approx(0.408, abs=0.002)
    assert theory.per_layer_factor("sigmoid", 4.0) == pytest.approx(0.414, abs=0.001)
    assert flat.max() < 0.02


def test_batch_norm_hides_the_gain(panel: panels.Panel) -> None:
    falls = []
    for gain in (0.1, 0.5, 1.4, 3.0, 6.0):
        panel.set(unknown=5, activation="relu", gain=gain, bias=0.0, norm="batch")
        falls.append(panel.data["yours"][0] - panel.data["yours"][-1])
        assert panel.data["yours, flat"].max() < 0.02
    assert np.ptp(falls) < 0.15
    assert 10 ** (falls[0] / 29) == pytest.approx(1.24, abs=0.04)


def test_the_gain_lifts_the_line_with_batch_norm_as_a_whole(panel: panels.Panel) -> None:
    """Its height tells the gain of the output layer, which has no norm: only at the unknown one's do the lines meet."""
    lines, found = [], []
    for gain in (0.5, 1.4, 5.0):
        panel.set(unknown=5, activation="relu", gain=gain, bias=0.0, norm="batch")
        lines.append(np.asarray(panel.data["yours"]))
        found.append("found" in panel.summary)
    for lower, upper in pairwise(lines):
        assert (upper - lower).min() > 0.4 and np.ptp(upper - lower) < 0.15
    assert found == [True, False, False]
    question = next(each for each in quiz.load_bank("11") if each.id == "11-gain-and-norm")
    grades = {answer.text: quiz.grade(question, answer.text).correct for answer in question.answers}
    assert grades.pop("The fall from first to last layer stays the same.") and not any(grades.values())
    assert "The line gets steeper as the gain grows." in grades and not any("gain fits" in text for text in grades)


def test_the_ratios_that_the_quiz_quotes_are_the_doctors() -> None:
    question = next(each for each in quiz.load_bank("11") if each.id == "11-healthy")
    said = question.answers[-1].feedback
    assert "below 0.001 is seen, and at 0.02" in said
    assert THRESHOLDS["vanishing"].value == 0.001 and "trains at a ratio of 0.02" in THRESHOLDS["vanishing"].source


# Cells that the quiz names --------------------------------------------------------------------------------------------


NAMED = {
    "11-a-or-b": "symptoms-numbers",
    "11-trap": "explain-trap-numbers",
    "11-falls": "myth-loss",
    "11-first-nan": "diagnose-f",
    "11-small": "myth-small-experiment",
    "11-one-pass": "diagnose-f",
}
"""The cells that questions ask to run."""


@pytest.mark.parametrize("name", NAMED)
def test_a_question_says_where_a_folded_cell_is(name: str) -> None:
    question = next(each for each in quiz.load_bank("11") if each.id == name)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    folded = {cell["id"] for cell in notebook if "deeper" in cell["metadata"].get("tags", [])}
    assert ("under go deeper" in question.text.lower()) == (NAMED[name] in folded)


def test_only_a_negative_bias_silences_the_early_layers(panel: panels.Panel) -> None:
    silent = np.isnan(shown(panel, 4)[0])
    assert silent[0] and not silent[-1]
    ends = {}
    for bias in (1.0, 0.0, -1.5, -2.5):
        panel.set(unknown=4, activation="relu", gain=2.0, bias=bias, norm="none")
        ends[bias] = int(np.isnan(panel.data["yours"]).sum())
    assert ends[1.0] == ends[0.0] == 0 and ends[-2.5] == silent.sum() > 20


def test_the_healthy_one_is_level(panel: panels.Panel) -> None:
    signal, flat = shown(panel, 6)
    assert abs(signal[0] - signal[-1]) < 0.4 and flat.max() < 0.5


# Quiz and text -------------------------------------------------------------------------------------------------------


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    bank = quiz.load_bank("11")
    words = ("Use the panel", "Move the", "Run the", "Run its", "run the cell", "Run the cell")
    assert len(bank) >= 12
    assert 2 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def test_cells_and_lessons_that_are_named_exist() -> None:
    text = "\n".join(cells("markdown").values())
    assert set(re.findall(r"lessons? (\d\d)", text)) <= {f"{number:02}" for number in range(11)}
    for source in cells("code").values():
        ast.parse(source)
    assert not re.search(r"\b(obviously|simply|just)\b", text, re.IGNORECASE)
