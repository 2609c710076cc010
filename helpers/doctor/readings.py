"""The records that `diagnose` works with: readings of layers, thresholds, findings with their evidence."""

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
"""All verdicts of `diagnose`; the last two are those without a finding."""


@dataclass(frozen=True)
class Threshold:
    """A number that evidence is compared with, its meaning and its source."""

    value: float
    meaning: str
    source: str


@dataclass(frozen=True)
class LayerReading:
    """One call of a layer, read in one forward and one backward pass. Quantities that don't apply are nan.

    name: the module's path in the model; an activation called as a function is `path.relu()`; a function that is
        called with a matrix of its own has the matrix's name
    type: the module's class, or "function"
    call: 1 for the first call of the layer, and so on; 0 for parameters that no called layer holds
    status: "learns"; "frozen" (no parameter requires a gradient); "detached" (its parameters require one and get
        none); "unused" (they get none because the loss doesn't depend on the layer); "unregistered"
        (model.parameters() doesn't have its parameters, so no optimizer gets them); "not called"; "no parameters"
    parameters: the number of values in its parameters
    gradient_norm: ‖∂L/∂θ‖ over its own parameters θ, Frobenius, of all its calls together
    gradient_to_weight: ‖∂L/∂θ‖ / ‖θ‖ over those that get a gradient
    signal_norm: ‖∂L/∂output‖, Frobenius over the whole batch
    steps: ‖∂L/∂x_t‖ for every time step of the input, if this is a recurrent module that learns; otherwise empty
    activation_mean, activation_std: mean and standard deviation of all numbers in the output
    spread: root mean square of the output's difference from its mean over the samples
    saturated: share of elements where the slope is below 1 % of the activation's largest; nan for a rectifier
    dead: share of a rectifier's units that are 0 for every sample
    units: the number of units
    squashes: whether the activation is flat on both sides, as sigmoid and tanh are
    one_hot: for a softmax, the share of rows with one entry above 99 %
    finite: whether output and signal are free of nan and infinity
    underflow: whether the signal is too small to be read, and is given as 0
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
        """The name, with the number of the call from the second call on."""
        return self.name if self.call <= 1 else f"{self.name} #{self.call}"


@dataclass(frozen=True)
class Finding:
    """A fault, with the evidence, the threshold that the evidence passed, and the remedy.

    `evidence` holds the measured numbers by name, `layers` the labels of the layers where the fault was seen, `lesson`
    the file name in notebooks/ of the lesson that explains it, `kind` its subject: "gradient", "data", "loss" or
    "training". `began` is the training step at which it began; None if a single batch was examined.
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
    """Return the measured numbers of a finding and the layers where they were seen, as text."""
    numbers = "; ".join(f"{name}: {number(value)}" for name, value in finding.evidence.items())
    if not finding.layers:
        return numbers
    return f"{numbers}; in {some(finding.layers)}"


def some(labels: Sequence[str]) -> str:
    """Return the first three labels and the number of further ones, as text."""
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3:,} more" if len(labels) > 3 else "")


def number(value: float) -> str:
    """Return a number as text: three significant digits or a whole number from 0.001 to 10 000, else a power of ten."""
    if value != value or value == 0 or 1e-3 <= abs(value) < 1e4 or math.isinf(value):
        return f"{value:.3g}" if abs(value) < 100 or not float(value).is_integer() else f"{value:.0f}"
    return f"{value:.1e}"


def shortened(name: str, width: int) -> str:
    """Return a name cut to `width` characters; its end is kept, since it distinguishes the layers."""
    return name if len(name) <= width else "…" + name[1 - width :]
