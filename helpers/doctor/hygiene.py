"""Leaves a model as it was: state, gradients, hooks, mode, what its modules hold, and all random numbers to come."""

from __future__ import annotations

import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from .hooks import uninterrupted
from .measuring import are_plain, together

DICTIONARIES = frozenset((dict, OrderedDict, defaultdict))
COLLECTIONS = DICTIONARIES | {set}
SMALL = 2**16
"""Tensors of at most so many elements are copied and compared all at once: an operation for each takes long."""

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
def untouched(model: nn.Module) -> Iterator[Held]:
    """Whatever happens inside, afterwards the model is bit for bit what it was, and so is all random state.

    Gives the tensors and the generators of random numbers that the model holds.

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
    keeper.keep_tensors()
    with torch.random.fork_rng(devices=devices):
        try:
            yield keeper
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


class Held(Protocol):
    """What a model holds."""

    tensors: list[Tensor]
    generators: list[torch.Generator]


class _Tensors:
    """Tensors, and what they were."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._leaves = [(each, each.requires_grad, each.grad) for each in tensors if each.is_leaf]
        self._small = [each for each in tensors if _is_small(each)]
        self._shapes = [each.shape for each in self._small]
        self._ends = np.cumsum([0, *(shape.numel() for shape in self._shapes)])
        self._together = together(self._small).clone() if len(self._small) == 1 else together(self._small)
        small = set(map(id, self._small))
        self._others = [(each, each.detach().clone()) for each in tensors if id(each) not in small]

    def restore(self) -> None:
        """By way of `.data`, which leaves a graph of the caller's own valid."""
        with torch.no_grad():
            for tensor, values in [*self._others, *self._changed()]:
                if tensor.shape == values.shape and tensor.dtype == values.dtype:
                    tensor.data.copy_(values)
                else:  # resized in the forward pass, as the buffers of quantization's observers are
                    tensor.data = values.clone()
            for tensor, requires_grad, grad in self._leaves:
                tensor.requires_grad_(requires_grad)
                tensor.grad = grad

    def _changed(self) -> list[tuple[Tensor, Tensor]]:
        """The small tensors that aren't what they were to the last bit, and what they were."""
        if not self._small:
            return []
        places: Any = range(len(self._small))
        if are_plain(self._small) and [each.shape for each in self._small] == self._shapes:
            old, new = (each.view(torch.int32).numpy() for each in (self._together, together(self._small)))
            places = np.flatnonzero(np.logical_or.reduceat(old != new, self._ends[:-1]))
        return [
            (self._small[place], self._together[self._ends[place] : self._ends[place + 1]].view(self._shapes[place]))
            for place in places
        ]


class _Keeper:
    """Collects what modules hold, each object once, and the steps that put it back."""

    def __init__(self) -> None:
        self.steps: list[Callable[[], None]] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self._seen: dict[int, Any] = {}

    def keep_attributes(self, module: nn.Module) -> None:
        """A module's attributes, and what they hold."""
        attributes = vars(module)
        kept: dict[str, Any] = dict(attributes)
        empty: list[Any] = []
        self.steps.append(lambda: _restore(attributes, kept, empty))
        for value in kept.values():
            kind = type(value)
            if kind in PLAIN:
                continue
            if kind in COLLECTIONS and not value:  # of hooks, mostly
                empty.append(value)
            else:
                self._keep(value)

    def keep_tensors(self) -> None:
        """The values of all tensors that were met, whether they ask for a gradient, and their `.grad`."""
        kept = _Tensors(self.tensors)
        self.steps.append(lambda: kept.restore())

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

    def _parts(self, value: Any) -> Sequence[Any]:
        """What a value holds, after its own step is noted."""
        if isinstance(value, Tensor):
            if value.device.type != "meta" and not value.is_inference():
                self.tensors.append(value)
            return ()
        if type(value) in DICTIONARIES:
            contents = dict(value)
            self.steps.append(lambda: _refill(value, contents))
            return list(contents.values())
        if isinstance(value, torch.Generator):
            state = value.get_state()
            self.generators.append(value)
            self.steps.append(lambda: _set_state(value, state))
            return ()
        if isinstance(value, np.ndarray):
            numbers = value.copy()
            if value.flags.writeable:
                self.steps.append(lambda: np.copyto(value, numbers))
            return ()
        if isinstance(value, tuple | frozenset):
            return list(value)
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
        return ()


def _is_small(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, nn.Parameter) and are_plain([tensor]) and tensor.is_contiguous()
    return plain and 0 < tensor.numel() <= SMALL


def _restore(attributes: dict[str, Any], kept: dict[str, Any], empty: list[Any]) -> None:
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
