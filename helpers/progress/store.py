"""The SQLite file of the record, kept usable when the disk is full, read-only or damaged."""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import platformdirs

from helpers.progress.schema import TABLES, VERSION, Damaged, NewerFile, bring_up_to_date, check, is_new, version

HOME_VARIABLE = "GRADIENT_COURSE_HOME"
FILE_NAME = "progress.sqlite3"
BUSY_SECONDS = 2.0
"""How long a read or write waits for a file that another program has locked."""
RETRY_BUSY_SECONDS = 0.1
"""The same for an attempt that follows a failed one."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 5.0
"""Seconds between attempts in the background: each pause is twice the previous one, up to the longest."""
LONGEST_BEGINNING = 60.0
"""The most seconds that another notebook takes between creating the file and writing to it."""
SMALLEST = 512
"""SQLite's smallest page in bytes; a shorter file counts as empty."""
NO_ROOM = 200_000
"""With fewer free bytes the disk counts as full: SQLite needs room for its own files beside the record."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG}
_OWN_ERRORS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


def home() -> Path:
    """The folder of the record: outside the course folder, which may be read-only or shared."""
    with suppress(RuntimeError):  # raised for a user without a home folder
        named = os.environ.get(HOME_VARIABLE) or platformdirs.user_data_dir("gradient-course", appauthor=False)
        return Path(os.path.expanduser(named))
    return Path("~")


class _Unusable(Exception):
    """The file can't be read or written now; the message says why."""


