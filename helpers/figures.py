"""Result in, `plotly.graph_objects.Figure` out. Nothing here shows a figure or knows a widget."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.quiz import LESSONS, available_lessons

FLOAT32_SMALLEST = np.log10(2.0**-149)

Numbers = Sequence[float] | np.ndarray


# ---------------------------------------------------------------- parts


def line(
    name: str,
    x: Numbers,
    y: Numbers | None = None,
    *,
    colour: str,
    dash: str = "solid",
    width: float = 3,
    **more: object,
) -> go.Scatter:
    """A line named `name`; without `y` its values are still to come."""
    return go.Scatter(x=x, y=y, name=name, mode="lines", line={"color": colour, "dash": dash, "width": width}, **more)


def band(name: str, x: Numbers, *, colour: str, **more: object) -> go.Scatter:
    """A filled band over `x` whose lower and upper edges are still to come (a (2, n) array in a live figure)."""
    return go.Scatter(
        x=x,
        name=name,
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=theme.transparent(colour, 0.22),
        hoverinfo="skip",
        meta={"band": True},
        **more,
    )


def dot(name: str, *, colour: str, **more: object) -> go.Scatter:
    """One large marker whose place is still to come."""
    marker = {"size": 15, "color": colour, "line": {"width": 2, "color": "white"}}
    return go.Scatter(x=[0], y=[0], name=name, mode="markers", marker=marker, **more)


def decades(figure: go.Figure, title: str, low: float, high: float, **where: int) -> None:
    """Make a y axis of log10 values read as powers of ten."""
    figure.update_yaxes(
        title_text=title, range=[low, high], tickprefix="10<sup>", ticksuffix="</sup>", nticks=8, **where
    )


def backward_arrow(figure: go.Figure, y: float = 0.02) -> None:
    """The small arrow that says in which direction the backward pass reads a plot over layers."""
    figure.add_annotation(
        xref="x domain", yref="y domain", x=0.99, y=y, xanchor="right", yanchor="bottom", showarrow=False,
        text="⟵ backward pass", font={"size": 16, "color": theme.MUTED},
    )  # fmt: skip


def float32_limit(figure: go.Figure, **where: int) -> None:
    """A faint line below which float32 knows only zero (2⁻¹⁴⁹, IEEE 754)."""
    figure.add_hline(
        y=FLOAT32_SMALLEST, line={"color": theme.LIMIT, "width": 1.5, "dash": "dot"},
        annotation={
            "text": f"below: 0 in float32 ({theme.scientific(FLOAT32_SMALLEST)})",
            "font": {"size": 14, "color": theme.MUTED}, "xanchor": "right", "x": 0.99, "yanchor": "top",
        },
        **where,
    )  # fmt: skip


# ---------------------------------------------------------------- pictures of the lessons


def signal_by_layer(depths: Numbers, *, title: str, low: float, high: float, activation: str = "sigmoid") -> go.Figure:
    """Gradient signal log10‖∂L/∂h‖ over layers: "measured", its "spread over seeds", and "theory" dashed.

    `depths` are the layers 1 … deepest. The one picture that runs through the course.
    """
    colour = theme.ACTIVATION_COLOURS[activation]
    figure = go.Figure(
        [
            band("spread over seeds", depths, colour=colour),
            line("measured", depths, colour=colour, width=4, hovertemplate="layer %{x}: 10<sup>%{y:.2f}</sup>"),
            line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate="layer %{x}: 10<sup>%{y:.2f}</sup>"),
        ]
    )
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=480, uirevision="kept")
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0, float(np.max(depths)) + 1])
    decades(figure, "gradient norm ‖∂L/∂h‖", low, high)
    float32_limit(figure)
    backward_arrow(figure)
    return figure


def signal_and_saturation(depths: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """`signal_by_layer` with the bound 0.25 a layer, and beneath it the share of "saturated units" by layer."""
    colour = theme.ACTIVATION_COLOURS["sigmoid"]
    figure = go.Figure().set_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.07
    )
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "layer %{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(band("spread over seeds", depths, colour=colour), **above)
    figure.add_trace(line("measured", depths, colour=colour, width=4, hovertemplate=hover), **above)
    figure.add_trace(line("theory", depths, colour=theme.THEORY, dash="dash", hovertemplate=hover), **above)
    bound = line("0.25 a layer", depths, colour=theme.BOUND, dash="dot", width=2, hovertemplate=hover)
    figure.add_trace(bound, **above)
    saturated = line("saturated units", depths, colour=theme.SATURATED, hovertemplate="layer %{x}: %{y:.0%}")
    saturated.update(fill="tozeroy", fillcolor=theme.transparent(theme.SATURATED, 0.3), showlegend=False)
    figure.add_trace(saturated, **below)
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=600, uirevision="kept")
    figure.update_xaxes(range=[0, float(np.max(depths)) + 1])
    figure.update_xaxes(title_text="layer (input left, loss right)", **below)
    decades(figure, "gradient norm ‖∂L/∂h‖", low, high, **above)
    figure.update_yaxes(title_text="saturated", range=[0, 1], tickformat=".0%", nticks=3, **below)
    float32_limit(figure, **above)
    backward_arrow(figure)
    return figure


def chain(depths: Numbers, z: Numbers) -> go.Figure:
    """A chain of single neurons: its gradient over the neurons, and beside it where each neuron sits on the slope.

    Traces to come: "measured", "largest slope everywhere" over the neurons; "slope" over `z` and the marker
    "first neuron", "last neuron" on it.
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, column_widths=[0.66, 0.34], horizontal_spacing=0.13)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    hover = "neuron %{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(line("measured", depths, colour=theme.MEASURED, width=4, hovertemplate=hover), **left)
    steepest = line("largest slope everywhere", depths, colour=theme.BOUND, dash="dash", hovertemplate=hover)
    figure.add_trace(steepest, **left)
    figure.add_trace(
        line("slope", z, colour=theme.THEORY, showlegend=False, hovertemplate="slope at %{x:.2f}: %{y:.3f}"), **right
    )
    figure.add_trace(dot("last neuron", colour=theme.MUTED, hovertemplate="last neuron: z = %{x:.2f}"), **right)
    figure.add_trace(dot("first neuron", colour=theme.MEASURED, hovertemplate="first neuron: z = %{x:.2f}"), **right)
    figure.update_layout(
        template=theme.TEMPLATE, title_text="Each neuron multiplies by weight × slope", height=480,
        uirevision="kept",
    )  # fmt: skip
    figure.update_xaxes(title_text="neuron (input left, loss right)", range=[0, float(np.max(depths)) + 1], **left)
    decades(figure, "gradient |∂h<sub>L</sub>/∂h|", -80, 20, **left)
    figure.update_xaxes(title_text="pre-activation z", range=[float(np.min(z)), float(np.max(z))], **right)
    figure.update_yaxes(title_text="slope φ′(z)", range=[-0.05, 0.3], **right)
    float32_limit(figure, **left)
    backward_arrow(figure)
    return figure


