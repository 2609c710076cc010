"""LiveFigure in a real JupyterLab: what is drawn while a control moves, and after it rests."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser

from helpers import theme
from helpers.live.browser import PLOTLY
from tests.browser.lab import Sheet, free_port, serve, write_notebook

pytestmark = pytest.mark.browser
OpenSheet = Callable[..., Sheet]

# Gaps (NaN), zeros on a log axis, markers, bands of every kind, a line that is all gap, bars and a heat map.
EVERYTHING = """
import ipywidgets, numpy as np, plotly.graph_objects as go
from helpers import figures, theme
from helpers.live import LiveFigure

x = np.arange(1, 51)
figure = go.Figure([
    figures.band("band", x, colour="#1f5fbf"),
    figures.line("falling", x, colour="#d1495b"),
    go.Scatter(x=x, name="dots", mode="lines+markers"),
    go.Scatter(x=x, name="low", mode="lines", line_dash="dash", yaxis="y2"),
    go.Scatter(x=x, name="high", mode="lines", fill="tonexty", yaxis="y2"),
    go.Scatter(x=x, name="to zero", mode="lines+markers", fill="tozeroy", yaxis="y2"),
    go.Scatter(x=x, name="only markers", mode="markers", marker_symbol="diamond", marker_size=9, yaxis="y2"),
])
figure.update_layout(template=theme.TEMPLATE, height=600, xaxis_range=[0, 51], xaxis_anchor="y2",
                     yaxis={"type": "log", "range": [-12, 2], "domain": [0.5, 1]},
                     yaxis2={"domain": [0, 0.45], "range": [-3, 3]})
controls = {"n": ipywidgets.IntSlider(10, 0, 100), "g": ipywidgets.FloatLogSlider(1, min=-1, max=1, step=0.1),
            "kind": ipywidgets.Dropdown(options=["p", "q"])}

def compute(n, g, kind):
    if n == 77:
        raise RuntimeError("seventy-seven is not to be had")
    falling = np.exp(-x * n / 100 * g)
    falling[20:23], falling[30] = np.nan, 0
    if n > 50:
        falling[40:] = 0
    wave = np.sin(x / 5 + n / 10) + (kind == "q")
    wave[15] = np.nan
    if n == 5:
        wave[:] = np.nan
    return {"band": np.stack([falling / 2, falling * 2]), "falling": falling, "dots": falling * 1.5, "low": wave - 0.5,
            "high": wave + 0.5, "to zero": wave * 0.3, "only markers": -wave, "summary": f"n={n} g={g:.3g} {kind}"}

