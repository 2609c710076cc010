"""A store of results for pages: run lessons and baked tables, valid as long as their sources are unchanged.

An entry is found by its key (the request and the versions of the packages) and lists the course's own files that were
in use while it was made. It is valid as long as none of them has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from helpers.runtime import pins

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".cache" / "pages"
LIMIT = 200_000_000
"""The most bytes that all entries may take; the least recently used are removed first."""

DAY = 86400.0  # seconds after which a draft must be left from a killed build

Key = Mapping[str, object]


@dataclass
class Store:
    """The entries in a folder. `fresh`: existing entries are ignored and replaced by new results."""

    folder: Path = FOLDER
    fresh: bool = False
    root: Path = ROOT
    hashes: dict[str, str] = field(default_factory=dict)

    def get(self, key: Key) -> Any | None:
        """The value stored under a key; None where there is no intact entry made from the present files."""
        path = self._path(key)
        if self.fresh:
            return None
        try:
            entry = json.loads(zlib.decompress(path.read_bytes()))
            made_from, value = entry["made from"], entry["value"]
            os.utime(path)
        except (OSError, ValueError, LookupError, TypeError, zlib.error):
            return None  # not there, or damaged
        return value if all(self._hash(name) == found for name, found in made_from.items()) else None

    def put(self, key: Key, value: Any, files: Collection[str] | None = None) -> None:
        """Store a value with the files of the course that it was made from, without `files` those in use now.

        Does nothing if the folder can't be written.
        """
        made_from = files_in_use(self.root) if files is None else sorted(files)
        entry = {"made from": {name: self._hash(name) for name in made_from}, "value": value}
        text = json.dumps(entry, separators=(",", ":"))
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            number, draft = tempfile.mkstemp(suffix=".draft", dir=self.folder)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(zlib.compress(text.encode()))
                os.replace(draft, self._path(key))
            except BaseException:
                os.unlink(draft)
                raise

    def prune(self, limit: int = LIMIT) -> None:
        """Remove entries beyond the limit, and abandoned drafts."""
        with contextlib.suppress(OSError):
            for draft in self.folder.glob("*.draft"):
                if draft.stat().st_mtime < time.time() - DAY:
                    draft.unlink(missing_ok=True)
            entries = sorted(self.folder.glob("*.entry"), key=lambda path: path.stat().st_mtime, reverse=True)
            total = 0
            for path in entries:
                total += path.stat().st_size
                if total > limit:
                    path.unlink(missing_ok=True)

    def _path(self, key: Key) -> Path:
        name = hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()
        return self.folder / f"{name}.entry"

    def _hash(self, name: str) -> str:
        """The checksum of a file of the course, "" if it doesn't exist."""
        if name not in self.hashes:
            try:
                self.hashes[name] = hashlib.sha256((self.root / name).read_bytes()).hexdigest()
            except OSError:
                self.hashes[name] = ""
        return self.hashes[name]


def versions() -> str:
    """The versions of Python and of the course's packages, and the kind of machine."""
    installed = {each.name.lower(): each.version for each in metadata.distributions()}
    found = [f"{name} {installed.get(name.lower())}" for name in sorted(pins())]
    return ", ".join([f"Python {platform.python_version()} {platform.machine()}", *found])


# Which files are in use ----------------------------------------------------------------------------------------------

_read: set[str] = set()


def note_files() -> None:
    """Record from now on which files this process opens. That can't be undone, so call it in a process of its own."""
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        _read.add(arguments[0])


def files_in_use(root: Path = ROOT) -> list[str]:
    """The course's modules that this process has loaded and the data files that it has read, relative to `root`.

    Files read for earlier tasks count too, since their contents may still be in memory. The modules that put cells on
    particular kinds of pages don't count.
    """
    modules = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = {Path(path) for path in (*modules, *_read) if path}
    inside = [path.relative_to(root) for path in paths if path.is_relative_to(root)]
    return sorted(path.as_posix() for path in inside if _matters(path.parts, path.suffix))


def _matters(parts: tuple[str, ...], suffix: str) -> bool:
    if parts[:2] == ("helpers", "publish"):
        return parts[2] == "cells" and suffix == ".py"
    return parts[0] == "data" or (parts[0] == "helpers" and suffix == ".py")
