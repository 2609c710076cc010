"""Sliders bound to a figure: one small widget around Plotly that draws at screen rate.

`LiveFigure` avoids computing while a slider moves. The browser keeps the rows (results) of the states (settings of all
controls) that it has seen and requests unknown states one at a time; in idle time the kernel sends the rows of all
states along the slider in hand. The JavaScript beside this file is the browser's part (see `browser`).
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import numpy as np
import plotly.graph_objects as go
import traitlets

from helpers.arrays import Array
from helpers.live import browser
from helpers.picture import NetworkPicture

if TYPE_CHECKING:  # a kernel has asyncio loaded; elsewhere it would cost as much as numpy
    import asyncio

SUMMARY, RANGES, NET = "summary", "ranges", "net"
SLICE_SECONDS = 0.1
KEPT_ROWS = 64

Value = Any
Key = list[Any]
Result = Mapping[str, Any]
Notes = dict[str, Any]


@cache
def _plotly_source() -> bytes:
    """Return plotly.js, compressed with gzip."""
    return gzip.compress(browser.PLOTLY.read_bytes(), compresslevel=9, mtime=0)


class PlotlyLibrary(anywidget.AnyWidget):
    """Carries plotly.js to a page, once for all the figures of a kernel."""

    _esm = "export default {}"
    source = traitlets.Bytes().tag(sync=True)


_library: PlotlyLibrary | None = None


def _shared_library() -> PlotlyLibrary:
    global _library
    if _library is None or _library.comm is None:
        _library = PlotlyLibrary(source=_plotly_source())
    return _library


@dataclass(frozen=True)
class Grid:
    """The values a control can take, numbered from 0.

    `kind` is "linear" (start + step·i), "log" (base ** (start + step·i)), "index" (an option) or "bool".
    """

    name: str
    id: str
    kind: str
    count: int
    start: float = 0.0
    step: float = 1.0
    base: float = 10.0

    def value(self, index: int, control: ipywidgets.Widget) -> Value:
        """Return the control's value at place `index` of its grid."""
        if self.kind == "index":
            return control._options_values[index]
        if self.kind == "bool":
            return bool(index)
        place = round(self.start + self.step * index, 12)
        if self.kind == "log":
            return float(self.base**place)
        return int(place) if isinstance(control.value, int) else float(place)

    def place(self, value: Value, control: ipywidgets.Widget) -> int | dict[str, Value]:
        """Return the place of a control's value on its grid, or {"value": value} if it lies off the grid."""
        if self.kind == "index":
            return int(control._options_values.index(value))
        if self.kind == "bool":
            return int(value)
        at = np.log(value) / np.log(self.base) if self.kind == "log" else value
        index = round((at - self.start) / self.step)
        near = abs(at - self.start - index * self.step) <= 1e-6 * self.step
        return index if near and 0 <= index < self.count else {"value": value}


def _grid(name: str, control: ipywidgets.Widget) -> Grid:
    tag = f"live-control-{control.model_id}"
    if hasattr(control, "_options_values"):
        return Grid(name, tag, "index", len(control._options_values))
    if isinstance(control.value, bool):
        return Grid(name, tag, "bool", 2)
    if not hasattr(control, "step"):
        raise ValueError(
            f"controls[{name!r}] is a {type(control).__name__}; allowed are sliders, selections and check boxes"
        )
    count = int(np.floor((control.max - control.min) / control.step + 1e-9)) + 1
    kind = "log" if hasattr(control, "base") else "linear"
    return Grid(name, tag, kind, count, control.min, control.step, getattr(control, "base", 10.0))


def _kind(trace: Any, name: str, array: Array) -> str:
    """Return how a result fills its trace: y, x and y, the two edges of a band, or z."""
    if trace.type in ("heatmap", "contour"):
        if array.ndim != 2:
            raise ValueError(f"compute()[{name!r}] has shape {array.shape}; a {trace.type} takes (rows, columns)")
        return "z"
    if array.ndim == 1:
        return "y"
    if array.ndim == 2 and array.shape[0] == 2:
        return "band" if (trace.meta or {}).get("band") else "xy"
    raise ValueError(f"compute()[{name!r}] has shape {array.shape}; allowed are (n,) for y and (2, n) for x and y")


