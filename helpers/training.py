"""Training runs with measurements along the way: which layers move and which stand still."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from tqdm.auto import tqdm

from helpers.arrays import Array
from helpers.checks import check_choice, check_number, check_whole
from helpers.datasets import SequenceTask, Split

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
"""The optimizers of `train`, with PyTorch's defaults for everything but the learning rate."""

PROBE = 512
"""The largest number of training examples used for the measurements along the way."""


@dataclass(frozen=True)
class History:
    """The measurements of a training run at the moments `steps` (numbers of updates so far, the first is 0).

    loss: (records,) mean cross-entropy in nats, on the first training examples (at most `PROBE`)
    accuracy: (records,) share of the test examples that are classified correctly
    gradient_norms: (records, layers) ‖∂L/∂W_l‖ of that loss, Frobenius
    movement: (records, layers) ‖W_l − W_l(0)‖ / ‖W_l(0)‖

    A layer is a weight matrix, the read-out is the last; `layers` names them. `interrupted` means that the run was
    stopped by hand, `diverged` that its loss is no longer a finite number; both end with the last record made.
    """

    steps: Array
    loss: Array
    accuracy: Array
    gradient_norms: Array
    movement: Array
    layers: tuple[str, ...]
    optimizer: str
    learning_rate: float
    batch: int
    seed: int
    interrupted: bool = False

    @property
    def diverged(self) -> bool:
        """Whether the last recorded loss is infinite or not a number."""
        return not math.isfinite(self.loss[-1])


def train(
    model: nn.Module,
    data: Split,
    *,
    steps: int,
    learning_rate: float,
    optimizer: str = "sgd",
    batch: int = 64,
    seed: int = 0,
    clip: float | None = None,
    records: int = 20,
    progress: bool = True,
    description: str = "training",
    callback: Callable[[History], object] | None = None,
) -> History:
    """Train a classifier in place with mean cross-entropy and return the measurements.

    model: maps inputs (batch, …) to logits (batch, classes)
    data: the training and the test examples
    steps: number of updates, each on `batch` examples, which are reshuffled each epoch with `seed`
    clip: largest norm of the whole gradient; longer ones are scaled down to it (Pascanu 2013, algorithm 1)
    records: number of measurements besides the one at the start; at most one per step
    progress: whether to show a progress bar; there is none if `callback` is given
    callback: called with the History so far after every record, for a figure that follows the run

    Interrupting (Ctrl-C, the stop button) ends the run early and returns the History so far. Runs on one thread; the
    same arguments give the same History. Raises ValueError if an argument is out of range.
    """
    _check_run(learning_rate, clip, optimizer, steps=steps, batch=batch, records=records)
    meter = _Meter(model, _as_tensors(model, data), optimizer, learning_rate, batch, seed)
    stepper = OPTIMIZERS[optimizer](model.parameters(), lr=learning_rate)
    moments = {round(moment) for moment in np.linspace(0, steps, records + 1)}
    with _one_thread(), _bar(steps, description, progress and callback is None) as bar:
        meter.measure(0)
        try:
            for step, (inputs, targets) in zip(range(1, steps + 1), _batches(meter.data, batch, seed), strict=False):
                loss = _update(model, stepper, inputs, targets, clip)
                bar.update()
                if step in moments or not math.isfinite(loss):
                    history = meter.measure(step)
                    bar.set_postfix_str(f"loss {history.loss[-1]:.3f}, accuracy {history.accuracy[-1]:.2f}")
                    if callback is not None:
                        callback(history)
                    if history.diverged:
                        break
        except KeyboardInterrupt:
            return meter.history(interrupted=True)
    return meter.history()


@dataclass(frozen=True)
class TaskHistory:
    """The measurements of a run of `train_task` at the moments `steps` (numbers of updates so far, the first is 0).

    loss: (records,) mean squared error or cross-entropy on the task's held-out sequences
    accuracy: (records,) share of them that are classified correctly; nan for targets that are numbers
    goal: the loss below which the run stops; `solved` says whether it was reached
    """

    steps: Array
    loss: Array
    accuracy: Array
    goal: float
    optimizer: str
    learning_rate: float
    batch: int
    seed: int
    interrupted: bool = False

    @property
    def solved(self) -> bool:
        """Whether the last recorded loss is below the goal."""
        return bool(self.loss[-1] < self.goal)


def train_task(
    model: nn.Module,
    task: SequenceTask,
    *,
    steps: int,
    learning_rate: float,
    goal: float = 0.0,
    optimizer: str = "adam",
    batch: int = 64,
    seed: int = 0,
    clip: float | None = 1.0,
    every: int = 100,
    progress: bool = True,
    description: str = "training",
    callback: Callable[[TaskHistory], object] | None = None,
) -> TaskHistory:
    """Train on sequences that are newly drawn for every step, until the held-out loss is below `goal`.

    model: maps inputs (batch, length, features) to (batch, outputs)
    steps: the largest number of updates, each on `batch` sequences drawn with `seed`
    every: number of steps between two measurements on the held-out sequences
    clip, callback, progress: as in `train`

    Interrupting ends the run early and returns the history so far, as in `train`; a loss that is not a finite number
    ends it too. Raises ValueError if an argument is out of range.
    """
    _check_run(learning_rate, clip, optimizer, steps=steps, batch=batch, every=every)
    stepper = OPTIMIZERS[optimizer](model.parameters(), lr=learning_rate)
    generator, rows = np.random.default_rng(seed), [(0, *_judge(model, task))]

    def history(interrupted: bool = False) -> TaskHistory:
        moments, loss, accuracy = (np.array(column) for column in zip(*rows, strict=True))
        return TaskHistory(moments, loss, accuracy, goal, optimizer, learning_rate, batch, seed, interrupted)

    with _one_thread(), _bar(steps, description, progress and callback is None) as bar:
        try:
            for step in range(1, steps + 1):
                inputs, targets = _sequences(model, *task.draw(batch, generator))
                loss = _update(model, stepper, inputs, targets, clip, _criterion(task))
                bar.update()
                if step % every == 0 or step == steps or not math.isfinite(loss):
                    rows.append((step, *_judge(model, task)))
                    bar.set_postfix_str(f"loss {rows[-1][1]:.4f}")
                    if callback is not None:
                        callback(history())
                    if history().solved or not math.isfinite(rows[-1][1]):
                        break
        except KeyboardInterrupt:
            return history(interrupted=True)
    return history()


