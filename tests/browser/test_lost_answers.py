"""A quiz where the connection to the kernel is cut while it is answered: answers are told again, clicks are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Sheet, write_notebook
from tests.browser.test_lost_messages import SOCKETS, in_kernel

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """
import os
os.environ["GRADIENT_COURSE_HOME"] = {home!r}
from helpers import lesson
view = lesson.quiz("02")
view
"""


@pytest.fixture
def sheet(open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path) -> Sheet:
    notebook = write_notebook(workshop / "lost_answers.ipynb", CELL.format(home=str(tmp_path / "home")))
    sheet = open_sheet(alone=True)  # the script runs where a page loads, and must not stay on the shared one
    sheet.page.add_init_script(SOCKETS)
    sheet.open(notebook.name)
    sheet.run_all()
    sheet.page.locator(".lesson-item input[type=text]").first.wait_for()
    sheet.page.locator(".lesson[data-lm-suppress-shortcuts]").first.wait_for()  # by then it watches its connection
    return sheet


def cut(sheet: Sheet) -> None:
    """Cut the socket now; the browser notices a moment later."""
    sheet.page.evaluate("window.cutSockets(700)")


def arrives(sheet: Sheet, text: str) -> bool:
    """Whether the kernel has a text as an answer, now or within a minute."""
    for _ in range(60):
        if repr(text) in in_kernel(sheet, "print([each.input.get() for each in view.questions])"):
            return True
        sheet.page.wait_for_timeout(1000)
    return False


def test_what_is_entered_while_the_connection_is_cut_reaches_the_kernel(sheet: Sheet) -> None:
    item = sheet.page.locator(".lesson-item").filter(has=sheet.page.locator("input[type=text]")).first
    field = item.locator("input[type=text]")
    cut(sheet)
    field.fill("0.1")
    field.blur()
    sheet.page.wait_for_timeout(300)
    field.fill("0.25")  # ipywidgets holds it back, since it hears nothing of the first
    field.blur()
    assert arrives(sheet, "0.25")
    expect(field).to_have_value("0.25")
    field.fill("0.5")  # the field isn't dead afterwards
    field.blur()
    assert arrives(sheet, "0.5")


def test_a_click_that_may_be_lost_is_named(sheet: Sheet) -> None:
    item = sheet.page.locator(".lesson-item").first
    cut(sheet)
    item.get_by_role("button", name="Check", exact=True).click()
    warning = sheet.page.locator(".lesson-warning")
    expect(warning).to_contain_text("press it once more", timeout=60_000)
    item.get_by_role("button", name="Check", exact=True).click()
    expect(item.locator(".lesson-verdict")).to_be_visible()
    expect(warning).to_have_count(0, timeout=60_000)
