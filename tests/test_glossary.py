"""The glossary: each term has one meaning, and is defined where it is first used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from helpers.course import notebooks
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.glossary import Term, read_glossary
from helpers.publish.site.frame import Site
from helpers.publish.site.pages import file_name, glossary_page

TERMS = read_glossary()
PAGES = {lesson: file_name(path) for lesson, path in notebooks().items()}
BOLD = re.compile(r"\*\*(.+?)\*\*")
ITALIC = re.compile(r"(?<!\*)\*[^*\n]+\*(?!\*)")  # names of buttons


def uses(text: str, term: str) -> bool:
    """Whether a text uses a term, in the singular or plural."""
    return bool(pattern(term).search(text))


def is_marked_in(text: str, term: str) -> bool:
    """Whether a text has the term, or a part of it as in "**He's** variance", in bold."""
    marked = [each.lower() for each in BOLD.findall(text)]
    return uses(text.replace("**", ""), term) and any(uses(each, term) or each in term.lower() for each in marked)


@cache
def pattern(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(term)}(s|es)?(?![\w-])", re.IGNORECASE)


def glossary_faults(terms: Sequence[Term], lessons: Mapping[str, Sequence[Cell]]) -> list[str]:
    """The faults of the glossary as sentences: a term listed twice, not defined in its cell, or used before that cell.

    A definition has its term in bold. The start page and the titles of lessons may use a term earlier.
    """
    names = [term.term.lower() for term in terms]
    found = [f"{name}: two rows; a term has one meaning" for name in sorted(set(names)) if names.count(name) > 1]
    for term in terms:
        cells = {cell.id: cell for cell in lessons.get(term.lesson, ())}
        if term.cell not in cells:
            found.append(f"{term.term}: lesson {term.lesson} has no cell {term.cell}")
        elif not is_marked_in(cells[term.cell].source, term.term):
            found.append(f"{term.term}: the cell {term.cell} of lesson {term.lesson} doesn't have it in bold")
        else:
            for lesson, cell in before(term, lessons):
                if uses(ITALIC.sub("", cell.source), term.term):
                    found.append(f"{term.term}: used in {lesson} {cell.id}, before {term.lesson} {term.cell}")
    return found


def before(term: Term, lessons: Mapping[str, Sequence[Cell]]) -> Iterator[tuple[str, Cell]]:
    """The prose before the definition of a term, in course order, without the start page and the titles."""
    for lesson, cells in lessons.items():
        for place, cell in enumerate(cell for cell in cells if cell.kind == "markdown"):
            if (lesson, cell.id) == (term.lesson, term.cell):
                return
            if place > 0 and lesson != "00":
                yield lesson, cell


def test_every_term_is_defined_where_the_glossary_says_and_not_used_before() -> None:
    lessons = {lesson: read_cells(path) for lesson, path in notebooks().items()}
    assert len(TERMS) >= 25
    assert glossary_faults(TERMS, lessons) == []


def test_meanings_are_phrases_of_one_sentence() -> None:
    for term in TERMS:
        assert 4 <= len(term.meaning.split()) <= 30 and not term.meaning.endswith("."), term.term


def prose(id: str, source: str) -> Cell:
    return Cell(id, "markdown", source)


def test_what_is_wrong_with_a_glossary_is_named() -> None:
    lessons = {
        "01": [prose("title", "# 01 Logits"), prose("early", "Two logits."), prose("late", "A **logit** is a number.")],
        "02": [prose("title", "# 02 More"), prose("plain", "A gain is a factor. A logit-like thing.")],
    }
    logit = Term("logit", "a number", "01", "late")
    assert glossary_faults([logit], lessons) == ["logit: used in 01 early, before 01 late"]
    del lessons["01"][1]
    assert glossary_faults([logit], lessons) == []
    assert glossary_faults([logit, logit], lessons) == ["logit: two rows; a term has one meaning"]
    lessons["02"].append(prose("part", "**He's** variance is 2/N; press *gain*."))
    assert glossary_faults([Term("He's variance", "2/N", "02", "part")], lessons) == []
    unmarked, lost = Term("gain", "a factor", "02", "plain"), Term("gain", "a factor", "02", "gone")
    assert glossary_faults([unmarked], lessons) == ["gain: the cell plain of lesson 02 doesn't have it in bold"]
    assert glossary_faults([lost], lessons) == ["gain: lesson 02 has no cell gone"]


def test_the_page_lists_every_term_with_a_link_to_its_cell() -> None:
    page = glossary_page(TERMS, Site(PAGES))
    for term in TERMS:
        assert f'href="{PAGES[term.lesson]}#{term.cell}"' in page
    shown = re.findall(r"<dt[^>]*>(.+?)</dt>", page)
    assert len(shown) == len(TERMS) and shown == sorted(shown, key=str.lower)


def test_a_page_of_some_lessons_links_to_no_other() -> None:
    page = glossary_page(TERMS, Site({"08": PAGES["08"]}))
    assert f"{PAGES['09']}" not in page and "logit" in page
