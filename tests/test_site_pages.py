"""The pages of the site: what they say, where they lead, what other programs read of them, and what a search finds."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from helpers import panels
from helpers.course import LESSONS, TITLE, notebooks
from helpers.lesson import my_map, my_progress
from helpers.panels import Panel
from helpers.publish import commands
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.running import Cell, read_cells
from helpers.publish.cells.widgets import widget_html
from helpers.publish.glossary import read_glossary
from helpers.publish.present.build import fit_figures
from helpers.publish.site.__main__ import addresses_of
from helpers.publish.site.addresses import Addresses, read_addresses
from helpers.publish.site.build import with_links_here
from helpers.publish.site.frame import GLOSSARY, GUIDE, Site
from helpers.publish.site.home import index_page, read_citation
from helpers.publish.site.pages import file_name, glossary_page, lesson_page
from helpers.publish.site.search import search_index
from helpers.publish.site.sections import plain_text
from helpers.publish.site.stills import HEIGHT, WIDTH, still
from helpers.publish.site.wording import INSTEAD, LEFT_OUT
from helpers.quiz import load_bank

PAGES = {lesson: file_name(path) for lesson, path in notebooks().items()}
SITE = Site(PAGES)
KNOWN = Site(
    PAGES, Addresses("https://example.org/course/", "https://github.com/me/course.git", "https://lite.example")
)


@cache
def page_of(lesson: str, known: bool = False) -> str:
    """A lesson's page, none of its cells run; `known`: with the addresses of `KNOWN`."""
    return lesson_page(read_cells(notebooks()[lesson]), BuildContext(lesson), KNOWN if known else SITE)


def ids(page: str) -> list[str]:
    return re.findall(r' id="([^"]+)"', page)


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", "", page)


# A lesson ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", PAGES)
def test_no_id_is_there_twice_and_the_contents_lead_to_each_section(lesson: str) -> None:
    page = page_of(lesson)
    assert [name for name, count in Counter(ids(page)).items() if count > 1] == []
    targets = re.findall(r'href="#([^"]+)"', page)
    assert set(targets) <= {*ids(page), "main"}
    headings = len(re.findall(r"<h[23] ", page))
    assert len([target for target in targets if target != "main"]) == headings > 3


def test_the_contents_hold_go_deeper_one_step_in_and_formulas_drawn() -> None:
    cells = [
        Cell("title", "markdown", "# 01 Title"),
        Cell("measure", "markdown", "Before.\n\n## Measure\n\nText.\n\n### Two neurons\n\nMore."),
        Cell("small", "markdown", "### Go deeper: is $10^{-12}$ small?", tags=frozenset({"deeper"})),
    ]
    page = lesson_page(cells, BuildContext("01"), SITE)
    contents = re.search(r'aria-label="On this page">(.*?)</nav>', page, re.DOTALL)[1]
    assert '<li><a href="#measure-heading">Measure</a></li><li><ol>' in contents
    assert '<li><a href="#two-neurons-heading">Two neurons</a></li>' in contents
    assert '<li class="site-is-deeper"><a href="#small">Is <math' in contents


def test_the_menu_has_titles_and_a_lesson_leads_on_and_back() -> None:
    page = page_of("03")
    menu = re.search(r'<nav aria-label="Lessons">(.*?)</nav>', page, re.DOTALL)[1]
    assert all(lesson.title.replace("'", "&#x27;") in menu for lesson in LESSONS.values())
    assert f'<a href="{PAGES["03"]}" aria-current="page">' in menu
    assert f'<a href="{PAGES["02"]}" rel="prev">' in page and f'<a href="{PAGES["04"]}" rel="next">' in page
    assert 'rel="prev"' not in page_of("00") and 'rel="next"' not in page_of(max(PAGES))


def test_the_notebook_can_be_downloaded_and_run_only_where_an_address_is_known() -> None:
    assert '<a class="site-button" href="notebooks/03_deep_sigmoid_nets.ipynb" download>' in page_of("03")
    assert "Run it in" not in page_of("03")
    name = "03_deep_sigmoid_nets.ipynb"
    links = dict(re.findall(r'href="([^"]+)">Run it in (\w+)<', page_of("03", known=True)))
    assert links == {
        f"https://lite.example/lab/index.html?path={name}": "JupyterLite",
        f"https://colab.research.google.com/github/me/course/blob/HEAD/notebooks/{name}": "Colab",
        f"https://mybinder.org/v2/gh/me/course/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2F{name}": "Binder",
    }


@pytest.mark.parametrize("lesson", PAGES)
def test_a_page_tells_nobody_to_run_a_cell(lesson: str) -> None:
    text = text_of(page_of(lesson))
    for words in ("Shift + Enter", "Run All", "Run these cells", "reload the page", "Not baked", ".ipynb`"):
        assert words not in text, words


