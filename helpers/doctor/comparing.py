"""Check what a loss function compares against what that function is meant for.

The last activation is read from autograd's graph, not guessed from the values: logits may lie between 0 and 1 by
chance, the outputs of a sigmoid always do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .graph import PASSES_ON, name_of, source_of
from .readings import Finding, Threshold

DIFFERENCES = frozenset(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "sub", "__sub__", "__rsub__", "rsub"))
"""Functions of torch that compare element by element, by subtraction."""

LOGARITHMS = frozenset(("nll_loss", "kl_div", "ctc_loss"))
"""Functions of torch that expect logarithms of probabilities."""

SOFTMAXES = frozenset(("cross_entropy", "log_softmax"))
"""Functions of torch that take the softmax of what they are given."""

BITS = frozenset(("binary_cross_entropy", "binary_cross_entropy_with_logits"))
"""Functions of torch that expect targets from 0 to 1."""

SIGNS = frozenset(("soft_margin_loss", "hinge_embedding_loss", "cosine_embedding_loss", "margin_ranking_loss"))
"""Functions of torch that expect labels of -1 and 1, as their last tensor."""

RATES = frozenset(("poisson_nll_loss",))
"""Functions of torch that take the exponential of what they are given, unless log_input is False."""

INDICES = frozenset(("multilabel_margin_loss",))
"""Functions of torch that expect the numbers of the right classes, and -1 after the last of them."""

SIMILAR = frozenset(("cosine_similarity",))
"""Functions of torch that compare directions."""

BY_HAND = frozenset(("sub", "__sub__", "__rsub__", "rsub", "mul", "__mul__", "__rmul__"))
"""Functions of torch that losses written by hand compare with, element by element."""

LOSSES = (DIFFERENCES | LOGARITHMS | SOFTMAXES | BITS | SIGNS | RATES | INDICES | SIMILAR) - BY_HAND
"""Functions of torch that are losses wherever they are called."""

COMPARING = LOSSES | BY_HAND
"""Functions of torch that compare within a loss function."""

MOST_COMPARED = 64
"""The largest number of comparisons that are examined."""

RANGES = {
    "SigmoidBackward": (0.0, 1.0),
    "HardsigmoidBackward": (0.0, 1.0),
    "SoftmaxBackward": (0.0, 1.0),
    "TanhBackward": (-1.0, 1.0),
    "ReluBackward": (0.0, math.inf),
    "SoftplusBackward": (0.0, math.inf),
    "ExpBackward": (0.0, math.inf),
    "LogSoftmaxBackward": (-math.inf, 0.0),
}
"""The range of the outputs of a step, by the step's name in autograd's graph."""

KEEPS_THE_RANGE = (
    *PASSES_ON,
    *(f"{each}Backward" for each in ("Select", "Slice", "Unbind", "Split", "Index", "Gather")),
)
"""Steps that output only numbers that they were given, all or some of them."""

KEEPS_THE_SHAPE = ("View", "UnsafeView", "Reshape", "Alias", "Clone", "AddBackward")
"""Steps after a linear layer that leave its units on the last axis, if the shape has as many axes afterwards."""

BEYOND, FEW, HALF, NEARLY_ALL = 0.05, 0.1, 0.5, 0.95
"""Targets more than BEYOND (in widths of the range) outside a range are out of reach; a share below FEW is ignored."""

SHARP = 50.0
"""The softmax of logits this far apart is 0 or 1, which leaves practically no gradient: exp(-50) is 2e-22."""

NEAR = 1e-3
"""A length this near to 1 is 1 up to rounding."""

IGNORED = -100
"""The class number that cross_entropy ignores by default."""

MASKED = -1e4
"""Logits below this were masked on purpose."""

RARE, FEW_TARGETS, MOST_CLASSES = 0.25, 16, 100
"""Below a share of RARE, labels are rare. Of fewer than FEW_TARGETS targets, little can be said."""

SMOOTH = 0.5
"""Label smoothing of at least this leaves the right class no more than half of the probability."""

OF_COMPARISONS = {
    "broadcast": Threshold(
        0, "outputs and targets of one shape", "what torch's broadcasting does with (N, 1) and (N,): all N² pairs"
    ),
    "logarithms": Threshold(
        1.1,
        "exp of the inputs of nll_loss and kl_div, summed over the classes: at most 1",
        "probabilities sum to 1; otherwise the loss has no lower bound",
    ),
    "reach": Threshold(
        HALF, "targets that the last activation can reach", "the ranges of sigmoid, tanh, softmax, ReLU"
    ),
    "signs": Threshold(0, "labels of -1 and 1", "PyTorch's manual; a label of 0 gives no gradient"),
    "bits": Threshold(0.5, "targets from 0 to 1", "beyond them binary cross-entropy has no minimum"),
}
"""The threshold of every finding about a comparison."""


@dataclass(frozen=True)
class Compared:
    """A call of a function of torch with two tensors: the one that was computed and the one that is wanted.

    settings: the function's other arguments, by name
    """

    function: str
    computed: Tensor
    wanted: Tensor
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def activation(self) -> tuple[str, float, float]:
        """Name and range of the activation whose outputs are compared; "" and all numbers if none is known."""
        step, factor = self._source
        name = "" if step is None else name_of(step)
        if name == "HardtanhBackward":
            return "hardtanh", step._saved_min_val, step._saved_max_val
        if name == "ClampBackward":
            ends = getattr(step, "_saved_min", None), getattr(step, "_saved_max", None)
            if not any(isinstance(each, Tensor) for each in ends):
                return "clamp", -math.inf if ends[0] is None else ends[0], math.inf if ends[1] is None else ends[1]
        low, high = RANGES.get(name, (-math.inf, math.inf))
        name = name.removesuffix("Backward").lower() if name in RANGES else ""
        if step is not None and name_of(step) in ("MmBackward", "BmmBackward") and _are_cosines(step):
            name, low, high = "cosine", -1.0, 1.0
        low, high = sorted((low * factor, high * factor))
        return name, low, high

    @cached_property
    def _source(self) -> tuple[Any, float]:
        """The step that the computed numbers come from, and the number by which they were multiplied since."""
        step, factor = source_of(self.computed.grad_fn, KEEPS_THE_RANGE), 1.0
        while step is not None and name_of(step) in ("MulBackward", "DivBackward"):
            other = step._saved_other
            if not isinstance(other, Tensor) or other.numel() != 1 or other.requires_grad or not float(other):
                break
            factor *= float(other) if name_of(step) == "MulBackward" else 1 / float(other)
            step = source_of(step.next_functions[0][0], KEEPS_THE_RANGE)
        return step, factor

    @cached_property
    def numbers(self) -> Tensor:
        """The computed tensor, detached from its graph."""
        return self.computed.detach()


def compared(function: str, args: Sequence[object], kwargs: Mapping[str, Any]) -> Compared | None:
    """Return what a call of a function of torch compares; None if it has no two tensors with elements to compare."""
    tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, Tensor)]
    pair = [tensors[0], tensors[-1]] if function in SIGNS and tensors else tensors[:2]
    if function == "log_softmax" and len(pair) == 1:
        pair *= 2
    if len(pair) < 2 or not all(each.numel() and each.layout == torch.strided for each in pair):
        return None
    if function in DIFFERENCES | BY_HAND and not pair[0].requires_grad:
        pair = pair[::-1]
    return Compared(function, pair[0], pair[1], kwargs)


def findings_of_comparisons(seen: Sequence[Compared]) -> Iterator[Finding]:
    """Yield findings about losses that compute something else than was meant, at most one of each kind."""
    for check in (_broadcast, _no_logarithms, _no_bits, _no_signs, _out_of_reach):
        found = next((finding for each in seen for finding in check(each)), None)
        if found is not None:
            yield found


def notes_of_comparisons(seen: Sequence[Compared]) -> Iterator[str]:
    """Yield notes on the arguments of losses, at most one of each kind."""
    for check in (
        *(_note_of_shares, _note_of_logits, _note_of_sharp_logits, _note_of_reach, _note_of_labels),
        *(_note_of_weights, _note_of_the_median, _note_of_numbered_classes),
        *(_note_of_settings, _note_of_the_class_axis, _note_of_one_of_several, _note_of_rates, _note_of_indices),
    ):
        found = next((note for each in seen for note in check(each)), None)
        if found is not None:
            yield found
    silent = [
        each
        for each in seen
        if each.function in LOSSES - SIMILAR and not (each.computed.requires_grad or each.wanted.requires_grad)
    ]
    if silent and len(silent) < len(seen):
        yield (
            f"A term of the loss ({silent[0].function}) has no gradient: neither of the two tensors that it compares "
            "depends on a parameter. Look for detach(), no_grad, or autograd.grad without create_graph=True."
        )
    of_outputs = (each.computed.requires_grad and each.wanted.requires_grad for each in seen)
    if seen and all(each.function in (DIFFERENCES - BY_HAND) | SIMILAR for each in seen) and all(of_outputs):
        yield (
            "The loss compares outputs with outputs, and both are trained: one constant for all samples is the best "
            "answer, unless another term keeps them apart."
        )


def _broadcast(each: Compared) -> Iterator[Finding]:
    """Yield a finding for shapes that differ only in axes of length 1.

    In a loss written by hand, two shapes with the same number of axes count as broadcast on purpose.
    """
    left, right = tuple(each.computed.shape), tuple(each.wanted.shape)
    same = [size for size in left if size > 1] == [size for size in right if size > 1]
    on_purpose = each.function in BY_HAND and len(left) == len(right)
    learns = each.computed.requires_grad and not each.wanted.requires_grad
    if each.function not in DIFFERENCES | BY_HAND or not same or on_purpose or not learns:
        return
    pairs = math.prod(torch.broadcast_shapes(left, right))
    if pairs > math.prod(left):
        yield _finding(
            "broadcast",
            f"the loss compares shape {left} with shape {right}: every output with every target.",
            {"pairs compared": float(pairs), "outputs": float(math.prod(left))},
            "Give both the same shape: outputs.squeeze(-1), or targets.unsqueeze(-1).",
        )


def _no_logarithms(each: Compared) -> Iterator[Finding]:
    if each.function not in LOGARITHMS or not _sums_of_exp(each) > OF_COMPARISONS["logarithms"].value:
        return
    what = "probabilities" if are_shares(each.numbers, -1) else "numbers"
    yield _finding(
        "logarithms",
        f"{each.function} is given {what} in place of logarithms of probabilities, so it has no lower bound.",
        {"exp, summed over the classes": _sums_of_exp(each)},
        {
            "nll_loss": "Pass it log_softmax of the logits; or pass the logits to cross_entropy, which contains the "
            "softmax.",
            "ctc_loss": "Pass it log_softmax of the logits over the last axis.",
            "kl_div": "Pass it log_softmax of the logits: kl_div takes logarithms as its first argument, not as its "
            "second.",
        }[each.function],
    )


def _no_bits(each: Compared) -> Iterator[Finding]:
    if each.function not in BITS:
        return
    low, high = _ends(each.wanted)
    if low < -OF_COMPARISONS["bits"].value or high > 1 + OF_COMPARISONS["bits"].value:
        yield _finding(
            "bits",
            f"the targets of {each.function} range from {low:.3g} to {high:.3g}: outside 0 to 1 it has no minimum.",
            {"smallest target": low, "largest": high},
            "Make the targets 0 and 1, or values in between: labels y of -1 and 1 become (y + 1) / 2.",
        )


def _no_signs(each: Compared) -> Iterator[Finding]:
    if each.function in SIGNS and not bool((each.wanted.detach().abs() == 1).all()):
        low, high = _ends(each.wanted)
        yield _finding(
            "signs",
            f"{each.function} takes labels of -1 and 1, but is given {low:.3g} to {high:.3g}.",
            {"smallest label": low, "largest": high},
            "Make the labels -1 and 1: labels y of 0 and 1 become 2 * y - 1.",
        )


def _out_of_reach(each: Compared) -> Iterator[Finding]:
    name, low, high = each.activation
    share = _share_out_of_reach(each)
    if share >= HALF:
        yield _finding(
            "reach",
            f"the targets lie outside the range of the {name} at the end ({_interval(low, high)}).",
            dict(zip(("share out of reach", "smallest target", "largest"), (share, *_ends(each.wanted)), strict=True)),
            f"Leave out the {name} after the last layer, or scale the targets into its range.",
        )


def _note_of_reach(each: Compared) -> Iterator[str]:
    share = _share_out_of_reach(each)
    if FEW <= share < HALF:
        name, low, high = each.activation
        yield (
            f"{share:.0%} of the targets lie outside the range of the {name} at the end ({_interval(low, high)}): "
            "leave it out, or scale the targets."
        )


def _note_of_shares(each: Compared) -> Iterator[str]:
    if each.function in LOGARITHMS and _sums_of_exp(each) < 2 - OF_COMPARISONS["logarithms"].value:
        yield (
            f"The probabilities that {each.function} is given sum to {_sums_of_exp(each):.2g} over the classes, not "
            "to 1: take the (log-)softmax over the axis of the classes."
        )


def _note_of_logits(each: Compared) -> Iterator[str]:
    """Yield a note if an activation precedes the loss's own softmax or sigmoid."""
    name, low, high = each.activation
    if each.function in SOFTMAXES and each.numbers.dim() > 1 and are_shares(each.numbers, 1):
        name, low, high = "softmax", 0.0, 1.0  # written by hand
    if not name:
        return
    if each.function in SOFTMAXES and high - low < math.inf:
        remedy = (
            "Divide the cosines by a temperature (0.05 to 0.5)."
            if name == "cosine"
            else f"Pass it the logits before the {name}."
        )
        classes = each.numbers.shape[1 if each.numbers.dim() > 1 else 0]
        most = 1 / (1 + (classes - 1) * math.exp(low - high))
        if each._source[1] != 1 and most > HALF:  # scaled on purpose
            return
        yield (
            f"The loss takes a softmax of numbers that have been through a {name}: none of the {classes:,} classes can "
            f"get a probability above {most:.2g}. {remedy}"
        )
    elif each.function == "cross_entropy" and name == "relu":
        yield (
            "The loss takes a softmax of numbers that have been through a relu: a class that the relu sets to 0 gets "
            "no gradient from that sample. Pass it the logits before the relu."
        )
    if each.function == "binary_cross_entropy_with_logits" and name != "logsoftmax":
        ends = (f"{1 / (1 + math.exp(-end)):.2g}" for end in (low, high))
        yield (
            f"The loss takes a sigmoid of numbers that have been through a {name}: probabilities lie between "
            f"{' and '.join(ends)}. Pass it the logits before the {name}."
        )


