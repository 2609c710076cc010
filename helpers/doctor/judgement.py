"""From readings to findings. Every threshold stands in one table, with the source that it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .readings import Finding, LayerReading, Threshold, some

THRESHOLDS: Mapping[str, Threshold] = {
    "non-finite": Threshold(
        0, "no nan and no infinity in inputs, parameters, loss and gradients", "the end of the number format, IEEE 754"
    ),
    "detached": Threshold(
        0, "no layer at work whose parameters ask for a gradient and get none", "what torch.autograd.grad returns: None"
    ),
    "dead": Threshold(
        0.9,
        "dead units of a layer: below 90 %",
        "our measurement: half the units of a deep healthy ReLU network are dead (Lu 2019 has the theory), all of a "
        "dead one; tests/test_doctor.py",
    ),
    "saturated": Threshold(
        0.5,
        "saturated elements of a layer: below 50 %",
        "our measurement: a third in the sigmoid network of gain 8, which is healthy; tests/test_doctor.py",
    ),
    "exploding": Threshold(
        1e3,
        "signal of the first layers over that of the last ones: below 1000",
        "our measurement: ReLU networks of gain 3 train at 20 (5 layers) and at no rate at 2 000 000 (20 layers), SGD; "
        "tests/test_doctor.py",
    ),
    "vanishing": Threshold(
        1e-3,
        "signal of the first layers over that of the last ones: above 0.001",
        "our measurement: sigmoid networks of 3 layers train at 0.02, those of 6 stay at chance at 0.0001, SGD; "
        "tests/test_doctor.py",
    ),
    "vanishing through time": Threshold(
        1e-11,
        "signal at the first time steps over that at the last ones: above 1e-11",
        "our measurement: an LSTM over 50 steps (1e-10) learns the adding problem, over 60 steps (1e-12) it fails at "
        "recall; lesson 08",
    ),
    "shattered": Threshold(
        1e2,
        "signal times spread between samples, first layers over last ones: below 100",
        "Balduzzi 2017; our measurement: beyond it inputs 1 % as far apart as two samples have unrelated gradients; "
        "tests/test_doctor.py",
    ),
}
"""What is normal, by finding."""

NARROW = 16
"""In a layer with fewer units, all may be dead by chance."""

MANY_CALLS = 8
"""A module with weights that is called this often counts as recurrent: its calls are steps in time."""


@dataclass(frozen=True)
class Case:
    """What the findings are judged by.

    layers, loss: the readings of all layers in order of execution, and the loss that was measured
    bad: where nan or infinity was met first, in words; empty if nowhere
    detached: labels of the layers that should learn and get no gradient
    waking: labels of layers that begin with weights or factors of zero and are about to leave it
    matrices: labels of layers that learn a matrix, and not only scales and biases
    batch_norm: whether the model has such layers, which decides on the remedy
    frozen: whether no parameter asks for a gradient
    """

    layers: Sequence[LayerReading]
    loss: float
    bad: str
    detached: Sequence[str]
    waking: Sequence[str]
    matrices: frozenset[str]
    batch_norm: bool
    frozen: bool


def judge(case: Case) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """All findings, the worst first, and notes.

    Causes stand before what they bring about. With batch norm, gradients that shatter are worse than their size,
    which the scale of the weights makes up for; without, the size is met first.
    """
    shattered = list(_shattered(case))
    size = [*_exploding(case), *_vanishing(case)]
    findings = [
        *_non_finite(case),
        *_detached(case),
        *_dead(case),
        *_saturated(case),
        *(shattered + size if case.batch_norm else size + shattered),
    ]
    return tuple(findings), tuple(_notes(case))


# One function for each illness ---------------------------------------------------------------------------------------


def _non_finite(case: Case) -> Iterator[Finding]:
    if not case.bad:
        return
    bad = [layer.label for layer in case.layers if not layer.finite]
    yield Finding(
        "non-finite",
        f"numbers that are nan or infinite arise in {case.bad}.",
        {"layers with nan or infinity": float(len(bad)), "loss": case.loss},
        THRESHOLDS["non-finite"],
        "Look at that place first: data with gaps, a logarithm or division of zero, weights that grew without bound, "
        "a number too large for half precision. Smaller initial weights, a smaller learning rate and clipping keep "
        "growth in bounds.",
        "10_clipping.ipynb",
        tuple(bad),
    )


def _detached(case: Case) -> Iterator[Finding]:
    if case.frozen:
        summary = "no parameter asks for a gradient: all of them are frozen."
        remedy = "Set requires_grad_(True) on the part that should learn."
    elif case.detached:
        summary = "no gradient reaches layers that should learn."
        remedy = (
            "Between these layers and the loss look for detach(), item(), numpy(), argmax, torch.no_grad() or a tensor "
            "made anew from numbers. If a layer shall not learn, set requires_grad_(False) on it."
        )
    else:
        return
    names = tuple(case.detached)
    evidence = {"layers without gradient": float(len(names))}
    yield Finding("detached", summary, evidence, THRESHOLDS["detached"], remedy, "01_definition.ipynb", names)


def _dead(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["dead"]
    silent = _ratio_of_ends(case) == 0
    dead = [
        layer
        for layer in case.layers
        if layer.dead >= limit.value and (layer.units >= NARROW or (layer.dead == 1 and silent))
    ]
    if dead:
        yield Finding(
            "dead",
            "units that give the same flat answer to every sample pass no gradient back.",
            {"share of dead units, worst layer": max(layer.dead for layer in dead), "layers": float(len(dead))},
            limit,
            "Start biases at 0 and weights at He's scale, lower the learning rate, or use an activation with a slope "
            "below zero (leaky ReLU, ELU).",
            "04_relu.ipynb",
            tuple(layer.label for layer in dead),
        )


def _saturated(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["saturated"]
    saturated = [layer for layer in _hidden(case.layers) if layer.saturated >= limit.value]
    if saturated:
        yield Finding(
            "saturated",
            "most elements lie where their activation is flat.",
            {
                "share of saturated elements, worst layer": max(layer.saturated for layer in saturated),
                "layers": float(len(saturated)),
            },
            limit,
            "Standardise the inputs and start with smaller weights (Xavier's scale), or put a normalization before "
            "the activation.",
            "05_initialization.ipynb",
            tuple(layer.label for layer in saturated),
        )


def _exploding(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["exploding"]
    ratio = _ratio_of_ends(case)
    if ratio >= limit.value:
        yield Finding(
            "exploding",
            "the gradient grows on its way from the loss to the first layers.",
            _size_evidence(case, ratio),
            limit,
            "Add skip connections around pairs of layers: a batch norm cannot stop this growth, it causes it."
            if case.batch_norm
            else "Start at He's scale (ReLU) or Xavier's (tanh), or normalise the layers. Clipping keeps the steps "
            "small meanwhile.",
            "06_batch_norm.ipynb" if case.batch_norm else "05_initialization.ipynb",
            _ends(case)[0],
        )
    for name, early, late in _through_time(case):
        if late > 0 and early / late >= limit.value:
            yield Finding(
                "exploding",
                "the gradient grows on its way back through time.",
                {"first steps over last": early / late, "first": early, "last": late},
                limit,
                "Clip the gradient by its norm, and start with a recurrent matrix of spectral radius 1 or less.",
                "10_clipping.ipynb",
                (name,),
            )


def _vanishing(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["vanishing"]
    ratio = _ratio_of_ends(case)
    if ratio <= limit.value:
        squashing = any(layer.squashes for layer in _hidden(case.layers))
        yield Finding(
            "vanishing",
            "the gradient shrinks on its way from the loss to the first layers.",
            _size_evidence(case, ratio),
            limit,
            "Use an activation whose slope doesn't shrink the gradient (ReLU with He's scale, tanh with Xavier's), "
            "a normalization before the activations, or skip connections."
            if squashing
            else "Start with weights of the right scale (He's for ReLU: variance 2/fan_in), or add normalization or "
            "skip connections.",
            "03_deep_sigmoid_nets.ipynb" if squashing else "05_initialization.ipynb",
            _ends(case)[0],
        )
    limit = THRESHOLDS["vanishing through time"]
    for name, early, late in _through_time(case):
        if late > 0 and early / late <= limit.value:
            yield Finding(
                "vanishing",
                "the gradient shrinks on its way back through time.",
                {"first steps over last": early / late, "first": early, "last": late},
                limit,
                "Use an LSTM whose forget gates start open (forget bias of the size of ln(steps)), or shorter "
                "sequences.",
                "08_lstms.ipynb",
                (name,),
            )


def _shattered(case: Case) -> Iterator[Finding]:
    """Signal times spread: how much the loss would change, by the gradient, over the distance between two samples.

    Scale alone leaves it the same in every layer. Where it grows on the way back, the gradient at a point holds for a
    smaller and smaller part of that distance: samples nearer than that have unrelated gradients.
    """
    limit = THRESHOLDS["shattered"]
    early, late = _trunk_ends(case)
    ratio = _divided(_reach(case, early), _reach(case, late))
    if ratio >= limit.value:
        yield Finding(
            "shattered",
            "inputs that lie close together get unrelated gradients.",
            {"signal times spread, first over last": ratio, "gradients hold up to a distance of": 1 / ratio},
            limit,
            "Add skip connections around pairs of layers, or make the network less deep.",
            "07_resnets.ipynb",
            tuple(layer.label for layer in early),
        )


def _notes(case: Case) -> Iterator[str]:
    if case.waking and any(layer.signal_norm == 0 for layer in case.layers if layer.status == "learns"):
        yield (
            f"Weights that begin at zero ({some(case.waking)}) let no gradient through yet. Diagnose again after "
            "a few steps."
        )
    unused = [layer.label for layer in case.layers if layer.status == "unused"]
    if unused:
        yield f"This loss has no use for {some(unused)}: no gradient there, and none expected."
    idle = [layer.label for layer in case.layers if layer.status == "not called"]
    if idle:
        yield f"The forward pass didn't call {some(idle)}."
    lost = [layer.label for layer in case.layers if layer.underflow]
    if lost:
        yield f"The signal of {len(lost):,} layers, first {lost[0]}, is below what can be read; 0 stands for it."


# What they look at ---------------------------------------------------------------------------------------------------


def _trunk(case: Case) -> list[LayerReading]:
    """The layers that learn a matrix and get a gradient, each once: at the call that gets most.

    What weights of zero silence for the moment is left out.
    """
    best: dict[str, LayerReading] = {}
    for layer in case.layers:
        if layer.name in case.matrices and layer.status == "learns" and math.isfinite(layer.signal_norm):
            known = best.setdefault(layer.name, layer)
            if layer.signal_norm > known.signal_norm:
                best[layer.name] = layer
    return [layer for layer in best.values() if layer.signal_norm > 0 or not case.waking]


def _trunk_ends(case: Case) -> tuple[list[LayerReading], list[LayerReading]]:
    """The first tenth of the trunk and the last one, at least a layer each; the read-out counts among two.

    Its signal is set by the loss and by the number of classes, and not by what the layers before it do.
    """
    trunk = _trunk(case)
    if len(trunk) < 2:
        return [], []
    size = max(1, len(trunk) // 10)
    hidden = trunk[:-1] if len(trunk) > 2 else trunk
    with_signal = [layer for layer in hidden if layer.signal_norm > 0]
    return trunk[:size], (with_signal or trunk)[-size:]


def _ends(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    early, late = _trunk_ends(case)
    return tuple(layer.label for layer in early), tuple(layer.label for layer in late)


def _ratio_of_ends(case: Case) -> float:
    """Signal of the first layers over that of the last ones, nan where there is no depth to speak of."""
    return _divided(*_sizes(case))


def _sizes(case: Case) -> tuple[float, float]:
    early, late = (max((layer.signal_norm for layer in part), default=math.nan) for part in _trunk_ends(case))
    return early, late


def _size_evidence(case: Case, ratio: float) -> dict[str, float]:
    early, late = _sizes(case)
    return {"first over last": ratio, "first": early, "last": late}


def _reach(case: Case, part: Sequence[LayerReading]) -> float:
    """The largest signal times spread in any call of these layers."""
    names = {layer.name for layer in part}
    products = [layer.signal_norm * layer.spread for layer in case.layers if layer.name in names]
    return max((each for each in products if math.isfinite(each)), default=math.nan)


def _divided(early: float, late: float) -> float:
    if early == 0 and late == 0:
        return 0.0
    return math.inf if late == 0 else early / late


def _through_time(case: Case) -> Iterator[tuple[str, float, float]]:
    """Name, and the signal at the first and at the last tenth of the steps, of all that runs through time."""
    calls: dict[str, list[float]] = {}
    for layer in case.layers:
        if layer.steps:
            yield layer.label, *_ends_of_steps(layer.steps)
        elif layer.name in case.matrices and layer.status == "learns":
            calls.setdefault(layer.name, []).append(layer.signal_norm)
    for name, signals in calls.items():
        if len(signals) >= MANY_CALLS:
            yield name, *_ends_of_steps(signals)


def _ends_of_steps(steps: Sequence[float]) -> tuple[float, float]:
    size = max(1, len(steps) // 10)
    return max(steps[:size]), max(steps[-size:])


def _hidden(layers: Sequence[LayerReading]) -> Sequence[LayerReading]:
    """All layers up to the last one that learns: an activation after it gives the answer, and may be flat there."""
    learning = [place for place, layer in enumerate(layers) if layer.status in ("learns", "frozen", "detached")]
    return layers[: learning[-1] + 1] if learning else layers
