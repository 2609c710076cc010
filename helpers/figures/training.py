"""Losses and movements of layers in training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import decades, line


class Trained(Protocol):
    """The part of a `helpers.training.History` that `training_movement` needs."""

    @property
    def steps(self) -> Array:
        """Moments of the records, in updates."""

    @property
    def loss(self) -> Array:
        """Loss at each record."""

    @property
    def movement(self) -> Array:
        """‖W_l − W_l(0)‖ / ‖W_l(0)‖, (records, layers), the read-out last."""


RUN_LOOKS = (
    (theme.MEASURED, "solid", "circle"),
    (theme.ACTIVATION_COLOURS["tanh"], "dash", "square"),
    (theme.ACTIVATION_COLOURS["relu"], "dot", "diamond"),
    (theme.ACTIVATION_COLOURS["elu"], "dashdot", "triangle-up"),
)
"""Colour, dash and marker of up to four runs shown together."""


def training_movement(
    histories: Mapping[str, Trained], *, title: str, chance: float | None = None, low: float = -9, high: float = 1.5
) -> go.Figure:
    """Training runs side by side: all losses above and, beneath them, the movement of every layer in each run.

    `histories` maps up to four labels to results of `helpers.training.train`. `chance` is the loss of guessing. The
    movement is log10 of ‖ΔW‖/‖W‖ at the last record, from 10**low to 10**high; the last place on each axis is the
    read-out. A layer that didn't move, or moved less than the axis shows, is an open triangle at its foot.
    Raises ValueError for no run, or more than four.
    """
    if not 1 <= len(histories) <= len(RUN_LOOKS):
        raise ValueError(f"histories must hold 1 to {len(RUN_LOOKS)} runs; got {len(histories)}")
    count = len(histories)
    figure = go.Figure().set_subplots(
        rows=2,
        cols=count,
        specs=[[{"colspan": count}, *[None] * (count - 1)], [{}] * count],
        row_heights=[0.45, 0.55],
        vertical_spacing=0.24,
        horizontal_spacing=0.03,
        subplot_titles=["", *histories],
    )
    looks = zip(histories.items(), RUN_LOOKS, strict=False)
    for column, ((name, run), (colour, dash, symbol)) in enumerate(looks, start=1):
        hover = f"{name}, step %{{x}}: %{{y:.3f}}<extra></extra>"
        width = 2 + 1.5 * (count - column)  # so that runs on top of each other are all visible
        loss = line(name, run.steps, run.loss, colour=colour, dash=dash, width=width, hovertemplate=hover)
        figure.add_trace(loss, row=1, col=1)
        for trace in _moved_layers(run.movement[-1], colour, symbol, low):
            figure.add_trace(trace, row=2, col=column)
        _name_layers(figure, run.movement.shape[1], column)
        decades(figure, "movement ‖ΔW‖/‖W‖" if column == 1 else "", low, high, row=2, col=column)
    figure.update_yaxes(showticklabels=False, row=2)
    figure.update_yaxes(showticklabels=True, row=2, col=1)
    if chance is not None:
        figure.add_hline(
            y=chance,
            line={"color": theme.MUTED, "width": 1.5, "dash": "dash"},
            annotation_text="chance",
            annotation_position="bottom right",
            annotation_font={"color": theme.MUTED},
            row=1,
            col=1,
        )
    figure.update_xaxes(title_text="training steps", row=1, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=620)
    figure.update_annotations(font_size=theme.SMALL)
    return figure


def _moved_layers(movement: Array, colour: str, symbol: str, low: float) -> list[go.Scatter]:
    """Return a line with markers for the layers that moved, and triangles at the axis's foot for those that didn't."""
    layers = np.arange(1, len(movement) + 1)
    still = movement < 10**low
    heights = np.log10(np.where(still, np.nan, movement))
    marker = {"size": 10, "symbol": symbol, "color": colour}
    moved = line("moved", layers, heights, colour=colour, width=2, hovertemplate="layer %{x}: 10<sup>%{y:.1f}</sup>")
    moved.update(mode="lines+markers", marker=marker, showlegend=False)
    foot = go.Scatter(
        x=layers[still],
        y=np.full(still.sum(), low + 0.3),
        name="stood still",
        mode="markers",
        showlegend=False,
        marker={"size": 11, "symbol": "triangle-down-open", "color": colour, "line": {"width": 2}},
        hovertemplate=f"layer %{{x}}: below 10<sup>{low:g}</sup>",
    )
    return [moved, foot] if still.any() else [moved]


def _name_layers(figure: go.Figure, layers: int, column: int) -> None:
    """Tick labels for the first and the middle hidden layer, and "out"."""
    places = sorted({1, (layers + 1) // 2, layers})
    figure.update_xaxes(
        tickvals=places,
        ticktext=["out" if place == layers else str(place) for place in places],
        tickangle=0,
        title_text="layer",
        range=[0.5, layers + 0.5],
        row=2,
        col=column,
    )


def training_losses(
    groups: Sequence[str], runs: Sequence[str], *, steps: int, chance: float, title: str, highest: float = 3.0
) -> go.Figure:
    """Empty losses over training steps, a plot for each group; the traces to fill are named "group, run".

    `runs` (at most four) have the same look in every group. `chance` is the loss of guessing.
    """
    figure = go.Figure().set_subplots(
        rows=1, cols=len(groups), subplot_titles=list(groups), shared_yaxes=True, horizontal_spacing=0.06
    )
    for run, (colour, dash, _) in zip(runs, RUN_LOOKS, strict=False):
        for column, group in enumerate(groups, start=1):
            hover = f"{run}, step %{{x}}: %{{y:.3f}}<extra></extra>"
            curve = line(f"{group}, {run}", [], colour=colour, dash=dash, hovertemplate=hover, showlegend=False)
            figure.add_trace(curve, row=1, col=column)
        legend = line(run, [np.nan], [np.nan], colour=colour, dash=dash)  # one entry for all groups
        figure.add_trace(legend, row=1, col=1)
    figure.add_hline(y=chance, line={"color": theme.MUTED, "width": 1.5, "dash": "dash"}, row=1, col="all")
    figure.update_xaxes(title_text="training steps", range=[0, steps], nticks=3 if len(groups) > 1 else 7)
    figure.update_yaxes(range=[0, highest])
    figure.update_yaxes(title_text="loss", row=1, col=1)
    figure.update_annotations(font_size=theme.SMALL)
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=440)
    figure.update_layout(margin_t=124, legend_y=1.1)
    return figure
