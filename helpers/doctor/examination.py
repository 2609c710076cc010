"""`diagnose`: one forward and one backward pass, read at every layer, and the model left as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from .chart import Chart
from .diagnosis import Diagnosis
from .hygiene import untouched
from .judgement import judge
from .recording import BackwardReadings, Recording

MARGIN = 2.0**10
"""How far from the ends of a precision a norm is trusted: a tensor's elements are smaller than its norm."""

DOUBLE_AT_MOST = 50_000_000
"""A model with more parameters is not run in float64: it takes their memory four times over."""

Loss = Callable[[Any, Any], Any]
Inputs = Tensor | Sequence[Any] | Mapping[str, Any]


class DiagnosisError(ValueError):
    """The model cannot be examined; the message says why, where, and what to do."""


def diagnose(model: nn.Module, loss_function: Loss, inputs: Inputs, targets: Any) -> Diagnosis:
    """Examine a model with one batch: one forward and one backward pass, read at every layer.

    model: any module, in the mode and the precision that it has; switch to eval mode first if that is what you ask
    loss_function: called as loss_function(model's outputs, targets); returns one number
    inputs: a tensor, a tuple or list of positional arguments, or a dictionary of named ones
    targets: whatever the loss function takes

    Afterwards the model, its gradients, hooks and mode and all random state are bit for bit what they were, also after
    an error. That takes memory for one more copy of the parameters.

    Signals beneath what the model's precision holds are read too: where float32 would return 0, the backward pass is
    repeated with the loss times a power of two, and at last both passes in float64, if the model can be run so
    (float32 ends at 1e-45, the factor reaches about 1e-75, float64 1e-300).

    Raises DiagnosisError (a ValueError) where there is nothing to examine: no parameters, parameters on the meta
    device or of a lazy module that has not run yet, a model or a loss that raises, a loss that is not one number.
    """
    _check(model)
    with untouched(model), torch.inference_mode(False), torch.enable_grad():
        recording = Recording(model)
        loss = _forward(recording, partial(_call, model), loss_function, inputs, targets)
        wanted = [each for each in model.parameters() if each.requires_grad]
        readings = _backward(recording, loss, wanted)
        if readings.lost and sum(each.numel() for each in wanted) <= DOUBLE_AT_MOST:
            readings = _completed(readings, _in_double(recording, model, loss_function, inputs, targets))
        chart = Chart(model, recording, readings, loss)
        case = chart.case(inputs)
    findings, notes = judge(case)
    numbers = [each.numel() for each in model.parameters()]
    return Diagnosis(
        layers=chart.layers,
        findings=findings,
        loss=case.loss,
        model=type(model).__name__,
        parameters=sum(numbers),
        learning=sum(each.numel() for each in wanted),
        notes=notes,
    )


def _check(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise DiagnosisError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    if isinstance(model, torch.jit.ScriptModule):
        raise DiagnosisError("model is a ScriptModule, into which nothing can look: diagnose it before it is scripted")
    named = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in named:
        if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
            raise DiagnosisError(
                f"{name} of a lazy module has no shape yet: run the model once on a batch, then diagnose it"
            )
        if tensor.device.type == "meta":
            raise DiagnosisError(
                f"{name} is on the meta device, where tensors have no numbers: load the weights, or call "
                "model.to_empty(device='cpu') and initialise them"
            )
    if not any(True for _ in model.parameters()):
        raise DiagnosisError(f"{type(model).__name__} has no parameters: there is nothing in it that learns")


# The passes ----------------------------------------------------------------------------------------------------------


def _call(model: nn.Module, inputs: Inputs) -> Any:
    if isinstance(inputs, Mapping):
        return model(**{name: _copy(each) for name, each in inputs.items()})
    if isinstance(inputs, tuple | list):
        return model(*(_copy(each) for each in inputs))
    return model(_copy(inputs))


def _copy(value: Any) -> Any:
    """The model may work in place: the caller's batch stays as it is."""
    return value.clone() if isinstance(value, Tensor) else value


def _forward(
    recording: Recording, call: Callable[[Inputs], Any], loss_function: Loss, inputs: Inputs, targets: Any
) -> Tensor:
    try:
        with recording.listening():
            outputs = call(inputs)
    except Exception as problem:
        raise DiagnosisError(
            f"the forward pass failed in {recording.where}: {type(problem).__name__}: {problem}"
        ) from problem
    try:
        loss = loss_function(outputs, targets)
    except Exception as problem:
        raise DiagnosisError(f"loss_function failed: {type(problem).__name__}: {problem}") from problem
    if not isinstance(loss, Tensor):
        raise DiagnosisError(f"loss_function must return a tensor of one number; got {type(loss).__name__}")
    if loss.numel() != 1:
        raise DiagnosisError(
            f"loss_function must return one number; got the shape {tuple(loss.shape)}: take its mean or its sum"
        )
    return loss


def _backward(recording: Recording, loss: Tensor, wanted: Sequence[Tensor]) -> BackwardReadings:
    """What the backward pass brings; where it comes out too small for the precision, once more with a larger loss."""
    if not loss.requires_grad or not wanted:
        return BackwardReadings({}, {}, [None] * len(wanted))
    limits = [torch.finfo(each.dtype) for each in (loss, *wanted)]
    small = max(limit.tiny for limit in limits) * MARGIN
    try:
        readings = recording.backward(loss, wanted, small=small)
        if readings.lost:
            room = min(limit.max for limit in limits) / MARGIN / (readings.largest or 1.0)
            factor = 2.0 ** max(0, math.floor(math.log2(room)))
            readings = _completed(readings, recording.backward(loss, wanted, factor, small))
    except Exception as problem:
        raise DiagnosisError(f"the backward pass failed: {type(problem).__name__}: {problem}") from problem
    finally:
        recording.close()
    return readings


def _completed(first: BackwardReadings, second: BackwardReadings | None) -> BackwardReadings:
    """The first reading, and the second where the first was lost."""
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
    """Both passes in float64, None where the model doesn't run in it. The model itself is not converted."""
    tensors = {
        name: _double(each.detach()).requires_grad_(each.requires_grad)
        for name, each in [*model.named_parameters(), *model.named_buffers()]
    }
    recording = Recording(model)

    def call(given: Inputs) -> Any:
        if isinstance(given, Mapping):
            return functional_call(model, tensors, (), {name: _double(each) for name, each in given.items()})
        several = given if isinstance(given, tuple | list) else (given,)
        return functional_call(model, tensors, tuple(map(_double, several)))

    try:
        loss = _forward(recording, call, loss_function, inputs, _double(targets))
        wanted = [tensors[name] for name, each in model.named_parameters() if each.requires_grad]
        readings = _backward(recording, loss, wanted)
    except DiagnosisError:
        return None
    same = [row.label for row in recording.rows] == [row.label for row in first.rows]
    if not same or loss.dtype != torch.float64:
        return None
    return replace(readings, small=-math.inf)  # what is 0 here, is 0


def _double(value: Any) -> Any:
    """A copy in float64 of a tensor of real numbers, a copy of another tensor, anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    return value.double() if value.is_floating_point() and value.dtype != torch.float64 else value.clone()