def _note_of_sharp_logits(each: Compared) -> Iterator[str]:
    """Yield a note if logits lie so far apart that a softmax or a sigmoid of them is 0 or 1."""
    of_bits = each.function == "binary_cross_entropy_with_logits"
    if not of_bits and each.function not in SOFTMAXES or max(map(abs, _ends(each.numbers))) <= SHARP / 2:
        return
    numbers = each.numbers.float()
    if each.function in SOFTMAXES and numbers.dim() > 1:
        known = numbers.where(numbers > MASKED, torch.tensor(math.nan))
        apart = float((known - known.nanmean(1, keepdim=True)).square().nanmean(1).sqrt().median())
    elif of_bits:
        apart = float(numbers.abs().median())
    else:
        return
    if SHARP < apart < math.inf:
        yield (
            f"The logits that {each.function} is given lie {apart:.3g} apart: nearly all probabilities are 0 or 1. "
            "Check the scale of the last layer, and the temperature that divides them."
        )


def _note_of_labels(each: Compared) -> Iterator[str]:
    wanted = each.wanted.detach()
    if each.function in ("cross_entropy", "nll_loss") and not wanted.is_floating_point():
        left_out = float((wanted == IGNORED).float().mean())
        if NEARLY_ALL <= left_out < 1:
            yield f"{left_out:.1%} of the targets are {IGNORED} and ignored: check how they are made."
    if each.function != "cross_entropy" or not wanted.is_floating_point() or wanted.dim() < 2:
        return
    sums = wanted.sum(1)
    if float(((sums - 1).abs() > BEYOND).float().mean()) > FEW:
        yield (
            f"The probabilities that cross_entropy is given as targets sum to {float(sums.mean()):.3g}, not to 1: for "
            "several labels per sample use binary_cross_entropy_with_logits."
        )


