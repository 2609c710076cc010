"""What the gradient at the outputs tells: where it leads, and for which samples, classes or places it is 0."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from .comparing import are_shares
from .evidence import MANY, OF_CLASSES, Evidence
from .recording import flatten

NEARLY_ALL = 0.95
"""The share of the samples from which a property of theirs gets a note."""

LOUD = 0.9
"""If a class, a place or one end of the batch has no gradient, this share of the others must have one."""

FEW, CLASSES_AT_MOST = 4, 20
"""A class without a gradient gets a note if it has FEW samples or more, and if there are no more classes than these;
a number of the output if there are no more than FEW."""


NOT_SHARP = 16.0
"""The softmax of logits further apart than this may be exactly 1 in float32."""


def notes_of_pulls(evidence: Evidence) -> Iterator[str]:
    """Yield notes on a gradient at the outputs that leads away from the targets, or is 0 where it shouldn't be."""
    gradient, targets = evidence.pull, flatten(evidence.targets)
    if gradient is None:
        return
    moved = gradient != 0
    of_samples = moved.flatten(1).any(1) if gradient.dim() > 1 and gradient.numel() else moved
    if len(of_samples) >= MANY and not bool(of_samples.all()):
        yield from _notes_of_silent_samples(of_samples, evidence)
    yield from _notes_of_silent_outputs(moved)
    if not targets or targets[0].layout != torch.strided or targets[0].device != gradient.device:
        return
    wanted = targets[0].detach()
    yield from _notes_of_silent_places(moved, wanted, evidence)
    if len(targets) != 1:
        return
    away = _away(gradient, evidence.outputs[0], wanted, evidence.steps)
    if len(away) >= MANY and float(away.float().mean()) >= NEARLY_ALL:
        yield "The loss pushes the outputs away from the targets, not towards them: check its sign."
    yield from _notes_of_silent_classes(moved, of_samples, wanted, evidence)


def _notes_of_silent_samples(loud: Tensor, evidence: Evidence) -> Iterator[str]:
    """Yield a note if nearly all samples have no gradient, or exactly those at one end of the batch."""
    silent = int((~loud).sum())
    if NEARLY_ALL * len(loud) <= silent < len(loud):
        yield f"{silent / len(loud):.0%} of the samples get no gradient from the loss: only a few have an effect on it."
    elif evidence.leaves_out:
        yield f"The {evidence.leaves_out} samples get no gradient, and all others do: the loss leaves them out."


def left_out(evidence: Evidence) -> str:
    """Return which samples at one end of the batch get no gradient, in words, if all others do."""
    gradient = evidence.pull
    if gradient is None:
        return ""
    loud = (gradient != 0).reshape(len(gradient), -1).any(1) if gradient.numel() else gradient.new_ones(1).bool()
    silent = int((~loud).sum())
    if min(silent, len(loud) - silent) < MANY or int((loud[1:] != loud[:-1]).sum()) != 1:
        return ""
    return f"{'last' if bool(loud[0]) else 'first'} {silent} of {len(loud)}"


def _notes_of_silent_outputs(moved: Tensor) -> Iterator[str]:
    """Yield a note on numbers of the output that get no gradient from any sample; with few samples, that is chance."""
    if moved.dim() != 2 or not 2 <= moved.shape[1] <= FEW or len(moved) < MANY * moved.shape[1]:
        return
    loud = moved.any(0)
    if bool(loud.any()) and not bool(loud.all()):
        places = ", ".join(map(str, (~loud).nonzero().flatten().tolist()[:3]))
        yield f"Output {places} of {moved.shape[1]} gets no gradient from any sample: the loss doesn't depend on it."


