"""What stands around the lessons on the site: contents, menu, search, answers that are kept, phones and paper."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from helpers.course import notebooks
from helpers.progress.exchange import read
from helpers.publish.site.pages import file_name
from helpers.quiz import load_bank, load_predictions
from tests.browser.test_site import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = ("00", "01", "03")
PAGES = {lesson: file_name(notebooks()[lesson]) for lesson in LESSONS}
WIDTHS = (390, 800, 1366, 1920)
BESIDE_THE_TEXT = (1340, 700)  # pixels of a window of 1366 × 768


@pytest.fixture
def visit(browser: Any, site: Path) -> Iterator[Any]:
    yield from visiting(browser, site)


def await_true(page: Page, condition: str) -> None:
    """Wait until an expression is true. The pages' policy forbids the way in which playwright asks again by itself."""
    ends = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < ends, condition
        page.wait_for_timeout(50)


def go_to(here: Visit, site: Path, page: str, place: str = "") -> None:
    here.page.goto((site / page).as_uri() + place)


# Finding one's way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_contents_leads_there_and_stands_beside_the_text_where_there_is_room(
    visit: Any, width: int
) -> None:
    here = visit(PAGES["01"], width=width)
    fold, main = here.page.locator(".site-contents details"), here.page.locator("main")
    beside = width >= 1152
    assert fold.evaluate("e => e.open") is beside
    if not beside:
        fold.locator("summary").click()
    box = here.page.locator(".site-contents").bounding_box()
    assert (box["x"] + box["width"] <= main.bounding_box()["x"]) is beside
    here.page.get_by_role("navigation", name="On this page").get_by_role("link", name="Take-away").click()
    await_true(here.page, "Math.abs(document.getElementById('take-away').getBoundingClientRect().top) < 300")
    assert here.page.evaluate("scrollX") == 0
    assert here.wrong == []


def test_a_link_to_a_place_in_a_fold_opens_it(visit: Any, site: Path) -> None:
    here = visit("index.html")
    go_to(here, site, PAGES["01"], "#measure-steps-deeper")
    await_true(here.page, "document.getElementById('measure-steps-deeper').parentElement.open")


def test_the_menu_opens_by_keyboard_and_closes_again(visit: Any) -> None:
    here = visit(PAGES["01"])
    menu = here.page.locator(".site-menu")
    menu.locator("summary").press("Enter")
    assert menu.get_by_role("link", name="03 Deep sigmoid networks").is_visible()
    here.page.keyboard.press("Escape")
    assert not menu.get_by_role("link", name="Glossary").is_visible()
    menu.locator("summary").click()
    here.page.mouse.click(*BESIDE_THE_TEXT)
    assert not menu.get_by_role("link", name="Glossary").is_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["index.html", *PAGES.values(), "glossary.html"])
def test_nothing_is_wider_than_the_window_and_text_and_panels_share_their_edges(
    visit: Any, page: str, width: int
) -> None:
    here = visit(page, width=width)
    assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edges = here.page.evaluate(
        """() => [...document.querySelectorAll('.site-text, .site-code, .site-code > .site-figure')]
             .filter(e => !e.closest('.site-deeper')).map(e => e.getBoundingClientRect()).filter(r => r.width)
             .map(r => [Math.round(r.left), Math.round(r.right)])"""
    )
    assert len({tuple(each) for each in edges}) <= 1
    lines = here.page.evaluate(
        """() => [...document.querySelectorAll('.site-text p, main > section > p')]
             .filter(p => p.offsetParent && !p.querySelector('math')).map(p => {
               const lines = Math.max(1, Math.round(p.offsetHeight / parseFloat(getComputedStyle(p).lineHeight)));
               return p.textContent.trim().length / lines; })"""
    )
    assert max(lines, default=0) < 82


