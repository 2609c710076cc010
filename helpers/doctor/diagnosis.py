"""What `diagnose` answers: readings of every layer, findings with their evidence, a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill, wrap

VERDICTS = ("non-finite", "detached", "dead", "saturated", "shattered", "exploding", "vanishing", "healthy")
"""All verdicts there are; `healthy` is the one without a finding."""

COLUMNS = 80
ROWS_PRINTED = 40


@dataclass(frozen=True)
class Threshold:
    """A number that evidence is held against: what it means, and where it comes from."""

    value: float
    meaning: str
    source: str


@dataclass(frozen=True)
class LayerReading:
    """One call of a layer, read in one forward and one backward pass. What doesn't apply is nan.

    name: the module's path in the model; an activation called as a function is `path.relu()`
    type: the module's class, or "function"
    call: 1 for the first time that the layer is called, and so on; 0 for parameters that no called layer holds
    status: "learns"; "frozen" (no parameter asks for a gradient); "detached" (its parameters ask for one and get
        none); "unused" (so too, since the loss has no use for the layer); "not called"; "no parameters"
    parameters: how many numbers it holds
    gradient_norm: ‖∂L/∂θ‖ over its own parameters θ, Frobenius, of all its calls together
    gradient_to_weight: ‖∂L/∂θ‖ / ‖θ‖ over those that get a gradient
    signal_norm: ‖∂L/∂output‖, Frobenius over the whole batch
    steps: ‖∂L/∂x_t‖ for every time step of the input, of a recurrent module that learns; else empty
    activation_mean, activation_std: of all the numbers in the output
    spread: root mean square of the output's difference from its mean over the samples
    saturated: share of elements on the flat parts of a squashing activation (slope below 1 % of its largest)
    dead: share of a rectifier's units that are flat for every sample; `units` is how many there are
    finite: whether output and signal hold neither nan nor infinity
    underflow: whether the signal is below what can be read, and 0 stands for it
    """

    name: str
    type: str
    call: int
    status: str
    parameters: int
    gradient_norm: float = math.nan
    gradient_to_weight: float = math.nan
    signal_norm: float = math.nan
    steps: tuple[float, ...] = ()
    activation_mean: float = math.nan
    activation_std: float = math.nan
    spread: float = math.nan
    saturated: float = math.nan
    dead: float = math.nan
    units: int = 0
    finite: bool = True
    underflow: bool = False

    @property
    def label(self) -> str:
        """The name, and which call it is after the first."""
        return self.name if self.call <= 1 else f"{self.name} #{self.call}"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: the evidence, the threshold that it passed, and what to do.

    `evidence` holds the measured numbers by name, `layers` the labels of the layers where it was seen, `lesson` the
    file name in notebooks/ of the lesson that explains it.
    """

    verdict: str
    summary: str
    evidence: Mapping[str, float]
    threshold: Threshold
    remedy: str
    lesson: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """The answer of `diagnose`: `print(diagnosis)` in a terminal, `diagnosis.show()` in a notebook.

    layers: a reading for every call of a layer, in order of execution
    findings: all that is wrong, the worst first; empty for a healthy model
    notes: what is worth knowing and no illness
    loss: the loss that was measured
    parameters, learning: how many numbers the model holds, and how many of them ask for a gradient
    """

    layers: tuple[LayerReading, ...]
    findings: tuple[Finding, ...]
    loss: float
    model: str
    parameters: int
    learning: int
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """The worst finding's name, or "healthy"."""
        return self.findings[0].verdict if self.findings else "healthy"

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def show(self) -> None:
        """Show verdict, evidence and the by-layer picture in a notebook."""
        from helpers.doctor.display import show

        show(self)

    def _lines(self) -> Iterator[str]:
        yield f"Verdict: {self.verdict}"
        yield f"{self.model}, {self.parameters:,} parameters, {self.learning:,} of them learn; loss {self.loss:.4g}"
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
                    yield f"… {left_out:,} layers in between are left out here; diagnosis.layers has them all"
                continue
            yield _row(layer)
        yield fill(
            "signal ‖∂L/∂output‖, gradient ‖∂L/∂θ‖, /weight ‖∂L/∂θ‖/‖θ‖; mean, std of the output; flat: saturated "
            "elements or dead units.",
            COLUMNS,
        )


def evidence_in_words(finding: Finding) -> str:
    """The measured numbers of a finding, and where they were seen."""
    numbers = "; ".join(f"{name}: {number(value)}" for name, value in finding.evidence.items())
    if not finding.layers:
        return numbers
    return f"{numbers}; in {some(finding.layers)}"


def some(labels: Sequence[str]) -> str:
    """The first three labels, and how many more there are."""
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3:,} more" if len(labels) > 3 else "")


def number(value: float) -> str:
    """Four significant digits where they are read at a glance, powers of ten elsewhere."""
    if value != value or value == 0 or 1e-3 <= abs(value) < 1e4 or math.isinf(value):
        return f"{value:.3g}" if abs(value) < 100 or not float(value).is_integer() else f"{value:.0f}"
    return f"{value:.1e}"


def _row(layer: LayerReading) -> str:
    flat = layer.dead if layer.saturated != layer.saturated else layer.saturated
    gradient = "frozen" if layer.status == "frozen" else _cell(layer.gradient_norm, ".1e")
    if layer.status in ("detached", "unused"):
        gradient = layer.status
    if layer.status == "not called":
        gradient = "no call"
    return (
        f"{shortened(layer.label, 22):<23}{shortened(layer.type, 11):<12}{_cell(layer.signal_norm, '.1e'):>8}"
        f"{gradient:>9}{_cell(layer.gradient_to_weight, '.0e'):>8}{_cell(layer.activation_mean, '.1g'):>7}"
        f"{_cell(layer.activation_std, '.1g'):>7}{_cell(flat, '.0%'):>6}"
    )


def _cell(value: float, form: str) -> str:
    return "–" if value != value else f"{value:{form}}"


def shortened(name: str, width: int) -> str:
    """A name that fits, with its end, which tells layers apart."""
    return name if len(name) <= width else "…" + name[1 - width :]


def _indented(text: str, later: str, first: str = "   ") -> list[str]:
    return wrap(text, COLUMNS, initial_indent=first, subsequent_indent=later, break_long_words=False)
