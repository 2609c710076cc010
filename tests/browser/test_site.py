"""The static site as its visitors meet it: opened from a file, with the network cut off and no kernel."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import pytest

from helpers import panels
from helpers.course import notebooks
from helpers.panels import PANELS, Panel
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.widgets import question_data
from helpers.publish.site.pages import file_name
from helpers.quiz import available_lessons, grade, load_bank
from tests.browser.injection import SLIPPED_IN, ran, slip_in, without_policy
from tests.browser.lab import FITS, Sheet, serve_pages
from tests.site_reader import expected_row, opened, page_data

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {lesson: file_name(path) for lesson, path in notebooks().items()}
EVERY_PAGE = ["index.html", *PAGES.values(), "glossary.html", "guide.html"]
PATIENCE = 120_000  # milliseconds: other programs share the processor
STATES_A_PANEL = 5  # of 23 panels: more than a hundred in all
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
VIOLATIONS = """async () => (await axe.run(document, { resultTypes: ['violations'], preload: false })).violations
  .map(v => v.impact + ' ' + v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | '))"""
REST = f"""async () => {{
  const fits = {FITS};
  const drawn = (figure) => 'ready' in figure.dataset && fits(figure.querySelector('.live-figure'));
  for (const figure of [...document.querySelectorAll('.site-figure')].filter(each => each.clientWidth)) {{
    figure.scrollIntoView({{ block: 'center' }});
    while (!drawn(figure)) await new Promise(requestAnimationFrame);
    await figure.querySelector('.live-figure').live.picture.queue;
  }} }}"""

TOO_WIDE = """() => [...document.querySelectorAll('.live-panel .site-control label')]
  .filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"""
"""The names of controls that stand over the value beside them."""

IN_COLOURS = """async (theme) => {
  const { dataset } = document.documentElement;
  while (dataset.theme && dataset.theme !== theme) await new Promise(requestAnimationFrame); }"""
"""Waits until a page has taken the colours of its system; the guide has only one."""


class Visit:
    """A page opened from a file without a network, and all that went wrong on it."""

    def __init__(self, browser: Any, address: str, width: int = 1280, theme: str = "light", **more: Any) -> None:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=theme, offline=True, **more)
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.wrong: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(address)
        # A reader unfolds Go deeper; what lies in a closed fold is not drawn and cannot be pressed.
        self.page.evaluate("() => document.querySelectorAll('.site-deeper').forEach(each => { each.open = true; })")

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.wrong.append(f"asked for {request.url}")

    def all_rest(self) -> None:
        """Wait until all figures in sight are drawn for the width of the page; scrolls through it."""
        self.page.evaluate(REST)

    def axe(self) -> list[str]:
        """What axe-core finds on the page as it stands; the page itself runs no script but its own."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(VIOLATIONS)
        return found

    def rest(self, figure: Any) -> None:
        """Wait until a figure stands still and its table is open."""
        figure.scroll_into_view_if_needed()
        self.page.wait_for_function(
            "e => 'ready' in e.dataset && e.querySelector('.live-figure').dataset.phase === 'rest'",
            arg=figure.element_handle(),
        )

    def moved(self, figure: Any, before: str | None) -> None:
        """Wait until a figure shows another state and stands still."""
        self.page.wait_for_function(
            """([e, before]) => { const live = e.querySelector('.live-figure');
                                  return live.dataset.state !== before && live.dataset.phase === 'rest'; }""",
            arg=[figure.element_handle(), before],
        )


def visiting(browser: Any, site: Path) -> Iterator[Callable[..., Visit]]:
    """Gives a function that visits a page of a site; what it has opened is closed at the end."""
    visits: list[Visit] = []

    def make(page: str, **more: Any) -> Visit:
        visits.append(Visit(browser, (site / page).as_uri(), **more))
        return visits[-1]

    yield make
    for each in visits:
        each.page.context.close()


@pytest.fixture
def visit(browser: Any, site: Path) -> Iterator[Any]:
    yield from visiting(browser, site)


@pytest.fixture(scope="module", params=PAGES)
def lesson_page(request: pytest.FixtureRequest, browser: Any, site: Path) -> Iterator[tuple[str, Visit]]:
    """A lesson and its page, which tests share that put panels into any state: to load and draw it takes seconds."""
    here = Visit(browser, (site / PAGES[request.param]).as_uri())
    yield request.param, here
    here.page.context.close()


def state(panel: Any) -> str | None:
    found: str | None = panel.locator(".live-figure").get_attribute("data-state")
    return found


def move_by_keyboard(visit: Visit, panel: Any, control: Any) -> None:
    before = state(panel)
    if control.evaluate("e => e.tagName") == "SELECT":
        chosen = control.evaluate("e => e.selectedIndex")
        control.press("ArrowDown" if chosen == 0 else "ArrowUp")
    elif control.get_attribute("type") == "checkbox":
        control.press("Space")
    else:
        control.press("ArrowLeft" if control.input_value() != "0" else "ArrowRight")
    visit.moved(panel, before)


def move_by_mouse(visit: Visit, panel: Any, slider: Any) -> None:
    """Press on the slider away from where it stands, and drag on."""
    before, box = state(panel), slider.bounding_box()
    share = int(slider.input_value()) / max(int(slider.get_attribute("max")), 1)
    places = (0.2, 0.1) if share > 0.5 else (0.8, 0.9)
    y = box["y"] + box["height"] / 2
    visit.page.mouse.move(box["x"] + places[0] * box["width"], y)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + places[1] * box["width"], y, steps=4)
    visit.page.mouse.up()
    visit.moved(panel, before)


def test_every_panel_moves_by_mouse_and_by_keyboard(lesson_page: tuple[str, Visit]) -> None:
    lesson, here = lesson_page
    found = here.page.locator(".live-panel").all()
    labels = [panel.get_attribute("aria-label") for panel in found]
    assert {getattr(panels, name)().live.spec["label"] for name in PANELS[lesson]} <= set(labels)
    for panel in found:
        here.rest(panel)
        for button in panel.locator("[data-preset]").all()[-1:]:
            button.click()
            panel.locator(".site-beside").wait_for(state="hidden")  # presets are baked
            here.rest(panel)
        for control in panel.locator(".site-control").locator("input, select").all():
            move_by_keyboard(here, panel, control)
        move_by_mouse(here, panel, panel.locator("input[type=range]").first)
    assert here.wrong == []


# Puts every panel of the page into a state, all at once, and tells what each of them then says and shows.
DRAWN = """async (keys) => {
  const liveOf = (tag) => document.querySelector(`#panel-${tag} .live-figure`).live;
  const lives = Object.entries(keys).map(([tag, key]) => [liveOf(tag), key]);
  for (const [live, key] of lives) key.forEach((place, i) => live.controls[i].put(place));
  const rests = ([{ el }, key]) => el.dataset.state === JSON.stringify(key) && el.dataset.phase === 'rest';
  while (!lives.every(rests)) await new Promise(requestAnimationFrame);
  const plain = (values) => values && Array.from(values, (each) => (each?.length ? Array.from(each) : each));
  return lives.map(([{ summary, spec, plot }]) => ({
    summary: summary.textContent,
    traces: spec.layout_of_row.map(({ index, kind }) => {
      const { x, y, z } = plot._fullData[index];
      return { index, kind, x: plain(x), y: plain(y), z: plain(z) };
    }),
  }));
}"""


def compare(name: str, drawn: dict[str, Any], array: Any) -> None:
    """What a trace shows is what the engine gave for it; a band is drawn as the outline of its two edges."""
    array = np.asarray(array, np.float64)
    shown = {axis: np.array(drawn[axis], np.float64) for axis in "xyz" if drawn[axis] is not None}
    close = partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-30, err_msg=name)
    if drawn["kind"] == "band":
        edges = array[:, np.isfinite(array).all(axis=0)]
        close(np.sort(shown["y"][np.isfinite(shown["y"])]), np.sort(edges.ravel()))
    elif drawn["kind"] == "xy":
        close(shown["x"], array[0])
        close(shown["y"], array[1])
    else:
        close(shown["z" if drawn["kind"] == "z" else "y"], array)


def test_what_is_drawn_are_the_values_of_the_engine(lesson_page: tuple[str, Visit], site: Path) -> None:
    """Random baked states of every panel: Plotly's data against `compute`, and so are the rows in the table."""
    lesson, here = lesson_page
    data = page_data(site, lesson)
    dice = random.Random(lesson)
    found: dict[str, tuple[Panel, Any]] = {}
    for name in PANELS[lesson]:
        panel: Panel = getattr(panels, name)()
        (tag,) = (tag for tag, each in data.items() if each.get("spec", {}).get("label") == panel.live.spec["label"])
        found[tag] = panel, opened(data[tag]["table"])
        here.rest(here.page.locator(f"#panel-{tag}"))
    for _ in range(STATES_A_PANEL):
        places = {tag: dice.randrange(len(table[0])) for tag, (_, table) in found.items()}
        keys = {tag: found[tag][1][0][place] for tag, place in places.items()}
        for tag, state in zip(keys, here.page.evaluate(DRAWN, keys), strict=True):
            panel, (_, notes, rows) = found[tag]
            result = panel.live.compute(**panel.live.values_of(keys[tag]))
            summary = result.get("summary", "")
            assert notes[places[tag]]["summary"] == summary
            assert state["summary"] == summary.replace("\n", "")  # headline and detail are elements of their own
            np.testing.assert_allclose(rows[places[tag]], expected_row(panel, result), rtol=2e-5, atol=1e-30)
            for drawn in state["traces"]:
                name = panel.live.figure.data[drawn["index"]].name
                compare(name, drawn, result[name])
    assert here.wrong == []


