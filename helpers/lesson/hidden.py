"""The gradient of a hidden network, as a plot and in numbers for those who can't see the plot."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from helpers import figures
from helpers.arrays import Array
from helpers.lesson.parts import html_box
from helpers.live import LiveFigure
from helpers.quiz import Question, format_number, profile_curve


def hidden_profile(question: Question) -> widgets.Widget:
    """The plot of the gradient that a profile question asks about, with some of its numbers as text."""
    mean, spread = profile_curve(question)
    figure = figures.hidden_profile(mean, spread, shows=question.shows)
    return widgets.VBox([LiveFigure(figure, {}, lambda: {}), html_box(_in_numbers(mean))])


def _in_numbers(mean: Array) -> str:
    """The numbers of up to six layers, including the first and last, as text that opens on a click."""
    places = sorted({round(place) for place in np.linspace(0, len(mean) - 1, 6)})
    numbers = "; ".join(f"layer {place + 1}: {format_number(10 ** mean[place])}" for place in places)
    return f"<details><summary>The picture in numbers</summary>{numbers}</details>"
