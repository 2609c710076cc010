"""Slides in Chromium: nothing runs over a slide, panels move without a kernel; and the panel alone, with one.

`PRESENT_LESSONS="03 04"` names other lessons to look at. A slow test turns the short decks of all lessons.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.course import notebooks
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.store import Store
from helpers.publish.present.build import build_slides
from helpers.publish.present.short import to_run
from tests.browser.conftest import QUICK
from tests.browser.injection import SLIPPED_IN, ran, slip_in
from tests.browser.lab import Sheet, free_port, serve_announced, serve_pages, write_notebook
from tests.browser.test_panel_frame import IN_THE_WAY
from tests.browser.test_picture import pulse_begins

pytestmark = pytest.mark.browser
SIZES = [(1920, 1080), (1280, 720)]
LESSONS = os.environ.get("PRESENT_LESSONS", "02 03").split()
WHOLE = {"02"}
"""The lessons whose long deck is looked at, of the others the short one."""

LEAST = 16
"""Pixels at 1280 of what is to be read beside and above a plot, in the deck with the longest list of what to try."""

SLOWNESS = 6
"""How many times as long scripts take in the slow browser."""

SLOWED = {"05"}
"""The lessons whose deck CI turns in a slow browser, since its plots stand beside networks; the rest is exhaustive."""

PATIENCE = 120_000
"""Milliseconds for a state that a slow machine takes long to reach."""

DRAWN = "e => e.live.strip.nets.map(net => [...net.level])"
PLACE_OF_PANEL = """() => {
  const {h, v} = Reveal.getIndices(document.querySelector('.live-panel').closest('section'));
  return [h, v]; }"""
STATE = """() => {
  const slide = Reveal.getCurrentSlide(), sheet = slide.querySelector('.sheet');
  const figures = [...slide.querySelectorAll('.site-figure')].filter(each => each.clientWidth);
  const rests = each => 'ready' in each.dataset && each.querySelector('.live-figure').dataset.phase === 'rest';
  if (!figures.every(rests)) return null;
  const hidden = '.live-plot, .live-spoken, math, svg, details:not([open]) > :not(summary)';
  const parts = [sheet, ...sheet.querySelectorAll('*')].filter(each => !each.closest(hidden));
  const shown = parts.map(each => each.getBoundingClientRect()).filter(box => box.width && box.height);
  const scale = innerWidth / 1280 * Number(sheet.style.transform.slice('scale('.length, -1));
  const size = each => scale * parseFloat(getComputedStyle(each).fontSize);
  const lowest = kind => Math.min(99, ...[...sheet.querySelectorAll(kind)].map(size));
  return {right: Math.max(...shown.map(box => box.right)), bottom: Math.max(...shown.map(box => box.bottom)),
          foot: slide.querySelector('.foot').getBoundingClientRect().top,
          scale: Number(sheet.style.transform.slice('scale('.length, -1)), code: lowest('.highlight pre'),
          ticks: lowest('.live-panel .xtick text'), read: lowest('.beside, .live-detail, .beside ~ div label'),
          lowest: sheet.querySelector('.beside') ? sheet.getBoundingClientRect().bottom : null,
          cut: [...sheet.querySelectorAll('.beside .formula')].filter(e => e.scrollWidth > e.clientWidth).length,
          scrolls: document.documentElement.scrollHeight > innerHeight}; }"""

OFF = """() => [...Reveal.getCurrentSlide().querySelectorAll('.lesson-ticks span')].map(number => {
  const track = number.closest('.lesson-scale').querySelector('input').getBoundingClientRect();
  const box = number.getBoundingClientRect(), share = parseFloat(number.style.left) / 100;
  return track.width ? (box.left + box.right) / 2 - track.left - 8 - share * (track.width - 16) : 0; })"""
"""How far each number under a slider stands from its place."""


@pytest.fixture(scope="module", params=LESSONS)
def slides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kept: Store) -> Iterator[str]:
    """The address of a lesson's slides, quickly made."""
    folder, whole = tmp_path_factory.mktemp("slides"), request.param in WHOLE
    with serve_pages(quickly_made(request.param, folder, kept, whole)) as url:
        yield url


def quickly_made(lesson: str, folder: Path, kept: Store, whole: bool = False) -> Path:
    notebook, options = notebooks()[lesson], replace(QUICK, whole=whole)
    prepared = prepare({lesson: notebook}, options, kept, only=None if whole else to_run)
    context = prepared.context(lesson, options)
    return build_slides(notebook, folder / lesson, context, prepared.lessons[lesson]).parent


