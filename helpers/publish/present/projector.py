"""A panel alone over the whole screen, with a live kernel, served by Voila."""

from __future__ import annotations

import json
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import ipywidgets

from helpers.panels import PANELS, Panel
from helpers.publish.access import Access
from helpers.publish.folder import write_text
from helpers.publish.html import document
from helpers.publish.present.serving import PresentError, show

FILES = Path(__file__).parent
PAGE = "projector.html"
PAGE_FILES = (PAGE, "projector.js", "projector_page.css")
PAGE_BODY = """<p role="status">The panel is being made. The first time this takes up to 20 seconds.</p>
<iframe src="../../" title="The panel"></iframe>"""
PATIENCE = 120.0  # seconds


def panel_of(lesson: str, name: str = "") -> str:
    """The name of a lesson's panel, checked; its main panel if `name` is empty. PresentError where there is none."""
    names = PANELS.get(lesson, [])
    if not names:
        raise PresentError(f"Lesson {lesson} has no panel of its own: leave out --panel for its slides.")
    if name and name not in names:
        raise PresentError(f"Lesson {lesson} has no panel {name!r}: use one of {', '.join(names)}.")
    return name or names[0]


def for_projector(panel: Panel) -> ipywidgets.Widget:
    """A panel laid out for a projector: controls on the left, the figure on the right."""
    style = ipywidgets.HTML(f"<style>{(FILES / 'projector.css').read_text(encoding='utf-8')}</style>")
    style.layout.display = "none"
    return ipywidgets.VBox([style, panel])


def write_projector_page(folder: Path, panel: str) -> Path:
    """Write a notebook with the panel and a page that shows it as large as the screen allows; return the notebook.

    `panel` goes into the notebook's code, so it must be a name in `PANELS`.
    """
    imports = "from helpers import panels\nfrom helpers.publish.present.projector import for_projector"
    source = f"{imports}\n\nfor_projector(panels.{panel}())"
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
    write_text(folder / "panel.ipynb", json.dumps(notebook))
    for name in ("projector.js", "projector_page.css"):
        write_text(folder / name, (FILES / name).read_text(encoding="utf-8"))
    write_text(folder / PAGE, document("A panel of the course", PAGE_BODY, ["projector_page.css"], ["projector.js"]))
    return folder / "panel.ipynb"


def project(panel: str, port: int, browser: bool) -> None:
    """Show a panel until Ctrl-C."""
    from helpers.publish.present.panel_server import serve_panel

    access = Access(port)
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as place:
        notebook = write_projector_page(Path(place), panel)
        threading.Thread(target=_announce, args=(access, browser), daemon=True).start()
        serve_panel(notebook, access, list(PAGE_FILES))


def _announce(access: Access, browser: bool) -> None:
    """Open the page once the server answers."""
    url = f"{access.url}voila/files/{PAGE}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return show(url, browser)
    print(f"The server does not answer on port {access.port}: allow it in your firewall, or give another with --port.")
