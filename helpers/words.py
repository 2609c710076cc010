"""Numbers of things in a sentence."""

from __future__ import annotations

import re


def counted(number: int, thing: str, things: str = "") -> str:
    """A number of things: "1 point", "3 points"; `things` is the plural where it isn't `thing` with an s."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def minus(text: str) -> str:
    """A text whose negative numbers have a minus for the hyphen that Python writes: "−3.0" for "-3.0"."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)