def test_a_state_that_is_not_baked_says_so_and_leads_to_the_nearest(visit: Any) -> None:
    here = visit(PAGES["10"])
    panel = here.page.locator(".live-panel").first
    here.rest(panel)
    beside, before = panel.locator(".site-beside"), state(panel)
    for slider in panel.locator("input[type=range]").all():
        slider.press("ArrowRight")
    beside.wait_for(state="visible")
    here.moved(panel, before)
    assert beside.inner_text().startswith("This setting isn’t stored here. The nearest one is shown: ")
    before = state(panel)
    beside.get_by_role("button", name="Go there").click()
    beside.wait_for(state="hidden")
    here.moved(panel, before)
    assert here.wrong == []


def test_a_click_on_the_map_moves_two_sliders(visit: Any) -> None:
    here = visit(PAGES["05"])
    panel = here.page.get_by_label("A random network, and its place in the plane", exact=True).first
    here.rest(panel)
    before = state(panel)
    x, y = panel.evaluate(
        """e => { const plot = e.querySelector('.live-plot'), full = plot._fullLayout;
                   const map = plot._fullData.find(t => t.name === 'factor per layer');
                   const axis = (id) => full[id[0] + 'axis' + id.slice(1)], box = plot.getBoundingClientRect();
                   const xa = axis(map.xaxis), ya = axis(map.yaxis);
                   return [box.x + xa._offset + xa.d2p(2.0), box.y + ya._offset + ya.d2p(0.6)]; }"""
    )
    here.page.mouse.move(x, y)
    here.page.mouse.click(x, y)
    here.moved(panel, before)
    assert panel.locator("output").nth(0).inner_text() == "2.00"
    assert panel.locator("output").nth(1).inner_text() == "0.60"
    assert here.wrong == []


