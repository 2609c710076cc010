"""Networks with a known state of health, written small by hand: what the doctor is tested on.

`CASES` maps a name to the verdict that is right and a function that makes model, loss function, inputs and targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.datasets import digit_rows

SLOW = {
    "ResNet of 20, zero-initialised",
    "ResNet of 56",
    "ReLU, He, 60 layers",
    "sigmoid, default, 100 x 64",
    "residual, pre-batch-norm, 25 blocks",
    "ReLU with batch norm, 80 x 64",
    "tanh with batch norm, 120 x 64",
    "convolutions with batch norm, 60",
    "GPT of 12 blocks",
    "MLP-mixer of 12 blocks",
    "tanh, orthogonal, 50 layers",
    "ReLU with batch norm, 50 x 128",
    "GRU cell in a loop, 150 steps, recall",
    "convolutions, one layer dead",
    "convolutions of gain 3, 20",
    "convolutions, default, 24",
    "transformer encoder of 12",
}
"""These take longer and run with the slow tests."""

Example = tuple[nn.Module, Callable[[Any, Any], Tensor], Any, Any]
CASES: dict[str, tuple[str, Callable[[], Example]]] = {}


def case(verdict: str, name: str, make: Callable[[], Example]) -> None:
    assert name not in CASES, name
    CASES[name] = verdict, make


def digits(batch: int = 64) -> tuple[Tensor, Tensor]:
    rows, labels = digit_rows(batch)
    return torch.tensor(rows, dtype=torch.float32), torch.tensor(labels)


def images(batch: int = 32, channels: int = 3, size: int = 16) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, channels, size, size), torch.randint(0, 10, (batch,))


def tokens(batch: int = 8, length: int = 24, vocabulary: int = 50) -> tuple[Tensor, Tensor]:
    return torch.randint(0, vocabulary, (batch, length)), torch.randint(0, vocabulary, (batch, length))


def sequences(batch: int = 32, length: int = 20, features: int = 8) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, length, features), torch.randint(0, 10, (batch,))


# Fully connected -----------------------------------------------------------------------------------------------------

Init = Callable[[Tensor], Any]


def he(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def scaled(gain: float) -> Init:
    """Standard deviation gain / sqrt(fan_in)."""
    return lambda weight: nn.init.normal_(weight, std=gain / math.sqrt(weight[0].numel()))


def mlp(
    depth: int,
    width: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    init: Init | None = None,
    *,
    bias: float | None = None,
    norm: Callable[[int], nn.Module] | None = None,
    features: int = 64,
    classes: int = 10,
) -> nn.Sequential:
    """`init` None is PyTorch's own; else biases begin at `bias` or 0."""
    modules: list[nn.Module] = []
    for layer in range(depth):
        linear = nn.Linear(features if layer == 0 else width, width)
        if init is not None:
            init(linear.weight)
            nn.init.constant_(linear.bias, bias or 0.0)
        modules += [linear, *([norm(width)] if norm else []), activation()]
    return nn.Sequential(*modules, nn.Linear(width, classes))


def on_digits(make: Callable[[], nn.Module]) -> Callable[[], Example]:
    return lambda: (make(), F.cross_entropy, *digits())


# Healthy, and well known ---------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """x + branch(x), as in every network with skips; `scale` is on the branch."""

    def __init__(self, branch: nn.Module, scale: float = 1.0) -> None:
        super().__init__()
        self.branch, self.scale = branch, scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.branch(x)


def plain_cnn(norm: bool = False, channels: int = 16) -> nn.Module:
    """Three convolutions, pooled in between, and a linear read-out."""

    def block(before: int, after: int) -> list[nn.Module]:
        norms = [nn.BatchNorm2d(after)] if norm else []
        return [nn.Conv2d(before, after, 3, padding=1), *norms, nn.ReLU(), nn.MaxPool2d(2)]

    parts = block(3, channels) + block(channels, 2 * channels) + block(2 * channels, 2 * channels)
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(2 * channels * 4, 10))