class Store:
    """Run work in transactions on a file. Disk problems raise nothing; `notice` describes them in a sentence.

    Entries that can't be written wait in memory, in order; each further write and a background thread try again until
    they are in the file. A damaged file is set aside and a new one begun.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or home()) / FILE_NAME
        self.remarks: dict[str, str] = {}
        self._lock = threading.RLock()
        self._waiting: list[Work[object]] = []
        self._memory: sqlite3.Connection | None = None  # while the file is unusable: its known and waiting entries
        self._in_memory = 0  # how many of the waiting entries it holds already
        self._retry: threading.Thread | None = None
        self._followers: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._last_notice = ""
        atexit.register(_try_once_more, weakref.ref(self))
        if _is_emptied(self.path):
            self.remarks["damage"] = (
                f"The record of your progress was damaged: {self.path} is empty. A new one is started."
            )
        with self._lock:
            try:
                self._on_file(check, BUSY_SECONDS)
            except _Unusable as hindrance:
                self._leave_file(str(hindrance))

    @property
    def notice(self) -> str:
        """What the learner needs to know about the record, in sentences; empty where all is well."""
        return " ".join(filter(None, self.remarks.values()))

    @property
    def trouble(self) -> str:
        """Why the record can't be written to its file now, in a sentence; empty where it can."""
        return self.remarks.get("trouble", "")

    @property
    def waiting(self) -> int:
        """The number of entries that are only in memory."""
        return len(self._waiting)

    def remark(self, about: str, sentence: str) -> None:
        """Set the sentence about a subject in `notice`; an empty one removes it."""
        self.remarks[about] = sentence
        self._notify_followers()

    def follow(self, changed: Callable[[], None]) -> None:
        """Call a method whenever `notice` changes, as long as its object exists; the call may come from any thread."""
        self._followers.append(weakref.WeakMethod(changed))

    def write(self, work: Work[object]) -> None:
        """Run the work in one transaction, after all waiting work. It may run twice, so it must be idempotent."""
        with self._lock:
            self._waiting.append(work)
            try:
                self._write_waiting(RETRY_BUSY_SECONDS if self.trouble else BUSY_SECONDS)
            except _OWN_ERRORS:
                self._waiting.remove(work)
                raise
        self._notify_followers()

    def read(self, work: Work[T]) -> T:
        """Read from the file or, while it is unusable, from the copy in memory, which includes waiting entries."""
        with self._lock:
            self.try_again()
            if self._memory is None:
                try:
                    return self._on_file(work, BUSY_SECONDS)
                except _Unusable as hindrance:
                    self._leave_file(str(hindrance))
            assert self._memory is not None
            with self._memory:
                found = work(self._memory)
        self._notify_followers()
        return found

    def try_again(self, seconds: float = RETRY_BUSY_SECONDS) -> None:
        """Write the waiting entries, if the file is usable again."""
        with self._lock:
            if self.trouble or self._waiting:
                with suppress(sqlite3.Error):  # such as damage found only when writing; the next attempt may succeed
                    self._write_waiting(seconds)
        self._notify_followers()

    def empty(self) -> Path:
        """Empty the record and return the path of a copy of the old one.

        RuntimeError with a sentence for the reader where no copy can be made; the record then stays as it is.
        """

        def work(connection: sqlite3.Connection) -> None:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")

        return self.change("reset", work, "Nothing was reset")

    def change(self, why: str, work: Work[T], otherwise: str) -> Path:
        """Copy the file, run the work on it, and return the copy's path; `why` is part of the copy's name.

        RuntimeError that begins with `otherwise` where the file is unusable or can't be copied; nothing is done then.
        """
        self.try_again(BUSY_SECONDS)
        if self.trouble:
            raise RuntimeError(f"{otherwise}. {self.trouble}")
        aside = _dated(self.path, why)
        try:
            with _connection(self.path, BUSY_SECONDS) as connection:
                connection.execute("BEGIN IMMEDIATE")  # no other notebook writes between the copy and the change
                _copy(self.path, aside)
                work(connection)
        except (sqlite3.Error, OSError, NewerFile, Damaged) as error:
            raise RuntimeError(f"{otherwise}: no copy of the record could be made ({error}).") from None
        return aside

    # The file and the memory --------------------------------------------------------------------------------------

    def _write_waiting(self, seconds: float) -> None:
        """Write all waiting entries in one transaction; go on in memory where that can't be done now."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for each in self._waiting:
                each(connection)

        try:
            self._on_file(work, seconds)
        except _Unusable as hindrance:
            self._leave_file(str(hindrance))
        else:
            self._waiting.clear()
            self._memory, self._in_memory = None, 0
            self.remarks.pop("trouble", None)

    def _on_file(self, work: Work[T], seconds: float) -> T:
        """Run the work in one transaction on the file, or on a new one if it is damaged; _Unusable if neither works."""
        for _ in range(3):
            try:
                with _connection(self.path, seconds) as connection:
                    return work(connection)
            except _OWN_ERRORS:
                raise
            except (sqlite3.Error, Damaged, UnicodeError, MemoryError) as error:
                if _is_read_only(error) and _made_writable(self.path):
                    continue
                if not _is_damage(error):
                    raise self._unusable(error) from None
                self._set_aside(seconds)
            except (OSError, NewerFile) as error:
                raise self._unusable(error) from None
        raise _Unusable("it is damaged again and again")

    def _unusable(self, error: Exception) -> _Unusable:
        """The error, with a message that helps the learner."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return _Unusable("another program holds it")
        with suppress(OSError):
            if shutil.disk_usage(self.path.parent).free < NO_ROOM:
                return _Unusable("the disk is full")
        return _Unusable(str(error))

    def _set_aside(self, seconds: float) -> None:
        """Rename a damaged file and SQLite's files beside it, so that a new one can be created."""
        try:
            with _connection(self.path, seconds) as connection:
                check(connection)
            return  # another notebook was faster: this is the new one
        except (sqlite3.Error, Damaged, UnicodeError, MemoryError) as error:
            if not _is_damage(error):
                raise self._unusable(error) from None
        except (OSError, NewerFile) as error:
            raise self._unusable(error) from None
        aside = _dated(self.path, "damaged")
        try:
            for part, copy in zip((self.path, *_beside(self.path)), (aside, *_beside(aside)), strict=True):
                with suppress(FileNotFoundError):
                    part.replace(copy)
        except OSError as hindrance:
            raise _Unusable(f"it is damaged and cannot be moved ({hindrance})") from None
        self.remarks["damage"] = (
            f"The record of your progress was damaged. It is set aside as {aside}, and a new one is started. "
            f'lesson.my_data().read("{aside}") recovers what can still be read.'
        )

    def _leave_file(self, why: str) -> None:
        """Go on in memory, and say so in `notice`."""
        if self._memory is None:
            self._memory, self._in_memory = _copy_in_memory(self.path), 0
        for each in self._waiting[self._in_memory :]:
            with self._memory:
                each(self._memory)
            self._in_memory += 1
        count = len(self._waiting)
        what = {0: "Your answers are", 1: "Your last entry is"}.get(count, f"Your last {count} entries are")
        self.remarks["trouble"] = (
            f"{what} kept only until this kernel ends: {self.path} cannot be used ({why}). The course keeps trying to "
            "write it; leave the kernel running."
        )
        if self._retry is None:
            self._retry = threading.Thread(target=_keep_trying, args=(weakref.ref(self),), daemon=True)
            with suppress(RuntimeError):  # a browser has no threads: there the next read or write tries
                self._retry.start()

    def _retried(self) -> bool:
        """Try again in the background; True where nothing is left to do."""
        with self._lock:
            self.try_again()
            if not self.trouble:
                self._retry = None
            return not self.trouble

    def _notify_followers(self) -> None:
        if self.notice != self._last_notice:
            self._last_notice = self.notice
            self._followers = [each for each in self._followers if each() is not None]
            for each in self._followers:
                if changed := each():
                    changed()


