"""Cheap checks of inputs, targets, outputs and loss that need no training."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .comparing import BITS, OF_COMPARISONS, RATES, are_shares, findings_of_comparisons, notes_of_comparisons
from .evidence import MANY, MOST_SEEN, SAME, Evidence, is_alike, is_batch, rms
from .graph import name_of
from .leaks import notes_of_leaks
from .measuring import Array
from .pulls import notes_of_pulls
from .readings import Finding, Threshold
from .recording import flatten, norm

FAR = 1e4
"""Targets this many times as large as the network's outputs are out of reach of a usual learning rate."""

OUT_OF_ALL = 1e3
"""Outputs this many times as large as they should be are made of one column, if there is one so large."""

LARGE_INPUTS = 30.0
"""Inputs with a root mean square above this count as not standardised."""

DROPS_MUCH = 0.8
"""Dropout with a p of at least this gets a note: p may have been taken for the share to keep."""

TINY = 1e-2
"""Targets with less than this share of the outputs' size, and inputs smaller than this, get a note."""

MOSTLY = 0.8
"""This share of padding, or of one token, gets a note."""

FAR_OUT = 10.0
"""A number of the inputs this many standard deviations beyond the others, and more than once, stands for a gap."""

TAKEN = 0.5
"""The share of the differences between samples that a normalization of the inputs may take away."""

SHRINKS = 0.5
"""Gradients with a larger cosine with their own weights come from a penalty on the weights more than from the data."""

OFFSET = 10.0
"""Inputs whose mean is this many times their standard deviation count as not centred."""

LIMITS = OF_COMPARISONS | {
    "targets": Threshold(
        FAR,
        "size of the targets over that of the outputs, at least 1: below 10,000",
        "our measurement: a network whose outputs start at about 1 reaches targets of 1e10 at no usual learning "
        "rate, but at once if they are standardised; tests/clinic",
    ),
    "column": Threshold(
        FAR, "size of a column of the inputs over that of most columns: below 10,000", "as for targets; tests/clinic"
    ),
    "over the batch": Threshold(
        0, "probabilities that sum to 1 for each sample", "the definition of softmax: one sample, all classes"
    ),
    "told apart": Threshold(0, "inputs that differ where their targets do", "a function has one value at one place"),
    "flat": Threshold(0, "a loss with a gradient at the outputs", "torch.autograd.grad returns exact zeros otherwise"),
}
"""The threshold of every finding about data and loss."""


def findings_of_data(evidence: Evidence) -> Iterator[Finding]:
    """Yield all findings about data and loss."""
    yield from _large_targets(evidence)
    yield from _large_column(evidence)
    yield from _nothing_told_apart(evidence)
    yield from findings_of_comparisons(evidence.compared)
    yield from _softmax_over_the_batch(evidence)


def tells_nothing(evidence: Evidence) -> bool:
    """Whether all samples of the batch are bit for bit the same although their targets differ."""
    given, targets = (
        [each for each in flatten(part) if each.dim() and each.layout == torch.strided]
        for part in (evidence.inputs, evidence.targets)
    )
    if not given or not targets or len(given[0]) < 2 or any(len(each) != len(given[0]) for each in (*given, *targets)):
        return False
    return all(map(is_alike, given)) and not all(map(is_alike, targets))


def notes_of_data(evidence: Evidence) -> Iterator[str]:
    """Yield all notes on data and loss."""
    yield from _notes_of_inputs(evidence)
    yield from _notes_of_targets(evidence)
    yield from _notes_of_one_answer(evidence)
    yield from notes_of_comparisons(evidence.compared)
    yield from _notes_of_unused_targets(evidence)
    yield from notes_of_leaks(evidence)
    yield from _notes_of_collapse(evidence)
    yield from _notes_of_growth(evidence)
    yield from notes_of_pulls(evidence)
    yield from _notes_of_layers(evidence)
    yield from evidence.of_modules


def why_flat(evidence: Evidence) -> str:
    """Return the reason why the loss has no gradient, as far as it can be found."""
    targets = [each for each in flatten(evidence.targets) if not each.is_floating_point()]
    if targets and targets[0].numel() and bool((targets[0] == -100).all()):
        return "every target is ignore_index (-100), so no sample counts"
    if evidence.loss == 0:
        return "it is exactly 0: every margin is met, or every term of it is switched off"
    outputs = evidence.outputs
    if outputs and all(float(each.max()) == float(each.min()) for each in outputs):
        return "all outputs are the same constant"
    return "it is flat at these outputs (a clamp, a margin that is met, a product with 0)"


