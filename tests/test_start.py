"""start.py, run as a program in folders of its own; a small pip of ours stands in for the real one's minutes."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tomllib
import types
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers import virtual_environment
from helpers.publish import access
from helpers.virtual_environment import Problem
from tests.course_copy import copy_start
from tests.test_layers import MAY_IMPORT

ROOT = Path(__file__).resolve().parents[1]
START = ROOT / "start.py"
SETUP_MODULE = "helpers.virtual_environment"

# Stands in for pip: notes how it was called, then does what FAKE_PIP says.
FAKE_PIP = """
import os, sys, sysconfig, time

def main():
    if sys.argv[1] == "config":
        sys.exit(os.environ.get("FAKE_PIP") == "fail over its configuration" and "ERROR: no section [global]")
    with open(os.environ["FAKE_PIP_CALLS"], "a") as calls:
        print(*sys.argv[1:], file=calls)
    if os.environ["PIP_USER"] != "0":
        sys.exit("ERROR: Can not perform a '--user' install.")
    behaviour = os.environ.get("FAKE_PIP", "")
    print("Collecting numpy==1.0", flush=True)
    print("  Downloading torch-2.13.0-cp311-none-any.whl (191.8 MB)", flush=True)
    if behaviour.startswith("hang while downloading"):
        time.sleep(6)
    if behaviour.startswith("say "):
        print(behaviour[4:], file=sys.stderr)
        sys.exit(1)
    print("Installing collected packages: numpy, torch", flush=True)
    if behaviour.startswith("hang while unpacking"):
        time.sleep(6)
    if "slowly" in behaviour:
        time.sleep(3)
    for name in ("numpy", "torch", "tqdm"):
        with open(os.path.join(sysconfig.get_path("purelib"), name + ".py"), "w") as module:
            module.write("raise ImportError('libfoo is missing')" if behaviour == "break " + name else "")
    with open(os.path.join(sysconfig.get_path("purelib"), "course.pth"), "w") as link:
        link.write(os.getcwd())

if __name__ == "__main__":
    main()
"""
DRIVER = """
import os, sys
import start
from helpers import virtual_environment
from helpers.virtual_environment import Problem

genuine = virtual_environment.in_venv

def in_venv(*command):
    return genuine(os.environ["FAKES"] + "/pip.py", *command[2:]) if command[:2] == ("-m", "pip") else genuine(*command)

