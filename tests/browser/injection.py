"""Scripts slipped into a page, as if a text had found its way into the HTML: under the page's policy none may run."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

SLIPPED_IN = {
    "inline": "<script>globalThis.ran = 'inline'</script>",
    "handler": """<img src="data:," onerror="globalThis.ran = 'handler'">""",
    "data": """<script src="data:text/javascript,globalThis.ran = 'data'"></script>""",
    "elsewhere": """<script src="http://127.0.0.1:9/elsewhere.js"></script>""",
}


def slip_in(page: Path, script: str) -> None:
    """Put one of the scripts into a page."""
    text = page.read_text(encoding="utf-8")
    text, count = re.subn(r"<body\b[^>]*>", lambda tag: tag[0] + SLIPPED_IN[script], text, count=1)
    assert count == 1
    page.write_text(text, encoding="utf-8")


def without_policy(page: Path) -> None:
    """Take a page's policy away."""
    text, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n', "", page.read_text(encoding="utf-8"))
    assert count == 1
    page.write_text(text, encoding="utf-8")


def ran(browser: Any, address: str) -> tuple[str | None, list[str]]:
    """Which script has run on a page, and what its policy has refused."""
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto(address)
    ends = time.monotonic() + 10  # an image's error comes after the page is loaded
    while (found := page.evaluate("globalThis.ran ?? null")) is None and not refused and time.monotonic() < ends:
        page.wait_for_timeout(50)
    page.close()
    return found, refused
