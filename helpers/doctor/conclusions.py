"""What a training showed, as findings: each with its evidence, its threshold and the step at which it began."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .history import WatchHistory
from .readings import Finding, Threshold, evidence_in_words, number, some

Array = NDArray[Any]

COLUMNS = 80

TRAINING_THRESHOLDS: Mapping[str, Threshold] = {
    "non-finite": Threshold(0, "no nan and no infinity in loss, weights and gradients", "IEEE 754"),
    "not zeroed": Threshold(
        0, "gradients are zero when the first backward pass of a step begins", "optimizer.zero_grad, PyTorch's manual"
    ),
    "steps skipped": Threshold(
        0.1,
        "steps that the scaler skips, after the first 20: below 10 %",
        "GradScaler halves its scale at most once in 2000 good steps (PyTorch's manual)",
    ),
    "dead": Threshold(
        0.9, "dead units of a layer: below 90 %", "AUTOTRAINER 2021 has 70 %; deep healthy ReLU networks have half dead"
    ),
    "saturated": Threshold(
        0.5, "saturated elements of a layer: below 50 %", "our measurement: a third in a sigmoid network that learns"
    ),
    "collapsed": Threshold(
        0.999, "mean cosine between two samples in a hidden layer: below 0.999", "Schoenholz 2017; our measurement"
    ),
    "unchanged": Threshold(
        1e-9, "update over weight of a layer that an optimizer holds: above 1e-9", "rounding in float32 is at 6e-8"
    ),
    "diverging": Threshold(
        3.0, "the loss at the end over the larger of first loss and constant prediction: below 3", "our measurement"
    ),
    "oscillating": Threshold(
        0.3,
        "median change of the loss from step to step, over its median, where it doesn't fall: below 30 %",
        "our measurement: batches of 64 change it by 5 %",
    ),
    "stuck": Threshold(
        0.98,
        "the loss at the end over that of the best constant prediction: below 98 %",
        "entropy of the targets (cross-entropy), their variance (mean squared error)",
    ),
    "update too large": Threshold(
        1e-1, "update over weight: below 0.1", "around 1e-3 is usual: Karpathy 2019; Schneider 2021 (Cockpit)"
    ),
    "update too small": Threshold(
        1e-4, "update over weight: above 0.0001", "around 1e-3 is usual: Karpathy 2019; Schneider 2021 (Cockpit)"
    ),
}
"""What is normal in a training, by finding."""

TRAINING_VERDICTS = (*TRAINING_THRESHOLDS, "not examined", "healthy")
"""All verdicts on a training there are."""

NARROW = 16
"""In a layer with fewer units, all may be dead by chance."""

SETTLED = 100
"""After so many steps a network should have begun to learn."""

PATIENCE = 200
"""After so many steps a loss that is still that of a constant prediction is called stuck."""

LEARNED = 0.9
"""A loss below this share of the constant prediction's, or 0.7 of the first one where that isn't known, has fallen."""

SPARE = 0.1
"""A network that learns may hold this share of layers that its loss has no use for."""

CLIPPED, ALIKE = 1e-5, 1e-3
"""Gradient norms that agree so well with the largest one were clipped to it, if the losses don't agree as well."""


@dataclass(frozen=True)
class Training:
    """What `watch` saw of a training besides the records of its layers.

    losses: (steps,) the loss of each step, unscaled, summed over its backward passes; NaN where none was seen
    constant: the loss of the best constant prediction; NaN where the loss is of no kind that has one here
    units: how many units leave each layer
    matrices: names of the layers that learn a matrix
    held: names of the layers whose parameters an optimizer holds that made steps
    hidden: names of the layers before the last one that ran
    kept: the steps whose gradients still held those of the step before; `checked` is how many steps were looked at
    skipped: the steps, by the number of steps made before, that a gradient scaler skipped; `scaled` counts its calls
    non_finite: the first step with nan or infinity, and where it was met first, in words
    problem: the error that ended the recording before the training, if any
    """

    model: str
    history: WatchHistory
    steps: int
    losses: Array
    constant: float
    units: Mapping[str, int]
    matrices: frozenset[str]
    held: frozenset[str]
    hidden: frozenset[str]
    kept: Sequence[int]
    checked: int
    skipped: Sequence[int]
    scaled: int
    non_finite: tuple[int, str] | None
    problem: str = ""


