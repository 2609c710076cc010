"""Export a record as one JSON file, and merge such a file or a copy of a record into another record."""

from __future__ import annotations

import heapq
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers.progress.rows import Row, encoded, iso, sort_out
from helpers.progress.schema import TABLES, VERSION, version
from helpers.progress.store import Store, text_or_bytes

COURSE = "Where did the gradient go?"
SQLITE = b"SQLite format 3\0"
DEFAULTS: Mapping[str, Any] = {"seconds": 0.0, "seed": None, "score": None}
"""Default values of the columns that the first version of the record lacked."""

_WANTED = 'It must be a file written by "Export as one JSON file", or a copy of progress.sqlite3.'


def as_text(tables: Mapping[str, Sequence[Row]]) -> str:
    """The rows as JSON text; times as ISO 8601 in UTC."""
    rows = {table: [_plain(row) for row in tables[table]] for table in TABLES}
    about = {"course": COURSE, "format": VERSION, "exported": iso(time.time())}
    text = json.dumps({**about, **rows}, indent=1, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()  # a lone surrogate, which browsers may send, becomes \u…


def stored(connection: sqlite3.Connection, table: str) -> list[tuple[int, Row]]:
    """All rows of a table as stored in the file, with their row numbers, in order."""
    cursor = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")
    names = [column[0] for column in cursor.description[1:]]
    return [(number, dict(zip(names, values, strict=True))) for number, *values in cursor]


# Reading -------------------------------------------------------------------------------------------------------------


def read(name: str, content: bytes) -> tuple[dict[str, list[Row]], list[str]]:
    """Read an export or a copy of a record: its rows by table, and the names of those that can't be read.

    ValueError with a sentence that names the file where it is neither.
    """
    from_file = content.startswith(SQLITE)
    tables, left_out = _from_file(name, content) if from_file else (_from_text(name, content), [])
    found: dict[str, list[Row]] = {}
    for table, rows in tables.items():
        found[table], bad = sort_out(table, rows)
        left_out += bad
    return found, left_out


def _from_text(name: str, content: bytes) -> dict[str, list[tuple[int, Row]]]:
    try:
        export = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        start = content.strip()[:1]
        kind = {b"": "is empty", b"{": "is cut off or damaged"}.get(start, "is not a JSON file")
        raise ValueError(f"{name} {kind}, and can't be read. {_WANTED}") from None
    if not isinstance(export, dict) or export.get("course") != COURSE or not isinstance(export.get("format"), int):
        raise ValueError(f"{name} is not an export of this course. {_WANTED}")
    _check_version(name, export["format"])
    tables = {table: export.get(table, []) for table in TABLES}
    for table, rows in tables.items():
        if not isinstance(rows, list):
            raise ValueError(f"{name} has no list under {table!r}. {_WANTED}")
    return {table: [(n, _from_plain(row)) for n, row in enumerate(rows, start=1)] for table, rows in tables.items()}


def _from_plain(row: Any) -> Row:
    """A row of an export as it would be stored in the database; `sort_out` reports anything that isn't one."""
    if not isinstance(row, dict):
        return {"at": row}
    texts = {column: json.dumps(row[column]) for column in ("given", "detail") if column in row}
    return {**DEFAULTS, **row, **texts, "at": _seconds(row.get("at"))}


def _seconds(at: Any) -> Any:
    try:
        return datetime.fromisoformat(at).timestamp()
    except (TypeError, ValueError, OverflowError):
        return at


def _from_file(name: str, content: bytes) -> tuple[dict[str, list[tuple[int, Row]]], list[str]]:
    """All rows that can be read from a copy of a record, and the names of tables that can't be read to the end."""
    tables, broken = {}, []
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "copy.sqlite3")
        path.write_bytes(content.ljust(_whole_size(content), b"\0"))
        with closing(sqlite3.connect(path)) as connection:
            connection.text_factory = text_or_bytes
            for table in TABLES:
                rows: list[tuple[int, Row]] = []
                try:
                    _check_version(name, version(connection))
                    rows.extend(_as_far_as_possible(connection, table))
                except (sqlite3.Error, UnicodeError, MemoryError) as error:
                    broken.append(f"{table} after {len(rows)} rows ({error})" if rows else f"all of {table} ({error})")
                tables[table] = rows
    if len(broken) == len(TABLES) and not any(tables.values()):
        raise ValueError(f"{name} is not a record of this course, or no part of it can be read. {_WANTED}")
    return tables, broken


