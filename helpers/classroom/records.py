"""The records of a class: files that the course has kept or exported, found in folders and only read.

A file is in the folder of its learner, at any depth (as in the home folders of a hub), or is named after the learner.
The folder of a group holds such files and folders of several learners, whose records share no entry.
Files of one name in one folder belong to one learner, and so do those in different folders if they share an entry: an
export holds everything since the first lesson. Two names are one learner if one record contains all of the other, as
when somebody hands in an export twice.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from helpers.progress import FILE_NAME
from helpers.progress.exchange import identity_of, read
from helpers.progress.rows import Row
from helpers.progress.schema import TABLES

Rows = dict[str, list[Row]]
Found = dict[tuple[Path, str], tuple[list[Rows], list[Path]]]
"""The rows of each file and the files, by the folder that was named and the learner's name."""

LARGEST_FILE = 200_000_000
"""Bytes; a record of a whole year has less than a hundredth of that."""

_EXPORT = re.compile(r"gradient-course-\d{8}-\d{6}( ?\(\d+\))?$")
"""The file name of an export without its suffix; browsers add a number to a second download."""
_COPY_NUMBER = re.compile(r" ?\(\d+\)$")
_SUBMISSION = re.compile(r"_\d+_assignsubmission_file.*$")
"""What Moodle appends to a learner's name in the submissions of an assignment."""


@dataclass(frozen=True)
class Learner:
    """A learner's name, the rows by table (see `progress.schema`), oldest first, and the files they come from."""

    name: str
    rows: Mapping[str, Sequence[Row]] = field(repr=False)
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A file, or a part of one, that can't be read, and the reason as a sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Class:
    """The learners, ordered by name, and what was left out."""

    learners: tuple[Learner, ...]
    left_out: tuple[LeftOut, ...]


def read_class(folders: Sequence[Path]) -> Class:
    """Read the learners whose records or exports are in these folders; FileNotFoundError for a missing folder.

    No file is changed, and none is written beside them.
    """
    found: Found = {}
    left_out: list[LeftOut] = []
    seen: set[Path] = set()
    for folder in folders:
        for path in _candidates(folder):
            if path.resolve() in seen:
                continue
            seen.add(path.resolve())
            try:
                rows, bad = read(path.name, _content(path))
            except (OSError, ValueError) as error:
                left_out.append(LeftOut(path, str(error)))
                continue
            left_out += [LeftOut(path, f"A row can't be read: {name}.") for name in bad]
            parts, files = found.setdefault((folder, _name(folder, path)), ([], []))
            parts.append(rows)
            files.append(path)
    learners = sorted(_named_apart(_divided(found)), key=lambda each: _in_a_list(each.name))
    twins = {each.name: other for each, other in _twins(learners)}
    left_out += [
        LeftOut(path, f"All of its entries are in the record of {twins[each.name].name}, too; it is counted once.")
        for each in learners
        if each.name in twins
        for path in each.files
    ]
    return Class(tuple(each for each in learners if each.name not in twins), tuple(left_out))


def _candidates(folder: Path) -> Iterator[Path]:
    """The files in a folder that may be records, ordered by name."""
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}.")
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _may_be_record(path, deep=len(path.relative_to(folder).parts) > 2):
            yield path


def _may_be_record(path: Path, deep: bool) -> bool:
    """Whether a file may be a record; deep in a home folder only files with names given by the course count."""
    if path.name == FILE_NAME:
        return True
    if path.suffix == ".sqlite3":
        return not deep and not (path.parent / FILE_NAME).exists()  # beside a record it is a copy made by the course
    return path.suffix == ".json" and (not deep or bool(_EXPORT.match(path.stem)))


def _name(folder: Path, path: Path) -> str:
    """The learner's name: the name of the folder that contains the file, else the file's own.

    Of the folder of a group, as in `7a/anna.json` beside `7a/ben.json`, it is both.
    """
    own = _own_name(path)
    if path == folder:
        return own
    inside = path.relative_to(folder).parts
    is_home = inside[0].startswith(".")
    if len(inside) == 2 and _is_named(path) and _is_group(path.parent):
        return f"{inside[0]}/{own}"
    if len(inside) > 1 and not is_home:
        return _SUBMISSION.sub("", inside[0])
    return folder.name if is_home or path.name == FILE_NAME else own


