"""`python -m tests.browser.lite SITE`: every lesson of a built JupyterLite site in Chromium, without a network.

All cells are run, each slider of each panel is moved by keyboard, the quiz is answered; a row says what happened.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Response, Route, sync_playwright

from helpers.course import notebooks
from tests.browser.lab import CHROMIUM_ARGUMENTS, SETTINGS, Sheet, find_chromium

ENDED = "This cell ends here: "
KEY_TO_PAINT = """async ([handle, figure, key]) => {
    const before = figure.dataset.state, began = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {key, code: key, bubbles: true}));
    while (figure.dataset.state === before && performance.now() - began < 30000)
        await new Promise(requestAnimationFrame);
    return performance.now() - began; }"""
LEVELS = "e => e.live.strip?.nets.map(net => [...net.level].map(String)) ?? null"
PLAYED = """async ({live: {strip}}) => {
    strip.play();
    if (!strip.running) return false;
    for (let frame = 0; strip.running && frame < 600; frame++) await new Promise(requestAnimationFrame);
    return !strip.running; }"""


@dataclass
class Visit:
    """What a lesson did: seconds until its kernel was there and until all had run, cells and
    those that ended for want of PyTorch, sliders and those that moved no figure, milliseconds from a key to the
    figure, pictures of networks and those that no slider moved, questions graded, and what went wrong."""

    start: float
    run: float
    cells: int
    ended: list[str]
    sliders: int
    unmoved: int
    delays: list[float]
    pictures: int
    still: int
    graded: int
    wrong: list[str]


class LiteSheet(Sheet):
    """A page of JupyterLite: as JupyterLab, with a kernel that takes its time to load."""

    def __init__(self, browser: Browser, url: str, width: int = 1280, height: int = 1000) -> None:
        super().__init__(browser, url, width, height)
        self.page.set_default_timeout(120_000)
        self.missing: list[str] = []
        self.page.context.on("response", self._note_response)
        self.page.context.route("**/jupyter-lite.json", _expose)
        self.page.context.route(lambda address: "127.0.0.1" not in address, lambda route: route.abort())

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.missing.append(response.url)

    def open(self, notebook: str) -> None:
        self.page.goto(f"{self.url}/lab/index.html?path={notebook}&reset")
        self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for()
        self.page.wait_for_function(
            """() => { const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
                       return kernel?.status === 'idle'; }"""
        )


def _expose(route: Route) -> None:
    """Let this program speak with JupyterLab, and have cells out of sight rendered too; no reader needs either."""
    answer = route.fetch()
    try:
        content = answer.json()
    except ValueError:
        return route.fulfill(response=answer)
    overrides = {f"@jupyterlab/{name}": setting for name, setting in SETTINGS.items()}
    content.setdefault("jupyter-config-data", {}).update(exposeAppInBrowser=True, settingsOverrides=overrides)
    return route.fulfill(response=answer, body=json.dumps(content))


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder on a free port of this machine, and on no other."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


def visit(browser: Browser, url: str, notebook: str, picture: Path | None = None) -> Visit:
    """Open a lesson, run it whole, move what can be moved, answer a question."""
    sheet = LiteSheet(browser, url)
    try:
        began = time.monotonic()
        sheet.open(notebook)
        there = time.monotonic()
        wrong = []
        try:
            sheet.run_all(timeout=600_000)
        except RuntimeError as error:
            wrong.append(str(error))
        done = time.monotonic()
        sliders, delays, moving = _move_all(sheet)
        cells = sheet.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code')
                     .map(c => c.model.outputs.toJSON().map(o => [o.data?.['text/plain']].flat().join('')).join(''))"""
        )
        ended = [text for text in cells if ENDED in text]
        graded = _grade(sheet)
        if picture:
            sheet.page.screenshot(path=picture)
        wrong += [line for line in sheet.console if "404" not in line]
        wrong += [f"asked for {address}" for address in sheet.outside]
        wrong += [f"lacks {address}" for address in sheet.missing]
        moved = [delay for delay in delays if delay < 30_000]
        return Visit(
            *(there - began, done - there, len(cells), ended, sliders, sliders - len(moved), moved),
            *(len(moving), moving.count(False), graded, wrong),
        )
    finally:
        sheet.close()


def _move_all(sheet: Sheet) -> tuple[int, list[float], list[bool]]:
    """Move every slider of every panel by one step: how many there are, milliseconds until each was drawn, and for each
    picture of a network whether it became another one, and whether its pulse played to the end."""
    panels = sheet.page.locator(".live-panel")
    sheet.wait_for_rest(panels.count(), timeout=180_000)
    count, delays, moving = 0, [], []
    for number in range(panels.count()):
        panel = panels.nth(number)
        before = panel.locator(".live-figure").evaluate(LEVELS)
        for place in range(panel.locator(".noUi-handle").count()):
            handle = panel.locator(".noUi-handle").nth(place)
            at_its_lowest = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
            key = "ArrowRight" if at_its_lowest else "ArrowLeft"
            figure = panel.locator(".live-figure")
            delays.append(sheet.page.evaluate(KEY_TO_PAINT, [handle.element_handle(), figure.element_handle(), key]))
            count += 1
        if before is not None:
            sheet.wait_for_rest(panels.count(), timeout=180_000)
            after = panel.locator(".live-figure").evaluate(LEVELS)
            moving.append(after != before and panel.locator(".live-figure").evaluate(PLAYED))
    return count, delays, moving


def _grade(sheet: Sheet) -> int:
    """Choose the first answer of the quiz's last choice, and have it graded; how many verdicts are seen then."""
    item = sheet.page.locator(".lesson-item:visible", has=sheet.page.locator("input[type=radio]:visible")).last
    if not item.count():
        return 0
    item.locator("input[type=radio]").first.check()
    item.get_by_role("button", name="Check").click()
    item.locator(".lesson-verdict").wait_for()
    return sheet.page.locator(".lesson-verdict").count()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.lite", description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--lesson", action="append", default=[], metavar="NN")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="keep a picture of each lesson")
    chosen = parser.parse_args(arguments)
    failed = False
    with serving(chosen.site) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        print(
            "lesson  kernel    run  cells  ended  sliders  unmoved  key to figure  pictures  still  graded  wrong",
            flush=True,
        )
        for lesson, path in notebooks().items():
            if chosen.lesson and lesson not in chosen.lesson:
                continue
            picture = chosen.pictures / f"{lesson}.png" if chosen.pictures else None
            try:
                seen = visit(browser, url, path.name, picture)
            except Error as error:
                print(f"{lesson:6}  {error.message.splitlines()[0]}", flush=True)
                failed = True
                continue
            delay = f"{statistics.median(seen.delays):.0f} ms" if seen.delays else "-"
            print(
                f"{lesson:6}{seen.start:6.0f} s{seen.run:6.0f} s{seen.cells:7}{len(seen.ended):7}"
                f"{seen.sliders:9}{seen.unmoved:9}{delay:>15}{seen.pictures:10}{seen.still:7}{seen.graded:8}  "
                f"{'; '.join(seen.wrong) or 'nothing'}",
                flush=True,
            )
            failed |= bool(seen.wrong or seen.unmoved or seen.still)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
