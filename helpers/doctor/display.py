"""A diagnosis in a notebook: verdict and evidence as text, the layers as a picture."""

from __future__ import annotations

import html
from collections.abc import Sequence

from helpers.doctor.readings import Finding, LayerReading, evidence_in_words


def show(text: str, layers: Sequence[LayerReading], title: str) -> None:
    """Show the text, then the layers as a picture. Figures and widgets are loaded here, and not with the doctor."""
    import ipywidgets
    from IPython.display import display

    from helpers.figures.diagnosis import Readings, diagnosis_by_layer
    from helpers.panels import still

    display(ipywidgets.HTML(text))
    if layers:
        readings = Readings(
            labels=[layer.label for layer in layers],
            types=[layer.type for layer in layers],
            signal=[layer.signal_norm for layer in layers],
            gradient=[layer.gradient_norm for layer in layers],
            gradient_to_weight=[layer.gradient_to_weight for layer in layers],
            saturated=[layer.saturated for layer in layers],
            dead=[layer.dead for layer in layers],
        )
        display(still(diagnosis_by_layer(readings, title=title)))


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
    return (
        f"<p style='margin:0.6em 0 0.2em'><b>{finding.verdict}</b>: {escape(finding.summary)}</p><table>{cells}</table>"
    )
