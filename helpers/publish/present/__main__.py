"""`python -m helpers.publish.present 03`: a lesson as slides; with `--panel` its panel alone, over the whole screen."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from helpers.course import NOTEBOOKS, notebooks
from helpers.progress.store import HOME_VARIABLE
from helpers.publish.options import add_making_options
from helpers.publish.present.build import build_slides, is_built
from helpers.publish.present.projector import panel_of, project
from helpers.publish.present.serving import PresentError, choose_port, serve_folder
from helpers.publish.site.build import SiteError

KEPT = NOTEBOOKS.parent / "slides"


def main(arguments: list[str]) -> int:
    """Present what the command line asks for."""
    options = _parser().parse_args(arguments)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        _present(options)
    except (PresentError, SiteError) as error:
        print(f"start.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded.", flush=True)
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _present(options: argparse.Namespace) -> None:
    every = notebooks()
    if options.lesson not in every:
        raise PresentError(f"There is no lesson {options.lesson!r}: use one of {', '.join(every)}.")
    if options.panel is not None:
        panel = panel_of(options.lesson, options.panel)
        port = choose_port(options.port)
        print("Starting a kernel for the panel: the first picture takes up to 20 seconds.", flush=True)
        return project(panel, port, options.browser)
    if options.to is not None:
        _build(every[options.lesson], options.to.resolve(), options)
        print(f"The slides are ready: open {options.to.resolve() / 'index.html'}")
        return None
    port = choose_port(options.port)
    folder = KEPT / options.lesson
    if not is_built(every[options.lesson], folder, options.fineness, options.quick):
        print("Making the slides: the lesson is run once, which takes a minute or more. Next time they are kept.")
        _build(every[options.lesson], folder, options)
    return serve_folder(folder, port, options.browser)


def _build(notebook: Path, folder: Path, options: argparse.Namespace) -> None:
    """Make the slides, away from the learner's own progress, and show how far they are."""
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home,
        tqdm(unit="step", dynamic_ncols=True, disable=None) as bar,
    ):
        os.environ[HOME_VARIABLE] = home
        bar.total = 0

        def expect(count: int) -> None:
            bar.total += count

        build_slides(notebook, folder, options.fineness, options.quick, expect, lambda: bar.update())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python start.py present", description="A lesson as slides, or its panel.")
    parser.add_argument("lesson", help="the lesson's number, such as 03")
    parser.add_argument("--panel", nargs="?", const="", metavar="NAME", help="the panel alone, with a live kernel")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="write the slides into this folder, show nothing")
    parser.add_argument("--port", type=int, help="where to listen on this machine")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser")
    add_making_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
