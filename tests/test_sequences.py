"""Tasks of sequences, the series that is shipped, and the torch networks that learn them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from helpers import datasets, theory
from helpers.datasets import adding_problem, delayed_recall, sunspot_forecast, sunspot_windows, sunspots
from helpers.models import RecurrentNet
from helpers.recurrent import CELLS, RecurrentSpec, initial_parameters, recurrent_profile
from helpers.training import TaskHistory, train_task


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# Tasks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 7, 50])
def test_the_adding_problem_marks_one_number_in_each_half(length: int) -> None:
    inputs, targets = adding_problem(length).draw(300, rng())
    numbers, marks = inputs[..., 0], inputs[..., 1]
    assert inputs.shape == (300, length, 2) and targets.shape == (300, 1)
    half = length // 2
    assert (marks[:, :half].sum(axis=1) == 1).all() and (marks[:, half:].sum(axis=1) == 1).all()
    assert set(np.unique(marks)) <= {0, 1} and numbers.min() >= 0 and numbers.max() <= 1
    np.testing.assert_allclose(targets[:, 0], (numbers * marks).sum(axis=1))
    if length > 2:
        assert marks.any(axis=0).all(), "every place is marked in some sequence"


def test_marks_may_be_kept_to_the_first_steps() -> None:
    marks = adding_problem(50, marked=10).draw(300, rng())[0][..., 1]
    assert (marks.sum(axis=1) == 2).all() and marks[:, :10].any(axis=0).all() and not marks[:, 10:].any()


def test_delayed_recall_shows_the_symbol_once_and_then_noise() -> None:
    inputs, targets = delayed_recall(60).draw(500, rng())
    assert inputs.shape == (500, 60, 5)
    np.testing.assert_array_equal(inputs[:, 0, :4].argmax(axis=1), targets)
    assert (inputs[:, 0].sum(axis=1) == 1).all() and not inputs[:, 1:, :4].any()
    assert inputs[:, 1:, 4].std() == pytest.approx(1, abs=0.02)
    assert np.bincount(targets).min() > 90


def test_what_guessing_costs_in_the_copying_task() -> None:
    assert theory.copying_baseline(30) == pytest.approx(10 * math.log(8) / 50)


@pytest.mark.parametrize(
    "task", [adding_problem(10), delayed_recall(10), sunspot_forecast(20, 1900)], ids=lambda task: task.name
)
def test_draws_come_from_the_generator_and_what_is_held_out_is_always_the_same(task: datasets.SequenceTask) -> None:
    one, same, other = (task.draw(8, rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert len(task.held_out[0]) == len(task.held_out[1]) > 80


def test_sunspots_are_the_recorded_ones() -> None:
    series = sunspots()
    assert series.years[0] == 1700 and series.years[-1] == 2008 and (np.diff(series.years) == 1).all()
    assert series.values[0] == 5 and series.values[-1] == 2.9 and series.values.max() == 190.2
    assert series.years[series.values.argmax()] == 1957
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 1


def test_windows_end_the_year_before_the_one_that_is_wanted() -> None:
    inputs, targets = sunspot_windows(3, 1703, 1710)
    values = sunspots().values / datasets.SUNSPOT_UNIT
    assert inputs.shape == (8, 3, 1) and targets.shape == (8, 1)
    np.testing.assert_array_equal(inputs[0, :, 0], values[:3])
    np.testing.assert_array_equal(targets[:, 0], values[3:11])


def test_the_forecast_is_tested_on_years_that_it_never_saw() -> None:
    task = sunspot_forecast(window=33, train_until=1920)
    np.testing.assert_array_equal(task.held_out[1], sunspot_windows(33, 1921, 2008)[1])
    seen = {target for seed in range(50) for target in task.draw(64, rng(seed))[1][:, 0]}
    assert seen <= set(sunspots().values[33:221] / datasets.SUNSPOT_UNIT)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: adding_problem(1), "length must be a whole number ≥ 2; got 1"),
        (lambda: adding_problem(50, marked=51), "marked must be a whole number from 2 to 50; got 51"),
        (lambda: delayed_recall(60, symbols=1), "symbols must be a whole number ≥ 2; got 1"),
        (lambda: sunspot_windows(10, 1705, 1800), "first must be a whole number from 1710 to 2008; got 1705"),
        (lambda: sunspot_windows(10, 1800, 2009), "last must be a whole number from 1800 to 2008; got 2009"),
        (lambda: RecurrentNet(RecurrentSpec("rnn", activation="linear"), 1), "spec.activation must be 'tanh'"),
        (lambda: theory.bias_for_half_life(0), "steps must be a finite number > 0; got 0"),
        (lambda: theory.half_life(math.nan), "bias must be a finite number; got nan"),
        (lambda: theory.chrono_product(2, 5), "longest must be a finite number ≥ 3; got 2"),
    ],
)
def test_bad_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


# Closed forms --------------------------------------------------------------------------------------------------------


def test_half_life_and_bias_are_inverse_to_each_other() -> None:
    for steps in (1, 2.5, 10, 1000, 1e9):
        bias = theory.bias_for_half_life(steps)
        assert theory.half_life(bias) == pytest.approx(steps)
        assert theory.forget_gate(bias) ** steps == pytest.approx(0.5)
        assert 10 ** theory.log10_forget_product(bias, steps) == pytest.approx(0.5)


def test_the_chrono_product_is_that_of_drawn_biases() -> None:
    bias = np.log(rng().uniform(1, 99, 200_000))
    for steps in (1, 10, 100):
        drawn = math.sqrt(np.mean(theory.forget_gate(bias) ** (2 * steps)))
        assert theory.chrono_product(100, steps) == pytest.approx(drawn, rel=0.01)


# Torch ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_the_torch_twin_has_the_states_and_the_parameters_of_the_engine(cell: str) -> None:
    spec = RecurrentSpec(cell, 20, hidden=8, features=1, batch=3, seeds=1)
    model = RecurrentNet(spec, 2, seed=5, dtype=torch.float64)
    profile = recurrent_profile(spec, seed=5)
    np.testing.assert_array_equal(
        model.cell.weight_hh_l0.detach().numpy().T, initial_parameters(spec, 5).recurrent_weights[0]
    )
    inputs = rng((5, 3)).standard_normal((20, 3, 1))  # those of recurrent_profile
    states, _ = model.cell(torch.tensor(inputs.swapaxes(0, 1)))
    np.testing.assert_allclose(states.detach().numpy().swapaxes(0, 1), profile.states[:, 0], atol=1e-5)
    assert model(torch.tensor(inputs.swapaxes(0, 1))).shape == (3, 2)


def test_forget_biases_reach_torch() -> None:
    model = RecurrentNet(RecurrentSpec("lstm", hidden=4, forget_bias=5.0), 1)
    assert model.cell.bias_ih_l0[4:8].tolist() == [5.0] * 4
    assert model.cell.bias_hh_l0[4:8].tolist() == [0.0] * 4


def easy(steps: int = 60, **more: Any) -> TaskHistory:
    task = delayed_recall(4)
    model = RecurrentNet(RecurrentSpec("gru", hidden=16, features=5), 4)
    options = {"learning_rate": 0.01, "goal": 0.1, "every": 10, "progress": False, **more}
    return train_task(model, task, steps=steps, **options)


def test_training_stops_at_the_goal_and_is_the_same_each_time() -> None:
    run, again = easy(400), easy(400)
    assert run.solved and run.loss[-1] < 0.1 <= run.loss[-2]
    assert run.accuracy[-1] > 0.95 and run.steps[0] == 0 and run.steps[-1] < 400
    np.testing.assert_array_equal(run.loss, again.loss)
    assert not np.array_equal(run.loss, easy(400, seed=1).loss)


def test_training_goes_on_to_the_last_step_without_reaching_its_goal() -> None:
    seen: list[int] = []
    run = easy(25, goal=0.0, callback=lambda history: seen.append(int(history.steps[-1])))
    assert not run.solved and seen == [10, 20, 25] and run.steps.tolist() == [0, 10, 20, 25]


def test_a_run_that_is_stopped_gives_what_it_has() -> None:
    def stop(history: TaskHistory) -> None:
        if history.steps[-1] == 20:
            raise KeyboardInterrupt

    run = easy(60, goal=0.0, callback=stop)
    assert run.interrupted and run.steps.tolist() == [0, 10, 20]


def test_a_run_that_diverges_ends_there() -> None:
    task = replace(adding_problem(4), draw=lambda size, _: (np.full((size, 4, 2), np.nan), np.ones((size, 1))))
    model = RecurrentNet(RecurrentSpec("rnn", hidden=4, features=2), 1)
    run = train_task(model, task, steps=50, learning_rate=0.1, clip=None, progress=False)
    assert run.steps[-1] == 1 and not math.isfinite(run.loss[-1]) and not run.solved
    assert np.isnan(run.accuracy).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"every": 0}, "every must be a whole number ≥ 1; got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number > 0; got -1.0"),
        ({"clip": 0.0}, "clip must be a finite number > 0; got 0.0"),
        ({"optimizer": "adamw"}, "optimizer must be one of"),
    ],
)
def test_a_bad_training_is_refused_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        easy(**wrong)


def test_training_leaves_the_number_of_threads_alone() -> None:
    before = torch.get_num_threads()
    easy(10)
    assert torch.get_num_threads() == before
