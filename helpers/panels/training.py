"""Losses of training runs, drawn while they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from helpers import figures
from helpers.arrays import Array
from helpers.live import LiveFigure
from helpers.panels.curves import padded
from helpers.panels.panel import still


class Recorded(Protocol):
    """The part of a `helpers.training.History` that a picture needs."""

    @property
    def steps(self) -> Array:
        """Moments of the records, in updates."""

    @property
    def loss(self) -> Array:
        """Loss at each record."""


def training_picture(
    groups: Sequence[str],
    runs: Sequence[str],
    *,
    steps: int,
    records: int,
    chance: float,
    title: str,
    highest: float = 3.0,
) -> LiveFigure:
    """Return an empty picture of losses with a plot for each group; `follow` fills it while a network trains.

    `steps` and `records` are those of the training run, `chance` is the loss of guessing; the axis ends at `highest`.
    """
    figure = figures.training_losses(groups, runs, steps=steps, chance=chance, title=title, highest=highest)
    return still(figure, {f"{group}, {run}": np.full((2, records + 1), np.nan) for group in groups for run in runs})


def follow(picture: LiveFigure, group: str, run: str) -> Callable[[Recorded], None]:
    """Return a callback for `helpers.training.train` that draws the loss so far; ValueError if the run has no curve."""
    name = f"{group}, {run}"
    if name not in picture.data:
        raise ValueError(f"the run is {name!r}; the picture has {'; '.join(picture.data)}")

    def draw(history: Recorded) -> None:
        curve = np.stack([history.steps, history.loss])
        picture.show({**picture.data, name: padded(curve, picture.data[name].shape[1])})

    return draw
