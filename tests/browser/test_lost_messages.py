"""LiveFigure where the connection to the kernel is cut, or the kernel itself goes."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Sheet, write_notebook

pytestmark = pytest.mark.browser
OpenSheet = Callable[..., Sheet]

# A slider with so many places that a drag comes to some that are in no table yet.
CELL = """
import os, ipywidgets, plotly.graph_objects as go
from helpers.live import LiveFigure

slider = ipywidgets.IntSlider(0, 0, 5000)
figure = go.Figure(go.Scatter(x=[0, 1, 2], name="line")).update_yaxes(range=[0, 5000])
live = LiveFigure(figure, {"n": slider}, lambda n: {"line": [n, n, n], "summary": f"n is {n}"})
ipywidgets.VBox([slider, live])
"""

# A socket that is cut neither sends nor receives any more, and closes a moment later, as one whose cable is pulled.
SOCKETS = """
  const sockets = [], Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      sockets.push(this);
      this.addEventListener("message", (event) => this.cut && event.stopImmediatePropagation());
    }
    send(data) { if (!this.cut) super.send(data); }
  };
  window.cutSockets = (milliseconds) => {
    const open = sockets.filter((socket) => socket.readyState === Real.OPEN);
    for (const socket of open) socket.cut = true;
    setTimeout(() => { for (const socket of open) socket.close(); }, milliseconds);
  };
"""

DRAG = """async ([places, cutAt, milliseconds]) => {
  const [control] = document.querySelector(".live-figure").live.controls;
  for (const [i, place] of places.entries()) {
    control.set(place);
    if (i === cutAt) window.cutSockets(milliseconds);
    await new Promise((done) => setTimeout(done, 15));
  } }"""

IN_KERNEL = """async (code) => {
  const future = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code });
  let out = "";
  future.onIOPub = (message) => { out += message.content.text ?? ""; };
  await Promise.race([future.done.catch(() => {}), new Promise((done) => setTimeout(done, 5000))]);
  return out.trim(); }"""

STANDS = """() => { const { live } = document.querySelector(".live-figure");
                    return [live.controls[0].get(), JSON.parse(live.el.dataset.state)[0]]; }"""


@pytest.fixture
def sheet(open_sheet: OpenSheet, workshop: Path, request: pytest.FixtureRequest) -> Sheet:
    notebook = write_notebook(workshop / f"{request.node.name}.ipynb", CELL)  # so that no test gets another's kernel
    sheet = open_sheet(alone=True)  # the script runs where a page loads, and must not stay on the shared one
    sheet.page.add_init_script(SOCKETS)
    sheet.open(notebook.name)
    sheet.run_all()
    sheet.wait_for_rest()
    return sheet


def in_kernel(sheet: Sheet, code: str) -> str:
    return str(sheet.page.evaluate(IN_KERNEL, code))


def where(sheet: Sheet) -> tuple[str, str, str]:
    """The place of the slider in the browser, in the picture and in the kernel."""
    slider, picture = sheet.page.evaluate(STANDS)
    return str(slider), str(picture), in_kernel(sheet, "print(slider.value)")


def cut_in_a_drag(sheet: Sheet, chance: random.Random) -> tuple[str, str, str]:
    """Where slider, picture and kernel stand once they agree, or after a minute."""
    start, step = chance.randrange(4000), chance.randrange(1, 20)
    places = [start + step * i for i in range(40)]
    sheet.page.evaluate(DRAG, [places, chance.randrange(len(places)), chance.randrange(80)])
    return settled(sheet)


def settled(sheet: Sheet) -> tuple[str, str, str]:
    for _ in range(120):
        stands = where(sheet)
        if len(set(stands)) == 1:
            break
        sheet.page.wait_for_timeout(500)
    return stands


def moves(sheet: Sheet) -> bool:
    """Whether the next drag reaches picture and kernel."""
    place = sheet.page.evaluate(STANDS)[0] + 1
    sheet.page.evaluate(DRAG, [[place, place + 1, place + 2], -1, 0])
    return settled(sheet) == (str(place + 2),) * 3


def test_slider_picture_and_kernel_agree_after_a_cut(sheet: Sheet) -> None:
    stands = cut_in_a_drag(sheet, random.Random(0))
    assert len(set(stands)) == 1, stands
    assert moves(sheet)
    sheet.wait_for_rest()


def notice(sheet: Sheet) -> str:
    """What the panel says of its kernel, as soon as it says anything."""
    sheet.page.wait_for_function("() => !document.querySelector('.live-notice').hidden", timeout=60_000)
    return sheet.page.locator(".live-notice").inner_text()


RESTART = "async () => await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["restarted", "killed"])
def test_where_the_kernel_has_gone_the_panel_says_so(sheet: Sheet, end: str) -> None:
    if end == "restarted":
        sheet.page.evaluate(RESTART)
    else:
        in_kernel(sheet, f"os.kill(os.getpid(), {int(signal.SIGKILL)})")
    sheet.page.evaluate(DRAG, [[20, 2000], -1, 0])
    assert "Run the cell again" in notice(sheet)
    if end == "killed":
        sheet.page.reload()  # JupyterLab may miss that the server has started it anew
        sheet.page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for(timeout=60_000)
    sheet.wait_for_kernel()
    sheet.run_all()
    sheet.wait_for_rest()
    assert not sheet.page.locator(".live-notice").is_visible()
    assert moves(sheet)


@pytest.mark.slow
def test_while_the_kernel_is_busy_a_panel_that_lags_says_so(sheet: Sheet) -> None:
    busy = "kernel => { kernel.requestExecute({ code: 'import time; time.sleep(12)' }); }"
    sheet.page.evaluate(f"() => ({busy})(window.jupyterapp.shell.currentWidget.sessionContext.session.kernel)")
    sheet.page.evaluate(DRAG, [[20, 2000], -1, 0])
    assert "busy with another cell" in notice(sheet)
    sheet.wait_for_rest()
    assert not sheet.page.locator(".live-notice").is_visible()
    assert where(sheet) == ("2000", "2000", "2000")


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_a_hundred_cuts(sheet: Sheet) -> None:
    chance = random.Random(1)
    failures: list[Any] = []
    for number in range(100):
        stands = cut_in_a_drag(sheet, chance)
        if len(set(stands)) > 1 or not moves(sheet):
            failures.append((number, stands, where(sheet)))
    assert not failures