@pytest.mark.parametrize("width", [360, 768, 900])
def test_the_open_menu_is_no_wider_than_the_window(visit: Any, width: int) -> None:
    here = visit(PAGES["01"], width=width)
    here.page.locator(".site-menu summary").click()
    box = here.page.get_by_role("navigation", name="Lessons").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_a_table_of_a_diagnosis_and_the_guide_wrap_on_a_phone(visit: Any, site: Path) -> None:
    here = visit(PAGES["01"], width=360)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    row = "<td>threshold<td>update over weight: 3.5e-09 (our measurement; tests/test_doctor_of_a_long_name.py)"
    here.page.evaluate("row => { document.querySelector('.site-code').innerHTML += `<table>${row}</table>`; }", row)
    assert here.page.evaluate(fits)
    go_to(here, site, "guide.html")
    assert here.page.evaluate(fits)


def test_without_javascript_the_contents_open_by_mouse(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto((site / PAGES["01"]).as_uri())
    page.locator(".site-contents summary").click()
    assert page.get_by_role("link", name="Take-away").is_visible()
    context.close()


def test_a_table_wider_than_a_phone_scrolls_by_keyboard(visit: Any) -> None:
    here = visit(PAGES["01"], width=360)
    table = here.page.locator(".site-text table[tabindex='0']").first
    table.press("ArrowRight")
    await_true(here.page, "document.querySelector('.site-text table[tabindex]').scrollLeft > 0")
    here.page.set_viewport_size({"width": 1366, "height": 900})
    await_true(here.page, "!document.querySelector('.site-text table[tabindex]')")


# Searching -----------------------------------------------------------------------------------------------------------


def test_a_search_by_keyboard_from_a_file_finds_the_term_and_the_section(visit: Any) -> None:
    asked: list[str] = []
    here = visit(PAGES["01"])
    here.page.on("request", lambda request: asked.append(request.url))
    here.page.wait_for_timeout(300)
    assert not any("search_index" in url for url in asked), "loaded only when it is used"
    here.page.keyboard.press("/")
    here.page.keyboard.type("vanishing gradient")
    found = here.page.locator("#site-found")
    found.locator("a").first.wait_for()
    assert len([url for url in asked if "search_index" in url]) == 1
    first = found.locator("a").first
    assert first.inner_text().startswith("Glossary") and first.locator("mark").count()
    assert "places" in found.get_by_role("status").inner_text()
    texts = [each.inner_text() for each in found.locator("a").all()]
    assert any("01 What is a vanishing gradient?" in text for text in texts)
    for _ in range(3):
        here.page.keyboard.press("ArrowDown")
    here.page.keyboard.press("ArrowUp")
    assert here.page.evaluate("document.activeElement === document.querySelectorAll('#site-found a')[1]")
    here.page.keyboard.press("Escape")
    assert not found.is_visible()
    here.page.keyboard.type(" ")
    found.locator("a").first.wait_for()
    here.page.keyboard.press("Enter")
    here.page.wait_for_url("**/glossary.html#term-*")
    assert here.wrong == []


def test_a_search_that_finds_nothing_says_so_and_runs_nothing(visit: Any) -> None:
    here = visit("index.html")
    field = here.page.get_by_role("searchbox")
    field.fill("<img src=x onerror=alert(1)> zzz")
    status = here.page.locator("#site-found").get_by_role("status")
    status.get_by_text("Nothing found").wait_for()
    assert here.page.locator("#site-found img").count() == 0
    field.fill("")
    assert not here.page.locator("#site-found").is_visible()
    assert here.wrong == []


# Answers -------------------------------------------------------------------------------------------------------------


def answer_some(here: Visit) -> tuple[str, str]:
    """Answer the first choice of lesson 01 right and the second wrong, and give their ids."""
    questions = load_bank("01")
    places = [n for n, question in enumerate(questions) if question.type == "multiple_choice"][:2]
    for number, right in zip(places, (True, False), strict=True):
        form = here.page.locator(".site-quiz form").nth(number)
        chosen = next(n for n, answer in enumerate(questions[number].presented()) if answer.correct is right)
        form.locator("input").nth(chosen).check()
        form.get_by_role("button", name="Check").click()
    return questions[places[0]].id, questions[places[1]].id


def test_answers_are_there_again_counted_saved_and_deleted(visit: Any, site: Path) -> None:
    here = visit(PAGES["01"])
    right, wrong = answer_some(here)
    slider = here.page.locator(".site-prediction input[type=range]").first
    slider.press("Home")
    here.page.get_by_role("button", name="Keep my prediction").first.click()

    here.page.reload()
    assert here.page.locator(f"#question-{right} ~ .site-feedback .lesson-right").count() == 1
    assert here.page.locator(f"#question-{wrong} ~ .site-feedback .lesson-wrong").count() == 1
    assert here.page.locator(".lesson-score").inner_text().startswith("1 of ")
    assert "predicted this earlier" in here.page.locator(".site-prediction").first.inner_text()
    assert here.page.locator(".site-prediction output").first.inner_text() != "move it"

    go_to(here, site, "index.html")
    count = len(load_bank("01"))
    card = here.page.locator(".site-lessons li", has=here.page.locator('[data-lesson="01"]'))
    assert f"2 of {count} questions answered, 1 right" in card.inner_text()
    assert here.page.get_by_role("link", name="Go on with lesson 01").get_attribute("href").endswith(PAGES["01"])
    go_to(here, site, PAGES["00"])
    cells = here.page.locator('.site-progress tr[data-lesson="01"] td').all_inner_texts()
    assert cells[1:] == ["✓ 1 of 1", f"1 of {count}"]

    go_to(here, site, "index.html")
    with here.page.expect_download() as download:
        here.page.get_by_role("button", name="Save as a file").click()
    content = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename.startswith("gradient-course-")
    tables, left_out = read("export.json", content)
    assert left_out == []
    assert [(row["question"], row["correct"]) for row in tables["answer"]] == [(right, True), (wrong, False)]
    (kept,) = tables["prediction"]
    assert kept["given"] == pytest.approx(10 ** load_predictions()[kept["prediction"]].low)

    here.page.once("dialog", lambda dialog: dialog.accept())
    here.page.get_by_role("button", name="Delete my answers").click()
    assert not here.page.get_by_role("button", name="Delete my answers").is_visible()
    go_to(here, site, PAGES["01"])
    assert here.page.locator(".site-feedback .lesson-verdict").count() == 0
    assert here.wrong == []


def test_every_kind_of_answer_comes_back_as_it_was_given(visit: Any) -> None:
    here = visit(PAGES["01"])
    for form, question in zip(here.page.locator(".site-quiz form").all(), load_bank("01"), strict=True):
        if question.type == "open":
            form.locator("textarea").fill("My own words.")
            form.get_by_role("button", name="Check").click()
            form.locator(".site-rubric input").first.check()
        elif question.type == "ordering":
            form.get_by_role("button", name="up").nth(1).click()
        elif question.type == "numeric":
            form.locator("input").fill("1/4")
        elif question.type == "many_choice":
            form.locator("input").nth(0).check()
            form.locator("input").nth(1).check()
        else:
            form.locator("input").last.check()
        form.get_by_role("button", name="Check").click()
    feedback = here.page.locator(".site-quiz .site-feedback").all_inner_texts()
    assert all(feedback)
    here.page.reload()
    assert here.page.locator(".site-quiz .site-feedback").all_inner_texts() == feedback
    assert here.wrong == []


def test_a_browser_that_keeps_nothing_says_so_and_the_quiz_still_works(browser: Any, site: Path) -> None:
    context = browser.new_context(offline=True)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((site / PAGES["01"]).as_uri())
    form = page.locator(".site-quiz form").first
    form.locator("input").first.check()
    form.get_by_role("button", name="Check").click()
    assert form.locator(".lesson-verdict").count() == 1
    page.goto((site / "index.html").as_uri())
    page.get_by_text("This browser keeps nothing for these pages").wait_for()
    assert wrong == []
    context.close()


# Without JavaScript, on a phone, on paper ----------------------------------------------------------------------------


def test_a_reader_without_javascript_can_read_and_meets_no_dead_button(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((site / PAGES["01"]).as_uri())
    assert page.locator("noscript").count() == 1  # this way of switching scripts off doesn't show what it holds
    assert page.get_by_role("heading", name="Take-away").is_visible()
    assert not page.locator("#theme").is_visible() and not page.get_by_role("searchbox").count()
    context.close()


def test_the_numbers_of_questions_stand_clear_of_the_text_on_a_phone(visit: Any) -> None:
    here = visit(PAGES["01"], width=390)
    gaps = here.page.evaluate(
        """() => [...document.querySelectorAll('.lesson-number')].map(number => {
             const range = document.createRange(), text = number.nextSibling;
             range.selectNode(text);
             return range.getClientRects()[0].left - number.getBoundingClientRect().right; })"""
    )
    assert len(gaps) >= 10 and min(gaps) >= 3


def test_all_plots_are_drawn_before_anybody_scrolls_so_that_print_is_whole(visit: Any) -> None:
    here = visit(PAGES["03"])
    assert here.page.evaluate("scrollY") == 0
    await_true(
        here.page,
        "[...document.querySelectorAll('.site-figure')].filter(e => e.clientWidth).every(e => 'ready' in e.dataset)",
    )


def test_paper_takes_whole_plots_open_folds_and_no_menu(visit: Any) -> None:
    here = visit(PAGES["03"], width=1366, theme="dark")
    panel = here.page.locator(".live-panel").first
    here.rest(panel)
    here.page.evaluate("document.querySelectorAll('.site-deeper').forEach(each => { each.open = false; })")
    here.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    here.page.emulate_media(media="print")
    here.page.set_viewport_size({"width": 680, "height": 960})  # 180 mm, between the margins of A4
    assert here.page.evaluate("[...document.querySelectorAll('.site-deeper')].every(each => each.open)")
    right = here.page.evaluate(
        "Math.max(...[...document.querySelectorAll('.main-svg, canvas')].map(e => e.getBoundingClientRect().right))"
    )
    assert right <= 681
    assert not here.page.get_by_role("banner").is_visible()
    assert here.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    opening = here.page.locator("p:has(+ ol)").first
    assert opening.evaluate("each => getComputedStyle(each).breakAfter") == "avoid", "it stands alone at a page's end"
    here.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not here.page.evaluate("[...document.querySelectorAll('.site-deeper')].some(each => each.open)")


# The first page ------------------------------------------------------------------------------------------------------


def test_the_picture_can_be_paused_and_rests_for_those_who_want_no_motion(browser: Any, site: Path) -> None:
    for motion, name in (("no-preference", "network.webp"), ("reduce", "network.png")):
        context = browser.new_context(reduced_motion=motion, offline=True)
        page = context.new_page()
        page.goto((site / "index.html").as_uri())
        shown = "document.querySelector('.site-moving img').currentSrc"
        await_true(page, f"{shown}.endsWith('{name}')")
        button = page.locator("#motion")
        assert button.is_visible() is (motion != "reduce")
        if motion != "reduce":
            button.click()
            await_true(page, f"{shown}.endsWith('network.png')")
            assert button.inner_text() == "Play"
        context.close()


def test_a_title_on_the_map_leads_to_its_lesson_from_a_file_too(browser: Any, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / PAGES["00"]).as_uri())
    link = page.locator(".annotation a[href]", has_text="Deep sigmoid networks")
    link.wait_for(state="attached")
    link.evaluate("link => link.scrollIntoView({ block: 'center' })")
    box = link.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(f"**/{PAGES['03']}")
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "glossary.html", PAGES["00"]])
def test_axe_finds_nothing_with_the_search_open_and_answers_kept(visit: Any, site: Path, page: str, theme: str) -> None:
    here = visit(PAGES["01"], theme=theme)
    answer_some(here)
    go_to(here, site, page)
    here.page.get_by_role("searchbox").fill("gradient")
    here.page.locator("#site-found a").first.wait_for()
    assert here.axe() == []
