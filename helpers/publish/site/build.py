"""Building the site: every lesson in a process of its own, two at a time or as many as there are processors."""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.course import notebooks
from helpers.publish.cells.assets import write_assets
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.folder import write_text, written_whole
from helpers.publish.glossary import read_glossary
from helpers.publish.guide.page import guide_page
from helpers.publish.html import data_script
from helpers.publish.site.pages import GLOSSARY, GUIDE, file_name, glossary_page, index_page, lesson_page

ALL_OF_IT = BuildOptions()
SLOWEST_FIRST = ("04", "05", "03", "07", "06", "09", "08")


class SiteError(RuntimeError):
    """The site can't be built; the message says why and what to do."""


def build_site(folder: Path, lessons: Sequence[str] = (), options: BuildOptions = ALL_OF_IT) -> Path:
    """Write the site into a folder, which is made anew once all of it is there, and give its first page.

    lessons: only these; none named means all. SiteError where one of them is not known, NotebookError where one of
    their cells raises, FolderError where nothing can be written.
    """
    sources = _sources(lessons)
    pages = {lesson: file_name(path) for lesson, path in sources.items()}
    with written_whole(folder, "python start.py site") as draft:
        write_assets(draft / "assets")
        (draft / "tables").mkdir()
        write_text(draft / "index.html", index_page(pages))
        write_text(draft / GLOSSARY, glossary_page(read_glossary(), pages))
        write_text(draft / GUIDE, guide_page(sources))
        _build_lessons(draft, options, sources, pages)
    return folder / "index.html"


def _sources(wanted: Sequence[str]) -> Mapping[str, Path]:
    every = notebooks()
    for lesson in wanted:
        if lesson not in every:
            raise SiteError(f"lesson is {lesson!r}; it must be one of {', '.join(every)}")
    return {lesson: path for lesson, path in every.items() if not wanted or lesson in wanted}


def _build_lessons(folder: Path, options: BuildOptions, sources: Mapping[str, Path], pages: Mapping[str, str]) -> None:
    order = sorted(sources, key=lambda lesson: SLOWEST_FIRST.index(lesson) if lesson in SLOWEST_FIRST else 99)
    context = multiprocessing.get_context("spawn")  # torch in a forked process may hang
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        _started_deaf(context.Manager) as manager,
        tqdm(unit="step", dynamic_ncols=True, disable=None) as bar,
    ):
        steps = manager.Queue()
        with ProcessPoolExecutor(min(len(order), os.cpu_count() or 2), context, _settle, (home,)) as pool:
            tasks = _started_deaf(
                lambda: {
                    pool.submit(_build_lesson, folder, options, lesson, sources[lesson], pages, steps): lesson
                    for lesson in order
                }
            )
            try:
                _follow(bar, tasks, steps)
            except BaseException:  # Ctrl-C too: nobody waits for lessons that nobody wants any more
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.terminate()
                raise


def _started_deaf(start: Callable[[], Any]) -> Any:
    """What `start` gives; the processes that it starts take no Ctrl-C, which is for the one that started them.

    One that comes within the second that this takes is lost: only what a process ignores is ignored by those it starts.
    """
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return start()
    finally:
        signal.signal(signal.SIGINT, handler)


def _settle(home: str) -> None:
    """One thread a process, away from the learner's own progress."""
    os.environ["GRADIENT_COURSE_HOME"] = home
    os.environ["OMP_NUM_THREADS"] = "1"


def _follow(bar: Any, tasks: Mapping[Future[None], str], steps: Any) -> None:
    """Show how far the lessons are until all are there; what one of them raised is raised here."""
    left = set(tasks)
    bar.total = 0
    while left:
        _count_step(bar, steps)
        for task in [task for task in left if task.done()]:
            left.remove(task)
            task.result()
            bar.set_postfix_str(f"lesson {tasks[task]} is there")


def _count_step(bar: Any, steps: Any) -> None:
    try:
        kind, count = steps.get(timeout=0.2)
    except queue.Empty:
        return
    if kind == "expect":
        bar.total += count
        bar.refresh()
    else:
        bar.update(count)


def _build_lesson(
    folder: Path, options: BuildOptions, lesson: str, notebook: Path, pages: Mapping[str, str], steps: Any
) -> None:
    """Run a notebook, bake its panels, and write its page and its table."""
    context = BuildContext(
        lesson,
        options,
        expect=lambda count: steps.put(("expect", count)),
        done=lambda: steps.put(("done", 1)),
    )
    write_text(folder / pages[lesson], lesson_page(context.run(notebook), context, pages))
    write_text(folder / "tables" / f"{lesson}.js", data_script(context.data))
    gc.collect()  # the next lesson may come to the same process
