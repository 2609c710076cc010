"""Makes a Python that `start.py` has not set up fit for the notebooks: in Colab, say, or on somebody's server.

It runs before any package is there, so it needs nothing but Python itself.
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
    "plotly": "7.1.0",  # brings the plotly.js that live.js was tried with
    "torch": "2.3.0",  # the first that works with numpy 2
    "tqdm": "4.67.3",
    "traitlets": "5.7.1",
}
"""The packages that the notebooks import, each with the oldest version that will do."""

OLDEST_PYTHON = (3, 11)
SHORT_LIVED = "Your progress lasts only as long as this session:"
AGAIN = "and run this cell again."


def prepare() -> None:
    """Install what the notebooks need and this Python lacks, and say so; silent where the course is set up.

    What is there in a version that will do stays as it is, since it may be loaded already. RuntimeError, a sentence
    with the remedy, where something can't be had.
    """
    if not is_set_up():
        if missing := lacking():
            _check_python()
            _install(missing)
        if others := differing():
            print(f"Kept, though the course asks for the versions in brackets: {_list(others)}.")
        _allow_widgets()
    if is_short_lived():
        print(f"{SHORT_LIVED} lesson.my_data() exports it.")


def is_set_up() -> bool:
    """Whether the course is installed in this Python, with its packages, by `start.py` for instance."""
    return _version(DISTRIBUTION) is not None


def is_short_lived() -> bool:
    """Whether the files of this machine, and with them the learner's progress, are gone when the session ends."""
    server = {"COLAB_RELEASE_TAG", "BINDER_SERVICE_HOST"} & set(os.environ)  # Colab; a server of Binder's
    return (bool(server) or sys.platform == "emscripten") and "GRADIENT_COURSE_HOME" not in os.environ


def pins(requirements: Path | None = None) -> dict[str, str]:
    """The version of each package that a file of lines `name==version` asks for: the course's, or another."""
    lines = (requirements or ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if re.match(r"[\w-]+==", line))
    return {name: version.strip() for name, version in pairs}


def lacking() -> dict[str, str]:
    """What the notebooks need and this Python lacks, or has too old: the wanted version, and what is there."""
    wanted = pins()
    found = {name: _version(name) for name in OLDEST}
    return {
        name: f"{wanted[name]} (in place of {version})" if version else wanted[name]
        for name, version in found.items()
        if version is None or _order(version) < _order(OLDEST[name])
    }


def differing() -> dict[str, str]:
    """What the notebooks need and this Python has in another version, which will do."""
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
    """A version as numbers that can be compared."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _list(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _check_python() -> None:
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise RuntimeError(
            f"The course needs Python 3.11 or newer, and this is {sys.version.split()[0]}: choose another kernel."
        )
    if (ROOT / ".venv").is_dir() and Path(sys.prefix).resolve() != ROOT / ".venv":
        raise RuntimeError(
            f"This notebook runs in {sys.executable}, and the course is set up in {ROOT / '.venv'}: choose that one as "
            f"the notebook's kernel, {AGAIN}"
        )


def _install(missing: Mapping[str, str]) -> None:
    """Have pip install these packages, and leave alone the others that the notebooks need."""
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
            f"pip could not install them ({_reason(done.stderr)}): see that this machine reaches the internet, {AGAIN}"
        )
    importlib.invalidate_caches()
    if loaded := sorted(set(missing) & set(sys.modules)):
        raise RuntimeError(f"{', '.join(loaded)} was in use in the old version: restart the kernel, {AGAIN}")


def _reason(report: str) -> str:
    """The last error in what pip says."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "Error" in line or "No module" in line]
    return (errors or lines or ["it gave no reason"])[-1]


def _allow_widgets() -> None:
    """Colab shows widgets other than its own only when asked to."""
    if "google.colab" in sys.modules:
        importlib.import_module("google.colab.output").enable_custom_widget_manager()
