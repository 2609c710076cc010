"""A private JupyterLab and a Chromium to drive it: no state of the user's gets in, and nothing leaves the machine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, ConsoleMessage, Page

from helpers.publish.access import Access
from helpers.publish.present.serving import page_server

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-background-timer-throttling",
]
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of sight are not rendered
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
}

DISABLED = ["@jupyterlab/debugger-extension"]
"""It complains on the console about a kernel that is restarted or shut down while it asks for its state."""


FITS = """({ live, clientWidth, dataset }) =>
  dataset.phase === 'rest' && live.width === clientWidth &&
  Math.abs(live.plot.querySelector('.main-svg').getBoundingClientRect().width - live.plot.clientWidth) < 2"""
"""Whether a live figure stands still and is drawn for the width that it has."""
LAID_OUT = f"""() => {{
  const {{ right }} = window.jupyterapp.shell.currentWidget.node.getBoundingClientRect();
  const figures = [...document.querySelectorAll('.live-figure')].filter(each => each.clientWidth);
  return right <= innerWidth && right > innerWidth - 60 && figures.every({FITS}); }}"""
"""Whether JupyterLab and all figures have taken the width of the window, but for the bar at its right edge."""
DRAWN_OUT = """async () => {
  for (const { live } of document.querySelectorAll('.live-figure')) await live?.picture.queue; }"""

BUSY = "[anywidget] Failed to initialize model."
"""What anywidget logs where a model takes more than two seconds, as was seen on a busy machine. Whether each such model
comes up later was not examined; the tests that move a control would fail where its picture stood still."""


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether a message of the console is an error of the course's making."""
    return message.type == "error" and message.text != BUSY


