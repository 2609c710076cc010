"""Build the site: run and bake its lessons, unless the results are stored, and write their pages."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.course import notebooks
from helpers.publish.cells.assets import write_assets
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.store import Store
from helpers.publish.folder import write_text, written_whole
from helpers.publish.glossary import read_glossary
from helpers.publish.guide.page import guide_page
from helpers.publish.html import data_script
from helpers.publish.site.addresses import Addresses
from helpers.publish.site.assets import write_notebooks, write_site_assets
from helpers.publish.site.frame import GLOSSARY, GUIDE, Site
from helpers.publish.site.home import index_page
from helpers.publish.site.pages import file_name, glossary_page, lesson_page
from helpers.publish.site.search import search_index
from helpers.publish.site.stills import write_stills

ALL_OF_IT = BuildOptions()
NO_ADDRESS = Addresses()


class SiteError(RuntimeError):
    """The site can't be built; the message says why and what to do."""


def build_site(
    folder: Path,
    lessons: Sequence[str] = (),
    options: BuildOptions = ALL_OF_IT,
    store: Store | None = None,
    addresses: Addresses = NO_ADDRESS,
) -> Path:
    """Write the site into a folder, which is replaced once the site is complete, and return its first page.

    lessons: those to include; empty means all. store: results of earlier builds. SiteError for an unknown lesson,
    NotebookError where a cell raises, FolderError where the folder can't be written.
    """
    sources = _sources(lessons)
    site = Site({lesson: file_name(path) for lesson, path in sources.items()}, addresses)
    terms = read_glossary()
    with written_whole(folder, "python start.py site") as draft:
        write_assets(draft / "assets")
        write_site_assets(draft / "assets")
        write_notebooks(draft / "notebooks", sources)
        write_stills(draft / "stills", list(sources))
        (draft / "tables").mkdir()
        write_text(draft / "index.html", index_page(site))
        write_text(draft / GLOSSARY, glossary_page(terms, site))
        write_text(draft / GUIDE, guide_page(sources, home="index.html"))
        write_text(draft / "assets" / "search_index.js", search_index(sources, terms, site.pages))
        with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as nothing_kept:
            _build_lessons(draft, options, sources, site, store or Store(Path(nothing_kept)))
    return folder / "index.html"


def _sources(wanted: Sequence[str]) -> Mapping[str, Path]:
    every = notebooks()
    for lesson in wanted:
        if lesson not in every:
            raise SiteError(f"lesson is {lesson!r}; it must be one of {', '.join(every)}")
    return {lesson: path for lesson, path in every.items() if not wanted or lesson in wanted}


def _build_lessons(folder: Path, options: BuildOptions, sources: Mapping[str, Path], site: Site, store: Store) -> None:
    """Write the page and the table of each lesson."""
    prepared = prepare(sources, options, store)
    for lesson, cells in prepared.lessons.items():
        context = prepared.context(lesson, options)
        write_text(folder / site.pages[lesson], lesson_page(cells, context, site))
        write_text(folder / "tables" / f"{lesson}.js", data_script(with_links_here(context.data, site)))


def with_links_here(data: Mapping[str, Any], site: Site) -> Mapping[str, Any]:
    """The data for a page's scripts, without the figures' links to lessons that have no page on this site."""
    for each in data.values():
        for note in each.get("spec", {}).get("figure", {}).get("layout", {}).get("annotations", ()):
            note["text"] = site.reachable(note["text"])
    return data
