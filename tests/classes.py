"""A class made up: records of learners with known misconceptions, as the course itself writes them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from helpers.progress import Progress
from helpers.progress.exchange import as_text
from helpers.progress.rows import Row
from helpers.progress.schema import TABLES
from helpers.quiz import Question, grade, load_bank, load_predictions

LESSONS = ("01", "03", "04")


def one_choice(lesson: str) -> list[Question]:
    """The questions of a lesson with one right answer to choose."""
    return [question for question in load_bank(lesson) if question.type == "multiple_choice"]


def wrong_answers(question: Question) -> list[str]:
    """The wrong options of a question with one right answer."""
    return [answer.text for answer in question.answers if not answer.correct]


def make_class(folder: Path, size: int, misconceptions: Mapping[str, tuple[int, float]]) -> list[str]:
    """Write records of learners into folders of their own and give their names.

    misconceptions: by id of a question, which of its wrong answers, counted from 0, and what share of the class gives
    it and keeps to it. Other answers are right, but for one in twenty, which is wrong only at the first try.
    """
    names = [f"learner{number:02d}" for number in range(size)]
    for number, name in enumerate(names):
        tables = _rows(number / size, random.Random(name), misconceptions)
        record = Progress(folder / name / ".local" / "share" / "gradient-course")
        record.read_back(name, as_text(tables).encode())  # in one transaction; one by one they take long
    return names


def _rows(place: float, dice: random.Random, misconceptions: Mapping[str, tuple[int, float]]) -> dict[str, list[Row]]:
    """The rows of a learner at a place in the class from 0 to 1."""
    at = 1.8e9
    tables: dict[str, list[Row]] = {table: [] for table in TABLES}
    for question in (each for lesson in LESSONS for each in one_choice(lesson)):
        right, wrong = str(question.right_answer()), wrong_answers(question)
        which, share = misconceptions.get(question.id, (0, 0.0))
        if place < share:
            tries = [wrong[which]] * 2
        else:
            tries = [dice.choice(wrong), right] if dice.random() < 0.05 else [right]
        for given in tries:
            at += 30.0
            row = {"at": at, "lesson": question.lesson, "question": question.id, "given": given, "seconds": 30.0}
            tables["answer"].append({**row, "correct": grade(question, given).correct, "seed": None, "score": None})
    for prediction in load_predictions().values():
        if prediction.type == "scale" and prediction.lesson == "03":
            guess = 10.0 ** -dice.randrange(5)
            row = {"at": at, "lesson": "03", "prediction": prediction.id, "given": guess, "seconds": 20.0}
            tables["prediction"].append(row)
    return tables
