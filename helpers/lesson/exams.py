"""Exams: a paper that a seed draws, with feedback only at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from helpers.course import LESSONS
from helpers.lesson.own import EXAM
from helpers.lesson.parts import View, html_box, make_button, paragraph, say_duration, show_if, table_html, verdict_html
from helpers.lesson.questions import QuestionView, QuizView
from helpers.lesson.reviews import check_count, choose_lessons, questions_of
from helpers.progress import Given, Progress, Sitting, progress
from helpers.quiz import Grade, Question, grade, load_banks, say_number
from helpers.quiz.papers import draw_paper, shuffled
from helpers.quiz.text import as_html


class ExamQuestion(QuestionView):
    """A question whose answer is kept at once and graded only by `reveal`."""

    is_kept = False

    def put_back(self, given: Any) -> None:
        """Show an answer that was kept before."""
        self.input.put(given)
        self._tell_kept()

    def reveal(self, given: Any) -> None:
        """Show the feedback, without an answer the right one, and take no more answers."""
        if self.is_kept:
            self.restore(given)
        else:
            right = f"Right is: {_say(self.question.right_answer())}"
            self.feedback.value = verdict_html("✗", "No answer.", right, "wrong")
        self.input.lock(True)
        show_if(self.button, False)
        show_if(self.again_button, False)

    def _ask(self, question: Question) -> None:
        super()._ask(question)
        self.button.description = "Keep this answer"

    def _answer(self) -> None:
        given = self.input.get()
        result = grade(self.question, given)
        if result.understood:
            self._tell_kept()
        else:
            self.feedback.value = verdict_html("·", "No answer yet.", result.feedback, "open")
        self._quiz.answered(self.question, given, result)

    def _tell_kept(self) -> None:
        self.is_kept = True
        self.feedback.value = verdict_html("·", "Kept.", "You may change it until you hand in.", "open")


class PaperView(QuizView):
    """The questions of a sitting, with the answers kept so far."""

    is_mixed = True
    question_view = ExamQuestion
    questions: list[ExamQuestion]

    def __init__(self, questions: Sequence[Question], sitting: Sitting, record: Progress) -> None:
        self._sitting = sitting.name
        super().__init__("", questions, record)
        for view in self.questions:
            if view.question.id in sitting.given:
                view.put_back(sitting.given[view.question.id])
        self._show_score()

    def answered(self, question: Question, given: object, result: Grade) -> None:
        """Keep an answer; nothing is told of whether it is right."""
        if result.understood:
            self._record.answer_sitting(self._sitting, question.id, given)
        self._show_score()
        word = "Kept." if result.understood else f"No answer yet. {result.feedback}"
        self.announcer.say(f"{word} {self._score_sentence()}")

    def missing(self) -> list[str]:
        """The numbers of the questions without an answer."""
        return [str(number) for number, view in enumerate(self.questions, start=1) if not view.is_kept]

    def graded(self, sitting: Sitting) -> list[Given]:
        """The answers as they go into the record."""
        return [_graded(view.question, sitting) for view in self.questions if view.question.id in sitting.given]

    def reveal(self, given: Mapping[str, Any]) -> None:
        """Show the feedback on every question."""
        for view in self.questions:
            view.reveal(given.get(view.question.id))
        show_if(self.score, False)

    def _score_sentence(self) -> str:
        return f"{sum(view.is_kept for view in self.questions)} of {len(self.questions)} answers kept."


class ExamView(View):
    """A paper before it is begun, while it is written, and once it is handed in."""

    def __init__(self, seed: str, count: int, lessons: Sequence[str], record: Progress) -> None:
        self._seed, self._record = seed, record
        self._pool = load_banks(lessons)
        self._paper = draw_paper(self._pool, count, seed)
        if not self._paper:
            raise ValueError(f"lessons has {', '.join(lessons)}; none of their questions can be graded in an exam")
        self._name = f"{EXAM} {seed} n={count} lessons={','.join(lessons)}"
        self.head, self.result, self._place, self.warning = html_box(), html_box(), widgets.VBox(), html_box()
        self.begin_button = make_button("Begin", self._begin, primary=True)
        self.hand_in_button = make_button("Hand in", self._hand_in, primary=True)
        children = [self.head, self.result, self._place, self.warning, self.hand_in_button, self.begin_button]
        super().__init__(children, record)
        self._show()

    def _begin(self) -> None:
        self._record.begin_sitting(self._name, self._paper)
        self._show()
        self.announcer.say(f"Begun. {len(self.paper.questions)} questions.")

    def _hand_in(self) -> None:
        missing = self.paper.missing()
        if missing and not self.warning.value:
            message = (
                f"No answer is kept for {'question' if len(missing) == 1 else 'questions'} {', '.join(missing)}. "
                "Press once more to hand in all the same."
            )
            self.warning.value = verdict_html("·", "Not yet handed in.", message, "open")
            self.announcer.say(f"Not yet handed in. {message}")
            return
        self._record.end_sitting(self._name, self.paper.graded(self._sitting()))
        self._show()
        self.announcer.say(f"Handed in. {self._result_sentence(self._sitting())}")
        self.announcer.bring_into_view(self.head)

    def _sitting(self) -> Sitting:
        sitting = self._record.sitting(self._name)
        assert sitting is not None, "asked only once it has begun"
        return sitting

    def _show(self) -> None:
        """Show the state that the record tells."""
        sitting = self._record.sitting(self._name)
        writing = sitting is not None and sitting.ended is None
        count = len(sitting.questions if sitting else self._paper)
        self.head.value = f'<div class="lesson-head">{as_html(f"Exam “{self._seed}”: {count} questions")}</div>'
        self.result.value = self.warning.value = ""
        show_if(self.hand_in_button, writing)
        show_if(self.begin_button, not writing)
        if sitting is None:
            self._place.children = (paragraph("Feedback comes when you hand in. The time runs from Begin on."),)
            return
        questions = [shuffled(question, self._seed) for question in questions_of(sitting, self._pool)]
        self.paper = PaperView(questions, sitting, self._record)
        self._place.children = (self.paper,)
        if sitting.ended is not None:
            self.paper.reveal(sitting.given)
            told = verdict_html("✓", "Handed in.", self._result_sentence(sitting), "open")
            self.result.value = told + self._by_lesson(sitting)
            self.begin_button.description = "Sit this paper again"

    def _result_sentence(self, sitting: Sitting) -> str:
        of, taken = len(sitting.questions), (sitting.ended or 0.0) - sitting.begun
        share = f"{100 * sitting.right / of:.0f} %"
        return f"{sitting.right} of {of} right ({share}). Time from Begin to handing in: {say_duration(taken)}."

    def _by_lesson(self, sitting: Sitting) -> str:
        rows = []
        for lesson in sorted({view.question.lesson for view in self.paper.questions}):
            mine = [view for view in self.paper.questions if view.question.lesson == lesson]
            right = sum(view.is_kept and view.grade.correct for view in mine)
            spent = sum(sitting.seconds.get(view.question.id, 0.0) for view in mine)
            rows.append((LESSONS[lesson].name, f"{right} of {len(mine)}", say_duration(spent)))
        return table_html(("Lesson", "Right", "Time"), rows)


def exam(seed: int | str, n: int = 10, lessons: Sequence[str] | None = None) -> ExamView:
    """Set an exam of `n` questions, spread over the lessons; the same seed gives the same paper everywhere.

    seed: one for the whole class (`seed="7b spring"`), or one each (`seed="Ada Lovelace"`).
    lessons: two-digit numbers, such as ["03", "04"]; None for all. What was begun or handed in is shown again.
    ValueError where the seed is empty, `n` is below 1 or a lesson has no questions.
    """
    name = str(seed).strip()
    if not name:
        raise ValueError('seed is empty; give the class a word, such as seed="7b spring", or each learner their name')
    return ExamView(name, check_count(n), choose_lessons(lessons), progress())


def _graded(question: Question, sitting: Sitting) -> Given:
    given, spent = sitting.given[question.id], sitting.seconds[question.id]
    seed = question.seed if question.varies else None
    return Given(given, grade(question, given).correct, time.time(), question.lesson, question.id, spent, seed)


def _say(answer: Any) -> str:
    """A right answer in words."""
    if isinstance(answer, list):
        return "; ".join(str(each) for each in answer)
    return answer if isinstance(answer, str) else say_number(answer)
