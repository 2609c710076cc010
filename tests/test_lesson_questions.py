"""Questions of every type as they are shown, answered, varied and shown again, driven without a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest

from helpers import figures, lesson, progress
from helpers.lesson.inputs import ChecksInput, ChoiceInput, NumberInput, OrderInput, TextInput, input_for
from helpers.lesson.questions import QuestionView, QuizView
from helpers.live import LiveFigure
from helpers.quiz import BankError, format_number, profile_curve
from helpers.quiz.instances import build
from tests.quiz_examples import CHOICE, MANY, OF_EACH_TYPE, OPEN, ORDERING, PROFILE, TEMPLATE, inside


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


class Stage(ipywidgets.VBox):
    """A panel that remembers what was set."""

    state: dict[str, Any]
    controls: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.state, self.controls = {}, {}

    def set(self, **values: Any) -> None:
        self.state.update(values)

    @property
    def summary(self) -> str:
        return f"depth {self.state.get('depth')}"


def ask(*entries: dict[str, Any], panel: Stage | None = None) -> QuizView:
    record = progress.progress()
    return QuizView([build(entry) for entry in entries], record, panel, earlier=record.answers("07"))


def answer(view: QuestionView, given: Any) -> None:
    view.input.put(given)
    view.button.click()


def walk(widget: Any) -> list[Any]:
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in walk(child))]


@pytest.mark.parametrize("entry", OF_EACH_TYPE, ids=lambda entry: entry["type"])
def test_an_answer_is_kept_and_there_again_in_the_next_kernel(entry: dict[str, Any]) -> None:
    (view,) = ask(entry).questions
    right = view.question.right_answer()
    answer(view, str(right) if entry["type"] == "numeric" else right)
    assert "✓ Right." in view.feedback.value
    given = view.input.get()
    progress._opened.clear()
    (again,) = ask(entry).questions
    assert again.input.get() == given and again.grade.correct and "✓ Right." in again.feedback.value


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (CHOICE, ChoiceInput),
        (MANY, ChecksInput),
        (ORDERING, OrderInput),
        (OPEN, TextInput),
        (PROFILE, ChoiceInput),
        (TEMPLATE, NumberInput),
    ],
)
def test_each_type_has_its_way_to_answer(entry: dict[str, Any], kind: type) -> None:
    field = input_for(build(entry))
    assert isinstance(field, kind)
    for kept in (
        None,
        "text",
        3,
        {"text": 1, "points": ["a", None]},
        ["a", {"b": 1}],
        {"points": 7, "text": "a"},
        {"text": "a", "points": None},
    ):
        field.put(kept)  # an answer kept for another question does no harm
        field.lock(True)
        field.lock(False)


def test_several_answers_are_ticked() -> None:
    (view,) = ask(MANY).questions
    view.button.click()
    assert "Choose at least one of the answers first." in view.feedback.value
    for box in inside(view).boxes:
        box.value = box.description in ("tanh", "GELU")
    view.button.click()
    assert "Not this one: “GELU”. It reaches 1.129.<br>Missing: “sigmoid”." in view.feedback.value
    assert progress.progress().answers("07")["07-many"].given in (["tanh", "GELU"], ["GELU", "tanh"])


def test_enter_checks_a_number() -> None:
    """The browser sends word of Enter first, then the text; leaving the field sends the text alone."""
    (view,) = ask(TEMPLATE).questions
    field = inside(view).widget
    field.value = "half"
    assert view.feedback.value == ""
    field._handle_custom_msg({"event": "submit"}, [])
    assert view.feedback.value == "", "the text isn't there yet"
    field.value = "no number"
    assert "not a number I can read" in view.feedback.value
    field._handle_custom_msg({"event": "submit"}, [])
    field.value = repr(view.question.right_answer())
    assert view.grade.correct


def test_an_enter_that_changed_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    (view,) = ask(TEMPLATE).questions
    field = inside(view).widget
    field._handle_custom_msg({"event": "submit"}, [])
    moment = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    field.value = "half"
    assert view.feedback.value == ""


def test_an_entry_of_an_order_says_where_it_went() -> None:
    quiz = ask(ORDERING)
    (view,) = quiz.questions
    first, second = view.input.get()[:2]
    assert view.input.get() != view.question.right_answer()
    inside(view).buttons[0].click()
    assert view.input.get()[:2] == [second, first]
    assert quiz.announcer.text == f"{second} is now at place 1."


def test_an_open_answer_is_written_then_compared_then_graded_by_its_author() -> None:
    quiz = ask(OPEN)
    (view,) = quiz.questions
    assert view.button.description == "Compare with a model answer"
    assert OPEN["model"] not in "".join(str(getattr(w, "value", "")) for w in walk(view)), "not before one has written"
    view.button.click()
    assert "Write a sentence or two first." in view.feedback.value and progress.progress().answers("07") == {}
    inside(view).text.value = "A product."
    view.button.click()
    assert "· Written." in view.feedback.value and view.button.description == "Keep my points"
    assert OPEN["model"] in "".join(str(getattr(w, "value", "")) for w in walk(view))
    assert progress.progress().answers("07")["07-open"].score == 0
    inside(view).points.boxes[0].value = True
    view.button.click()
    assert "· 1 of 3 points." in view.feedback.value
    assert "To add: Each factor is below 1.<br>To add: So it falls exponentially." in view.feedback.value
    kept = progress.progress().answers("07")["07-open"]
    assert kept.score == pytest.approx(1 / 3) and not kept.correct
    assert kept.given == {"text": "A product.", "points": [0]}
    (again,) = ask(OPEN).questions
    assert again.input.get() == kept.given and "0 of 1 right, 1 answered." in quiz.score.value


def test_a_question_is_asked_with_other_numbers_and_the_answer_finds_its_numbers_again() -> None:
    quiz = ask(TEMPLATE)
    (view,) = quiz.questions
    before = view.question
    assert view.again_button.layout.display == "none"
    answer(view, "1e99")
    assert view.again_button.layout.display is None
    view.again_button.click()
    assert view.question != before and view.question.text in quiz.announcer.text
    assert view.input.get() == "" and view.feedback.value == "" and view.question.text[:20] in view._text.value
    answer(view, repr(view.question.right_answer()))
    kept = progress.progress().answers("07")["07-template"]
    assert kept.seed == view.question.seed > 0 and kept.correct and "1 of 1 right, 1 answered." in quiz.score.value
    (again,) = ask(TEMPLATE).questions
    assert again.question == view.question and again.grade.correct


def test_a_question_that_does_not_vary_keeps_no_seed() -> None:
    (view,) = ask(MANY).questions
    answer(view, ["tanh"])
    assert view.again_button.layout.display == "none"
    assert progress.progress().answers("07")["07-many"].seed is None


def test_an_answer_that_cannot_be_read_takes_nothing_from_the_score() -> None:
    quiz = ask(TEMPLATE)
    (view,) = quiz.questions
    answer(view, repr(view.question.right_answer()))
    answer(view, "no number")
    assert view.grade.correct and "1 of 1 right, 1 answered." in quiz.score.value


# The hidden network --------------------------------------------------------------------------------------------------


def test_the_picture_is_the_hidden_networks_and_names_it_nowhere() -> None:
    (view,) = ask(PROFILE).questions
    live = next(widget for widget in walk(view) if isinstance(widget, LiveFigure))
    mean, _ = profile_curve(view.question)
    line = next(trace for trace in live.figure.data if trace.name == "measured")
    np.testing.assert_allclose(line.y, mean)
    np.testing.assert_array_equal(line.x, np.arange(1, len(mean) + 1))
    shown = live.figure.to_json() + "".join(w.value for w in walk(view) if isinstance(w, ipywidgets.HTML))
    assert not [answer.text for answer in view.question.answers if answer.text in shown]
    first = f"layer 1: {format_number(10 ** mean[0])}"
    assert first in shown and f"layer {len(mean)}: " in shown, "its numbers are there for those who can't see it"


def test_all_hidden_networks_are_drawn_alike() -> None:
    """Neither colour nor words tell one from another, and a level line looks level."""
    looks = set()
    for seed in range(8):
        mean, spread = profile_curve(build(PROFILE, seed))
        figure = figures.hidden_profile(mean, spread)
        low, high = figure.layout.yaxis.range
        assert low < np.nanmin(spread) and np.nanmax(spread) < high and high - low >= 8
        looks.add((figure.layout.title.text, *(trace.name + str(trace.line.color) for trace in figure.data)))
    assert len(looks) == 1


def test_another_network_has_another_picture() -> None:
    (view,) = ask(PROFILE).questions
    answer(view, "he_normal")
    before = next(widget for widget in walk(view) if isinstance(widget, LiveFigure))
    view.again_button.click()
    after = next(widget for widget in walk(view) if isinstance(widget, LiveFigure))
    assert before is not after and view.again_button.description == "Another network"


# The panel -----------------------------------------------------------------------------------------------------------


def test_the_panel_is_set_and_brought_into_view() -> None:
    panel = Stage()
    quiz = ask(PROFILE, panel=panel)
    (view,) = quiz.questions
    answer(view, next(a.text for a in view.question.answers if not a.correct))
    marks = []
    for _ in range(2):
        view.show_button.click()
        marks.append(quiz.announcer.target)
        assert quiz.announcer.target["mark"] in panel._dom_classes
        assert quiz.announcer.target["back"] in view._dom_classes, "the way back to the question"
    assert panel.state == view.grade.try_state and panel.summary in quiz.announcer.text
    assert marks[0] != marks[1], "a second click is a change too, so that the page scrolls again"
    assert view.question.network and panel.state == {"depth": view.question.network.depth}


def test_a_state_to_try_that_the_panel_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    controls = {"z": ipywidgets.Dropdown(options=[("zero", 0), ("two", 2)])}
    panel = Stage()
    panel.controls = controls
    bank = "helpers.lesson.questions.load_bank"
    monkeypatch.setattr(bank, lambda number: [build(CHOICE)])
    assert lesson.quiz("07", panel).questions[0].question.id == "07-choice"
    with pytest.raises(BankError, match="question 07-many, answer 3, field try.z: 1 must be one of 0, 2"):
        monkeypatch.setattr(bank, lambda number: [build(MANY)])
        lesson.quiz("07", panel)
    with pytest.raises(BankError, match="question 07-open, answer 1, field try.depth: this panel has no such control"):
        monkeypatch.setattr(bank, lambda number: [build(OPEN)])
        lesson.quiz("07", panel)


def test_nothing_of_an_open_question_becomes_markup() -> None:
    evil = '<img src=x onerror="alert(1)">'
    entry = {**OPEN, "model": evil, "rubric": [{"point": evil + str(n), "feedback": evil + str(n)} for n in range(2)]}
    (view,) = ask(entry).questions
    answer(view, evil)
    view.button.click()
    shown = "".join(widget.value for widget in walk(view) if isinstance(widget, ipywidgets.HTML))
    assert "<img" not in shown and "&lt;img" in shown
    assert all(not box.description_allow_html for box in inside(view).points.boxes)