# Findings ------------------------------------------------------------------------------------------------------------


def _large_targets(evidence: Evidence) -> Iterator[Finding]:
    wanted, outputs = evidence.natural, evidence.rms
    ratio = wanted / max(1.0, outputs) if outputs == outputs else 0.0
    if FAR <= ratio < math.inf:
        yield Finding(
            "data",
            "the targets are far larger than the network's outputs.",
            {"root mean square of targets": wanted, "of outputs": outputs, "loss": evidence.loss},
            LIMITS["targets"],
            "Standardise the targets: subtract their mean, divide by their standard deviation, and undo both on the "
            "predictions. Standardise the inputs too.",
            "05_initialization.ipynb",
            kind="data",
        )


def _large_column(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for one column of the inputs so large that it alone makes the outputs."""
    given = [each for each in flatten(evidence.inputs) if each.dim() == 2 and each.is_floating_point()]
    if len(given) != 1 or given[0].shape[1] < 2 or not evidence.rms > OUT_OF_ALL * evidence.natural:
        return
    sizes = given[0].detach().double().square().mean(0).sqrt()
    column, usual = int(sizes.argmax()), float(sizes.median())
    if 0 < FAR * usual < float(sizes[column]) < math.inf:
        yield Finding(
            "data",
            f"column {column} of the inputs is far larger than the others, and the outputs are as large as that.",
            {"root mean square of the column": float(sizes[column]), "of most columns": usual, "outputs": evidence.rms},
            LIMITS["column"],
            "Standardise each column: subtract its mean, divide by its standard deviation.",
            "05_initialization.ipynb",
            kind="data",
        )


def _nothing_told_apart(evidence: Evidence) -> Iterator[Finding]:
    answers = [each for each in flatten(evidence.quiet) if each.is_floating_point() and each.dim()][:1]
    for each in answers:
        if len(each) == len(flatten(evidence.inputs)[0]) and rms(each - each[:1]) <= SAME * rms(each):
            yield Finding(
                "data",
                "all samples of the batch are the same but their targets differ: nothing tells them apart.",
                {"samples": float(len(each)), "loss": evidence.loss},
                LIMITS["told apart"],
                "Look at how the inputs are made: padding in place of tokens, a file that was not read, a column of "
                "zeros, a scaling that removes everything.",
                "05_initialization.ipynb",
                kind="data",
            )


def _softmax_over_the_batch(evidence: Evidence) -> Iterator[Finding]:
    in_loss = [each.numbers for each in evidence.compared if each.activation[0] == "softmax"]
    logarithms = [each.numbers.exp() for each in evidence.compared if each.function == "nll_loss"]
    for each in [*evidence.outputs[:1], *in_loss, *logarithms]:
        if each.dim() < 2 or min(each.shape) < 2 or not are_shares(each, 0):
            continue
        if not any(are_shares(each, axis) for axis in range(1, each.dim())):
            yield Finding(
                "loss",
                "the outputs are probabilities that sum to 1 over the batch, not over the classes.",
                {"sum over the batch": float(each.sum(0).mean()), "over the classes": float(each.sum(1).mean())},
                LIMITS["over the batch"],
                "Take the softmax over dim=1, or pass the logits to cross_entropy, which contains the softmax.",
                "01_definition.ipynb",
                kind="loss",
            )
            return


# Notes ---------------------------------------------------------------------------------------------------------------


def _notes_of_inputs(evidence: Evidence) -> Iterator[str]:
    given = [each for each in flatten(evidence.inputs) if is_batch(each)]
    if given and not any(each.is_floating_point() for each in given) and all(map(is_alike, given)):
        yield f"All {len(given[0]):,} samples of the batch are alike: check how the inputs are loaded."
    if len(given) == 1:
        yield from _notes_of_padding(given[0], evidence.begins_with)
    for each in given:
        if not each.is_floating_point():
            continue
        values = each.detach().cpu().double().numpy()
        yield from _notes_of_gaps(values)
        with np.errstate(all="ignore"):
            centre, count = values.mean(axis=0), values.size
            mean, square = float(centre.mean()), float(np.square(values).mean())
            spread = math.sqrt(float(np.square(values - centre).mean()))
            deviation = math.sqrt(max(0.0, square - mean * mean) * count / (count - 1))
        size = math.sqrt(square)
        if not math.isfinite(size) or size == 0:
            continue
        if spread <= 1e-6 * size:
            yield (
                f"All {len(each):,} samples of the batch are alike (spread {spread:.1g} at a size of {size:.3g}): "
                "check how the inputs are loaded."
            )
        elif not evidence.normalises and size < TINY:
            yield (
                f"The inputs are tiny (root mean square {size:.3g}): they hardly count beside the first "
                "layer's biases. Divide them by their standard deviation."
            )
        elif not evidence.normalises and (size > LARGE_INPUTS or abs(mean) > OFFSET * deviation):
            yield (
                f"The inputs are not standardised (mean {mean:.3g}, standard deviation {deviation:.3g}): subtract "
                "their mean and divide by their standard deviation, or begin with a normalization."
            )


def _notes_of_gaps(values: Array) -> Iterator[str]:
    """Yield a note on one number, far beyond all others, that occurs many times: it may stand for missing values."""
    if values.ndim != 2:
        return
    for end in (float(values.min()), float(values.max())):
        times = np.count_nonzero(values == end)
        if not MANY <= times <= values.size - 2:
            continue
        others = values[values != end]
        away, deviation = abs(end - float(others.mean())), float(others.std(ddof=1))
        if away > FAR_OUT * deviation > 0:
            yield (
                f"{times / values.size:.0%} of the inputs are {end:g}, far from all others (mean "
                f"{float(others.mean()):.3g}, standard deviation {deviation:.3g}). If it marks missing values, fill "
                "them in, and tell the network where."
            )


def _notes_of_padding(tokens: Tensor, begins_with: str) -> Iterator[str]:
    if tokens.is_floating_point() or tokens.dim() != 2 or tokens.shape[1] < MANY or is_alike(tokens):
        return
    last = tokens[:, -1:]
    padded = (tokens == last).flip(1).long().cumprod(1).sum(1).double() / tokens.shape[1]
    if bool((last == last[0]).all()) and float(padded.mean()) >= MOSTLY:
        yield (
            f"{float(padded.mean()):.0%} of the inputs are the same number, {int(last[0, 0])}, at the ends of the "
            "rows. If it is padding, it outweighs the rest: shorten the rows, mask it, or pass the lengths."
        )
    elif begins_with == "Embedding" and tokens.numel() <= MOST_SEEN:
        most = int(tokens.reshape(-1).mode().values)
        share = float((tokens == most).double().mean())
        if share >= MOSTLY:
            yield f"{share:.0%} of the inputs are one token, {most}: check whether the vocabulary fits the text."


def _notes_of_one_answer(evidence: Evidence) -> Iterator[str]:
    """Yield notes on targets that are all the same, and on samples that differ but all get the same output."""
    targets = flatten(evidence.targets)
    if evidence.classes > 1 or (len(targets) == 1 and targets[0].is_floating_point()):
        counted = targets[0][:0] if _differ(targets[0]) else targets[0][targets[0] != -100]
        value = float(counted.reshape(-1)[0]) if counted.numel() >= MANY else math.nan
        counts = evidence.classes > 1 or value != 0 or any(each.function in BITS for each in evidence.compared)
        if counts and bool((counted == value).all()) and value == value:  # targets of 0 may stand for residuals
            what = f"class {value:.0f}" if evidence.classes > 1 else f"{value:.3g}"
            yield (
                f"All {counted.numel():,} targets of the batch are {what}: check how they are made, and shuffle the "
                "samples."
            )
    answers = [each for each in evidence.outputs if each.dim() > 1][:1]
    given = [each for each in flatten(evidence.inputs) if is_batch(each)]
    for answer in answers:
        same_batch = [each for each in given if len(each) == len(answer)]
        if len(answer) < MANY or not same_batch or not _are_same(answer) or all(map(is_alike, same_batch)):
            continue
        if float(answer.max()) > float(answer.min()):
            yield (
                f"All {len(answer):,} samples get the same output although they differ: something takes a mean, a "
                "maximum or a softmax over the batch, or ignores the inputs (a mask may hide them)."
            )
            rows = same_batch[0].flatten(1)
            if not rows.is_floating_point() and torch.equal(
                rows.sort(1).values, rows[:1].sort(1).values.expand_as(rows)
            ):
                yield (
                    "All samples hold the same numbers in different orders, and the model doesn't see the order: give "
                    "it the positions."
                )


def _differ(targets: Tensor) -> bool:
    """Whether the first two targets differ and count."""
    first = targets.detach().reshape(-1)[:2].tolist()
    return len(first) == 2 and first[0] != first[1] and -100 not in first


def _are_same(answers: Tensor) -> bool:
    """Whether all samples have the same numbers, up to rounding; fast if the first and the last have not."""
    size = norm(answers)
    if not math.isfinite(size) or norm(answers[-1] - answers[0]) > SAME * size:
        return False
    return norm(answers - answers[:1]) <= SAME * size


def _notes_of_targets(evidence: Evidence) -> Iterator[str]:
    wanted, outputs = evidence.natural, evidence.rms
    are_counts = any(each.function in RATES for each in evidence.compared)
    if 30 * max(1.0, outputs) < wanted < FAR * max(1.0, outputs) and not are_counts:
        yield (
            f"The targets are large (root mean square {wanted:.3g}) beside the outputs ({outputs:.3g}): standardise "
            "them, or the first steps do little more than find their mean."
        )
    like = [each for each in flatten(evidence.targets) if each.is_floating_point() and each.numel()]
    if len(like) == 1 and like[0].dim() and 0 < rms(like[0]) < TINY * outputs:
        yield (
            f"The targets are tiny (root mean square {rms(like[0]):.3g}) beside the outputs ({outputs:.3g}): an error "
            "of their size hardly changes the loss. Standardise them."
        )
    classes = evidence.classes
    if classes > 1 and evidence.loss > 3 * math.log(classes) + 2:
        yield (
            f"The first loss is {evidence.loss:.3g}, but guessing among {classes:,} classes has a loss of "
            f"{math.log(classes):.3g}. The outputs are too large, or the targets don't belong to them."
        )


def _notes_of_unused_targets(evidence: Evidence) -> Iterator[str]:
    if not evidence.ignores_targets:
        return
    if any(len(each) > 1 and rms(each - each[:1]) > SAME * rms(each) for each in evidence.outputs if each.dim()):
        yield (
            "The loss stays the same if each sample gets the target of another one: it ignores the targets, or "
            "takes a mean over the samples before it compares them."
        )


def _notes_of_collapse(evidence: Evidence) -> Iterator[str]:
    """Yield a note if a penalty on a code is so large that, for a linear decoder, the best code is empty.

    An error whose gradient at the outputs is c · (outputs − targets) and a penalty b/2 · ‖code‖² are the likelihood of
    a decoder with noise of variance b/c. A direction of the targets with less variance isn't encoded (Lucas et al.
    2019, "Don't blame the ELBO"). With binary cross-entropy, variances are divided by those of the bits.
    """
    targets = [each for each in flatten(evidence.targets) if each.is_floating_point() and each.dim() > 1]
    if not evidence.pulls or len(targets) != 1 or len(targets[0]) < MANY or targets[0].numel() > MOST_SEEN:
        return
    wanted = targets[0].detach().double().flatten(1)
    outputs = [(each.reshape(wanted.shape), pull) for each, pull in evidence.pulls if each.numel() == wanted.numel()]
    codes = [pair for pair in evidence.pulls if len(pair[0].reshape(-1)) < wanted.numel() and pair[0].dim() == 2]
    penalty = max((_factor(pull, each) for each, pull in codes if len(each) == len(wanted)), default=0.0)
    shares = wanted.mean(0)
    bits = (shares * (1 - shares)).clamp_min(0)
    for answers, scales in ((torch.clone, torch.ones_like(bits)), (torch.sigmoid, bits.sqrt())):
        error = max((_factor(pull, answers(each) - wanted) for each, pull in outputs), default=0.0)
        apart = (wanted - shares)[:, scales > 0] / scales[scales > 0]
        if not error or not penalty or not apart.numel():
            continue
        largest = float(torch.linalg.matrix_norm(apart, 2)) ** 2 / len(apart)
        if largest < penalty / error:
            yield (
                "The penalty on the code outweighs the error of the outputs: it is right for targets with noise of "
                f"variance {penalty / error:.2g}, but theirs is at most {largest:.2g} in any direction, so the best "
                "code is empty (posterior collapse). Sum both over the same axes, or make the penalty's factor smaller."
            )
            return


def _notes_of_growth(evidence: Evidence) -> Iterator[str]:
    """Yield a note if the loss rewards the mere size of an output: its gradient is the output, times a number < 0."""
    for each, pull in evidence.pulls:
        if each.numel() >= MANY and _factor(-pull, each) and float(each.std()) > 0:
            yield (
                "The loss falls without end as one of the outputs grows, whatever the targets are: check the sign of "
                "the penalty on it."
            )
            return


def _factor(gradient: Tensor, vector: Tensor) -> float:
    """Return the factor by which a gradient is a multiple of a vector; 0 if it isn't one."""
    pull, size = gradient.reshape(-1), vector.reshape(-1)
    factor = float(pull @ size / (size @ size)) if bool(size.any()) else 0.0
    return factor if factor > 0 and norm(pull - factor * size) <= SAME * norm(pull) else 0.0