def _keep_trying(store: weakref.ref[Store]) -> None:
    """Try until everything is written, or until the store is no longer used."""
    pause = FIRST_RETRY
    while True:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_RETRY)
        found = store()
        if found is None or found._retried():
            return
        del found


def _try_once_more(store: weakref.ref[Store]) -> None:
    """The last attempt, when Python exits."""
    if found := store():
        found.try_again(BUSY_SECONDS)


def _is_emptied(path: Path) -> bool:
    """Whether the file is empty although it is older than a notebook needs to begin a record."""
    with suppress(OSError):
        state = path.stat()
        return path.is_file() and state.st_size < SMALLEST and time.time() - state.st_mtime > LONGEST_BEGINNING
    return False


def _is_damage(error: BaseException) -> bool:
    """Whether the file's content caused the error; those without a code, raised by the sqlite3 module itself, count."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def _is_read_only(error: BaseException) -> bool:
    """Whether the error says that SQLite may not write."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


def _made_writable(path: Path) -> bool:
    """Make SQLite's files beside the record writable, if a read-only record left them read-only; True on success."""
    closed = [each for each in _beside(path) if each.exists() and not _may_write(each)]
    if not closed or not _may_write(path):
        return False
    try:
        for each in closed:
            each.chmod(path.stat().st_mode)
    except OSError:
        return False
    return True


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _beside(path: Path) -> tuple[Path, Path]:
    """The two files that SQLite keeps beside a database with a write-ahead log."""
    return Path(f"{path}-wal"), Path(f"{path}-shm")


def _refuse_pipes(path: Path) -> None:
    """OSError where the record or a file of SQLite beside it isn't a regular file: opening a pipe would block."""
    for each in (path, *_beside(path), Path(f"{path}-journal")):
        if each.exists() and not each.is_file():
            raise OSError(f"{each.name} is not a file")


def _dated(path: Path, why: str) -> Path:
    """An unused path beside the file, with the date and time in its name."""
    return path.with_name(f"progress-{why}-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite3")


def _copy(path: Path, aside: Path) -> None:
    """Copy a record in its state after the last transaction."""
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(aside)) as copy:
            source.backup(copy)
    except sqlite3.Error:
        with suppress(OSError):
            aside.unlink()  # an incomplete copy is useless and may fill the disk
        raise


def _copy_in_memory(path: Path) -> sqlite3.Connection:
    """A copy of the record in memory, with whatever can be read from the file."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    memory.text_factory = text_or_bytes
    for way in ("mode=ro", "immutable=1"):  # in a read-only folder only the second one works
        with suppress(sqlite3.Error, OSError, ValueError):
            if path.is_file():
                _refuse_pipes(path)
                with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{way}", uri=True, timeout=1.0)) as source:
                    if version(source) <= VERSION:
                        source.backup(memory)
                    break
    try:
        bring_up_to_date(memory, lambda: None)
        check(memory)
    except (sqlite3.Error, Damaged, UnicodeError, NewerFile):
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        memory.text_factory = text_or_bytes
        bring_up_to_date(memory, lambda: None)
    return memory


def text_or_bytes(value: bytes) -> str | bytes:
    """Decode a text from the file; bytes that aren't UTF-8 are returned as they are, so that only their row is lost."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


@contextmanager
def _connection(path: Path, seconds: float) -> Iterator[sqlite3.Connection]:
    """Open a connection for one piece of work, so that threads, kernels and killed processes can't interfere."""
    if path.parts[0].startswith("~"):
        raise OSError(f"this user has no home folder: name another one in {HOME_VARIABLE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_pipes(path)
    with closing(sqlite3.connect(path, timeout=seconds)) as connection:
        connection.text_factory = text_or_bytes
        if is_new(connection):
            with suppress(sqlite3.OperationalError):  # another notebook is doing it, or the file system has no WAL
                connection.execute("PRAGMA journal_mode = WAL")
        bring_up_to_date(connection, lambda: _copy(path, _dated(path, "before-new-version")))
        with connection:
            yield connection
