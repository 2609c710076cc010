"""Derive findings from readings. One table holds every threshold with its source.

Three measures are used. The signal ‖∂L/∂h‖ depends on the units of h, which a normalization removes. Two measures
without units therefore confirm it: the signal times the spread of h over the samples (the change of the loss if h
changes by its own size), and ‖∂L/∂W‖ times the root mean square of W (the same for a layer's weights).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from .data import LIMITS, findings_of_data, notes_of_data, why_flat
from .evidence import Evidence
from .readings import Finding, LayerReading, Threshold, some

THRESHOLDS: Mapping[str, Threshold] = {
    "non-finite": Threshold(
        0,
        "no nan and no infinity in inputs, parameters, loss and gradients",
        "the range of the number format, IEEE 754",
    ),
    "detached": Threshold(
        0,
        "every layer that ran and requires a gradient gets one",
        "torch.autograd.grad returns None where there is none",
    ),
    "unregistered": Threshold(
        0, "model.parameters() has every parameter in the graph of the outputs", "torch.optim gets model.parameters()"
    ),
    "symmetric": Threshold(
        1e-5,
        "largest difference between a layer's units, in weights or gradients, over the largest entry: above 1e-5",
        "units with the same weights and the same gradient stay the same (Goodfellow 2016, section 8.4)",
    ),
    "blocked": Threshold(
        0, "every layer passes on some of the gradient", "torch.autograd.grad returns exact zeros where one doesn't"
    ),
    "dead": Threshold(
        0.9,
        "dead units of a layer: below 90 %",
        "our measurement: half the units are dead in a deep healthy ReLU network (theory: Lu 2019), and all of them in "
        "a dead one; tests/test_doctor.py",
    ),
    "saturated": Threshold(
        0.5,
        "saturated elements of a layer: below 50 %",
        "our measurement: a third are saturated in the healthy sigmoid network of gain 8; tests/test_doctor.py",
    ),
    "exploding": Threshold(
        1e3,
        "signal of the first layers over that of the last ones: below 1000, unless a change of units explains it",
        "our measurement with SGD: a ReLU network of gain 3 trains at a ratio of 20 (5 layers), but with no learning "
        "rate at 2 000 000 (20 layers); tests/test_doctor.py",
    ),
    "vanishing": Threshold(
        1e-3,
        "signal of the first layers over that of the last ones: above 0.001",
        "our measurement with SGD: a sigmoid network of 3 layers trains at a ratio of 0.02, one of 6 layers stays at "
        "chance at 0.0001; tests/test_doctor.py",
    ),
    "vanishing through time": Threshold(
        1e-11,
        "signal at the first time steps over that at the last ones: above 1e-11",
        "our measurement: an LSTM learns the adding problem over 50 steps (ratio 1e-10) and fails at recall over 60 "
        "steps (ratio 1e-12); lesson 08",
    ),
    "exploding through time": Threshold(
        1e3, "signal at the first time steps over that at the last ones: below 1000", "as for exploding layers"
    ),
    "shattered": Threshold(
        1e2,
        "signal times spread over the samples, first layers over last ones: below 100, or neighbours' gradients alike",
        "Balduzzi 2017; our measurement: above it, inputs that are 1 % as far apart as two samples have unrelated "
        "gradients; tests/test_doctor.py",
    ),
}
"""The threshold of every finding about one batch."""

NARROW = 16
"""In a layer with fewer units than this, all of them may be dead or flat by chance."""

MANY_CALLS = 8
"""A module with weights that is called this often counts as recurrent: its calls are steps in time."""

CONFIRMED_SMALL = 3e-3
"""A vanishing signal is confirmed by a measure without units that is below this."""

CONFIRMED_LARGE = 30.0
"""An exploding signal is confirmed by a measure without units, or by outputs over their natural size, above this."""

ALIKE = 0.3
"""The gradients of neighbours are related if their cosine is larger than this."""

ENOUGH = 0.5
"""The share of the weights at whose layers the signal must be read before a model can be called healthy."""

ONE_HOT = 0.9
"""A softmax inside the network gets a note if this share of its rows is nearly one-hot."""

MOSTLY = 0.5
"""A note if more than this share of the layers follow a layer without an activation between; body and head may."""

FEW_READ = 0.1
"""The share of the time steps that a recurrent layer's outputs should depend on at least."""

REACHED = 1e-3
"""Through time, a step with this share of the largest signal still counts as reached."""

