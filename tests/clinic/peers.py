"""The research benchmark, trained and judged side by side: `watch`, the thresholds of two papers, and a package.

The thresholds of AUTOTRAINER (Zhang 2021) and DeepDiagnosis (Wardat 2022) are applied by code of our own, at the end of
each epoch as theirs is; data/SOURCES.md names both. torchmortem counts where it is installed, with its findings of
severity CRITICAL.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from helpers.doctor import diagnose, watch
from tests.clinic.parts import Example, Make
from tests.clinic.sick import CONTROLS, FAULTY
from tests.clinic.table import SEEDS, made

STEPS, BATCH, RATE, FASTER = 400, 32, 1e-3, 1e-2
"""Adam's steps, samples in each, and its rate, as Keras has them.

A control that doesn't train at this rate is trained at the faster one, and everybody judges that training: the controls
on the circles learn little in 400 steps of 0.001. The faulty networks are trained at the first rate alone.
"""

LEARNT = 0.9
"""A control trains that ends below this share of the loss of the best constant prediction."""


@dataclass
class Epoch:
    """What the papers' thresholds look at, at the end of an epoch, on the first batch."""

    loss: float
    accuracy: float
    outputs: list[Tensor]
    kinds: list[str]
    kernels: list[Tensor]
    gradients: list[Tensor]


@dataclass
class Trained:
    """A training, and who says that something is wrong with it."""

    name: str
    seed: int
    is_faulty: bool
    rate: float
    trains: bool
    says: dict[str, bool] = field(default_factory=dict)
    verdicts: tuple[str, ...] = ()


# The papers' thresholds ----------------------------------------------------------------------------------------------


def autotrainer(epochs: Sequence[Epoch]) -> bool:
    """Non-finite numbers; or accuracy low and gradients vanishing, exploding or mostly zero, or accuracy unstable."""
    accuracies = [each.accuracy for each in epochs]
    if any(not _all_finite([*each.gradients, *each.kernels]) or not math.isfinite(each.loss) for each in epochs):
        return True
    slow = max((b - a for a, b in zip(accuracies, accuracies[1:], strict=False)), default=0.0) < 0.01
    if max(accuracies) < 0.7 or slow:
        for each in epochs:
            sizes = [float(gradient.norm()) for gradient in each.gradients if gradient.dim() > 1]
            ratio = sizes[0] / sizes[-1] if sizes[-1] else math.inf
            zeros = sum(int((gradient == 0).sum()) for gradient in each.gradients)
            numbers = sum(gradient.numel() for gradient in each.gradients)
            if (ratio < 1e-3 and sizes[0] < 1e-4) or ratio > 70 or zeros >= 0.7 * numbers:
                return True
        return slow
    tops, dips = _turns(accuracies)
    swings = sum(top - dip >= 0.03 for top, dip in zip(tops, dips, strict=False))
    return swings >= 0.2 * len(accuracies)


