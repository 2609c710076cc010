"""The sections of a lesson, for the table of contents and the search."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import markdown_html
from helpers.publish.html import heading_id

HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
CODE = re.compile(r"```.*?```", re.DOTALL)
FORMULA = re.compile(r"\$\$?([^$]+)\$\$?")
INLINE = re.compile(r"</?(?:a|b|i|em|strong|code|del)\b[^>]*>")
PART = r"\s*(?:\{([^{}]*)\}|(\w))"
PARTS_OF_FORMULAS: Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"\\(?:mathrm|text|operatorname|mathbf|mathsf|overline|hat)" + PART), r"\1\2"),
    (re.compile("_" + PART), r"\1\2"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^(\1)"),
    (re.compile(r"\\sqrt" + PART), r"sqrt(\1\2)"),
    (re.compile(r"\\[dt]?frac" + PART + PART), lambda found: " " + "/".join(_bracketed(found))),
]
"""What has arguments in a formula, and how it reads on one line."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Section:
    """A heading (`level` 1 to 3), its id on the page, and the Markdown below it up to the next heading."""

    id: str
    level: int
    title: str
    text: str
    deeper: bool = False


def sections_of(cells: Sequence[Cell]) -> list[Section]:
    """The sections of a lesson, in order; text before the first heading belongs to none."""
    found: list[Section] = []
    for cell in cells:
        if cell.kind != "markdown":
            continue
        for place, (level, title, text) in enumerate(_parts(cell.source)):
            if level:
                id = cell.id if place == 0 else heading_id(title)
                found.append(Section(id, level, title, text, DEEPER in cell.tags))
            elif found:
                last = found.pop()
                found.append(Section(last.id, last.level, last.title, f"{last.text}\n\n{text}", last.deeper))
    return found


def _parts(source: str) -> Iterator[tuple[int, str, str]]:
    """Level, title and text of each heading of a cell; level 0 for text before the first one."""
    marks = list(HEADING.finditer(source))
    if before := source[: marks[0].start() if marks else len(source)].strip():
        yield 0, "", before
    ends = [*(each.start() for each in marks), len(source)][1:]
    for mark, end in zip(marks, ends, strict=True):
        yield len(mark[1]), mark[2].strip(), source[mark.end() : end].strip()


def title_html(section: Section) -> str:
    """The title as HTML for the table of contents."""
    title = section.title.removeprefix("Go deeper: ")
    return markdown_html(title[0].upper() + title[1:]).strip().removeprefix("<p>").removesuffix("</p>")


def plain_text(markdown: str) -> str:
    """Markdown as a reader would type it into a search: without markup, and formulas as letters and digits."""
    text = FORMULA.sub(lambda found: _plain_formula(found[1]), CODE.sub(" ", markdown))
    page = INLINE.sub("", markdown_html(text.replace("\\", "")))
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).strip()


def _plain_formula(body: str) -> str:
    body = re.sub(r"\\(?:cdot|times)\b", "·", body.replace(r"\approx", "≈"))
    body = re.sub(r"\\(?:left|right|[Bb]ig[lr]?|quad|qquad|,|;|!)(?![a-z])", " ", body)
    body = re.sub(r"\^(?:\{(-?\d+)\}|(\d))", lambda found: (found[1] or found[2]).translate(RAISED), body)
    before = ""
    while before != body:  # from the innermost braces outwards
        before = body
        for pattern, plain in PARTS_OF_FORMULAS:
            body = pattern.sub(plain, body)
    body = re.sub(r"\\([A-Za-z]+)", r"\1", body)
    return re.sub(r"[{}\\_*]", "", body).replace("<", "&lt;")


def _bracketed(found: re.Match[str]) -> Iterator[str]:
    for part in filter(None, found.groups()):
        yield part if part.isalnum() else f"({part})"