# Quizzes and predictions ---------------------------------------------------------------------------------------------


def answers_to(question: Any, dice: random.Random) -> list[Any]:
    """Right, wrong and odd answers to a question, in the forms that a page gives."""
    texts = [answer.text for answer in question.answers]
    if question.type in ("multiple_choice", "profile"):
        return [*texts, None, "no such answer"]
    if question.type == "many_choice":
        return [dice.sample(texts, count) for count in range(len(texts) + 1)] + [question.right_answer()]
    if question.type == "ordering":
        return [texts, texts[::-1], *(dice.sample(texts, len(texts)) for _ in range(4)), texts[1:]]
    if question.type == "open":
        points = [dice.sample(range(len(texts)), count) for count in range(len(texts) + 1)]
        return ["", "  ", "A text.", "x" * 10_001, *({"text": "A text.", "points": each} for each in points)]
    numbers = [n for a in question.answers for n in [a.number(), *(a.range or ())] if n is not None]
    near = [number * factor for number in numbers for factor in (1, 1.04, 0.951, 1.2, -1, 1 + 1e-10, 1.0004)]
    return [*(f"{n:{form}}" for n in near for form in (".3g", ".17g", ".0e", ".2e")), *ODD, *near[:6]]


ODD = [
    "",
    " ",
    "0",
    "1/4",
    "1/0",
    "0^-1",
    "-1^1e999",
    "1e999",
    "2.5",
    "25 %",
    "0,25",
    "1,000",
    "1,5,0",
    "10^-6",
    "10⁻⁶",
    "1×10^-6",
    "3.6·10⁻¹²",
    "0.25^10",
    "2**0.5",
    "(-1)^0.5",
    "−3",
    "\u20035\u2003",
    "٣",
    "𝟙𝟚",
    "\x1c7\x1f",
    "\ufeff7",
    "1e",
    "7" * 201,
    "x" * 100,
    "1.",
    ".5",
    "+4",
    "1 000",
    "½",
    "0.1+0.2",
    "1e-5 %",
    "5e-324",
    "1e308*10^10",
    "4.5 %",
]


