"""What the checks of data and loss examine: the batch, the outputs, and what was seen while they were computed."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .comparing import IGNORED, Compared
from .recording import flatten, norm

CLASSES = frozenset(("NllLossBackward", "NllLoss2DBackward"))
"""Steps that compare logarithms of probabilities with class numbers."""

OF_CLASSES = CLASSES | {"LogSoftmaxBackward"}
"""Steps in the graph of a loss whose targets are class numbers."""

MANY, SAME = 8, 1e-6
"""In MANY samples or more, classes should differ, and outputs should differ by more than SAME times their size."""

MOST_SEEN = 2**16
"""Inputs of up to so many numbers are searched for equal samples and for the targets."""


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks examine: the batch, the model's outputs, and the functions that the loss consists of.

    compared: the comparisons that the loss made
    steps: names of the steps between outputs and loss in autograd's graph
    begins_with: type of the first layer
    differentiates_kinks: whether the outputs contain derivatives of ReLUs
    normalises: whether one of the first two layers is a normalization
    dropped: name and p of the dropout in training mode that drops most
    drops_outputs: name of the dropout that the first output comes from
    mixed_axes: descriptions of views with the sizes of two axes swapped
    pulls: the outputs with their gradients from the loss function alone, if there are several outputs
    not_counted: the class that the loss leaves out
    sees_ahead: whether a model of what follows reads it
    sees_itself: whether a model whose targets stand in its inputs reads each at its place
    ignores_targets: whether the loss stays the same if each sample gets the next one's targets
    shrinks: smallest cosine between a large matrix and its gradient
    mixed: sentences that name what lets one sample affect the outputs for others
    leaves_out: which samples the loss leaves out, in words, where the outputs for the others don't depend on them
    at_outputs: the gradient at the first output, up to a positive factor; None where it wasn't kept
    of_modules: notes on the contents of the modules
    quiet: the outputs in eval mode, without dropout's noise; None unless `tells_nothing`
    """

    inputs: Any
    targets: Any
    returned: Any
    loss: float
    compared: Sequence[Compared]
    steps: Collection[str]
    normalises: bool
    dropped: tuple[str, float] = ("", 0.0)
    drops_outputs: str = ""
    mixed_axes: Sequence[str] = ()
    begins_with: str = ""
    differentiates_kinks: bool = False
    pulls: Sequence[tuple[Tensor, Tensor]] = ()
    not_counted: int = IGNORED
    sees_ahead: bool = False
    sees_itself: bool = False
    ignores_targets: bool = False
    shrinks: float = math.nan
    mixed: Sequence[str] = ()
    leaves_out: str = ""
    at_outputs: Tensor | None = None
    of_modules: Sequence[str] = ()
    quiet: Any = None

    @cached_property
    def outputs(self) -> list[Tensor]:
        """The tensors of real numbers that the model returned."""
        return [each.detach() for each in flatten(self.returned) if each.is_floating_point() and each.numel()]

    @property
    def pull(self) -> Tensor | None:
        """The gradient at the first output; None where it wasn't kept, is one number or has another shape."""
        gradient = self.at_outputs
        fits = gradient is not None and gradient.dim() and self.outputs and gradient.shape == self.outputs[0].shape
        return gradient if fits else None

    @cached_property
    def classes(self) -> int:
        """The number of classes where the targets are class numbers for the first output, else 0."""
        targets, outputs = flatten(self.targets), self.outputs
        if len(targets) != 1 or not outputs or targets[0].is_floating_point() or outputs[0].dim() < 2:
            return 0
        return outputs[0].shape[1] if "LogSoftmaxBackward" in self.steps else 0

    @cached_property
    def rms(self) -> float:
        """The largest root mean square of the outputs."""
        return max((rms(each) for each in self.outputs), default=math.nan)

    @cached_property
    def natural(self) -> float:
        """The root mean square expected of the outputs: at least 1, or that of targets of the same size."""
        like = [each for each in flatten(self.targets) if each.is_floating_point() and each.numel()]
        if self.outputs and like and like[0].numel() == self.outputs[0].numel():
            return max(1.0, rms(like[0]))
        return 1.0


def is_batch(tensor: Tensor) -> bool:
    """Whether a tensor holds several samples of several numbers."""
    return tensor.layout == torch.strided and tensor.dim() > 1 and len(tensor) > 1 and tensor.numel() > 0


def is_alike(tensor: Tensor) -> bool:
    """Whether all samples are the same to the last bit."""
    return torch.equal(tensor[0], tensor[-1]) and bool((tensor == tensor[:1]).all())


def rms(tensor: Tensor) -> float:
    """Return the root mean square of a tensor."""
    return norm(tensor) / math.sqrt(tensor.numel()) if tensor.dtype != torch.bool else 0.0