def slope_and_spread(z: Numbers) -> go.Figure:
    """An activation with its tangent, and beside it the slope under the spread of z.

    Traces to come, over `z`: "activation", "tangent", the marker "here"; "slope²", "spread of z" (not to scale), the
    shaded "share of it" that the spread gives to each z, and the level of their mean, "E[slope²]".
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.15)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    curve = line("activation", z, colour=theme.MEASURED, width=4, hovertemplate="φ(%{x:.2f}) = %{y:.3f}")
    figure.add_trace(curve, **left)
    figure.add_trace(line("tangent", [-1.5, 1.5], colour=theme.THEORY, dash="dash", hoverinfo="skip"), **left)
    figure.add_trace(dot("here", colour=theme.THEORY, showlegend=False, hovertemplate="z = %{x:.2f}"), **left)
    spread = line("spread of z", z, colour=theme.MUTED, dash="dot", width=2, hoverinfo="skip")
    figure.add_trace(spread, **right)
    product = line("share of it", z, colour=theme.SATURATED, width=1.5, hoverinfo="skip")
    product.update(fill="tozeroy", fillcolor=theme.transparent(theme.SATURATED, 0.4))
    figure.add_trace(product, **right)
    figure.add_trace(line("slope²", z, colour=theme.THEORY, hovertemplate="slope² at %{x:.2f}: %{y:.3f}"), **right)
    level = line("E[slope²]", [float(np.min(z)), float(np.max(z))], colour=theme.SATURATED, dash="dash", width=2)
    figure.add_trace(level.update(hovertemplate="E[slope²] = %{y:.4f}"), **right)
    figure.update_layout(
        template=theme.TEMPLATE, title_text="The slope, and how much of it the neurons see", height=470,
        uirevision="kept",
    )  # fmt: skip
    limits = [float(np.min(z)), float(np.max(z))]
    figure.update_xaxes(title_text="pre-activation z", range=limits)
    figure.update_yaxes(title_text="activation φ(z)", range=[-1.5, 1.5], **left)
    figure.update_yaxes(title_text="slope² φ′(z)²", range=[0, 0.08], **right)
    return figure


# ---------------------------------------------------------------- lesson 01: the history


@dataclass(frozen=True)
class Milestone:
    """One dated source: what it brought in a few words, who wrote it, and a sentence on it.

    `kind` is "training" (how networks learn), "problem" (the vanishing gradient is described or explained) or
    "remedy" (something that helps against it).
    """

    year: int
    what: str
    who: str
    kind: str
    sentence: str

    @property
    def label(self) -> str:
        """The short text beside the marker."""
        return f"{self.year}  {self.what}: {self.who}"


MILESTONES = (
    Milestone(
        1986, "backpropagation", "Rumelhart et al.", "training",
        "Rumelhart, Hinton and Williams make backpropagation popular; others had found it before them.",
    ),
    Milestone(
        1991, "the problem", "Hochreiter", "problem",
        "Hochreiter's diploma thesis, in German, shows that error signals shrink or grow exponentially on their way "
        "back through a recurrent network.",
    ),
    Milestone(
        1994, "why long memory is hard", "Bengio et al.", "problem",
        "Bengio, Simard and Frasconi show that a recurrent network that stores information safely has gradients that "
        "vanish over time.",
    ),
    Milestone(
        1997, "LSTM", "Hochreiter, Schmidhuber", "remedy",
        "Hochreiter and Schmidhuber build a cell that hands the error back through time with a factor of 1.",
    ),
    Milestone(
        2000, "forget gate", "Gers et al.", "remedy",
        "Gers, Schmidhuber and Cummins let the LSTM learn when to forget; the factor becomes the gate's value.",
    ),
    Milestone(
        2009, "feed-forward networks too", "Bradley", "problem",
        "Bradley finds that in feed-forward networks the gradients shrink from the output toward the input.",
    ),
    Milestone(
        2010, "Xavier initialization", "Glorot, Bengio", "remedy",
        "Glorot and Bengio tie the difficulty to saturation and to the scale of the first weights, and choose that "
        "scale anew.",
    ),
    Milestone(
        2010, "ReLU", "Nair, Hinton; Glorot et al. 2011", "remedy",
        "Nair and Hinton use rectified units in Boltzmann machines; Glorot, Bordes and Bengio train deep "
        "rectifier networks in 2011.",
    ),
    Milestone(
        2013, "gradient clipping", "Pascanu et al.", "remedy",
        "Pascanu, Mikolov and Bengio clip the gradient's norm, which tames exploding gradients, not vanishing ones.",
    ),
    Milestone(
        2015, "He initialization", "He et al.", "remedy",
        "He, Zhang, Ren and Sun choose the scale of the weights for ReLU: twice the variance.",
    ),
    Milestone(
        2015, "batch normalization", "Ioffe, Szegedy", "remedy",
        "Ioffe and Szegedy normalise what enters each activation over the batch.",
    ),
    Milestone(
        2015, "residual networks", "He et al.", "remedy",
        "He, Zhang, Ren and Sun add shortcuts and train more than a hundred layers; vanishing gradients, they write, "
        "are unlikely to be what held their plain networks back.",
    ),
    Milestone(
        2017, "theory of depth", "Schoenholz et al.", "problem",
        "Schoenholz and others compute how far a signal gets through a random network, forward and backward.",
    ),
    Milestone(
        2017, "starving GAN generators", "Arjovsky, Bottou", "problem",
        "Arjovsky and Bottou show that a discriminator that is too good leaves the generator with a vanishing "
        "gradient.",
    ),
    Milestone(
        2017, "SELU", "Klambauer et al.", "remedy",
        "Klambauer and others design an activation that keeps mean 0 and variance 1 from layer to layer.",
    ),
    Milestone(
        2020, "ReZero", "Bachlechner et al.", "remedy",
        "Bachlechner and others start each residual branch with the factor 0: at first, the network passes on "
        "whatever it gets.",
    ),
)  # fmt: skip
"""The history of the problem from 1986 to 2020, in order of years."""


def timeline() -> go.Figure:
    """The history of the vanishing gradient, 1986-2020: a row for each of `MILESTONES`, its sentence on hover."""
    looks = {
        "training": ("how networks learn", theme.INK, "square"),
        "problem": ("the problem is described", theme.WARNING, "diamond"),
        "remedy": ("a remedy", theme.MEASURED, "circle"),
    }
    figure = go.Figure()
    for kind, (name, colour, symbol) in looks.items():
        rows = [row for row, milestone in enumerate(MILESTONES) if milestone.kind == kind]
        chosen = [MILESTONES[row] for row in rows]
        figure.add_scatter(
            x=[milestone.year for milestone in chosen],
            y=rows,
            name=name,
            mode="markers+text",
            marker={"size": 13, "symbol": symbol, "color": colour},
            text=[f"  {milestone.label}  " for milestone in chosen],
            textposition=["middle right" if milestone.year < 2005 else "middle left" for milestone in chosen],
            textfont={"size": 15, "color": theme.INK},
            customdata=["<br>".join(textwrap.wrap(milestone.sentence, 56)) for milestone in chosen],
            hovertemplate="%{customdata}<extra></extra>",
            cliponaxis=False,
        )
    figure.update_layout(
        template=theme.TEMPLATE, title_text="The vanishing gradient, 1986 to 2020", height=130 + 30 * len(MILESTONES),
        margin={"l": 16, "r": 16, "t": 92, "b": 42}, dragmode=False,
        hoverlabel={"align": "left", "bgcolor": theme.PAPER, "font": {"color": theme.INK}},
    )  # fmt: skip
    figure.update_xaxes(range=[1985, 2021.5], dtick=5, tick0=1985)
    figure.update_yaxes(range=[len(MILESTONES) - 0.3, -0.7], visible=False)
    return figure


# ---------------------------------------------------------------- lesson 00

_COLUMNS = np.arange(5.0)
_ROWS = np.array([-0.22, 0.0, 0.22])
_NEW = {
    "00": "one slider: the depth",
    "01": "a chain of single neurons",
    "02": "the slope of each neuron",
    "03": "whole layers of neurons",
    "04": "slopes of 1 or 0, and dead units",
    "05": "the scale of the weights",
    "06": "a fixed spread in every layer",
    "07": "a way around each layer",
    "08": "a memory that gates guard, over time",
    "09": "a second network that judges the first",
    "10": "a limit to the gradient",
    "11": "any network, and instruments for it",
}

Points = tuple[np.ndarray, np.ndarray]


def course_map(ready: Sequence[str] = ()) -> go.Figure:
    """The lessons as rows: a small network, in colour what the lesson adds to it, and the lesson's title.

    `ready` are the two-digit numbers of the lessons that exist; without it, those that have a quiz bank. The others
    are marked as coming.
    """
    ready = ready or available_lessons()
    figure = go.Figure()
    for row, (number, title) in enumerate(LESSONS.items()):
        _draw_lesson(figure, number, float(row))
        coming = "" if number in ready else " <i>(coming)</i>"
        colour = theme.MUTED if coming else theme.INK
        short = title.rpartition(": ")[-1]
        text = f"<b>{number} {short[0].upper()}{short[1:]}</b>{coming}<br>{_NEW[number]}"
        figure.add_annotation(
            x=5.0, y=row, text=text, font={"size": 15, "color": colour}, showarrow=False, xanchor="left", align="left"
        )
    figure.update_layout(
        template=theme.TEMPLATE, title_text="What each lesson adds to the network", height=58 * len(LESSONS) + 70,
        showlegend=False, hovermode=False, dragmode=False, margin={"l": 8, "r": 8, "t": 56, "b": 8},
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-0.4, 15.6], fixedrange=True)
    figure.update_yaxes(visible=False, range=[len(LESSONS) - 0.5, -0.6], fixedrange=True)
    return figure


def _draw_lesson(figure: go.Figure, number: str, y: float) -> None:
    """The network of one lesson around height `y`: what was there in grey, what is new in colour."""
    units = np.array([0.0]) if number in ("01", "02") else _ROWS
    columns = {"00": _COLUMNS[:0], "09": _COLUMNS[[0, 1, 3, 4]]}.get(number, _COLUMNS)
    links = [_between(x, units) for x in columns if x + 1 in columns]
    new_links, new_units = number == "05", number in ("01", "03")
    where = f"lesson {number}"
    if links:
        colour, width = (theme.THEORY, 2.0) if new_links else (theme.LIMIT, 1.0)
        figure.add_trace(line(f"{where}: links", *_joined(links, y), colour=colour, width=width))
    if len(columns):
        x, heights = (part.ravel() for part in np.meshgrid(columns, units))
        marker = {"size": 10, "color": theme.THEORY if new_units else theme.MUTED}
        figure.add_trace(go.Scatter(x=x, y=y + heights, mode="markers", marker=marker, name=f"{where}: units"))
    lines, marks, symbol = _additions(number)
    if lines:
        figure.add_trace(line(f"{where}: new", *_joined(lines, y), colour=theme.THEORY, width=2.5))
    if len(marks[0]):
        edge = {"size": 12, "color": "white", "symbol": symbol, "line": {"width": 2.5, "color": theme.THEORY}}
        figure.add_trace(go.Scatter(x=marks[0], y=y + marks[1], mode="markers", marker=edge, name=f"{where}: marks"))


def _additions(number: str) -> tuple[list[Points], Points, str]:
    """The lines, the marks and the marks' symbol that a lesson adds, around height 0 (up is negative)."""
    t = np.linspace(-1, 1, 21)
    flat, none = np.zeros_like(t), (np.empty(0), np.empty(0))
    gaps = _COLUMNS[:-1] + 0.5
    match number:
        case "00":
            return [(2 + 2 * t, flat)], (np.array([2.8]), np.array([0.0])), "circle"
        case "02":
            return [(x + 0.36 * t, -0.3 * np.tanh(2.5 * t)) for x in _COLUMNS], none, "circle"
        case "04":
            return [], (_COLUMNS, _ROWS[[0, 2, 1, 0, 2]]), "circle"
        case "06":
            return [(x + 0 * t, 0.34 * t) for x in gaps], none, "circle"
        case "07":
            return [(x + 0.5 * t, -0.22 - 0.17 * (1 - t**2)) for x in gaps], none, "circle"
        case "08":
            return [(2 + 2.3 * t, flat - 0.38)], (gaps, np.full(4, -0.38)), "circle-x"
        case "09":
            return [(2 + 0.8 * t, flat), _between(3.0, _ROWS)], (np.array([2.0]), np.array([0.0])), "diamond"
        case "10":
            return [(2 + 2.3 * t, flat + side) for side in (-0.36, 0.36)], none, "circle"
        case "11":
            corners = np.array([-1.0, 1.0, 1.0, -1.0, -1.0])
            return [(2 + 2.3 * corners, 0.36 * np.array([-1.0, -1.0, 1.0, 1.0, -1.0]))], none, "circle"
    return [], none, "circle"


