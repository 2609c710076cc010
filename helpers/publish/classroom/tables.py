"""What a class knows, as comma-separated tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from helpers.classroom import ClassResults

QUESTION_COLUMNS = (
    "lesson",
    "question",
    "text",
    "asked",
    "right at first",
    "right at last",
    "commonest wrong answer",
    "learners who gave it",
    "its feedback",
)
LEARNER_COLUMNS = (
    "learner",
    "lesson",
    "predicted",
    "predictions",
    "solved",
    "exercises",
    "answered",
    "right",
    "questions",
    "minutes",
)


def question_table(found: ClassResults) -> str:
    """A CSV table with a row for each question that somebody has answered."""
    rows = []
    for each in found.questions:
        texts = (
            "; ".join(mistake.answer for mistake in each.commonest),
            each.commonest[0].learners if each.mistakes else 0,
        )
        mistake = (*texts, " ".join(mistake.feedback for mistake in each.commonest))
        question = each.question
        rows.append(
            (question.lesson, question.id, question.text, each.asked, each.right_first, each.right_last, *mistake)
        )
    return _as_csv(QUESTION_COLUMNS, rows)


def learner_table(found: ClassResults) -> str:
    """A CSV table with a row for each learner and lesson begun."""
    return _as_csv(
        LEARNER_COLUMNS,
        (
            (
                name,
                lesson,
                mine.predicted,
                len(mine.parts.predictions),
                mine.solved,
                len(mine.parts.exercises),
                mine.answered,
                mine.right,
                len(mine.parts.questions),
                round(mine.seconds / 60),
            )
            for name, lessons in found.lessons.items()
            for lesson, mine in lessons.items()
        ),
    )


def _as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO("\ufeff", newline="")  # without this mark Excel takes UTF-8 for an older encoding
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    """The cell, with an apostrophe in front of a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
