"""Panels on a laptop, a narrow window and a phone: what is on the screen together, and what stands in whose way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from helpers import panels, theme
from helpers.live.browser import style
from tests.browser.lab import DRAWN_OUT, Sheet, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAMES = [name for names in panels.PANELS.values() for name in names]
SCREEN = 600
"""Pixels that a notebook has in JupyterLab at 1366×768."""
PICTURE = 184
"""Pixels of the picture of the network, which stands above plots of the height for it."""
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")

STILLS = [
    "panels.training_picture(['one', 'two'], ['a', 'b'], steps=100, records=10, chance=2.3, title='Losses')",
    "panels.ring_game()",
    "panels.digits_game()",
    "from helpers.panels.watching import LayersPicture\nLayersPicture(['first', 'second', 'third'], 5)",
]
"""Figures without controls, and games."""

CLIPPED = """panel => {
  const pen = document.createElement("canvas").getContext("2d");
  const menus = [...panel.querySelectorAll("select")].filter(menu => {
    const style = getComputedStyle(menu);
    pen.font = style.font;
    const words = [...menu.options].map(option => pen.measureText(option.text).width);
    return Math.max(...words) + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) > menu.clientWidth + 1;
  });
  const lines = each => {
    const range = document.createRange();
    range.selectNodeContents(each);
    return new Set([...range.getClientRects()].map(box => Math.round(box.bottom / 8))).size;
  };
  const names = ".widget-label, .widget-readout, .site-control :is(label, output), button";
  const wide = [...panel.querySelectorAll(`${names}, .live-summary > span`)]
    .filter(each => each.scrollWidth > each.clientWidth + 1);
  const wrapped = [...panel.querySelectorAll(names)].filter(each => lines(each) > 1);
  return [...menus, ...wide, ...wrapped].map(each => each.textContent.slice(0, 60));
}"""
SCROLLED = """panel => [...panel.querySelectorAll("*")].filter(each => {
  const {overflowX, overflowY} = getComputedStyle(each);
  return (/auto|scroll/.test(overflowY) && each.scrollHeight > each.clientHeight + 1) ||
         (/auto|scroll/.test(overflowX) && each.scrollWidth > each.clientWidth + 1);
}).map(each => String(each.className)).concat(
  [...panel.querySelectorAll(".legend .scrollbar")].filter(bar => bar.getBBox().height > 0).map(() => "legend"))"""
IN_THE_WAY = """panel => {
  const names = [":is(.live-presets, .site-presets) button", ":is(.live-controls, .site-controls) > *", ".live-summary",
                 ".live-views button", ".live-net", ".xtitle", ".ytitle", ".legend", ".xaxislayer-above"];
  const parts = [...panel.querySelectorAll(names.join())].filter(each => each.getBoundingClientRect().width);
  const named = each => (each.className.baseVal ?? each.className) + ": " + each.textContent.slice(0, 30);
  const found = [];
  parts.forEach((one, i) => parts.slice(i + 1).forEach(other => {
    if (one.contains(other)) return;
    const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const up = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && up > 2) found.push(named(one) + " | " + named(other));
  }));
  const box = each => each.getBoundingClientRect();
  const seen = selector => [...panel.querySelectorAll(selector)].filter(each => box(each).width);
  const titles = seen(".xtitle");
  titles.forEach((one, i) => titles.slice(i + 1).forEach(other => {
    const apart = Math.max(box(one).left, box(other).left) - Math.min(box(one).right, box(other).right);
    if (apart < 8 && Math.abs(box(one).top - box(other).top) < 8) found.push("titles touch: " + named(one));
  }));
  for (const title of seen(".ytitle")) for (const plot of seen("rect.nsewdrag"))
    if (box(title).right > box(plot).left - 1 && box(title).left < box(plot).right &&
        box(title).bottom > box(plot).top && box(title).top < box(plot).bottom)
      found.push("in a plot: " + named(title));
  const play = panel.querySelector(".live-net-play")?.getBoundingClientRect();
  const net = panel.querySelector(".live-net[data-stacked] canvas")?.getBoundingClientRect();
  if (net && net.width < 640 && play.top < net.bottom) found.push("the button over a lamp");
  for (const handle of panel.querySelectorAll(".noUi-handle")) {
    const name = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
    if (name && handle.getBoundingClientRect().top < name.getBoundingClientRect().bottom)
      found.push("a handle over " + name.textContent);
  }
  const edge = panel.getBoundingClientRect().right + 1;
  return found.concat([...panel.querySelectorAll(".main-svg, :is(.live-controls, .site-controls) > *, button")]
    .filter(each => each.getBoundingClientRect().right > edge).map(each => "beyond the edge: " + named(each)));
}"""
PAPER = """panel => [...panel.querySelectorAll(".main-svg, rect.bg, .live-plot")].flatMap(each => {
  const style = getComputedStyle(each), colour = each.matches("rect") ? style.fill : style.backgroundColor;
  const clear = /none|transparent|, 0\\)$/.test(colour) || Number(style.fillOpacity) === 0;
  return clear || !each.getBoundingClientRect().width ? [] : [each.getAttribute("class") + " " + colour];
})"""


@pytest.fixture(scope="module")
def notebook(workshop: Path) -> str:
    cells = [f"panels.{name}()" for name in NAMES]
    return write_notebook(workshop / "all_panels.ipynb", "from helpers import panels", *cells, *STILLS).name


@pytest.fixture(scope="module")
def sheet(browser: Browser, lab: str, notebook: str) -> Iterator[Sheet]:
    """All panels and stills, run once for all tests."""
    sheet = Sheet(browser, lab, 1366, 768)
    sheet.open(notebook)
    sheet.run_all()
    yield sheet
    sheet.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    sheet.close()


@pytest.fixture
def page(sheet: Sheet) -> Page:
    """The page as it stands on a laptop, in the light theme."""
    sheet.page.evaluate(THEME, "JupyterLab Light")
    sheet.wait_for_rest(len(NAMES) + len(STILLS))
    sheet.resize(1366, 768)
    return sheet.page


THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def wrong(page: Page, look: str) -> dict[str, Any]:
    """What a function finds in each panel, by the panel's name."""
    found = {name: page.locator(".live-panel").nth(place).evaluate(look) for place, name in enumerate(NAMES)}
    return {name: each for name, each in found.items() if each}