live = LiveFigure(figure, controls, compute)
ipywidgets.VBox([*controls.values(), live])
"""

LIVE = "document.querySelector('.live-figure').live"


def run(open_sheet: OpenSheet, workshop: Path, name: str, source: str, alone: bool = False) -> Sheet:
    """A notebook of one cell, run in JupyterLab, with its figure at rest."""
    write_notebook(workshop / f"{name}.ipynb", source)
    sheet = open_sheet(alone=alone)
    sheet.open(f"{name}.ipynb")
    sheet.run_all()
    sheet.wait_for_rest()
    return sheet


@pytest.fixture
def everything(open_sheet: OpenSheet, workshop: Path) -> Sheet:
    sheet = run(open_sheet, workshop, "everything", EVERYTHING)
    sheet.keep_kernel = True  # for the next test with the same notebook
    return sheet


def handle(sheet: Sheet, number: int = 0) -> Any:
    return sheet.page.locator(".noUi-handle").nth(number)


def summary(sheet: Sheet) -> str:
    return str(sheet.page.locator(".live-summary").first.text_content())


def press(sheet: Sheet, key: str, times: int, number: int = 0) -> None:
    handle(sheet, number).focus()
    for _ in range(times):
        handle(sheet, number).press(key)


def wait_for_table(sheet: Sheet, rows: int) -> None:
    sheet.page.wait_for_function(f"() => {LIVE}.cache.rows.size >= {rows}", timeout=30_000)


def pixels(sheet: Sheet) -> np.ndarray:
    picture = matplotlib.image.imread(io.BytesIO(sheet.page.locator(".live-plot").first.screenshot()))
    return 255 * picture[..., :3]


def test_moving_and_resting_pictures_are_the_same(everything: Sheet) -> None:
    """No pixel differs by more than a line moved by a quarter of a pixel would make it differ."""
    press(everything, "ArrowRight", 1)
    wait_for_table(everything, 100)
    everything.wait_for_rest()
    everything.page.evaluate(f"() => {{ clearTimeout({LIVE}.timer); clearTimeout(0); }}")
    states = [[n, 10, 0] for n in (0, 1, 5, 12, 33, 50, 51, 64, 90, 100)]
    for state in states:
        known = everything.page.evaluate(
            f"id => {{ const row = {LIVE}.cache.get(id); row && {LIVE}.picture.move(row.row, {{}}); return !!row; }}",
            json.dumps(state, separators=(",", ":")),
        )
        assert known, f"{state} is not in the table"
        moving = pixels(everything)
        everything.page.evaluate(f"() => {LIVE}.picture.settle(() => true)")
        resting = pixels(everything)
        assert moving.std() > 5
        assert np.abs(moving - resting).max() < 64, state
    everything.page.evaluate(f"() => {LIVE}.picture.move({LIVE}.cache.get('[0,10,0]').row, {{}})")
    assert np.abs(pixels(everything) - resting).max() > 100, "the comparison can't tell two states apart"
    assert not everything.console


def test_a_raising_compute_shows_its_message_and_the_next_move_works(everything: Sheet) -> None:
    press(everything, "ArrowRight", 67)
    alert = everything.page.locator(".live-error")
    everything.page.wait_for_function("() => !document.querySelector('.live-error').hidden", timeout=20_000)
    assert alert.text_content() == "RuntimeError: seventy-seven is not to be had"
    assert everything.page.locator(".live-plot .js-line").count() > 0, "the last good picture is gone"
    press(everything, "ArrowRight", 1)
    everything.wait_for_rest()
    assert summary(everything) == "n=78 g=1 p"
    assert not alert.is_visible()


def test_only_useful_buttons_and_none_that_sends_the_figure_anywhere(everything: Sheet) -> None:
    titles = everything.page.locator(".live-figure .modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
    assert titles == ["Download plot as a PNG", "Zoom", "Pan", "Reset axes"]


NEIGHBOURS = [0.16633550975999756, 0.16633550975999759]
"""One number of 64 bits lies between them."""


def test_an_axis_zoomed_to_the_end_of_floats_is_no_error(browser: Browser) -> None:
    """Some ten quick zooms lead there: of one tick, at the end of the axis, the label is wider than the margin."""
    figure = go.Figure(go.Scatter(x=[0, 1], y=[0, 1]), {"template": theme.TEMPLATE, "width": 800, "height": 400})
    figure.update_layout(xaxis_title_text="layer", yaxis_title_text="gradient")
    page, errors = browser.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.add_script_tag(path=PLOTLY)
    page.evaluate(
        """async ({ figure: { data, layout }, range }) => {
             const plot = document.body.appendChild(document.createElement("div"));
             await Plotly.newPlot(plot, data, layout);
             await Plotly.relayout(plot, { "xaxis.range": range, "yaxis.range": range });
             await Plotly.redraw(plot); }""",  # a zoom alone leaves the titles where they are
        {"figure": json.loads(figure.to_json()), "range": NEIGHBOURS},
    )
    page.close()
    assert errors == []


THEME = "async theme => await window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


def test_the_figure_follows_the_theme_while_it_stands_there(everything: Sheet) -> None:
    assert pixels(everything)[2, 2].min() > 240
    everything.page.evaluate(THEME, "JupyterLab Dark")
    everything.page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    everything.page.wait_for_function(  # the style sheet of the theme is there
        "() => getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor.match(/\\d+/)[0] < 40"
    )
    assert pixels(everything)[2, 2].max() < 40, "a white slab on a dark page"
    everything.page.evaluate(THEME, "JupyterLab Light")


def test_plotly_and_ipywidgets_have_the_private_parts_that_are_used(everything: Sheet) -> None:
    """Fails after an update of either and names what is gone: see plotly.js and jupyter.js in helpers/live."""
    assert everything.page.evaluate(f"() => {LIVE}.picture.missing") == []
    assert everything.page.evaluate(f"() => {LIVE}.controls.flatMap(control => control.missing)") == []


def test_every_kind_of_control_moves_the_picture(everything: Sheet) -> None:
    press(everything, "ArrowRight", 3, number=1)
    everything.page.locator(".widget-dropdown select").first.select_option("q")
    everything.page.wait_for_function("() => document.querySelector('.live-summary').textContent.endsWith('q')")
    everything.wait_for_rest()
    assert summary(everything) == "n=10 g=2 q"


def test_hover_and_legend_are_right_after_the_hand_rests(everything: Sheet) -> None:
    press(everything, "ArrowRight", 4)
    everything.wait_for_rest()
    drawn = everything.page.evaluate(f"() => Array.from({LIVE}.plot._fullData[1].y).slice(0, 3)")
    np.testing.assert_allclose(drawn, np.exp(-np.arange(1, 4) * 14 / 100), rtol=2**-14)
    overlay = everything.page.evaluate(
        "() => [...document.querySelectorAll('[class^=live-][class$=s]')].filter(e => e.closest('svg'))"
        ".every(e => e.style.display === 'none')"
    )
    assert overlay


SLOW = """
import time, ipywidgets, numpy as np, plotly.graph_objects as go
from helpers.live import LiveFigure

