"""What to ask next: computed from the record alone, by fsrs, and papers that a seed draws."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import fsrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import lesson, progress, quiz
from helpers.progress import Given
from helpers.publish.exports import choose
from helpers.publish.exports.presented import present
from helpers.quiz import Answer, Question
from helpers.quiz.papers import draw_paper, seed_of
from helpers.quiz.schedule import count_due, standings, weakest_first

NOW = 1_760_000_000.0
MINUTE, DAY = 60.0, 86400.0


def asked(name):
    return Question(f"01-{name}", "multiple_choice", "?", (Answer("a", True, text="a"), Answer("b", text="b")))


def answered(name, before_now, correct=True, **more):
    return Given("a", correct, NOW - before_now, "01", f"01-{name}", **more)


def standing(*answers):
    (found,) = standings([answered("a", *answer) for answer in answers], NOW).values()
    return found


# The schedule ---------------------------------------------------------------------------------------------------------


def test_right_answers_move_a_question_away_wrong_ones_bring_it_back():
    once, wrong = standing((0, True)), standing((0, False))
    assert once.due - NOW == pytest.approx(2 * DAY) and wrong.due - NOW == pytest.approx(10 * MINUTE)
    twice, relapse = standing((3 * DAY, True), (0, True)), standing((3 * DAY, True), (0, False))
    assert twice.due - NOW > 6 * DAY and relapse.due - NOW == pytest.approx(10 * MINUTE)
    assert (once.right, relapse.right) == (True, False)
    assert standing((30 * DAY, True)).retrievability < standing((3 * DAY, True)).retrievability < 0.9


def test_a_right_answer_soon_after_a_wrong_one_counts_for_less():
    soon, later = standing((2 * MINUTE, False), (MINUTE, True)), standing((3 * DAY, False), (MINUTE, True))
    assert soon.due - NOW < DAY < later.due - NOW


@pytest.mark.parametrize("score, rating", [(1.0, 3), (0.8, 3), (0.5, 2), (0.39, 1), (0.0, 1)])
def test_an_open_answer_is_rated_by_its_readers_score(score, rating):
    only_written = answered("a", DAY + 60, False, score=0.0)
    compared = replace(answered("a", DAY, score == 1, score=score), given={"text": "words", "points": [0]})
    (mine,) = standings([only_written, compared], NOW).values()
    scheduler = fsrs.Scheduler(enable_fuzzing=False)
    card, _ = scheduler.review_card(fsrs.Card(card_id=1), fsrs.Rating(rating))
    assert mine.stability == pytest.approx(card.stability)


@given(st.lists(st.tuples(st.floats(0, 400), st.booleans(), st.sampled_from("abc")), max_size=12))
def test_the_schedule_is_the_one_of_fsrs_and_depends_on_the_record_alone(deeds):
    deeds = sorted(deeds, key=lambda deed: -deed[0])
    history = [answered(name, days * DAY, correct) for days, correct, name in deeds]
    found = standings(history, NOW)
    assert found == standings(history, NOW) and found.keys() == {each.question for each in history}
    for name in found:
        mine = [each for each in history if each.question == name]
        assert found[name] == standings(mine, NOW)[name], "other questions don't matter"
        assert mine[-1].at < found[name].due <= mine[-1].at + 36500 * DAY
        assert 0 < found[name].retrievability <= 1 and found[name].stability > 0


def test_a_clock_that_was_set_back_does_no_harm():
    assert standing((0, True), (40 * DAY, False)).due < NOW


def test_due_comes_first_then_the_least_likely_remembered_then_the_new():
    history = [
        answered("fresh", 1 * MINUTE),
        answered("older", 20 * DAY),
        answered("old", 5 * DAY),
        answered("wrong", 60 * MINUTE, False),
        answered("just wrong", 2 * MINUTE, False),
    ]
    questions = [asked(name) for name in ("new 2", "fresh", "old", "new 1", "wrong", "older", "just wrong")]
    ranked = [question.id[3:] for question in weakest_first(questions, history, NOW)]
    assert ranked == ["wrong", "older", "old", "just wrong", "fresh", "new 2", "new 1"]
    assert count_due(questions, history, NOW) == 3 and count_due(questions[:2], history, NOW) == 0


def test_questions_that_are_gone_from_the_banks_are_not_asked():
    assert weakest_first([asked("a")], [answered("gone", DAY, False)], NOW) == [asked("a")]


def test_fsrs_is_loaded_only_when_a_schedule_is_asked_for():
    program = (
        "import sys; from helpers.quiz import schedule; assert 'fsrs' not in sys.modules; "
        "schedule.standings([], 0.0); assert 'fsrs' in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[1])


# Papers ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course():
    return list(quiz.load_banks())


def shown(paper):
    """What a reader of the paper sees: questions, drawn numbers and networks, the order of the options."""
    return [
        (question.id, question.text, str(question.network), [answer.text for answer in question.presented()])
        for question in paper
    ]


def test_a_seed_gives_the_same_paper_in_any_order_of_the_questions(course):
    paper = draw_paper(course, "class 7b", 10)
    assert paper == draw_paper(course[::-1], "class 7b", 10) == draw_paper(iter(course), " class 7b ", 10)
    assert draw_paper(course, 7, 10) == draw_paper(course, "7", 10)
    assert len(paper) == len({question.id for question in paper}) == 10


def test_the_same_seed_gives_the_same_paper_in_exam_exports_and_another_process(course, tmp_path, monkeypatch):
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path))
    view = lesson.exam("class 7b", n=20)
    view.begin_button.click()
    exam = shown(each.question for each in view.paper.questions)
    assert exam == shown(draw_paper(course, "class 7b", 20)) == shown(choose(seed="class 7b", questions=20))
    asked = [[text for text, _ in each.input.widget.options] for each in view.paper.questions if radios(each)]
    options = [options for (*_, options), each in zip(exam, view.paper.questions, strict=True) if radios(each)]
    assert asked == [[lesson.as_plain(text) for text in each] for each in options] != []
    presented = [present(question).options for question in choose(seed="class 7b", questions=20)]
    assert [list(each) for each in presented if each] == [options for *_, options in exam if any(options)]
    program = (
        "from helpers.publish.exports import choose; from tests.test_review import shown; "
        "print(shown(choose(seed='class 7b', questions=20)))"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=Path(__file__).parents[1])
    assert printed.strip() == str(exam)


def radios(view):
    return isinstance(view.input, lesson.ChoiceInput)


def test_a_seed_shows_a_question_alike_in_a_paper_and_among_all(course):
    paper, everything = draw_paper(course, "7b", 12), draw_paper(course, "7b", needs=quiz.NEEDS)
    assert [question.id for question in everything] == [question.id for question in course]
    assert set(map(str, shown(paper))) <= set(map(str, shown(everything)))


def test_other_seeds_give_other_papers(course):
    papers = [draw_paper(course, f"learner {number}", 10, quiz.NEEDS) for number in range(200)]
    assert len({frozenset(question.id for question in paper) for paper in papers}) == 200
    often = Counter(question.id for paper in papers for question in paper)
    gradable = [question for question in course if question.type != "open"]
    assert set(often) == {question.id for question in gradable}, "each question has its chance"


def test_an_exam_asks_what_needs_nothing_unless_asked_for_more(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path))
    assert {question.needs for question in lesson.exam("7b", n=40)._drawn} == {""}
    assert {question.needs for question in lesson.exam("7b", n=40, needs=["panel"])._drawn} == {"", "panel"}
    with pytest.raises(ValueError, match="each of needs must be one of panel, run; got 'book'"):
        lesson.exam("7b", needs=["book"])


def test_a_paper_is_spread_over_its_lessons(course):
    lessons = quiz.available_lessons()
    for count in (1, 5, 11, 30):
        per_lesson = Counter(question.lesson for question in draw_paper(course, count, count))
        assert sum(per_lesson.values()) == count
        assert max(per_lesson.values()) - min(per_lesson.get(lesson, 0) for lesson in lessons) <= 1
        assert list(per_lesson) == sorted(per_lesson), "in order of lessons"


def test_open_questions_are_left_out_and_few_questions_are_all_taken(course):
    few = [course[0], replace(course[1], type="open"), course[2]]
    assert {question.id for question in draw_paper(few, 1, 10)} == {course[0].id, course[2].id}


def test_the_right_answer_stands_at_each_place_about_as_often(course):
    choices = [question for question in course if question.type == "multiple_choice" and len(question.answers) == 4]
    places = Counter([each.correct for each in question.presented()].index(True) for question in choices)
    assert all(0.15 < places[place] / len(choices) < 0.35 for place in range(4)), places


@given(st.text(), st.text())
def test_seeds_of_questions_fit_the_record(seed, name):
    assert 0 <= seed_of(seed, name) < 2**31
