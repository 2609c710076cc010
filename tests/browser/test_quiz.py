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


def choose(quiz: Quiz, item: Locator, place: int) -> None:
    """Choose the radio button at this place, each press after the page has followed the one before."""
    radios = item.locator("input[type=radio]")
    quiz.tab_to(radios.first)
    for number in range(place + 1):
        quiz.keyboard.press("ArrowDown" if number else "Space")
        expect(radios.nth(number)).to_be_checked()


def enter(quiz: Quiz, item: Locator, number: str) -> None:
    """Type a number and have it checked."""
    quiz.tab_to(item.locator("input[type=text]"))
    quiz.keyboard.type(number)
    quiz.press(item, "Check")


def is_right(quiz: Quiz, item: Locator) -> None:
    quiz.press(item, "Check")
    assert "Right." in quiz.announced(item)


# What is done with a question of each type


def choose_wrong_and_see_why(quiz: Quiz) -> None:
    item = quiz.item("02-above-one")
    choose(quiz, item, wrong_choice(BY_ID["02-above-one"]))
    quiz.press(item, "Check")
    assert "Not quite." in quiz.announced(item)
    quiz.press(item, "Show me in the panel")
    expect(quiz.page.locator(".live-panel")).to_be_in_viewport(ratio=0.5)
    for part in (".live-controls", ".live-headline"):
        expect(quiz.page.locator(part).first).to_be_in_viewport(ratio=0.95)
    expect(item).to_contain_text("The panel is set. It says: The factor per layer")
    quiz.page.get_by_role("button", name="Back to the question").click()
    expect(item).to_be_in_viewport()
    expect(quiz.page.locator(".lesson-back")).to_have_count(0)
    expect(item.locator("input:focus")).to_have_count(1)


def give_a_number(quiz: Quiz) -> None:
    item = quiz.item("02-saturated-slope")
    enter(quiz, item, "0.00665")
    assert "Right." in quiz.announced(item)


def tick_the_right_ones(quiz: Quiz) -> None:
    item = quiz.item("02-exactly-zero")
    for place, answer in enumerate(BY_ID["02-exactly-zero"].presented()):
        if answer.correct:
            quiz.tab_to(item.locator("input[type=checkbox]").nth(place))
            quiz.keyboard.press("Space")
    is_right(quiz, item)


def put_in_order(quiz: Quiz) -> None:
    item, question = quiz.item("02-order-of-squares"), BY_ID["02-order-of-squares"]
    order = [answer.text for answer in question.presented()]
    for goal, text in enumerate(question.right_answer()):
        for place in range(order.index(text), goal, -1):
            quiz.tab_to(item.get_by_role("button", name="↑ up").nth(place - 1))
            quiz.keyboard.press("Enter")
            expect(item.get_by_role("button", name="↑ up").nth(max(place - 2, 0))).to_be_focused()
            order.insert(place - 1, order.pop(place))
            expect(item.locator(".lesson-place").nth(place - 1)).to_contain_text(text)
    is_right(quiz, item)


def varied(quiz: Quiz) -> Locator:
    return quiz.page.locator(".lesson-item").filter(has_text="has weights of variance 1/N, and its pre-activations")


def have_it_asked_with_other_numbers(quiz: Quiz) -> None:
    item = quiz.item("02-factor-of-a-spread")
    enter(quiz, item, "0")
    quiz.announced(item)
    quiz.press(item, "Ask with other numbers")
    item = varied(quiz)
    expect(item.locator("input[type=text]")).to_have_value("")
    enter(quiz, item, "99")
    assert "Not quite." in quiz.announced(item)


def write_and_compare(quiz: Quiz) -> None:
    item = quiz.item("02-open-activation")
    quiz.tab_to(item.locator("textarea"))
    quiz.keyboard.type("The slope is a factor.")
    quiz.press(item, "Compare with a model answer")
    expect(item).to_contain_text("A model answer.")
    quiz.tab_to(item.locator("input[type=checkbox]").first)
    quiz.keyboard.press("Space")
    quiz.press(item, "Keep my points")
    expect(item.locator(".lesson-verdict")).to_contain_text("1 of 4 points.")


def right_network() -> int:
    question = BY_ID["03-which-network"]
    return [answer.text for answer in question.presented()].index(question.right_answer())


def name_the_hidden_network(quiz: Quiz) -> None:
    item, question = quiz.item("03-which-network"), BY_ID["03-which-network"]
    assert item.locator("text=spread over seeds").count()
    assert question.right_answer() not in item.locator(".live-figure").first.inner_text()
    choose(quiz, item, right_network())
    is_right(quiz, item)


def shows_what_was_answered(quiz: Quiz) -> None:
    """Everything entered by the functions above is in its place."""
    expect(quiz.page.locator(".lesson-score").first).to_contain_text("3 of 6 right, 6 answered.")
    expect(quiz.page.locator(".lesson-score").last).to_contain_text("1 of 1 right, 1 answered.")
    choice = wrong_choice(BY_ID["02-above-one"])
    expect(quiz.item("02-above-one").locator("input[type=radio]").nth(choice)).to_be_checked()
    expect(quiz.item("02-saturated-slope").locator("input")).to_have_value("0.00665")
    checked = [answer.correct for answer in BY_ID["02-exactly-zero"].presented()]
    for box, correct in zip(quiz.item("02-exactly-zero").locator("input").all(), checked, strict=True):
        expect(box).to_be_checked(checked=correct)
    expect(quiz.item("02-order-of-squares").locator(".lesson-place").first).to_contain_text("1. sigmoid")
    expect(varied(quiz).locator("input")).to_have_value("99")
    expect(quiz.item("02-open-activation").locator("textarea")).to_have_value("The slope is a factor.")
    expect(quiz.item("02-open-activation").locator("input").first).to_be_checked()
    expect(quiz.item("03-which-network").locator("input[type=radio]").nth(right_network())).to_be_checked()


def run_quizzes(sheet: Sheet) -> Quiz:
    sheet.open("quizzes.ipynb")
    sheet.run_all()
    sheet.wait_for_rest(2)  # the panel, and the picture of the hidden network
    return Quiz(sheet)


def test_every_type_is_answered_by_keyboard_alone_and_is_there_after_a_reload(
    open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    quizzes = [QUIZ.format(names=names, lesson=lesson) for lesson, names in ASKED.items()]
    write_notebook(workshop / "quizzes.ipynb", PANEL.format(home=home), *quizzes)
    sheet = open_sheet(alone=True)  # where the focus is seen depends on what was pressed before
    quiz = run_quizzes(sheet)
    sheet.page.locator(".lesson-item input").first.focus()
    choose_wrong_and_see_why(quiz)
    give_a_number(quiz)
    tick_the_right_ones(quiz)
    put_in_order(quiz)
    have_it_asked_with_other_numbers(quiz)
    asked = varied(quiz).locator(".lesson-question").inner_text()
    write_and_compare(quiz)
    name_the_hidden_network(quiz)
    sheet.page.reload()
    again = run_quizzes(sheet)
    shows_what_was_answered(again)
    assert varied(again).locator(".lesson-question").inner_text() == asked
    assert not sheet.console and not sheet.outside