virtual_environment.in_venv = in_venv
sys.exit(start.main(sys.argv[1:]))
"""


class Course:
    """A copy of start.py, and of what it stands on, in a folder of its own, with little beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls.txt"
        copy_start(folder)
        (folder / "requirements.txt").write_text("# why\nnumpy==1.0\ntorch==2.13.0\n")
        (folder / "pyproject.toml").write_text("[project]\nname = 'course'\n")
        (folder / "locks").mkdir()
        for name in ("course", "test", "torch", "cuda"):
            (folder / f"locks/{name}.txt").touch()
        (folder / "notebooks").mkdir()
        (folder / "notebooks/00_start_here.ipynb").write_text("{}")
        (folder / "fakes").mkdir()
        (folder / "fakes/pip.py").write_text(FAKE_PIP)
        (folder / "drive.py").write_text(DRIVER)

    def environment(self, pip: str = "", **more: str) -> dict[str, str]:
        fakes = str(self.folder / "fakes")
        return {
            **os.environ,
            "FAKES": fakes,
            "PYTHONPATH": fakes,
            "FAKE_PIP_CALLS": str(self.calls_file),
            "FAKE_PIP": pip,
            **more,
        }

    @contextlib.contextmanager
    def begin(
        self, *arguments: str, pip: str = "", ahead: Sequence[str] = (), **more: str
    ) -> Iterator[subprocess.Popen[str]]:
        """start.py at work; a test that fails ends it rather than wait for it."""
        with subprocess.Popen(
            [*ahead, sys.executable, "drive.py", *arguments],
            cwd=self.folder,
            env=self.environment(pip, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a group of its own, to which a test sends Ctrl-C as a terminal does
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise

    def run(self, *arguments: str, pip: str = "", **more: str) -> tuple[int, str]:
        with self.begin(*arguments, pip=pip, **more) as process:
            output = process.communicate(timeout=120)[0]
        return process.returncode, output

    @property
    def all_calls(self) -> list[str]:
        """The command lines that pip has got."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    @property
    def calls(self) -> list[str]:
        """Those that install the packages: one in each set-up."""
        return [call for call in self.all_calls if re.search(r"-r locks/(course|test)\.txt", call)]

    @property
    def stamp(self) -> dict[str, object]:
        return json.loads((self.folder / ".venv/course.json").read_text())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the set-up has been done once."""
    folder = tmp_path_factory.mktemp("start") / "finished"
    folder.mkdir()
    course = Course(folder)
    status, output = course.run("setup")
    assert status == 0, output
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A folder with nothing set up."""
    return Course(tmp_path)


@pytest.fixture
def ready(course: Course, finished: Path) -> Course:
    """A folder that is set up: a copy of the finished one, which takes less time than a new `.venv`."""
    shutil.copytree(finished / ".venv", course.folder / ".venv", symlinks=True)
    write_stamp(course, folder=str(course.folder))
    (link,) = (course.folder / ".venv").glob("**/site-packages/course.pth")
    link.write_text(str(course.folder))
    return course


def write_stamp(course: Course, **changes: object) -> None:
    (course.folder / ".venv/course.json").write_text(json.dumps({**course.stamp, **changes}))


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Reads what a program prints until these words have come."""
    assert process.stdout is not None
    seen = ""
    limit = threading.Timer(90, process.kill)
    limit.start()
    try:
        for line in process.stdout:
            seen += line
            if words in line:
                return seen
    finally:
        limit.cancel()
    pytest.fail(f"{words!r} did not come: {seen}")


@functools.cache
def start() -> types.ModuleType:
    """start.py as a module."""
    spec = importlib.util.spec_from_file_location("course_start", START)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The Python it runs on


def test_an_old_python_can_read_the_file() -> None:
    ast.parse(START.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 15), (4, 0)])
def test_other_pythons_are_told_in_one_sentence(version: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(START))
    sentence = str(stopped.value)
    assert "needs Python 3.11 or newer" in sentence
    assert f"this is Python {version[0]}.{version[1]}" in sentence
    assert "https://www.python.org/downloads/" in sentence
    assert sentence.count("\n") == 0


