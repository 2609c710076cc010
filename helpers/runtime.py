"""Prepare a Python that `start.py` has not set up for the notebooks, for example in Colab or on another server.

It runs before any package is installed, so it uses only the standard library.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTION = "where-did-the-gradient-go"  # its name in pyproject.toml, which start.py installs
OLDEST: Mapping[str, str] = {
    "anywidget": "0.9.21",
    "fastjsonschema": "2.21.2",
    "fsrs": "6.3.2",
    "ipywidgets": "7.7.1",
    "numpy": "2.0.2",
    "platformdirs": "4.3.8",
    "plotly": "7.1.0",  # contains the plotly.js that live.js is tested with
    "torch": "2.3.0",  # the first that works with numpy 2
    "tqdm": "4.67.3",
    "traitlets": "5.7.1",
}
"""The packages that the notebooks import, each with the oldest version that works."""

OLDEST_PYTHON = (3, 11)
SHORT_LIVED = "Your progress lasts only as long as this session:"
AGAIN = "and run this cell again."


def prepare() -> None:
    """Install the packages that the notebooks need and this Python lacks, and say so; silent if the course is set up.

    Installed packages whose version works are kept, since they may be loaded already. Raises RuntimeError, with a
    sentence that names the remedy, if a package can't be installed.
    """
    if not is_set_up():
        if missing := lacking():
            _check_python()
            _install(missing)
        if others := differing():
            print(f"Kept, although the course uses the versions in brackets: {_list(others)}.")
        _allow_widgets()
    if is_short_lived():
        print(f"{SHORT_LIVED} lesson.my_data() exports it.")


def is_set_up() -> bool:
    """Whether the course and its packages are installed in this Python, for example by `start.py`."""
    return _version(DISTRIBUTION) is not None


def is_short_lived() -> bool:
    """Whether the files of this machine, including the learner's progress, are lost when the session ends."""
    server = {"COLAB_RELEASE_TAG", "BINDER_SERVICE_HOST"} & set(os.environ)  # Colab; Binder
    return (bool(server) or sys.platform == "emscripten") and "GRADIENT_COURSE_HOME" not in os.environ


def pins(requirements: Path | None = None) -> dict[str, str]:
    """Return each package's version in a file of lines `name==version`: the course's requirements, or another."""
    lines = (requirements or ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if re.match(r"[\w-]+==", line))
    return {name: version.strip() for name, version in pairs}


def lacking() -> dict[str, str]:
    """Return the packages that this Python lacks or has too old: the required version, and the installed one."""
    wanted = pins()
    found = {name: _version(name) for name in OLDEST}
    return {
        name: f"{wanted[name]} (in place of {version})" if version else wanted[name]
        for name, version in found.items()
        if version is None or _order(version) < _order(OLDEST[name])
    }


def differing() -> dict[str, str]:
    """Return the packages that this Python has in a different version that works."""
    wanted, missing = pins(), lacking()
    found = {name: _version(name) or "" for name in OLDEST if name not in missing}
    return {
        name: f"{version} ({wanted[name]})"
        for name, version in found.items()
        if version.partition("+")[0] != wanted[name]  # "2.13.0+cpu" is version 2.13.0
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _order(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _list(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _check_python() -> None:
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise RuntimeError(
            f"The course needs Python 3.11 or newer, but this is {sys.version.split()[0]}: choose another kernel."
        )
    if (ROOT / ".venv").is_dir() and Path(sys.prefix).resolve() != ROOT / ".venv":
        raise RuntimeError(
            f"This notebook runs in {sys.executable}, but the course is set up in {ROOT / '.venv'}: choose that one as "
            f"the notebook's kernel, {AGAIN}"
        )


def _install(missing: Mapping[str, str]) -> None:
    """Install these packages with pip, without changing the others that the notebooks need."""
    wanted = pins()
    print(f"Installing {_list(missing)}.", flush=True)
    kept = [f"{name}=={_version(name)}\n" for name in OLDEST if name not in missing]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "keep.txt")
        constraints.write_text("".join(kept), encoding="utf-8")
        words = ["--quiet", "--no-input", "--disable-pip-version-check", "--constraint", str(constraints)]
        packages = [f"{name}=={wanted[name]}" for name in missing]
        pip = [sys.executable, "-m", "pip", "install", *words, *packages]
        done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(
            f"pip could not install them ({_reason(done.stderr)}): check that this machine reaches the internet, "
            f"{AGAIN}"
        )
    importlib.invalidate_caches()
    if loaded := sorted(set(missing) & set(sys.modules)):
        raise RuntimeError(f"{', '.join(loaded)} was in use in the old version: restart the kernel, {AGAIN}")


def _reason(report: str) -> str:
    """Return the last error in pip's output."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "Error" in line or "No module" in line]
    return (errors or lines or ["it gave no reason"])[-1]


def _allow_widgets() -> None:
    """Enable custom widgets in Colab, which shows only its own by default."""
    if "google.colab" in sys.modules:
        importlib.import_module("google.colab.output").enable_custom_widget_manager()
