"""Makes the folder `.venv` and installs the course's packages in it; `start.py` does so before everything else.

Needs only Python itself. No path is trusted: before pip runs, the interpreter in `.venv` reports where it would write,
and anything but a complete `.venv` of this course is replaced.
"""

from __future__ import annotations

import ast
import collections
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from helpers import runtime

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "course.json"  # what the last set-up installed, and whether it was completed
DRAFT = VENV / "course.new"  # the next stamp while it is written
SETUP_LOG = VENV / "setup.log"
LOCK = ROOT / ".venv.lock"
DISCARDED = ROOT / ".venv.discarded"  # an old .venv that is being removed
KEPT = ROOT / ".venv.old"  # a .venv that this program didn't make

CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
OWN_NAMES = {"start", "test"}  # files allowed beside start.py, although Python has a module `test`
AS_LOCKED = ["--require-hashes", "--no-deps", "--only-binary=:all:"]  # only the packages in the folder locks
ROOM_NEEDED, ROOM_TO_UPDATE = 3.0, 0.5  # GB


class Problem(Exception):
    """Something prevents the command; the message is a sentence that says what, and what to do about it."""


class Damaged(Problem):
    """A package in `.venv` lacks the list of files that pip needs to replace it."""


def print_line(text: str) -> None:
    """Print a line and flush it."""
    print(text, flush=True)


def venv_python() -> Path:
    """The interpreter inside `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def in_venv(*command: str) -> list[str]:
    """A command line for the Python in `.venv`, isolated from environment variables and from the current folder."""
    return [str(venv_python()), "-I", "-B", *command]


def clean_environment() -> dict[str, str]:
    """The environment without the variables that tell Python, pip and setuptools to write elsewhere."""
    led_astray = ("PYTHON", "__PYVENV", "PIP_", "SETUPTOOLS_", "DISTUTILS_", "DIST_EXTRA_CONFIG")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(led_astray)}


# What exists, and what is needed


INQUIRY = """
import importlib.util, json, site, sys, sysconfig
places = [sys.prefix, *site.getsitepackages(), *map(sysconfig.get_path, ("purelib", "platlib", "scripts", "data"))]
modules = {}
for name in sys.argv[1:]:
    found = importlib.util.find_spec(name)
    modules[name] = found and (found.origin or next(iter(found.submodule_search_locations or ()), None))
print(json.dumps([places, sys.base_prefix, "%d.%d" % sys.version_info[:2], modules]))
"""
PIP_INQUIRY = """
import base64, hashlib, importlib.metadata
for file in importlib.metadata.files("pip"):
    if file.suffix != ".pyc":
        content = file.locate().read_bytes()
        found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert file.hash is None or file.hash.value == found, file
        print(file.locate())
"""


@dataclass(frozen=True)
class Interpreter:
    """What the Python in `.venv` reports: where it installs, its base installation and version, and its modules."""

    places: list[str]
    base: str
    version: str
    modules: dict[str, str | None]

    @property
    def is_own(self) -> bool:
        """Whether it installs only into the course's `.venv`, and its base installation is outside of it."""
        return real(self.places[0]) == real_venv() and all(map(is_inside, self.places)) and not is_inside(self.base)

    @property
    def missing(self) -> list[str]:
        """The modules that it doesn't find, or finds outside the course folder."""
        return [name for name, file in self.modules.items() if not (file and is_inside(file, ROOT))]


def ask_interpreter(modules: Iterable[str] = ()) -> Interpreter | None:
    """The Python in `.venv` if it runs and installs only into `.venv`; None otherwise."""
    command = in_venv("-c", INQUIRY, *modules)
    try:
        answer = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=120)
        found = Interpreter(*json.loads(answer.stdout.splitlines()[-1]))
        return found if found.is_own else None
    except (OSError, ValueError, IndexError, TypeError, RecursionError, subprocess.TimeoutExpired):
        return None


