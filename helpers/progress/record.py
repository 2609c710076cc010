"""The record of a learner's answers, predictions and exercises, and summaries of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers.progress import exchange
from helpers.progress.rows import Row, encoded, sort_out
from helpers.progress.schema import TABLES
from helpers.progress.store import Store

LONGEST_SECONDS = 300.0
"""The most time counted for a single entry: a longer pause means the learner was away."""

MOST_NAMED = 3
"""How many unreadable rows a notice names."""


@dataclass(frozen=True)
class Given:
    """An answer to a question; `correct` is the grade it got then, `at` is in seconds since 1970.

    `seed` drew the numbers of a parametrised question; `score` (0 to 1) is the learner's own grade of an open answer;
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
    """What a learner has done in one lesson; the sets hold ids. `seconds` is the time spent on all of it."""

    lesson: str
    answered: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)
    predicted: set[str] = field(default_factory=set)
    solved: set[str] = field(default_factory=set)
    seconds: float = 0.0


@dataclass(frozen=True)
class Sitting:
    """One sitting of a paper: (id, seed) of its questions, when it began and ended, the number of right answers."""

    name: str
    questions: tuple[tuple[str, int | None], ...]
    begun: float
    ended: float | None = None
    right: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Merged:
    """The result of reading a file back: the numbers of entries `added` and already `known`, and the names of those
    `left_out` as unreadable. `copy` is the path of the record as it was before, None where nothing was added."""

    added: int
    known: int
    left_out: tuple[str, ...]
    copy: Path | None = None