class LeNet(nn.Module):
    """LeCun 1998 in its modern form: ReLU and max-pooling called as functions."""

    def __init__(self, squash: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.squash = squash

    def forward(self, x: Tensor) -> Tensor:
        phi, pool = (torch.tanh, F.avg_pool2d) if self.squash else (F.relu, F.max_pool2d)
        x = pool(phi(self.conv1(x)), 2)
        x = pool(phi(self.conv2(x)), 2).flatten(1)
        return self.fc3(phi(self.fc2(phi(self.fc1(x)))))


def vgg(norm: bool, convolutions: int = 8) -> nn.Module:
    """Simonyan 2014: 3 × 3 convolutions, He's initialization as in its public versions."""
    parts: list[nn.Module] = []
    channels = 3
    for layer in range(convolutions):
        after = 16 * 2 ** (3 * layer // convolutions)
        convolution = nn.Conv2d(channels, after, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(convolution.bias)
        parts += [convolution, *([nn.BatchNorm2d(after)] if norm else []), nn.ReLU(inplace=True)]
        if layer % (convolutions // 4) == convolutions // 4 - 1:
            parts.append(nn.MaxPool2d(2))
        channels = after
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(channels, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 10))


class BasicBlock(nn.Module):
    """He 2015, figure 2, with a projection where the size changes."""

    def __init__(self, before: int, after: int, stride: int, zero: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        if zero:
            nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + self.shortcut(x))


def resnet(blocks: int = 3, width: int = 16, zero: bool = False) -> nn.Module:
    """Three stages of `blocks` blocks: 6 · blocks + 2 layers; `zero` begins with branches of 0 (Goyal 2017)."""
    parts: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    before = width
    for stage in range(3):
        for block in range(blocks):
            after = width * 2**stage
            parts.append(BasicBlock(before, after, 2 if stage and not block else 1, zero))
            before = after
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model


class Recurrent(nn.Module):
    """A recurrent module and a read-out of its last state, or of all."""

    def __init__(self, kind: type[nn.RNNBase], hidden: int = 32, last: bool = True, **options: Any) -> None:
        super().__init__()
        self.cell = kind(8, hidden, batch_first=True, **options)
        self.readout = nn.Linear(hidden * (2 if options.get("bidirectional") else 1), 10)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x)
        return self.readout(states[:, -1] if self.last else states.mean(dim=1))


class LanguageLSTM(nn.Module):
    """Embedding, two LSTM layers with dropout, logits for every next token; the weights of both ends are one."""

    def __init__(self, vocabulary: int = 50, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, width, num_layers=2, dropout=0.2, batch_first=True)
        self.decoder = nn.Linear(width, vocabulary)
        self.decoder.weight = self.embedding.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.lstm(self.embedding(x))[0])


class CellByHand(nn.Module):
    """An nn.LSTMCell in a Python loop: a module called once for every step."""

    def __init__(self, kind: Callable[[int, int], nn.Module] = nn.LSTMCell, hidden: int = 32) -> None:
        super().__init__()
        self.cell: nn.Module = kind(8, hidden)
        self.readout = nn.Linear(hidden, 10)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], state)
        return self.readout(state[0] if isinstance(state, tuple) else state)


class Encoder(nn.Module):
    """torch's transformer encoder over tokens, a mean, a class."""

    def __init__(self, layers: int = 4, width: int = 32, **options: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, width)
        self.position = nn.Parameter(0.02 * torch.randn(64, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.readout = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embedding(x) + self.position[: x.shape[1]]
        return self.readout(self.encoder(h).mean(dim=1))


class SelfAttention(nn.Module):
    """Causal attention by hand: one matrix for queries, keys and values together or three."""

    def __init__(self, width: int, heads: int, together: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width) if together else None
        if not together:
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.projection = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).chunk(3, -1) if self.qkv else (self.query(x), self.key(x), self.value(x))
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        mask = torch.ones(length, length, dtype=torch.bool).tril()
        mixed = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1) @ v
        return self.projection(mixed.transpose(1, 2).reshape(batch, length, width))