slider = ipywidgets.IntSlider(0, 0, 1000)

def compute(n):
    time.sleep(0.15)
    return {"line": np.full(3, n), "summary": f"n is {n}"}

live = LiveFigure(go.Figure(go.Scatter(x=[0, 1, 2], name="line")).update_yaxes(range=[0, 1000]), {"n": slider}, compute)
ipywidgets.VBox([slider, live])
"""


def test_the_last_value_is_the_one_drawn_however_slow_the_kernel(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "slow", SLOW)
    for stop in (30, 47, 48):
        press(sheet, "ArrowRight", stop - int(sheet.page.locator(".widget-readout").first.inner_text()))
        sheet.page.wait_for_function(f"() => document.querySelector('.live-summary').textContent === 'n is {stop}'")
        sheet.wait_for_rest()
        assert sheet.page.evaluate(f"() => {LIVE}.plot._fullData[0].y[0]") == stop


def test_a_table_draws_while_the_kernel_is_busy(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "busy", EVERYTHING)
    press(sheet, "ArrowRight", 1)
    wait_for_table(sheet, 100)
    sheet.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code: 'import time; time.sleep(15)'}); }"
    )
    sheet.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    press(sheet, "ArrowRight", 9)
    sheet.page.wait_for_function(
        "() => document.querySelector('.live-summary').textContent === 'n=20 g=1 p'", timeout=5_000
    )


TWO_TABLES = """
import time, ipywidgets, numpy as np, plotly.graph_objects as go
from helpers.live import LiveFigure

sliders = {"n": ipywidgets.IntSlider(0, 0, 10), "m": ipywidgets.IntSlider(0, 0, 30)}

def compute(n, m):
    time.sleep(0.1)
    return {"line": np.full(3, n), "summary": f"n is {n}, m is {m}"}

live = LiveFigure(go.Figure(go.Scatter(x=[0, 1, 2], name="line")).update_yaxes(range=[0, 10]), sliders, compute)
ipywidgets.VBox([*sliders.values(), live])
"""


def test_the_table_of_another_control_waits_while_a_hand_moves(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "tables", TWO_TABLES)
    handle(sheet).focus()
    sheet.page.wait_for_function(f"() => {LIVE}.filling && {LIVE}.filled === 1")
    filling = sheet.page.evaluate(f"() => {{ {LIVE}.changed(0); return {LIVE}.filling; }}")
    assert filling is None, "the kernel goes on computing while the picture moves"
    sheet.page.wait_for_function(f"() => !{LIVE}.missing({LIVE}.key(), 1).length", timeout=30_000)


RECORD = """
import ipywidgets, plotly.graph_objects as go
from helpers.live import LiveFigure

slider, label = ipywidgets.IntSlider(0, 0, 100), ipywidgets.Label("received 0")
received = []

def record(change):
    received.append(change["new"])
    label.value = f"received {len(received)}, last {received[-1]}"