class Progress(Store):
    """A learner's record: every answer, prediction and try is a row that is never changed.

    The time spent on a row is measured from this notebook's previous row, or from when something was last shown; at
    most five minutes count. Unreadable rows are left out, and `notice` names them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._since = time.monotonic()
        super().__init__(folder)

    def shown(self) -> None:
        """Restart the clock: the learner now sees something to work on."""
        self._since = time.monotonic()

    def record_answer(
        self,
        lesson: str,
        question: str,
        given: Any,
        correct: bool,
        *,
        seed: int | None = None,
        score: float | None = None,
    ) -> None:
        """Keep an answer to a quiz question; `given` is anything that JSON can hold. See `Given`."""
        answer = Given(given, correct, time.time(), lesson, question, self._spent(), seed, score)
        self._write("answer", asdict(answer))

    def record_prediction(self, lesson: str, prediction: str, given: Any) -> None:
        """Keep a prediction; `given` is anything that JSON can hold."""
        self._record("prediction", lesson=lesson, prediction=prediction, given=given)

    def record_exercise(self, lesson: str, exercise: str, correct: bool) -> None:
        """Keep one try at an exercise."""
        self._record("exercise", lesson=lesson, exercise=exercise, correct=correct)

    def answers(self, lesson: str) -> dict[str, Given]:
        """The last answer to each answered question of a lesson, by the question's id."""
        return {each.question: each for each in self.history() if each.lesson == lesson}

    def history(self) -> tuple[Given, ...]:
        """All answers ever given, the oldest first."""
        return tuple(Given(**row) for row in self.rows("answer"))

    def prediction(self, prediction: str) -> Any | None:
        """The last answer given to the prediction with this id, or None."""
        kept = [row["given"] for row in self.rows("prediction") if row["prediction"] == prediction]
        return kept[-1] if kept else None

    def summary(self) -> dict[str, LessonDone]:
        """What was done, by two-digit lesson number; a question counts as right if its last answer was right."""
        done: dict[str, LessonDone] = {}

        def of(lesson: str, seconds: float) -> LessonDone:
            found = done.setdefault(lesson, LessonDone(lesson))
            found.seconds += seconds
            return found

        for each in self.history():
            mine = of(each.lesson, each.seconds)
            mine.answered.add(each.question)
            (mine.right.add if each.correct else mine.right.discard)(each.question)
        for row in self.rows("prediction"):
            of(row["lesson"], row["seconds"]).predicted.add(row["prediction"])
        for row in self.rows("exercise"):
            mine = of(row["lesson"], row["seconds"])
            if row["correct"]:
                mine.solved.add(row["exercise"])
        return done

    # Sittings: a round of review, an exam -----------------------------------------------------------------------------

    def begin_sitting(self, name: str, questions: Sequence[tuple[str, int | None]]) -> None:
        """Begin a sitting with the ids and seeds of its questions; it replaces an earlier one of the same name."""
        self.shown()
        self._record("sitting", sitting=name, event="begun", detail=[list(each) for each in questions])

    def answer_sitting(self, name: str, question: str, given: Any) -> None:
        """Keep an answer that is graded only when the sitting ends; a later answer replaces it."""
        self._record("sitting", sitting=name, event="answer", detail=[question, given])

    def end_sitting(self, name: str, graded: Sequence[Given]) -> None:
        """End the sitting and keep all its graded answers in one transaction; does nothing if it has ended already."""
        right = sum(answer.correct for answer in graded)
        ended = {"at": time.time(), "sitting": name, "event": "ended", "detail": right, "seconds": self._spent()}

        def work(connection: sqlite3.Connection) -> None:
            last = "SELECT event FROM sitting WHERE sitting = ? AND event != 'answer' ORDER BY rowid DESC LIMIT 1"
            if connection.execute(last, (name,)).fetchone() == ("begun",):
                _insert(connection, "sitting", ended)
                for answer in graded:
                    _insert(connection, "answer", asdict(answer))

        self.write(work)

    def sitting(self, name: str) -> Sitting | None:
        """The last sitting of this name, with its answers so far; None where there was none."""
        return next((each for each in reversed(self.sittings()) if each.name == name), None)

    def sittings(self) -> list[Sitting]:
        """All sittings, in the order in which they were begun."""
        found: list[Sitting] = []
        place: dict[str, int] = {}  # of the last sitting of each name
        for row in self.rows("sitting"):
            name = row["sitting"]
            if row["event"] == "begun":
                place[name] = len(found)
                found.append(Sitting(name, tuple((question, seed) for question, seed in row["detail"]), row["at"]))
            elif name in place:
                found[place[name]] = _further(found[place[name]], row)
        return found

    # The learner's own data -------------------------------------------------------------------------------------------

    def export(self) -> str:
        """The whole record as JSON text; times as ISO 8601 in UTC."""
        return exchange.as_text({table: self.rows(table) for table in TABLES})

    def read_back(self, name: str, content: bytes) -> Merged:
        """Add the entries of an export or a copy of a record that this record lacks, ordered by time; see `Merged`.

        name: the file's name, for messages. Raises ValueError where the content is neither or no part of it can be
        read, RuntimeError where the record can't be written now. Nothing is changed then.
        """
        tables, left_out = exchange.read(name, content)
        added, copy = exchange.merge(self, tables)
        return Merged(added, sum(map(len, tables.values())) - added, tuple(left_out), copy)

    def rows(self, table: str) -> list[Row]:
        """The readable rows of a table, in order; `notice` names the others."""
        good, bad = sort_out(table, self.read(lambda connection: exchange.stored(connection, table)))
        named = "; ".join(bad[:MOST_NAMED]) + (f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else "")
        self.remark(table, f"Left out of your record, since it cannot be read: {named}." if bad else "")
        return good

    def _record(self, table: str, **columns: Any) -> None:
        self._write(table, {"at": time.time(), "seconds": self._spent(), **columns})

    def _write(self, table: str, row: Row) -> None:
        self.write(lambda connection: _insert(connection, table, row))

    def _spent(self) -> float:
        now = time.monotonic()
        spent, self._since = min(now - self._since, LONGEST_SECONDS), now
        return spent


def _further(sitting: Sitting, row: Row) -> Sitting:
    """The sitting updated by one more row."""
    if row["event"] == "ended":
        return replace(sitting, ended=row["at"], right=row["detail"])
    question, given = row["detail"]
    spent = sitting.seconds.get(question, 0.0) + row["seconds"]
    return replace(sitting, given={**sitting.given, question: given}, seconds={**sitting.seconds, question: spent})


def _insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Add a row unless an identical one exists: a write that may or may not have succeeded is repeated."""
    values = encoded(row)
    places, same = ", ".join("?" * len(values)), " AND ".join(f"{name} IS ?" for name in values)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {places} WHERE NOT EXISTS "
        f"(SELECT 1 FROM {table} WHERE {same})",
        (*values.values(), *values.values()),
    )
