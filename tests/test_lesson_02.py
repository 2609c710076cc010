"""Every number that lesson 02 states: computed by its own cells, and again by the closed forms."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from helpers import figures, theory
from helpers.activations import ACTIVATIONS
from helpers.datasets import DATA
from helpers.exercises import EXERCISES, lesson_02
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels import activation_derivatives
from helpers.publish.cells.running import notebook_shell, read_cells
from helpers.quiz import available_lessons, grade, load_bank, load_predictions

NOTEBOOK = DATA.parent / "notebooks" / "02_activation_derivatives.ipynb"
WIDGETS = ("predict", "predict-factor", "panel", "compare", "compare-factor", "quiz", "write-slope", "write-deviation")


@functools.cache
def lesson() -> dict[str, Any]:
    """The names that the notebook's computing cells define, and what each cell prints under `printed`."""
    printed: dict[str, str] = {}
    with notebook_shell(NOTEBOOK.parent) as shell:
        for cell in read_cells(NOTEBOOK):
            if cell.kind == "code" and cell.id not in WIDGETS:
                outcome = shell.run(cell.source)
                assert outcome.error is None, cell.id
                printed[cell.id] = outcome.text
        return {**shell.user_ns, "printed": printed}


def printed_table(cell: str) -> dict[str, list[float]]:
    """The rows of a printed table: first word -> numbers."""
    rows = (row.split() for row in lesson()["printed"][cell].splitlines())
    return {row[0]: [float(word) for word in row[1:]] for row in rows if row[0] != "deviation"}


def default_factor(activation: str) -> float:
    """Theory's factor of a layer in PyTorch's default network of width 256, biases included."""
    return float(theory.per_layer_factor(activation, 1 / 3, 1 / (3 * 256)))


def test_largest_slopes() -> None:
    wanted = {"sigmoid": 0.25, "tanh": 1.0, "ReLU": 1.0, "GELU": 1.128904, "SiLU": 1.099839, "SELU": 1.758099}
    for name, slope in wanted.items():
        assert lesson()["largest"][name] == pytest.approx(slope, abs=1e-5)
        assert ACTIVATIONS[name.lower()].max_slope == pytest.approx(slope, abs=1e-5)


def test_where_gelu_is_steepest_and_how_it_dips() -> None:
    z = np.linspace(-6, 6, 120001)
    slope = ACTIVATIONS["gelu"].slope(z)
    assert z[np.argmax(slope)] == pytest.approx(np.sqrt(2), abs=1e-3)
    assert slope.min() == pytest.approx(-0.1289, abs=1e-4)
    assert z[slope < 0].max() == pytest.approx(-0.75, abs=0.01)


def test_the_layer_keeps_the_norm_but_for_its_slopes() -> None:
    """The prediction: weights of variance 1/N keep a norm, and the sigmoid layer multiplies it by 0.212."""
    names = lesson()
    kept = (names["arriving"] @ names["weights"].T).norm() / names["arriving"].norm()
    assert float(kept) == pytest.approx(1, abs=0.005)
    rows = names["printed"]["measure-layer"].splitlines()
    factors = [float(row.split()[-1]) for row in rows]
    assert len(factors) == 3 and factors == pytest.approx([0.212] * 3, abs=5e-4)
    prediction = load_predictions()["02-factor"]
    assert prediction.low < np.log10(names["factor"]) < prediction.high


def test_neither_the_largest_slope_nor_the_average_is_the_factor() -> None:
    names = lesson()
    slopes, factor, relu_factor = names["slopes"].detach(), names["factor"], names["relu_factor"]
    assert slopes.mean() + 0.003 < factor < slopes.max() - 0.03
    assert relu_factor == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert float((names["z"] > 0).double().mean()) == pytest.approx(0.5, abs=0.002)
    root_mean_square = float(slopes.pow(2).mean().sqrt())
    assert abs(factor - root_mean_square) < 0.1 * abs(factor - float(slopes.mean()))
    assert theory.mean_slope("sigmoid") == pytest.approx(0.207, abs=5e-4)
    assert np.sqrt(theory.mean_square_slope("sigmoid")) == pytest.approx(0.212, abs=5e-4)
    assert theory.mean_square_slope("sigmoid") ** 5 == pytest.approx(2e-7, rel=0.15), "after ten layers"


