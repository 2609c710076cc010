"""The result of `diagnose`: readings of every layer, findings with their evidence, and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import fill, wrap

from . import display
from .readings import Finding, LayerReading, evidence_in_words, shortened

COLUMNS = 80
ROWS_PRINTED = 40


@dataclass(frozen=True)
class Diagnosis:
    """The result of `diagnose`: `print(diagnosis)` in a terminal, `diagnosis.show()` in a notebook.

    layers: a reading for every call of a layer, in order of execution
    findings: all findings, the worst first; empty for a healthy model
    notes: observations that are worth knowing but are no fault
    loss: the loss that was measured
    parameters, learning: the number of parameters (scalars), and how many of them require a gradient
    coverage: the share of the weights with a gradient at whose layer the signal was read
    examined: whether that share is large enough to call a model healthy
    """

    layers: tuple[LayerReading, ...]
    findings: tuple[Finding, ...]
    loss: float
    model: str
    parameters: int
    learning: int
    notes: tuple[str, ...] = field(default=())
    coverage: float = 1.0
    examined: bool = True

    @property
    def verdict(self) -> str:
        """The worst finding's name, or "healthy"; "not examined" if the signal was read at too few layers."""
        if self.findings:
            return self.findings[0].verdict
        return "healthy" if self.examined else "not examined"

    @property
    def healthy(self) -> bool:
        """Whether there is no finding, and the signal was read at enough layers to say so."""
        return not self.findings and self.examined

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def show(self) -> None:
        """Show the verdict, the evidence and a picture of all layers in a notebook."""
        text = display.as_html(self.verdict, self._summary(), self.findings, self.notes)
        display.show(text, self.layers, f"{self.model}: {self.verdict}")

    def _summary(self) -> str:
        return f"{self.model}, {self.parameters:,} parameters, {self.learning:,} of them learn; loss {self.loss:.4g}"

    def _lines(self) -> Iterator[str]:
        yield f"Verdict: {self.verdict}"
        yield self._summary()
        for number, finding in enumerate(self.findings, 1):
            yield ""
            yield from _indented(f"{number}. {finding.verdict}: {finding.summary}", "   ", "")
            yield from _indented(f"evidence:  {evidence_in_words(finding)}", " " * 14)
            yield from _indented(f"threshold: {finding.threshold.meaning} ({finding.threshold.source})", " " * 14)
            yield from _indented(f"remedy:    {finding.remedy}", " " * 14)
            yield f"   lesson:    notebooks/{finding.lesson}"
        for note in self.notes:
            yield ""
            yield from _indented(f"Note: {note}", "      ", "")
        if self.layers:
            yield ""
            yield from self._table()

    def _table(self) -> Iterator[str]:
        numbers = f"{'signal':>8}{'gradient':>9}{'/weight':>8}{'mean':>7}{'std':>7}{'flat':>6}"
        yield f"{'layer, input first':<23}{'type':<12}{numbers}"
        half = ROWS_PRINTED // 2
        left_out = len(self.layers) - ROWS_PRINTED
        for place, layer in enumerate(self.layers):
            if left_out > 0 and half <= place < len(self.layers) - half:
                if place == half:
                    yield f"… {left_out:,} layers in between are left out; diagnosis.layers has all of them"
                continue
            yield _row(layer)
        yield fill(
            "signal ‖∂L/∂output‖, gradient ‖∂L/∂θ‖, /weight ‖∂L/∂θ‖/‖θ‖; mean, std of the output; flat: saturated "
            "elements or dead units.",
            COLUMNS,
        )


def _row(layer: LayerReading) -> str:
    flat = layer.dead if layer.saturated != layer.saturated else layer.saturated
    gradient = "frozen" if layer.status == "frozen" else _cell(layer.gradient_norm, ".1e")
    if layer.status in ("detached", "unused"):
        gradient = layer.status
    if layer.status == "unregistered":
        gradient = "unlisted"  # by model.parameters()
    if layer.status == "not called":
        gradient = "no call"
    return (
        f"{shortened(layer.label, 22):<23}{shortened(layer.type, 11):<12}{_cell(layer.signal_norm, '.1e'):>8}"
        f"{gradient:>9}{_cell(layer.gradient_to_weight, '.0e'):>8}{_cell(layer.activation_mean, '.1g'):>7}"
        f"{_cell(layer.activation_std, '.1g'):>7}{_cell(flat, '.0%'):>6}"
    )


def _cell(value: float, form: str) -> str:
    return "–" if value != value else f"{value:{form}}"


def _indented(text: str, later: str, first: str = "   ") -> list[str]:
    return wrap(text, COLUMNS, initial_indent=first, subsequent_indent=later, break_long_words=False)
