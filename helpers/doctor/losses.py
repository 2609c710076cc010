"""Read autograd's graph of a loss: the best constant prediction, and the place where nan or infinity first arose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

MOST_LOOKS = 40
"""The number of batches from which the statistics of the targets are estimated."""

SMALL = 2**16
"""Targets of at most this many elements are kept until their statistics are requested."""

STEPS_TO_LOSS = 4
"""The number of steps of the graph, scalings and reshapes, that are searched for the loss function."""

CLASSES = ("NllLossBackward0", "NllLoss2DBackward0")
BITS = ("BinaryCrossEntropyBackward0", "BinaryCrossEntropyWithLogitsBackward0")
SQUARES = ("MseLossBackward0",)
SCALINGS = ("DivBackward0", "MulBackward0")
MEAN = 1  # torch's code for this reduction


class Baseline:
    """The loss of the best prediction that is the same for every sample, from the targets seen so far.

    For cross-entropy it is the entropy of the classes and for binary cross-entropy that of the mean targets, in nats;
    for the mean squared error it is the variance of the targets, in the loss's unit.

    factor: the number by which the loss was multiplied before the last backward pass seen; NaN if it isn't known
    """

    def __init__(self) -> None:
        self._kind = ""
        self._counts = torch.zeros(0)
        self._sums = self._squares = torch.zeros(0)
        self._seen = 0
        self._waiting: list[tuple[str, Tensor, int | None]] = []
        self._looks = 0
        self.factor = 1.0

    def look(self, loss: Tensor) -> None:
        """Read the targets from the graph of a loss, if it contains them."""
        if self._looks >= MOST_LOOKS:
            return
        node: Any = loss.grad_fn
        factor = 1.0
        for _ in range(STEPS_TO_LOSS):
            if node is None or node.name() in (*CLASSES, *BITS, *SQUARES):
                break
            if node.name() in SCALINGS:
                factor *= _factor(node)
            below = [each for each, _ in node.next_functions if each is not None]
            node = below[0] if len(below) == 1 else None
        if node is None or node.name() not in (*CLASSES, *BITS, *SQUARES) or node._saved_reduction != MEAN:
            return
        self.factor = factor
        self._looks += 1
        ignored = getattr(node, "_saved_ignore_index", None)
        if ignored is not None and ignored >= 2**63:  # torch 2.2 gives it without its sign
            ignored -= 2**64
        seen = node.name(), node._saved_target.detach(), ignored
        if seen[1].numel() > SMALL:
            self._add(*seen)
        else:
            self._waiting.append(seen)

    def _add(self, kind: str, targets: Tensor, ignored: int | None) -> None:
        if self._kind not in ("", kind):
            self._kind = "several"
            return
        self._kind = kind
        if kind in CLASSES:
            counts = torch.bincount(targets[targets != ignored].reshape(-1)).double().cpu()
            size = max(len(counts), len(self._counts))
            mine, new = (torch.nn.functional.pad(each, (0, size - len(each))) for each in (self._counts, counts))
            self._counts = mine + new
            return
        columns = targets.double().cpu()
        columns = columns.reshape(len(columns), -1) if columns.dim() else columns.reshape(1, 1)
        if self._seen and self._sums.shape != columns.shape[1:]:
            self._kind = "several"
            return
        self._sums = columns.sum(dim=0) + (self._sums if self._seen else 0)
        self._squares = columns.square().sum(dim=0) + (self._squares if self._seen else 0)
        self._seen += len(columns)

    @property
    def value(self) -> float:
        """The loss of that prediction; NaN if it isn't known, or if all targets are the same."""
        for seen in self._waiting:
            self._add(*seen)
        self._waiting = []
        if self._kind in CLASSES:
            shares = self._counts / self._counts.sum()
            found = float(torch.special.entr(shares).sum())
        elif self._kind in BITS and self._seen:
            ones = (self._sums / self._seen).clamp(0, 1)
            found = float((torch.special.entr(ones) + torch.special.entr(1 - ones)).mean())
        elif self._kind in SQUARES and self._seen:
            found = float((self._squares / self._seen - (self._sums / self._seen).square()).mean())
        else:
            return math.nan
        return found if found > 1e-12 else math.nan


def _factor(node: Any) -> float:
    """Return the number by which a step of the graph multiplies; NaN if it doesn't multiply by a single number."""
    other = node._saved_other
    if not isinstance(other, Tensor) or other.numel() != 1 or not float(other):
        return math.nan
    return 1 / float(other) if node.name() == "DivBackward0" else float(other)


def origin(loss: Tensor, names: Mapping[int, str]) -> str:
    """Describe the place where nan or infinity first arose on the way to this loss; `names` maps parameters' ids.

    Examines the tensors that autograd saved for the backward pass, from the inputs on. Negative infinity is ignored,
    since masks contain it on purpose.
    """
    for node in _from_the_inputs(loss.grad_fn):
        if hasattr(node, "variable"):
            if not bool(torch.isfinite(node.variable.detach()).all()):
                return f"the weights of {names.get(id(node.variable), 'a parameter')}, in the step before"
            continue
        bad = {name for name, each in _kept_by(node) if _is_bad(each)}
        if not bad:
            continue
        if not any("result" in name or "output" in name for name in bad):  # an input is bad: it comes from a step below
            below = [each for each, _ in node.next_functions if each is not None and not _is_parameter(each)]
            if not below:
                return "the inputs"
            node = below[0]
        name = _nearest(node, names)
        return f"the forward pass, at {name}" if name else "the inputs"
    return "the loss function"


def _from_the_inputs(root: Any) -> list[Any]:
    """Return all steps of the graph, each after those that it depends on."""
    order: list[Any] = []
    seen, waiting = {root}, [(root, False)] if root is not None else []
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
            continue
        waiting.append((node, True))
        for below, _ in reversed(node.next_functions):
            if below is not None and below not in seen:
                seen.add(below)
                waiting.append((below, False))
    return order


def _kept_by(node: Any) -> list[tuple[str, Tensor]]:
    found = []
    for name in dir(node):
        if name.startswith("_saved_"):
            try:
                kept = getattr(node, name)
            except RuntimeError:  # freed, or overwritten in the meantime
                continue
            several = kept if isinstance(kept, tuple | list) else [kept]
            found += [(name, each) for each in several if isinstance(each, Tensor)]
    return found


def _is_parameter(node: Any) -> bool:
    """Whether a step is a parameter, or a transposed or cast one."""
    below = [each for each, _ in node.next_functions if each is not None]
    return hasattr(node, "variable") or (len(below) == 1 and hasattr(below[0], "variable"))


def _is_bad(tensor: Tensor) -> bool:
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.is_sparse:
        return False
    values = torch.view_as_real(tensor.detach()) if tensor.is_complex() else tensor.detach()
    return bool((values.isnan() | (values == math.inf)).any())


def _nearest(node: Any, names: Mapping[int, str]) -> str:
    """Return the name of the module whose parameter is the fewest steps away, in the direction of the inputs."""
    near, seen = [node], {node}
    for each in near:
        if hasattr(each, "variable") and id(each.variable) in names:
            return names[id(each.variable)]
        for below, _ in each.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                near.append(below)
    return ""
