"""Where a page differs from its notebook: lesson 00 explains how to use Jupyter, which readers of a page don't need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from helpers.publish.cells.running import Cell

LEFT_OUT: Mapping[str, Sequence[str]] = {
    "00": (
        "installation-intro",
        "installation",
        "installation-help",
        "scores-text",
        "scores",
        "review-intro",
        "review-next",
        "review-text",
        "review",
        "exam-text",
        "exam",
        "data-text",
        "data",
    ),
}
"""Cells that only the running course can show, by lesson."""

INSTEAD: Mapping[tuple[str, str], str] = {
    ("00", "title"): (
        "# 00 Start here\n\n**Where did the gradient go?** The light in the picture below is the gradient. It "
        "starts at the loss, on the right, and has to reach the first layer, on the left. Move the slider *depth* "
        "and see how far it gets.\n\nIn class: 20 minutes. Alone: 20 minutes."
    ),
    ("00", "how-a-lesson-goes"): (
        "Every lesson asks you to **predict** something first. Then you **measure** it, move **sliders**, read the "
        "**explanation**, **write** a few lines yourself, check a **myth** and answer a **quiz**. Make the "
        "prediction even if it is a guess: you will usually remember the answer better. Sliders also move with the "
        "arrow keys, and the buttons above a plot set them to interesting values. In the picture of the network, "
        "Enter or Space sets the light moving, and Escape stops it. Parts called *Go deeper* are folded; skip them "
        "the first time."
    ),
    ("00", "progress-intro"): (
        "## Where am I?\n\nYour predictions and answers are kept in this browser and sent nowhere. The [first "
        "page](index.html#answers) has buttons that save them as a file and delete them. Exercises, reviews and "
        "exams are part of the running course."
    ),
    ("00", "take-away"): (
        "## Take-away\n\nIn a deep network the gradient can lose nearly all of its size on the way from the loss "
        "to the first layers. Every layer multiplies it by about the same factor below 1, so its logarithm falls "
        "along a nearly straight line. The lessons show where the factor comes from and how to bring it close to "
        "1. Continue with [lesson 01](01_definition.ipynb)."
    ),
}
"""The text that replaces a cell's on the page, by lesson and cell."""


def for_page(lesson: str, cells: Sequence[Cell]) -> Iterator[Cell]:
    """The cells of a lesson as they appear on its page."""
    for cell in cells:
        if cell.id not in LEFT_OUT.get(lesson, ()):
            yield replace(cell, source=INSTEAD.get((lesson, cell.id), cell.source))
