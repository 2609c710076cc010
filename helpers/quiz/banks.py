"""Reading and checking the files in `data/quiz/`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import fastjsonschema  # type: ignore[import-untyped]

from helpers.datasets import DATA
from helpers.quiz.faults import Fault
from helpers.quiz.meaning import checked
from helpers.quiz.questions import Prediction, Question
from helpers.quiz.reading import NotJson, located, parse, position_of, refused_in
from helpers.quiz.refusals import refusal
from helpers.quiz.schema import whole_schema
from helpers.quiz.text import shortened

BANKS = DATA / "quiz"


class BankError(ValueError):
    """A file in `data/quiz/` is missing, damaged or doesn't match the schema; the message says where."""


@dataclass(frozen=True)
class _File:
    """A file of JSON, with its text and what was read from it."""

    path: Path
    text: str
    content: Any

    def error(self, steps: Sequence[str | int], reason: str) -> BankError:
        """The error for a value, with line, column, question and field, and the line's text."""
        place = position_of(self.text, steps)
        return BankError(f"{_shown(self.path)}, {located(self.text, place, reason, self._subject(steps))}")

    def fault(self, number: int, fault: Fault) -> BankError:
        """The error for a fault in the entry at an index."""
        return self.error((number, *fault.steps), shortened(fault.reason, 900))

    def _subject(self, steps: Sequence[str | int]) -> str:
        """Question and field in words; empty for the whole file."""
        if not steps or not isinstance(steps[0], int):
            return f", field {steps[0]}" if steps else ""
        entry = self.content[steps[0]]
        name = entry.get("id") if isinstance(entry, dict) else None
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps[1:]).lstrip(".")
        return (
            f", question {steps[0] + 1}"
            + (f" ({shortened(name, 40)})" if isinstance(name, str) and name else "")
            + (f", field {field}" if field else "")
        )


def available_lessons(folder: Path = BANKS) -> tuple[str, ...]:
    """The two-digit numbers of the lessons that have a bank, in order."""
    return tuple(sorted(path.name[:2] for path in folder.glob("[0-9][0-9]_*.json")))


def load_bank(lesson: str, folder: Path = BANKS) -> tuple[Question, ...]:
    """Read the questions of a lesson ("01" or "01_definition"), ready to be asked; `instantiate` draws other values.

    Raises BankError, which names file, question and field, where the bank is missing, damaged or not valid.
    """
    path = _bank_path(lesson, folder)
    return _questions(path, _read_text(path), _read_text(folder / "schema.json"))


def load_banks(lessons: Iterable[str] | None = None, folder: Path = BANKS) -> tuple[Question, ...]:
    """Read the questions of the given lessons, one lesson after the other; None reads all lessons."""
    wanted = available_lessons(folder) if lessons is None else lessons
    return tuple(question for lesson in wanted for question in load_bank(lesson, folder))


def load_predictions(folder: Path = BANKS) -> dict[str, Prediction]:
    """Read the predictions that the lessons ask for, by id; BankError as in `load_bank`."""
    path = folder / "predictions.json"
    file = _validated(path, _read_text(path), "predictions", _read_text(folder / "schema.json"))
    predictions = [Prediction(**{**entry, "options": tuple(entry.get("options", ()))}) for entry in file.content]
    for number, prediction in enumerate(predictions):
        if prediction.low >= prediction.high:
            raise file.error((number, "low"), f"{prediction.low:g} must be below high, {prediction.high:g}")
    _refuse_twins(file)
    return {prediction.id: prediction for prediction in predictions}


def _bank_path(lesson: str, folder: Path) -> Path:
    """The file of a lesson's bank, given the lesson's number or full name."""
    found = sorted(folder.glob(f"{lesson[:2]}_*.json")) if re.fullmatch(r"\d\d(_\w+)?", lesson) else []
    for path in found:
        if lesson in (path.stem, path.stem[:2]):
            return path
    if re.fullmatch(r"\d\d_\w+", lesson):
        raise _missing(folder / f"{lesson}.json")
    raise BankError(
        f"lesson is {lesson!r}; there are banks for {', '.join(available_lessons(folder)) or 'no lesson'} in "
        f"{_shown(folder)}." + (" A missing one is restored by: git checkout -- data/quiz" if folder == BANKS else "")
    )


def check_bank(path: Path) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """Return the valid questions of a bank and its faults, a sentence each that names question and field.

    The bank may be in any folder; its name begins with the number of the lesson, as in `03_mine.json`.
    """
    try:
        if not re.fullmatch(r"\d\d_.+", path.stem):
            raise BankError(f"{_shown(path)}: the name must begin with a lesson's number, as in 03_mine.json")
        file, schema = _file(path, _read_text(path)), _read_text(BANKS / "schema.json")
        if not isinstance(file.content, list) or not file.content:
            _check_form(file, "bank", schema)
    except BankError as error:
        return (), (str(error),)
    sound: list[Question] = []
    twins = dict(_twins(file))
    faults = []
    for number, entry in enumerate(file.content):
        if number in twins:
            faults.append(str(twins[number]))
        try:
            _check_form(file, "bank", schema, only=number)
            question = _question(file, number, entry)
        except BankError as error:
            faults.append(str(error))
        else:
            sound += [] if number in twins else [question]
    return tuple(sound), tuple(faults)


