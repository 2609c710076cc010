"""`diagnose`: run one forward and one backward pass, read them at every layer, and restore the model."""

from __future__ import annotations

import gc
import math
import sys
import warnings
from collections import OrderedDict, UserDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.jit._fuser import optimized_execution
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from . import advice
from .attention import notes_of_softmaxes
from .calls import DROPOUTS, notes_of_calls
from .chart import Changes, Chart
from .comparing import IGNORED
from .data import SHRINKS, tells_nothing
from .diagnosis import Diagnosis
from .evidence import CLASSES, Evidence
from .graph import Graph, is_leaf, is_opaque, name_of, signed, source_of
from .hooks import interrupts_held
from .hygiene import untouched
from .inputs import NOT_GIVEN, adapted
from .judgement import Case, examined, judge, suspects_shattering
from .leaks import copied_input, predicts_what_follows
from .measuring import LEAST, MOST
from .modules import notes_of_modules
from .pulls import left_out
from .readings import LayerReading, shortened, some
from .recording import BackwardReadings, Functions, Modules, Recording, flatten, norm, own_parameters
from .tracing import Tracing

MARGIN = 2.0**10
"""A norm this factor inside the limits of a precision is reliable, although its elements are smaller than it."""

DERIVATIVES_OF_KINKS = ("ThresholdBackwardBackward", "LeakyReluBackwardBackward")
"""Steps that differentiate the derivative of a rectifier."""

EXACT, SURE = 1e-12, 1e-2
"""Losses in float64 that differ by less than EXACT of them are the same but for the order of their sums; losses that
differ by more than SURE of them are different in any precision."""

MANY_WEIGHTS = 64
"""The number of weights from which chance alone makes no large cosine."""

DROPS_ALWAYS = (
    "A dropout is called as a function and drops in eval mode too: pass training=self.training, or use nn.Dropout."
)

WIDEST = 60
"""The largest number of characters of a layer's name in a message."""

SEVERAL, ROUGHLY = 8, 1e-3
"""A backward pass is run again with SEVERAL times the loss; ROUGHLY is the error that rounding may make."""

DOUBLE_AT_MOST = 50_000_000
"""A model with more parameters is not run in float64, which takes four times their memory."""

Loss = Callable[[Any, Any], Any]
Inputs = Tensor | Sequence[Any] | Mapping[str, Any]


class DiagnosisError(ValueError):
    """The model cannot be examined; the message says why, where, and what to do."""


def diagnose(model: nn.Module, loss_function: Loss | None, inputs: Inputs, targets: Any = NOT_GIVEN) -> Diagnosis:
    """Examine a model with one batch: one forward and one backward pass, read at every layer.

    model: any module, in its current mode and precision; switch to eval mode first to examine that mode
    loss_function: called as loss_function(model's outputs, targets); returns one number
    inputs: a tensor, a tuple or list of positional arguments, or a dictionary of named ones
    targets: whatever the loss function takes

    Also accepted: a DataLoader's batch as `inputs` without `targets`; a LightningModule with None as
    the loss function, whose `training_step` is called with the batch; None also if the outputs contain the loss.

    Afterwards the model, its gradients, hooks and mode and all random state are bit for bit as before, also after an
    error or Ctrl-C, which takes effect at the next layer. This takes memory for one more copy of the parameters.

    Signals below the range of the model's precision are read too: where float32 would return 0, the backward pass is
    repeated with the loss times a power of two and, if necessary and possible, both passes in float64 (float32 ends at
    1e-45, the factor reaches about 1e-75, float64 1e-300).

    Raises DiagnosisError (a ValueError) if the model has no parameters, or some on the meta device or in a lazy module
    that has not run yet; if the model or the loss function raises; if the loss is not one number. Its `__context__` is
    the error of the model or of the loss function.
    """
    batch = inputs if targets is NOT_GIVEN and isinstance(inputs, tuple | list) and len(inputs) > 2 else ()
    try:
        model, loss_function, inputs, targets = adapted(model, loss_function, inputs, targets)
        model, modules = _check(model, loss_function, inputs)
        with interrupts_held() as let_through, _uncollected():
            return _diagnosis(model, modules, loss_function, inputs, targets, let_through)
    except DiagnosisError as problem:
        if batch and loss_function is not None:
            problem.args = (f"{str(problem).partition(chr(10))[0]}{advice.of_batch(batch)}",)
        raise problem.with_traceback(None)  # noqa: B904 - its context is the error of the model
    except Exception as problem:
        raise DiagnosisError(
            f"an error of the doctor itself, please report it: {type(problem).__name__}: {problem}"
        ) from problem