@dataclass(frozen=True)
class TrainingDiagnosis:
    """What is wrong with a training so far: `monitor.diagnosis`.

    findings: the worst first, each with the step at which it began (`finding.began`); empty for a healthy training
    notes: what is worth knowing and no illness
    steps: how many steps were made; loss: the last one that was seen
    problem: the error that ended the recording before the training, if any
    """

    model: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    steps: int
    loss: float
    problem: str = ""

    @property
    def verdict(self) -> str:
        """The worst finding's name, "healthy", or "not examined" where no step was seen or the recording failed."""
        if self.findings:
            return self.findings[0].verdict
        return "healthy" if self.steps and not self.problem else "not examined"

    @property
    def healthy(self) -> bool:
        """Whether steps were seen and nothing is wrong."""
        return self.verdict == "healthy"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Verdict: {self.verdict}"
        yield self.summary
        for place, finding in enumerate(self.findings, 1):
            yield ""
            began = "" if finding.began is None else f" Since step {finding.began}."
            yield from wrap(f"{place}. {finding.verdict}: {finding.summary}{began}", COLUMNS, subsequent_indent="   ")
            for name, text in (
                ("evidence", evidence_in_words(finding)),
                ("threshold", f"{finding.threshold.meaning} ({finding.threshold.source})"),
                ("remedy", finding.remedy),
                ("lesson", f"notebooks/{finding.lesson}"),
            ):
                yield from wrap(f"{name + ':':<11}{text}", COLUMNS, initial_indent="   ", subsequent_indent=" " * 14)
        for note in self.notes:
            yield ""
            yield from wrap(f"Note: {note}", COLUMNS, subsequent_indent="      ")

    @property
    def summary(self) -> str:
        """The model, its steps and its last loss."""
        loss = "" if math.isnan(self.loss) else f"; loss {self.loss:.4g}"
        return f"{self.model}, {self.steps:,} training steps{loss}"


def conclude(training: Training) -> TrainingDiagnosis:
    """All findings of a training so far, causes before what they bring about, and notes."""
    seen = training.losses[np.isfinite(training.losses)]
    learned = _learned(training)
    finite = [*_non_finite(training), *_not_zeroed(training), *_skipped(training)]
    layers = list(_flat(training))
    loss = [] if training.non_finite else [*_diverging(training), *_oscillating(training), *_stuck(training)]
    steps = [*_unchanged(training), *(_updates(training) if not training.non_finite else ())]
    steps += _collapsed(training) if learned is False and not training.non_finite else ()
    notes = list(_notes(training))
    if learned:
        notes += [f"{each.summary[0].upper()}{each.summary[1:]} The network learns all the same." for each in layers]
        still = [each for each in steps if each.verdict == "unchanged"]
        spare = [each for each in still if len(each.layers) <= SPARE * len(training.held)]
        notes += [f"{some(each.layers)}: an optimizer holds them, and nothing changes them." for each in spare]
        layers, steps = [], [each for each in still if each not in spare]
    elif learned is None:
        steps = [each for each in steps if each.verdict != "update too small"]
    return TrainingDiagnosis(
        model=training.model,
        findings=(*finite, *layers, *steps, *loss) if not training.non_finite else (*finite, *layers),
        notes=tuple(notes),
        steps=training.steps,
        loss=float(seen[-1]) if len(seen) else math.nan,
        problem=training.problem,
    )


# One function for each finding ---------------------------------------------------------------------------------------


def _non_finite(training: Training) -> Iterator[Finding]:
    if training.non_finite is None:
        return
    step, where = training.non_finite
    seen = training.losses[:step][np.isfinite(training.losses[:step])]
    yield Finding(
        "non-finite",
        f"numbers that are nan or infinite arise in {where}.",
        {"first step": float(step), "last finite loss": float(seen[-1]) if len(seen) else math.nan},
        TRAINING_THRESHOLDS["non-finite"],
        "Look at that place first. Where it comes after good steps, take a smaller learning rate or clip the gradient; "
        "at the first step look for gaps in the data, a logarithm or a division of zero.",
        "10_clipping.ipynb",
        kind="training",
        began=step,
    )