def open_slides(browser: Any, url: str, width: int, height: int, slowness: int = 1) -> Sheet:
    """Slides in a browser whose scripts take `slowness` times as long."""
    sheet = Sheet(browser, url, width, height)
    processor = sheet.page.context.new_cdp_session(sheet.page)
    processor.send("Emulation.setCPUThrottlingRate", {"rate": slowness})
    sheet.page.goto(f"{url}/index.html")
    sheet.page.wait_for_function("() => window.Reveal?.isReady()")
    return sheet


def places(sheet: Sheet) -> list[list[int]]:
    """Where each slide stands: across and down."""
    return list(
        sheet.page.evaluate("() => Reveal.getSlides().map(s => Reveal.getIndices(s)).map(({h, v}) => [h, v || 0])")
    )


def turn_to(sheet: Sheet, place: list[int]) -> None:
    sheet.page.evaluate("([across, down]) => Reveal.slide(across, down, 99)", place)


def turn_all(sheet: Sheet, width: int, height: int) -> list[float]:
    """Turn to every slide and look at it; gives their scales."""
    found = []
    for place in places(sheet):
        turn_to(sheet, place)
        state = sheet.page.wait_for_function(STATE, timeout=PATIENCE).json_value()
        assert state["right"] <= width + 1, place
        assert state["bottom"] <= state["foot"] + 1, place
        assert state["scale"] >= 0.66, f"{place} is too small to read"  # text of 20 pixels at 1280
        assert state["code"] >= 18 * width / 1280, f"{place} has code that is too small to read"
        assert state["ticks"] >= 14 * width / 1280 and state["read"] >= LEAST * width / 1280, (place, state)
        assert state["lowest"] is None or state["lowest"] > 0.8 * state["foot"], (place, "leaves its slide empty")
        assert not state["scrolls"] and not state["cut"]
        assert max(map(abs, sheet.page.evaluate(OFF)), default=0) < 4 * width / 1280, place
        found.append(state["scale"])
    assert not sheet.console
    assert not sheet.outside
    return found


@pytest.mark.parametrize(("width", "height"), [*SIZES, pytest.param(1366, 768, marks=pytest.mark.slow)])
def test_nothing_runs_over_a_slide(browser: Any, slides: str, width: int, height: int) -> None:
    sheet = open_slides(browser, slides, width, height)
    turn_all(sheet, width, height)
    sheet.close()


def turned(browser: Any, url: str, slowness: int = 1) -> list[float]:
    """The scales of all slides of a deck, each looked at."""
    sheet = open_slides(browser, url, 1280, 720, slowness)
    scales = turn_all(sheet, 1280, 720)
    sheet.close()
    return scales


@pytest.mark.slow
@pytest.mark.parametrize("lesson", notebooks())
def test_a_short_deck_has_at_most_eighteen_slides_and_nothing_runs_over(
    browser: Any, lesson: str, tmp_path: Path, kept: Store
) -> None:
    with serve_pages(quickly_made(lesson, tmp_path, kept)) as url:
        assert len(turned(browser, url)) <= 18


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesson", [name if name in SLOWED else pytest.param(name, marks=pytest.mark.exhaustive) for name in notebooks()]
)
def test_every_slide_comes_to_rest_in_a_slow_browser_as_in_a_fast_one(
    browser: Any, lesson: str, tmp_path: Path, kept: Store
) -> None:
    with serve_pages(quickly_made(lesson, tmp_path, kept)) as url:
        assert turned(browser, url, SLOWNESS) == turned(browser, url)


def test_a_fold_with_a_slide_to_itself_is_open(browser: Any, tmp_path: Path) -> None:
    crowd = "for line in range(30):\n    print(line)"
    cells = ("from helpers.lesson import compare", crowd, 'compare("08", 1e-20)')
    notebook = write_notebook(tmp_path / "08_crowded.ipynb", *cells)
    build_slides(notebook, tmp_path / "slides", BuildContext("08", BuildOptions(whole=True)))
    with serve_pages(tmp_path / "slides") as url:
        sheet = open_slides(browser, url, 1280, 720)
        turn_to(sheet, places(sheet)[-1])
        shown = sheet.page.evaluate("() => Reveal.getCurrentSlide().querySelector('.sheet').innerText")
        assert "29" not in shown, "nothing was cut off"
        assert "First step over last" in shown
        sheet.close()


def test_a_panel_moves_by_keyboard_and_a_remote_turns_the_slides(browser: Any, slides: str) -> None:
    sheet = open_slides(browser, slides, 1280, 720)
    page = sheet.page
    where = page.evaluate(PLACE_OF_PANEL)
    turn_to(sheet, where)
    page.wait_for_function(STATE, timeout=30_000)
    slider = page.locator("section.present .live-panel input[type=range]").first
    figure = page.locator("section.present .live-figure").first
    before, text_before = figure.get_attribute("data-state"), figure.inner_text()
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    page.wait_for_function(
        "before => Reveal.getCurrentSlide().querySelector('.live-figure').dataset.state !== before", arg=before
    )
    page.wait_for_function(STATE)
    assert figure.inner_text() != text_before
    here = "() => { const {h, v} = Reveal.getIndices(); return [h, v]; }"
    assert page.evaluate(here) == where, "the arrow keys are the slider's"
    slider.press("PageDown")
    assert page.evaluate(here) != where
    page.keyboard.press("PageUp")
    assert page.evaluate(here) == where
    assert not sheet.console
    sheet.close()


