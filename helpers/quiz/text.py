"""Words for messages."""

from __future__ import annotations


def shortened(text: str, length: int = 240) -> str:
    """`text`, its middle left out where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"