def _note_of_settings(each: Compared) -> Iterator[str]:
    smoothing = each.settings.get("label_smoothing", 0.0)
    if each.function == "cross_entropy" and smoothing >= SMOOTH:
        classes = each.computed.shape[1 if each.computed.dim() > 1 else 0]
        yield (
            f"label_smoothing is {smoothing:g}: the best answer gives the right class a probability of "
            f"{1 - smoothing + smoothing / classes:.2g} only. Usual is 0.1."
        )


def _note_of_weights(each: Compared) -> Iterator[str]:
    """Yield a note if the weights of a loss make what is rare count even less."""
    wanted = each.wanted.detach()
    more = each.settings.get("pos_weight")
    if isinstance(more, Tensor) and more.numel() == 1 and wanted.numel():
        share = float((wanted > 0.5).float().mean())
        if 0 < share < RARE and float(more) < 1:
            yield (
                f"pos_weight is {float(more):.2g}, but only {share:.0%} of the targets are 1: they count even less. "
                f"To balance them, use negatives over positives, {(1 - share) / share:.3g}."
            )
    weights = each.settings.get("weight")
    if each.function in ("cross_entropy", "nll_loss") and isinstance(weights, Tensor) and weights.numel() > 1:
        if wanted.is_floating_point():
            return
        counts = torch.bincount(wanted[wanted >= 0].reshape(-1), minlength=len(weights))[: len(weights)].to(weights)
        rare, often = int(counts.argmin()), int(counts.argmax())
        if counts[rare] < RARE * counts[often] and float(weights[rare]) < RARE * float(weights[often]):
            yield (
                f"Class {rare} is rare ({int(counts[rare])} of {wanted.numel()} targets), and its weight in the loss "
                f"is small too ({float(weights[rare]):.2g}): weights that balance are larger for rare classes."
            )


