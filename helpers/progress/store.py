"""The one small SQLite file that the record lies in, whatever the disk is like."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import platformdirs

from helpers.progress.schema import TABLES, VERSION, NewerFile, bring_up_to_date, version

HOME_VARIABLE = "GRADIENT_COURSE_HOME"
FILE_NAME = "progress.sqlite3"
BUSY_SECONDS = 10.0

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

T = TypeVar("T")


def home() -> Path:
    """The folder where the progress is kept: never the course's own, which may be read-only or shared."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser() if named else Path(platformdirs.user_data_path("gradient-course", appauthor=False))


class Store:
    """Work done in transactions on a file. It never raises for the state of the disk: `notice` tells in a sentence.

    Where the file can't be written the record goes on in memory; a damaged file is set aside and a new one begun.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path: Path | None = (folder or home()) / FILE_NAME
        self.notice = ""
        self._memory: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self.run(lambda connection: None)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one transaction: on the file, else on a fresh file, else in memory."""
        for _ in range(3):
            if self.path is None:
                break
            try:
                with _connection(self.path) as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                self._mend(error)
            except (OSError, NewerFile) as error:
                self._leave_file(str(error))
        if self.path is not None:
            self._leave_file("it is damaged again and again")
        with self._in_memory() as connection:
            return work(connection)

    def empty(self) -> Path:
        """Begin a new record and give the path of the copy of the old one.

        RuntimeError, a sentence for the reader, where no copy can be made; the record then stays as it is.
        """
        if self.path is None:
            raise RuntimeError("Your progress is only in memory: restart the kernel to begin anew.")
        aside = _dated(self.path, "reset")
        try:
            with _connection(self.path) as connection:
                connection.execute("BEGIN IMMEDIATE")  # no other notebook writes between the copy and the emptying
                with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(aside)) as copy:
                    source.backup(copy)
                for table in TABLES:
                    connection.execute(f"DELETE FROM {table}")
        except (sqlite3.Error, OSError) as error:
            raise RuntimeError(f"Nothing was reset: no copy of the record could be made ({error}).") from None
        return aside

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
        aside = _dated(path, "damaged")
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


def _dated(path: Path, why: str) -> Path:
    """A name beside the file that nothing has yet."""
    return path.with_name(f"progress-{why}-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite3")


def _copy_in_memory(path: Path | None) -> sqlite3.Connection:
    """A record in memory, with whatever can still be read from the file."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    for way in ("mode=ro", "immutable=1"):  # in a folder that can't be written only the second one reads
        with suppress(sqlite3.Error, OSError, ValueError):
            if path is not None and path.is_file():
                with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{way}", uri=True, timeout=1.0)) as source:
                    if version(source) <= VERSION:
                        source.backup(memory)
                    break
    bring_up_to_date(memory)
    return memory


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each piece of work: safe across threads, kernels and kills."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        if version(connection) == 0:
            with suppress(sqlite3.OperationalError):  # another notebook is at it, or the file system has no WAL
                connection.execute("PRAGMA journal_mode = WAL")
        bring_up_to_date(connection)
        with connection:
            yield connection
