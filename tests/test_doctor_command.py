"""The doctor's command and its JSON: what a CI reads, and the exit status, whatever happens."""

from __future__ import annotations

import json
import math
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.doctor import TRAINING_VERDICTS, VERDICTS, Finding, Threshold, diagnose, needed, watch
from helpers.doctor.__main__ import main, run
from helpers.doctor.report import SCHEMA, as_dictionary, as_json, save_report

ROOT = Path(__file__).resolve().parents[1]

NETS = """
import sys
import torch
from torch import nn

class Talking(nn.Linear):
    def forward(self, x):
        print("forward")
        return super().forward(x)

class Leaving(nn.Linear):
    def forward(self, x):
        sys.exit(0)

def example(first, depth=0):
    layers = [module for _ in range(depth) for module in (nn.Linear(8, 8), nn.Sigmoid())]
    torch.manual_seed(0)
    return nn.Sequential(first, nn.Tanh(), *layers, nn.Linear(8, 2)), nn.CrossEntropyLoss(), *batch()

def batch():
    return torch.randn(32, 8), torch.arange(32) % 2

def healthy(): return example(Talking(8, 8))
def ill(): return example(nn.Linear(8, 8), depth=20)
def leaves_in_forward(): return example(Leaving(8, 8))
def leaves(): sys.exit(0)
def interrupted(): raise KeyboardInterrupt
def fails(): return {}["x"]
def three(): return (*ill()[:2], batch())
def five(): return (*ill(), 5)
def noted(): return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), nn.CrossEntropyLoss(), *batch()

class In:
    a_class = staticmethod(ill)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(0)", encoding="utf-8")
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    whole = [sys.executable, "-m", "helpers.doctor", *words]
    return subprocess.run(
        whole, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_json_is_all_that_is_printed(folder: Path) -> None:
    ended = command(folder, "--json", "nets:healthy")
    assert ended.returncode == 0 and "forward" in ended.stderr
    report = json.loads(ended.stdout)
    assert report["schema"] == SCHEMA and report["verdict"] == "healthy" and report["findings"] == []
    assert report["healthy"] and report["examined"] and report["model"] == "Sequential"


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("nets:ill", 1),
        ("nets:leaves_in_forward", 2),
        ("nets:leaves", 2),
        ("nets:interrupted", 2),
        ("leaving:healthy", 2),
        ("no.such.module:f", 2),
        ("nets.py:ill", 1),
        ("./nets.py:ill", 1),
        ("nets:In.a_class", 1),
        ("nets:three", 1),
        ("nets:five", 2),
    ],
)
def test_the_exit_status_is_0_1_or_2_whatever_happens(
    folder: Path, place: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, since each of its own would load torch; what `run` exits with is the status of a process."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["gradient-doctor", place])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("nets", "leaving"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SystemExit) as ended:
        run()
    printed = capsys.readouterr()
    assert ended.value.code == status, printed.err
    assert ("Verdict: vanishing" in printed.out) == (status == 1)
    assert printed.err.count("\n") == (status == 2)


@pytest.mark.parametrize(
    ("words", "status"),
    [(("nets:noted",), 0), (("--strict", "nets:noted"), 1), (("--strict", "nets:healthy"), 0)],
)
def test_strict_counts_notes_as_faults(
    folder: Path,
    words: tuple[str, ...],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    assert main(words) == status
    assert ("Note: " in capsys.readouterr().out) is ("nets:noted" in words)


def test_what_cannot_be_examined_is_said_with_its_line_and_as_json(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    assert main(["--json", "nets:fails"]) == 2
    printed = capsys.readouterr()
    line = NETS.splitlines().index('def fails(): return {}["x"]') + 1
    assert printed.err == f"Cannot examine nets:fails: fails() failed: KeyError: 'x' (nets.py:{line})\n"
    report = json.loads(printed.out)
    assert report["verdict"] == "not examined" and not report["examined"] and not report["healthy"]
    assert report["notes"] == [printed.err.strip()]


@pytest.mark.parametrize("package", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("start", "status"),
    [
        (("-m", "helpers.doctor", "nets:healthy"), 2),
        (("-c", "import sys; sys.argv = ['/bin/gradient-doctor']; import helpers.doctor"), 2),
        (("-c", "import helpers.doctor"), 1),
    ],
)
def test_a_missing_package_is_not_an_ill_network(
    folder: Path, package: str, start: tuple[str, ...], status: int
) -> None:
    (folder / f"{package}.py").write_text("raise ImportError('a broken installation')", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    ended = subprocess.run(
        [sys.executable, *start], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    words = f"gradient-doctor needs {package}, and importing it failed (a broken installation): pip install {package}"
    assert ended.returncode == status and words in ended.stderr
    assert ended.stdout == "" and (ended.stderr.count("\n") == 1) is (status == 2)


def test_a_torch_that_cannot_use_this_numpy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch.Tensor, "numpy", refuse)
    with pytest.raises(ImportError, match=r"available\): pip install \"numpy<2\""):
        runpy.run_path(needed.__file__)


def test_a_process_ends_with_that_status(folder: Path) -> None:
    ended = command(folder, "nets:interrupted")
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr.count("\n") == 1


def test_a_wrong_word_is_2_and_a_reader_that_stops_changes_nothing(folder: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--no-such-option", "nets:ill"])
    assert refused.value.code == 2
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "helpers.doctor", "nets:ill"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait() == 1


def test_the_schema_holds_every_field_and_json_has_no_nan() -> None:
    finding = Finding(
        "exploding",
        "it grows",
        {"ratio": math.inf, "first": 2.0},
        Threshold(math.nan, "below", "here"),
        "clip",
        "10_clipping.ipynb",
        ("0", "2"),
        began=7,
    )

    class Concluded:
        model, verdict, findings, notes, loss, steps = "Net", "exploding", (finding,), ("a note",), -math.inf, 9

    assert json.loads(as_json(Concluded())) == {
        "schema": "gradient-doctor/1",
        "model": "Net",
        "verdict": "exploding",
        "healthy": False,
        "examined": True,
        "loss": "-inf",
        "steps": 9,
        "findings": [
            {
                "verdict": "exploding",
                "kind": "gradient",
                "summary": "it grows",
                "began": 7,
                "layers": ["0", "2"],
                "evidence": {"ratio": "inf", "first": 2.0},
                "threshold": {"value": "nan", "meaning": "below", "source": "here"},
                "remedy": "clip",
                "lesson": "10_clipping.ipynb",
            }
        ],
        "notes": ["a note"],
    }


def test_a_report_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    class Concluded:
        model, verdict, findings, notes, loss = "Net", "healthy", (), (), 1.0

    with pytest.warns(UserWarning, match="the report of the doctor was not written.*make it first"):
        save_report(tmp_path / "missing" / "report.json", Concluded())
    save_report(tmp_path / "report.json", Concluded())
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["model"] == "Net"


def test_a_diagnosis_that_was_not_examined_says_so() -> None:
    class Blind:
        model, verdict, findings, notes, loss = "Net", "not examined", (), (), 1.0

    as_json = as_dictionary(Blind())
    assert not as_json["healthy"] and not as_json["examined"]


def test_the_functions_come_from_the_package_itself() -> None:
    with pytest.raises(TypeError, match="model must be"):
        watch([])
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    assert diagnose(nn.Linear(3, 2), nn.functional.cross_entropy, inputs, torch.arange(8) % 2).healthy


def test_the_readme_has_every_verdict_and_every_field_of_the_schema() -> None:
    text = (ROOT / "helpers" / "doctor" / "README.md").read_text(encoding="utf-8")
    missing = [verdict for verdict in {*VERDICTS, *TRAINING_VERDICTS} if f"`{verdict}`" not in text]

    class Nothing:
        model, verdict, findings, notes, loss = "Net", "healthy", (), (), 0.0

    fields = as_dictionary(Nothing())
    assert missing == [] and [name for name in fields if f"`{name}`" not in text] == []


def test_the_example_of_the_readme_prints_what_the_readme_shows() -> None:
    text = (ROOT / "helpers" / "doctor" / "README.md").read_text(encoding="utf-8")
    code, shown = re.findall(r"```python\n(import torch\n.*?)```.*?```\n(.*?)```", text, flags=re.DOTALL)[0]
    names = {"diagnose": diagnose}
    exec(code.replace("from gradient_doctor import diagnose", "").replace("print(", "found = ("), names)
    printed = str(names["found"])
    without_numbers = [re.sub(r"[0-9.,e-]+", "", each) for each in (printed, shown)]
    missing = [line for line in without_numbers[1].splitlines() if line not in without_numbers[0]]
    assert missing == [] and printed.startswith("Verdict: vanishing\n")
    healthy = code.replace("range(9)", "range(3)").replace("Sigmoid", "ReLU").replace("print(", "found = (")
    exec(healthy.replace("from gradient_doctor import diagnose", ""), names)
    assert "\n".join(str(names["found"]).splitlines()[:2]).split(";")[0] in text
