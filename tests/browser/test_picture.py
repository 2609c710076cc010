"""The network picture in the browser: it shows the engine's numbers, moves with the line, plays, is read, and stops."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Locator, Page, sync_playwright

from helpers import panels, picture
from helpers.course import notebooks
from helpers.live.browser import script as live_script
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.site.build import build_site
from helpers.publish.site.pages import file_name
from tests.browser.lab import CHROMIUM_ARGUMENTS, Sheet, find_chromium, write_notebook
from tests.unpacking import unpack
from tools import animate_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenSheet = Callable[..., Sheet]
SKIP = "Skip to the end"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
STRIP = "document.querySelector('.live-figure').live.strip"
SHOWN = f"""() => {STRIP}.nets.map(net => ({{
  columns: net.columns, last: net.last, bytes: [...net.bytes], shut: [...net.shut], links: net.links && [...net.links],
  level: [...net.level].map(v => v === -Infinity ? null : v) }}))"""
AT_REST = """key => { const { state, phase } = document.querySelector('.live-figure').dataset;
                       return state === key && phase === 'rest'; }"""
INK = f"""() => {{ const {{canvas, ctx}} = {STRIP};
  const {{data}} = ctx.getImageData(0, 0, canvas.width, canvas.height); let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
  return sum; }}"""


@contextlib.contextmanager
def pulse_begins(figure: Locator) -> Iterator[None]:
    """In the block a pulse begins in a figure; on a busy machine it may be over when the block is."""
    figure.evaluate(
        """(figure, skip) => {
             const button = figure.querySelector(".live-net-play");
             const seen = new MutationObserver(() => {
               if (button.getAttribute('aria-label') === skip) figure.dataset.began = '';
             });
             delete figure.dataset.began;
             seen.observe(button, { attributeFilter: ["aria-label"] }); }""",
        SKIP,
    )
    yield
    figure.page.wait_for_function("figure => 'began' in figure.dataset", arg=figure.element_handle())


def with_panel(opened: Sheet, workshop: Path) -> Sheet:
    write_notebook(workshop / "picture.ipynb", "from helpers import panels\npanel = panels.deep_sigmoid_nets()\npanel")
    opened.open("picture.ipynb")
    opened.run_all()
    opened.wait_for_rest()
    return opened


@pytest.fixture
def sheet(open_sheet: OpenSheet, workshop: Path) -> Sheet:
    return with_panel(open_sheet(1366, 768), workshop)


@pytest.fixture
def own_sheet(open_sheet: OpenSheet, workshop: Path) -> Sheet:
    """In a page of its own: for tests that load it anew, or change its theme or medium."""
    return with_panel(open_sheet(1366, 768, alone=True), workshop)


def shows(page: Page, drawn: picture.NetworkPicture) -> None:
    """The browser holds what Python packed, down to the bit."""
    expected = unpack(drawn.packed())
    (found,) = page.evaluate(SHOWN)
    levels = np.array([-np.inf if level is None else level for level in found["level"]])
    np.testing.assert_allclose(levels, expected.level, atol=1e-4)
    np.testing.assert_allclose(np.array(found["shut"]) / 255, expected.shut, atol=1e-6)
    units = np.array(found["bytes"]).reshape(expected.deviation.shape)
    assert ((units >> 4 == 0) == expected.closed).all()
    silent = units & 15 == 0
    assert (silent == (expected.deviation == -np.inf)).all()
    np.testing.assert_allclose(((units & 15) - 11)[~silent] * 0.2, expected.deviation[~silent], atol=1e-6)
    if expected.links is not None:
        assert found["links"] == expected.links.ravel().tolist()


def test_the_picture_shows_the_engine_s_numbers_for_random_states(sheet: Sheet) -> None:
    twin, random = panels.deep_sigmoid_nets(), np.random.default_rng(4)
    for _ in range(6):
        values = {
            "depth": int(random.integers(1, 101)),
            "width": int(random.choice([8, 16, 64])),
            "gain": float(random.choice([0.5, 1.0, 4.0, 12.0])),
            "scheme": str(random.choice(["pytorch_default", "xavier_normal", "orthogonal"])),
        }
        sheet.page.evaluate(
            """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
                       .requestExecute({ code }).done""",
            f"panel.set(**{values!r})",
        )
        twin.set(**values)
        key = str(twin.live.key()).replace(" ", "")
        sheet.page.wait_for_function(AT_REST, arg=key)
        shows(sheet.page, twin.data["net"])
    assert sheet.console == []


def test_columns_stand_over_their_places_on_the_line_s_axis(sheet: Sheet) -> None:
    apart = sheet.page.evaluate(
        f"""() => {{ const strip = {STRIP}, axis = strip.plot._fullLayout.xaxis;
                     const line = strip.plot.getBoundingClientRect().left + axis._offset;
                     const left = strip.canvas.getBoundingClientRect().left;
                     return [1, 17, 60].map(l => left + strip.across(l) - line - axis.c2p(l)); }}"""
    )
    assert np.abs(apart).max() < 0.01


def test_a_pulse_runs_once_by_itself_and_can_be_skipped(sheet: Sheet) -> None:
    page = sheet.page
    page.wait_for_function(f"() => {STRIP}.seen && !{STRIP}.running")
    rest = page.evaluate(INK)
    figure = page.locator(".live-figure")
    with pulse_begins(figure):
        page.locator(".live-net-play").click()
    page.locator(".live-net canvas").focus()
    page.keyboard.press("Escape")
    assert not page.evaluate(f"() => {STRIP}.running") and page.evaluate(INK) == rest
    page.evaluate(f"() => {STRIP}.paint(0.3)")
    assert page.evaluate(INK) != rest
    with pulse_begins(figure):
        page.keyboard.press("Enter")
    page.wait_for_function(f"() => !{STRIP}.running", timeout=10_000)
    assert page.evaluate(INK) == rest and sheet.console == []


def test_arrow_keys_read_it_aloud_and_its_text_changes_with_it(sheet: Sheet) -> None:
    page, canvas = sheet.page, sheet.page.locator(".live-net canvas")
    assert "vanishes" in str(canvas.get_attribute("aria-label"))
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".live-net .live-spoken").inner_text().startswith("layer 59: ")
    assert page.locator(".live-net-cursor").is_visible()
    page.keyboard.press("Home")
    assert page.locator(".live-net .live-spoken").inner_text().startswith("layer 1: ")
    page.get_by_role("button", name="it stops vanishing").click()
    page.wait_for_function("() => document.querySelector('.live-net canvas').ariaLabel.includes('about as strong')")
    page.wait_for_function(f"() => !{STRIP}.running")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = page.evaluate("() => axe.run('.live-net').then(found => found.violations.map(v => v.id))")
    assert violations == []


def test_without_motion_nothing_starts_and_three_stills_follow_the_button(
    open_sheet: OpenSheet, workshop: Path
) -> None:
    write_notebook(workshop / "still.ipynb", "from helpers import panels\npanels.start_here()")
    sheet = open_sheet(1366, 768, alone=True)
    sheet.page.emulate_media(reduced_motion="reduce")
    sheet.open("still.ipynb")
    sheet.run_all()
    sheet.wait_for_rest()
    assert not sheet.page.evaluate(f"() => {STRIP}.running")
    rest = sheet.page.evaluate(INK)
    sheet.page.evaluate(
        f"""() => {{ const strip = {STRIP}, paint = strip.paint.bind(strip); globalThis.inks = [];
                     strip.paint = (time) => {{ paint(time); inks.push(({INK})()); }}; }}"""
    )
    sheet.page.locator(".live-net-play").click()
    sheet.page.wait_for_function(f"() => !{STRIP}.running")
    first, *stills, last = sheet.page.evaluate("() => inks")  # pressing brings a pulse to rest before it begins
    assert len(set(stills)) == len(stills) == 2 and rest not in stills and first == last == rest


def test_drawing_leaves_the_layout_of_the_page_to_the_browser(sheet: Sheet) -> None:
    """After a change of the page a drawing that asks for its layout costs one more than the frame's own."""
    page = sheet.page
    page.wait_for_function(f"() => {STRIP}.seen && !{STRIP}.running")
    counts = page.context.new_cdp_session(page)
    counts.send("Performance.enable")

    def layouts(draw: str) -> int:
        def count() -> int:
            metrics = counts.send("Performance.getMetrics")["metrics"]
            return int(next(each["value"] for each in metrics if each["name"] == "LayoutCount"))

        before = count()
        page.evaluate(
            f"""async () => {{ const {{headline}} = {STRIP.removesuffix(".strip")};
                 const text = headline.textContent;
                 for (let i = 0; i < 20; i++) {{
                   headline.textContent = text + i;
                   {draw};
                   headline.textContent = text;
                 }}
                 await new Promise(requestAnimationFrame); }}"""
        )
        return count() - before

    assert layouts(f"{STRIP}.paint()") < 10 <= 20 <= layouts("headline.getBoundingClientRect()")


