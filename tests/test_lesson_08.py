"""Lesson 08: every number that its prose and its quiz state, and the physics of its panel."""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from helpers import figures, panels, quiz, theme, theory
from helpers.datasets import SequenceTask, adding_problem, delayed_recall, sunspot_windows
from helpers.models import RecurrentNet
from helpers.panels import lesson_08
from helpers.recurrent import RecurrentSpec, recurrent_profile
from tests.lessons import prose_of

ROOT = Path(__file__).resolve().parents[1]
prose = partial(prose_of, "08")
NOTES = (ROOT / "data" / "teacher" / "08_lstms.md").read_text(encoding="utf-8")
START = {"length": 100, "radius": 0.577, "forget_bias": 0.0, "gate": "one vector", "input_scale": 1.0}


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.recurrent_networks()


def lost(panel: panels.Panel, trace: str, **values: object) -> float:
    """log10 of what the first step hears of the last one's gradient."""
    panel.set(**{**START, **values})
    line = np.asarray(panel.data[trace])
    known = line[np.isfinite(line)]
    return float(known[0] - known[-1])


def factor(panel: panels.Panel, trace: str, **values: object) -> float:
    """… a step."""
    return float(10 ** (lost(panel, trace, **values) / (int(values.get("length", 100)) - 1)))  # type: ignore[call-overload]


# Slide ---------------------------------------------------------------------------------------------------------------


def test_at_the_default_all_three_forget(panel: panels.Panel) -> None:
    default = {"gate": "as drawn"}
    assert lost(panel, "LSTM", **default) == pytest.approx(-20, abs=1)
    assert lost(panel, "GRU", **default) == pytest.approx(-20, abs=1)
    assert lost(panel, "RNN", **default) == pytest.approx(-22, abs=1)
    for words in ("RNN 10⁻²⁶ to 10⁻¹⁸", "LSTM 10⁻²¹ to 10⁻¹⁹", "8 networks of 64 units"):
        panel.set(**{**START, **default})
        assert words in panel.summary.replace("\u00a0", " "), (
            "one size, drawn as PyTorch does, and a range over the draws"
        )
    assert lost(panel, "LSTM", **default, length=200) == pytest.approx(-40, abs=2)


def test_the_forget_bias_moves_the_lstm_and_nothing_else(panel: panels.Panel) -> None:
    others = [lost(panel, trace) for trace in ("RNN", "GRU")]
    lines = []
    for bias in np.arange(-2, 8.25, 0.5):
        lines.append([lost(panel, trace, forget_bias=float(bias)) for trace in ("LSTM", "product of forget gates")])
        assert [lost(panel, trace, forget_bias=float(bias)) for trace in ("RNN", "GRU")] == others
    lstm, gates = np.diff(np.array(lines), axis=0).T
    assert (gates > 0).all() and (lstm[:12] > 0).all(), "more bias keeps more"
    assert (lstm > -0.1).all(), "from bias 4 on next to all is kept"
    assert lost(panel, "LSTM", forget_bias=1.0) == pytest.approx(-7.4, abs=0.5)
    assert 0.5 < 10 ** lost(panel, "LSTM", forget_bias=5.0) < 1.5


def test_half_lives_under_the_plot(panel: panels.Panel) -> None:
    for bias, words in ((0.0, "after 1 step."), (1.0, "2.21"), (3.0, "14.3"), (5.0, "103"), (7.0, "760")):
        panel.set(**{**START, "forget_bias": bias})
        assert f"half is left after {words.removeprefix('after ')}"[:24] in panel.summary
        assert words.removeprefix("after ").split()[0] in panel.summary.split("half is left after")[1]
    for numbers in ("2.2, 14, 103, 760", "7.4"):
        assert numbers in NOTES
    assert math.e**2 == pytest.approx(7.4, abs=0.05)