def test_the_speaker_sees_the_notes(browser: Any, slides: str) -> None:
    sheet = open_slides(browser, slides, 1280, 720)
    noted = sheet.page.evaluate(
        """() => { const {h, v} = Reveal.getIndices(document.querySelector('aside.notes').closest('section'));
                   return [h, v || 0]; }"""
    )
    turn_to(sheet, noted)
    note = sheet.page.evaluate("() => document.querySelector('aside.notes p').textContent")
    with sheet.page.expect_popup() as opened:
        sheet.page.keyboard.press("s")
    opened.value.wait_for_function("note => document.body.innerText.includes(note)", arg=note, timeout=30_000)
    sheet.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory, kept: Store) -> Iterator[str]:
    """The address of lesson 03's short deck."""
    with serve_pages(quickly_made("03", tmp_path_factory.mktemp("deck"), kept)) as url:
        yield url


@pytest.mark.slow
def test_a_figure_that_is_taller_for_a_moment_leaves_its_slide_as_large(browser: Any, deck: str) -> None:
    ends = []
    for style in ("", ".live-figure:not([data-phase=rest]) { margin-bottom: 400px; }"):
        sheet = open_slides(browser, deck, 1280, 720)
        sheet.page.evaluate(
            """style => { const sheet = new CSSStyleSheet();
                          sheet.replaceSync(style);
                          document.adoptedStyleSheets = [sheet]; }""",
            style,
        )
        turn_to(sheet, sheet.page.evaluate(PLACE_OF_PANEL))
        ends.append(sheet.page.wait_for_function(STATE, timeout=PATIENCE).json_value())
        sheet.close()
    assert ends[0] == ends[1]


APART = """e => {
  const { canvas, plot } = e.live.strip, box = canvas.getBoundingClientRect();
  return [...plot.querySelectorAll("g.xtick text")].map(tick => {
    const { left, right } = tick.getBoundingClientRect();
    const place = e.live.strip.across(Number(tick.textContent)) * box.width / canvas.clientWidth;
    return box.left + place - (left + right) / 2; }); }"""
PULSE_OVER = "() => { const { strip } = Reveal.getCurrentSlide().querySelector('.live-figure').live; return %s; }"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_picture_stands_over_its_line_on_a_slide(
    browser: Any, deck: str, width: int, height: int, theme: str
) -> None:
    """A slide is magnified: columns stand over their places all the same, the pulse plays, and a state moves both."""
    sheet = Sheet(browser, deck, width, height)
    page = sheet.page
    page.emulate_media(color_scheme=theme)
    page.goto(f"{deck}/index.html")
    page.wait_for_function("() => window.Reveal?.isReady()")
    turn_to(sheet, page.evaluate(PLACE_OF_PANEL))
    page.wait_for_function(STATE, timeout=30_000)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128") is (theme == "dark")
    panel = page.locator("section.present .live-panel")
    figure = panel.locator(".live-figure")
    page.wait_for_function(PULSE_OVER % "strip.seen && !strip.running", timeout=30_000)
    apart = figure.evaluate(APART)
    assert len(apart) >= 4 and max(map(abs, apart)) < 1, apart
    before = figure.evaluate(DRAWN), figure.locator(".live-headline").inner_text()
    panel.locator("[data-preset]").nth(1).click()
    page.wait_for_function(STATE, timeout=30_000)
    assert figure.evaluate(DRAWN) != before[0] and figure.locator(".live-headline").inner_text() != before[1]
    page.wait_for_function(PULSE_OVER % "!strip.running", timeout=30_000)
    with pulse_begins(figure):
        figure.locator(".live-net-play").click()
    page.wait_for_function(PULSE_OVER % "!strip.running", timeout=30_000)
    assert panel.evaluate(IN_THE_WAY) == [] and sheet.console == []
    sheet.close()


FITS = """() => {
  const frame = document.querySelector('iframe'), panel = frame.contentDocument.querySelector('.live-panel');
  const parts = [...panel.querySelectorAll('.live-plot, .main-svg, .live-summary, .widget-box')];
  const width = frame.clientWidth, scale = frame.getBoundingClientRect().width / width;
  return {right: Math.max(...parts.map(e => e.getBoundingClientRect().right)) * scale,
          bottom: Math.max(...parts.map(e => e.getBoundingClientRect().bottom)) * scale,
          plot: panel.querySelector('.main-svg').getBoundingClientRect().width / width}; }"""