def pip_is_whole() -> bool:
    """Whether the pip in `.venv` has all of its files, each with the checksum in its list of files."""
    try:
        answer = subprocess.run(
            in_venv("-c", PIP_INQUIRY), capture_output=True, text=True, env=clean_environment(), timeout=120
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    files = answer.stdout.splitlines()
    return answer.returncode == 0 and bool(files) and all(map(is_inside, files))


def real(path: str | Path) -> str:
    """A path with its links resolved, normalized for comparison on this system."""
    return os.path.normcase(os.path.realpath(path))


def real_venv() -> str:
    """The path that `.venv` must resolve to, which it doesn't if it is a link."""
    return os.path.normcase(VENV)


def is_inside(path: str | Path, folder: Path | None = None) -> bool:
    """Whether a path, with its links resolved, is inside a folder, by default `.venv`."""
    around = real_venv() if folder is None else real(folder)
    return (real(path) + os.sep).startswith(around + os.sep)


def leads_out() -> bool:
    """Whether anything in `.venv` except the interpreter is a link that leads out of it."""
    programs = str(venv_python().parent)
    for folder, folders, files in os.walk(VENV):
        names = [name for name in folders + files if folder != programs or not name.startswith("python")]
        paths = [os.path.join(folder, name) for name in names]
        if not is_inside(folder) or not all(is_inside(path) for path in paths if os.path.islink(path)):
            return True
    return False


def modules_needed() -> list[str]:
    """The modules that must be importable: `helpers`, and one for each package in requirements.txt."""
    try:
        return ["helpers", *(name.replace("-", "_") for name in runtime.pins())]
    except (OSError, UnicodeError) as error:
        raise missing_file("requirements.txt", error) from error


def read_stamp() -> dict[str, Any]:
    """The stamp of the last set-up; empty where there is none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, Any]) -> None:
    """Write the stamp in one step, so that it is there whole or not at all."""
    DRAFT.unlink(missing_ok=True)
    DRAFT.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    os.replace(DRAFT, STAMP)


def digest(*names: str) -> str:
    """A fingerprint of some files of the course; Problem where one can't be read."""
    fingerprint = hashlib.sha256()
    for name in names:
        try:
            fingerprint.update((ROOT / name).read_bytes())
        except OSError as error:
            raise missing_file(name, error) from error
    return fingerprint.hexdigest()


def missing_file(name: str, error: OSError | UnicodeError) -> Problem:
    """The Problem for a file of the course that can't be read."""
    why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
    return Problem(
        f"Cannot read {name} ({why}): bring it back with `git checkout -- {name}`, or download the course again."
    )


def wanted_stamp(tests: bool, cpu_torch: bool) -> dict[str, Any]:
    """The stamp once everything asked for is installed; what earlier set-ups asked for stays included."""
    before = read_stamp()
    return {
        "finished": True,
        "folder": str(ROOT),
        "python": before.get("python"),
        "torch": digest("locks/torch.txt"),
        "packages": digest("requirements.txt", "locks/course.txt", "locks/cuda.txt"),
        "test_tools": digest("locks/test.txt") if tests or before.get("test_tools") else None,
        "cpu_torch": cpu_torch or bool(before.get("cpu_torch")),
    }


def is_ready(tests: bool, cpu_torch: bool) -> bool:
    """Whether `.venv` holds everything asked for, so that nothing is left to do."""
    found, wanted = read_stamp(), wanted_stamp(tests, cpu_torch)
    if not tests:  # learners don't need test tools that are up to date
        wanted["test_tools"] = found.get("test_tools")
    if found != wanted:
        return False
    there = ask_interpreter(modules_needed())
    return there is not None and there.version == found["python"] and not there.missing


def why_afresh(found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """Why `.venv` must be made anew; None where pip can bring it up to date."""
    if not os.path.lexists(VENV):
        return "there is none yet"
    if not found:
        return "the one that is there was not made by this program, or is damaged"
    if not found.get("finished"):
        return "an earlier set-up was interrupted"
    if found.get("folder") != wanted["folder"]:
        return "the course has moved"
    there = ask_interpreter()
    if there is None or not pip_is_whole() or found == wanted or leads_out():
        return "the one that is there is damaged"
    if found.get("python") != there.version:
        return "Python has changed"
    if found.get("cpu_torch") != wanted["cpu_torch"]:
        return "it gets another torch"
    return None


# Setting up


def prepare(tests: bool = False, cpu_torch: bool = False) -> None:
    """Make sure that `.venv` holds everything asked for, and that no file in the course folder hides a module."""
    if not is_ready(tests, cpu_torch):
        set_up(tests, cpu_torch)
    check_names()


HIDING = """
import importlib.util, os, sys
for path in sys.argv[1:]:
    found = importlib.util.find_spec(os.path.splitext(os.path.basename(path))[0])
    if found is not None and os.path.realpath(str(found.origin)) != os.path.realpath(path):
        print(path)
"""


def check_names() -> None:
    """Raise Problem for a file that Python would import instead of a module with the same name."""
    files = [*ROOT.glob("*.py"), *ROOT.glob("notebooks/*.py")]
    files = [file for file in files if file.stem.isidentifier() and file.stem not in OWN_NAMES]
    if not files:
        return
    question = in_venv("-c", HIDING, *map(str, files))
    answer = subprocess.run(question, capture_output=True, text=True, env=clean_environment())
    for path in answer.stdout.splitlines():
        raise Problem(
            f"{Path(path).relative_to(ROOT)} has the name of a module that the course may need and would be used "
            "instead of it: rename it or move it elsewhere, and start again."
        )


def set_up(tests: bool, cpu_torch: bool) -> None:
    """Make `.venv` or bring it up to date, while holding the lock."""
    with one_at_a_time():
        if is_ready(tests, cpu_torch):  # another program did it while we waited
            return
        try:
            build(tests, cpu_torch)
        except KeyboardInterrupt:
            print_line("Stopped before the set-up was complete: run the same command again to continue.")
            raise
        except OSError as error:
            sentence = remedy(str(error))
            if sentence is None:
                raise
            raise Problem(sentence) from error


def build(tests: bool, cpu_torch: bool) -> None:
    """Make `.venv` or bring it up to date."""
    found, wanted = read_stamp(), wanted_stamp(tests, cpu_torch)
    reason = why_afresh(found, wanted)
    check_room(ROOM_NEEDED if reason else ROOM_TO_UPDATE)
    if reason is None:
        print_line("Bringing the folder .venv up to date.")
        try:
            SETUP_LOG.unlink(missing_ok=True)
            fault = fill(wanted, with_torch=found.get("torch") != wanted["torch"])
        except (Damaged, PermissionError) as damage:
            fault = str(damage)
        if fault:
            print_line(f"  {fault}")
            reason = "the one that is there is damaged"
    if reason is not None:
        print_line(f"Making the folder .venv ({reason}). Installing the packages takes a few minutes, only this once.")
        advise_on_torch(wanted["cpu_torch"])
        wanted["python"] = make_venv({**wanted, "finished": False})
        if fault := fill(wanted, with_torch=True):
            raise Problem(f"The packages were installed but don't work: {fault} See {SETUP_LOG.relative_to(ROOT)}.")
    keep_lab_quiet()
    write_stamp(wanted)
    print_line("The set-up is complete.")


def fill(wanted: dict[str, Any], with_torch: bool) -> str:
    """Install everything asked for and import it; returns "" if all of it works, otherwise a sentence."""
    settings = pip_settings()
    if with_torch:
        install_torch(wanted, settings)
    packages = ["-r", "locks/test.txt" if wanted["test_tools"] else "locks/course.txt"]
    packages += ["-r", "locks/cuda.txt"] if torch_is_for_cuda() else []
    pip_run(["install", *AS_LOCKED, *packages], wanted, settings)
    pip_run(["install", "--no-deps", "--no-build-isolation", "--editable", "."], wanted, settings)
    trial = in_venv("-c", "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)")
    status, report = run_logged(
        [*trial, *modules_needed()], clean_environment(), lambda _: ("trying the packages", False)
    )
    return "" if status == 0 else last_line(report)


def install_torch(wanted: dict[str, Any], settings: dict[str, str]) -> None:
    """Install the build of torch that pip finds, provided that its checksum is known.

    It is downloaded first: given only a list of checksums, pip would prefer a build from an index over one that a
    school has put into a folder (`find-links`) or the one for the processor on PyTorch's index.
    """
    (pin,) = (f"torch=={version}" for name, version in runtime.pins().items() if name == "torch")
    index = ["--index-url", CPU_TORCH_INDEX] if wanted["cpu_torch"] else []
    with tempfile.TemporaryDirectory(dir=VENV, ignore_cleanup_errors=True) as folder:
        pip_run(["download", "--no-deps", "--only-binary=:all:", "--dest", folder, *index, pin], wanted, settings)
        there = {name: value for name, value in settings.items() if name != "PIP_FIND_LINKS"}
        pip_run(["install", *AS_LOCKED, "--no-index", "--find-links", folder, "-r", "locks/torch.txt"], wanted, there)


def torch_is_for_cuda() -> bool:
    """Whether the build of torch in `.venv` needs the packages for NVIDIA cards."""
    question = "import importlib.metadata; print(*importlib.metadata.requires('torch') or [], sep='\\n')"
    answer = subprocess.run(in_venv("-c", question), capture_output=True, text=True, env=clean_environment())
    return any(line.startswith(("nvidia-", "cuda-")) for line in answer.stdout.splitlines())


def check_room(needed: float) -> None:
    """Raise Problem if the disk has less than `needed` GB free."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise Problem(
            f"The disk has {free:.1f} GB free and the set-up needs {needed:g} GB: "
            "make room, or move the course to a bigger disk."
        )


def advise_on_torch(cpu_torch: bool) -> None:
    """On Linux without an NVIDIA card, say how to avoid downloading gigabytes meant for one."""
    if sys.platform == "linux" and not cpu_torch and not Path("/proc/driver/nvidia").exists():
        print_line("No NVIDIA card was found: `python start.py setup --cpu-torch` downloads some gigabytes less.")


def make_venv(unfinished: dict[str, Any]) -> str:
    """Replace whatever is there by an empty `.venv`, stamped as unfinished; returns its Python's version."""
    release = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Problem(
            f"This Python {release} lacks its venv module: on Debian and Ubuntu type "
            f"`sudo apt install python{release}-venv`, elsewhere install Python from https://www.python.org/downloads/."
        )
    base = base_python()
    put_away()
    VENV.mkdir()
    write_stamp(unfinished)
    # pip is installed in a separate step: venv would start it as a program that doesn't hold the lock or end with us.
    make_and_check([base, "-I", "-B", "-m", "venv", "--without-pip", str(VENV)])
    return make_and_check(in_venv("-m", "ensurepip", "--upgrade", "--default-pip")).version


def make_and_check(command: list[str]) -> Interpreter:
    """Run one step of making `.venv`; afterwards its Python must install only into `.venv`."""
    status, report = run_logged(command, clean_environment(), lambda _: ("making the folder .venv", False))
    there = ask_interpreter()
    if status != 0 or there is None:
        raise Problem(remedy(report) or f"Cannot make the folder .venv: {last_line(report)}")
    return there


def base_python() -> str:
    """The Python to build on: never one in `.venv`, which is about to be removed."""
    beneath = getattr(sys, "_base_executable", None) or sys.executable
    if not os.path.exists(beneath) or os.path.normcase(os.path.abspath(beneath)).startswith(real_venv() + os.sep):
        beneath = os.path.realpath(sys.executable)
    if is_inside(beneath):
        raise Problem(
            f"This Python, {beneath}, is part of the folder .venv, which must be made anew: "
            "start again with another, for instance `python3 start.py`."
        )
    return beneath


def put_away() -> None:
    """Make room for a new `.venv`: remove an old one of the course, or rename one that this program didn't make."""
    try:
        if VENV.is_symlink() or (VENV.exists() and real(VENV) != real_venv()):
            remove_link(VENV)
        elif VENV.is_dir() and {path.name for path in VENV.iterdir()} <= {DRAFT.name}:
            remove(VENV)  # a set-up was ended before it wrote its stamp
        elif os.path.lexists(VENV):
            ours = bool(read_stamp())
            goal = unused_name(DISCARDED if ours else KEPT)
            VENV.rename(goal)  # in one step, so that the old name never holds a half-removed folder
            if not ours:
                print_line(f"What was there is now called {goal.name}: delete it if you don't need it.")
    except OSError as error:
        raise Problem(
            f"Cannot remove the old folder .venv ({error.strerror}): close JupyterLab and the editors and terminals "
            "that use it, and start again."
        ) from error
    for leftover in ROOT.glob(f"{DISCARDED.name}*"):
        remove(leftover)


def remove(folder: Path) -> None:
    """Remove a folder and its contents as far as possible, without following links."""
    if os.name != "nt" and not folder.is_symlink():
        open_up(folder)
        for inner, names, _ in os.walk(folder):
            for path in (os.path.join(inner, name) for name in names):
                if not os.path.islink(path):
                    open_up(path)
    shutil.rmtree(folder, ignore_errors=True)


def open_up(folder: str | Path) -> None:
    """Make the contents of a folder removable for its owner."""
    with contextlib.suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)


def remove_link(link: Path) -> None:
    """Remove a link to a folder, but not the folder."""
    try:
        link.unlink()
    except OSError:
        link.rmdir()  # a junction on Windows


def unused_name(path: Path) -> Path:
    """The path, or the first free one with a number appended."""
    names = [path, *(path.with_name(f"{path.name}-{number}") for number in range(2, 1000))]
    return next(name for name in names if not os.path.lexists(name))


def keep_lab_quiet() -> None:
    """Set JupyterLab not to ask for news and updates by default; users can still turn them on."""
    settings = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    file = VENV / "share/jupyter/lab/settings/overrides.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # it may be a hard link to another file
    file.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


PASSED_ON = {
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert"),
    *("timeout", "default-timeout", "retries", "resume-retries", "keyring-provider", "use-feature", "use-deprecated"),
    *("cache-dir", "no-cache-dir"),
}
"""The settings of pip about where packages come from; others aren't passed on, since some change where they go."""


def pip_settings() -> dict[str, str]:
    """The environment for pip, with the user's own index, proxy and certificate, wherever they are configured."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    listing = in_venv("-m", "pip", "config", "list")
    answer = subprocess.run(listing, capture_output=True, text=True, env={**clean_environment(), **variables})
    if answer.returncode != 0:
        raise Problem(f"pip cannot read its configuration: {last_line(answer.stdout + answer.stderr)}")
    found = [re.match(r"(global|install|:env:)\.([\w-]+)=(.*)", line) for line in answer.stdout.splitlines()]
    order = ["global", "install", ":env:"]  # later ones override earlier ones
    settings = {
        f"PIP_{match[2].upper().replace('-', '_')}": str(ast.literal_eval(match[3]))
        for match in sorted(filter(None, found), key=lambda match: order.index(match[1]))
        if match[2] in PASSED_ON
    }
    ours = {"CONFIG_FILE": os.devnull, "REQUIRE_VIRTUALENV": "1", "USER": "0", "DISABLE_PIP_VERSION_CHECK": "1"}
    return {**clean_environment(), **settings, **{f"PIP_{name}": value for name, value in ours.items()}}


def pip_run(words: list[str], wanted: dict[str, Any], settings: dict[str, str]) -> None:
    """Run pip in `.venv`, with its progress in one line."""

    def step(line: str) -> tuple[str, bool]:
        if line.startswith("Installing collected packages"):
            write_stamp({**wanted, "finished": False})  # an interruption after this must be recognized
        return pip_step(line)

    command = in_venv("-m", "pip", *words, "--progress-bar=off", "--no-input")
    status, report = run_logged(command, settings, step)
    if status != 0:
        if package := re.search(r"Cannot uninstall (\S+)", report):
            raise Damaged(f"pip cannot replace {package[1]}: its list of files is gone.")
        sentence = remedy(report) or f"pip could not install the packages: {last_line(report)}"
        raise Problem(f"{sentence} The full report is in {SETUP_LOG.relative_to(ROOT)}.")


def run_logged(
    command: list[str], settings: dict[str, str], step: Callable[[str], tuple[str, bool]]
) -> tuple[int, str]:
    """Run a program of the set-up; returns its status and its last lines, and logs all of its output.

    `step` turns a line of output into the text shown to the user, and says whether to print it on a line of its own.
    """
    recent: collections.deque[str] = collections.deque(maxlen=200)
    # The program inherits the lock: if this one is killed, nobody clears .venv while the other still writes to it.
    options = {"env": {**settings, "PYTHONUNBUFFERED": "1"}, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with open(SETUP_LOG, "a", encoding="utf-8") as log, Progress() as progress, crew(command, **options) as program:
        for raw in program.stdout or ():
            line = raw.decode("utf-8", "replace")
            log.write(line)
            recent.append(line)
            progress.show(*step(line))
    return program.returncode, "".join(recent)


def pip_step(line: str) -> tuple[str, bool]:
    """The text shown for a line of pip's output, and whether to print it on a line of its own."""
    found = re.match(r"\s*Downloading (\S+?)-(\d\S*?)-\S+ \((\d\S*) (\w+)\)", line)
    if found:
        name, version, size, unit = found.groups()
        return f"downloading {name} {version} ({size} {unit})", unit in ("MB", "GB") and float(size) >= 10
    found = re.match(r"Collecting ([\w.-]+)", line)
    if found:
        return f"looking for {found.group(1)}", False
    if line.startswith("Installing collected packages:"):
        return f"unpacking packages: {line.count(',') + 1}", True
    if "Retrying" in line:
        return "no answer from the network, trying again", True
    return "", False


REMEDIES = [
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        f"The disk is full: make room for {ROOM_NEEDED:g} GB (on Linux `python start.py setup --cpu-torch` "
        "needs the least), and start again.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The network's certificate is not trusted: in a school or company network ask for its certificate, "
        "name it with `pip config set global.cert FILE`, and start again.",
    ),
    (
        r"Retrying \(|Failed to establish a new connection|NewConnectionError|NameResolutionError|Read timed out"
        r"|ConnectTimeout|ConnectionResetError|ProxyError",
        "The network does not answer, and the first set-up has to download the packages: "
        "connect to the internet (or set HTTPS_PROXY), and start again.",
    ),
    (
        r"Long Path",
        "Windows refuses long paths: move the course to a short one such as C:\\course, and start again.",
    ),
    (
        r"WinError 5\b|WinError 32\b|Access is denied|Permission denied",
        "Some file in .venv is in use or belongs to somebody else: close JupyterLab, or delete the folder .venv, "
        "and start again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "A package is not the one that the course was made with, so it was not installed: start again, and if pip asks "
        "an index of your own (`pip config list`), see that it has the packages of PyPI unchanged.",
    ),
    (
        r"No matching distribution found",
        "pip finds no package that fits: the course needs a 64-bit Python 3.11 to 3.14 on Linux, Windows or a Mac "
        "with Apple silicon, and a package index that has all of requirements.txt.",
    ),
]


