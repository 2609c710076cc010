#!/usr/bin/env python3
"""Sets the course up and starts it; `python start.py --help` lists the words it knows.

Needs nothing but Python itself. Everything it installs goes into the folder `.venv` beside this file.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that the pinned packages are built for
if not OLDEST <= sys.version_info[:2] <= NEWEST:
    sys.exit(
        "start.py: This course needs Python 3.11 or newer, up to 3.14, and this is Python %d.%d: "
        % sys.version_info[:2]
        + "get one from https://www.python.org/downloads/ and start again with it, "
        + "for instance `python3.13 start.py` (on Windows `py -3.13 start.py`)."
    )

# Up to here any Python 3 must be able to run this file, and all of it must be able to read it.
import argparse
import collections
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "course.json"  # what the last set-up installed
SETUP_LOG = VENV / "setup.log"
LOCK = ROOT / ".venv.lock"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
ROOM_NEEDED, ROOM_TO_UPDATE = 3.0, 0.5  # GB
USUAL_PORT, PORTS_TRIED = 8888, 50
LAB_PATIENCE = 180.0  # seconds JupyterLab gets to answer: the first start on a slow disk takes long
GRACE = 10.0  # seconds a program gets to end by itself


class Problem(Exception):
    """Something is missing; the message is a sentence that says what, and what to do about it."""


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


# What is installed, and what is wanted


def venv_python() -> Path:
    """The interpreter inside `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def python_in_venv() -> str | None:
    """The version of the Python in `.venv`, or None where it doesn't run or has no pip."""
    question = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([venv_python(), "-c", question], capture_output=True, text=True)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def read_stamp() -> dict[str, Any]:
    """What the last set-up left behind; empty where there is none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, Any]) -> None:
    """Writes the stamp in one step: it is there whole or not at all."""
    draft = STAMP.with_suffix(".new")
    draft.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    os.replace(draft, STAMP)


def digest(name: str) -> str:
    """A fingerprint of one file of the course."""
    try:
        return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    except OSError as error:
        raise Problem(
            f"Cannot read {name} ({error.strerror}): bring it back with `git checkout -- {name}`, "
            "or download the course again."
        ) from error


def wanted_stamp(tests: bool, cpu_torch: bool) -> dict[str, Any]:
    """What the stamp says once all that is asked for is installed; what was asked for before stays."""
    before = read_stamp()
    return {
        "finished": True,
        "folder": str(ROOT),
        "python": python_in_venv(),
        "requirements": digest("requirements.txt"),
        "test_tools": digest("pyproject.toml") if tests or before.get("test_tools") else None,
        "cpu_torch": cpu_torch or bool(before.get("cpu_torch")),
    }


def is_ready(tests: bool, cpu_torch: bool) -> bool:
    """Whether `.venv` holds all that is asked for, so that nothing is left to do."""
    found, wanted = read_stamp(), wanted_stamp(tests, cpu_torch)
    if not tests:  # test tools that lag behind keep nobody from learning
        wanted["test_tools"] = found.get("test_tools")
    return wanted["python"] is not None and found == wanted


def why_afresh(found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """Why `.venv` must be made anew rather than mended by pip, or None where pip can mend it."""
    if not VENV.exists():
        return "there is none yet"
    if wanted["python"] is None:
        return "the one that is there is damaged"
    if not found:
        return None  # made by an editor or by hand: pip adds what is missing
    if not found.get("finished"):
        return "an earlier set-up was interrupted"
    if found.get("folder") != wanted["folder"]:
        return "the course has moved"
    if found.get("python") != wanted["python"]:
        return "Python has changed"
    if found.get("cpu_torch") != wanted["cpu_torch"]:
        return "it gets another torch"
    return None


# Setting up


def prepare(tests: bool = False, cpu_torch: bool = False) -> None:
    """Makes sure that `.venv` holds all that is asked for; does nothing where it does."""
    if is_ready(tests, cpu_torch):
        return
    with one_at_a_time():
        if is_ready(tests, cpu_torch):  # somebody else has done it while we waited
            return
        try:
            build(tests, cpu_torch)
        except KeyboardInterrupt:
            say("Stopped before the set-up was complete: the same command takes it up again.")
            raise
        except OSError as error:
            sentence = remedy(str(error))
            if sentence is None:
                raise
            raise Problem(sentence) from error


def build(tests: bool, cpu_torch: bool) -> None:
    """Makes or mends `.venv`."""
    found, wanted = read_stamp(), wanted_stamp(tests, cpu_torch)
    reason = why_afresh(found, wanted)
    check_room(ROOM_NEEDED if reason or not found else ROOM_TO_UPDATE)
    if reason:
        say(f"Making the folder .venv ({reason}). With its packages this takes a few minutes, and only this once.")
        advise_on_torch(wanted["cpu_torch"])
        make_venv()
        wanted["python"] = python_in_venv()
    else:
        say("Bringing the folder .venv up to date.")
    SETUP_LOG.unlink(missing_ok=True)
    if wanted["cpu_torch"]:
        pip_install(["--no-deps", "--index-url", CPU_TORCH_INDEX, torch_pin()], wanted)
    course = ".[test]" if wanted["test_tools"] else "."
    pip_install(["-r", "requirements.txt", "-e", course], wanted)
    keep_lab_quiet()
    write_stamp(wanted)
    say("The set-up is complete.")


def check_room(needed: float) -> None:
    """Doesn't begin what the disk has no room for."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise Problem(
            f"The disk has {free:.1f} GB free and the set-up needs {needed:g} GB: "
            "make room, or move the course to a bigger disk."
        )


def advise_on_torch(cpu_torch: bool) -> None:
    """Tells a Linux without a graphics card how not to download gigabytes meant for one."""
    if sys.platform == "linux" and not cpu_torch and not Path("/proc/driver/nvidia").exists():
        say("No NVIDIA card is seen here: `python start.py setup --cpu-torch` downloads some gigabytes less.")


def make_venv() -> None:
    """Makes an empty `.venv` in place of whatever was there."""
    release = "%d.%d" % sys.version_info[:2]
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Problem(
            f"This Python {release} lacks its venv module: on Debian and Ubuntu type "
            f"`sudo apt install python{release}-venv`, elsewhere install Python from https://www.python.org/downloads/."
        )
    try:
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise Problem(
            f"Cannot remove the old folder .venv ({error.strerror}): close JupyterLab and the editors and terminals "
            "that use it, and start again."
        ) from error
    # Started from an activated .venv, we stand on the folder just removed: build on the Python beneath it.
    beneath = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run([beneath, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode != 0 or python_in_venv() is None:
        report = made.stdout + made.stderr
        raise Problem(remedy(report) or f"Cannot make the folder .venv: {last_line(report)}")


def keep_lab_quiet() -> None:
    """Lets JupyterLab not ask for news and updates; whoever wants them can still switch them on."""
    settings = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    file = VENV / "share/jupyter/lab/settings/overrides.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def torch_pin() -> str:
    """The line of requirements.txt that names torch."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.strip() for line in lines if line.startswith("torch=="))


def pip_install(arguments: list[str], wanted: dict[str, Any]) -> None:
    """Runs pip in `.venv`, shows in one line how far it is, and keeps its report in a file."""
    command = [str(venv_python()), "-m", "pip", "install", "--progress-bar=off", "--no-input", *arguments]
    settings = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    recent: collections.deque[str] = collections.deque(maxlen=200)
    # pip keeps the lock open: should this program be killed, nobody clears .venv while pip still fills it.
    options = {"env": settings, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "close_fds": False}
    with open(SETUP_LOG, "a", encoding="utf-8") as log, Progress() as progress, child(command, 1.0, **options) as pip:
        for raw in pip.stdout or ():
            line = raw.decode("utf-8", "replace")
            if line.startswith("Installing collected packages"):
                write_stamp({**wanted, "finished": False})  # from here on, half a job must be seen to be one
            log.write(line)
            recent.append(line)
            progress.show(*pip_step(line))
    if pip.returncode != 0:
        report = "".join(recent)
        sentence = remedy(report) or f"pip could not install the packages: {last_line(report)}"
        raise Problem(f"{sentence} The full report is in {SETUP_LOG.relative_to(ROOT)}.")


def pip_step(line: str) -> tuple[str, bool]:
    """What a line of pip's says to a learner, and whether it is worth a line of its own."""
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
        r"No matching distribution found",
        "pip finds no package that fits: the course needs a 64-bit Python 3.11 to 3.14 on Linux, Windows or a Mac "
        "with Apple silicon, and a package index that has all of requirements.txt.",
    ),
]


def remedy(report: str) -> str | None:
    """The sentence for a failure that is known, or None."""
    return next((sentence for signs, sentence in REMEDIES if re.search(signs, report)), None)


def last_line(report: str) -> str:
    """The last line of a report that says something, errors first."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it gave no reason."])[-1]


class Progress:
    """One line that says what goes on and for how long, so that a long wait is seen to be alive."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.text = "starting"
        self.live = sys.stdout.isatty()
        self.over = threading.Event()
        self.clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
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
        """Takes the next step to show; without a terminal only the big ones are printed."""
        if self.live:
            self.text = text or self.text
        elif worth_a_line and text != self.text:
            self.text = text
            say(f"  {text}")

    def _tick(self) -> None:
        while not self.over.wait(0.25):
            minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
            self._write(f"  {minutes}:{seconds:02d}  {self.text}")

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print("\r" + text[:width].ljust(width), end="", flush=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Lets a second set-up in the same folder wait for the first."""
    try:
        handle = open(LOCK, "a")  # noqa: SIM115
    except OSError as error:
        raise Problem(
            f"Cannot write into the folder {ROOT} ({error.strerror}): move the course to a folder of your own."
        ) from error
    with handle:
        if not locked(handle):
            say("Another set-up is at work in this folder: waiting for it to end.")
            while not locked(handle):
                time.sleep(0.5)
        os.set_inheritable(handle.fileno(), True)
        yield


def locked(handle: IO[str]) -> bool:
    """Whether this program now holds the lock; the system takes it back when the last holder ends."""
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
        pass  # a network disk without locks: go on unguarded
    return True


@contextlib.contextmanager
def child(command: list[str], grace: float = GRACE, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs in the folder of the course and does not outlive this one."""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        for push in (process.terminate, process.kill):
            try:
                process.wait(grace)
                break
            except subprocess.TimeoutExpired:
                push()
        process.wait()


def environment() -> dict[str, str]:
    """The environment of everything that computes: one thread for each product of small matrices."""
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**threads, **os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}


def passes(command: list[str], **more: str) -> bool:
    """Runs a Python module of `.venv`, and tells whether it ended well."""
    with child([str(venv_python()), "-m", *command], env={**environment(), **more}) as process:
        while process.poll() is None:  # on Windows a plain wait would not hear Ctrl-C
            time.sleep(0.05)
    return process.returncode == 0


# JupyterLab


def free_port(asked: int | None) -> int:
    """The port asked for, or the first free one from the usual one on."""
    if asked is not None:
        if not is_free(asked):
            raise Problem(
                f"Port {asked} is taken by another program: leave out --port, "
                f"or give another such as `python start.py --port {asked % 65535 + 1}`."
            )
        return asked
    for port in range(USUAL_PORT, USUAL_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    raise Problem(
        f"All ports from {USUAL_PORT} to {USUAL_PORT + PORTS_TRIED - 1} are taken: "
        "give a free one, such as `python start.py --port 9999`."
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on this port."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def ask_lab(port: int, path: str, token: str, method: str = "GET") -> bool:
    """Whether the server on this port answers a request."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", method=method)
    request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5):
            return True
    except OSError:
        return False


def lab_command(port: int, browser: bool) -> list[str]:
    """The command line of a JupyterLab that asks nothing of the network."""
    settings = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={ROOT}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.kernel_websocket_connection_class=helpers.server.PromptConnection",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        settings.append("--allow-root")  # in a container root is often the only user
    return [str(venv_python()), "-m", "jupyterlab", *settings, FIRST_NOTEBOOK]


def open_lab(arguments: list[str]) -> int:
    """Set up what is missing and open JupyterLab at the first lesson."""
    parser = parser_of("", open_lab)
    add_lab_options(parser)
    options = parser.parse_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    if not (ROOT / FIRST_NOTEBOOK).exists():
        raise Problem(f"{FIRST_NOTEBOOK} is missing: bring it back with `git checkout -- notebooks`.")
    port = free_port(options.port)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    settings = {**environment(), "JUPYTER_TOKEN": token}
    stopped = False
    with tempfile.TemporaryFile() as log:
        outputs: dict[str, Any] = {"stdout": log, "stderr": subprocess.STDOUT}
        with child(lab_command(port, options.browser), env=settings, **outputs, **out_of_reach()) as lab:
            try:
                watch(lab, port, token)
            except KeyboardInterrupt:
                stopped = True
                say("\nStopping JupyterLab.")
            finally:
                if lab.poll() is None and not ask_lab(port, "api/shutdown", token, "POST"):
                    lab.terminate()
        log.seek(0)
        report = log.read().decode("utf-8", "replace")
    if lab.returncode != 0 and not stopped:
        raise Problem(
            f"JupyterLab has stopped by itself; its last words are below. If nothing else helps, delete the folder "
            f".venv and start again.\n{report[-2000:]}"
        )
    say("JupyterLab has stopped.")
    return 0


def out_of_reach() -> dict[str, Any]:
    """Keeps Ctrl-C from JupyterLab, so that it reaches this program alone, which then ends JupyterLab in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def watch(lab: subprocess.Popen[bytes], port: int, token: str) -> None:
    """Says when JupyterLab is there, and waits until it ends."""
    patience = time.monotonic() + LAB_PATIENCE
    while lab.poll() is None and not ask_lab(port, "api/status", token):
        if time.monotonic() > patience:
            raise Problem(
                f"JupyterLab does not answer on port {port}: allow it in your firewall, "
                f"or give another port such as `python start.py --port {port % 65535 + 1}`."
            )
        time.sleep(0.1)
    if lab.poll() is None:
        key = urllib.parse.quote(token, safe="")
        say(f"JupyterLab is open at http://127.0.0.1:{port}/lab/tree/{FIRST_NOTEBOOK}?token={key}")
        say("Press Ctrl-C here to stop it.")
    while lab.poll() is None:
        time.sleep(0.2)


# The words


def set_up(arguments: list[str]) -> int:
    """Only set up: make .venv and install what the course needs."""
    prepare(cpu_torch=parser_of("setup", set_up).parse_args(arguments).cpu_torch)
    say("Ready: `python start.py` opens the course.")
    return 0


def run_tests(arguments: list[str]) -> int:
    """Run all tests; what follows goes to pytest, as in `test -k quiz`. With --slow the slow ones too."""
    parser = parser_of("test", run_tests)
    parser.add_argument("--slow", action="store_const", const=["--slow"], default=[], help="run the slow tests too")
    options, chosen = parser.parse_known_args(arguments)
    prepare(tests=True, cpu_torch=options.cpu_torch)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home:
        own_home = {"GRADIENT_COURSE_HOME": home}  # the learner's own progress stays as it is
        if chosen:
            checks = {"the chosen tests": ["pytest", *options.slow, *chosen]}
        else:
            apart = ["-n", "2", "--dist", "loadscope"]  # the cells of a notebook stay together
            checks = {
                "ruff check": ["ruff", "check", "."],
                "ruff format": ["ruff", "format", "--check", "."],
                "mypy": ["mypy"],
                "tests and notebooks": ["pytest", "-m", "not browser", *apart, *options.slow],
                "browser tests": ["pytest", "-m", "browser", "tests", *options.slow],
            }
        failed = []
        for name, command in checks.items():
            say(f"\n== {name} ==")
            if not passes(command, **own_home):
                failed.append(name)
    say("\nFailed: " + ", ".join(failed) + "; the reasons stand above." if failed else "\nAll passed.")
    return 1 if failed else 0


def run_benchmarks(arguments: list[str]) -> int:
    """Measure the engine and the panels; what follows goes to the benchmarks."""
    options, chosen = parser_of("bench", run_benchmarks).parse_known_args(arguments)
    prepare(tests=True, cpu_torch=options.cpu_torch)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home:
        return 0 if passes(["tests.benchmarks", *chosen], GRADIENT_COURSE_HOME=home) else 1


def run_export(arguments: list[str]) -> int:
    """Write the quiz questions for Anki, Moodle (XML or GIFT) or paper."""
    parser = parser_of("export", run_export)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXPORT_EXAMPLES
    parser.add_argument("format", choices=EXPORTS, help="what to write: " + "; ".join(EXPORTS.values()))
    parser.add_argument("--to", type=Path, default=ROOT / "exports", metavar="FOLDER", help="where to write")
    parser.add_argument("--lesson", action="append", default=[], help="only this lesson, such as 03; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="order of the options, and numbers in the questions (0)")
    parser.add_argument("--questions", type=int, metavar="N", help="only N of the questions, drawn by the seed")
    options = parser.parse_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    command = ["helpers.publish.exports", options.format, "--to", str(options.to.absolute()), f"--seed={options.seed}"]
    command += [f"--lesson={lesson}" for lesson in options.lesson]
    if options.questions is not None:
        command.append(f"--questions={options.questions}")
    return 0 if passes(command) else 1


EXPORTS = {
    "anki": "anki.apkg, a deck of cards",
    "moodle": "moodle.xml for Moodle's question bank",
    "gift": "gift.txt, which other platforms read too",
    "paper": "paper.html to print, with paper_key.html",
}
EXPORT_EXAMPLES = """examples:
  python start.py export anki
  python start.py export moodle --lesson 03 --lesson 04 --to Desktop
  python start.py export paper --questions 12 --seed 7
"""


def build_site(arguments: list[str]) -> int:
    """Write all lessons as pages that need no Python: `site --to FOLDER`; with --quick no experiment is run."""
    parser = parser_of("site", build_site)
    parser.add_argument("--to", type=Path, default=ROOT / "site", metavar="FOLDER", help="where to write")
    options, chosen = parser.parse_known_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    return 0 if passes(["helpers.publish.site", "--to", str(options.to.resolve()), *chosen]) else 1


def build_lite(arguments: list[str]) -> int:
    """Write the course for JupyterLite, where Python runs in the browser, without PyTorch: `lite --to FOLDER`."""
    parser = parser_of("lite", build_lite)
    parser.add_argument("--to", type=Path, default=ROOT / "lite", metavar="FOLDER", help="where (default: lite)")
    parser.add_argument("--pyodide", type=Path, metavar="FOLDER", help="take Pyodide from here, not from the network")
    options = parser.parse_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    source = [f"--pyodide={options.pyodide.resolve()}"] if options.pyodide else []
    return 0 if passes(["helpers.publish.lite", "--to", str(options.to.resolve()), *source]) else 1


def present(arguments: list[str]) -> int:
    """Show a lesson as slides, as in `present 03`; with --panel its panel alone over the whole screen."""
    parser = parser_of("present", present)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = PRESENT_EXAMPLES
    parser.add_argument("lesson", help="the lesson's number, such as 03")
    parser.add_argument("--panel", nargs="?", const="", metavar="NAME", help="a panel alone, with a live kernel")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="only write the slides into this folder")
    parser.add_argument("--quick", action="store_true", help="run no experiment; their results are missing then")
    add_lab_options(parser)
    options = parser.parse_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    command = ["helpers.publish.present", options.lesson]
    command += [f"--panel={options.panel}"] if options.panel is not None else []
    command += ["--to", str(options.to.resolve())] if options.to else []
    command += [f"--port={options.port}"] if options.port else []
    command += [word for word, wanted in (("--quick", options.quick), ("--no-browser", not options.browser)) if wanted]
    try:
        return 0 if passes(command) else 1
    except KeyboardInterrupt:
        return 0  # the way to end it


PRESENT_EXAMPLES = """examples:
  python start.py present 03
  python start.py present 04 --panel
  python start.py present 04 --panel born_dead
  python start.py present 03 --to slides_for_the_usb_stick
"""

WORDS: dict[str, Callable[[list[str]], int]] = {
    "setup": set_up,
    "test": run_tests,
    "bench": run_benchmarks,
    "export": run_export,
    "site": build_site,
    "lite": build_lite,
    "present": present,
}


def parser_of(word: str, function: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    """A parser with the options that every word takes."""
    parser = argparse.ArgumentParser(
        f"python start.py {word}".strip(), description=function.__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--cpu-torch", action="store_true", help=f"install torch for the processor, from {CPU_TORCH_INDEX}"
    )
    return parser


def add_lab_options(parser: argparse.ArgumentParser) -> None:
    """The options of opening JupyterLab."""
    parser.add_argument(
        "--port", type=port_number, help=f"where JupyterLab listens (the first free one from {USUAL_PORT})"
    )
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser, print the address")


def port_number(text: str) -> int:
    """Reads a port from the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


def print_help() -> int:
    """Lists the words."""
    parser = parser_of("", open_lab)
    parser.usage = "python start.py [word] [options]"
    parser.description = "Without a word: " + str(open_lab.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "words:\n" + "\n".join(f"  {word:8}{function.__doc__}" for word, function in WORDS.items())
    add_lab_options(parser)
    parser.print_help()
    return 0


def act(arguments: list[str]) -> int:
    """Does what the command line asks for."""
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "help"):
        return print_help()
    if first in WORDS:
        return WORDS[first](arguments[1:])
    if first and not first.startswith("-"):
        raise Problem(f"No word {first!r} is known here: use one of {', '.join(WORDS)}, or none to open the course.")
    return open_lab(arguments)


def interrupt(*_: object) -> None:
    """Turns a request to end into what Ctrl-C does."""
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Acts, and puts every failure that is known into one sentence."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return act(arguments)
    except Problem as problem:
        print(f"start.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
