"""Markdown, code and what code printed, as HTML."""

from __future__ import annotations

import html

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

LIGHT, DARK = "default", "github-dark"


def markdown_html(source: str) -> str:
    """A markdown cell as HTML."""
    from helpers.publish.cells.markdown import rendered  # not for those who run cells: nbconvert loads for seconds

    return rendered(source)


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
