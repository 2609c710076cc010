"""What the learner has done: answers, predictions and exercises, in one small SQLite file in the user's data folder.

Every deed is a row that is never changed, so that two notebooks can write at once and a kill loses nothing that was
written. The folder is the platform's own for user data; the environment variable GRADIENT_COURSE_HOME names another.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

HOME_VARIABLE = "GRADIENT_COURSE_HOME"
FILE_NAME = "progress.sqlite3"
VERSION = 1
BUSY_SECONDS = 10.0

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS answer (
    at REAL NOT NULL, lesson TEXT NOT NULL, question TEXT NOT NULL, given TEXT NOT NULL, correct INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS prediction (
    at REAL NOT NULL, lesson TEXT NOT NULL, prediction TEXT NOT NULL, given TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS exercise (
    at REAL NOT NULL, lesson TEXT NOT NULL, exercise TEXT NOT NULL, correct INTEGER NOT NULL);
PRAGMA user_version = {VERSION};
COMMIT;
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Given:
    """The last answer to a question; `correct` as it was graded then, `at` in seconds since 1970."""

    given: Any
    correct: bool
    at: float


@dataclass
class LessonDone:
    """What is done of one lesson; the sets hold ids."""

    lesson: str
    answered: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)
    predicted: set[str] = field(default_factory=set)
    solved: set[str] = field(default_factory=set)


def home() -> Path:
    """The folder where the progress is kept."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser() if named else Path(platformdirs.user_data_path("gradient-course", appauthor=False))


class Progress:
    """A learner's record in one file. It never raises for the state of the disk: `notice` tells in a sentence.

    Where the file can't be written the record goes on in memory; a damaged file is set aside and a new one begun.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path: Path | None = (folder or home()) / FILE_NAME
        self.notice = ""
        self._memory: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._run(lambda connection: None)

    def record_answer(self, lesson: str, question: str, given: Any, correct: bool) -> None:
        """Keep an answer to a quiz question; `given` is anything that JSON can hold."""
        self._insert("answer (at, lesson, question, given, correct)", lesson, question, json.dumps(given), int(correct))

    def record_prediction(self, lesson: str, prediction: str, given: Any) -> None:
        """Keep a prediction; `given` is anything that JSON can hold."""
        self._insert("prediction (at, lesson, prediction, given)", lesson, prediction, json.dumps(given))

    def record_exercise(self, lesson: str, exercise: str, correct: bool) -> None:
        """Keep one try at an exercise."""
        self._insert("exercise (at, lesson, exercise, correct)", lesson, exercise, int(correct))

    def answers(self, lesson: str) -> dict[str, Given]:
        """The last answer to each question of a lesson that has one."""
        rows = self._select("SELECT question, given, correct, at FROM answer WHERE lesson = ? ORDER BY rowid", lesson)
        return {question: Given(_loads(given), bool(correct), at) for question, given, correct, at in rows}

    def prediction(self, prediction: str) -> Any | None:
        """The last prediction of this id, or None."""
        rows = self._select("SELECT given FROM prediction WHERE prediction = ? ORDER BY rowid DESC LIMIT 1", prediction)
        return _loads(rows[0][0]) if rows else None

    def summary(self) -> dict[str, LessonDone]:
        """What is done, by two-digit number of the lesson; a question counts as right if its last answer was."""
        done: dict[str, LessonDone] = {}

        def of(lesson: str) -> LessonDone:
            return done.setdefault(lesson, LessonDone(lesson))

        for lesson, question, correct in self._select("SELECT lesson, question, correct FROM answer ORDER BY rowid"):
            of(lesson).answered.add(question)
            (of(lesson).right.add if correct else of(lesson).right.discard)(question)
        for lesson, prediction in self._select("SELECT lesson, prediction FROM prediction"):
            of(lesson).predicted.add(prediction)
        for lesson, exercise in self._select("SELECT lesson, exercise FROM exercise WHERE correct"):
            of(lesson).solved.add(exercise)
        return done

    def _insert(self, into: str, *values: Any) -> None:
        row = (time.time(), *values)
        self._run(lambda c: c.execute(f"INSERT INTO {into} VALUES ({', '.join('?' * len(row))})", row))

    def _select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._run(lambda c: c.execute(query, values).fetchall())

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one transaction: on the file, else on a fresh file, else in memory."""
        for _ in range(3):
            if self.path is None:
                break
            try:
                with _connection(self.path) as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                self._mend(error)
            except (OSError, _NewerFile) as error:
                self._leave_file(str(error))
        if self.path is not None:
            self._leave_file("it is damaged again and again")
        with self._in_memory() as connection:
            return work(connection)

    def _mend(self, error: sqlite3.DatabaseError) -> None:
        """Set a damaged file aside; leave one that can't be used now; an error of our own goes on."""
        assert self.path is not None
        if error.sqlite_errorcode & 0xFF in _DAMAGE:
            try:
                self._set_aside(self.path)
            except OSError as hindrance:
                self._leave_file(f"it is damaged and cannot be moved ({hindrance})")
        elif isinstance(error, sqlite3.OperationalError):
            self._leave_file(str(error))
        else:
            raise error

    def _set_aside(self, path: Path) -> None:
        """Rename a damaged file, and what SQLite keeps beside it, so that a new one can begin."""
        aside = path.with_name(f"progress-damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite3")
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):  # another notebook was faster
                Path(f"{path}{end}").replace(f"{aside}{end}")
        self.notice = f"The record of your progress was damaged. It is set aside as {aside}, and a new one is begun."

    def _leave_file(self, why: str) -> None:
        self.notice = f"Your progress is kept only until this kernel ends: {self.path} cannot be used ({why})."
        self._memory = _copy_in_memory(self.path)
        self.path = None

    @contextmanager
    def _in_memory(self) -> Iterator[sqlite3.Connection]:
        assert self._memory is not None
        with self._lock, self._memory:
            yield self._memory


def _copy_in_memory(path: Path | None) -> sqlite3.Connection:
    """A record in memory, with whatever can still be read from the file."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with suppress(sqlite3.Error, OSError, ValueError):
        if path is not None and path.is_file():
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as source:
                if source.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                    source.backup(memory)
    memory.executescript(_TABLES)
    return memory


class _NewerFile(Exception):
    """The file was written by a later version of the course."""


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each piece of work: safe across threads, kernels and kills."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise _NewerFile(f"it was written by a newer version of this course: format {version}, here {VERSION}")
        if version < VERSION:
            with suppress(sqlite3.OperationalError):  # another notebook is at it, or the file system has no WAL
                connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
        with connection:
            yield connection


def _loads(text: str) -> Any:
    """JSON read back; None where a row is not JSON, so that one bad row hides no other."""
    try:
        return json.loads(text)
    except ValueError:
        return None


_opened: dict[Path, Progress] = {}


def progress() -> Progress:
    """The record that the notebook's widgets share; opened once a folder."""
    folder = home()
    if folder not in _opened:
        _opened[folder] = Progress(folder)
    return _opened[folder]


def summary() -> dict[str, LessonDone]:
    """What is done in each lesson, by its two-digit number; see `Progress.summary`."""
    return progress().summary()