EPS = 3e-3
"""The square root of a normalization's eps: a smaller standard deviation is not scaled to 1."""

ADAMS_EPS, WILD = 1e-8, 1e3
"""Below ADAMS_EPS, Adam's step shrinks with the gradient. If a layer's gradient is WILD times its weights, one step of
gradient descent at rate 0.001 changes them by their own size."""

USUAL_RATE, IDLE = 1e-3, 1e-5
"""Adam changes each weight by about its rate, so a step changes the loss by at most the rate times the sum of all
gradients' sizes, to first order. Below IDLE of the loss, a thousand steps change it by less than 1 %."""

ROUNDING, LOOK_ALIKE = 1e-6, 0.02
"""Between these shares of a layer's size, samples differ by more than rounding but by little."""

SHRINKS = 0.05
"""An output activation is saturated if it passes on less of the gradient than this and is flat for most elements."""


@dataclass(frozen=True)
class Case:
    """Everything that the findings are derived from.

    layers, loss: the readings of all layers in order of execution, and the loss that was measured
    bad: a description of the place where nan or infinity arises; empty if there is none
    detached: labels of the layers, and names of parameters, that should learn and get no gradient
    targets: labels of the layers of target networks, which require a gradient and get none
    waking: labels of layers whose weights or factors start at zero and are about to become nonzero
    matrices: labels of layers that learn a matrix, and not only scales and biases
    batch_norm: whether the model has batch norm layers, which changes the remedy
    frozen: whether no parameter requires a gradient
    way: the layers on the strongest path from the inputs to the loss, input first
    trunk: those of them that learn a matrix
    stopper: the function between two layers that passes on no gradient, as "round()"; empty if it isn't known
    skips: the number of skip connections on that path
    samples: the size of the batch
    outputs_signal, outputs_rms, outputs_natural: ‖∂L/∂outputs‖, the outputs' size, and their usual size for the loss
    unregistered: the number of parameters that only the graph has, and of the numbers in them
    symmetric: labels of layers all of whose units are the same
    forgotten: (name, calls, detached calls) of modules whose state is detached at nearly every step
    beside: whether the loss contains parameters but nothing that the model computed
    coverage: share of the weights with a gradient at whose layer the signal was read
    input_spreads, call_spreads: spread of a recurrent module's inputs at every step, by label and by name
    straight: labels of two linear layers that follow each other without an activation, for every such pair
    neighbours: cosine of the input gradients of neighbours; nan if it wasn't needed or can't be computed
    """

    layers: Sequence[LayerReading]
    loss: float
    bad: str
    detached: Sequence[str]
    waking: Sequence[str]
    matrices: frozenset[str]
    batch_norm: bool
    frozen: bool
    targets: Sequence[str] = ()
    way: Sequence[LayerReading] = ()
    trunk: Sequence[LayerReading] = ()
    stopper: str = ""
    skips: int = 0
    samples: int = 1
    outputs_signal: float = math.nan
    outputs_rms: float = math.nan
    outputs_natural: float = 1.0
    unregistered: tuple[int, int] = (0, 0)
    symmetric: Sequence[str] = ()
    forgotten: Sequence[tuple[str, int, int]] = ()
    beside: bool = False
    coverage: float = 1.0
    input_spreads: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    call_spreads: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    straight: Sequence[tuple[str, str]] = ()
    neighbours: float = math.nan

    @cached_property
    def ends(self) -> tuple[list[LayerReading], list[LayerReading]]:
        """The first and the last layers of the trunk, input first."""
        return _trunk_ends(self)

    @cached_property
    def growth_of_reach(self) -> float:
        """Signal times spread, first layers over last ones; nan where it is unknown."""
        return _grown(self, partial(_reach, self))

    @cached_property
    def in_time(self) -> Mapping[str, Sequence[float]]:
        """The signal at every time step, for everything that runs through time."""
        return _all_in_time(self)