def test_two_neurons() -> None:
    """E[(0.25 w₁ + 0.05 w₂)²] for weights of variance ½, and what the text says of its root."""
    weights = np.random.default_rng(0).normal(0, np.sqrt(0.5), (200_000, 2))
    received = weights @ [0.25, 0.05]
    assert np.mean(received**2) == pytest.approx(0.0325, rel=0.02)
    assert pytest.approx(0.0325) == (0.25**2 + 0.05**2) / 2 and np.sqrt(0.0325) == pytest.approx(0.18, abs=5e-4)
    assert abs(np.mean(np.prod(weights, axis=1))) < 0.01


def test_the_preactivations_lie_under_the_bell_that_nobody_fitted() -> None:
    z = lesson()["z"].detach().numpy()
    bars, bell = figures.histogram_under_bell(z).data
    expected = np.exp(-(np.asarray(bars.x) ** 2) / 2) / np.sqrt(2 * np.pi)
    assert np.asarray(bars.y) == pytest.approx(expected, abs=0.01)
    assert max(bell.y) == pytest.approx(0.3989, abs=1e-4)
    assert f"{z.size:,}" in figures.histogram_under_bell(z).layout.title.text
    wide = figures.histogram_under_bell(2 * z).data[0]
    assert max(wide.y) < 0.25, "the bars are measured, the bell is not moved to them"


def test_the_sum_over_the_bell_meets_theory() -> None:
    summed = lesson()["share"] @ ACTIVATIONS["sigmoid"].slope(lesson()["points"]) ** 2
    assert summed == pytest.approx(0.044836, abs=1e-6)
    assert theory.mean_square_slope("sigmoid") == pytest.approx(summed, abs=1e-9)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "ReLU", "GELU", "SiLU", "SELU"])
def test_table_of_mean_square_slopes(name: str) -> None:
    means = printed_table("measure-table")[name][:3]
    exact = [theory.mean_square_slope(name.lower(), spread**2) for spread in (0.1, 1.0, 10.0)]
    assert means == pytest.approx(exact, abs=6e-4)


def test_what_the_text_reads_from_the_table() -> None:
    table = printed_table("measure-table")
    for smooth in ("GELU", "SiLU"):
        assert table[smooth][3] > table["ReLU"][3]
        assert table[smooth][0] < table["ReLU"][0] and table[smooth][1] < table["ReLU"][1]
    for squashing in ("sigmoid", "tanh"):
        assert table[squashing][0] > table[squashing][1] > table[squashing][2]
    assert table["ReLU"][:3] == [0.5, 0.5, 0.5]
    assert np.sqrt(theory.mean_square_slope("selu")) == pytest.approx(1.035, abs=5e-4)


def test_mixed_terms_average_out() -> None:
    """Over many draws of the weights the squared sum is var(W) times the sum of squares, exactly."""
    generator = np.random.default_rng(0)
    crossing = generator.standard_normal(8)
    sums = generator.normal(0, 0.5, (200_000, 8)) @ crossing
    assert np.mean(sums**2) == pytest.approx(0.25 * np.sum(crossing**2), rel=0.02)


def test_a_network_in_pytorchs_default() -> None:
    printed = lesson()["printed"]["explain-network"]
    assert "standard deviation of z 0.3, E[slope²] 0.060" in printed
    assert "predicted 0.141 per layer" in printed and "measured  0.141 per layer" in printed
    assert pytest.approx(7e-17, rel=0.05) == 0.1414**19
    assert default_factor("sigmoid") == pytest.approx(0.1414, abs=5e-5)
    assert theory.per_layer_factor("sigmoid", 1 / 3) == pytest.approx(0.1414, abs=6e-5)