def fault_in(path: Path, question: str, steps: Sequence[str | int], reason: str) -> str:
    """A sentence like those of `check_bank` about a value of the question with this id, in a bank that can be read."""
    file = _file(path, _read_text(path))
    number = next(place for place, entry in enumerate(file.content) if entry["id"] == question)
    return str(file.error((number, *steps), reason))


def load_own_banks(folder: Path) -> tuple[Question, ...]:
    """The questions of a user's own bank, or of all banks in a folder; BankError names the first fault."""
    if not folder.exists():
        raise BankError(f"There is no folder {folder}")
    found: dict[str, tuple[Path, Question]] = {}
    for path in [folder] if folder.is_file() else sorted(folder.glob("[0-9][0-9]_*.json")):
        questions, faults = check_bank(path)
        if faults:
            raise BankError(f"{faults[0]}. All faults: python start.py check {folder}")
        for each in questions:
            if each.id in found:
                raise BankError(f"{found[each.id][0].name} and {path.name} in {folder} both have the id {each.id!r}")
            found[each.id] = path, each
    if not found:
        raise BankError(f"There is no bank in {folder}: a JSON file whose name begins with a lesson's number")
    return tuple(question for _, question in found.values())


@functools.lru_cache(maxsize=64)
def _questions(path: Path, text: str, schema: str) -> tuple[Question, ...]:
    """The checked questions of a bank with this text; cached, since a lesson loads the same bank many times."""
    file = _validated(path, text, "bank", schema)
    questions = tuple(_question(file, number, entry) for number, entry in enumerate(file.content))
    _refuse_twins(file)
    return questions


def _validated(path: Path, text: str, definition: str, schema: str) -> _File:
    """The file, checked against one definition of the schema."""
    file = _file(path, text)
    _check_form(file, definition, schema)
    return file


def _check_form(file: _File, definition: str, schema: str, only: int | None = None) -> None:
    """Raise BankError where the content, or only the entry at index `only`, doesn't match the schema."""
    part = file.content if only is None else [file.content[only]]

    def whole(steps: tuple[str | int, ...]) -> tuple[str | int, ...]:
        return steps if only is None or not steps else (only, *steps[1:])

    for where, reason in refused_in(part):
        raise file.error(whole(where), reason)
    try:
        _validator(file.path.with_name("schema.json"), schema, definition)(part)
    except fastjsonschema.JsonSchemaValueException as error:
        steps, reason = refusal(error)
        raise file.error(whole(steps), shortened(reason, 400)) from None


def _validator(path: Path, schema: str, definition: str) -> Callable[[Any], Any]:
    try:
        return _compiled(json.dumps(whole_schema(_file(path, schema).content, definition)))
    except (LookupError, TypeError, AttributeError, fastjsonschema.JsonSchemaException) as error:
        raise BankError(f"{_shown(path)} is damaged ({error}).{_remedy(path)}") from None


@functools.lru_cache(maxsize=4)
def _compiled(schema: str) -> Callable[[Any], Any]:
    """The validator of a schema; cached, since compiling it takes 70 ms, too long to repeat for each bank."""
    return cast(Callable[[Any], Any], fastjsonschema.compile(json.loads(schema), use_default=False, use_formats=False))


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        reason = "it is a folder, not a file" if path.is_dir() else error.strerror
        raise BankError(f"{_shown(path)} can't be read: {reason}") from None
    if not content.strip(b" \t\r\n\0"):
        raise BankError(f"{_shown(path)} is empty.{_remedy(path)}")
    encoding = json.detect_encoding(content)
    if not encoding.startswith("utf-8"):
        raise BankError(f"{_shown(path)} is saved as {encoding[:6].upper()}: save the file as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = (
            f"byte {content[error.start]:#04x} is not UTF-8: save the file as UTF-8, and look at its special letters"
        )
        place = len(content[: error.start].decode("utf-8"))
        raise BankError(f"{_shown(path)}, {located(content.decode('utf-8', 'replace'), place, reason)}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _file(path: Path, text: str) -> _File:
    try:
        return _File(path, text, parse(text))
    except NotJson as error:
        raise BankError(f"{_shown(path)}, {error}") from None


def _missing(path: Path) -> BankError:
    link = f": it is a link to {path.readlink()}, which isn't there" if path.is_symlink() else ""
    return BankError(f"{_shown(path)} is missing{link}.{_remedy(path)}")


def _remedy(path: Path) -> str:
    """How to restore a file of the course; empty for a file outside it, which may be somebody's own work."""
    return f" To restore it: git checkout -- data/quiz/{path.name}" if path.parent == BANKS else ""


def _shown(path: Path) -> str:
    """A path for an error message, relative to the course folder if it is inside it."""
    root = BANKS.parent.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _refuse_twins(file: _File) -> None:
    for _, error in _twins(file):
        raise error


def _twins(file: _File) -> Iterator[tuple[int, BankError]]:
    """Yield the index of each entry whose id an earlier entry has, and the error."""
    first: dict[str, int] = {}
    for number, entry in enumerate(file.content):
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            yield number, file.error((number, "id"), f"{name!r} occurs twice; question {first[name] + 1} has it, too")
        first.setdefault(name, number)


def _question(file: _File, number: int, entry: dict[str, Any]) -> Question:
    try:
        return checked(entry, lesson=file.path.name[:2])
    except Fault as fault:
        raise file.fault(number, fault) from None
