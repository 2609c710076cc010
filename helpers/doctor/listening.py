"""Record the outputs of a model's layers in its forward passes, with one hook for all modules of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _global_forward_hooks

from .following import ACTIVATIONS, Following, following_function, following_module
from .measuring import SMALL, Outputs
from .recording import CHANNELS_FIRST, own_parameters

MOST_CALLS = 256
"""The largest number of calls that wait to be read."""


class Listener:
    """Listens to a model between `start` and `stop`; `outputs` has each layer's last output, `order` those that ran.

    Calls with small outputs wait until the model's forward pass ends: reading them one after the other takes less time
    than reading each between two layers, whose code displaces this from the processor's cache.

    Hooks on the model itself would keep PyTorch from its fast paths in evaluation, which round differently. An error is
    passed to `failed` and never raised in the forward pass.
    """

    def __init__(self, model: nn.Module, failed: Callable[[Exception], None]) -> None:
        self.outputs = Outputs()
        self.order: dict[nn.Module, None] = {}
        self._model, self._failed = model, failed
        kinds = {module: _kind(module) for module in model.modules()}
        self._kinds = {module: kind for module, kind in kinds.items() if kind != "other" or module is model}
        self._last: nn.Module | None = None
        self._kept: Following | None = None
        self._made_by: Any = None  # the step of autograd's graph that made the last layer's output
        self._calls: list[tuple[nn.Module, tuple[Any, ...], Any]] = []
        self._waits = False
        self._key = -1 - id(self)  # negative, since PyTorch's own keys count from 0

    @property
    def is_on(self) -> bool:
        """Whether the hook is set."""
        return self._key in _global_forward_hooks

    def start(self) -> None:
        """Set the hook."""
        self._waits = True
        _global_forward_hooks[self._key] = self._after_forward

    def stop(self) -> None:
        """Remove the hook."""
        _global_forward_hooks.pop(self._key, None)

    def clear(self) -> None:
        """Forget all outputs."""
        self._calls.clear()
        self.outputs.clear()
        self._last = self._made_by = self._kept = None

    def finish(self) -> None:
        """Record the last layer, after which no activation can follow any more."""
        self.read()
        self._keep_last()

    def before_backward(self) -> None:
        """Read what waits; calls in the backward pass, as of checkpointed parts, are read at once."""
        self._waits = False
        self.read()

    def read(self) -> None:
        """Read the calls that wait."""
        calls, self._calls = self._calls, []
        for module, inputs, output in calls:
            self._note(module, self._kinds[module], inputs, output)

    def _keep_last(self) -> None:
        if self._last is not None and self._kept is not None:
            self.outputs.keep(self._last, self._kept, 1 if isinstance(self._last, CHANNELS_FIRST) else -1)

    def _after_forward(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if module not in self._kinds or not torch.is_grad_enabled():
            return
        self._calls.append((module, inputs, output))
        is_small = type(output) is Tensor and output.numel() <= SMALL
        if self._waits and is_small and module is not self._model and len(self._calls) < MOST_CALLS:
            return
        try:
            self.read()
        except Exception as problem:
            self._failed(problem)

    def _note(self, module: nn.Module, kind: str, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep the output of a layer; the output of an activation counts as that of the layer before it."""
        values = output if type(output) is Tensor else first_tensor(output)
        if kind == "layer" and module is not self._last:
            self._look_for_function(inputs)
            self._keep_last()
        elif module is self._model:
            self._look_for_function(values)
        if values is None or not values.is_floating_point() or not values.numel():
            return
        if kind == "layer":
            self.order[module] = None
            self._last, self._made_by, self._kept = module, values.grad_fn, Following(values)
        elif kind == "activation" and self._last is not None:
            self._made_by, self._kept = None, following_module(module, inputs, values)

    def _look_for_function(self, until: Any) -> None:
        """Look for an activation called as a function between the last layer and the first tensor in `until`."""
        tensor = None if self._made_by is None else first_tensor(until)
        if tensor is not None:
            self._kept = following_function(self._made_by, tensor) or self._kept
        self._made_by = None


def _kind(module: nn.Module) -> str:
    """Return the kind of module, as the listener distinguishes them."""
    if isinstance(module, ACTIVATIONS):
        return "activation"
    return "layer" if own_parameters(module) else "other"


def first_tensor(output: Any) -> Tensor | None:
    """Return the output itself, or the first tensor in a tuple, list or dictionary of outputs."""
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, Mapping) else output if isinstance(output, list | tuple) else ()
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)
