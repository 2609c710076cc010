"""Decode and encode the rows of the record.

An unreadable row is left out and named; the others are still read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.progress.schema import COLUMNS

Row = dict[str, Any]
"""A row by column, decoded: `given` and `detail` are parsed from the JSON text in the file."""

LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class BadRow(ValueError):
    """The row can't be read; the message names column and value."""


def decoded(table: str, stored: Mapping[str, Any]) -> Row:
    """Decode a row of the file; BadRow names the first column with an invalid value."""
    row = {column: _READERS[column](column, stored.get(column)) for column in COLUMNS[table]}
    if table == "sitting":
        _check_event(row["event"], row["detail"])
    return row


def sort_out(table: str, stored: Iterable[tuple[int, Mapping[str, Any]]]) -> tuple[list[Row], list[str]]:
    """The readable rows, and the names of the others with what is wrong with them.

    stored: the number of each row and the row itself, in order.
    """
    good, bad = [], []
    for number, row in stored:
        try:
            good.append(decoded(table, row))
        except BadRow as error:
            bad.append(f"{table} {number} ({error})")
    return good, bad


def encoded(row: Mapping[str, Any]) -> Row:
    """Encode a row for the file."""
    texts = {name: json.dumps(value) for name, value in row.items() if name in ("given", "detail")}
    return {name: int(value) if name == "correct" else texts.get(name, value) for name, value in row.items()}


def iso(at: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _text(column: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadRow(f"{column} is {_shown(value)}, not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRow(f"{column} is {_shown(value)}, which holds half a character") from None
    return value


def _json(column: str, value: Any) -> Any:
    try:
        return json.loads(_text(column, value))
    except (ValueError, RecursionError):
        raise BadRow(f"{column} is {_shown(value)}, not JSON") from None


def _number(column: str, value: Any, least: float = 0.0, most: float = LATEST) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise BadRow(f"{column} is {_shown(value)}, not a number")
    if not least <= value <= most:
        raise BadRow(f"{column} is {_shown(value)}, not between {least:g} and {most:g}")
    return float(value)  # an export rewritten by another program may hold 1 for 1.0


def _flag(column: str, value: Any) -> bool:
    if value not in (0, 1):
        raise BadRow(f"{column} is {_shown(value)}, neither 0 nor 1")
    return bool(value)


def _seed(column: str, value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > 63):
        raise BadRow(f"{column} is {_shown(value)}, not a whole number of 64 bits")
    return value


def _score(column: str, value: Any) -> float | None:
    return None if value is None else _number(column, value, most=1.0)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "at": _number,
    "seconds": _number,
    "lesson": _text,
    "question": _text,
    "prediction": _text,
    "exercise": _text,
    "sitting": _text,
    "event": _text,
    "given": _json,
    "detail": _json,
    "correct": _flag,
    "seed": _seed,
    "score": _score,
}


def _check_event(event: str, detail: Any) -> None:
    """Raise BadRow where the detail of a sitting's row doesn't fit its event."""
    if event == "begun":
        fits = _is_list(detail) and all(_is_list(each, 2) and _is_named(each[0], each[1]) for each in detail)
    elif event == "answer":
        fits = _is_list(detail, 2) and isinstance(detail[0], str)
    elif event == "ended":
        fits = isinstance(detail, int) and not isinstance(detail, bool) and detail >= 0
    else:
        raise BadRow(f"event is {_shown(event)}, not one of begun, answer, ended")
    if not fits:
        raise BadRow(f"detail is {_shown(detail)}, which doesn't fit the event {event}")


def _is_list(value: Any, length: int | None = None) -> bool:
    return isinstance(value, list) and length in (None, len(value))


def _is_named(question: Any, seed: Any) -> bool:
    return isinstance(question, str) and (seed is None or (isinstance(seed, int) and not isinstance(seed, bool)))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