def imported_by(path: Path) -> set[str]:
    """The modules that a program imports, those of the standard library left out."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def test_it_needs_the_standard_library_alone() -> None:
    assert imported_by(START) == {SETUP_MODULE, "helpers.publish", "helpers.publish.access"}
    for module in ("commands", "__init__", "access"):
        assert imported_by(ROOT / f"helpers/publish/{module}.py") == set(), module
    assert MAY_IMPORT["virtual_environment"] == MAY_IMPORT["runtime"] == set()


# Its words


def test_help_lists_the_words(course: Course) -> None:
    status, output = course.run("--help")
    assert status == 0
    for word in (
        "setup",
        "test",
        "bench",
        "export",
        "site",
        "lite",
        "present",
        "class",
        "check",
        "--port",
        "--no-browser",
        "--cpu-torch",
    ):
        assert word in output
    assert not (course.folder / ".venv").exists()


def test_an_unknown_word_is_named_with_the_known_ones(course: Course) -> None:
    status, output = course.run("fly")
    assert status == 1
    known = "setup, test, bench, export, site, lite, present, class, check, guide"
    assert output == f"start.py: Unknown command 'fly': use one of {known}, or none to open the course.\n"


@pytest.mark.parametrize("port", ["0", "65536", "eight"])
def test_what_is_no_port_is_refused(course: Course, port: str) -> None:
    status, output = course.run("--port", port)
    assert status == 2
    assert f"'{port}' is not a port: give a number from 1 to 65535" in output


# Setting up


def test_the_first_set_up_installs_and_the_second_does_nothing(course: Course) -> None:
    status, output = course.run("setup", PIP_USER="1")  # some have this in their settings
    assert status == 0, output
    assert "downloading torch 2.13.0 (191.8 MB)" in output
    assert output.endswith("Ready: `python start.py` opens the course.\n")
    download, torch, packages, itself = course.all_calls
    assert re.search(r"download .*--dest \S+ torch==2\.13\.0 ", download) and "--index-url" not in download
    assert all("--require-hashes --no-deps --only-binary=:all:" in call for call in (torch, packages))
    assert "--no-index --find-links" in torch and "-r locks/torch.txt" in torch
    assert "-r locks/course.txt" in packages and "cuda" not in packages
    assert "--no-deps --no-build-isolation --editable ." in itself
    assert course.stamp["finished"] is True
    assert course.run("setup") == (0, "Ready: `python start.py` opens the course.\n")
    assert len(course.calls) == 1


def test_changed_requirements_are_installed_into_the_same_folder(ready: Course) -> None:
    kept = ready.folder / ".venv/kept"
    kept.touch()
    with open(ready.folder / "requirements.txt", "a") as requirements:
        requirements.write("tqdm==4.0\n")
    assert ready.run("setup")[0] == 0
    assert len(ready.calls) == 1 and kept.exists()
    assert ready.run("setup")[0] == 0
    assert len(ready.calls) == 1


def test_changed_test_settings_bother_no_learner(ready: Course) -> None:
    ready.run("test", "--version")
    (ready.folder / "locks/test.txt").write_text("# another\n")
    assert ready.run("setup")[0] == 0
    assert len(ready.calls) == 1
    ready.run("test", "--version")
    assert len(ready.calls) == 2


def test_test_tools_come_with_the_first_test_and_stay(ready: Course) -> None:
    ready.run("test", "--version")
    (call,) = ready.calls
    assert "-r locks/test.txt" in call
    ready.run("test", "--version")
    ready.run("setup")
    assert len(ready.calls) == 1
    with open(ready.folder / "requirements.txt", "a") as requirements:
        requirements.write("tqdm==4.0\n")
    ready.run("setup")
    assert "-r locks/test.txt" in ready.calls[1]


def test_an_interrupted_unpacking_starts_afresh(ready: Course) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    (ready.folder / ".venv/half-unpacked").touch()
    with ready.begin("setup", pip="hang while unpacking") as process:
        wait_for(process, "unpacking")
        assert ready.stamp["finished"] is False
        process.kill()
    status, output = ready.run("setup", pip="slowly")
    assert status == 0
    assert "an earlier set-up was interrupted" in output
    assert not (ready.folder / ".venv/half-unpacked").exists()
    assert ready.stamp["finished"] is True


def test_an_interrupted_download_goes_on_where_it_was(ready: Course) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    kept = ready.folder / ".venv/kept"
    kept.touch()
    with ready.begin("setup", pip="hang while downloading") as process:
        wait_for(process, "downloading")
        process.kill()
    assert ready.run("setup")[0] == 0
    assert kept.exists() and len(ready.calls) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between programs")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_ends_pip_and_says_how_to_go_on(ready: Course, name: str) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    with ready.begin("setup", pip="hang while downloading") as process:
        wait_for(process, "downloading")
        process.send_signal(getattr(signal, name))
        output = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    assert output == "Stopped before the set-up was complete: run the same command again to continue.\n"
    assert ready.run("setup")[0] == 0


IN_A_SCRIPT = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # what `&` in a script does


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between programs")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_started_from_a_script_with_an_ampersand_only_sigterm_ends_it(ready: Course, name: str) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    with ready.begin("setup", pip="hang while downloading", ahead=IN_A_SCRIPT) as process:
        wait_for(process, "downloading")
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=60)
    assert process.returncode == (0 if name == "SIGINT" else 130)


def test_a_second_set_up_waits_for_the_first(ready: Course) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    with ready.begin("setup", pip="slowly") as first:
        wait_for(first, "unpacking")
        status, output = ready.run("setup")
        assert first.wait(timeout=30) == 0
    assert status == 0
    assert output.startswith("Another set-up is running in this folder: waiting for it to end.\n")
    assert len(ready.calls) == 1


@pytest.mark.skipif(os.name == "nt", reason="on Windows the lock ends with the program that took it")
@pytest.mark.slow
def test_a_set_up_waits_for_a_pip_left_alone(ready: Course) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    with ready.begin("setup", pip="slowly") as first:
        wait_for(first, "unpacking")
        first.kill()
        status, output = ready.run("setup")
    assert status == 0
    assert output.index("waiting for it to end") < output.index("an earlier set-up was interrupted")


def test_a_damaged_folder_is_made_anew(ready: Course) -> None:
    bin_folder = ready.folder / (".venv/Scripts" if os.name == "nt" else ".venv/bin")
    shutil.rmtree(bin_folder)
    status, output = ready.run("setup")
    assert status == 0
    assert "the one that is there is damaged" in output
    assert sorted(path.name for path in ready.folder.glob(".venv*")) == [".venv", ".venv.lock"]
    assert ready.run("setup")[0] == 0
    assert len(ready.calls) == 1


@pytest.mark.slow
def test_a_moved_course_is_set_up_anew(ready: Course) -> None:
    write_stamp(ready, folder="/somewhere/else")
    status, output = ready.run("setup")
    assert status == 0
    assert "the course has moved" in output


@pytest.mark.slow
def test_a_folder_made_by_somebody_else_is_kept_under_another_name(ready: Course) -> None:
    (ready.folder / ".venv/course.json").unlink()
    (ready.folder / ".venv/theirs").touch()
    status, output = ready.run("setup")
    assert status == 0
    assert "is now called .venv.old: delete it if you don't need it" in output
    assert (ready.folder / ".venv.old/theirs").exists() and not (ready.folder / ".venv/theirs").exists()


@pytest.mark.slow
def test_torch_for_the_processor_comes_from_its_own_index_and_stays(ready: Course) -> None:
    status, output = ready.run("setup", "--cpu-torch")
    assert status == 0
    assert "it gets another torch" in output
    download, *rest = ready.all_calls
    assert "--index-url https://download.pytorch.org/whl/cpu torch==2.13.0" in download
    assert not any("--index-url" in call for call in rest)
    assert ready.run("setup")[0] == 0
    assert len(ready.calls) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'\n"
            "ERROR: No matching distribution found for numpy==1.0",
            "The network does not answer",
        ),
        ("ERROR: No matching distribution found for torch==2.13.0", "pip finds no package that fits"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "certificate is not trusted"),
        ("ERROR: [WinError 32] The process cannot access the file", "close JupyterLab"),
        ("ERROR: This error might have occurred since this system does not have Windows Long Path", "long paths"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "was not installed: start again"),
        ("ERROR: something quite new", "pip could not install the packages: ERROR: something quite new"),
    ],
)
def test_a_failed_install_is_one_sentence(ready: Course, error: str, sentence: str) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    status, output = ready.run("setup", pip=f"say {error}")
    assert status == 1
    last = output.splitlines()[-1]
    assert last.startswith("start.py: ") and sentence in last
    assert "Traceback" not in output
    assert error in (ready.folder / ".venv/setup.log").read_text()
    assert ready.stamp["finished"] is True, "nothing was unpacked, so what was there still is"


def test_a_package_that_does_not_work_is_named_and_nothing_is_called_complete(course: Course) -> None:
    status, output = course.run("setup", pip="break numpy")
    assert status == 1
    assert "were installed but don't work: ImportError: libfoo is missing" in output
    assert course.stamp["finished"] is False
    assert "Ready" not in output


def test_a_configuration_that_pip_cannot_read_is_one_sentence(ready: Course) -> None:
    (ready.folder / "requirements.txt").write_text("numpy==1.1\ntorch==2.13.0\n")
    status, output = ready.run("setup", pip="fail over its configuration")
    assert status == 1
    assert "pip cannot read its configuration: ERROR: no section [global]" in output and "Traceback" not in output


@pytest.mark.slow
def test_a_missing_package_is_seen_at_the_next_start(ready: Course) -> None:
    (module,) = (ready.folder / ".venv").glob("**/site-packages/numpy.py")
    module.unlink()
    status, output = ready.run("setup")
    assert status == 0
    assert "the one that is there is damaged" in output and module.exists()


@pytest.mark.parametrize("name", ["json.py", "tempfile"])
def test_a_module_that_hides_one_of_pythons_own_is_named(course: Course, name: str) -> None:
    path = course.folder / name
    if path.suffix:
        path.write_text("raise SystemExit('taken for the real one')")
    else:
        path.mkdir()
        (path / "__init__.py").touch()
    status, output = course.run("setup")
    assert status == 1
    assert output.startswith(f"start.py: {name}, beside start.py, has the name of a module of Python's standard")
    assert output.count("\n") == 1 and not (course.folder / ".venv").exists()


@pytest.mark.parametrize("name", ["torch.py", "notebooks/random.py"])
def test_a_module_that_hides_one_of_the_courses_is_named(ready: Course, name: str) -> None:
    (ready.folder / name).touch()
    status, output = ready.run("setup")
    assert status == 1
    assert output.startswith(f"start.py: {name} has the name of a module that the course may need")
    (ready.folder / name).rename(ready.folder / "notebooks/my_own.py")
    assert ready.run("setup")[0] == 0


@pytest.mark.parametrize("way", ["-P", "-I"])
def test_it_starts_where_python_leaves_its_folder_out(way: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, way, str(ROOT / "start.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stdout.startswith("usage: python start.py"), done.stderr


def test_a_full_disk_is_seen_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=2.04e9))
    with pytest.raises(Problem, match=r"The disk has 2\.0 GB free and the set-up needs 3 GB: make room"):
        virtual_environment.check_room(3.0)
    virtual_environment.check_room(2.0)


def test_a_python_without_venv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    with pytest.raises(Problem, match=r"lacks its venv module: .*`sudo apt install python3\.\d+-venv`"):
        virtual_environment.make_venv({})


def test_missing_requirements_are_named_with_the_remedy(ready: Course) -> None:
    (ready.folder / "requirements.txt").unlink()
    status, output = ready.run("setup")
    assert status == 1
    assert "git checkout -- requirements.txt" in output and "Traceback" not in output


# JupyterLab. A program in its place listens where the real one would; the real one runs in the browser tests.

FAKE_LAB = """
import http.server, json, os, signal, sys, threading

