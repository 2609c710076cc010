"""Elsewhere than at home the import cell finds the course or fetches it, and `helpers.runtime` installs the rest."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import types
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from helpers import installation, lesson, runtime
from helpers import notebook as facade
from helpers.lesson import own
from helpers.runtime import OLDEST, ROOT, prepare
from tools.import_cell import IMPORT, course_address, head, import_cell
from tools.normalise import with_import_cell

COLAB = {  # as Colab's list of its packages had them in February 2026
    "anywidget": "0.9.21",
    "fastjsonschema": "2.21.2",
    "ipywidgets": "7.7.1",
    "numpy": "2.0.2",
    "platformdirs": "4.9.2",
    "plotly": "5.24.1",
    "torch": "2.10.0+cu128",
    "tqdm": "4.67.3",
    "traitlets": "5.7.1",
}


class Elsewhere:
    """A Python with these packages; what pip is asked to install is noted, and is there afterwards."""

    def __init__(self, versions: dict[str, str]) -> None:
        self.versions = dict(versions)
        self.asked: list[str] = []
        self.kept = ""
        self.error = ""

    def version(self, name: str) -> str:
        if name not in self.versions:
            raise metadata.PackageNotFoundError(name)
        return self.versions[name]

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        self.kept = Path(command[command.index("--constraint") + 1]).read_text(encoding="utf-8")
        self.asked = [word for word in command if "==" in word]
        if not self.error:
            self.versions.update(dict(word.split("==") for word in self.asked))
        return subprocess.CompletedProcess(command, 1 if self.error else 0, "", self.error)


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Elsewhere:
    place = Elsewhere(COLAB)
    monkeypatch.setattr("helpers.runtime.metadata.version", place.version)
    monkeypatch.setattr("helpers.runtime.subprocess.run", place.run)
    monkeypatch.setattr(runtime, "ROOT", tmp_path)  # a course in whose folder start.py never was
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    for name in ("plotly", "fsrs"):  # this process has them loaded
        monkeypatch.delitem(sys.modules, name, raising=False)
    return place


# What is missing, and what is kept


def test_it_installs_what_is_missing_or_too_old_and_says_so(
    colab: Elsewhere, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare()
    installed, kept = capsys.readouterr().out.splitlines()
    assert installed == "Installing fsrs 6.3.2, plotly 7.1.0 (in place of 5.24.1)."
    assert colab.asked == ["fsrs==6.3.2", "plotly==7.1.0"]
    assert "numpy 2.0.2 (2.4.6)" in kept and "torch 2.10.0+cu128 (2.13.0)" in kept
    assert "numpy==2.0.2\n" in colab.kept and "plotly" not in colab.kept
    colab.asked.clear()
    prepare()  # in the next lesson nothing is left to do
    assert colab.asked == [] and "Installing" not in capsys.readouterr().out


def test_where_the_course_is_set_up_it_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert runtime.is_set_up()
    prepare()
    assert capsys.readouterr().out == ""


def test_without_network_it_says_what_to_do(colab: Elsewhere) -> None:
    colab.error = "WARNING: Retrying\nERROR: No matching distribution found for fsrs==6.3.2\n"
    with pytest.raises(RuntimeError, match=r"No matching distribution found for fsrs.*reaches the internet"):
        prepare()


def test_what_is_loaded_in_an_old_version_asks_for_a_new_kernel(
    colab: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", types.ModuleType("plotly"))
    with pytest.raises(RuntimeError, match="plotly was in use in the old version: restart the kernel"):
        prepare()


def test_beside_the_courses_own_python_nothing_is_installed(colab: Elsewhere, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    with pytest.raises(RuntimeError, match="choose that one as the notebook's kernel"):
        prepare()
    assert colab.asked == []


def test_a_python_that_has_all_it_needs_is_taken_even_beside_the_courses_own(
    colab: Elsewhere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".venv").mkdir()
    colab.versions = runtime.pins()  # what `pip install -r requirements.txt` brings
    prepare()
    assert colab.asked == [] and capsys.readouterr().out == ""


def test_in_a_folder_venv_that_the_learner_has_made_packages_are_installed(
    colab: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    prepare()
    assert colab.asked == ["fsrs==6.3.2", "plotly==7.1.0"]


def test_an_old_python_is_refused(colab: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "OLDEST_PYTHON", (3, 99))
    with pytest.raises(RuntimeError, match="needs Python 3.11 or newer"):
        prepare()


def test_colab_is_asked_to_show_widgets(colab: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: called.append(True)  # type: ignore[attr-defined]
    for name, module in {"google": None, "google.colab": None, "google.colab.output": output}.items():
        monkeypatch.setitem(sys.modules, name, module or types.ModuleType(name))
    prepare()
    assert called == [True]


@pytest.mark.parametrize(
    ("variable", "warned"), [("COLAB_RELEASE_TAG", True), ("BINDER_SERVICE_HOST", True), ("X", False)]
)
def test_where_files_do_not_last_the_learner_is_told(
    variable: str, warned: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GRADIENT_COURSE_HOME", raising=False)
    monkeypatch.setenv(variable, "1")
    prepare()
    assert (runtime.SHORT_LIVED in capsys.readouterr().out) == warned
    monkeypatch.setenv("GRADIENT_COURSE_HOME", "/a/disk/that/lasts")
    prepare()
    assert capsys.readouterr().out == ""


def test_the_place_of_the_record_says_that_it_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.SHORT_LIVED not in lesson.my_data().place.value
    monkeypatch.setattr(own, "is_short_lived", lambda: True)
    assert f"{runtime.SHORT_LIVED} export it before you leave" in lesson.my_data().place.value


def test_the_table_names_what_the_notebooks_import() -> None:
    pinned = runtime.pins()
    assert imported_by_notebooks() & set(pinned) == set(OLDEST)
    assert all(runtime._order(OLDEST[name]) <= runtime._order(pinned[name]) for name in OLDEST)


def imported_by_notebooks() -> set[str]:
    """The packages that the notebooks and what they use of `helpers` import."""
    apart = {"publish", "server", "virtual_environment"}  # no notebook uses these
    files = [file.relative_to(ROOT) for file in (ROOT / "helpers").rglob("*.py")]
    used = [file for file in files if not apart & set(file.with_suffix("").parts)]
    sources = [(ROOT / file).read_text(encoding="utf-8") for file in used]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    names += [module for module, _ in facade.NAMES.values()]
    return {name.partition(".")[0] for name in names}


def code_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_self_test_takes_what_will_do(colab: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_import_fault", lambda name: "")
    assert "fsrs 6.3.2 is missing" in installation.check_installation()[0].sentence
    prepare()
    found = installation.check_installation()[0]
    assert found.works and "numpy 2.0.2 (2.4.6)" in found.sentence


def test_notebooks_can_be_tested_with_no_more_than_the_readme_names() -> None:
    readme = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    assert "`pip install nbval pytest-timeout`" in readme and "`pytest --nbval-lax notebooks`" in readme
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    named = ["-p", "nbval.plugin", "-p", "pytest_timeout", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *named, "--collect-only", "-q", "--nbval-lax", "notebooks"]
    found = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("00_start_here.ipynb::Cell") > 5


# The first lines of the import cell


def copy_course(folder: Path) -> Path:
    """A copy of what a learner needs of the course, as a download has it."""
    for name in ("helpers", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", folder)
    return folder


def run_head(lines: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the first lines of an import cell in a Python that has no packages, short of installing any."""
    bare = [sys.executable, "-S", "-c", f"{lines}from helpers import runtime\nprint(runtime.ROOT)"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(bare, cwd=folder, env=clean, capture_output=True, text=True)


@pytest.mark.parametrize("place", [".", "cloned", "unpacked/course-main"])
def test_a_course_nearby_is_found(place: str, tmp_path: Path) -> None:
    (tmp_path / place / "helpers").mkdir(parents=True)
    for name in ("__init__.py", "runtime.py"):
        shutil.copy(ROOT / "helpers" / name, tmp_path / place / "helpers")
    (tmp_path / "notebooks").mkdir()
    where = tmp_path / "notebooks" if place == "." else tmp_path
    for lines in (head(""), head("https://nowhere.invalid/course.git")):
        done = run_head(lines, where)
        assert Path(done.stdout.strip()) == (tmp_path / place).resolve(), done.stderr


def test_a_notebook_alone_says_what_to_do(tmp_path: Path) -> None:
    done = run_head(head(""), tmp_path)
    assert done.returncode != 0 and "No module named 'helpers'" in done.stderr
    assert "put its folder beside this notebook" in head("").splitlines()[0]


def test_the_import_cell_follows_the_address_and_the_names_that_are_used() -> None:
    sources = ["digits = digits_split()\nprint(np.ones(3), digits)", "for train in (1, 2):\n    MLP(train)"]
    alone, published = (import_cell(sources, address) for address in ("", "https://example.org/course.git"))
    assert "git clone" not in alone and " https://example.org/course.git " in published
    assert alone.splitlines()[-1] == published.splitlines()[-1] == f"{IMPORT}digits_split, MLP, np"


def test_every_name_for_the_notebooks_is_there_and_is_used() -> None:
    assert all(getattr(facade, name) is not None for name in facade.NAMES)
    with pytest.raises(AttributeError, match="no 'nothing': give it one in helpers/notebook.py"):
        facade.nothing  # noqa: B018
    sources = [source for path in (ROOT / "notebooks").glob("*.ipynb") for source in code_of(path)]
    used = {node.id for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert sorted(set(facade.NAMES) - used) == []


def test_a_lesson_without_torch_does_not_load_it() -> None:
    program = "import sys\nfrom helpers.notebook import check, np, panels\nprint('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True) == "False\n"


def test_binder_installs_the_course_with_what_goes_with_it() -> None:
    lines = (ROOT / ".binder/requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {"-r ../locks/course.txt", "-r ../locks/torch.txt"} <= set(lines)
    pinned = [line for line in lines if "==" in line and not line.startswith("#")]
    assert pinned and all(" --hash=sha256:" in line for line in pinned), "with checksums pip takes nothing without one"
    after = ROOT / ".binder/postBuild"
    assert "pip install --no-cache-dir --no-deps --no-build-isolation --editable ." in after.read_text(encoding="utf-8")
    assert os.name == "nt" or os.access(after, os.X_OK)
    python = (ROOT / ".binder/runtime.txt").read_text(encoding="utf-8").strip()
    assert python == "python-" + ".".join(map(str, runtime.OLDEST_PYTHON))


def test_normalising_writes_the_address_into_a_notebook() -> None:
    text = (ROOT / "notebooks/02_activation_derivatives.ipynb").read_text(encoding="utf-8")
    published = with_import_cell(text, "https://example.org/course.git")
    assert "https://example.org/course.git" in published
    assert with_import_cell(published, course_address()) == text


# A notebook opened by itself, in a Python that has neither the course nor all it needs


@pytest.fixture
def repository(tmp_path: Path) -> str:
    if shutil.which("git") is None:
        pytest.skip("git is missing: the import cell fetches the course with it")
    folder = copy_course(tmp_path / "published")
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "the course"]):
        subprocess.run(["git", *name, *words], cwd=folder, check=True)
    return folder.as_uri()


@pytest.fixture
def bare_kernel(tmp_path: Path) -> Iterator[KernelManager]:
    """A kernel that has the packages of this Python but for the course and `fsrs`, which pip finds in a folder."""
    packages = Path(metadata.distribution("ipykernel").locate_file("")).resolve()
    farm, wheels = tmp_path / "packages", tmp_path / "wheels"
    farm.mkdir()
    wheels.mkdir()
    for path in packages.iterdir():
        if not path.name.startswith(("__editable__", "where_did", "fsrs")) and path.suffix != ".pth":
            (farm / path.name).symlink_to(path)
    wheel_of("fsrs", wheels)
    venv.create(tmp_path / "python", with_pip=False)
    (own,) = (tmp_path / "python").glob("lib/python*/site-packages")
    (own / "packages.pth").write_text(f"{farm}\n", encoding="utf-8")
    manager = KernelManager()
    python = str(tmp_path / "python/bin/python")
    manager._kernel_spec = KernelSpec(argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    yield manager


def wheel_of(name: str, folder: Path) -> None:
    """Packs an installed package, made of Python alone, as a wheel again."""
    distribution = metadata.distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{distribution.version}-py3-none-any.whl", "w") as wheel:
        for file in distribution.files or ():
            if file.suffix != ".pyc" and file.name not in ("INSTALLER", "REQUESTED"):
                wheel.write(file.locate(), str(file))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="its folder of packages is made of symbolic links")
def test_a_notebook_by_itself_gets_the_course_and_shows_its_panel(
    repository: str, bare_kernel: KernelManager, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    text = with_import_cell((ROOT / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8"), repository)
    notebook = nbformat.reads(text, as_version=4)
    wanted = {cell.id: cell for cell in notebook.cells if cell.id in ("panel", "installation")}
    notebook.cells = list(wanted.values())
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    clean |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "COLAB_RELEASE_TAG": "release"}
    clean.pop("GRADIENT_COURSE_HOME", None)
    client = NotebookClient(notebook, km=bare_kernel, timeout=120, resources={"metadata": {"path": str(alone)}})
    client.execute(env={**clean, "XDG_DATA_HOME": str(tmp_path / "home")})

    *said, shown = wanted["panel"].outputs
    printed = "".join(output.get("text", "") for output in said)
    assert "Installing fsrs" in printed
    assert runtime.SHORT_LIVED in printed
    assert (alone / "gradient-course/helpers/runtime.py").exists()
    assert "application/vnd.jupyter.widget-view+json" in shown.data
    (tested,) = wanted["installation"].outputs
    assert tested.text.endswith("Your installation works.\n"), tested.text
