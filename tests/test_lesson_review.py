"""Mixed review, exams, and what lesson 00 shows of one's own record, driven without a browser."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from helpers import lesson, progress, quiz
from helpers.lesson import parts
from helpers.progress import Given, Progress
from helpers.quiz.instances import build
from helpers.quiz.schedule import standings, weakest_first
from tests.quiz_examples import OF_EACH_TYPE, OPEN, ORDERING, TEMPLATE, inside, wrong_answer

DAY = 86400.0


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def record():
    return progress.progress()


def questions_of(number):
    return quiz.load_bank(number)


COURSE = quiz.load_banks()


def give(view, answer):
    """Answer as a learner would: an open question is first written, then compared."""
    if view.question.type == "open":
        inside(view).text.value = answer["text"]
        view.button.click()
    view.input.put(answer)
    view.button.click()


def put_in_the_past(record, days):
    """As if all of the record had been made some days ago."""
    for table in ("answer", "sitting"):
        record.write(lambda c, table=table: c.execute(f"UPDATE {table} SET at = at - ?", (days * DAY,)))


def new_kernel():
    progress._opened.clear()


# What next ------------------------------------------------------------------------------------------------------------


def text_of(view):
    return re.sub(r"<.*?>", " ", " ".join(getattr(child, "value", "") for child in view.children))


def test_who_has_done_nothing_is_told_how_it_begins():
    text = text_of(lesson.what_next())
    assert "Nothing to review yet." in text and "Next lesson: 00 Start here." in text


def test_what_was_wrong_is_due_and_counted_by_lesson(record):
    for question in questions_of("01")[:3]:
        record.record_answer("01", question.id, "x", False)
    record.record_answer("02", questions_of("02")[0].id, "x", False)
    record.record_answer("01", "01-left-the-bank", "x", False)
    assert "Nothing is due. The next question is due in 10 min." in text_of(lesson.what_next())
    put_in_the_past(record, 1)
    text = text_of(lesson.what_next())
    assert "Due for review: 4 questions (3 of lesson 01, 1 of lesson 02)." in text
    assert "Next lesson: 00 Start here." in text


def test_what_was_right_is_due_after_two_days(record):
    record.record_answer("00", questions_of("00")[0].id, "x", True)
    text = text_of(lesson.what_next())
    assert "The next question is due in 2 days." in text and "Next lesson: 01" in text
    put_in_the_past(record, 2)
    assert "Due for review: 1 question (1 of lesson 00)." in text_of(lesson.what_next())


def test_once_all_is_begun_the_lesson_with_most_left_is_named(record):
    for question in COURSE:
        record.record_answer(question.lesson, question.id, "x", question.lesson != "04")
    assert f"Most is left in lesson 04 ReLU: {len(questions_of('04'))} of its" in text_of(lesson.what_next())
    for question in questions_of("04"):
        record.record_answer(question.lesson, question.id, "x", True)
    assert "every question was right" in text_of(lesson.what_next())


TIMES = [(5, "under a minute"), (31, "1 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min"), (2 * DAY, "2 days")]


@pytest.mark.parametrize("seconds, words", TIMES)
def test_times_are_said_in_words(seconds, words):
    assert parts.format_duration(seconds) == words


# Mixed review ---------------------------------------------------------------------------------------------------------


def test_a_first_round_takes_new_questions_in_the_order_of_the_course():
    view = lesson.review(5)
    assert [each.question.id for each in view.questions] == [question.id for question in questions_of("00")[:5]]
    assert "5 questions, nothing due" in view.head.value


def test_the_weakest_come_first_then_new_ones_of_lessons_begun(record):
    chosen = questions_of("03")[:4]
    for question, correct in zip(chosen, (True, False, True, False), strict=True):
        record.record_answer("03", question.id, "x", correct)
    put_in_the_past(record, 5)
    view = lesson.review(6)
    ids = [each.question.id for each in view.questions]
    assert ids[:4] == [chosen[n].id for n in (1, 3, 0, 2)] and {name[:2] for name in ids[4:]} == {"03"}
    assert ids == [question.id for question in weakest_first(questions_of("03"), record.history(), time.time())][:6]
    assert "6 questions, 4 due" in view.head.value


def test_answers_of_a_round_are_there_again_and_count_for_the_lesson(record):
    first = lesson.review(4, lessons=["05"])
    give(first.questions[0], first.questions[0].question.right_answer())
    give(first.questions[2], wrong_answer(first.questions[2].question))
    new_kernel()
    again = lesson.review(4, lessons=["05"])
    assert [view.question for view in again.questions] == [view.question for view in first.questions]
    assert [view.feedback.value for view in again.questions] == [view.feedback.value for view in first.questions]
    assert "1 of 4 right, 2 answered." in again.round.score.value
    assert progress.summary()["05"].right == {first.questions[0].question.id}
    assert again.next_button.layout.display == "none"
    assert len(record.history()) == len(progress.progress().history()), "what is shown again is not kept again"


def test_earlier_answers_are_not_given_away(record):
    question = next(question for question in COURSE if question.type == "multiple_choice")
    record.record_answer(question.lesson, question.id, question.right_answer(), True)
    put_in_the_past(record, 5)
    (view,) = lesson.review(1).questions
    assert view.question.id == question.id and view.feedback.value == "" and view.input.get() is None


def test_a_complete_round_stays_until_another_is_asked_for():
    view = lesson.review(3)
    first = [each.question.id for each in view.questions]
    for each in view.questions:
        give(each, wrong_answer(each.question) if each is view.questions[1] else each.question.right_answer())
    assert "2 of 3 right, 3 answered. To look at again, by lesson: 00 (1)." in view.round.score.value
    assert view.next_button.layout.display is None
    new_kernel()
    view = lesson.review(3)
    assert [each.question.id for each in view.questions] == first and view.next_button.layout.display is None
    view.next_button.click()
    second = [each.question.id for each in view.questions]
    assert second != first and view.next_button.layout.display == "none"
    assert "0 of 3 right, 0 answered." in view.round.score.value
    new_kernel()
    assert [each.question.id for each in lesson.review(3).questions] == second


def test_a_round_of_yesterday_is_not_taken_up(record):
    first = lesson.review(3)
    give(first.questions[0], wrong_answer(first.questions[0].question))
    put_in_the_past(record, 1)
    again = lesson.review(3)
    assert "0 answered" in again.round.score.value
    assert again.questions[0].question.id == first.questions[0].question.id, "it is due"


def test_each_round_draws_other_numbers(monkeypatch, record):
    monkeypatch.setattr("helpers.lesson.reviews.load_banks", lambda lessons: (build(TEMPLATE),))
    seeds = set()
    for _ in range(3):
        (each,) = lesson.review(1, lessons=["07"]).questions
        give(each, each.question.right_answer())
        assert (each.grade.correct, record.history()[-1].seed) == (True, each.question.seed)
        seeds.add(each.question.seed)
        new_kernel()
        (again,) = lesson.review(1, lessons=["07"]).questions
        assert (again.question, again.feedback.value) == (each.question, each.feedback.value)
        put_in_the_past(record, 1)
    assert len(seeds) == 3


@pytest.mark.parametrize("ask", [lesson.review, lambda *a, **k: lesson.exam("7b", *a, **k)])
@pytest.mark.parametrize("n", [0, -1, 2.5, "10", True, None])
def test_a_number_of_questions_that_is_none_is_refused(ask, n):
    with pytest.raises(ValueError, match="n must be a whole number ≥ 1; got"):
        ask(n)


@pytest.mark.parametrize("ask", [lesson.review, lambda *a, **k: lesson.exam("7b", *a, **k)])
def test_lessons_are_named_by_number_or_file_and_unknown_ones_refused(ask):
    assert {view.question.lesson for view in opened(ask(4, lessons=["01_definition", "02"])).questions} <= {"01", "02"}
    with pytest.raises(ValueError, match="lessons has '77'; there are questions on 00, 01"):
        ask(4, lessons=["01", "77"])
    with pytest.raises(ValueError, match="lessons is empty"):
        ask(4, lessons=[])


def test_more_questions_than_there_are_asks_all():
    assert len(lesson.review(1000, lessons=["01"]).questions) == len(questions_of("01"))


# Exam -----------------------------------------------------------------------------------------------------------------


def opened(view):
    """The questions of a review, or of an exam once it is begun."""
    if isinstance(view, lesson.ReviewView):
        return view
    if view.begin_button.layout.display is None:
        view.begin_button.click()
    return view.paper


def test_a_class_gets_the_same_paper_and_each_learner_a_different_one(folder, monkeypatch, tmp_path):
    def sit(learner, seed):
        monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / learner))
        questions = [view.question for view in opened(lesson.exam(seed, n=8)).questions]
        return [
            (question.id, question.seed, [answer.text for answer in question.presented()]) for question in questions
        ]

    assert sit("ada", "7b") == sit("emmy", " 7b ") != sit("ada", "Ada") != sit("emmy", "Emmy")
    assert sit("ada", 7) == sit("emmy", "7")


def test_nothing_is_told_before_the_end_and_all_at_the_end(record):
    view = lesson.exam("7b", n=6)
    assert view.hand_in_button.layout.display == "none" and "6 questions" in view.head.value
    paper = opened(view)
    right, wrong, late = paper.questions[0], paper.questions[1], paper.questions[2]
    give(right, right.question.right_answer())
    give(wrong, wrong_answer(wrong.question))
    give(late, wrong_answer(late.question))
    give(late, late.question.right_answer())
    for each in (right, wrong, late):
        assert each.feedback.value == right.feedback.value and "Kept." in each.feedback.value
    assert "3 of 6 answers kept." in paper.score.value
    assert record.history() == () and record.summary() == {}
    view.hand_in_button.click()
    assert "There is no answer to questions 4, 5, 6." in view.warning.value and record.history() == ()
    view.hand_in_button.click()
    assert "2 of 6 right (33 %). Time from Begin to handing in: under a minute." in view.result.value
    shown = view.paper.questions
    assert "✓ Right." in shown[0].feedback.value and "✗ Not quite." in shown[1].feedback.value
    assert "✗ No answer." in shown[5].feedback.value
    assert "The right answer:" in shown[5].feedback.value
    assert all(each.button.layout.display == "none" for each in shown)
    assert [each.correct for each in record.history()] == [True, False, True]


def enter(view, answer):
    """Fill in the field and press nothing."""
    view.input.put(answer)


def test_what_stands_in_the_fields_counts_though_nothing_was_kept(record):
    view = lesson.exam("fields", n=24)
    paper = opened(view)
    for each in paper.questions[:-1]:
        enter(each, each.question.right_answer())
    view.hand_in_button.click()
    assert "There is no answer to question 24." in view.warning.value
    assert "23 of 24 answers kept." in paper.score.value
    new_kernel()
    again = lesson.exam("fields", n=24)
    assert "23 of 24 answers kept." in again.paper.score.value, "they were kept before the warning"
    view.hand_in_button.click()
    assert "23 of 24 right" in view.result.value and sum(each.correct for each in record.history()) == 23


def test_a_field_changed_after_it_was_kept_counts_as_it_stands(record):
    view = lesson.exam("changed", n=3)
    for each in opened(view).questions:
        give(each, wrong_answer(each.question))
        enter(each, each.question.right_answer())
    view.hand_in_button.click()
    assert "3 of 3 right" in view.result.value


def test_an_order_that_nobody_touched_is_no_answer(monkeypatch):
    monkeypatch.setattr("helpers.lesson.exams.load_banks", lambda lessons: (build(ORDERING),))
    view = lesson.exam("7b", n=1, lessons=["07"])
    opened(view)
    view.hand_in_button.click()
    assert "There is no answer to question 1." in view.warning.value
    inside(view.paper.questions[0]).buttons[0].click()
    view.hand_in_button.click()
    assert "of 1 right" in view.result.value and "No answer." not in view.paper.questions[0].feedback.value


def test_a_number_that_cannot_be_read_is_no_answer_and_says_so(monkeypatch):
    monkeypatch.setattr("helpers.lesson.exams.load_banks", lambda lessons: (build(TEMPLATE),))
    view = lesson.exam("7b", n=1, lessons=["07"])
    (each,) = opened(view).questions
    enter(each, "half")
    view.hand_in_button.click()
    assert "There is no answer to question 1." in view.warning.value
    assert "“half” is not a number I can read." in each.feedback.value


def test_the_result_is_told_by_lesson(record):
    view = lesson.exam("by lesson", n=6, lessons=["01", "03"])
    for each in opened(view).questions:
        give(
            each,
            (each.question.right_answer if each.question.lesson == "03" else lambda q=each.question: wrong_answer(q))(),
        )
    view.hand_in_button.click()
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", view.result.value)
    assert [(name[:2], right) for name, right in rows] == [("01", "0 of 3"), ("03", "3 of 3")]
    assert Counter((each.lesson, each.correct) for each in record.history()) == {("01", False): 3, ("03", True): 3}


def test_an_exam_is_there_again_before_and_after_the_end(record):
    first = lesson.exam("7b", n=4)
    paper = opened(first)
    give(paper.questions[1], paper.questions[1].question.right_answer())
    new_kernel()
    again = lesson.exam("7b", n=4)
    assert [view.question for view in again.paper.questions] == [view.question for view in paper.questions]
    assert again.paper.questions[1].input.get() == paper.questions[1].input.get()
    assert "1 of 4 answers kept." in again.paper.score.value and again.begin_button.layout.display == "none"
    again.hand_in_button.click()
    again.hand_in_button.click()
    new_kernel()
    after = lesson.exam("7b", n=4)
    assert "1 of 4 right (25 %)" in after.result.value and after.hand_in_button.layout.display == "none"
    assert "✓ Right." in after.paper.questions[1].feedback.value
    assert len(record.history()) == 1


def test_an_exam_handed_in_elsewhere_is_not_counted_twice(record):
    views = [lesson.exam("7b", n=2), lesson.exam("7b", n=2)]
    for each in opened(views[0]).questions:
        give(each, each.question.right_answer())
    views[1] = lesson.exam("7b", n=2)
    for view in views:
        view.hand_in_button.click()
        assert "2 of 2 right (100 %)" in view.result.value
    assert len(record.history()) == 2


def test_a_paper_can_be_sat_again(record):
    view = lesson.exam("7b", n=2)
    first = [each.question for each in opened(view).questions]
    for _ in range(2):
        view.hand_in_button.click()
    assert "0 of 2 right" in view.result.value and view.begin_button.description == "Sit this paper again"
    view.begin_button.click()
    assert [each.question for each in view.paper.questions] == first and view.result.value == ""
    assert "0 of 2 answers kept." in view.paper.score.value
    for each in view.paper.questions:
        give(each, each.question.right_answer())
    view.hand_in_button.click()
    assert "2 of 2 right" in view.result.value
    assert [each.right for each in record.sittings()] == [0, 2]


def test_mixed_answers_are_graded_as_in_the_bank():
    for question in COURSE:
        mixed = quiz.instantiate(question, 7)
        assert sorted(mixed.presented(), key=mixed.answers.index) == list(mixed.answers)
        assert quiz.grade(mixed, mixed.right_answer()).correct
        assert not quiz.grade(mixed, wrong_answer(mixed)).correct


ENTRIES = [entry for entry in OF_EACH_TYPE if entry["type"] != "open"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_every_type_can_stand_in_an_exam(monkeypatch, entry):
    monkeypatch.setattr("helpers.lesson.exams.load_banks", lambda lessons: (build(entry),))
    view = lesson.exam("7b", n=1, lessons=["07"])
    for answer, right in ((wrong_answer, 0), (quiz.Question.right_answer, 1)):
        (each,) = opened(view).questions
        give(each, answer(each.question))
        view.hand_in_button.click()
        assert f"{right} of 1 right" in view.result.value
    opened(view)
    for _ in range(2):
        view.hand_in_button.click()
    assert "✗ No answer." in view.paper.questions[0].feedback.value


def test_an_open_question_is_part_of_a_review_and_rated_once_compared(monkeypatch, record):
    monkeypatch.setattr("helpers.lesson.reviews.load_banks", lambda lessons: (build(OPEN),))
    (each,) = lesson.review(1, lessons=["07"]).questions
    inside(each).text.value = "Some words."
    each.button.click()
    assert standings(record.history(), time.time()) == {}, "only written"
    give(each, {"text": "Some words.", "points": [0]})
    (mine,) = standings(record.history(), time.time()).values()
    assert mine.question == OPEN["id"] and not mine.right
    new_kernel()
    (again,) = lesson.review(1, lessons=["07"]).questions
    assert again.input.get() == {"text": "Some words.", "points": [0]}


def test_nothing_chosen_is_not_kept():
    view = opened(lesson.exam("7b", n=11))
    choice = next(each for each in view.questions if each.question.type == "multiple_choice")
    choice.button.click()
    assert "No answer yet." in choice.feedback.value and "0 of 11 answers kept." in view.score.value


def test_an_empty_seed_and_a_paper_of_nothing_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="seed is empty; give the class a word"):
        lesson.exam("  ")
    monkeypatch.setattr("helpers.lesson.exams.load_banks", lambda lessons: ())
    with pytest.raises(ValueError, match="none of their questions can be graded"):
        lesson.exam("7b")


EVIL = '<img src=x onerror="alert(1)">'


def test_a_seed_cannot_become_markup():
    view = lesson.exam(EVIL, n=1)
    assert "<img" not in view.head.value and "&lt;img" in view.head.value


def test_what_happens_is_read_out():
    view = lesson.exam("7b", n=2)
    view.begin_button.click()
    assert view.announcer.text == "Begun. 2 questions."
    give(view.paper.questions[0], view.paper.questions[0].question.right_answer())
    assert view.paper.announcer.text == "Kept. 1 of 2 answers kept."
    view.hand_in_button.click()
    assert view.announcer.text.startswith("Not yet handed in.")
    view.hand_in_button.click()
    assert view.announcer.text.startswith("Handed in. 1 of 2 right (50 %).")


# Scores and one's own data --------------------------------------------------------------------------------------------


def figure_of(view):
    return next(child.figure for child in view.children if hasattr(child, "figure"))


def test_the_map_fills_as_lessons_are_done(record):
    def note_of(number):
        return next(note.text for note in lesson.my_map().figure.layout.annotations if note.text[3:5] == number)

    assert "done" not in note_of("02")
    for question in questions_of("02"):
        record.record_answer("02", question.id, "x", True)
    assert "% done" in note_of("02")
    record.record_prediction("02", "02", ["ReLU"])
    record.record_prediction("02", "02-factor", 0.25)
    for exercise in ("softsign_slope", "weight_deviation"):
        record.record_exercise("02", exercise, True)
    assert "✓ done" in note_of("02") and "done" not in note_of("03")


def test_without_a_score_there_is_a_sentence_and_no_empty_plot():
    view = lesson.my_scores()
    assert "No scores yet." in text_of(view) and not any(hasattr(child, "figure") for child in view.children)


def test_scores_grow_and_fall_with_the_last_answers(record):
    a, b = (question.id for question in questions_of("01")[:2])
    for question, correct in [(a, True), (b, False), (a, False), (a, True), (b, True), ("01-gone", True)]:
        record.record_answer("01", question, "x", correct)
    view = lesson.my_scores()
    traces = {trace.name: list(trace.y) for trace in figure_of(view).data}
    assert traces == {"answered": [0, 1, 2, 2, 2, 2, 2], "right": [0, 1, 1, 0, 1, 2, 2]}
    assert f"2 of {len(COURSE)} questions answered, 2 right at the last try." in text_of(view)
    assert "exams" not in text_of(view)


def test_exams_are_drawn_below_with_their_share(record):
    view = lesson.exam("7b", n=4)
    for number, each in enumerate(opened(view).questions):
        give(each, each.question.right_answer() if number else wrong_answer(each.question))
    assert "No scores yet." in text_of(lesson.my_scores())
    view.hand_in_button.click()
    lesson.exam("not begun")
    opened(lesson.exam("begun only"))
    (exams,) = [trace for trace in figure_of(lesson.my_scores()).data if trace.name == "exams"]
    assert list(exams.y) == [75] and exams.text == ("75 %",)


def test_the_place_of_the_record_is_told_and_exported(folder, record):
    record.record_answer("01", "01-a", "ä<b>", True)
    view = lesson.my_data()
    assert str(folder / progress.FILE_NAME) in view.place.value
    view.export_button.click()
    (written,) = folder.glob("gradient-course-*.json")
    assert str(written) in view.message.value
    name, content = re.search(
        r'download="(.*?)" href="data:application/json;base64,(.*?)"', view.message.value
    ).groups()
    assert name == written.name
    assert base64.b64decode(content).decode() == written.read_text(encoding="utf-8")
    assert json.loads(written.read_text(encoding="utf-8"))["answer"][0]["given"] == "ä<b>"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Anna Ärmel", "Anna Ärmel.json"),
        ("../anna/7a", "anna7a.json"),
        ("a" * 300, "a" * 80 + ".json"),
        ("Ed O'Hara", "Ed OHara.json"),
    ],
)
def test_an_export_is_named_after_the_learner(folder, record, name, file):
    view = lesson.my_data()
    view.name.value = name
    view.export_button.click()
    assert (folder / file).exists()
    assert f'download="{file}"' in view.message.value


def test_a_record_in_memory_is_exported_as_a_download(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "file" / "below"))
    view = lesson.my_data()
    assert "in memory now" in view.place.value
    view.export_button.click()
    assert "Ready." in view.message.value and "data:application/json" in view.message.value
    view.reset_button.click()
    view.confirm_button.click()
    assert "Not done." in view.message.value and "only until this kernel ends" in view.message.value


def upload(view, name, content):
    """What the browser sends once a file is chosen."""
    view.upload.set_trait(
        "value",
        (
            {
                "name": name,
                "type": "",
                "size": len(content),
                "content": memoryview(content),
                "last_modified": datetime.now(UTC),
            },
        ),
    )


def test_an_export_is_read_back_by_the_button_and_from_python(folder, record, tmp_path):
    record.record_answer("01", "01-a", "x", True)
    record.record_prediction("01", "01", 1e-3)
    export = tmp_path / "mine.json"
    export.write_text(record.export(), encoding="utf-8")
    record.empty()
    view = lesson.my_data()
    upload(view, "mine.json", export.read_bytes())
    assert "2 entries were added from <code>mine.json</code>, 0 were there already." in view.message.value
    assert record.summary()["01"].answered == {"01-a"} and view.upload.value == ()
    (copy,) = folder.glob("progress-before-reading-*.sqlite3")
    assert str(copy) in view.message.value
    again = lesson.my_data().read(export)
    assert "0 entries were added" in again.message.value and "2 were there already" in again.message.value
    assert len(list(folder.glob("progress-before-reading-*"))) == 1, "where nothing is added nothing is copied"


def test_a_file_that_cannot_be_read_back_is_named(record, tmp_path):
    view = lesson.my_data()
    upload(view, "<b>.json", b"{}")
    assert "Not read." in view.message.value and "&lt;b&gt;.json is not an export of this course" in view.message.value
    (tmp_path / "foreign.json").write_bytes(b"{}")
    with pytest.raises(ValueError, match=r"foreign\.json is not an export of this course"):
        view.read(tmp_path / "foreign.json")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        view.read(tmp_path / "missing.json")


def test_a_new_beginning_asks_first_and_keeps_a_copy(folder, record):
    record.record_answer("01", "01-a", "x", True)
    view = lesson.my_data()
    assert view.confirm_button.layout.display == view.keep_button.layout.display == "none"
    view.reset_button.click()
    assert "Start over?" in view.message.value and view.reset_button.layout.display == "none"
    view.keep_button.click()
    assert record.summary().keys() == {"01"} and view.message.value == "" and view.reset_button.layout.display is None
    view.reset_button.click()
    view.confirm_button.click()
    assert record.summary() == {} and view.reset_button.layout.display is None
    (copy,) = folder.glob("progress-reset-*.sqlite3")
    assert str(copy) in view.message.value
    (folder / "copy").mkdir()
    copy.replace(folder / "copy" / progress.FILE_NAME)
    assert Progress(folder / "copy").summary().keys() == {"01"}
    assert "No scores yet." in text_of(lesson.my_scores()) and "Nothing to review yet." in text_of(lesson.what_next())


def test_growth_counts_from_zero_to_now():
    answers = [Given("x", correct, at, "01", name) for at, name, correct in [(10.0, "a", False), (20.0, "b", True)]]
    assert progress.growth(answers, {"a", "b"}, 99.0) == progress.Growth((10, 10, 20, 99), (0, 1, 2, 2), (0, 0, 1, 1))
    assert progress.growth(answers, {"c"}, 99.0) == progress.growth([], {"a"}, 99.0) == progress.Growth((), (), ())


def test_the_copy_that_could_not_be_made_is_said(record, monkeypatch):
    record.record_answer("01", "01-a", "x", True)
    monkeypatch.setattr("helpers.progress.store._dated", lambda path, why: path.parent)
    view = lesson.my_data()
    view.reset_button.click()
    view.confirm_button.click()
    assert "Nothing was reset" in view.message.value and record.summary().keys() == {"01"}
