"""Slides: how cells become slides, what every lesson's slides hold, and what the command answers."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from helpers import panels
from helpers.course import notebooks
from helpers.panels import PANELS
from helpers.publish.access import free_port
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildContext, BuildOptions
from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.pieces import Piece
from helpers.publish.cells.running import HIDE_INPUT, Cell, read_cells
from helpers.publish.cells.widgets import widget_html
from helpers.publish.present import slides
from helpers.publish.present.__main__ import main
from helpers.publish.present.build import build_slides, fit_figures, is_built, slides_page
from helpers.publish.present.projector import panel_of, write_projector_page
from helpers.publish.present.serving import PresentError
from helpers.publish.present.slides import slides_of
from helpers.publish.teacher import notes_of
from tests.browser.lab import ROOT

CONTEXT = BuildContext("01")


def text(id: str, slide: str, source: str = "") -> Cell:
    return Cell(id, "markdown", source or id, slide=slide)


def stacks_of(*cells: Cell) -> list[list[list[str]]]:
    """The blocks of the slides of the stacks, without their tags."""
    return [[[plain(block.html) for block in slide.blocks] for slide in stack] for stack in slides_of(cells, CONTEXT)]


def plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html).strip()


# Cutting -------------------------------------------------------------------------------------------------------------


def test_slide_types_decide() -> None:
    stacks = stacks_of(
        text("a", "slide"),
        text("b", "-"),
        text("c", "subslide"),
        text("d", "fragment"),
        text("e", "skip"),
        text("f", "slide"),
    )
    assert stacks == [[["a", "b"], ["c", "d"]], [["f"]]]


def test_fragments_come_later_unless_they_open_a_slide() -> None:
    (stack,) = slides_of([text("a", "slide"), text("b", "fragment"), text("c", "subslide", "p\n\nq")], CONTEXT)
    assert [[block.fragment for block in slide.blocks] for slide in stack] == [[False, True], [False, False]]
    (stack,) = slides_of([text("a", "fragment")], CONTEXT)
    assert not stack[0].blocks[0].fragment


def test_a_panel_has_a_slide_of_its_own() -> None:
    still = panels.still(panels.start_here().live.figure)
    figure = Cell("p", "code", "panels.still(figure)", slide="-", tags=frozenset({HIDE_INPUT}), shown=(still,))
    (stack,) = slides_of([text("before", "slide"), figure, text("after", "fragment")], BuildContext("01"))
    assert [slide.is_full for slide in stack] == [False, True, False]
    assert "site-figure" in stack[1].blocks[0].html
    assert not stack[2].blocks[0].fragment


def test_notes_go_with_all_slides_up_to_the_next_notes_or_the_end_of_their_section() -> None:
    cells = [
        text("a", "slide", "## One"),
        text("b", "subslide"),
        text("c", "subslide"),
        text("d", "slide"),
        text("e", "slide", "## Two"),
    ]
    first, continued, second = slides_of(cells, CONTEXT, {"a": "n1", "c": "n2"})
    assert [slide.notes for slide in first] == [["n1"], ["n1"], ["n2"]]
    assert [slide.notes for slide in continued + second] == [["n2"], []]
    assert [slide.part for slide in first] == ["One"] * 3


def test_the_whole_lesson_holds_its_go_deeper_sections() -> None:
    deeper = Cell("b", "markdown", "### Go deeper: b", slide="subslide", tags=frozenset({DEEPER}))
    assert stacks_of(text("a", "slide"), deeper, text("c", "slide")) == [[["a"], ["Go deeper: b"]], [["c"]]]


def test_code_that_only_shows_stays_away_and_its_output_doesnt() -> None:
    cells = [
        Cell("sum", "code", "print(1 + 1)", slide="slide", text="2\n"),
        Cell("shows", "code", "timeline()", slide="subslide", tags=frozenset({HIDE_INPUT}), shown=({"a": 1},)),
    ]
    assert stacks_of(*cells) == [[["print(1 + 1)", "2"], ["{&#x27;a&#x27;: 1}"]]]


def test_a_page_has_notes_for_the_speaker_and_no_links_to_other_lessons() -> None:
    slides = slides_of([text("a", "slide", "# 01 Title\n\nSee [two](02_x.ipynb).")], CONTEXT, {"a": "Ask first."})
    page = slides_page("01", slides)
    assert re.search(r'<aside class="notes"><p>Ask first\.</p>\s*</aside>', page)
    assert "See two." in page
    assert page.count("<section>") == page.count("</section>") == 2


def test_the_foot_of_a_slide_names_no_slide() -> None:
    page = slides_page("05", slides_of([text("a", "slide", "## Slide"), text("b", "slide", "## Measure")], CONTEXT))
    assert re.findall('<div class="foot">(.*?)</div>', page) == [
        "05 Initialization · Panel",
        "05 Initialization · Measure",
    ]


# Every lesson --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", notebooks())
def test_every_lesson_makes_slides_with_notes_beside_its_parts(lesson: str) -> None:
    cells = read_cells(notebooks()[lesson])
    bound = notes_of(notebooks()[lesson], cells)
    stacks = slides_of(cells, BuildContext(lesson), bound)
    slides = [slide for stack in stacks for slide in stack]
    assert len(stacks) == sum(cell.slide == "slide" for cell in cells)
    assert len(slides) >= 10
    assert all(slide.blocks and slide.part for slide in slides)
    notes = {note for slide in slides for note in slide.notes}
    assert notes == set(bound.values())
    noted = [slide for slide in slides if slide.notes]
    assert len(noted) >= (2 if lesson == "00" else 0.7 * len(slides))


def test_a_tall_figure_becomes_lower_so_that_its_type_stays_large() -> None:
    page = BuildContext("05")
    for height in (700, 360):
        widget_html(panels.still(panels.jacobian_singular_values().live.figure.update_layout(height=height)), page)
    fit_figures(page.data)
    assert [each["spec"]["figure"]["layout"]["height"] for each in page.data.values()] == [560, 360]


@pytest.mark.slow
def test_the_slides_of_a_lesson_are_written_once(tmp_path: Path) -> None:
    notebook, folder, options = notebooks()["00"], tmp_path / "slides", BuildOptions(Fineness(0.02), quick=True)
    assert not is_built(notebook, folder, options)
    page = build_slides(notebook, folder, BuildContext("00", options))
    assert is_built(notebook, folder, options)
    assert not is_built(notebook, folder, BuildOptions(Fineness(0.03), quick=True))
    written = page.read_text(encoding="utf-8")
    for file in re.findall(r'(?:src|href)="([^":#]+)"', written):
        assert (folder / file).is_file(), file
    assert "Permission is hereby granted" in (folder / "assets/reveal/LICENSE").read_text(encoding="utf-8")
    assert "<section class" not in written, "reveal.js takes any section for a slide"
    page.write_text("", encoding="utf-8")
    assert not is_built(notebook, folder, options), "an emptied page is made anew"


# The command ---------------------------------------------------------------------------------------------------------


def test_an_unknown_lesson_and_an_unknown_panel_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["77"]) == 1
    assert "There is no lesson '77': use one of 00, 01" in capsys.readouterr().err
    assert main(["04", "--panel", "cliff"]) == 1
    assert "Lesson 04 has no panel 'cliff': use one of relu, relu_schemes, born_dead." in capsys.readouterr().err


def test_the_main_panel_is_taken_where_none_is_named() -> None:
    assert [panel_of(lesson) for lesson in PANELS] == [names[0] for names in PANELS.values()]
    assert panel_of("04", "born_dead") == "born_dead"
    with pytest.raises(PresentError, match="leave out --panel"):
        panel_of("77")


@pytest.mark.parametrize("text", ["1.5", "-0.1", "nan", "half"])
@pytest.mark.parametrize("command", [["present", "03"], ["site"]], ids=str)
def test_a_part_that_is_none_is_named(command: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, *words = command
    with pytest.raises(SystemExit):
        import_module(f"helpers.publish.{module}.__main__").main([*words, f"--part={text}"])
    assert f"argument --part: {text!r} is not a share of states: give a number from 0 to 1" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["03", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"present: Port {port} is taken by another program: leave out --port, or give another such as "
        f"--port {port % 65535 + 1}.\n"
    )
    assert free_port(port, 1) == port


@pytest.mark.parametrize("lesson", PANELS)
def test_the_projector_shows_the_main_panel(lesson: str, tmp_path: Path) -> None:
    write_projector_page(tmp_path, panel_of(lesson))
    (cell,) = read_cells(tmp_path / "panel.ipynb")
    assert cell.source.endswith(f"for_projector(panels.{PANELS[lesson][0]}())")
    assert (tmp_path / "projector.html").is_file()


def test_what_runs_cells_and_bakes_panels_does_without_nbconvert() -> None:
    """It loads for seconds, in each process anew."""
    modules = "helpers.publish.present.__main__, helpers.publish.cells.lessons"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; assert 'nbconvert' not in sys.modules"], check=True)


def test_start_py_hands_the_words_on() -> None:
    answer = subprocess.run([sys.executable, ROOT / "start.py", "present", "--help"], capture_output=True, text=True)
    assert answer.returncode == 0
    assert "python start.py present 04 --panel born_dead" in answer.stdout


@pytest.mark.parametrize(("printed", "shows"), [("layer 1: 9e-10", True), ("", False)])
def test_a_cell_that_prints_keeps_its_code_beside_a_comparison(printed: str, shows: bool) -> None:
    piece = Piece("comparison", "Layer 1 …")
    cell = Cell("measure", "code", 'print(norms)\ncompare("03", norms[0])', text=printed, shown=(piece,))
    assert slides._shows_code(cell, CONTEXT) is shows
