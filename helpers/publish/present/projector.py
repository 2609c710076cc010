"""A panel alone over the whole screen, with a live kernel, by Voila."""

from __future__ import annotations

import json
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import ipywidgets

from helpers.panels import PANELS, Panel
from helpers.publish.present.serving import LOOPBACK, PresentError, show

FILES = Path(__file__).parent
STAGE = FILES / "projector.html"
PATIENCE = 120.0  # seconds


def panel_of(lesson: str, name: str = "") -> str:
    """The panel of a lesson that has this name, or its main one; PresentError where there is none."""
    names = PANELS.get(lesson, [])
    if not names:
        raise PresentError(f"Lesson {lesson} has no panel of its own: leave out --panel for its slides.")
    if name and name not in names:
        raise PresentError(f"Lesson {lesson} has no panel {name!r}: use one of {', '.join(names)}.")
    return name or names[0]


def on_stage(panel: Panel) -> ipywidgets.Widget:
    """A panel laid out for a projector: what is moved on the left, what is seen on the right."""
    style = ipywidgets.HTML(f"<style>{(FILES / 'projector.css').read_text(encoding='utf-8')}</style>")
    style.layout.display = "none"
    return ipywidgets.VBox([style, panel])


def write_stage(folder: Path, panel: str) -> None:
    """Write the notebook with the panel, and the page that shows it as large as the screen allows."""
    imports = "from helpers import panels\nfrom helpers.publish.present.projector import on_stage"
    source = f"{imports}\n\non_stage(panels.{panel}())"
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "panel",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "panel.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / STAGE.name).write_text(STAGE.read_text(encoding="utf-8"), encoding="utf-8")


def project(panel: str, port: int, browser: bool) -> None:
    """Show a panel until Ctrl-C."""
    from voila.app import Voila

    class WithoutNetwork(Voila):
        """Voila with our template before its own."""

        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(FILES / "voila"))

    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        write_stage(folder, panel)
        threading.Thread(target=_announce, args=(port, browser), daemon=True).start()
        settings = [
            f"--Voila.ip={LOOPBACK}", f"--port={port}", "--Voila.port_retries=0", "--no-browser",
            "--Voila.log_level=40", "--VoilaConfiguration.file_allowlist=projector.html",
            "--Voila.kernel_websocket_connection_class=helpers.server.PromptConnection",
        ]  # fmt: skip
        WithoutNetwork.launch_instance([place, *settings])


def _announce(port: int, browser: bool) -> None:
    """Open the page once the server answers."""
    url = f"http://{LOOPBACK}:{port}/voila/files/{STAGE.name}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return show(url, browser)
    print(f"The server does not answer on port {port}: allow it in your firewall, or give another with --port.")
