"""`python -m helpers.publish.present 03`: a lesson as slides; with `--panel` its panel alone, over the whole screen."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from helpers.course import NOTEBOOKS, notebooks
from helpers.publish import commands
from helpers.publish.access import PortError, free_port
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.running import NotebookError
from helpers.publish.cells.store import Store
from helpers.publish.folder import FolderError
from helpers.publish.present.build import build_slides, is_built
from helpers.publish.present.projector import panel_of, project
from helpers.publish.present.serving import USUAL_PORT, PresentError, serve_folder
from helpers.publish.present.short import to_run
from helpers.publish.teacher import NotesError

KEPT = NOTEBOOKS.parent / "slides"


def main(arguments: list[str]) -> int:
    """Present the lesson or panel named on the command line."""
    chosen = commands.read("present", arguments)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        _present(chosen)
    except (PresentError, PortError, FolderError, NotebookError, NotesError) as error:
        print(f"present: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
    return 0


def _present(chosen: argparse.Namespace) -> None:
    every = notebooks()
    if chosen.lesson not in every:
        raise PresentError(f"There is no lesson {chosen.lesson!r}: use one of {', '.join(every)}.")
    if chosen.panel is not None:
        panel = panel_of(chosen.lesson, chosen.panel)
        port = free_port(chosen.port, USUAL_PORT)
        print("Starting a kernel for the panel: the first picture takes up to 20 seconds.", flush=True)
        return project(panel, port, chosen.browser)
    options = BuildOptions(Fineness(chosen.part), chosen.quick, chosen.whole)
    if chosen.to is not None:
        page = _build(chosen.lesson, chosen.to, options, chosen.fresh)
        print(f"The slides are ready: open {page}")
        return None
    port = free_port(chosen.port, USUAL_PORT)
    folder = KEPT / chosen.lesson
    if chosen.fresh or not is_built(every[chosen.lesson], folder, options):
        print("Making the slides: their cells are run once, which takes up to a minute. Next time they are kept.")
        _build(chosen.lesson, folder, options, chosen.fresh)
    return serve_folder(folder, port, chosen.browser)


def _build(lesson: str, folder: Path, options: BuildOptions, fresh: bool) -> Path:
    """Make the slides and show progress."""
    notebook = notebooks()[lesson]
    prepared = prepare({lesson: notebook}, options, Store(fresh=fresh), only=None if options.whole else to_run)
    return build_slides(notebook, folder, prepared.context(lesson, options), prepared.lessons[lesson])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