def _bar(steps: int, description: str, shown: bool) -> tqdm:
    """Return a progress bar that disappears after its run: cells train many networks and print their own results."""
    return tqdm(total=steps, desc=description, leave=False, disable=None if shown else True)


def _judge(model: nn.Module, task: SequenceTask) -> tuple[float, float]:
    """Return the loss and, for classes, the accuracy (else nan) on the held-out sequences."""
    inputs, targets = _sequences(model, *task.held_out)
    with torch.no_grad():
        outputs = model(inputs)
    right = float((outputs.argmax(dim=1) == targets).double().mean()) if task.classes else math.nan
    return _criterion(task)(outputs, targets).item(), right


def _criterion(task: SequenceTask) -> Callable[[Tensor, Tensor], Tensor]:
    return cross_entropy if task.classes else mse_loss


def _sequences(model: nn.Module, inputs: Array, targets: Array) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as tensors, in the model's dtype unless they are class numbers."""
    dtype = next(model.parameters()).dtype
    wanted = torch.as_tensor(targets)
    return torch.as_tensor(inputs).to(dtype), wanted.to(dtype) if wanted.is_floating_point() else wanted


def _update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    clip: float | None,
    criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
) -> float:
    """Make one step of the optimizer and return the loss before it."""
    loss = criterion(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


class _Meter:
    """Measures a model during training, relative to its initial weights."""

    def __init__(
        self, model: nn.Module, data: Sequence[Tensor], optimizer: str, learning_rate: float, batch: int, seed: int
    ) -> None:
        self.model, self.data = model, data
        self.run = optimizer, learning_rate, batch, seed
        named = [(name, weight) for name, weight in model.named_parameters() if weight.dim() > 1]
        self.layers = tuple(name.removesuffix(".weight") for name, _ in named)
        self.weights = [weight for _, weight in named]
        self.start = [weight.detach().clone() for weight in self.weights]
        self.rows: list[tuple[int, float, float, list[float], list[float]]] = []

    def measure(self, step: int) -> History:
        """Add a record and return the History so far; parameters and their `.grad` are not changed."""
        inputs, targets, test_inputs, test_targets = self.data
        loss = cross_entropy(self.model(inputs[:PROBE]), targets[:PROBE])
        gradients = torch.autograd.grad(loss, self.weights, materialize_grads=True)  # zeros for a detached layer
        with torch.no_grad():
            right = self.model(test_inputs).argmax(dim=1) == test_targets
            moved = [_ratio(w - start, start) for w, start in zip(self.weights, self.start, strict=True)]
        norms = [float(gradient.norm()) for gradient in gradients]
        self.rows.append((step, loss.item(), float(right.double().mean()), norms, moved))
        return self.history()

    def history(self, interrupted: bool = False) -> History:
        """Return the records so far."""
        steps, loss, accuracy, norms, moved = (np.array(column) for column in zip(*self.rows, strict=True))
        return History(steps, loss, accuracy, norms, moved, self.layers, *self.run, interrupted)


def _ratio(change: Tensor, start: Tensor) -> float:
    return float(change.double().norm() / start.double().norm())


def _batches(data: Sequence[Tensor], size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of `size` examples without end, reshuffled each epoch; an epoch's incomplete rest is left out."""
    inputs, targets = data[:2]
    size = min(size, len(inputs))
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(inputs), generator=generator)
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first : first + size]
            yield inputs[chosen], targets[chosen]


def _as_tensors(model: nn.Module, data: Split) -> list[Tensor]:
    """Return training inputs and targets, then those of the test, with inputs in the model's dtype."""
    for part, inputs, targets in (
        ("train", data.train_inputs, data.train_targets),
        ("test", data.test_inputs, data.test_targets),
    ):
        if len(inputs) != len(targets) or len(inputs) == 0:
            raise ValueError(
                f"data must have one target for every input; got {len(inputs)} {part}_inputs and "
                f"{len(targets)} {part}_targets"
            )
    dtype = next(model.parameters()).dtype
    return [
        torch.as_tensor(data.train_inputs).to(dtype),
        torch.as_tensor(data.train_targets).long(),
        torch.as_tensor(data.test_inputs).to(dtype),
        torch.as_tensor(data.test_targets).long(),
    ]


def _check_run(learning_rate: float, clip: float | None, optimizer: str, **counts: int) -> None:
    for name, value in counts.items():
        check_whole(name, value, 1)
    check_number("learning_rate", learning_rate, above=0)
    if clip is not None:
        check_number("clip", clip, above=0)
    check_choice("optimizer", optimizer, tuple(OPTIMIZERS))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one torch thread: small products are faster on one, and sums are reproducible."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
