"""Networks that don't learn, and why: rebuilt from public reports and by mutation of those that do.

`SICK` maps a name to the verdicts that are right (one of them has to be named first or second) and a function that
makes model, loss function, inputs and targets. `FAULTY` and `CONTROLS` are the nets of a research benchmark on two
circles and three blobs, five units a layer, with the defaults of Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.clinic.parts import (
    CLASSES,
    FEATURES,
    VOCABULARY,
    Fn,
    Make,
    Net,
    Skip,
    classify,
    conv,
    head,
    mlp,
    rows,
    seq,
    tokens,
)

SICK: dict[str, tuple[tuple[str, ...], Make]] = {}


def add(name: str, verdicts: str, make: Make) -> None:
    assert name not in SICK, name
    SICK[name] = tuple(verdicts.split()), make


def scaled(model: nn.Module, gain: float, bias: float | None = 0.0) -> nn.Module:
    """Normal weights of standard deviation gain / √fan_in."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.normal_(module.weight, std=gain / math.sqrt(module.weight[0].numel()))
            if module.bias is not None and bias is not None:
                nn.init.constant_(module.bias, bias)
    return model


def deep(depth: int, activation: Any, width: int = 64, norm: Any = None) -> nn.Sequential:
    return mlp(FEATURES, *[width] * depth, CLASSES, activation=activation, norm=norm)


def on_rows(make: Callable[[], nn.Module]) -> Make:
    return lambda: classify(make(), rows)


# Vanishing, exploding, shattered, dead, saturated --------------------------------------------------------------------

for depth in (6, 8, 12, 20, 40):
    add(f"sigmoid, default, {depth}", "vanishing", on_rows(lambda d=depth: deep(d, nn.Sigmoid)))
for depth in (14, 24):
    add(f"tanh, default, {depth}", "vanishing", on_rows(lambda d=depth: deep(d, nn.Tanh)))
for depth in (12, 20, 40):
    add(f"ReLU, default, {depth}", "vanishing dead", on_rows(lambda d=depth: deep(d, nn.ReLU)))
for std in (0.01, 0.05, 0.2):
    add(f"ReLU, gain {std}, 8", "vanishing", on_rows(lambda s=std: scaled(deep(8, nn.ReLU), s)))
add("softplus, small weights, 12", "vanishing", on_rows(lambda: scaled(deep(12, nn.Softplus), 0.3)))
add("hard sigmoid, 10", "vanishing", on_rows(lambda: deep(10, nn.Hardsigmoid)))
add("softsign, default, 30", "vanishing", on_rows(lambda: deep(30, nn.Softsign)))
add(
    "sigmoid LeNet",
    "vanishing",
    lambda: classify(
        seq(
            nn.Conv2d(3, 6, 5, 1, 2),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 3, 1, 1),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            mlp(256, 64, 32, 16, CLASSES, activation=nn.Sigmoid),
        )
    ),
)
add(
    "sigmoid convolutions, 10",
    "vanishing",
    lambda: classify(
        seq(
            conv(3, 16, norm=None, act=nn.Sigmoid),
            *(seq(conv(16, 16, norm=None, act=nn.Sigmoid)) for _ in range(9)),
            head(16),
        )
    ),
)
add(
    "plain convolutions, default, 24",
    "vanishing dead",
    lambda: classify(seq(conv(3, 16, norm=None), *(seq(conv(16, 16, norm=None)) for _ in range(23)), head(16))),
)
add(
    "sigmoid by F.linear",
    "vanishing",
    on_rows(
        lambda: Net(
            by_functions,
            w=nn.ParameterList(
                [torch.randn(b, a) / a**0.5 for a, b in zip([FEATURES] + [64] * 12, [64] * 12 + [CLASSES], strict=True)]
            ),
        )
    ),
)
add(
    "sigmoid, scripted", "vanishing", on_rows(lambda: seq(torch.jit.script(seq_of_sigmoid(12)), nn.Linear(64, CLASSES)))
)
add(
    "sigmoid by forward()",
    "vanishing",
    on_rows(
        lambda: Net(
            by_forward, layers=nn.ModuleList(nn.Linear(a, 64) for a in [FEATURES] + [64] * 11), o=nn.Linear(64, CLASSES)
        )
    ),
)
add(
    "sigmoid behind a dropout",
    "vanishing",
    on_rows(
        lambda: seq(
            *(seq(nn.Linear(a, 64), nn.Sigmoid(), nn.Dropout(0.2)) for a in [FEATURES] + [64] * 11),
            nn.Linear(64, CLASSES),
        )
    ),
)
add(
    "sigmoid autoencoder, deep",
    "vanishing",
    lambda: (
        mlp(FEATURES, 32, 32, 16, 16, 8, 16, 16, 32, 32, FEATURES, activation=nn.Sigmoid),
        F.mse_loss,
        x := rows()[0],
        x,
    ),
)


