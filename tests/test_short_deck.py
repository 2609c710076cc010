"""The short deck: what of a lesson is on it, what stands beside its panels, and how many slides every lesson has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from helpers.course import LESSONS, notebooks
from helpers.panels import PANELS
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.pieces import Kind, Piece
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.present.short import SHORT, at_home, short_deck, with_beside
from helpers.publish.present.slides import Slide
from helpers.publish.teacher import notes_of

CALLS: dict[Kind, str] = {
    "prediction": r'\bpredict\("([\w-]+)"',
    "comparison": r'\bcompare\("([\w-]+)"',
    "panel": r"\bpanels\.(\w+)\(",
    "quiz": r'\bquiz\("(\d\d)"',
}


def as_if_run(lesson: str) -> list[Cell]:
    """The cells of a lesson, with a mark such as <panel relu> in place of each thing that they would show."""
    return [replace(cell, shown=tuple(_marks(cell, lesson))) for cell in read_cells(notebooks()[lesson])]


def _marks(cell: Cell, lesson: str) -> list[Piece]:
    found = []
    for kind, call in CALLS.items() if cell.kind == "code" else ():
        for name in re.findall(call, cell.source):
            if kind != "panel" or name in PANELS[lesson]:
                html = f'<{kind} {name} aria-label="{name}"></{kind}><div class="site-controls"></div>'
                found.append(Piece(kind, html, prediction=name if kind != "panel" else ""))
    return found


def deck_of(cells: Sequence[Cell], lesson: str = "01", **notes: str) -> list[Slide]:
    return [slide for stack in short_deck(cells, BuildContext(lesson), notes) for slide in stack]


def html_of(slide: Slide) -> str:
    return "".join(block.html for block in slide.blocks)


def text(id: str, source: str, slide: str = "slide", tags: frozenset[str] = frozenset()) -> Cell:
    return Cell(id, "markdown", source, slide=slide, tags=tags)


def panel(id: str, name: str, slide: str = "-") -> Cell:
    html = f'<div><div class="site-presets"><b>Try</b> {BUTTONS}</div><div class="site-controls">{name}</div></div>'
    return Cell(id, "code", f"panels.{name}()", slide=slide, shown=(Piece("panel", html),))


BUTTONS = (
    '<button type="button" data-preset="0">deep &amp; narrow</button>'
    '<button type="button" data-preset="1">PyTorch&#x27;s default</button>'
)
HEADING = re.compile("<h2[^>]*>(.*?)</h2>")
TITLE = text(
    "title", "# 01 What is it?\n\nA lesson.\n\nAfter it you can\n\n1. say it;\n2. do it.\n\nIn class: 45 minutes."
)


# Every lesson --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", notebooks())
def test_every_lesson_has_at_most_eighteen_slides_with_all_that_a_class_sees(lesson: str) -> None:
    cells = as_if_run(lesson)
    slides = deck_of(cells, lesson, **notes_of(notebooks()[lesson], cells))
    pages = [html_of(slide) for slide in slides]
    assert 4 <= len(slides) <= 18
    assert slides[0].blocks[0].html.startswith("<h1") and LESSONS[lesson].name in pages[0]
    assert slides[-1].part == "At home" and "python start.py" in pages[-1]
    assert slides[-2].part == "Take-away" and "<li>" in pages[-2] or lesson == "00"
    shown = [piece for cell in cells if DEEPER not in cell.tags for piece in cell.shown]
    for piece in shown:
        times = sum(page.count(piece.html.partition("</")[0]) for page in pages)
        assert times == (piece.kind != "quiz"), piece
    assert not re.search('class="highlight"|<panel .*<panel ', "\n".join(pages)), "neither code nor two panels"
    assert any(slide.notes for slide in slides)


@pytest.mark.parametrize("lesson", notebooks())
def test_beside_every_panel_stands_what_to_try(lesson: str) -> None:
    cells = as_if_run(lesson)
    with_panels = [html_of(slide) for slide in deck_of(cells, lesson) if "<panel " in html_of(slide)]
    beside = [page.partition('<div class="beside">')[2].partition("</div>")[0] for page in with_panels]
    assert beside and all(len(each) > 60 for each in beside)
    lists = sum(bool(re.match("What to try|1. ", cell.source)) and DEEPER not in cell.tags for cell in cells)
    assert sum("<ol>" in each for each in beside) == lists


@pytest.mark.parametrize("lesson", [lesson for lesson in notebooks() if lesson != "00"])
def test_every_myth_ends_with_its_verdict(lesson: str) -> None:
    slides = [slide for slide in deck_of(as_if_run(lesson), lesson) if slide.part == "Myth check"]
    headings = [re.findall("<h2[^>]*>(.*?)</h2>", slide.blocks[0].html) for slide in slides]
    numbers = [f" {number} of {len(slides)}" for number in range(1, len(slides) + 1)] if len(slides) > 1 else [""]
    assert slides and headings == [[f"Myth check{number}"] for number in numbers]
    for slide in slides:
        assert re.search("<strong>(Verdict|False|True|Not)", slide.blocks[-1].html) or len(slide.blocks) > 2
        assert slide.blocks[-1].fragment and not slide.blocks[0].fragment


# What becomes of a cell ----------------------------------------------------------------------------------------------


def test_the_title_has_the_goals_and_not_the_minutes() -> None:
    (slide, *_) = deck_of([TITLE])
    page = html_of(slide)
    assert "<li>say it;</li>" in page and "After it you can" in page
    assert "45 minutes" not in page and LESSONS["01"].shows[1:] in page


def test_a_state_that_is_named_beside_the_panel_becomes_its_button() -> None:
    steps = text("try", "What to try:\n\n1. *PyTorch's default*, then *slowly* to the left.\n\nAfterwards.", "subslide")
    slides = deck_of([TITLE, text("slide", "## Slide\n\nIntro."), panel("p", "definition"), steps])
    page = html_of(slides[1])
    beside = page.partition('<div class="beside">')[2].partition('<div class="site-controls">')[0]
    assert '<li><button type="button" data-preset="1">PyTorch&#x27;s default</button>, then <em>slowly</em>' in beside
    left = '<button type="button" data-preset="0">deep &amp; narrow</button>'
    assert beside.endswith(f'<div class="site-presets"><b>Try</b> {left}</div></div>')
    assert page.count("<button") == 2 and page.index("beside") < page.index("definition")
    assert "Intro." not in page and slides[1].notes == ["## Slide\n\nIntro."], "the speaker says it"
    assert "Afterwards." in html_of(slides[2])


def test_a_panel_without_steps_has_the_text_before_it_beside_it() -> None:
    cells = [TITLE, text("slide", "## Slide\n\nClick anywhere."), panel("p", "x"), text("p-seen", "It falls.", "-")]
    shown, seen = deck_of(cells)[1:3]
    assert '<div class="beside"><p>Click anywhere.</p>' in html_of(shown)
    assert html_of(seen) == "<h2>What the panel shows</h2><p>It falls.</p>\n"


def test_a_panel_below_the_title_has_the_first_paragraph_after_it_beside_it() -> None:
    shown, seen = deck_of([TITLE, panel("p", "x"), text("reading", "First.\n\nSecond.", "fragment")])[1:3]
    assert '<div class="beside"><p>First.</p>' in html_of(shown)
    assert html_of(seen).endswith("<p>Second.</p>\n")


def test_with_beside_keeps_no_empty_row_of_buttons() -> None:
    shown = panel("p", "x").shown[0].html
    page = with_beside(shown, "<p><em>deep &amp; narrow</em> and <em>PyTorch's default</em></p>")
    assert "site-presets" not in page and page.count("<button") == 2


def predicted(*ids: str, slide: str = "-") -> Cell:
    return Cell(
        f"ask-{ids[0]}", "code", "", slide=slide, shown=tuple(Piece("prediction", i, prediction=i) for i in ids)
    )


def compared(id: str) -> Cell:
    piece = Piece("comparison", f"<details><summary>Show</summary>{id}</details>", prediction=id)
    return Cell(f"compare-{id}", "code", "compute()", slide="subslide", text=f"said {id}\n", shown=(piece,))


def test_what_was_asked_on_one_slide_is_answered_on_one() -> None:
    cells = [
        *(TITLE, text("predict", "## Predict\n\nGuess."), predicted("01", "03"), text("ask", "Again.", "subslide")),
        *(predicted("08"), text("measure", "## Measure\n\nWe count."), compared("08"), compared("01")),
        *(text("measure-seen", "Many.", "fragment"), compared("03")),
    ]
    asked, again, measured, both, _ = map(html_of, deck_of(cells)[1:])
    assert "Guess." in asked and asked.endswith("0103") and again.endswith("08") and "Again." in again
    assert "said 08" in measured and "compute()" not in measured and "We count." not in measured
    assert "An LSTM of 64 units" in measured, "the question is asked again"
    both = re.sub('<p class="asked">(A \\w+) .*?</p>', r" \1 ", both)
    expected = "Measure A chain Show said 01 01 Many. A network Show said 03 03"
    assert re.sub("<[^>]*>", " ", both).split() == expected.split()
    assert re.search("</summary>.*said 01.*</details>.*</summary>.*said 03.*</details>$", both, re.DOTALL)


def test_what_a_comparison_draws_has_its_own_slide_and_long_tables_are_cut() -> None:
    rows = "".join(f"<tr><td>{name}</td><td>of {name}</td></tr>" for name in ("evidence", "limit", "remedy"))
    printed = Piece("other", f"<p>Verdict</p><table>{rows}</table><p>second</p><table>{rows}</table>")
    drawn = Piece("figure", '<div class="site-figure"></div>')
    with_both = [
        replace(compared(id), text="", slide="-", shown=(printed, drawn, *compared(id).shown)) for id in ("01", "03")
    ]
    cells = [TITLE, text("m", "## Measure"), predicted("01", "03"), with_both[0]]
    cells += [text("seen", "It bends.", "fragment"), with_both[1]]
    slides = deck_of(cells)[2:-1]
    told, shown, again, shown_again = map(html_of, slides)
    assert slides[1].is_full and shown == drawn.html + "<p>It bends.</p>\n" and shown_again == drawn.html
    for page in (told, again):
        before, _, fold = page.partition("</summary>")
        assert "site-figure" not in page and "Verdict" not in before, "a class answers before it sees the verdict"
        assert fold.count("of evidence") == 2 and "of limit" not in fold and "of remedy" not in fold
        assert LESSONS["01"].notebook in fold


def test_a_table_of_one_row_is_shown_whole() -> None:
    printed = Piece("other", "<table><tr><td>1</td></tr></table>")
    cells = [TITLE, text("m", "## Measure"), replace(compared("01"), shown=(printed, *compared("01").shown))]
    assert printed.html in html_of(deck_of(cells)[1]) and LESSONS["01"].notebook not in html_of(deck_of(cells)[1])


@pytest.mark.parametrize("lesson", notebooks())
def test_a_slide_shows_the_button_that_it_names_and_no_row_of_formulas_beside_a_panel(lesson: str) -> None:
    for page in map(html_of, deck_of(as_if_run(lesson), lesson)):
        if "<panel " in page:
            assert '<mspace width="1em"' not in page.partition('<div class="beside">')[2].partition("</div>")[0]
        else:
            assert not re.search("[Pp]ress <em>", page), page


def test_a_myth_about_a_game_follows_the_slide_with_the_game() -> None:
    pages = [html_of(slide) for slide in deck_of(as_if_run("09"), "09")]
    myth = next(place for place, page in enumerate(pages) if "The same game once more" in page)
    assert any("400 rounds" in page for page in pages[:myth])


def test_what_a_panel_shows_stands_under_its_name() -> None:
    for lesson in notebooks():
        headings = [
            found[1] for slide in deck_of(as_if_run(lesson), lesson) if (found := HEADING.search(html_of(slide)))
        ]
        assert "What the panel shows" not in headings
        assert max((headings.count(name) for name in PANELS[lesson]), default=0) <= 1


def test_remarks_that_lead_to_what_is_left_out_are_left_out() -> None:
    for lesson in notebooks():
        pages = [html_of(slide) for slide in deck_of(as_if_run(lesson), lesson)[:-1]]
        assert not any("Go deeper" in page for page in pages), lesson


def test_a_class_answers_a_myth_before_it_sees_numbers() -> None:
    claim = text("myth", '**"It falls."** Does it?')
    cells = [
        TITLE,
        text("m", "## Myth check"),
        claim,
        Cell("run", "code", "", text="0.5\n"),
        text("v", "**True.**", "-"),
    ]
    slide = deck_of(cells)[1]
    assert [block.fragment for block in slide.blocks] == [False, False, True, True]


@pytest.mark.parametrize(("lines", "count"), [(3, 1), (30, 0)])
def test_a_few_lines_that_the_cell_before_has_printed_stand_beside_the_comparison(lines: int, count: int) -> None:
    printed = Cell("print", "code", "print(norms)", text="layer\n" * lines)
    cells = [TITLE, text("m", "## Measure"), printed, replace(compared("01"), text="", slide="-")]
    assert html_of(deck_of(cells)[1]).count("output") // 2 == count


def test_cells_with_the_tag_are_on_the_deck_and_go_deeper_sections_are_named_at_its_end() -> None:
    cells = [
        *(TITLE, text("map", "## The map\n\nAll lessons.")),
        text("more", "Kept.", "-", frozenset({SHORT})),
        text("deeper", "### Go deeper: the proof", "subslide", frozenset({DEEPER})),
        Cell("write", "code", 'def f(): ...\n\ncheck("f", f)', slide="slide"),
    ]
    pages = [html_of(slide) for slide in deck_of(cells)]
    assert "Kept." in pages[1] and "All lessons." not in "".join(pages)
    assert "<strong>Go deeper:</strong> the proof" in pages[-1] and "<code>f</code>" in pages[-1]
    assert "<strong>Next time:</strong> 02 Activation derivatives" in pages[-1]
    assert "Next time" not in html_of(at_home([], list(LESSONS.values())[-1]))


def test_sources_go_to_the_speaker() -> None:
    slide = deck_of([TITLE, text("take-away", "## Take-away\n\n- It falls.\n\n**Sources.** Somebody (1991).")])[1]
    assert "It falls." in html_of(slide) and "Somebody" not in html_of(slide)
    assert slide.notes == ["**Sources.** Somebody (1991)."]