def _notes_of_silent_classes(moved: Tensor, of_samples: Tensor, wanted: Tensor, evidence: Evidence) -> Iterator[str]:
    """Yield a note on a class that the loss never teaches."""
    left_out = float((wanted == evidence.not_counted).float().mean())
    if 0 <= evidence.not_counted < evidence.classes and wanted.dim() == 1 and 0 < left_out < 1:
        yield (
            f"ignore_index is {evidence.not_counted}, a class that {left_out:.0%} of the targets have: the loss never "
            "teaches it. Leave ignore_index at -100."
        )
        return
    if not NOT_SHARP > float(evidence.outputs[0].abs().max()) > float(evidence.outputs[0].min()):
        return  # the gradient of a probability that is exactly 1 is 0
    labels, loud = wanted.reshape(-1), moved.reshape(-1)
    if labels.numel() != loud.numel():
        loud = of_samples
    if labels.numel() != loud.numel() or len(labels) < 2 * MANY or bool(loud.all()):
        return
    classes = labels.unique()
    if not 1 < len(classes) <= CLASSES_AT_MOST or not bool((classes == classes.round()).all()):
        return
    for each in classes.tolist():
        of_class = labels == each
        others = loud[~of_class]
        enough = int(of_class.sum()) >= FEW and each != evidence.not_counted
        if enough and not bool(loud[of_class].any()) and float(others.float().mean()) >= LOUD:
            yield (
                f"No sample whose target is {each:g} gets a gradient from the loss, and the others do: check weights "
                "and masks. If the loss is a hinge, the labels should be -1 and 1."
            )
            return


def _notes_of_silent_places(moved: Tensor, wanted: Tensor, evidence: Evidence) -> Iterator[str]:
    """Yield a note if the loss leaves out places of a sequence in every sample, although they have targets."""
    if moved.dim() != 3 or wanted.dim() < 2 or wanted.shape[:2] != moved.shape[:2] or len(moved) < MANY:
        return
    counted = (wanted != evidence.not_counted).reshape(*wanted.shape[:2], -1).any(2).any(0)
    loud = moved.any(2).any(0)
    silent = int((counted & ~loud).sum())
    if bool(loud.any()) and silent >= (1 - LOUD) * len(loud):
        yield (f"{silent} of {len(loud)} places of the sequence have targets and get no gradient: the loss skips them.")


def _away(gradient: Tensor, outputs: Tensor, targets: Tensor, steps: Collection[str]) -> Tensor:
    """Return, for every output with a gradient, whether gradient descent moves it away from its target."""
    if targets.is_floating_point() and targets.numel() == outputs.numel():
        answers, wanted = outputs.reshape(-1), targets.reshape(-1)
        moved = gradient.reshape(-1) != 0
        aways = [((answers - wanted) * gradient.reshape(-1) < 0)[moved]]
        if bool(((wanted == 0) | (wanted == 1)).all()):  # logits; or distances, where 0 or 1 may be the target
            aways.append(((0.5 - wanted) * gradient.reshape(-1) < 0)[moved])
            aways = aways if float(answers.min()) < 0 < float(answers.max()) else [moved[:0]]
        if outputs.dim() > 1 and outputs.shape == targets.shape and outputs[0].numel() > 1:
            aways.append((gradient * (outputs - targets)).flatten(1).sum(1) < 0)
        if bool((wanted.abs() == 1).all()):  # a critic's outputs, which may be meant with either sign
            aways = [moved[:0]]
        return max(aways, key=lambda each: float(each.float().mean()))
    is_class = not targets.is_floating_point() and targets.dtype != torch.bool and outputs.dim() > 1
    if not is_class or targets.shape != outputs.shape[:1] + outputs.shape[2:]:
        return gradient.new_zeros(0, dtype=torch.bool)
    if OF_CLASSES.isdisjoint(steps) and not are_shares(outputs.exp(), 1):
        return gradient.new_zeros(0, dtype=torch.bool)
    counted = (targets >= 0) & (targets < outputs.shape[1])
    at_target = gradient.gather(1, targets.long().clamp(0, outputs.shape[1] - 1).unsqueeze(1)).squeeze(1)[counted]
    return at_target[at_target != 0] > 0
