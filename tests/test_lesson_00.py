"""The numbers that lesson 00 states, and the map of the course."""

from __future__ import annotations

import math
import re

import pytest

from helpers import figures, theme
from helpers.course import LESSONS, notebooks
from helpers.network import NetworkSpec, gradient_profile
from helpers.panels import Panel, start_here
from helpers.panels.curves import BATCH
from helpers.publish.cells.running import read_cells
from helpers.publish.minutes import contents
from helpers.quiz import compute_key, grade, load_bank


@pytest.fixture(scope="module")
def panel() -> Panel:
    return start_here()


def left_over(panel: Panel, depth: int) -> float:
    """log10 of what the first layer hears of the last one."""
    panel.set(depth=depth)
    measured = panel.data["measured"]
    return float(measured[0] - measured[depth - 1])


@pytest.mark.parametrize(("depth", "stated"), [(10, 2e-6), (20, 1e-12), (100, 3e-63)])
def test_what_the_slider_leaves(panel: Panel, depth: int, stated: float) -> None:
    assert left_over(panel, depth) == pytest.approx(math.log10(stated), abs=math.log10(1.3))


def test_the_sentence_of_the_panel_compares_layers_only_where_there_are_two(panel: Panel) -> None:
    panel.set(depth=1)
    assert panel.summary.startswith("There is only one layer. A real network of 1 sigmoid layer;")
    panel.set(depth=100)
    assert panel.summary.replace(theme.UNBROKEN, " ").startswith("Layer 1 receives 3.2 × 10⁻⁶³ of what layer 100 rec")


def test_the_gradient_of_the_picture_has_a_component_for_each_neuron_and_input() -> None:
    profile = gradient_profile(NetworkSpec(depth=2, batch=BATCH, seeds=1))
    assert (profile.spec.width, BATCH) == (64, 32), "as the text on the norm says"


def test_the_minutes_of_the_title_are_those_of_the_lesson() -> None:
    cells = read_cells(notebooks()["00"])
    minutes = re.findall(r"In class: (\d+) minutes\. Alone: (\d+) minutes\.", cells[0].source)
    needed = contents("00", cells)
    assert len(minutes) == 1
    assert [int(number) for number in minutes[0]] == pytest.approx([needed.in_class, needed.alone], abs=3)


def test_line_is_straight(panel: Panel) -> None:
    assert left_over(panel, 41) == pytest.approx(2 * left_over(panel, 21), rel=0.02)


def test_the_depth_of_a_billionth_is_that_of_the_panel(panel: Panel) -> None:
    depth = int(compute_key("depth_until", activation="sigmoid", weight_variance=1.0, ratio=1e-9))
    assert depth == 16
    assert left_over(panel, depth) < -9 < left_over(panel, depth - 1)
    assert 10 ** left_over(panel, 15) == pytest.approx(1.5e-9, rel=0.05)


def test_the_answers_read_off_the_panel_are_right(panel: Panel) -> None:
    questions = {question.id: question for question in load_bank("00")}
    assert grade(questions["00-slider-ten"], 10 ** left_over(panel, 10)).correct
    assert grade(questions["00-slider-billionth"], 16).correct
    assert not grade(questions["00-slider-billionth"], 15).correct


def test_quiz_states_fit_the_panel(panel: Panel) -> None:
    questions = load_bank("00")
    assert len(questions) >= 8
    for answer in (answer for question in questions for answer in question.answers if answer.try_state):
        panel.set(**answer.try_state)
        assert panel.controls["depth"].value == answer.try_state["depth"]


def test_map_names_every_lesson_and_marks_what_is_coming() -> None:
    texts = [annotation.text for annotation in figures.course_map(ready=("00", "03")).layout.annotations]
    assert [text[3:5] for text in texts] == list(LESSONS)
    assert [text[3:5] for text in texts if "(coming)" not in text] == ["00", "03"]
    assert figures.course_map() == figures.course_map(tuple(notebooks()))


def test_map_draws_something_new_in_every_row() -> None:
    traces = figures.course_map().data
    for row, number in enumerate(LESSONS):
        mine = [trace for trace in traces if trace.name.startswith(f"lesson {number}:")]
        colours = {str(trace.line.color) for trace in mine} | {str(trace.marker.color) for trace in mine}
        colours |= {str(trace.marker.line.color) for trace in mine}
        assert theme.THEORY in colours
        heights = [y for trace in mine for y in trace.y if y == y]
        assert row - 0.5 < min(heights) <= max(heights) < row + 0.5


def test_map_tells_what_part_is_done() -> None:
    done = {"01": 1.0, "02": 0.999, "03": 0.001, "04": 0.4, "05": 0.0}
    texts = {text[3:5]: text for text in (note.text for note in figures.course_map(done=done).layout.annotations)}
    assert "✓ done" in texts["01"] and "99 % done" in texts["02"] and "· 1 % done" in texts["03"]
    assert "40 % done" in texts["04"] and not any("done" in texts[number] for number in ("00", "05", "06"))
