"""A gradient before and after clipping, and the loss cliff for which clipping was invented."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.arrays import Array
from helpers.figures.parts import BLUES, Numbers, backward_arrow, band, decades, dot, dressed, line, stacking, switched

CLIPPED = theme.ACTIVATION_COLOURS["tanh"]


def before_and_after(places: Numbers, *, title: str, low: float, high: float) -> go.Figure:
    """Parts of a gradient over layers or steps, before and after clipping; as a second view, the factor of each part.

    Traces to fill, log10 over `places`: "spread over seeds" (a band), "before", "after"; second view "after / before".
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    hover = "%{x}: 10<sup>%{y:.2f}</sup>"
    figure.add_trace(band("spread over seeds", places, colour=theme.MEASURED), **above)
    figure.add_trace(line("before", places, colour=theme.MEASURED, width=4, hovertemplate=hover), **above)
    figure.add_trace(line("after", places, colour=CLIPPED, dash="dash", width=4, hovertemplate=hover), **above)
    figure.add_trace(line("after / before", places, colour=CLIPPED, showlegend=False, hovertemplate=hover), **below)
    dressed(figure, title)
    figure.update_xaxes(title_text="layer, or step of time (input left, loss right)")
    figure.update_xaxes(range=[0.5, float(np.max(places)) + 0.5])
    decades(figure, "its part of ‖∂L/∂W‖", low, high, **above)
    decades(figure, "after / before", -4, 0.6, **below)
    backward_arrow(figure)
    return stacking(switched(figure, {"before and after": [(1, 1)], "after / before": [(2, 1)]}))


def cliff(weights: Numbers, biases: Numbers, loss: Array, updates: int) -> go.Figure:
    """The loss of a one-unit recurrent network as a heat map (biases, weights), and two descents on it.

    Traces to fill: "without clipping" and "clipped", paths as x and y, the marker "start"; beside the map
    "loss without clipping" and "loss, clipped" over the updates.
    """
    figure = go.Figure().set_subplots(rows=1, cols=2, column_widths=[0.62, 0.38], horizontal_spacing=0.1)
    left, right = {"row": 1, "col": 1}, {"row": 1, "col": 2}
    figure.add_trace(
        go.Heatmap(
            x=np.round(weights, 4),
            y=np.round(biases, 4),
            z=np.round(loss, 3),
            name="loss",
            colorscale=BLUES,
            showscale=False,
            hovertemplate="weight %{x:.2f}, bias %{y:.2f}: loss %{z:.3f}<extra></extra>",
        ),
        **left,
    )
    looks = {"without clipping": (theme.WARNING, "dot", "x"), "clipped": (CLIPPED, "solid", "circle")}
    times = np.arange(updates + 1)
    for name, (colour, dash, symbol) in looks.items():
        path = line(
            name, [0.0, 1.0], colour=colour, dash=dash, width=2.5, hovertemplate="weight %{x:.2f}, bias %{y:.2f}"
        )
        figure.add_trace(path.update(mode="lines+markers", marker={"size": 6, "symbol": symbol}), **left)
        over = "loss without clipping" if name == "without clipping" else "loss, clipped"
        hover = f"{name}, update %{{x}}: %{{y:.3f}}<extra></extra>"
        figure.add_trace(
            line(over, times, colour=colour, dash=dash, width=2.5, showlegend=False, hovertemplate=hover), **right
        )
    figure.add_trace(dot("start", colour=theme.INK, hovertemplate="start: %{x:.1f}, %{y:.1f}"), **left)
    dressed(figure, "Descent at a cliff", height=theme.ALONE)
    figure.update_xaxes(
        title_text="weight (blue: higher loss)", range=[float(weights[0]), float(weights[-1])], showgrid=False, **left
    )
    figure.update_yaxes(title_text="bias", range=[float(biases[0]), float(biases[-1])], showgrid=False, **left)
    figure.update_xaxes(title_text="update", range=[0, updates], **right)
    figure.update_yaxes(title_text="loss", range=[0, 0.5], **right)
    return stacking(figure, [[(1, 1)], [(1, 2)]])
