"""The findings about a training run: each has its evidence, its threshold and the step at which it began."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
        "share of the steps that the scaler skips after the first 20: below 10 %",
        "GradScaler halves its scale at most once in 2000 good steps (PyTorch's manual)",
    ),
    "dead": Threshold(
        0.9,
        "dead units of a layer: below 90 %",
        "AUTOTRAINER (2021) uses 70 %; in deep healthy ReLU networks half the units are dead",
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
        3.0,
        "final loss over the first loss, or over that of a constant prediction if that is larger: below 3",
        "our measurement",
    ),
    "oscillating": Threshold(
        0.3,
        "median change from step to step of a loss that doesn't fall, over its median: below 30 %",
        "our measurement: with batches of 64 the loss changes by 5 %",
    ),
    "stuck": Threshold(
        0.98,
        "final loss over that of the best constant prediction: below 98 %",
        "the best constant's loss is the targets' entropy (cross-entropy) or variance (mean squared error)",
    ),
    "update too large": Threshold(
        1e-1, "update over weight: below 0.1", "around 1e-3 is usual: Karpathy 2019; Schneider 2021 (Cockpit)"
    ),
    "update too small": Threshold(
        1e-4, "update over weight: above 0.0001", "around 1e-3 is usual: Karpathy 2019; Schneider 2021 (Cockpit)"
    ),
}
"""The threshold of every finding about a training run."""

TRAINING_VERDICTS = (*TRAINING_THRESHOLDS, "not examined", "healthy")
"""All verdicts that a training run can get."""

ENOUGH = 2
"""A training of which fewer steps were recorded is not examined."""

NARROW = 16
"""In a layer with fewer units than this, all of them may be dead by chance."""

SETTLED = 100
"""Number of steps after which a network should have begun to learn."""

PATIENCE = 200
"""Number of steps after which a loss that still equals a constant prediction's is called stuck."""

LEARNED = 0.9
"""A loss below this share of the constant prediction's has fallen; without one, a loss below 0.7 of the first has."""

SHRUNK = 0.5
"""Weights that fell below this share of their first norm, under a weight decay, were shrunk by it."""

SPARE = 0.1
"""A network that learns may hold this share of layers that its loss has no use for."""

ZEROED = Threshold(
    0, "the gradients of a backward pass are still there at the step", "optimizer.zero_grad, PyTorch's manual"
)

NEARLY_ALL = 0.9
"""Where this share of the steps is clipped, the norm to clip to decides the size of the updates."""

UNSCALE = "With a GradScaler, clip after scaler.unscale_(optimizer); before it, the scaled gradient is clipped."

CLIPPED, ALIKE = 1e-5, 1e-3
"""Gradient norms within CLIPPED (relative) of the largest were clipped to it, unless the losses agree within ALIKE."""


@dataclass(frozen=True)
class Training:
    """Everything that `watch` recorded about a training run.

    losses: (steps,) the loss of each step, unscaled, summed over its backward passes; NaN where none was seen
    constant: the loss of the best constant prediction; NaN for a kind of loss where it isn't known
    units: the number of output units of each layer
    matrices: names of the layers that learn a matrix
    held: names of the layers with parameters in an optimizer that has made steps
    hidden: names of the layers that ran before the last one
    kept: the steps that began with the gradients of the step before; `checked` is the number of steps examined
    skipped: the steps that a gradient scaler skipped, numbered by the steps made before; `scaled` counts its calls
    optimizers: the number of optimizers that have made steps
    non_finite: the first step with nan or infinity, and a description of the place where it first arose
    problem: the error that stopped the recording before the end of the training, if any
    zeroed: the recorded steps whose gradients were set to zero between the last backward pass and the step
    backwards: the number of backward passes that reached the model since the last step
    steps_of_others: the number of steps of optimizers that hold no parameter of the model
    stale: the number of parameters in its optimizers that are not the model's and have never had a gradient
    decay: the largest `weight_decay` of the optimizers
    maximizes: whether an optimizer maximizes the loss
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
    optimizers: int = 1
    zeroed: Sequence[int] = ()
    backwards: int = 0
    steps_of_others: int = 0
    stale: int = 0
    decay: float = 0.0
    maximizes: bool = False


@dataclass(frozen=True)
class TrainingDiagnosis:
    """The diagnosis of a training run so far: `monitor.diagnosis`.

    findings: the worst first, each with the step at which it began (`finding.began`); empty for a healthy training
    notes: observations that are worth knowing but are no fault
    steps: the number of steps made
    loss: the last loss that was seen
    problem: the error that stopped the recording before the end of the training, if any
    recorded: the number of steps recorded
    """

    model: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    steps: int
    loss: float
    problem: str = ""
    recorded: int = ENOUGH

    @property
    def verdict(self) -> str:
        """The worst finding's name, "healthy", or "not examined" if too few steps were recorded or that failed."""
        if self.findings:
            return self.findings[0].verdict
        return "healthy" if self.recorded >= ENOUGH and not self.problem else "not examined"

    @property
    def healthy(self) -> bool:
        """Whether training steps were seen and no fault was found."""
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
        """The model's class, the number of training steps and the last loss, as a line of text."""
        loss = "" if math.isnan(self.loss) else f"; loss {self.loss:.4g}"
        return f"{self.model}, {self.steps:,} training step{'s' * (self.steps != 1)}{loss}"


