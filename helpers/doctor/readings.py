"""What `diagnose` reads and finds: readings of layers, thresholds, findings with their evidence, and their words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VERDICTS = (
    "non-finite",
    "data",
    "loss",
    "unregistered",
    "detached",
    "symmetric",
    "blocked",
    "dead",
    "saturated",
    "shattered",
    "exploding",
    "vanishing",
    "not examined",
    "healthy",
)
"""All verdicts there are; the last two are those without a finding."""


@dataclass(frozen=True)
class Threshold:
    """A number that evidence is held against: what it means, and where it comes from."""

    value: float
    meaning: str
    source: str


@dataclass(frozen=True)
class LayerReading:
    """One call of a layer, read in one forward and one backward pass. What doesn't apply is nan.

    name: the module's path in the model; an activation called as a function is `path.relu()`; a function that is
        called with a matrix of its own has the matrix' name
    type: the module's class, or "function"
    call: 1 for the first time that the layer is called, and so on; 0 for parameters that no called layer holds
    status: "learns"; "frozen" (no parameter asks for a gradient); "detached" (its parameters ask for one and get
        none); "unused" (so too, since the loss has no use for the layer); "unregistered" (model.parameters() doesn't
        have its parameters, so that no optimizer gets them); "not called"; "no parameters"
    parameters: how many numbers it holds
    gradient_norm: ‖∂L/∂θ‖ over its own parameters θ, Frobenius, of all its calls together
    gradient_to_weight: ‖∂L/∂θ‖ / ‖θ‖ over those that get a gradient
    signal_norm: ‖∂L/∂output‖, Frobenius over the whole batch
    steps: ‖∂L/∂x_t‖ for every time step of the input, of a recurrent module that learns; else empty
    activation_mean, activation_std: of all the numbers in the output
    spread: root mean square of the output's difference from its mean over the samples
    saturated: share of elements where the slope is below 1 % of the activation's largest; nan for a rectifier
    dead: share of a rectifier's units that are 0 for every sample; `units` is how many there are
    squashes: whether the activation is flat on both sides, as sigmoid and tanh are
    one_hot: of a softmax, the share of its rows with one entry above 99 %
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
    squashes: bool = False
    one_hot: float = math.nan
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
    file name in notebooks/ of the lesson that explains it, `kind` what it is about: "gradient", "data", "loss" or
    "training". `began` is the step of a training at which it began; None where one batch was examined.
    """

    verdict: str
    summary: str
    evidence: Mapping[str, float]
    threshold: Threshold
    remedy: str
    lesson: str
    layers: tuple[str, ...] = ()
    kind: str = "gradient"
    began: int | None = None


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


def shortened(name: str, width: int) -> str:
    """A name that fits, with its end, which tells layers apart."""
    return name if len(name) <= width else "…" + name[1 - width :]
