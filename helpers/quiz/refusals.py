"""What the schema of banks refuses, in words: what was given, what is allowed, and how to mend it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import fastjsonschema  # type: ignore[import-untyped]

from helpers.quiz.numbers import read_number
from helpers.quiz.text import shortened

_TYPES = {
    "string": "a text in quotation marks",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list, [ … ]",
    "object": "an object, { … }",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "greater than",
    "exclusiveMaximum": "less than",
}


def refusal(error: fastjsonschema.JsonSchemaValueException) -> tuple[tuple[str | int, ...], str]:
    """Where the refused value stands, as names and indices from the list of questions on, and why it is refused."""
    steps = tuple(int(step) if step.isdigit() else step for step in error.path[1:])
    value, rule, definition = error.value, error.rule, error.definition
    if rule == "additionalProperties":
        unknown = next(name for name in value if name not in definition["properties"])
        return (*steps, unknown), f"is an unknown field{meant(unknown, definition['properties'])}"
    reason = _WORDS[rule](value, definition[rule]) if rule and rule in _WORDS else str(error.message)
    described = definition.get("description", "") if rule in _EXPLAINED else ""
    return steps, f"{reason}. {described}".removesuffix(".") if described else reason


def as_number(text: str) -> float | None:
    """The number that a text holds, such as "0,25" or "5 %"; None where it holds none."""
    try:
        return read_number(text)
    except ValueError:
        return None


def _quoted(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=lambda each: f"{each}"), 40)


def _type(value: object, allowed: str | list[str]) -> str:
    kinds = [allowed] if isinstance(allowed, str) else allowed
    given = _TYPES["array"] if isinstance(value, list) else _TYPES["object"] if isinstance(value, dict) else ""
    reason = f"{given or _quoted(value)} stands where {' or '.join(_TYPES[kind] for kind in kinds)} belongs"
    return reason + _how(value, kinds)


def _how(value: object, kinds: list[str]) -> str:
    """How to write what was probably meant; empty where nobody knows."""
    number = as_number(value) if isinstance(value, str) else None
    if number is not None and {"number", "integer"} & {*kinds}:
        return f": write {number:g}, without quotation marks"
    if "boolean" in kinds and isinstance(value, str):
        return ", without quotation marks"
    if "string" in kinds and isinstance(value, int | float):
        return f": write {json.dumps(json.dumps(value))}"
    return ""


def _names(value: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Why a name in an object is refused."""
    for name in value:
        if "enum" in rule and name not in rule["enum"]:
            return f"{name!r} must be one of {', '.join(rule['enum'])}{meant(name, rule['enum'])}"
        if name in rule.get("not", {}).get("enum", ()):
            return f"{name!r} has a meaning of its own: choose another name"
        if "pattern" in rule and not re.search(rule["pattern"], name):
            return f"the name {name!r} must be a word in small letters, as in depth or weight_std"
    return "has a name that isn't allowed"


def _dependencies(value: Mapping[str, Any], rule: Mapping[str, list[str]]) -> str:
    name, needed = next(
        (name, each) for name, others in rule.items() if name in value for each in others if each not in value
    )
    return f"has the field {name} without {needed}, which belongs to it"


def meant(name: str, names: Iterable[str]) -> str:
    """A question about the name that was probably meant; empty where none is similar."""
    close = difflib.get_close_matches(name, [*names], n=1)
    return f"; is {close[0]} meant?" if close else ""


def _bound(word: str) -> Callable[[Any, Any], str]:
    return lambda value, limit: f"{_quoted(value)} must be {word} {limit:g}"


def _one_of(value: object, allowed: list[str]) -> str:
    return f"{_quoted(value)} must be one of {', '.join(allowed)}" + meant(str(value), allowed)


def _pattern(value: str, pattern: str) -> str:
    return f"{_quoted(value)} has another form than is allowed" if value.strip() else "is blank: write a text"


_WORDS: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "enum": _one_of,
    "const": lambda value, only: f"{_quoted(value)} must be {_quoted(only)}",
    "pattern": _pattern,
    "required": lambda value, names: "lacks the field " + ", ".join(name for name in names if name not in value),
    "minLength": lambda value, length: "is empty: write a text",
    "maxLength": lambda value, length: f"has {len(value)} characters; at most {length} are shown well",
    "minItems": lambda value, count: f"has {len(value)} of at least {count} entries",
    "maxItems": lambda value, count: f"has {len(value)} entries; at most {count} are allowed",
    "uniqueItems": lambda value, _: "holds an entry twice",
    "minProperties": lambda value, count: "is empty: name a value, or leave the field out",
    "propertyNames": _names,
    "dependencies": _dependencies,
    **{rule: _bound(word) for rule, word in _BOUNDS.items()},
}
_EXPLAINED = {"pattern", *_BOUNDS}
"""Rules whose reason is followed by the field's description in the schema."""