def test_saturation_falls_like_one_over_spread() -> None:
    assert ACTIVATIONS["sigmoid"].slope(5.0) == pytest.approx(0.0066, abs=5e-5)
    assert 0.25 / ACTIVATIONS["sigmoid"].slope(5.0) == pytest.approx(40, rel=0.1)
    limit = 1 / 6 / np.sqrt(2 * np.pi)
    assert limit == pytest.approx(0.0665, abs=5e-5)
    assert 1000 * theory.mean_square_slope("sigmoid", 1e6) == pytest.approx(limit, rel=1e-4)
    z = np.arange(-40, 40, 0.001)
    assert np.sum(ACTIVATIONS["sigmoid"].slope(z) ** 2) * 0.001 == pytest.approx(1 / 6, rel=1e-6)
    large = [theory.per_layer_factor("sigmoid", gain**2) for gain in (1, 2, 4, 8, 16)]
    assert large == sorted(large)


def test_leak_enters_squared() -> None:
    points, share = lesson()["points"], lesson()["share"]
    for leak, expected in ((0.0, 0.5), (0.01, 0.50005), (0.2, 0.52)):
        assert share @ np.where(points > 0, 1, leak) ** 2 == pytest.approx((1 + leak**2) / 2) == pytest.approx(expected)


def test_smooth_relus_between_a_quarter_and_a_half() -> None:
    for name in ("gelu", "silu"):
        assert ACTIVATIONS[name].slope(0.0) == pytest.approx(0.5)
        assert theory.mean_square_slope(name, 1e-6) == pytest.approx(0.25, abs=1e-4)
        assert theory.mean_square_slope(name, 1e6) == pytest.approx(0.5, abs=1e-3)


def test_myth_tanh_is_as_bad_as_sigmoid() -> None:
    factors = lesson()["factors"]
    for name, stated in (("sigmoid", 0.141), ("tanh", 0.577)):
        assert factors[name] == pytest.approx(stated, rel=0.03)
        assert factors[name] == pytest.approx(default_factor(name), rel=0.03)
    assert np.log10(factors["tanh"] / factors["sigmoid"]) * 19 == pytest.approx(11.5, abs=0.5)


def test_myth_gelu_loses_less_than_relu() -> None:
    factors = lesson()["factors"]
    for name, stated in (("relu", 0.408), ("gelu", 0.289), ("silu", 0.289)):
        assert factors[name] == pytest.approx(stated, rel=0.03)
        assert default_factor(name) == pytest.approx(stated, rel=0.03)
    assert lesson()["printed"]["myth-maximum"].count("last layer 0.04") == 3
    assert factors["relu"] == pytest.approx(0.405, abs=5e-4), "measured, as the verdict says"
    for name in ("relu", "gelu", "silu"):
        profile = gradient_profile(NetworkSpec(depth=20, width=256, activation=name, **lesson()["default"]))
        widths = profile.preactivation_std.mean(axis=0)
        assert max(widths[:4]) > 0.5 and widths[4:] == pytest.approx(np.full(16, 0.04), abs=0.005)


def test_gelu_is_steeper_than_one_only_right_of_three_quarters() -> None:
    z = np.linspace(-6, 6, 12001)
    steep = z[ACTIVATIONS["gelu"].slope(z) > 1]
    assert (steep.min(), ACTIVATIONS["gelu"].slope(0.0)) == pytest.approx((0.75, 0.5), abs=0.005)


