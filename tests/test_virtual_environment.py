"""Whatever has become of `.venv`, setting up writes nothing outside the course's folder and ends with a whole one.

The set-ups are real ones, with venv and pip, of a small local package in place of the course's own.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
import re
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers import virtual_environment
from tests.course_copy import copy_start
from tests.tiers import first_slow

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the attacks use symbolic links, signals and the folder bin")

# Installs the folder `helpers` of a course as setuptools does, which isn't at hand without a network.
BACKEND = """
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "course-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("course.pth", os.getcwd())
        wheel.writestr("course-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: course\\nVersion: 1.0\\n")
        wheel.writestr("course-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("course-1.0.dist-info/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "course"
version = "1.0"
"""


# Takes the place of ensurepip's program in a Python of ours: what the real one has installed is kept for the next time.
ENSUREPIP = """
import ensurepip, os, shutil, sys, sysconfig
from pathlib import Path

kept = Path(sys.base_prefix, "kept")
places = {name: Path(sysconfig.get_path(name)) for name in ("purelib", "scripts")}
if kept.exists():
    for name, place in places.items():
        shutil.copytree(kept / name, place, dirs_exist_ok=True)
elif status := ensurepip._main():
    sys.exit(status)
else:
    shutil.copytree(places["purelib"], kept / "purelib")
    shutil.copytree(places["scripts"], kept / "scripts", ignore=shutil.ignore_patterns("python*", "[Aa]ctivate*"))
"""


def base_of_our_own(folder: Path) -> Path:
    """A Python to build on, of links to this one's library, with site-packages of its own.

    A set-up with it takes a third of the time: pip comes as a copy, and there is little to compare afterwards.
    """
    program = Path(os.path.realpath(sys._base_executable))  # type: ignore[attr-defined]
    library = Path(os.__file__).resolve().parent
    ours, python = folder / "lib" / library.name, folder / "bin" / program.name
    for made in (python.parent, ours / "site-packages", ours / "ensurepip"):
        made.mkdir(parents=True)
    shutil.copy(program, python)
    for path in library.iterdir():
        if path.name not in ("site-packages", "dist-packages", "ensurepip"):
            (ours / path.name).symlink_to(path)
    for path in (library / "ensurepip").iterdir():
        if path.name not in ("__main__.py", "__pycache__"):
            (ours / "ensurepip" / path.name).symlink_to(path)
    (ours / "ensurepip/__main__.py").write_text(ENSUREPIP)
    return python


def keep_to_modes() -> None:
    """Lets a program that root starts write only what its owner may."""
    if os.geteuid() == 0 and sys.platform == "linux":
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class Course:
    """A course of one small package, between other folders that must stay as they are."""

    def __init__(self, around: Path, python: Path | None = None) -> None:
        self.around = around
        self.python = str(python or sys.executable)
        self.base = str(python.parents[1]) if python else sys.base_prefix
        self.folder = around / "course"
        self.venv = self.folder / ".venv"
        copy_start(self.folder)
        (self.folder / "backend.py").write_text(BACKEND)
        (self.folder / "pyproject.toml").write_text(PROJECT)
        for folder in ("home", "temporary", "elsewhere", "wheels"):
            (around / folder).mkdir()
        (self.folder / "locks").mkdir()
        self.hashes = {
            f"{name}=={version}": write_wheel(around / "wheels", name, version)
            for name, version in (("gradient-course-tiny", "1.0"), ("gradient-course-tiny", "1.1"), ("torch", "1.0"))
        }
        self.ask_for("1.0")

    def ask_for(self, version: str) -> None:
        tiny, torch = f"gradient-course-tiny=={version}", "torch==1.0"
        (self.folder / "requirements.txt").write_text(f"# the only ones\n{tiny}\n{torch}\n")
        for name, pin in (("course", tiny), ("torch", torch)):
            self.lock(name, pin, self.hashes[pin])
        (self.folder / "locks/cuda.txt").touch()

    def lock(self, name: str, pin: str, digest: str) -> None:
        (self.folder / f"locks/{name}.txt").write_text(f"{pin} --hash=sha256:{digest}\n")

    def begin(self, **more: str) -> subprocess.Popen[str]:
        own = {"HOME": str(self.around / "home"), "TMPDIR": str(self.around / "temporary"), "PATH": "/usr/bin:/bin"}
        packages = {"PIP_NO_CACHE_DIR": "1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.around / "wheels")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return subprocess.Popen(
            [self.python, "start.py", "setup"],
            cwd=self.folder,
            preexec_fn=keep_to_modes,
            env={**kept, **own, **packages, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def set_up(self, **more: str) -> tuple[int, str]:
        with self.begin(**more) as process:
            output = process.communicate(timeout=300)[0]
        return process.returncode, output

    def version(self) -> str:
        """The version of the small package that the Python of `.venv` imports; "" where it can't."""
        question = "import gradient_course_tiny, helpers; print(gradient_course_tiny.version)"
        python = self.venv / "bin/python"
        if self.venv.is_symlink() or not (self.venv / "pyvenv.cfg").exists():
            return ""
        return subprocess.run([python, "-I", "-c", question], capture_output=True, text=True).stdout.strip()

    def outside(self) -> dict[str, tuple[int, int]]:
        """Every file outside the course's folder that a set-up gone astray could have written: size and time."""
        base = {"base": self.base, "platbase": self.base}
        installed = [sysconfig.get_path(name, vars=base) for name in ("purelib", "platlib", "scripts")]
        folders = {*installed, site.getusersitepackages(), *map(str, self.around.iterdir())} - {str(self.folder)}
        files = [Path(where, name) for folder in folders for where, _, names in os.walk(folder) for name in names]
        return {str(file): (file.lstat().st_size, file.lstat().st_mtime_ns) for file in files}


def write_wheel(folder: Path, name: str, version: str) -> str:
    """Writes a wheel of a package that is no more than its version, and returns its checksum."""
    module = name.replace("-", "_")
    records, file = f"{module}-{version}.dist-info", folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", f"version = {version!r}\n")
        wheel.writestr(f"{records}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{records}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{records}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def finish(course: Course) -> Course:
    """Sets a course up, and keeps a copy of its `.venv`."""
    status, output = course.set_up()
    assert status == 0 and course.version() == "1.0", output
    shutil.copytree(course.venv, course.folder / "as it was", symlinks=True)
    return course


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course that has been set up, and a copy of its `.venv`."""
    return finish(Course(tmp_path_factory.mktemp("finished")))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """The same on a Python of our own, for tests of hundreds of set-ups."""
    python = base_of_our_own(tmp_path_factory.mktemp("base"))
    machine = Course(tmp_path_factory.mktemp("machine"))
    before = machine.outside()
    yield finish(Course(tmp_path_factory.mktemp("quick"), python))
    assert machine.outside() == before, "nothing in the Python of this machine either"


@pytest.fixture
def course(finished: Course) -> Iterator[Course]:
    """The course as it was set up, with nothing changed around it."""
    reset(finished)
    before = finished.outside()
    yield finished
    assert finished.outside() == before


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Course]:
    """A course that has never been set up."""
    course = Course(tmp_path)
    before = course.outside().keys()
    yield course
    assert {path for path in course.outside() if path not in before and "/temporary/" not in path} == set()


def reset(course: Course) -> None:
    """Puts the finished `.venv` back."""
    for path in [*course.folder.glob(".venv*"), *course.around.joinpath("elsewhere").iterdir()]:
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    shutil.copytree(course.folder / "as it was", course.venv, symlinks=True)
    course.ask_for("1.0")


def without_configuration(course: Course) -> None:
    (course.venv / "pyvenv.cfg").unlink()
    (course.venv / "course.json").unlink()


def without_configuration_but_stamped(course: Course) -> None:
    (course.venv / "pyvenv.cfg").unlink()


def configured_for_elsewhere(course: Course) -> None:
    (course.venv / "pyvenv.cfg").write_text(f"home = {course.around}/elsewhere\nversion = 3.11.0\n")


def sharing_the_packages_of_its_base(course: Course) -> None:
    text = (course.venv / "pyvenv.cfg").read_text()
    (course.venv / "pyvenv.cfg").write_text(text.replace("packages = false", "packages = true"))


def a_link_to_another(course: Course) -> None:
    course.venv.rename(course.around / "elsewhere/venv")
    course.venv.symlink_to(course.around / "elsewhere/venv")


def a_link_to_nothing(course: Course) -> None:
    shutil.rmtree(course.venv)
    course.venv.symlink_to(course.around / "elsewhere/nothing")


def site_packages_elsewhere(course: Course) -> None:
    (packages,) = course.venv.glob("lib/python*/site-packages")
    packages.rename(course.around / "elsewhere/packages")
    packages.symlink_to(course.around / "elsewhere/packages")


def programs_elsewhere(course: Course) -> None:
    (course.venv / "bin").rename(course.around / "elsewhere/bin")
    (course.venv / "bin").symlink_to(course.around / "elsewhere/bin")


def a_package_elsewhere(course: Course, name: str = "gradient_course_tiny") -> None:
    (package,) = course.venv.glob(f"lib/python*/site-packages/{name}")
    package.rename(course.around / "elsewhere/package")
    package.symlink_to(course.around / "elsewhere/package")


def a_package_elsewhere_whose_name_is_like_the_interpreters(course: Course) -> None:
    (tiny,) = course.venv.glob("lib/python*/site-packages/gradient_course_tiny")
    tiny.rename(tiny.with_name("python_tiny"))
    a_package_elsewhere(course, "python_tiny")
    tiny.symlink_to(tiny.with_name("python_tiny"))


def a_package_found_elsewhere(course: Course) -> None:
    (packages,) = course.venv.glob("lib/python*/site-packages")
    for path in [packages / "pip", *packages.glob("pip-*.dist-info")]:
        path.rename(course.around / "elsewhere" / path.name)
    (packages / "more.pth").write_text(str(course.around / "elsewhere"))


def left_by_an_older_python(course: Course) -> None:
    (library,) = course.venv.glob("lib/python*")
    library.rename(library.with_name("python3.10"))
    text = (course.venv / "pyvenv.cfg").read_text()
    (course.venv / "pyvenv.cfg").write_text(re.sub(r"(?m)^version = .*", "version = 3.10.4", text))


def made_by_another_python(course: Course) -> None:
    other = another_python()
    if other is None:
        pytest.skip("there is no other Python here")
    stamp = (course.venv / "course.json").read_text()
    shutil.rmtree(course.venv)
    subprocess.run([other, "-I", "-m", "venv", course.venv], check=True, env={"PATH": "/usr/bin:/bin"})
    (course.venv / "course.json").write_text(stamp)


def another_python() -> str | None:
    """A Python of another release that can make virtual environments."""
    releases = {f"3.{minor}" for minor in range(9, 15)} - {f"3.{sys.version_info[1]}"}
    versions = Path(sys.base_prefix).parent.glob("3.*/bin/python3")  # as pyenv lays them out
    found = [*map(str, sorted(versions)), *(shutil.which(f"python{release}") or "" for release in releases)]
    question = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    for python in filter(None, found):
        answer = subprocess.run([python, "-I", "-c", question], capture_output=True, text=True)
        if answer.stdout.strip() in releases:
            return python
    return None


def a_damaged_pip(course: Course) -> None:
    (file,) = course.venv.glob("lib/python*/site-packages/pip/_vendor/rich/table.py")
    file.write_bytes(file.read_bytes()[:1000])


def a_pip_without_its_list_of_files(course: Course) -> None:
    (record,) = course.venv.glob("lib/python*/site-packages/pip-*.dist-info/RECORD")
    record.write_text("")


def read_only(course: Course) -> None:
    for folder, _, files in os.walk(course.venv):
        for path in (Path(folder, name) for name in files):
            if not path.is_symlink():  # chmod would follow it to the interpreter of this machine
                path.chmod(0o444)
        Path(folder).chmod(0o555)


def a_stamp_of_another_kind(course: Course) -> None:
    (course.venv / "course.json").write_text("[" * 100_000)


def data_and_log_elsewhere(course: Course) -> None:
    shutil.rmtree(course.venv / "share", ignore_errors=True)
    for name in ("share", "setup.log", "course.new"):
        (course.venv / name).unlink(missing_ok=True)
        (course.venv / name).symlink_to(course.around / "elsewhere" / name)
    (course.around / "elsewhere/share").mkdir()


def the_interpreter_of_the_base(course: Course) -> None:
    for python in course.venv.glob("bin/python*"):
        python.unlink()
        python.write_text(f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} "$@"\n')
        python.chmod(0o755)


def half_a_pip(course: Course) -> None:
    (vendored,) = course.venv.glob("lib/python*/site-packages/pip/_vendor/rich")
    shutil.rmtree(vendored)


def half_a_pip_unstamped(course: Course) -> None:
    half_a_pip(course)
    (course.venv / "course.json").unlink()


def a_package_without_its_list_of_files(course: Course) -> None:
    (record,) = course.venv.glob("lib/python*/site-packages/gradient_course_tiny-*/RECORD")
    record.unlink()


def a_file(course: Course) -> None:
    shutil.rmtree(course.venv)
    course.venv.write_text("somebody's notes")


IN_CI = [a_link_to_another, site_packages_elsewhere, half_a_pip, left_by_an_older_python]
"""One of each kind: the folder is a link, a part of it is one, a part is missing, another Python's."""
OTHERS = [
    a_damaged_pip,
    a_package_elsewhere_whose_name_is_like_the_interpreters,
    a_package_found_elsewhere,
    a_pip_without_its_list_of_files,
    a_stamp_of_another_kind,
    made_by_another_python,
    read_only,
    a_package_elsewhere,
    the_interpreter_of_the_base,
    without_configuration_but_stamped,
    configured_for_elsewhere,
    sharing_the_packages_of_its_base,
    a_link_to_nothing,
    programs_elsewhere,
    data_and_log_elsewhere,
    half_a_pip_unstamped,
    a_package_without_its_list_of_files,
    a_file,
]


@pytest.mark.parametrize("damage", [without_configuration, *first_slow([*IN_CI, *OTHERS], len(IN_CI))])
def test_a_damaged_folder_is_made_anew_and_nothing_is_written_elsewhere(
    finished: Course, damage: Callable[[Course], None]
) -> None:
    reset(finished)
    damage(finished)
    finished.ask_for("1.1")
    before = finished.outside()
    status, output = finished.set_up()
    assert finished.outside() == before, output
    assert status == 0 and "Making the folder .venv (" in output, output
    assert finished.version() == "1.1"
    assert finished.set_up() == (0, "Ready: `python start.py` opens the course.\n")


def test_what_is_whole_is_brought_up_to_date(course: Course) -> None:
    course.ask_for("1.1")
    kept = course.venv / "kept"
    kept.touch()
    status, output = course.set_up()
    assert status == 0 and "Bringing the folder .venv up to date." in output
    assert kept.exists() and course.version() == "1.1"


@pytest.mark.slow
def test_files_that_are_also_elsewhere_are_replaced_there_and_nowhere_else(course: Course) -> None:
    elsewhere = course.around / "elsewhere"
    for name in ("share/jupyter/lab/settings/overrides.json", "setup.log", "course.json"):
        (course.venv / name).write_text((course.venv / name).read_text() + " ")
        os.link(course.venv / name, elsewhere / Path(name).name)
    lock = course.folder / ".venv.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to(elsewhere / "lock")
    before = {path.name: path.read_text() for path in elsewhere.iterdir()}
    course.ask_for("1.1")
    status, output = course.set_up()
    assert status == 0 and course.version() == "1.1", output
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == before
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()


@pytest.mark.slow
def test_a_course_in_a_read_only_folder_stays_as_it_is(course: Course) -> None:
    course.ask_for("1.1")
    everything = [course.folder, *course.folder.rglob("*")]
    before = {path: path.lstat() for path in everything}
    folders = [path for path in everything if path.is_dir() and not path.is_symlink()]
    try:
        for folder in folders:
            folder.chmod(0o555)
        status, output = course.set_up()
        assert {path: path.lstat().st_mtime_ns for path in everything} == {
            path: each.st_mtime_ns for path, each in before.items()
        }
    finally:
        for folder in folders:
            folder.chmod(before[folder].st_mode)
    assert status == 1 and output.startswith(f"start.py: Cannot write into the folder {course.folder} (Permission"), (
        output
    )


def test_a_package_with_another_checksum_is_not_installed(course: Course) -> None:
    course.ask_for("1.1")
    course.lock("course", "gradient-course-tiny==1.1", "0" * 64)
    status, output = course.set_up()
    assert status == 1
    assert "start.py: A package is not the one that the course was made with, so it was not installed" in output
    assert course.version() == "1.0"


@pytest.mark.slow
def test_a_torch_with_another_checksum_is_not_installed(empty: Course) -> None:
    empty.lock("torch", "torch==1.0", "0" * 64)
    status, output = empty.set_up()
    assert status == 1
    assert "start.py: A package is not the one that the course was made with, so it was not installed" in output
    assert list(empty.venv.glob("lib/python*/site-packages/torch*")) == []


# Settings of Python and pip that lead elsewhere


@pytest.mark.parametrize("way", ["variables", pytest.param("file", marks=pytest.mark.slow)])
def test_settings_of_python_and_pip_lead_nowhere_else(course: Course, way: str) -> None:
    elsewhere = course.around / "elsewhere"
    settings = {
        **{name: str(elsewhere / name) for name in ("prefix", "target", "root")},
        **dict.fromkeys(("dry-run", "user", "ignore-installed", "require-virtualenv"), "1"),
    }
    variables = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()}
    if way == "file":
        lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
        own = course.around / "home/.config/pip/pip.conf"
        own.parent.mkdir(parents=True)
        for place in (elsewhere / "pip.conf", own, course.venv / "pip.conf"):
            place.write_text(f"[install]\n{lines}\n")
        variables = {"PIP_CONFIG_FILE": str(elsewhere / "pip.conf")}
    (elsewhere / "gradient_course_tiny.py").write_text("version = 'wrong'\n")
    astray = {"PYTHONHOME": "", "PYTHONPATH": str(elsewhere), "PYTHONUSERBASE": str(elsewhere / "base")}
    before = course.outside()
    course.ask_for("1.1")
    status, output = course.set_up(**variables, **astray)
    assert status == 0, output
    assert course.version() == "1.1"
    assert course.outside() == before
    for path in elsewhere.iterdir():
        path.unlink()
    shutil.rmtree(course.around / "home/.config", ignore_errors=True)


@pytest.mark.parametrize("way", ["variable", "file"])
def test_index_proxy_and_certificate_reach_pip(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    wanted = {"PIP_INDEX_URL": "https://a.example/simple", "PIP_PROXY": "http://b.example:1", "PIP_CERT": "/c.pem"}
    astray = {"PIP_TARGET": "/nowhere"}
    if way == "variable":
        for name, value in {**wanted, **astray, "PIP_CONFIG_FILE": os.devnull}.items():
            monkeypatch.setenv(name, value)
    else:
        lines = [f"{name[4:].lower().replace('_', '-')} = {value}\n" for name, value in {**wanted, **astray}.items()]
        (tmp_path / "pip.conf").write_text("[global]\n" + "".join(lines))
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setattr(virtual_environment, "venv_python", lambda: Path(sys.executable))
    settings = virtual_environment.pip_settings()
    assert wanted.items() <= settings.items()
    assert "PIP_TARGET" not in settings
    assert settings["PIP_CONFIG_FILE"] == os.devnull and settings["PIP_REQUIRE_VIRTUALENV"] == "1"


# Interrupted set-ups


def left_running(course: Course) -> list[str]:
    """The programs that still run out of the course's `.venv`, or make it."""
    processes = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout.splitlines()
    return [line for line in processes if str(course.venv) in line]


def interrupt(course: Course, after: float, kind: signal.Signals, group: bool) -> str:
    """Begins a set-up, sends it a signal, and sets up again, which must succeed at once; "" if it did."""
    with course.begin() as process:
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(process.pid, kind)
            if kind != signal.SIGKILL:
                process.communicate(timeout=60)
                if running := left_running(course):
                    return f"still running: {running}"
        if process.stdout is not None:
            process.stdout.close()
        process.wait(60)
    status, output = course.set_up()
    if status != 0 or course.version() != "1.0":
        return output
    if left := [path.name for path in course.folder.glob(".venv.*") if path.name != ".venv.lock"]:
        return f"left over: {left}"
    status, output = course.set_up()
    return "" if output == "Ready: `python start.py` opens the course.\n" else output


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGKILL])
def test_a_set_up_interrupted_while_pip_comes_is_taken_up_again(empty: Course, kind: signal.Signals) -> None:
    with empty.begin() as process:
        deadline = time.monotonic() + 60
        while not list(empty.venv.glob("lib/python*/site-packages/pip")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(kind)
        if process.stdout is not None:
            process.stdout.close()
        process.wait(60)
    status, output = empty.set_up()
    assert status == 0 and "an earlier set-up was interrupted" in output, output
    assert empty.version() == "1.0" and left_running(empty) == []
    if kind == signal.SIGKILL:
        assert output.startswith("Another set-up is running in this folder: waiting for it to end.\n")


ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


@pytest.mark.exhaustive
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
def test_36_set_ups_interrupted_at_random_moments(empty: Course, group: bool) -> None:
    began = time.monotonic()
    assert empty.set_up()[0] == 0
    whole = time.monotonic() - began
    chance = random.Random(f"interrupted {group}")
    failures = []
    for _ in range(36):
        for path in empty.folder.glob(".venv*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        after, kind = chance.uniform(0, whole), chance.choice(ENDINGS)
        if failure := interrupt(empty, after, kind, group):
            failures.append(f"{kind.name} after {after:.2f} of {whole:.1f} s: {failure}")
            print(f"\n{failures[-1]}", flush=True)
    print(f"\ninterrupted set-ups: 36 | {len(failures)}")
    assert failures == []


# Every part removed


def removed(course: Course, parts: list[Path]) -> str:
    """Sets up a finished `.venv` that lacks these parts, for another version of the package; "" if all is well."""
    reset(course)
    for part in parts:
        path = course.venv / part
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
    course.ask_for("1.1")
    before = course.outside()
    status, output = course.set_up()
    if course.outside() != before:
        return f"written outside: {set(course.outside().items()) ^ set(before.items())}"
    return "" if status == 0 and course.version() == "1.1" else textwrap.shorten(output, 300)


@pytest.mark.exhaustive
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("way", ["one at a time", "random sets"])
def test_whatever_is_removed(quick: Course, way: str) -> None:
    whole = quick.folder / "as it was"
    parts = sorted(path.relative_to(whole) for path in whole.rglob("*") if "__pycache__" not in path.parts)
    chance = random.Random(way)
    if way == "one at a time":
        brought = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}  # many files of one kind: 40 of them
        of_these = [part for part in parts if brought & set(part.parts) and len(part.parts) > 5]
        sets = [[part] for part in parts if part not in set(of_these) - set(chance.sample(of_these, 40))]
    else:
        sets = [chance.sample(parts, chance.choice([2, 5, 20, 100, len(parts) // 2])) for _ in range(50)]
    failures = []
    for number, each in enumerate(sets, start=1):
        if failure := removed(quick, each):
            failures.append(f"{number} of {len(sets)}, {list(map(str, each[:5]))}: {failure}")
            print(f"\n{failures[-1]}", flush=True)  # a run that is ended says what it has found
    print(f"\nparts removed, {way}: {len(sets)} | {len(failures)}")
    assert failures == []