def test_paper_is_light_and_a_theme_or_a_new_size_leaves_a_pulse_whole(own_sheet: Sheet) -> None:
    sheet = own_sheet
    page = sheet.page
    page.wait_for_function(f"() => {STRIP}.seen && !{STRIP}.running")
    corner: Any = f"() => [...{STRIP}.ctx.getImageData(2, 2, 1, 1).data].slice(0, 3)"
    dark = page.evaluate(corner)
    page.locator(".live-net-play").click()
    page.set_viewport_size({"width": 800, "height": 768})
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function(f"() => !{STRIP}.running")
    assert page.evaluate(corner) == dark
    page.wait_for_function(
        f"() => {STRIP}.canvas.width === Math.round({STRIP}.host.clientWidth * Math.min(2, devicePixelRatio))"
    )
    page.emulate_media(media="print")
    page.wait_for_function(f"() => {STRIP}.look === 'paper'")
    assert page.evaluate(corner) == [255, 255, 255]
    page.emulate_media(media="screen")
    page.wait_for_function(f"() => {STRIP}.look === 'night'")
    assert page.evaluate(corner) == dark and sheet.console == []


def test_a_pulse_is_left_whole_by_a_restarted_kernel_and_by_a_reload(own_sheet: Sheet) -> None:
    """In the middle of a pulse: the picture comes to rest on the state that it shows, and lives again afterwards."""
    sheet = own_sheet
    page, twin = sheet.page, panels.deep_sigmoid_nets()
    page.wait_for_function(f"() => {STRIP}.seen && !{STRIP}.running")
    preset = next(name for name in twin.presets if "it stops vanishing" in name)
    twin.set(**twin.presets[preset])
    key = str(twin.live.key()).replace(" ", "")

    def set_off() -> None:
        page.get_by_role("button", name=preset).click()
        page.wait_for_function(AT_REST, arg=key)
        page.wait_for_function(f"() => !{STRIP}.running", timeout=10_000)
        with pulse_begins(page.locator(".live-figure")):
            page.locator(".live-net-play").click()

    set_off()
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
    page.wait_for_function(f"() => !document.querySelector('.live-figure') || !{STRIP}.running", timeout=10_000)
    sheet.wait_for_kernel()
    sheet.run_all()
    sheet.wait_for_rest()
    set_off()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate(f"() => {STRIP}.play()")
    page.reload()
    page.locator(".live-figure").first.wait_for(timeout=60_000)
    sheet.wait_for_kernel()
    sheet.wait_for_rest()
    page.wait_for_function(AT_REST, arg=key)
    page.wait_for_function(f"() => {STRIP}.seen && !{STRIP}.running", timeout=10_000)
    shows(page, twin.data["net"])
    before = page.evaluate(INK)
    page.evaluate(f"() => {STRIP}.skip()")
    assert page.evaluate(INK) == before and sheet.console == []


