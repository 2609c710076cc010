"""Run one forward pass and backward passes, and read them at every layer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge
from torch.overrides import TorchFunctionMode

from .calls import SEEN, Calls
from .comparing import COMPARING, LOSSES, MOST_COMPARED, Compared, compared
from .flatness import FLAT_PARTS, Flat, flat_parts
from .graph import PRODUCTS as PRODUCT_STEPS
from .graph import REENTRANT, Graph, is_opaque, name_of, operation_on
from .measuring import LEAST, MOST, TOGETHER, Array, norms

NEAR = 2.0**30
"""Numbers up to this many times the smallest reliable one count as near to it."""

OUTPUTS = -1
"""The place of the model's outputs among the signals."""

CHANNELS_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)
PRODUCTS = frozenset(
    (
        *("linear", "bilinear", "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "addmm", "baddbmm", "einsum"),
        *("tensordot", "embedding", "conv1d", "conv2d", "conv3d"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    )
)
"""Functions of torch that apply a matrix; called directly with a parameter, they count as a layer."""

CUTS = frozenset(["detach", "detach_", "item", "numpy", "tolist"])
"""Functions of torch whose result is cut off from the graph."""

HEARD = CUTS | PRODUCTS | LOSSES | SEEN
HEARD |= {f"{name}{ending}" for name in FLAT_PARTS for ending in ("", "_")}
"""Functions of torch whose calls are recorded."""

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RNNBase, nn.MultiheadAttention, nn.Embedding)

NO_PARAMETERS = frozenset(
    (int, float, bool, str, type(None), tuple, list, slice, Tensor, torch.Size, torch.dtype, torch.device)
)
"""Types of arguments that are not parameters; testing each with `isinstance` takes longer than a small layer."""

SHARP, FEW = 0.99, 4
"""A row of a softmax with an entry above SHARP is one-hot; for fewer than FEW entries that means little."""

LARGE = 2**16
"""A gradient with more elements than this is measured when it is computed, and then dropped."""

CLEAR = 0.05
"""A difference of two sums of squares that is smaller than this share of them has lost digits."""

SMALL = 2**14
"""Outputs of at most this many elements are copied and read after the forward pass."""


Modules = Sequence[tuple[str, nn.Module]]
"""Modules with their names."""


@dataclass(slots=True)
class Row:
    """One call of a layer: the statistics of its forward pass, and its place in the order.

    A layer is a module without inner modules, one that doesn't call its inner modules (attention), one with parameters
    of its own, or an activation called as a function. `spread` is the root mean square of the outputs' differences
    from their mean over the samples, `input_spread` that of a recurrent cell's inputs; `steps` are the steps of
    autograd's graph that computed the outputs, `cut` says whether an output was cut off by `detach` or the like.
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
    input_spread: tuple[float, ...] = ()
    steps: list[Any] = field(default_factory=list)
    cut: bool = False
    silent: bool = False
    finite: bool = True
    saturated: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    units: int = 0
    squashes: bool = False
    one_hot: float = math.nan

    @property
    def label(self) -> str:
        """The name, with the number of the call from the second call on."""
        return self.name if self.call <= 1 else f"{self.name} #{self.call}"


class _Signal(NamedTuple):
    """A place where a gradient is read: the step, which of its outputs (None: all), and the gradient's size."""

    place: int
    step: Any
    output: int | None = None
    size: int = 0


@dataclass(slots=True)
class _Frame:
    module: nn.Module
    row: Row
    calls_inside: int = 0
    taken: set[nn.Parameter] = field(default_factory=set)


@dataclass(frozen=True)
class BackwardReadings:
    """The readings of one backward pass, for the unscaled loss: the factor on the loss is removed.

    `signals` and `steps` are keyed by the row's place; `gradients` are norms by parameter, None if there is no
    gradient. A number up to `small` may have lost digits, or be 0, for lack of precision.
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
        """Whether a number is too small to be reliable, or has underflowed to 0.

        A 0 next to numbers of usual size was produced by the network; before an underflow, numbers get smaller and
        smaller.
        """
        found = self._all
        return any(each <= self.small for each in found) and any(0 < each <= self.small * NEAR for each in found)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return max((each for each in self._all if math.isfinite(each)), default=0.0)


class Recording:
    """Records a model while it runs, within `with recording.listening():`; afterwards it has the rows.

    modules: the model's modules with their names
    outputs: the tensors that the model returned and that have a gradient
    used: the parameters that a function of torch was called with
    held: the tensors that the model held before it ran
    compared: the comparisons that losses made
    at_outputs: the gradient of the first of the outputs, up to a positive factor; None where it wasn't kept
    calls: what single calls show, besides the layers
    opaque: the parameters that go into a step of the graph into which nothing can look
    """

    def __init__(
        self,
        model: nn.Module,
        modules: Modules = (),
        let_through: Callable[[], None] = lambda: None,
        held: Sequence[Tensor] = (),
    ) -> None:
        """Prepare a recording; `let_through` is called at every layer, where Ctrl-C does no harm."""
        self.model, self.let_through, self.held = model, let_through, held
        self._rows: list[Row] = []
        self.frames: list[_Frame] = []
        self.modules = modules or list(model.named_modules())
        self._names = {module: name or "model" for name, module in self.modules if _can_listen(name, module)}
        self.outputs: list[Tensor] = []
        self.returned: Any = None
        self.used: set[Tensor] = set()
        self.compared: list[Compared] = []
        self._calls: dict[str, int] = {}
        self._again: Counter[str] | None = None
        self._unread: list[tuple[Row, Tensor]] = []
        self._room = TOGETHER
        self._waiting: list[_Signal] = []
        self._signals: dict[int, float] = {}
        self._sequences: dict[int, tuple[Tensor, int]] = {}
        self._handles: list[Any] = []
        self._cut: set[Any] = set()
        self._channel_axis: int | None = None
        self._reentrant = False
        self.gradients: Sequence[Tensor | None] = ()
        self.at_outputs: Tensor | None = None
        self.calls = Calls(held)
        self.opaque: set[Tensor] = set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Set hooks on every module and a mode that observes torch's functions; remove all of them afterwards."""
        key = -1 - id(self)  # negative, since PyTorch's own keys count from 0
        for module in self._names:
            module._forward_pre_hooks[key], module._forward_hooks[key] = self._enter, self._leave
        try:
            with Functions(HEARD, self._function, self.used, self.calls.unread):
                yield
            self._read_copies()
        finally:
            for module in self._names:
                module._forward_pre_hooks.pop(key, None)
                module._forward_hooks.pop(key, None)

    @contextmanager
    def listening_to_loss(self) -> Iterator[None]:
        """Set a mode that observes the comparisons of a loss function."""
        with Functions(COMPARING, self._function_of_loss, set(), self.calls.unread):
            yield

    @property
    def rows(self) -> list[Row]:
        """The layers in the order in which their calls began."""
        for row in self._rows if self._cut else ():
            row.cut = any(step in self._cut for step in row.steps)
        return [row for row in self._rows if row.kept]

    @property
    def where(self) -> str:
        """A description of the innermost running module."""
        if not self.frames:
            return "the model"
        module = self.frames[-1].module
        return f"{self._names[module]} ({type(module).__name__})"

    def listen_to_outputs(self) -> None:
        """Also read the gradient of the model's outputs, at the place OUTPUTS."""
        for each in self.outputs:
            self._listen_to(each, OUTPUTS)

    def complete(self, graph: Graph, wanted: Sequence[Tensor]) -> None:
        """Add a row for every parameter in the graph that gets a gradient on a path without any row.

        This finds scripted parts, layers in a Python list and modules called by `.forward`. Parts that lead to none of
        the `wanted` parameters are left out of the backward pass.
        """
        ends = {id(each) for each in (*wanted, *(alias for alias, _ in self._sequences.values()))}
        if any(id(leaf) not in ends for leaf in graph.leaves):
            above = graph.above(step for leaf, step in graph.leaves.items() if id(leaf) in ends)
            self._waiting = [each for each in self._waiting if each.step in above]
        self._reentrant = REENTRANT in graph.names
        known = {step for row in self._rows for step in row.steps}
        covered = {each for row in self._rows if row.steps for each in row.parameters}
        for parameter, leaf in graph.leaves.items():
            if parameter.dim() < 2 or parameter in covered or not isinstance(parameter, nn.Parameter):
                continue
            step = operation_on(leaf, graph)
            if step is None or step in known:
                continue
            if not name_of(step).startswith(PRODUCT_STEPS):
                if is_opaque(step):
                    self.opaque.add(parameter)
                continue
            row = self._row_of(parameter, step.name().rstrip("0123456789").removesuffix("Backward").lower())
            row.steps.append(step)
            self._waiting.append(_Signal(row.place, step))

    def backward(
        self, loss: Tensor, parameters: Sequence[Tensor], factor: float = 1.0, small: float = 0.0
    ) -> BackwardReadings:
        """Run one backward pass of factor · loss; the graph is kept and no `.grad` is changed.

        Norms below `small` are unreliable in the precision of the pass. If the model uses reentrant checkpointing, the
        pass runs `loss.backward()` with the layers recorded again, and the gradients are read from `.grad`.
        """
        self._signals = {}
        sequences = list(self._sequences.items())
        wanted: list[Any] = [*parameters, *(tensor for _, (tensor, _) in sequences)]
        start = torch.full_like(loss, factor)
        if self._reentrant:
            with self._read_as_they_arrive(self._waiting):
                found, measured = self._backward_reentrant(loss, wanted, start), {}
        else:
            kept, large = self._kept_and_large()
            edges = [GradientEdge(each.step, each.output or 0) for each in kept]
            with _measured_as_they_arrive(parameters) as measured, self._read_as_they_arrive(large):
                found = torch.autograd.grad(loss, [*wanted, *edges], start, retain_graph=True, allow_unused=True)
            arrived = [pair for pair in zip(kept, found[len(wanted) :], strict=True) if pair[1] is not None]
            for (each, _), value in zip(arrived, norms([gradient for _, gradient in arrived]).tolist(), strict=True):
                self._signals[each.place] = math.hypot(self._signals.get(each.place, 0.0), value)
            first = self.outputs[0].grad_fn if self.outputs else None
            of_first = (gradient for each, gradient in arrived if each.place == OUTPUTS and each.step is first)
            self.at_outputs = next(of_first, None)
        self.gradients = [None if place in measured else each for place, each in enumerate(found[: len(parameters)])]
        sizes = iter(norms([each for each in self.gradients if each is not None]).tolist())
        gradients = [
            measured[place] / factor if place in measured else None if each is None else next(sizes) / factor
            for place, each in enumerate(self.gradients)
        ]
        steps = {
            row: [value / factor for value in _norms_along(gradient, axis)]
            for (row, (_, axis)), gradient in zip(sequences, found[len(parameters) :], strict=False)
            if gradient is not None
        }
        signals = {row: value / factor for row, value in self._signals.items()}
        return BackwardReadings(signals, steps, gradients, small / factor)

    def _kept_and_large(self) -> tuple[list[_Signal], list[_Signal]]:
        """Return the signals kept until the end of a backward pass, and those measured when they are computed."""
        kept: list[_Signal] = []
        large: list[_Signal] = []
        room = TOGETHER
        for each in self._waiting:
            is_kept = each.output is not None and each.size <= min(LARGE, room)
            (kept if is_kept else large).append(each)
            room -= each.size if is_kept else 0
        return kept, large

    @contextmanager
    def _read_as_they_arrive(self, signals: Sequence[_Signal]) -> Iterator[None]:
        handles = [each.step.register_prehook(partial(self._read_gradients, each)) for each in signals]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _backward_reentrant(self, loss: Tensor, wanted: Sequence[Tensor], start: Tensor) -> tuple[Tensor | None, ...]:
        for each in wanted:
            each.grad = None
        self._again = Counter()
        try:
            with self.listening():
                loss.backward(start, retain_graph=True)
        finally:
            self._again = None
        found = tuple(each.grad for each in wanted)
        for each in wanted:
            each.grad = None
        return found

    def close(self) -> None:
        """Remove the hooks from the tensors, to which the model may still refer."""
        for handle in self._handles:
            handle.remove()

    # The forward pass ------------------------------------------------------------------------------------------------

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> Any:
        self.let_through()
        if self.frames:
            self.frames[-1].calls_inside += 1
        row = self._new_row(self._names[module], type(module).__name__)
        self.frames.append(_Frame(module, row))
        if self.calls.drawn:
            self.calls.enters(row.name, args)
        if not isinstance(module, RECURRENT) or not args:
            return None
        self.calls.unread.pop(id(args[0]), None)
        with torch._C.DisableTorchFunction():
            if not _is_real(args[0]) or _in_functorch():
                return None
            if isinstance(module, nn.RNNCellBase):
                row.input_spread = (_statistics(args[0].detach())[2],)
            elif _learns(module):
                axis = 1 if module.batch_first and args[0].dim() == 3 else 0
                row.input_spread = _spread_along(args[0].detach(), axis)
                return (self._sequence(args[0], axis), *args[1:])
        return None

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        while self.frames and self.frames[-1].module is not module:
            self.frames.pop()  # left by an exception that the model caught itself
        frame = self.frames.pop()
        row = frame.row
        if module is self.model:
            with torch._C.DisableTorchFunction():
                self.returned, self.outputs = output, [each for each in flatten(output) if each.requires_grad]
        own = own_parameters(module) if frame.calls_inside or not module._modules else list(module.parameters())
        row.parameters = [each for each in own if each not in frame.taken] if frame.taken else own
        row.silent = bool(frame.taken)
        if self.frames and frame.taken:
            self.frames[-1].taken |= frame.taken
        channel_axis = _channel_axis(module)
        is_layer = channel_axis is not None and bool(row.parameters)  # a child computes weights
        if (frame.calls_inside and not is_layer) or (frame.taken and not (row.saturated or row.dead)):
            row.kept = bool(row.parameters)
            return
        self._channel_axis = channel_axis or self._channel_axis
        if isinstance(module, nn.RNNBase):
            self.calls.runs_both_ways(row.name, module, output)
        if not _in_functorch():
            self._read_output(row, output)

    def _new_row(self, name: str, kind: str) -> Row:
        if self._again is not None:
            self._again[name] += 1
            for row in self._rows:
                if row.name == name and row.call == self._again[name]:
                    return row
        call = self._calls[name] = self._calls.get(name, 0) + 1
        row = Row(len(self._rows), name, kind, call)
        self._rows.append(row)
        return row

    @cached_property
    def _homes(self) -> dict[nn.Parameter, tuple[nn.Module, str]]:
        """The module that holds each parameter, and the parameter's name."""
        return {
            parameter: (module, f"{name}.{own}" if name else own)
            for name, module in reversed(self.modules)
            for own, parameter in module._parameters.items()
            if parameter is not None
        }

    def _row_of(self, parameter: nn.Parameter, function: str) -> Row:
        """Return a row for an operation with a parameter, named after its module if that has only one matrix."""
        module, name = self._homes.get(parameter, (None, f"unregistered weights {tuple(parameter.shape)}"))
        together = [parameter]
        if module is not None:
            own = own_parameters(module)
            if sum(each.dim() > 1 for each in own) == 1 and module is not self.model:
                together, name = own, name.rpartition(".")[0]
        row = self._new_row(name, f"{function}()")
        row.parameters = together
        return row

    def _sequence(self, inputs: Tensor, axis: int) -> Tensor:
        """Return a view of the inputs whose gradient by time step can be read."""
        alias = inputs.view_as(inputs) if inputs.requires_grad else inputs.detach().requires_grad_()
        self._sequences[self.frames[-1].row.place] = (alias, axis)
        return alias

    def _function(self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name in LOSSES:
            return self._function_of_loss(function, name, args, kwargs)
        if name in CUTS:
            if args and isinstance(args[0], Tensor) and args[0].grad_fn is not None:
                self._cut.add(args[0].grad_fn)
            return function(*args, **kwargs)
        if name in PRODUCTS:
            matrix = self._alone((*args, *kwargs.values()))
            output = function(*args, **kwargs)
            if matrix is not None:
                self._product(name, matrix, output)
            else:
                with torch._C.DisableTorchFunction():
                    self.calls.see_product(name, self.where, output, args, kwargs)
            return output
        if name in SEEN:
            output = function(*args, **kwargs)
            with torch._C.DisableTorchFunction():
                module = self.frames[-1].module if self.frames else None
                self.calls.see(name, self.where, module, output, args, kwargs)
            if name == "softmax":
                self._softmax(output, kwargs.get("dim", args[1] if len(args) > 1 else None))
            return output
        z = args[0] if args else kwargs.get("input")  # of a parameter, the function makes another weight
        flat = flat_parts(name, args, kwargs)
        if flat is None or not isinstance(z, Tensor) or not _is_real(z) or _is_parameter(z):
            return function(*args, **kwargs)
        values = z.detach()
        # before the call, which may work in place
        if flat.rectifies:
            share, units = self._dead(flat, values)
        else:
            share, units = _share(flat.mask(values)), values.shape[-1] if values.dim() > 1 else 1
        output = function(*args, **kwargs)
        frame = self.frames[-1] if self.frames else None
        if frame and not (frame.calls_inside or frame.taken or any(True for _ in frame.module.children())):
            row = frame.row  # the module is the activation, or holds it
        else:
            row = self._row_of_function(name)
            self._read_output(row, output)
        row.squashes |= flat.squashes
        (row.dead if flat.rectifies else row.saturated).append(share)
        row.units = units
        return output

    def _dead(self, flat: Flat, z: Tensor) -> tuple[float, int]:
        """Return the share of a rectifier's units that are 0 for every sample, and the number of units.

        The other axes, places and time steps, count as samples.
        """
        if z.dim() < 2 or not z.numel():
            return _share(flat.mask(z)), z.numel()
        axis = self._channel_axis if self._channel_axis is not None else 1 if z.dim() > 3 else -1
        return _share(flat.dead(z, axis)), z.shape[axis]

    def _row_of_function(self, name: str) -> Row:
        """Return a row for a function of torch that is called in a module."""
        frame = self.frames[-1] if self.frames else None
        owner = f"{self._names[frame.module]}." if frame and frame.module is not self.model else ""
        return self._new_row(f"{owner}{name.rstrip('_')}()", "function")

    def _softmax(self, output: Tensor, axis: Any) -> None:
        """Add a row for a softmax if many of its rows are one-hot."""
        if isinstance(axis, int) and _is_real(output) and output.requires_grad and output.shape[axis] >= FEW:
            one_hot = _share(output.detach() > SHARP) * output.shape[axis]
            if one_hot >= 0.5:
                self._row_of_function("softmax").one_hot = one_hot

    def _alone(self, given: Sequence[Any]) -> nn.Parameter | None:
        """Return the matrix among a function's arguments that belongs to no recorded module, if there is one."""
        frame = self.frames[-1] if self.frames else None
        if frame is not None and type(frame.module).__module__.startswith("torch.nn.modules"):
            return None
        own = [] if frame is None else own_parameters(frame.module)
        for each in given:
            if not _is_parameter(each) or each.dim() < 2 or not each.requires_grad:
                continue
            if not any(one is each for one in own) or sum(one.dim() > 1 for one in own) > 1:
                return each
        return None

    def _product(self, name: str, matrix: nn.Parameter, output: Any) -> None:
        """Add a layer for a product with a matrix that belongs to no recorded module."""
        row = self._row_of(matrix, name)
        if self.frames:
            self.frames[-1].taken.update(row.parameters)
        self._read_output(row, output)

    def _function_of_loss(self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(self.compared) < MOST_COMPARED:
            with torch._C.DisableTorchFunction():
                found = compared(name, args, kwargs)
            if found is not None:
                self.compared.append(found)
        return function(*args, **kwargs)

    def _read_output(self, row: Row, output: Any) -> None:
        with torch._C.DisableTorchFunction():  # computations in here must not be recorded
            tensors = [each for each in flatten(output) if _is_read(each)]
            if not tensors:
                return
            for each in tensors:
                if each.requires_grad:
                    row.steps.append(each.grad_fn)
                    self._listen_to(each, row.place)
            values = [_as_real(each.detach()) for each in tensors]
            size = values[0].numel()
            if len(values) == 1 and 0 < size <= SMALL and size <= self._room:
                self._room -= size
                self._unread.append((row, values[0].clone()))
                return
            row.mean, row.std, row.spread = _statistics(values[0])
            suspects = values[1:] if math.isfinite(row.std) else values
            row.finite = all(bool(torch.isfinite(each).all()) for each in suspects)

    def _read_copies(self) -> None:
        """Read the copies made in the forward pass; one after the other takes less time than one in each layer."""
        for row, values in self._unread:
            row.mean, row.std, row.spread = _statistics(values)
            row.finite = math.isfinite(row.std) or bool(torch.isfinite(values).all())
        self._unread = []

    def _listen_to(self, tensor: Tensor, place: int) -> None:
        """Record the gradient of a tensor; in the second run of a checkpoint, the backward pass is already running."""
        step = tensor.grad_fn
        if step is None or self._again is not None:
            self._handles.append(tensor.register_hook(partial(self._read_gradient, place)))
        else:
            self._waiting.append(_Signal(place, step, tensor.output_nr, tensor.numel()))

    def _read_gradient(self, place: int, gradient: Tensor) -> None:
        self._signals[place] = math.hypot(self._signals.get(place, 0.0), norm(gradient))

    def _read_gradients(self, signal: _Signal, gradients: Sequence[Tensor | None]) -> None:
        for gradient in gradients if signal.output is None else gradients[signal.output : signal.output + 1]:
            if gradient is not None:
                self._read_gradient(signal.place, gradient)


class Functions(TorchFunctionMode):
    """Calls `listen(function, name, args, kwargs)` in place of the functions of torch with these names.

    Adds the parameters that any function is called with to `used`, and removes its tensors from `unread`. Inside a
    transform of torch.func, where no number can be read, it does no more.
    """

    def __init__(
        self, names: frozenset[str], listen: Callable[..., Any], used: set[Tensor], unread: dict[int, Tensor]
    ) -> None:
        super().__init__()
        self._names, self._listen, self._used, self._unread = names, listen, used, unread

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._unread:
            for each in flatten((args, kwargs)):
                self._unread.pop(id(each), None)
        for each in (*args, *kwargs.values()) if kwargs else args:
            if _is_parameter(each) and not _in_functorch():
                self._used.add(each)
        name = getattr(func, "__name__", "")
        if name not in self._names or _in_functorch():
            return func(*args, **kwargs)
        return self._listen(func, name, args, kwargs)


# Tensors -------------------------------------------------------------------------------------------------------------


def norm(tensor: Tensor) -> float:
    """Return the Frobenius norm, in float64 if float32 would lose something and the device supports it."""
    if tensor.dtype is torch.float32 and _has_array(tensor):
        with np.errstate(all="ignore"):
            line = tensor.detach().numpy().reshape(-1)
            found = math.sqrt(line.dot(line))
        if LEAST < found < MOST:
            return found
    return float(norms([tensor])[0])


def _has_array(tensor: Tensor) -> bool:
    """Whether numpy can read a float32 tensor in place."""
    return type(tensor) is Tensor and tensor.is_cpu and tensor.layout is torch.strided and not tensor.is_neg()


@contextmanager
def _measured_as_they_arrive(parameters: Sequence[Tensor]) -> Iterator[dict[int, float]]:
    """Yield norms of the gradients of large parameters, by place; the gradients themselves are freed at once.

    They are replaced by tensors that take no memory. The gradient of a matrix whose rows are all the same is kept,
    since it tells whether they stay the same.
    """
    measured: dict[int, float] = {}

    def measure(place: int, gradient: Tensor) -> Tensor | None:
        if gradient.is_sparse:
            return None
        measured[place] = norm(gradient)
        return gradient.new_zeros(()).expand(gradient.shape)

    large = [place for place, each in enumerate(parameters) if each.numel() > LARGE and not rows_alike(each)]
    handles = [parameters[place].register_hook(partial(measure, place)) for place in large]
    try:
        yield measured
    finally:
        for handle in handles:
            handle.remove()


def may_be_alike(tensor: Tensor, size: float) -> bool:
    """Whether the first two rows of a matrix of this norm begin with the same number: a fast check, seldom true."""
    if not _has_array(tensor.detach()) or tensor.dtype is not torch.float32 or len(tensor) < 2 or not tensor.numel():
        return True
    numbers = tensor.detach().numpy()
    return abs(numbers.item(0) - numbers.item(numbers.size // len(numbers))) <= 1e-5 * size * (1 + 1e-6)


def rows_alike(tensor: Tensor) -> bool:
    """Whether all rows of a matrix are the same, up to rounding."""
    if tensor.dim() < 2 or len(tensor) < 2 or not tensor.numel() or tensor.is_sparse or tensor.is_complex():
        return False
    rows = tensor.detach().flatten(1)
    low, high = rows.aminmax()
    limit = 1e-5 * max(-float(low), float(high))
    if not float((rows[1] - rows[0]).abs().max()) <= limit:
        return False
    return bool((rows - rows[:1]).abs().max() <= limit)


def _norms_along(tensor: Tensor, axis: int) -> list[float]:
    rows = _as_real(tensor.movedim(axis, 0)).reshape(tensor.shape[axis], -1)
    return torch.linalg.vector_norm(rows, dim=1, dtype=_wide(tensor)).tolist()


def _spread_along(tensor: Tensor, axis: int) -> tuple[float, ...]:
    """Return the spread over the samples at every step along an axis; empty if there is only one sample."""
    if tensor.dim() != 3 or tensor.shape[1 - axis] < 2:
        return ()
    steps = tensor.movedim(axis, 0).double()
    return tuple((steps - steps.mean(dim=1, keepdim=True)).square().mean(dim=(1, 2)).sqrt().tolist())


def _as_real(tensor: Tensor) -> Tensor:
    """Return a complex tensor as a real one, and any other unchanged."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def _in_functorch() -> bool:
    """Whether a transform such as torch.vmap is running, inside which no number can be read."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _statistics(tensor: Tensor) -> tuple[float, float, float]:
    """Return mean, standard deviation, and spread over the samples (first axis)."""
    if tensor.numel() == 0 or tensor.layout != torch.strided:
        return math.nan, math.nan, math.nan
    values = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
    if tensor.dim() < 2 or tensor.shape[0] < 2:
        mean = float(values.mean(dtype=_wide(values)))
        return mean, norm(values - mean) / math.sqrt(values.numel()), math.nan
    if values.dtype is torch.float32 and _has_array(values):
        with np.errstate(all="ignore"):
            found = _statistics_of_rows(values.numpy())
        if found is not None:
            return found
    centre = values.mean(dim=0)
    mean = float(centre.mean(dtype=_wide(centre)))
    spread = norm(values - centre) / math.sqrt(values.numel())
    between = norm(centre - mean) / math.sqrt(centre.numel())  # the two parts of the variance add up
    return mean, math.hypot(spread, between), spread


def _statistics_of_rows(numbers: Array) -> tuple[float, float, float] | None:
    """Return the statistics of a float32 array, (samples, …); None if float32 would lose something.

    The sum of squares has three parts: that of the mean, of the samples' mean around it, of the samples around theirs.
    """
    rows = numbers.reshape(len(numbers), -1)
    samples, features = rows.shape
    line, centre = rows.ravel(), np.full(samples, 1 / samples, np.float32).dot(rows)
    square = float(line.dot(line))
    if not square < MOST**2:
        return None
    mean = float(np.add.reduce(centre, dtype=np.float64)) / features
    of_centre = samples * float(centre.dot(centre))
    spread, between = square - of_centre, of_centre - rows.size * mean * mean
    if spread < CLEAR * square:
        away, apart = (rows - centre).ravel(), centre - np.float32(mean)
        spread, between = float(away.dot(away)), samples * float(apart.dot(apart))
    if spread < LEAST**2:
        return None
    return mean, math.sqrt(max(0.0, spread + between) / rows.size), math.sqrt(spread / rows.size)


def _share(mask: Tensor) -> float:
    return int(torch.count_nonzero(mask)) / mask.numel() if mask.numel() else math.nan


def _is_parameter(value: Any) -> bool:
    return type(value) not in NO_PARAMETERS and isinstance(value, nn.Parameter)


def _is_real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and not value.is_sparse


def _is_read(value: Any) -> bool:
    return _is_real(value) or (isinstance(value, Tensor) and value.is_complex() and not value.is_sparse)


def _can_listen(name: str, module: nn.Module) -> bool:
    """Whether a module can be recorded: not one of torch.nn.utils.parametrize, nor one inside a scripted module."""
    return "parametrizations" not in name.split(".") and not isinstance(module, torch.jit.ScriptModule)


def _channel_axis(layer: nn.Module) -> int | None:
    """Return the axis of the channels in a layer's outputs; None where it isn't known."""
    return 1 if isinstance(layer, CHANNELS_FIRST) else -1 if isinstance(layer, CHANNELS_LAST) else None


def own_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Return a module's own parameters, without those of inner modules."""
    return [parameter for parameter in module._parameters.values() if parameter is not None]


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def flatten(value: Any) -> list[Any]:
    """Return the tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [each for part in value.values() for each in flatten(part)]
    if isinstance(value, list | tuple):
        return [each for part in value for each in flatten(part)]
    if is_dataclass(value) and not isinstance(value, type):
        return flatten(vars(value))
    return []
