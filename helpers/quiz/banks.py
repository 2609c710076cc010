"""Reading and checking the files in `data/quiz/`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import fastjsonschema  # type: ignore[import-untyped]

from helpers.datasets import DATA
from helpers.quiz.faults import Fault
from helpers.quiz.meaning import checked
from helpers.quiz.questions import Prediction, Question
from helpers.quiz.reading import NotJson, parse, refused_in
from helpers.quiz.schema import whole_schema
from helpers.quiz.text import shortened

BANKS = DATA / "quiz"
_FIELDS = re.compile(r"must (?P<unknown>not )?contain [\[{](?P<names>.*)[\]}] properties$")


class BankError(ValueError):
    """A file in `data/quiz/` is missing, damaged or doesn't match the schema; the message says where."""


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
    entries = _validated(path, _read_text(path), "predictions", _read_text(folder / "schema.json"))
    predictions = [Prediction(**{**entry, "options": tuple(entry.get("options", ()))}) for entry in entries]
    for number, prediction in enumerate(predictions, start=1):
        if prediction.low >= prediction.high:
            raise BankError(
                f"{_shown(path)}, prediction {number} ({prediction.id}), field low: {prediction.low:g} must be "
                f"below high, {prediction.high:g}"
            )
    _refuse_twins(path, predictions)
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
        content, schema = _parsed(path, _read_text(path)), _read_text(BANKS / "schema.json")
        if not isinstance(content, list) or not content:
            _check_form(path, content, "bank", schema)
    except BankError as error:
        return (), (str(error),)
    sound: list[Question] = []
    faults = []
    seen: set[str] = set()
    for number, entry in enumerate(content, start=1):
        name = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        twin = name in seen
        if twin:
            faults.append(_twin(path, number, name))
        elif name:
            seen.add(name)
        try:
            _check_form(path, content, "bank", schema, only=number - 1)
            question = _question(path, number, entry)
        except BankError as error:
            faults.append(str(error))
        else:
            sound += [] if twin else [question]
    return tuple(sound), tuple(faults)


def load_own_banks(folder: Path) -> tuple[Question, ...]:
    """The questions of all banks in a user's own folder, which needs no schema; BankError names the first fault."""
    found: list[Question] = []
    for path in sorted(folder.glob("[0-9][0-9]_*.json")):
        questions, faults = check_bank(path)
        if faults:
            raise BankError(f"{faults[0]}. All faults: python start.py check {folder}")
        found += questions
    if not found:
        raise BankError(f"There is no bank in {folder}: a JSON file whose name begins with a lesson's number")
    for each in found:
        if sum(other.id == each.id for other in found) > 1:
            raise BankError(f"{folder} has two questions with the id {each.id!r}")
    return tuple(found)


@functools.lru_cache(maxsize=64)
def _questions(path: Path, text: str, schema: str) -> tuple[Question, ...]:
    """The checked questions of a bank with this text; cached, since a lesson loads the same bank many times."""
    entries = _validated(path, text, "bank", schema)
    questions = tuple(_question(path, number, entry) for number, entry in enumerate(entries, start=1))
    _refuse_twins(path, questions)
    return questions


def _validated(path: Path, text: str, definition: str, schema: str) -> list[dict[str, Any]]:
    """The file's content, checked against one definition of the schema."""
    content = _parsed(path, text)
    _check_form(path, content, definition, schema)
    return list(content)


def _check_form(path: Path, content: Any, definition: str, schema: str, only: int | None = None) -> None:
    """Raise BankError where the content, or only the entry at index `only`, doesn't match the schema."""
    part = content if only is None else [content[only]]
    first = 0 if only is None else only

    def place(steps: Sequence[str | int]) -> str:
        head = (first + steps[0], *steps[1:]) if steps and isinstance(steps[0], int) else steps
        return _place(path, content, head)

    for where, reason in refused_in(part):
        raise BankError(f"{place(where)}: {reason}")
    try:
        _validator(path.with_name("schema.json"), schema, definition)(part)
    except fastjsonschema.JsonSchemaValueException as error:
        steps = tuple(int(step) if step.isdigit() else step for step in error.path[1:])
        reason = error.message.removeprefix(error.name or "").strip()
        raise BankError(f"{place(steps)}: {shortened(_in_words(reason))}") from None


def _in_words(reason: str) -> str:
    """A validator's message about fields in plain words."""
    if found := _FIELDS.match(reason):
        names = found["names"].replace("'", "")
        return f"has an unknown field: {names}" if found["unknown"] else f"lacks the field {names}"
    return reason


def _validator(path: Path, schema: str, definition: str) -> Callable[[Any], Any]:
    try:
        return _compiled(json.dumps(whole_schema(_parsed(path, schema), definition)))
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
        raise BankError(f"{_shown(path)} can't be read ({error.strerror})") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BankError(
            f"{_shown(path)}, line {line}: byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        ) from None


def _parsed(path: Path, text: str) -> Any:
    if not text.strip():
        raise BankError(f"{_shown(path)} is empty.{_remedy(path)}")
    try:
        return parse(text)
    except NotJson as error:
        raise BankError(f"{_shown(path)}, {error}") from None


def _missing(path: Path) -> BankError:
    return BankError(f"{_shown(path)} is missing.{_remedy(path)}")


def _remedy(path: Path) -> str:
    """How to restore a file of the course; empty for a file outside it, which may be somebody's own work."""
    return f" To restore it: git checkout -- data/quiz/{path.name}" if path.parent == BANKS else ""


def _shown(path: Path) -> str:
    """A path for an error message, relative to the course folder if it is inside it."""
    root = BANKS.parent.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _place(path: Path, content: Any, where: Sequence[str | int]) -> str:
    """File, question and field, in words."""
    if not where or not isinstance(where[0], int):
        return _shown(path) + (f", field {where[0]}" if where else "")
    entry = content[where[0]]
    name = entry.get("id") if isinstance(entry, dict) else None
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where[1:]).lstrip(".")
    return (
        f"{_shown(path)}, question {where[0] + 1}"
        + (f" ({shortened(name, 40)})" if isinstance(name, str) and name else "")
        + (f", field {steps}" if steps else "")
    )


def _refuse_twins(path: Path, entries: Sequence[Question | Prediction]) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if entry.id in seen:
            raise BankError(_twin(path, number, entry.id))
        seen.add(entry.id)


def _twin(path: Path, number: int, name: str) -> str:
    return f"{_shown(path)}, question {number}, field id: {name!r} occurs twice"


def _question(path: Path, number: int, entry: dict[str, Any]) -> Question:
    try:
        return checked(entry, lesson=path.name[:2])
    except Fault as fault:
        raise BankError(f"{_shown(path)}, question {number} ({entry['id']}), {shortened(str(fault), 900)}") from None
