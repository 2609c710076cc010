"""`with watch(model) as monitor:` around a training loop: what every layer's gradient does while the network trains.

The loop stays as it is. What is read is read where the optimizer is about to use it, so clipping and accumulation are
in it; nothing is changed, and the weights come out bit for bit as without.
"""

from __future__ import annotations

import html
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from . import display, pictures
from .following import ACTIVATIONS, Following, following_function, following_module
from .history import QUANTITIES, WatchHistory
from .hooks import follow_steps, leave_steps, stop_before_interrupt, uninterrupted
from .readings import shortened
from .recording import CHANNELS_FIRST

Array = NDArray[Any]

DRAWING_SHARE = 0.02
"""Share of the training time that drawing may take."""

MOST_LINES = 40
"""A summary in plain text leaves out the middle of a longer list of layers."""


def watch(model: nn.Module, every: int = 10, show: bool = True) -> Monitor:
    """Follow the layers of `model` while the block under `with` trains it.

    every: the first step is recorded and then every so many. A step is a call of `step` of a torch optimizer that
    holds a parameter of the model; gradients are read at its start, activations in the last forward pass before it
    with gradients. An optimizer that works with a closure has the gradients of its last call then.
    show: draw a heat map of the gradient norms in a notebook while the block runs; elsewhere print a summary after it

    A recorded step does some dozen small operations a layer more, the others none. Where a step takes milliseconds that
    is little; where it takes less than one, a larger `every` keeps it so (`python -m tests.benchmarks watching`).

    Nothing of the model, its gradients or the random state changes, and all hooks are gone after the block, also when
    it raises; but for one before the steps of all optimizers, which does nothing any more. Ctrl-C ends the recording at
    once, also where the block catches it. An activation called as a function (`torch.relu`) is found in autograd's
    graph.

    Raises TypeError where `model` is no module, ValueError where `every` is no whole number ≥ 1.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be a whole number ≥ 1; got {every!r}")
    return Monitor(model, every, show)


class Monitor:
    """Records a model's layers while it trains; made by `watch`."""

    def __init__(self, model: nn.Module, every: int, show: bool) -> None:
        self.model, self.every = model, every
        self.picture: display.LivePicture | None = None
        self._show, self._step, self._next_drawing = show, 0, 0.0
        self._layers: dict[str, nn.Module] = {}
        self._rows: list[tuple[int, list[list[float]]]] = []
        self._readings: dict[nn.Module, _Reading] = {}
        self._last: nn.Module | None = None
        self._made_by: Any = None  # the step of autograd's graph that made the last layer's output
        self._is_running = False
        self._forward_handle: Any = None

    def __enter__(self) -> Monitor:
        if self._is_running or self._rows:
            raise RuntimeError("this monitor has been used; write `with watch(model) as monitor:` for each training")
        self._modules = {id(module) for module in self.model.modules()}
        self._parameters = {id(parameter) for parameter in self.model.parameters()}
        self._end_of_block = stop_before_interrupt(self._stop)
        uninterrupted(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        uninterrupted(self._stop)
        self._end_of_block()
        self._forget()
        if self._show and display.in_notebook():
            self._draw()
        elif self._show:
            print(self)

    def _start(self) -> None:
        self._is_running = True
        follow_steps(self._before_step)
        self._listen()

    def _stop(self) -> None:
        leave_steps(self._before_step)
        if self._forward_handle is not None:
            self._forward_handle.remove()
        self._is_running = False

    # Recording -------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Follow the forward passes until the next step.

        By a hook for all modules of the process: hooks of the model's own would keep PyTorch from taking its fast
        paths in an evaluation between two steps, which round otherwise.
        """
        self._forward_handle = register_module_forward_hook(self._after_forward)

    def _after_forward(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what leaves a layer; what leaves an activation counts as that of the layer before it."""
        if id(module) not in self._modules or not torch.is_grad_enabled():
            return
        values = _first_tensor(output)
        is_activation = isinstance(module, ACTIVATIONS)
        is_layer = bool(_parameters(module)) and not is_activation
        if is_layer and module is not self._last:
            self._look_for_function(_first_tensor(inputs))
            self._read()
        elif module is self.model:
            self._look_for_function(values)
        if values is None or not values.is_floating_point() or not values.numel():
            return
        if is_layer:
            self._last, self._made_by, self._kept = module, values.grad_fn, Following(values.detach())
        elif is_activation and self._last is not None:
            self._made_by, self._kept = None, following_module(module, inputs, values)

    def _look_for_function(self, tensor: Tensor | None) -> None:
        """See whether an activation called as a function stands between the last layer and this tensor."""
        if self._made_by is not None and tensor is not None:
            self._kept = following_function(self._made_by, tensor) or self._kept
        self._made_by = None

    def _read(self) -> None:
        """Measure what was kept, now that no activation can follow any more."""
        if self._last is not None:
            self._readings[self._last] = _Reading.of(self._kept, isinstance(self._last, CHANNELS_FIRST))

    def _before_step(self, optimizer: torch.optim.Optimizer) -> None:
        held = (id(parameter) for group in optimizer.param_groups for parameter in group["params"])
        if self._parameters.isdisjoint(held):
            return
        if self._step % self.every == 0:
            self._forward_handle.remove()
            self._read()
            self._record()
            self._forget()
        self._step += 1
        if self._step % self.every == 0:
            uninterrupted(self._listen)

    def _record(self) -> None:
        self._layers = self._layers or self._in_order()
        own = [_parameters(layer) for layer in self._layers.values()]
        readings = [self._readings.get(layer) for layer in self._layers.values()]
        with_gradient = [[p for p in parameters if p.grad is not None] for parameters in own]
        measured = _norms([p.grad for parameters in with_gradient for p in parameters if p.grad is not None])
        measured += _norms([p for parameters in own for p in parameters])
        measured += [tensor for reading in readings if reading for tensor in reading.tensors]
        numbers = iter(_fetched(measured))
        gradients = [[float(next(numbers)[0]) for _ in parameters] for parameters in with_gradient]
        weights = [[float(next(numbers)[0]) for _ in parameters] for parameters in own]
        left = [reading.answered(numbers) if reading else [math.nan] * 4 for reading in readings]
        rows = [[*_sizes(*norms), *answer] for *norms, answer in zip(gradients, weights, left, strict=True)]
        self._rows.append((self._step, rows))
        if self._show and time.monotonic() >= self._next_drawing and display.in_notebook():
            self._draw()

    def _in_order(self) -> dict[str, nn.Module]:
        """The modules that hold parameters: those that ran, in the order in which they did, then the others."""
        named = {module: name or type(module).__name__ for name, module in self.model.named_modules()}
        holders = [module for module in named if _parameters(module)]
        ran = [module for module in self._readings if module in named]
        return {named[module]: module for module in dict.fromkeys([*ran, *holders])}

    def _forget(self) -> None:
        self._readings.clear()
        self._last = self._made_by = None

    # Showing ---------------------------------------------------------------------------------------------------------

    @property
    def history(self) -> WatchHistory:
        """The records so far."""
        table = np.array([row for _, row in self._rows]).reshape(len(self._rows), len(self._layers), len(QUANTITIES))
        columns = {name: table[:, :, place] for place, name in enumerate(QUANTITIES)}
        return WatchHistory(np.array([step for step, _ in self._rows], dtype=int), tuple(self._layers), **columns)

    def _draw(self) -> None:
        """Draw the records so far, and leave the training in peace for fifty times as long as that took."""
        if not self._rows:
            return
        history, started = self.history, time.monotonic()
        if self.picture is None:
            self.picture = display.live_picture(history.layers, self.every)
            started = time.monotonic()  # made once, and not counted
        if self.picture is not None:
            self.picture.show(history)
        self._next_drawing = time.monotonic() + (time.monotonic() - started) / DRAWING_SHARE

    def __str__(self) -> str:
        """The first and the last record in plain text, a line for each layer."""
        if not self._rows:
            return "watch: no step was recorded. Does an optimizer with this model's parameters make steps?"
        history = self.history
        head = (
            f"watch: {len(history.steps)} of {self._step} steps recorded, every {self.every}.\n"
            f"{'layer':<24}{'gradient norm':>22}{'gradient/weight':>17}{'dead':>8}{'saturated':>11}\n"
            f"{'':<24}{'first':>11}{'last':>11}{'last':>17}{'last':>8}{'last':>11}"
        )
        rows = [
            f"{shortened(name, 23):<24}{_as_text(history.gradient_norm[0, place]):>11}"
            f"{_as_text(history.gradient_norm[-1, place]):>11}{_as_text(history.gradient_to_weight[-1, place]):>17}"
            f"{history.dead[-1, place]:>8.0%}"
            f"{history.saturated[-1, place]:>11.0%}"
            for place, name in enumerate(history.layers)
        ]
        if len(rows) > MOST_LINES:
            half = MOST_LINES // 2
            rows[half:-half] = [f"… {len(rows) - 2 * half} more layers"]
        return "\n".join([head, *rows])

    def save(self, path: str | Path) -> Path:
        """Write one HTML file that shows all that was recorded, in any browser and without network; returns its path.

        Raises ValueError where nothing was recorded, FileNotFoundError where the folder doesn't exist, another OSError
        where it can't be written; an earlier file of the name then stays as it is.
        """
        if not self._rows:
            raise ValueError("nothing was recorded, so there is nothing to save; train inside the `with` block first")
        path = Path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"path is {str(path)!r}; the folder {str(path.parent)!r} doesn't exist: make it first"
            )
        without_tools = {"displayModeBar": False}  # they would lie on the colour bar
        figure = pictures.steps(self.history)
        picture = figure.to_html(full_html=False, include_plotlyjs=True, config=without_tools)
        name = html.escape(type(self.model).__name__)
        page = (
            f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}, watched</title></head>\n'
            f"<body>\n{picture}\n<pre>{html.escape(str(self))}</pre>\n</body>\n</html>\n"
        )
        half = path.with_name(f".{path.name}.{os.getpid()}.part")  # an earlier report stays whole until this one is
        try:
            half.write_text(page, encoding="utf-8")
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        return path


