"""Prepare texts of the banks for messages and for HTML pages."""

from __future__ import annotations

import html
import re


def shortened(text: str, length: int = 240) -> str:
    """`text`, with its middle left out if it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def as_html(text: str) -> str:
    """Escape a text for HTML; text in `backticks` becomes code, line breaks become <br>."""
    escaped = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=True))
    return escaped.replace("\n", "<br>")