def _whole_size(content: bytes) -> int:
    """The size in bytes that the header of a SQLite file gives; SQLite refuses to read a shorter file."""
    size = int.from_bytes(content[16:18]) * int.from_bytes(content[28:32])
    return size if size <= 2 * len(content) + 1_000_000 else 0  # a damaged header may say anything


def _as_far_as_possible(connection: sqlite3.Connection, table: str) -> Iterator[tuple[int, Row]]:
    cursor = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")
    names = [column[0] for column in cursor.description[1:]]
    for number, *values in cursor:
        yield number, {**DEFAULTS, **dict(zip(names, values, strict=True))}


def _check_version(name: str, found: int) -> None:
    if found > VERSION:
        raise ValueError(
            f"{name} was written by a newer version of this course: format {found}, here {VERSION}. "
            "Update the course, then read the file again."
        )


# Merging -------------------------------------------------------------------------------------------------------------


def merge(store: Store, tables: Mapping[str, Sequence[Row]]) -> tuple[int, Path | None]:
    """Add the rows that the record doesn't hold yet, ordered by time.

    Returns how many were added, and the path of a copy of the record as it was before. RuntimeError where the record
    can't be written now; nothing is added then.
    """
    new = store.read(lambda connection: {table: _unknown(connection, table, rows) for table, rows in tables.items()})
    if not any(new.values()):
        return 0, None
    added = 0

    def work(connection: sqlite3.Connection) -> None:
        nonlocal added
        for table, rows in tables.items():
            unknown = _unknown(connection, table, rows)  # another notebook may have added some
            _weave_in(connection, table, unknown)
            added += len(unknown)

    copy = store.change("before-reading", work, "Nothing was read")
    return added, copy


def _unknown(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that the table doesn't hold yet; of several equal ones, as many as are missing."""
    good, _ = sort_out(table, stored(connection, table))
    known, new = Counter(identity_of(row) for row in good), []
    for row in rows:
        identity = identity_of(row)
        if known[identity]:
            known[identity] -= 1
        else:
            new.append(row)
    return new


def identity_of(row: Row) -> str:
    """A text that is equal for equal rows: all columns, with the time to the millisecond, as exports keep it."""
    return json.dumps({**row, "at": iso(row["at"])}, sort_keys=True)


def _weave_in(connection: sqlite3.Connection, table: str, new: Sequence[Row]) -> None:
    """Insert rows among those of a table by time. Old rows, even unreadable ones, get new numbers and stay unchanged
    otherwise. Both the old and the new rows keep their own order, since a clock may have been set back."""
    old: list[tuple[float, int, Row | None]] = []
    for number, values in stored(connection, table):
        at = values["at"] if isinstance(values["at"], float) else old[-1][0] if old else 0.0
        old.append((at, number, None))
    connection.execute(f"UPDATE {table} SET rowid = -rowid")
    woven = heapq.merge(old, [(row["at"], 0, row) for row in new], key=lambda each: each[0])
    for place, (_, number, row) in enumerate(woven, start=1):
        if row is None:
            connection.execute(f"UPDATE {table} SET rowid = ? WHERE rowid = ?", (place, -number))
        else:
            columns = encoded(row)
            names, places = ", ".join(columns), ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO {table} (rowid, {names}) VALUES (?, {places})", (place, *columns.values()))


def _plain(row: Row) -> Row:
    """A row as written to an export: `correct` as 0 or 1, the time as ISO 8601."""
    return {**row, **({"correct": int(row["correct"])} if "correct" in row else {}), "at": iso(row["at"])}
