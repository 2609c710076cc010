"""A panel: controls, the live figure that they move, and buttons for states worth seeing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from helpers.live import LiveFigure
from helpers.panels.controls import plain_layout, plain_style
from helpers.words import minus

Compute = Callable[..., dict[str, Any]]
Presets = Mapping[str, Mapping[str, Any]]


class Panel(ipywidgets.VBox):
    """Buttons for states to try, the controls in a row, and the live figure that they move.

    `name` is the name of the function in `helpers.panels` that creates the panel. `controls` holds the ipywidgets
    controls by name, `live` the `LiveFigure`, `presets` the values that each button sets; `click` names the sliders
    that a click on a trace sets (see `LiveFigure`). `panel.data` has the current data; `panel.set(depth=20)` moves
    controls.
    """

    def __init__(
        self,
        name: str,
        figure: go.Figure,
        controls: Mapping[str, ipywidgets.Widget],
        compute: Compute,
        presets: Presets | None = None,
        click: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.name = name
        self.controls = dict(controls)
        self.presets = dict(presets or {})
        self.live = LiveFigure(figure, controls, _written(compute), click)
        rows: list[ipywidgets.Widget] = []
        if self.presets:
            self.buttons = [self._button(preset) for preset in self.presets]
            rows.append(_row([ipywidgets.HTML("Try"), *self.buttons], "live-presets"))
        rows += [_row(list(controls.values()), "live-controls"), self.live]
        super().__init__(rows, layout=ipywidgets.Layout(width="100%"))
        self.add_class("live-panel")

    def _button(self, preset: str) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=preset, tooltip=f"Move the sliders: {preset}", layout=plain_layout(), style=plain_style()
        )
        button.on_click(lambda _: self.set(**self.presets[preset]))
        return button

    def set(self, **values: Any) -> None:
        """Move controls by name; raise a ValueError that names an unknown one."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"no control named {name!r}; this panel has {', '.join(self.controls)}")
            self.controls[name].value = value

    @property
    def data(self) -> dict[str, Any]:
        """The figure's data for the controls' current values, by trace name."""
        return self.live.data

    @property
    def summary(self) -> str:
        """The panel's text: its headline and the lines under it."""
        return str(self.data.get("summary", "")).replace("\n", " ")


def _written(compute: Compute) -> Compute:
    """Wrap `compute` so that negative numbers in its sentence have a minus sign."""

    @wraps(compute)
    def written(**values: Any) -> dict[str, Any]:
        result = compute(**values)
        return {**result, "summary": minus(result["summary"])} if "summary" in result else result

    return written


def _row(widgets: list[ipywidgets.Widget], name: str) -> ipywidgets.Box:
    """Place widgets side by side; live.css selects the row by its name."""
    row = ipywidgets.Box(widgets)
    row.add_class(name)
    return row


def still(figure: go.Figure, first: Mapping[str, Any] | None = None) -> LiveFigure:
    """A figure without controls, drawn by the same plotly.js as the panels of the page.

    If the figure is to change, `first` holds the first data of its moving traces, as `compute` of a `LiveFigure` would
    return them; `show` then draws further results of the same shapes, also while a cell is running.
    """
    return LiveFigure(figure, {}, lambda: dict(first or {}))