def test_the_half_life_stands_where_half_is_kept(panel: panels.Panel) -> None:
    for bias in (1.0, 3.0, 4.0):
        panel.set(**{**START, "forget_bias": bias})
        (place,), (height,) = np.asarray(panel.data["half-life"])
        kept = np.asarray(panel.data["kept by the gates"])[:100]
        assert height == 0.5
        assert np.interp(place, np.arange(1, 101), kept) == pytest.approx(0.5, abs=0.08)
    panel.set(**{**START, "forget_bias": 5.0})
    assert np.isnan(np.asarray(panel.data["half-life"])).any(), "103 steps don't fit into 100"


def test_one_vector_twice_is_both_vectors_once(panel: panels.Panel) -> None:
    for trace in ("LSTM", "product of forget gates", "bias alone"):
        assert lost(panel, trace, forget_bias=2.0) == pytest.approx(
            lost(panel, trace, forget_bias=1.0, gate="both vectors"), abs=1e-4
        )


def test_without_recurrent_weights_the_product_is_the_gradient(panel: panels.Panel) -> None:
    gaps = {}
    for radius in (0.1, 0.577, 1.5):
        values = {"forget_bias": 1.0, "radius": radius}
        gaps[radius] = lost(panel, "LSTM's cell", **values) - lost(panel, "product of forget gates", **values)
    assert 0 < gaps[0.1] < 1.2 < 4.5 < gaps[0.577] < gaps[1.5]
    assert 10 ** gaps[0.577] == pytest.approx(1e6, rel=0.5)


def test_a_tanh_network_lies_below_its_radius_and_explodes_late(panel: panels.Panel) -> None:
    assert factor(panel, "RNN", radius=1.0) == pytest.approx(0.96, abs=0.01)
    assert factor(panel, "RNN", radius=1.1) < 1 < factor(panel, "RNN", radius=1.3)
    assert 1e4 < 10 ** lost(panel, "RNN", radius=2.0) < 1e7
    assert factor(panel, "RNN") == pytest.approx(0.6, abs=0.01)
    for radius in (0.3, 0.9, 2.0):
        assert factor(panel, "ρ per step", radius=radius) == pytest.approx(radius)


def test_strong_inputs_make_it_vanish_again(panel: panels.Panel) -> None:
    assert factor(panel, "RNN", radius=1.5) > 1
    assert factor(panel, "RNN", radius=1.5, input_scale=10.0) == pytest.approx(0.92, abs=0.01)


@pytest.mark.parametrize(
    "cell, bias, low, high", [("rnn", None, 1e-25, 1e-20), ("lstm", None, 1e-21, 1e-18), ("lstm", 5.0, 0.4, 2.5)]
)
def test_pytorchs_own_cells_lie_in_the_range_of_the_panel(
    cell: str, bias: float | None, low: float, high: float
) -> None:
    kind = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell}[cell]
    left = []
    for seed in range(4):
        torch.manual_seed(seed)
        module = kind(1, 64).double()
        if bias is not None:
            module.bias_ih.data[64:128], module.bias_hh.data[64:128] = bias, 0
        state, hidden = None, []
        for x in torch.randn(100, 16, 1, dtype=torch.float64):
            state = module(x, state)
            hidden.append(state[0] if cell == "lstm" else state)
        direction = torch.randn(16, 64, dtype=torch.float64)
        first, last = torch.autograd.grad((hidden[-1] * direction).sum(), [hidden[0], hidden[-1]])
        left.append(float(first.norm() / last.norm()))
    assert low < min(left) and max(left) < high


def test_the_half_life_of_one_step_is_not_what_the_take_away_gave_it() -> None:
    assert 10 ** theory.log10_forget_product(0.0, 100) == pytest.approx(7.9e-31, rel=0.01)
    assert "half-life of one step: 20 powers of ten" not in prose() and "Nothing else differs" not in prose()


def test_the_take_away_says_what_the_panel_says_of_the_default(panel: panels.Panel) -> None:
    panel.set(**panel.presets["PyTorch's default"])
    assert re.search(r"forget gates 6\.\d\s×\s10⁻²⁷", panel.summary)
    assert r"leave about $6\cdot 10^{-27}$ on the direct path" in prose()


