"""What cells show, prepared for pages: HTML and data, which can be stored when the objects themselves are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["panel", "figure", "prediction", "comparison", "exercise", "quiz", "other"]


@dataclass(frozen=True)
class Piece:
    """One object that a cell has shown.

    parts: the questions of a quiz, from which its HTML is made. prediction: the id of the prediction asked for or
    compared. data: the data for the page's scripts, by name; the panel's name takes the place of a panel's table.
    """

    kind: Kind
    html: str
    parts: tuple[str, ...] = ()
    prediction: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