def leave(word):
    with open("lab.txt", "a") as file:
        file.write(word)

if "FAKE_LAB_FAILS" in os.environ:
    sys.exit("no kernel anywhere")

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        known = self.headers["Authorization"] == "token " + os.environ["JUPYTER_TOKEN"]
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(json.dumps([sys.argv, dict(os.environ)]).encode())
    do_GET = answer
    def do_POST(self):
        self.answer()
        if self.path == "/api/shutdown":
            leave("asked to shut down")
            threading.Thread(target=server.shutdown).start()

port = next(int(word.partition("=")[2]) for word in sys.argv if word.startswith("--ServerApp.port="))
signal.signal(signal.SIGINT, lambda *_: leave("interrupted"))
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.serve_forever()
"""


@pytest.fixture
def with_lab(ready: Course) -> Course:
    (ready.folder / "fakes/jupyterlab.py").write_text(FAKE_LAB)
    return ready


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def open_course(course: Course, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The course open without a browser, and the address that it prints."""
    with course.begin("--no-browser", *arguments, JUPYTER_TOKEN="se/cret") as process:
        line = wait_for(process, "JupyterLab is open at").splitlines()[-1]
        yield process, line.partition(" at ")[2]
        process.terminate()


def test_the_course_opens_at_its_first_lesson_and_asks_nothing_of_the_network(with_lab: Course) -> None:
    port = free_port()
    with open_course(with_lab, "--port", str(port)) as (_, address):
        assert address == f"http://127.0.0.1:{port}/lab/tree/notebooks/00_start_here.ipynb?token=se%2Fcret"
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Authorization": "token se/cret"})
        arguments, environment = json.loads(urllib.request.urlopen(request, timeout=10).read())
    assert arguments[-1] == "notebooks/00_start_here.ipynb"
    assert "--ServerApp.open_browser=False" in arguments
    assert "se/cret" not in " ".join(arguments), "other users of the computer can read command lines"
    assert {"--LabApp.news_url=None", "--LabApp.extension_manager=readonly"} <= set(arguments)
    assert environment["OPENBLAS_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == "1"
    quiet = json.loads((with_lab.folder / ".venv/share/jupyter/lab/settings/overrides.json").read_text())
    assert quiet["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between programs")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_stops_jupyterlab_in_order(with_lab: Course, name: str) -> None:
    port = free_port()
    with open_course(with_lab, "--port", str(port)) as (process, _):
        os.killpg(process.pid, getattr(signal, name))
        rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert rest.endswith("Stopping JupyterLab.\nJupyterLab has stopped.\n")
    last = (with_lab.folder / "lab.txt").read_text()
    assert last == "asked to shut down", "Ctrl-C reached JupyterLab itself, which then asks whether one is sure"
    assert access.is_free(port)


def test_a_taken_port_is_named_with_the_way_out(with_lab: Course) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output = with_lab.run("--no-browser", "--port", str(port))
    assert status == 1
    assert f"Port {port} is taken by another program: leave out --port" in output


def test_without_a_port_the_first_free_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert access.free_port(None, port) > port
        monkeypatch.setattr(access, "PORTS_TRIED", 1)
        with pytest.raises(access.PortError, match="All ports from .* are taken: give a free one"):
            access.free_port(None, port)


def test_a_jupyterlab_that_cannot_start_shows_its_last_words(with_lab: Course) -> None:
    status, output = with_lab.run("--no-browser", FAKE_LAB_FAILS="yes")
    assert status == 1
    assert "JupyterLab has stopped unexpectedly" in output
    assert output.rstrip().endswith("no kernel anywhere")


def test_a_jupyterlab_that_never_answers_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start(), "LAB_PATIENCE", 0.2)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as mute:
        with pytest.raises(Problem, match="JupyterLab does not answer on port"):
            start().watch(mute, free_port(), "token")
        mute.kill()