def by_functions(m: Any, h: Tensor) -> Tensor:
    for w in list(m.w)[:-1]:
        h = torch.sigmoid(F.linear(h, w))
    return F.linear(h, m.w[-1])


def by_forward(m: Any, h: Tensor) -> Tensor:
    for layer in m.layers:
        h = torch.sigmoid(layer.forward(h))
    return m.o(h)


def seq_of_sigmoid(depth: int) -> nn.Module:
    return nn.Sequential(*(part for a in [FEATURES] + [64] * (depth - 1) for part in (nn.Linear(a, 64), nn.Sigmoid())))


for gain, depth in ((3.0, 20), (3.0, 30), (5.0, 10), (5.0, 15), (8.0, 8)):
    add(f"ReLU of gain {gain:g}, {depth}", "exploding", on_rows(lambda d=depth, g=gain: scaled(deep(d, nn.ReLU), g)))
add("linear of gain 2, 20", "exploding", on_rows(lambda: scaled(deep(20, nn.Identity), 2)))
add("tanh of gain 3, 40", "exploding saturated", on_rows(lambda: scaled(deep(40, nn.Tanh, 128), 3)))
add(
    "convolutions of gain 3, 20",
    "exploding",
    lambda: classify(
        scaled(seq(conv(3, 16, norm=None), *(seq(conv(16, 16, norm=None)) for _ in range(19)), head(16)), 3)
    ),
)
add(
    "residual without norm, gain 2, 30",
    "exploding",
    on_rows(
        lambda: scaled(
            seq(
                nn.Linear(FEATURES, 64),
                *(Skip(seq(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))) for _ in range(30)),
                nn.Linear(64, CLASSES),
            ),
            2,
        )
    ),
)
for depth in (45, 60, 80):
    add(
        f"ReLU, batch norm, {depth}",
        "shattered exploding",
        on_rows(lambda d=depth: scaled(deep(d, nn.ReLU, 64, nn.BatchNorm1d), 2**0.5)),
    )
for bias, depth in ((-5.0, 4), (-10.0, 6), (-20.0, 3)):
    add(f"ReLU, bias {bias:g}, {depth}", "dead", on_rows(lambda b=bias, d=depth: scaled(deep(d, nn.ReLU), 2**0.5, b)))
add("one dead convolution", "dead", lambda: classify(dead_convolution()))
for gain in (20.0, 50.0):
    add(f"tanh of gain {gain:g}, 3", "saturated", on_rows(lambda g=gain: scaled(deep(3, nn.Tanh), g)))
    add(f"sigmoid of gain {3 * gain:g}, 4", "saturated", on_rows(lambda g=gain: scaled(deep(4, nn.Sigmoid), 3 * g)))
