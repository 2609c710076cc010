"""The look of the course: one colour for each idea, the sizes of type, and numbers as text."""

from __future__ import annotations

import math
from typing import Any

INK = "#1f2933"
MUTED = "#616e7c"
GRID = "#e4e7eb"
PAPER = "#ffffff"
NOTHING = "rgba(0,0,0,0)"
"""Transparent: the page, light or dark, shows behind a figure."""

MEASURED = "#1f5fbf"
THEORY = "#d1495b"
BOUND = "#8a6d1d"
WARNING = "#b3261e"
SATURATED = "#c8553d"
LIMIT = "#7b8794"
SLOPE = "#c26a00"
FORWARD = "#00706b"
SIMILARITY = "#6b3fa0"

# Okabe and Ito's palette, which colour-blind readers can distinguish, darkened where a line on white needs it.
ACTIVATION_COLOURS = {
    "sigmoid": "#1f5fbf",
    "tanh": "#c26a00",
    "relu": "#00805c",
    "leaky_relu": "#4c9f70",
    "elu": "#7b4fa3",
    "selu": "#a8327d",
    "gelu": "#b0413e",
    "silu": "#0f7d99",
    "softplus": "#6b6b00",
    "hard_tanh": "#8c5a2b",
    "linear": "#4a5568",
}

ACTIVATION_NAMES = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "softplus",
    "hard_tanh": "hard tanh",
    "linear": "linear",
}

CELL_COLOURS = {"rnn": "#c26a00", "lstm": "#1f5fbf", "gru": "#00805c"}
CELL_NAMES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}

REAL = "#1b6ca8"
GENERATED = "#d97700"
LOSS_LOOKS = {  # of a generator: name, colour, dash
    "saturating": ("saturating", "#b3261e", "solid"),
    "non_saturating": ("non-saturating", "#2e7d32", "dash"),
    "wasserstein": ("Wasserstein", "#5e4bb6", "dot"),
}

SMALL, TEXT, LARGE = 14, 17, 21
"""Font sizes in pixels: labels and figures, running text, a panel's main number."""

UNDER_PICTURE, ALONE, PICTURE = 250, 360, 182
"""Heights in pixels of a plot beneath the picture of the network, of one that has its panel to itself, and of that
picture with the space under it."""

BESIDE_PICTURE = {"l": 84, "r": 84}
"""Margins of a plot beneath the picture, which shows the input and the loss there."""

NARROW_MARGINS = {"l": 64, "r": 44}
"""The widest margins on a narrow page."""

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

_AXIS = {
    "showgrid": True,
    "gridcolor": GRID,
    "zeroline": False,
    "showline": True,
    "linecolor": MUTED,
    "ticks": "outside",
    "tickcolor": MUTED,
    "ticklen": 4,
    "title": {"font": {"size": SMALL}, "standoff": 6},
    "tickfont": {"size": SMALL},
    # By default Plotly hides labels that reach beyond the figure. On an axis zoomed to the limit of floats that is its
    # only label, which has twenty digits; Plotly then places the title below the lowest of no labels, at infinity.
    "ticklabeloverflow": "allow",
}

# A plain dictionary keeps importing this module fast; plotly checks it when a figure uses it.
TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {"family": FONT, "size": SMALL, "color": INK},
        "title": {"font": {"size": TEXT}, "x": 0.0, "xanchor": "left", "xref": "paper", "y": 0.98, "yanchor": "top"},
        "paper_bgcolor": NOTHING,
        "plot_bgcolor": NOTHING,
        "margin": {"l": 76, "r": 40, "t": 76, "b": 44},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": SMALL},
            "bgcolor": NOTHING,
        },
        "hoverlabel": {"font": {"family": FONT, "size": SMALL}},
        "hovermode": "closest",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "modebar": {"orientation": "v", "color": LIMIT, "activecolor": INK, "bgcolor": NOTHING},
    }
}

UNBROKEN = "\N{NO-BREAK SPACE}"


def transparent(colour: str, alpha: float) -> str:
    """Return `colour` ("#rrggbb") as an rgba string with opacity `alpha` (0 to 1)."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def power_of_ten(exponent: float, digits: int = 0) -> str:
    """Return 10 to the `exponent` with Unicode superscripts: power_of_ten(-12) is "10⁻¹²"."""
    text = f"{exponent:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return "10" + text.translate(str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·"))


def scientific(log10: float) -> str:
    """Return a number, given as its log10, in scientific notation: scientific(-3.52) is "3.0 × 10⁻⁴".

    Works beyond the range of floats; numbers from 0.001 to 9999 are written plainly. The spaces are non-breaking.
    """
    if log10 != log10:
        return "undefined"
    if log10 == float("-inf"):
        return "0"
    if log10 == float("inf"):
        return "∞"
    if -3 <= log10 < 4:
        number = 10**log10
        return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"
    exponent = int(log10 // 1)
    mantissa = 10 ** (log10 - exponent)
    if round(mantissa, 1) >= 10:
        exponent, mantissa = exponent + 1, 1.0
    return f"{mantissa:.1f}{UNBROKEN}×{UNBROKEN}{power_of_ten(exponent)}"


def number(value: float) -> str:
    """Return a number of 0 or more as `scientific` writes it: number(3e-4) is "3.0 × 10⁻⁴"."""
    return scientific(math.log10(value) if value else -math.inf)


def share(log10: float, other: str) -> str:
    """Return the ratio, given as its log10, of one layer's gradient to another's as a phrase.

    share(-0.6, "layer 10") is "0.251 of what layer 10 receives", share(0, "layer 10") is "as much as layer 10 does".
    """
    if scientific(log10) == "1":
        return f"as much as {other} does"
    return f"{scientific(log10)} {'of' if log10 < 0 else 'times'} what {other} receives"