def _note_of_the_median(each: Compared) -> Iterator[str]:
    """Yield a note if most targets of an absolute error are one number, which is then the best answer to all."""
    wanted = each.wanted.detach()
    if each.function == "l1_loss" and not each.wanted.requires_grad and wanted.is_floating_point():
        middle = wanted.median()
        share = float((wanted == middle).float().mean())
        if 0.5 < share < NEARLY_ALL and wanted.numel() > FEW_TARGETS:
            yield (
                f"{share:.0%} of the targets are {float(middle):.3g}, and the absolute error is smallest for the "
                "median: that number is the best constant answer. For means, use a squared error or a likelihood."
            )


def _note_of_numbered_classes(each: Compared) -> Iterator[str]:
    """Yield a note if whole numbers from 0 on, each often, are predicted by a difference."""
    wanted = each.wanted.detach()
    if each.function not in DIFFERENCES - BY_HAND or each.wanted.requires_grad or wanted.numel() < FEW_TARGETS:
        return
    if wanted.numel() == len(wanted) and bool((wanted == wanted.round()).all()):
        kinds = wanted.unique()
        often = len(kinds) * FEW_TARGETS <= wanted.numel() * 2
        if 3 <= len(kinds) <= MOST_CLASSES and often and torch.equal(kinds, torch.arange(len(kinds)).to(kinds)):
            yield (
                f"The targets are the whole numbers 0 to {len(kinds) - 1}: if they are classes without an order, give "
                f"the network {len(kinds)} outputs and use cross_entropy."
            )


