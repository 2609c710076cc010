"""The curves that grow in a cell's output while a network trains."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import IPython.display
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import games, training
from helpers.datasets import clusters, train_test_split
from helpers.figures.growing import BOTTOM, HEIGHT, RIGHT, TOP, WIDTH, Curve, growing_curves
from helpers.models import MLP
from helpers.network import NetworkSpec
from helpers.panels import growing

SMALL = NetworkSpec(depth=2, width=16, activation="tanh", seeds=1)


def lines(html: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline points="([^"]*)"', html)
    return [[(float(x), float(y)) for x, y in (p.split(",") for p in each.split())] for each in found]


# The drawing ---------------------------------------------------------------------------------------------------------


def test_every_run_is_a_line_on_a_logarithmic_axis_over_all_its_steps() -> None:
    html = growing_curves({"a < b": Curve([0, 50], [2.0, 0.2], 100), "c": Curve([0, 100], [2.0, 0.02], 100)}, "loss")
    half, whole = lines(html)
    assert half[0] == whole[0] and half[1][0] == pytest.approx((half[0][0] + whole[1][0]) / 2, abs=0.1)
    assert whole[1][1] - whole[0][1] == pytest.approx(2 * (half[1][1] - half[0][1]), abs=0.2)
    assert all(0 <= x <= WIDTH and TOP <= y <= HEIGHT - BOTTOM for line in (half, whole) for x, y in line)
    assert "a &lt; b: 0.2" in html and "c: 0.02" in html and "a < b" not in html


def test_values_that_have_no_place_are_left_out() -> None:
    html = growing_curves({"run": Curve([0, 1, 2, 3], [1.0, 0.0, math.nan, math.inf], 3)}, "loss")
    assert len(lines(html)[0]) == 1 and "run: inf" in html
    assert lines(growing_curves({"run": Curve([0], [math.nan], 3)}, "loss")) == [[]]


def test_few_numbers_stand_at_the_axis_however_many_decades_it_has() -> None:
    for lowest in (0.5, 0.02, 1e-3, 2e-5, 3e-8, 1e-30):
        html = growing_curves({"run": Curve([0, 1], [3.0, lowest], 1)}, "loss")
        heights = sorted(int(y) for y in re.findall(r'y="(\d+)\.\d" text-anchor="end"', html))
        assert 2 <= len(heights) <= 5 and min(b - a for a, b in itertools.pairwise(heights)) > 13, lowest
        assert "e-" not in "".join(re.findall(r">([^<]*)</text>", html))


# Who is followed -----------------------------------------------------------------------------------------------------


class Shown:
    """What a notebook would show: a display for each cell, with its drawings."""

    def __init__(self) -> None:
        self.displays: list[list[dict[str, str]]] = []

    def display(self, content: dict[str, str], **_: Any) -> Any:
        drawings = [content]
        self.displays.append(drawings)

        class Handle:
            def update(self, content: dict[str, str], **_: Any) -> None:
                drawings.append(content)

        return Handle()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    found = Shown()
    monkeypatch.setattr(IPython.display, "display", found.display)
    monkeypatch.setattr(growing, "_last", None)
    monkeypatch.setattr(growing, "_running_cell", lambda: 7)
    return found


def train(**changes: Any) -> training.History:
    model, data = MLP(SMALL, inputs=20, classes=10), train_test_split(*clusters(200))
    return growing.followed(training.train)(model, data, **{"steps": 40, "learning_rate": 0.1, "records": 8, **changes})


def test_the_last_drawing_has_all_records_of_all_runs_of_a_cell(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    histories = [train(description="first"), train(description="second", learning_rate=0.01)]
    assert len(shown.displays) == 1
    html = shown.displays[0][-1]["text/html"]
    assert [len(line) for line in lines(html)] == [9, 9]
    assert all(f"{history.loss[-1]:.3g}" in html for history in histories)
    assert shown.displays[0][-1]["text/plain"].endswith("at step 40 of 40")
    monkeypatch.setattr(growing, "_running_cell", lambda: 8)
    train()
    assert len(shown.displays) == 2 and len(lines(shown.displays[1][-1]["text/html"])) == 1


def test_drawings_are_a_quarter_of_a_second_apart(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(0.1 * tick for tick in range(1000))
    monkeypatch.setattr("helpers.panels.growing.time.monotonic", lambda: next(clock))
    train(records=40)
    reads = round(10 * next(clock))
    assert 2 < len(shown.displays[0]) <= reads * 0.1 / growing.PAUSE + 2


def test_nothing_is_drawn_where_a_figure_follows_or_nobody_wants_it(shown: Shown) -> None:
    seen: list[int] = []
    train(callback=lambda history: seen.append(len(history.steps)))
    train(progress=False)
    assert shown.displays == [] and seen[-1] == 9


def test_without_a_kernel_a_run_is_as_it_was(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_running_cell", lambda: None)
    assert train().loss[-1] == train(progress=False).loss[-1]
    assert shown.displays == []


def test_a_game_is_followed_by_its_generator_s_gradient(shown: Shown) -> None:
    game = games.Game(games.shifted_recipe("non_saturating"), 0)
    assert growing.followed(games.play)(game, 20, description="ours")
    (line,) = lines(shown.displays[0][-1]["text/html"])
    assert len(line) == len(game.gradient_norms) == 20
    assert ">rounds<" in shown.displays[0][-1]["text/html"]


# Loops of one's own ------------------------------------------------------------------------------------------------


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Ends the running cell."""
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(growing, "_when_the_cell_ends", waiting.append)

    def ended() -> None:
        for act in waiting:
            act()

    return ended


