"""Check the installation: each check returns a sentence, which names a remedy if something is wrong."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from helpers import runtime
from helpers.datasets import CHECKSUMS, digits, read
from helpers.network import NetworkSpec, Parameters, backpropagate

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
SET_UP = "Close the notebook, run `python start.py setup` in a terminal, and open the course again."
BROWSER_FILES = (
    *(f"live/{name}.js" for name in ("rows", "states", "paths", "plotly", "axes", "overlay", "picture")),
    *(f"live/{name}.js" for name in ("net", "pixels", "looks", "drawing", "strip", "live", "ipywidgets", "jupyter")),
    *("live/live.css", "live/plotly/plotly-cartesian.min.js"),
    "lesson/lesson.js",
    "lesson/lesson.css",
)


@dataclass(frozen=True)
class Finding:
    """The result of one check: whether that part works, and a sentence that says so or names the remedy."""

    works: bool
    sentence: str


def check_installation(requirements: Path = REQUIREMENTS) -> tuple[Finding, ...]:
    """Check packages, data, the course's own browser files and the engine; faults are returned, never raised.

    `requirements` is a file of lines `name==version`. Every package in it is really imported, to find damaged ones;
    this takes a few seconds.
    """
    checks: tuple[Callable[[], str], ...] = (lambda: _packages(requirements), _widgets, _data, _engine)
    return tuple(_finding(check) for check in checks)


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as lines of text; the last one is the conclusion: it works, or how many parts to mend."""
    lines = [f"{'✓' if finding.works else '✗'} {finding.sentence}" for finding in findings]
    broken = sum(not finding.works for finding in findings)
    end = "Your installation works." if broken == 0 else f"{broken} of {len(findings)} parts to mend: see ✗ above."
    return "\n".join([*lines, "", end])


class _Broken(Exception):
    """Something does not work; the message names it and the remedy."""


def _finding(check: Callable[[], str]) -> Finding:
    try:
        return Finding(True, check())
    except _Broken as broken:
        return Finding(False, str(broken))
    except Exception as error:  # a damaged package may raise anything
        return Finding(False, f"{type(error).__name__}: {error}. {SET_UP}")


def _packages(requirements: Path) -> str:
    if not runtime.is_set_up():
        return _packages_elsewhere()
    pins = _pins(requirements)
    wrong = [fault for name, wanted in pins.items() if (fault := _fault(name, wanted))]
    if wrong:
        raise _Broken(f"Packages: {'; '.join(wrong)}. {SET_UP}")
    return f"{_python()}; all {len(pins)} packages, in the required versions."


def _packages_elsewhere() -> str:
    """Check packages where `start.py` has not set up the course, as in Colab; other versions are accepted in limits."""
    wrong = [f"{name} {wanted} is missing" for name, wanted in runtime.lacking().items()]
    if wrong := wrong or [fault for name in runtime.OLDEST if (fault := _import_fault(name))]:
        raise _Broken(f"Packages: {'; '.join(wrong)}. Run the first cell of this notebook again.")
    others = ", ".join(f"{name} {versions}" for name, versions in runtime.differing().items())
    versions = f"in versions that will do (in brackets the course's): {others}" if others else "as required"
    return f"{_python()}; the {len(runtime.OLDEST)} packages that the notebooks need, {versions}."


def _python() -> str:
    return f"Python {'.'.join(map(str, sys.version_info[:3]))}"


def _pins(requirements: Path) -> dict[str, str]:
    """Return the required versions by package name, from the lines `name==version`."""
    try:
        return runtime.pins(requirements)
    except OSError as error:
        raise _Broken(
            f"{requirements.name} cannot be read ({error.strerror}). To restore it: git checkout -- {requirements.name}"
        ) from None


def _fault(name: str, wanted: str) -> str:
    """Return what is wrong with a package, or "" if nothing is."""
    try:
        found = metadata.version(name).partition("+")[0]  # "2.13.0+cpu" is version 2.13.0
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if found != wanted:
        return f"{name} is {found} instead of {wanted}"
    return _import_fault(name)


def _import_fault(name: str) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:
        return f"{name} does not import ({type(error).__name__}: {error})"
    return ""


def _widgets() -> str:
    empty = [name for name in BROWSER_FILES if not _has_content(name)]
    if empty:
        files = " ".join(f"helpers/{name}" for name in empty)
        raise _Broken(f"Missing or empty: {files}. To restore: git checkout -- {files}")
    return "The files that draw sliders and figures in the browser."


def _has_content(name: str) -> bool:
    file = ROOT / "helpers" / name
    return file.is_file() and file.stat().st_size > 0


def _data() -> str:
    try:
        for name in CHECKSUMS:
            read(name)
        count = len(digits().labels)
    except (OSError, ValueError) as error:
        raise _Broken(str(error)) from None
    return f"The data, whole: {count} handwritten digits."


def _engine() -> str:
    measured, by_hand = _two_neurons(weight=2.0), 2.0 * 0.25
    if not math.isclose(measured, by_hand, rel_tol=1e-12):
        raise _Broken(f"Two sigmoid neurons pass on {measured:.6g} of the gradient, by hand {by_hand}. {SET_UP}")
    return f"A gradient through two neurons: by hand {by_hand}, by backpropagation {measured:.6g}."


def _two_neurons(weight: float) -> float:
    """∂L/∂h₁ divided by ∂L/∂h₂ in a chain of two sigmoid neurons whose pre-activations are 0."""
    weights = [np.full((1, 1, 1), value) for value in (1.0, weight)] + [np.array([[[1.0, -1.0]]])]
    biases = [np.array([[0.0]]), np.array([[-weight / 2]]), np.zeros((1, 2))]
    spec = NetworkSpec(depth=2, width=1, activation="sigmoid", batch=1, seeds=1)
    profile = backpropagate(spec, Parameters(weights, biases), np.zeros((1, 1)), np.array([0]))
    return float(profile.signal[0, 0] / profile.signal[0, 1])
