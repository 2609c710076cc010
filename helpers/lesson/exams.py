"""Exams: a paper drawn by a seed, with feedback only at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from helpers.checks import check_whole
from helpers.course import LESSONS
from helpers.lesson.own import EXAM
from helpers.lesson.parts import (
    View,
    format_duration,
    html_box,
    make_button,
    paragraph,
    show_if,
    table_html,
    verdict_html,
)
from helpers.lesson.questions import QuestionForm
from helpers.lesson.reviews import choose_lessons, questions_of
from helpers.progress import Given, Progress, Sitting, progress
from helpers.quiz import Grade, Question, Verdict, grade, load_banks
from helpers.quiz.papers import draw_paper, normalized
from helpers.quiz.text import as_html
from helpers.words import counted


class ExamQuestion(QuestionForm):
    """A question whose answer is kept, and graded only by `reveal`; `kept` is called after each attempt to keep one."""

    def __init__(
        self,
        number: int,
        question: Question,
        announce: Callable[[str], None],
        kept: Callable[[Question, Any, Grade], None],
    ) -> None:
        super().__init__(number, self.keep, announce, names_lesson=True)
        self.ask(question)
        self._kept = kept
        self._untouched = self.input.get()
        self.is_kept, self.is_right = False, False
        self.button.description = "Keep this answer"

    def put_back(self, given: Any) -> None:
        """Show an answer that was kept before."""
        self.input.put(given)
        self._show_kept()

    def keep(self) -> None:
        """Keep the current answer, or say why it can't be read."""
        given = self.input.get()
        result = grade(self.question, given)
        if result.understood:
            self._show_kept()
        else:
            self.feedback.value = verdict_html(Verdict("open", "No answer yet.", result.feedback))
        self._kept(self.question, given, result)

    def keep_what_stands(self) -> None:
        """Keep an answer that was changed since it was last kept, without a press of the button."""
        if self.input.get() != self._untouched:
            self.keep()

    def reveal(self, given: Any) -> None:
        """Show the feedback, or the right answer if none was given, and lock the question."""
        result = grade(self.question, given)
        if result.understood:
            self.input.put(given)
            self.is_right = result.correct
            verdict = self.question.kind.verdict(self.question, result)
        else:
            right = self.question.kind.in_words(self.question.right_answer())
            verdict = Verdict("wrong", "No answer.", f"The right answer: {right}")
        self.feedback.value = verdict_html(verdict)
        self.input.lock(True)
        show_if(self.button, False)

    def _show_kept(self) -> None:
        self.is_kept, self._untouched = True, self.input.get()
        self.feedback.value = verdict_html(Verdict("open", "Kept.", "You may change it until you hand in."))


class PaperView(View):
    """The questions of a sitting and the answers kept so far."""

    def __init__(self, questions: Sequence[Question], sitting: Sitting, record: Progress) -> None:
        self._sitting, self._record = sitting.name, record
        self.score = html_box()
        self.questions = [
            ExamQuestion(number, question, self.announce, self._keep)
            for number, question in enumerate(questions, start=1)
        ]
        super().__init__([*self.questions, self.score], record)
        for view in self.questions:
            if view.question.id in sitting.given:
                view.put_back(sitting.given[view.question.id])
        self._show_count()

    def keep_what_stands(self) -> None:
        """Keep the current answers of all questions."""
        for view in self.questions:
            view.keep_what_stands()

    def missing(self) -> list[str]:
        """The numbers of the questions without an answer."""
        return [str(number) for number, view in enumerate(self.questions, start=1) if not view.is_kept]

    def graded(self, sitting: Sitting) -> list[Given]:
        """The graded answers, ready for the record."""
        return [_graded(view.question, sitting) for view in self.questions if view.question.id in sitting.given]

    def reveal(self, given: Mapping[str, Any]) -> None:
        """Show the feedback on every question."""
        for view in self.questions:
            view.reveal(given.get(view.question.id))
        show_if(self.score, False)

    def _keep(self, question: Question, given: Any, result: Grade) -> None:
        """Keep an answer without showing whether it is right."""
        if result.understood:
            self._record.answer_sitting(self._sitting, question.id, given)
        self._show_count()
        word = "Kept." if result.understood else f"No answer yet. {result.feedback}"
        self.announce(f"{word} {self._count()}")

    def _show_count(self) -> None:
        self.score.value = f'<div class="lesson-score">{self._count()}</div>'

    def _count(self) -> str:
        return f"{sum(view.is_kept for view in self.questions)} of {len(self.questions)} answers kept."