class GPT(nn.Module):
    """Radford 2019 in small: pre-norm blocks, GELU, std 0.02, branches scaled by depth, tied ends."""

    def __init__(self, blocks: int = 4, width: int = 32, *, together: bool = True, gpt_init: bool = True) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(50, width), nn.Embedding(64, width)
        parts: list[nn.Module] = []
        for _ in range(blocks):
            attention = nn.Sequential(nn.LayerNorm(width), SelfAttention(width, 4, together))
            feed = nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )
            parts += [Residual(attention), Residual(feed)]
        self.blocks, self.norm = nn.Sequential(*parts), nn.LayerNorm(width)
        self.head = nn.Linear(width, 50, bias=False)
        self.head.weight = self.token.weight
        if gpt_init:
            for name, parameter in self.named_parameters():
                if parameter.dim() > 1:
                    last = "projection" in name or name.endswith("1.3.weight")
                    nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * blocks) if last else 1))

    def forward(self, x: Tensor) -> Tensor:
        h = self.token(x) + self.position(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(h)))


def each_token(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Mixer(nn.Module):
    """Tolstikhin 2021: patches, then mixing of tokens and of channels in turn."""

    def __init__(self, blocks: int = 4, width: int = 32, patches: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 4, stride=4)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * blocks))
        self.across = nn.ModuleList(self.two_layers(patches) for _ in range(blocks))
        self.within = nn.ModuleList(self.two_layers(width) for _ in range(blocks))
        self.norm, self.readout = nn.LayerNorm(width), nn.Linear(width, 10)

    @staticmethod
    def two_layers(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x).flatten(2).transpose(1, 2)
        for block, (across, within) in enumerate(zip(self.across, self.within, strict=True)):
            h = h + across(self.norms[2 * block](h).transpose(1, 2)).transpose(1, 2)
            h = h + within(self.norms[2 * block + 1](h))
        return self.readout(self.norm(h).mean(dim=1))


class UNet(nn.Module):
    """Ronneberger 2015: down, up, and skips that carry the details across."""

    def __init__(self, width: int = 8, norm: bool = True) -> None:
        super().__init__()
        self.norm = norm
        self.down1, self.down2 = self.twice(3, width), self.twice(width, 2 * width)
        self.bottom = self.twice(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.join2, self.join1 = self.twice(4 * width, 2 * width), self.twice(2 * width, width)
        self.readout = nn.Conv2d(width, 2, 1)

    def twice(self, before: int, after: int) -> nn.Module:
        parts: list[nn.Module] = []
        for channels in (before, after):
            parts += [nn.Conv2d(channels, after, 3, padding=1)]
            parts += [nn.BatchNorm2d(after)] if self.norm else []
            parts += [nn.ReLU(inplace=True)]
        return nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        first = self.down1(x)
        second = self.down2(F.max_pool2d(first, 2))
        h = self.bottom(F.max_pool2d(second, 2))
        h = self.join2(torch.cat([self.up2(h), second], dim=1))
        return self.readout(self.join1(torch.cat([self.up1(h), first], dim=1)))


def autoencoder() -> Example:
    model = nn.Sequential(
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 8),
        nn.ReLU(),
        nn.Linear(8, 32),
        nn.ReLU(),
        nn.Linear(32, 64),
        nn.Sigmoid(),
    )
    pixels = torch.rand(64, 64)
    return model, F.mse_loss, pixels, pixels


def residual_mlp(blocks: int, scale: float, norm: type[nn.Module] | None = None) -> nn.Module:
    branches = [
        Residual(nn.Sequential(*([norm(64)] if norm else []), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64)), scale)
        for _ in range(blocks)
    ]
    return nn.Sequential(nn.Linear(64, 64), *branches, nn.Linear(64, 10))


