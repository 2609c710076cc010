"""`gradient-doctor module:function`: print a diagnosis, and return it as the exit status."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

from .advice import place_of
from .examination import DiagnosisError, diagnose
from .readings import Finding
from .report import as_json

HEALTHY, ILL, NOT_EXAMINED = 0, 1, 2

DESCRIPTION = """Examine a network with one batch and print the diagnosis.

The function takes no arguments and returns (model, loss_function, inputs, targets), or (model, loss_function, batch).
The module is imported from the current folder or from Python's path; the path of a file is accepted too."""

EXIT_STATUS = "Exit status: 0 if healthy, 1 if not (with --strict also if there are notes), 2 if it can't be examined."


class _CannotExamine(Exception):
    """The reason why a network can't be examined, in one line."""


@dataclass(frozen=True)
class _NotExamined:
    """What the JSON says of a network that can't be examined: the reason is its note."""

    notes: tuple[str, ...]
    model: str = ""
    verdict: str = "not examined"
    findings: tuple[Finding, ...] = ()
    loss: float = math.nan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        _program(), description=DESCRIPTION, epilog=EXIT_STATUS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", metavar="module:function", help="for example my_model:make or package.nets:build")
    parser.add_argument("--strict", action="store_true", help="exit with 1 also if there are only notes")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON, for programs to read")
    given = parser.parse_args(arguments)
    try:
        with redirect_stdout(sys.stderr):  # keeps the network's own output out of the diagnosis
            diagnosis = diagnose(*_example(given.place))
    except (Exception, SystemExit, KeyboardInterrupt) as problem:
        words = str(problem) if isinstance(problem, _CannotExamine | DiagnosisError) else _named(problem)
        words = f"Cannot examine {given.place}: {' '.join(words.split())}"
        print(words, file=sys.stderr)
        if given.json:
            _print(as_json(_NotExamined((words,))))
        return NOT_EXAMINED
    _print(as_json(diagnosis) if given.json else str(diagnosis))
    if diagnosis.verdict == "not examined":
        return NOT_EXAMINED
    return HEALTHY if diagnosis.healthy and not (given.strict and diagnosis.notes) else ILL


def run() -> NoReturn:
    """Run the command and exit with status 0, 1 or 2, whatever happens."""
    try:
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        status = main()
    except (Exception, KeyboardInterrupt) as problem:
        print(f"{_program()} failed: {_named(problem)}", file=sys.stderr)
        status = NOT_EXAMINED
    sys.exit(status)


def _program() -> str:
    """Return the name of the command, which depends on the package that contains it."""
    package = str(__package__)
    return "gradient-doctor" if package == "gradient_doctor" else f"python -m {package}"


def _named(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}".removesuffix(": ")


def _print(text: str) -> None:
    """Print the text; a reader that stops early, as `head` does, doesn't change the exit status."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _example(place: str) -> tuple[Any, ...]:
    """Import the module, call the function and return its result; raises _CannotExamine if that fails."""
    module_name, colon, function_name = place.rpartition(":")
    if not (module_name and colon and function_name):
        raise _CannotExamine("name it as module:function, for example my_model:make")
    folder = Path.cwd()
    if module_name.endswith(".py"):
        folder, module_name = Path(module_name).resolve().parent, Path(module_name).stem
    sys.path.insert(0, str(folder))
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as problem:
        raise _CannotExamine(f"importing {module_name} failed: {_named(problem)}{place_of(problem)}") from problem
    try:
        function = attrgetter(function_name)(module)
    except AttributeError:
        function = None
    if not callable(function):
        raise _CannotExamine(f"{module_name} has no function {function_name}")
    try:
        found = function()
    except (Exception, SystemExit) as problem:
        raise _CannotExamine(f"{function_name}() failed: {_named(problem)}{place_of(problem)}") from problem
    if not isinstance(found, tuple | list) or len(found) not in (3, 4):
        size = f" of {len(found)}" if isinstance(found, tuple | list) else ""
        raise _CannotExamine(
            f"{function_name}() must return (model, loss_function, inputs, targets) or (model, loss_function, batch); "
            f"got {type(found).__name__}{size}"
        )
    return tuple(found)


if __name__ == "__main__":
    run()
