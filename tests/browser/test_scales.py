"""Sliders of predictions: the numbers under them are whole, apart, and at their places, on a laptop and on a phone."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator

from helpers.course import notebooks
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.site.build import build_site
from helpers.publish.site.pages import file_name
from helpers.quiz import load_predictions
from tests.browser.lab import Sheet, write_notebook
from tests.browser.test_site import visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCALES = {name: each.lesson for name, each in load_predictions().items() if each.type == "scale"}
WIDTHS = (1366, 800, 390)
MANY = "11"  # the lesson with the most numbers under its slider

FAULTS = """() => {
  const found = [];
  for (const scale of document.querySelectorAll(".lesson-scale")) {
    const track = (scale.querySelector(".noUi-base") ?? scale.querySelector("input")).getBoundingClientRect();
    const inset = scale.querySelector("input") ? 8 : 0; // half of a thumb
    let before = -Infinity;
    for (const label of scale.querySelectorAll(".lesson-ticks span")) {
      const { left, right } = label.getBoundingClientRect(), share = parseFloat(label.style.left) / 100;
      const place = track.left + inset + share * (track.width - 2 * inset);
      const off = (left + right) / 2 - place;
      if (Math.abs(off) > 4) found.push(`${label.textContent} stands ${off} off`);
      if (right - left < 1) continue; // left out on a phone
      if (left < before + 3) found.push(`${label.textContent} touches the number before`);
      before = right;
      for (let around = label.parentElement; around; around = around.parentElement) {
        const { overflowX } = getComputedStyle(around), box = around.getBoundingClientRect();
        if (overflowX !== "visible" && (left < box.left || right > box.right))
          found.push(`${label.textContent} is cut off by ${around.className}`);
      }
    }
    if (scale.scrollWidth > scale.clientWidth + 1) found.push(`${scale.scrollWidth} wide in ${scale.clientWidth}`);
  }
  return found;
}"""


def contrast(slider: Locator) -> float:
    """The highest contrast to its ground, as WCAG defines it, of what is drawn 6 pixels above a slider's middle."""
    image = Image.open(io.BytesIO(slider.screenshot())).convert("RGB")
    row = image.height // 2 - 6
    lights = [luminance(image.getpixel((x, row))) for x in range(image.width)]
    ground = luminance(image.getpixel((0, 0)))
    return max((max(each, ground) + 0.05) / (min(each, ground) + 0.05) for each in lights)


def luminance(pixel: Any) -> float:
    """The relative luminance of a pixel (WCAG 2.2)."""
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in (c / 255 for c in pixel)]
    return float(sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))


THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def test_a_handle_is_seen_before_it_is_moved_and_after_it_is_kept(
    open_sheet: Callable[..., Sheet], workshop: Path
) -> None:
    name = next(iter(SCALES))
    cells = ["from helpers.notebook import predict", f"one = predict({name!r})\none", f"two = predict({name!r})\ntwo"]
    notebook = write_notebook(workshop / "handles.ipynb", *cells, "two.input.put(1e-3)\ntwo.input.lock(True)").name
    sheet = open_sheet(1366, 768, alone=True)
    sheet.open(notebook)
    sheet.run_all()
    sheet.page.wait_for_function("() => document.querySelectorAll('.noUi-handle').length === 2")
    for theme, is_light in (("JupyterLab Light", "true"), ("JupyterLab Dark", "false")):
        sheet.page.evaluate(THEME, theme)
        sheet.page.wait_for_function("is => document.body.dataset.jpThemeLight === is", arg=is_light)
        for handle in sheet.page.locator(".noUi-handle").all():
            end = time.monotonic() + 20
            while contrast(handle) < 3:  # while a theme is changed, JupyterLab lays a veil over the page
                assert time.monotonic() < end, (theme, contrast(handle))


def test_numbers_under_a_slider_are_whole_in_jupyterlab(open_sheet: Callable[..., Sheet], workshop: Path) -> None:
    cells = [f"predict({name!r})" for name in SCALES]
    notebook = write_notebook(workshop / "scales.ipynb", "from helpers.notebook import predict", *cells).name
    sheet = open_sheet(1366, 768)
    sheet.open(notebook)
    sheet.run_all()
    sheet.page.wait_for_function("n => document.querySelectorAll('.noUi-base').length === n", arg=len(SCALES))
    for width in WIDTHS:
        sheet.resize(width, 768)
        assert sheet.page.evaluate(FAULTS) == [], width
    assert sheet.console == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("site"), (MANY,), BuildOptions(Fineness(0.0), quick=True)).parent


@pytest.fixture
def visit(browser: Any, site: Path) -> Iterator[Any]:
    yield from visiting(browser, site)


def test_numbers_under_a_slider_are_whole_on_the_site(visit: Any) -> None:
    for width in WIDTHS:
        here = visit(file_name(notebooks()[MANY]), width=width)
        assert here.page.locator(".lesson-scale").count() == list(SCALES.values()).count(MANY)
        assert here.page.evaluate(FAULTS) == [], width


def test_a_handle_is_seen_before_it_is_moved_on_the_site(visit: Any) -> None:
    page = visit(file_name(notebooks()[MANY])).page
    slider = page.locator(".lesson-scale input").first
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        assert contrast(slider) >= 3, theme
    slider.press("ArrowRight")
    slider.blur()
    assert "site-untouched" not in str(slider.get_attribute("class")) and contrast(slider) >= 3
