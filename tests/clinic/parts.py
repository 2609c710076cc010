"""What the clinic's networks are made of: blocks and data, small enough that a hundred of them run in a minute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Example = tuple[nn.Module, Callable[[Any, Any], Tensor], Any, Any]
Make = Callable[[], Example]
Step = Callable[[], float]
Begin = Callable[[Example], Step]

CLASSES, VOCABULARY, LENGTH, FEATURES = 5, 30, 16, 20


def entering(ward: dict[str, Any]) -> Callable[..., Callable[[Make], Make]]:
    """A decorator that enters what makes a network in a ward: by its name, with the verdicts that are right if sick."""

    def named(name: str, verdicts: str = "") -> Callable[[Make], Make]:
        def enter(make: Make) -> Make:
            assert name not in ward, name
            ward[name] = (tuple(verdicts.split()), make) if verdicts else make
            return make

        return enter

    return named


def loss_of(example: Example) -> Tensor:
    """The loss of a network on its batch."""
    model, loss_function, inputs, targets = example
    return loss_function(model(*inputs) if isinstance(inputs, tuple) else model(inputs), targets)


class Fn(nn.Module):
    """A function of torch as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class Net(nn.Module):
    """Named parts, and a function that runs them: `Net(lambda m, x: m.out(m.body(x)), body=…, out=…)`."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = run

    def forward(self, *inputs: Any) -> Any:
        return self.run(self, *inputs)


class Skip(nn.Module):
    """x + branch(x), or what `join` makes of both."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None, last: nn.Module | None = None) -> None:
        super().__init__()
        self.branch, self.shortcut, self.last = branch, shortcut or nn.Identity(), last or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.shortcut(x) + self.branch(x))


class Scale(nn.Module):
    """LayerScale: a learned factor for each channel, the last axis or the second."""

    def __init__(self, width: int, value: float, channels_first: bool = False) -> None:
        super().__init__()
        self.gamma = nn.Parameter(value * torch.ones(width, 1, 1) if channels_first else value * torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * x


class RMSNorm(nn.Module):
    """Zhang 2019."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


class Attention(nn.Module):
    """Softmax attention by hand; `causal`, or over keys of its own in `context`."""

    def __init__(self, width: int, heads: int = 4, causal: bool = False, linear: bool = False, rotary: bool = False):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.heads, self.causal, self.linear, self.rotary = heads, causal, linear, rotary

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        c = x if context is None else context
        q, k, v = (
            m(t).unflatten(-1, (self.heads, -1)).transpose(1, 2) for m, t in ((self.q, x), (self.k, c), (self.v, c))
        )
        if self.rotary:
            q, k = rotated(q), rotated(k)
        if self.linear:
            q, k = F.elu(q) + 1, F.elu(k) + 1
            mixed = q @ (k.transpose(-1, -2) @ v) / (q @ k.sum(-2, keepdim=True).transpose(-1, -2))
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            if self.causal:
                scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
            mixed = scores.softmax(-1) @ v
        return self.o(mixed.transpose(1, 2).flatten(2))


def rotated(x: Tensor) -> Tensor:
    """Rotary position embedding (Su 2021)."""
    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2])[:, None] * 10000 ** (-torch.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1)


class GatedFeed(nn.Module):
    """SwiGLU and its kin (Shazeer 2020)."""

    def __init__(self, width: int, gate: Callable[[Tensor], Tensor] = F.silu) -> None:
        super().__init__()
        self.a, self.b, self.o = nn.Linear(width, 2 * width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        return self.o(self.gate(self.a(x)) * self.b(x))


class SqueezeExcite(nn.Module):
    """Hu 2017."""

    def __init__(self, width: int, gate: Callable[[Tensor], Tensor] = torch.sigmoid) -> None:
        super().__init__()
        self.a, self.b, self.gate = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1), gate

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.b(F.relu(self.a(x.mean((2, 3), keepdim=True)))))


def seq(*parts: Any) -> nn.Sequential:
    """A Sequential of modules, functions and lists of them."""
    flat: list[nn.Module] = []
    for part in parts:
        for each in part if isinstance(part, list | tuple) else [part]:
            flat.append(each if isinstance(each, nn.Module) else Fn(each))
    return nn.Sequential(*flat)


def feed(width: int, activation: Any = nn.GELU, times: int = 2) -> nn.Module:
    return seq(nn.Linear(width, times * width), activation(), nn.Linear(times * width, width))


def mlp(*widths: int, activation: Any = nn.ReLU, norm: Any = None) -> nn.Sequential:
    """Linear layers of these widths, an activation between them."""
    parts: list[Any] = []
    for place, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
        parts.append(nn.Linear(a, b))
        if place < len(widths) - 2:
            parts += ([norm(b)] if norm else []) + [activation()]
    return seq(parts)


def conv(
    a: int, b: int, k: int = 3, s: int = 1, g: int = 1, *, norm: Any = nn.BatchNorm2d, act: Any = nn.ReLU
) -> list[nn.Module]:
    """Convolution, norm and activation, each but the first may be None."""
    layer = nn.Conv2d(a, b, k, s, k // 2, groups=g, bias=norm is None)
    return [layer, *([norm(b)] if norm else []), *([act()] if act else [])]


def head(width: int, classes: int = CLASSES) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]


def first(x: Tensor) -> Tensor:
    """The first token."""
    return x[:, 0]


def mean(x: Tensor) -> Tensor:
    """The mean of the tokens."""
    return x.mean(1)


def he(model: nn.Module, mode: str = "fan_out") -> nn.Module:
    """He's initialization of all convolutions."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
    return model


def small(model: nn.Module, std: float = 0.1) -> nn.Module:
    """All matrices from a normal distribution, biases 0, as BERT and GPT have it: 0.02 at width 768 is 0.1 at 32."""
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=std)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
    return model


# Data ----------------------------------------------------------------------------------------------------------------


def images(channels: int = 3, size: int = 16, batch: int = 16) -> tuple[Tensor, Tensor]:
    """Noise around a pattern for each class, learnable."""
    y = torch.randint(0, CLASSES, (batch,))
    patterns = torch.randn(CLASSES, channels, size, size)
    return patterns[y] + torch.randn(batch, channels, size, size), y


def rows(batch: int = 32) -> tuple[Tensor, Tensor]:
    y = torch.randint(0, CLASSES, (batch,))
    return torch.randn(CLASSES, FEATURES)[y] + 0.5 * torch.randn(batch, FEATURES), y


def tokens(batch: int = 8, length: int = LENGTH) -> Tensor:
    return torch.randint(0, VOCABULARY, (batch, length))


def texts(batch: int = 8, length: int = LENGTH) -> tuple[Tensor, Tensor]:
    """Texts whose words come from their class' part of the vocabulary."""
    y = torch.randint(0, CLASSES, (batch,))
    return torch.randint(0, VOCABULARY // CLASSES, (batch, length)) + VOCABULARY // CLASSES * y[:, None], y


def series(batch: int = 16, length: int = LENGTH) -> tuple[Tensor, Tensor]:
    y = torch.randint(0, CLASSES, (batch,))
    return torch.randn(batch, length, 8) + torch.randn(CLASSES, 8)[y][:, None], y


def classify(model: nn.Module, data: Callable[[], tuple[Tensor, Tensor]] = images) -> Example:
    return model, F.cross_entropy, *data()


def rebuild(model: nn.Module, inputs: Tensor, loss: Callable[[Any, Any], Tensor] = F.mse_loss) -> Example:
    return model, loss, inputs, inputs


def language(model: nn.Module) -> Example:
    x = tokens()
    return model, lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()), x, x.roll(-1, 1)
