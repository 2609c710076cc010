"""Curves that grow while networks train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers import figures
from helpers.live import LiveFigure

if TYPE_CHECKING:
    from helpers.training import History


class LearningCurves(LiveFigure):
    """Training loss and test accuracy of one to four runs, side by side, drawn while they train.

    `follow(name)` is what `train` takes as its `callback`; hand `train` the same `steps` and `records`.
    """

    def __init__(self, names: Sequence[str], *, steps: int, records: int = 50, title: str = "") -> None:
        self._curves: dict[str, Any] = {}
        self._length = records + 2  # the start, and one more where a run ends early
        for name in names:
            self._keep(name, np.empty(0), np.empty(0), np.empty(0))
        figure = figures.learning_curves(names, np.linspace(0, steps, records + 1), title=title)
        super().__init__(figure, {}, lambda: dict(self._curves))

    def follow(self, name: str) -> Callable[[History], None]:
        """A function that draws a History as the run `name`; ValueError where there is no run of that name."""
        if name not in self._curves:
            raise ValueError(
                f"name is {name!r}; the runs are {', '.join(name for name in self._curves if ',' not in name)}"
            )

        def draw(history: History) -> None:
            self._keep(name, history.steps, history.loss, history.accuracy)
            self.show(self._curves)

        return draw

    def _keep(self, name: str, steps: np.ndarray, loss: np.ndarray, accuracy: np.ndarray) -> None:
        for trace, values in ((name, loss), (f"{name}, accuracy", accuracy)):
            points = np.full((2, self._length), np.nan)
            points[:, : len(steps)] = steps, np.where(np.isfinite(values), values, np.nan)
            self._curves[trace] = points
