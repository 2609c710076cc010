"""What learners see and press, driven without a browser."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import lesson, progress, quiz
from helpers.exercises import EXERCISES
from helpers.lesson import as_html, check, compare, my_progress, predict
from helpers.lesson.inputs import scale_ticks
from helpers.progress import store
from helpers.quiz import Answer, Question
from tests.quiz_examples import inside

COUNT = len(quiz.load_bank("01"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(lesson.predictions, "_comparisons", {})
    return tmp_path / "home"


class Tags(HTMLParser):
    """The tags and attributes that a browser would make of a text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


# Text ----------------------------------------------------------------------------------------------------------------


@given(st.text(st.sampled_from("<>&\"'`/ =abscriptonerroimgx\n") | st.characters(), max_size=80))
def test_text_makes_no_tag_but_code_and_line_breaks(text):
    parsed = Tags(as_html(text))
    assert all(tag in {"code", "br"} and not attributes for tag, attributes in parsed.tags)
    assert parsed.text == re.sub(r"`([^`\n]+)`", r"\1", text).replace("\n", "")


EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def test_nothing_from_a_bank_becomes_markup():
    answers = (Answer(EVIL, correct=True, text=EVIL), Answer(EVIL + "2", text="other"))
    evil = Question("07-x", "multiple_choice", EVIL, answers, code=EVIL)
    view = lesson.QuizView([evil], progress.progress(), panel=FakePanel())
    question = view.questions[0]
    question.input.widget.index = 0
    question.button.click()
    shown = [question.children[0].value, question.feedback.value, view.score.value]
    for tag, attributes in sum((Tags(text).tags for text in shown), []):
        assert tag in {"div", "span", "strong", "pre", "code"}
        assert all(name == "class" for name, _ in attributes)
    assert question.input.widget.options[0][0] == EVIL, "radio buttons show plain text"


class FakePanel:
    """Takes what a panel of the course takes."""

    def __init__(self):
        self.state = {}
        self.controls = dict.fromkeys(["depth", "weight", "preactivation", "activation", "bias"])

    def set(self, **values):
        self.state.update(values)

    @property
    def summary(self):
        return f"<b>{self.state}</b>"


# Quiz ----------------------------------------------------------------------------------------------------------------


def answer(view, given_answer):
    view.input.put(given_answer)
    view.button.click()


def some_answer(question, correct):
    """An answer that is, or isn't, correct."""
    right = question.right_answer()
    if correct:
        return repr(right) if question.type == "numeric" else right
    if question.type == "numeric":
        wrong = next(a for a in question.answers if not a.correct)
        return "-9.87e77" if wrong.default else repr(sum(wrong.range) / 2 if wrong.range else wrong.number())
    if question.type in ("ordering", "many_choice"):
        return [answer.text for answer in question.answers[::-1] if not answer.correct]
    if question.type == "open":
        return {"text": "Because.", "points": [0]}
    return next(answer.text for answer in question.answers if not answer.correct)


@pytest.mark.parametrize("number", quiz.available_lessons())
@pytest.mark.parametrize("correct", [True, False])
def test_every_question_answers_back(number, correct):
    view = lesson.quiz(number)
    for question in view.questions:
        answer(question, some_answer(question.question, correct))
        assert question.grade.understood and question.grade.correct is correct
        wrong = "· 1 of " if question.question.type == "open" else "✗ Not quite."
        assert ("✓ Right." if correct else wrong) in question.feedback.value
        assert as_html(question.grade.feedback) in question.feedback.value
        assert lesson.as_plain(question.grade.feedback) in view.announcer.text
    count = len(view.questions)
    assert view.score.value.count(f"{count if correct else 0} of {count} right, {count} answered.") == 1


def test_answers_are_there_again_in_the_next_kernel():
    first = lesson.quiz("01")
    answer(first.questions[0], first.questions[0].question.answers[2].text)
    answer(first.questions[2], "1/4")
    progress._opened.clear()
    again = lesson.quiz("01_definition")
    assert again.questions[0].input.get() == first.questions[0].question.answers[2].text
    assert again.questions[2].input.get() == "1/4" and "✗ Not quite." in again.questions[2].feedback.value
    assert f"1 of {COUNT} right, 2 answered." in again.score.value
    assert again.questions[1].feedback.value == ""


