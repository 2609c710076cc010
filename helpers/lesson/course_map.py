"""The lessons of the course with what the learner has done of each."""

from __future__ import annotations

from helpers.course import LESSONS
from helpers.exercises import EXERCISES
from helpers.lesson.parts import View, html_box, say_duration, table_html
from helpers.progress import progress
from helpers.quiz import available_lessons, load_bank, load_predictions


def my_progress() -> View:
    """A table of the lessons with what the learner has done: predictions, exercises, right answers, time spent."""
    record = progress()
    done, predictions = record.summary(), load_predictions()
    rows = []
    for lesson in available_lessons():
        mine = done.get(lesson)
        rows.append(
            [
                f"{lesson} {LESSONS.get(lesson, '')}",
                _of({p.id for p in predictions.values() if p.lesson == lesson}, mine.predicted if mine else set()),
                _of({e.id for e in EXERCISES.values() if e.lesson == lesson}, mine.solved if mine else set()),
                _of({question.id for question in load_bank(lesson)}, mine.right if mine else set()),
                say_duration(mine.seconds) if mine else "–",
            ]
        )
    return View([html_box(table_html(("Lesson", "Predicted", "Exercises", "Quiz: right", "Time"), rows))], record)


def _of(wanted: set[str], reached: set[str]) -> str:
    """ "2 of 3", with a tick where all is reached; a dash where there is nothing to reach."""
    if not wanted:
        return "–"
    count = len(wanted & reached)
    return f"{'✓ ' if count == len(wanted) else ''}{count} of {len(wanted)}"