def test_a_loop_of_one_s_own_is_drawn_up_to_its_last_value(shown: Shown, end: Callable[[], None]) -> None:
    draw = growing.live_curve("error", steps=1000)
    for step in range(1001):
        assert draw("whole", step, 0.25) == 0.25
    for step in range(7):
        draw("short", step, 0.2 / (step + 1))
    end()
    html = shown.displays[0][-1]["text/html"]
    whole, short = lines(html)
    assert 100 < len(whole) <= growing.POINTS + 2 and whole[-1][0] == WIDTH - RIGHT
    assert len(short) < 7 and f"short: {0.2 / 7:.3g}" in html
    assert shown.displays[0][-1]["text/plain"].endswith("at step 6 of 1000")
    assert len(shown.displays) == 1 and len(shown.displays[0]) < 20


def test_a_loop_of_one_s_own_draws_nothing_where_nobody_sees_it(
    shown: Shown, end: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    growing.live_curve("error", steps=10)
    end()
    monkeypatch.setattr(growing, "_running_cell", lambda: None)
    growing.live_curve("error", steps=10)("run", 1, 0.5)
    assert shown.displays == []


def test_what_waits_for_the_end_of_a_cell_is_done_once_also_after_an_error() -> None:
    shell: Any = InteractiveShell.instance()
    done: list[int] = []
    shell.user_ns["wait"] = lambda: growing._when_the_cell_ends(lambda: done.append(1))
    shell.run_cell("wait()\n1 / 0")
    shell.run_cell("1")
    InteractiveShell.clear_instance()
    assert done == [1]


def test_seven_runs_look_different() -> None:
    runs = {str(number): Curve([0, 1], [1.0, 0.5], 1) for number in range(7)}
    looks = re.findall(r'<polyline[^>]* stroke="([^"]*)"[^>]*dasharray="([^"]*)"', growing_curves(runs, "loss"))
    assert len(looks) == len(set(looks)) == 7


def test_notebooks_get_the_functions_that_are_followed() -> None:
    from helpers import notebook

    assert {name: getattr(notebook, name).__wrapped__ for name in notebook.FOLLOWED} == {
        "train": training.train,
        "train_task": training.train_task,
        "play": games.play,
    }
    assert set(notebook.FOLLOWED) == set(growing.FOLLOWED)