def _not_zeroed(training: Training) -> Iterator[Finding]:
    if len(training.kept) < 2 or len(training.kept) < training.checked / 2:
        return
    yield Finding(
        "not zeroed",
        "the gradients of earlier steps are still there when the next backward pass adds to them.",
        {"steps that began with old gradients": float(len(training.kept)), "steps looked at": float(training.checked)},
        TRAINING_THRESHOLDS["not zeroed"],
        "Call optimizer.zero_grad() once for each step, before the backward pass.",
        "11_your_own_network.ipynb",
        kind="training",
        began=training.kept[0],
    )


def _skipped(training: Training) -> Iterator[Finding]:
    late = [step for step in training.skipped if step >= 20 or training.scaled < 40]
    limit = TRAINING_THRESHOLDS["steps skipped"]
    if training.scaled < 20 or len(late) <= limit.value * training.scaled:
        return
    yield Finding(
        "steps skipped",
        "the gradient scaler skips steps, since scaled gradients are not finite.",
        {"skipped": float(len(training.skipped)), "of": float(training.scaled)},
        limit,
        "Look for infinities in the forward pass at half precision, clip after scaler.unscale_, or train in bfloat16, "
        "which needs no scaler.",
        "10_clipping.ipynb",
        kind="training",
        began=late[0],
    )


def _flat(training: Training) -> Iterator[Finding]:
    """Dead units and saturated elements that stay to the end."""
    history = training.history
    for verdict, shares, words, remedy, lesson in (
        (
            "dead",
            history.dead,
            "nearly all units of a layer are dead: they are 0 for every sample of the batch.",
            "Take a smaller learning rate, biases at 0 and He's scale at the start, or a leaky ReLU. Units that died "
            "in a step too large seldom come back.",
            "04_relu.ipynb",
        ),
        (
            "saturated",
            history.saturated,
            "an activation is saturated in most of its elements, where its slope is next to nothing.",
            "Scale the inputs to standard deviation 1, start with Xavier's scale, take a smaller learning rate, or put "
            "a normalization before the activation.",
            "03_deep_sigmoid_nets.ipynb",
        ),
    ):
        limit = TRAINING_THRESHOLDS[verdict]
        began = {}
        for place, name in enumerate(history.layers):
            wide = verdict != "dead" or training.units.get(name, 0) >= NARROW or _all(shares[:, place], 1.0)
            if name in training.hidden and wide:
                since = _since(shares[:, place] >= limit.value)
                if since is not None:
                    began[name] = since
        if began:
            first = min(began, key=lambda name: (began[name], history.layers.index(name)))
            column = shares[:, history.layers.index(first)]
            yield Finding(
                verdict,
                words,
                {"share at the start": float(column[0]), "share at the end": float(column[-1])},
                limit,
                remedy,
                lesson,
                tuple(sorted(began, key=history.layers.index)),
                kind="training",
                began=int(history.steps[began[first]]),
            )


def _collapsed(training: Training) -> Iterator[Finding]:
    """Samples that look alike in the last hidden layer, and from which layer on they do."""
    history, limit = training.history, TRAINING_THRESHOLDS["collapsed"]
    alike: list[tuple[int, int]] = []
    for place in reversed(range(len(history.layers))):
        column = history.similarity[:, place]
        if history.layers[place] not in training.hidden or np.isnan(column).all():
            continue
        since = _since(column >= limit.value)
        if since is None:
            break
        alike.insert(0, (place, since))
    if alike:
        first, since = alike[0]
        column = history.similarity[:, first]
        yield Finding(
            "collapsed",
            "all samples look alike in the last hidden layers, so that nothing behind these can tell them apart.",
            {"cosine at the start": float(column[0]), "cosine at the end": float(column[-1])},
            limit,
            "Take a normalization, skip connections, fewer layers, or a smaller learning rate.",
            "05_initialization.ipynb",
            tuple(history.layers[place] for place, _ in alike),
            kind="training",
            began=int(history.steps[since]),
        )


