"""The doctor as a package of its own: what its `pyproject.toml` promises, and an environment without the course."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from importlib import import_module
from pathlib import Path

import pytest

DOCTOR = Path(__file__).resolve().parents[1] / "helpers" / "doctor"

NETS = """
import torch
from torch import nn

def example(depth):
    torch.manual_seed(0)
    inputs = torch.randn(128, 20)
    layers = [part for _ in range(depth) for part in (nn.Linear(20, 20), nn.Sigmoid())]
    return nn.Sequential(*layers, nn.Linear(20, 2)), nn.CrossEntropyLoss(), inputs, (inputs[:, 0] > 0).long()

def healthy(): return example(1)
def ill(): return example(20)
"""

TRAINING = """
import importlib.util
import torch
import gradient_doctor
from nets import healthy, ill

assert importlib.util.find_spec("helpers") is None
for make in (healthy, ill):
    model, loss_function, inputs, targets = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with gradient_doctor.watch(model, show=False) as monitor:
        for _ in range(220):
            optimizer.zero_grad()
            loss_function(model(inputs), targets).backward()
            optimizer.step()
    print(monitor.diagnosis.healthy, monitor.problem)
print(torch.__version__)
"""


def test_what_the_project_file_promises_is_there() -> None:
    project = tomllib.loads((DOCTOR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["gradient-doctor"].partition(":")
    assert callable(getattr(import_module(module.replace("gradient_doctor", "helpers.doctor")), function))
    assert {each.split(">")[0] for each in project["dependencies"]} == {"numpy", "torch"}
    assert "torch>=2.2" in project["dependencies"]
    assert (DOCTOR / "py.typed").is_file() and (DOCTOR / project["readme"]).is_file()
    licence = (DOCTOR / "LICENSE").read_text(encoding="utf-8")
    assert licence == (DOCTOR.parents[1] / "LICENSE").read_text(encoding="utf-8"), "packed with the wheel"
    below = {path.relative_to(DOCTOR).as_posix() for path in DOCTOR.rglob("*.py") if path.parent != DOCTOR}
    assert below == {"editable/gradient_doctor/__init__.py"}, "only files of the folder are packed"


def test_an_editable_installation_imports_the_files_of_the_folder(tmp_path: Path) -> None:
    project = tomllib.loads((DOCTOR / "pyproject.toml").read_text(encoding="utf-8"))
    (folder,) = project["tool"]["hatch"]["build"]["dev-mode-dirs"]
    code = (
        f"import sys; sys.path.insert(0, {str(DOCTOR / folder)!r})\n"
        "import gradient_doctor\n"
        "from gradient_doctor import report\n"
        "print(gradient_doctor.diagnose.__module__, report.__file__, 'helpers' in sys.modules)"
    )
    printed = run(sys.executable, "-I", "-c", code, folder=tmp_path).split()
    assert printed == ["gradient_doctor.examination", str(DOCTOR / "report.py"), "False"]


def run(*command: str | Path, folder: Path, status: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("torch", ["torch==2.2.0", "torch"])
def test_a_stranger_installs_it_and_gets_verdicts(tmp_path: Path, torch: str) -> None:
    """Downloads PyTorch; the oldest one has wheels up to Python 3.12 and wants numpy 1."""
    if torch.endswith("2.2.0") and sys.version_info >= (3, 13):
        pytest.skip("PyTorch 2.2 has no wheels for this Python")
    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    numpy = "numpy<2" if torch.endswith("2.2.0") else "numpy"
    run(scripts / "python", "-m", "pip", "install", "-q", torch, numpy, DOCTOR, folder=tmp_path)
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    (tmp_path / "training.py").write_text(TRAINING, encoding="utf-8")
    command = scripts / "gradient-doctor"
    assert run(command, "nets:healthy", folder=tmp_path).startswith("Verdict: healthy")
    assert json.loads(run(command, "--json", "nets:ill", folder=tmp_path, status=1))["verdict"] == "vanishing"
    run(command, "nets:missing", folder=tmp_path, status=2)
    trained = run(scripts / "python", "training.py", folder=tmp_path).split("\n")
    assert [line.strip() for line in trained[:2]] == ["True", "False"]
    assert not list(DOCTOR.glob("*.egg-info")) and not (DOCTOR / "build").exists()