def conclude(training: Training) -> TrainingDiagnosis:
    """Return all findings about a training run so far, causes before their effects, and notes."""
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
        thrown = [each for each in steps if each.verdict == "update too large" and "largest" in each.evidence]
        notes += [f"{each.summary[0].upper()}{each.summary[1:]} {each.remedy}" for each in thrown]
        spare = [each for each in still if each.threshold is not ZEROED and _are_few(each.layers, training)]
        notes += [f"{some(each.layers)}: an optimizer holds them, and nothing changes them." for each in spare]
        layers, steps = [], [each for each in still if each not in spare]
    elif learned is None:
        steps = [each for each in steps if each.verdict != "update too small"]
    causes = [each for each in steps if _is_cause(each, layers)]
    rest = [each for each in steps if each not in causes]
    found = (*finite, *causes, *layers, *rest, *loss) if not training.non_finite else (*finite, *layers)
    return TrainingDiagnosis(
        model=training.model,
        findings=tuple(_with_its_cause(each, training) for each in found),
        notes=tuple(notes),
        steps=training.steps,
        loss=float(seen[-1]) if len(seen) else math.nan,
        problem=training.problem,
        recorded=len(training.history.steps),
    )


# One function for each finding ---------------------------------------------------------------------------------------


def _is_cause(finding: Finding, layers: Sequence[Finding]) -> bool:
    """Whether a finding is that of too large updates which began before these of dead or saturated layers."""
    return finding.verdict == "update too large" and any((finding.began or 0) < (each.began or 0) for each in layers)


def _are_few(layers: Sequence[str], training: Training) -> bool:
    """Whether these are layers of an optimizer, and few of those that it holds."""
    return training.held.issuperset(layers) and len(layers) <= SPARE * len(training.held)


def _non_finite(training: Training) -> Iterator[Finding]:
    if training.non_finite is None:
        return
    step, where = training.non_finite
    seen = training.losses[:step][np.isfinite(training.losses[:step])]
    yield Finding(
        "non-finite",
        f"nan or infinite numbers arise in {where}.",
        {"first step": float(step)}
        | ({"loss at the start": float(seen[0]), "last finite loss": float(seen[-1])} if len(seen) else {}),
        TRAINING_THRESHOLDS["non-finite"],
        "Look at that place first. If they appear after good steps, use a smaller learning rate or clip the gradient; "
        "if at the first step, look for missing values in the data, a logarithm of zero or a division by zero.",
        "10_clipping.ipynb",
        kind="training",
        began=step,
    )


def _not_zeroed(training: Training) -> Iterator[Finding]:
    if len(training.kept) < 2 or len(training.kept) < training.checked / 2:
        return
    yield Finding(
        "not zeroed",
        "the gradients of earlier steps are not set to zero before the next backward pass adds to them.",
        {"steps that began with old gradients": float(len(training.kept)), "steps looked at": float(training.checked)},
        TRAINING_THRESHOLDS["not zeroed"],
        "Call optimizer.zero_grad() once for each step, before the backward pass.",
        "11_your_own_network.ipynb",
        kind="training",
        began=training.kept[0],
    )