def test_what_is_said_otherwise_on_a_page_stands_in_its_notebook() -> None:
    left_out = [(lesson, cell) for lesson, cells in LEFT_OUT.items() for cell in cells]
    for lesson, cell in [*INSTEAD, *left_out]:
        found = {each.id: each for each in read_cells(notebooks()[lesson])}
        assert cell in found, f"lesson {lesson} has no cell {cell} any more"
        if (lesson, cell) in INSTEAD and cell != "progress-intro":
            first = INSTEAD[lesson, cell].split("**")[0].partition("\n")[0]
            assert found[cell].source.startswith(first) or cell == "how-a-lesson-goes"


# What other programs read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page_of("03"), index_page(SITE), glossary_page(read_glossary(), SITE)])
def test_every_page_describes_itself(page: str) -> None:
    assert 60 < len(re.search(r'<meta name="description" content="([^"]+)">', page)[1]) < 320
    assert re.search(r'<meta property="og:title" content="[^"]+">', page)
    assert '<link rel="icon" href="assets/icon.svg" type="image/svg+xml">' in page
    assert "og:url" not in page and "og:image" not in page, "nobody knows where the pages are"
    assert "<noscript>" in page and "Content-Security-Policy" in page


def test_messengers_get_an_address_and_a_picture_where_the_site_has_one() -> None:
    page = page_of("03", known=True)
    assert '<meta property="og:url" content="https://example.org/course/03_deep_sigmoid_nets.html">' in page
    assert '<meta property="og:image" content="https://example.org/course/assets/network.png">' in page
    assert '<link rel="canonical" href="https://example.org/course/03_deep_sigmoid_nets.html">' in page


# Addresses -----------------------------------------------------------------------------------------------------------