def test_chrono_keeps_a_share_whatever_the_length(panel: panels.Panel) -> None:
    for length in (100, 500):
        assert 10 ** lost(panel, "LSTM's cell", gate="chrono", length=length) > 0.1
        panel.set(**{**START, "gate": "chrono", "length": length})
        (place,), _ = np.asarray(panel.data["half-life"])
        assert (length - place) / length == pytest.approx(0.33, abs=0.02)


def test_lines_end_at_the_length_and_the_axes_hold_them(panel: panels.Panel) -> None:
    for length in lesson_08.LENGTHS:
        panel.set(**{**START, "length": length, "radius": 0.3})
        data = panel.data
        for trace in ("RNN", "GRU", "LSTM", "LSTM's cell", "product of forget gates", "ρ per step", "bias alone"):
            line = np.asarray(data[trace])
            assert line.shape == (lesson_08.LONGEST,) and np.isfinite(line).sum() == length, trace
        low, high = data["ranges"]["yaxis"]
        for trace in ("RNN", "GRU", "LSTM", "LSTM's cell", "product of forget gates"):
            assert low < np.nanmin(data[trace]) and np.nanmax(data[trace]) < high
        assert data["ranges"]["xaxis2"][1] > length
    panel.set(**{**START, "length": 1})
    assert panel.summary.startswith("One step has no way back")


def test_presets_the_text_names_are_there(panel: panels.Panel) -> None:
    for name in ("PyTorch's default", "bias 1", "bias 1, in both vectors", "the gates alone", "an RNN that explodes"):
        assert name in panel.presets and f"*{name}*" in prose()


# Measure and explain -------------------------------------------------------------------------------------------------


def test_what_is_predicted_lies_on_the_scale() -> None:
    prediction = quiz.load_predictions()["08"]
    assert prediction.low < -20 < prediction.high


def test_plain_torch_loses_twenty_powers_of_ten() -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        inputs, direction, cell = torch.randn(100, 16, 1), torch.randn(16, 64), torch.nn.LSTMCell(1, 64)
        state, hidden = None, []
        for x in inputs:
            state = cell(x, state)
            hidden.append(state[0])
        first, last = torch.autograd.grad((hidden[-1] * direction).sum(), [hidden[0], hidden[-1]])
        assert (first.norm() / last.norm()).item() ** (1 / 99) == pytest.approx(0.63, abs=0.03)


def test_the_rough_rule_of_the_bias() -> None:
    for steps in (10, 100, 1000):
        assert theory.bias_for_half_life(steps) == pytest.approx(math.log(steps) + 0.37, abs=0.04)
    assert math.log(10) == pytest.approx(2.3, abs=0.005)
    for u in (5, 20, 100):
        assert theory.half_life(math.log(u)) == pytest.approx(0.7 * u, rel=0.1)
    assert pytest.approx(0.5, abs=0.005) == 0.9933**103


def test_ways_through_the_gates_add_a_tenth_a_step() -> None:
    profile = recurrent_profile(RecurrentSpec("lstm", radius=0.577, forget_bias=1.0))
    whole, alone = (
        10 ** np.mean((p[:, 0] - p[:, -1]) / 99) for p in (profile.log10_cell_signal, profile.log10_forget_path)
    )
    assert whole - alone == pytest.approx(0.1, abs=0.02)


def test_a_radius_above_one_is_not_enough() -> None:
    factors = [
        recurrent_profile(
            RecurrentSpec("rnn", init="orthogonal", radius=1.2, features=64, input_scale=scale)
        ).per_step_factor()
        for scale in (0.1, 1.0, 10.0)
    ]
    assert factors[0].mean() == pytest.approx(1, abs=0.05)
    assert factors[1].mean() < 0.9 and factors[2].mean() < 0.5


# Train ---------------------------------------------------------------------------------------------------------------


def test_repeating_last_year_is_off_by_thirty_sunspots() -> None:
    inputs, targets = sunspot_windows(33, 1921, 2008)
    assert 100 * np.sqrt(np.mean((inputs[:, -1] - targets) ** 2)) == pytest.approx(30, abs=0.5)