def _skipped(training: Training) -> Iterator[Finding]:
    late = [step for before, step in enumerate(training.skipped) if before + step >= 20 or training.scaled < 40]
    limit = TRAINING_THRESHOLDS["steps skipped"]
    if training.scaled < 20 or len(late) <= limit.value * training.scaled:
        return
    yield Finding(
        "steps skipped",
        "the gradient scaler skips steps because the scaled gradients are not finite.",
        {"skipped": float(len(training.skipped)), "of": float(training.scaled)},
        limit,
        "Look for infinities in the half-precision forward pass, clip the gradient after scaler.unscale_, or train in "
        "bfloat16, which needs no scaler.",
        "10_clipping.ipynb",
        kind="training",
        began=late[0],
    )


def _flat(training: Training) -> Iterator[Finding]:
    """Layers whose units are dead, or whose elements are saturated, until the end."""
    history = training.history
    for verdict, shares, words, remedy, lesson in (
        (
            "dead",
            history.dead,
            "nearly all units of a layer are dead: they are 0 for every sample of the batch.",
            "Use a smaller learning rate, start with biases at 0 and weights at He's scale, or use a leaky ReLU. Units "
            "that died in too large a step seldom recover.",
            "04_relu.ipynb",
        ),
        (
            "saturated",
            history.saturated,
            "most elements of an activation are saturated: its slope there is almost 0.",
            "Scale the inputs to standard deviation 1, start with weights at Xavier's scale, use a smaller learning "
            "rate, or put a normalization before the activation.",
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
    """The hidden layers, back from the last one, in which all samples look alike."""
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
            "all samples look alike in the last hidden layers, so the layers after them cannot tell them apart.",
            {"cosine at the start": float(column[0]), "cosine at the end": float(column[-1])},
            limit,
            "Use normalization, skip connections, fewer layers, or a smaller learning rate.",
            "05_initialization.ipynb",
            tuple(history.layers[place] for place, _ in alike),
            kind="training",
            began=int(history.steps[since]),
        )


def _unchanged(training: Training) -> Iterator[Finding]:
    history, limit = training.history, TRAINING_THRESHOLDS["unchanged"]
    if len(training.zeroed) > 1:
        yield Finding(
            "unchanged",
            "the gradients are set to zero after the backward pass and before the optimizer's step, which finds none.",
            {"such steps": float(len(training.zeroed)), "recorded": float(len(history.steps))},
            ZEROED,
            "Call optimizer.zero_grad(), loss.backward() and optimizer.step() in this order.",
            "11_your_own_network.ipynb",
            kind="training",
            began=training.zeroed[0],
        )
        return
    if len(history.steps) < 3:
        return
    if training.stale and (outside := _outside(training)):
        yield Finding(
            "unchanged",
            f"no optimizer holds {some(outside)}, although the loss has a gradient there; an optimizer holds "
            "parameters that the model does not have.",
            {"parameters that are not the model's and get no gradient": float(training.stale)},
            limit,
            "Create the optimizer after the last layer has been replaced.",
            "11_your_own_network.ipynb",
            outside,
            kind="training",
            began=0,
        )
    if not training.held and np.isfinite(history.gradient_norm).any():
        yield Finding(
            "unchanged",
            "no optimizer that makes steps holds any layer of the model, although the layers get gradients.",
            {"steps": float(training.steps)},
            limit,
            "Create the optimizer from model.parameters() after all layers have been added.",
            "11_your_own_network.ipynb",
            history.layers,
            kind="training",
            began=0,
        )
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
        "some layers in an optimizer don't change from step to step.",
        {"update over weight at the end": float(history.update_to_weight[-1, place]), "gradient norm": float(norm)},
        limit,
        "Check whether a gradient reaches them (print the monitor), which learning rate their parameter group has, and "
        "whether rounding swallows the update (half-precision weights; Adam's eps of 1e-8 is 0 in float16).",
        "11_your_own_network.ipynb",
        tuple(sorted(still, key=history.layers.index)),
        kind="training",
        began=int(history.steps[still[first]]),
    )


