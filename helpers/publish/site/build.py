"""Building the site: its lessons, run and baked as far as they aren't kept, as pages."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.course import notebooks
from helpers.publish.cells.assets import write_assets
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.store import Store
from helpers.publish.folder import write_text, written_whole
from helpers.publish.glossary import read_glossary
from helpers.publish.guide.page import guide_page
from helpers.publish.html import data_script
from helpers.publish.site.pages import GLOSSARY, GUIDE, file_name, glossary_page, index_page, lesson_page

ALL_OF_IT = BuildOptions()


class SiteError(RuntimeError):
    """The site can't be built; the message says why and what to do."""


def build_site(
    folder: Path, lessons: Sequence[str] = (), options: BuildOptions = ALL_OF_IT, store: Store | None = None
) -> Path:
    """Write the site into a folder, which is made anew once all of it is there, and give its first page.

    lessons: only these; none named means all. store: what has been run and baked before. SiteError where one of them is
    not known, NotebookError where one of their cells raises, FolderError where nothing can be written.
    """
    sources = _sources(lessons)
    pages = {lesson: file_name(path) for lesson, path in sources.items()}
    with written_whole(folder, "python start.py site") as draft:
        write_assets(draft / "assets")
        (draft / "tables").mkdir()
        write_text(draft / "index.html", index_page(pages))
        write_text(draft / GLOSSARY, glossary_page(read_glossary(), pages))
        write_text(draft / GUIDE, guide_page(sources))
        with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as nothing_kept:
            _build_lessons(draft, options, sources, pages, store or Store(Path(nothing_kept)))
    return folder / "index.html"


def _sources(wanted: Sequence[str]) -> Mapping[str, Path]:
    every = notebooks()
    for lesson in wanted:
        if lesson not in every:
            raise SiteError(f"lesson is {lesson!r}; it must be one of {', '.join(every)}")
    return {lesson: path for lesson, path in every.items() if not wanted or lesson in wanted}


def _build_lessons(
    folder: Path, options: BuildOptions, sources: Mapping[str, Path], pages: Mapping[str, str], store: Store
) -> None:
    """Write the page and the table of each lesson."""
    prepared = prepare(sources, options, store)
    for lesson, cells in prepared.lessons.items():
        context = prepared.context(lesson, options)
        write_text(folder / pages[lesson], lesson_page(cells, context, pages))
        write_text(folder / "tables" / f"{lesson}.js", data_script(context.data))
