"""Autograd's graph of a computation: what the loss depends on, and along which paths.

A step is a node of autograd's graph. A step's `next_functions` are the steps that computed its inputs; the leaves of
the graph are the tensors that require a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

PASSES_ON = (
    "TBackward",
    "Transpose",
    "View",
    "UnsafeView",
    "Reshape",
    "ToCopy",
    "Permute",
    "Expand",
    "Squeeze",
    "Unsqueeze",
    "Alias",
    "Clone",
)
"""Steps between a parameter and the operation that uses it, which only rearrange or copy its values."""

PRODUCTS = (
    "Addmm",
    "Mm",
    "Bmm",
    "Baddbmm",
    "Addbmm",
    "Mv",
    "Addmv",
    "Convolution",
    "Embedding",
    "Linear",
    "Differentiable",
)
"""Steps that apply a matrix."""

REENTRANT = "CheckpointFunctionBackward"
"""Checkpointing that runs a backward pass inside the backward pass; `torch.autograd.grad` can't go through it."""


class Graph:
    """All steps between some tensors and the leaves from which they were computed.

    In `order` each step precedes the steps that computed its inputs; `below` maps each step to those, and `leaves`
    each leaf to its step.
    """

    def __init__(self, tensors: Iterable[Tensor], until: Iterable[Tensor] = (), known: Graph | None = None) -> None:
        """Walk the graph of `tensors` up to the tensors `until`; a `known` graph saves most of the walk."""
        self._starts, self._ends = _steps_of(tensors), set(_steps_of(until))
        between = None if known is None else known._before(self._starts)
        self.below: dict[Any, list[Any]] = {} if known is None or between is None else known.below
        self.order: list[Any]
        self.leaves: dict[Tensor, Any]
        if known is not None and between is not None:
            self.order, self.leaves = [step for step in known.order if step not in between], known.leaves
        else:
            self.order = _sorted(self._starts, self._ends, self.below, {} if known is None else known.below)
            self.leaves = {step.variable: step for step in self.order if not self.below[step] and is_leaf(step)}
        self.steps = set(self.order)

    def _before(self, starts: Sequence[Any]) -> set[Any] | None:
        """Return all steps that a step of this graph doesn't depend on; None if that takes a walk to find out."""
        if self._ends or len(set(starts)) != 1 or starts[0] not in self.steps:
            return None
        before = set(_sorted(self._starts, set(starts), {}, self.below)) - set(starts)
        return before if before.isdisjoint(self.leaves.values()) else None  # a path around the step leads below it

    @cached_property
    def names(self) -> set[str]:
        """The names of all steps, without the number at the end."""
        return {name.rstrip("0123456789") for name in {step.name() for step in self.order}}

    @cached_property
    def consumers(self) -> dict[Any, list[Any]]:
        """For each step, the steps that use its outputs."""
        found: dict[Any, list[Any]] = {}
        for step in self.order:
            for below in self.below[step]:
                found.setdefault(below, []).append(step)
        return found

    def longest_way(self, weights: Mapping[Any, float]) -> dict[Any, float]:
        """Return, for each step, the largest sum of weights on a path from a start to it, including its own."""
        found: dict[Any, float] = dict.fromkeys(self._starts, 0.0)
        for step in self.order:
            here = found[step] = found[step] + weights.get(step, 0.0)
            for below in self.below[step]:
                if below in self.steps:
                    found[below] = max(found.get(below, 0.0), here)
        return found

    def best_ways(self, strengths: Mapping[Any, float]) -> tuple[dict[Any, float], dict[Any, Any]]:
        """Return, for each step, the least resistance of a path to a start, and the next step on that path.

        A step with a strength has the resistance 1/strength, so the weakest point counts most; other steps have none.
        The step's own resistance is not included.
        """
        least: dict[Any, float] = dict.fromkeys(self._starts, 0.0)
        towards: dict[Any, Any] = {}
        for step in self.order:
            here = least[step]
            if step in strengths:
                here += 1 / strengths[step] if strengths[step] > 0 else math.inf
            for below in self.below[step]:
                if below in self.steps and (below not in least or here < least[below]):
                    least[below], towards[below] = here, step
        return least, towards

    def above(self, marked: Iterable[Any]) -> set[Any]:
        """Return all steps that were computed from a marked step, directly or indirectly."""
        found: set[Any] = set()
        marks = set(marked)
        for step in reversed(self.order):
            for below in self.below[step]:
                if below in marks or below in found:
                    found.add(step)
                    break
        return found

    def joins(self, way: Sequence[Any]) -> int:
        """Return the number of sums of two computed tensors, that is of skip connections, on a path."""
        return sum(
            name_of(step) == "AddBackward"
            and sum(below in self.steps and not is_leaf(below) for below in self.below[step]) > 1
            for step in way
        )


def name_of(step: Any) -> str:
    """Return the name of a step, without the number that torch appends."""
    return str(step.name()).rstrip("0123456789")


def _steps_of(tensors: Iterable[Tensor]) -> list[Any]:
    return [each.grad_fn for each in tensors if each.grad_fn is not None]


def _below(step: Any) -> list[Any]:
    return [below for below, _ in step.next_functions if below is not None]


def _sorted(
    starts: Sequence[Any], ends: set[Any], below: dict[Any, list[Any]], known: Mapping[Any, list[Any]]
) -> list[Any]:
    """Return the steps, each before those below it; fill `below`, using `known` where possible."""
    finished: list[Any] = []
    waiting: list[Any] = list(starts)
    while waiting:
        step = waiting.pop()
        if step is None:
            finished.append(waiting.pop())
        elif step not in below:
            found = below[step] = known[step] if step in known else _below(step)
            waiting += (step, None)
            if step not in ends:
                waiting += found
    return finished[::-1]


def is_leaf(step: Any) -> bool:
    """Whether a step accumulates the gradient of a leaf."""
    return "AccumulateGrad" in step.name()


def source_of(step: Any, passes_on: tuple[str, ...] = PASSES_ON) -> Any:
    """Return the step that a tensor's numbers come from: the first one below that does more than pass them on."""
    while step is not None and name_of(step).startswith(passes_on):
        step = next(iter(_below(step)), None)
    return step


def signed(number: int) -> int:
    """Return a number that torch may give without its sign."""
    return number - 2**64 if number >= 2**63 else number


def is_opaque(step: Any) -> bool:
    """Whether a step is a custom function or compiled code, whose inner steps aren't in the graph."""
    name = name_of(step)
    return (
        "::" in name
        or "DifferentiableGraph" in name
        or not name.endswith("Backward")
        or isinstance(step, torch.autograd.function.BackwardCFunction)
    )


def operation_on(leaf: Any, graph: Graph) -> Any:
    """Return the operation that uses a leaf, directly or through views of it; None if the graph has none."""
    step = leaf
    for _ in range(8):
        step = next((each for each in graph.consumers.get(step, ()) if each in graph.steps), None)
        if step is None or not name_of(step).startswith(PASSES_ON):
            return step
    return None