def _updates(training: Training) -> Iterator[Finding]:
    """Layers whose update over weight, as the median of the second half of the run, is unusually large or small."""
    history = training.history
    if len(history.steps) < 3:
        return
    half = len(history.steps) // 2
    places = [place for place, name in enumerate(history.layers) if name in training.matrices & training.held]
    median = {place: _median(history.update_to_weight[half:, place]) for place in places}
    thrown = list(_thrown(training, places))
    yield from thrown
    for verdict, is_out, words, remedy in (
        (
            "update too large",
            lambda value, limit: value > limit,
            "a step changes a layer by more than a tenth of its weights.",
            "Use a smaller learning rate or a warm-up, or clip the gradient.",
        ),
        (
            "update too small",
            lambda value, limit: TRAINING_THRESHOLDS["unchanged"].value < value < limit,
            "a step hardly changes a layer.",
            "Use a larger learning rate, or Adam. If only the first layers hardly change, look at their gradient with "
            "diagnose.",
        ),
    ):
        limit = TRAINING_THRESHOLDS[verdict]
        out = [place for place in places if is_out(median[place], limit.value)]
        if out and not thrown:
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


def _thrown(training: Training, places: Sequence[int]) -> Iterator[Finding]:
    """Yield a finding if a recorded step changed most layers by more than their size, and the loss rose far."""
    history, limit = training.history, TRAINING_THRESHOLDS["update too large"]
    updates = np.where(np.isfinite(history.update_to_weight), history.update_to_weight, 0.0)[:, list(places)]
    large = np.flatnonzero((updates >= 1).sum(axis=1) > len(places) / 2)
    losses = training.losses[np.isfinite(training.losses)]
    if not len(large) or not len(losses) or not losses[0] > 0:
        return
    if losses.max() > TRAINING_THRESHOLDS["diverging"].value * np.nanmax([losses[0], training.constant]):
        yield Finding(
            "update too large",
            "a step changes most layers by more than all their weights, and the loss rises far above its first value.",
            {
                "update over weight": float(updates[large[0]].max()),
                "loss at the start": float(losses[0]),
                "largest": float(losses.max()),
            },
            limit,
            "Use a much smaller learning rate: what the layers started with is lost.",
            "11_your_own_network.ipynb",
            tuple(history.layers[place] for place in places),
            kind="training",
            began=int(history.steps[large[0]]),
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
            "the loss grows far above its first value.",
            {"loss at the start": first, "loss at the end": last},
            limit,
            "Use a smaller learning rate, or clip the gradient.",
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
            "Use a smaller learning rate, or larger batches.",
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
        "the loss is no better than that of one constant prediction for all samples.",
        {"loss": float(last), "of a constant prediction": training.constant},
        limit,
        "Diagnose the model as it is now. Check whether the targets belong to the inputs, and try 10 and 100 times "
        "the learning rate on a single batch.",
        "11_your_own_network.ipynb",
        kind="training",
        began=int(np.argmax(near)) if near.any() else 0,
    )


def _notes(training: Training) -> Iterator[str]:
    history = training.history
    if training.problem:
        yield f"The recording stopped before the end of the training, because of an error: {training.problem}"
    share, norm, first = clipped_share(history, training.losses)
    if share > 0:
        yield (
            f"The gradients of {share:.0%} of the recorded steps were clipped to a norm of {number(norm)}, first at "
            f"step {first}.{' ' + UNSCALE if training.scaled else ''}"
        )
    if training.steps >= SETTLED and training.optimizers >= training.steps / 2:
        yield (
            f"{training.optimizers:,} optimizers made {training.steps:,} steps: each begins anew, without the moments "
            "and the schedule of the last. Create the optimizer once, before the loop."
        )
    late = len(training.skipped)
    if late and training.steps and not any(True for _ in _skipped(training)):
        yield f"The gradient scaler skipped {late} of {training.scaled} steps; it does so while it finds its scale."
    outside = _outside(training)
    if outside and not (training.stale or training.zeroed):
        yield (
            f"No optimizer holds {some(outside)}, although the loss has a gradient there. Freeze them with "
            "requires_grad_(False) if they should stay as they are; otherwise create the optimizer after all layers."
        )
    if not training.steps and not training.problem:
        yield _why_no_step(training)
    elif len(history.steps) < ENOUGH:
        yield "Only one step was recorded, too few for a verdict: train longer, or use watch(model, every=1)."