def _between(x: float, units: np.ndarray) -> Points:
    """Lines from every unit of one column to every unit of the next."""
    ends = [(a, b, np.nan) for a in units for b in units]
    return np.tile([x, x + 1, np.nan], len(ends)), np.ravel(ends)


def _joined(lines: Sequence[Points], y: float) -> Points:
    """Several lines as one, with gaps between them, raised to height `y`."""
    gap = np.array([np.nan])
    xs, ys = zip(*lines, strict=True)
    return np.concatenate([p for x in xs for p in (x, gap)]), y + np.concatenate([p for h in ys for p in (h, gap)])


# ---------------------------------------------------------------- training


class Trained(Protocol):
    """What `training_movement` needs of a `helpers.training.History`."""

    @property
    def steps(self) -> np.ndarray:
        """Moments of the records, in updates."""

    @property
    def loss(self) -> np.ndarray:
        """Loss at each record."""

    @property
    def movement(self) -> np.ndarray:
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
    """Training runs side by side: all losses above, and beneath, for each run, how far every layer has moved.

    `histories` maps up to four labels to what `helpers.training.train` returned. `chance` is the loss of guessing. The
    movement is log10 of ‖ΔW‖/‖W‖ at the last record, from 10**low to 10**high; the last place on each axis is the
    read-out. A layer that stood still, or moved less than the axis shows, is an open triangle at its foot.
    Raises ValueError for no run, or more than four.
    """
    if not 1 <= len(histories) <= len(RUN_LOOKS):
        raise ValueError(f"histories must hold 1 to {len(RUN_LOOKS)} runs; got {len(histories)}")
    count = len(histories)
    figure = go.Figure().set_subplots(
        rows=2, cols=count, specs=[[{"colspan": count}, *[None] * (count - 1)], [{}] * count], row_heights=[0.45, 0.55],
        vertical_spacing=0.24, horizontal_spacing=0.03, subplot_titles=["", *histories],
    )  # fmt: skip
    looks = zip(histories.items(), RUN_LOOKS, strict=False)
    for column, ((name, run), (colour, dash, symbol)) in enumerate(looks, start=1):
        hover = f"{name}, step %{{x}}: %{{y:.3f}}<extra></extra>"
        width = 2 + 1.5 * (count - column)  # runs that lie on each other are all seen
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
            y=chance, line={"color": theme.MUTED, "width": 1.5, "dash": "dash"}, annotation_text="chance",
            annotation_position="bottom right", annotation_font={"size": 15, "color": theme.MUTED}, row=1, col=1,
        )  # fmt: skip
    figure.update_xaxes(title_text="training steps", row=1, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=620)
    figure.update_annotations(font_size=15)
    return figure


