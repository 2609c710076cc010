"""Build the JupyterLite site: Pyodide's files, wheels, notebooks, and JupyterLite's own build around them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.course import notebooks
from helpers.publish.folder import write_text, written_whole
from helpers.publish.lite.distribution import LOCK, RELEASE, Package, fetch
from helpers.publish.lite.policy import add_policies
from helpers.publish.lite.wheel import write_wheel

HERE = Path(__file__).parent
REQUIREMENTS, PACKAGES, SETTINGS = (HERE / name for name in ("requirements.txt", "packages.txt", "jupyter-lite.json"))
PURE = ("--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any", "--python-version=3.12")


class LiteError(RuntimeError):
    """The site can't be built; the message says why."""


def build_lite(folder: Path, pyodide: str | Path = RELEASE) -> Path:
    """Write the site into `folder`, which is replaced once the site is complete, and return its first page.

    `pyodide` is the source of Pyodide's files: an http address, or a folder with its full distribution. Raises
    DistributionError, LiteError or FolderError with a sentence that says what is wrong.
    """
    with (
        written_whole(folder, "python start.py lite") as draft,
        tempfile.TemporaryDirectory(prefix="course-lite-", ignore_cleanup_errors=True) as name,
    ):
        work = Path(name)
        distribution = work / "static" / "pyodide"
        distribution.mkdir(parents=True)
        add_course(distribution, fetch(distribution, str(pyodide)))
        shutil.copy(SETTINGS, work)
        (work / "content").mkdir()
        for path in notebooks().values():
            write_text(work / "content" / path.name, for_pyodide(path))
        _run_jupyterlite(work, work / "site")
        _add_policies(work / "site")
        shutil.copytree(work / "site", draft, dirs_exist_ok=True)
    return folder / "lab" / "index.html"


def for_pyodide(path: Path) -> str:
    """A notebook, unchanged except that it names the browser's kernel, so that nobody has to choose one."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def add_course(distribution: Path, packages: Mapping[str, Package]) -> None:
    """Put the course and its packages beside Pyodide's, and write the lock file that loads them when imported."""
    _pip("download", "--quiet", "--no-deps", *PURE, "--dest", str(distribution), "--requirement", str(PACKAGES))
    ours = [_entry(path) for path in sorted(distribution.glob("*-none-any.whl")) if path.name not in _names(packages)]
    every = {**packages, **{entry["name"]: entry for entry in ours}}
    course = _entry(write_wheel(distribution, {name: each["version"] for name, each in every.items()}))
    course |= {"depends": sorted(every.keys() - {"ssl", "micropip", "jedi"}), "imports": ["helpers", "torch"]}
    lock = json.loads((distribution / LOCK).read_text(encoding="utf-8"))
    lock["packages"] = {**every, course["name"]: course}
    (distribution / LOCK).write_text(json.dumps(lock, indent=1, sort_keys=True), encoding="utf-8")


def _names(packages: Mapping[str, Package]) -> set[str]:
    return {package["file_name"] for package in packages.values()}


def _entry(wheel: Path) -> dict[str, Any]:
    """The entry of a pure wheel in a lock file."""
    name, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as archive:
        tops = {path.partition("/")[0] for path in archive.namelist()}
    return {
        "name": name.lower().replace("_", "-"),
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".data"))),
        "depends": [],
        "unvendored_tests": False,
    }


def _run_jupyterlite(work: Path, out: Path) -> None:
    """Run JupyterLite's own build in a temporary environment made for it."""
    environment = work / "environment"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _pip("install", "--quiet", "--requirement", str(REQUIREMENTS), python=str(python))
    options = ["--lite-dir", str(work), "--contents", str(work / "content"), "--output-dir", str(out)]
    _run([str(python), "-m", "jupyterlite_core.app", "build", *options, "--apps", "lab", "--no-sourcemaps"], work)


def _add_policies(site: Path) -> None:
    try:
        add_policies(site)
    except ValueError as error:
        raise LiteError(str(error)) from None


def _pip(*arguments: str, python: str = sys.executable) -> None:
    _run([python, "-m", "pip", *arguments, "--disable-pip-version-check"])


def _run(command: list[str], cwd: Path | None = None) -> None:
    """Run a program quietly; LiteError with the end of its output where it fails."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if done.returncode != 0:
        raise LiteError(f"{' '.join(command[1:4])} ended with status {done.returncode}:\n{done.stdout[-2000:]}")
