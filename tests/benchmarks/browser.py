"""Sliders in JupyterLab: ours against FigureWidget and interact with matplotlib, and every lesson's panel.

Measured are the time from key to paint, and how many frames a second show a new picture while a handle is dragged.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from helpers.panels import PANELS
from tests.browser.lab import CHROMIUM_ARGUMENTS, Sheet, find_chromium, start_lab, write_notebook

KEYS, ROUNDS, DRAG_STEPS = 20, 3, 99

NETWORK = """
import numpy as np
from helpers.network import NetworkSpec, gradient_profile

layers = np.arange(1, 101)

def signal(depth):
    log10 = gradient_profile(NetworkSpec(depth=depth, batch=32, seeds=4)).log10_signal
    mean = np.full(100, np.nan)
    mean[:depth] = log10.mean(axis=0)
    return mean
"""

PANEL = NETWORK + "\nfrom helpers import panels\npanels.start_here()"

FIGURE_WIDGET = (
    NETWORK
    + """
import ipywidgets, plotly.graph_objects as go

figure = go.FigureWidget([go.Scatter(x=layers, y=signal(10))])
figure.update_yaxes(range=[-70, 5])
slider = ipywidgets.IntSlider(10, 1, 100)

def move(change):
    figure.data[0].y = signal(change["new"])

slider.observe(move, "value")
ipywidgets.VBox([slider, figure])
"""
)

INTERACT = (
    NETWORK
    + """
import ipywidgets
import matplotlib.pyplot as plt

@ipywidgets.interact(depth=ipywidgets.IntSlider(10, 1, 100))
def show(depth):
    plt.figure(figsize=(9, 4.5))
    plt.plot(layers, signal(depth))
    plt.ylim(-70, 5)
    plt.show()
