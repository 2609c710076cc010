"""`python -m helpers.publish.exports paper --to FOLDER`; `python start.py export --help` explains the options."""

from __future__ import annotations

import argparse
import sys

from helpers.publish import commands
from helpers.publish.exports import ChoiceError, choose, export
from helpers.publish.exports.paper import WORKING_MM, Layout
from helpers.quiz import BankError
from helpers.words import counted


def main(arguments: list[str]) -> int:
    """Write the files and list them, or print a sentence about a known kind of failure and return 1."""
    chosen = commands.read("export", arguments)
    try:
        layout = _layout(chosen)
        questions = choose(chosen.lesson, chosen.seed, chosen.questions, needs=chosen.needs)
        written = export(chosen.format, questions, chosen.to, chosen.seed, **layout)
    except (ChoiceError, BankError) as error:
        print(f"export: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"export: Cannot write into {chosen.to} ({error.strerror}): name another folder with --to.",
            file=sys.stderr,
        )
        return 1
    print(f"{counted(len(questions), 'question')}, seed {chosen.seed}:", *written, sep="\n  ")
    return 0


def _layout(chosen: argparse.Namespace) -> dict[str, Layout]:
    """The layout of a paper; ChoiceError where layout options are given for another format."""
    layout = Layout(
        chosen.title, chosen.date, WORKING_MM if chosen.space is None else chosen.space, versions=chosen.versions
    )
    if chosen.format == "paper":
        return {"layout": layout}
    if layout != Layout():
        raise ChoiceError("--versions, --title, --date and --space are for a paper: `export paper`")
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