def test_panels_fit(sheet: Sheet, page: Page) -> None:
    too_high = {}
    for place, name in enumerate(NAMES):
        panel = page.locator(".live-panel").nth(place)
        height = panel.evaluate("e => e.getBoundingClientRect().height")
        has_one = panel.locator(".live-net").count() > 0
        to_come = getattr(panels, name)().live.figure.layout.height == theme.UNDER_PICTURE
        height += PICTURE if to_come and not has_one else 0
        if height > SCREEN:
            too_high[name] = height
    assert too_high == {}
    for width in (1366, 800, 390):
        sheet.resize(width, 768)
        for look in (CLIPPED, SCROLLED, IN_THE_WAY):
            assert wrong(page, look) == {}, width


def test_the_look_for_what_is_clipped_sees_a_name_in_two_lines(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        f"""<style>{style()} .narrow {{ width: 60px }}</style><div class="live-panel"><button>one line</button>
        <button class="narrow">two lines of words</button><div class="site-control"><label>depth</label>
        <output class="narrow" style="display: block">so wide a value</output></div></div>"""
    )
    assert page.locator(".live-panel").evaluate(CLIPPED) == ["two lines of words", "so wide a value"]
    page.close()


def test_the_pressed_one_of_two_plots_is_seen_in_forced_colours(browser: Browser) -> None:
    page = browser.new_page(forced_colors="active")
    page.set_content(
        f"""<style>{style()}</style><div class="live-panel"><div class="live-views">
        <button aria-pressed="true">loss</button><button aria-pressed="false">gradient</button></div></div>"""
    )
    ground = "all => all.map(each => getComputedStyle(each).backgroundColor)"
    pressed, other = page.locator(".live-views button").evaluate_all(ground)
    assert pressed != other
    page.close()


def test_no_output_has_a_scroll_bar_of_its_own(page: Page) -> None:
    outputs = page.locator(".jp-OutputArea-output")
    assert outputs.count() >= len(NAMES) + len(STILLS)
    bars = outputs.evaluate_all(
        """all => all.filter(each => each.scrollHeight > each.clientHeight || each.scrollWidth > each.clientWidth)
                    .map(each => [each.textContent.slice(0, 40), each.scrollHeight, each.clientHeight])"""
    )
    assert bars == []


def test_no_figure_brings_paper_of_its_own(page: Page) -> None:
    page.evaluate(THEME, "JupyterLab Dark")
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    assert wrong(page, PAPER) == {}
    filters = page.locator(".live-plot").evaluate_all("all => [...new Set(all.map(e => getComputedStyle(e).filter))]")
    assert len(filters) == 1 and filters[0].startswith("invert")


def test_a_switch_shows_one_plot_at_a_time(page: Page) -> None:
    panel = page.locator(".live-panel").nth(NAMES.index("relu"))
    seen = """panel => [...panel.querySelectorAll('.cartesianlayer > .subplot')]
                         .filter(each => each.getBoundingClientRect().width).length"""
    titles = []
    for button in panel.locator(".live-views button").all():
        button.press("Enter")
        page.evaluate(DRAWN_OUT)
        assert panel.evaluate(seen) == 1 and button.get_attribute("aria-pressed") == "true"
        titles.append(panel.locator(".infolayer").first.text_content())
    assert len(set(titles)) == 3, titles
    assert panel.locator(".live-views [aria-pressed=true]").count() == 1


