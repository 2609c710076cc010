"""`python -m helpers.publish.exports paper --to FOLDER`; `python start.py export --help` explains the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from helpers.publish import commands
from helpers.publish.exports import ChoiceError, choose, export
from helpers.publish.exports.choosing import all_of
from helpers.publish.exports.paper import WORKING_MM, Layout
from helpers.quiz import NEEDS, BankError, Question
from helpers.quiz.papers import has_one_form
from helpers.words import counted

NEXT = {
    "anki": "In Anki: File → Import.",
    "moodle": "In Moodle: Question bank → Import → Moodle XML format.",
    "gift": "In Moodle: Question bank → Import → GIFT format; other platforms read it too.",
    "paper": "To print: open it in a browser, then Ctrl+P.",
}
"""What to do with the files of each format."""

WORDS = {"panel": "the lesson's panel", "run": "a run of the lesson's cells"}


def main(arguments: list[str]) -> int:
    """Write the files and list them, or print a sentence about a known kind of failure and return 1."""
    chosen = commands.read("export", arguments)
    try:
        layout = _layout(chosen)
        questions = choose(chosen.lesson, chosen.seed, chosen.questions, chosen.bank, chosen.needs)
        written = export(chosen.format, questions, chosen.to, chosen.seed, **layout)
    except (ChoiceError, BankError) as error:
        print(f"export: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        where = f", {error.filename}" if error.filename else ""
        print(
            f"export: Cannot write into {chosen.to} ({error.strerror}{where}): name another folder with --to.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"\nexport: Stopped. No file in {chosen.to} was changed.", file=sys.stderr)
        return 130
    print(f"{counted(len(questions), 'question')}, seed {chosen.seed}:", *written, sep="\n  ")
    print(NEXT[chosen.format], _alike(questions, chosen.versions) + _left_out(chosen), sep="\n", end="")
    return 0


def _alike(questions: Sequence[Question], versions: int) -> str:
    """A sentence on the questions that all versions ask alike."""
    alike = sum(map(has_one_form, questions)) if versions > 1 else 0
    have = "has" if alike == 1 else "have"
    return f"Alike in all versions: {counted(alike, 'question')}, which {have} one form only.\n" if alike else ""


def _left_out(chosen: argparse.Namespace) -> str:
    """A sentence on how many questions were left out for what they need, and the options that include them."""
    needed = [question.needs for question in all_of(chosen.lesson, chosen.bank) if question.needs]
    counts = {need: needed.count(need) for need in NEEDS if need in needed and need not in chosen.needs}
    kinds = [f"{count} {'needs' if count == 1 else 'need'} {WORDS[need]}" for need, count in counts.items()]
    options = " and ".join(f"--needs {need}" for need in counts)
    return f"Left out: {', '.join(kinds)}; {options} would include them.\n" if counts else ""


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
