"""Mixed review, an exam and one's own record as a learner uses them in JupyterLab: by keyboard, across reloads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from tests.browser.lab import Sheet, write_notebook

pytestmark = pytest.mark.browser


def cell(sheet: Sheet, number: int) -> Locator:
    return sheet.page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def run(sheet: Sheet, name: str) -> None:
    """Open and run a notebook, and wait until its views have taken the keys that JupyterLab would use itself."""
    sheet.open(name)
    sheet.run_all()
    sheet.page.wait_for_function(
        """() => { const views = [...document.querySelectorAll('.lesson')], free = 'data-lm-suppress-shortcuts';
                   return views.length >= 4 && views.every(view => view.hasAttribute(free)); }"""
    )


def restarted(sheet: Sheet, name: str) -> None:
    """Reload the page, restart the kernel and run everything: what is shown then comes from the record."""
    sheet.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    sheet.wait_for_kernel()
    run(sheet, name)


def asked_slope(sheet: Sheet) -> Locator:
    return cell(sheet, 0).locator(".lesson-item", has_text="which has slope 3 there")


def answer_in_review(sheet: Sheet) -> str:
    """Answer a question of the review by keyboard, and return the verdict, once the score has been read out."""
    item = asked_slope(sheet)
    assert item.locator(".lesson-origin").inner_text() == "Lesson 00 Start here"
    item.locator("input").focus()
    sheet.page.keyboard.type("6")
    sheet.page.keyboard.press("Enter")
    item.locator(".lesson-verdict").wait_for()
    score = re.compile(r"1 of \d+ right, 1 answered\.")
    cell(sheet, 0).locator(".lesson-spoken[aria-live=polite]", has_text=score).wait_for(state="attached")
    return item.locator(".lesson-verdict").inner_text()


def keep_in_exam(sheet: Sheet) -> None:
    """Begin the exam, and keep an answer in it."""
    exam = cell(sheet, 1)
    exam.get_by_role("button", name="Begin").press("Enter")
    kept = exam.locator(".lesson-item", has=sheet.page.locator("input[type=radio]")).first
    kept.locator("input[type=radio]").first.focus()
    sheet.page.keyboard.press("Space")
    kept.get_by_role("button", name="Keep this answer").press("Enter")
    kept.locator(".lesson-verdict", has_text="Kept.").wait_for()
    assert kept.locator(".lesson-verdict").count() == 1


def hand_in(sheet: Sheet) -> None:
    """Hand in although answers are missing, which takes a second press."""
    exam = cell(sheet, 1)
    assert re.match(r"1 of \d+ answers kept\.", exam.locator(".lesson-score").inner_text())
    exam.get_by_role("button", name="Hand in").press("Enter")
    exam.get_by_text("Not yet handed in.").first.wait_for()
    exam.get_by_role("button", name="Hand in").press("Enter")
    exam.get_by_text("Time from Begin to handing in").first.wait_for()
    exam.get_by_role("button", name="Sit this paper again").wait_for()
    assert not exam.get_by_role("button", name="Keep this answer").filter(visible=True).count()


def exported(sheet: Sheet) -> dict[str, list[dict[str, object]]]:
    data = cell(sheet, 2)
    data.get_by_role("button", name="Export as one").press("Enter")
    with sheet.page.expect_download() as download:
        data.get_by_role("link", name="Download").click()
    content: dict[str, list[dict[str, object]]] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return content


def test_answers_of_a_review_and_of_an_exam_are_there_again(open_sheet: Callable[..., Sheet], workshop: Path) -> None:
    review = "from helpers import lesson\nlesson.review(30, lessons=['00'])"
    exam = "lesson.exam('browser', n=30, lessons=['00'])"
    write_notebook(workshop / "reviewed.ipynb", review, exam, "lesson.my_data()")
    sheet = open_sheet(width=800)
    run(sheet, "reviewed.ipynb")
    verdict = answer_in_review(sheet)
    assert verdict.startswith("✓ Right.")
    keep_in_exam(sheet)
    restarted(sheet, "reviewed.ipynb")
    assert asked_slope(sheet).locator(".lesson-verdict").inner_text() == verdict
    assert asked_slope(sheet).locator("input").input_value() == "6"
    assert re.match(r"1 of \d+ right, 1 answered\.", cell(sheet, 0).locator(".lesson-score").inner_text())
    hand_in(sheet)
    content = exported(sheet)
    assert content["answer"][0]["given"] == "6" and len(content["sitting"]) >= 4
    assert not sheet.console and not sheet.outside
