"""`python -m helpers.publish.exports paper --to FOLDER`; `python start.py export --help` explains the options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers.publish.exports import FORMATS, ChoiceError, choose, export
from helpers.publish.exports.markup import counted
from helpers.quiz import BankError


def main(arguments: list[str]) -> int:
    """Write the files, name them, and put every failure that is known into one sentence."""
    parser = argparse.ArgumentParser("python -m helpers.publish.exports", allow_abbrev=False)
    parser.add_argument("format", choices=list(FORMATS))
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--lesson", action="append", default=[])
    parser.add_argument("--seed", default="0")
    parser.add_argument("--questions", type=int)
    options = parser.parse_args(arguments)
    try:
        questions = choose(options.lesson, options.seed, options.questions)
        written = export(options.format, questions, options.to, options.seed)
    except (ChoiceError, BankError) as error:
        print(f"export: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"export: Cannot write into {options.to} ({error.strerror}): name another folder with --to.",
            file=sys.stderr,
        )
        return 1
    print(f"{counted(len(questions), 'question')}, seed {options.seed}:", *written, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
