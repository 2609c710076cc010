"""What the inputs tell of the targets: leaks, copies, samples that occur twice, padding that is learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .evidence import MANY, MOST_SEEN, Evidence
from .recording import flatten

EXACT = 1 - 1e-7
"""A number of the inputs with at least this correlation with the target is the target, in another unit."""

PADDED = 0.2
"""Padding in more than this share of the targets gets a note if the loss counts it."""


def predicts_what_follows(evidence: Evidence) -> Tensor | None:
    """Return the input whose later places the targets are, (samples, places, …); None if there is none."""
    targets = flatten(evidence.targets)
    if len(targets) != 1 or targets[0].layout != torch.strided:
        return None
    for each in flatten(evidence.inputs):
        if each.dim() < 2 or each.shape[1] < 2 or each.layout != torch.strided:
            continue
        if each.device != targets[0].device or each.numel() != targets[0].numel() or each.dtype != targets[0].dtype:
            continue
        later = targets[0].reshape(each.shape)
        if torch.equal(each[:, 1:], later[:, :-1]) and not torch.equal(each, later):
            return each
    return None


def notes_of_leaks(evidence: Evidence) -> Iterator[str]:
    """Yield notes on what the inputs tell of the targets."""
    given, targets = flatten(evidence.inputs), flatten(evidence.targets)
    if evidence.sees_ahead:
        yield (
            "The output at a place of the sequence changes with a later one, which is a target: the mask that hides "
            "later places is missing."
        )
    given = [each for each in given if each.layout == torch.strided and not each.is_complex()]
    yield from _notes_of_equal_inputs(given)
    if len(targets) != 1 or not given or targets[0].layout != torch.strided or targets[0].is_complex():
        return
    wanted = targets[0].detach()
    if any(each.device != wanted.device for each in given):
        return
    if len(given) == 1:
        yield from _notes_of_twins(given[0], wanted)
    yield from _notes_of_copies(evidence, given, wanted)
    yield from _notes_of_columns(given, wanted)
    yield from _notes_of_padding(evidence, given[0], wanted)


def _notes_of_equal_inputs(given: Sequence[Tensor]) -> Iterator[str]:
    """Yield a note if two inputs are the same, bit for bit."""
    for place, each in enumerate(given):
        for other in given[:place]:
            same = each.dim() > 1 and each.dtype == other.dtype and each.device == other.device
            if same and torch.equal(each, other) and _vary(each):
                yield "Two of the inputs are the same, bit for bit: check how they are made."
                return


def _notes_of_twins(inputs: Tensor, wanted: Tensor) -> Iterator[str]:
    """Yield a note if most inputs occur in the batch more than once and equal ones have different targets."""
    if inputs.dim() < 2 or not wanted.dim() or not 1 < len(wanted) == len(inputs) or inputs.numel() > MOST_SEEN:
        return
    rows = inputs.detach().flatten(1)
    if 2 * len(set(rows[:, rows.shape[1] // 2].tolist())) > len(rows):
        return  # one number tells most of them apart
    different, place = rows.unique(dim=0, return_inverse=True)
    if 2 * len(different) > len(rows) or len(different) == 1:
        return
    answers = wanted.reshape(len(rows), -1)
    both = torch.cat([place[:, None].double(), answers.double()], 1)
    if len(both.unique(dim=0)) > len(different):
        yield (
            f"Only {len(different):,} of {len(rows):,} inputs of the batch are different, and equal inputs have "
            "different targets: check how the inputs are loaded."
        )


def copied_input(evidence: Evidence) -> Tensor | None:
    """Return the input of tokens that are the targets, place by place; None if there is none."""
    targets = flatten(evidence.targets)
    if len(targets) != 1 or not evidence.classes:
        return None
    copied = [each.wanted for each in evidence.compared if each.wanted.numel() == targets[0].numel()]  # may be shifted
    tokens = [each for each in flatten(evidence.inputs) if each.dim() == 2 and not each.is_floating_point()]
    return next((each for each in tokens for other in copied if _same(each, other)), None)


def _notes_of_copies(evidence: Evidence, given: Sequence[Tensor], wanted: Tensor) -> Iterator[str]:
    """Yield a note if the targets stand among the inputs, unless these are to be reconstructed."""
    if evidence.sees_itself:
        yield (
            "The targets are the inputs themselves, place by place, so the model need only copy them. To predict next "
            "tokens, shift: inputs tokens[:, :-1], targets tokens[:, 1:]."
        )
    for each in given if len(given) > 1 and _vary(wanted) else ():
        is_answer = each.dim() > 0 and each.numel() == len(each) == wanted.numel() >= MANY
        if is_answer and _same(each, wanted):
            yield "One of the inputs is the target itself: leave it out if it isn't known in use."
            return


def _notes_of_columns(given: Sequence[Tensor], wanted: Tensor) -> Iterator[str]:
    """Yield a note if a number of each sample is its target, perhaps in another unit."""
    first = given[0].detach()
    samples = len(first) if first.dim() == 2 else 0
    if not first.is_floating_point() or not 2 * MANY <= samples == wanted.numel() or first.numel() > MOST_SEEN:
        return
    if first.shape[1] < 2 or not _vary(wanted):
        return
    columns, answers = first.double(), wanted.reshape(-1).double()
    columns, answers = columns - columns.mean(0), answers - answers.mean()
    alike = (answers @ columns).abs() / (columns.square().sum(0) * answers.square().sum()).sqrt()
    found = (alike >= EXACT).nonzero().flatten().tolist()
    if found:
        yield (
            f"Column {found[0]} of the inputs is the target itself, up to its unit: leave it out if it isn't known in "
            "use."
        )


def _notes_of_padding(evidence: Evidence, tokens: Tensor, wanted: Tensor) -> Iterator[str]:
    """Yield a note if the loss counts targets that are padding: one number at the ends of the rows of both."""
    if tokens.is_floating_point() or tokens.dim() != 2 or wanted.numel() != tokens.numel() or not evidence.classes:
        return
    number = tokens[0, -1]
    padding = ((tokens == number) & (wanted.reshape(tokens.shape) == number)).flip(1).long().cumprod(1).bool()
    share = float(padding.double().mean())
    if PADDED < share < 1 and int(number) != evidence.not_counted:
        yield (
            f"{share:.0%} of the targets are {int(number)} at the ends of the rows, as in the inputs. If it is "
            f"padding, the loss should not count it: ignore_index={int(number)}."
        )


def _same(one: Tensor, two: Tensor) -> bool:
    """Whether two tensors hold the same numbers in the same order, of whatever types."""
    dense = one.layout == two.layout == torch.strided and one.device == two.device
    return dense and one.numel() == two.numel() and bool((one.reshape(-1) == two.reshape(-1)).all())


def _vary(wanted: Tensor) -> bool:
    return bool((wanted != wanted.reshape(-1)[0]).any())
