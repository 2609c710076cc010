"""Read numbers as learners write them, and format numbers for sentences; nothing is evaluated as code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.quiz.text import shortened

MAX_ANSWER_LENGTH = 200


def format_number(number: float) -> str:
    """A number formatted for a sentence: 0.25, 12, 9.1e-13."""
    size = abs(number)
    if not math.isfinite(size):
        return f"{number:g}"
    if size == 0 or 1e-3 <= size < 99.5:
        return f"{number:.3g}"
    if 99.5 <= size < 1e5:
        return f"{number:.0f}"
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


_PLAIN = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[float, float], float]], ...] = (
    (re.compile(rf"({_PLAIN})()"), lambda number, _: number),
    (re.compile(rf"({_PLAIN})[×x·*⋅]10(?:\^|\*\*)([+-]?\d+)"), lambda mantissa, power: mantissa * 10.0**power),
    (re.compile(rf"({_PLAIN})(?:\^|\*\*)({_PLAIN})"), lambda base, power: base**power),
    (re.compile(rf"({_PLAIN})/({_PLAIN})"), lambda above, below: above / below),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MINUSES = str.maketrans("−–‒﹣－", "-----")


def read_number(given: object, unit: str = "") -> float:
    """Read a finite number from a number or a text; ValueError with a sentence for the reader where there is none.

    Accepts 1e-6, 1×10^-6, 10⁻⁶, 0,25, 1/4 and 0.25^10, followed by a per cent sign or the given unit if need be.
    """
    if isinstance(given, str):
        number = _parse(given, unit)
    elif isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        number = _as_float(given)
    else:
        raise ValueError("Write one number, for instance 0.25 or 1e-6.")
    if not math.isfinite(number):
        raise ValueError("That is not a finite number. Write one such as 0.25 or 1e-6.")
    return number


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _parse(text: str, unit: str) -> float:
    if len(text) > MAX_ANSWER_LENGTH:
        raise ValueError(f"That is longer than {MAX_ANSWER_LENGTH} characters. Write one number, such as 1e-6.")
    plain = text.strip()
    if not plain:
        raise ValueError("Write a number first, for instance 0.25 or 1e-6.")
    if unit and plain.endswith(unit):
        plain = plain[: -len(unit)]
    plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), plain)
    plain = re.sub(r"\s+", "", plain.translate(_MINUSES))
    scale = 1.0
    if plain.endswith("%"):
        plain, scale = plain[:-1], 0.01
    plain = _with_point(plain, text)
    for form, value in _FORMS:
        found = form.fullmatch(plain)
        if found:
            return scale * _evaluate(value, found[1], found[2])
    raise ValueError(f"“{shortened(text.strip(), 40)}” is not a number I can read. Write it like 0.25, 1e-6 or 10^-6.")


def _with_point(plain: str, text: str) -> str:
    """Replace a decimal comma by a point; ValueError where the comma might separate thousands."""
    if "," not in plain:
        return plain
    if "." in plain or re.search(r"(?<!\d)[1-9]\d{0,2},\d{3}(?!\d)", plain) or re.search(r",\d*,", plain):
        raise ValueError(f"Is “{shortened(text.strip(), 40)}” a decimal comma? Write it with a point, such as 1000.5.")
    return plain.replace(",", ".")


def _evaluate(value: Callable[[float, float], float], first: str, second: str) -> float:
    try:
        result = value(float(first), float(second or 0))
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        raise ValueError("That divides by zero. Write a finite number.") from None
    return result if isinstance(result, float) else math.nan  # a negative base to a fractional power is complex
