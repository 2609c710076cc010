"""The verdict on an answer, an exercise or a prediction: one type for every view that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["right", "wrong", "open", "differs", "asked"]

SIGNS: Mapping[Kind, str] = {"right": "✓", "wrong": "✗", "open": "·", "differs": "≠", "asked": "?"}
"""The sign for each kind, so that colour isn't needed to tell them apart."""


@dataclass(frozen=True)
class Verdict:
    """A verdict: a word and a message. `kind` decides sign and colour; code checks the kind, never the sign.

    right and wrong are judgements; open is for what isn't judged (yet), differs for a prediction that didn't come true,
    and asked for a question to the reader.
    """

    kind: Kind
    word: str
    message: str = ""

    @property
    def sign(self) -> str:
        """The sign of its kind."""
        return SIGNS[self.kind]

    @property
    def sentence(self) -> str:
        """Word and message in one text, as a screen reader announces them."""
        return f"{self.word} {self.message}".strip()
