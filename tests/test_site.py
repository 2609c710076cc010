"""The static site: which states are baked, that their values are the engine's, and what a page is made of."""

from __future__ import annotations

import filecmp
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import panels
from helpers.course import notebooks
from helpers.live.browser import PLOTLY, TRACES
from helpers.panels import PANELS, Panel
from helpers.publish.cells.assets import classic_script, write_assets
from helpers.publish.cells.bake import Fineness, anchors, axes, panel_frame, states_of, table_of
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.running import HIDE_INPUT, Cell, NotebookError, read_cells, run_cells
from helpers.publish.cells.states import Axis, Budget, State, main_axis, spread, states_to_bake
from helpers.publish.cells.text import code_html, markdown_html
from helpers.publish.cells.widgets import widget_html
from helpers.publish.html import data_script
from helpers.publish.site.build import SiteError, build_site
from helpers.publish.site.frame import Site
from helpers.publish.site.pages import lesson_page
from tests.site_reader import data_in, expected_row, opened
from tools.renew_plotly import version_of, whole

ROOT = Path(__file__).resolve().parents[1]

EVERY_PANEL = [name for names in PANELS.values() for name in names]


def panel_data(panel: Panel, tag: str, states: Sequence[State]) -> dict[str, Any]:
    """All data of a panel that its page needs, with the table of rows for these states."""
    return {**panel_frame(panel, tag), "table": table_of(panel.live, states)}


# Which states --------------------------------------------------------------------------------------------------------

AXES = [Axis("depth", 100, True), Axis("scheme", 6, False), Axis("gain", 45, True), Axis("on", 2, False)]
ANCHORS = [(9, 1, 20, 0), (59, 3, 21, 1), (79, 1, 40, 0)]


@pytest.mark.parametrize("states", [50, 300, 1000, 5000])
def test_states_keep_to_the_budget_and_hold_what_is_worth_seeing(states: int) -> None:
    chosen = states_to_bake(AXES, ANCHORS, Budget(states))
    assert len(chosen) == len(set(chosen)) <= 1.05 * states + 40
    assert set(ANCHORS) <= set(chosen)
    assert chosen == sorted(chosen)
    assert all(0 <= place < axis.count for state in chosen for place, axis in zip(state, AXES, strict=True))
    if states >= 300:
        assert {(place, *ANCHORS[0][1:]) for place in range(100)} <= set(chosen), "the main slider moves in full steps"


def test_a_larger_budget_crosses_more_values_of_every_control() -> None:
    small, large = (states_to_bake(AXES, ANCHORS, Budget(states)) for states in (300, 6000))
    for number in range(len(AXES)):
        assert len({state[number] for state in small}) <= len({state[number] for state in large})
    crossed = {state[1:] for state in large}
    assert {(scheme, gain, on) for scheme in range(6) for gain in (0, 22, 44) for on in (0, 1)} <= crossed


def test_held_controls_stay_where_they_are_told_in_the_grid() -> None:
    chosen = states_to_bake(AXES, ANCHORS[:1], Budget(2000, held={"gain": [20]}))
    crossed = [state for state in chosen if state[1] != ANCHORS[0][1] and state[0] != ANCHORS[0][0]]
    assert crossed
    assert {state[2] for state in crossed} == {20}


def test_the_main_slider_is_the_first_long_one() -> None:
    assert main_axis(AXES) == 0
    assert main_axis([Axis("trained", 11, True), Axis("distance", 20, True), Axis("loss", 3, False)]) == 1


@pytest.mark.parametrize(("count", "wanted"), [(100, 7), (5, 9), (2, 2), (101, 3)])
def test_spread_has_both_ends(count: int, wanted: int) -> None:
    places = spread(count, wanted)
    assert (places[0], places[-1]) == (0, count - 1)
    assert len(places) == min(count, wanted)