def _turns(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The local maxima and minima."""
    triples = list(zip(values, values[1:], values[2:], strict=False))
    tops = [here for before, here, after in triples if here >= before and here >= after]
    return tops, [here for before, here, after in triples if here <= before and here <= after]


def deepdiagnosis(epochs: Sequence[Epoch]) -> bool:
    """Numerical errors, unchanged tensors, losses and accuracies, dead, saturated, vanishing."""
    means: list[list[float]] = []
    for number, each in enumerate(epochs, 1):
        if not math.isfinite(each.loss) or each.accuracy == 0:
            return True
        if any(_is_error(float(tensor.mean())) for tensor in (*each.outputs, *each.kernels, *each.gradients)):
            return True
        if any(float(gradient.abs().mean()) < 1e-7 for gradient in each.gradients if gradient.dim() > 1):
            return True
        means.append([float(output.mean()) for output in each.outputs])
        for output, kind, after in zip(each.outputs, each.kinds, [*each.kinds[1:], ""], strict=True):
            if number == len(epochs) and kind in ("ReLU", "Exponential") and float((output <= 0).float().mean()) >= 0.7:
                return True
            if number % 5 == 0 and after in ("Sigmoid", "Tanh") and float((output.abs() >= 5).float().mean()) > 0.5:
                return True
        if number % 5 == 0 and any(
            len(set(column)) == 1 for column in zip(*(row[:-1] for row in means[-5:]), strict=True)
        ):
            return True
        if number % 5 == 0 and len({each.loss for each in epochs[number - 5 : number]}) == 1:
            return True
        if number % 20 == 0 and len({each.accuracy for each in epochs[number - 20 : number]}) == 1:
            return True
    return False


def _is_error(mean: float) -> bool:
    return not math.isfinite(mean) or mean == 0


def _all_finite(tensors: Iterable[Tensor]) -> bool:
    return all(bool(torch.isfinite(each).all()) for each in tensors)


# Training ------------------------------------------------------------------------------------------------------------


def torchmortem_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    """An autopsy of the package torchmortem, None where it isn't installed."""
    try:
        from torchmortem import Autopsy
    except ImportError:
        return None
    return Autopsy(model, optimizer=optimizer)


def train(name: str, make: Make, seed: int, is_faulty: bool) -> Trained:
    """Train a network at the rate of Keras, and a control that doesn't train at the faster one."""
    trained = train_at(RATE, name, make, seed, is_faulty)
    return trained if is_faulty or trained.trains else train_at(FASTER, name, make, seed, is_faulty)


def train_at(rate: float, name: str, make: Make, seed: int, is_faulty: bool) -> Trained:
    """Train a network from a seed twice, once under `watch` and once under the others, and ask all of them."""
    first = made(make, seed)
    trained = Trained(name, seed, is_faulty, rate, False)
    at_start = diagnose(*first)
    with watch(first[0], show=False) as monitor:
        losses, _ = _run(first, seed, lambda *_: None, torch.optim.Adam(first[0].parameters(), rate))
    diagnosis = monitor.diagnosis
    constant = math.log(3) if name.startswith("blobs") else math.log(2)
    tail = losses[-20:]
    trained.trains = all(map(math.isfinite, tail)) and sum(tail) / len(tail) < LEARNT * constant
    trained.verdicts = tuple(finding.verdict for finding in diagnosis.findings)
    trained.says["watch"] = not diagnosis.healthy
    trained.says["diagnose at step 0"] = not at_start.healthy
    second = made(make, seed)
    optimizer = torch.optim.Adam(second[0].parameters(), rate)
    autopsy = torchmortem_of(second[0], optimizer)
    with contextlib.redirect_stdout(io.StringIO()):
        step = (lambda loss: autopsy.step(loss=loss)) if autopsy else (lambda _: None)
        with autopsy or contextlib.nullcontext():
            _, epochs = _run(second, seed, step, optimizer, looked_at=True)
    trained.says["AUTOTRAINER"] = autotrainer(epochs)
    trained.says["DeepDiagnosis"] = deepdiagnosis(epochs)
    if autopsy:
        report = autopsy.get_report()
        trained.says["torchmortem"] = report is not None and any(each.severity >= 2 for each in report.findings)
    return trained


def _run(
    example: Example,
    seed: int,
    step: Callable[[float], None],
    optimizer: torch.optim.Optimizer,
    looked_at: bool = False,
) -> tuple[list[float], list[Epoch]]:
    """The losses of all steps, and the numbers of each epoch where they are looked at."""
    model, loss_function, inputs, targets = example
    draw = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    epochs: list[Epoch] = []
    while len(losses) < STEPS:
        for rows in torch.randperm(len(inputs), generator=draw).split(BATCH):
            optimizer.zero_grad()
            try:
                loss = loss_function(model(inputs[rows]), targets[rows])
            except RuntimeError:  # binary_cross_entropy refuses nan
                loss = model(inputs[rows]).sum() * math.nan
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            step(losses[-1])
            if len(losses) == STEPS:
                break
        if looked_at:
            epochs.append(_epoch(model, inputs, targets, losses[-1]))
    return losses, epochs


def _epoch(model: Any, inputs: Tensor, targets: Tensor, loss: float) -> Epoch:
    """The numbers of an epoch, from the layers' outputs on the first batch and the gradients of the last step."""
    outputs: list[Tensor] = []
    x = inputs[:BATCH]
    with torch.no_grad():
        for layer in model:
            x = layer(x)
            outputs.append(x)
        answer = model(inputs)
    right = (answer > 0.5).float() == targets if answer.shape[1] == 1 else answer.argmax(1) == targets
    kernels = [each.detach().clone() for each in model.parameters() if each.dim() > 1]
    gradients = [each.grad.clone() for each in model.parameters() if each.grad is not None]
    kinds = [type(layer).__name__ for layer in model]
    return Epoch(loss, float(right.float().mean()), outputs, kinds, kernels, gradients)


def all_trained(seeds: Iterable[int] = SEEDS) -> list[Trained]:
    """All networks of the research benchmark, trained from every seed."""
    seeds = tuple(seeds)
    patients = [
        (name, make, seed, is_faulty)
        for is_faulty, networks in ((True, FAULTY), (False, CONTROLS))
        for name, make in networks.items()
        for seed in seeds
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [train(*each) for each in tqdm(patients, "research benchmark", disable=None)]


def table_of(trained: Sequence[Trained]) -> str:
    """Detections and false alarms of everybody, in plain text."""
    faulty = [each for each in trained if each.is_faulty]
    controls = [each for each in trained if not each.is_faulty and each.trains]
    idle = [each for each in trained if not each.is_faulty and not each.trains]
    faster = sum(each.rate == FASTER for each in controls)
    lines = [
        f"{STEPS} steps of Adam at {RATE:g}: {len(faulty)} runs of faulty networks, {len(controls)} of controls that "
        f"train, {faster} of them at {FASTER:g}; {len(idle)} of controls that train at neither rate are left out.",
        f"{'judge':<22}{'faulty, detected':>24}{'controls, false alarms':>26}",
    ]
    for judge in trained[0].says:
        found, alarms = sum(each.says[judge] for each in faulty), sum(each.says[judge] for each in controls)
        of_faulty, of_controls = found / len(faulty), alarms / max(1, len(controls))
        lines.append(f"{judge:<22}{found:>12} ({of_faulty:>6.1%}) {alarms:>15} ({of_controls:>6.1%})")
    lines += [
        f"  watch missed: {each.name}, seed {each.seed}{', which trains' if each.trains else ''}"
        for each in faulty
        if not each.says["watch"]
    ]
    lines += [
        f"  watch, false alarm: {each.name}, seed {each.seed}: {', '.join(each.verdicts)}"
        for each in controls
        if each.says["watch"]
    ]
    return "\n".join(lines)
