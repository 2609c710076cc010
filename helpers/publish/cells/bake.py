"""A panel as data: its figure, its controls with all labels, its presets, and the table of its baked rows."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import numpy as np

from helpers import panels
from helpers.live import Grid, LiveFigure
from helpers.panels import Panel
from helpers.publish.cells.packing import Rows, Table, table
from helpers.publish.cells.states import Axis, Budget, State, states_to_bake
from helpers.words import minus

USUAL = Budget(2500)
BUDGETS: Mapping[str, Budget] = {
    "definition": Budget(4500),
    "activation_derivatives": Budget(4000),
    "deep_sigmoid_nets": Budget(600, held={"width": [1, 3], "seeds": [3]}),
    "relu": Budget(420),
    "relu_schemes": Budget(220, held={"width": [2]}),
    "born_dead": Budget(1200),
    "initialization": Budget(650),
    "initialization_schemes": Budget(450, held={"width": [3]}),
    "jacobian_singular_values": Budget(700),
    "batch_norm": Budget(700),
    "residual_networks": Budget(900),
    "path_lengths": Budget(900),
    "shattered_gradients": Budget(350),
    "recurrent_networks": Budget(450),
    "cliff": Budget(3500),
}
"""Budgets of panels that don't use `USUAL`, set by how long a state takes to compute and how large its row is."""

SHARES = 2
"""Into how many parts the states of a panel are divided, so that two processors can bake them."""

FLOATS = np.finfo(np.float32)


@dataclass(frozen=True)
class Fineness:
    """How much is baked: all that the budgets allow, or only a part of it for a trial build."""

    part: float = 1.0

    def budget(self, panel: str) -> Budget:
        """The budget of a panel."""
        budget = BUDGETS.get(panel, USUAL)
        return replace(budget, states=max(1, round(self.part * budget.states)))


def control_kind(control: ipywidgets.Widget) -> str:
    """The kind of HTML control that replaces a widget: "check", "menu" or "slider"."""
    if isinstance(control.value, bool):
        return "check"
    return "menu" if isinstance(control, ipywidgets.Dropdown | ipywidgets.ToggleButtons) else "slider"


def control_labels(grid: Grid, control: ipywidgets.Widget) -> list[str]:
    """The text that the control shows at each of its places."""
    if grid.kind == "index":
        return [str(label) for label in control._options_labels]
    if grid.kind == "bool":
        return ["no", "yes"]
    values = [grid.value(place, control) for place in range(grid.count)]
    return [minus(format(value, getattr(control, "readout_format", "g"))) for value in values]


def nearest_place(grid: Grid, value: Any, control: ipywidgets.Widget) -> int:
    """The place on a control's grid nearest to a value."""
    place = grid.place(value, control)
    if isinstance(place, int):
        return place
    return min(range(grid.count), key=lambda i: abs(grid.value(i, control) - value))


def places(live: LiveFigure, values: Mapping[str, Any]) -> dict[int, int]:
    """The values of some controls as {number of the control: place on its grid}."""
    return {
        number: nearest_place(grid, values[grid.name], live.named_controls[grid.name])
        for number, grid in enumerate(live.grids)
        if grid.name in values
    }


def anchors(panel: Panel) -> list[State]:
    """The panel's initial state and those of its presets."""
    first = dict(places(panel.live, panel.live.values))
    found = [{**first, **places(panel.live, values)} for values in ({}, *panel.presets.values())]
    return list(dict.fromkeys(tuple(state[number] for number in sorted(state)) for state in found))


def axes(panel: Panel) -> list[Axis]:
    """The controls in the form that `states_to_bake` takes."""
    return [
        Axis(grid.name, grid.count, control_kind(control) == "slider")
        for grid, control in zip(panel.live.grids, panel.controls.values(), strict=True)
    ]


def figure_data(live: LiveFigure, tag: str) -> dict[str, Any]:
    """A figure without its table: the spec of `live.js`, with ids that are the same in every build, row and notes."""
    spec = dict(live.spec)
    spec["grids"] = [{**grid, "id": control_class(tag, grid["name"])} for grid in live.spec["grids"]]
    spec["figure"] = in_single_precision(live.spec["figure"])
    return {"spec": spec, "row": _text(bytes(live.row_shown)), "notes": live.notes_shown}


def in_single_precision(part: Any) -> Any:
    """A part of a figure for JSON, with arrays of doubles stored as floats where all numbers are in a float's range."""
    if isinstance(part, list):
        return [in_single_precision(each) for each in part]
    if not isinstance(part, dict):
        return part
    if part.get("dtype") != "f8":
        return {name: in_single_precision(each) for name, each in part.items()}
    numbers = np.frombuffer(base64.b64decode(part["bdata"]), "<f8")
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    if sizes.size and not (sizes.min() >= FLOATS.tiny and sizes.max() <= FLOATS.max):
        return part
    return {**part, "dtype": "f4", "bdata": _text(numbers.astype("<f4").tobytes())}


def control_class(tag: str, name: str) -> str:
    """The CSS class by which `live.js` finds a control of a panel."""
    return f"live-control-{tag}-{name}"


def panel_frame(panel: Panel, tag: str) -> dict[str, Any]:
    """The data of a panel without its table: figure, controls and presets."""
    live = panel.live
    controls = zip(live.grids, panel.controls.values(), strict=True)
    return {
        **figure_data(live, tag),
        "controls": [
            {"label": control.description, "kind": control_kind(control), "labels": control_labels(grid, control)}
            for grid, control in controls
        ],
        "presets": [places(live, values) for values in panel.presets.values()],
    }


def table_of(live: LiveFigure, states: Sequence[State]) -> Table:
    """The packed rows and notes of these states."""
    return table([rows_of(live, states)])


def rows_of(live: LiveFigure, states: Sequence[State]) -> Rows:
    """The rows and notes of these states; one at least."""
    keys = [list(state) for state in states]
    return Rows(keys, *live.baked(keys), [math.prod(trace["shape"]) for trace in live.spec["layout_of_row"]])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def baked(name: str, fineness: Fineness) -> Table:
    """Bake the table of the panel with this name."""
    panel: Panel = getattr(panels, name)()
    return table_of(panel.live, states_of(panel, fineness))


def baked_share(name: str, fineness: Fineness, share: int) -> list[Rows]:
    """The rows of one of `SHARES` parts of a panel's states, in a list for `table`; an empty one where it has no state.

    Neighbouring states, which share computations, stay together.
    """
    panel: Panel = getattr(panels, name)()
    states = states_of(panel, fineness)
    part = states[share * len(states) // SHARES : (share + 1) * len(states) // SHARES]
    return [rows_of(panel.live, part)] if part else []


def states_of(panel: Panel, fineness: Fineness) -> list[State]:
    """The states of a panel that are baked."""
    return states_to_bake(axes(panel), anchors(panel), fineness.budget(panel.name))
