"""`python -m helpers.publish.exports paper --to FOLDER`; `python start.py export --help` explains the options."""

from __future__ import annotations

import sys

from helpers.publish import commands
from helpers.publish.exports import ChoiceError, choose, export
from helpers.quiz import BankError
from helpers.quiz.text import counted


def main(arguments: list[str]) -> int:
    """Write the files, name them, and put every failure that is known into one sentence."""
    chosen = commands.read("export", arguments)
    try:
        questions = choose(chosen.lesson, chosen.seed, chosen.questions)
        written = export(chosen.format, questions, chosen.to, chosen.seed)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