def judge(case: Case, evidence: Evidence | None = None) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return all findings, the worst first, and notes.

    Causes come before their effects. With batch norm, shattered gradients are worse than large ones, which the scale
    of the weights compensates; without it, the size does harm first. If numbers aren't finite, or the loss has no
    gradient, sizes mean nothing and aren't judged.
    """
    causes = [*_non_finite(case, evidence)]
    if not causes and evidence is not None:
        causes += findings_of_data(evidence)
    flat = [] if causes and case.bad else list(_flat_loss(case, evidence))
    findings = [*causes, *flat, *_unregistered(case), *_detached(case), *_forgotten(case)]
    if not case.bad and not flat:
        shattered = list(_shattered(case))
        size = [*_exploding(case), *_vanishing(case)]
        symmetric, blocked = list(_symmetric(case)), list(_blocked(case))
        if symmetric or blocked:
            size = [finding for finding in size if finding.evidence.get("first") != 0]
        findings += [
            *symmetric,
            *_dead(case),
            *([] if symmetric else blocked),
            *_saturated(case),
            *(shattered + size if case.batch_norm else size + shattered),
        ]
    notes = [*_notes(case), *(notes_of_data(evidence) if evidence is not None and not case.bad else ())]
    return tuple(findings), tuple(notes)


def suspects_shattering(case: Case) -> bool:
    """Whether the sizes of the gradients call for a comparison of neighbours."""
    return case.growth_of_reach >= THRESHOLDS["shattered"].value


def examined(case: Case) -> bool:
    """Whether the signal was read at enough layers to call a model without findings healthy."""
    return case.coverage >= ENOUGH


# One function for each illness ---------------------------------------------------------------------------------------


def _non_finite(case: Case, evidence: Evidence | None) -> Iterator[Finding]:
    if not case.bad:
        return
    bad = [layer.label for layer in case.layers if not layer.finite]
    remedy = (
        "Look at that place first for a logarithm of zero or a division by zero (add a small eps inside), weights that "
        "grew without bound, or a number too large for half precision. Smaller initial weights, a smaller learning "
        "rate and clipping limit the growth."
    )
    if case.bad in ("the inputs", "the targets"):
        remedy = f"Look for gaps in {case.bad}: drop or fill in the samples with nan or infinity (torch.isfinite)."
    elif "softmax()" in case.bad:
        remedy = (
            "Look for a row in which everything is masked with -inf, such as a sequence that is all padding: leave one "
            "place open, or mask with -1e9."
        )
    elif evidence is not None and why_flat(evidence).startswith("every target is ignore_index"):
        remedy = (
            "Every target is ignore_index (-100), and the mean over no samples is 0/0: check how the targets are made, "
            "and skip such batches."
        )
    yield Finding(
        "non-finite",
        f"nan or infinite numbers arise in {case.bad}.",
        {"layers with nan or infinity": float(len(bad)), "loss": case.loss},
        THRESHOLDS["non-finite"],
        remedy,
        "10_clipping.ipynb",
        tuple(bad),
    )


def _flat_loss(case: Case, evidence: Evidence | None) -> Iterator[Finding]:
    if case.outputs_signal != 0 or evidence is None or case.frozen:
        return
    yield Finding(
        "loss",
        f"the loss gives no gradient: {why_flat(evidence)}.",
        {"gradient at the outputs": 0.0, "loss": case.loss},
        LIMITS["flat"],
        "Look at the loss on this batch: use another batch, harder examples or a wider margin, a loss without flat "
        "parts (cross entropy), or targets that aren't ignored. Without a gradient the layers can't be judged.",
        "01_definition.ipynb",
        kind="loss",
    )


def _unregistered(case: Case) -> Iterator[Finding]:
    tensors, numbers = case.unregistered
    if tensors:
        yield Finding(
            "unregistered",
            "the outputs depend on weights that model.parameters() doesn't have: no optimizer trains them.",
            {"parameters": float(tensors), "numbers in them": float(numbers)},
            THRESHOLDS["unregistered"],
            "Keep modules in nn.ModuleList or nn.ModuleDict, and weights in nn.ParameterList, not in Python's lists "
            "and dictionaries.",
            "01_definition.ipynb",
            tuple(layer.label for layer in case.layers if layer.status == "unregistered"),
        )


def _forgotten(case: Case) -> Iterator[Finding]:
    for name, calls, silent in case.forgotten:
        yield Finding(
            "detached",
            "the state is detached or discarded at nearly every step: no gradient flows back through time.",
            {"calls": float(calls), "calls whose answer leads nowhere": float(silent)},
            THRESHOLDS["detached"],
            "Remove detach() inside the loop over time, and pass each step the state of the step before; detach the "
            "state only once, between batches.",
            "08_lstms.ipynb",
            (name,),
        )


def _symmetric(case: Case) -> Iterator[Finding]:
    if case.symmetric:
        yield Finding(
            "symmetric",
            "all units of a layer have the same weights and get the same gradient: they will always act as one unit.",
            {"layers": float(len(case.symmetric))},
            THRESHOLDS["symmetric"],
            "Draw the weights at random (He's scale for ReLU, Xavier's for tanh); only biases may start at a constant.",
            "05_initialization.ipynb",
            tuple(case.symmetric),
        )


def _blocked(case: Case) -> Iterator[Finding]:
    """The place on the way where the signal becomes exactly 0, unless dead or symmetric units explain it."""
    yield from _normalised_away(case)
    place = _place_of_zero(case)
    if place is None or case.waking:
        return
    before, at = place
    limit = THRESHOLDS["dead"].value
    if at.dead >= limit or before.dead >= limit or before.label in case.symmetric:
        return
    remedy = "Look at what this layer computes: a product with 0, a constant, or a function that is flat everywhere."
    if at.type == "Softmax":
        remedy = (
            "A softmax over one unit is always 1. For two classes, give the last layer one unit and a sigmoid "
            "(binary_cross_entropy_with_logits), or two units and cross_entropy."
        )
    elif at.type.startswith(("Dropout", "AlphaDropout", "FeatureAlphaDropout")):
        remedy = "Its p is 1, so it drops everything: choose p between 0 and 0.5; p is the share that is dropped."
    where = f"in {at.label} ({at.type}), which follows {before.label} ({before.type})"
    if case.stopper:
        where = f"between {before.label} ({before.type}) and {at.label} ({at.type}), in {case.stopper}"
        remedy = (
            f"{case.stopper} is flat there. Use a smooth function, pass the gradient straight through "
            "(x + (round(x) - x).detach()), or leave out the clamp."
        )
    yield Finding(
        "blocked",
        f"the gradient becomes exactly 0 {where}.",
        {f"signal at {at.label}": at.signal_norm, f"signal at {before.label}": before.signal_norm},
        THRESHOLDS["blocked"],
        remedy,
        "03_deep_sigmoid_nets.ipynb",
        (at.label,),
    )


def _normalised_away(case: Case) -> Iterator[Finding]:
    """Yield a finding for a normalization over single numbers, whose output is constant."""
    for before, at in zip(case.way, case.way[1:], strict=False):
        if "Norm" in at.type and not case.waking and before.spread > EPS > at.activation_std:
            yield Finding(
                "blocked",
                f"the output of {at.label} ({at.type}) doesn't depend on its input: it normalises single numbers.",
                {"spread before": before.spread, "deviation after": at.activation_std},
                THRESHOLDS["blocked"],
                "Normalise over several numbers (fewer groups, an axis with more features, a place before the "
                "pooling), or leave it out.",
                "06_batch_norm.ipynb",
                (at.label,),
            )
            return


def _place_of_zero(case: Case) -> tuple[LayerReading, LayerReading] | None:
    """Return the last layer on the way whose signal is exactly 0, and the one after it, which has a signal."""
    layers = [layer for layer in case.way if not math.isnan(layer.signal_norm)]
    if case.outputs_signal > 0:
        layers.append(LayerReading("the outputs", "what the model returns", 1, "", 0, signal_norm=case.outputs_signal))
    reached = {layer.name for layer in case.layers if layer.signal_norm > 0}  # a first call may get a state of 0
    for before, at in zip(layers, layers[1:], strict=False):
        if before.name not in reached and before.signal_norm == 0 and at.signal_norm > 0 and not before.underflow:
            return before, at
    return None


def _detached(case: Case) -> Iterator[Finding]:
    labels = case.detached
    if not labels and not case.bad and not any(layer.status == "learns" for layer in case.layers):
        labels = [layer.label for layer in case.layers if layer.status in ("unused", "not called")]
    if case.frozen:
        summary = "no parameter requires a gradient: all of them are frozen."
        remedy = "Set requires_grad_(True) on the part that should learn."
    elif case.beside:
        summary = "the loss depends on the parameters alone, and not on what the model computed from the inputs."
        remedy = "Look for detach() between the outputs and the loss, or for a missing term of the loss."
    elif labels:
        summary = "no gradient reaches layers that should learn."
        remedy = (
            "Between these layers and the loss, look for detach(), item(), numpy(), argmax, torch.no_grad() or a new "
            "tensor made from numbers. If a layer is not meant to learn, set requires_grad_(False) on it."
        )
    else:
        return
    names = tuple(labels)
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
            "nearly all units of a layer are 0 for every sample, and a unit that is 0 passes no gradient back.",
            {"share of dead units, worst layer": max(layer.dead for layer in dead), "layers": float(len(dead))},
            limit,
            "Start with biases at 0 and weights at He's scale, lower the learning rate, or use an activation that has "
            "a slope below zero (leaky ReLU, ELU).",
            "04_relu.ipynb",
            tuple(layer.label for layer in dead),
        )


def _saturated(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["saturated"]
    way = {layer.label for layer in case.way}  # off the way, a softplus (a step size, a variance) may be small
    saturated = [
        layer
        for layer in _hidden(case.layers)
        if layer.saturated >= (limit.value if layer.units >= NARROW else THRESHOLDS["dead"].value)
        and (layer.squashes or not way or layer.label in way)
    ]
    saturated += _flat_answers(case)
    if saturated:
        yield Finding(
            "saturated",
            "most elements of an activation lie where it is flat.",
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


def _flat_answers(case: Case) -> list[LayerReading]:
    """Return output activations that are flat for nearly all elements and hold the gradient back.

    With cross entropy they don't hold it back: that loss divides by the slope.
    """
    place = next((each for each in reversed(range(len(case.layers))) if case.layers[each].status == "learns"), None)
    if place is None:
        return []
    last = case.layers[place]
    return [
        layer
        for layer in case.layers[place + 1 :]
        if layer.saturated >= THRESHOLDS["dead"].value and last.signal_norm < SHRINKS * layer.signal_norm
    ]


def _exploding(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["exploding"]
    ratio = _ratio_of_ends(case)
    if ratio >= limit.value and _growth_is_real(case):
        yield Finding(
            "exploding",
            "the gradient grows on its way from the loss to the first layers.",
            _size_evidence(case, ratio),
            limit,
            "Add skip connections around pairs of layers: batch norm cannot stop this growth, it causes it."
            if case.batch_norm
            else "Start with weights at He's scale (ReLU) or Xavier's (tanh), or normalise the layers. Meanwhile, "
            "clipping keeps the steps small.",
            "06_batch_norm.ipynb" if case.batch_norm else "05_initialization.ipynb",
            _ends(case)[0],
        )
    limit = THRESHOLDS["exploding through time"]
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


def _growth_is_real(case: Case) -> bool:
    """Whether a ratio of signals is more than a change of units."""
    outputs = case.outputs_rms / case.outputs_natural
    growths = [outputs, case.growth_of_reach, _growth_of_pull(case)]
    known = [growth for growth in growths if growth == growth]
    return not known or max(known) >= CONFIRMED_LARGE


def _shrinking_is_real(case: Case) -> bool:
    """Whether the first layers' own weights, or their output over the samples, hardly move the loss."""
    early, _ = case.ends
    reach = _reach(case, early) * math.sqrt(case.samples) / abs(case.loss) if case.loss else math.nan
    known = [each for each in (_growth_of_pull(case), reach) if each == each]
    return not known or min(known) <= CONFIRMED_SMALL


