"""Answers as numbers for other programs: the accepted interval, the margin, and the share of the mark."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.quiz import Answer, Question, format_number

EXACT = 1e-9  # the relative margin in grading where the bank states neither tolerance nor precision


@dataclass(frozen=True)
class Interval:
    """The numbers that an answer accepts: `centre` ± `margin`, with margin ≥ 0."""

    centre: float
    margin: float

    def written(self) -> str:
        """The centre as a program reads it: six digits, or all if six would be off by over 1 % of the margin."""
        short = f"{self.centre:.6g}"
        return short if abs(float(short) - self.centre) <= self.margin / 100 else repr(self.centre)

    def margin_written(self) -> str:
        """The margin as a program reads it."""
        return f"{self.margin:.12g}"

    def readable(self) -> str:
        """The centre for a human reader, with no more digits than the margin requires."""
        precise = (f"{self.centre:.{digits}g}" for digits in range(2, 17))
        texts = (format_number(self.centre), *precise, repr(self.centre))
        short = next(text for text in texts if abs(float(text) - self.centre) <= self.margin / 4)
        mantissa, power, exponent = short.partition("e")
        return f"{mantissa}e{int(exponent)}" if power else short


def interval(question: Question, answer: Answer) -> Interval | None:
    """The numbers that a numeric answer accepts, as in `helpers.quiz.grade`; None for the default answer.

    Two details differ from grading, since these formats have closed, symmetric intervals: a range includes its upper
    end, and with significant digits the interval around a power of ten is as wide below it as above it.
    """
    if answer.range is not None:
        low, high = answer.range
        return Interval((low + high) / 2, (high - low) / 2)
    number = answer.number()
    if number is None:
        return None
    if question.tolerance is not None:
        return Interval(number, question.tolerance * abs(number))
    if question.precision is not None:
        rounded = float(f"{number:.{question.precision - 1}e}")
        exponent = math.floor(math.log10(abs(rounded))) if rounded else 0
        return Interval(rounded, 0.5 * 10.0 ** (exponent - question.precision + 1))
    return Interval(number, EXACT * abs(number))


def share(question: Question, answer: Answer) -> str:
    """The share of the mark that an answer earns, in per cent, as a program reads it."""
    return f"{100 * question.kind.share(question, answer):.7g}"


def stated(question: Question, answer: Answer) -> str:
    """What an answer accepts, in words and with the unit: "0.141", "from 24.5 to 26.5 steps", "any other number"."""
    taken = interval(question, answer)
    if taken is None:
        return "any other number"
    unit = f" {question.unit}" if question.unit else ""
    if answer.range is not None:
        low, high = answer.range
        return f"from {low:.6g} to {high:.6g}{unit}"
    return f"{taken.readable()}{unit}"


def leeway(question: Question, answer: Answer) -> str:
    """How far off an answer may be, to follow the text of `stated`: " (within 4 %)"; empty if it must be exact."""
    if answer.range is not None or answer.default:
        return ""
    if question.tolerance is not None:
        return f" (within {question.tolerance * 100:g} %)"
    if question.precision is not None:
        return f" ({question.precision} significant digits)"
    return ""