class ReZero(nn.Module):
    """Bachlechner 2020: every branch begins with factor 0."""

    def __init__(self, blocks: int = 8) -> None:
        super().__init__()
        self.stem, self.readout = nn.Linear(64, 64), nn.Linear(64, 10)
        self.branches = nn.ModuleList(nn.Linear(64, 64) for _ in range(blocks))
        self.factors = nn.Parameter(torch.zeros(blocks))

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for branch, factor in zip(self.branches, self.factors, strict=True):
            h = h + factor * torch.relu(branch(h))
        return self.readout(h)


def classes_of(model: nn.Module, data: Callable[[], tuple[Tensor, Tensor]]) -> Example:
    return model, F.cross_entropy, *data()


HEALTHY: dict[str, Callable[[], Example]] = {
    "plain CNN": lambda: classes_of(plain_cnn(), images),
    "plain CNN with batch norm": lambda: classes_of(plain_cnn(norm=True), images),
    "plain CNN, wide": lambda: classes_of(plain_cnn(channels=48), images),
    "LeNet": lambda: classes_of(LeNet(), images),
    "LeNet with tanh and average pooling": lambda: classes_of(LeNet(squash=True), images),
    "VGG of 8": lambda: classes_of(vgg(norm=False), images),
    "VGG of 8 with batch norm": lambda: classes_of(vgg(norm=True), images),
    "VGG of 16 with batch norm": lambda: classes_of(vgg(norm=True, convolutions=16), images),
    "ResNet of 20": lambda: classes_of(resnet(), images),
    "ResNet of 56": lambda: classes_of(resnet(9, 8), lambda: images(8)),
    "ResNet of 20, zero-initialised": lambda: classes_of(resnet(zero=True), images),
    "LSTM": lambda: classes_of(Recurrent(nn.LSTM), sequences),
    "LSTM, two layers, both directions": lambda: classes_of(
        Recurrent(nn.LSTM, num_layers=2, bidirectional=True), sequences
    ),
    "LSTM over 50 steps": lambda: classes_of(Recurrent(nn.LSTM), lambda: sequences(length=50)),
    "LSTM over 150 steps, the clue all along": lambda: classes_of(Recurrent(nn.LSTM), lambda: sequences(length=150)),
    "LSTM, mean of all states": lambda: classes_of(Recurrent(nn.LSTM, last=False), lambda: sequences(length=100)),
    "LSTM cell in a loop": lambda: classes_of(CellByHand(), sequences),
    "GRU": lambda: classes_of(Recurrent(nn.GRU), sequences),
    "GRU cell in a loop": lambda: classes_of(CellByHand(nn.GRUCell), sequences),
    "RNN over 10 steps": lambda: classes_of(Recurrent(nn.RNN), lambda: sequences(length=10)),
    "LSTM language model, tied": lambda: (LanguageLSTM(), each_token, *tokens()),
    "transformer encoder": lambda: classes_of(Encoder(), lambda: (tokens()[0], torch.randint(0, 10, (8,)))),
    "transformer encoder, pre-norm, GELU": lambda: classes_of(
        Encoder(6, norm_first=True, activation="gelu"), lambda: (tokens()[0], torch.randint(0, 10, (8,)))
    ),
    "transformer encoder of 12": lambda: classes_of(Encoder(12), lambda: (tokens()[0], torch.randint(0, 10, (8,)))),
    "GPT": lambda: (GPT(), each_token, *tokens()),
    "GPT of 12 blocks": lambda: (GPT(12), each_token, *tokens()),
    "GPT, three matrices": lambda: (GPT(together=False), each_token, *tokens()),
    "GPT, PyTorch's own init": lambda: (GPT(gpt_init=False), each_token, *tokens()),
    "MLP-mixer": lambda: classes_of(Mixer(), images),
    "MLP-mixer of 12 blocks": lambda: classes_of(Mixer(12), images),
    "U-Net": lambda: (UNet(), F.cross_entropy, torch.randn(8, 3, 16, 16), torch.randint(0, 2, (8, 16, 16))),
    "U-Net without norm": lambda: (
        UNet(norm=False),
        F.cross_entropy,
        torch.randn(8, 3, 16, 16),
        torch.randint(0, 2, (8, 16, 16)),
    ),
    "autoencoder": autoencoder,
    "logistic regression": on_digits(lambda: nn.Linear(64, 10)),
    "one hidden layer, sigmoid": on_digits(lambda: mlp(1, 32, nn.Sigmoid)),
    "three sigmoid layers": on_digits(lambda: mlp(3, 64, nn.Sigmoid)),
    "sigmoid of gain 8, 20 layers": on_digits(lambda: mlp(20, 256, nn.Sigmoid, scaled(8))),
    "sigmoid with batch norm, 20 layers": on_digits(lambda: mlp(20, 64, nn.Sigmoid, scaled(1), norm=nn.BatchNorm1d)),
    "tanh, Xavier, 50 layers": on_digits(lambda: mlp(50, 128, nn.Tanh, scaled(1))),
    "ReLU, PyTorch's default, 4 layers": on_digits(lambda: mlp(4, 64)),
    "ReLU, He, 30 layers": on_digits(lambda: mlp(30, 128, nn.ReLU, he)),
    "ReLU, He, 60 layers": on_digits(lambda: mlp(60, 256, nn.ReLU, he)),
    "ReLU with batch norm, 20 layers": on_digits(lambda: mlp(20, 64, nn.ReLU, he, norm=nn.BatchNorm1d)),
    "ReLU with layer norm, 20 layers": on_digits(lambda: mlp(20, 64, nn.ReLU, he, norm=nn.LayerNorm)),
    "SELU, LeCun, 30 layers": on_digits(lambda: mlp(30, 64, nn.SELU, scaled(1))),
    "GELU, 4 layers": on_digits(lambda: mlp(4, 64, nn.GELU)),
    "leaky ReLU, He, 30 layers": on_digits(lambda: mlp(30, 64, nn.LeakyReLU, he)),
    "tanh, orthogonal, 50 layers": on_digits(lambda: mlp(50, 64, nn.Tanh, nn.init.orthogonal_)),
    "residual, default, 25 blocks": on_digits(lambda: residual_mlp(25, 1.0)),
    "residual, pre-layer-norm, 25 blocks": on_digits(lambda: residual_mlp(25, 1.0, nn.LayerNorm)),
    "residual, pre-batch-norm, 25 blocks": on_digits(lambda: residual_mlp(25, 1.0, nn.BatchNorm1d)),
    "ReZero": on_digits(ReZero),
}

for name, make in HEALTHY.items():
    case("healthy", name, make)


# Ill -----------------------------------------------------------------------------------------------------------------


def standard_normal(weight: Tensor) -> None:
    nn.init.normal_(weight)


for depth, width in ((6, 32), (10, 64), (30, 128), (100, 64)):
    case("vanishing", f"sigmoid, default, {depth} x {width}", on_digits(lambda d=depth, w=width: mlp(d, w, nn.Sigmoid)))
for depth, width in ((12, 64), (30, 32), (30, 256)):
    case("vanishing", f"ReLU, default, {depth} x {width}", on_digits(lambda d=depth, w=width: mlp(d, w)))
case("vanishing", "tanh, default, 20 × 64", on_digits(lambda: mlp(20, 64, nn.Tanh)))
case("vanishing", "ReLU, Xavier, 40 × 128", on_digits(lambda: mlp(40, 128, nn.ReLU, scaled(1))))
case("vanishing", "ReLU, weights of 0.01, 4 × 64", on_digits(lambda: mlp(4, 64, nn.ReLU, scaled(0.08))))
case("symmetric", "all zero, tanh", on_digits(lambda: mlp(4, 32, nn.Tanh, nn.init.zeros_)))


def recall(length: int) -> tuple[Tensor, Tensor]:
    """Sequences that differ in their first step only, which the answer is made of."""
    inputs, targets = torch.zeros(32, length, 8), torch.randint(0, 8, (32,))
    inputs[torch.arange(32), 0, targets] = 1.0
    return inputs, targets


