"""Restore a model: state, gradients, hooks, mode, the contents of its modules, and the state of all random numbers."""

from __future__ import annotations

import ctypes
import random
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
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
"""Tensors of at most this many elements are copied and compared together, since one operation for each is slow."""

MOST_KEPT = 100_000
"""The largest number of saved objects; a model with more contains its data set, which no pass changes."""

TWISTER = 625 * 4
"""The size in bytes of the state of a Mersenne twister: 624 numbers and a position."""

PLAIN = frozenset((bool, int, float, complex, str, bytes, type(None)))
"""Types of immutable values; LEFT_ALONE covers them too, but testing these first is faster."""

HELD_OFTEN = frozenset((dict, list, tuple, set, Tensor, nn.Parameter))
"""Common types that are not in LEFT_ALONE."""

LEFT_ALONE = (
    nn.Module,
    str,
    bytes,
    int,
    float,
    complex,
    type(None),
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
"""Types of objects whose contents are not saved: they are code, or don't belong to the model."""


@contextmanager
def untouched(modules: Iterable[nn.Module]) -> Iterator[Held]:
    """Restore a model's modules and all random state bit for bit after the block, whatever happens inside.

    Yields the tensors and the random number generators that the modules hold.

    Saved are the attributes of every module (mode, hooks, parameters, buffers, plain values) with the contents of
    lists, dictionaries, sets, queues, tensors, arrays and plain objects among them; the values of parameters and
    buffers, `requires_grad` and `.grad`; and the states of torch's, numpy's and Python's generators and of those that
    modules hold. This takes memory for one more copy of the parameters. Ctrl-C during the restoration takes effect
    after it.
    """
    keeper = _Keeper()
    for module in modules:
        keeper.keep_attributes(module)
    devices = sorted({each.device.index for each in keeper.tensors if each.device.type == "cuda"})
    keeper.keep_tensors()
    restore_random = _random_state()
    with torch.random.fork_rng(devices=devices):
        try:
            yield keeper
        finally:
            uninterrupted(lambda: _all_of([*keeper.steps, restore_random]))


def _all_of(steps: list[Callable[[], None]]) -> None:
    """Run every step. One that raises is run again; a KeyboardInterrupt is raised again after the last step."""
    stopped: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as problem:
            stopped = problem
            step()
    if isinstance(stopped, KeyboardInterrupt):
        raise stopped


def _random_state() -> Callable[[], None]:
    """Return a function that restores the present state of Python's and numpy's random numbers."""
    of_python, of_numpy, twister = random.getstate(), np.random.get_state(legacy=False), _twister()

    def restore() -> None:
        random.setstate(of_python)
        if not twister or twister != _twister() or of_numpy["has_gauss"]:
            np.random.set_state(of_numpy)

    return restore


def _twister() -> bytes:
    """Return the memory of numpy's global generator, empty if it is another one than usual.

    It is read in a fraction of the time that `set_state` takes, and mostly no number was drawn.
    """
    generator = np.random.get_bit_generator() if hasattr(np.random, "get_bit_generator") else None
    if type(generator) is not np.random.MT19937:
        return b""
    return ctypes.string_at(generator.ctypes.state_address, TWISTER)


class Held(Protocol):
    """The tensors and generators that a model holds."""

    tensors: list[Tensor]
    generators: list[torch.Generator]


class _Tensors:
    """Tensors with their saved values."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._leaves = [(each, each.requires_grad, each.grad) for each in tensors if each.is_leaf]
        self._small = [each for each in tensors if _is_small(each)]
        self._shapes = [each.shape for each in self._small]
        self._ends = np.cumsum([0, *(shape.numel() for shape in self._shapes)])
        self._together = together(self._small).clone() if len(self._small) == 1 else together(self._small)
        small = set(map(id, self._small))
        self._others = [(each, _once(each.detach()).clone()) for each in tensors if id(each) not in small]

    def restore(self) -> None:
        """Restore the values through `.data`, which keeps the caller's graphs valid."""
        with torch.no_grad():
            for tensor, values in [*self._others, *self._changed()]:
                now = _once(tensor.data)
                if now.shape == values.shape and now.dtype == values.dtype:
                    now.copy_(values)
                else:  # resized in the forward pass, like the buffers of quantization observers
                    tensor.data = values.clone()
            for tensor, requires_grad, grad in self._leaves:
                if tensor.requires_grad is not requires_grad:
                    tensor.requires_grad_(requires_grad)
                if not tensor.is_leaf or tensor.grad is not grad:
                    tensor.grad = grad

    def _changed(self) -> list[tuple[Tensor, Tensor]]:
        """Return the small tensors that have changed in any bit, with their saved values."""
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
    """Collects the contents of modules, each object once, and the steps that restore them."""

    def __init__(self) -> None:
        self.steps: list[Callable[[], None]] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self._seen: dict[int, Any] = {}

    def keep_attributes(self, module: nn.Module) -> None:
        """Save a module's attributes and their contents."""
        attributes = vars(module)
        kept: dict[str, Any] = dict(attributes)
        empty: list[Any] = []
        self.steps.append(lambda: _restore(attributes, kept, empty))
        for value in kept.values():
            kind = type(value)
            if kind in PLAIN:
                continue
            if kind in COLLECTIONS and not value:  # mostly dictionaries of hooks
                empty.append(value)
            else:
                self._keep(value)

    def keep_tensors(self) -> None:
        """Save the values of all collected tensors, their `requires_grad` and their `.grad`."""
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
            self._seen[id(value)] = value  # keeps a reference, so that its id isn't reused
            waiting += self._parts(value)

    def _parts(self, value: Any) -> Sequence[Any]:
        """Add the step that restores a value, and return the values that it contains."""
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


def _once(tensor: Tensor) -> Tensor:
    """Return a view of each number once: of an expanded tensor, whose numbers stand for many, one slice."""
    if tensor.layout is not torch.strided:
        return tensor
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:
            tensor = tensor.narrow(axis, 0, 1)
    return tensor


def _is_small(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, nn.Parameter) and are_plain([tensor]) and tensor.is_contiguous()
    return plain and 0 < tensor.numel() <= SMALL


def _restore(attributes: dict[str, Any], kept: dict[str, Any], empty: list[Any]) -> None:
    _refill(attributes, kept)
    for each in empty:
        if each:
            each.clear()


def _refill(dictionary: dict[Any, Any], contents: dict[Any, Any]) -> None:
    """Restore a dictionary's contents in place, since handles of hooks refer to the dictionary itself."""
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
