"""What goes out, as Chromium shows and prints it: the paper, its key, and the pictures of every format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from helpers.progress import Progress
from helpers.publish.classroom import __main__ as classroom
from helpers.publish.classroom.glance import MOST
from helpers.publish.exports import choose, export
from helpers.publish.exports.paper import Layout
from helpers.publish.guide import __main__ as guide
from helpers.quiz import NEEDS
from helpers.quiz.instances import build
from tests.browser.test_site import AXE, VIOLATIONS
from tests.classes import make_class, one_choice
from tests.gift_reader import read
from tests.quiz_examples import OF_EACH_TYPE

pytestmark = pytest.mark.browser
MM = 96 / 25.4  # pixels of a style sheet
WIDTH, HEIGHT = 210 - 2 * 16, 297 - 18 - 20  # of an A4 page within its margins, mm
QUESTIONS = [*(build(entry, 3) for entry in OF_EACH_TYPE), *choose(seed=3, needs=NEEDS)]

LAST = "document.querySelector('.question:last-child').getBoundingClientRect().bottom + scrollY"
MEASURE = """() => [...document.querySelectorAll(".question")].map(question => ({
    height: question.getBoundingClientRect().height,
    whole: getComputedStyle(question).breakInside,
    wide: [...question.querySelectorAll("*")].filter(each => each.scrollWidth > each.clientWidth + 1
        && getComputedStyle(each).display !== "inline" && !each.closest("svg")).map(each => each.textContent),
    overlaps: [...question.querySelectorAll("li")].filter(row => {
        const boxes = [...row.children].map(child => child.getBoundingClientRect());
        return row.closest(".options") && boxes.some((box, n) => n && box.left < boxes[n - 1].right);
    }).length,
}))"""


@pytest.fixture
def page(browser: Any) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.complaints.append(request.url) if "http" in request.url else None)
    yield page
    assert page.complaints == []
    page.close()


@pytest.mark.parametrize("name", ["paper.html", "paper_key.html"])
def test_every_question_can_be_printed_on_one_page(page: Any, tmp_path: Path, name: str) -> None:
    export("paper", QUESTIONS, tmp_path, seed=3)
    page.goto((tmp_path / name).as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": round(WIDTH * MM), "height": round(HEIGHT * MM)})
    found = page.evaluate(MEASURE)
    assert len(found) == len(QUESTIONS)
    for question, each in zip(QUESTIONS, found, strict=True):
        assert each["whole"] == "avoid" and each["wide"] == [] and each["overlaps"] == 0, (question.id, each)
        assert 5 * MM < each["height"] < HEIGHT * MM, question.id
    below = page.evaluate("document.documentElement.scrollHeight") - page.evaluate(LAST)
    assert below <= 1, "a blank below the last question takes a sheet of its own where that ends at the foot of a page"
    printed = page.pdf(prefer_css_page_size=True, format="A4")
    pages = len(re.findall(rb"/Type /Page\b", printed))
    filled = sum(each["height"] for each in found) / (HEIGHT * MM)
    assert filled < pages < 2 * filled + 2
    page.set_viewport_size({"width": 400, "height": 800})
    page.emulate_media(media="screen")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["paper.html", "paper_key.html", "class/class.html", "guide/guide.html"])
def test_axe_finds_nothing_on_the_pages_of_a_teacher(page: Any, pages: Path, name: str, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto((pages / name).as_uri())
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(VIOLATIONS) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["class/class.html", "paper.html", "paper_key.html"])
def test_a_long_name_or_title_stays_on_the_paper(page: Any, pages: Path, name: str) -> None:
    page.goto((pages / name).as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": round(WIDTH * MM), "height": round(HEIGHT * MM)})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_first_screen_answers_what_why_and_who(page: Any, tmp_path: Path) -> None:
    held = {question.id: (0, 0.9) for question in one_choice("04")[: MOST + 2]}
    make_class(tmp_path / "in", 12, held)
    Progress(tmp_path / "in" / "late").record_answer("04", one_choice("04")[0].id, 0, True)
    assert classroom.main([str(tmp_path / "in"), "--to", str(tmp_path / "class")]) == 0
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto((tmp_path / "class" / "class.html").as_uri())
    for part in ("ol > li", "text=They say", "text=Least far: late", "table tr"):
        for each in page.locator(f".glance >> {part}").all():
            box = each.bounding_box()
            assert box["y"] + box["height"] <= 768, part
    assert page.locator(".glance li").count() == MOST
    page.locator(".glance a").nth(1).click()
    assert page.evaluate("location.hash") == "#again-2"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paper, its key, a class page and the guide."""
    folder = tmp_path_factory.mktemp("pages")
    make_class(folder / "in", 3, {})
    Progress(folder / "in" / ("long" * 50)).record_answer("01", "01-none", 0, True)
    assert classroom.main([str(folder / "in"), "--to", str(folder / "class")]) == 0
    assert guide.main(["--to", str(folder / "guide")]) == 0
    export(
        "paper", QUESTIONS, folder, seed=3, layout=Layout("long" * 50, "Thursday, the 14th of March, room 204, " * 2)
    )
    return folder


def test_the_pictures_can_be_seen_wherever_they_go(page: Any, tmp_path: Path) -> None:
    pictured = [question for question in QUESTIONS if question.type == "profile"]
    (text,) = export("gift", pictured, tmp_path)
    for found in read(text.read_text(encoding="utf-8")):
        page.set_content(found.text.text)
        image = page.locator("img")
        assert image.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [
            640,
            360,
        ]
        page.set_viewport_size({"width": 400, "height": 800})
        box = image.bounding_box()
        assert box["width"] < 400 and box["height"] == pytest.approx(box["width"] * 360 / 640, abs=1)
        assert "layer 1: 10" in image.get_attribute("alt")