def _unchanged(training: Training) -> Iterator[Finding]:
    history, limit = training.history, TRAINING_THRESHOLDS["unchanged"]
    if len(history.steps) < 3:
        return
    still = {}
    for place, name in enumerate(history.layers):
        column = history.update_to_weight[:, place]
        since = _since(column <= limit.value) if name in training.held else None
        if since is not None and len(column) - since >= max(3, len(column) / 2):
            still[name] = since
    if not still:
        return
    first = min(still, key=lambda name: (still[name], history.layers.index(name)))
    place = history.layers.index(first)
    norm = history.gradient_norm[-1, place]
    yield Finding(
        "unchanged",
        "an optimizer holds layers that it doesn't change.",
        {"update over weight at the end": float(history.update_to_weight[-1, place]), "gradient norm": float(norm)},
        limit,
        "Look whether a gradient arrives (print the monitor), what the learning rate of their group is, and whether "
        "the update is lost in rounding (half-precision weights; Adam's eps of 1e-8 is 0 in float16).",
        "11_your_own_network.ipynb",
        tuple(sorted(still, key=history.layers.index)),
        kind="training",
        began=int(history.steps[still[first]]),
    )


def _updates(training: Training) -> Iterator[Finding]:
    """Update over weight outside of what is usual, as the median of the second half."""
    history = training.history
    if len(history.steps) < 3:
        return
    half = len(history.steps) // 2
    places = [place for place, name in enumerate(history.layers) if name in training.matrices & training.held]
    median = {place: _median(history.update_to_weight[half:, place]) for place in places}
    for verdict, is_out, words, remedy in (
        (
            "update too large",
            lambda value, limit: value > limit,
            "a step changes a layer by more than a tenth of its weights.",
            "Take a smaller learning rate, a warm-up, or clip the gradient.",
        ),
        (
            "update too small",
            lambda value, limit: TRAINING_THRESHOLDS["unchanged"].value < value < limit,
            "a step hardly changes a layer.",
            "Take a larger learning rate, or Adam; where only the first layers stand still, look at the signal with "
            "diagnose.",
        ),
    ):
        limit = TRAINING_THRESHOLDS[verdict]
        out = [place for place in places if is_out(median[place], limit.value)]
        if out:
            worst = max(out, key=lambda place: abs(math.log10(median[place])))
            since = _since(np.array([bool(is_out(each, limit.value)) for each in history.update_to_weight[:, worst]]))
            yield Finding(
                verdict,
                words,
                {"update over weight": median[worst]},
                limit,
                remedy,
                "11_your_own_network.ipynb",
                tuple(history.layers[place] for place in out),
                kind="training",
                began=int(history.steps[half if since is None else since]),
            )


def _diverging(training: Training) -> Iterator[Finding]:
    losses = training.losses
    first, last = _ends(losses)
    limit = TRAINING_THRESHOLDS["diverging"]
    if np.isfinite(losses).sum() < 10 or np.nanmin(losses) < 0:
        return
    start = np.nanmax([first, training.constant])
    if last > limit.value * start:
        above = _since(losses > limit.value * start)
        yield Finding(
            "diverging",
            "the loss grows far beyond where it began.",
            {"loss at the start": first, "loss at the end": last},
            limit,
            "Take a smaller learning rate, or clip the gradient.",
            "10_clipping.ipynb",
            kind="training",
            began=len(losses) - 1 if above is None else above,
        )


