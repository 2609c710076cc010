"""The export formats by name, and writing their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from helpers.checks import check_choice
from helpers.publish.commands import EXPORTS
from helpers.publish.folder import write_files
from helpers.quiz import Question

Writer = Callable[..., Mapping[str, bytes]]
"""Takes questions and a seed, and returns the content of each file by its name."""

FORMATS: Mapping[str, Writer] = {name: import_module(f"helpers.publish.exports.{name}").files for name in EXPORTS}
"""For each format the function `files` of the module with its name."""


def export(format: str, questions: Sequence[Question], folder: Path, seed: int | str = 0, **layout: Any) -> list[Path]:
    """Write the questions in one of `FORMATS` into a folder, created if need be; returns the files written.

    `layout` is passed to the format; only "paper" takes one (`paper.Layout`, as the argument `layout`).

    The files replace earlier ones only once all of them are complete, so that no key stands beside an earlier paper.
    Raises ValueError for an unknown format, and OSError where a file can't be written.
    """
    check_choice("format", format, FORMATS)
    contents = FORMATS[format](questions, seed, **layout)
    folder.mkdir(parents=True, exist_ok=True)
    return write_files({folder / name: content for name, content in contents.items()})
