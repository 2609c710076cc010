"""The sliders and menus of the panels, all in the same style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import ipywidgets
from ipywidgets.widgets.widget_button import ButtonStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_int import SliderStyle

from helpers import theme
from helpers.activations import ACTIVATIONS

SCHEMES = {
    "PyTorch's default": "pytorch_default",
    "LeCun": "lecun_normal",
    "Xavier": "xavier_normal",
    "He": "he_normal",
    "orthogonal": "orthogonal",
    "standard normal": "standard_normal",
}

# One layout and one style for all: a separate one for each widget would be another message to the page.
_LABELS = {"description_width": "7.5em"}


@cache
def _looks(style: type[ipywidgets.Widget]) -> dict[str, ipywidgets.Widget]:
    return {"layout": plain_layout(), "style": style(**_LABELS)}


@cache
def plain_style() -> ButtonStyle:
    """Return the style shared by all buttons."""
    return ButtonStyle()


@cache
def plain_layout() -> ipywidgets.Layout:
    """Return the layout shared by all controls and buttons."""
    return ipywidgets.Layout(width="auto", height="auto")


def int_slider(label: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Whole numbers from `low` to `high`."""
    return ipywidgets.IntSlider(value, low, high, description=label, **_looks(SliderStyle))


def float_slider(label: str, value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """Numbers from `low` to `high` in equal steps."""
    return ipywidgets.FloatSlider(value, min=low, max=high, step=step, description=label, **_looks(SliderStyle))


def log_slider(label: str, value: float, low: float, high: float) -> ipywidgets.FloatLogSlider:
    """Numbers from 10**low to 10**high, in steps of 10**0.05."""
    return ipywidgets.FloatLogSlider(
        value, base=10, min=low, max=high, step=0.05, description=label, readout_format=".3g", **_looks(SliderStyle)
    )


def dropdown(label: str, options: Mapping[str, Any], value: Any) -> ipywidgets.Dropdown:
    """A menu; `options` maps labels to values."""
    return ipywidgets.Dropdown(
        options=list(options.items()), value=value, description=label, **_looks(DescriptionStyle)
    )


def steps(label: str, options: Sequence[Any], value: Any) -> ipywidgets.SelectionSlider:
    """A slider over the given values, or over (label, value) pairs."""
    return ipywidgets.SelectionSlider(options=options, value=value, description=label, **_looks(SliderStyle))


def activation_choice(value: str) -> ipywidgets.Dropdown:
    """A menu of all activations of the course."""
    return dropdown("activation", {theme.ACTIVATION_NAMES[name]: name for name in ACTIVATIONS}, value)
