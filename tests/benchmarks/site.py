"""The pages of `start.py site`: what a first visit loads, and how soon there is a picture and its slider can be moved.

The times run from the navigation until the browser has painted the first panel, and until it has painted the first move
of that panel's first slider, which a hand makes as soon as the slider is there. Every visit is a browser's first one:
nothing is kept from the others.
"""

from __future__ import annotations

import os
import re
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
    if (state) globalThis.firstPicture ??= performance.now();
    const number = [...panel?.querySelectorAll('.site-control') ?? []].indexOf(slider?.closest('.site-control'));
    if (!state || JSON.parse(state)[number] !== Number(slider.value)) return requestAnimationFrame(look);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { globalThis.firstMovePainted = performance.now(); };
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  requestAnimationFrame(look);
}"""


def visit(browser: Any, address: str) -> tuple[float, float]:
    """Seconds from the navigation to the first picture, and to the painted first move."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(f"({FIRST_MOVE})()")
    page.goto(address)
    page.wait_for_function("() => globalThis.firstMovePainted")
    picture, move = page.evaluate("() => [firstPicture, firstMovePainted]")
    context.close()
    return picture / 1000, move / 1000


def loaded_bytes(folder: Path, page: str) -> int:
    """Bytes of a page and of all scripts and style sheets that it loads."""
    named = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^":#]+)"', (folder / page).read_text(encoding="utf-8"))
    return sum((folder / name).stat().st_size for name in {page, *named})


def rows(browser: Any, folder: Path) -> Iterator[tuple[str, int, float, float, float]]:
    """Of each lesson: bytes, the medians in seconds of the first picture, and of the first move from a file too."""
    with serve_pages(folder) as url:
        for lesson, notebook in notebooks().items():
            page = file_name(notebook)
            addresses = (folder / page).as_uri(), f"{url}/{page}"
            times = [[second for address in addresses for second in visit(browser, address)] for _ in range(ROUNDS)]
            _, file, picture, server = (statistics.median(each) for each in zip(*times, strict=True))
            yield lesson, loaded_bytes(folder, page), picture, server, file


def main(folder: Path = PAGES) -> None:
    """Print the table; needs Chromium, and pages."""
    chromium = find_chromium()
    if chromium is None:
        return print("site: no Chromium found; install it (Debian: apt-get install chromium) to measure the pages")
    if not (folder / "tables").is_dir():
        return print("site: there are no pages to measure; make them with `python start.py site`")
    from playwright.sync_api import sync_playwright

    print(f"\npages without a kernel, medians of {ROUNDS} visits, from a server on this machine and from a file")
    print(f"  {'':10s}{'loads':>12s}{'first picture':>17s}{'first move':>14s}{'from a file':>15s}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        found = []
        for lesson, size, picture, server, file in rows(browser, folder):
            times = f"{picture:15.2f} s{server:12.2f} s{file:13.2f} s"
            print(f"  lesson {lesson} {size / 1e6:9.2f} MB{times}", flush=True)
            found.append((size, picture))
        browser.close()
    largest, latest = (max(column) for column in zip(*found, strict=True))
    print(f"  the largest {largest / 1e6:.2f} MB (goal ≤ 2.5), the latest picture {latest:.2f} s (goal ≤ 2)")
    if hasattr(os, "getloadavg"):
        print(f"  other programs took part: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