def _oscillating(training: Training) -> Iterator[Finding]:
    losses = training.losses[np.isfinite(training.losses)]
    half = losses[len(losses) // 2 :]
    if len(losses) < 50 or losses.min() < 0 or np.median(half) < 0.5 * _ends(losses)[0]:
        return
    limit = TRAINING_THRESHOLDS["oscillating"]
    swing = float(np.median(np.abs(np.diff(half))) / np.median(half))
    if swing > limit.value:
        large = np.abs(np.diff(losses)) > limit.value * np.median(half)
        yield Finding(
            "oscillating",
            "the loss swings from step to step and doesn't fall.",
            {"change from step to step": swing, "loss": float(np.median(half))},
            limit,
            "Take a smaller learning rate, or larger batches.",
            "10_clipping.ipynb",
            kind="training",
            began=int(np.argmax(large)),
        )


def _stuck(training: Training) -> Iterator[Finding]:
    losses, limit = training.losses[np.isfinite(training.losses)], TRAINING_THRESHOLDS["stuck"]
    if len(losses) < PATIENCE or math.isnan(training.constant) or training.constant <= 0:
        return
    third, last = losses[len(losses) // 2 : 3 * len(losses) // 4].mean(), losses[3 * len(losses) // 4 :].mean()
    if last < limit.value * training.constant or last < 0.99 * third:
        return
    near = np.convolve(losses, np.full(20, 1 / 20), "valid") <= training.constant / limit.value
    yield Finding(
        "stuck",
        "the loss stays at that of a prediction that is the same for every sample.",
        {"loss": float(last), "of a constant prediction": training.constant},
        limit,
        "Diagnose the model as it is now. Look whether the targets belong to the inputs, and try ten and a hundred "
        "times the learning rate on a single batch.",
        "11_your_own_network.ipynb",
        kind="training",
        began=int(np.argmax(near)) if near.any() else 0,
    )


def _notes(training: Training) -> Iterator[str]:
    history = training.history
    if training.problem:
        yield f"The recording ended before the training, by an error: {training.problem}"
    share, norm, first = clipped_share(history, training.losses)
    if share > 0:
        yield f"{share:.0%} of the recorded steps were clipped to a norm of {number(norm)}, the first at step {first}."
    late = len(training.skipped)
    if late and not any(True for _ in _skipped(training)):
        yield f"The gradient scaler skipped {late} of {training.scaled} steps, as it does while it finds its scale."
    outside = [
        name
        for place, name in enumerate(history.layers)
        if name not in training.held and np.isfinite(history.gradient_norm[:, place]).any()
    ]
    if outside:
        yield f"No optimizer holds {some(outside)}, although a gradient arrives there."


def clipped_share(history: WatchHistory, losses: Array) -> tuple[float, float, int]:
    """Share of the records whose whole gradient norm is the largest one, that norm, and the first such step.

    Where the loss is the same too, the batch is, and nothing was clipped.
    """
    squares = np.where(np.isfinite(history.gradient_norm), history.gradient_norm, 0.0) ** 2
    whole = np.sqrt(squares.sum(axis=1))
    if len(whole) < 3 or not whole.max() > 0:
        return 0.0, math.nan, 0
    at_most = whole >= (1 - CLIPPED) * whole.max()
    at_these = losses[history.steps[at_most]]
    if at_most.sum() < 3 or np.ptp(at_these) <= ALIKE * np.abs(at_these).max():
        return 0.0, math.nan, 0
    return float(at_most.mean()), float(np.median(whole[at_most])), int(history.steps[np.argmax(at_most)])


# What they look at ---------------------------------------------------------------------------------------------------


def _learned(training: Training) -> bool | None:
    """Whether the loss has fallen; None where that can't be told yet."""
    losses = training.losses[np.isfinite(training.losses)]
    if len(losses) < SETTLED:
        return None
    first, last = _ends(losses)
    if first < 0 or last < 0:
        return None
    if not math.isnan(training.constant) and training.constant > 0:
        return bool(last < LEARNED * training.constant)
    return bool(last < 0.7 * first)


def _ends(losses: Array) -> tuple[float, float]:
    """Mean of the first five losses, and of the last tenth."""
    known = losses[np.isfinite(losses)]
    if not len(known):
        return math.nan, math.nan
    return float(known[:5].mean()), float(known[-max(5, len(known) // 10) :].mean())


def _since(holds: Array) -> int | None:
    """From which place on it holds to the end; None where it doesn't hold at the end."""
    broken = np.flatnonzero(~np.asarray(holds, dtype=bool))
    since = int(broken[-1]) + 1 if len(broken) else 0
    return since if since < len(holds) else None


def _all(column: Array, value: float) -> bool:
    return bool(len(column)) and bool(column[-1] >= value)


def _median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan
