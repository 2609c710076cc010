"""Answers in the numbers that other programs want: what is taken, how far off one may be, what it earns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.quiz import Answer, Question, format_number

EXACT = 1e-9  # of the value: what grading allows where the bank states neither tolerance nor precision


@dataclass(frozen=True)
class Interval:
    """The numbers that an answer takes: `centre` ± `margin`, the margin not negative."""

    centre: float
    margin: float

    def written(self) -> str:
        """The centre in digits that a program reads: six, or all where six would be off by part of the margin."""
        short = f"{self.centre:.6g}"
        return short if abs(float(short) - self.centre) <= self.margin / 100 else repr(self.centre)

    def margin_written(self) -> str:
        """The margin in digits that a program reads."""
        return f"{self.margin:.12g}"

    def readable(self) -> str:
        """The centre for a reader, with no more digits than the margin asks for."""
        short = format_number(self.centre)
        return short if abs(float(short) - self.centre) <= self.margin / 4 else self.written()


def interval(question: Question, answer: Answer) -> Interval | None:
    """What a numeric answer takes, as `helpers.quiz.grade` does; None for the default answer, which takes the rest.

    Two corners differ from grading, since these forms have closed and symmetric intervals: a range takes its upper end
    as well, and significant digits around a power of ten count as far below it as above it.
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
    """What an answer earns, in per cent of the mark, in digits that a program reads."""
    return f"{100 * question.kind.share(question, answer):.7g}"


def stated(question: Question, answer: Answer) -> str:
    """What an answer takes, in words and with the unit: "0.141", "from 24.5 to 26.5 steps", "any other number"."""
    taken = interval(question, answer)
    if taken is None:
        return "any other number"
    unit = f" {question.unit}" if question.unit else ""
    if answer.range is not None:
        low, high = answer.range
        return f"from {low:.6g} to {high:.6g}{unit}"
    return f"{taken.readable()}{unit}"


def leeway(question: Question, answer: Answer) -> str:
    """How far off an answer may be, to stand behind what `stated` says: " (within 4 %)"; empty where it is exact."""
    if answer.range is not None or answer.default:
        return ""
    if question.tolerance is not None:
        return f" (within {question.tolerance * 100:g} %)"
    if question.precision is not None:
        return f" ({question.precision} significant digits)"
    return ""