def _diagnosis(
    model: nn.Module,
    modules: Modules,
    loss_function: Loss,
    inputs: Inputs,
    targets: Any,
    let_through: Callable[[], None],
) -> Diagnosis:
    with (
        untouched([module for _, module in modules]) as held,
        torch.inference_mode(False),
        torch.enable_grad(),
        _uncompiled(),
    ):
        recording = Recording(model, modules, let_through, held.tensors)
        case, evidence, layers, parameters = _examine(recording, loss_function, inputs, targets, held.generators)
        late = tuple(advice.made_late(model, modules))
    findings, notes = judge(case, evidence)
    return Diagnosis(
        layers=layers,
        findings=findings,
        loss=case.loss,
        model=type(model).__name__,
        parameters=sum(each.numel() for each in parameters),
        learning=sum(each.numel() for each in parameters if each.requires_grad),
        notes=(*notes, *late),
        coverage=case.coverage,
        examined=examined(case),
    )


def _examine(
    recording: Recording, loss_function: Loss, inputs: Inputs, targets: Any, generators: Sequence[torch.Generator]
) -> tuple[Case, Evidence, tuple[LayerReading, ...], list[Tensor]]:
    """Run the passes; return the case, the evidence, the readings of all layers and the model's parameters."""
    model = recording.model
    states = [(each, each.get_state()) for each in (torch.default_generator, *generators)]
    given = _copy(inputs)
    named = _named(given)
    recording.calls.unread.update({id(each): each for each in named.values()})
    loss = _forward(recording, partial(_call, model), loss_function, given, _copy(targets))
    names = _names_of_parameters(recording.modules)
    wanted = [each for each in names if each.requires_grad]
    graph = Graph([loss], until=flatten(given))
    recording.let_through()
    readings = _backward(recording, loss, wanted, graph, targets)
    recording.let_through()
    small = readings.lost and sum(each.numel() for each in wanted) <= DOUBLE_AT_MOST
    if not readings.lost:
        readings = replace(readings, small=-math.inf)  # every 0 is exact
    elif small and bool(torch.isfinite(loss).all()):
        readings = _completed(readings, _in_double(recording, model, loss_function, inputs, targets))
    of_outputs = Graph(recording.outputs, known=graph)
    again = _Again(model, loss_function, inputs, targets, states)
    chart = Chart(
        model, names, recording, readings, loss, graph, of_outputs, partial(again.changes, recording.returned, loss)
    )
    compared = [step for step in graph.order if step not in of_outputs.steps]
    lengths = {row.name: len(row.input_spread) for row in recording.rows}
    evidence = Evidence(
        inputs=inputs,
        targets=targets,
        returned=recording.returned,
        loss=float(loss.detach()),
        compared=recording.compared,
        steps=frozenset(map(name_of, compared)),
        begins_with=recording.rows[0].type if recording.rows else "",
        differentiates_kinks=not of_outputs.names.isdisjoint(DERIVATIVES_OF_KINKS),
        normalises=_normalises_first(recording),
        dropped=max(recording.calls.dropouts, key=lambda each: each[1], default=("", 0.0, None))[:2],
        drops_outputs=_dropout_at_the_end(recording),
        mixed_axes=recording.calls.mixed_axes,
        pulls=again.pulls(recording.returned),
        not_counted=next((signed(each._saved_ignore_index) for each in compared if name_of(each) in CLASSES), IGNORED),
        ignores_targets=again.ignores_targets(recording.returned, float(loss.detach())),
        shrinks=_share_of_penalty(wanted, recording.gradients),
        at_outputs=recording.at_outputs,
        of_modules=(
            *notes_of_softmaxes(of_outputs),
            *notes_of_calls(recording.calls, _unhidden(named, graph, recording)),
            *notes_of_modules(model, recording.modules, names, lengths),
        ),
    )
    bad = chart.first_bad(inputs, targets)
    if bad is None:
        bad = again.where_numbers_end() or chart.recorded_bad()
    case = chart.case(bad, again.samples, evidence.rms, evidence.natural)
    if not bad and suspects_shattering(case):
        case = replace(case, neighbours=again.cosine_of_neighbours())
    if tells_nothing(evidence):
        evidence = replace(evidence, quiet=again.outputs_in_eval_mode())
    elif (sequence := predicts_what_follows(evidence)) is not None:
        evidence = replace(evidence, sees_ahead=again.sees(sequence, slice(None, -1)))
    elif (sequence := copied_input(evidence)) is not None:
        evidence = replace(evidence, sees_itself=again.sees(sequence, slice(-1, None)))
    elif (words := left_out(evidence)) and len(flatten(inputs)) == 1 and not again.mixes_samples():
        evidence = replace(evidence, leaves_out=words)
    elif (suspects := _suspects_of_mixing(evidence, recording)) and again.mixes_samples():
        evidence = replace(evidence, mixed=suspects)
    own = [each for each in graph.order if _is_written_by_hand(each)]
    if own and not bad and readings.gradients:
        evidence = replace(evidence, of_modules=(*evidence.of_modules, *again.notes_of_backward(own, loss, graph)))
    if recording.calls.drops_by_function and again.drops_in_eval_mode():
        evidence = replace(evidence, of_modules=(*evidence.of_modules, DROPS_ALWAYS))
    return case, evidence, chart.layers, list(names)


