"""Read banks as strict JSON: errors name the line, and names given twice or numbers that aren't finite are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from helpers.quiz.text import shortened

_SMART_QUOTES = "“”„‟«»‘’"


class NotJson(ValueError):
    """The text is not JSON; the message says where and quotes the line."""


@dataclass(frozen=True)
class Refused:
    """Marks a value in parsed content that a bank may not hold."""

    reason: str


def parse(text: str) -> Any:
    """Parse a text as JSON; NotJson where it is not. Values that a bank may not hold become `Refused`."""
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_not_finite, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise NotJson(_described(text, error)) from None
    except RecursionError:
        raise NotJson("its brackets are nested too deeply to be read") from None


def refused_in(content: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path of each refused value in parsed content, with the reason."""
    if isinstance(content, Refused):
        yield where, content.reason
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, part in parts:
        yield from refused_in(part, (*where, name))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = Refused(f"{name!r} occurs twice") if name in found else value
    return found


def _not_finite(name: str) -> Refused:
    return Refused(f"{name} is not a number; write a finite one")


def _float(digits: str) -> float | Refused:
    number = float(digits)
    return number if math.isfinite(number) else Refused(f"{shortened(digits, 40)} is too large for a number")


def _int(digits: str) -> int | Refused:
    return int(digits) if len(digits) <= 300 else Refused(f"{shortened(digits, 40)} is too large for a number")


# Where it isn't JSON -------------------------------------------------------------------------------------------------


def _described(text: str, error: json.JSONDecodeError) -> str:
    """Line, column, the likely mistake, and the line's text."""
    place, guess = _likely(text, error)
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    shown = shortened(text.split("\n")[line - 1].strip(), 100)
    return f"line {line}, column {column}: {guess}" + (f"; the line reads: {shown}" if shown else "")


def _likely(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    """The position of the mistake and a guess at what it is."""
    place = error.pos
    rest, before = text[place:].lstrip(), text[:place].rstrip()
    at = len(text) - len(rest)
    if not text.strip():
        return 0, "the file is empty"
    if not rest:
        return len(before), "the file ends in the middle"
    if rest[0] in _SMART_QUOTES:
        return at, f"{rest[0]} is a typographic quotation mark; JSON wants the straight one"
    if rest.startswith(("//", "/*", "#")):
        return at, "JSON has no comments"
    if rest[0] in "]}" and before.endswith(","):
        return len(before) - 1, f"a comma before {rest[0]} where nothing follows"
    if error.msg == "Illegal trailing comma before end of object" or error.msg.startswith("Illegal trailing comma"):
        return place, "a comma where nothing follows"
    if error.msg.startswith("Expecting ',' delimiter"):
        end = len(before)
        return end, "a comma is missing here, or a bracket isn't closed"
    if rest[0] == "'":
        return at, "JSON wants double quotation marks"
    if error.msg.startswith("Invalid control character"):
        return place, "a text isn't closed on its line, or holds a line break; a line break is written \\n"
    if error.msg.startswith("Extra data"):
        return at, "something follows after the end"
    return at, f"{error.msg[0].lower()}{error.msg[1:]}"
