"""The pages: a lesson's cells one under another, and the list of all lessons."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from helpers.course import AUTHORS, CODE_LICENCE, CONTENT_LICENCE, LESSONS, TITLE
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.deeper import DEEPER, title_of
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import code_html, markdown_html, output_html
from helpers.publish.cells.widgets import widget_html
from helpers.publish.glossary import Term
from helpers.publish.html import document

NOTE = (
    "These are the pages of the course without a running Python. Where the text asks you to run a cell, its result "
    "stands below the cell."
)
LICENCE = (
    f"© {AUTHORS}: text, questions and figures {CONTENT_LICENCE}, code {CODE_LICENCE}. "
    "Handwritten digits: UCI Machine Learning Repository, CC BY 4.0. Figures are drawn by plotly.js (MIT licence). "
    "This copy of the course asks nothing of the network."
)

GLOSSARY, GUIDE = "glossary.html", "guide.html"
SCRIPTS = ("assets/live.js", "assets/grading.js", "assets/pages.js")
"""What `site.js` stands on."""


def lesson_page(cells: Sequence[Cell], context: BuildContext, pages: Mapping[str, str]) -> str:
    """A lesson as HTML; what its scripts need is gathered in `context.data`. `pages` has the file of each lesson."""
    body = "\n".join(_sections(cells, context))
    body = body.replace("</h1>", f'</h1><p class="site-note">{NOTE}</p>', 1)
    scripts = ("assets/plotly.min.js", *SCRIPTS, f"tables/{context.lesson}.js")
    return _page(LESSONS[context.lesson].name, body, scripts, pages, context.lesson)


def index_page(pages: Mapping[str, str]) -> str:
    """The list of the lessons."""
    rows = "".join(
        f'<li><a href="{file}"><b>{number}</b> {html.escape(LESSONS[number].title)}</a></li>'
        for number, file in pages.items()
    )
    body = (
        f"<h1>{TITLE}</h1><p>A course on vanishing gradients. Every sentence about gradients can be checked by moving "
        "a slider, and every number in it is checked by a test.</p><p>These pages work without Python: what the "
        "sliders show was computed by the course's engine and stored here, for many states, though not for all. A "
        "panel says so where a state is missing and shows the nearest one. Code, exercises and training runs want the "
        f'course itself: <code>python start.py</code> opens it.</p><ul class="site-lessons">{rows}</ul>'
        f'<p>Beside the lessons: the <a href="{GLOSSARY}">glossary</a>, and a <a href="{GUIDE}">guide for teachers</a> '
        "to print, with the answers that pupils give and the answers to the hidden networks.</p>"
    )
    return _page(TITLE, body, SCRIPTS, pages)


def glossary_page(terms: Sequence[Term], pages: Mapping[str, str]) -> str:
    """What each term means, with a link to the cell that defines it, where its lesson is among the pages."""
    rows = "".join(f"<dt>{html.escape(term.term)}</dt><dd>{_meaning(term, pages)}</dd>" for term in terms)
    body = (
        "<h1>Glossary</h1><p>Each term has one meaning in the whole course. The number leads to the lesson where it is "
        f'defined.</p><dl class="site-glossary">{rows}</dl>'
    )
    return _page("Glossary", body, SCRIPTS, pages)


def _meaning(term: Term, pages: Mapping[str, str]) -> str:
    text, page = html.escape(term.meaning), pages.get(term.lesson)
    return f'{text} (<a href="{page}#{term.cell}">{term.lesson}</a>)' if page else f"{text} ({term.lesson})"


def file_name(notebook: Path) -> str:
    """The page of a notebook."""
    return f"{notebook.stem}.html"


# Cells ---------------------------------------------------------------------------------------------------------------


def _sections(cells: Sequence[Cell], context: BuildContext) -> Iterator[str]:
    """The cells one after another; each *Go deeper* section as one closed fold."""
    for is_deeper, group in groupby(_with_titles(cells), key=lambda each: each[0]):
        html = "\n".join(_cell(cell, context) for _, cell in group)
        yield f'<details class="site-deeper">{html}</details>' if is_deeper else html


def _with_titles(cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
    """Each cell with the *Go deeper* section that it belongs to: the id of the cell that opens it, or ""."""
    section = ""
    for cell in cells:
        if DEEPER not in cell.tags:
            section = ""
        elif title_of(cell.source):
            section = cell.id
        yield section, cell


def _cell(cell: Cell, context: BuildContext) -> str:
    if cell.kind == "markdown" and (title := title_of(cell.source)):
        rest = cell.source.partition("\n")[2]
        summary = markdown_html(f"### Go deeper: {title}")
        return f'<summary id="{cell.id}">{summary}</summary><div class="site-text">{markdown_html(rest)}</div>'
    if cell.kind == "markdown":
        return f'<div class="site-text" id="{cell.id}">{markdown_html(cell.source)}</div>'
    shown = "".join(widget_html(each, context) for each in cell.shown)
    printed = output_html(cell.text) if cell.text.strip() else ""
    return f'<div class="site-code" id="{cell.id}">{_source(cell)}{printed}{shown}</div>'


def _source(cell: Cell) -> str:
    """The code; folded where it holds imports only, or nothing but the call that shows what stands below."""
    code = code_html(cell.source)
    if cell.slide == "skip" or (cell.only_shows and cell.shown):
        return f"<details><summary>Code</summary>{code}</details>"
    return code


# The frame -----------------------------------------------------------------------------------------------------------


def _page(title: str, body: str, scripts: Sequence[str], pages: Mapping[str, str], lesson: str = "") -> str:
    framed = f"""<a class="site-skip" href="#main">To the text</a>
<header>
<nav aria-label="Lessons">{_navigation(pages, lesson)}</nav>
<button type="button" id="theme" aria-label="light or dark colours">Dark</button>
</header>
<main id="main">
{body}
</main>
<footer>{_around(pages, lesson)}<p>{LICENCE}</p></footer>"""
    return document(title, framed, ["assets/site.css"], [*scripts, "assets/site.js"], early=["assets/theme.js"])


def _navigation(pages: Mapping[str, str], lesson: str) -> str:
    links = [f'<a href="index.html"{_current(not lesson)}>{TITLE}</a>']
    links += [
        f'<a href="{file}" title="{html.escape(LESSONS[number].title)}"{_current(number == lesson)}>{number}</a>'
        for number, file in pages.items()
    ]
    return " ".join(links)


def _current(here: bool) -> str:
    return ' aria-current="page"' if here else ""


def _around(pages: Mapping[str, str], lesson: str) -> str:
    """Links to the lesson before and to the one after."""
    if not lesson:
        return ""
    numbers = list(pages)
    place = numbers.index(lesson)
    links = [
        f'<a href="{pages[number]}">{word} {number} {html.escape(LESSONS[number].title)}</a>'
        for word, near in (("←", place - 1), ("→", place + 1))
        if 0 <= near < len(numbers)
        for number in [numbers[near]]
    ]
    return f'<nav aria-label="Before and after" class="site-around">{"".join(links)}</nav>'
