"""A learner's correct answers over time, and the results of exams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import line


def scores_over_time(
    at: Sequence[float],
    answered: Sequence[int],
    right: Sequence[int],
    total: int,
    exams: Sequence[tuple[float, float]] = (),
) -> go.Figure:
    """The numbers of questions answered and of questions right (by the last answer) at each moment, out of `total`.

    at: seconds since 1970, increasing. exams: (moment, share right from 0 to 1) of each exam, on a separate axis.
    """
    rows = 2 if exams else 1
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.12, row_heights=[0.66, 0.34][:rows])
    moments = _dates(at)
    for name, counts, colour, dash in (
        ("answered", answered, theme.MUTED, "dash"),
        ("right", right, theme.MEASURED, "solid"),
    ):
        trace = line(name, moments, counts, colour=colour, dash=dash, line_shape="hv", hovertemplate="%{y}, %{x}")
        figure.add_trace(trace, row=1, col=1)
    figure.add_hline(
        y=total,
        line={"color": theme.LIMIT, "width": 1.5, "dash": "dot"},
        row=1,
        col=1,
        annotation={"text": f"all {total} questions", "font": {"color": theme.MUTED}, "yanchor": "bottom"},
    )
    figure.update_yaxes(title_text="questions", range=[0, 1.12 * total], row=1, col=1)
    if exams:
        _add_exams(figure, exams)
    figure.update_layout(
        template=theme.TEMPLATE, title_text="Questions answered, and those last answered right", height=250 + 130 * rows
    )
    return figure


def _add_exams(figure: go.Figure, exams: Sequence[tuple[float, float]]) -> None:
    shares = [100 * share for _, share in exams]
    marker = {"size": 13, "symbol": "diamond", "color": theme.THEORY}
    figure.add_trace(
        go.Scatter(
            x=_dates([at for at, _ in exams]),
            y=shares,
            name="exams",
            mode="markers+text",
            marker=marker,
            text=[f"{share:.0f} %" for share in shares],
            textposition="top center",
            textfont={"size": theme.SMALL},
            hovertemplate="%{y:.0f} %, %{x}<extra>exam</extra>",
            cliponaxis=False,
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(title_text="exams, %", range=[0, 125], tickvals=[0, 50, 100], row=2, col=1)


def _dates(at: Sequence[float]) -> Array:
    """Return moments in Plotly's format, in the reader's time zone."""
    return np.array([datetime.fromtimestamp(each) for each in at], dtype="datetime64[s]")
