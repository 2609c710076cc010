"""Every lesson as a new user meets it: run all cells in JupyterLab, move every slider, see the picture follow."""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.publish.cells.running import HIDE_INPUT
from tests.browser.lab import ROOT, Sheet, write_notebook
from tests.tiers import first_slow

pytestmark = pytest.mark.browser
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def without_experiments(folder: Path, lesson: str) -> str:
    """The name of a copy with no code left but the imports and the cells that only show something and need no other."""
    notebook = nbformat.read(folder / lesson, as_version=4)
    imports = next(cell for cell in notebook.cells if cell.cell_type == "code")
    known = {*dir(builtins), *compile(imports.source, "imports", "exec").co_names}

    def stays(cell: Any) -> bool:
        if cell.cell_type != "code" or cell is imports:
            return True
        names = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
        made = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        only_shows = HIDE_INPUT in cell.metadata.get("tags", ()) and {name.id for name in names} <= known | made
        known.update(made if only_shows else ())
        return only_shows

    notebook.cells = [cell for cell in notebook.cells if stays(cell)]
    nbformat.write(notebook, folder / f"shown_{lesson}")
    return f"shown_{lesson}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_control_of_a_lesson_moves_the_picture(
    open_sheet: Callable[..., Sheet], workshop: Path, lesson: str
) -> None:
    """In JupyterLab run the cells that show something; the others run as tests of the notebook."""
    run_and_move_all(open_sheet(), without_experiments(workshop, lesson))


@pytest.mark.parametrize("lesson", first_slow(sorted(LESSONS, key=lambda name: not name.startswith("10"))))
def test_a_whole_lesson_runs_and_each_of_its_controls_moves_the_picture(
    open_sheet: Callable[..., Sheet], lesson: str
) -> None:
    """In JupyterLab run all cells; lesson 10 has pictures that are drawn while it trains, and takes the least time."""
    run_and_move_all(open_sheet(), lesson)


def test_the_first_picture_moves_after_one_click_and_one_press(open_sheet: Callable[..., Sheet]) -> None:
    """On opening lesson 00 a still picture stands under the first lines, which name the press; no code is seen."""
    sheet = open_sheet(width=1366, height=768)
    sheet.open("00_start_here.ipynb")
    sheet.wait_for_kernel()
    page = sheet.page
    still = page.locator(".jp-OutputArea img").first
    still.wait_for()
    page.wait_for_function("() => document.querySelector('.jp-OutputArea img').naturalWidth > 0")
    assert "Click on the picture below and press Shift + Enter" in page.locator(".jp-MarkdownOutput").first.inner_text()
    below = [still.bounding_box(), page.locator(".jp-MarkdownOutput").first.bounding_box()]
    assert all(box and box["y"] + box["height"] < 768 for box in below)
    cell = page.locator(".jp-CodeCell").first
    assert not cell.locator(".jp-InputArea-editor").is_visible()
    assert cell.locator(".jp-InputPlaceholder").inner_text().startswith("# "), "a folded cell shows its first line"
    still.click()
    page.keyboard.press("Shift+Enter")
    sheet.wait_for_rest()
    page.locator(".noUi-handle").first.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.live-figure').dataset.state === '[10]'")
    assert cell.locator("img").count() == 0
    assert not sheet.console


def run_and_move_all(sheet: Sheet, notebook: str) -> None:
    sheet.open(notebook)
    sheet.run_all()
    panels = sheet.page.locator(".live-panel")
    sheet.wait_for_rest(panels.count())
    assert panels.count() >= 1
    for number in range(panels.count()):
        panel = panels.nth(number)
        figure = panel.locator(".live-figure")
        for place in range(panel.locator(".noUi-handle").count()):
            before = figure.get_attribute("data-state")
            handle = panel.locator(".noUi-handle").nth(place)
            at_its_lowest = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
            handle.press("ArrowRight" if at_its_lowest else "ArrowLeft")
            sheet.page.wait_for_function(
                "([figure, before]) => figure.dataset.state !== before && figure.dataset.phase === 'rest'",
                arg=[figure.element_handle(), before],
                timeout=30_000,
            )
    assert not sheet.console
    assert not sheet.outside, "a lesson must not ask for anything outside this machine"


def first_and_last(sheet: Sheet) -> list[float]:
    """The measured line as Plotly holds it: its first and its last value."""
    return list(
        sheet.page.evaluate(
            """() => { const live = document.querySelector('.live-figure').live;
                       const trace = live.plot._fullData.find(t => t.name === 'measured');
                       const known = Array.from(trace.y).filter(v => v !== null && !Number.isNaN(v));
                       return [known[0], known.at(-1), known.length]; }"""
        )
    )


def moving_path(sheet: Sheet) -> str:
    """The measured line as drawn at this moment, by the overlay or by Plotly."""
    return str(
        sheet.page.evaluate(
            """() => { const live = document.querySelector('.live-figure').live;
                       const trace = live.plot._fullData.find(t => t.name === 'measured');
                       const group = live.plot.querySelector('.scatterlayer .trace' + trace.uid);
                       const shown = [...group.querySelectorAll('.live-lines path, .lines path')]
                         .filter(p => p.closest('g').style.display !== 'none');
                       return shown.map(p => p.getAttribute('d')).join(''); }"""
        )
    )


def test_the_panel_of_lesson_03_follows_the_mouse_and_the_arrow_keys(
    open_sheet: Callable[..., Sheet], workshop: Path
) -> None:
    """The panel stands alone: its kernel computes the places of its sliders, and those of no other panel first."""
    sheet = open_sheet()
    write_notebook(workshop / "panel_03.ipynb", "from helpers import panels\npanels.deep_sigmoid_nets()")
    sheet.open("panel_03.ipynb")
    sheet.run_all()
    sheet.wait_for_rest()
    handle = sheet.page.locator(".live-panel .noUi-handle").first  # depth
    handle.scroll_into_view_if_needed()
    start = first_and_last(sheet)

    handle.focus()
    for _ in range(10):
        handle.press("ArrowRight")
    sheet.page.wait_for_function(
        "depth => JSON.parse(document.querySelector('.live-figure').dataset.state)[0] === depth",
        arg=start[2] + 10 - 1,
    )
    sheet.wait_for_rest()
    deeper = first_and_last(sheet)
    assert deeper[2] == start[2] + 10
    assert deeper[0] < start[0] - 5, "ten layers more must cost more than five decades"

    table = "() => document.querySelector('.live-figure').live.cache.rows.size >= 90"
    sheet.page.wait_for_function(table, timeout=60_000)  # the places of depth, computed while nothing else is
    box = handle.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    sheet.page.mouse.move(x, y)
    sheet.page.mouse.down()
    drawn = set()
    for step in range(1, 16):
        sheet.page.mouse.move(x - 8 * step, y)
        sheet.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        drawn.add(moving_path(sheet))
    assert len(drawn) > 8, "the line does not follow the mouse"
    sheet.page.mouse.up()
    sheet.wait_for_rest()
    shallower = first_and_last(sheet)
    assert shallower[2] < deeper[2] - 5
    assert shallower[0] > deeper[0] + 3
    state = json.loads(sheet.page.locator(".live-figure").first.get_attribute("data-state") or "[]")
    assert state[0] == shallower[2] - 1
    assert sheet.page.locator(".live-panel .widget-readout").first.inner_text() == str(shallower[2])
    assert not sheet.console
