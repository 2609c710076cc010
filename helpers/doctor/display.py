"""A diagnosis in a notebook: verdict and evidence as text, the layers as a picture.

A package that holds the doctor as one of its parts may show it with its own pictures: it then has a module
`panels.doctor`. Standing alone, the doctor draws with plotly where that is installed.
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
    """A picture that is drawn again while the cell below it runs."""

    def show(self, history: WatchHistory) -> None:
        """Draw what was recorded so far."""


def host() -> ModuleType | None:
    """The pictures of the package that holds the doctor; None where it stands alone."""
    parent = str(__package__).rpartition(".")[0]
    return import_module(f"{parent}.panels.doctor") if parent else None


def show(text: str, layers: Sequence[LayerReading], title: str) -> None:
    """Show the text, then the layers as a picture. Figures and widgets are loaded here, and not with the doctor."""
    own = host()
    if own is not None:
        own.show(text, layers, title)
        return
    from IPython.display import HTML, display

    display(HTML(text))
    if layers and pictures.can_draw():
        display(pictures.layers(layers, title))


def live_picture(layers: Sequence[str], every: int) -> LivePicture | None:
    """An empty picture under the cell that runs; None where there is nothing to draw it with."""
    own = host()
    if own is not None:
        picture: LivePicture = own.LayersPicture(layers, every)
        sys.modules["IPython"].display.display(picture)
        return picture
    return _Redrawn() if pictures.can_draw() else None


class _Redrawn:
    """A plotly figure whose place in the notebook is filled anew."""

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
    """Verdict, findings and notes."""
    parts = [
        f"<p style='font-size:1.4em;margin:0.2em 0'>Verdict: <b>{verdict}</b></p>",
        f"<p>{escape(summary)}.</p>",
        *(_finding(finding) for finding in findings),
        *(f"<p>Note: {escape(note)}</p>" for note in notes),
    ]
    return f"<div style='line-height:1.45;max-width:60em'>{''.join(parts)}</div>"


def escape(text: str) -> str:
    """Text as HTML shows it."""
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