def test_the_site_shows_the_engine_s_numbers_for_baked_states(browser: Any, site: Path) -> None:
    page = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((site / file_name(notebooks()["03"])).as_uri())
    panel = page.locator(".live-panel").first
    panel.scroll_into_view_if_needed()
    page.wait_for_function("() => 'ready' in document.querySelector('.site-figure').dataset")
    twin = panels.deep_sigmoid_nets()
    for number, values in enumerate(twin.presets.values()):
        panel.locator("[data-preset]").nth(number).click()
        twin.set(**values)
        key = str(twin.live.key()).replace(" ", "")
        page.wait_for_function(AT_REST, arg=key)
        shows(page, twin.data["net"])
    assert wrong == []
    page.context.close()


def test_the_units_are_on_paper_too(browser: Any, site: Path) -> None:
    """As the browser prints it: a canvas that is painted pixel by pixel for print would come out without its pixels."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True).new_page()
    page.goto((site / file_name(notebooks()["03"])).as_uri())
    page.locator(".live-panel").first.scroll_into_view_if_needed()
    page.wait_for_function(f"() => document.querySelector('.live-figure')?.live?.strip.seen && !{STRIP}.running")
    images = re.findall(rb"/Subtype /Image\s.*?stream\r?\n(.*?)\r?\nendstream", page.pdf(), re.DOTALL)
    assert images and len(set(zlib.decompress(images[0]))) > 50, "the picture has no units"
    page.context.close()


def test_each_scene_of_the_moving_picture_is_drawn(browser: Any) -> None:
    page = animate_picture.opened(browser)
    drawn = [animate_picture.frame(page, *scene, 1.0) for scene in animate_picture.scenes()]
    assert len({image.tobytes() for image in drawn}) == 4
    for image in drawn:
        assert max(high for _, high in image.crop((0, 50, *image.size)).getextrema()) > 200, "no unit is bright"
    page.context.close()


RANDOM_MOVES = """async count => {
  const root = document.querySelector('.site-figure'), {live} = root.querySelector('.live-figure');
  const inputs = [...root.querySelectorAll('.site-control input, .site-control select')];
  let seed = window.seed ?? 15;
  const below = n => { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return (seed >>> 0) % n; };
  const seen = new Set();
  for (let move = 0; move < count; move++) {
    const input = inputs[below(inputs.length)];
    if (input.tagName === 'SELECT') input.selectedIndex = below(input.options.length);
    else input.value = below(Number(input.max) + 1);
    input.dispatchEvent(new Event('input'));
    if (move % 97 === 0) live.strip.play();
    if (move % 151 === 0) root.querySelectorAll('[data-preset]')[below(4)].click();
    if (move % 2) await new Promise(requestAnimationFrame);
    seen.add(live.el.dataset.state);
  }
  window.seed = seed;
  await new Promise(done => setTimeout(done, 3000));
  globalThis.gc();
  const shown = JSON.stringify(live.strip.nets.map(net => [...net.bytes]));
  live.strip.show(live.cache.get(JSON.stringify(live.key())).notes.net);
  return { heap: performance.memory.usedJSHeapSize, states: seen.size, phase: live.el.dataset.phase,
           fresh: shown === JSON.stringify(live.strip.nets.map(net => [...net.bytes])) };
}"""


@pytest.mark.exhaustive
def test_ten_thousand_random_moves_leave_no_error_no_stale_picture_and_no_memory(tmp_path: Path) -> None:
    site = build_site(tmp_path / "site", ("03",), BuildOptions(Fineness(0.15), quick=True)).parent
    wrong: list[str] = []
    with sync_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, "--js-flags=--expose-gc", "--enable-precise-memory-info"]
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        page = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True).new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto((site / file_name(notebooks()["03"])).as_uri())
        page.locator(".live-panel").first.scroll_into_view_if_needed()
        page.wait_for_function("() => 'ready' in document.querySelector('.site-figure').dataset")
        found = [page.evaluate(RANDOM_MOVES, 2000) for _ in range(5)]
        browser.close()
    print(found)
    assert wrong == []
    assert all(each["fresh"] and each["phase"] == "rest" and each["states"] > 500 for each in found)
    assert found[-1]["heap"] < 1.3 * found[1]["heap"]


LABELS = """<!doctype html><meta charset="utf-8"><script type="module">
%s
window.overlaps = (packed, places, widths) => widths.flatMap(([width, left, length]) => {
  const [from, to] = places, height = width < NARROW_PAGE ? LOW_HEIGHT : HEIGHT;
  const ctx = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  const boxes = [], fill = ctx.fillText.bind(ctx);
  ctx.fillText = (text, x, y, most = Infinity) => {
    fill(text, x, y, most);
    if (!text) return;
    const { actualBoundingBoxLeft, actualBoundingBoxRight, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down }
      = ctx.measureText(text);
    const squeezed = Math.min(1, most / ctx.measureText(text).width);
    boxes.push({ text, left: x - actualBoundingBoxLeft * squeezed, right: x + actualBoundingBoxRight * squeezed,
                 top: y - up, bottom: y + down });
  };
  const nets = packed.map(decodeNet), each = height / nets.length, found = [];
  for (const hover of [-1, 0, nets[0].columns - 1]) {
    boxes.length = 0;
    drawNets(ctx, new Pixels(width, height), nets, nets.map((net, i) => ({
      ...{ top: Math.round(i * each), height: Math.round(each), width, scale: 1, time: 1, look: "night", hover },
      across: (place) => left + ((place - from) / (to - from)) * length, last: i === nets.length - 1 })));
    boxes.forEach((one, i) => {
      if (one.left < 0 || one.right > width || one.top < 0 || one.bottom > height)
        found.push(`${width}: cut off: ${one.text}`);
      for (const other of boxes.slice(i + 1))
        if (Math.min(one.right, other.right) - Math.max(one.left, other.left) > 0.5
            && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 0.5)
          found.push(`${width}: ${one.text} | ${other.text}`);
    });
  }
  return found;
});
</script>"""
"""A page that draws networks and tells which of their words lie over each other or beyond the edge, at three hovers."""
PAGES = (1560, 934, 700, 560, 350)
"""Widths of a figure in JupyterLab on a large screen, a laptop, a narrow window, and on a phone."""


def ends(panel: panels.Panel) -> list[dict[str, Any]]:
    """The start and each preset; from the start both ends of every control, from a preset those of the first one."""
    found: list[dict[str, Any]] = []
    for preset in ({}, *panel.presets.values()):
        found.append(dict(preset))
        for grid in panel.live.grids if not preset else panel.live.grids[:1]:
            control = panel.controls[grid.name]
            found += [{**preset, grid.name: grid.value(place, control)} for place in (0, grid.count - 1)]
    return found


def strips(figure: go.Figure) -> list[tuple[float, float, float]]:
    """For each page the width of the networks, and where the first plot's axis begins and how long it is."""
    found = []
    beside = figure.layout.meta.get("beside")
    for width in PAGES:
        narrow = width < (840 if beside else 640)
        layout = figure.layout.meta["narrow" if narrow else "wide"]
        left, right = layout["margin.l"], layout["margin.r"]
        low, high = layout.get("xaxis.domain") or figure.layout.xaxis.domain or (0, 1)
        inside = width - left - right
        whole = inside * beside[0] + 84 + 50 if beside and not narrow else width
        found.append((round(whole), left + low * inside, (high - low) * inside))
    return found


def test_no_words_of_the_picture_lie_over_others_at_the_ends_of_any_slider(browser: Any) -> None:
    page = browser.new_page()
    page.set_content(LABELS % live_script())
    page.wait_for_function("() => window.overlaps")
    wrong: list[str] = []
    looked = 0
    for name in (each for names in panels.PANELS.values() for each in names):
        panel = getattr(panels, name)()
        figure = panel.live.figure
        for values in ends(panel):
            data = panel.live.row(**values)
            if "net" not in data:
                break
            nets = [data["net"]] if isinstance(data["net"], picture.NetworkPicture) else data["net"]
            places = data.get("ranges", {}).get("xaxis") or list(figure.layout.xaxis.range)
            found = page.evaluate(
                "given => overlaps(...given)", [[net.packed() for net in nets], places, strips(figure)]
            )
            wrong += [f"{name} {values}: {each}" for each in found]
            looked += 1
    page.close()
    assert looked > 100 and wrong == []
