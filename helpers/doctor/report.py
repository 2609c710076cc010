"""Findings as JSON, for programs: a CI, a dashboard, another tool.

The schema is `gradient-doctor/1`; README.md lists its fields. Fields may be added under this name; a field that goes
or changes its meaning needs a new number.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from .files import write_whole
from .readings import Finding

SCHEMA = "gradient-doctor/1"


class Concluded(Protocol):
    """A `Diagnosis` of one batch or a `TrainingDiagnosis`."""

    @property
    def verdict(self) -> str:
        """The worst finding's name, "healthy" or "not examined"."""

    @property
    def findings(self) -> Sequence[Finding]:
        """All findings, the worst first."""

    @property
    def notes(self) -> Sequence[str]:
        """Observations that are worth knowing but are no fault."""

    @property
    def model(self) -> str:
        """The model's class."""

    @property
    def loss(self) -> float:
        """The loss that was measured last."""


def as_dictionary(diagnosis: Concluded) -> dict[str, Any]:
    """Return verdict, findings and notes as dictionaries, lists, strings and numbers that JSON can hold."""
    return {
        "schema": SCHEMA,
        "model": diagnosis.model,
        "verdict": diagnosis.verdict,
        "healthy": diagnosis.verdict == "healthy",
        "examined": diagnosis.verdict != "not examined",
        "loss": _number(diagnosis.loss),
        "steps": getattr(diagnosis, "steps", 0),
        "findings": [_finding(each) for each in diagnosis.findings],
        "notes": [str(each) for each in diagnosis.notes],
    }


def as_json(diagnosis: Concluded) -> str:
    """Return `as_dictionary` as indented JSON text, in the order of the schema."""
    return json.dumps(as_dictionary(diagnosis), indent=2, ensure_ascii=False, allow_nan=False)


def save_report(path: str | Path, diagnosis: Concluded) -> None:
    """Write `as_json` to a file. An error becomes a warning, since it must not end a training that is over."""
    try:
        write_whole(path, as_json(diagnosis))
    except (OSError, ValueError) as problem:
        warnings.warn(f"the report of the doctor was not written: {problem}", stacklevel=2)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "kind": finding.kind,
        "summary": finding.summary,
        "began": finding.began,
        "layers": list(finding.layers),
        "evidence": {name: _number(value) for name, value in finding.evidence.items()},
        "threshold": {
            "value": _number(finding.threshold.value),
            "meaning": finding.threshold.meaning,
            "source": finding.threshold.source,
        },
        "remedy": finding.remedy,
        "lesson": finding.lesson,
    }


def _number(value: float) -> float | str:
    """Return a number for JSON, which has no infinity and no NaN: they become "inf", "-inf" and "nan"."""
    return float(value) if math.isfinite(value) else str(float(value))