# The tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", EVERY_PANEL)
def test_baked_values_are_those_of_the_engine(name: str) -> None:
    """A hundred states of each panel; five of each in tests/browser/test_site.py, as they are drawn."""
    panel: Panel = getattr(panels, name)()
    dice = random.Random(name)
    states = states_of(panel, Fineness())
    chosen = dice.sample(states, min(100, len(states)))
    data = panel_data(panel, name, chosen)
    keys, notes, rows = opened(data["table"])
    fresh: Panel = getattr(panels, name)()  # nothing remembered
    for key, note, row in zip(keys, notes, rows, strict=True):
        values = fresh.live.values_of(key)
        result = fresh.live.compute(**values)
        assert note["summary"] == result.get("summary", "")
        np.testing.assert_allclose(row, expected_row(fresh, result), rtol=2e-5, atol=1e-30, err_msg=str(values))


def test_a_panel_as_data_names_the_same_places_in_every_build() -> None:
    first, second = (panel_data(panels.definition(), "01-1", [(19, 9, 60, 0, 0)]) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert first["controls"][0]["labels"][:3] == ["1", "2", "3"]
    assert first["controls"][3]["labels"][0] == "sigmoid"
    assert first["presets"][0] == {0: 3, 1: 9, 2: 60, 3: 0, 4: 0}


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_PANEL)
def test_every_preset_is_baked_and_the_name_finds_the_budget(name: str) -> None:
    panel: Panel = getattr(panels, name)()
    assert panel.name == name
    states = set(states_of(panel, Fineness()))
    assert set(anchors(panel)) <= states
    assert len(anchors(panel)[0]) == len(axes(panel))


# Notebooks -----------------------------------------------------------------------------------------------------------


def write_cells(path: Path, *sources: str, tags: Sequence[str] = ()) -> Path:
    """A notebook of code cells; `tags` are those of its first cells."""
    metadata = [{"tags": [tag]} for tag in tags] + [{}] * (len(sources) - len(tags))
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": own, "source": source}
        for n, (source, own) in enumerate(zip(sources, metadata, strict=True))
    ]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


def test_cells_run_in_order_and_tell_what_they_print_and_show(tmp_path: Path) -> None:
    cells = run_cells(write_cells(tmp_path / "n.ipynb", "x = 20", "print(x)\nx + 1", "def f():\n    return x\n\n\nf()"))
    assert [(cell.text, cell.shown) for cell in cells] == [("", ()), ("20\n", (21,)), ("", (20,))]


