"""`python -m helpers.publish.classroom FOLDER…`; `python start.py class --help` explains the options."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from helpers.classroom import Class, Learner, read_class, results
from helpers.publish import commands
from helpers.publish.classroom.page import class_page
from helpers.publish.classroom.tables import learner_table, question_table
from helpers.publish.folder import FolderError, write_text, written_whole
from helpers.quiz import BankError, available_lessons
from helpers.words import counted

_HOW = "Name a folder with copies of progress.sqlite3 or with exports, or one that holds the learners' folders."


def main(arguments: list[str]) -> int:
    """Write the page and the tables, or print a sentence about a known kind of failure and return 1."""
    chosen = commands.read("class", arguments)
    try:
        unknown = [lesson for lesson in chosen.lesson if lesson not in available_lessons()]
        if unknown:
            print(
                f"class: There is no lesson {unknown[0]}; there are {', '.join(available_lessons())}.", file=sys.stderr
            )
            return 1
        group = read_class(chosen.folders)
        if not group.learners:
            for each in group.left_out:
                print(f"class: {each.path}: {each.reason}", file=sys.stderr)
            print(f"class: No record of a learner was found. {_HOW}", file=sys.stderr)
            return 1
        if chosen.numbers:
            group = Class(_numbered(group.learners), group.left_out)
        found = results(group.learners, chosen.lesson)
        with written_whole(chosen.to, "python start.py class") as folder:
            write_text(folder / "class.html", class_page(group, found, date.today(), hide_names=chosen.numbers))
            write_text(folder / "class_questions.csv", question_table(found))
            write_text(folder / "class_learners.csv", learner_table(found))
    except (FileNotFoundError, FolderError, BankError) as error:
        print(f"class: {error}", file=sys.stderr)
        return 1
    left_out = f" {counted(len(group.left_out), 'file or row', 'files or rows')} left out." if group.left_out else ""
    print(f"{counted(len(group.learners), 'learner')}.{left_out} Open {chosen.to / 'class.html'}")
    return 0


def _numbered(learners: Sequence[Learner]) -> tuple[Learner, ...]:
    """The learners with numbers instead of names, in an order that isn't alphabetical."""
    mixed = sorted(learners, key=lambda each: hashlib.sha256(each.name.encode()).hexdigest())
    return tuple(replace(each, name=f"{number:02d}", files=()) for number, each in enumerate(mixed, start=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