def test_what_the_panel_is_asked_to_show() -> None:
    """Answers to the four things to try, as the text and the teacher's notes give them."""
    factor = {
        (name, deviation): np.sqrt(theory.mean_square_slope(name, deviation**2))
        for name, deviation in (("sigmoid", 0.1), ("sigmoid", 10), ("tanh", 0.1), ("tanh", 10), ("gelu", 1))
    }
    assert list(factor.values()) == pytest.approx([0.25, 0.081, 0.99, 0.23, 0.675], abs=1e-3)
    panel = activation_derivatives()
    for place, square, root in ((3.98, "0.0161", "0.127"), (7.94, "0.0083", "0.091")):
        panel.set(spread=10 ** (round(np.log10(place) / 0.05) * 0.05))
        assert f"{panel.controls['spread'].value:.3g}" == str(place)
        assert panel.summary.startswith(f"The factor per layer is {root}, the root of E[slope²] = {square}. ")
    text = NOTEBOOK.read_text(encoding="utf-8")
    for preset in activation_derivatives().presets:
        assert f"*{preset}*" in text, preset


def test_softsign_slope_is_its_finite_difference() -> None:
    z = np.linspace(-6, 6, 24)
    difference = ((z + 1e-6) / (1 + np.abs(z + 1e-6)) - (z - 1e-6) / (1 + np.abs(z - 1e-6))) / 2e-6
    assert lesson_02.softsign_slope(z) == pytest.approx(difference, rel=1e-5)


def test_weights_of_the_deviation_asked_for_give_the_factor_wanted() -> None:
    generator = np.random.default_rng(3)
    z, g = 1.5 * generator.standard_normal(400), generator.standard_normal(400)
    weights = generator.normal(0, lesson_02.weight_deviation(z, 0.7), (400, 400))
    leaving = (ACTIVATIONS["tanh"].slope(z) * g) @ weights.T
    assert np.linalg.norm(leaving) / np.linalg.norm(g) == pytest.approx(0.7, rel=0.1)


def test_numbers_in_the_quiz() -> None:
    assert "02" in available_lessons()
    assert len(load_bank("02")) >= 12
    assert theory.mean_square_slope("tanh", 0.01) == pytest.approx(0.98, abs=5e-3)
    assert theory.mean_square_slope("tanh", 100.0) == pytest.approx(0.05, abs=5e-3)
    assert theory.mean_square_slope("gelu", 0.01) == pytest.approx(0.26, abs=5e-3)
    assert theory.mean_square_slope("gelu", 100.0) == pytest.approx(0.51, abs=5e-3)
    assert theory.mean_square_slope("sigmoid", 16.0) == pytest.approx(0.0160, abs=5e-5)
    assert theory.mean_square_slope("sigmoid", 64.0) == pytest.approx(0.0082, abs=5e-5)
    assert theory.mean_square_slope("selu") ** 25 == pytest.approx(5.6, abs=0.05)
    assert 16 * 0.25**2 == 1


def test_nineteen_steps_of_tanh_are_neither_eighteen_nor_twenty() -> None:
    (question,) = (question for question in load_bank("02") if question.id == "02-tanh-nineteen")
    grades = {steps: grade(question, lesson()["factors"]["tanh"] ** steps) for steps in (18, 19, 20)}
    assert [steps for steps, each in grades.items() if each.correct] == [19]
    assert "too few" in grades[18].feedback and "too many" in grades[20].feedback


def test_a_quiz_state_fits_the_panel() -> None:
    """Each "show me in the panel" moves controls that are there, to a state that computes."""
    panel = activation_derivatives()
    states = [answer.try_state for question in load_bank("02") for answer in question.answers if answer.try_state]
    assert len(states) >= 12
    for state in states:
        panel.set(**state)
        assert str(state["activation"]) == panel.controls["activation"].value
        assert panel.summary and not panel.live.error


def test_the_exercises_of_the_notebook_exist() -> None:
    mine = {exercise.id for exercise in EXERCISES.values() if exercise.lesson == "02"}
    source = NOTEBOOK.read_text(encoding="utf-8")
    assert mine == {"softsign_slope", "weight_deviation"}
    assert all(f'check(\\"{name}\\", {name})' in source for name in mine)