def test_addresses_come_from_pyproject_and_the_command_line_goes_before(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    assert read_addresses(file) == Addresses()
    file.write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert read_addresses(file) == Addresses()
    file.write_text('[project.urls]\nSource = "https://github.com/a/b"\nOther = "https://c"\n', encoding="utf-8")
    assert read_addresses(file) == Addresses(source="https://github.com/a/b")
    chosen = commands.read("site", ["--source", "https://github.com/c/d", "--lite", "http://localhost:8000"])
    assert addresses_of(chosen) == Addresses(source="https://github.com/c/d", lite="http://localhost:8000")


def test_what_is_no_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.read("site", ["--address", "javascript:alert(1)"])
    assert "is not a web address" in capsys.readouterr().err


def test_only_a_repository_on_github_is_opened_by_colab_and_binder() -> None:
    assert Addresses(source="https://gitlab.com/a/b").to_run("x.ipynb") == []
    assert (
        Addresses(source="https://github.com/a/b/").to_run("x.ipynb")[0][1].endswith("/a/b/blob/HEAD/notebooks/x.ipynb")
    )


# The first page ------------------------------------------------------------------------------------------------------


def test_the_first_page_has_every_lesson_with_line_picture_and_notebook() -> None:
    page = index_page(SITE)
    for number, lesson in LESSONS.items():
        assert f'<a class="site-card" href="{PAGES[number]}"><img src="stills/{number}.svg"' in page
        assert lesson.shows[1:] in page
        assert f'href="notebooks/{number}_{lesson.slug}.ipynb" download>' in page
    assert f'<a class="site-button primary" href="{PAGES["00"]}">Start</a>' in page
    assert {GLOSSARY, GUIDE} <= set(re.findall(r'href="([^"#]+)"', page))


def test_the_first_page_is_printed_with_all_its_pictures() -> None:
    """Chromium prints no picture that it has not loaded yet."""
    assert "loading=" not in index_page(SITE)


def test_the_first_page_says_licence_authors_and_how_to_cite() -> None:
    cited, text = read_citation(), text_of(index_page(KNOWN))
    assert cited["title"] == TITLE and re.fullmatch(r"\d+\.\d+\.\d+", cited["version"])
    for words in ("BSD 3-Clause", "CC BY 4.0", cited["version"], cited["date-released"][:4], "example.org/course"):
        assert words in text


def test_the_moving_picture_rests_for_those_who_want_no_motion_and_on_paper() -> None:
    page = index_page(SITE)
    assert '<source media="(prefers-reduced-motion: reduce), print" srcset="assets/network.png">' in page
    assert re.search(r'<img src="assets/network.webp"[^>]* alt="[^"]{40,}"', page)


# Small pictures ------------------------------------------------------------------------------------------------------


def check_still(panel: Panel) -> ElementTree.Element:
    """A still that is small and the same each time, with nothing outside of it."""
    picture = still(panel)
    assert picture == still(panel)
    assert len(picture) < 16_000
    root = ElementTree.fromstring(picture)
    drawn = [each.get("d") for each in root.iter() if each.get("d")]
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", "".join(drawn)):
        assert 0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT
    assert len(drawn) >= 2
    return root


def test_a_still_shows_how_the_gradient_fades_towards_the_first_layer() -> None:
    root = check_still(panels.start_here())
    dots = [each for each in root.iter() if "h0" in each.get("d", "")]
    shade = {float(x): each.get("stroke") for each in dots for x in re.findall(r"M([\d.]+) ", each.get("d"))}
    first, last = shade[min(shade)], shade[max(shade)]
    assert sum(int(last[i : i + 2], 16) for i in (1, 3, 5)) > 1.5 * sum(int(first[i : i + 2], 16) for i in (1, 3, 5))


@pytest.mark.slow
@pytest.mark.parametrize("lesson", PAGES)
def test_every_lesson_has_a_still(lesson: str) -> None:
    check_still(getattr(panels, LESSONS[lesson].panels[0])())


# What a search finds -------------------------------------------------------------------------------------------------


def test_the_index_holds_every_section_at_an_address_that_exists() -> None:
    text = search_index(notebooks(), read_glossary(), PAGES)
    index = json.loads(text.removeprefix("globalThis.courseIndex=").removesuffix(";\n"))
    pages = {PAGES[lesson]: ids(page_of(lesson)) for lesson in PAGES}
    pages[GLOSSARY] = ids(glossary_page(read_glossary(), SITE))
    addresses = [*(row[2] for row in index["terms"]), *(row[1] for row in index["sections"])]
    for address in addresses:
        file, _, id = address.partition("#")
        assert id in pages[file], address
    assert len(addresses) == len(set(addresses))
    assert {row[0] for row in index["sections"]} == set(PAGES) and len(index["sections"]) > 100
    for _, address, title, text in index["sections"]:
        assert title and not re.search(r"[$\\]|\*\*|\]\(|<\w", title + text), address
    assert len(text) < 400_000


def test_what_is_searched_reads_like_the_page() -> None:
    assert plain_text("Take **10** of `x_1`, see [02](02_a.ipynb):\n\n- *one*") == "Take 10 of x_1, see 02: one"
    assert plain_text(r"about $10^{-12}$, $\sigma_w \cdot 3^2$") == "about 10⁻¹², sigmaw · 3²"
    fractions = r"$b = \ln\frac{f}{1 - f} \approx 1$, $\tfrac12$ of $e^{-x}$, $\frac{\sigma_w^2}{s^2}$"
    assert plain_text(fractions) == "b = ln f/(1 - f) ≈ 1, 1/2 of e^(-x), (sigmaw²)/s²"
    assert plain_text("a < b & c > d") == "a < b & c > d"
    assert plain_text("```python\ncode\n```\nText") == "Text"


# The map and the table of lesson 00 ----------------------------------------------------------------------------------


SHOWN_00 = {"map": lambda: (my_map(),), "progress": lambda: (my_progress(),)}


def shown_of(*views: object) -> tuple[str, dict[str, Any]]:
    context = BuildContext("00")
    return "".join(widget_html(view, context) for view in views), context.data


def test_the_table_of_lessons_leads_to_them_and_is_counted_by_the_page() -> None:
    page, _ = shown_of(my_progress())
    for number, file in PAGES.items():
        row = re.search(rf'<tr data-lesson="{number}" data-asked="([^"]+)"><td><a href="{file}">', page)
        asked = json.loads(html.unescape(row[1]))
        assert set(asked["questions"]) == {question.id for question in load_bank(number)}


def test_a_site_of_some_lessons_has_no_link_to_another() -> None:
    some = Site({number: PAGES[number] for number in ("00", "03")})
    text = f'<a href="{PAGES["03"]}#panel">here</a>, <a href="{PAGES["02"]}#x" target="_self">02, <b>not</b> here</a>'
    assert some.reachable(text) == f'<a href="{PAGES["03"]}#panel">here</a>, 02, <b>not</b> here'
    context = BuildContext("00")
    cells = [replace(cell, shown=SHOWN_00.get(cell.id, lambda: ())()) for cell in read_cells(notebooks()["00"])]
    page = lesson_page(cells, context, some)
    notes = with_links_here(context.data, some)
    linked = set(re.findall(r'href=\\?"(\d\d_\w+\.html)', page + json.dumps(notes)))
    assert linked == set(some.pages.values()) and LESSONS["02"].name in page


def test_the_titles_on_the_map_lead_to_the_lessons_of_page_and_notebook_but_not_on_slides() -> None:
    shown = my_map()
    in_notebook = [note.text for note in shown.figure.layout.annotations]
    _, data = shown_of(shown)
    (spec,) = (each["spec"] for each in data.values())
    on_page = [note["text"] for note in spec["figure"]["layout"]["annotations"]]
    for number, path in notebooks().items():
        assert any(f"<b>{number} <a href='{path.name}' target='_blank'>" in text for text in in_notebook)
        assert any(f'<b>{number} <a href="{PAGES[number]}" target="_self">' in text for text in on_page)
    fit_figures(data)
    assert not [note for note in spec["figure"]["layout"]["annotations"] if "<a" in note["text"]]
    assert [note.text for note in shown.figure.layout.annotations] == in_notebook
