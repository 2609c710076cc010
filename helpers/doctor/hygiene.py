"""Leaves a model as it was: state, gradients, hooks, mode, what its modules hold, and all random numbers to come."""

from __future__ import annotations

import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .hooks import uninterrupted

DICTIONARIES = (dict, OrderedDict, defaultdict)
MOST_KEPT = 100_000
"""So many objects that modules hold are kept at most; beyond, a model holds its data set, which no pass changes."""

PLAIN = frozenset((bool, int, float, complex, str, bytes, type(None)))
"""Types of values that nothing can change; LEFT_ALONE holds them too, and asking for these first is quick."""

HELD_OFTEN = frozenset((dict, list, tuple, set, Tensor, nn.Parameter))
"""Types that are none of LEFT_ALONE."""

LEFT_ALONE = (
    str,
    bytes,
    int,
    float,
    complex,
    type(None),
    nn.Module,
    type,
    types.ModuleType,
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    torch.Size,
    torch.dtype,
    torch.device,
    torch.optim.Optimizer,
    torch.utils.data.DataLoader,
    torch.utils.data.Dataset,
)
"""Objects into which nothing looks: they are code, or not the model's."""


@contextmanager
def untouched(model: nn.Module) -> Iterator[list[Tensor]]:
    """Whatever happens inside, afterwards the model is bit for bit what it was, and so is all random state.

    Gives the tensors that the model holds.

    Kept are the attributes of every module (mode, hooks, parameters, buffers, plain ones) with the contents of lists,
    dictionaries, sets, queues, tensors, arrays and plain objects among them, the values of parameters and buffers,
    `requires_grad` and `.grad`, and the states of torch's, numpy's and Python's generators and of those that modules
    hold. This takes memory for one more copy of the parameters. Ctrl-C while all is put back waits until it is done.
    """
    keeper = _Keeper()
    for module in model.modules():
        keeper.keep_attributes(module)
    devices = sorted({each.device.index for each in keeper.tensors if each.device.type == "cuda"})
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices):
        try:
            yield keeper.tensors
        finally:
            steps = [*keeper.steps, lambda: random.setstate(python_state), lambda: np.random.set_state(numpy_state)]
            uninterrupted(lambda: _all_of(steps))


def _all_of(steps: list[Callable[[], None]]) -> None:
    """Take every step, also where one is interrupted: that one once more, and then the exception goes on its way."""
    stopped: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as problem:
            stopped = problem
            step()
    if isinstance(stopped, KeyboardInterrupt):
        raise stopped


class _Kept:
    """A tensor, and what it was."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.values, self.grad = tensor, tensor.detach().clone(), tensor.grad if tensor.is_leaf else None
        self.requires_grad = tensor.requires_grad

    def restore(self) -> None:
        """By way of `.data`, which leaves a graph of the caller's own valid."""
        with torch.no_grad():
            if self.tensor.shape == self.values.shape and self.tensor.dtype == self.values.dtype:
                self.tensor.data.copy_(self.values)
            else:  # resized in the forward pass, as the buffers of quantization's observers are
                self.tensor.data = self.values
        if self.tensor.is_leaf:
            self.tensor.requires_grad_(self.requires_grad)
            self.tensor.grad = self.grad


class _Keeper:
    """Collects what modules hold, each object once, and the steps that put it back."""

    def __init__(self) -> None:
        self.steps: list[Callable[[], None]] = []
        self.tensors: list[Tensor] = []
        self._seen: dict[int, Any] = {}

    def keep_attributes(self, module: nn.Module) -> None:
        """A module's attributes, and what they hold."""
        attributes = vars(module)
        kept = dict(attributes)
        empty = [value for value in kept.values() if type(value) in DICTIONARIES and not value]  # of hooks, mostly
        self.steps.append(lambda: _restore(attributes, kept, empty))
        for value in kept.values():
            kind = type(value)
            if kind not in PLAIN and (kind not in DICTIONARIES or value):
                self._keep(value)

    def _keep(self, start: Any) -> None:
        waiting = [start]
        while waiting and len(self._seen) < MOST_KEPT:
            value = waiting.pop()
            kind = type(value)
            if kind in PLAIN or id(value) in self._seen:
                continue
            if kind not in HELD_OFTEN and not isinstance(value, Tensor) and isinstance(value, LEFT_ALONE):
                continue
            self._seen[id(value)] = value  # held, so that its identity stays its own
            waiting += self._parts(value)

    def _parts(self, value: Any) -> list[Any]:
        """What a value holds, after its own step is noted."""
        if isinstance(value, Tensor):
            if value.device.type != "meta" and not value.is_inference():
                kept = _Kept(value)
                self.tensors.append(value)
                self.steps.append(lambda: kept.restore())
            return []
        if isinstance(value, torch.Generator):
            state = value.get_state()
            self.steps.append(lambda: _set_state(value, state))
            return []
        if isinstance(value, np.ndarray):
            numbers = value.copy()
            if value.flags.writeable:
                self.steps.append(lambda: np.copyto(value, numbers))
            return []
        if isinstance(value, tuple | frozenset):
            return list(value)
        if type(value) in DICTIONARIES:
            contents = dict(value)
            self.steps.append(lambda: _refill(value, contents))
            return list(contents.values())
        if type(value) is list:
            items = list(value)
            self.steps.append(lambda: value.__setitem__(slice(None), items))
            return items
        if type(value) in (set, deque):
            members = list(value)
            self.steps.append(lambda: _refill_collection(value, members))
            return members
        attributes = getattr(value, "__dict__", None)
        if type(attributes) is dict and not type(value).__module__.startswith(("torch.utils.hooks", "weakref")):
            kept_attributes = dict(attributes)
            self.steps.append(lambda: _refill(attributes, kept_attributes))
            return list(kept_attributes.values())
        return []


def _restore(attributes: dict[str, Any], kept: dict[str, Any], empty: list[dict[Any, Any]]) -> None:
    _refill(attributes, kept)
    for each in empty:
        if each:
            each.clear()


def _refill(dictionary: dict[Any, Any], contents: dict[Any, Any]) -> None:
    """The same object with its former contents: handles of hooks refer to the dictionaries themselves."""
    same = len(dictionary) == len(contents) and all(map(is_, dictionary.values(), contents.values()))
    if same and list(dictionary) == list(contents):
        return
    dictionary.clear()
    dictionary.update(contents)


def _refill_collection(collection: Any, members: list[Any]) -> None:
    collection.clear()
    (collection.extend if isinstance(collection, deque) else collection.update)(members)


def _set_state(generator: torch.Generator, state: Tensor) -> None:
    generator.set_state(state)
