"""Show a diagnosis in a notebook: verdict and evidence as text, the layers as a picture.

A package that contains the doctor can supply its own pictures in a module `panels.doctor`. On its own, the doctor draws
with plotly if that is installed.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Protocol

from . import pictures
from .history import WatchHistory
from .readings import Finding, LayerReading, evidence_in_words


class LivePicture(Protocol):
    """A picture that is redrawn while its cell runs."""

    def show(self, history: WatchHistory) -> None:
        """Draw everything recorded so far."""


def host() -> ModuleType | None:
    """Return the module `panels.doctor` of the package that contains the doctor; None if it is installed on its own."""
    parent = str(__package__).rpartition(".")[0]
    return import_module(f"{parent}.panels.doctor") if parent else None


def show(text: str, layers: Sequence[LayerReading], title: str) -> None:
    """Show the text, then the layers as a picture. Figures and widgets are imported only here."""
    own = host()
    if own is not None:
        own.show(text, layers, title)
        return
    from IPython.display import HTML, display

    display(HTML(text))
    if layers and pictures.can_draw():
        display(pictures.layers(layers, title))


def live_picture(layers: Sequence[str], every: int) -> LivePicture | None:
    """Show and return an empty picture under the running cell; None if neither the package nor plotly can draw one."""
    own = host()
    if own is not None:
        picture: LivePicture = own.LayersPicture(layers, every)
        sys.modules["IPython"].display.display(picture)
        return picture
    return _Redrawn() if pictures.can_draw() else None


class _Redrawn:
    """A plotly figure that replaces itself in the notebook's output."""

    def __init__(self) -> None:
        from IPython.display import display

        self._place = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, history: WatchHistory) -> None:
        self._place.update(pictures.steps(history))


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this program."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


def as_html(verdict: str, summary: str, findings: Sequence[Finding], notes: Sequence[str]) -> str:
    """Return verdict, findings and notes as HTML."""
    parts = [
        f"<p style='font-size:1.4em;margin:0.2em 0'>Verdict: <b>{verdict}</b></p>",
        f"<p>{escape(summary)}.</p>",
        *(_finding(finding) for finding in findings),
        *(f"<p>Note: {escape(note)}</p>" for note in notes),
    ]
    return f"<div style='line-height:1.45;max-width:60em'>{''.join(parts)}</div>"


def escape(text: str) -> str:
    """Return text escaped for HTML."""
    return html.escape(text, quote=False)


def _finding(finding: Finding) -> str:
    rows = {
        "evidence": escape(evidence_in_words(finding)),
        "threshold": escape(f"{finding.threshold.meaning} ({finding.threshold.source})"),
        "remedy": escape(finding.remedy),
        "lesson": f"<a href='{finding.lesson}' target='_blank'>{finding.lesson}</a>",
    }
    cells = "".join(
        f"<tr><td style='padding-right:1em;vertical-align:top'>{name}</td><td>{text}</td></tr>"
        for name, text in rows.items()
    )
    began = "" if finding.began is None else f" Since step {finding.began}."
    words = f"<b>{finding.verdict}</b>: {escape(finding.summary)}{began}"
    return f"<p style='margin:0.6em 0 0.2em'>{words}</p><table>{cells}</table>"
