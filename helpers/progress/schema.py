"""The tables of the record, and how files of earlier versions of the course are brought up to date.

A row is written once and never changed. A new version adds columns and tables, so that no row is ever rewritten.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache

_STEPS = (  # what each version adds to the one before it
    (
        """CREATE TABLE IF NOT EXISTS answer (at REAL NOT NULL, lesson TEXT NOT NULL, question TEXT NOT NULL,
           given TEXT NOT NULL, correct INTEGER NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS prediction (at REAL NOT NULL, lesson TEXT NOT NULL, prediction TEXT NOT NULL,
           given TEXT NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS exercise (at REAL NOT NULL, lesson TEXT NOT NULL, exercise TEXT NOT NULL,
           correct INTEGER NOT NULL)""",
    ),
    (
        "ALTER TABLE answer ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
        "ALTER TABLE answer ADD COLUMN seed INTEGER",
        "ALTER TABLE answer ADD COLUMN score REAL",
        "ALTER TABLE prediction ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
        "ALTER TABLE exercise ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
        """CREATE TABLE sitting (at REAL NOT NULL, sitting TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,
           seconds REAL NOT NULL)""",
    ),
)
VERSION = len(_STEPS)
COLUMNS = {
    "answer": ("at", "lesson", "question", "given", "correct", "seconds", "seed", "score"),
    "prediction": ("at", "lesson", "prediction", "given", "seconds"),
    "exercise": ("at", "lesson", "exercise", "correct", "seconds"),
    "sitting": ("at", "sitting", "event", "detail", "seconds"),
}
TABLES = tuple(COLUMNS)

_WRITE_VERSION = slice(18, 19)
"""The byte of a file's header that says which versions of SQLite may write it (https://sqlite.org/fileformat2.html)."""
_ABOUT_A_ROW = re.compile(r"value in \w+\.\w+$")  # such as "NULL value in answer.at"


class NewerFile(Exception):
    """The file was written by a newer version of the course."""


class Damaged(Exception):
    """The file is not a record of this course, or is damaged."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the course's tables in a file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether the file is still empty."""
    return version(connection) == 0 and not _tables(connection)


def bring_up_to_date(connection: sqlite3.Connection, back_up: Callable[[], object]) -> None:
    """Add the tables and columns of later versions in one transaction; `back_up` first copies a file of an earlier one.

    Raises NewerFile where a newer version wrote the file, Damaged where it holds other tables.
    """
    if version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        found = version(connection)  # another notebook may have been faster
        if found > VERSION:
            raise NewerFile(f"it was written by a newer version of this course: format {found}, here {VERSION}")
        if others := _tables(connection) - set(TABLES):
            raise Damaged(f"it has tables that a record doesn't have: {', '.join(sorted(others))}")
        if 0 < found < VERSION:
            back_up()
        for statements in _STEPS[max(found, 0) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def check(connection: sqlite3.Connection) -> None:
    """Read the whole file once; Damaged where its pages are inconsistent or its tables aren't those of a record.

    A bad value in a row doesn't count as damage: `sort_out` leaves the row out.
    """
    if connection.serialize()[_WRITE_VERSION] not in (b"", b"\1", b"\2"):  # SQLite would open it for reading only
        raise Damaged("its header requires a newer SQLite")
    here, wanted = _built(connection), _as_new()
    if strange := [name for name in sorted(here.keys() | wanted) if here.get(name) != wanted.get(name)]:
        raise Damaged(f"its structure is not that of a record: {', '.join(strange)}")
    for (complaint,) in connection.execute("PRAGMA quick_check(1000000)"):
        if complaint != "ok" and not _ABOUT_A_ROW.search(str(complaint)):
            raise Damaged(str(complaint))


@cache
def _as_new() -> dict[str, str]:
    """The schema of a new record, as `_built` returns it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        bring_up_to_date(connection, lambda: None)
        return _built(connection)


def _built(connection: sqlite3.Connection) -> dict[str, str]:
    """The SQL of each table, view, index and trigger, without whitespace, by its kind and name."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return {f"{kind} {name}": "".join(str(statement).split()) for kind, name, statement in rows}


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name.removeprefix("table ") for name in _built(connection) if name.startswith("table ")}
