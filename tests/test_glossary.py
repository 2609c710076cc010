"""The glossary: each term has one meaning, and is defined where it is first used."""

from __future__ import annotations

import re

from helpers.course import notebooks
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.glossary import Term, glossary_faults, read_glossary
from helpers.publish.site.frame import Site
from helpers.publish.site.pages import file_name, glossary_page

TERMS = read_glossary()
PAGES = {lesson: file_name(path) for lesson, path in notebooks().items()}


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
