"""Every slider of every panel is driven over its whole range, and the physics is asserted on what the panel shows."""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import re
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import ipywidgets
import numpy as np
import pytest

from helpers import figures, panels, quiz, theme, theory
from helpers.activations import ACTIVATIONS
from helpers.network import parameters
from helpers.panels import curves, lesson_01, lesson_03, lesson_11
from helpers.theory import averages
from helpers.words import counted

EXHAUSTIVE = [pytest.mark.exhaustive, pytest.mark.timeout(3000)]
PANELS = {name: getattr(panels, name) for names in panels.PANELS.values() for name in names}


@cache
def made(name: str) -> panels.Panel:
    """A panel for tests that move its controls or none, and don't ask what it shows."""
    panel: panels.Panel = PANELS[name]()
    return panel


def test_every_panel_of_a_lesson_is_named() -> None:
    for lesson, names in panels.PANELS.items():
        module = importlib.import_module(f"helpers.panels.lesson_{lesson}")
        public = {name for name in vars(module) if not name.startswith("_")}
        assert {name for name in public if is_panel(getattr(module, name))} == set(names)
    assert set(panels.__all__) == set(dir(panels)) == {name for name in panels.__all__ if hasattr(panels, name)}
    with pytest.raises(AttributeError, match="no attribute 'batchnorm'"):
        _ = panels.batchnorm


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_knows_the_function_that_makes_it(name: str) -> None:
    assert made(name).name == name


def is_panel(thing: Any) -> bool:
    return inspect.isfunction(thing) and thing.__annotations__.get("return") == "Panel"


def places(panel: panels.Panel, name: str) -> list[Any]:
    """All values that a control can be moved to."""
    grid = next(grid for grid in panel.live.grids if grid.name == name)
    return [grid.value(i, panel.controls[name]) for i in range(grid.count)]


def spread(values: list[Any], most: int) -> list[Any]:
    """At most so many of the values, both ends among them."""
    return [values[i] for i in sorted({round(i) for i in np.linspace(0, len(values) - 1, min(most, len(values)))})]


def ends(curve: np.ndarray) -> tuple[float, float, int]:
    """First value, last value and length of a curve padded with NaN."""
    known = curve[np.isfinite(curve)]
    return float(known[0]), float(known[-1]), len(known)


def slope_per_layer(curve: np.ndarray) -> float:
    first, last, count = ends(curve)
    return (first - last) / (count - 1)


@pytest.mark.parametrize("most", [7, pytest.param(1000, marks=EXHAUSTIVE)])
@pytest.mark.parametrize("make", PANELS.values(), ids=PANELS.keys())
def test_every_control_moves_over_its_whole_range(make: Callable[[], panels.Panel], most: int) -> None:
    """Both ends and some places between them; with the exhaustive tests every place. Random moves go to others."""
    panel = make()
    shown = {name for name, value in panel.data.items() if isinstance(value, np.ndarray)}
    assert shown <= {trace.name for trace in panel.live.figure.data}
    for name, control in panel.controls.items():
        start, seen = control.value, set()
        for value in spread(places(panel, name), most):
            control.value = value
            seen.add(panel.summary)
            assert not panel.live.error, f"{name} = {value}: {panel.live.error}"
            assert all(not np.isinf(panel.data[trace]).any() for trace in shown), f"{name} = {value}"
        assert len(seen) > 1, f"moving {name} changes nothing that is said"
        control.value = start


@pytest.mark.parametrize("make", PANELS.values(), ids=PANELS.keys())
def test_a_sentence_counts_one_thing_in_the_singular(make: Callable[[], panels.Panel]) -> None:
    """With each slider at its smallest whole number, alone and together with the others before it."""
    panel = make()
    for name in panel.controls:
        numbers = [value for value in places(panel, name) if isinstance(value, float | int) and value >= 1]
        if numbers:
            panel.controls[name].value = min(numbers)
        assert not MANY.findall(panel.summary), panel.summary


MANY = re.compile(
    r"(?<![\d.,×⁻/−-])\b1 (?:\w+ )?(?:steps|layers|units|blocks|branches|paths|networks|neurons|samples|times|make)\b"
)
"""One of what there are several of."""


def test_a_sentence_writes_a_minus_as_people_do() -> None:
    panel = panels.activation_derivatives()
    panel.set(here=-3.0)
    assert "at z = −3.0," in panel.summary and "at z = −3.0," in panel.live.row()["summary"]


@pytest.mark.parametrize("name", PANELS)
def test_presets_move_the_controls_they_name(name: str) -> None:
    panel = made(name)
    for preset, button in zip(panel.presets, getattr(panel, "buttons", []), strict=True):
        button.click()
        wanted = panel.presets[preset]
        values = {key: panel.controls[key].value for key in wanted}
        assert values == pytest.approx(wanted) if _numbers(values) else values == wanted


