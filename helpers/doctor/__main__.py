"""`python -m helpers.doctor module:function`: a diagnosis in the terminal, and in the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from helpers.doctor.examination import DiagnosisError, diagnose

HEALTHY, ILL, NOT_EXAMINED = 0, 1, 2

DESCRIPTION = """Examine a network with one batch and print the diagnosis.

The function takes no arguments and returns (model, loss_function, inputs, targets);
the module is found as Python finds it, from this folder too."""

EXIT_STATUS = "Exit status: 0 healthy, 1 ill, 2 where it can't be examined."


class _CannotExamine(Exception):
    """Says in one line why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        "python -m helpers.doctor",
        description=DESCRIPTION,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("place", metavar="module:function", help="for example my_model:make or package.nets:build")
    place = parser.parse_args(arguments).place
    try:
        diagnosis = diagnose(*_example(place))
    except (_CannotExamine, DiagnosisError) as problem:
        print(f"Cannot examine {place}: {' '.join(str(problem).split())}", file=sys.stderr)
        return NOT_EXAMINED
    print(diagnosis)
    return HEALTHY if diagnosis.healthy else ILL


def _example(place: str) -> tuple[Any, Any, Any, Any]:
    """What the named function returns."""
    module_name, colon, function_name = place.partition(":")
    if not (module_name and colon and function_name):
        raise _CannotExamine("name it as module:function, for example my_model:make")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(module_name)
    except Exception as problem:
        raise _CannotExamine(f"importing {module_name} failed: {type(problem).__name__}: {problem}") from problem
    function = getattr(module, function_name, None)
    if not callable(function):
        raise _CannotExamine(f"{module_name} has no function {function_name}")
    try:
        found = function()
    except Exception as problem:
        raise _CannotExamine(f"{function_name}() failed: {type(problem).__name__}: {problem}") from problem
    if not isinstance(found, tuple | list) or len(found) != 4:
        size = f" of {len(found)}" if isinstance(found, tuple | list) else ""
        raise _CannotExamine(
            f"{function_name}() must return (model, loss_function, inputs, targets); got {type(found).__name__}{size}"
        )
    model, loss_function, inputs, targets = found
    return model, loss_function, inputs, targets


if __name__ == "__main__":
    try:
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(ILL)