slider.observe(record, "value")
live = LiveFigure(go.Figure(go.Scatter(x=[0, 1, 2], name="line")), {"n": slider}, lambda n: {"line": [n, n, n]})
ipywidgets.VBox([slider, label, live])
"""


def test_the_kernel_hears_of_a_moving_slider_seldom_but_of_its_end(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "received", RECORD)
    elapsed = sheet.page.evaluate(
        f"""async () => {{ const start = performance.now();
                       for (let place = 1; place <= 90; place++) {{
                         {LIVE}.controls[0].set(place);
                         await new Promise(done => setTimeout(done, 10));
                       }}
                       return performance.now() - start; }}"""
    )
    label = sheet.page.locator(".widget-label", has_text="received")
    sheet.page.wait_for_function("() => document.body.innerText.includes('last 90')", timeout=20_000)
    received = int(str(label.text_content()).split(",")[0].removeprefix("received "))
    assert 2 <= received <= elapsed / 100 + 2
    sheet.wait_for_rest()
    assert sheet.page.evaluate(f"() => {LIVE}.key()[0]") == 90, "an echo took the slider back"


HEAVY = """
import ipywidgets, numpy as np, plotly.graph_objects as go
from plotly.subplots import make_subplots
from helpers.live import LiveFigure

figure = make_subplots(rows=1, cols=2)
figure.add_trace(go.Bar(x=["a", "b", "c"], name="bars"), row=1, col=1)
figure.add_trace(go.Heatmap(name="map", zmin=0, zmax=100), row=1, col=2)
figure.update_yaxes(range=[0, 300], row=1, col=1)
slider = ipywidgets.IntSlider(1, 0, 100)
live = LiveFigure(figure, {"n": slider}, lambda n: {"bars": n * np.array([1, 2, 3]), "map": n * np.eye(4),
                                                    "ranges": {"yaxis": [0, 300 if n > 50 else 150]}})
ipywidgets.VBox([slider, live])
"""


def test_bars_heat_maps_and_axes_follow_too(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "heavy", HEAVY)
    assert sheet.page.evaluate(f"() => {LIVE}.plot._fullLayout.yaxis.range[1]") == 150
    press(sheet, "ArrowRight", 59)
    sheet.page.wait_for_function("() => JSON.parse(document.querySelector('.live-figure').dataset.state)[0] === 60")
    sheet.wait_for_rest()
    data = f"{LIVE}.plot._fullData"
    assert sheet.page.evaluate(f"() => Array.from({data}[0].y)") == [60, 120, 180]
    assert sheet.page.evaluate(f"() => {data}[1].z.map(r => r[0])") == [60, 0, 0, 0]
    assert sheet.page.evaluate(f"() => {LIVE}.plot._fullLayout.yaxis.range[1]") == 300
    assert not sheet.console


# What is seen of the axes: each number with its place, the lines of the grid and the ticks, our own or Plotly's.
AXES_SEEN = """() => [...document.querySelectorAll(".xy :is(text, .gridlayer path, .ticks, .live-axis path)")]
  .map(each => [each, each.getBoundingClientRect()]).filter(([, box]) => box.width + box.height > 0)
  .map(([each, box]) => [each.localName === "path" ? "" : each.textContent, Math.round(box.x), Math.round(box.y)])
  .map(String).sort()"""


def test_axes_that_widen_under_a_hand_look_as_plotly_draws_them(open_sheet: OpenSheet, workshop: Path) -> None:
    """Without a redraw by Plotly, which would cost frames, not even for a plot that the view hides."""
    code = "from helpers import panels\npanel = panels.deep_sigmoid_nets()\npanel.set(depth=5)\npanel"
    sheet = run(open_sheet, workshop, "axes", code)
    sheet.page.evaluate(
        f"() => {{ const {{plot}} = {LIVE}; window.redraws = 0; plot.on('plotly_afterplot', () => redraws++); }}"
    )
    first = sheet.page.evaluate(AXES_SEEN)
    seen: list[Any] = []
    for layers, decades in (([0.5, 30.5], [-15, 1]), ([0.5, 100.5], [-60, 3])):
        ranges = {"xaxis.range": layers, "xaxis2.range": layers, "yaxis.range": decades}
        sheet.page.evaluate(
            f"ranges => {{ const row = {LIVE}.cache.get(JSON.stringify({LIVE}.key())).row;"
            f" {LIVE}.picture.move(row, ranges); }}",
            ranges,
        )
        assert sheet.page.evaluate("() => redraws") == len(seen)
        moving = sheet.page.evaluate(AXES_SEEN)
        sheet.page.evaluate(f"() => {LIVE}.picture.settle(() => true)")
        assert sheet.page.evaluate("() => redraws") == len(seen) + 1
        assert sheet.page.evaluate(AXES_SEEN) == moving
        assert sheet.page.locator(".live-axis").count() == 0
        seen.append(moving)
    assert len({str(each) for each in (first, *seen)}) == 3 and all(len(each) > 20 for each in seen)
    assert not sheet.console


CLICKED = """
import ipywidgets, numpy as np, plotly.graph_objects as go
from helpers.live import LiveFigure

