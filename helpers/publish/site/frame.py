"""The frame of a page: metadata for other programs, menu, table of contents, and links to the neighbouring lessons."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpers.course import AUTHORS, CODE_LICENCE, CONTENT_LICENCE, LESSONS, TITLE
from helpers.publish.html import document
from helpers.publish.site.addresses import Addresses

GLOSSARY, GUIDE = "glossary.html", "guide.html"
PICTURE, STILL, ICON = "assets/network.webp", "assets/network.png", "assets/icon.svg"
SCRIPTS = ("live", "grading", "pages", "site", "answers", "answers_shown", "search", "search_box", "frame")
"""The scripts of every page, in order, after those of its figures."""

LICENCE = (
    f"© {AUTHORS}: text, questions and figures {CONTENT_LICENCE}, code {CODE_LICENCE}. "
    "Handwritten digits: UCI Machine Learning Repository, CC BY 4.0. Figures are drawn by plotly.js (MIT licence). "
    "These pages ask nothing of the network."
)
WITHOUT_SCRIPTS = (
    "Your browser runs no JavaScript here. The text, the code and its results can be read all the same; the sliders, "
    "the plots, the quizzes and the search need JavaScript."
)

LINK_TO_LESSON = re.compile(r'<a href="(\d\d_\w+\.html)[^"]*"[^>]*>(.*?)</a>')


@dataclass(frozen=True)
class Site:
    """What all pages share: the file of each lesson's page, and the addresses at which the course is published."""

    pages: Mapping[str, str]
    addresses: Addresses = Addresses()

    def reachable(self, text: str) -> str:
        """The HTML with links to lessons that have no page on this site replaced by their text."""
        there = set(self.pages.values())
        return LINK_TO_LESSON.sub(lambda found: found[0] if found[1] in there else found[2], text)


@dataclass(frozen=True)
class Page:
    """One page: its file, title, body and a one-sentence description; `lesson` and `contents` if it has them.

    `scripts` run before those shared by all pages.
    """

    file: str
    title: str
    body: str
    description: str
    lesson: str = ""
    contents: str = ""
    scripts: Sequence[str] = ()


def framed(page: Page, site: Site) -> str:
    """The page as HTML."""
    contents = f'<aside class="site-contents">{page.contents}</aside>' if page.contents else ""
    body = f"""<a class="site-skip" href="#main">To the text</a>
{_top(page, site)}
<div class="site-frame{"" if contents else " site-home"}">
{contents}
<main id="main">
<noscript><p class="site-note">{WITHOUT_SCRIPTS}</p></noscript>
{site.reachable(page.body)}
</main>
</div>
<footer>{_around(page, site)}<p>{LICENCE}</p></footer>"""
    return document(
        page.title,
        body,
        ["assets/site.css", "assets/page.css"],
        [*page.scripts, *(f"assets/{name}.js" for name in SCRIPTS)],
        early=["assets/theme.js"],
        about=_about(page, site),
    )


def _about(page: Page, site: Site) -> Sequence[str]:
    """The metadata that search engines and messengers show, and the icon in the browser's tab."""
    named = {"description": page.description, "author": AUTHORS[0].upper() + AUTHORS[1:]}
    shared = {
        "og:title": page.title,
        "og:description": page.description,
        "og:type": "website" if page.file == "index.html" else "article",
        "og:site_name": TITLE,
        "og:url": site.addresses.of_page(page.file),
        "og:image": site.addresses.of_page(STILL),
    }
    tags = [f'<meta name="{name}" content="{html.escape(text)}">' for name, text in named.items()]
    tags += [f'<meta property="{name}" content="{html.escape(text)}">' for name, text in shared.items() if text]
    if address := site.addresses.of_page(page.file):
        tags.append(f'<link rel="canonical" href="{html.escape(address)}">')
    return [*tags, f'<link rel="icon" href="{ICON}" type="image/svg+xml">']


def _top(page: Page, site: Site) -> str:
    rows = "".join(
        f'<li><a href="{file}"{_current(number == page.lesson)}>{_numbered(number)}</a></li>'
        for number, file in site.pages.items()
    )
    more = "".join(
        f'<li><a href="{file}"{_current(file == page.file)}>{name}</a></li>'
        for file, name in ((GLOSSARY, "Glossary"), (GUIDE, "Teacher’s guide"))
    )
    return f"""<header><div class="site-bar">
<a class="site-title" href="index.html"{_current(page.file == "index.html")}>{TITLE}</a>
<details class="site-menu"><summary>Lessons</summary>
<nav aria-label="Lessons"><ol>{rows}</ol><ul>{more}</ul></nav></details>
<div class="site-search" role="search" hidden></div>
<button type="button" id="theme" aria-label="light or dark colours" hidden>Dark</button>
</div></header>"""


def _numbered(lesson: str) -> str:
    return f'<span class="site-number">{lesson}</span> <span>{html.escape(LESSONS[lesson].title)}</span>'


def _current(here: bool) -> str:
    return ' aria-current="page"' if here else ""


def _around(page: Page, site: Site) -> str:
    """Links to the previous and the next lesson."""
    if not page.lesson:
        return ""
    numbers = list(site.pages)
    place = numbers.index(page.lesson)
    links = [
        f'<a href="{site.pages[numbers[near]]}" rel="{rel}"><small>{word}</small>{_numbered(numbers[near])}</a>'
        for word, rel, near in (("← Before", "prev", place - 1), ("Next →", "next", place + 1))
        if 0 <= near < len(numbers)
    ]
    return f'<nav aria-label="Before and after" class="site-around">{"".join(links)}</nav>'
