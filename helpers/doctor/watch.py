"""`with watch(model) as monitor:` around a training loop: follow every layer's gradient while the network trains.

The loop needs no change. Gradients are read when the optimizer is about to use them, so clipping and accumulation are
included. Nothing is changed: the trained weights are bit for bit the same as without watching.
"""

from __future__ import annotations

import base64
import hashlib
import html
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer

from . import display, pictures
from .backwards import Backwards, are_zero, some_of
from .conclusions import Training, TrainingDiagnosis, conclude
from .files import write_whole
from .history import QUANTITIES, WatchHistory
from .hooks import BACKWARD, SCALE, SCALER_STEP, follow_steps, leave_steps, stop_before_interrupt, uninterrupted
from .listening import Listener
from .measuring import Weights, norms
from .readings import shortened
from .recording import own_parameters
from .records import Record, Records

Array = NDArray[Any]

DRAWING_SHARE = 0.02
"""The largest share of the training time that drawing may take."""

MOST_LINES = 40
"""The largest number of layers in a plain text summary; the middle of a longer list is left out."""


def watch(model: nn.Module, every: int = 10, show: bool = True) -> Monitor:
    """Follow the layers of `model` while the `with` block trains it, and diagnose the training: `monitor.diagnosis`.

    every: the interval of recorded steps, beginning with the first. A step is a call of `step` of a torch optimizer
        that holds a parameter of the model; if several optimizers take turns, one round of them is one step. Gradients
        are read at its start, unscaled if a GradScaler scales them; activations in the last forward pass with gradients
        before it. With a closure, the gradients are read at the end of the step.
    show: in a notebook, draw a heat map of the gradient norms while the block runs and show the diagnosis after it;
        elsewhere print a summary after it

    A recorded step copies small outputs and some elements of the parameters, and every eighth measures the outputs;
    the others keep the loss.

    The model, its gradients and the random state are not changed. After the block all hooks are removed, also if it
    raises, except those around the steps of all optimizers, which then do nothing. Ctrl-C ends the recording at once,
    even if the block catches it. An error in the recording ends it but never the training; the summary names it. An
    activation called as a function (`torch.relu`) is found in autograd's graph, as are the targets of torch's usual
    losses.

    Raises TypeError if `model` is not a module, ValueError if `every` is not a whole number ≥ 1.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be a whole number ≥ 1; got {every!r}")
    return Monitor(model, every, show)


@dataclass
class _Held:
    """The model's parameters in an optimizer, and the state of their gradients since its last step.

    strangers: the optimizer's parameters that are not the model's, until one of them has a gradient
    was_reached: whether the last backward pass before a recorded step left a gradient
    """

    optimizer: Optimizer
    parameters: list[Tensor] = field(default_factory=list)
    few: list[Tensor] = field(default_factory=list)
    size: int = 0  # number of parameters in the optimizer, including those of other models
    strangers: list[Tensor] = field(default_factory=list)
    was_reached: bool = False
    steps: int = 0
    weights: Weights = field(default_factory=lambda: Weights([]))
    is_recorded: bool = False
    was_looked_at: bool = False
    began_with_zero: bool = False
    has_closure: bool = False


def _guarded(follower: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a follower so that an error in it ends the recording but never the training."""

    @wraps(follower)
    def guarded(monitor: Monitor, *arguments: Any) -> Any:
        if not monitor.is_running:
            return None
        try:
            return follower(monitor, *arguments)
        except Exception as problem:
            monitor._failed(problem)
            return None

    return guarded


