"""Add a Content-Security-Policy to JupyterLite's pages, which come without one."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.publish.folder import write_text
from helpers.publish.html import hash_of

# JupyterLab compiles the schemas of its settings to functions ('unsafe-eval'); anywidget and plotly.js are imported
# from the page's memory (blob:). All else, Python included, comes from the site itself; no other host is contacted.
POLICY = (
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval' blob:{scripts}",
    "worker-src 'self' blob:",
    "connect-src 'self' data: blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "frame-src 'self' blob:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
)
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
DATA = re.compile(r"""\stype\s*=\s*["']?application/(?:\w+\+)?json""", re.IGNORECASE)


def with_policy(page: str) -> str:
    """Add the policy to a page; it allows only scripts of the site and the inline scripts that the page has now.

    ValueError where the page has no head.
    """
    scripts = [content for attributes, content in SCRIPT.findall(page) if is_inline(attributes)]
    allowed = "; ".join(POLICY).format(scripts="".join(f" '{hash_of(each)}'" for each in dict.fromkeys(scripts)))
    tag = f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
    text, count = HEAD.subn(lambda head: f"{head[0]}\n{tag}", page, count=1)
    if count == 0:
        raise ValueError("it has no head")
    return text


def is_inline(attributes: str) -> bool:
    """Whether a script tag with these attributes holds a script itself, neither a link to one nor data."""
    return not re.search(r"\ssrc\s*=", attributes, re.IGNORECASE) and not DATA.search(attributes)


def add_policies(folder: Path) -> list[Path]:
    """Add the policy to every page in a folder and return the pages; ValueError names a page without a head."""
    pages = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".html", ".htm"))
    for page in pages:
        try:
            write_text(page, with_policy(page.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{page.relative_to(folder)} can't have a Content-Security-Policy: {error}") from None
    return pages