def test_grading_on_a_page_is_that_of_the_course(visit: Any) -> None:
    here = visit("index.html")
    dice, cases, expected = random.Random(0), [], []
    for lesson in available_lessons():
        for question in load_bank(lesson):
            asked = question_data(question)
            for given in answers_to(question, dice):
                found = grade(question, given)
                cases.append([asked, given])
                expected.append([found.correct, found.feedback, found.understood])
    graded = here.page.evaluate(
        """cases => cases.map(([question, given]) => { const g = courseGrading.grade(question, given);
                                                       return [g.correct, g.feedback, g.understood]; })""",
        cases,
    )
    differing = [(case[1], a, b) for case, a, b in zip(cases, graded, expected, strict=True) if a != b]
    assert differing == []
    assert len(cases) > 3000


def test_numbers_to_some_digits_are_rounded_as_in_python(visit: Any) -> None:
    here = visit("index.html")
    dice = random.Random(1)
    cases = [
        (float(dice.choice(["2.5", "3.5", "-0.125", "1.375", "1e-7", "12345"])) * dice.choice([1, 10, 3]), p)
        for _ in range(300)
        for p in (1, 2, 3, 5)
    ]
    question = {"grader": "number", "unit": "", "tolerance": None, "feedback": ""}
    for number, precision in cases:
        other = float(f"{number:.{precision - 1}e}")
        answers = [
            {"correct": True, "feedback": "right", "number": other, "range": None, "default": False, "try": {}},
            {"correct": False, "feedback": "no", "number": None, "range": None, "default": True, "try": {}},
        ]
        asked = {**question, "precision": precision, "answers": answers}
        assert here.page.evaluate("([q, n]) => courseGrading.grade(q, n).correct", [asked, number]), (number, precision)


def test_a_quiz_gives_feedback_counts_and_shows_the_place_in_the_panel(visit: Any) -> None:
    here = visit(PAGES["01"])
    quiz = here.page.locator(".site-quiz")
    forms = quiz.locator("form")
    questions = load_bank("01")
    assert forms.count() == len(questions)
    right = 0
    for form, question in zip(forms.all(), questions, strict=True):
        if question.type == "multiple_choice":
            place = next(place for place, answer in enumerate(question.presented()) if answer.correct)
            form.locator("input").nth(place).check()
        elif question.type == "numeric":
            form.locator("input").fill(f"{question.right_answer():.17g}")
        else:
            continue
        form.get_by_role("button", name="Check").click()
        assert form.locator(".lesson-right").count() == 1
        right += 1
    assert quiz.locator(".lesson-score").inner_text().startswith(f"{right} of {len(questions)} right")
    wrong = next(
        n for n, q in enumerate(questions) for a in q.presented() if q.type == "multiple_choice" and a.try_state
    )
    form = forms.nth(wrong)
    state_of = next(n for n, answer in enumerate(questions[wrong].presented()) if answer.try_state)
    form.locator("input").nth(state_of).check()
    form.get_by_role("button", name="Check").click()
    form.get_by_role("button", name="Show me").click()
    panel = here.page.locator(".live-panel").first
    here.rest(panel)
    assert here.wrong == []


def test_a_prediction_stands_beside_what_was_measured(browser: Any, tmp_path: Path) -> None:
    from helpers.lesson import compare, predict
    from helpers.publish.cells.assets import write_assets
    from helpers.publish.cells.running import Cell
    from helpers.publish.html import data_script
    from helpers.publish.site.assets import write_site_assets
    from helpers.publish.site.frame import Site
    from helpers.publish.site.pages import lesson_page

    context = BuildContext("01")
    cells = [
        Cell("title", "markdown", "# 01 Title"),
        Cell("ask", "code", 'predict("01")', shown=(predict("01"),)),
        Cell("say", "code", 'compare("01", 1e-12)', shown=(compare("01", 1e-12),)),
    ]
    (tmp_path / "tables").mkdir()
    write_assets(tmp_path / "assets")
    write_site_assets(tmp_path / "assets")
    (tmp_path / "p.html").write_text(lesson_page(cells, context, Site({"01": "p.html"})), encoding="utf-8")
    (tmp_path / "tables" / "01.js").write_text(data_script(context.data), encoding="utf-8")
    here = Visit(browser, (tmp_path / "p.html").as_uri())
    slider = here.page.locator(".site-prediction input")
    slider.press("Home")
    here.page.get_by_role("button", name="Keep").click()
    here.page.get_by_text("Show what was measured").click()
    revealed = here.page.locator(".site-reveal").inner_text()
    assert "You said: 1e-20." in revealed
    assert "1e-12" in revealed
    assert here.wrong == []