def _notes_of_layers(evidence: Evidence) -> Iterator[str]:
    like = [each for each in flatten(evidence.targets) if each.is_floating_point()][:1]
    answers = [each for each in flatten(evidence.returned) if each.requires_grad][:1]
    for answer, wanted in zip(answers, like, strict=False):
        if answer.numel() == wanted.numel() and "BatchNorm" in name_of(answer.grad_fn):
            yield (
                "The outputs come from a batch normalization, which fixes their mean and standard deviation over the "
                "batch, whatever the targets are: make a linear layer the last one."
            )
    name, share = evidence.dropped
    if share >= DROPS_MUCH:
        yield f"{name} drops {share:.0%} of its inputs: p is the share that is dropped, usually 0.1 to 0.5."
    if evidence.drops_outputs:
        yield (
            f"The outputs come from a dropout ({evidence.drops_outputs}), which sets some of the answers to 0 and "
            "scales the others. Put it before the last layer."
        )
    yield from _notes_of_derivatives(evidence)
    yield from _notes_of_instance_norm(evidence)
    if evidence.mixed_axes:
        yield (
            f"{evidence.mixed_axes[0]}: view and reshape keep the order of the numbers, so this mixes the axes. To "
            "swap axes, use permute or transpose."
        )
    if evidence.shrinks > SHRINKS:
        yield (
            f"The gradients have the direction of the weights themselves (cosine {evidence.shrinks:.2f} or more): a "
            "penalty on the weights outweighs the rest of the loss. Make its factor smaller."
        )
    if evidence.mixed:
        yield f"The answer to one sample depends on the others: {evidence.mixed[0]}"


