from __future__ import annotations

import asyncio
import zlib
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest

from helpers import figures
from helpers.live import KEPT_ROWS, LiveFigure, PlotlyLibrary, _pack
from helpers.picture import NetworkPicture, chain

X = np.arange(5.0)


def unpack(block: bytes, size: int) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(block), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").reshape(-1, size)


def picture() -> go.Figure:
    return go.Figure([figures.line("line", X, colour="#000000"), figures.band("band", X, colour="#000000")])


def controls() -> dict[str, ipywidgets.Widget]:
    return {"n": ipywidgets.IntSlider(2, 0, 9), "kind": ipywidgets.Dropdown(options=["up", "down"])}


def compute(n: int, kind: str) -> dict[str, Any]:
    if n == 7:
        raise RuntimeError("seven is not to be had")
    sign = 1 if kind == "up" else -1
    return {"line": sign * n * X, "band": np.stack([X - n, X + n]), "summary": f"{kind} {n}"}


@pytest.fixture
def live() -> LiveFigure:
    return LiveFigure(picture(), controls(), compute)


@pytest.fixture
def sent(live: LiveFigure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    messages: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(live.channel, "send", lambda content, buffers=None: messages.append((content, buffers or [])))
    return messages


def test_data_follows_the_controls(live: LiveFigure) -> None:
    live.named_controls["n"].value = 4
    np.testing.assert_array_equal(live.data["line"], 4 * X)
    live.named_controls["kind"].value = "down"
    np.testing.assert_array_equal(live.data["line"], -4 * X)
    assert live.data["summary"] == "down 4"


def test_row_computes_without_moving(live: LiveFigure) -> None:
    np.testing.assert_array_equal(live.row(n=9)["line"], 9 * X)
    assert live.values == {"n": 2, "kind": "up"}


def test_an_exception_keeps_the_last_good_result_and_the_next_move_works(live: LiveFigure) -> None:
    before = live.data["line"]
    live.named_controls["n"].value = 7
    np.testing.assert_array_equal(live.data["line"], before)
    assert live.error == "RuntimeError: seven is not to be had"
    live.named_controls["n"].value = 8
    np.testing.assert_array_equal(live.data["line"], 8 * X)
    assert live.error == ""


@pytest.mark.parametrize(
    "control",
    [
        ipywidgets.IntSlider(3, 1, 20, 2),
        ipywidgets.FloatSlider(value=0.3, min=-1, max=1, step=0.1),
        ipywidgets.FloatLogSlider(value=1, base=10, min=-1, max=1.2, step=0.05),
        ipywidgets.FloatLogSlider(value=8, base=2, min=0, max=10, step=1),
        ipywidgets.SelectionSlider(options=[8, 16, 32], value=16),
        ipywidgets.Dropdown(options=[("one", 1), ("two", 2)], value=2),
        ipywidgets.ToggleButtons(options=["a", "b"]),
        ipywidgets.Checkbox(value=False),
    ],
    ids=lambda control: type(control).__name__,
)
def test_every_place_of_a_grid_is_a_value_the_control_takes_and_is_found_again(control: ipywidgets.Widget) -> None:
    live = LiveFigure(picture(), {"c": control}, lambda c: {"line": X, "band": np.stack([X, X])})
    (grid,) = live.grids
    assert grid.count > 1
    for index in range(grid.count):
        value = grid.value(index, control)
        control.value = value
        assert control.value == value, "the control changed the value"
        assert live.key() == [index]
        assert live.values_of([index]) == {"c": value}


def test_a_value_off_the_grid_is_computed_as_it_is() -> None:
    slider = ipywidgets.FloatLogSlider(value=1, base=10, min=-1, max=1.2, step=0.05)
    live = LiveFigure(picture(), {"c": slider}, lambda c: {"line": X * c, "band": np.stack([X, X])})
    slider.value = 10.149
    assert live.key() == [{"value": 10.149}]
    assert live.values_of(live.key()) == {"c": 10.149}


def test_an_answer_holds_the_exact_row(live: LiveFigure, sent: list[Any]) -> None:
    live._receive(live, {"type": "ask", "view": "v", "key": [4, 1], "id": "[4,1]"}, [])
    ((message, (buffer,)),) = sent
    assert (message["type"], message["view"], message["answers"], message["packed"]) == ("rows", "v", "[4,1]", False)
    row = np.frombuffer(buffer, "<f4")
    np.testing.assert_array_equal(row, np.concatenate([-4 * X, X - 4, X + 4]).astype("f4"))
    assert message["notes"] == [{"summary": "down 4", "ranges": {}}]


def test_a_raising_compute_answers_with_its_message(live: LiveFigure, sent: list[Any]) -> None:
    live._receive(live, {"type": "ask", "view": "v", "key": [7, 0], "id": "[7,0]"}, [])
    live._receive(live, {"type": "ask", "view": "v", "key": [8, 0], "id": "[8,0]"}, [])
    assert sent[0][0]["type"] == "error"
    assert sent[0][0]["message"] == "RuntimeError: seven is not to be had"
    assert sent[1][0]["type"] == "rows"


def test_a_fill_sends_every_state_in_order_and_names_those_that_failed(live: LiveFigure, sent: list[Any]) -> None:
    async def run() -> None:
        keys = [[i, 0] for i in (2, 3, 1, 7, 9)]
        live._receive(live, {"type": "fill", "view": "v", "keys": keys, "id": "f"}, [])
        await live._fills["v"]

    asyncio.run(run())
    rows = [
        (key, row) for m, b in sent if m["type"] == "rows" for key, row in zip(m["keys"], unpack(b[0], 15), strict=True)
    ]
    assert [key for key, _ in rows] == [[2, 0], [3, 0], [1, 0], [9, 0]]
    for (n, _), row in rows:
        np.testing.assert_allclose(row[:5], n * X, rtol=2**-15)
    assert sent[-1][0] == {"type": "filled", "view": "v", "id": "f", "failed": [[7, 0]]}


def test_a_new_fill_takes_the_place_of_the_old_one(live: LiveFigure, sent: list[Any]) -> None:
    async def run() -> None:
        live._receive(live, {"type": "fill", "view": "v", "keys": [[i, 0] for i in range(7)] * 50, "id": "old"}, [])
        old = live._fills["v"]
        await asyncio.sleep(0.01)
        live._receive(live, {"type": "fill", "view": "v", "keys": [[8, 1]], "id": "new"}, [])
        await live._fills["v"]
        assert old.cancelled()

    asyncio.run(run())
    assert [m["id"] for m, _ in sent if m["type"] == "filled"] == ["new"]


def test_rows_kept_in_the_kernel_are_bounded(live: LiveFigure, sent: list[Any]) -> None:
    for i in range(3 * KEPT_ROWS):
        live._receive(live, {"type": "ask", "view": "v", "key": [{"value": i + 100}, 0], "id": str(i)}, [])
    assert len(live._rows) == KEPT_ROWS


def test_packed_rows_keep_fifteen_bits_and_every_gap() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=300).astype("f4") * 10.0 ** rng.integers(-30, 30, 300) for _ in range(4)]
    rows = [row.astype("f4") for row in rows]
    rows[1][7:50] = np.nan
    rows[2][3], rows[2][4], rows[2][5] = np.inf, -np.inf, 0.0
    back = unpack(_pack(rows), 300)
    np.testing.assert_allclose(back, np.stack(rows), rtol=2**-15)


