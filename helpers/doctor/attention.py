"""Read the softmaxes of attention from autograd's graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from .comparing import are_shares
from .graph import PASSES_ON, Graph, is_leaf, name_of, source_of

SOFTMAX = "SoftmaxBackward"

SCALES = ("Div", "Mul", "Add", "Sub", "MaskedFill", "Where", "Neg", "Clamp")
"""Steps that scale, mask or shift attention scores."""


def notes_of_softmaxes(graph: Graph) -> Iterator[str]:
    """Yield notes on softmaxes between the inputs and the outputs, at most one of each kind."""
    softmaxes = [step for step in graph.order if name_of(step) == SOFTMAX] if SOFTMAX in graph.names else []
    if any(_is_crossed(step, graph) for step in softmaxes):
        yield (
            "A softmax of attention scores makes weights that sum to 1 over one axis, but the values are summed over "
            "another: set dim to the axis of the keys, usually -1."
        )
    if any(_softmax_before(step) is not None for step in softmaxes):
        yield (
            "A softmax is taken of what another softmax returns: numbers between 0 and 1, whose softmax is nearly "
            "uniform. Take one of them out."
        )


def _softmax_before(softmax: Any) -> Any:
    """Return the softmax over the same axis whose outputs are this one's inputs, if there is one."""
    before = softmax.next_functions[0][0]
    if before is None or name_of(before) != SOFTMAX:
        return None
    return before if before._saved_result.shape == softmax._saved_result.shape else None


def _is_crossed(softmax: Any, graph: Graph) -> bool:
    """Whether a softmax of attention scores makes weights that don't sum to 1 over the axis of the sum of the values.

    Attention scores are a product of two computed tensors, and attention weights are multiplied by values.
    """
    scores = source_of(softmax.next_functions[0][0], (*PASSES_ON, *SCALES))
    if (
        scores is None
        or name_of(scores) != "BmmBackward"
        or any(is_leaf(source_of(each)) for each in graph.below[scores])
    ):
        return False
    step, above = softmax, graph.consumers.get(softmax, [])
    while len(above) == 1 and name_of(above[0]).startswith(PASSES_ON):
        step, above = above[0], graph.consumers.get(above[0], [])
    if len(above) != 1 or name_of(above[0]) != "BmmBackward":
        return False
    is_first = above[0].next_functions[0][0] is step
    weights = above[0]._saved_self if is_first else above[0]._saved_mat2
    exact = weights is not None and weights.dtype in (torch.float32, torch.float64)
    return exact and not are_shares(weights.detach(), -1 if is_first else -2)
