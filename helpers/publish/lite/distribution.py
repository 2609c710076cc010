"""Pyodide's own files: those that the course needs, each checked against the checksum of its release."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.publish.commands import PYODIDE, PYODIDE_VERSION

RELEASE = PYODIDE
VERSION = PYODIDE_VERSION  # brings Python 3.12.7 and numpy 2.0.2
LOCK = "pyodide-lock.json"
CORE = {  # SHA-256; those of the packages are in the lock file
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    LOCK: "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c",
}
NEEDED = ("numpy", "sqlite3", "ssl", "micropip", "ipython", "jedi")  # two for the course, the others for the kernel

Package = Mapping[str, Any]


class DistributionError(RuntimeError):
    """A file of Pyodide can't be fetched; the message says which one, and what to do."""


def fetch(folder: Path, source: str = RELEASE) -> dict[str, Package]:
    """Put the files that the course needs into `folder`; return their packages by name, as in the lock file.

    `source` is an http address or a folder with the files of Pyodide's full distribution. DistributionError where a
    file is missing or its checksum isn't the release's.
    """
    for name, checksum in CORE.items():
        _fetch_one(name, checksum, folder, source)
    packages = needed(json.loads((folder / LOCK).read_text(encoding="utf-8"))["packages"])
    for package in packages.values():
        _fetch_one(package["file_name"], package["sha256"], folder, source)
    return packages


def needed(packages: Mapping[str, Package], wanted: Iterable[str] = NEEDED) -> dict[str, Package]:
    """The wanted packages of a lock file and all their dependencies, sorted by name."""
    found: dict[str, Package] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop().lower().replace("_", "-").replace(".", "-")
        if name not in found:
            found[name] = packages[name]
            waiting += found[name]["depends"]
    return dict(sorted(found.items()))


def _fetch_one(name: str, checksum: str, folder: Path, source: str) -> None:
    try:
        if source.startswith(("https://", "http://")):
            with urllib.request.urlopen(source.rstrip("/") + "/" + name, timeout=60) as answer:
                content = answer.read()
        else:
            content = (Path(source) / name).read_bytes()
    except OSError as error:
        raise DistributionError(
            f"{name} of Pyodide {VERSION} cannot be fetched from {source} ({error}): connect to the internet, or "
            f"unpack Pyodide's full distribution and name its folder with --pyodide."
        ) from None
    if hashlib.sha256(content).hexdigest() != checksum:
        raise DistributionError(f"{name} in {source} is not the file of Pyodide {VERSION}: use the release's own.")
    (folder / name).write_bytes(content)
