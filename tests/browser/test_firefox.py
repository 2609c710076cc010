"""The picture in Firefox: it stands, moves with the slider, plays, and nothing goes wrong on the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers import panels
from helpers.arrays import Array
from helpers.course import notebooks
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.site.build import build_site
from helpers.publish.site.pages import file_name
from tests.browser.firefox import FIGURES_REST, Firefox, find_firefox, firefox
from tests.browser.lab import write_notebook
from tests.browser.test_picture import INK, SHOWN, STRIP
from tests.unpacking import unpack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
READY = """() => { const [sheet] = window.jupyterapp?.shell?.widgets('main') ?? [];
                   window.jupyterapp?.shell?.activateById(sheet?.id);
                   return sheet?.sessionContext?.session?.kernel?.status === 'idle'; }"""
"""A window that nobody looks at has no current notebook, so it is made that first."""
RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
SLIDER = """kind => {
  const handle = document.querySelector(kind === 'lab' ? '.noUi-handle' : '.live-panel .site-control input');
  handle.scrollIntoView({block: 'center'});
  const { x, y, width, height } = handle.getBoundingClientRect();
  const at = kind === 'lab' ? 0.5 : (handle.value - handle.min) / (handle.max - handle.min);
  return [x + (kind === 'lab' ? width / 2 : 8 + at * (width - 16)), y + height / 2]; }"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Firefox]:
    found = find_firefox()
    if found is None:
        pytest.skip("no Firefox found: install it (Debian: apt-get install firefox-esr)")
    with firefox(found, tmp_path) as opened:
        yield opened


def drag_and_play(page: Firefox, kind: str, screenshot: Path) -> None:
    """Drag the first slider to the left; the picture follows, and a pulse plays and ends as it began."""
    page.wait_for(FIGURES_REST)
    page.wait_for(f"() => {STRIP}.seen && !{STRIP}.running")
    before, ink = page.evaluate(SHOWN), page.evaluate(INK)
    x, y = page.evaluate(SLIDER, kind)
    page.drag((x, y), (x - 60, y))
    page.wait_for(FIGURES_REST)
    page.wait_for(f"() => !{STRIP}.running")
    after = page.evaluate(SHOWN)
    assert after[0]["columns"] < before[0]["columns"] and page.evaluate(INK) != ink
    levels = [-np.inf if level is None else level for level in after[0]["level"]]
    np.testing.assert_allclose(levels, levels_at(after[0]["last"]), atol=1e-4)
    rest = page.evaluate(INK)
    assert page.evaluate(f"() => {{ document.querySelector('.live-net-play').click(); return {STRIP}.running; }}")
    page.wait_for(f"() => !{STRIP}.running")
    assert page.evaluate(INK) == rest
    page.screenshot(screenshot)
    assert page.errors == []


def levels_at(depth: int) -> Array:
    """What lesson 03's panel shows of each layer at a depth, as Python has it."""
    twin = panels.deep_sigmoid_nets()
    twin.set(depth=depth)
    return unpack(twin.data["net"].packed()).level


def test_in_jupyterlab(page: Firefox, lab: str, workshop: Path, tmp_path: Path) -> None:
    write_notebook(workshop / "firefox.ipynb", "from helpers import panels\npanels.deep_sigmoid_nets()")
    page.open(f"{lab}/doc/tree/firefox.ipynb?reset")
    page.wait_for(READY)
    page.evaluate(RUN)
    page.wait_for("() => document.querySelector('.live-figure')?.live?.strip?.ready")
    drag_and_play(page, "lab", tmp_path / "lab.png")


@pytest.mark.exhaustive
def test_on_the_site(page: Firefox, tmp_path: Path) -> None:
    site = build_site(tmp_path / "site", ("03",), BuildOptions(Fineness(0.02), quick=True)).parent
    page.open((site / file_name(notebooks()["03"])).as_uri())
    page.evaluate("() => document.querySelector('.live-panel').scrollIntoView()")
    page.wait_for("() => 'ready' in (document.querySelector('.site-figure')?.dataset ?? {})")
    drag_and_play(page, "site", tmp_path / "site.png")
