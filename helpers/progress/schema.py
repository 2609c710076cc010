"""The tables of the record, and how a file of an earlier version of the course becomes one of today.

A row is written once and never changed. A new version adds columns and tables, so that no row is ever rewritten.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

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

_ABOUT_A_ROW = re.compile(r"value in \w+\.\w+$")  # such as "NULL value in answer.at"


class NewerFile(Exception):
    """The file was written by a later version of the course."""


class Damaged(Exception):
    """The file is no record of this course, or no longer one."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the course's tables in a file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether the file holds nothing yet."""
    return version(connection) == 0 and not _tables(connection)


def bring_up_to_date(connection: sqlite3.Connection, back_up: Callable[[], object]) -> None:
    """Add what later versions have, in one transaction, after `back_up` has copied a file of an earlier version.

    Raises NewerFile where the file knows more than we do, Damaged where it holds something else.
    """
    if version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        found = version(connection)  # another notebook may have been faster
        if found > VERSION:
            raise NewerFile(f"it was written by a newer version of this course: format {found}, here {VERSION}")
        if others := _tables(connection) - set(TABLES):
            raise Damaged(f"it holds other tables than a record: {', '.join(sorted(others))}")
        if 0 < found < VERSION:
            back_up()
        for statements in _STEPS[max(found, 0) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def check(connection: sqlite3.Connection) -> None:
    """Read the whole file once; Damaged where its pages don't fit together or its tables aren't those of a record.

    A bad value in a row is no damage: reading leaves out the row.
    """
    for table, columns in COLUMNS.items():
        there = {row[1]: row for row in connection.execute(f"PRAGMA table_info({table})")}
        if missing := set(columns) - there.keys():
            raise Damaged(f"its table {table} lacks {', '.join(sorted(missing))}")
        keys = [name for name, (*_, key) in there.items() if key]
        wanted = [name for name, (_, _, _, not_null, *_) in there.items() if not_null and name not in columns]
        if strange := keys + wanted:
            raise Damaged(f"its table {table} has rules that a record has not, for {', '.join(strange)}")
    if added := connection.execute("SELECT type, name FROM sqlite_master WHERE type != 'table'").fetchall():
        raise Damaged(f"it holds more than the tables of a record: {', '.join(' '.join(each) for each in added)}")
    for (complaint,) in connection.execute("PRAGMA quick_check(1000000)"):
        if complaint != "ok" and not _ABOUT_A_ROW.search(str(complaint)):
            raise Damaged(str(complaint))


def _tables(connection: sqlite3.Connection) -> set[str]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {str(name) for (name,) in names}
