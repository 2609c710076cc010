"""What was recorded, put together: the readings of all layers, and what the findings are judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .judgement import Case
from .readings import LayerReading
from .recording import BackwardReadings, Recording, Row, flatten, norm

BATCH_NORMS = nn.modules.batchnorm._BatchNorm


class Chart:
    """The readings of a recorded model."""

    def __init__(self, model: nn.Module, recording: Recording, readings: BackwardReadings, loss: Tensor) -> None:
        self._model, self._readings, self._loss = model, readings, loss
        self._gradients = dict(zip(_asking(model.parameters()), readings.gradients, strict=True))
        self._unused = _leaves(recording.outputs) if any(each is not None for each in readings.gradients) else set()
        self._biases = {each for name, each in model.named_parameters() if "bias" in name.rpartition(".")[2]}
        self._rows = [*recording.rows, *_never_called(model, recording)]
        self.layers = tuple(self._reading(row) for row in self._rows)

    def case(self, inputs: Any) -> Case:
        """What the findings are judged by."""
        first_calls = [row for row in self._rows if row.call == 1]
        return Case(
            layers=self.layers,
            loss=float(self._loss.detach()),
            bad=self._first_bad(inputs),
            detached=[layer.label for layer in self.layers if layer.status == "detached" and layer.call == 1],
            waking=[row.label for row in first_calls if self._wakes(row)],
            matrices=frozenset(row.name for row in first_calls if any(p.dim() > 1 for p in _asking(row.parameters))),
            batch_norm=any(_uses_the_batch(module) for module in self._model.modules()),
            frozen=not self._gradients,
        )

    def _reading(self, row: Row) -> LayerReading:
        gradients = {each: self._gradients[each] for each in _asking(row.parameters)}
        norms = [value for value in gradients.values() if value is not None]
        weight = math.hypot(*(norm(each.detach()) for each, value in gradients.items() if value is not None))
        gradient = math.hypot(*norms) if norms else math.nan
        signal = self._readings.signals.get(row.place, math.nan)
        return LayerReading(
            name=row.name,
            type=row.type,
            call=row.call,
            status=self._status(row),
            parameters=sum(each.numel() for each in row.parameters),
            gradient_norm=gradient,
            gradient_to_weight=gradient / weight if weight else math.nan,
            signal_norm=signal,
            steps=tuple(self._readings.steps.get(row.place, ())),
            activation_mean=row.mean,
            activation_std=row.std,
            spread=row.spread,
            saturated=_mean(row.saturated),
            dead=_mean(row.dead),
            units=row.units,
            squashes=row.squashes,
            finite=row.finite and math.isfinite(self._readings.signals.get(row.place, 0.0)),
            underflow=signal <= self._readings.small,
        )

    def _status(self, row: Row) -> str:
        if not row.parameters:
            return "no parameters"
        asking = _asking(row.parameters)
        if not asking:
            return "frozen"
        if any(self._gradients[each] is not None for each in asking):
            return "learns"
        if row.call == 0:
            return "not called"
        return "unused" if any(each in self._unused for each in asking) else "detached"

    def _wakes(self, row: Row) -> bool:
        """Whether weights or factors that are all zero get a gradient: after a step they let the signal through."""
        zero = [each for each in _asking(row.parameters) if each not in self._biases and not bool(each.any())]
        return any(self._gradients[each] for each in zero)

    def _first_bad(self, inputs: Any) -> str:
        """Where nan or infinity was met first, in words; empty if loss and gradients are finite."""
        gradients = [value for value in self._gradients.values() if value is not None]
        if torch.isfinite(self._loss).all() and all(map(math.isfinite, [*gradients, *self._readings.signals.values()])):
            return ""
        if not all(map(_finite, flatten(inputs))):
            return "the inputs"
        for name, parameter in self._model.named_parameters():
            if not _finite(parameter):
                return f"the parameter {name}"
        for row in self._rows:
            if not row.finite:
                return f"the forward pass, at {row.label} ({row.type})"
        if not _finite(self._loss):
            return "the loss function"
        for row in reversed(self._rows):
            if not math.isfinite(self._readings.signals.get(row.place, 0.0)):
                return f"the backward pass, at {row.label} ({row.type})"
        return "the gradient of a parameter"


def _never_called(model: nn.Module, recording: Recording) -> list[Row]:
    """Modules with parameters that no called layer holds: used by name, in a function of torch, or not at all."""
    covered = recording.covered
    rows = []
    for name, module in model.named_modules():
        own = [each for each in module.parameters(recurse=False) if each not in covered]
        if own:
            rows.append(Row(-1, name or "model", type(module).__name__, 0, own))
    return rows


def _leaves(tensors: Sequence[Tensor]) -> set[Tensor]:
    """The parameters from which these tensors were computed, by the graph of autograd."""
    waiting = [each.grad_fn for each in tensors if each.grad_fn is not None]
    seen, found = set(waiting), set()
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            found.add(node.variable)
        for below, _ in node.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                waiting.append(below)
    return found


def _asking(parameters: Any) -> list[Tensor]:
    return [each for each in parameters if each.requires_grad]


def _uses_the_batch(module: nn.Module) -> bool:
    return isinstance(module, BATCH_NORMS) and (module.training or module.running_mean is None)


def _finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