def test_an_answer_that_is_none_is_not_kept():
    view = lesson.quiz("01")
    view.questions[0].button.click()
    assert "Choose one of the answers first." in view.questions[0].feedback.value
    answer(view.questions[2], "about a quarter")
    assert "not a number I can read" in view.questions[2].feedback.value
    assert progress.progress().answers("01") == {}


def test_a_kept_answer_that_the_bank_no_longer_has_is_left_out():
    progress.progress().record_answer("01", "01-what-vanishes", "an answer of last year", True)
    progress.progress().record_answer("01", "01-one-factor", {"strange": 1}, True)
    progress.progress().record_answer("01", "01-gone", "x", True)
    assert f"0 of {COUNT} right, 0 answered." in lesson.quiz("01").score.value


def test_a_wrong_answer_moves_the_panel_to_where_one_sees_why():
    panel = FakePanel()
    view = lesson.quiz("01", panel).questions[0]
    assert view.show_button.layout.display == "none"
    answer(view, view.question.answers[1].text)
    assert view.show_button.layout.display is None
    view.show_button.click()
    assert panel.state == view.question.answers[1].try_state
    assert "&lt;b&gt;" in view.shown.value and "<b>" not in view.shown.value
    answer(view, view.question.answers[2].text)
    assert view.show_button.layout.display == "none" and view.shown.value == ""


def test_without_a_panel_nothing_is_offered():
    view = lesson.quiz("01").questions[0]
    answer(view, view.question.answers[1].text)
    assert view.show_button.layout.display == "none"


def test_the_same_answer_is_read_out_again():
    view = lesson.quiz("01")
    answer(view.questions[2], "1")
    first = view.announcer.text
    view.questions[2].button.click()
    assert view.announcer.text != first and view.announcer.text.strip() == first


# Predict and compare -------------------------------------------------------------------------------------------------


def test_a_prediction_is_kept_and_compared():
    view, comparison = predict("01"), compare("01", 3.6e-12)
    assert "skipped the prediction" in comparison.sentence.value
    inside(view).slider.value = 1e-3
    assert inside(view).readout.value == "0.001"
    view.button.click()
    assert "✓ Kept." in view.status.value and inside(view).slider.disabled
    assert "You said 0.001." in comparison.sentence.value and "8.4 powers of ten too large" in comparison.sentence.value
    assert progress.progress().prediction("01") == pytest.approx(1e-3)


def test_a_scale_has_no_value_until_it_is_moved_and_ticks_at_powers_of_ten():
    view = predict("01")
    assert view.input.get() is None and inside(view).readout.value == "move it"
    view.button.click()
    assert "Nothing chosen yet." in view.status.value and progress.progress().prediction("01") is None
    inside(view).slider.value = 1e-4
    assert view.input.get() == pytest.approx(1e-4)
    for low, high in ((-12, 0), (-3, 10), (-40, 2), (-4, 0)):
        places = [float(left) for left in re.findall(r"left:([\d.]+)%", scale_ticks(low, high))]
        assert 3 <= len(places) <= 9 and places[0] >= 0 and places[-1] <= 100 and places == sorted(places)
    assert ">0.01<" in scale_ticks(-4, 0)


def test_a_prediction_can_be_changed_and_is_there_again():
    view = predict("01")
    inside(view).slider.value = 1e-3
    view.button.click()
    view.button.click()
    assert not inside(view).slider.disabled and view.status.value == ""
    inside(view).slider.value = 1e-12
    view.button.click()
    again = predict("01")
    assert inside(again).slider.value == pytest.approx(1e-12) and inside(again).slider.disabled
    assert "earlier" in again.status.value
    assert "As predicted." in compare("01", 1e-12).sentence.value


