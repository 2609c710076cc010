"""The two players of a generative adversarial network: the discriminator's outputs and the generator's gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.adversarial import generator_loss
from helpers.arrays import Array
from helpers.figures.parts import Numbers, backward_arrow, band, decades, dot, dressed, line, stacking
from helpers.theory import generator_slope

MOMENTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Numbers of discriminator steps that the panels show."""
LOGITS = np.linspace(-12, 12, 193)
SIDE = 61  # pixels of the discriminator's picture
RECORDS = 400  # places of a live curve


def _losses(x: Numbers) -> list[go.Scatter]:
    """Return an empty line of log10 values for each of the three generator losses."""
    hover = "10<sup>%{y:.2f}</sup>"
    looks = theme.LOSS_LOOKS.values()
    return [line(name, x, colour=colour, dash=dash, hovertemplate=hover) for name, colour, dash in looks]


def _moments(figure: go.Figure, **where: int) -> None:
    """Make an axis of discriminator steps with one place for each of `MOMENTS`."""
    labels = [str(moment) if moment in (0, 1, 10, 100, 1000) else "" for moment in MOMENTS]
    figure.update_xaxes(
        title_text="discriminator steps",
        tickvals=list(range(len(MOMENTS))),
        ticktext=labels,
        tickangle=0,
        range=[-0.4, len(MOMENTS) - 0.6],
        **where,
    )


def duel(x: Numbers) -> go.Figure:
    """The game on a line: both distributions and the discriminator over `x`, and the generator's gradient beside it.

    Traces to fill, over `x`: "real", "generated" (densities), "discriminator" with its "spread over seeds",
    "best discriminator"; "push" (arrows at samples). Over `MOMENTS`: a line for each loss, the level "theory", "now".
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, column_widths=[0.54, 0.46], horizontal_spacing=0.1)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    for name, colour in (("generated", theme.GENERATED), ("real", theme.REAL)):
        density = line(name, x, colour=colour, width=2, hoverinfo="skip")
        figure.add_trace(density.update(fill="tozeroy", fillcolor=theme.transparent(colour, 0.25)), **left)
    figure.add_trace(band("spread over seeds", x, colour=theme.INK, showlegend=False), **left)
    figure.add_trace(line("discriminator", x, colour=theme.INK, hovertemplate="D(%{x:.1f}) = %{y:.3f}"), **left)
    best = line("best discriminator", x, colour=theme.THEORY, dash="dash", width=2, hoverinfo="skip")
    figure.add_trace(best, **left)
    figure.add_trace(line("push", [0, 0], colour=theme.GENERATED, width=4, hoverinfo="skip", showlegend=False), **left)
    dots = dot("samples", colour=theme.GENERATED, hoverinfo="skip", showlegend=False)
    figure.add_trace(dots.update(marker={"size": 9, "line": {"width": 1}}), **left)
    places = list(range(len(MOMENTS)))
    figure.add_trace(band("over seeds", places, colour=theme.MUTED, showlegend=False), **right)
    for trace in _losses(places):
        figure.add_trace(trace, **right)
    level = line("theory", [-0.4, len(MOMENTS) - 0.6], colour=theme.THEORY, dash="dash", width=2)
    figure.add_trace(level.update(hovertemplate="best discriminator: 10<sup>%{y:.2f}</sup>", showlegend=False), **right)
    figure.add_trace(dot("now", colour=theme.INK, showlegend=False, hoverinfo="skip"), **right)
    dressed(figure, "What the discriminator says, and what the generator receives", height=theme.ALONE)
    figure.update_xaxes(title_text="sample x", range=[float(np.min(x)), float(np.max(x))], **left)
    figure.update_yaxes(title_text="D(x), and densities", range=[-0.03, 1.05], **left)
    _moments(figure, **right)
    decades(figure, "gradient |∂L/∂θ|", -6, 1.5, **right)
    return stacking(figure, [[(1, 1)], [(1, 2)]])


def loss_slopes() -> go.Figure:
    """Slope of the three generator losses over the discriminator's logit, and the losses beside it.

    Traces to fill: the markers "saturating here", "non-saturating here", "Wasserstein here" and the line "here".
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    for column in (1, 2):
        for loss, (name, colour, dash) in theme.LOSS_LOOKS.items():
            y = generator_loss(loss, LOGITS[:, None, None])[0] if column == 1 else np.log10(-_slopes(loss))
            hover = "%{y:.3f}" if column == 1 else "10<sup>%{y:.2f}</sup>"
            curve = line(name, LOGITS, y, colour=colour, dash=dash, showlegend=column == 1, hovertemplate=hover)
            figure.add_trace(curve, row=1, col=column)
    here = line("here", [0, 0], colour=theme.MUTED, width=1.5, dash="dot", hoverinfo="skip", showlegend=False)
    figure.add_trace(here, row=1, col=2)
    for name, colour, _ in theme.LOSS_LOOKS.values():
        figure.add_trace(dot(f"{name} here", colour=colour, showlegend=False, hoverinfo="skip"), row=1, col=2)
    dressed(figure, "Three losses of a generator, and their slopes", height=theme.ALONE)
    figure.update_xaxes(title_text="logit a of a fake, D = σ(a)", range=[-12, 12])
    figure.update_yaxes(title_text="generator's loss", range=[-8, 8], row=1, col=1)
    decades(figure, "|slope|", -5.6, 0.6, row=1, col=2)
    return stacking(figure, [[(1, 1)], [(1, 2)]])


