"""The Content-Security-Policy of JupyterLite's pages, which come without one."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.publish.folder import write_text
from helpers.publish.html import hash_of

# JupyterLab makes functions of the schemas of its settings ('unsafe-eval'); anywidget and plotly.js are imported from
# the memory of the page (blob:). All else comes from the site itself, Python too, and no other host is asked.
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
    """A page with its policy, by which no script runs but those of the site and those that stand in the page now.

    ValueError where the page has no head for it.
    """
    scripts = [content for attributes, content in SCRIPT.findall(page) if is_inline(attributes)]
    allowed = "; ".join(POLICY).format(scripts="".join(f" '{hash_of(each)}'" for each in dict.fromkeys(scripts)))
    tag = f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
    text, count = HEAD.subn(lambda head: f"{head[0]}\n{tag}", page, count=1)
    if count == 0:
        raise ValueError("it has no head")
    return text


def is_inline(attributes: str) -> bool:
    """Whether a script tag with these attributes holds a script: no address of one, and no data."""
    return not re.search(r"\ssrc\s*=", attributes, re.IGNORECASE) and not DATA.search(attributes)


def add_policies(folder: Path) -> list[Path]:
    """Give every page in a folder its policy; ValueError names a page that has no place for one."""
    pages = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".html", ".htm"))
    for page in pages:
        try:
            write_text(page, with_policy(page.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{page.relative_to(folder)} can't have a Content-Security-Policy: {error}") from None
    return pages