def _numbers(values: dict[str, Any]) -> bool:
    return all(isinstance(value, float | int) for value in values.values())


def off_grid(panel: panels.Panel, values: dict[str, Any]) -> list[str]:
    """The controls that `values` would put where their slider can't stand: the browser would move them."""
    panel.set(**values)
    return [name for name, place in zip(panel.controls, panel.live.key(), strict=True) if isinstance(place, dict)]


@pytest.mark.parametrize("name", PANELS)
def test_presets_stand_where_the_sliders_can_stand(name: str) -> None:
    for preset, values in made(name).presets.items():
        assert not off_grid(made(name), dict(values)), preset


@pytest.mark.parametrize("lesson", quiz.available_lessons())
def test_states_that_quizzes_propose_stand_where_the_sliders_can_stand(lesson: str) -> None:
    panel = made(panels.PANELS[lesson][0])
    seen = []
    for question in quiz.load_bank(lesson):
        for seed in range(100 if question.varies else 1):
            seen += [answer.try_state for answer in quiz.instantiate(question, seed).answers if answer.try_state]
    for state in {json.dumps(state, sort_keys=True): state for state in seen}.values():
        assert not off_grid(panel, dict(state)), state


def test_set_names_a_control_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no control named 'size'; this panel has depth"):
        panels.start_here().set(size=3)


# Larger networks, longer series and other opponents take up to a second a move; the test of whole ranges has them.
QUICK = {"width": 16, "depth": 20, "blocks": 10, "length": 30, "distance": 2}


@pytest.mark.parametrize("moves", [pytest.param(120, marks=pytest.mark.slow), pytest.param(2000, marks=EXHAUSTIVE)])
@pytest.mark.parametrize("make", PANELS.values(), ids=PANELS.keys())
def test_random_moves_neither_fail_nor_leak(make: Callable[[], panels.Panel], moves: int) -> None:
    """Memory that Python knows of (numpy's arrays too) stays where it was after the first sixty moves.

    What the engine keeps, of its random numbers, and what theory keeps of its
    integrals is bounded. Sixty moves need not have filled it: 400 kB are granted for that.
    """
    panel, rng = make(), np.random.default_rng(0)
    values = {name: places(panel, name) for name in panel.controls}
    for name in values.keys() & QUICK.keys():
        values[name] = [value for value in values[name] if value <= QUICK[name]]
    parameters._drawn._arrays.clear()  # what was there before tracing began would be counted wrong
    tracemalloc.start()
    for move in range(moves):
        name = list(values)[rng.integers(len(values))]
        panel.set(**{name: values[name][rng.integers(len(values[name]))]})
        assert panel.data
        assert not panel.live.error
        if move == 60:
            before = used()
    grown = used() - before
    tracemalloc.stop()
    assert grown < 400_000 + 1000 * moves, f"{grown / 1e6:.1f} MB more than after 60 moves"
    assert parameters._drawn.nbytes <= parameters.CACHE_BYTES


def used() -> int:
    for kept in (averages._weighted, averages._nodes, lesson_11._network):
        assert kept.cache_info().maxsize
        kept.cache_clear()
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - parameters._drawn.nbytes


# ---------------------------------------------------------------- 00


def test_start_here_falls_by_the_same_factor_each_layer() -> None:
    panel = panels.start_here()
    for depth in (20, 60, 100):
        panel.set(depth=depth)
        expected = np.log10(theory.per_layer_factor("sigmoid", 1.0))
        assert slope_per_layer(panel.data["measured"]) == pytest.approx(expected, rel=0.03)
        assert ends(panel.data["measured"])[2] == depth


# ---------------------------------------------------------------- 01


def test_the_chain_at_zero_shrinks_by_a_quarter_a_neuron() -> None:
    panel = panels.definition()
    for depth in places(panel, "depth")[1:]:
        panel.set(depth=depth)
        first, last, count = ends(panel.data["measured"])
        assert (last, count) == (0, depth)
        assert first == pytest.approx((depth - 1) * np.log10(0.25), abs=1e-9)


def test_weight_4_is_the_knifes_edge_and_beyond_it_the_gradient_explodes() -> None:
    panel = panels.definition()
    panel.set(depth=40)
    steps = {}
    for weight in places(panel, "weight"):
        panel.set(weight=weight)
        steps[weight] = slope_per_layer(panel.data["measured"])
        assert steps[weight] == pytest.approx(np.log10(weight / 4), abs=1e-9)
    panel.set(weight=4.0)
    assert slope_per_layer(panel.data["measured"]) == pytest.approx(0, abs=1e-12)
    assert min(steps.values()) < 0 < max(steps.values())