def _outside(training: Training) -> tuple[str, ...]:
    """Return the layers with a gradient that no optimizer holds."""
    history = training.history
    return tuple(
        name
        for place, name in enumerate(history.layers)
        if name not in training.held and np.isfinite(history.gradient_norm[:, place]).any()
    )


def _why_no_step(training: Training) -> str:
    """Return the reason why no step was recorded, as far as it was seen."""
    if training.skipped:
        return f"The gradient scaler skipped all {training.scaled} steps."
    if training.steps_of_others:
        return (
            f"No step was recorded: optimizers made {training.steps_of_others:,} steps but hold no parameter of this "
            "model. Was it built or copied after the optimizer was created? Give the optimizer the parameters of the "
            "model that is trained, and watch that one."
        )
    if training.backwards:
        return (
            f"No step was recorded: {training.backwards:,} backward passes reached the model, but no torch optimizer "
            "made a step. Call optimizer.step() after the backward pass. Updates written by hand are not seen."
        )
    return (
        "No step was recorded, and no loss.backward() reached the model. The training loop belongs inside the `with` "
        "block, and it must train the model that is watched."
    )


# Remedies by the cause -----------------------------------------------------------------------------------------------


def _with_its_cause(finding: Finding, training: Training) -> Finding:
    """Return a finding whose remedy names the setting that caused it, if one of `CAUSES` did."""
    for verdicts, cause in CAUSES:
        remedy = cause(training) if finding.verdict in verdicts else ""
        if remedy:
            return replace(finding, remedy=remedy)
    return finding


def _maximizing(training: Training) -> str:
    first, last = _ends(training.losses)
    if not training.maximizes or not last > first:
        return ""
    return "An optimizer has maximize=True, and the loss rises: leave it out, so that the optimizer minimizes."


def _decaying(training: Training) -> str:
    history = training.history
    if not training.decay or len(history.steps) < 2:
        return ""
    with np.errstate(all="ignore"):
        sizes = history.gradient_norm / history.gradient_to_weight
    left = _median(sizes[-1] / sizes[0])
    if not left < SHRUNK:
        return ""
    return (
        f"Use a smaller weight_decay than {number(training.decay)}: it has shrunk the weights to {number(left)} of "
        "their first size."
    )


def _clipping(training: Training) -> str:
    share, norm, _ = clipped_share(training.history, training.losses)
    if share < NEARLY_ALL:
        return ""
    words = (
        f"Clip the gradient to a norm larger than {number(norm)}: {share:.0%} of the recorded steps are clipped to it."
    )
    return f"{words} {UNSCALE}" if training.scaled else words


CAUSES: Sequence[tuple[Sequence[str], Callable[[Training], str]]] = (
    (("non-finite", "diverging", "oscillating", "stuck", "update too large"), _maximizing),
    (("collapsed", "stuck", "update too large", "update too small", "unchanged"), _decaying),
    (("update too small", "unchanged"), _clipping),
)
"""Verdicts, and the function that returns the remedy if a setting of the optimizer or of the loop caused them."""


def clipped_share(history: WatchHistory, losses: Array) -> tuple[float, float, int]:
    """Return the share of records whose total gradient norm equals the largest, that norm, and the first such step.

    Where the losses are equal too, the batch was the same and nothing was clipped.
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


# Measures ------------------------------------------------------------------------------------------------------------


def _learned(training: Training) -> bool | None:
    """Whether the loss has fallen; None where it's too early to say, or where a loss is negative."""
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
    """Return the mean of the first five finite losses and that of the last tenth."""
    known = losses[np.isfinite(losses)]
    if not len(known):
        return math.nan, math.nan
    return float(known[:5].mean()), float(known[-max(5, len(known) // 10) :].mean())


def _since(holds: Array) -> int | None:
    """Return the index from which a condition holds until the end; None if it doesn't hold at the end."""
    broken = np.flatnonzero(~np.asarray(holds, dtype=bool))
    since = int(broken[-1]) + 1 if len(broken) else 0
    return since if since < len(holds) else None


def _all(column: Array, value: float) -> bool:
    return bool(len(column)) and bool(column[-1] >= value)


def _median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan
