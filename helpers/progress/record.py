"""What is kept of a learner's deeds, and what can be read from them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.progress.schema import TABLES, VERSION
from helpers.progress.store import Store

LONGEST_SECONDS = 300.0
"""The most that a single deed counts for: whoever takes longer has gone away."""


@dataclass(frozen=True)
class Given:
    """An answer to a question; `correct` as it was graded then, `at` in seconds since 1970.

    `seed` made the numbers of a parametrised question; `score` (0 to 1) is how a learner graded an open answer;
    `seconds` is the time spent on it, see `Progress`.
    """

    given: Any
    correct: bool
    at: float
    lesson: str = ""
    question: str = ""
    seconds: float = 0.0
    seed: int | None = None
    score: float | None = None


@dataclass
class LessonDone:
    """What is done of one lesson; the sets hold ids. `seconds` is the time spent on predictions, tries and answers."""

    lesson: str
    answered: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)
    predicted: set[str] = field(default_factory=set)
    solved: set[str] = field(default_factory=set)
    seconds: float = 0.0


@dataclass(frozen=True)
class Sitting:
    """A paper of questions that somebody works on: (id, seed) of each, when it was begun and ended, how many right."""

    name: str
    questions: tuple[tuple[str, int | None], ...]
    begun: float
    ended: float | None = None
    right: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


class Progress(Store):
    """A learner's record: every deed is a row that is never changed.

    Time spent is measured from the last deed in this notebook, or from when something was last shown, to this deed;
    at most five minutes count.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._since = time.monotonic()
        super().__init__(folder)

    def shown(self) -> None:
        """Begin to measure the time anew: the learner sees something to work on."""
        self._since = time.monotonic()

    def record_answer(
        self, lesson: str, question: str, given: Any, correct: bool, *, seed: int | None = None,
        score: float | None = None,
    ) -> None:  # fmt: skip
        """Keep an answer to a quiz question; `given` is anything that JSON can hold. See `Given`."""
        answer = Given(given, correct, time.time(), lesson, question, self._spent(), seed, score)
        self.run(lambda c: _insert_answer(c, answer))

    def record_prediction(self, lesson: str, prediction: str, given: Any) -> None:
        """Keep a prediction; `given` is anything that JSON can hold."""
        self._record("prediction", lesson=lesson, prediction=prediction, given=json.dumps(given))

    def record_exercise(self, lesson: str, exercise: str, correct: bool) -> None:
        """Keep one try at an exercise."""
        self._record("exercise", lesson=lesson, exercise=exercise, correct=int(correct))

    def answers(self, lesson: str) -> dict[str, Given]:
        """The last answer to each question of a lesson that has one."""
        return {each.question: each for each in self.history() if each.lesson == lesson}

    def history(self) -> tuple[Given, ...]:
        """All answers ever given, the oldest first."""
        columns = "given, correct, at, lesson, question, seconds, seed, score"
        rows = self._select(f"SELECT {columns} FROM answer ORDER BY rowid")
        return tuple(Given(_loads(given), bool(correct), *rest) for given, correct, *rest in rows)

    def prediction(self, prediction: str) -> Any | None:
        """The last prediction of this id, or None."""
        rows = self._select("SELECT given FROM prediction WHERE prediction = ? ORDER BY rowid DESC LIMIT 1", prediction)
        return _loads(rows[0][0]) if rows else None

    def summary(self) -> dict[str, LessonDone]:
        """What is done, by two-digit number of the lesson; a question counts as right if its last answer was."""
        done: dict[str, LessonDone] = {}

        def of(lesson: str, seconds: float) -> LessonDone:
            found = done.setdefault(lesson, LessonDone(lesson))
            found.seconds += seconds
            return found

        for each in self.history():
            mine = of(each.lesson, each.seconds)
            mine.answered.add(each.question)
            (mine.right.add if each.correct else mine.right.discard)(each.question)
        for lesson, prediction, seconds in self._select("SELECT lesson, prediction, seconds FROM prediction"):
            of(lesson, seconds).predicted.add(prediction)
        for lesson, exercise, correct, seconds in self._select(
            "SELECT lesson, exercise, correct, seconds FROM exercise"
        ):
            mine = of(lesson, seconds)
            if correct:
                mine.solved.add(exercise)
        return done

    # Sittings: a round of review, an exam -----------------------------------------------------------------------------

    def begin_sitting(self, name: str, questions: Sequence[tuple[str, int | None]]) -> None:
        """Begin a paper of this name, with the ids and seeds of its questions; a former one of the name is over."""
        self.shown()
        self._record("sitting", sitting=name, event="begun", detail=json.dumps([list(each) for each in questions]))

    def answer_sitting(self, name: str, question: str, given: Any) -> None:
        """Keep an answer that is to be graded only when the sitting ends; a later one replaces it."""
        self._record("sitting", sitting=name, event="answer", detail=json.dumps([question, given]))

    def end_sitting(self, name: str, graded: Sequence[Given]) -> None:
        """End the sitting and keep its graded answers, all or none; nothing where it has ended already."""
        right = sum(answer.correct for answer in graded)
        ended = {"at": time.time(), "sitting": name, "event": "ended", "detail": str(right), "seconds": self._spent()}

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            last = "SELECT event FROM sitting WHERE sitting = ? AND event != 'answer' ORDER BY rowid DESC LIMIT 1"
            if connection.execute(last, (name,)).fetchone() == ("begun",):
                _insert(connection, "sitting", **ended)
                for answer in graded:
                    _insert_answer(connection, answer)

        self.run(work)

    def sitting(self, name: str) -> Sitting | None:
        """The last sitting of this name, with its answers so far; None where there was none."""
        return next((each for each in reversed(self.sittings()) if each.name == name), None)

    def sittings(self) -> list[Sitting]:
        """All sittings, in the order in which they were begun."""
        rows = self._select("SELECT at, sitting, event, detail, seconds FROM sitting ORDER BY rowid")
        found: list[Sitting] = []
        place: dict[str, int] = {}  # of the last sitting of each name
        for at, name, event, detail, seconds in rows:
            content = _loads(detail)
            if event == "begun":
                place[name] = len(found)
                found.append(Sitting(name, tuple((question, seed) for question, seed in content), at))
            elif name in place:
                found[place[name]] = _further(found[place[name]], at, event, content, seconds)
        return found

    # One's own data ---------------------------------------------------------------------------------------------------

    def export(self) -> str:
        """Everything that is kept, as JSON text; times as ISO 8601 in UTC."""
        tables = {table: [_plain(row) for row in self._rows(table)] for table in TABLES}
        about = {"course": "Where did the gradient go?", "format": VERSION, "exported": _iso(time.time())}
        return json.dumps({**about, **tables}, indent=1, ensure_ascii=False)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        def work(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        return self.run(work)

    def _record(self, table: str, **columns: Any) -> None:
        row = {"at": time.time(), "seconds": self._spent(), **columns}
        self.run(lambda c: _insert(c, table, **row))

    def _spent(self) -> float:
        now = time.monotonic()
        spent, self._since = min(now - self._since, LONGEST_SECONDS), now
        return spent

    def _select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.run(lambda c: c.execute(query, values).fetchall())


def _further(sitting: Sitting, at: float, event: str, content: Any, seconds: float) -> Sitting:
    """The sitting after one more row."""
    if event == "ended":
        return replace(sitting, ended=at, right=content)
    question, given = content
    spent = sitting.seconds.get(question, 0.0) + seconds
    return replace(sitting, given={**sitting.given, question: given}, seconds={**sitting.seconds, question: spent})


def _insert(connection: sqlite3.Connection, table: str, **columns: Any) -> None:
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(columns.values()))


def _insert_answer(connection: sqlite3.Connection, answer: Given) -> None:
    _insert(
        connection, "answer", **{**asdict(answer), "given": json.dumps(answer.given), "correct": int(answer.correct)}
    )


def _loads(text: str) -> Any:
    """JSON read back; None where a row is not JSON, so that one bad row hides no other."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a reader outside the course wants it."""
    read = {name: _loads(value) for name, value in row.items() if name in ("given", "detail")}
    return {**row, **read, "at": _iso(row["at"])}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