class Monitor:
    """Records a model's layers while it trains; made by `watch`.

    problem: the error that ended the recording before the training, or ""
    is_running: whether it is recording
    """

    def __init__(self, model: nn.Module, every: int, show: bool) -> None:
        self.model, self.every, self.problem = model, every, ""
        self.picture: display.LivePicture | None = None
        self._show, self._step, self._next_drawing = show, 0, 0.0
        self._layers: dict[str, nn.Module] = {}
        self._records = Records()
        self._units: dict[nn.Module, int] = {}
        self._round: set[int] = set()  # the optimizers that have made the current step
        self._held: dict[int, _Held] = {}
        self._kept: list[int] = []
        self._looked_at = self._scaled_steps = 0
        self._skipped: list[int] = []
        self._zeroed: list[int] = []
        self._steps_of_others = 0
        self.is_running = False

    def __enter__(self) -> Monitor:
        if self.is_running or self._records:
            raise RuntimeError("this monitor has been used; write `with watch(model) as monitor:` for each training")
        parameters = list(self.model.parameters())
        self._parameters = {id(parameter) for parameter in parameters}
        self._listener = Listener(self.model, self._failed)
        names = {
            id(each): name or type(module).__name__
            for name, module in self.model.named_modules()
            for each in own_parameters(module)
        }
        self._backwards = Backwards(parameters, names)
        self._end_of_block = stop_before_interrupt(self._stop)
        uninterrupted(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        uninterrupted(self._stop)
        self._end_of_block()
        self._listener.clear()
        if self._show:
            self._show_diagnosis()

    def _start(self) -> None:
        self.is_running = True
        follow_steps(self)
        BACKWARD.follow(self._before_backward)
        SCALE.follow(self._before_scale)
        SCALER_STEP.follow(self._before_scaler_step)
        self._listen()

    def _stop(self) -> None:
        leave_steps(self)
        BACKWARD.leave(self._before_backward)
        SCALE.leave(self._before_scale)
        SCALER_STEP.leave(self._before_scaler_step)
        self._listener.stop()
        self.is_running = False

    def _failed(self, problem: Exception) -> None:
        self.problem = f"{type(problem).__name__}: {problem}"
        uninterrupted(self._stop)

    def _listen(self) -> None:
        """Follow the forward passes until the next record."""
        self._listener.start()

    # What the training does ------------------------------------------------------------------------------------------

    @_guarded
    def _before_backward(self, loss: Tensor, *_: Any) -> Callable[[Any], None]:
        is_on = self._listener.is_on
        if is_on:
            self._listener.before_backward()
        for held in self._held.values():
            if held.began_with_zero:
                continue
            for each in held.few:
                if each.grad is not None:
                    if is_on or self._step % self.every == 0:
                        held.was_looked_at, held.began_with_zero = True, are_zero(held.few)
                    break
            else:
                held.was_looked_at = held.began_with_zero = True
        done = self._backwards.before(loss, is_on)
        return self._looking_after(done) if is_on else done

    def _looking_after(self, done: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a function that also looks for gradients after the backward pass before a recorded step."""

        def look(result: Any) -> None:
            done(result)
            for held in self._held.values():
                held.was_reached = not are_zero(held.few)

        return look

    @_guarded
    def _before_scale(self, *arguments: Any) -> Callable[[Any], None] | None:
        return self._backwards.before_scale(*arguments)

    @_guarded
    def _before_scaler_step(self, _: Any, optimizer: Optimizer, *__: Any) -> Callable[[Any], None] | None:
        held = self._held_by(optimizer)
        if held is None:
            return None
        self._scaled_steps += 1
        steps = held.steps

        def done(_: Any) -> None:
            if held.steps == steps:
                self._skipped.append(self._step)
                self._backwards.drop()
                held.was_looked_at = held.began_with_zero = False

        return done

    @_guarded
    def before_step(self, optimizer: Optimizer, has_closure: bool) -> None:
        """Called before a step of any optimizer."""
        held = self._held_by(optimizer)
        if held is None:
            self._steps_of_others += 1
            return
        others = (self._held[each] for each in self._round)
        if id(optimizer) in self._round or any(each.parameters[0] is held.parameters[0] for each in others):
            self._round.clear()
            self._step += 1
        self._round.add(id(optimizer))
        if held.steps and held.was_looked_at:
            self._looked_at += 1
            if not held.began_with_zero:
                self._kept.append(self._step)
        held.steps += 1
        held.was_looked_at = held.began_with_zero = False
        held.has_closure = has_closure
        held.is_recorded = self._step % self.every == 0
        if held.is_recorded:
            held.weights.remember()
            self._look_at(held)
        if not has_closure:
            self._about_to_step()
        if (self._step + 1) % self.every == 0:
            self._listen()

    def _look_at(self, held: _Held) -> None:
        """Look for gradients that were set to zero since the backward pass, and for parameters without a model."""
        if held.was_reached and not held.has_closure and are_zero(held.few):
            self._zeroed.append(self._step)
        held.was_reached = False
        if any(each.grad is not None for each in held.strangers):
            held.strangers = []

    def _about_to_step(self) -> None:
        """Record this step, whose gradients are complete, if it is one to record."""
        self._backwards.stamp(self._step)
        if self._step % self.every == 0:
            if not self._is_same_step:
                self._listener.stop()
                self._listener.finish()
            self._record()
            self._listener.clear()

    @_guarded
    def after_step(self, optimizer: Optimizer) -> None:
        """Called after a step of any optimizer."""
        held = self._held.get(id(optimizer))
        if held is None or not (held.is_recorded or held.has_closure):
            return
        if held.has_closure:
            self._about_to_step()
            if (self._step + 1) % self.every == 0:
                self._listen()
        if held.is_recorded and self._records:
            self._records.last.updates.append((list(map(id, held.weights.parameters)), *held.weights.change()))
        held.is_recorded = False

    def _held_by(self, optimizer: Optimizer) -> _Held | None:
        """Return this optimizer's part of the model; None if it holds no parameter of it."""
        held, size = self._held.get(id(optimizer)), 0
        for group in optimizer.param_groups:
            size += len(group["params"])
        if held is None or held.size != size:
            every = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            parameters = [each for each in every if id(each) in self._parameters]
            if not parameters:
                return None
            held = self._held.setdefault(id(optimizer), _Held(optimizer))
            held.parameters, held.few, held.size = parameters, some_of(parameters), size
            held.weights = Weights(parameters)
            held.strangers = [each for each in every if id(each) not in self._parameters and each.requires_grad]
        return held

    # Recording -------------------------------------------------------------------------------------------------------

    @property
    def _is_same_step(self) -> bool:
        """Whether another optimizer has recorded this step already."""
        return bool(self._records) and self._records.last.step == self._step

    def _record(self) -> None:
        """Measure every layer; for a further optimizer in the same step, only the gradients."""
        if not self._layers:
            self._layers = self._in_order()
            self._records.layers = list(self._layers.values())
        own = [own_parameters(layer) for layer in self._records.layers]
        gradients = [[grad for each in parameters if (grad := each.grad) is not None] for parameters in own]
        counts = [len(each) for each in gradients]
        of_gradients = norms([each for part in gradients for each in part])
        of_weights = self._sizes([each for part in own for each in part])
        if self._is_same_step:
            last = self._records.last
            last.with_gradient, last.gradients, last.weights, last.scale = (
                counts,
                of_gradients,
                of_weights,
                self._scale(),
            )
        else:
            left = self._listener.outputs.taken()
            self._units |= {key: each.batch.units for each in left for key in each.keys}
            self._records.add(Record(self._step, counts, of_gradients, of_weights, self._scale(), left))
        if self._show and time.monotonic() >= self._next_drawing and display.in_notebook():
            self._draw()

    def _sizes(self, parameters: list[nn.Parameter]) -> Array | Tensor:
        """Return the norms of parameters, which are known if an optimizer is about to change exactly these."""
        for held in self._held.values():
            weights = held.weights
            if held.is_recorded and weights.is_whole and [*map(id, weights.parameters)] == [*map(id, parameters)]:
                return weights.sizes
        return norms(parameters)

    def _scale(self) -> float:
        """Return the factor on the gradients: a fused optimizer unscales them only during its step."""
        scales = (getattr(held.optimizer, "grad_scale", None) for held in self._held.values())
        return next((float(scale) for scale in scales if isinstance(scale, Tensor)), 1.0)

    def _in_order(self) -> dict[str, nn.Module]:
        """Return the modules with parameters by name, in their order of execution.

        One that didn't run by itself follows the module before it; those before all others come last.
        """
        named = {module: name or type(module).__name__ for name, module in self.model.named_modules()}
        order: dict[nn.Module | None, list[nn.Module]] = {
            module: [module] for module in self._listener.order if module in named
        }
        last: nn.Module | None = None
        for module in named:
            if module in order:
                last = module
            elif own_parameters(module):
                order.setdefault(last, []).append(module)
        return {named[module]: module for several in order.values() for module in several}

    # Showing ---------------------------------------------------------------------------------------------------------

    @property
    def history(self) -> WatchHistory:
        """The records so far."""
        table = self._records.table
        columns = {name: table[:, :, place] for place, name in enumerate(QUANTITIES)}
        return WatchHistory(np.array(self._records.steps, dtype=int), tuple(self._layers), **columns)

    @property
    def steps(self) -> int:
        """The number of training steps made while it was watched."""
        return self._step + bool(self._round) if self._records else 0

    @property
    def diagnosis(self) -> TrainingDiagnosis:
        """The diagnosis of the training so far, available inside the block too."""
        history, backwards = self.history, getattr(self, "_backwards", None)
        losses = backwards.losses(self.steps) if backwards else np.empty(0)
        units = {name: self._units[layer] for name, layer in self._layers.items() if layer in self._units}
        held = {id(each) for one in self._held.values() for each in one.parameters if each.requires_grad}
        matrices = [
            name
            for name, layer in self._layers.items()
            if any(each.dim() > 1 and each.requires_grad for each in own_parameters(layer))
        ]
        ran = list(units)
        last = max((ran.index(name) for name in matrices if name in ran), default=0)
        groups = [group for one in self._held.values() for group in one.optimizer.param_groups]
        return conclude(
            Training(
                model=type(self.model).__name__,
                history=history,
                steps=self.steps,
                losses=losses,
                constant=backwards.constant if backwards else math.nan,
                units=units,
                matrices=frozenset(matrices),
                held=frozenset(
                    name for name, layer in self._layers.items() if any(id(e) in held for e in own_parameters(layer))
                ),
                hidden=frozenset(ran[:last]),
                kept=tuple(self._kept),
                checked=self._looked_at,
                skipped=tuple(self._skipped),
                scaled=self._scaled_steps,
                optimizers=len(self._held),
                non_finite=self._first_bad(history),
                problem=self.problem,
                zeroed=tuple(self._zeroed),
                backwards=backwards.waiting if backwards else 0,
                steps_of_others=self._steps_of_others,
                stale=sum(len(one.strangers) for one in self._held.values()),
                decay=max((float(group.get("weight_decay") or 0.0) for group in groups), default=0.0),
                maximizes=any(group.get("maximize") for group in groups),
            )
        )

    def _first_bad(self, history: WatchHistory) -> tuple[int, str] | None:
        """Return the first step with nan or infinity in the loss or a recorded gradient, and where it arose."""
        backwards = getattr(self, "_backwards", None)
        of_loss = backwards.first_bad if backwards else None
        records, layers = np.nonzero(np.isinf(history.gradient_norm))
        if not len(records) or (of_loss is not None and of_loss[0] <= history.steps[records[0]]):
            return of_loss
        last = history.layers[layers[records == records[0]].max()]
        return int(history.steps[records[0]]), f"the backward pass, at {last}"

    def _draw(self) -> None:
        """Draw the records so far; the next drawing is allowed after fifty times as long as this one took."""
        if not self._records:
            return
        history, started = self.history, time.monotonic()
        if self.picture is None:
            self.picture = display.live_picture(history.layers, self.every)
            started = time.monotonic()  # creating the picture happens once and isn't counted
        if self.picture is not None:
            self.picture.show(history)
        self._next_drawing = time.monotonic() + (time.monotonic() - started) / DRAWING_SHARE

    def _show_diagnosis(self) -> None:
        """Show the diagnosis. An error in here must not hide the result of the training, which is over."""
        try:
            if display.in_notebook():
                self._draw()
                self._display()
            else:
                print(self)
        except Exception as problem:
            print(f"watch: an error prevented the summary of the training: {type(problem).__name__}: {problem}")

    def _display(self) -> None:
        """Show the diagnosis in a notebook."""
        diagnosis = self.diagnosis
        display.show(display.as_html(diagnosis.verdict, diagnosis.summary, diagnosis.findings, diagnosis.notes), (), "")

    def __str__(self) -> str:
        """Return the diagnosis as plain text, then the first and the last record, a line for each layer."""
        if not self._records:
            return str(self.diagnosis)
        history = self.history
        head = (
            f"watch: {len(history.steps)} of {self.steps} steps recorded, every {self.every}.\n"
            f"{'':<24}{'at first':>11}   {' at the last recorded step ':-^42}\n"
            f"{'layer':<24}{'gradient':>11}{'gradient':>11}{'update/weight':>15}{'dead':>8}{'saturated':>11}"
        )
        rows = [
            f"{shortened(name, 23):<24}{_as_text(history.gradient_norm[0, place]):>11}"
            f"{_as_text(history.gradient_norm[-1, place]):>11}{_as_text(history.update_to_weight[-1, place]):>15}"
            f"{_as_share(history.dead[-1, place]):>8}{_as_share(history.saturated[-1, place]):>11}"
            for place, name in enumerate(history.layers)
        ]
        if len(rows) > MOST_LINES:
            half = MOST_LINES // 2
            rows[half:-half] = [f"… {len(rows) - 2 * half} more layers"]
        return "\n".join([str(self.diagnosis), "", head, *rows])

    def save(self, path: str | Path) -> Path:
        """Write one HTML file with all records, for any browser and without network access; return its path.

        The page runs no scripts but its own.

        Raises ValueError if nothing was recorded or the path leads to no regular file, ImportError if plotly is not
        installed, FileNotFoundError if the folder doesn't exist, and another OSError if the file can't be written; an
        existing file is then unchanged.
        """
        if not self._records:
            raise ValueError(f"nothing was recorded, so there is nothing to save. {' '.join(self.diagnosis.notes)}")
        if not pictures.can_draw():
            raise ImportError("the page holds pictures by plotly, which is not installed: pip install plotly")
        return write_whole(path, self._page())

    def _page(self) -> str:
        without_tools = {"displayModeBar": False}  # it would cover the colour bar
        picture = pictures.steps(self.history).to_html(full_html=False, include_plotlyjs=True, config=without_tools)
        name = html.escape(type(self.model).__name__)
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(picture)}">'
            f"<title>{name}, watched</title></head>\n"
            f"<body>\n{picture}\n<pre>{html.escape(str(self))}</pre>\n</body>\n</html>\n"
        )


def _policy(page: str) -> str:
    """Return the page's Content-Security-Policy: it may run these scripts, set styles, show embedded pictures."""
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _as_text(norm: float) -> str:
    return "none" if math.isnan(norm) else f"{norm:.1e}"


def _as_share(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.0%}"