case("vanishing", "LSTM over 150 steps, recall", lambda: classes_of(Recurrent(nn.LSTM), lambda: recall(150)))
case("vanishing", "RNN over 80 steps, recall", lambda: classes_of(Recurrent(nn.RNN), lambda: recall(80)))
case(
    "vanishing",
    "GRU cell in a loop, 150 steps, recall",
    lambda: classes_of(CellByHand(nn.GRUCell), lambda: recall(150)),
)


def plain_convolutions(
    depth: int, init: Init | None, activation: Callable[[], nn.Module] = nn.ReLU, **norm: Any
) -> nn.Module:
    parts: list[nn.Module] = []
    for layer in range(depth):
        convolution = nn.Conv2d(16 if layer else 3, 16, 3, padding=1)
        if init:
            init(convolution.weight)
        parts += [convolution, *([nn.BatchNorm2d(16)] if norm else []), activation()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


case("vanishing", "convolutions with sigmoid, 10", lambda: classes_of(plain_convolutions(10, None, nn.Sigmoid), images))
case("vanishing", "convolutions, default, 24", lambda: classes_of(plain_convolutions(24, None), images))

for depth, width, gain in ((10, 64, 5.0), (30, 64, 3.0), (30, 256, 3.0), (12, 32, 5.0)):
    case(
        "exploding",
        f"ReLU of gain {gain:g}, {depth} x {width}",
        on_digits(lambda d=depth, w=width, g=gain: mlp(d, w, nn.ReLU, scaled(g))),
    )
case("exploding", "ReLU, standard normal weights, 8 × 64", on_digits(lambda: mlp(8, 64, nn.ReLU, standard_normal)))
case("exploding", "linear of gain 2, 20 × 64", on_digits(lambda: mlp(20, 64, nn.Identity, scaled(2))))
case("exploding", "tanh of gain 2.5, 40 × 128", on_digits(lambda: mlp(40, 128, nn.Tanh, scaled(2.5))))
case("exploding", "convolutions of gain 3, 20", lambda: classes_of(plain_convolutions(20, scaled(3)), images))


def he_branches(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            he(module.weight)
    return model


case("exploding", "residual without norm, He, 30 blocks", on_digits(lambda: he_branches(residual_mlp(30, 1.0))))


def spinning(radius: float, length: int) -> Example:
    model = Recurrent(nn.RNN, 64, nonlinearity="relu")
    nn.init.normal_(model.cell.weight_hh_l0, std=radius / 8)
    return classes_of(model, lambda: sequences(length=length))


case("exploding", "ReLU RNN of radius 2.5, 40 steps", lambda: spinning(2.5, 40))

for depth, width, bias in ((2, 64, -20.0), (6, 64, -8.0), (20, 32, -8.0), (4, 256, -20.0)):
    case(
        "dead",
        f"ReLU of bias {bias:g}, {depth} x {width}",
        on_digits(lambda d=depth, w=width, b=bias: mlp(d, w, nn.ReLU, he, bias=b)),
    )
case("dead", "ReLU of bias -3, 6 × 64", on_digits(lambda: mlp(6, 64, nn.ReLU, he, bias=-3.0)))
case("symmetric", "all zero, ReLU", on_digits(lambda: mlp(4, 32, nn.ReLU, nn.init.zeros_)))


def dead_convolutions() -> nn.Module:
    model = plain_convolutions(6, he)
    nn.init.constant_(model[4].bias, -50.0)
    return model


case("dead", "convolutions, one layer dead", lambda: classes_of(dead_convolutions(), images))


class DeadInFunctions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.readout = nn.Linear(64, 48), nn.Linear(48, 48), nn.Linear(48, 10)
        nn.init.constant_(self.second.bias, -30.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(F.relu(self.second(F.relu(self.first(x)))))


case("dead", "functions, one layer dead", on_digits(DeadInFunctions))

case("saturated", "tanh, standard normal weights, 3 x 64", on_digits(lambda: mlp(3, 64, nn.Tanh, standard_normal)))
case("saturated", "tanh, standard normal weights, 10 x 256", on_digits(lambda: mlp(10, 256, nn.Tanh, standard_normal)))
case("saturated", "sigmoid of gain 40, 5 x 64", on_digits(lambda: mlp(5, 64, nn.Sigmoid, scaled(40))))
case("saturated", "sigmoid of gain 60, 10 x 128", on_digits(lambda: mlp(10, 128, nn.Sigmoid, scaled(60))))


def raw_pixels() -> Example:
    """Inputs of 0 to 255 that nobody standardised."""
    return mlp(2, 64, nn.Tanh), F.cross_entropy, 255 * torch.rand(64, 64), torch.randint(0, 10, (64,))


case("saturated", "raw pixels into tanh", raw_pixels)


class SaturatedInFunctions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.readout = nn.Linear(64, 48), nn.Linear(48, 10)
        nn.init.normal_(self.first.weight, std=5.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(self.first(x).sigmoid())


case("saturated", "one layer, a method", on_digits(SaturatedInFunctions))

for depth, width in ((40, 64), (50, 64), (50, 128), (80, 64)):
    case(
        "shattered",
        f"ReLU with batch norm, {depth} x {width}",
        on_digits(lambda d=depth, w=width: mlp(d, w, nn.ReLU, he, norm=nn.BatchNorm1d)),
    )
case(
    "shattered",
    "tanh with batch norm, 120 x 64",
    on_digits(lambda: mlp(120, 64, nn.Tanh, scaled(1), norm=nn.BatchNorm1d)),
)
case(
    "shattered",
    "convolutions with batch norm, 60",
    lambda: classes_of(plain_convolutions(60, he, norm=True), lambda: images(16, size=8)),
)


class CutOff(nn.Module):
    """An encoder whose answer is taken without its gradient."""

    def __init__(self, cut: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32))
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(32, 10))
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.cut(self.encoder, x))


def without_grad(module: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return module(x)


CUTS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "detach": lambda module, x: module(x).detach(),
    "no_grad": without_grad,
    "numpy": lambda module, x: torch.from_numpy(module(x).detach().numpy().copy()),
    "round": lambda module, x: (module(x) > 0).float(),
}
for name, cut in CUTS.items():
    case("detached", f"encoder cut off by {name}", on_digits(lambda c=cut: CutOff(c)))
case(
    "detached",
    "loss of the answers' argmax",
    lambda: (mlp(2, 32), lambda out, y: (out.argmax(dim=1) != y).float().mean(), *digits()),
)
case(
    "detached",
    "loss without gradient",
    lambda: (mlp(2, 32), lambda out, y: F.cross_entropy(out.detach(), y), *digits()),
)


def everything_frozen() -> Example:
    return mlp(2, 32).requires_grad_(False), F.cross_entropy, *digits()


case("detached", "everything frozen", everything_frozen)


def with_nan(place: str) -> Example:
    model, (inputs, targets) = mlp(3, 32), digits()
    if place == "inputs":
        inputs[3, 5] = math.nan
    elif place == "parameter":
        with torch.no_grad():
            model[2].weight[0, 0] = math.inf
    return model, F.cross_entropy, inputs, targets


class LogOfReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.log(torch.relu(x))


case("non-finite", "nan in the inputs", lambda: with_nan("inputs"))
case("non-finite", "infinity in a weight", lambda: with_nan("parameter"))
case("non-finite", "logarithm of zero", on_digits(lambda: nn.Sequential(mlp(2, 32), LogOfReLU())))
case("non-finite", "overflow on the way forward", on_digits(lambda: mlp(60, 64, nn.ReLU, scaled(10))))
case(
    "non-finite",
    "overflow in half precision",
    lambda: (mlp(8, 64, nn.ReLU, scaled(6)).half(), F.cross_entropy, digits()[0].half(), digits()[1]),
)
case(
    "non-finite",
    "square root of zero, on the way back",
    lambda: (mlp(2, 32), lambda out, y: (out - out.detach()).square().sum().sqrt(), *digits()),
)


# Of data and loss, and of what the graph alone shows ------------------------------------------------------------------


def constant_weights(activation: type[nn.Module], value: float = 0.1) -> nn.Module:
    model = mlp(2, 32, activation)
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


for activation in (nn.Tanh, nn.Sigmoid, nn.ReLU):
    case("symmetric", f"weights of 0.1, {activation.__name__}", on_digits(lambda a=activation: constant_weights(a)))


class InAList(nn.Module):
    """Layers in a container of Python's, which parameters() doesn't see."""

    def __init__(self, container: Callable[[list[nn.Module]], Any], depth: int = 2) -> None:
        super().__init__()
        layers = [nn.Linear(64, 64) for _ in range(depth)]
        self.layers, self.readout = container(layers), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers.values() if isinstance(self.layers, dict) else self.layers:
            x = torch.relu(layer(x))
        return self.readout(x)


for kind, container in {
    "list": list,
    "tuple": tuple,
    "dictionary": lambda each: dict(enumerate(each)),
}.items():
    case("unregistered", f"layers in a {kind}", on_digits(lambda c=container: InAList(c)))
case("unregistered", "one layer in a list", on_digits(lambda: InAList(list, 1)))


class WithWeightsInAList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = [nn.Parameter(0.1 * torch.randn(64, 64)) for _ in range(2)]
        self.readout = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for weight in self.weights:
            x = torch.tanh(x @ weight)
        return self.readout(x)


case("unregistered", "weights in a list", on_digits(WithWeightsInAList))

for p in (nn.Dropout, nn.AlphaDropout):
    case(
        "blocked",
        f"{p.__name__} of 1",
        on_digits(lambda d=p: nn.Sequential(nn.Linear(64, 32), nn.Tanh(), d(1.0), nn.Linear(32, 10))),
    )


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


case(
    "blocked",
    "a product with 0",
    on_digits(lambda: nn.Sequential(nn.Linear(64, 32), nn.Tanh(), Times(0.0), nn.Linear(32, 10))),
)
for depth in (1, 2):
    case(
        "blocked",
        f"softmax over one unit, {depth} layers",
        lambda d=depth: (
            nn.Sequential(*mlp(d, 32, classes=1), nn.Softmax(-1)),
            F.binary_cross_entropy,
            digits()[0],
            (digits()[1] > 4).float()[:, None],
        ),
    )


def regression(scale: float = 1.0, shape: tuple[int, ...] = (64, 1), depth: int = 1) -> Example:
    inputs = torch.randn(64, 8)
    return mlp(depth, 32, features=8, classes=1), F.mse_loss, inputs, scale * inputs.sum(1).reshape(shape)


for scale in (1e5, 1e7, 1e10):
    for depth in (1, 2):
        case("data", f"targets of {scale:g}, {depth} layers", lambda s=scale, d=depth: regression(s, depth=d))
for name, loss in {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "huber": F.huber_loss,
    "by hand": lambda out, y: (out - y).square().mean(),
}.items():
    case(
        "loss",
        f"every output with every target, {name}",
        lambda f=loss: (regression()[0], f, *regression(1, (64,))[2:]),
    )
case(
    "loss",
    "softmax over the batch",
    lambda: (nn.Sequential(*mlp(1, 32), nn.Softmax(0)), lambda out, y: F.nll_loss((out + 1e-9).log(), y), *digits()),
)
case("loss", "all margins met", lambda: (mlp(1, 32), lambda out, y: F.relu(out.sum(1) * 0 - 1).mean(), *digits()))
