"""The heat map of a watched training run, drawn while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ipywidgets
import numpy as np

from helpers import figures
from helpers.arrays import Array
from helpers.live import LiveFigure
from helpers.panels.curves import next_of, padded
from helpers.panels.panel import still

COLUMNS = 120
"""The largest number of moments in the picture; of a longer run it shows every second record, then every fourth."""

WIDTHS = (10, 20, 30, 60, 90, COLUMNS)


class Watched(Protocol):
    """The part of a `helpers.doctor.watch.WatchHistory` that the picture needs."""

    @property
    def steps(self) -> Array:
        """Moments of the records, in steps."""

    @property
    def gradient_norm(self) -> Array:
        """Gradient norms (records, layers)."""


class LayersPicture(ipywidgets.VBox):
    """The gradient norm of every layer at every record, for a training run recorded every `every` steps.

    `show` draws the records so far, also while a cell is running; `live` is the figure.
    """

    def __init__(self, layers: Sequence[str], every: int) -> None:
        self._layers, self._every, self._stride = layers, every, 1
        self.live = self._empty()
        super().__init__([self.live], layout=ipywidgets.Layout(width="100%"))

    def _empty(self) -> LiveFigure:
        steps = self._every * self._stride * np.arange(COLUMNS)
        figure = figures.layers_over_steps(self._layers, steps, title="Gradient norm of each layer")
        return still(figure, self._row(np.empty((0, len(self._layers)))))

    def _row(self, norms: Array) -> dict[str, object]:
        """Return the figure's data: log10 of the norms (records, layers), and an axis range for these records."""
        step = self._every * self._stride
        end = step * (next_of(WIDTHS, len(norms)) - 0.5)
        return {
            "gradient norm": padded(figures.log10_or_gap(norms.T), COLUMNS),
            "ranges": {"xaxis": [-step / 2, end]},
            "summary": f"{len(norms)} records\nPale red: no gradient, or none that is finite.",
        }

    def show(self, history: Watched) -> None:
        """Draw everything recorded so far."""
        stride = self._stride
        while len(history.steps) > COLUMNS * stride:
            stride *= 2
        if stride != self._stride:
            self._stride = stride
            self.live = self._empty()
            self.children = [self.live]
        self.live.show(self._row(history.gradient_norm[::stride]))
