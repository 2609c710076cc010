"""`python -m helpers.publish.check_bank FOLDER`; `python start.py check --help` explains the options."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import traitlets

from helpers import panels
from helpers.datasets import DATA
from helpers.publish import commands
from helpers.quiz import Question, check_bank, instantiate
from helpers.quiz.banks import fault_in
from helpers.words import counted

EXAMPLE = DATA / "examples" / "03_example.json"
"""A bank with a question of each type, to copy from."""
SEEDS = 20
"""How many instances of a question with drawn numbers are tried in the panel."""
OTHER_FILES = ("schema.json", "predictions.json")


def main(arguments: list[str]) -> int:
    """Check the banks named on the command line, or write the example; returns 1 where something is wrong."""
    chosen = commands.read("check", arguments)
    try:
        if chosen.example:
            return _write_example(chosen.folder)
        banks = [*_banks(chosen.folder)]
    except OSError as error:
        print(f"check: {error.strerror or error}: {error.filename or chosen.folder}.", file=sys.stderr)
        return 1
    if not banks:
        print(
            f"check: There is no bank in {chosen.folder}: a JSON file whose name begins with a lesson's number, such "
            f"as 03_mine.json. `python start.py check {chosen.folder} --example` writes one.",
            file=sys.stderr,
        )
        return 1
    homes: dict[str, str] = {}
    return max([_report(path, homes) for path in banks])


def _banks(folder: Path) -> Iterable[Path]:
    if folder.is_file():
        return [folder]
    if not folder.exists():
        raise FileNotFoundError(2, "There is no folder", str(folder))
    return sorted(path for path in folder.glob("*.json") if path.name not in OTHER_FILES)


def _write_example(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / EXAMPLE.name
    try:
        with place.open("x", encoding="utf-8", newline="\n") as file:
            file.write(EXAMPLE.read_text(encoding="utf-8"))
    except FileExistsError:
        print(f"check: {place} exists already: move it away, or name another folder.", file=sys.stderr)
        return 1
    print(f"{place} has a question of each type. Change it, then run `python start.py check {folder}`.")
    return 0


def _report(path: Path, homes: dict[str, str]) -> int:
    """Print what is wrong with a bank; `homes` maps the ids of earlier banks to their files, and gets this one's."""
    questions, faults = check_bank(path)
    twins = [
        fault_in(path, each.id, ("id",), f"{homes[each.id]} has a question with this id, too: give it another one")
        for each in questions
        if homes.setdefault(each.id, path.name) != path.name
    ]
    faults = tuple(sorted((*faults, *twins, *_panel_faults(path, questions)), key=_line))
    for fault in faults:
        print(f"✗ {fault}")
    if faults:
        print(f"  {path.name}: {counted(len(faults), 'fault')}.")
        return 1
    kinds = sorted({question.type for question in questions})
    print(f"✓ {path.name}: {counted(len(questions), 'question')} ({', '.join(kinds)}). Nothing is wrong.")
    return 0


def _line(fault: str) -> int:
    """The line that a fault names."""
    found = re.search(r", line (\d+), column", fault)
    return int(found[1]) if found else 0


def _panel_faults(path: Path, questions: Iterable[Question]) -> Iterator[str]:
    """Yield a sentence for each `try` to which the lesson's main panel can't be set."""
    lesson = path.name[:2]
    names = panels.PANELS.get(lesson, [])
    panel = getattr(panels, names[0])() if names else None
    for question in questions:
        states = {json.dumps(state, sort_keys=True): (index, state) for index, state in _states(question)}
        for index, state in states.values():
            reason = _refusal(panel, state) if panel else f"lesson {lesson} has no panel"
            if reason:
                yield fault_in(path, question.id, (_list_of(question), index, "try"), reason)


def _list_of(question: Question) -> str:
    """The field of a bank that holds a question's answers."""
    return "answers" if "answers" in question.entry else "rubric"


def _states(question: Question) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for seed in range(SEEDS if question.varies else 1):
        for index, answer in enumerate(instantiate(question, seed).answers):
            if answer.try_state:
                yield index, answer.try_state


def _refusal(panel: panels.Panel, state: Mapping[str, Any]) -> str:
    """Why the panel can't be set to a state; empty where it can."""
    for name, value in state.items():
        try:
            panel.set(**{name: value})
        except (ValueError, traitlets.TraitError) as error:
            return f"{name} is {value!r}: {error}"
        place = dict(zip(panel.controls, panel.live.key(), strict=True))[name]
        shown = panel.controls[name].value
        if isinstance(place, dict) or shown != value:
            return f"{name} is {value!r}, which its slider can't show" + (
                f"; it shows {shown!r}" if shown != value else ""
            )
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
