"""Every panel of every lesson, in JupyterLab and on the site, light and dark, on contact sheets for the eye.

The test asserts what a program can see: nothing clipped, nothing in another's way, no paper of its own, no error on the
console. The sheets, whose folder it prints, are there to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator

from helpers.course import notebooks
from helpers.publish.site.pages import file_name
from tests.browser.lab import BUSY, Sheet, write_notebook
from tests.browser.test_panel_frame import CLIPPED, IN_THE_WAY, NAMES, PAPER, SCROLLED, THEME
from tests.browser.test_site import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.exhaustive]
CAPTION = 22
"""Pixels above each panel for its name."""
TALLEST = 2400
"""Pixels of a contact sheet: larger ones are made small by what shows them."""


@pytest.mark.timeout(1800)
def test_every_panel_at_three_widths_in_both_themes(
    open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path
) -> None:
    cells = ["from helpers import panels", *(f"panels.{name}()" for name in NAMES)]
    notebook = write_notebook(workshop / "gallery.ipynb", *cells).name
    sheet = open_sheet(1366, 768, alone=True)
    sheet.open(notebook)
    sheet.run_all()
    sheet.wait_for_rest(len(NAMES))
    wrong: dict[Any, list[str]] = {}
    for theme in ("Light", "Dark"):
        sheet.page.evaluate(THEME, f"JupyterLab {theme}")
        for width, height in ((1366, 768), (800, 1200), (390, 1800)):  # as high as the panel, so that no bar is over it
            sheet.resize(width, height)
            shots = []
            for place, name in enumerate(NAMES):
                panel = sheet.page.locator(".live-panel").nth(place)
                panel.scroll_into_view_if_needed()
                shots.append(tmp_path / f"{theme}_{width}_{name}.png")
                wrong[theme, width, name] = seen(panel, shots[-1], dark=theme == "Dark")
            contact_sheets(shots, tmp_path / f"sheet_{theme}_{width}", 2000)
    print(f"contact sheets: {tmp_path}/sheet_*.png")
    assert faults(wrong) == {} and [each for each in sheet.console if BUSY not in each] == []


@pytest.mark.timeout(1800)
def test_every_panel_of_the_site_at_three_widths_in_both_themes(browser: Browser, site: Path, tmp_path: Path) -> None:
    wrong: dict[Any, list[str]] = {}
    for theme in ("light", "dark"):
        for width in (800, 390, 360):
            shots = []
            for lesson, path in notebooks().items():
                here = Visit(browser, (site / file_name(path)).as_uri(), width=width, theme=theme)
                for place, panel in enumerate(here.page.locator(".live-panel").all()):
                    here.rest(panel)
                    shots.append(tmp_path / f"site_{theme}_{width}_{lesson}_{place}.png")
                    wrong[theme, width, lesson, place] = seen(panel, shots[-1], dark=theme == "dark")
                wrong[theme, width, lesson, "console"] = here.wrong
                here.page.context.close()
            contact_sheets(shots, tmp_path / f"sheet_site_{theme}_{width}", 2000)
    print(f"contact sheets: {tmp_path}/sheet_*.png")
    assert faults(wrong) == {}


def seen(panel: Locator, target: Path, *, dark: bool) -> list[str]:
    """Take a picture of a panel, and say what a program sees wrong in it."""
    panel.evaluate("panel => (panel.querySelector('.live-net') ?? panel).scrollIntoView({ block: 'center' })")
    panel.page.wait_for_function(  # a first pulse, which begins once the picture is seen
        """panel => { const { strip } = panel.querySelector('.live-figure').live;
                      return !strip || strip.seen && !strip.running; }""",
        arg=panel.element_handle(),
    )
    panel.screenshot(path=target)
    looks = [CLIPPED, SCROLLED, IN_THE_WAY, *([PAPER] if dark else [])]
    return [each for look in looks for each in panel.evaluate(look)]


def faults(found: dict[Any, list[str]]) -> dict[Any, list[str]]:
    return {where: each for where, each in found.items() if each}


def contact_sheets(shots: list[Path], target: Path, width: int) -> None:
    """Pictures in rows under their names, on as many sheets as they need: `target`_1.png and so on."""
    rows: list[list[Image.Image]] = [[]]
    for path in shots:
        image = _named(Image.open(path).convert("RGB"), path.stem)
        if rows[-1] and sum(each.width for each in rows[-1]) + image.width > width:
            rows.append([])
        rows[-1].append(image)
    pages: list[list[list[Image.Image]]] = [[]]
    for row in rows:
        if pages[-1] and sum(map(_height, pages[-1])) + _height(row) > TALLEST:
            pages.append([])
        pages[-1].append(row)
    for number, page in enumerate(pages, 1):
        sheet = Image.new("RGB", (max(width, *(image.width for row in page for image in row)), sum(map(_height, page))))
        top = 0
        for row in page:
            left = 0
            for image in row:
                sheet.paste(image, (left, top))
                left += image.width
            top += _height(row)
        sheet.save(f"{target}_{number}.png")


def _height(row: list[Image.Image]) -> int:
    return max(image.height for image in row)


def _named(image: Image.Image, name: str) -> Image.Image:
    framed = Image.new("RGB", (image.width + 8, image.height + CAPTION), "#808080")
    framed.paste(image, (4, CAPTION))
    ImageDraw.Draw(framed).text((6, 5), name, fill="white")
    return framed