def test_the_legend_is_that_of_the_switch(page: Page) -> None:
    """And Plotly still draws what it names; a panel's first view is shown again at the end."""
    names = "panel => [...panel.querySelectorAll('.legendtext')].map(each => each.dataset.unformatted)"
    for place, name in enumerate(NAMES):
        figure = getattr(panels, name)().live.figure
        views = (figure.layout.meta or {}).get("views", [])
        panel = page.locator(".live-panel").nth(place)
        for number in [*range(1, len(views)), *range(min(1, len(views)))]:
            panel.locator(".live-views button").nth(number).press("Enter")
            page.evaluate(DRAWN_OUT)
            wanted = [
                trace.name for trace, is_named in zip(figure.data, views[number]["legend"], strict=True) if is_named
            ]
            assert panel.evaluate(names) == wanted, (name, views[number]["name"])


def test_the_plane_stands_beside_its_networks_where_there_is_room(sheet: Sheet, page: Page) -> None:
    panel = page.locator(".live-panel").nth(NAMES.index("initialization"))
    places = """panel => [".live-net", ".live-net-play", "rect.nsewdrag"]
      .flatMap(name => [...panel.querySelectorAll(name)])
      .map(each => each.getBoundingClientRect().toJSON()).filter(box => box.width)"""
    net, _, *plots = panel.evaluate(places)
    line, plane = min(plots, key=lambda box: box["left"]), max(plots, key=lambda box: box["left"])
    assert line["right"] < net["right"] < plane["left"] and net["bottom"] < line["top"] < plane["bottom"]
    assert plane["height"] > 1.9 * line["height"]
    sheet.resize(900, 768)
    assert panel.locator("[data-beside]").count() == 0
    net, play, *plots = panel.evaluate(places)
    line, plane = min(plots, key=lambda box: box["top"]), max(plots, key=lambda box: box["top"])
    assert net["right"] > line["right"] and net["bottom"] < line["top"] < line["bottom"] < plane["top"]
    assert play["top"] >= net["bottom"], "the button over a lamp"


ELSEWHERE = {
    "VS Code, dark": ('<html><body data-vscode-theme-kind="vscode-dark">', "#1f1f1f", "#cccccc", True),
    "VS Code, light": ('<html><body data-vscode-theme-kind="vscode-light">', "#ffffff", "#3b3b3b", False),
    "Colab, dark": ('<html theme="dark"><body>', "#383838", "#000000", True),
    "Colab, light": ('<html theme="light"><body>', "#ffffff", "#000000", False),
}
"""Pages that a panel stands on: how they begin, their paper, the ink they name, and whether they are dark."""
VIEW = """() => { const look = name => getComputedStyle(document.querySelector(name));
                  const chosen = look('[aria-pressed]');
                  return { under: look('.cell-output-ipywidget-background').backgroundColor,
                           ink: look('.live-headline').color,
                           value: look('.widget-readout').color, plot: look('.live-plot').filter,
                           chosen: [chosen.color, chosen.backgroundColor] }; }"""


def brightness(colour: str) -> float:
    """The mean of the channels of a colour as a browser computes it, 0 to 255."""
    return sum(float(each) for each in re.findall(r"[\d.]+", colour)[:3]) / 3


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_panel_is_read_in_the_themes_of_vs_code_and_of_colab(browser: Browser, place: str) -> None:
    """VS Code lays white under every widget, and both name black as the ink of ipywidgets, also where they are dark."""
    begins, paper, ink, dark = ELSEWHERE[place]
    page = browser.new_page()
    page.set_content(
        f"""{begins}<style>:root {{ --jp-content-font-color1: black; --vscode-editor-foreground: {ink};
        --vscode-editor-background: {paper}; }} body {{ background: {paper}; }}
        .cell-output-ipywidget-background {{ background: white !important; }} .widget-readout {{ color: black; }}
        {style()}</style>
        <div class="cell-output-ipywidget-background"><div class="live-panel">
        <div class="live-controls"><div class="widget-readout">60</div></div><div class="live-figure">
        <p class="live-summary"><span class="live-headline">It vanishes.</span></p>
        <div class="live-views"><button aria-pressed="true">gradient</button></div><div class="live-plot"></div>
        </div></div></div>"""
    )
    seen = page.evaluate(VIEW)
    page.close()
    assert seen["under"] == "rgba(0, 0, 0, 0)"
    for text in (seen["ink"], seen["value"]):
        assert (brightness(text) > 180) == dark and (brightness(text) < 80) != dark
    assert seen["plot"].startswith("invert") == dark
    assert abs(brightness(seen["chosen"][0]) - brightness(seen["chosen"][1])) > 100


def test_axe_finds_nothing_in_the_panels(page: Page) -> None:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async () => (await axe.run({ include: ['.live-panel'] }, { resultTypes: ['violations'] })).violations
             .filter(v => ['serious', 'critical'].includes(v.impact))
             .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | '))"""
    )
    assert found == []
