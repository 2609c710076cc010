"""How the course shows a diagnosis; called by `helpers.doctor.display`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
from IPython import display

from helpers.figures.diagnosis import Readings, diagnosis_by_layer
from helpers.panels.panel import still
from helpers.panels.watching import LayersPicture

__all__ = ["LayersPicture", "show"]


def show(text: str, layers: Sequence[Any], title: str) -> None:
    """Show the text as HTML and the layers, each a `helpers.doctor.LayerReading`, as a picture."""
    display.display(ipywidgets.HTML(text))
    if layers:
        readings = Readings(
            labels=[layer.label for layer in layers],
            types=[layer.type for layer in layers],
            signal=[layer.signal_norm for layer in layers],
            gradient=[layer.gradient_norm for layer in layers],
            gradient_to_weight=[layer.gradient_to_weight for layer in layers],
            saturated=[layer.saturated for layer in layers],
            dead=[layer.dead for layer in layers],
        )
        display.display(still(diagnosis_by_layer(readings, title=title)))
