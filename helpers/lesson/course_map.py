"""The lessons of the course and how much of each the learner has done."""

from __future__ import annotations

from helpers.classroom.parts import lesson_parts
from helpers.course import LESSONS, notebooks
from helpers.figures import course_map
from helpers.lesson.parts import View, format_duration, html_box, table_html
from helpers.live import LiveFigure
from helpers.progress import LessonDone, progress
from helpers.quiz import available_lessons


def my_map() -> LiveFigure:
    """The map of the course; behind each lesson's title is the share of it that the learner has done."""
    done, shares = progress().summary(), {}
    for lesson in available_lessons():
        parts = _parts(lesson, done.get(lesson))
        shares[lesson] = sum(len(wanted & reached) for wanted, reached in parts) / sum(
            len(wanted) for wanted, _ in parts
        )
    links = {lesson: path.name for lesson, path in notebooks().items()}
    return LiveFigure(course_map(done=shares, links=links), {}, dict)


class ProgressView(View):
    """A table of the lessons and how much of each the learner has done."""


def my_progress() -> ProgressView:
    """A table of the lessons with what the learner has done: predictions, exercises, right answers, time spent.

    The title of a lesson opens its notebook.
    """
    record = progress()
    done = record.summary()
    rows, links = [], []
    for lesson in available_lessons():
        mine = done.get(lesson)
        links.append(LESSONS[lesson].notebook)
        counts = [_of(wanted, reached) for wanted, reached in _parts(lesson, mine)]
        rows.append([LESSONS[lesson].name, *counts, format_duration(mine.seconds) if mine else "–"])
    table = table_html(("Lesson", "Predicted", "Exercises", "Quiz: right", "Time"), rows, links)
    return ProgressView([html_box(table)], record)


def _parts(lesson: str, mine: LessonDone | None) -> list[tuple[set[str], set[str]]]:
    """The ids of a lesson's predictions, exercises and questions, each paired with those that the learner has done."""
    done, parts = mine or LessonDone(lesson), lesson_parts(lesson)
    return [
        (set(parts.predictions), done.predicted),
        (set(parts.exercises), done.solved),
        (set(parts.questions), done.right),
    ]


def _of(wanted: set[str], reached: set[str]) -> str:
    """ "2 of 3", with a tick where all are reached; a dash where there is nothing to reach."""
    if not wanted:
        return "–"
    count = len(wanted & reached)
    return f"{'✓ ' if count == len(wanted) else ''}{count} of {len(wanted)}"