def _names_of_parameters(modules: Modules) -> dict[Tensor, str]:
    """Return the parameters of modules with their names, in the order of `named_parameters`."""
    names: dict[Tensor, str] = {}
    for place, module in modules:
        for own, parameter in module._parameters.items():
            if parameter is not None:
                names.setdefault(parameter, f"{place}.{own}" if place else own)
    return names


def _check(model: Any, loss_function: Any, inputs: Any) -> tuple[nn.Module, Modules]:
    """Return the module to examine and its modules with their names.

    Raises DiagnosisError if there is nothing to examine or if arguments are in the wrong order.
    """
    if refused := advice.objection(model, loss_function, inputs):
        raise DiagnosisError(refused)
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    if isinstance(model, torch.jit.ScriptModule):
        raise DiagnosisError("model is a ScriptModule, whose inside can't be read: diagnose it before it is scripted")
    if type(model).forward in (nn.Module.forward, _lightning_forward()):
        raise DiagnosisError(
            f"{type(model).__name__} has no forward method: pass the inner module that computes the outputs, or give "
            "it a forward method"
        )
    has_parameters = False
    modules = list(model.named_modules())
    for place, module in modules:
        has_parameters |= bool(own_parameters(module))
        for own, tensor in (*module._parameters.items(), *module._buffers.items()):
            name = f"{place}.{own}" if place else own
            if isinstance(tensor, UninitializedTensorMixin):
                raise DiagnosisError(
                    f"{name} of a lazy module has no shape yet: run the model once on a batch, then diagnose it"
                )
            if tensor is not None and tensor.is_meta:
                raise DiagnosisError(
                    f"{name} is on the meta device, where tensors have no numbers: load the weights, or call "
                    "model.to_empty(device='cpu') and initialise them"
                )
    if not has_parameters:
        reason = advice.without_parameters(model, loss_function)
        raise DiagnosisError(f"{type(model).__name__} has no parameters: nothing in it can learn{reason}")
    if not callable(loss_function):
        hint = f"; {advice.ORDER}" if callable(inputs) else ""
        raise DiagnosisError(f"loss_function must be callable; got {type(loss_function).__name__}{hint}")
    if callable(inputs) and not isinstance(inputs, Mapping):
        raise DiagnosisError(
            f"inputs must be a tensor, a tuple, a list or a dictionary; got {type(inputs).__name__}; {advice.ORDER}"
        )
    return model, modules


def _lightning_forward() -> Any:
    """Return the `forward` of Lightning's base class, which only calls nn.Module's; None if Lightning isn't loaded."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        module = sys.modules.get(name)
        if module is not None:
            return module.LightningModule.forward
    return None


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run compiled modules uncompiled, and TorchScript with its steps in the graph.

    Older versions of torch can't disable torch.compile temporarily.
    """
    stance = getattr(torch.compiler, "set_stance", None)
    with ExitStack() as stack:
        stack.enter_context(optimized_execution(False))
        if stance is not None and "torch._dynamo" in sys.modules:
            stack.enter_context(stance("force_eager"))
        yield