class ExamView(View):
    """A paper before it begins, while it is being written, and after it is handed in."""

    def __init__(
        self, seed: str, count: int, lessons: Sequence[str], record: Progress, needs: Collection[str] = ()
    ) -> None:
        self._seed, self._record = seed, record
        self.paper: PaperView
        self._is_warned = False
        self._pool = load_banks(lessons)
        self._drawn = draw_paper(self._pool, seed, count, needs)
        if not self._drawn:
            raise ValueError(f"lessons has {', '.join(lessons)}; none of their questions can be graded in an exam")
        self._name = f"{EXAM} {seed} n={count} lessons={','.join(lessons)}"
        if needs:
            self._name += f" needs={','.join(sorted(needs))}"
        self.head, self.result, self._place, self.warning = html_box(), html_box(), widgets.VBox(), html_box()
        self.begin_button = make_button("Begin", self._begin, primary=True)
        self.hand_in_button = make_button("Hand in", self._hand_in, primary=True)
        children = [self.head, self.result, self._place, self.warning, self.hand_in_button, self.begin_button]
        super().__init__(children, record)
        self._show()

    def _begin(self) -> None:
        self._record.begin_sitting(self._name, [(question.id, question.seed) for question in self._drawn])
        self._show()
        self.announce(f"Begun. {counted(len(self.paper.questions), 'question')}.")

    def _hand_in(self) -> None:
        self.paper.keep_what_stands()
        missing = self.paper.missing()
        if missing and not self._is_warned:
            self._is_warned = True
            message = (
                f"There is no answer to {'question' if len(missing) == 1 else 'questions'} {', '.join(missing)}. "
                "Press again to hand in anyway."
            )
            self.show_verdict(self.warning, Verdict("open", "Not yet handed in.", message))
            return
        self._record.end_sitting(self._name, self.paper.graded(self._sitting()))
        self._show()
        self.announce(f"Handed in. {self._result_sentence(self._sitting())}")
        self.announcer.bring_into_view(self.head)

    def _sitting(self) -> Sitting:
        sitting = self._record.sitting(self._name)
        assert sitting is not None, "asked only once it has begun"
        return sitting

    def _show(self) -> None:
        """Show the state of the sitting in the record."""
        sitting = self._record.sitting(self._name)
        writing = sitting is not None and sitting.ended is None
        count = len(sitting.questions if sitting else self._drawn)
        title = f"Exam “{self._seed}”: {counted(count, 'question')}"
        self.head.value = f'<div class="lesson-head">{as_html(title)}</div>'
        self.result.value = self.warning.value = ""
        self._is_warned = False
        show_if(self.hand_in_button, writing)
        show_if(self.begin_button, not writing)
        if sitting is None:
            self._place.children = (paragraph("You get feedback when you hand in. The clock starts at Begin."),)
            return
        self.paper = PaperView(questions_of(sitting, self._pool), sitting, self._record)
        self._place.children = (self.paper,)
        if sitting.ended is not None:
            self.paper.reveal(sitting.given)
            verdict = Verdict("open", "Handed in.", self._result_sentence(sitting))
            self.result.value = verdict_html(verdict) + self._by_lesson(sitting)
            self.begin_button.description = "Sit this paper again"

    def _result_sentence(self, sitting: Sitting) -> str:
        of, taken = len(sitting.questions), (sitting.ended or 0.0) - sitting.begun
        share = f"{100 * sitting.right / of:.0f} %"
        return f"{sitting.right} of {of} right ({share}). Time from Begin to handing in: {format_duration(taken)}."

    def _by_lesson(self, sitting: Sitting) -> str:
        rows = []
        for lesson in sorted({view.question.lesson for view in self.paper.questions}):
            mine = [view for view in self.paper.questions if view.question.lesson == lesson]
            right = sum(view.is_right for view in mine)
            spent = sum(sitting.seconds.get(view.question.id, 0.0) for view in mine)
            rows.append((LESSONS[lesson].name, f"{right} of {len(mine)}", format_duration(spent)))
        return table_html(("Lesson", "Right", "Time"), rows)


def exam(seed: int | str, n: int = 10, lessons: Sequence[str] | None = None, needs: Collection[str] = ()) -> ExamView:
    """Set an exam of `n` questions, spread over the lessons; the same seed gives the same paper everywhere.

    seed: one for the whole class (`seed="7b spring"`), or one each (`seed="Ada Lovelace"`). A paper that was begun or
    handed in is shown again.
    lessons: two-digit numbers, such as ["03", "04"]; None for all.
    needs: what learners may use: "panel", "run" (running cells), or both; without it no question needs more than
    pencil and paper. ValueError where the seed is empty, `n` is below 1 or a lesson has no questions.
    """
    name = normalized(seed)
    if not name:
        raise ValueError('seed is empty; give the class a word, such as seed="7b spring", or each learner their name')
    return ExamView(name, check_whole("n", n, 1), choose_lessons(lessons), progress(), needs)


def _graded(question: Question, sitting: Sitting) -> Given:
    given, spent = sitting.given[question.id], sitting.seconds[question.id]
    seed = question.seed if question.varies else None
    return Given(given, grade(question, given).correct, time.time(), question.lesson, question.id, spent, seed)