def remedy(report: str) -> str | None:
    """The sentence for a known failure, or None."""
    return next((sentence for signs, sentence in REMEDIES if re.search(signs, report)), None)


def last_line(report: str) -> str:
    """The last error in a report, or else its last line that isn't empty."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it gave no reason."])[-1]


class Progress:
    """One line that shows the current step and the elapsed time, so that a long wait is visibly alive."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.text = "starting"
        self.live = sys.stdout.isatty()
        self.over = threading.Event()
        self.clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        if self.live:
            self.clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.live:
            self.clock.join()
            self._write("")
            print("\r", end="", flush=True)

    def show(self, text: str, worth_a_line: bool) -> None:
        """Show the next step; without a terminal, print it only if it is `worth_a_line`."""
        if self.live:
            self.text = text or self.text
        elif worth_a_line and text != self.text:
            self.text = text
            print_line(f"  {text}")

    def _tick(self) -> None:
        while not self.over.wait(0.25):
            minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
            self._write(f"  {minutes}:{seconds:02d}  {self.text}")

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print("\r" + text[:width].ljust(width), end="", flush=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Make a second set-up in the same folder wait for the first."""
    try:
        if LOCK.is_symlink():
            LOCK.unlink()
        handle = open(LOCK, "a")  # noqa: SIM115
    except OSError as error:
        raise Problem(
            f"Cannot write into the folder {ROOT} ({error.strerror}): move the course to a folder of your own."
        ) from error
    with handle:
        if not locked(handle):
            print_line("Another set-up is running in this folder: waiting for it to end.")
            while not locked(handle):
                time.sleep(0.5)
        os.set_inheritable(handle.fileno(), True)
        yield


def locked(handle: IO[str]) -> bool:
    """Try to take the lock; returns whether this program holds it. The system releases it when the last holder ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass  # a network disk without locks: go on without one
    return True


@contextlib.contextmanager
def crew(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of the set-up; if this one is interrupted, end it with everything that it has started."""
    apart = out_of_reach()
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, close_fds=False, **options, **apart)
    try:
        yield process
        process.wait()
    except BaseException:
        end_all(process)
        raise


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End a program started with `out_of_reach`, and everything that it has started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
        process.wait()
        return
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)


def out_of_reach() -> dict[str, Any]:
    """Options for Popen that keep Ctrl-C from a program, so that only this one receives it and ends it cleanly."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
