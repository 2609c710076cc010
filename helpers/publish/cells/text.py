"""Markdown and code as HTML: formulas become MathML, which browsers draw by themselves."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

LIGHT, DARK = "default", "github-dark"


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


def heading_id(title: str) -> str:
    """The id of a heading; no cell has one that ends so."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]*>", "", title).lower()).strip("-") + "-heading"


def _formula(body: str, display: str) -> str:
    plain = re.sub(r"\\text\{[^{}]*\}", lambda found: found[0].replace(r"\_", "_"), body.strip())
    return convert(plain, display=display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def markdown_html(source: str) -> str:
    """A markdown cell as HTML."""
    return str(MarkdownWithMath(renderer=_Renderer()).render(source))


def code_html(source: str) -> str:
    """Python as HTML, its parts marked for a style sheet."""
    return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=False))).replace(
        "<pre>", '<pre tabindex="0" aria-label="code">'
    )


def output_html(text: str) -> str:
    """What a cell printed."""
    return f'<pre class="output" tabindex="0" aria-label="output">{html.escape(text.rstrip())}</pre>'


def code_style() -> str:
    """The style sheet of highlighted code, light and dark."""
    light = HtmlFormatter(style=LIGHT).get_style_defs(".highlight")
    dark = HtmlFormatter(style=DARK).get_style_defs('[data-theme="dark"] .highlight')
    return f"{light}\n{dark}\n"