def _moved_layers(movement: np.ndarray, colour: str, symbol: str, low: float) -> list[go.Scatter]:
    """A line with markers for the layers that moved, and triangles at the foot of the axis for those that didn't."""
    layers = np.arange(1, len(movement) + 1)
    still = movement < 10**low
    heights = np.log10(np.where(still, np.nan, movement))
    marker = {"size": 10, "symbol": symbol, "color": colour}
    moved = line("moved", layers, heights, colour=colour, width=2, hovertemplate="layer %{x}: 10<sup>%{y:.1f}</sup>")
    moved.update(mode="lines+markers", marker=marker, showlegend=False)
    foot = go.Scatter(
        x=layers[still], y=np.full(still.sum(), low + 0.3), name="stood still", mode="markers", showlegend=False,
        marker={"size": 11, "symbol": "triangle-down-open", "color": colour, "line": {"width": 2}},
        hovertemplate=f"layer %{{x}}: below 10<sup>{low:g}</sup>",
    )  # fmt: skip
    return [moved, foot] if still.any() else [moved]


def _name_layers(figure: go.Figure, layers: int, column: int) -> None:
    """Tick labels for the first and the middle hidden layer, and "out"."""
    places = sorted({1, (layers + 1) // 2, layers})
    figure.update_xaxes(
        tickvals=places, ticktext=["out" if place == layers else str(place) for place in places], tickangle=0,
        title_text="layer", range=[0.5, layers + 0.5], row=2, col=column,
    )  # fmt: skip