@contextlib.contextmanager
def projected(folder: Path, lesson: str) -> Iterator[str]:
    """The address of a lesson's panel alone, with a kernel."""
    port = free_port()
    command = [sys.executable, "-m", "helpers.publish.present", lesson, "--panel", "--no-browser", f"--port={port}"]
    with serve_announced(command, folder) as url:
        yield url


def loaded_panel(browser: Any, url: str, width: int, height: int) -> Sheet:
    """The panel alone on a screen of this size, which it fills; loaded again, it ends the kernel of the time before."""
    sheet = Sheet(browser, url, width, height)
    sheet.page.goto(url)
    sheet.page.wait_for_function(
        "() => document.querySelector('iframe').style.visibility === 'visible'", timeout=PATIENCE
    )
    shown = sheet.page.evaluate(FITS)
    assert 0.9 * width < shown["right"] <= width and 0.6 * height < shown["bottom"] <= height, shown
    assert shown["plot"] > 0.6
    return sheet


def test_the_panel_alone_fills_the_screen_and_asks_the_kernel(browser: Any, tmp_path: Path) -> None:
    with projected(tmp_path, "04") as url:
        for width, height in SIZES:
            sheet = loaded_panel(browser, url, width, height)
            figure = sheet.page.frame_locator("iframe").locator(".live-figure")
            before, drawn = figure.get_attribute("data-state"), figure.evaluate(DRAWN)
            sheet.page.frame_locator("iframe").locator(".noUi-handle").first.press("ArrowRight")
            sheet.page.wait_for_function(
                """before => { const {dataset} = frames[0].document.querySelector('.live-figure');
                               return dataset.state !== before && dataset.phase === 'rest'; }""",
                arg=before,
                timeout=30_000,
            )
            assert figure.evaluate(DRAWN) != drawn, "the picture of the network follows"
            figure.evaluate("e => e.live.strip.play()")
            sheet.page.wait_for_function("() => !frames[0].document.querySelector('.live-figure').live.strip.running")
            assert not sheet.outside
            assert not sheet.console
            sheet.close()


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("lesson", ["04", "07", "11"])
def test_the_panel_alone_is_right_in_twenty_of_twenty_loads(browser: Any, tmp_path: Path, lesson: str) -> None:
    wrong = []
    with projected(tmp_path, lesson) as url:
        for width, height in SIZES * 20:
            try:
                sheet = loaded_panel(browser, url, width, height)
                assert (sheet.console, sheet.outside) == ([], [])
                sheet.close()
            except AssertionError as found:
                wrong.append((width, str(found)))
    assert wrong == []


def test_the_right_arrow_reaches_every_slide(browser: Any, slides: str) -> None:
    sheet = open_slides(browser, slides, 1280, 720)
    every = {tuple(place) for place in places(sheet)}
    here = "() => { const {h, v} = Reveal.getIndices(); return [h, v || 0]; }"
    reached = {tuple(sheet.page.evaluate(here))}
    fragments = sheet.page.evaluate("() => document.querySelectorAll('.fragment').length")
    for _ in range(len(every) + fragments):
        sheet.page.keyboard.press("ArrowRight")
        reached.add(tuple(sheet.page.evaluate(here)))
    assert reached == every and len(every) >= 5
    sheet.close()


def test_the_right_arrow_shows_what_was_measured_before_it_turns_on(browser: Any, tmp_path: Path) -> None:
    cells = ("from helpers.lesson import compare", "print(1)", 'compare("08", 1e-20)')
    notebook = write_notebook(tmp_path / "08_measured.ipynb", *cells)
    build_slides(notebook, tmp_path / "slides", BuildContext("08", BuildOptions(whole=True)))
    with serve_pages(tmp_path / "slides") as url:
        sheet = open_slides(browser, url, 1280, 720)
        fold = sheet.page.locator("section.present .site-reveal")
        assert fold.is_visible() and not fold.evaluate("each => each.open")
        for key, is_open in (("ArrowRight", True), ("ArrowLeft", False), ("PageDown", True)):
            sheet.page.keyboard.press(key)
            assert fold.is_visible() and fold.evaluate("each => each.open") is is_open
        sheet.close()


@pytest.mark.parametrize("script", SLIPPED_IN)
def test_slides_run_no_script_that_was_slipped_in(browser: Any, tmp_path: Path, script: str) -> None:
    notebook = write_notebook(tmp_path / "08_text.ipynb", "1")
    page = build_slides(notebook, tmp_path / "slides", BuildContext("08"))
    slip_in(page, script)
    with serve_pages(page.parent) as url:
        for address in (f"{url}/index.html", page.as_uri()):
            found, refused = ran(browser, address)
            assert found is None
            assert len(refused) == 1