def test_a_missing_first_lesson_is_named(with_lab: Course) -> None:
    (with_lab.folder / "notebooks/00_start_here.ipynb").unlink()
    status, output = with_lab.run("--no-browser")
    assert status == 1
    assert "git checkout -- notebooks" in output


# Testing

FAKE_TOOL = """
import os, sys
print("TOOL", os.path.basename(__file__), *sys.argv[1:], "HOME", os.environ.get("GRADIENT_COURSE_HOME"))
sys.exit(sys.argv[1:2] == [os.environ.get("FAILING_ARGUMENT")] or os.path.basename(__file__) == os.environ.get("FAILS"))
"""


@pytest.fixture
def with_tools(ready: Course) -> Course:
    for tool in ("ruff", "mypy", "pytest"):
        (ready.folder / f"fakes/{tool}.py").write_text(FAKE_TOOL)
    return ready


def tools_run(output: str) -> list[str]:
    return [line.partition(" HOME ")[0][5:] for line in output.splitlines() if line.startswith("TOOL ")]


def test_all_checks_run_and_the_last_line_says_so(with_tools: Course) -> None:
    status, output = with_tools.run("test")
    assert status == 0
    assert output.splitlines()[-1] == "All passed."
    workers = start().test_workers()
    assert tools_run(output) == [
        "ruff.py check .",
        "ruff.py format --check .",
        "mypy.py",
        f"pytest.py --numprocesses={workers} --dist=loadscope --no-loadscope-reorder",
    ]