"""
)

# Notes the time of each input, of each change of the picture on the screen, and of each frame in which it changed.
WATCH = """picture => {
  const watch = window.watch = {inputs: [], paints: [], frames: new Set()};
  for (const type of ['keydown', 'pointermove', 'mousemove'])
    window.addEventListener(type, () => watch.inputs.push(performance.now()), {capture: true, passive: true});
  const channel = new MessageChannel();
  let waiting = false;
  channel.port1.onmessage = () => { waiting = false; watch.paints.push(performance.now()); };
  const changed = () => {
    watch.frames.add(document.timeline.currentTime); // stands still within a frame
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  const seen = mutations => {
    for (const {target, addedNodes} of mutations) {
      if (!target.closest?.(picture)) continue;
      const images = [...addedNodes].flatMap(n => n.querySelectorAll ? [n, ...n.querySelectorAll('img')] : [])
        .filter(n => n.tagName === 'IMG');
      if (images.length) images.forEach(image => image.decode().then(changed, changed));
      else if (target.closest('svg')) changed();
    }
  };
  new MutationObserver(seen).observe(document.body,
    {subtree: true, childList: true, attributes: true, attributeFilter: ['d', 'transform', 'src']});
}"""


def _ready(sheet: Sheet, picture: str) -> Any:
    sheet.page.locator(".noUi-handle").first.wait_for(timeout=60_000)
    sheet.page.locator(f"{picture} .js-line, {picture} img").first.wait_for(timeout=60_000)
    sheet.page.wait_for_timeout(1500)
    sheet.page.evaluate(WATCH, picture)
    return sheet.page.locator(".noUi-handle").first


def _key_to_paint(sheet: Sheet, handle: Any) -> list[float]:
    """Milliseconds from a key to the first changed frame, for each of some keys with rests in between."""
    handle.focus()
    sheet.page.wait_for_timeout(500)
    out = []
    for _ in range(KEYS):
        sheet.page.evaluate("() => { watch.inputs.length = watch.paints.length = 0; }")
        handle.press("ArrowRight")
        sheet.page.wait_for_function("() => watch.paints.length > 0", timeout=20_000)
        out.append(float(sheet.page.evaluate("() => watch.paints[0] - watch.inputs[0]")))
        sheet.page.wait_for_timeout(400)
    return out


# Drags the handle over its whole track, one mouse event a frame and one place an event; resolves when it has arrived.
DRAG = """async ([handle, steps]) => {
  const track = handle.closest('.noUi-target').getBoundingClientRect(), grip = handle.getBoundingClientRect();
  const y = grip.y + grip.height / 2;
  const point = (target, type, x) => target.dispatchEvent(new MouseEvent(type,
    {clientX: x, clientY: y, buttons: 1, bubbles: true, cancelable: true}));
  const frame = () => new Promise(requestAnimationFrame);
  const rest = () => new Promise(done => setTimeout(done, 1000));
  point(handle.firstElementChild, 'mousedown', grip.x + grip.width / 2);
  point(document.documentElement, 'mousemove', track.x);
  await rest();
  watch.inputs.length = watch.paints.length = 0;
  watch.frames.clear();
  for (let step = 1; step <= steps; step++) {
    await frame();
    point(document.documentElement, 'mousemove', track.x + track.width * step / steps);
  }
  await rest(); await rest();
  point(document.documentElement, 'mouseup', track.x + track.width);
}"""


def _drag(sheet: Sheet, handle: Any, steps: int = DRAG_STEPS) -> tuple[float, float]:
    """Changed frames a second while the handle is dragged over its whole track, and the lag in ms at the end."""
    sheet.page.evaluate(DRAG, [handle.element_handle(), steps])
    rate, lag = sheet.page.evaluate(
        """() => { const first = watch.inputs[0], last = watch.inputs.at(-1);
                   const during = [...watch.frames].filter(t => t <= last), after = watch.paints.filter(t => t > last);
                   return [1000 * during.length / (last - first), after.length ? after[0] - last : 0]; }"""
    )
    return float(rate), float(lag)


def _measure(browser: Any, url: str, name: str, picture: str, table: bool | None) -> dict[str, Any]:
    sheet = Sheet(browser, url)
    sheet.open(f"{name}.ipynb")
    sheet.run_all()
    handle = _ready(sheet, picture)
    live = "document.querySelector('.live-figure').live"
    if table is False:  # every state goes through the kernel: no tables, and a row is forgotten for the next
        sheet.page.evaluate(f"() => {{ {live}.source.fill = null; {live}.cache.limit = 1; }}")
    if table is True:
        handle.focus()
        sheet.page.wait_for_function(f"() => {live}.cache.rows.size >= 100", timeout=60_000)
    keys = _key_to_paint(sheet, handle)
    rate, lag = _drag(sheet, handle)
    sheet.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    sheet.close()
    return {"keys": keys, "rate": rate, "lag": lag}


# The lesson's panel with its network as wide and deep as it goes, and a slider of many places in the hand.
WIDEST = """
from helpers import panels

panel = panels.{name}()
for name in ("depth", "width", "blocks", "length", "hidden"):
    if name in panel.controls:
        panel.set(**{{name: getattr(panel.controls[name], "max", None) or panel.controls[name].options[-1]}})
panel
"""


def _measure_panel(browser: Any, url: str, name: str) -> tuple[str, int, float]:
    """The slider that was dragged, the number of its places, and the frames a second, all from its table."""
    sheet = Sheet(browser, url)
    sheet.open(f"{name}.ipynb")
    sheet.run_all()
    handle = _ready(sheet, ".live-figure")
    live = "document.querySelector('.live-figure').live"
    label, place, count = sheet.page.evaluate(
        f"""() => {{ const sliders = [...document.querySelectorAll('.widget-slider, .widget-hslider')];
                     const isSlider = control => sliders.some(s => s.classList.contains(control.id));
                     const counts = {live}.controls.map(c => isSlider(c) ? c.count : 0);
                     const most = counts.indexOf(Math.max(...counts)), {{id}} = {live}.controls[most];
                     const slider = sliders.find(s => s.classList.contains(id));
                     return [slider.innerText.split('\\n')[0], sliders.indexOf(slider), counts[most]]; }}"""
    )
    handle = sheet.page.locator(".noUi-handle").nth(place)
    handle.focus()
    sheet.page.wait_for_function(
        f"() => {live}.hand >= 0 && !{live}.missing({live}.key(), {live}.hand).length", timeout=300_000
    )
    pixels = int(handle.evaluate("grip => grip.closest('.noUi-target').getBoundingClientRect().width"))
    rate, _ = _drag(sheet, handle, min(count - 1, pixels // 2))  # each step a new place, also in whole pixels
    sheet.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    sheet.close()
    return label, count, rate


CONTENDERS = {
    "panel, table hit": (PANEL, ".live-figure", True),
    "panel, through the kernel": (PANEL, ".live-figure", False),
    "FigureWidget": (FIGURE_WIDGET, ".js-plotly-plot", None),
    "interact + matplotlib": (INTERACT, ".jp-OutputArea", None),
}


def main() -> None:
    """Print the table; needs Chromium."""
    chromium = find_chromium()
    if chromium is None:
        print("browser: no Chromium found; install it (Debian: apt-get install chromium) to measure in JupyterLab")
        return
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp())
    (folder / "notebooks").mkdir()
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    try:
        for number, (code, _, _) in enumerate(CONTENDERS.values()):
            write_notebook(folder / "notebooks" / f"contender_{number}.ipynb", code)
        with start_lab(folder / "notebooks", folder) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
            _print_panels(folder, browser, url)
            for turn in range(ROUNDS):
                for number, (name, (_, picture, table)) in enumerate(CONTENDERS.items()):
                    print(f"  round {turn + 1} of {ROUNDS}: {name}", file=sys.stderr, flush=True)
                    results[name].append(_measure(browser, url, f"contender_{number}", picture, table))
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print(results)


def _print_panels(folder: Path, browser: Any, url: str) -> None:
    print(
        "\nevery lesson's main panel at its widest: frames a second while its longest slider is dragged, from its table"
    )
    for lesson, (name, *_) in PANELS.items():
        write_notebook(folder / "notebooks" / f"lesson_{lesson}.ipynb", WIDEST.format(name=name))
        label, count, rate = _measure_panel(browser, url, f"lesson_{lesson}")
        print(f"  lesson {lesson}, {label} ({count} places){rate:8.1f} /s", flush=True)


def _print(results: dict[str, list[dict[str, Any]]]) -> None:
    print(f"\nslider in JupyterLab, depth of a sigmoid network; medians of {ROUNDS} rounds, taken in turns")
    print(f"  {'':28s}{'key to paint':>14s}{'dragging':>14s}{'lag at the end':>16s}")
    medians = {}
    for name, rounds in results.items():
        key = statistics.median(value for each in rounds for value in each["keys"])
        rate = statistics.median(each["rate"] for each in rounds)
        lag = statistics.median(each["lag"] for each in rounds)
        medians[name] = key, rate
        print(f"  {name:28s}{key:11.0f} ms{rate:11.1f} /s{lag:13.0f} ms")
    (hit_key, hit_rate), (kernel_key, kernel_rate), (_, _), (interact_key, interact_rate) = medians.values()
    print(f"  table hit: {hit_rate:.0f} frames a second (goal ≥ 50), {hit_key:.0f} ms from key to paint (goal ≤ 25)")
    print(
        f"  through the kernel against interact + matplotlib: {interact_key / kernel_key:.1f} × sooner, "
        f"{kernel_rate / max(interact_rate, 1e-9):.1f} × the rate (goal ≥ 3)"
    )


if __name__ == "__main__":
    main()
