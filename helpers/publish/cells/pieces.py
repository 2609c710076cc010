"""What cells show, as pages take it: HTML and data, which can be kept when the objects themselves are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["panel", "figure", "prediction", "comparison", "exercise", "quiz", "other"]


@dataclass(frozen=True)
class Piece:
    """One object that a cell has shown.

    parts: the questions of a quiz, of which its HTML consists. prediction: the id of the one that is asked for or
    compared with. data: what the page's scripts need, by name; where a panel's table belongs, the panel's name stands.
    """

    kind: Kind
    html: str
    parts: tuple[str, ...] = ()
    prediction: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