def _in_a_list(name: str) -> tuple[list[str | int], str]:
    """The place of a name in an alphabetical list: 9 before 10, and ä beside a."""
    letters = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    parts = re.split(r"([0-9]+)", letters.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _own_name(path: Path) -> str:
    return _SUBMISSION.sub("", _COPY_NUMBER.sub("", path.stem))


def _is_named(path: Path) -> bool:
    """Whether a file is an export that got a name of its own."""
    return path.suffix == ".json" and not _EXPORT.match(path.stem)


def _is_group(folder: Path) -> bool:
    """Whether a folder holds exports of several names and no record, so that it isn't the folder of one learner."""
    names = {_own_name(path) for path in folder.iterdir() if _is_named(path)}
    return len(names) > 1 and not (folder / FILE_NAME).exists()


def _divided(found: Found) -> Found:
    """The same, with a group's folder divided into its learners."""
    divided: Found = {}
    for (folder, name), (parts, files) in found.items():
        inner = [_inner_name(folder, path) for path in files]
        holds_records = all(path.name == FILE_NAME and path.parent.parent.parent == folder for path in files)
        several = all(inner) and (holds_records or _count_apart(zip(inner, parts, strict=True)) > 1)
        for own, rows, path in zip(inner, parts, files, strict=True):
            all_rows, all_files = divided.setdefault((folder, f"{name}/{own}" if several else name), ([], []))
            all_rows.append(rows)
            all_files.append(path)
    return divided


def _inner_name(folder: Path, path: Path) -> str:
    """What a file is called within the first folder; empty where it can only belong to that folder's owner."""
    inside = path.relative_to(folder).parts
    if len(inside) > 2:
        return "" if inside[1].startswith(".") else _SUBMISSION.sub("", inside[1])
    return _own_name(path) if len(inside) == 2 and _is_named(path) else ""


def _count_apart(named: Iterable[tuple[str, Rows]]) -> int:
    """How many of these names stand for records that share no entry with the others; empty records don't count."""
    by_name: dict[str, set[str]] = {}
    for name, rows in named:
        by_name.setdefault(name, set()).update(_identities(rows))
    apart: list[set[str]] = []
    for entries in filter(None, by_name.values()):
        touching = [each for each in apart if not each.isdisjoint(entries)]
        apart = [each for each in apart if each not in touching] + [entries.union(*touching)]
    return len(apart)


def _named_apart(found: Found) -> Iterator[Learner]:
    """A learner for each name; two of one name in different folders whose files share no entry get the folder's too."""
    for name in dict.fromkeys(name for _, name in found):
        apart: list[tuple[Path, Learner]] = []
        for folder in (folder for folder, other in found if other == name):
            parts, files = found[folder, name]
            mine = Learner(name, _merged(parts), tuple(files))
            twin = next(
                (each for each in apart if not _identities(mine.rows).isdisjoint(_identities(each[1].rows))), None
            )
            if twin:
                apart.remove(twin)
                folder, rows = twin[0], _merged([mine.rows, twin[1].rows])
                mine = Learner(name, rows, (*twin[1].files, *mine.files))
            apart.append((folder, mine))
        for number, (folder, each) in enumerate(apart, start=1):
            same = sum(other.name == folder.name for other, _ in apart) > 1
            new = f"{folder.name}/{name}{f' {number}' if same else ''}" if len(apart) > 1 else name
            yield replace(each, name=new)


def _content(path: Path) -> bytes:
    """The contents of a file; for a SQLite file including its write-ahead log."""
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB, too much for a record of this course.")
    log = path.with_name(f"{path.name}-wal")
    if path.suffix != ".sqlite3" or not log.exists():
        return path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as place:
        copy = Path(place, path.name)
        shutil.copyfile(path, copy)
        shutil.copyfile(log, Path(place, log.name))
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            return path.read_bytes()  # damaged: `read` reports how much of it can be read
        return copy.read_bytes()


def _identities(rows: Mapping[str, Sequence[Row]]) -> set[str]:
    return {identity_of(row) for table in TABLES for row in rows.get(table, [])}


def _merged(parts: Sequence[Mapping[str, Sequence[Row]]]) -> Rows:
    """The rows of several files, ordered by time, without duplicates."""
    merged: Rows = {}
    for table in TABLES:
        once = {identity_of(row): row for rows in parts for row in rows.get(table, [])}
        merged[table] = sorted(once.values(), key=lambda row: row["at"])
    return merged


def _twins(learners: Sequence[Learner]) -> Iterator[tuple[Learner, Learner]]:
    """Yield each learner whose rows are all in another learner's record, with that one."""
    rows = [_identities(each.rows) for each in learners]
    for place, mine in enumerate(rows):
        for other, theirs in enumerate(rows) if mine else ():
            if mine < theirs or (mine == theirs and other < place):
                yield learners[place], learners[other]
                break
