"""The ledger: every number that the course states, with its source, and what is measured here.

A claim is one row of data above the function that measures it. `tests/test_science.py` asserts each row,
`python -m tests.ledger [words]` prints the table, and pytest prints it at the end of a run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Tolerance:
    """How far a measurement may be from what is expected: `holds(expected, measured)`; `text` says it in words."""

    text: str
    holds: Callable[[float, float], bool]


def relative(share: float) -> Tolerance:
    """Within a share of the expected value."""
    return Tolerance(
        f"± {share:.3g} relative", lambda expected, measured: abs(measured - expected) <= share * abs(expected)
    )


def absolute(distance: float) -> Tolerance:
    """Within a fixed distance."""
    return Tolerance(f"± {distance:g}", lambda expected, measured: abs(measured - expected) <= distance)


def factor(times: float) -> Tolerance:
    """Within a factor, up or down."""
    return Tolerance(f"× or ÷ {times:g}", lambda expected, measured: expected / times <= measured <= expected * times)


def between(low: float, high: float) -> Tolerance:
    """In an interval, whatever the expected value."""
    return Tolerance(f"{low:g} … {high:g}", lambda _, measured: low <= measured <= high)


EXACT = Tolerance("exact", lambda expected, measured: measured == expected)


@dataclass(frozen=True)
class Row:
    """One claim: where it comes from, the number expected, how close it must be, and the function that measures it.

    Its tier is that of its test: "slow" where measuring takes more than a few seconds, "exhaustive" where it takes long
    and another row measures a part of it.
    """

    name: str
    claim: str
    source: str
    expected: float
    tolerance: Tolerance
    measure: Callable[[], float]
    tier: Literal["", "slow", "exhaustive"] = ""


ROWS: list[Row] = []


def claim(
    name: str,
    words: str,
    source: str,
    expected: float,
    tolerance: Tolerance,
    tier: Literal["", "slow", "exhaustive"] = "",
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Enter the decorated function, which measures one number, as a row of the ledger. `name` must be new."""
    if any(row.name == name for row in ROWS):
        raise ValueError(f"the ledger has a row {name!r} already")

    def enter(measure: Callable[[], float]) -> Callable[[], float]:
        ROWS.append(Row(name, words, source, expected, tolerance, measure, tier))
        return measure

    return enter


def number(value: float) -> str:
    """Five digits, as a power of ten where that is shorter."""
    return f"{value:.5g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.4e}"


def table(lines: Iterable[tuple[str, ...]]) -> list[str]:
    """Lines of `claim | source | expected | measured` with columns of equal width."""
    head = ("row", "claim", "source", "expected", "tolerance", "measured", "")
    cells = [head, *lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    laid = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [laid[0], "-+-".join("-" * width for width in widths), *laid[1:]]


def line(row: Row, measured: float) -> tuple[str, ...]:
    """What the table shows of a row."""
    verdict = "" if row.tolerance.holds(row.expected, measured) else "OFF"
    return (row.name, row.claim, row.source, number(row.expected), row.tolerance.text, number(measured), verdict)


def print_measured(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rows that this run measured, in the order of the ledger.

    Every test of a row leaves its line in `user_properties`, which reach us from other processes too.
    """
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    lines = {
        value[0]: tuple(value)
        for report in reports
        for key, value in getattr(report, "user_properties", [])
        if key == "ledger"
    }
    if lines:
        import tests.test_science  # noqa: F401 - fills ROWS

        terminalreporter.section("numbers of the course")
        for text in table([lines[row.name] for row in ROWS if row.name in lines]):
            terminalreporter.write_line(text)


def main(words: list[str]) -> int:
    """Measure the rows whose name or claim holds one of `words` (all without) and print the table."""
    import tests.ledger
    import tests.test_science  # noqa: F401 - fills the rows of tests.ledger, which is not this module when run by name

    rows = [row for row in tests.ledger.ROWS if not words or any(word in row.name + row.claim for word in words)]
    lines = [line(row, row.measure()) for row in rows]
    print("\n".join(table(lines)))
    return int(any(cells[-1] for cells in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
