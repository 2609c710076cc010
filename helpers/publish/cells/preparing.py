"""Run lessons and bake panels for pages, with a process for each processor, unless the result is stored already."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.publish.cells.bake import SHARES, baked_share
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.packing import Rows, Table, table
from helpers.publish.cells.running import Cell, panels_in, read_cells
from helpers.publish.cells.store import Key, Store, files_in_use, note_files, versions
from helpers.words import counted


@dataclass(frozen=True)
class Task:
    """A piece of work: its name in the progress bar, its key in the store, and the functions that do it.

    `work` is called with the arguments of each share, perhaps in several processes, and `joined` makes the result of
    what it returned.
    """

    name: str
    key: Key
    work: Callable[..., Any]
    shares: Sequence[tuple[Any, ...]]
    joined: Callable[[list[Any]], Any]


@dataclass(frozen=True)
class Prepared:
    """Lessons that were run, by number, and the tables of their panels, by name."""

    lessons: Mapping[str, list[Cell]]
    tables: Mapping[str, Mapping[str, str]]

    def context(self, lesson: str, options: BuildOptions) -> BuildContext:
        """The context for building a page with these tables."""
        return BuildContext(lesson, options, tables=dict(self.tables))


def prepare(
    notebooks: Mapping[str, Path],
    options: BuildOptions,
    store: Store,
    only: Callable[[Sequence[Cell]], Collection[str]] | None = None,
) -> Prepared:
    """Run these notebooks, by lesson, and bake the panels that they show, unless the results are in the store.

    `only` returns the ids of the cells that must run: only these are run, unless a complete run is stored, and only
    their panels are baked.
    A bar shows how many pieces of work are done and what is left. NotebookError names a cell that raised. Ctrl-C stops
    at once and leaves nothing half written.
    """
    same = {"versions": versions()}
    tasks, shown = {}, []
    for lesson, path in notebooks.items():
        content, cells = hashlib.sha256(path.read_bytes()).hexdigest(), read_cells(path)
        key = {**same, "lesson": path.name, "content": content, "quick": options.quick}
        wanted = sorted(only(cells)) if only else [cell.id for cell in cells]
        part = wanted if only and store.get(key) is None else None
        key = {**key, "only": part} if part else key
        tasks[f"lesson {lesson}"] = Task(
            f"lesson {lesson}", key, run_one, [(lesson, path, options, part)], itemgetter(0)
        )
        shown += panels_in(cell for cell in cells if cell.id in wanted)
    for name in shown:
        key = {**same, "panel": name, "part": options.fineness.part}
        shares = [(name, options.fineness, share) for share in range(SHARES)]
        tasks[f"panel {name}"] = Task(f"panel {name}", key, baked_share, shares, joined_table)
    found = _results(list(tasks.values()), store)
    store.prune()
    lessons = {lesson: [cell_from(each) for each in found[f"lesson {lesson}"]] for lesson in notebooks}
    return Prepared(lessons, {name: found[f"panel {name}"] for name in shown})


def _results(tasks: Sequence[Task], store: Store) -> dict[str, Any]:
    """The result of each task by its name, taken from the store or computed."""
    kept = {task.name: value for task in tasks if (value := store.get(task.key)) is not None}
    left = [task for task in tasks if task.name not in kept]
    if left:
        columns, rows = shutil.get_terminal_size()  # 80 × 24 where the terminal says 0, for which tqdm shows nothing
        with tqdm(total=len(tasks), initial=len(kept), unit="part", ncols=columns, nrows=rows, disable=None) as bar:
            kept |= dict(_computed(left, store, bar))
    return {task.name: kept[task.name] for task in tasks}


def _computed(tasks: Sequence[Task], store: Store, bar: Any) -> Iterator[tuple[str, Any]]:
    context = multiprocessing.get_context("spawn")  # torch in a forked process may hang
    shares = [(task, place) for task in tasks for place in range(len(task.shares))]
    processes = min(len(shares), os.cpu_count() or 2)
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home,
        _one_thread_each(home),
        ProcessPoolExecutor(processes, context, note_files) as pool,
    ):
        futures = _started_deaf(
            lambda: {pool.submit(_do, task.work, task.shares[place]): (task, place) for task, place in shares}
        )
        try:
            for task, found in _as_they_come(futures, bar):
                value = task.joined([result for result, _ in found])
                store.put(task.key, value, {file for _, files in found for file in files})
                yield task.name, value
        except BaseException:  # also on Ctrl-C: don't wait for results that nobody needs
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _as_they_come(futures: Mapping[Future[Any], tuple[Task, int]], bar: Any) -> Iterator[tuple[Task, list[Any]]]:
    """Yield each task with what its shares gave, as soon as all of them are done; the bar says what is left.

    Where there is no terminal, and so no bar, a line says it.
    """
    left, results = dict(futures), dict[tuple[str, int], Any]()
    while left:
        bar.set_postfix_str(_names_left(left.values()))
        done, _ = wait(left, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            task, place = left.pop(future)
            results[task.name, place] = future.result()
            found = [results.get((task.name, each)) for each in range(len(task.shares))]
            if None not in found:
                yield task, found
                bar.update()
                if bar.disable and left:
                    print(f"{task.name} is done; {_names_left(left.values())}", flush=True)
        bar.refresh()


def _names_left(shares: Iterable[tuple[Task, int]]) -> str:
    """The remaining work, with lessons by number and panels counted: "left: lessons 03, 04; 5 panels"."""
    names = list(dict.fromkeys(task.name for task, _ in shares))
    lessons = ", ".join(name.removeprefix("lesson ") for name in names if name.startswith("lesson "))
    panels = sum(name.startswith("panel ") for name in names)
    parts = [f"lessons {lessons}" if lessons else "", counted(panels, "panel") if panels else ""]
    return "left: " + "; ".join(filter(None, parts))


@contextlib.contextmanager
def _one_thread_each(home: str) -> Iterator[None]:
    """Have the processes that are started use one thread each, away from the learner's own progress.

    One thread, so that sums are taken in the same order wherever pages are built. Memory that was freed is kept for the
    next state: glibc would give it back, and clearing it anew takes a third of the time of large states.
    """
    kept = dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(2**30))
    wanted = {"GRADIENT_COURSE_HOME": home, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **kept}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _started_deaf(start: Callable[[], Any]) -> Any:
    """Return `start()`; the processes that it starts ignore Ctrl-C, which only this process handles.

    A process inherits only ignored signals, so this one ignores Ctrl-C meanwhile, for about a second.
    """
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return start()
    finally:
        signal.signal(signal.SIGINT, handler)


# In a process of its own ---------------------------------------------------------------------------------------------


def _do(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, list[str]]:
    """The result of a share, and the course's files that were in use."""
    return work(*arguments), files_in_use()


def run_one(lesson: str, notebook: Path, options: BuildOptions, only: Collection[str] | None) -> list[dict[str, Any]]:
    """Run the cells of a notebook, or `only` those with these ids, and return them in a form for JSON."""
    from helpers.publish.cells.lessons import run_lesson  # baked tables shall not depend on these files

    return [cell_to(cell) for cell in run_lesson(notebook, BuildContext(lesson, options), only)]


def joined_table(shares: Sequence[Sequence[Rows]]) -> Table:
    """The table of a panel from the rows of all shares."""
    return table([rows for share in shares for rows in share])


def cell_to(cell: Cell) -> dict[str, Any]:
    """A cell with pieces, in a form for JSON."""
    return {**dataclasses.asdict(cell), "tags": sorted(cell.tags)}


def cell_from(found: Mapping[str, Any]) -> Cell:
    """The inverse of `cell_to`."""
    from helpers.publish.cells.pieces import Piece

    pieces = tuple(Piece(**{**piece, "parts": tuple(piece["parts"])}) for piece in found["shown"])
    return Cell(**{**found, "tags": frozenset(found["tags"]), "shown": pieces})