def test_no_preactivation_beats_the_largest_slope() -> None:
    panel = panels.definition()
    for activation in ACTIVATIONS:
        panel.set(activation=activation)
        for z in places(panel, "preactivation"):
            panel.set(preactivation=z)
            measured, steepest = panel.data["measured"], panel.data["largest slope everywhere"]
            known = np.isfinite(measured) & np.isfinite(steepest)
            assert (measured[known] <= steepest[known] + 1e-3).all(), (activation, z)


def test_raising_the_weight_with_zero_bias_saturates_the_neuron() -> None:
    """The surprise of lesson 01: the slope dies faster than the weight grows."""
    panel = panels.definition()
    panel.set(depth=40, bias=lesson_01.FREE)
    lost = []
    for weight in (4.0, 6.0, 8.0, 10.0):
        panel.set(weight=weight)
        lost.append(ends(panel.data["measured"])[0])
    assert all(later < earlier for earlier, later in zip(lost, lost[1:], strict=False))
    panel.set(weight=6.0, bias=lesson_01.HELD)
    assert ends(panel.data["measured"])[0] > 0


def test_the_neurons_stand_on_the_slope_curve() -> None:
    panel = panels.definition()
    for z in (-6.0, 0.0, 2.5):
        panel.set(preactivation=z)
        (place,), (slope,) = panel.data["first neuron"]
        assert place == z
        assert slope == pytest.approx(ACTIVATIONS["sigmoid"].slope(np.array([z]))[0])


@pytest.mark.parametrize(
    ("log10_seconds", "words"),
    [(1, "10 seconds"), (3, "16.7 minutes"), (4, "2.78 hours"), (6.5, "36.6 days"), (9, "31.7 years"), (30, "age of")],
)
def test_durations_are_said_in_the_unit_that_fits(log10_seconds: float, words: str) -> None:
    assert words in lesson_01._duration(log10_seconds)


# ---------------------------------------------------------------- 02


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_shaded_area_grows_with_the_mean_square_slope(activation: str) -> None:
    """The shade reaches up to the mean, on an axis that doesn't change with the spread."""
    panel = panels.activation_derivatives()
    panel.set(activation=activation)
    shaded = next(trace for trace in panel.live.figure.data if trace.name == "E[slope²]")
    assert shaded.fill == "tozeroy"
    axes = set()
    for spread in places(panel, "spread"):
        panel.set(spread=spread)
        assert panel.data["E[slope²]"] == pytest.approx(theory.mean_square_slope(activation, spread**2))
        axes.add(tuple(panel.data["ranges"]["yaxis2"]))
    assert len(axes) == 1


def test_the_tangent_has_the_slope_of_the_activation() -> None:
    panel = panels.activation_derivatives()
    for activation, chosen in ACTIVATIONS.items():
        panel.set(activation=activation)
        for here in places(panel, "here"):
            panel.set(here=here)
            (x0, x1), (y0, y1) = panel.data["tangent"]
            assert (y1 - y0) / (x1 - x0) == pytest.approx(float(chosen.slope(np.array([here]))[0]), abs=1e-9)


def test_widening_the_spread_of_a_sigmoid_only_loses_slope() -> None:
    panel = panels.activation_derivatives()
    values = [panel.live.row(spread=spread)["summary"] for spread in places(panel, "spread")]
    means = [theory.mean_square_slope("sigmoid", spread**2) for spread in places(panel, "spread")]
    assert all(later < earlier for earlier, later in zip(means, means[1:], strict=False))
    assert all(f"{mean:.4f}" in summary for mean, summary in zip(means, values, strict=True))


def test_the_axis_holds_every_slope() -> None:
    panel = panels.activation_derivatives()
    for activation in ACTIVATIONS:
        panel.set(activation=activation)
        assert np.max(panel.data["slope²"]) <= panel.data["ranges"]["yaxis2"][1]


# ---------------------------------------------------------------- 03


@pytest.mark.parametrize("scheme", lesson_03.CHOICES.values())
def test_theory_lies_on_the_measurement(scheme: str) -> None:
    panel = panels.deep_sigmoid_nets()
    panel.set(scheme=scheme, width=128, depth=40, seeds=4, gain=1.0)
    measured, predicted = slope_per_layer(panel.data["measured"]), slope_per_layer(panel.data["theory"])
    tolerance = 0.1 if scheme == "standard_normal" else 0.02  # in decades a layer; 128 units make a noisy switchboard
    assert measured == pytest.approx(predicted, abs=tolerance)


