"""The self-test of lesson 00 says yes where all is well, and names a remedy for each kind of damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers import datasets, installation
from helpers.installation import check_installation, report


def only_fault(findings: tuple[installation.Finding, ...]) -> str:
    faults = [finding.sentence for finding in findings if not finding.works]
    assert len(faults) == 1, faults
    return faults[0]


def test_it_says_yes_here() -> None:
    findings = check_installation()
    assert all(finding.works for finding in findings), report(findings)
    assert report(findings).endswith("Your installation works.")


def test_every_pinned_package_is_looked_at() -> None:
    lines = installation.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pinned = [line.split("==")[0] for line in lines if line and not line.startswith("#")]
    assert list(installation._pins(installation.REQUIREMENTS)) == pinned
    assert "torch" in pinned


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("numpy==0.1", "instead of 0.1"),
        ("no-such-package-here==1.0", "no-such-package-here is missing"),
    ],
)
def test_a_wrong_package_is_named_with_its_remedy(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"# why\n{line}\n", encoding="utf-8")
    findings = check_installation(file)
    fault = only_fault(findings)
    assert words in fault
    assert "python start.py setup" in fault
    assert report(findings).endswith("1 of 4 parts to mend: see ✗ above.")


def test_a_package_that_does_not_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError("DLL load failed")

    monkeypatch.setattr("helpers.installation.importlib.import_module", fail)
    assert "does not import (ImportError: DLL load failed)" in only_fault(check_installation())


def test_missing_requirements(tmp_path: Path) -> None:
    assert "git checkout -- requirements.txt" in only_fault(check_installation(tmp_path / "requirements.txt"))


def test_damaged_data_names_the_file_and_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in datasets.CHECKSUMS:
        (tmp_path / name).write_bytes(b"damaged")
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    assert "git checkout -- data/digits.npz" in only_fault(check_installation())


def test_a_missing_browser_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "ROOT", tmp_path)
    fault = only_fault(check_installation())
    assert "git checkout -- helpers/live/rows.js" in fault


def test_a_wrong_engine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_two_neurons", lambda weight: 0.51)
    assert "0.51 of the gradient, by hand 0.5" in only_fault(check_installation())


@pytest.mark.parametrize("weight", [2.0, -3.0, 8.0])
def test_the_hand_computed_number_holds_for_any_weight(weight: float) -> None:
    assert np.isclose(installation._two_neurons(weight), abs(weight) / 4, rtol=1e-12)