def test_imports_in_a_cell_that_shows_something_are_a_cell_of_their_own(tmp_path: Path) -> None:
    """Pages, slides and decks know the imports by their slide type, and show the rest."""
    (tmp_path / "n.ipynb").write_text((ROOT / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8"))
    imports, panel = (cell for cell in read_cells(tmp_path / "n.ipynb") if cell.id in ("imports", "panel"))
    assert imports.slide == "skip" and "import glob" in imports.source and "panel = " not in imports.source
    assert panel.slide == "-" and panel.only_shows and panel.source == "panel = panels.start_here()\npanel"


def test_what_a_cell_displays_is_shown_as_in_a_notebook(tmp_path: Path) -> None:
    diagnose = (
        "import torch\nfrom helpers.doctor import diagnose, watch\n"
        "model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))\n"
        "inputs, targets = torch.ones(5, 4), torch.zeros(5, dtype=torch.long)\n"
        "diagnose(model, torch.nn.functional.cross_entropy, inputs, targets).show()"
    )
    look_on = (
        "with watch(model):\n    torch.nn.functional.cross_entropy(model(inputs), targets).backward()\n"
        "    torch.optim.SGD(model.parameters()).step()"
    )
    two = "from IPython.display import display\ndisplay(1)\n2"
    cells = run_cells(write_cells(tmp_path / "n.ipynb", diagnose, look_on, two))
    assert [cell.text for cell in cells] == ["", "", ""]
    assert cells[2].shown == (1, 2)
    diagnosis, watched = ("".join(widget_html(each, BuildContext("11")) for each in cell.shown) for cell in cells[:2])
    assert "Verdict: <b>" in diagnosis
    assert "object at 0x" not in diagnosis + watched, "where things lie in memory differs from build to build"
    assert diagnosis.count('class="site-figure"') == watched.count('class="site-figure"') == 1


def test_links_of_a_diagnosis_lead_to_pages() -> None:
    import ipywidgets

    shown = ipywidgets.HTML("<a href='notebooks/01_definition.ipynb' target='_blank'>notebooks/01_definition.ipynb</a>")
    assert '<a href="01_definition.html">' in widget_html(shown, BuildContext("11"))


def test_a_cell_that_raises_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"n\.ipynb, cell c1: ZeroDivisionError"):
        run_cells(write_cells(tmp_path / "n.ipynb", "x = 0", "1 / x"))
    with pytest.raises(NotebookError, match=r"n\.ipynb, cell c0: SyntaxError"):
        run_cells(write_cells(tmp_path / "n.ipynb", "x ="))
    with pytest.raises(KeyboardInterrupt):
        run_cells(write_cells(tmp_path / "n.ipynb", "raise KeyboardInterrupt"))


def test_quick_runs_what_is_tagged(tmp_path: Path) -> None:
    shows = "from helpers import panels\npanels.__name__"
    path = write_cells(tmp_path / "n.ipynb", shows, "missing", "x = 1\nx", tags=[HIDE_INPUT, HIDE_INPUT])
    assert [cell.shown for cell in run_cells(path, quick=True)] == [("helpers.panels",), (), ()]
    with pytest.raises(NotebookError, match="cell c1: NameError"):
        run_cells(path)


def test_a_notebook_leaves_the_program_that_runs_it_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main, place, shown = sys.modules["__main__"], Path.cwd(), sys.displayhook
    (cell,) = run_cells(write_cells(tmp_path / "n.ipynb", "import os, sys\nprint('out')\nsys.stderr.write('err');"))
    assert cell.text == "out\n" and capfd.readouterr() == ("", "")
    assert (sys.modules["__main__"], Path.cwd(), sys.displayhook) == (main, place, shown)
    assert not InteractiveShell.initialized()


# Text ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", notebooks().values(), ids=lambda path: path.stem)
def test_no_formula_is_left_as_source(path: Path) -> None:
    for cell in read_cells(path):
        if cell.kind == "markdown":
            page = markdown_html(cell.source)
            assert page.count("<math") == len(cell.source.replace("$$", "$").split("$")[1::2])
            assert "\\" not in page.replace("\\(", ""), cell.id


def test_markdown_links_to_pages_and_escapes() -> None:
    page = markdown_html("## One *two*\n\n[next](01_definition.ipynb) <script>alert(1)</script>")
    assert '<h2 id="one-two-heading">' in page
    assert 'href="01_definition.html"' in page
    assert "<script>" not in page


def test_code_is_highlighted() -> None:
    assert '<span class="k">for</span>' in code_html("for x in y:\n    pass")


def test_live_js_becomes_a_classic_script(tmp_path: Path) -> None:
    script = classic_script("export class Live {}\nexport default {};\nfunction unpackRows() {}\n")
    assert "export" not in script
    write_assets(tmp_path / "assets")
    text = (tmp_path / "assets" / "live.js").read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if line.startswith(("export", "import "))]


# Pages ---------------------------------------------------------------------------------------------------------------


def test_what_needs_a_kernel_says_so_and_text_is_escaped() -> None:
    import ipywidgets

    page = BuildContext("01")
    assert "needs the running course" in widget_html(ipywidgets.Button(), page)
    assert widget_html({"<": 1}, page) == "<pre>{&#x27;&lt;&#x27;: 1}</pre>"


def test_a_page_folds_imports() -> None:
    cells = [
        Cell("title", "markdown", "# 01 Title"),
        Cell("imports", "code", "import math", slide="skip"),
        Cell("sum", "code", "print(1 + 1)", text="2\n"),
    ]
    page = lesson_page(cells, BuildContext("01"), Site({"01": "01_definition.html"}))
    assert page.count("<details>") == 1
    assert '<pre class="output" tabindex="0" aria-label="output">2</pre>' in page


