"""Leaves a model as it was: state, gradients, hooks, mode, and every generator of random numbers."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

DICTIONARIES = (dict, OrderedDict)


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, afterwards the model is bit for bit what it was, and so is all random state.

    Kept are the attributes of every module (mode, hooks, parameters, buffers, plain ones), the values of parameters
    and buffers, `requires_grad` and `.grad`, and the states of torch's, numpy's and Python's generators and of those
    that modules hold. This takes memory for one more copy of the parameters.
    """
    attributes = [(module, _copied(vars(module))) for module in model.modules()]
    tensors = [_Kept(tensor) for tensor in _tensors(model)]
    held = {id(value): value for module in model.modules() for value in vars(module).values()}
    generators = [(value, value.get_state()) for value in held.values() if isinstance(value, torch.Generator)]
    devices = sorted({each.tensor.device.index for each in tensors if each.tensor.device.type == "cuda"})
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            for module, kept in attributes:
                _restore(vars(module), kept)
            for each in tensors:
                each.restore()
            for generator, state in generators:
                generator.set_state(state)
            random.setstate(python_state)
            np.random.set_state(numpy_state)


class _Kept:
    """A parameter or a buffer, and what it was."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.values, self.grad = tensor, tensor.detach().clone(), tensor.grad
        self.requires_grad = tensor.requires_grad

    def restore(self) -> None:
        """By way of `.data`, which leaves a graph of the caller's own valid."""
        with torch.no_grad():
            self.tensor.data.copy_(self.values)
        if self.tensor.is_leaf:
            self.tensor.requires_grad_(self.requires_grad)
            self.tensor.grad = self.grad


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _copied(attributes: dict[str, Any]) -> dict[str, tuple[Any, dict[Any, Any] | None]]:
    """Every attribute, and what it holds if it is a dictionary: hooks and parameters live in such."""
    return {name: (value, dict(value) if type(value) in DICTIONARIES else None) for name, value in attributes.items()}


def _restore(attributes: dict[str, Any], kept: dict[str, tuple[Any, dict[Any, Any] | None]]) -> None:
    """The same objects with their former contents: the handles of hooks refer to the dictionaries themselves."""
    for name in set(attributes) - set(kept):
        del attributes[name]
    for name, (value, contents) in kept.items():
        attributes[name] = value
        if contents is not None:
            value.clear()
            value.update(contents)
