"""The course in JupyterLite: what is built, and what a lesson says where there is no PyTorch."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import runtime, without_torch
from helpers.course import notebooks
from helpers.exercises.checking import call_safely
from helpers.publish.lite import distribution
from helpers.publish.lite.__main__ import main
from helpers.publish.lite.build import PACKAGES, REQUIREMENTS, SETTINGS, _entry, for_pyodide
from helpers.publish.lite.distribution import LOCK, NEEDED, DistributionError, fetch, needed
from helpers.publish.lite.policy import add_policies
from helpers.publish.lite.wheel import FILE_NAME, NAME, TORCH, write_wheel
from helpers.runtime import pins
from helpers.without_torch import Missing, NeedsTorch, left_undone
from tests.test_layers import THAT_LOAD_TORCH
from tests.tiers import first_slow

ROOT = Path(__file__).resolve().parents[1]
PUBLISHING = ROOT / "docs/publishing.md"
COURSE = pins(ROOT / "requirements.txt")

# What stands in for PyTorch


def test_everything_that_loads_torch_has_a_stand_in() -> None:
    assert set(without_torch.MODULES) == {"torch", *(f"helpers.{module}" for module in THAT_LOAD_TORCH)}


def in_the_browser(folder: Path, program: str) -> str:
    """What a program prints in a Python that has the browser's `torch` instead of PyTorch."""
    (folder / "torch.py").write_text(TORCH.read_text(encoding="utf-8"), encoding="utf-8")
    whole = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n{program}"
    return subprocess.check_output([sys.executable, "-c", whole], text=True, stderr=subprocess.STDOUT)


def test_stand_ins_can_be_imported_and_every_use_is_refused(tmp_path: Path) -> None:
    program = """
import numpy as np
import torch
import torch.nn as nn
from torch import autograd
from torch.nn.functional import cross_entropy, relu
from helpers import panels, training
from helpers.doctor import diagnose
from helpers.patients import ward
from helpers.models import MLP
from helpers.without_torch import NeedsTorch

def use(name, act):
    try:
        act()
    except NeedsTorch as error:
        print(name, error)
    else:
        print(name, "went through")

def subclass():
    class Net(nn.Module): pass

use("call", lambda: torch.manual_seed(0))
use("model", lambda: MLP(None, inputs=1, classes=1))
use("train", lambda: training.train(None))
use("diagnose", lambda: diagnose(None))
use("loop", lambda: list(ward))
use("with", lambda: torch.no_grad().__enter__)
use("subclass", subclass)
use("sum", lambda: 1 + relu)
use("print", lambda: print(relu))
use("format", lambda: f"{relu:.2f}")
use("array", lambda: np.asarray(relu))
use("compare", lambda: relu < 1)
"""
    notice, *lines = in_the_browser(tmp_path, program).splitlines()
    assert notice == without_torch.NOTICE
    assert len(lines) == 12
    for line in lines:
        assert "` needs PyTorch, which does not exist in the browser: see what comes out on" in line
        assert line.endswith("or run the lesson on a computer with `python start.py`.")


def test_a_stand_in_bears_being_looked_at() -> None:
    missing = Missing("helpers.training.train")
    assert repr(missing) == str(NeedsTorch("helpers.training.train"))
    assert not hasattr(missing, "_repr_html_") and not hasattr(missing, "__len_hint__")
    assert {missing: 1}[missing] == 1


@pytest.mark.parametrize(
    ("source", "line", "undone"),
    [
        ("a = 1\nb = f()\nc = b + 1", 2, {"b", "c"}),
        ("sgd = {}\nhistories = {}\nfor d in 2, 3:\n    histories[d] = train(sgd)", 4, {"histories", "d"}),
        ("losses = []\nfor x in xs:\n    losses.append(f(x))\n    np.abs(x)", 3, {"losses", "x"}),
        ("data = load()\nnet = f(data.inputs[:9])", 2, {"net"}),
        ("net.bias = f()", 1, {"net"}),
        ("def g():\n    y = 1\n\nclass A(nn.Module):\n    z = 2", 4, {"A"}),
        ("with f() as (p, q):\n    r = [s for s in p]", 1, {"p", "q", "r"}),
    ],
)
def test_what_a_cell_leaves_undone(source: str, line: int, undone: set[str]) -> None:
    assert left_undone(source, line) == undone


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    shell = InteractiveShell()
    shell.set_custom_exc((NeedsTorch,), without_torch._end_cell)
    shell.user_ns["train"] = Missing("helpers.training.train")
    return shell


