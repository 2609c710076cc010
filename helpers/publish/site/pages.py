"""The pages of the lessons, with the cells one below another, and of the glossary."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from helpers.course import LESSONS
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.deeper import DEEPER, title_of
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import code_html, markdown_html, output_html
from helpers.publish.cells.widgets import widget_html
from helpers.publish.glossary import Term
from helpers.publish.site.frame import GLOSSARY, Page, Site, framed
from helpers.publish.site.sections import Section, sections_of, title_html
from helpers.publish.site.wording import for_page

NOTE = "No Python runs on this page: the result of each cell is shown below it."


def lesson_page(cells: Sequence[Cell], context: BuildContext, site: Site) -> str:
    """A lesson as HTML; the data for its scripts is collected in `context.data`."""
    shown, lesson = list(for_page(context.lesson, cells)), LESSONS[context.lesson]
    body = "\n".join(_sections(shown, context)).replace("</h1>", f"</h1>{_beside_title(context.lesson, site)}", 1)
    page = Page(
        file=site.pages[context.lesson],
        title=lesson.name,
        body=body,
        description=f"Lesson {lesson.number} of a course on vanishing gradients: {lesson.shows}.",
        lesson=lesson.number,
        contents=_contents(sections_of(shown)),
        scripts=("assets/plotly.js", f"tables/{lesson.number}.js"),
    )
    return framed(page, site)


def glossary_page(terms: Sequence[Term], site: Site) -> str:
    """The glossary as HTML; each term links to the cell that defines it, if its lesson is on the site."""
    rows = "".join(
        f'<dt id="{term_id(term)}">{html.escape(term.term)}</dt><dd>{_meaning(term, site.pages)}</dd>' for term in terms
    )
    body = (
        "<h1>Glossary</h1><p>Each term has one meaning in the whole course. The number leads to the lesson where it is "
        f'defined.</p><dl class="site-glossary">{rows}</dl>'
    )
    about = "What each term of a course on vanishing gradients means, and where it is defined."
    return framed(Page(GLOSSARY, "Glossary", body, about), site)


def term_id(term: Term) -> str:
    """The id of a term on the glossary's page."""
    return "term-" + "".join(letter if letter.isalnum() else "-" for letter in term.term.lower())


def _meaning(term: Term, pages: Mapping[str, str]) -> str:
    text, page = html.escape(term.meaning), pages.get(term.lesson)
    return f'{text} (<a href="{page}#{term.cell}">{term.lesson}</a>)' if page else f"{text} ({term.lesson})"


def file_name(notebook: Path) -> str:
    """The file name of a notebook's page."""
    return f"{notebook.stem}.html"


# Around the cells ----------------------------------------------------------------------------------------------------


def _beside_title(lesson: str, site: Site) -> str:
    """Shown below the title: a link to download the notebook, and links to services that run it."""
    notebook = f"{Path(site.pages[lesson]).stem}.ipynb"
    buttons = f'<a class="site-button" href="notebooks/{notebook}" download>Download the notebook</a>' + "".join(
        f'<a class="site-button" href="{html.escape(address)}">Run it in {service}</a>'
        for service, address in site.addresses.to_run(notebook)
    )
    return f'<p class="site-note">{NOTE}</p><p class="site-buttons">{buttons}</p>'


def _contents(sections: Sequence[Section]) -> str:
    """The headings below the title as a list of links, with the headings inside a section indented."""
    rows = ""
    for is_inner, group in groupby((each for each in sections if each.level > 1), key=lambda each: each.level > 2):
        links = "".join(_entry(section) for section in group)
        rows += f"<li><ol>{links}</ol></li>" if is_inner else links
    listed = f'<nav aria-label="On this page"><ol>{rows}</ol></nav>'
    return f"<details><summary>On this page</summary>{listed}</details>" if rows else ""


def _entry(section: Section) -> str:
    deeper = ' class="site-is-deeper"' if section.deeper else ""
    return f'<li{deeper}><a href="#{section.id}">{title_html(section)}</a></li>'


# Cells ---------------------------------------------------------------------------------------------------------------


def _sections(cells: Sequence[Cell], context: BuildContext) -> Iterator[str]:
    """The HTML of the cells in order; each *Go deeper* section is one folded block."""
    for is_deeper, group in groupby(_with_titles(cells), key=lambda each: each[0]):
        html = "\n".join(_cell(cell, context) for _, cell in group)
        yield f'<details class="site-deeper">{html}</details>' if is_deeper else html


def _with_titles(cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
    """Each cell with the id of the cell that opens its *Go deeper* section, or ""."""
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
    """The code as HTML; folded if it only holds imports or only makes calls that show something."""
    code = code_html(cell.source)
    if cell.slide == "skip" or (cell.only_shows and cell.shown):
        return f"<details><summary>Code</summary>{code}</details>"
    return code