def test_plotly_is_shared_by_all_figures_of_a_kernel(live: LiveFigure) -> None:
    other = LiveFigure(picture(), controls(), compute)
    assert other.library is live.library
    assert isinstance(live.library, PlotlyLibrary)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda n, kind: {"lines": X, "band": np.stack([X, X])}, "'lines'"),
        (lambda n, kind: {"line": np.zeros((3, 5)), "band": np.stack([X, X])}, r"\(3, 5\)"),
        (lambda n, kind: {"line": np.zeros(4), "band": np.stack([X, X])}, "5 x values, compute\\(\\) gives 4"),
        (lambda n, kind: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_compute_that_does_not_fit_is_refused_with_its_name(broken: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LiveFigure(picture(), controls(), broken)


def test_a_row_that_changes_its_shape_is_an_error_that_names_both(live: LiveFigure) -> None:
    growing = LiveFigure(
        go.Figure(go.Scatter(name="xy")),
        {"n": ipywidgets.IntSlider(2, 1, 5)},
        lambda n: {"xy": np.zeros((2, n))},
    )
    with pytest.raises(ValueError, match=r"shape \(2, 3\); the first time it was \(2, 2\)"):
        growing._computed([2])


def test_a_control_without_a_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="controls\\['t'\\] is a Text"):
        LiveFigure(picture(), {"t": ipywidgets.Text("x")}, lambda t: {"line": X, "band": np.stack([X, X])})


def test_a_figure_without_controls_draws_what_it_is_shown() -> None:
    live = LiveFigure(picture(), {}, lambda: compute(2, "up"))
    assert live.notes_shown == {"summary": "up 2", "ranges": {}}
    live.show(compute(5, "down"))
    np.testing.assert_array_equal(np.frombuffer(live.row_shown, "<f4")[:5], (-5 * X).astype("f4"))
    assert live.notes_shown == {"summary": "down 5", "ranges": {}}
    np.testing.assert_array_equal(live.data["line"], -5 * X)


def test_what_is_shown_keeps_its_shape_and_never_contradicts_controls(live: LiveFigure) -> None:
    with pytest.raises(ValueError, match=r"shape \(4,\); the first time it was \(5,\)"):
        LiveFigure(picture(), {}, lambda: compute(2, "up")).show({"line": X[:4], "band": np.stack([X, X])})
    with pytest.raises(ValueError, match="this one follows n, kind"):
        live.show(compute(5, "down"))


def test_a_click_names_a_trace_and_two_sliders() -> None:
    sliders = {"a": ipywidgets.IntSlider(2, 0, 9), "b": ipywidgets.FloatLogSlider(1, min=-1, max=1, step=0.1)}
    result = {"line": X, "band": np.stack([X, X])}
    live = LiveFigure(picture(), sliders, lambda a, b: result, click={"band": ("b", "a")})
    assert live.spec["clicks"] == [{"index": 1, "controls": [1, 0]}]
    with pytest.raises(ValueError, match=r"the traces are \['line', 'band'\], the sliders \['a', 'b'\]"):
        LiveFigure(picture(), sliders, lambda a, b: result, click={"map": ("a", "b")})
    with pytest.raises(ValueError, match=r"the sliders \['n'\]"):
        LiveFigure(picture(), controls(), compute, click={"line": ("n", "kind")})


def test_pictures_of_networks_travel_with_their_row() -> None:
    def shown(n: int) -> NetworkPicture:
        return chain(np.full(n + 1, 0.25), np.full(n + 1, 0.5), 1.0, "sigmoid")

    def one(n: int, kind: str) -> dict[str, Any]:
        return {**compute(n, kind), "net": shown(n) if kind == "up" else [shown(n), shown(n + 1)]}

    live = LiveFigure(picture(), controls(), one)
    assert live.notes_shown["net"] == [shown(2).packed()]
    _, (up, down) = live.baked([[4, 0], [4, 1]])
    assert up["net"] == [shown(4).packed()] and down["net"] == [shown(4).packed(), shown(5).packed()]
