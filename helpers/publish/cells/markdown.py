"""Markdown cells as HTML: formulas become MathML, which browsers draw by themselves."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from helpers.publish.html import heading_id


class _Renderer(IPythonRenderer):
    """Formulas as MathML, headings with plain ids, links to notebooks as links to their pages."""

    def __init__(self) -> None:
        super().__init__(escape=True, exclude_anchor_links=True)

    def heading(self, text: str, level: int, **_: Any) -> str:
        return f'<h{level} id="{heading_id(text)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return str(super().link(text, url.replace(".ipynb", ".html"), title))

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def block_math(self, body: str) -> str:
        return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{_formula(body, "block")}</div>'


def _formula(body: str, display: str) -> str:
    plain = re.sub(r"\\text\{[^{}]*\}", lambda found: found[0].replace(r"\_", "_"), body.strip())
    return convert(plain, display=display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def rendered(source: str) -> str:
    """Markdown as HTML."""
    return str(MarkdownWithMath(renderer=_Renderer()).render(source))
