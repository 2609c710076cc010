"""Every remedy that the doctor names, applied to a network that has the illness: it learns then, and didn't before."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.doctor import VERDICTS, diagnose
from tests.clinic.parts import CLASSES, FEATURES, Fn, Net, Skip, mlp, rows, seq
from tests.clinic.sick import Listed, constant, deep, detaching, recall, scaled, spinning

Loss = Callable[[Any, Any], Tensor]
STEPS = 150


@dataclass(frozen=True)
class Case:
    """A sick network with its data, the words of the remedy, and the network, loss and data with the remedy applied.

    `rate` is the rate of Adam, or of SGD where `sgd` says so, for both. A network has learnt that gets `good` of the
    answers right, or where the answers are numbers, whose loss falls below `1 − good` of what the mean answer has.
    `alone` asks for each sample by itself.
    """

    verdict: str
    remedy: str
    sick: Callable[[], tuple[nn.Module, Loss, Any, Any]]
    cured: Callable[[], tuple[nn.Module, Loss, Any, Any]]
    rate: float = 3e-3
    sgd: bool = False
    steps: int = STEPS
    good: float = 0.8
    alone: bool = False


def trained(make: Callable[[], tuple[nn.Module, Loss, Any, Any]], case: Case) -> float:
    """How good the answers are after training on the batch: the share that is right, or 1 − error / variance."""
    torch.manual_seed(0)
    model, loss_function, inputs, targets = make()
    wanted = [each for each in model.parameters() if each.requires_grad]
    if wanted:
        optimizer = torch.optim.SGD(wanted, case.rate) if case.sgd else torch.optim.Adam(wanted, case.rate)
        for _ in range(case.steps):
            optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            if not loss.requires_grad:
                break
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        model.eval()
        outputs = torch.cat([model(each[None]) for each in inputs]) if case.alone else model(inputs)
    outputs = outputs.nan_to_num()
    if not targets.is_floating_point():
        return float((outputs.argmax(1) == targets).float().mean())
    if set(targets.flatten().tolist()) <= {0.0, 1.0}:
        probable = outputs if float(outputs.min()) >= 0 and float(outputs.max()) <= 1 else outputs.sigmoid()
        right = ((probable > 0.5) == (targets > 0.5)).float()
        return float((right[targets > 0.5].mean() + right[targets < 0.5].mean()) / 2)
    error = (outputs.flatten() - targets.flatten()).square().mean()
    return 0.0 if math.isnan(error) else float(1 - error / targets.var())


def on_rows(model: nn.Module, loss: Loss = F.cross_entropy) -> tuple[nn.Module, Loss, Any, Any]:
    return model, loss, *rows(64)


def xavier(model: nn.Module) -> nn.Module:
    return scaled(model, 1.0)


def he(model: nn.Module) -> nn.Module:
    return scaled(model, math.sqrt(2))


def residual(depth: int) -> nn.Module:
    blocks = (Skip(seq(nn.LayerNorm(64), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))) for _ in range(depth // 2))
    return seq(nn.Linear(FEATURES, 64), *blocks, nn.Linear(64, CLASSES))


def binary(model: nn.Module, loss: Loss, factor: float = 1.0) -> tuple[nn.Module, Loss, Any, Any]:
    inputs, _ = rows(64)
    return model, loss, factor * inputs, (inputs[:, :1] > 0).float()


def numbers(
    model: nn.Module, loss: Loss = F.mse_loss, scale: float = 1.0, flat: bool = False, shift: float = 0.0
) -> Any:
    inputs, _ = rows(64)
    targets = scale * (inputs[:, :1] + inputs[:, 1:2]) + shift
    return model, loss, inputs, targets[:, 0] if flat else targets


def through_time(model: nn.Module, length: int) -> tuple[nn.Module, Loss, Any, Any]:
    return model, F.cross_entropy, *recall(length)


def among_noise(model: nn.Module, length: int) -> tuple[nn.Module, Loss, Any, Any]:
    """Recall where the later steps are noise, and more samples than could be learnt by heart."""
    targets = torch.randint(0, CLASSES, (1500,))
    inputs = torch.randn(1500, length, 8)
    inputs[:, 0] = 3 * F.one_hot(targets, 8)
    return model, F.cross_entropy, inputs, targets


def last_state(cell: nn.Module, width: int = 32) -> nn.Module:
    return seq(cell, lambda x: x[0][:, -1], nn.Linear(width, CLASSES))


def open_lstm(steps: int) -> nn.Module:
    """Forget gates that start open: bias of the size of ln(steps)."""
    cell = nn.LSTM(8, 32, batch_first=True)
    with torch.no_grad():
        cell.bias_ih_l0[32:64] = math.log(steps)
        cell.bias_hh_l0[32:64] = 0.0
    return cell


def carrying(m: Any, x: Tensor) -> Tensor:
    h = torch.zeros(len(x), 32)
    for step in range(x.shape[1]):
        h = m.c(x[:, step], h)
    return m.o(h)


def cell() -> nn.ModuleDict:
    return nn.ModuleDict({"c": nn.GRUCell(8, 32), "o": nn.Linear(32, CLASSES)})


def signed(low: float) -> Any:
    model, loss, inputs, targets = binary(mlp(FEATURES, 64, 1), F.binary_cross_entropy_with_logits)
    return model, loss, inputs, torch.where(targets > 0, targets, torch.tensor(low))


def by_heart(model: nn.Module) -> tuple[nn.Module, Loss, Any, Any]:
    return model, F.nll_loss, torch.randn(64, FEATURES), torch.randint(0, CLASSES, (64,))


def hinge_that_is_met(out: Tensor, y: Tensor) -> Tensor:
    return F.relu(out.gather(1, y[:, None]).mean() * 0 - 1)


def held(model: Listed) -> Listed:
    layers = model.layers
    model.layers = nn.ModuleList(layers)  # type: ignore[assignment]
    return model


def standardised(case: tuple[nn.Module, Loss, Any, Any]) -> tuple[nn.Module, Loss, Any, Any]:
    model, loss, inputs, targets = case
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    if targets.is_floating_point() and not set(targets.flatten().tolist()) <= {0.0, 1.0}:
        targets = (targets - targets.mean()) / targets.std()
    return model, loss, inputs, targets


def log_of(eps: float) -> nn.Module:
    return seq(nn.Linear(FEATURES, 64), nn.ReLU(), Fn(lambda x: torch.log(x + eps)), nn.Linear(64, CLASSES))


def with_gap(mended: bool, where: str) -> tuple[nn.Module, Loss, Any, Any]:
    model, loss, inputs, targets = numbers(mlp(FEATURES, 64, 1))
    (inputs if where == "inputs" else targets)[3] = math.nan
    keep = torch.isfinite(inputs).all(1) & torch.isfinite(targets).all(1) if mended else torch.ones(64).bool()
    return model, loss, inputs[keep], targets[keep]


CASES: dict[str, Case] = {
    "ReLU and He's scale for sigmoid": Case(
        "vanishing",
        "ReLU with He's scale",
        lambda: on_rows(deep(10, nn.Sigmoid)),
        lambda: on_rows(he(deep(10, nn.ReLU))),
        1e-3,
    ),
    "tanh and Xavier's scale for sigmoid": Case(
        "vanishing",
        "tanh with Xavier's",
        lambda: on_rows(deep(10, nn.Sigmoid)),
        lambda: on_rows(xavier(deep(10, nn.Tanh))),
        1e-3,
    ),
    "batch norm before sigmoid": Case(
        "vanishing",
        "normalization before the activations",
        lambda: on_rows(deep(10, nn.Sigmoid)),
        lambda: on_rows(deep(10, nn.Sigmoid, 64, nn.BatchNorm1d)),
    ),
    "skips for sigmoid": Case(
        "vanishing", "skip connections", lambda: on_rows(deep(10, nn.Sigmoid)), lambda: on_rows(residual(10)), 1e-3
    ),
    "He's scale for small weights": Case(
        "vanishing",
        "He's for ReLU",
        lambda: on_rows(scaled(deep(8, nn.ReLU), 0.1)),
        lambda: on_rows(he(deep(8, nn.ReLU))),
        0.05,
        True,
        200,
    ),
    "layer norm for small weights": Case(
        "vanishing",
        "normalization",
        lambda: on_rows(scaled(deep(8, nn.ReLU), 0.1)),
        lambda: on_rows(scaled(deep(8, nn.ReLU, 64, nn.LayerNorm), 0.1)),
        0.01,
        True,
        300,
    ),
    "open forget gates": Case(
        "vanishing",
        "forget gates start open",
        lambda: through_time(last_state(nn.LSTM(8, 32, batch_first=True)), 100),
        lambda: through_time(last_state(open_lstm(100)), 100),
        2e-2,
        steps=300,
        good=0.7,
    ),
    "shorter sequences": Case(
        "vanishing",
        "shorter",
        lambda: through_time(last_state(nn.RNN(8, 32, batch_first=True)), 100),
        lambda: through_time(last_state(nn.RNN(8, 32, batch_first=True)), 8),
        3e-3,
        steps=100,
    ),
    "He's scale for large weights": Case(
        "exploding",
        "He's scale",
        lambda: on_rows(scaled(deep(20, nn.ReLU), 3)),
        lambda: on_rows(he(deep(20, nn.ReLU))),
        1e-2,
        True,
        200,
    ),
    "layers normalised for large weights": Case(
        "exploding",
        "normalise the layers",
        lambda: on_rows(scaled(deep(20, nn.ReLU), 3)),
        lambda: on_rows(scaled(deep(20, nn.ReLU, 64, nn.LayerNorm), 3)),
        1e-2,
        True,
        200,
    ),
    "a radius of 1": Case(
        "exploding",
        "spectral radius 1",
        lambda: through_time(last_state(spinning(), 64), 40),
        lambda: through_time(last_state(round_one(), 64), 40),
        1e-3,
        steps=100,
    ),
    "skips for a deep batch norm": Case(
        "shattered",
        "skip connections",
        lambda: on_rows(he(deep(60, nn.ReLU, 64, nn.BatchNorm1d))),
        lambda: on_rows(residual(60)),
        1e-3,
        steps=40,
    ),
    "less deep": Case(
        "shattered",
        "less deep",
        lambda: on_rows(he(deep(60, nn.ReLU, 64, nn.BatchNorm1d))),
        lambda: on_rows(he(deep(6, nn.ReLU, 64, nn.BatchNorm1d))),
        1e-3,
        steps=40,
    ),
    "biases of 0": Case(
        "dead",
        "biases at 0",
        lambda: on_rows(scaled(deep(4, nn.ReLU), 2**0.5, -20.0)),
        lambda: on_rows(he(deep(4, nn.ReLU))),
    ),
    "leaky ReLU": Case(
        "dead",
        "leaky ReLU",
        lambda: on_rows(scaled(deep(2, nn.ReLU), 2**0.5, -20.0)),
        lambda: on_rows(scaled(deep(2, nn.LeakyReLU), 2**0.5, -20.0)),
        1e-2,
        steps=400,
    ),
    "inputs standardised for tanh": Case(
        "saturated", "Standardise the inputs", lambda: raw_tanh(), lambda: standardised(raw_tanh()), 1e-2, steps=150
    ),
    "Xavier's scale for tanh": Case(
        "saturated",
        "Xavier's scale",
        lambda: on_rows(scaled(deep(4, nn.Tanh), 50)),
        lambda: on_rows(xavier(deep(4, nn.Tanh))),
        3e-2,
        True,
        300,
    ),
    "batch norm before tanh": Case(
        "saturated",
        "normalization before",
        lambda: on_rows(scaled(deep(4, nn.Tanh), 50)),
        lambda: on_rows(scaled(deep(4, nn.Tanh, 64, nn.BatchNorm1d), 50)),
        3e-2,
        True,
        300,
    ),
    "inputs standardised for a flat answer": Case(
        "saturated",
        "Standardise the inputs",
        lambda: flat_answer(),
        lambda: standardised(flat_answer()),
        0.3,
        True,
        300,
    ),
    "the gradient let through": Case(
        "detached", "detach()", lambda: on_rows(cut(lambda h: h.detach())), lambda: on_rows(cut(lambda h: h))
    ),
    "unfrozen": Case(
        "detached",
        "requires_grad_(True)",
        lambda: on_rows(mlp(FEATURES, 64, CLASSES).requires_grad_(False)),
        lambda: on_rows(mlp(FEATURES, 64, CLASSES).requires_grad_(True)),
    ),
    "state not detached": Case(
        "detached",
        "detach() inside the loop",
        lambda: among_noise(Net(detaching, **cell()), 14),
        lambda: among_noise(Net(carrying, **cell()), 14),
        1e-2,
        steps=100,
        good=0.9,
    ),
    "a ModuleList": Case(
        "unregistered", "nn.ModuleList", lambda: on_rows(shut(Listed(2))), lambda: on_rows(held(shut(Listed(2)))), 3e-3
    ),
    "weights drawn at random": Case(
        "symmetric",
        "at random",
        lambda: on_rows(constant(mlp(FEATURES, 64, 64, CLASSES, activation=nn.Tanh), 0.1)),
        lambda: on_rows(xavier(mlp(FEATURES, 64, 64, CLASSES, activation=nn.Tanh))),
        3e-3,
        steps=60,
    ),
    "a sigmoid for a softmax over one": Case(
        "blocked",
        "one unit and a sigmoid",
        lambda: binary(seq(mlp(FEATURES, 64, 1), nn.Softmax(-1)), F.binary_cross_entropy),
        lambda: binary(mlp(FEATURES, 64, 1), F.binary_cross_entropy_with_logits),
    ),
    "dropout below 1": Case(
        "blocked", "between 0 and 0.5", lambda: on_rows(dropping(1.0)), lambda: on_rows(dropping(0.3))
    ),
    "targets standardised": Case(
        "data",
        "Standardise the targets",
        lambda: numbers(mlp(FEATURES, 64, 1), scale=1e6),
        lambda: standardised(numbers(mlp(FEATURES, 64, 1), scale=1e6)),
    ),
    "one shape": Case(
        "loss",
        "targets.unsqueeze(-1)",
        lambda: numbers(mlp(FEATURES, 64, 1), flat=True),
        lambda: numbers(mlp(FEATURES, 64, 1)),
    ),
    "no sigmoid behind the last layer": Case(
        "loss",
        "Leave out the sigmoid",
        lambda: numbers(seq(mlp(FEATURES, 64, 1), nn.Sigmoid()), shift=30.0),
        lambda: numbers(mlp(FEATURES, 64, 1), shift=30.0),
        3e-2,
        steps=400,
    ),
    "targets in the range of a sigmoid": Case(
        "loss",
        "scale the targets into its range",
        lambda: numbers(seq(mlp(FEATURES, 64, 1), nn.Sigmoid()), shift=30.0),
        lambda: numbers(seq(mlp(FEATURES, 64, 1), nn.Sigmoid()), scale=0.1, shift=0.5),
        3e-2,
        steps=400,
    ),
    "log_softmax for nll_loss": Case(
        "loss",
        "log_softmax of the logits",
        lambda: by_heart(mlp(FEATURES, 64, CLASSES)),
        lambda: by_heart(seq(mlp(FEATURES, 64, CLASSES), nn.LogSoftmax(1))),
        1e-2,
    ),
    "labels of 0 and 1": Case(
        "loss",
        "(y + 1) / 2",
        lambda: signed(-1.0),
        lambda: signed(0.0),
    ),
    "logits for cross entropy": Case(
        "loss",
        "logits to cross_entropy",
        lambda: on_rows(
            seq(mlp(FEATURES, 64, CLASSES), nn.Softmax(0)), lambda out, y: F.nll_loss((out + 1e-9).log(), y)
        ),
        lambda: on_rows(mlp(FEATURES, 64, CLASSES)),
        3e-3,
        alone=True,
    ),
    "a loss without flat parts": Case(
        "loss",
        "cross entropy",
        lambda: on_rows(mlp(FEATURES, 64, CLASSES), hinge_that_is_met),
        lambda: on_rows(mlp(FEATURES, 64, CLASSES)),
    ),
    "an eps in the logarithm": Case("non-finite", "eps", lambda: on_rows(log_of(0.0)), lambda: on_rows(log_of(1e-2))),
    "inputs without gaps": Case(
        "non-finite", "gaps in the inputs", lambda: with_gap(False, "inputs"), lambda: with_gap(True, "inputs")
    ),
    "targets without gaps": Case(
        "non-finite", "gaps in the targets", lambda: with_gap(False, "targets"), lambda: with_gap(True, "targets")
    ),
    "targets that count": Case(
        "non-finite",
        "Every target is ignore_index",
        lambda: (mlp(FEATURES, 64, CLASSES), F.cross_entropy, rows(64)[0], torch.full((64,), -100)),
        lambda: on_rows(mlp(FEATURES, 64, CLASSES)),
    ),
}


def round_one() -> nn.Module:
    """The identity, whose spectral radius is 1 (Le 2015)."""
    made: Any = spinning()
    nn.init.eye_(made.weight_hh_l0)
    return made


def raw_tanh() -> tuple[nn.Module, Loss, Any, Any]:
    inputs, targets = rows(64)
    return mlp(FEATURES, 64, 64, CLASSES, activation=nn.Tanh), F.cross_entropy, 20 * inputs + 5000, targets


def flat_answer() -> tuple[nn.Module, Loss, Any, Any]:
    return binary(seq(mlp(FEATURES, 64, 1), nn.Sigmoid()), F.mse_loss, 1e4)


def cut(how: Callable[[Tensor], Tensor]) -> nn.Module:
    return seq(nn.Linear(FEATURES, 2), nn.Tanh(), Fn(how), nn.Linear(2, CLASSES))


def shut(model: Listed) -> Listed:
    """Layers that let hardly anything through as they begin, so that they have to be trained."""
    for layer in model.layers:
        nn.init.normal_(layer.weight, std=1e-3)
        nn.init.zeros_(layer.bias)
    return model


def dropping(p: float) -> nn.Module:
    return seq(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, CLASSES))


QUICK = {
    "weights drawn at random",
    "one shape",
    "unfrozen",
    "targets that count",
    "dropout below 1",
    "biases of 0",
}
"""The others train longer."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_the_remedy_is_named_and_helps(name: str) -> None:
    case = CASES[name]
    torch.manual_seed(0)
    sick = case.sick()
    findings = [
        each for each in diagnose(*copy.deepcopy(sick[:1]), *sick[1:]).findings[:2] if each.verdict == case.verdict
    ]
    assert findings and case.remedy in findings[0].remedy
    before, after = trained(case.sick, case), trained(case.cured, case)
    assert before < case.good - 0.15, f"{before:.2f} right before: it learns as it is"
    assert after >= case.good, f"{after:.2f} right after, {before:.2f} before"
    torch.manual_seed(0)
    cured = diagnose(*case.cured())
    assert case.verdict not in [finding.verdict for finding in cured.findings], str(cured)


def test_every_illness_has_a_remedy_that_was_tried() -> None:
    assert {case.verdict for case in CASES.values()} == set(VERDICTS) - {"healthy", "not examined"}