def _note_of_the_class_axis(each: Compared) -> Iterator[str]:
    """Yield a note if a linear layer writes the classes to the last axis and the loss takes them from another."""
    if each.function not in ("cross_entropy", "nll_loss") or each.computed.dim() < 3:
        return
    step = source_of(each.computed.grad_fn, KEEPS_THE_SHAPE)
    if step is not None and name_of(step) in ("AddmmBackward", "MmBackward", "BmmBackward", "LinearBackward"):
        yield (
            f"{each.function} takes the classes from axis 1 of {tuple(each.computed.shape)}, but a linear layer writes "
            "them to the last axis: move it, outputs.movedim(-1, 1)."
        )


def _note_of_one_of_several(each: Compared) -> Iterator[str]:
    """Yield a note if probabilities that sum to 1 are compared with several labels for a sample, or with none."""
    wanted = each.wanted.detach()
    if each.activation[0] != "softmax" or each.function not in BITS or wanted.dim() < 2 or wanted.shape[-1] < 2:
        return
    several = float(((wanted.sum(-1) - 1).abs() > BEYOND).float().mean())
    if several > FEW and are_shares(each.numbers, -1):
        yield (
            f"The outputs of a softmax sum to 1, but {several:.0%} of the samples have several labels or none: use a "
            "sigmoid (binary_cross_entropy_with_logits)."
        )