@contextmanager
def _uncollected() -> Iterator[None]:
    """Disable garbage collection, which would walk through all objects of the passes and free none of them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# The passes ----------------------------------------------------------------------------------------------------------


def _call(model: nn.Module, inputs: Inputs) -> Any:
    if isinstance(inputs, Mapping | UserDict):
        return model(**inputs)
    if isinstance(inputs, tuple | list):
        return model(*inputs)
    return model(inputs)


def _copy(value: Any, change: Callable[[Tensor], Tensor] = torch.clone) -> Any:
    """Return a batch with its tensors and arrays copied, since the model may change them in place."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_copy(each, change) for each in value))
    if type(value) in (list, tuple, set):
        return type(value)(_copy(each, change) for each in value)
    if type(value) in (dict, OrderedDict):
        return type(value)((name, _copy(each, change)) for name, each in value.items())
    if isinstance(value, Mapping | UserDict) and hasattr(value, "copy"):  # a tokenizer's batch
        copied = value.copy()
        for name in list(copied):
            copied[name] = _copy(copied[name], change)
        return copied
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{each.name: _copy(getattr(value, each.name), change) for each in fields(value) if each.init}
        )
    return value


def _forward(
    recording: Recording, call: Callable[[Inputs], Any], loss_function: Loss, inputs: Inputs, targets: Any
) -> Tensor:
    try:
        with recording.listening():
            outputs = call(inputs)
    except Exception as problem:
        where = shortened(recording.where, WIDEST)
        call_so_far = advice.Call(recording.model, inputs, targets, recording.where)
        raise DiagnosisError(
            f"the forward pass failed in {where}: {type(problem).__name__}: {problem}{advice.place_of(problem)}"
            f"{advice.of_forward(problem, call_so_far)}"
        ) from None
    recording.listen_to_outputs()
    try:
        with recording.listening_to_loss():
            loss = loss_function(outputs, targets)
    except Exception as problem:
        refused = [each.detach() for each in flatten(outputs) if each.is_floating_point()]
        if not all(bool(torch.isfinite(each).all()) for each in refused):
            return torch.tensor(math.nan)  # a loss that refuses nan, as binary_cross_entropy does
        call_so_far = advice.Call(recording.model, inputs, targets, outputs=outputs)
        raise DiagnosisError(
            f"loss_function failed: {type(problem).__name__}: {problem}{advice.place_of(problem)}"
            f"{advice.of_loss(problem, call_so_far)}"
        ) from None
    if not isinstance(loss, Tensor):
        raise DiagnosisError(
            f"loss_function must return a tensor of one number; got {type(loss).__name__}{advice.of_result(loss)}"
        )
    if loss.numel() != 1:
        raise DiagnosisError(
            f"loss_function must return one number; got the shape {tuple(loss.shape)}: take its mean or its sum"
        )
    if loss.is_complex():
        raise DiagnosisError(
            f"loss_function must return a real number; got {loss.dtype}: take its .real part or its .abs()"
        )
    return loss


def _backward(
    recording: Recording, loss: Tensor, wanted: Sequence[Tensor], graph: Graph, targets: Any = None
) -> BackwardReadings:
    """Run the backward pass and return its readings; repeat it with a scaled loss if some are too small."""
    if not loss.requires_grad or not wanted:
        return BackwardReadings({}, {}, [None] * len(wanted))
    limits = [torch.finfo(each.dtype) for each in (loss, *wanted)]
    small = max(limit.tiny for limit in limits) * MARGIN
    try:
        recording.complete(graph, wanted)
        readings = recording.backward(loss, wanted, small=small)
        if readings.lost and bool(torch.isfinite(loss).all()):
            room = min(limit.max for limit in limits) / MARGIN / (readings.largest or 1.0)
            factor = 2.0 ** max(0, math.floor(math.log2(room)))
            gradients = recording.gradients
            readings = _completed(readings, recording.backward(loss, wanted, factor, small))
            recording.gradients = gradients
    except Exception as problem:
        call_so_far = advice.Call(recording.model, None, targets)
        raise DiagnosisError(
            f"the backward pass failed: {type(problem).__name__}: {problem}{advice.place_of(problem)}"
            f"{advice.of_backward(problem, call_so_far)}"
        ) from None
    finally:
        recording.close()
    return readings


