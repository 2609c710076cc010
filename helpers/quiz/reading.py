"""Read banks as strict JSON: errors name line, column and text; names given twice or infinite numbers are refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.quiz.text import shortened

_SMART_QUOTES = "“”„‟«»‘’"
_SPACE = re.compile(r"[ \t\n\r]*")
_SHOWN = 100
"""How many characters of a line a message quotes."""


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


# Where something stands ----------------------------------------------------------------------------------------------


def located(text: str, place: int, reason: str, subject: str = "") -> str:
    """A sentence with line and column of a place in a text, what stands there, the reason, and the line's text."""
    start = text.rfind("\n", 0, place) + 1
    line, column = text.count("\n", 0, place) + 1, place - start + 1
    shown = _excerpt(text[start:].partition("\n")[0], column)
    return f"line {line}, column {column}{subject}: {reason}" + (f"; the line reads: {shown}" if shown else "")


def _excerpt(line: str, column: int) -> str:
    """The part of a line around a column, without characters that a terminal would obey."""
    start = max(0, min(column - _SHOWN // 2, len(line) - _SHOWN))
    part = line[start : start + _SHOWN].strip()
    seen = "".join(each if each.isprintable() else "\ufffd" for each in part.replace("\t", " "))
    return f"{'… ' if start else ''}{seen}{' …' if start + _SHOWN < len(line) else ''}"


def position_of(text: str, steps: Sequence[str | int]) -> int:
    """The index in a JSON text at which a value begins; `steps`, names and indices, lead to it as far as they go."""
    place = _skipped(text, 0)
    for step in steps:
        inner = {name: start for name, start in _parts(text, place) if name == step}
        if not inner:
            break
        place = inner[step]
    return place


_SKIPPER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)


def _parts(text: str, place: int) -> Iterator[tuple[str | int, int]]:
    """Yield the name, or index, and the position of each part of the object or list at a place."""
    if text[place] not in "[{":
        return
    has_names, index = text[place] == "{", 0
    place = _skipped(text, place + 1)
    while text[place] not in "]}":
        name: str | int = index
        if has_names:
            name, place = _SKIPPER.raw_decode(text, place)
            place = _skipped(text, _skipped(text, place) + 1)
        yield name, place
        place = _skipped(text, _SKIPPER.raw_decode(text, place)[1])
        if text[place] == ",":
            place = _skipped(text, place + 1)
        index += 1


def _skipped(text: str, place: int) -> int:
    """The next place that isn't white space."""
    found = _SPACE.match(text, place)
    assert found is not None, "the pattern matches nothing, too"
    return found.end()


# Where it isn't JSON -------------------------------------------------------------------------------------------------

_OTHER_SIGNS = {";": "a comma, not a semicolon,", "=": "a colon, not an equals sign,"}


def _described(text: str, error: json.JSONDecodeError) -> str:
    """Line, column, the likely mistake, and the line's text."""
    place, guess = _likely(text, error)
    return located(text, place, guess)


def _likely(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    """The position of the mistake, and a guess at what it is and how to mend it."""
    at = _skipped(text, error.pos)
    rest, before = text[at:], text[:at].rstrip()
    if error.msg.startswith("Unterminated string"):
        return error.pos, "the file ends in the middle of the text that begins here"
    if not rest:
        return len(before), "the file ends in the middle"
    if error.msg.startswith("Illegal trailing comma"):  # from Python 3.13 on
        return error.pos, f"a comma before {text[_skipped(text, error.pos + 1)]} where nothing follows: delete it"
    if rest[0] in "]}" and before.endswith(","):
        return len(before) - 1, f"a comma before {rest[0]} where nothing follows: delete it"
    if error.msg.startswith("Invalid control character"):
        return error.pos, "a text isn't closed on its line, or holds a line break or tab; write \\n or \\t instead"
    if error.msg.startswith("Invalid \\"):
        return error.pos, "a backslash within a text is written twice, \\\\"
    guess = _character(rest) or _number(before, rest) or _missing(error.msg, before, rest)
    return (len(before) if guess.startswith("a comma is missing") else at), guess


def _character(rest: str) -> str:
    """What is wrong with the first character, which JSON doesn't know here; empty where it may be right."""
    first = rest[0]
    if first in _SMART_QUOTES:
        return f'{first} is a typographic quotation mark; JSON wants the straight one, "'
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments: delete it"
    if first == "'":
        return 'JSON wants double quotation marks, "'
    if first in _OTHER_SIGNS:
        return f"{_OTHER_SIGNS[first]} belongs here"
    if first.isspace() or not first.isprintable():
        return f"a character that isn't seen (U+{ord(first):04X}) stands here: delete it"
    return ""


def _number(before: str, rest: str) -> str:
    """How to write the number or the word that JSON doesn't read here."""
    word = re.match(r"(True|False|None|TRUE|FALSE|NULL|yes|no)\b", rest)
    if word:
        return f"{word[0]} is unknown to JSON, which writes true, false and null"
    if rest.startswith("%"):
        return "a number has no per cent sign: 5 % is written 0.05"
    if re.search(r"\d,$", before) and rest[0].isdecimal():
        return "a number is written with a point, as in 0.25, not with a comma"
    bad = re.match(r"[+.]\d", rest) or (re.search(r"\d$", before) and re.match(r"[.\d]", rest))
    return (
        "a number is written like 0.5, -2 or 1e-6: no + or needless 0 in front, digits around the point" if bad else ""
    )


def _missing(message: str, before: str, rest: str) -> str:
    """What is probably missing."""
    if rest[0] in "]}" and before[-1:] in "]}":
        return f"this {rest[0]} closes nothing that is open"
    if message.startswith("Expecting ',' delimiter"):
        within = before.endswith('"') and rest[0].isalnum()
        return "a comma is missing here, or " + (
            "a quotation mark within a text isn't written \\\"" if within else "a bracket isn't closed"
        )
    if message.startswith("Expecting ':'"):
        return "a colon is missing between a name and its value"
    if message.startswith("Extra data"):
        return "something follows after the end of the list: a bracket too many, or a second list"
    if not before:
        return "a bank begins with [ and is a list of questions"
    if rest[0].isalpha():
        return 'quotation marks are missing around a text, or the one at its beginning is, "'
    return "a value is missing" if message.startswith("Expecting value") else 'a name in quotation marks is missing, "'
