"""Building the site: every lesson in a process of its own, two at a time or as many as there are processors."""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.course import notebooks
from helpers.publish.cells.assets import write_assets, write_text
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.running import read_cells, run_cells
from helpers.publish.cells.widgets import Page
from helpers.publish.site.pages import data_script, file_name, index_page, lesson_page

MARK = "made-by-start.txt"
SLOWEST_FIRST = ("04", "05", "03", "07", "06", "09", "08")


class SiteError(RuntimeError):
    """The site can't be built; the message says why and what to do."""


@dataclass(frozen=True)
class Wish:
    """What is asked for: which lessons (none named: all), how finely they are baked, whether experiments are run."""

    folder: Path
    lessons: tuple[str, ...] = ()
    fineness: Fineness = Fineness()
    quick: bool = False


def build_site(wish: Wish) -> Path:
    """Write the site into its folder, which is made anew, and give its first page.

    SiteError where the folder holds anything that no build has put there, or where a lesson is not known.
    """
    sources = _sources(wish.lessons)
    empty_folder(wish.folder, "python start.py site")
    pages = {lesson: file_name(path) for lesson, path in sources.items()}
    write_assets(wish.folder / "assets")
    write_text(wish.folder / "index.html", index_page(pages))
    _build_lessons(wish, sources, pages)
    return wish.folder / "index.html"


def _sources(wanted: Sequence[str]) -> Mapping[str, Path]:
    every = notebooks()
    for lesson in wanted:
        if lesson not in every:
            raise SiteError(f"lesson is {lesson!r}; it must be one of {', '.join(every)}")
    return {lesson: path for lesson, path in every.items() if not wanted or lesson in wanted}


def empty_folder(folder: Path, command: str, inner: Sequence[str] = ("assets", "tables")) -> None:
    """A folder with empty ones in it and a mark that names the command; what an earlier build has left there goes.

    SiteError where it holds anything else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise SiteError(f"{folder} holds files that this command has not made. Name an empty folder, or a new one.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in inner:
        (folder / name).mkdir()
    write_text(folder / MARK, f"Made by `{command}`, which replaces all that lies in this folder.\n")


def _build_lessons(wish: Wish, sources: Mapping[str, Path], pages: Mapping[str, str]) -> None:
    order = sorted(sources, key=lambda lesson: SLOWEST_FIRST.index(lesson) if lesson in SLOWEST_FIRST else 99)
    context = multiprocessing.get_context("spawn")  # torch in a forked process may hang
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        context.Manager() as manager,
        tqdm(unit="step", dynamic_ncols=True, disable=None) as bar,
    ):
        news = manager.Queue()
        with ProcessPoolExecutor(min(len(order), os.cpu_count() or 2), context, _settle, (home,)) as pool:
            tasks = {pool.submit(_build_lesson, wish, lesson, sources[lesson], pages, news): lesson for lesson in order}
            _follow(bar, tasks, news)


def _settle(home: str) -> None:
    """One thread a process, and away from the learner's own progress."""
    os.environ["GRADIENT_COURSE_HOME"] = home
    os.environ["OMP_NUM_THREADS"] = "1"


def _follow(bar: Any, tasks: Mapping[Future[None], str], news: Any) -> None:
    """Show how far the lessons are until all are there; what one of them raised is raised here."""
    left = set(tasks)
    bar.total = 0
    while left:
        _read_news(bar, news)
        for task in [task for task in left if task.done()]:
            left.remove(task)
            task.result()
            bar.set_postfix_str(f"lesson {tasks[task]} is there")


def _read_news(bar: Any, news: Any) -> None:
    try:
        kind, count = news.get(timeout=0.2)
    except queue.Empty:
        return
    if kind == "expect":
        bar.total += count
        bar.refresh()
    else:
        bar.update(count)


def _build_lesson(wish: Wish, lesson: str, notebook: Path, pages: Mapping[str, str], news: Any) -> None:
    """Run a notebook, bake its panels, and write its page and its table."""
    news.put(("expect", len(read_cells(notebook))))
    cells = run_cells(notebook, wish.quick, done=lambda: news.put(("done", 1)))
    page = Page(
        lesson,
        fineness=wish.fineness,
        expect=lambda count: news.put(("expect", count)),
        done=lambda: news.put(("done", 1)),
    )
    write_text(wish.folder / pages[lesson], lesson_page(cells, page, pages))
    write_text(wish.folder / "tables" / f"{lesson}.js", data_script(page))
    gc.collect()  # the next lesson may come to the same process