def _notes_of_derivatives(evidence: Evidence) -> Iterator[str]:
    """Yield a note if a derivative is 0 everywhere beside other outputs of its shape that aren't."""
    nonzero = {each.shape for each in evidence.outputs if bool(each.any())}
    zeros = [each for each in evidence.outputs if each.numel() > 1 and each.shape in nonzero and not bool(each.any())]
    if zeros and evidence.differentiates_kinks:
        yield (
            "A derivative that the model returns is 0 everywhere: a network of ReLUs is straight between its kinks. "
            "Use an activation with a second derivative (tanh, softplus, sine)."
        )


def _notes_of_instance_norm(evidence: Evidence) -> Iterator[str]:
    """Yield a note if the first layer, an instance norm, takes away most of what tells the samples apart."""
    given = [each for each in flatten(evidence.inputs) if is_batch(each) and each.is_floating_point()]
    if not evidence.begins_with.startswith("InstanceNorm") or len(given) != 1 or given[0].dim() < 3:
        return
    channels = given[0].detach().double().flatten(2)
    apart, means = channels - channels.mean(0), channels.mean(2)
    share = float((means - means.mean(0)).square().mean() / apart.square().mean())
    if share > TAKEN:
        yield (
            f"The instance norm at the front takes each sample's mean away, which makes up {share:.0%} of the "
            "differences between the samples. If the level matters, use a batch norm."
        )