def _slopes(loss: str) -> Array:
    return generator_slope(loss, LOGITS)


def overlap(distances: Numbers) -> go.Figure:
    """Two distances between two distributions over their shift: "JS", "W₁", their dots, and the slopes beside it.

    Traces to fill over `distances`: "JS", "JS slope"; markers "JS here", "W here", "JS slope here", "W slope here".
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    red, (_, purple, dots) = theme.LOSS_LOOKS["saturating"][1], theme.LOSS_LOOKS["wasserstein"]
    distances = np.asarray(distances)
    ends, level = [float(distances[0]), -1e-3, np.nan, 1e-3, float(distances[-1])], [0, 0, np.nan, 0, 0]
    for column, js, w in (
        (1, line("JS", distances, colour=red), line("W₁", distances, np.abs(distances), colour=purple, dash=dots)),
        (2, line("JS slope", distances, colour=red), line("W₁ slope", ends, level, colour=purple, dash=dots)),
    ):
        for trace in (js, w):
            trace.update(showlegend=column == 1, hovertemplate="%{y:.4f}" if column == 1 else "10<sup>%{y:.2f}</sup>")
            figure.add_trace(trace, row=1, col=column)
    figure.add_hline(
        y=np.log(2),
        line={"color": theme.LIMIT, "width": 1.5, "dash": "dash"},
        annotation_text="log 2",
        annotation_position="top left",
        annotation_font={"color": theme.MUTED},
        row=1,
        col=1,
    )
    for name, colour, column in (
        ("JS here", red, 1),
        ("W here", purple, 1),
        ("JS slope here", red, 2),
        ("W slope here", purple, 2),
    ):
        figure.add_trace(dot(name, colour=colour, showlegend=False, hoverinfo="skip"), row=1, col=column)
    dressed(figure, "How far apart, and which way to go", height=theme.ALONE)
    figure.update_xaxes(title_text="shift θ", range=[float(distances[0]), float(distances[-1])])
    figure.update_yaxes(title_text="distance of the two", range=[-0.1, 4], row=1, col=1)
    decades(figure, "|slope by θ|", -12, 1, row=1, col=2)
    return stacking(figure, [[(1, 1)], [(1, 2)]])


def both_networks(places: Sequence[str], border: int) -> go.Figure:
    """The gradient norm of each loss on its way back from the logit through both networks to the noise.

    `places` are labels from the generator's input to the logit, `border` the number of the samples' place. Traces to
    fill: a line for each loss, and the "spread over seeds" of the saturating one.
    """
    x = np.arange(len(places))
    figure = go.Figure([band("spread over seeds", x, colour=theme.LOSS_LOOKS["saturating"][1], showlegend=False)])
    for trace in _losses(x):
        figure.add_trace(trace.update(mode="lines+markers", marker={"size": 8}))
    figure.add_vline(x=border, line={"color": theme.LIMIT, "width": 1.5, "dash": "dot"})
    for share, text in ((border / 2, "generator"), ((border + len(places) - 1) / 2, "discriminator")):
        figure.add_annotation(
            x=share,
            y=1,
            yref="y domain",
            yanchor="top",
            text=text,
            showarrow=False,
            font={"color": theme.MUTED},
        )
    dressed(figure, "The way back through both networks")
    figure.update_xaxes(
        title_text="what enters each layer (noise left, loss right)",
        tickvals=list(x),
        ticktext=list(places),
        range=[-0.5, len(places) - 0.5],
        tickangle=0,
    )
    decades(figure, "gradient ‖∂L/∂h‖", -14, 2)
    backward_arrow(figure)
    stacking(figure)
    few = ["" if place == places[-2] else place for place in places]  # its label would touch the last one
    for look, visible, shown in (("wide", True, list(places)), ("narrow", False, few)):
        figure.layout.meta[look].update({f"annotations[{number}].visible": visible for number in range(2)})
        figure.layout.meta[look]["xaxis.ticktext"] = shown
    return figure


# Live -----------------------------------------------------------------------------------------------------------------


def plane_game(real: Array, x: Numbers, y: Numbers) -> go.Figure:
    """A game in the plane: the discriminator's output over `x` and `y`, real samples (n, 2), and generated ones.

    Traces to fill: "D" (SIDE, SIDE), "generated" and "push" at its samples; beneath, "generator's gradient" by rounds.
    """
    figure = _with_curve()
    colours = [[0.0, "#f6d9b8"], [0.5, "#ffffff"], [1.0, "#c3d9ec"]]
    probability = go.Heatmap(
        x=x,
        y=y,
        z=np.zeros((SIDE, SIDE)),
        name="D",
        colorscale=colours,
        zmin=0,
        zmax=1,
        hoverinfo="skip",
        showscale=False,
    )
    figure.add_trace(probability, row=1, col=1)
    for name, colour, symbol, points in (
        ("real", theme.REAL, "circle-open", real),
        ("generated", theme.GENERATED, "x-thin", None),
    ):
        marker = {"size": 7, "symbol": symbol, "color": colour, "line": {"width": 1.6, "color": colour}}
        at = {"x": points[:, 0], "y": points[:, 1]} if points is not None else {"x": [0], "y": [0]}
        figure.add_trace(go.Scatter(**at, name=name, mode="markers", marker=marker, hoverinfo="skip"), row=1, col=1)
    push = line("push", [0, 0], colour=theme.INK, width=1.6, hoverinfo="skip")
    figure.add_trace(push, row=1, col=1)
    figure.update_xaxes(range=[float(np.min(x)), float(np.max(x))], constrain="domain", row=1, col=1)
    ends = [float(np.min(y)), float(np.max(y))]
    figure.update_yaxes(range=ends, scaleanchor="x", constrain="domain", row=1, col=1)
    figure.update_layout(title_text="Blue: taken for real. Orange: for generated")
    return figure


def digits_game(rows: int, columns: int) -> go.Figure:
    """Generated digits as one picture: "digits" (10 rows, 10 columns), and beneath "generator's gradient" by rounds."""
    figure = _with_curve()
    ink = [[0.0, "#ffffff"], [1.0, theme.INK]]
    picture = go.Heatmap(
        z=np.zeros((10 * rows, 10 * columns)),
        name="digits",
        colorscale=ink,
        zmin=-1,
        zmax=1,
        showscale=False,
        hoverinfo="skip",
    )
    figure.add_trace(picture, row=1, col=1)
    figure.update_xaxes(visible=False, constrain="domain", row=1, col=1)
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain", row=1, col=1)
    figure.update_layout(title_text="Digits that nobody wrote", margin={"t": 44})
    return figure


def _with_curve() -> go.Figure:
    """Return an empty plot with the generator's gradient by rounds beneath it."""
    figure = go.Figure().set_subplots(rows=2, cols=1, row_heights=[0.72, 0.28], vertical_spacing=0.12)
    curve = line("generator's gradient", [0, 1], colour=theme.MEASURED, width=2, showlegend=False)
    figure.add_trace(curve.update(hovertemplate="round %{x}: 10<sup>%{y:.2f}</sup>"), row=2, col=1)
    figure.update_layout(template=theme.TEMPLATE, height=680, uirevision="kept")
    figure.update_xaxes(title_text="round", range=[0, 100], row=2, col=1)
    decades(figure, "gradient", -5, 1.5, row=2, col=1)
    figure.update_yaxes(nticks=4, row=2, col=1)
    return figure