# What may run --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SLIPPED_IN)
@pytest.mark.parametrize("name", ["index.html", PAGES["00"]])
def test_a_page_runs_no_script_that_was_slipped_in(browser: Any, site: Path, name: str, script: str) -> None:
    page = site / f"slipped_in_{name}"
    page.write_text((site / name).read_text(encoding="utf-8"), encoding="utf-8")
    slip_in(page, script)
    with serve_pages(site) as url:
        for address in (f"{url}/{page.name}", page.as_uri()):
            found, refused = ran(browser, address)
            assert found is None
            assert len(refused) == 1
        if script == "inline":  # the policy it is that refuses
            without_policy(page)
            assert ran(browser, page.as_uri()) == ("inline", [])


def test_pages_from_a_server_work_under_their_policy_and_ask_for_nothing_beyond_it(browser: Any, site: Path) -> None:
    assert {path.name for path in site.glob("*.html") if "slipped_in" not in path.name} == set(EVERY_PAGE)
    with serve_pages(site) as url:
        sheet = Sheet(browser, url)
        sheet.page.route(lambda address: not address.startswith(url), lambda route: route.abort())
        for name in EVERY_PAGE:
            sheet.page.goto(f"{url}/{name}")
            sheet.page.evaluate(REST)
            assert (name, sheet.console, sheet.outside) == (name, [], [])
        sheet.close()


# The look ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_nobody_is_kept_out(visit: Any, name: str) -> None:
    """Without a network, at three widths nothing is wider than the window; in light and dark axe-core finds nothing."""
    here = visit(name, width=1366)
    for width, theme in ((1366, "light"), (768, "light"), (390, "dark")):
        here.page.emulate_media(color_scheme=theme)
        here.page.set_viewport_size({"width": width, "height": 900})
        here.page.evaluate(IN_COLOURS, theme)
        here.all_rest()
        assert here.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert here.page.evaluate(TOO_WIDE) == [], width
        if width != 768:
            assert (width, theme, here.axe()) == (width, theme, [])
    assert here.wrong == []


@pytest.mark.parametrize("lesson", PAGES)
def test_fingers_move_a_panel_and_a_swipe_over_its_plot_scrolls_the_page(visit: Any, lesson: str) -> None:
    here = visit(PAGES[lesson], width=390, has_touch=True, is_mobile=True, device_scale_factor=2)
    panel = here.page.locator(".live-panel").first
    here.rest(panel)
    for button in panel.locator("[data-preset]").all()[-1:]:
        before = state(panel)
        button.tap()
        here.moved(panel, before)
    slider = panel.locator("input[type=range]").first
    slider.evaluate("e => e.scrollIntoView({ block: 'center' })")
    before, box = state(panel), slider.bounding_box()
    far = 0.1 if int(slider.input_value()) > int(slider.get_attribute("max")) / 2 else 0.9
    swipe(here.page, [(box["x"] + share * box["width"], box["y"] + box["height"] / 2) for share in (0.5, far)])
    here.moved(panel, before)
    plot = panel.locator(".live-plot")
    plot.evaluate("e => e.scrollIntoView({ block: 'center' })")
    box, top = plot.bounding_box(), here.page.evaluate("scrollY")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    swipe(here.page, [(x, y), (x, y - 240)])
    here.page.evaluate("async top => { while (scrollY < top + 100) await new Promise(requestAnimationFrame); }", top)
    assert here.wrong == []


def swipe(page: Any, ends: list[tuple[float, float]]) -> None:
    """Move a finger from one place to another."""
    (x, y), (to_x, to_y) = ends
    session = page.context.new_cdp_session(page)

    def touch(kind: str, share: float | None) -> None:
        place = [] if share is None else [{"x": x + share * (to_x - x), "y": y + share * (to_y - y)}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": place})

    touch("touchStart", 0)
    for step in range(1, 9):
        touch("touchMove", step / 8)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    touch("touchEnd", None)


def test_light_and_dark_can_be_changed_and_stay(visit: Any) -> None:
    here = visit("index.html", theme="dark")
    theme = "document.documentElement.dataset.theme"
    assert here.page.evaluate(theme) == "dark"
    here.page.locator("#theme").click()
    assert here.page.evaluate(theme) == "light"
    here.page.reload()
    assert here.page.evaluate(theme) == "light"
