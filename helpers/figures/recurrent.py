"""Gradients through time, and forecasts of a series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.figures.parts import Numbers, backward_arrow, band, decades, dot, dressed, line, stacking, switched

CELL_DASHES = {"rnn": "solid", "lstm": "solid", "gru": "dashdot"}


def signal_through_time(times: Numbers, *, title: str) -> go.Figure:
    """Gradient signal log10‖∂L/∂h_t‖ over time steps for three cells; as a second view, what an LSTM's cell keeps.

    `times` are the steps 1 … longest. Traces to fill: "RNN", "GRU", "LSTM" with its "spread over seeds", "LSTM's
    cell" ‖∂L/∂c_t‖, "product of forget gates" dashed and "ρ per step" dotted; second view, on a linear axis, "kept by
    the gates", its "bias alone" dashed and the marker "half-life".
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "step %{x}: 10<sup>%{y:.2f}</sup>"
    lstm = theme.CELL_COLOURS["lstm"]
    figure.add_trace(band("spread over seeds", times, colour=lstm, showlegend=False), **above)
    for cell, width in (("rnn", 3), ("gru", 3), ("lstm", 4)):
        colour, dash = theme.CELL_COLOURS[cell], CELL_DASHES[cell]
        figure.add_trace(
            line(theme.CELL_NAMES[cell], times, colour=colour, dash=dash, width=width, hovertemplate=hover), **above
        )
    cell_path = line("LSTM's cell", times, colour=lstm, dash="dot", width=2.5, hovertemplate=hover)
    figure.add_trace(cell_path, **above)
    gates = line("product of forget gates", times, colour=theme.THEORY, dash="dash", hovertemplate=hover)
    figure.add_trace(gates, **above)
    figure.add_trace(line("ρ per step", times, colour=theme.BOUND, dash="dot", width=2, hovertemplate=hover), **above)
    kept = line("kept by the gates", times, colour=lstm, width=3, hovertemplate="%{x}: %{y:.1%}")
    kept.update(fill="tozeroy", fillcolor=theme.transparent(lstm, 0.2))
    figure.add_trace(kept, **below)
    alone = line("bias alone", times, colour=theme.THEORY, dash="dash", width=2, hovertemplate="%{x}: %{y:.1%}")
    figure.add_trace(alone, **below)
    half = dot("half-life", colour=theme.THEORY, hovertemplate="half is left at step %{x:.0f}")
    figure.add_trace(half, **below)
    dressed(figure, title)
    figure.update_xaxes(title_text="time step (first left, loss right)", range=[0.5, float(np.max(times)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h<sub>t</sub>‖", -30, 3, **above)
    figure.update_yaxes(title_text="cell keeps", range=[0, 1.08], tickformat=".0%", nticks=4, **below)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "what the cell keeps": [(2, 1)]}))


def forecasts(years: Numbers, truth: Numbers, predicted: Mapping[str, Numbers], *, title: str, unit: str) -> go.Figure:
    """A series over years and the forecasts of networks, by their cell's name ("rnn", "lstm", "gru")."""
    figure = go.Figure(line("measured", years, truth, colour=theme.INK, width=2.5, hovertemplate="%{x}: %{y:.0f}"))
    for cell, dash in (("rnn", "dot"), ("gru", "dashdot"), ("lstm", "dash")):
        if cell in predicted:
            name = theme.CELL_NAMES[cell]
            figure.add_trace(
                line(
                    name,
                    years,
                    predicted[cell],
                    colour=theme.CELL_COLOURS[cell],
                    dash=dash,
                    width=2.5,
                    hovertemplate=f"{name}, %{{x}}: %{{y:.0f}}",
                )
            )
    figure.update_layout(template=theme.TEMPLATE, title_text=title, height=430)
    figure.update_xaxes(title_text="year")
    figure.update_yaxes(title_text=unit, rangemode="tozero")
    return figure