def test_an_order_is_made_with_buttons():
    view = predict("02")
    assert view.input.get() == ["sigmoid", "tanh", "ReLU", "GELU"]
    for place in (2, 1, 0):
        inside(view).buttons[place].click()
    assert view.input.get() == ["GELU", "sigmoid", "tanh", "ReLU"]
    assert [label.value for label in inside(view).places][:2] == ["1.  GELU", "2.  sigmoid"]
    view.button.click()
    assert all(button.disabled for button in inside(view).buttons)
    slopes = {"sigmoid": 0.25, "tanh": 1.0, "ReLU": 1.0, "GELU": 1.129}
    assert "You put sigmoid before tanh." in compare("02", slopes).sentence.value
    assert predict("02").input.get() == ["GELU", "sigmoid", "tanh", "ReLU"]


@pytest.mark.parametrize(
    "kind, given_answer", [("choice", "stay"), ("number", "0,5"), ("scale", 1e-2), ("order", ["b", "a"])]
)
def test_every_kind_of_prediction_is_kept_and_shown_again(kind, given_answer):
    options = {"choice": ("vanish", "stay"), "order": ("a", "b")}.get(kind, ())
    prediction = quiz.Prediction("99", kind, "?", "Measured", options=options, low=-4, high=0)
    view = lesson.PredictionView(prediction, progress.progress())
    view.input.put(given_answer)
    view.button.click()
    assert "✓ Kept." in view.status.value
    again = lesson.PredictionView(prediction, progress.progress())
    assert again.input.get() == pytest.approx(given_answer) if kind == "scale" else again.input.get() == given_answer


def test_nothing_chosen_is_not_kept():
    prediction = quiz.Prediction("99", "choice", "?", "Measured", options=("vanish", "stay"))
    view = lesson.PredictionView(prediction, progress.progress())
    view.button.click()
    assert "Nothing chosen yet." in view.status.value and progress.progress().prediction("99") is None


def test_a_number_that_cannot_be_read_is_not_kept():
    view = lesson.PredictionView(quiz.Prediction("99", "number", "?", "Measured", unit="steps"), progress.progress())
    view.input.put("many")
    view.button.click()
    assert "Not yet kept." in view.status.value and "not a number I can read" in view.status.value
    assert progress.progress().prediction("99") is None
    view.input.put("12 steps")
    view.button.click()
    assert "✓ Kept." in view.status.value and progress.progress().prediction("99") == "12 steps"


@pytest.mark.parametrize("kept", ["text", None, [1], {"a": 1}, 1e99])
@pytest.mark.parametrize("kind", ["choice", "number", "scale", "order"])
def test_a_prediction_kept_for_another_question_does_no_harm(kind, kept):
    progress.progress().record_prediction("99", "99", kept)
    options = ("a", "b") if kind in ("choice", "order") else ()
    lesson.PredictionView(quiz.Prediction("99", kind, "?", "M", options=options, low=-4, high=0), progress.progress())


@pytest.mark.parametrize("ask", [predict, lambda name: compare(name, 1)])
def test_an_unknown_prediction_lists_all(ask):
    with pytest.raises(ValueError, match="01, .*02, .*03.*'77'"):
        ask("77")


# Check ---------------------------------------------------------------------------------------------------------------


def chain_gradient(weights, slopes):
    product = 1.0
    for weight, slope in zip(weights, slopes, strict=True):
        product *= weight * slope
    return product


def test_hints_come_one_by_one_and_the_solution_last():
    view = check("chain_gradient", lambda weights, slopes: 0.0)
    exercise = EXERCISES["chain_gradient"]
    assert "✗ Not yet right." in view.shown.value and view.help.value == ""
    for number, hint in enumerate(exercise.hints, start=1):
        assert view.button.description == f"Hint {number} of {len(exercise.hints)}"
        view.button.click()
        assert view.help.value.endswith(f"{as_html(hint)}</div>") and "<pre>" not in view.help.value
        assert lesson.as_plain(hint) in view.announcer.text
    assert view.button.description == "Show the solution"
    view.button.click()
    assert "<pre><code>def chain_gradient(weights, slopes):" in view.help.value and view.button.disabled


