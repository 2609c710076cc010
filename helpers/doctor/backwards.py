"""Follow the backward passes of a training run: their losses, and nan or infinity in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .losses import Baseline, origin
from .measuring import fetched, real

Array = NDArray[Any]

PROBES = 4
"""The number of parameters examined to see whether a backward pass reaches the model and whether gradients are zero."""


class Backwards:
    """Follows `loss.backward()` and `scaler.scale(loss)`; losses are stored unscaled, on their device until needed."""

    def __init__(self, parameters: Sequence[Tensor], names: Mapping[int, str]) -> None:
        asking = [each for each in parameters if each.requires_grad] or list(parameters)
        self._probes = some_of(asking)
        self._names = names
        self._scaled: tuple[Any, Any] = None, None
        self._waiting: list[float | Tensor] = []
        self._stamped: list[tuple[int, Tensor]] = []
        self._losses: dict[int, list[float]] = {}
        self._bad = ""
        self.baseline = Baseline()
        self.first_bad: tuple[int, str] | None = None

    def before_scale(self, _: Any, outputs: Any, *__: Any) -> Callable[[Any], None] | None:
        """Remember the loss that a gradient scaler multiplies."""

        def scaled(result: Any) -> None:
            self._scaled = result, outputs

        return scaled if isinstance(outputs, Tensor) else None

    def before(self, loss: Tensor, look_closely: bool) -> Callable[[Any], None]:
        """Called before a backward pass; the returned function is called after it."""
        true = self._scaled[1] if self._scaled[0] is loss else loss
        self._scaled = None, None
        value = _number(true) if true.numel() == 1 else None
        bad = ""
        if self.first_bad is None and isinstance(value, float) and not math.isfinite(value):
            bad = origin(true, self._names)
        if look_closely and value is not None:
            self.baseline.look(true)
        before = []
        for probe in self._probes:
            gradient = probe.grad
            before.append((probe, gradient, 0 if gradient is None else gradient._version))

        def done(_: Any) -> None:
            for probe, gradient, version in before:
                now = probe.grad
                if now is not gradient or (now is not None and now._version != version):  # it reached the model
                    if value is not None:
                        self._waiting.append(value)
                        self._bad = self._bad or bad
                    return

        return done

    def stamp(self, step: int) -> None:
        """Assign the losses since the last step to this one."""
        if self._bad and self.first_bad is None:
            self.first_bad = step, self._bad
        for loss in self._waiting:
            if isinstance(loss, float):
                self._losses.setdefault(step, []).append(loss)
            else:
                self._stamped.append((step, loss))
        self._waiting, self._bad = [], ""
        if len(self._stamped) > 1000:
            self._settle()

    @property
    def waiting(self) -> int:
        """The number of losses since the last step."""
        return len(self._waiting)

    def drop(self) -> None:
        """Discard the losses since the last step, which belong to a skipped one."""
        self._waiting, self._bad = [], ""

    def losses(self, steps: int) -> Array:
        """Return the loss of each step, (steps,); NaN where none was seen.

        For several backward passes in a step it is their mean, without the factor by which each was scaled.
        """
        self._settle()
        found = np.full(steps, math.nan)
        for step, values in self._losses.items():
            if step < steps:
                found[step] = sum(values) / len(values) / (self._factor if len(values) > 1 else 1.0)
        return found

    @property
    def _factor(self) -> float:
        return self.baseline.factor if math.isfinite(self.baseline.factor) else 1.0

    @property
    def constant(self) -> float:
        """The loss of the best constant prediction, in the unit of `losses`; NaN if it isn't known."""
        several = any(len(values) > 1 for values in self._losses.values())
        return self.baseline.value * (1.0 if several else self.baseline.factor)

    def _settle(self) -> None:
        for (step, _), numbers in zip(self._stamped, fetched([each for _, each in self._stamped]), strict=True):
            self._losses.setdefault(step, []).append(float(numbers[0]))
            if self.first_bad is None and not math.isfinite(numbers[0]):
                self.first_bad = step, "the forward pass or the loss function"
        self._stamped = []


def _number(loss: Tensor) -> float | Tensor:
    """Return a scalar loss as a number or, if it is on a device, as a tensor, without waiting for it."""
    if loss.is_cpu and loss.layout is torch.strided:
        value = loss.item()
        return float(value.real) if isinstance(value, complex) else float(value)
    return real(loss).reshape(-1)[0]


def some_of(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return a few parameters, evenly picked."""
    return list(parameters[:: max(1, -(-len(parameters) // PROBES))])


def are_zero(parameters: Sequence[Tensor]) -> bool:
    """Whether the gradients of these parameters are None or zero."""
    gradients = [each.grad for each in parameters]
    return not any(each is not None and bool(torch.count_nonzero(real(each))) for each in gradients)
