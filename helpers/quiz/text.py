"""Texts of the banks made ready: for messages, and for pages."""

from __future__ import annotations

import html
import re


def shortened(text: str, length: int = 240) -> str:
    """`text`, its middle left out where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def as_html(text: str) -> str:
    """Text made safe for a page; what stands in `backticks` becomes code, a line break stays one."""
    escaped = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=True))
    return escaped.replace("\n", "<br>")
