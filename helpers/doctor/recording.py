"""One forward pass that is read at every layer, and backward passes that are read there too."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .flatness import flat_parts

CHANNELS_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)
CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RNNBase, nn.MultiheadAttention, nn.Embedding)


@dataclass
class Row:
    """One call of a layer: what went forward through it, and where its place in the order is.

    A layer is a module without inner modules, one that doesn't call its inner modules (attention), one with parameters
    of its own, or an activation called as a function. `spread` is the root mean square of the outputs' differences
    from their mean over the samples.
    """

    place: int
    name: str
    type: str
    call: int
    parameters: list[nn.Parameter] = field(default_factory=list)
    kept: bool = True
    mean: float = math.nan
    std: float = math.nan
    spread: float = math.nan
    finite: bool = True
    saturated: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    units: int = 0
    squashes: bool = False

    @property
    def label(self) -> str:
        """The name, and which call it is after the first."""
        return self.name if self.call == 1 else f"{self.name} #{self.call}"


@dataclass
class _Frame:
    module: nn.Module
    row: Row
    calls_inside: int = 0


@dataclass(frozen=True)
class BackwardReadings:
    """What one backward pass brought, all as of the loss itself: the factor on it is taken out again.

    `signals` and `steps` are by the place of the row; `gradients` are norms by parameter, None
    where no gradient came. A number up to `small` may have lost digits, or be 0, for want of precision.
    """

    signals: Mapping[int, float]
    steps: Mapping[int, list[float]]
    gradients: Sequence[float | None]
    small: float = 0.0

    @property
    def _all(self) -> list[float]:
        gradients = [each for each in self.gradients if each is not None]
        return [*self.signals.values(), *gradients, *(each for values in self.steps.values() for each in values)]

    @property
    def lost(self) -> bool:
        """Whether a number is too small to be trusted, or gone."""
        return any(each <= self.small for each in self._all)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return max((each for each in self._all if math.isfinite(each)), default=0.0)


class Recording:
    """Listens to a model while it runs, within `with recording.listening():`; afterwards holds the rows."""

    def __init__(self, model: nn.Module) -> None:
        self._rows: list[Row] = []
        self.frames: list[_Frame] = []
        self._names = {module: name or "model" for name, module in model.named_modules() if _can_listen(name, module)}
        self.outputs: list[Tensor] = []
        self._calls: Counter[str] = Counter()
        self._signals: dict[int, float] = {}
        self._sequences: dict[int, tuple[Tensor, int]] = {}
        self._handles: list[Any] = []
        self._channel_axis: int | None = None
        self._model = model

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hooks on every module and a mode that sees activations called as functions; all gone afterwards."""
        hooks: list[Any] = []
        for module in self._names:
            hooks.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(self._leave))
        try:
            with _Functions(self._function):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def covered(self) -> set[nn.Parameter]:
        """The parameters of the layers that were called."""
        return {each for row in self.rows for each in row.parameters}

    @property
    def rows(self) -> list[Row]:
        """The layers in the order in which they began."""
        return [row for row in self._rows if row.kept]

    @property
    def where(self) -> str:
        """The innermost module at work, in words."""
        if not self.frames:
            return "the model"
        module = self.frames[-1].module
        return f"{self._names[module]} ({type(module).__name__})"

    def backward(
        self, loss: Tensor, parameters: Sequence[Tensor], factor: float = 1.0, small: float = 0.0
    ) -> BackwardReadings:
        """One backward pass of factor · loss; the graph is kept, no `.grad` is touched.

        Norms below `small` are not to be trusted in the precision of the pass.
        """
        self._signals = {}
        sequences = list(self._sequences.items())
        wanted = [*parameters, *(tensor for _, (tensor, _) in sequences)]
        start = torch.full_like(loss, factor)
        found = torch.autograd.grad(loss, wanted, start, retain_graph=True, allow_unused=True)
        gradients = [None if each is None else norm(each) / factor for each in found[: len(parameters)]]
        steps = {
            row: [value / factor for value in _norms_along(gradient, axis)]
            for (row, (_, axis)), gradient in zip(sequences, found[len(parameters) :], strict=True)
            if gradient is not None
        }
        signals = {row: value / factor for row, value in self._signals.items()}
        return BackwardReadings(signals, steps, gradients, small / factor)

    def close(self) -> None:
        """Remove the hooks from the tensors, which the model may have kept."""
        for handle in self._handles:
            handle.remove()

    # The forward pass ------------------------------------------------------------------------------------------------

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.frames:
            self.frames[-1].calls_inside += 1
        row = self._new_row(self._names[module], type(module).__name__)
        self.frames.append(_Frame(module, row))
        if isinstance(module, nn.RNNBase) and args and _learns(module) and _is_real(args[0]):
            return (self._sequence(module, args[0]), *args[1:]), kwargs
        return None

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        while self.frames and self.frames[-1].module is not module:
            self.frames.pop()  # left by an exception that the model caught itself
        frame = self.frames.pop()
        row = frame.row
        if module is self._model:
            self.outputs = [each for each in flatten(output) if each.requires_grad]
        row.parameters = list(module.parameters(recurse=not frame.calls_inside))
        if frame.calls_inside:
            row.kept = bool(row.parameters)
            return
        if isinstance(module, CHANNELS_FIRST + CHANNELS_LAST):
            self._channel_axis = 1 if isinstance(module, CHANNELS_FIRST) else -1
        self._read_output(row, output)

    def _new_row(self, name: str, kind: str) -> Row:
        self._calls[name] += 1
        row = Row(len(self._rows), name, kind, self._calls[name])
        self._rows.append(row)
        return row

    def _sequence(self, module: nn.RNNBase, inputs: Tensor) -> Tensor:
        """The inputs under another name, so that their gradient by time step can be had."""
        alias = inputs.view_as(inputs) if inputs.requires_grad else inputs.detach().requires_grad_()
        axis = 1 if module.batch_first and inputs.dim() == 3 else 0
        self._sequences[self.frames[-1].row.place] = (alias, axis)
        return alias

    def _function(self, call: Callable[[], Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        z = args[0] if args else kwargs.get("input")
        flat = flat_parts(name, args, kwargs)
        if flat is None or not isinstance(z, Tensor) or not _is_real(z):
            return call()
        mask = flat.mask(z.detach())  # before the call, which may work in place
        output = call()
        frame = self.frames[-1] if self.frames else None
        if frame and not frame.calls_inside and not any(True for _ in frame.module.children()):
            row = frame.row  # the module is the activation, or holds it
        else:
            owner = f"{self._names[frame.module]}." if frame and frame.module is not self._model else ""
            row = self._new_row(f"{owner}{name.rstrip('_')}()", "function")
            self._read_output(row, output)
        row.squashes |= flat.squashes
        if flat.rectifies:
            by_unit = _by_unit(mask, self._channel_axis)
            row.dead.append(_share(by_unit.all(dim=0)))
            row.units = by_unit.shape[1]
        else:
            row.saturated.append(_share(mask))
        return output

    def _read_output(self, row: Row, output: Any) -> None:
        tensors = [each for each in flatten(output) if _is_real(each)]
        if not tensors:
            return
        with torch._C.DisableTorchFunction():  # what is computed here is not to be listened to
            values = [each.detach() for each in tensors]
            row.finite = all(bool(torch.isfinite(each).all()) for each in values)
            row.mean, row.std, row.spread = _statistics(values[0])
        for each in tensors:
            if each.requires_grad:
                self._handles.append(each.register_hook(partial(self._read_gradient, row.place)))

    def _read_gradient(self, place: int, gradient: Tensor) -> None:
        self._signals[place] = math.hypot(self._signals.get(place, 0.0), norm(gradient))


class _Functions(TorchFunctionMode):
    """Calls `listen(call, name, args, kwargs)` in place of every function of torch."""

    def __init__(self, listen: Callable[[Callable[[], Any], str, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        super().__init__()
        self._listen = listen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        return self._listen(lambda: func(*args, **named), getattr(func, "__name__", ""), args, named)


# Tensors -------------------------------------------------------------------------------------------------------------


def norm(tensor: Tensor) -> float:
    """The Frobenius norm, accumulated in float64 where the device has it."""
    values = tensor.coalesce().values() if tensor.is_sparse else tensor
    return float(torch.linalg.vector_norm(values, dtype=_wide(values)))


def _norms_along(tensor: Tensor, axis: int) -> list[float]:
    rows = tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1)
    return torch.linalg.vector_norm(rows, dim=1, dtype=_wide(tensor)).tolist()


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _statistics(tensor: Tensor) -> tuple[float, float, float]:
    """Mean, standard deviation, and spread between the samples (first axis)."""
    if tensor.numel() == 0:
        return math.nan, math.nan, math.nan
    mean = float(tensor.mean(dtype=_wide(tensor)))
    variance = norm(tensor) ** 2 / tensor.numel() - mean**2
    spread = math.nan
    if tensor.dim() > 1 and len(tensor) > 1:
        values = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
        spread = norm(values - values.mean(dim=0)) / math.sqrt(tensor.numel())
    return mean, math.sqrt(max(variance, 0.0)), spread


def _by_unit(mask: Tensor, channel_axis: int | None) -> Tensor:
    """(samples, units): what stands on the other axes, places and time steps, counts as samples."""
    if mask.dim() < 2:
        return mask.reshape(1, -1)
    axis = channel_axis if channel_axis is not None else 1 if mask.dim() > 3 else -1
    return mask.movedim(axis, -1).reshape(-1, mask.shape[axis])


def _share(mask: Tensor) -> float:
    return float(mask.float().mean())


def _is_real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and not value.is_sparse


def _can_listen(name: str, module: nn.Module) -> bool:
    """Not where a module computes a weight of another (torch.nn.utils.parametrize), nor inside a scripted one."""
    return "parametrizations" not in name.split(".") and not isinstance(module, torch.jit.ScriptModule)


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def flatten(value: Any) -> list[Any]:
    """The tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [each for part in value.values() for each in flatten(part)]
    if isinstance(value, list | tuple):
        return [each for part in value for each in flatten(part)]
    if is_dataclass(value) and not isinstance(value, type):
        return flatten(vars(value))
    return []