def _vanishing(case: Case) -> Iterator[Finding]:
    limit = THRESHOLDS["vanishing"]
    ratio = _ratio_of_ends(case)
    if ratio <= limit.value and _shrinking_is_real(case):
        squashing = any(layer.squashes for layer in _hidden(case.layers))
        yield Finding(
            "vanishing",
            "the gradient shrinks on its way from the loss to the first layers.",
            _size_evidence(case, ratio),
            limit,
            "Use an activation whose slope doesn't shrink the gradient (ReLU with He's scale, tanh with Xavier's), "
            "a normalization before the activations, or skip connections."
            if squashing
            else "Start with weights at the right scale (He's for ReLU: variance 2/fan_in), or add normalization or "
            "skip connections.",
            "03_deep_sigmoid_nets.ipynb" if squashing else "05_initialization.ipynb",
            _ends(case)[0],
        )
    limit = THRESHOLDS["vanishing through time"]
    for name, early, late in _through_time(case):
        if late > 0 and early / late <= limit.value and _is_out_of_reach(case, name):
            yield Finding(
                "vanishing",
                "the gradient shrinks on its way back through time and doesn't reach the steps at which the samples "
                "differ.",
                {
                    "first steps over last": early / late,
                    "reach in steps": float(_steps_in_reach(case, name)),
                    "steps": float(len(case.in_time[name])),
                },
                limit,
                "Use an LSTM whose forget gates start open (forget bias of about ln(steps)), or shorter sequences.",
                "08_lstms.ipynb",
                (name,),
            )