figure = go.Figure([go.Heatmap(name="map", x=[1, 2, 3], y=[0.1, 1, 10], z=np.eye(3))])
figure.add_scatter(name="here", mode="markers").update_yaxes(type="log")
a, b = ipywidgets.FloatSlider(value=1, min=1, max=3, step=0.5), ipywidgets.FloatLogSlider(1, min=-1, max=1, step=0.1)
compute = lambda a, b: {"here": np.array([[a], [b]]), "summary": f"{a:g} {b:g}"}
ipywidgets.VBox([a, b, LiveFigure(figure, {"a": a, "b": b}, compute, click={"map": ("a", "b")})])
"""


def test_a_click_moves_the_sliders_to_the_place_that_was_hit(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "clicked", CLICKED)
    box = sheet.page.locator(".live-plot .nsewdrag").bounding_box()
    assert box
    sheet.page.mouse.move(box["x"] + box["width"] * 5 / 6, box["y"] + box["height"] / 6)
    sheet.page.wait_for_function(f"() => {LIVE}.plot._hoverdata?.length")  # only then it takes a click for one on it
    sheet.page.mouse.click(box["x"] + box["width"] * 5 / 6, box["y"] + box["height"] / 6)
    sheet.page.wait_for_function("() => document.querySelector('.live-summary').textContent === '3 10'")
    assert sheet.page.locator(".widget-readout").all_inner_texts() == ["3.00", "10.0"]
    assert not sheet.console


SHOWN = """
import time, numpy as np, plotly.graph_objects as go
from helpers.live import LiveFigure

x = np.arange(50)
picture = LiveFigure(go.Figure(go.Scatter(x=x, name="line")), {}, lambda: {"line": np.where(x < 1, x, np.nan)})
picture
"""

GROW = """
for n in range(2, 51):
    picture.show({"line": np.where(x < n, x, np.nan), "summary": f"{n} points"})
    time.sleep(0.1)