def test_a_go_deeper_section_is_one_closed_fold_with_its_title_as_summary() -> None:
    tags = frozenset({DEEPER})
    cells = [
        Cell("title", "markdown", "# 01 Title"),
        Cell("first", "markdown", "### Go deeper: one\n\nOnly **here**.", tags=tags),
        Cell("sum", "code", "print(1 + 1)", text="2\n", tags=tags),
        Cell("second", "markdown", "### Go deeper: two", tags=tags),
        Cell("main", "markdown", "Back on the main line."),
    ]
    page = lesson_page(cells, BuildContext("01"), Site({"01": "01_definition.html"}))
    folds = re.findall(r'<details class="site-deeper">(.*?)</details>', page, flags=re.DOTALL)
    assert len(folds) == 2 and " open" not in "".join(re.findall("<details[^>]*>", page))
    assert re.match(r'<summary id="first"><h3 [^>]*>Go deeper: one</h3>\s*</summary>', folds[0])
    assert "<strong>here</strong>" in folds[0] and 'aria-label="output">2</pre>' in folds[0]
    assert "Back on the main line." in page and "Back on the main line." not in "".join(folds)


def test_figures_that_look_alike_share_their_look() -> None:
    data: dict[str, Any] = {"question-1": {"answers": []}}
    for number, panel in enumerate((panels.start_here(), panels.definition())):
        data[f"0{number}-1"] = panel_data(panel, f"0{number}-1", anchors(panel)[:1])
    written = json.loads(json.dumps(data))
    script = data_script(data)
    assert script.count('"colorway"') == 1 or script.count('"hoverlabel"') == 1
    assert data_in(script) == written and json.loads(json.dumps(data)) == written


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_a_browser_reads_the_looks_that_figures_share() -> None:
    data = {tag: {"spec": {"figure": {"layout": {"template": {"a": 1}}}}} for tag in ("x", "y")}
    shown = f"{data_script({**data, 'q': {}})}\nconsole.log(JSON.stringify(courseData))"
    answer = subprocess.run(["node", "-e", shown], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == {**data, "q": {}}


# plotly.js -----------------------------------------------------------------------------------------------------------


def test_our_plotly_js_is_of_the_version_that_the_package_ships_and_the_file_that_the_sources_name() -> None:
    assert version_of(PLOTLY) == version_of(whole())
    sources = (ROOT / "data" / "SOURCES.md").read_text(encoding="utf-8")
    assert f"plotly.js {version_of(PLOTLY)} (Plotly" in sources
    assert hashlib.sha256(PLOTLY.read_bytes()).hexdigest() in sources
    assert "Permission is hereby granted" in PLOTLY.with_name("LICENSE").read_text(encoding="utf-8")
    assert PLOTLY.stat().st_size < 1_600_000


@pytest.mark.parametrize("name", EVERY_PANEL)
def test_our_plotly_js_draws_every_panel(name: str) -> None:
    panel: Panel = getattr(panels, name)()
    assert {trace.type for trace in panel.live.figure.data} <= TRACES


def test_figures_make_no_other_traces() -> None:
    made = set()
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        if "doctor" not in path.parts:  # it writes pages of its own, with the whole library
            made |= set(re.findall(r"\bgo\.([A-Z]\w+)", path.read_text(encoding="utf-8")))
    assert {each.lower() for each in made} - {"figure", "layout"} <= TRACES


# Building ------------------------------------------------------------------------------------------------------------


def test_an_unknown_lesson_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="lesson is '77'; it must be one of 00, 01"):
        build_site(tmp_path / "site", ("77",))


def files_under(folder: Path) -> Sequence[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_site_built_twice_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        build_site(folder, ("02",), BuildOptions(Fineness(0.02)))
    names = files_under(first)
    assert names == files_under(second)
    assert {"index.html", "02_activation_derivatives.html", "tables/02.js", "assets/plotly.js"} <= set(names)
    assert filecmp.cmpfiles(first, second, names, shallow=False) == (names, [], [])
    page = (first / "02_activation_derivatives.html").read_text(encoding="utf-8")
    assert "Show what was measured" in page, "the notebook's experiments have run"
    for file in (path for path in first.glob("*.html") if path.name != "guide.html"):
        for link in re.findall(r'(?:href|src|srcset)="([^"#:]+)[#"]', file.read_text(encoding="utf-8")):
            assert link in names, f"{file.name} names {link}"
