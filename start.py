#!/usr/bin/env python3
"""Sets the course up and starts it; `python start.py --help` lists its commands.

Needs only Python itself. Everything it installs goes into the folder `.venv` beside this file.
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

# Any Python 3 must be able to run the lines up to here, and to parse the whole file.
import os

HERE = os.path.dirname(os.path.abspath(__file__))
for entry in os.scandir(HERE):
    name, kind = os.path.splitext(entry.name)
    is_module = kind == ".py" or (not kind and os.path.exists(os.path.join(entry.path, "__init__.py")))
    if is_module and name in sys.stdlib_module_names:
        sys.exit(
            "start.py: %s, beside start.py, has the name of a module of Python's standard library and would be used "
            "instead of it: rename it or move it elsewhere, and start again." % entry.name
        )
if HERE not in sys.path:  # Python leaves it out where PYTHONSAFEPATH is set
    sys.path.insert(0, HERE)

# Up to here nothing is imported that a file with the same name in this folder could replace.
import argparse
import contextlib
import secrets
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from helpers.publish import commands
from helpers.publish.access import PortError, free_port
from helpers.virtual_environment import CPU_TORCH_INDEX, ROOT, Problem, out_of_reach, prepare, print_line, venv_python

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

USUAL_PORT = 8888
LAB_PATIENCE = 180.0  # seconds that JupyterLab may take to answer: the first start from a slow disk is slow
MINUTES, MINUTES_SLOW = 11, 20  # how long all tests take on two idle processors, without and with the slow ones
LEAST_MINUTES = 5  # how long the tests in the browser take, one after another
MOST_WORKERS = 8
GRACE = 10.0  # seconds that a program has to end before it is terminated


@contextlib.contextmanager
def child(command: list[str], grace: float = GRACE, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the course folder; it is ended when the block ends."""
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
    """The environment for programs that compute: matrices are small, so that one thread per product is fastest."""
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**threads, **os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}


def passes(command: list[str], **more: str) -> bool:
    """Run a Python module in `.venv`; returns whether it succeeded."""
    with child([str(venv_python()), "-m", *command], env={**environment(), **more}) as process:
        while process.poll() is None:  # on Windows a plain wait would miss Ctrl-C
            time.sleep(0.05)
    return process.returncode == 0


# JupyterLab


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
    """The command line of a JupyterLab that requests nothing from the network."""
    settings = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={ROOT}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.kernel_websocket_connection_class=helpers.server.PromptConnection",
        "--ServerApp.kernel_manager_class=helpers.server.LimitedKernels",
        "--ServerApp.identity_provider_class=helpers.server.OwnPagesOnly",
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
    port = free_port(options.port, USUAL_PORT)
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
                print_line("\nStopping JupyterLab.")
            finally:
                if lab.poll() is None and not ask_lab(port, "api/shutdown", token, "POST"):
                    lab.terminate()
        log.seek(0)
        report = log.read().decode("utf-8", "replace")
    if lab.returncode != 0 and not stopped:
        raise Problem(
            f"JupyterLab has stopped unexpectedly; the end of its output is below. If nothing else helps, delete the "
            f"folder .venv and start again.\n{report[-2000:]}"
        )
    print_line("JupyterLab has stopped.")
    return 0


def watch(lab: subprocess.Popen[bytes], port: int, token: str) -> None:
    """Print the address once JupyterLab answers, and wait until it ends."""
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
        print_line(f"JupyterLab is open at http://127.0.0.1:{port}/lab/tree/{FIRST_NOTEBOOK}?token={key}")
        print_line("Press Ctrl-C here to stop it.")
    while lab.poll() is None:
        time.sleep(0.2)


# The commands


def set_up(arguments: list[str]) -> int:
    """Only set up: make .venv and install what the course needs."""
    prepare(cpu_torch=parser_of("setup", set_up).parse_args(arguments).cpu_torch)
    print_line("Ready: `python start.py` opens the course.")
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
            apart = [f"--numprocesses={test_workers()}", "--dist=loadscope", "--no-loadscope-reorder"]
            checks = {
                "ruff check": ["ruff", "check", "."],
                "ruff format": ["ruff", "format", "--check", "."],
                "mypy": ["mypy"],
                "tests, notebooks, JavaScript and browser": ["pytest", *apart, *options.slow],
            }
            print_line(f"{len(checks)} steps. {time_of_tests(bool(options.slow or os.environ.get('CI')))}")
        failed, began = [], time.monotonic()
        for number, (name, command) in enumerate(checks.items(), 1):
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            print_line(f"\n== {name} == (step {number} of {len(checks)}, after {minutes}:{seconds:02d})")
            if not passes(command, **own_home):
                failed.append(name)
    print_line("\nFailed: " + ", ".join(failed) + "; see above for the reasons." if failed else "\nAll passed.")
    return 1 if failed else 0


