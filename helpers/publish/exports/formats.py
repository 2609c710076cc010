"""The formats by name, and the files that each of them writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from helpers.checks import check_choice
from helpers.publish.commands import EXPORTS
from helpers.publish.folder import write_file
from helpers.quiz import Question

Writer = Callable[..., Mapping[str, bytes]]
"""Questions and seed -> the content of each file by its name."""

FORMATS: Mapping[str, Writer] = {name: import_module(f"helpers.publish.exports.{name}").files for name in EXPORTS}
"""The function `files` of the module that has the name of the format."""


def export(format: str, questions: Sequence[Question], folder: Path, seed: int | str = 0, **layout: Any) -> list[Path]:
    """Write the questions in one of `FORMATS` into a folder, made where it isn't there; returns the files written.

    `layout` goes to the format; only "paper" has one (`paper.Layout`, as the argument `layout`).

    Each file is written whole: until it is there, an earlier one stays. Raises ValueError for a format that is not
    known, and OSError where nothing can be written.
    """
    check_choice("format", format, FORMATS)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in FORMATS[format](questions, seed, **layout).items():
        write_file(folder / name, content)
        written.append(folder / name)
    return written