add(
    "raw pixels into tanh",
    "saturated",
    lambda: (
        mlp(64, 64, 64, CLASSES, activation=nn.Tanh),
        F.cross_entropy,
        255 * torch.rand(32, 64),
        torch.randint(0, CLASSES, (32,)),
    ),
)
add(
    "saturated sigmoid and MSE",
    "saturated",
    lambda: (
        seq(mlp(FEATURES, 64, 1), nn.Sigmoid()),
        F.mse_loss,
        1e3 * torch.rand(64, FEATURES),
        torch.randint(0, 2, (64, 1)).float(),
    ),
)


def dead_convolution() -> nn.Module:
    net = seq(conv(3, 16, norm=None), conv(16, 32, norm=None), conv(32, 32, norm=None), head(32))
    nn.init.constant_(net[2].bias, -50.0)
    return net


# Through time --------------------------------------------------------------------------------------------------------


def recall(length: int) -> tuple[Tensor, Tensor]:
    """What the first step says has to be told after the last; the rest is silence."""
    x, y = torch.zeros(32, length, 8), torch.randint(0, CLASSES, (32,))
    x[torch.arange(32), 0, y] = 1.0
    return x, y


for kind, length in ((nn.RNN, 80), (nn.LSTM, 150), (nn.GRU, 200)):
    add(
        f"recall over {length} steps, {kind.__name__}",
        "vanishing",
        lambda k=kind, n=length: classify(
            seq(k(8, 32, batch_first=True), lambda x: x[0][:, -1], nn.Linear(32, CLASSES)), lambda: recall(n)
        ),
    )


def detaching(m: Any, x: Tensor) -> Tensor:
    h = torch.zeros(len(x), 32)
    for step in range(x.shape[1]):
        h = m.c(x[:, step], h.detach())
    return m.o(h)


add(
    "state detached at each step",
    "detached",
    lambda: classify(Net(detaching, c=nn.GRUCell(8, 32), o=nn.Linear(32, CLASSES)), lambda: recall(12)),
)
add(
    "RNN of radius 2.5",
    "exploding",
    lambda: classify(seq(spinning(), lambda x: x[0][:, -1], nn.Linear(64, CLASSES)), lambda: recall(40)),
)


def spinning() -> nn.Module:
    cell = nn.RNN(8, 64, batch_first=True, nonlinearity="relu")
    nn.init.normal_(cell.weight_hh_l0, std=2.5 / 8)
    return cell


# What is cut off, forgotten or the same ------------------------------------------------------------------------------


def cut(how: Callable[[Tensor], Tensor]) -> Make:
    return on_rows(lambda: seq(nn.Linear(FEATURES, 64), nn.ReLU(), Fn(how), nn.Linear(64, CLASSES)))


add("cut by detach", "detached", cut(lambda h: h.detach()))
add("cut by numpy", "detached", cut(lambda h: torch.from_numpy(h.detach().numpy().copy())))
add("cut by a threshold", "detached", cut(lambda h: (h > 0).float()))
add(
    "cut by argmax",
    "detached",
    lambda: (mlp(FEATURES, 64, CLASSES), lambda out, y: (out.argmax(1) != y).float().mean(), *rows()),
)
add("all frozen", "detached", on_rows(lambda: mlp(FEATURES, 64, CLASSES).requires_grad_(False)))
add(
    "one of two parameters cut",
    "detached",
    on_rows(
        lambda: Net(
            lambda m, x: m.o(F.relu(x @ m.a + x @ m.b.detach())),
            a=nn.Parameter(torch.randn(FEATURES, 64) / 5),
            b=nn.Parameter(torch.randn(FEATURES, 64) / 5),
            o=nn.Linear(64, CLASSES),
        )
    ),
)