def find_chromium() -> str | None:
    """Path of a Chromium on this machine, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def private_environment(folder: Path) -> dict[str, str]:
    """An environment whose Jupyter, IPython and course folders lie under `folder`."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTER_DATA_DIR": "data",
        "IPYTHONDIR": "ipython",
        "GRADIENT_COURSE_HOME": "course",
    }
    more = {name: str(folder / place) for name, place in places.items()}
    return {**os.environ, **more, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def serve(
    command: list[str],
    url: str,
    ready: str,
    folder: Path,
    cwd: Path | None = None,
    seconds: float = 120,
    more: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a server until the block ends, with `more` in its environment; wait until `url + ready` answers."""

    def answers(_: str) -> str | None:
        try:
            urllib.request.urlopen(url + ready, timeout=2).close()
        except OSError:
            return None
        return url

    with _server(command, folder, cwd, answers, seconds, more) as found:
        yield found


def serve_announced(command: list[str], folder: Path, cwd: Path = ROOT) -> contextlib.AbstractContextManager[str]:
    """Run a server until the block ends; gives the address that it prints once it is open."""

    def printed(output: str) -> str | None:
        found = re.search(r" is open at (\S+)\n", output)
        return found[1] if found else None

    return _server(command, folder, cwd, printed)


@contextlib.contextmanager
def _server(
    command: list[str],
    folder: Path,
    cwd: Path | None,
    address: Callable[[str], str | None],
    seconds: float = 120,
    more: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a server until the block ends; `address` finds its address, perhaps in what it has printed, once it is up."""
    log = folder / "server.log"
    environment = {**private_environment(folder), **(more or {})}
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + seconds
        while (found := address(log.read_text())) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up:\n{log.read_text()}")
            time.sleep(0.2)
        yield found
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Ask a program to end, and end it by force where it hasn't after 20 seconds."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


@contextlib.contextmanager
def serve_pages(folder: Path) -> Iterator[str]:
    """The address of a server of these files, as `start.py present` serves its slides."""
    access = Access(free_port())
    with page_server(folder, access) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield access.url.rstrip("/")
        server.shutdown()


def start_lab(root: Path, folder: Path, *more: str) -> contextlib.AbstractContextManager[str]:
    """A JupyterLab over the notebooks in `root`, with settings of its own in `folder`; gives its address."""
    for name, setting in SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(setting))
    page = folder / "config" / "labconfig" / "page_config.json"  # `config` is the private environment's
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)}))
    port = free_port()
    options = {
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": root,
        "ServerApp.password": "",
        "IdentityProvider.token": "",
        "LabApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": None,
        "LabApp.user_settings_dir": folder / "settings",
        "LabApp.workspaces_dir": folder / "workspaces",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    return serve([*command, *more], f"http://127.0.0.1:{port}", "/api/status", folder)


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


class Sheet:
    """A browser page with a notebook in it, and all that went wrong on it."""

    keep_kernel = False

    def __init__(self, browser: Browser, url: str, width: int = 1280, height: int = 1000) -> None:
        self.url = url
        self.page = self._new_page(browser, width, height)
        self.console: list[str] = []
        self.outside: list[str] = []
        self.received = 0
        self.listeners: dict[str, Callable[[Any], None]] = {
            "console": lambda m: self.console.append(m.text) if is_complaint(m) else None,
            "pageerror": lambda error: self.console.append(str(error)) if str(error) != BUSY else None,
            "request": self._note_request,
            "websocket": lambda ws: ws.on("framereceived", self._count),
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)  # type: ignore[call-overload]

    def _new_page(self, browser: Browser, width: int, height: int) -> Page:
        return browser.new_context(viewport={"width": width, "height": height}).new_page()

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:")) and "127.0.0.1" not in request.url:
            self.outside.append(request.url)

    def _count(self, payload: str | bytes) -> None:
        self.received += len(payload)

    def open(self, notebook: str) -> None:
        """Open a notebook alone on the page, and wait for its kernel."""
        self.page.goto(f"{self.url}/doc/tree/{notebook}?reset")
        self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for(timeout=60_000)
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        self.page.wait_for_function(
            """() => { const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
                       return kernel?.connectionStatus === 'connected' && kernel.status === 'idle'; }""",
            timeout=60_000,
        )

    def run_all(self, timeout: float = 300_000) -> None:
        """Run all cells; RuntimeError tells which of them raised."""
        self.page.evaluate(
            """() => { window.ranAll = false;
                       window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => window.ranAll = true);
                     }"""
        )
        self.page.wait_for_function(
            """() => { const sheet = window.jupyterapp.shell.currentWidget;
                       if (!window.ranAll) return false;
                       const cells = sheet.content.widgets.filter(
                         c => c.model.type === 'code' && c.model.sharedModel.getSource().trim());
                       return sheet.sessionContext.session.kernel.status === 'idle' &&
                         (cells.every(c => c.model.executionState !== 'running' && c.model.executionCount) ||
                          cells.some(c => c.model.outputs.toJSON().some(o => o.output_type === 'error'))); }""",
            timeout=timeout,
        )
        raised = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((c, i) =>
                 (c.model.type === 'code' ? c.model.outputs.toJSON() : [])
                   .filter(o => o.output_type === 'error').map(o => `cell ${i}: ${o.ename}: ${o.evalue}`))"""
        )
        if raised:
            raise RuntimeError("; ".join(raised))

    def wait_for_rest(self, count: int = 1, timeout: float = 60_000) -> None:
        """Wait until `count` live figures stand still, drawn by Plotly."""
        self.page.wait_for_function(
            """count => { const all = [...document.querySelectorAll('.live-figure')];
                          return all.length >= count && all.every(e => e.dataset.phase === 'rest'); }""",
            arg=count,
            timeout=timeout,
        )

    def resize(self, width: int, height: int) -> None:
        """Give the window a size, and wait until JupyterLab and all figures have taken it."""
        self.page.set_viewport_size({"width": width, "height": height})
        for _ in range(2):  # a figure's place may change once more when another one is drawn
            self.page.wait_for_function(LAID_OUT, timeout=60_000)
            self.page.evaluate(DRAWN_OUT)

    def close(self) -> None:
        self.page.context.close()


class SharedSheet(Sheet):
    """A sheet in a JupyterLab page that serves many tests one after another: loading JupyterLab takes seconds.

    What is open is closed with the sheet, its kernel too where `keep_kernel` isn't set.
    """

    def __init__(self, page: Page, url: str, width: int = 1280, height: int = 1000) -> None:
        self.shared = page
        super().__init__(page.context.browser, url, width, height)  # type: ignore[arg-type]

    def _new_page(self, browser: Browser, width: int, height: int) -> Page:
        self.shared.set_viewport_size({"width": width, "height": height})
        return self.shared

    def open(self, notebook: str) -> None:
        """Open a notebook as the only one, and wait for its kernel."""
        if not self.page.evaluate("() => window.isShared === true"):  # a new page, or one that a test has reloaded
            self.page.goto(f"{self.url}/lab?reset")
            self.page.wait_for_function("() => window.jupyterapp?.restored", timeout=60_000)
            self.page.evaluate(
                """async () => { const { restored, shell } = window.jupyterapp;
                                 await restored;
                                 shell.mode = 'single-document';
                                 shell.collapseLeft();
                                 shell.collapseRight();
                                 window.isShared = true; }"""
            )
        self._clear(keep_kernel=True)
        self.page.mouse.move(0, 0)  # a pointer left over a figure brings out its buttons
        self.page.evaluate(
            """async path => { const sheet = await window.jupyterapp.commands.execute(
                                 'docmanager:open', { path, factory: 'Notebook' });
                               await sheet.revealed; }""",
            notebook,
        )
        self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for(timeout=60_000)
        self.wait_for_kernel()

    def _clear(self, keep_kernel: bool) -> None:
        self.page.evaluate(
            """async keep => { for (const sheet of [...(window.jupyterapp?.shell.widgets('main') ?? [])]) {
                                 if (!keep) await sheet.sessionContext?.shutdown();
                                 sheet.dispose(); } }""",
            keep_kernel,
        )

    def close(self) -> None:
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self._clear(self.keep_kernel)