"""


def test_a_figure_grows_while_a_cell_is_running(open_sheet: OpenSheet, workshop: Path) -> None:
    sheet = run(open_sheet, workshop, "shown", SHOWN)
    sheet.page.evaluate(
        """() => { const summary = document.querySelector('.live-summary'); globalThis.seen = new Set();
                   const note = new MutationObserver(() => seen.add(summary.textContent));
                   note.observe(summary, { childList: true, characterData: true, subtree: true }); }"""
    )
    sheet.page.evaluate(
        """code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }); }""",
        GROW,
    )
    sheet.page.wait_for_function(
        "() => document.querySelector('.live-summary').textContent === '50 points'", timeout=60_000
    )
    assert len(sheet.page.evaluate("() => [...seen]")) > 5, "it was drawn at the end only"
    sheet.page.wait_for_function(f"() => {LIVE}.plot._fullData[0].y.at(-1) === 49", timeout=30_000)
    assert sheet.page.evaluate(f"() => Array.from({LIVE}.plot._fullData[0].y)") == list(range(50))
    assert not sheet.console


def test_after_a_reload_the_figure_stands_and_moves_without_rerunning(open_sheet: OpenSheet, workshop: Path) -> None:
    everything = run(open_sheet, workshop, "reloaded", EVERYTHING, alone=True)
    press(everything, "ArrowRight", 5)
    everything.wait_for_rest()
    everything.page.wait_for_function(f"() => !{LIVE}.unconfirmed")  # the kernel knows the place of the slider
    everything.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    everything.page.reload()
    everything.page.locator(".live-figure").first.wait_for(timeout=60_000)
    everything.wait_for_kernel()
    everything.wait_for_rest()
    assert summary(everything) == "n=15 g=1 p"
    press(everything, "ArrowRight", 2)
    everything.page.wait_for_function("() => document.querySelector('.live-summary').textContent === 'n=17 g=1 p'")
    everything.wait_for_rest()


def test_after_restart_and_run_all_the_figure_moves_again(everything: Sheet) -> None:
    everything.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }"
    )
    everything.wait_for_kernel()
    everything.run_all()
    everything.wait_for_rest()
    press(everything, "ArrowRight", 2)
    everything.page.wait_for_function("() => document.querySelector('.live-summary').textContent === 'n=12 g=1 p'")
    everything.wait_for_rest()


def test_five_panels_on_a_page_move_under_two_and_a_half_megabytes(open_sheet: OpenSheet, workshop: Path) -> None:
    one = "panels.deep_sigmoid_nets()"
    write_notebook(
        workshop / "five.ipynb",
        "from helpers import panels",
        one,
        "panels.definition()",
        one,
        "panels.activation_derivatives()",
        one,
    )
    sheet = open_sheet()
    sheet.open("five.ipynb")
    sheet.run_all()
    sheet.wait_for_rest(count=5)
    assert sheet.received < 2.5e6  # plotly.js is 1.4 MB of it; the rest are rows, with a picture in each
    assert not sheet.console


# Of each figure: whether the browser paints its plot.
PAINTED = """() => [...document.querySelectorAll(".live-plot .main-svg:first-child")]
  .map(svg => svg.checkVisibility({contentVisibilityAuto: true}))"""


def test_figures_on_a_page_do_not_disturb_each_other_and_those_far_away_are_not_painted(
    open_sheet: OpenSheet, workshop: Path
) -> None:
    far = "from IPython.display import HTML\nHTML('<div style=\"height: 6000px\"></div>')"
    first_cell = "from helpers import panels\npanels.start_here()"
    write_notebook(workshop / "two.ipynb", first_cell, far, "panels.start_here()")
    sheet = open_sheet(height=1400)
    sheet.open("two.ipynb")
    sheet.run_all()
    sheet.wait_for_rest(count=2)
    sheet.page.evaluate(
        """() => [...document.querySelectorAll('.live-figure')].forEach(({live: {strip}}, i) => {
             strip.seen = true; // its first pulse is over, or doesn't begin
             strip.skip();
             const {paint} = strip; window.paints = [0, 0];
             strip.paint = time => { paints[i] += 1; paint.call(strip, time); }; })"""
    )
    sheet.page.locator(".live-figure").nth(1).scroll_into_view_if_needed()
    sheet.page.wait_for_function(f"() => String(({PAINTED})()) === 'false,true'")
    press(sheet, "ArrowRight", 5, number=1)
    sheet.page.wait_for_function("() => document.querySelectorAll('.live-figure')[1].dataset.state === '[14]'")
    sheet.wait_for_rest(count=2)
    states = sheet.page.evaluate("() => [...document.querySelectorAll('.live-figure')].map(e => e.dataset.state)")
    assert states == ["[9]", "[14]"]
    first, second = sheet.page.evaluate("() => paints")
    assert first == 0 and second >= 5
    heights = sheet.page.evaluate("() => [...document.querySelectorAll('.live-figure')].map(e => e.offsetHeight)")
    assert heights[0] == heights[1], "a plot that isn't painted takes the same room"
    sheet.page.locator(".live-figure").first.scroll_into_view_if_needed()
    sheet.page.wait_for_function(f"() => String(({PAINTED})()) === 'true,false'")


def test_works_in_voila(browser: Any, workshop: Path, tmp_path: Path) -> None:
    write_notebook(workshop / "served.ipynb", EVERYTHING)
    port = free_port()
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1", "served.ipynb"]
    with serve(command, f"http://127.0.0.1:{port}", "/voila/static/voila.js", tmp_path, cwd=workshop) as url:
        sheet = Sheet(browser, url)
        sheet.page.goto(url)
        sheet.page.locator(".live-figure").first.wait_for(timeout=120_000)
        sheet.wait_for_rest()
        press(sheet, "ArrowRight", 6)
        sheet.page.wait_for_function("() => document.querySelector('.live-summary').textContent === 'n=16 g=1 p'")
        sheet.wait_for_rest()
        sheet.close()
