"""Numbers and counted things in sentences."""

from __future__ import annotations

import re


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number of things: "1 point", "3 points"; `things` is the plural if it isn't `thing` with an s."""
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def minus(text: str) -> str:
    """Return a text with a minus sign in place of Python's hyphen in negative numbers: "−3.0" for "-3.0"."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)