def _shattered(case: Case) -> Iterator[Finding]:
    """Signal times spread: the change of the loss that the gradient predicts over the distance between two samples.

    The scale of the weights alone leaves it the same in every layer. Where it grows on the way back, the gradient at a
    point may hold only for an ever smaller part of that distance. Neighbours decide: do inputs that are 1 % as far
    apart as two samples have related gradients? With skip connections such a network learns anyway and gets a note.
    """
    limit = THRESHOLDS["shattered"]
    growth = case.growth_of_reach
    if growth >= limit.value and not case.neighbours >= ALIKE and not case.skips and _differ(case.ends[1]):
        yield Finding(
            "shattered",
            "inputs that lie close together get unrelated gradients.",
            {
                "signal times spread, first over last": growth,
                "gradients hold up to a distance of": 1 / growth,
                "cosine of the gradients of neighbours": case.neighbours,
            },
            limit,
            "Add skip connections around pairs of layers, or make the network less deep.",
            "07_resnets.ipynb",
            _ends(case)[0],
        )


def _notes(case: Case) -> Iterator[str]:
    if case.waking and any(layer.signal_norm == 0 for layer in case.layers if layer.status == "learns"):
        yield (
            f"Weights that begin at zero ({some(case.waking)}) pass on no gradient yet. Diagnose again after a few "
            "training steps."
        )
    if case.targets:
        yield (
            f"{some(case.targets)} ran without gradients beside layers that learn, like a target network or a "
            "teacher. If it is one, set requires_grad_(False) on it; if it should learn, move it out of "
            "torch.no_grad()."
        )
    if not case.bad:
        yield from _notes_of_reach(case)
    unused = [layer.label for layer in case.layers if layer.status == "unused"]
    if unused:
        yield f"This loss has no use for {some(unused)}: it has no gradient there, and none is expected."
    sharp = [layer.label for layer in _hidden(case.layers) if layer.one_hot >= ONE_HOT]
    if sharp:
        yield (
            f"The softmax in {some(sharp)} is nearly 0 or 1 everywhere and passes on little of the gradient: scale its "
            "inputs down, as attention divides its scores by the square root of the width."
        )
    idle = [layer.label for layer in case.layers if layer.status == "not called"]
    if idle:
        yield f"The forward pass didn't call {some(idle)}."
    lost = [layer.label for layer in case.layers if layer.underflow]
    if lost:
        yield f"The signal of {len(lost):,} layers, first {lost[0]}, is below what can be read, and is given as 0."
    if case.straight and len(case.straight) > MOSTLY * (len(_trunk(case)) - 1):
        first, second = case.straight[0]
        yield (
            f"No activation stands between most linear layers, such as {first} and {second}: together they are no more "
            "than one linear layer. Put an activation behind each but the last."
        )
    if not case.bad:
        yield from _notes_of_sizes(case)
    if case.coverage < 1 - 1e-9 and not case.frozen and not case.bad:
        yield f"The signal was read at the layers of {case.coverage:.0%} of the weights; at the others it can't be."