def test_all_checks_say_first_how_long_they_take_and_where_they_are(with_tools: Course) -> None:
    lines = with_tools.run("test", CI="")[1].splitlines()
    assert f"4 steps. {start().time_of_tests(slow=False)}" in lines
    assert [line[:-1].rpartition(" after ")[0] for line in lines if line.startswith("== ")] == [
        "== ruff check == (step 1 of 4,",
        "== ruff format == (step 2 of 4,",
        "== mypy == (step 3 of 4,",
        "== tests, notebooks, JavaScript and browser == (step 4 of 4,",
    ]


@pytest.mark.parametrize(
    ("processors", "slow", "expected"),
    [
        (1, False, "22 minutes on 1 quiet processor."),
        (2, False, "11 minutes on 2 quiet processors."),
        (2, True, "20 minutes on 2 quiet processors."),
        (32, False, "5 minutes on 8 quiet processors."),
    ],
)
def test_the_time_of_the_tests_goes_with_the_machine(
    monkeypatch: pytest.MonkeyPatch, processors: int, slow: bool, expected: str
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert start().time_of_tests(slow) == f"They take about {expected}"
    assert start().test_workers() == min(processors + 1, 8)


SIGNAL_TOOL = """
import signal
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between programs")
def test_started_from_a_script_with_an_ampersand_the_tests_hear_sigint(with_tools: Course) -> None:
    (with_tools.folder / "fakes/pytest.py").write_text(SIGNAL_TOOL)
    with with_tools.begin("test", "-k", "x", ahead=IN_A_SCRIPT) as process:
        assert "True" in process.communicate(timeout=60)[0]
    bare = [*IN_A_SCRIPT, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    chosen = ["-k", "what_this_process_starts_hears_sigint"]
    assert "1 passed" in subprocess.run([*bare, *chosen], cwd=ROOT, capture_output=True, text=True, timeout=120).stdout


def test_what_this_process_starts_hears_sigint() -> None:
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.mark.parametrize(
    ("tool", "failed"), [("mypy.py", "mypy"), ("pytest.py", "tests, notebooks, JavaScript and browser")]
)
def test_what_failed_is_named_and_the_rest_still_runs(with_tools: Course, tool: str, failed: str) -> None:
    status, output = with_tools.run("test", FAILS=tool)
    assert status == 1
    assert output.splitlines()[-1] == f"Failed: {failed}; see above for the reasons."
    assert len(tools_run(output)) == 4


def test_other_words_go_to_one_pytest(with_tools: Course) -> None:
    status, output = with_tools.run("test", "-k", "quiz", "-x", "--slow")
    assert status == 0
    assert tools_run(output) == ["pytest.py --slow -k quiz -x"]
    status, output = with_tools.run("test", "--slow")
    assert tools_run(output)[-1].endswith(" --slow")
    assert f"4 steps. {start().time_of_tests(slow=True)}" in output.splitlines()


def test_tests_leave_the_learners_progress_alone(with_tools: Course) -> None:
    output = with_tools.run("test", "-x", GRADIENT_COURSE_HOME="/home/learner")[1]
    (home,) = [line.partition(" HOME ")[2] for line in output.splitlines() if " HOME " in line]
    assert home != "/home/learner" and not Path(home).exists()


STAND_IN = """
import sys
from pathlib import Path
from helpers.publish import commands
print(sys.argv[1:])
read = vars(commands.read({word!r}, sys.argv[1:]))
print({{name: str(value) for name, value in read.items() if isinstance(value, Path)}})
print(*read.get("folders", []))
"""


def hands_on(course: Course, module: str, word: str) -> None:
    """Put a program in place of a module of `helpers.publish` that prints how it was called, and its folders."""
    (course.folder / f"helpers/publish/{module}").mkdir()
    (course.folder / f"helpers/publish/{module}/__main__.py").write_text(STAND_IN.format(word=word))


@pytest.mark.parametrize(
    ("module", "words", "folders"),
    [
        ("lite", ["lite", "--to", "out", "--pyodide", "files"], {"to": "out", "pyodide": "files"}),
        ("site", ["site", "--quick", "--lesson", "03"], {"to": "site"}),
        ("present", ["present", "03", "--to", "out", "--part=0.1"], {"to": "out"}),
        ("present", ["present", "04", "--panel", "born_dead", "--port", "9000", "--no-browser"], {}),
        ("exports", ["export", "paper", "--to", "out", "--lesson", "03", "--lesson", "4"], {"to": "out"}),
        ("exports", ["export", "anki", "--seed=-1"], {"to": "exports"}),
        ("check_bank", ["check", "mine", "--example"], {"folder": "mine"}),
        ("classroom", ["class", "a", "b", "--to", "out"], {"to": "out"}),
    ],
)
def test_words_are_handed_on_with_folders_seen_from_where_one_stands(
    ready: Course, module: str, words: list[str], folders: dict[str, str]
) -> None:
    hands_on(ready, module, words[0])
    status, output = ready.run(*words, "--cpu-torch")
    assert status == 0
    read = {name: str((ready.folder / place).resolve()) for name, place in folders.items()}
    assert output.splitlines()[-3:-1] == [str(words[1:]), str(read)]


def test_folders_are_seen_from_where_one_stands_and_the_course_writes_into_itself(ready: Course) -> None:
    elsewhere = ready.folder / "notebooks"
    for module, words, read in (
        ("check_bank", ["check", "mine"], {"folder": elsewhere / "mine"}),
        ("classroom", ["class", "a", "../b"], {"to": ready.folder / "class"}),
        ("site", ["site"], {"to": ready.folder / "site"}),
    ):
        hands_on(ready, module, words[0])
        command = [sys.executable, "../start.py", *words]
        output = subprocess.check_output(command, cwd=elsewhere, env=ready.environment(), text=True, timeout=60)
        _, found, folders = output.splitlines()[-3:]
        assert found == str({name: str(place.resolve()) for name, place in read.items()})
        given = [] if module != "classroom" else [(elsewhere / name).resolve() for name in ("a", "../b")]
        assert folders == " ".join(map(str, given))


def test_benchmarks_get_their_words_and_pass_on_their_status(ready: Course) -> None:
    (ready.folder / "tests/benchmarks").mkdir(parents=True)
    (ready.folder / "tests/benchmarks/__main__.py").write_text("import sys\nsys.exit(sys.argv[1:] != ['engine'])")
    assert ready.run("bench", "engine")[0] == 0
    assert ready.run("bench", "browser")[0] == 1


def test_what_cannot_be_exported_is_refused_before_anything_is_set_up(course: Course) -> None:
    for wrong in (["word"], [], ["anki", "--questions", "x"]):
        status, output = course.run("export", *wrong)
        assert status == 2 and "python start.py export: error: " in output
    assert "--questions N" in course.run("export", "--help")[1]
    assert not (course.folder / ".venv").exists()


# What is pinned


def test_every_direct_dependency_is_pinned_once_and_has_a_reason() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n\n", 1)[1].splitlines()
    comments, pins = lines[::2], lines[1::2]
    assert all(comment.startswith("# ") for comment in comments)
    names = [pin.partition("==")[0] for pin in pins]
    assert all(pin.count("==") == 1 and pin.partition("==")[2] for pin in pins)
    assert len(set(names)) == len(names)


def test_the_installed_versions_are_the_pinned_ones() -> None:
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pins += [pin for extra in extras.values() for pin in extra if "==" in pin]
    for pin in map(Requirement, pins):
        if pin.marker is None or pin.marker.evaluate():
            assert importlib.metadata.version(pin.name).partition("+")[0] in pin.specifier, pin.name


def test_the_readme_names_failures_as_start_py_says_them() -> None:
    readme = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    table = readme.partition("| it says | do this |\n|---|---|\n")[2].partition("\n\n")[0]
    speaking = [START, Path(virtual_environment.__file__), ROOT / "helpers/publish/access.py"]
    source = "".join(file.read_text(encoding="utf-8") for file in speaking)
    sentences = [row.split("|")[1].strip() for row in table.splitlines()]
    assert len(sentences) > 5
    of_widgets = Path(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager/static")
    source += "".join(file.read_text(encoding="utf-8") for file in of_widgets.glob("*.js"))
    assert [sentence for sentence in sentences if sentence not in source] == []


def test_the_readme_points_at_what_is_there() -> None:
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        links = re.findall(r"\]\(([^)]+)\)", file.read_text(encoding="utf-8"))
        for place, _, section in (link.partition("#") for link in links if not link.startswith("https://")):
            target = (file.parent / place).resolve()
            assert target.exists(), f"{file.name}: {place}"
            if section:
                headings = re.findall(r"^##+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
                names = [re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings]
                assert section in names, f"{file.name}: {place}#{section}"
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("start.py test")
