"""Find the activation that follows a layer: a module, or a function of torch, found in autograd's graph.

The graph is only read: a mode that observes every function of torch would keep an evaluation from PyTorch's fast paths,
which round differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .flatness import FLAT_PARTS, Flat, flat_parts

FUNCTIONS: Mapping[type[nn.Module], str] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.Hardtanh: "hardtanh",  # also ReLU6, a subclass
    nn.Hardsigmoid: "hardsigmoid",
    nn.Softsign: "softsign",
    nn.ReLU: "relu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Softplus: "softplus",
}
"""Modules whose flat parts are known, by the name of torch's function."""

ACTIVATIONS = (*FUNCTIONS, nn.LeakyReLU, nn.PReLU, nn.CELU, nn.Mish, nn.Hardswish, nn.LogSigmoid)

KEEP_Z_IN_PLACE = (nn.ReLU, nn.Hardtanh)
"""Modules that, in place, overwrite z with values on the same side of their edges."""


@dataclass(frozen=True)
class _Step:
    """An activation in the graph: torch's function, and a function that gets (output, z) from a step's saved data."""

    function: str
    values_and_z: Callable[[Any], tuple[Tensor, Tensor]]


NODES: Mapping[str, _Step] = {
    "SigmoidBackward0": _Step("sigmoid", lambda node: (node._saved_result, torch.logit(node._saved_result))),
    "TanhBackward0": _Step("tanh", lambda node: (node._saved_result, torch.atanh(node._saved_result))),
    "ReluBackward0": _Step(
        "relu", lambda node: (node._saved_result, node._saved_result)
    ),  # at most 0 exactly where z is
    "HardtanhBackward0": _Step("hardtanh", lambda node: (F.hardtanh(z := node._saved_self, *_edges(node)), z)),
    "HardsigmoidBackward0": _Step("hardsigmoid", lambda node: (F.hardsigmoid(z := node._saved_self), z)),
    "EluBackward0": _Step(  # SELU is an ELU with a scale
        "elu", lambda node: (node._saved_scale * F.elu(z := node._saved_self, node._saved_alpha), z)
    ),
    "GeluBackward0": _Step(
        "gelu", lambda node: (F.gelu(z := node._saved_self, approximate=node._saved_approximate), z)
    ),
    "SiluBackward0": _Step("silu", lambda node: (F.silu(z := node._saved_self), z)),
    "SoftplusBackward0": _Step(
        "softplus", lambda node: (F.softplus(z := node._saved_self, node._saved_beta, node._saved_threshold), z)
    ),
}
"""The steps of autograd's graph that are activations whose flat parts are known."""

STEPS_BETWEEN = 8
"""The number of steps of the graph that are searched between one layer and the next."""


class Following(NamedTuple):
    """The activation after a layer: its output, its flat parts (None if not known) and its pre-activation."""

    values: Tensor
    flat: Flat | None = None
    z: Tensor | None = None


def following_module(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Following:
    """Return the activation that this module computes, from its inputs and its output."""
    kind = type(module)
    if kind not in _functions:
        _functions[kind] = _function_of(kind)
    name, keeps_z, has_edges = _functions[kind]
    if name is None or (not keeps_z and getattr(module, "inplace", False)):
        return Following(output)
    if not inputs or not isinstance(inputs[0], Tensor):
        return Following(output)
    flat = flat_parts(name, (None, module.min_val, module.max_val), {}) if has_edges else FLAT_PARTS[name]
    return Following(output, flat, inputs[0])


_functions: dict[type[nn.Module], tuple[str | None, bool, bool]] = {}


def _function_of(kind: type[nn.Module]) -> tuple[str | None, bool, bool]:
    """Return a module class's function in torch, whether z can be read if it works in place, whether it has edges."""
    name = next((FUNCTIONS[each] for each in kind.__mro__ if each in FUNCTIONS), None)
    return name, issubclass(kind, KEEP_Z_IN_PLACE), issubclass(kind, nn.Hardtanh)


def following_function(layer: Any, tensor: Tensor) -> Following | None:
    """Return the activation called as a function between a layer and a tensor computed from it; None if there is none.

    `layer` is the step of autograd's graph that made the layer's output.
    """
    for node in _below(tensor.grad_fn, until=layer):
        if node.name() in NODES and any(below is layer for below in _below(node, until=layer)):
            return _read(node)
    return None


def _read(node: Any) -> Following | None:
    step = NODES[node.name()]
    try:
        with torch.no_grad():
            values, z = step.values_and_z(node)
    except RuntimeError:  # what the step kept was freed by a backward pass, or overwritten since
        return None
    edges = _edges(node) if step.function == "hardtanh" else ()
    return Following(values, flat_parts(step.function, (None, *edges), {}), z)


def _edges(node: Any) -> tuple[float, float]:
    return node._saved_min_val, node._saved_max_val


def _below(start: Any, until: Any) -> list[Any]:
    """Return a few steps from `start` on, nearest first, not beyond `until`."""
    found = [start] if start is not None else []
    for node in found:
        if node is not until and len(found) < STEPS_BETWEEN:
            found += [below for below, _ in node.next_functions if below is not None and below not in found]
    return found