def _notes_of_sizes(case: Case) -> Iterator[str]:
    """Yield notes on gradients that are large, tiny or 0, and on samples that look alike, where there is no finding."""
    learning = [layer for layer in case.layers if layer.status == "learns" and layer.call < 2 and layer.parameters]
    largest = max((layer.gradient_norm / math.sqrt(layer.parameters) for layer in learning), default=math.nan)
    if 0 < largest < ADAMS_EPS and abs(case.loss) > 0:
        yield (
            f"All gradients are tiny (at most {largest:.1g} for a weight): below the eps of Adam ({ADAMS_EPS:g}), its "
            "steps get very small. Check what the loss is multiplied by."
        )
    moves = USUAL_RATE * sum(math.sqrt(each.parameters) * each.gradient_norm for each in learning if each.gradient_norm)
    if 0 < moves < IDLE * abs(case.loss) and not case.waking:
        yield (
            f"A step of Adam at a rate of {USUAL_RATE:g} changes the loss by at most {moves / abs(case.loss):.1g} of "
            "itself. Check what the outputs are divided by, and whether the loss has parts that nothing can change."
        )
    wild = [layer for layer in learning if layer.name in case.matrices and layer.gradient_to_weight > WILD]
    if wild and case.outputs_signal == case.outputs_signal:
        worst = max(wild, key=lambda layer: layer.gradient_to_weight)
        yield (
            f"The gradient is {worst.gradient_to_weight:.1g} times as large as the weights ({worst.label}): plain "
            "gradient descent overshoots at any usual learning rate. Use the mean instead of a sum, standardise the "
            "targets, or clip the gradient."
        )
    still = [layer.label for layer in learning if layer.gradient_norm == 0 and layer.name in case.matrices]
    if still and len(still) < len(learning) and not case.waking:
        yield f"The gradient is exactly 0 in {some(still)}: this batch doesn't change the weights."
    for layer in case.trunk:
        size = math.hypot(layer.activation_mean, layer.activation_std)
        if ROUNDING < layer.spread / (size or math.nan) < LOOK_ALIKE and case.samples > 1:
            yield (
                f"The samples look nearly alike in {layer.label}: they differ by {100 * layer.spread / size:.2g}% of "
                "its size. Check whether padding, a constant or biases outweigh their differences."
            )
            break