def test_workers() -> int:
    """The number of processes that share the tests: one more than processors, since browser tests often wait."""
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS)


def time_of_tests(slow: bool) -> str:
    """A sentence that estimates how long all tests take here, from a measurement on two idle processors."""
    at_most = min(os.cpu_count() or 1, MOST_WORKERS)
    minutes = MINUTES_SLOW if slow else MINUTES
    here = max(minutes * 2 / at_most, LEAST_MINUTES)
    return f"They take about {here:.0f} minutes on {at_most} quiet processor{'s' if at_most > 1 else ''}."


def run_benchmarks(arguments: list[str]) -> int:
    """Measure the engine and the panels; what follows goes to the benchmarks."""
    options, chosen = parser_of("bench", run_benchmarks).parse_known_args(arguments)
    prepare(tests=True, cpu_torch=options.cpu_torch)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as home:
        return 0 if passes(["tests.benchmarks", *chosen], GRADIENT_COURSE_HOME=home) else 1


def hand_on(word: str, arguments: list[str]) -> int:
    """Set up what is missing, and pass a command line on to the module of `helpers.publish` that does the work."""
    parser, module = commands.WORDS[word]()
    add_torch_option(parser)
    options = parser.parse_args(arguments)
    prepare(cpu_torch=options.cpu_torch)
    words = [each for each in arguments if each != "--cpu-torch"]
    try:
        return 0 if passes([module, *words], **{commands.CALLED_FROM: os.getcwd()}) else 1
    except KeyboardInterrupt:
        if word == "present":
            return 0  # Ctrl-C is the normal way to end it
        raise


WORDS: dict[str, Callable[[list[str]], int]] = {
    "setup": set_up,
    "test": run_tests,
    "bench": run_benchmarks,
}


def parser_of(word: str, function: Callable[[list[str]], int]) -> argparse.ArgumentParser:
    """A parser with the option that every command takes."""
    parser = argparse.ArgumentParser(
        f"python start.py {word}".strip(), description=function.__doc__, allow_abbrev=False
    )
    add_torch_option(parser)
    return parser


def add_torch_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that every command takes."""
    parser.add_argument(
        "--cpu-torch", action="store_true", help=f"install torch for the processor, from {CPU_TORCH_INDEX}"
    )


def add_lab_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for opening JupyterLab."""
    parser.add_argument(
        "--port", type=commands.port_number, help=f"where JupyterLab listens (the first free one from {USUAL_PORT})"
    )
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser, print the address")


def print_help() -> int:
    """Print the help, with all commands."""
    parser = parser_of("", open_lab)
    parser.usage = "python start.py [command] [options]"
    parser.description = "Without a command: " + str(open_lab.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    words = {**WORDS, **commands.WORDS}
    parser.epilog = "commands:\n" + "\n".join(f"  {word:8}{function.__doc__}" for word, function in words.items())
    add_lab_options(parser)
    parser.print_help()
    return 0


def act(arguments: list[str]) -> int:
    """Run the command that the command line names."""
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "help"):
        return print_help()
    if first in WORDS:
        return WORDS[first](arguments[1:])
    if first in commands.WORDS:
        return hand_on(first, arguments[1:])
    if first and not first.startswith("-"):
        words = ", ".join([*WORDS, *commands.WORDS])
        raise Problem(f"Unknown command {first!r}: use one of {words}, or none to open the course.")
    return open_lab(arguments)


def listen_to_signals() -> None:
    """Exit cleanly on a signal, unless it was ignored from the start, as after `nohup` or `&` in a script.

    Programs started from here must still receive SIGINT, with which JupyterLab interrupts kernels. They inherit an
    ignored signal but not a handler, so an ignored SIGINT is replaced by a handler that does nothing.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            number = getattr(signal, name)
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)
            elif name == "SIGINT":
                signal.signal(number, lambda *_: None)


def main(arguments: list[str]) -> int:
    """Run the command, and print a sentence about a known kind of failure."""
    listen_to_signals()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return act(arguments)
    except (Problem, PortError) as problem:
        print(f"start.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