# Numbers of a layer --------------------------------------------------------------------------------------------------
# All that is measured waits as tensors on its device and is fetched at once. Few operations: in a small network each
# of them costs as much as a layer.


@dataclass(frozen=True)
class _Reading:
    """What left a layer: its mean, the norm of the deviations from it, and its dead units or saturated elements."""

    tensors: tuple[Tensor, ...]
    size: int
    tells: str = ""  # "dead", "saturated" or neither

    @classmethod
    def of(cls, kept: Following, channels_first: bool) -> _Reading:
        """Measure what left a layer."""
        values = kept.values if kept.values.dtype == torch.float64 else kept.values.float()
        mean = values.mean()
        moments = mean, torch.linalg.vector_norm(values - mean)
        flat, z = kept.flat, kept.z
        if flat is None or z is None:
            return cls(moments, values.numel())
        if not flat.rectifies:
            return cls((*moments, torch.count_nonzero(flat.mask(z))), values.numel(), "saturated")
        if z.dim() < 2:
            return cls(moments, values.numel())
        return cls((*moments, flat.dead(z, 1 if channels_first else -1)), values.numel(), "dead")

    def answered(self, numbers: Iterator[Array]) -> list[float]:
        """Mean, standard deviation, dead and saturated share; takes what was fetched of its tensors from `numbers`."""
        mean, deviation, *share = (next(numbers) for _ in self.tensors)
        dead = float(share[0].mean()) if self.tells == "dead" else 0.0
        saturated = float(share[0][0]) / self.size if self.tells == "saturated" else 0.0
        return [float(mean[0]), float(deviation[0]) / self.size**0.5, dead, saturated]