class Listed(nn.Module):
    """Layers in a list of Python's."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers, self.o = (
            [nn.Linear(FEATURES if place == 0 else 64, 64) for place in range(depth)],
            nn.Linear(64, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.o(x)


for depth in (1, 2, 4):
    add(f"{depth} layers in a list", "unregistered", on_rows(lambda d=depth: Listed(d)))
for activation in (nn.ReLU, nn.Tanh, nn.Sigmoid):
    for value in (0.0, 0.1):
        add(
            f"weights of {value:g}, {activation.__name__}",
            "symmetric",
            on_rows(lambda a=activation, v=value: constant(mlp(FEATURES, 64, 64, CLASSES, activation=a), v)),
        )


def constant(model: nn.Module, value: float) -> nn.Module:
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


add(
    "dropout of 1",
    "blocked",
    on_rows(lambda: seq(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Dropout(1.0), nn.Linear(64, CLASSES))),
)
add(
    "softmax over one unit",
    "blocked loss",
    lambda: (seq(mlp(FEATURES, 64, 1), nn.Softmax(-1)), F.binary_cross_entropy, x := rows()[0], (x[:, :1] > 0).float()),
)
add(
    "a product with 0",
    "blocked",
    on_rows(lambda: seq(nn.Linear(FEATURES, 64), nn.Tanh(), Fn(lambda x: 0.0 * x), nn.Linear(64, CLASSES))),
)

# Data and loss -------------------------------------------------------------------------------------------------------

for size in (1e5, 1e10):
    add(f"targets of {size:g}", "data", lambda s=size: (mlp(FEATURES, 64, 1), F.mse_loss, x := rows()[0], s * x[:, :1]))
add(
    "cubes of raw numbers",
    "data",
    lambda: (mlp(1, 50, 1), F.mse_loss, x := torch.randint(1, 4000, (64, 1)).float(), x**3),
)
add("(N, 1) with (N,)", "loss", lambda: (mlp(FEATURES, 64, 1), F.mse_loss, x := rows()[0], x[:, 0]))
add(
    "(N,) with (N, 1), by hand",
    "loss",
    lambda: (
        seq(mlp(FEATURES, 64, 1), lambda x: x[:, 0]),
        lambda out, y: (out - y).square().mean(),
        x := rows()[0],
        x[:, :1],
    ),
)
add(
    "softmax over the batch",
    "loss",
    lambda: (seq(mlp(FEATURES, 64, CLASSES), nn.Softmax(0)), lambda out, y: F.nll_loss((out + 1e-9).log(), y), *rows()),
)
add(
    "all margins met",
    "loss",
    lambda: (mlp(FEATURES, 64, 16), lambda z, _: F.relu(z.sum(1) * 0 - 1).mean(), rows()[0], None),
)

# Not finite ----------------------------------------------------------------------------------------------------------


def spoiled(where: str) -> Any:
    model, loss, x, y = mlp(FEATURES, 64, 1), F.mse_loss, rows()[0], torch.randn(32, 1)
    if where == "inputs":
        x[3, 4] = math.nan
    elif where == "targets":
        y[3] = math.nan
    else:
        model[0].weight.data[0, 0] = math.inf
    return model, loss, x, y


for place in ("inputs", "targets", "weights"):
    add(f"nan in the {place}", "non-finite", lambda p=place: spoiled(p))
add(
    "log of a ReLU",
    "non-finite",
    on_rows(lambda: seq(nn.Linear(FEATURES, 64), nn.ReLU(), Fn(torch.log), nn.Linear(64, CLASSES))),
)
add(
    "root of 0",
    "non-finite",
    lambda: (mlp(FEATURES, 64, 16), lambda z, _: (z - z.detach()).square().sum().sqrt(), rows()[0], None),
)
add(
    "division by a spread of 0",
    "non-finite",
    on_rows(lambda: seq(Fn(lambda x: (x - x) / (x - x).std(0)), mlp(FEATURES, 64, CLASSES))),
)
add(
    "overflow in half precision",
    "non-finite",
    lambda: (scaled(deep(8, nn.ReLU), 6).half(), F.cross_entropy, (x := rows())[0].half(), x[1]),
)
add(
    "overflow of exp",
    "non-finite",
    on_rows(lambda: seq(nn.Linear(FEATURES, 64), Fn(lambda x: torch.exp(200 * x)), nn.Linear(64, CLASSES))),
)
add(
    "all labels ignored",
    "non-finite",
    lambda: (mlp(FEATURES, 64, CLASSES), F.cross_entropy, rows()[0], torch.full((32,), -100)),
)
add(
    "a row that is masked whole",
    "non-finite",
    lambda: (
        Net(
            lambda m, x: m.o(
                (m.e(x) @ m.e(x).transpose(1, 2)).masked_fill(torch.ones(16, 16).triu().bool(), -math.inf).softmax(-1)
                @ m.e(x)
            ),
            e=nn.Embedding(VOCABULARY, 16),
            o=nn.Linear(16, VOCABULARY),
        ),
        lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
        x := tokens(),
        x,
    ),
)


# The research benchmark ----------------------------------------------------------------------------------------------


def circles() -> tuple[Tensor, Tensor]:
    """Two circles of 350 points, the inner one of radius 0.8, noise 0.1."""
    angle = torch.linspace(0, 2 * math.pi, 350)
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    return torch.cat([ring, 0.8 * ring]) + 0.1 * torch.randn(700, 2), torch.cat(
        [torch.zeros(350, 1), torch.ones(350, 1)]
    )


def blobs() -> tuple[Tensor, Tensor]:
    """Three blobs of spread 1 whose centres are drawn from −10 … 10."""
    y = torch.arange(699) % 3
    return (20 * torch.rand(3, 2) - 10)[y] + torch.randn(699, 2), y


def of_five(depth: int, activation: Any, init: str, data: str) -> Any:
    classes = 1 if data == "circles" else 3
    parts: list[Any] = []
    for a in [2] + [5] * (depth - 1):
        layer = nn.Linear(a, 5)
        draw = {
            "glorot": nn.init.xavier_uniform_,
            "he": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
            "small": lambda w: nn.init.uniform_(w, -0.05, 0.05),
        }[init]
        draw(layer.weight)
        nn.init.zeros_(layer.bias)
        parts += [layer, activation()]
    out = nn.Linear(5, classes)
    (nn.init.xavier_uniform_ if init != "small" else lambda w: nn.init.uniform_(w, -0.05, 0.05))(out.weight)
    nn.init.zeros_(out.bias)
    if data == "circles":
        return seq(parts, out, nn.Sigmoid()), F.binary_cross_entropy, *circles()
    return seq(parts, out), F.cross_entropy, *blobs()


class Exponential(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


FAULTY: dict[str, Make] = {}
CONTROLS: dict[str, Make] = {}
FIVES: list[tuple[str, Any, str, tuple[int, ...]]] = [
    ("circles", nn.Sigmoid, "glorot", (12, 12, 13, 13, 14)),
    ("circles", nn.ReLU, "small", (8, 8, 8, 9)),
    ("circles", Exponential, "glorot", (8, 9, 10, 11, 8, 9, 10, 11)),
    ("circles", nn.ReLU, "he", (15, 16, 17)),
    ("blobs", nn.Sigmoid, "glorot", (12, 12, 13)),
    ("blobs", nn.ReLU, "small", (8, 9)),
    ("blobs", Exponential, "glorot", (8, 8, 9, 9, 10)),
    ("blobs", nn.ReLU, "glorot", (15,)),
]
for data, activation, init, depths in FIVES:
    for number, depth in enumerate(depths):
        FAULTY[f"{data}, {activation.__name__}, {init}, {depth} layers, {number}"] = (
            lambda d=depth, a=activation, i=init, k=data: of_five(d, a, i, k)
        )
TANHS: dict[str, tuple[int, ...]] = {
    "circles": (5, 6, 7, 8, 9, 10, 11, 13, 15, 17),
    "blobs": (5, 6, 7, 8, 9, 11, 13, 15, 17),
}
for data, depths in TANHS.items():
    for depth in depths:
        CONTROLS[f"{data}, tanh, {depth} layers"] = lambda d=depth, k=data: of_five(d, nn.Tanh, "glorot", k)