def test_a_linear_rule_of_nine_years_forecasts_as_well_as_the_networks() -> None:
    """The networks' 17 to 18 sunspots are what the series allows: a fitted line through nine years has as much."""
    inputs, targets = sunspot_windows(9, 1733, 1920)
    rows = np.column_stack([inputs[..., 0], np.ones(len(inputs))])
    weights = np.linalg.lstsq(rows, targets[:, 0], rcond=None)[0]
    inputs, targets = sunspot_windows(9, 1921, 2008)
    predicted = np.column_stack([inputs[..., 0], np.ones(len(inputs))]) @ weights
    assert 100 * np.sqrt(np.mean((predicted - targets[:, 0]) ** 2)) == pytest.approx(17.6, abs=0.1)


# Figures -------------------------------------------------------------------------------------------------------------


def test_the_figure_has_the_traces_that_the_panel_fills(panel: panels.Panel) -> None:
    figure = figures.signal_through_time(np.arange(1, 11), title="t")
    names = [trace.name for trace in figure.data]
    assert len(set(names)) == len(names)
    assert set(names) == {name for name, value in panel.data.items() if isinstance(value, np.ndarray)}
    looks = {trace.name: (trace.line.color, trace.line.dash) for trace in figure.data if trace.mode == "lines"}
    shown = ("RNN", "GRU", "LSTM", "LSTM's cell", "product of forget gates", "ρ per step")
    assert len({looks[name] for name in shown}) == len(shown)


def test_forecasts_are_drawn_for_the_cells_that_are_given() -> None:
    years = np.arange(1921, 1931)
    figure = figures.forecasts(years, np.arange(10), {"rnn": np.ones(10), "lstm": np.zeros(10)}, title="t", unit="u")
    assert isinstance(figure, go.Figure)
    assert [trace.name for trace in figure.data] == ["measured", "RNN", "LSTM"]
    assert {trace.line.color for trace in figure.data[1:]} == {theme.CELL_COLOURS["rnn"], theme.CELL_COLOURS["lstm"]}


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("08") for answer in question.answers if answer.try_state]
    assert states
    for state in states:
        panel.set(**state)
        assert {name: panel.controls[name].value for name in state} == state


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Press", "Move the", "move the", "Run the", "Set the")
    bank = quiz.load_bank("08")
    assert len(bank) >= 12
    assert 3 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)


def test_single_networks_begin_to_explode_in_the_range_that_the_quiz_states(panel: panels.Panel) -> None:
    """The range of the eight networks: none rises at 0.9, some do at 1.0, and all of them at 1.4."""
    least, most = {}, {}
    for radius in (0.9, 1.0, 1.3, 1.4):
        spec = RecurrentSpec("rnn", length=100, gain=radius / lesson_08.DEFAULT_RADIUS, **lesson_08.SIZE)
        changes = recurrent_profile(spec).log10_signal
        least[radius], most[radius] = min(changes[:, 0] - changes[:, -1]), max(changes[:, 0] - changes[:, -1])
    assert most[0.9] < 0 < most[1.0] and least[1.3] < 0 < least[1.4]
    question = next(each for each in quiz.load_bank("08") if each.id == "08-when-explodes")
    assert "between 0.9 and 1.4." in quiz.grade(question, question.right_answer()).feedback


@pytest.mark.parametrize("task, decades", [(adding_problem(50), 10), (delayed_recall(60), 12)])
def test_what_adding_and_recall_lack_at_the_start(task: SequenceTask, decades: int) -> None:
    sample = torch.tensor(task.held_out[0], dtype=torch.float32, requires_grad=True)
    model = RecurrentNet(RecurrentSpec("lstm", hidden=32, features=task.features), task.outputs)
    reach = torch.autograd.grad(model(sample).sum(), sample)[0].norm(dim=(0, 2))
    assert math.log10(reach[-1] / reach[0]) == pytest.approx(decades, abs=0.4)


def test_gaps_that_the_quiz_states() -> None:
    assert pytest.approx(100, rel=0.05) == 0.63**-10
    assert 1 / (1 - theory.forget_gate(5)) == pytest.approx(149, abs=0.5)
    assert theory.half_life(10) == pytest.approx(15268, abs=1)