def test_a_right_one_is_kept_and_may_be_compared_with_the_solution():
    view = check("chain_gradient", chain_gradient)
    assert "✓ Right." in view.shown.value and view.button.description == "Compare with a solution"
    view.button.click()
    assert "<pre>" in view.help.value
    assert progress.summary()["01"].solved == {"chain_gradient"}


def test_the_unfinished_template_is_open_and_not_kept():
    view = check("chain_gradient", lambda weights, slopes: ...)
    assert "· Open." in view.shown.value and "Not yet done" in view.shown.value
    assert "Not yet done" in check("float32_depth", ...).shown.value
    assert progress.summary() == {}


def test_what_a_learner_raises_is_escaped():
    def evil(weights, slopes):
        raise ValueError(EVIL)

    view = check("chain_gradient", evil)
    assert {tag for tag, _ in Tags(view.shown.value).tags} <= {"div", "strong", "code"}


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match="chain_gradient"):
        check("nope", 1)


# Map, record, output -------------------------------------------------------------------------------------------------


def rows(view):
    table = next(child.value for child in view.children if "lesson-map" in getattr(child, "value", ""))
    return {
        re.sub("<[^>]*>", "", row[0])[:2]: row[1:]
        for row in (re.findall(r"<td>(.*?)</td>", r) for r in table.split("<tr>")[2:])
    }


def test_the_map_shows_what_is_done():
    assert rows(my_progress())["01"] == ["0 of 1", "0 of 2", f"0 of {COUNT}", "–"]
    assert "<td><a href='01_definition.ipynb' target='_blank'>01 " in my_progress().children[0].value
    prediction = predict("01")
    inside(prediction).slider.value = 1e-3
    prediction.button.click()
    check("chain_gradient", chain_gradient)
    view = lesson.quiz("01")
    answer(view.questions[0], some_answer(view.questions[0].question, True))
    answer(view.questions[1], some_answer(view.questions[1].question, False))
    assert rows(my_progress())["01"] == ["✓ 1 of 1", "1 of 2", f"1 of {COUNT}", "under a minute"]
    assert list(rows(my_progress())) == list(quiz.available_lessons())


def test_a_record_that_cannot_be_written_is_said_in_every_view(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "file" / "below"))
    for view in (lesson.quiz("01"), predict("01"), compare("01", 1.0), check("float32_depth", 75), my_progress()):
        assert "only until this kernel ends" in view.children[0].value
    view = lesson.quiz("01")
    answer(view.questions[2], "0.5")
    assert f"1 of {COUNT} right" in lesson.quiz("01").score.value


def test_open_views_say_at_once_that_an_answer_is_not_yet_written_and_that_it_is(folder, monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    view, other = lesson.quiz("01"), predict("01")
    count = len(view.children)
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME, isolation_level=None)) as blocker:
        blocker.execute("BEGIN EXCLUSIVE")
        answer(view.questions[2], "0.5")
        for each in (view, other, my_progress()):
            assert "last entry is kept only until this kernel ends" in each.children[0].value
            assert "another program holds it" in each.announcer.warning and not each.announcer.over
        assert len(view.children) == count + 1
        blocker.execute("ROLLBACK")
    answer(view.questions[2], "0.25")
    for each in (view, other):
        assert each.children[0].value.startswith('<div class="lesson-notice">Everything is written to')
        assert each.announcer.over
    assert lesson.quiz("01").announcer.warning == ""
    assert [row["given"] for row in progress.progress().rows("answer")] == ["0.5", "0.25"]


def test_nothing_is_printed(capfd):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        lesson.quiz("01").questions[0].button.click()
        predict("01").button.click()
        compare("01", 1e-12)
        check("chain_gradient", chain_gradient).button.click()
        my_progress()
    printed = capfd.readouterr()
    assert (out.getvalue(), err.getvalue(), printed.out, printed.err) == ("", "", "", "")


def test_views_are_light():
    """A quiz travels as one message a widget; style and script come once a view."""
    view = lesson.quiz("01")
    size = sum(len(json.dumps(w.get_state(), default=lambda value: "")) for w in walk(view))
    assert size < 150_000


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)
