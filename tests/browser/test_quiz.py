"""A quiz as a learner meets it who uses the keyboard alone: every type is answered, heard, and there after a reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from helpers.quiz import Question, load_bank
from tests.browser.lab import Sheet, write_notebook

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # a busy machine
ASKED = {
    "02": ["above-one", "saturated-slope", "exactly-zero", "order-of-squares", "factor-of-a-spread", "open-activation"],
    "03": ["which-network"],
}
BY_ID = {question.id: question for lesson in ASKED for question in load_bank(lesson)}
SAME, FOLLOWING = 0, 4  # of Node.compareDocumentPosition
PANEL = """import os; os.environ["GRADIENT_COURSE_HOME"] = {home!r}
from helpers import lesson, panels
from helpers.progress import progress
from helpers.quiz import load_bank
panel = panels.activation_derivatives()
panel"""
QUIZ = """names = {names!r}
asked = [question for question in load_bank({lesson!r}) if question.id[3:] in names]
lesson.QuizView(asked, progress(), panel, earlier=progress().answers({lesson!r}))"""


class Quiz:
    """The quizzes of a sheet, with a keyboard and nothing else to answer them."""

    def __init__(self, sheet: Sheet) -> None:
        self.page, self.keyboard = sheet.page, sheet.page.keyboard

    def item(self, name: str) -> Locator:
        items = self.page.locator(".lesson-item")
        return items.filter(has_text=BY_ID[name].text.replace("`", "")[:60])

    def tab_to(self, wanted: Locator) -> None:
        """Press Tab, or Shift and Tab, until the wanted element has the focus, and see that the focus is visible."""
        goal = wanted.element_handle()
        way = "goal => goal.compareDocumentPosition(document.activeElement)"
        for _ in range(100):
            position = self.page.evaluate(way, goal)
            if position == SAME:
                break
            self.keyboard.press("Shift+Tab" if position & FOLLOWING else "Tab")
        looks = "e => { const s = getComputedStyle(e); return s.outlineStyle + s.outlineWidth; }"
        assert wanted.evaluate(looks) == "solid3px", "the focus can't be seen"
        expect(wanted).to_be_in_viewport()

    def press(self, item: Locator, name: str) -> None:
        self.tab_to(item.get_by_role("button", name=name, exact=True))
        self.keyboard.press("Enter")

    def announced(self, item: Locator) -> str:
        """The feedback that is seen, once it has been read out as well."""
        seen = item.locator(".lesson-verdict")
        expect(seen).to_be_visible()
        text = seen.inner_text()
        spoken = item.locator("xpath=ancestor::*[contains(@class, 'lesson')][last()]").locator("[aria-live=polite]")
        start = " ".join(text.split("\n")[0].split()[1:5])  # without the sign, which only eyes need
        expect(spoken).to_contain_text(start)
        return text


def wrong_choice(question: Question) -> int:
    return next(n for n, answer in enumerate(question.presented()) if not answer.correct and answer.try_state)


def test_every_type_is_answered_by_keyboard_alone_and_is_there_after_a_reload(
    open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    quizzes = [QUIZ.format(names=names, lesson=lesson) for lesson, names in ASKED.items()]
    write_notebook(workshop / "quizzes.ipynb", PANEL.format(home=home), *quizzes)
    sheet = open_sheet(alone=True)  # where the focus is seen depends on what was pressed before
    sheet.open("quizzes.ipynb")
    sheet.run_all()
    sheet.wait_for_rest(2)  # the panel, and the picture of the hidden network
    quiz = Quiz(sheet)
    quiz.page.locator(".lesson-item input").first.focus()

    item, question = quiz.item("02-above-one"), BY_ID["02-above-one"]
    quiz.tab_to(item.locator("input[type=radio]").first)
    quiz.keyboard.press("Space")
    for _ in range(wrong_choice(question)):
        quiz.keyboard.press("ArrowDown")
    quiz.press(item, "Check")
    assert "Not quite." in quiz.announced(item)
    quiz.press(item, "Show me in the panel")
    expect(sheet.page.locator(".live-panel")).to_be_in_viewport(ratio=0.5)
    for part in (".live-controls", ".live-headline"):
        expect(sheet.page.locator(part).first).to_be_in_viewport(ratio=0.95)
    expect(item).to_contain_text("The panel is set. It says: The factor per layer")
    sheet.page.get_by_role("button", name="Back to the question").click()
    expect(item).to_be_in_viewport()
    expect(sheet.page.locator(".lesson-back")).to_have_count(0)
    expect(item.locator("input:focus")).to_have_count(1)

    item = quiz.item("02-saturated-slope")
    quiz.tab_to(item.locator("input[type=text]"))
    quiz.keyboard.type("0.00665")
    quiz.press(item, "Check")
    assert "Right." in quiz.announced(item)

    item = quiz.item("02-exactly-zero")
    for place, answer in enumerate(BY_ID["02-exactly-zero"].presented()):
        if answer.correct:
            quiz.tab_to(item.locator("input[type=checkbox]").nth(place))
            quiz.keyboard.press("Space")
    quiz.press(item, "Check")
    assert "Right." in quiz.announced(item)

    item, question = quiz.item("02-order-of-squares"), BY_ID["02-order-of-squares"]
    order = [answer.text for answer in question.presented()]
    for goal, text in enumerate(question.right_answer()):
        for place in range(order.index(text), goal, -1):
            quiz.tab_to(item.get_by_role("button", name="↑ up").nth(place - 1))
            quiz.keyboard.press("Enter")
            expect(item.get_by_role("button", name="↑ up").nth(max(place - 2, 0))).to_be_focused()
            order.insert(place - 1, order.pop(place))
            expect(item.locator(".lesson-place").nth(place - 1)).to_contain_text(text)
    quiz.press(item, "Check")
    assert "Right." in quiz.announced(item)

    item = quiz.item("02-factor-of-a-spread")
    quiz.tab_to(item.locator("input[type=text]"))
    quiz.keyboard.type("0")
    quiz.press(item, "Check")
    quiz.announced(item)
    quiz.press(item, "Ask with other numbers")
    item = sheet.page.locator(".lesson-item").filter(has_text="has weights of variance 1/N, and its pre-activations")
    expect(item.locator("input[type=text]")).to_have_value("")
    quiz.tab_to(item.locator("input[type=text]"))
    quiz.keyboard.type("99")
    quiz.press(item, "Check")
    varied = item.locator(".lesson-question").inner_text()
    assert "Not quite." in quiz.announced(item)

    item = quiz.item("02-open-activation")
    quiz.tab_to(item.locator("textarea"))
    quiz.keyboard.type("The slope is a factor.")
    quiz.press(item, "Compare with a model answer")
    expect(item).to_contain_text("A model answer.")
    quiz.tab_to(item.locator("input[type=checkbox]").first)
    quiz.keyboard.press("Space")
    quiz.press(item, "Keep my points")
    expect(item.locator(".lesson-verdict")).to_contain_text("1 of 4 points.")

    item, question = quiz.item("03-which-network"), BY_ID["03-which-network"]
    assert (
        item.locator("text=spread over seeds").count()
        and question.right_answer() not in item.locator(".live-figure").first.inner_text()
    )
    place = [answer.text for answer in question.presented()].index(question.right_answer())
    quiz.tab_to(item.locator("input[type=radio]").first)
    quiz.keyboard.press("Space")
    for _ in range(place):
        quiz.keyboard.press("ArrowDown")
    quiz.press(item, "Check")
    assert "Right." in quiz.announced(item)

    sheet.page.reload()
    sheet.open("quizzes.ipynb")
    sheet.run_all()
    sheet.wait_for_rest(2)
    again = Quiz(sheet)
    expect(sheet.page.locator(".lesson-score").first).to_contain_text("3 of 6 right, 6 answered.")
    expect(sheet.page.locator(".lesson-score").last).to_contain_text("1 of 1 right, 1 answered.")
    choice = wrong_choice(BY_ID["02-above-one"])
    expect(again.item("02-above-one").locator("input[type=radio]").nth(choice)).to_be_checked()
    expect(again.item("02-saturated-slope").locator("input")).to_have_value("0.00665")
    checked = [answer.correct for answer in BY_ID["02-exactly-zero"].presented()]
    for box, correct in zip(again.item("02-exactly-zero").locator("input").all(), checked, strict=True):
        expect(box).to_be_checked(checked=correct)
    expect(again.item("02-order-of-squares").locator(".lesson-place").first).to_contain_text("1. sigmoid")
    item = sheet.page.locator(".lesson-item").filter(has_text="has weights of variance 1/N, and its pre-activations")
    assert item.locator(".lesson-question").inner_text() == varied
    expect(item.locator("input")).to_have_value("99")
    expect(again.item("02-open-activation").locator("textarea")).to_have_value("The slope is a factor.")
    expect(again.item("02-open-activation").locator("input").first).to_be_checked()
    expect(again.item("03-which-network").locator("input[type=radio]").nth(place)).to_be_checked()
    assert not sheet.console and not sheet.outside