def _notes_of_reach(case: Case) -> Iterator[str]:
    if case.growth_of_reach >= THRESHOLDS["shattered"].value and case.neighbours < ALIKE and case.skips:
        yield (
            f"Nearby inputs have gradients with a cosine of {case.neighbours:.2f}, as in every deep network with batch "
            "norm and skip connections before training; it learns anyway."
        )
    for name, spreads in case.input_spreads.items():
        signals = case.in_time.get(name, ())
        read = max((place for place, signal in enumerate(signals, 1) if signal > 0), default=0)
        if len(signals) >= MANY_CALLS and 0 < read <= FEW_READ * len(signals) and any(spreads[read:]):
            yield (
                f"{name}: the loss depends only on the first {read} of {len(signals)} time steps. Read the output "
                "of the last step, or of all of them; batch_first says which axis is time."
            )
    limit = THRESHOLDS["vanishing through time"]
    for name, early, late in _through_time(case):
        if late > 0 and early / late <= limit.value and not _is_out_of_reach(case, name):
            reach, steps = _steps_in_reach(case, name), len(case.in_time[name])
            yield (
                f"{name}: through time the gradient reaches back about {reach} of {steps} steps (beyond them it is "
                "below 1e-3 of its largest value). The answer can only depend on inputs within that reach; open forget "
                "gates extend it."
            )


# Measures ------------------------------------------------------------------------------------------------------------


def _trunk(case: Case) -> list[LayerReading]:
    """Return the layers on the way that learn a matrix, each once: the call with the largest signal.

    Layers without a signal are left out while weights of zero are about to become nonzero. If the call on the way has
    no signal, as one on a state of zero, the module's other calls are considered.
    """
    best: dict[str, LayerReading] = {}
    silent = {layer.name for layer in case.trunk if layer.signal_norm == 0}
    others = [layer for layer in case.layers if layer.name in silent and layer.signal_norm > 0]
    for layer in (*case.trunk, *others):
        if layer.status == "learns" and math.isfinite(layer.signal_norm):
            known = best.setdefault(layer.name, layer)
            if layer.signal_norm > known.signal_norm:
                best[layer.name] = layer
    return [layer for layer in best.values() if layer.signal_norm > 0 or not case.waking]