def _completed(first: BackwardReadings, second: BackwardReadings | None) -> BackwardReadings:
    """Return the first readings, with those that were lost replaced by the second."""
    if second is None:
        return first

    def better(old: float, new: float) -> float:
        return new if old <= first.small and math.isfinite(new) else old

    gradients = zip(first.gradients, second.gradients, strict=True)
    return BackwardReadings(
        {place: better(value, second.signals[place]) for place, value in first.signals.items()},
        {place: list(map(better, values, second.steps[place])) for place, values in first.steps.items()},
        [old if old is None or new is None else better(old, new) for old, new in gradients],
        second.small,
    )


def _in_double(
    first: Recording, model: nn.Module, loss_function: Loss, inputs: Inputs, targets: Any
) -> BackwardReadings | None:
    """Run both passes in float64 without converting the model; return None if the model doesn't run in float64."""
    tensors = {
        name: _double(each.detach()).requires_grad_(each.requires_grad)
        for name, each in [*model.named_parameters(), *model.named_buffers()]
    }
    recording = Recording(model)

    def call(given: Inputs) -> Any:
        if isinstance(given, Mapping):
            return functional_call(model, tensors, (), dict(given))
        return functional_call(model, tensors, tuple(given) if isinstance(given, tuple | list) else (given,))

    try:
        loss = _forward(recording, call, loss_function, _copy(inputs, _double), _copy(targets, _double))
        wanted = [tensors[name] for name, each in model.named_parameters() if each.requires_grad]
        readings = _backward(recording, loss, wanted, Graph([loss]))
    except DiagnosisError:
        return None
    same = [row.label for row in recording.rows] == [row.label for row in first.rows]
    if not same or loss.dtype != torch.float64:
        return None
    return replace(readings, small=-math.inf)  # every 0 is exact


def _named(inputs: Any) -> dict[str, Tensor]:
    """Return the tensors of a batch by words for them, if there are several."""
    if isinstance(inputs, Mapping | UserDict):
        found = {f"the input {name!r}": each for name, each in inputs.items()}
    else:
        found = {
            f"input {place}": each for place, each in enumerate(inputs if type(inputs) in (list, tuple) else (), 1)
        }
    return {name: each for name, each in found.items() if isinstance(each, Tensor)}


def _is_written_by_hand(step: Any) -> bool:
    """Whether a step is a custom autograd function that isn't torch's own."""
    own = getattr(type(step), "_forward_cls", None)
    return own is not None and not own.__module__.startswith("torch")


def _unhidden(named: Mapping[str, Tensor], graph: Graph, recording: Recording) -> dict[int, str]:
    """Return the names of inputs by ids; none if something unheard, such as a custom function, may have used them."""
    is_scripted = any(isinstance(each, torch.jit.ScriptModule) for _, each in recording.modules)
    if not recording.calls.unread or is_scripted or any(is_opaque(each) and not is_leaf(each) for each in graph.order):
        return {}
    return {id(each): name for name, each in named.items()}


def _leaf(tensor: Tensor) -> Tensor:
    return _double(tensor.detach()).requires_grad_(tensor.is_floating_point())


def _rolled(shift: int, tensor: Tensor) -> Tensor:
    return _double(tensor).roll(shift, 0)


