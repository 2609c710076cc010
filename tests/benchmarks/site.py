"""The pages of `start.py site`: how much a lesson weighs, and how soon its first slider can be moved.

The time runs from the navigation until the browser has painted the first move of the first panel's first slider, which
a hand makes as soon as the slider is there. Every visit is a browser's first one: nothing is kept from the others.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.course import notebooks
from helpers.publish.site.pages import file_name
from tests.browser.lab import CHROMIUM_ARGUMENTS, ROOT, find_chromium, serve_pages

PAGES = ROOT / "site"
ROUNDS = 5

# Moves the slider by a place when it is there, and notes when the picture of that move has been painted.
FIRST_MOVE = """() => {
  let moved = null;
  const look = () => {
    const slider = document.querySelector('.live-panel input[type=range]');
    if (slider && !moved) {
      slider.scrollIntoView({ block: 'center' }); // where the hand is
      moved = slider.value;
      slider.value = Number(moved) < Number(slider.max) ? Number(moved) + 1 : Number(moved) - 1;
      slider.dispatchEvent(new Event('input'));
    }
    const panel = slider?.closest('.live-panel'), state = panel?.querySelector('.live-figure').dataset.state;
    const number = [...panel?.querySelectorAll('.site-control') ?? []].indexOf(slider?.closest('.site-control'));
    if (!state || JSON.parse(state)[number] !== Number(slider.value)) return requestAnimationFrame(look);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { globalThis.firstMovePainted = performance.now(); };
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  requestAnimationFrame(look);
}"""


def first_move(browser: Any, address: str) -> float:
    """Seconds from the navigation to the painted first move."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(f"({FIRST_MOVE})()")
    page.goto(address)
    page.wait_for_function("() => globalThis.firstMovePainted")
    seconds = float(page.evaluate("() => firstMovePainted")) / 1000
    context.close()
    return seconds


def lesson_bytes(folder: Path, lesson: str, page: str) -> int:
    """Bytes of a lesson's page and of its tables, without the files that all lessons share."""
    return sum((folder / name).stat().st_size for name in (page, f"tables/{lesson}.js"))


def rows(browser: Any, folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """Of each lesson: bytes, and the medians in seconds from a file and from a server on this machine."""
    with serve_pages(folder) as url:
        for lesson, notebook in notebooks().items():
            page = file_name(notebook)
            addresses = (folder / page).as_uri(), f"{url}/{page}"
            times = [[first_move(browser, address) for address in addresses] for _ in range(ROUNDS)]
            file, server = (statistics.median(each) for each in zip(*times, strict=True))
            yield lesson, lesson_bytes(folder, lesson, page), file, server


def main(folder: Path = PAGES) -> None:
    """Print the table; needs Chromium, and pages."""
    chromium = find_chromium()
    if chromium is None:
        return print("site: no Chromium found; install it (Debian: apt-get install chromium) to measure the pages")
    if not (folder / "tables").is_dir():
        return print("site: there are no pages to measure; make them with `python start.py site`")
    from playwright.sync_api import sync_playwright

    shared = sum(path.stat().st_size for path in (folder / "assets").iterdir())
    print(f"\npages without a kernel, medians of {ROUNDS} visits; what they share, once: {shared / 1e6:.2f} MB")
    print(f"  {'':10s}{'page and tables':>17s}{'first move, file':>19s}{'from a server':>16s}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        found = []
        for lesson, size, file, server in rows(browser, folder):
            print(f"  lesson {lesson} {size / 1e6:14.2f} MB{file:17.2f} s{server:14.2f} s", flush=True)
            found.append((size, max(file, server)))
        browser.close()
    largest, latest = (max(column) for column in zip(*found, strict=True))
    print(f"  the largest {largest / 1e6:.2f} MB (goal < 3), the latest {latest:.2f} s (goal ≤ 2)")
    if hasattr(os, "getloadavg"):
        print(f"  other programs took part: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