def _trunk_ends(case: Case) -> tuple[list[LayerReading], list[LayerReading]]:
    """Return the first and the last tenth of the trunk, at least one layer each, without the read-out.

    The read-out's signal depends on the loss and the number of classes, and not on the layers before it; it counts
    only in a trunk of two layers. If such a trunk has skip connections, the last layers are those between the two.
    """
    trunk = _trunk(case)
    if len(trunk) < 2:
        return [], []
    size = max(1, len(trunk) // 10)
    hidden = trunk[:-1] if len(trunk) > 2 else trunk
    with_signal = [layer for layer in hidden if layer.signal_norm > 0]
    if len(trunk) == 2 and case.skips:
        labels = [layer.label for layer in case.way]
        between = case.way[labels.index(trunk[0].label) + 1 : labels.index(trunk[1].label)]
        with_signal = [layer for layer in between if layer.signal_norm > 0] or with_signal
    return trunk[:size], (with_signal or trunk)[-size:]


def _ends(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    early, late = case.ends
    return tuple(layer.label for layer in early), tuple(layer.label for layer in late)


def _ratio_of_ends(case: Case) -> float:
    """Return the signal of the first layers over that of the last ones; nan if the trunk has fewer than two layers."""
    return _divided(*_sizes(case))


def _sizes(case: Case) -> tuple[float, float]:
    early, late = (max((layer.signal_norm for layer in part), default=math.nan) for part in case.ends)
    return early, late


def _size_evidence(case: Case, ratio: float) -> dict[str, float]:
    early, late = _sizes(case)
    return {"first over last": ratio, "first": early, "last": late}


def _reach(case: Case, part: Sequence[LayerReading]) -> float:
    """Return the largest signal times spread in any call of these layers."""
    names = {layer.name for layer in part}
    layers = [layer for layer in case.layers if layer.name in names and layer.spread > 0]
    products = [layer.signal_norm * layer.spread for layer in layers]
    return max((each for each in products if math.isfinite(each)), default=math.nan)


def _differ(layers: Sequence[LayerReading]) -> bool:
    """Whether the samples differ in any of these layers by more than rounding."""
    return any(each.spread > ROUNDING * math.hypot(each.activation_mean, each.activation_std) for each in layers)


def _divided(early: float, late: float) -> float:
    if early == 0 and late == 0:
        return 0.0
    return math.inf if late == 0 else early / late


def _grown(case: Case, size: Callable[[Sequence[LayerReading]], float]) -> float:
    """Return the size of the first layers over that of the last ones; nan where it is unknown."""
    early, late = map(size, case.ends)
    return math.nan if math.isnan(early) or math.isnan(late) else _divided(early, late)


def _growth_of_pull(case: Case) -> float:
    """‖∂L/∂W‖ times the root mean square of W, first layers over last ones; nan where it is unknown."""
    return _grown(case, lambda part: max((pull for layer in part if (pull := _pull(layer)) == pull), default=math.nan))


def _pull(layer: LayerReading) -> float:
    """Return the change of the loss if a layer's weights change by their own size in a random direction."""
    if not layer.gradient_to_weight > 0 or not layer.parameters:
        return 0.0 if layer.gradient_norm == 0 else math.nan
    return layer.gradient_norm * (layer.gradient_norm / layer.gradient_to_weight) / math.sqrt(layer.parameters)


def _through_time(case: Case) -> Iterator[tuple[str, float, float]]:
    """Yield name, signal at the first tenth and signal at the last tenth of the steps of all that runs through time."""
    for name, signals in case.in_time.items():
        size = max(1, len(signals) // 10)
        yield name, max(signals[:size]), max(signals[-size:])


def _all_in_time(case: Case) -> dict[str, Sequence[float]]:
    """Return the signal at every time step, by name, for everything that runs through time."""
    found: dict[str, Sequence[float]] = {}
    calls: dict[str, list[float]] = {}
    for layer in case.layers:
        if layer.steps:
            found[layer.label] = layer.steps
        elif layer.name in case.matrices and layer.status == "learns" and layer.signal_norm == layer.signal_norm:
            calls.setdefault(layer.name, []).append(layer.signal_norm)
    return found | {name: signals for name, signals in calls.items() if len(signals) >= MANY_CALLS}


def _steps_in_reach(case: Case, name: str) -> int:
    """Return the number of steps from the first one with at least a thousandth of the largest signal to the end."""
    signals = case.in_time[name]
    least = REACHED * max(signals)
    return len(signals) - next((place for place, signal in enumerate(signals) if signal >= least), 0)


def _is_out_of_reach(case: Case, name: str) -> bool:
    """Whether the inputs differ from sample to sample only at steps that hardly any gradient reaches."""
    spreads = case.input_spreads.get(name) or case.call_spreads.get(name) or ()
    signals = case.in_time[name]
    if len(spreads) != len(signals) or not spreads:
        return False
    varying = [place for place, spread in enumerate(spreads) if spread > 1e-3 * max(spreads) and max(spreads) > 0]
    return bool(varying) and max(varying) < len(signals) - _steps_in_reach(case, name)


def _hidden(layers: Sequence[LayerReading]) -> Sequence[LayerReading]:
    """Return the layers up to the last one that learns: an activation after it gives the answer and may be flat."""
    learning = [place for place, layer in enumerate(layers) if layer.status in ("learns", "frozen", "detached")]
    return layers[: learning[-1] + 1] if learning else layers