def _double(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor in float64 or complex128; integer tensors keep their type."""
    if tensor.is_complex():
        return tensor.to(torch.complex128, copy=True)
    return tensor.double() if tensor.is_floating_point() and tensor.dtype != torch.float64 else tensor.clone()


# Evidence besides the layers -----------------------------------------------------------------------------------------


def _normalises_first(recording: Recording) -> bool:
    """Whether a normalization is among the first two layers."""
    kinds = [row.type for row in recording.rows if row.parameters or "Norm" in row.type][:2]
    return any("Norm" in kind for kind in kinds)


def _dropout_at_the_end(recording: Recording) -> str:
    """Return the name of the dropout that the first output comes from; empty if there is none."""
    names = {step: name for name, _, step in recording.calls.dropouts if step is not None}
    return names.get(source_of(recording.outputs[0].grad_fn), "") if recording.outputs else ""


def _share_of_penalty(parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> float:
    """Return the smallest cosine between a large matrix and its gradient; nan if fewer than two can be compared.

    A penalty on the size of the weights has a gradient in the direction of the weights, whatever the data are. Other
    gradients have a cosine near 0, of about one over the root of the number of weights; the first of them is returned.
    """
    cosines: list[float] = []
    for each, gradient in zip(parameters, gradients, strict=False):
        if gradient is not None and each.dim() > 1 and each.numel() >= MANY_WEIGHTS and _is_dense(gradient):
            cosines.append(_cosine(each.detach(), gradient))
            if not cosines[-1] > SHRINKS:
                return cosines[-1]
    return min(cosines) if len(cosines) > 1 else math.nan


def _cosine(one: Tensor, two: Tensor) -> float:
    """Return the cosine of two tensors of any shape; 0 if one of them is zero."""
    sizes = norm(one) * norm(two)
    if one.dtype is two.dtype is torch.float32 and LEAST < sizes < MOST:
        return float(one.reshape(-1).dot(two.reshape(-1))) / sizes
    return float(torch.cosine_similarity(one.flatten().double(), two.flatten().double(), 0))


def _is_dense(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_complex()


def _suspects_of_mixing(evidence: Evidence, recording: Recording) -> list[str]:
    """Describe what works along the first axis although it holds the samples, as it does with one target for each.

    PyTorch's recurrent layers and attention take the first axis as time by default.
    """
    inputs, targets = flatten(evidence.inputs), flatten(evidence.targets)
    if not inputs or inputs[0].dim() < 2 or not evidence.outputs or len(targets) != 1:
        return []
    samples = len(inputs[0])
    if samples in evidence.outputs[0].shape[1:]:  # it compares each sample with all others, on purpose
        return []
    answers = targets[0].shape[1:].numel() == 1 and targets[0].dim() > 0
    if samples < 2 or not answers or not len(targets[0]) == len(evidence.outputs[0]) == samples:
        return []
    found = [
        name
        for name, each in recording.modules
        if isinstance(each, nn.RNNBase | nn.MultiheadAttention) and not each.batch_first
    ]
    if found:
        return [f"{some(found)} takes the first axis as time, and here it is the batch. Set batch_first=True."]
    tables = [
        f"{where} gives each sample another row of a table, by its place in the batch: take them along another axis."
        for where, count in recording.calls.rows
        if count == samples
    ]
    return [*tables, *recording.calls.along_samples][:1]


@dataclass
class _Again:
    """Further runs of the same batch with the same random numbers, made when the first run calls for them."""

    model: nn.Module
    loss_function: Loss
    inputs: Inputs
    targets: Any
    states: list[tuple[torch.Generator, Tensor]]

    @property
    def samples(self) -> int:
        """The size of the batch, read from the first tensor of the inputs."""
        sizes = [len(each) for each in flatten(self.inputs) if each.dim()]
        return sizes[0] if sizes else 1

    def where_numbers_end(self) -> str:
        """Describe the place where nan or infinity arises; empty if it can't be found."""
        self._rewind()
        inputs, targets = _copy(self.inputs), _copy(self.targets)
        try:
            return Tracing(self.model).run(
                lambda: _call(self.model, inputs), lambda outputs: self.loss_function(outputs, targets)
            )
        except Exception:  # the record of the first run is used instead
            return ""

    def changes(self, returned: Any, loss: Tensor, parameters: Sequence[Tensor]) -> Changes:
        """Whether outputs and loss change by even one bit when these parameters are set to distant values."""
        self._rewind()
        before = [each.detach().clone() for each in parameters]
        draw = torch.Generator().manual_seed(0)
        try:
            for each, kept in zip(parameters, before, strict=True):
                size = norm(kept) / math.sqrt(max(1, kept.numel())) or 1.0
                each.data.copy_(size * torch.randn(kept.shape, generator=draw).to(kept) - 3 * kept)
            outputs = _call(self.model, _copy(self.inputs))
            other = self.loss_function(outputs, _copy(self.targets))
        except Exception:
            return Changes(False, True, True)  # unknown: parameters without a gradient remain a finding
        finally:
            for each, kept in zip(parameters, before, strict=True):
                each.data.copy_(kept)
        pairs = list(zip(flatten(returned), flatten(outputs), strict=False))
        changed = [one.requires_grad for one, two in pairs if not torch.equal(one, two)]
        return Changes(bool(changed), any(changed), not torch.equal(other.detach(), loss.detach()))

    def ignores_targets(self, returned: Any, loss: float) -> bool:
        """Whether the loss of these outputs stays the same if each sample gets the next one's targets."""
        targets = flatten(self.targets)
        if not targets or any(not each.dim() or len(each) != self.samples for each in targets):
            return False
        if all(torch.equal(each, each.roll(1, 0)) for each in targets):
            return False
        found = []
        for shift in (1, 0):
            given = _copy(returned, _double)
            wanted = _copy(self.targets, partial(_rolled, shift))
            self._rewind()
            try:
                with torch.no_grad(), warnings.catch_warnings(action="ignore"):
                    found.append(float(self.loss_function(given, wanted)))
            except Exception:
                return False
            if abs(found[0] - loss) > SURE * abs(loss) and self._is_rewound:
                return False  # in float64 the loss of the right targets is nearly this one
        return abs(found[0] - found[1]) <= EXACT * abs(found[1])

    def pulls(self, returned: Any) -> list[tuple[Tensor, Tensor]]:
        """Return the outputs and their gradients from the loss function alone, if there are several outputs."""
        if sum(each.is_floating_point() for each in flatten(returned)) < 2 or not flatten(self.targets):
            return []
        given = _copy(returned, _leaf)
        leaves = [each for each in flatten(given) if each.requires_grad]
        self._rewind()
        try:
            loss = self.loss_function(given, _copy(self.targets, _double))
            gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
        except Exception:
            return []
        return [(one.detach(), two) for one, two in zip(leaves, gradients, strict=True) if two is not None]

    def notes_of_backward(self, own: Sequence[Any], loss: Tensor, graph: Graph) -> Iterator[str]:
        """Yield a note if a backward pass written by hand isn't proportional to its argument, or leads uphill.

        A smooth function has the slope that its backward pass says. One with jumps hasn't: a substitute for it, as in a
        straight-through estimator, is left alone, since its slope changes with the length of the step.
        """
        name = type(own[-1]).__name__.removesuffix("Backward")
        leaves = {leaf: step for leaf, step in graph.leaves.items() if isinstance(leaf, nn.Parameter)}
        behind = [leaf for leaf, step in leaves.items() if graph.above([step]) & {own[-1]}][:1]
        if not behind:
            return
        try:
            (once,), (many,) = (
                torch.autograd.grad(loss, behind, torch.full_like(loss, factor), retain_graph=True)
                for factor in (1, SEVERAL)
            )
        except RuntimeError:  # it runs a backward pass of its own
            return
        if norm(many - SEVERAL * once) > ROUGHLY * norm(many):
            yield (
                f"The backward pass of {name} isn't proportional to the gradient that it is given: multiply by it "
                "(grad_output), by the chain rule."
            )
            return
        slopes = [self._slope(behind[0], once.double(), share) for share in (1e-2, 5e-3)]
        if max(slopes) < -ROUGHLY * 100 and abs(slopes[0] - slopes[1]) < 0.1 * abs(slopes[0]):
            yield (
                f"The gradient behind {name} leads uphill: along it the loss changes by {slopes[0]:.2g} of what it "
                "says. Check the sign of its backward pass, unless it is meant to turn the gradient round."
            )

    def _slope(self, parameter: Tensor, gradient: Tensor, share: float) -> float:
        """Return the slope of the loss along a gradient over its length, for a step of a share of the parameter."""
        before, found = parameter.detach().clone(), []
        size, length = norm(before), norm(gradient)
        if not size or not length:
            return math.nan
        try:
            for sign in (1, -1):
                parameter.data.copy_(before + sign * share * size / length * gradient)
                self._rewind()
                with torch.no_grad():
                    outputs = _call(self.model, _copy(self.inputs))
                    found.append(float(self.loss_function(outputs, _copy(self.targets))))
        except Exception:
            return math.nan
        finally:
            parameter.data.copy_(before)
        return (found[0] - found[1]) / (2 * share * size * length)

    def sees(self, sequence: Tensor, at: slice) -> bool:
        """Whether the output at some places of a sequence, (samples, places, …), changes with its last place."""

        def changed(each: Tensor) -> Tensor:
            is_it = each.shape == sequence.shape and each.dtype == sequence.dtype and torch.equal(each, sequence)
            return torch.cat([each[:, :-1], each[:, -1:].roll(1, 0)], 1) if is_it else each.clone()

        both = flatten(self.outputs_in_eval_mode())[:1], flatten(self.outputs_in_eval_mode(changed))[:1]
        samples, places = sequence.shape[:2]
        for one, two in zip(*both, strict=False):
            if one.dim() == 3 and one.shape[:2] != (samples, places) and one.shape[::2] == (samples, places):
                one, two = one.movedim(-1, 1), two.movedim(-1, 1)  # classes in axis 1, as cross_entropy takes them
            if one.shape[:2] == (samples, places) or len(one) == samples * places:
                before, after = (each.reshape(samples, places, -1)[:, at] for each in (one, two))
                return not torch.allclose(before, after, rtol=1e-3, atol=1e-6)
        return False

    def mixes_samples(self) -> bool:
        """Whether the outputs for the other samples change when the first one is left out and the last one doubled.

        The others move up by one place, so that outputs which depend on the place change too.
        """
        sizes = [each.shape for each in flatten(self.inputs) if each.dim()]
        if any(self.samples in shape[1:] for shape in sizes):
            return False  # a graph's neighbours, or samples in another axis

        def changed(each: Tensor) -> Tensor:
            is_batch = each.dim() > 0 and len(each) == self.samples
            return torch.cat([each[1:], each[-1:]]) if is_batch else each.clone()

        quiet = self.outputs_in_eval_mode()
        if any(not torch.equal(each.get_state(), state) for each, state in self.states):
            return False  # random numbers go by the place in the batch
        other = self.outputs_in_eval_mode(changed)
        pairs = zip(flatten(quiet)[:1], flatten(other)[:1], strict=False)
        return any(not torch.allclose(one[1:], two[:-1], rtol=1e-3, equal_nan=True) for one, two in pairs)

    def drops_in_eval_mode(self) -> bool:
        """Whether a dropout is active in eval mode."""
        found: list[str] = []

        def listen(function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
            if kwargs.get("training", True) and kwargs.get("p", 0.5):
                found.append(name)
            return function(*args, **kwargs)

        with Functions(DROPOUTS, listen, set(), {}):
            self.outputs_in_eval_mode()
        return bool(found)

    def outputs_in_eval_mode(self, change: Callable[[Tensor], Tensor] = torch.clone) -> Any:
        """Run the model in eval mode, without dropout's noise, and leave it so; return its outputs, None on failure."""
        self._rewind()
        try:
            with torch.no_grad():
                return _call(self.model.eval(), _copy(self.inputs, change))
        except Exception:
            return None

    def cosine_of_neighbours(self) -> float:
        """Return the mean cosine between gradients at neighbouring inputs, 1 % as far apart as two samples.

        The mean over all samples is subtracted from the gradients first. Return nan if there are no suitable inputs.
        """
        places = [each for each in flatten(self.inputs) if each.is_floating_point() and each.dim() > 1]
        if len(places) != 1 or len(places[0]) < 3 or places[0].layout != torch.strided:
            return math.nan
        here = places[0].detach()
        rows = here.flatten(1).double()
        distance = float((rows - rows.mean(dim=0)).square().sum(dim=1).mean().mul(2).sqrt())
        draw = torch.Generator().manual_seed(0)
        step = torch.randn(here.shape, generator=draw).to(here)
        lengths = step.flatten(1).norm(dim=1).reshape(-1, *[1] * (here.dim() - 1))
        found: list[Tensor] = []
        for place in (here, here + 0.01 * distance * step / lengths):
            gradient = self._input_gradient(place)
            if gradient is None:
                return math.nan
            flat = gradient.flatten(1).double()
            found.append(flat - flat.mean(dim=0))
        return float(torch.nn.functional.cosine_similarity(found[0], found[1]).mean())

    def _input_gradient(self, place: Tensor) -> Tensor | None:
        self._rewind()
        asking = place.detach().clone().requires_grad_()
        inputs = _copy(
            self.inputs, lambda each: asking.clone() if each.is_floating_point() and each.dim() > 1 else each.clone()
        )
        try:
            loss = self.loss_function(_call(self.model, inputs), _copy(self.targets))
            (gradient,) = torch.autograd.grad(loss.reshape(()), asking, allow_unused=True)
        except Exception:
            return None
        return gradient

    @property
    def _is_rewound(self) -> bool:
        """Whether no random number was drawn since `_rewind`."""
        return all(torch.equal(generator.get_state(), state) for generator, state in self.states)

    def _rewind(self) -> None:
        for generator, state in self.states:
            generator.set_state(state)