def _note_of_rates(each: Compared) -> Iterator[str]:
    if each.function in RATES and each.settings.get("log_input", True) and each.activation[0] in ("softplus", "exp"):
        yield (
            f"{each.function} takes logarithms of rates, but is given the output of a {each.activation[0]}: leave it "
            "out, or set log_input=False."
        )


def _note_of_indices(each: Compared) -> Iterator[str]:
    wanted = each.wanted.detach()
    if each.function in INDICES and wanted.dim() > 1 and bool(((wanted == 0) | (wanted == 1)).all()):
        yield (
            f"{each.function} takes the numbers of the right classes, and -1 after the last, but is given zeros and "
            "ones: use multilabel_soft_margin_loss, or binary_cross_entropy_with_logits."
        )


def _share_out_of_reach(each: Compared) -> float:
    name, low, high = each.activation
    if each.function not in DIFFERENCES or not name or each.wanted.requires_grad:
        return 0.0
    wanted = each.wanted.detach()
    margin = BEYOND * (high - low if high - low < math.inf else float(wanted.abs().max()))
    return float(((wanted < low - margin) | (wanted > high + margin)).float().mean())


def _are_cosines(step: Any) -> bool:
    """Whether a matrix product is one of unit vectors, judged by the tensors that it saved for the backward pass."""
    kept = [(step._saved_self, -1), (step._saved_mat2, -2)]
    sizes = [torch.linalg.vector_norm(each, dim=axis) for each, axis in kept if each is not None]
    return all(bool(((each - 1).abs() < NEAR).all()) for each in sizes)


def _sums_of_exp(each: Compared) -> float:
    """Return the median sum of the probabilities over the classes; for kl_div, over the axis where it is nearest 1."""
    numbers = each.numbers.float()
    axes: Iterable[int] = range(numbers.dim()) if each.function == "kl_div" or numbers.dim() < 2 else (1,)
    axes = (-1,) if each.function == "ctc_loss" else axes
    sums = [float(numbers.exp().sum(axis).median()) for axis in axes]
    return min(sums, key=lambda value: abs(value - 1))


def are_shares(tensor: Tensor, dim: int) -> bool:
    """Whether numbers are probabilities along an axis."""
    return bool((tensor >= 0).all()) and bool(((tensor.sum(dim) - 1).abs() < 1e-3).all())


def _ends(tensor: Tensor) -> tuple[float, float]:
    low, high = tensor.detach().aminmax()
    return float(low), float(high)


def _interval(low: float, high: float) -> str:
    if high == math.inf:
        return f"above {low:g}"
    return f"below {high:g}" if low == -math.inf else f"{low:g} to {high:g}"


def _finding(limit: str, summary: str, evidence: dict[str, float], remedy: str) -> Finding:
    return Finding("loss", summary, evidence, OF_COMPARISONS[limit], remedy, "01_definition.ipynb", kind="loss")
