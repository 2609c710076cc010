"""What the site exports is read by the course: by `lesson.my_data()` and by `start.py class`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from helpers.classroom.counting import results
from helpers.classroom.records import read_class
from helpers.progress import Progress
from helpers.progress.exchange import COURSE, read
from helpers.progress.schema import COLUMNS, VERSION
from helpers.quiz import Question, load_bank, load_predictions
from tests.test_javascript import node

ANSWERS = Path(__file__).resolve().parents[1] / "helpers" / "publish" / "site" / "answers.js"
RUN = """
const { readFileSync } = require("node:fs");
const vm = require("node:vm");
const answers = vm.runInThisContext(readFileSync(process.argv[1], "utf8") + "; courseAnswers");
const texts = {};
const place = { getItem: (key) => texts[key] ?? null, setItem: (key, text) => { texts[key] = text; } };
for (const [table, row] of JSON.parse(process.argv[2])) {
  answers.add(place, table, { at: answers.iso(new Date(2026, 2, 4, 5, 6, 7)), ...row });
}
process.stdout.write(answers.exported(answers.read(place), new Date()));
"""


def exported(*rows: tuple[str, dict]) -> str:
    """What the page's script exports after it has kept these rows."""
    done = subprocess.run(
        [node(), "-e", RUN, str(ANSWERS), json.dumps(rows)], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer_to(question: Question, given: object, correct: int, seconds: float = 2) -> tuple[str, dict]:
    """A row as `site.js` and `answers_shown.js` make it."""
    row = {"lesson": question.lesson, "question": question.id, "given": given, "correct": correct}
    return "answer", {**row, "seconds": seconds, "seed": None, "score": None}


QUESTIONS = [question for question in load_bank("01") if question.type == "multiple_choice"]
PREDICTION = next(each for each in load_predictions().values() if each.lesson == "01" and each.type == "scale")


def some_rows() -> list[tuple[str, dict]]:
    rows = [
        answer_to(question, next(a.text for a in question.answers if a.correct is right), int(right))
        for question, right in zip(QUESTIONS[:2], (True, False), strict=True)
    ]
    kept = {"lesson": "01", "prediction": PREDICTION.id, "given": 10.0**PREDICTION.low, "seconds": 1}
    return [*rows, ("prediction", kept)]


def test_an_export_of_the_page_is_one_of_the_course() -> None:
    text = exported(*some_rows())
    about = json.loads(text)
    assert (about["course"], about["format"]) == (COURSE, VERSION)
    tables, left_out = read("export.json", text.encode())
    assert left_out == []
    assert [row["correct"] for row in tables["answer"]] == [True, False]
    assert {table: set(row) for table, rows in tables.items() for row in rows[:1]} == {
        table: set(COLUMNS[table]) for table in ("answer", "prediction")
    }


def test_the_running_course_takes_over_what_was_answered_on_the_page(tmp_path: Path) -> None:
    record = Progress(tmp_path)
    merged = record.read_back("export.json", exported(*some_rows()).encode())
    assert (merged.added, merged.left_out) == (3, ())
    done = record.summary()["01"]
    assert (done.answered, done.right) == ({each.id for each in QUESTIONS[:2]}, {QUESTIONS[0].id})
    assert record.prediction(PREDICTION.id) == 10.0**PREDICTION.low
    assert record.read_back("export.json", exported(*some_rows()).encode()).added == 0


def test_a_teacher_reads_exports_of_the_page(tmp_path: Path) -> None:
    for seconds, (name, right) in enumerate((("ada", True), ("bob", False), ("eve", False))):
        question = QUESTIONS[0]
        given = next(answer.text for answer in question.answers if answer.correct is right)
        text = exported(answer_to(question, given, int(right), seconds))
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    found = read_class([tmp_path])
    assert [learner.name for learner in found.learners] == ["ada", "bob", "eve"] and not found.left_out
    result = next(each for each in results(found.learners).questions if each.question.id == QUESTIONS[0].id)
    assert (result.asked, result.right_last) == (3, 1)
