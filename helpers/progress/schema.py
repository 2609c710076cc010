"""The tables of the record, and how a file of an earlier version of the course becomes one of today.

Every deed is a row that is never changed. A new version adds columns and tables, so that no row is ever rewritten.
"""

from __future__ import annotations

import sqlite3

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
TABLES = ("answer", "prediction", "exercise", "sitting")


class NewerFile(Exception):
    """The file was written by a later version of the course."""


def version(connection: sqlite3.Connection) -> int:
    """The version of the course's tables in a file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Add what later versions have, in one transaction; NewerFile where the file knows more than we do."""
    if version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        found = version(connection)  # another notebook may have been faster
        if found > VERSION:
            raise NewerFile(f"it was written by a newer version of this course: format {found}, here {VERSION}")
        for statements in _STEPS[found:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
