"""An unknown network and one of our own, layer by layer."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from helpers import theme
from helpers.figures.parts import (
    Numbers,
    backward_arrow,
    band,
    decades,
    dressed,
    float32_limit,
    line,
    stacking,
    switched,
)


def unknown_and_own(depths: Numbers, *, low: float, high: float) -> go.Figure:
    """Two networks over the layers 1 … deepest: the gradient signal; as a second view, the share of flat units.

    Traces to fill: "unknown" (dashed) and "yours" with its "spread over seeds", log10 of ‖∂L/∂h‖; second view "unknown,
    flat" and "yours, flat", shares from 0 to 1. The signal's axis runs from 10**low to 10**high.
    """
    figure = go.Figure().set_subplots(rows=2, cols=1, shared_xaxes=True)
    above, below = {"row": 1, "col": 1}, {"row": 2, "col": 1}
    figure.add_trace(band("spread over seeds", depths, colour=theme.MEASURED), **above)
    looks = {"yours": (theme.MEASURED, "solid"), "unknown": (theme.INK, "dash")}
    for name, (colour, dash) in looks.items():
        hover = f"{name}, layer %{{x}}: 10<sup>%{{y:.2f}}</sup><extra></extra>"
        signal = line(name, depths, colour=colour, dash=dash, width=4, legendgroup=name, hovertemplate=hover)
        hover = f"{name}, layer %{{x}}: %{{y:.0%}}<extra></extra>"
        flat = line(f"{name}, flat", depths, colour=colour, dash=dash, legendgroup=name, hovertemplate=hover)
        figure.add_trace(signal, **above)
        figure.add_trace(flat.update(showlegend=False), **below)
    dressed(figure, "An unknown network, and yours")
    figure.update_xaxes(title_text="layer (input left, loss right)", range=[0.5, float(np.max(depths)) + 0.5])
    decades(figure, "gradient ‖∂L/∂h‖", low, high, **above)
    figure.update_yaxes(title_text="flat units", range=[-0.02, 1.04], tickformat=".0%", nticks=3, **below)
    float32_limit(figure, **above)
    backward_arrow(figure)
    return stacking(switched(figure, {"gradient": [(1, 1)], "flat units": [(2, 1)]}))