def test_depth_makes_it_worse_layer_by_layer() -> None:
    panel = panels.deep_sigmoid_nets()
    panel.set(scheme="xavier_normal", width=32)
    firsts = []
    for depth in places(panel, "depth"):
        panel.set(depth=depth)
        first, last, count = ends(panel.data["measured"])
        assert count == depth
        firsts.append(first - last)
    steps = np.diff(firsts)
    assert (steps[1:] < 0).all()
    assert np.mean(steps) == pytest.approx(np.log10(theory.per_layer_factor("sigmoid", 1.0)), abs=0.05)


def test_gain_lifts_the_slope_to_level_and_saturates_the_units() -> None:
    panel = panels.deep_sigmoid_nets()
    panel.set(scheme="xavier_normal", width=128, depth=30)
    factors, saturated = [], []
    for gain in (1.0, 2.0, 4.0, 8.0, round(theory.critical_gain("sigmoid"), 3), 15.0):
        panel.set(gain=gain)
        factors.append(10 ** slope_per_layer(panel.data["measured"]))
        saturated.append(np.nanmean(panel.data["saturated units"]))
    assert factors == sorted(factors)
    assert factors[0] == pytest.approx(0.236, rel=0.03)
    assert factors[4] == pytest.approx(1.0, abs=0.06)
    assert factors[5] > 1
    assert saturated == sorted(saturated)
    assert saturated[0] < 1e-4 and saturated[4] > 0.3


def test_the_band_holds_the_mean_and_closes_over_one_seed() -> None:
    panel = panels.deep_sigmoid_nets()
    for seeds in places(panel, "seeds"):
        panel.set(seeds=seeds, width=16, depth=20)
        low, high = panel.data["spread over seeds"]
        measured = panel.data["measured"]
        known = np.isfinite(measured)
        assert (low[known] <= measured[known] + 1e-9).all() and (measured[known] <= high[known] + 1e-9).all()
        assert np.allclose(low[known], high[known]) == (seeds == 1)


def test_a_quarter_a_layer_is_a_bound_only_while_the_weights_are_small() -> None:
    panel = panels.deep_sigmoid_nets()
    panel.set(scheme="xavier_normal", gain=1.0)
    assert slope_per_layer(panel.data["measured"]) < slope_per_layer(panel.data["0.25 per layer"])
    panel.set(gain=8.0)
    assert slope_per_layer(panel.data["measured"]) > slope_per_layer(panel.data["0.25 per layer"])


# ---------------------------------------------------------------- the look


def test_powers_of_ten_and_small_numbers_are_written_as_people_write_them() -> None:
    assert theme.power_of_ten(-12) == "10⁻¹²"
    for log10, words in (
        (-3.5228787, "3.0 × 10⁻⁴"),
        (-400.5, "3.2 × 10⁻⁴⁰¹"),
        (-4.0000001, "1.0 × 10⁻⁴"),
        (3.07, "1175"),
    ):
        assert theme.scientific(log10) == words.replace(" ", theme.UNBROKEN)
    assert theme.scientific(0) == "1"
    shares = [theme.share(log10, "layer 9") for log10 in (-0.5, 0.0, 1e-9, 2, float("-inf"))]
    assert shares == [
        "0.316 of what layer 9 receives",
        "as much as layer 9 does",
        "as much as layer 9 does",
        "100 times what layer 9 receives",
        "0 of what layer 9 receives",
    ]
    assert theme.scientific(float("-inf")) == "0"
    assert theme.scientific(float("nan")) == "undefined"
    numbers = [theme.number(value) for value in (0.0, 0.25, 1e-7, float("inf"), float("nan"))]
    assert numbers == ["0", "0.25", "1.0 × 10⁻⁷".replace(" ", theme.UNBROKEN), "∞", "undefined"]
    assert [counted(count, "layer") for count in (1, 2)] == ["1 layer", "2 layers"]


def test_colours_of_the_activations_differ_and_are_known_for_each() -> None:
    assert set(theme.ACTIVATION_COLOURS) == set(theme.ACTIVATION_NAMES) == set(ACTIVATIONS)
    assert len(set(theme.ACTIVATION_COLOURS.values())) == len(ACTIVATIONS)


def test_lines_that_share_a_plot_differ_in_more_than_colour() -> None:
    figure = figures.signal_and_saturation(curves.LAYERS, title="t", low=-10, high=1)
    above = [trace for trace in figure.data if trace.yaxis == "y" and not (trace.meta or {}).get("band")]
    assert len({trace.line.dash for trace in above}) == len(above)


def test_controls_are_plain_ipywidgets() -> None:
    for name in PANELS:
        for control in made(name).controls.values():
            assert type(control).__module__.startswith("ipywidgets")
            assert isinstance(control, ipywidgets.ValueWidget)
            assert control.description