def _rounded(rows: Sequence[Array]) -> Array:
    """Return the bits of the rows' numbers, (rows, size): 15 bits of mantissa are kept, the last eight are 0."""
    bits = np.stack(rows).view(np.uint32)
    infinite_or_nan = (bits & 0x7F800000) == 0x7F800000
    found: Array = np.where(infinite_or_nan, bits, bits + 0x80) & np.uint32(0xFFFFFF00)
    return found


def _pack(rows: Sequence[Array]) -> bytes:
    """Return rows as one compressed block, in which bytes of equal significance are grouped."""
    planes = _rounded(rows).astype("<u4").view(np.uint8).reshape(-1, 4).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)


class LiveFigure(anywidget.AnyWidget):
    """A Plotly figure that follows ipywidgets controls at screen rate.

    Parameters
    ----------
    figure
        The picture without its moving data. Traces that move have a name. A trace created by `figures.band` takes
        the two edges of a band; a scatter trace takes y, or x and y; bars take y; heat maps take z.
    controls
        Name -> plain ipywidgets control: sliders (`IntSlider`, `FloatSlider`, `FloatLogSlider`), selections
        (`Dropdown`, `SelectionSlider`, `ToggleButtons`) and check boxes.
    compute
        Called as `compute(**values)` with a value for each control; returns {trace name: array}, each array of the
        same shape every time (pad with NaN), and, if wanted, {"summary": what is seen, its headline on the first
        line}, {"ranges": {"yaxis2": [0, 1]}}, which should change seldom: moving an axis takes a redraw, and {"net":
        a `NetworkPicture`, or several}, which stand above the figure, their columns on its first x axis. While a hand
        moves, an axis only widens; it narrows at rest.
    click
        {trace name: (control, control)}: a click on that trace moves these two sliders to the x and the y of the
        place that was hit.

    While a control moves, the kernel gets its value about ten times a second, and always the last one.

    Without controls, `show` draws new results, also while a cell is running.

    An exception in `compute` is shown in the panel; the last good picture stays and the next move works.
    """

    _esm = browser.script()
    _css = browser.style()

    library = traitlets.Instance(PlotlyLibrary).tag(sync=True, **ipywidgets.widget_serialization)
    # Messages go through the simplest kind of widget: anywidget drops those of a widget whose JavaScript took longer
    # than two seconds to load, as may happen on a busy machine.
    channel = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **ipywidgets.widget_serialization)
    controls: Any = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    spec = traitlets.Dict().tag(sync=True)
    row_shown = traitlets.Bytes().tag(sync=True)
    notes_shown = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        figure: go.Figure,
        controls: Mapping[str, ipywidgets.Widget],
        compute: Callable[..., Result],
        click: Mapping[str, tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.figure = figure
        self.compute = compute
        self.named_controls = dict(controls)
        self.error = ""
        self.grids = [_grid(name, control) for name, control in controls.items()]
        self._rows: OrderedDict[str, tuple[Array, Notes]] = OrderedDict()
        self._fills: dict[str, asyncio.Task[None]] = {}
        self._good: dict[str, Any] = {}
        self._of_values: dict[str, Value] | None = None
        self._layout: list[dict[str, Any]] = []
        self._arrays: list[tuple[str, tuple[int, ...]]] = []
        result = self.data
        if self.error:
            raise ValueError(f"compute fails at the controls' first values: {self.error}")
        self._describe(result)
        key = self.key()
        row, note = self._row_of(result)
        for grid, control in zip(self.grids, controls.values(), strict=True):
            control.add_class(grid.id)
        super().__init__(
            library=_shared_library(),
            channel=ipywidgets.Widget(),
            controls=list(controls.values()),
            spec={
                "figure": json.loads(figure.to_json()),
                **_described(figure),
                "layout_of_row": self._layout,
                "size": int(row.size),
                "grids": [asdict(grid) for grid in self.grids],
                "first": key,
                "clicks": self._clicks(click or {}),
            },
            row_shown=row.tobytes(),
            notes_shown=note,
            **kwargs,
        )
        self.channel.on_msg(self._receive)

    # ------------------------------------------------------------ for Python

    @property
    def values(self) -> dict[str, Value]:
        """The controls' current values by name."""
        return {name: control.value for name, control in self.named_controls.items()}

    @property
    def data(self) -> dict[str, Any]:
        """The result of `compute` for the current values; if it raises, the last good result (`error` says why)."""
        values = self.values
        if values != self._of_values:
            try:
                self._good = dict(self.compute(**values))
                self._of_values = values
                self.error = ""
            except Exception as error:
                self.error = _message(error)
        return self._good

    def row(self, **values: Value) -> dict[str, Any]:
        """Return the result of `compute` for the current values with some of them replaced; no control moves."""
        return dict(self.compute(**{**self.values, **values}))

    def key(self, **values: Value) -> Key:
        """Return the key of the current state with some values replaced, as in the browser; no control moves."""
        wanted = {**self.values, **values}
        return [grid.place(wanted[grid.name], self.named_controls[grid.name]) for grid in self.grids]

    def values_of(self, key: Key) -> dict[str, Value]:
        """Return the controls' values in a state; the inverse of `key`."""
        pairs = zip(self.grids, key, self.named_controls.values(), strict=True)
        return {
            grid.name: place["value"] if isinstance(place, dict) else grid.value(int(place), control)
            for grid, place, control in pairs
        }

    def baked(self, keys: Sequence[Key]) -> tuple[Array, list[Notes]]:
        """Return the bits of these states' rows, (states, size), rounded as for sending, and the notes of each."""
        rows: list[Array] = []
        notes: list[Notes] = []
        for key in keys:
            row, note = self._computed(key)
            rows.append(row)
            notes.append(note)
        return _rounded(rows), notes

    def show(self, result: Result) -> None:
        """Draw this result, in the shapes of the first one; raise ValueError if the figure has controls."""
        if self.named_controls:
            raise ValueError(f"show draws figures without controls; this one follows {', '.join(self.named_controls)}")
        row, notes = self._row_of(result)
        self._good = dict(result)
        with self.hold_sync():
            self.notes_shown, self.row_shown = notes, row.tobytes()

    # ------------------------------------------------------------ rows

    def _clicks(self, click: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
        """Return which trace's clicks move which sliders, by their numbers."""
        traces, sliders = [trace.name for trace in self.figure.data], {}
        for number, grid in enumerate(self.grids):
            if grid.kind in ("linear", "log"):
                sliders[grid.name] = number
        for name, pair in click.items():
            if name not in traces or not set(pair) <= set(sliders):
                raise ValueError(f"click is {name!r}: {pair}; the traces are {traces}, the sliders {list(sliders)}")
        return [{"index": traces.index(name), "controls": [sliders[c] for c in pair]} for name, pair in click.items()]

    def _describe(self, result: Result) -> None:
        """Fix the order, kind and shape of the arrays in a row."""
        names = [trace.name for trace in self.figure.data]
        for name in result:
            if name not in (SUMMARY, RANGES, NET, *names):
                raise ValueError(f"compute() returns {name!r}, but the figure's traces are {names}")
        for index, trace in enumerate(self.figure.data):
            if trace.name not in result:
                continue
            array = np.asarray(result[trace.name])
            kind = _kind(trace, trace.name, array)
            entry: dict[str, Any] = {"index": index, "kind": kind, "shape": list(array.shape)}
            if kind in ("y", "band"):
                x = trace.x if trace.x is not None else np.arange(array.shape[-1])
                if len(x) != array.shape[-1]:
                    raise ValueError(f"trace {trace.name!r} has {len(x)} x values, compute() gives {array.shape[-1]}")
                entry["x"] = np.asarray(x).tolist()
            self._layout.append(entry)
            self._arrays.append((trace.name, array.shape))

    def _row_of(self, result: Result) -> tuple[Array, Notes]:
        parts = []
        for name, shape in self._arrays:
            array = np.asarray(result[name], dtype=np.float32)
            if array.shape != shape:
                raise ValueError(f"compute()[{name!r}] has shape {array.shape}; the first time it was {shape}")
            parts.append(array.ravel())
        return np.concatenate(parts) if parts else np.zeros(0, np.float32), _notes(result)

    def _computed(self, key: Key) -> tuple[Array, Notes]:
        name = json.dumps(key)
        if name in self._rows:
            self._rows.move_to_end(name)
            return self._rows[name]
        row = self._row_of(self.compute(**self.values_of(key)))
        self._rows[name] = row
        if len(self._rows) > KEPT_ROWS:
            self._rows.popitem(last=False)
        return row

    # ------------------------------------------------------------ talking with the browser

    def _receive(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message.get("type") == "ask":
            self._answer(message)
        elif message.get("type") == "confirm":
            found = {"type": "confirmed", "view": message["view"], "id": message["id"], "key": self.key()}
            self.channel.send(found)
        elif message.get("type") == "fill":
            import asyncio

            task = self._fills.pop(message["view"], None)
            if task:
                task.cancel()
            self._fills[message["view"]] = asyncio.ensure_future(self._fill(message))

    def _answer(self, message: dict[str, Any]) -> None:
        reply = {"view": message["view"], "answers": message["id"]}
        try:
            row, note = self._computed(message["key"])
        except Exception as error:
            self.channel.send({**reply, "type": "error", "message": _message(error)})
            return
        rows = {"type": "rows", "keys": [message["key"]], "notes": [note], "packed": False}
        self.channel.send({**reply, **rows}, [row.tobytes()])

    async def _fill(self, message: dict[str, Any]) -> None:
        """Compute the requested states one by one, process other messages in between, and send them in slices."""
        import asyncio

        view, failed = message["view"], []
        keys: list[Key] = []
        rows: list[Array] = []
        notes: list[Notes] = []

        def ship() -> None:
            if keys:
                self.channel.send(
                    {"type": "rows", "keys": list(keys), "notes": list(notes), "packed": True}, [_pack(rows)]
                )
                for pile in (keys, rows, notes):
                    pile.clear()

        started = time.monotonic()
        for key in message["keys"]:
            await asyncio.sleep(0.001)
            try:
                row, note = self._computed(key)
            except Exception:
                failed.append(key)  # if a control gets there, the browser requests it and gets the reason
                continue
            keys.append(key)
            rows.append(row)
            notes.append(note)
            if time.monotonic() - started > SLICE_SECONDS:
                ship()
                started = time.monotonic()
        ship()
        self._fills.pop(view, None)
        self.channel.send({"type": "filled", "view": view, "id": message["id"], "failed": failed})


def _notes(result: Result) -> Notes:
    """Return a row's notes: the summary, the ranges of axes as {"yaxis2.range": [low, high]}, and packed pictures."""
    ranges = {f"{axis}.range": [float(end) for end in ends] for axis, ends in result.get(RANGES, {}).items()}
    notes: Notes = {"summary": str(result.get(SUMMARY, "")), "ranges": ranges}
    nets = result.get(NET, ())
    if nets:
        notes[NET] = [net.packed() for net in ([nets] if isinstance(nets, NetworkPicture) else nets)]
    return notes


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _described(figure: go.Figure) -> dict[str, Any]:
    """Return a figure's further properties set by `figures`: its label, its views, and its layouts for the page."""
    meta = figure.layout.meta or {}
    return {
        "label": meta.get("label") or _plain(figure.layout.title.text) or "interactive figure",
        "views": meta.get("views", []),
        "wide": meta.get("wide", {}),
        "narrow": meta.get("narrow", {}),
        "beside": meta.get("beside"),
    }


def _plain(text: str | None) -> str:
    return (text or "").replace("<br>", " ").replace("<b>", "").replace("</b>", "")