def test_a_cell_ends_with_a_sentence_and_no_traceback_and_the_next_one_that_needs_it_too(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    def deep() -> Any:
        return shell.user_ns["train"]()

    shell.user_ns["deep"] = deep
    shell.run_cell("kept = 3\nhistory = deep()\nlate = 4")
    assert capsys.readouterr().out == f"This cell ends here: {NeedsTorch('helpers.training.train')}\n"
    assert shell.user_ns["kept"] == 3
    shell.run_cell("print(history.loss, late)")
    assert capsys.readouterr().out == f"This cell ends here: {NeedsTorch('history')}\n"
    shell.run_cell("late = kept + 1\nprint(late)")
    assert capsys.readouterr().out == "4\n"


def test_other_errors_stay_what_they_are(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(shell.run_cell("1 / 0").error_in_exec, ZeroDivisionError)
    assert "Traceback" in capsys.readouterr().out


def test_exercises_are_checked_where_there_are_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert call_safely(lambda x: 2 * x, (21,)) == 42
    with pytest.raises(Exception, match="ZeroDivisionError"):
        call_safely(lambda x: x / 0, (21,))


def test_a_game_warns_of_nothing_where_there_are_no_threads(tmp_path: Path) -> None:
    program = """
import threading
def refuse(thread): raise RuntimeError("can't start new thread")
threading.Thread.start, sys.platform = refuse, "emscripten"
from helpers.games import Game, play, shifted_recipe
print(play(Game(shifted_recipe("saturating")), 3, progress=False))
"""
    assert in_the_browser(tmp_path, program) == "True\n"


def test_the_lesson_says_that_progress_does_not_last_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLAB_RELEASE_TAG", "BINDER_SERVICE_HOST", "GRADIENT_COURSE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert not runtime.is_short_lived()
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert runtime.is_short_lived()


def need_torch() -> set[str]:
    """The lessons in which some cell needs PyTorch."""
    return {lesson for lesson, path in notebooks().items() if re.search(r"\btorch\b", code_of(path))}


def test_the_documents_say_which_lesson_runs_whole() -> None:
    (named,) = re.findall(r"Lesson (\d\d) runs completely\. In\s+the\s+others", PUBLISHING.read_text(encoding="utf-8"))
    assert set(notebooks()) - need_torch() == {named}


def code_of(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


IN_CI = ("00", "03", "11")  # one without PyTorch, one with some of it, and the one with most


@pytest.mark.parametrize("lesson", first_slow(sorted(notebooks(), key=lambda name: name not in IN_CI), len(IN_CI)))
def test_every_cell_that_needs_no_torch_runs_and_the_others_say_so(lesson: str) -> None:
    line = subprocess.check_output([sys.executable, "-m", "tools.without_torch", lesson], cwd=ROOT, text=True)
    name, _, *ended = line.split()
    assert name == lesson and bool(ended) is (lesson in need_torch())
    assert not {"imports", "predict-question", "panel", "quiz-questions"} & set(ended)


# What is built


def test_the_wheel_brings_the_course_its_data_and_the_sentence(tmp_path: Path) -> None:
    versions = {"numpy": "2.0.2", "plotly": COURSE["plotly"], "openssl": "1.1.1w"}
    first, second = (write_wheel(folder, versions) for folder in (tmp_path, tmp_path / ".."))
    assert first.name == FILE_NAME
    assert first.read_bytes() == second.read_bytes()
    second.unlink()
    with zipfile.ZipFile(first) as archive:
        names = set(archive.namelist())
        assert "data/glossary.json" in names
        assert not [name for name in names if name.startswith("data/teacher/") or name.endswith(".webp")]
        assert archive.read("requirements.txt") == f"plotly=={COURSE['plotly']}\nnumpy==2.0.2\n".encode()
        assert archive.read("torch.py") == TORCH.read_bytes()
        record = archive.read(next(name for name in names if name.endswith("RECORD"))).decode()
    assert {"helpers/live/live.js", "helpers/panels/lesson_03.py", "data/digits.npz", "data/quiz/schema.json"} <= names
    assert {"notebooks/" + path.name for path in notebooks().values()} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("helpers/publish/site", "tests"))]
    assert names - {line.partition(",")[0] for line in record.splitlines()} == {f"{NAME}-1.0.0.dist-info/RECORD"}


def test_an_entry_of_the_lock_file_names_what_can_be_imported(tmp_path: Path) -> None:
    entry = _entry(write_wheel(tmp_path, {}))
    assert {"helpers", "torch"} <= set(entry["imports"])
    assert entry["name"] == "where-did-the-gradient-go"
    assert entry["sha256"] == hashlib.sha256((tmp_path / FILE_NAME).read_bytes()).hexdigest()


def test_a_notebook_asks_for_the_kernel_of_the_browser_and_stays_the_same_otherwise() -> None:
    path = notebooks()["03"]
    before, after = json.loads(path.read_text(encoding="utf-8")), json.loads(for_pyodide(path))
    assert after["metadata"]["kernelspec"]["name"] == "python"
    assert after["cells"] == before["cells"]


def test_versions_are_those_of_the_course_and_everything_imported_is_there() -> None:
    browser, build = pins(PACKAGES), pins(REQUIREMENTS)
    assert {name: version for name, version in browser.items() if name in COURSE}.items() <= COURSE.items()
    assert {name: build[name] for name in ("anywidget", "plotly")}.items() <= COURSE.items()
    imported = {"numpy", "plotly", "ipywidgets", "anywidget", "traitlets", "IPython", "tqdm", "platformdirs", "fsrs"}
    assert {name.lower() for name in imported} <= {*browser, *NEEDED, "traitlets"}
    assert json.loads(SETTINGS.read_text(encoding="utf-8"))["jupyter-config-data"]["litePluginSettings"]


PAGE = """<!doctype html>
<html><HEAD lang="en"><meta charset="utf-8">
<script id="configuration" type="application/json">{}</script>
<script src="a.js"></script><script type="module">
await import("./b.js");
</script></head><body><script>1 < 2</script></body></html>
"""


def test_every_page_has_a_policy_that_lets_its_own_scripts_run_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    for name in ("index.html", "lab/index.HTM"):
        (tmp_path / name).write_bytes(PAGE.replace("\n", "\r\n").encode())
    assert len(add_policies(tmp_path)) == 2
    hashes = [
        base64.b64encode(hashlib.sha256(script).digest()).decode()
        for script in (b'\nawait import("./b.js");\n', b"1 < 2")
    ]
    for name in ("index.html", "lab/index.HTM"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        policy = re.search(r'<HEAD lang="en">\n<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
        assert policy is not None and page.replace(policy[0], '<HEAD lang="en">') == PAGE
        rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
        assert [part for part in rules["script-src"].split() if "sha256" in part] == [f"'sha256-{h}'" for h in hashes]
        assert "'unsafe-inline'" not in rules["script-src"] and rules["default-src"] == "'none'"
        assert not re.search(r"\*|https?:", policy[1]), "no other host"
    (tmp_path / "lab/without.html").write_text("<body>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^lab.without\.html can't have a Content-Security-Policy: it has no head$"):
        add_policies(tmp_path)


# Pyodide's files


def test_needed_follows_what_packages_need() -> None:
    packages = {"a": {"depends": ["B_x"]}, "b-x": {"depends": ["a", "c"]}, "c": {"depends": []}, "d": {"depends": []}}
    assert list(needed(packages, ["a"])) == ["a", "b-x", "c"]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small release in a folder, whose checksums are known."""
    folder = tmp_path / "release"
    folder.mkdir()
    package = {"file_name": "numpy.whl", "sha256": hashlib.sha256(b"numpy").hexdigest(), "depends": []}
    contents = {"numpy.whl": b"numpy", "pyodide.js": b"js", LOCK: json.dumps({"packages": {"numpy": package}}).encode()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    core = {name: hashlib.sha256(contents[name]).hexdigest() for name in ("pyodide.js", LOCK)}
    monkeypatch.setattr(distribution, "CORE", core)
    monkeypatch.setattr(distribution.needed, "__defaults__", (["numpy"],))
    return folder


def test_files_come_from_a_folder_and_must_be_the_releases_own(release: Path, tmp_path: Path) -> None:
    goal = tmp_path / "goal"
    goal.mkdir()
    assert list(fetch(goal, str(release))) == ["numpy"]
    assert {path.name for path in goal.iterdir()} == {"numpy.whl", "pyodide.js", LOCK}
    (release / "numpy.whl").write_bytes(b"another")
    with pytest.raises(DistributionError, match=r"numpy\.whl in .* is not the file of Pyodide"):
        fetch(goal, str(release))
    (release / "numpy.whl").unlink()
    with pytest.raises(DistributionError, match=r"numpy\.whl of Pyodide .* cannot be fetched .* --pyodide"):
        fetch(goal, str(release))


def test_the_command_ends_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", str(tmp_path / "out"), "--pyodide", str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("lite: pyodide.js of Pyodide 0.27.7 cannot be fetched") and printed.count("\n") == 1