def _sizes(gradients: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Norm of a layer's gradient, and over the norm of its weights, from those of its parameters."""
    gradient, weight = math.hypot(*gradients) if gradients else math.nan, math.hypot(*weights)
    if gradients and not math.isfinite(gradient):
        gradient = math.inf
    return gradient, gradient / weight if weight else math.nan


def _parameters(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that a module holds itself."""
    return [parameter for parameter in module._parameters.values() if parameter is not None]


def _first_tensor(output: Any) -> Tensor | None:
    """The output itself, or the first tensor in a tuple, list or dictionary of outputs."""
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, list | tuple) else ()
    return next((found for part in parts if (found := _first_tensor(part)) is not None), None)


def _norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The norm of each tensor, in float64 where the device has it, so that small ones don't underflow to 0."""
    if not tensors:
        return []
    dense = [(each.coalesce().values() if each.is_sparse else each).detach() for each in tensors]
    precise = torch.float32 if dense[0].device.type == "mps" else torch.float64
    return list(torch._foreach_norm(dense, 2.0, dtype=precise))


def _fetched(tensors: Sequence[Tensor]) -> list[Array]:
    """The numbers of tensors of at most one axis, brought from each device at once."""
    found: list[Array] = [np.empty(0)] * len(tensors)
    for device in {tensor.device for tensor in tensors}:
        places = [place for place, tensor in enumerate(tensors) if tensor.device == device]
        together, start = torch.hstack([tensors[place] for place in places]).cpu().numpy(), 0
        for place in places:
            end = start + tensors[place].numel()
            found[place], start = together[start:end], end
    return found


def _as_text(norm: float) -> str:
    return "none" if math.isnan(norm) else f"{norm:.1e}"
