"""Mixed review: questions of all lessons, the weakest first, and what is due."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import ipywidgets as widgets

from helpers.checks import check_whole
from helpers.course import LESSONS
from helpers.lesson.parts import View, format_duration, html_box, make_button, paragraph, show_if
from helpers.lesson.questions import QuestionView, QuizView, count_right
from helpers.progress import Progress, Sitting, progress
from helpers.quiz import Question, available_lessons, instantiate, load_bank, load_banks
from helpers.quiz.papers import seed_of
from helpers.quiz.schedule import count_due, standings, weakest_first
from helpers.words import counted

ROUND_SECONDS = 12 * 3600.0
"""A round begun longer ago is not resumed."""


def choose_lessons(lessons: Sequence[str] | None) -> tuple[str, ...]:
    """The chosen lessons as two-digit numbers; None chooses all that have a bank. ValueError for an unknown one."""
    available = available_lessons()
    if lessons is None:
        return available
    chosen = tuple(dict.fromkeys(str(lesson)[:2] for lesson in lessons))
    for lesson in chosen:
        if lesson not in available:
            raise ValueError(f"lessons has {lesson!r}; there are questions on {', '.join(available)}")
    if not chosen:
        raise ValueError(f"lessons is empty; choose among {', '.join(available)}, or leave it out for all")
    return chosen


def what_next() -> View:
    """Say what is due for review, when the next question will be, and which lesson comes next."""
    record = progress()
    return View([paragraph(sentence) for sentence in (_due_sentence(record), _lesson_sentence(record))], record)


def _due_sentence(record: Progress) -> str:
    lessons = {question.id: question.lesson for question in load_banks()}
    now = time.time()
    known = [standing for name, standing in standings(record.history(), now).items() if name in lessons]
    if not known:
        return (
            "Nothing to review yet. Answer the quiz of a lesson: what was wrong comes back after ten minutes, what was "
            "right after two days, and then after longer and longer breaks."
        )
    due = [lessons[standing.question] for standing in known if standing.is_due(now)]
    if not due:
        wait = min(standing.due for standing in known) - now
        return f"Nothing is due. The next question is due in {format_duration(wait)}."
    of_lessons = ", ".join(f"{count} of lesson {lesson}" for lesson, count in sorted(Counter(due).items()))
    return f"Due for review: {counted(len(due), 'question')} ({of_lessons})."


def _lesson_sentence(record: Progress) -> str:
    """Name the first lesson that isn't begun, else the one with the most questions not yet right."""
    done = record.summary()
    for lesson in available_lessons():
        if lesson not in done:
            return f"Next lesson: {LESSONS[lesson].name}."
    missing = {
        lesson: sum(question.id not in done[lesson].right for question in load_bank(lesson))
        for lesson in available_lessons()
    }
    weakest = max(missing, key=lambda lesson: missing[lesson])
    if not missing[weakest]:
        return "Every lesson is begun, and every question was right at the last try."
    return (
        f"Every lesson is begun. Most is left in lesson {LESSONS[weakest].name}: "
        f"{missing[weakest]} of its questions are not yet right."
    )


def is_complete(views: Sequence[QuestionView]) -> bool:
    """Whether every question has an answer."""
    return all(view.grade.understood for view in views)


def count_round(views: Sequence[QuestionView]) -> str:
    """The score of a round and, once it is complete, the lessons to look at again."""
    wrong = Counter(view.question.lesson for view in views if not view.grade.correct)
    if not is_complete(views) or not wrong:
        return count_right(views)
    again = ", ".join(f"{lesson} ({count})" for lesson, count in sorted(wrong.items()))
    return f"{count_right(views)} To look at again, by lesson: {again}."


class ReviewView(View):
    """A round of questions, the weakest first; once it is complete, a button begins another."""

    def __init__(self, count: int, lessons: Sequence[str], record: Progress) -> None:
        self._count, self._lessons, self._record = count, lessons, record
        self._name = f"review n={count} lessons={','.join(lessons)}"
        self.head, self._place = html_box(), widgets.VBox()
        self.next_button = make_button("Another round", self._begin, primary=True)
        super().__init__([self.head, self._place, self.next_button], record)
        last = record.sitting(self._name)
        if last is None or time.time() - last.begun > ROUND_SECONDS:
            self._begin()
        else:
            self._show(last)

    @property
    def questions(self) -> list[QuestionView]:
        """The questions of the round."""
        return self.round.questions

    def _begin(self) -> None:
        now = time.time()
        drawn = weakest_first(self._pool(), self._record.history(), now)[: self._count]
        self._record.begin_sitting(self._name, [(question.id, seed_of(str(now), question.id)) for question in drawn])
        begun = self._record.sitting(self._name)
        assert begun is not None
        self._show(begun)

    def _pool(self) -> tuple[Question, ...]:
        """All questions, those of the lessons that were begun first."""
        done = self._record.summary()
        return load_banks(sorted(self._lessons, key=lambda lesson: lesson not in done))

    def _show(self, sitting: Sitting) -> None:
        pool = self._pool()
        earlier = {each.question: each for each in self._record.history() if each.at >= sitting.begun}
        self.round = QuizView(
            questions_of(sitting, pool),
            self._record,
            earlier=earlier,
            names_lessons=True,
            score=count_round,
            after=self._follow,
        )
        self._place.children = (self.round,)
        due = count_due(pool, self._record.history(), time.time())
        waiting = f"{due} due in these lessons" if due else "nothing due, so this is for practice"
        asked = counted(len(self.questions), "question")
        self.head.value = f'<div class="lesson-head">Mixed review: {asked}, {waiting}</div>'
        self._follow()

    def _follow(self) -> None:
        show_if(self.next_button, is_complete(self.round.questions))


def questions_of(sitting: Sitting, pool: Sequence[Question]) -> list[Question]:
    """The questions of a sitting, with the values that their seeds draw; questions no longer in a bank are left out."""
    by_id = {question.id: question for question in pool}
    return [instantiate(by_id[name], seed or 0) for name, seed in sitting.questions if name in by_id]


def review(n: int = 10, lessons: Sequence[str] | None = None) -> ReviewView:
    """Ask `n` questions across the lessons, the weakest first: due, then least likely remembered, then new ones.

    lessons: two-digit numbers, such as ["03", "04"]; None for all. A round begun in the last 12 hours is resumed with
    its answers. ValueError where `n` is below 1 or a lesson has no questions.
    """
    return ReviewView(check_whole("n", n, 1), choose_lessons(lessons), progress())
