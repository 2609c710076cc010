"""The rows of the record as they lie in the file, and which of them can be read.

A row that can't be read is left out and named; it hides no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.progress.schema import COLUMNS

Row = dict[str, Any]
"""A row by column, decoded: `given` and `detail` are what the JSON text in the file stands for."""

LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class BadRow(ValueError):
    """The row can't be read; the message names column and value."""


def decoded(table: str, stored: Mapping[str, Any]) -> Row:
    """A row of the file as the course uses it; BadRow names the first column whose value can't be."""
    row = {column: _READERS[column](column, stored.get(column)) for column in COLUMNS[table]}
    if table == "sitting":
        _check_event(row["event"], row["detail"])
    return row


def sort_out(table: str, stored: Iterable[tuple[int, Mapping[str, Any]]]) -> tuple[list[Row], list[str]]:
    """The rows that can be read, and the names of the others with what is wrong with them.

    stored: the number of each row and the row itself, in their order
    """
    good, bad = [], []
    for number, row in stored:
        try:
            good.append(decoded(table, row))
        except BadRow as error:
            bad.append(f"{table} {number} ({error})")
    return good, bad


def encoded(row: Mapping[str, Any]) -> Row:
    """The row as it goes into the file."""
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
    return float(value)  # 1 in an export that another program has written is the 1.0 of the record


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
    """BadRow where the detail of a sitting's row isn't what its event asks for."""
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
