"""Networks written after the doctor, by what people run today: nothing was set on them before they were first examined.

That was on 27 November 2026 with the doctor of commit 09f2f5c: false alarms in 3 of 231 runs of healthy networks, an
error in 3 more, and 132 of 153 runs of sick ones named; the four of `NOT_SHOWN`, which were called healthy, are not
counted. What it got wrong was mended by kind afterwards, so that these networks are blind no longer.

`UNSEEN_HEALTHY` and `UNSEEN_SICK` have the form of `HEALTHY` and `SICK`. Most models are classes of their own, as users
write them, with the modules that torch has. The verdict `note` stands for a note beside a healthy verdict, `error` for
a DiagnosisError that names the fault.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from tests.clinic.parts import Fn, Make, entering

NOT_SHOWN = frozenset(
    (
        *("prompt tuning of a frozen model", "BitFit: biases alone"),
        *("MoCo: momentum encoder and a queue", "DINO: centred teacher"),
    )
)
"""Healthy by what is known of them; their loss doesn't fall by 30 % on one batch, so that they don't count."""

UNSEEN_HEALTHY: dict[str, Make] = {}
UNSEEN_SICK: dict[str, tuple[tuple[str, ...], Make]] = {}
healthy, sick = entering(UNSEEN_HEALTHY), entering(UNSEEN_SICK)


def itself(loss: Tensor, _: Any) -> Tensor:
    """The loss where the model returns it."""
    return loss


def pictures(n: int = 16, channels: int = 3, size: int = 16, classes: int = 10) -> tuple[Tensor, Tensor]:
    y = torch.randint(0, classes, (n,))
    return torch.randn(classes, channels, size, size)[y] + torch.randn(n, channels, size, size), y


def table(n: int = 64, features: int = 20, classes: int = 4) -> tuple[Tensor, Tensor]:
    y = torch.randint(0, classes, (n,))
    return torch.randn(classes, features)[y] + 0.5 * torch.randn(n, features), y


def sentences(n: int = 8, length: int = 20, words: int = 50) -> Tensor:
    """Texts in which each word follows from the one before."""
    start = torch.randint(0, words, (n, 1))
    return (start + 7 * torch.arange(length)) % words


# Images --------------------------------------------------------------------------------------------------------------


class TimedBlock(nn.Module):
    """A residual block of a diffusion U-Net, its last convolution zero (Ho 2020)."""

    def __init__(self, a: int, b: int, time: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, a), nn.Conv2d(a, b, 3, padding=1)
        self.time = nn.Linear(time, b)
        self.norm2, self.conv2 = nn.GroupNorm(4, b), nn.Conv2d(b, b, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)
        self.short = nn.Conv2d(a, b, 1) if a != b else nn.Identity()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(t))[:, :, None, None]
        return self.short(x) + self.conv2(F.silu(self.norm2(h)))


def sinusoids(t: Tensor, width: int) -> Tensor:
    rates = torch.exp(-math.log(1e4) * torch.arange(width // 2) / (width // 2))
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class DiffusionUNet(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = self.width = width
        self.embed = nn.Sequential(nn.Linear(w, 4 * w), nn.SiLU(), nn.Linear(4 * w, 4 * w))
        self.start = nn.Conv2d(3, w, 3, padding=1)
        self.down1, self.down2 = TimedBlock(w, w, 4 * w), TimedBlock(w, 2 * w, 4 * w)
        self.pool = nn.Conv2d(w, w, 3, 2, 1)
        self.middle = TimedBlock(2 * w, 2 * w, 4 * w)
        self.up2, self.up1 = TimedBlock(4 * w, w, 4 * w), TimedBlock(2 * w, w, 4 * w)
        self.unpool = nn.ConvTranspose2d(w, w, 4, 2, 1)
        self.norm, self.out = nn.GroupNorm(4, w), nn.Conv2d(w, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        e = self.embed(sinusoids(t, self.width))
        a = self.down1(self.start(x), e)
        b = self.down2(self.pool(a), e)
        h = self.up2(torch.cat([self.middle(b, e), b], 1), e)
        h = self.up1(torch.cat([self.unpool(h), a], 1), e)
        return self.out(F.silu(self.norm(h)))


@healthy("diffusion U-Net, zero output")
def _() -> Any:
    noise, t = torch.randn(8, 3, 16, 16), torch.randint(0, 1000, (8,)).float()
    return DiffusionUNet(), F.mse_loss, (0.7 * pictures(8)[0] + 0.7 * noise, t), noise


class DiTBlock(nn.Module):
    """adaLN-Zero (Peebles 2023)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(d, elementwise_affine=False) for _ in range(2))
        self.attention = nn.MultiheadAttention(d, 4, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(approximate="tanh"), nn.Linear(4 * d, d))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(d, 6 * d))
        nn.init.zeros_(self.modulation[1].weight)
        nn.init.zeros_(self.modulation[1].bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        s1, g1, a1, s2, g2, a2 = self.modulation(c)[:, None].chunk(6, -1)
        h = self.norm1(x) * (1 + g1) + s1
        x = x + a1 * self.attention(h, h, h, need_weights=False)[0]
        return x + a2 * self.feed(self.norm2(x) * (1 + g2) + s2)


class DiT(nn.Module):
    def __init__(self, d: int = 32) -> None:
        super().__init__()
        self.patch, self.time = nn.Conv2d(3, d, 4, 4), nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, d))
        self.blocks = nn.ModuleList(DiTBlock(d) for _ in range(4))
        self.norm, self.out = nn.LayerNorm(d, elementwise_affine=False), nn.Linear(d, 48)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h, c = self.patch(x).flatten(2).transpose(1, 2), self.time(sinusoids(t, 32))
        for block in self.blocks:
            h = block(h, c)
        return self.out(self.norm(h))


@healthy("DiT, adaLN-Zero")
def _() -> Any:
    x, t = pictures(8)[0], torch.randint(0, 1000, (8,)).float()
    return DiT(), F.mse_loss, (x, t), F.pixel_unshuffle(x, 4).flatten(2).transpose(1, 2)


class ControlNet(nn.Module):
    """A frozen encoder, a copy of it that learns, joined by zero convolutions (Zhang 2023)."""

    def __init__(self, w: int = 16) -> None:
        super().__init__()
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, w, 3, padding=1), nn.GroupNorm(4, w), nn.SiLU()) for a in (3, w, w)
        )
        self.out = nn.Conv2d(w, 3, 3, padding=1)
        self.requires_grad_(False)
        self.copy = copy.deepcopy(self.body).requires_grad_(True)
        self.hint = nn.Conv2d(1, 3, 3, padding=1)
        self.zeros = nn.ModuleList(nn.Conv2d(w, w, 1) for _ in range(3))
        for each in self.zeros:
            nn.init.zeros_(each.weight)
            nn.init.zeros_(each.bias)

    def forward(self, x: Tensor, hint: Tensor) -> Tensor:
        c = x + self.hint(hint)
        for body, twin, zero in zip(self.body, self.copy, self.zeros, strict=True):
            c = twin(c)
            x = body(x) + zero(c)
        return self.out(x)


@healthy("ControlNet, zero convolutions")
def _() -> Any:
    x = pictures(8)[0]
    return ControlNet(), F.mse_loss, (x, x.mean(1, keepdim=True)), 0.5 * x


class AttentionGate(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.a, self.b, self.o = nn.Conv2d(w, w // 2, 1), nn.Conv2d(w, w // 2, 1), nn.Conv2d(w // 2, 1, 1)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x * torch.sigmoid(self.o(F.relu(self.a(x) + self.b(gate))))


def twice(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)),
        *(nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)),
    )


class AttentionUNet(nn.Module):
    def __init__(self, supervised: bool = False) -> None:
        super().__init__()
        self.d = nn.ModuleList([twice(1, 8), twice(8, 16), twice(16, 32)])
        self.bottom = twice(32, 64)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in (32, 16, 8))
        self.gate = nn.ModuleList(AttentionGate(w) for w in (32, 16, 8))
        self.u = nn.ModuleList(twice(2 * w, w) for w in (32, 16, 8))
        self.heads = nn.ModuleList(nn.Conv2d(w, 1, 1) for w in (32, 16, 8))
        self.supervised = supervised

    def forward(self, x: Tensor) -> Any:
        kept, outs = [], []
        for block in self.d:
            x = block(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, gate, block, head, skip in zip(self.up, self.gate, self.u, self.heads, kept[::-1], strict=True):
            x = up(x)
            x = block(torch.cat([gate(skip, x), x], 1))
            outs.append(F.interpolate(head(x), size=kept[0].shape[2:], mode="bilinear"))
        return outs if self.supervised else outs[-1]


def dice(logits: Tensor, y: Tensor) -> Tensor:
    p = logits.sigmoid()
    return 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


def spots(n: int = 4, size: int = 32) -> tuple[Tensor, Tensor]:
    x = F.avg_pool2d(torch.randn(n, 1, size, size), 5, 1, 2)
    return 5 * x, (x > 0.1).float()


@healthy("attention U-Net, Dice")
def _() -> Any:
    return AttentionUNet(True), lambda outs, y: sum(dice(each, y) for each in outs), *spots()


@healthy("U-Net, deep supervision")
def _() -> Any:
    bce = F.binary_cross_entropy_with_logits
    return (
        AttentionUNet(True),
        lambda outs, y: sum(w * bce(o, y) for w, o in zip((0.1, 0.3, 1), outs, strict=True)),
        *spots(),
    )


class Fused(nn.Module):
    """EfficientNetV2's block with squeeze and excitation and stochastic depth."""

    def __init__(self, a: int, b: int, stride: int, drop: float) -> None:
        super().__init__()
        h = 4 * a
        self.body = nn.Sequential(
            nn.Conv2d(a, h, 3, stride, 1, bias=False), nn.BatchNorm2d(h, eps=1e-3, momentum=0.01), nn.SiLU(True)
        )
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(h, a // 4, 1), nn.SiLU(True), nn.Conv2d(a // 4, h, 1), nn.Sigmoid()
        )
        self.project = nn.Sequential(nn.Conv2d(h, b, 1, bias=False), nn.BatchNorm2d(b, eps=1e-3, momentum=0.01))
        self.joins, self.drop = a == b and stride == 1, drop

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(x)
        h = self.project(h * self.squeeze(h))
        if not self.joins:
            return h
        if self.training and self.drop:
            h = h * (torch.rand(len(x), 1, 1, 1) >= self.drop) / (1 - self.drop)
        return x + h


@healthy("EfficientNetV2, stochastic depth")
def _() -> Any:
    blocks = [Fused(16, 16, 1, 0.1) for _ in range(3)] + [Fused(16, 32, 2, 0.1)]
    blocks += [Fused(32, 32, 1, 0.2) for _ in range(4)]
    net = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU(True)),
        *blocks,
        *(nn.Conv2d(32, 96, 1), nn.BatchNorm2d(96), nn.SiLU(True)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(96, 10)),
    )
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out")
    return net, nn.CrossEntropyLoss(label_smoothing=0.1), *pictures(32)


class GRN(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.zeros(1, 1, 1, d)), nn.Parameter(torch.zeros(1, 1, 1, d))

    def forward(self, x: Tensor) -> Tensor:
        g = x.norm(p=2, dim=(1, 2), keepdim=True)
        return self.gamma * (x * g / (g.mean(-1, keepdim=True) + 1e-6)) + self.beta + x


class ConvNeXtV2Block(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(d, d, 7, padding=3, groups=d), nn.LayerNorm(d, eps=1e-6)
        self.a, self.grn, self.b = nn.Linear(d, 4 * d), GRN(4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x).permute(0, 2, 3, 1))
        return x + self.b(self.grn(F.gelu(self.a(h)))).permute(0, 3, 1, 2)


@healthy("ConvNeXt V2")
def _() -> Any:
    net = nn.Sequential(
        nn.Conv2d(3, 24, 4, 4),
        *(ConvNeXtV2Block(24) for _ in range(6)),
        *(Fn(lambda x: x.mean((2, 3))), nn.LayerNorm(24), nn.Linear(24, 10)),
    )
    for m in net.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
            nn.init.zeros_(m.bias)
    return net, F.cross_entropy, *pictures(16, size=32)


class BasicBlock(nn.Module):
    def __init__(self, a: int, b: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.stride, self.widens = stride, b - a

    def forward(self, x: Tensor) -> Tensor:
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1 or self.widens:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.widens))
        return F.relu(h + x)


@healthy("ResNet-110 for small images")
def _() -> Any:
    widths = [8] * 18 + [16] * 18 + [32] * 18
    blocks = [BasicBlock(a, b, 1 + (a != b)) for a, b in zip([8, *widths], widths, strict=False)]
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *blocks,
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
    )
    for m in net.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(m.weight)
    return net, F.cross_entropy, *pictures(16)


@healthy("frozen batch norm, detector's features, batch of 2")
def _() -> Any:
    widths = [8] * 3 + [16] * 3
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU()),
        *(BasicBlock(a, b, 1 + (a != b)) for a, b in zip([8, *widths], widths, strict=False)),
        nn.Conv2d(16, 5, 1),
    )
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval().requires_grad_(False)
    nn.init.constant_(net[-1].bias, -math.log(99))

    def focal(out: Tensor, y: Tensor) -> Tensor:
        ce = F.binary_cross_entropy_with_logits(out, y, reduction="none")
        p = out.sigmoid() * y + (1 - out.sigmoid()) * (1 - y)
        return (ce * (1 - p) ** 2 * (0.25 * y + 0.75 * (1 - y))).sum() / y.sum()

    x = pictures(2)[0]
    return net, focal, x, (torch.rand(2, 5, 8, 8) > 0.98).float().index_fill(1, torch.tensor([0]), 1.0)


class MaskedConv(nn.Conv2d):
    def __init__(self, kind: str, *args: Any) -> None:
        super().__init__(*args)
        mask = torch.ones_like(self.weight)
        k = self.weight.shape[-1]
        mask[:, :, k // 2, k // 2 + (kind == "B") :] = 0
        mask[:, :, k // 2 + 1 :] = 0
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, self.stride, self.padding)


@healthy("PixelCNN")
def _() -> Any:
    layers: list[nn.Module] = [MaskedConv("A", 1, 16, 7, 1, 3), nn.ReLU()]
    for _ in range(6):
        layers += [MaskedConv("B", 16, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU()]
    x = (spots(8, 16)[0] > 0).float()
    return nn.Sequential(*layers, nn.Conv2d(16, 2, 1)), lambda o, y: F.cross_entropy(o, y[:, 0].long()), x, x


class VideoNet(nn.Module):
    """R(2+1)D."""

    def __init__(self, w: int = 12) -> None:
        super().__init__()

        def part(a: int, b: int) -> nn.Sequential:
            return nn.Sequential(
                *(nn.Conv3d(a, b, (1, 3, 3), padding=(0, 1, 1), bias=False), nn.BatchNorm3d(b), nn.ReLU(inplace=True)),
                *(nn.Conv3d(b, b, (3, 1, 1), padding=(1, 0, 0), bias=False), nn.BatchNorm3d(b)),
            )

        self.stem, self.parts = part(3, w), nn.ModuleList(part(w, w) for _ in range(6))
        self.fc = nn.Linear(w, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for part in self.parts:
            x = F.relu(x + part(x))
        return self.fc(x.mean((2, 3, 4)))


@healthy("video R(2+1)D")
def _() -> Any:
    x, y = pictures(8)
    return VideoNet(), F.cross_entropy, x[:, :, None] + 0.3 * torch.randn(8, 3, 6, 16, 16), y


class MNISTNet(nn.Module):
    """The first example of PyTorch's collection."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = torch.flatten(self.dropout1(F.max_pool2d(x, 2)), 1)
        return F.log_softmax(self.fc2(self.dropout2(F.relu(self.fc1(x)))), dim=1)


@healthy("MNIST example, log-softmax and nll")
def _() -> Any:
    x, y = pictures(16, 1, 28)
    return MNISTNet(), F.nll_loss, x, y


@healthy("super-resolution example")
def _() -> Any:
    net = nn.Sequential(
        *(nn.Conv2d(1, 64, 5, padding=2), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 9, 3, padding=1), nn.PixelShuffle(3)),
    )
    for place, gain in ((0, 2**0.5), (2, 2**0.5), (4, 2**0.5), (6, 1.0)):
        nn.init.orthogonal_(net[place].weight, gain)
    x = spots(4, 12)[0]
    return net, F.mse_loss, x, F.interpolate(x, scale_factor=3, mode="bicubic")


class Binary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class BinaryLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(Binary.apply(x), Binary.apply(self.weight)) / self.in_features**0.5


@healthy("binarized network, straight through")
def _() -> Any:
    net = nn.Sequential(
        *(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.Hardtanh()),
        *(BinaryLinear(64, 64), nn.BatchNorm1d(64), nn.Hardtanh()),
        *(BinaryLinear(64, 64), nn.BatchNorm1d(64), nn.Linear(64, 4)),
    )
    return net, F.cross_entropy, *table()


# Text and sequences --------------------------------------------------------------------------------------------------


class GPTBlock(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.c_attn, self.c_proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.c_fc, self.m_proj = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).chunk(3, dim=-1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).flatten(2))
        return x + self.m_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class NanoGPT(nn.Module):
    """Tied embeddings, N(0, 0.02), projections scaled by the depth."""

    def __init__(self, d: int = 64, layers: int = 6, checkpoints: bool = False, zero: bool = False) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(50, d), nn.Embedding(64, d)
        self.blocks = nn.ModuleList(GPTBlock(d, 4) for _ in range(layers))
        self.ln_f, self.lm_head = nn.LayerNorm(d), nn.Linear(d, 50, bias=False)
        self.checkpoints = checkpoints
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if name.endswith("proj.weight") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        if zero:  # muP and modded speed runs start the projections and the head at 0
            for name, p in self.named_parameters():
                if name.endswith("proj.weight") or name == "lm_head.weight":
                    nn.init.zeros_(p)
        else:
            self.lm_head.weight = self.wte.weight

    def features(self, h: Tensor) -> Tensor:
        for block in self.blocks:
            h = checkpoint(block, h, use_reentrant=False) if self.checkpoints else block(h)
        return self.ln_f(h)

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Any:
        logits = self.lm_head(self.features(self.wte(x) + self.wpe(torch.arange(x.shape[1]))))
        if targets is None:
            return logits
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def next_of(model: nn.Module) -> Any:
    x = sentences()
    return model, lambda out, _: out[1], (x[:, :-1], x[:, 1:]), None


healthy("nanoGPT, tied, returns its loss")(lambda: next_of(NanoGPT()))
healthy("nanoGPT, checkpointed blocks")(lambda: next_of(NanoGPT(checkpoints=True)))
healthy("nanoGPT, projections and head at zero")(lambda: next_of(NanoGPT(zero=True)))
healthy("nanoGPT, torch.compile")(lambda: next_of(torch.compile(NanoGPT(layers=2), backend="eager")))


class Autocast(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *x: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return self.inner(*x)


healthy("nanoGPT, bfloat16 autocast")(lambda: next_of(Autocast(NanoGPT())))
healthy("nanoGPT, weights in bfloat16")(lambda: next_of(NanoGPT().to(torch.bfloat16)))


class Prompted(nn.Module):
    """A frozen language model behind learned prompts."""

    def __init__(self) -> None:
        super().__init__()
        self.gpt = NanoGPT(layers=3).requires_grad_(False)
        self.prompt = nn.Parameter(0.02 * torch.randn(5, 64))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.cat([self.prompt.expand(len(x), -1, -1), self.gpt.wte(x)], 1)
        h = h + self.gpt.wpe(torch.arange(h.shape[1]))
        return self.gpt.lm_head(self.gpt.features(h))[:, 5:]


def shifted(out: Tensor, x: Tensor) -> Tensor:
    return F.cross_entropy(out[:, :-1].flatten(0, 1), x[:, 1:].flatten())


@healthy("prompt tuning of a frozen model")
def _() -> Any:
    x = sentences()
    return Prompted(), shifted, x, x


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int = 4, zero_both: bool = False) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Parameter(torch.empty(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        if zero_both:
            nn.init.zeros_(self.A)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + F.linear(F.linear(x, self.A), self.B) * 2


def with_lora(zero_both: bool = False) -> nn.Module:
    gpt = NanoGPT(layers=3).requires_grad_(False)
    for block in gpt.blocks:
        block.c_attn, block.c_fc = LoRALinear(block.c_attn, 4, zero_both), LoRALinear(block.c_fc, 4, zero_both)
    return gpt


healthy("LoRA in a frozen GPT")(lambda: next_of(with_lora()))


@healthy("BitFit: biases alone")
def _() -> Any:
    gpt = NanoGPT(layers=3)
    for name, p in gpt.named_parameters():
        p.requires_grad_(name.endswith("bias"))
    return next_of(gpt)


class SwiGLUBlock(nn.Module):
    """RMSNorm of torch, SwiGLU, grouped queries with a norm of their own (Qwen 3)."""

    def __init__(self, d: int = 48) -> None:
        super().__init__()
        rms = getattr(nn, "RMSNorm", nn.LayerNorm)
        self.n1, self.n2, self.nq, self.nk = rms(d), rms(d), rms(12), rms(12)
        self.q, self.kv, self.o = nn.Linear(d, d, False), nn.Linear(d, 24, False), nn.Linear(d, d, False)
        self.w1, self.w3, self.w2 = nn.Linear(d, 128, False), nn.Linear(d, 128, False), nn.Linear(128, d, False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.n1(x)
        q = self.nq(self.q(h).unflatten(-1, (4, 12))).transpose(1, 2)
        k, v = self.kv(h).chunk(2, -1)
        k, v = self.nk(k)[:, None].expand_as(q), v[:, None].expand_as(q)
        x = x + self.o(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        h = self.n2(x)
        return x + self.w2(F.silu(self.w1(h)) * self.w3(h))


@healthy("Qwen-like: RMSNorm, SwiGLU, one key head")
def _() -> Any:
    net = nn.Sequential(
        nn.Embedding(50, 48), *(SwiGLUBlock() for _ in range(6)), nn.LayerNorm(48), nn.Linear(48, 50, False)
    )
    for p in net.parameters():
        if p.dim() > 1:
            nn.init.normal_(p, std=0.02)
    x = sentences()
    return net, shifted, x, x


@healthy("MoE, noisy top-1 routing with a load loss")
def _() -> Any:
    class MoE(nn.Module):
        def __init__(self, d: int = 32, experts: int = 8) -> None:
            super().__init__()
            self.router = nn.Linear(d, experts, bias=False)
            self.experts = nn.ModuleList(
                nn.Sequential(nn.Linear(d, 64), nn.GELU(), nn.Linear(64, d)) for _ in range(experts)
            )
            self.load: Tensor = torch.zeros(())

        def forward(self, x: Tensor) -> Tensor:
            flat = x.reshape(-1, x.shape[-1])
            shares = (self.router(flat) + 0.1 * torch.randn(len(flat), len(self.experts))).softmax(-1)
            best, chosen = shares.max(-1)
            out = torch.zeros_like(flat)
            for number, expert in enumerate(self.experts):
                here = chosen == number
                if here.any():
                    out[here] = expert(flat[here]) * best[here, None]
            used = F.one_hot(chosen, len(self.experts)).float().mean(0)
            self.load = len(self.experts) * (used * shares.mean(0)).sum()
            return x + out.view_as(x)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50, 32)
            self.layers = nn.ModuleList(MoE() for _ in range(3))
            self.out = nn.Linear(32, 50)

        def forward(self, x: Tensor) -> Any:
            h = self.embed(x)
            for each in self.layers:
                h = each(F.layer_norm(h, (32,)))
            return self.out(h), sum(each.load for each in self.layers)

    x = sentences(2, 12)
    return Model(), lambda out, y: shifted(out[0], y) + 0.01 * out[1], x, x


class SelectiveScan(nn.Module):
    """Mamba's block with the scan as a loop (Gu 2023)."""

    def __init__(self, d: int = 32, state: int = 8) -> None:
        super().__init__()
        self.norm, self.into, self.out = nn.LayerNorm(d), nn.Linear(d, 4 * d, False), nn.Linear(2 * d, d, False)
        self.conv = nn.Conv1d(2 * d, 2 * d, 4, padding=3, groups=2 * d)
        self.x_proj, self.dt_proj = nn.Linear(2 * d, 2 + 2 * state, False), nn.Linear(2, 2 * d)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, state + 1)).repeat(2 * d, 1))
        self.D = nn.Parameter(torch.ones(2 * d))
        dt = torch.exp(torch.rand(2 * d) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
        with torch.no_grad():
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))
        self.state = state

    def forward(self, inputs: Tensor) -> Tensor:
        x, z = self.into(self.norm(inputs)).chunk(2, -1)
        x = F.silu(self.conv(x.transpose(1, 2))[..., : inputs.shape[1]].transpose(1, 2))
        dt, b, c = self.x_proj(x).split([2, self.state, self.state], -1)
        dt, a = F.softplus(self.dt_proj(dt)), -torch.exp(self.A_log)
        h, ys = torch.zeros(*x[:, 0].shape, self.state), []
        for t in range(x.shape[1]):
            step = dt[:, t, :, None]
            h = torch.exp(step * a) * h + step * b[:, t, None] * x[:, t, :, None]
            ys.append((h * c[:, t, None]).sum(-1))
        y = torch.stack(ys, 1) + self.D * x
        return inputs + self.out(y * F.silu(z))


@healthy("Mamba-like selective scan")
def _() -> Any:
    net = nn.Sequential(nn.Embedding(50, 32), *(SelectiveScan() for _ in range(4)), nn.LayerNorm(32), nn.Linear(32, 50))
    x = sentences(4, 24)
    return net, shifted, x, x


class LRU(nn.Module):
    """A linear recurrent unit with complex weights (Orvieto 2023)."""

    def __init__(self, d: int = 24, n: int = 16) -> None:
        super().__init__()
        radius = 0.9 + 0.09 * torch.rand(n)
        self.nu = nn.Parameter(torch.log(-torch.log(radius)))
        self.theta = nn.Parameter(torch.log(0.3 * torch.rand(n) + 1e-3))
        self.B = nn.Parameter(torch.randn(n, d, dtype=torch.cfloat) / math.sqrt(2 * d))
        self.C = nn.Parameter(torch.randn(d, n, dtype=torch.cfloat) / math.sqrt(n))
        self.norm, self.glu = nn.LayerNorm(d), nn.Linear(d, 2 * d)

    def forward(self, x: Tensor) -> Tensor:
        size = torch.exp(-torch.exp(self.nu))
        decay = torch.polar(size, torch.exp(self.theta))
        u = (self.norm(x).to(torch.cfloat) @ self.B.T) * torch.sqrt(1 - size**2)
        h, out = torch.zeros_like(u[:, 0]), []
        for t in range(u.shape[1]):
            h = decay * h + u[:, t]
            out.append((h @ self.C.T).real)
        return x + F.glu(self.glu(F.gelu(torch.stack(out, 1))))


@healthy("LRU, complex recurrence over 100 steps")
def _() -> Any:
    y = torch.randint(0, 4, (16,))
    x = torch.randn(16, 100, 8) + torch.randn(4, 8)[y][:, None]
    net = nn.Sequential(nn.Linear(8, 24), LRU(), LRU(), Fn(lambda h: h.mean(1)), nn.Linear(24, 4))
    return net, F.cross_entropy, x, y


class PackedClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 32, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.out = nn.Linear(64, 4)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embed(x), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(torch.cat([h[-2], h[-1]], 1))


@healthy("packed BiLSTM")
def _() -> Any:
    y, lengths = torch.randint(0, 4, (16,)), torch.randint(5, 21, (16,))
    x = torch.randint(1, 13, (16, 20)) + 12 * y[:, None]
    x[torch.arange(20) >= lengths[:, None]] = 0
    return PackedClassifier(), F.cross_entropy, (x, lengths), y


class Tacotron(nn.Module):
    """Characters to spectrum frames: convolution bank, both directions, attention, prenet, teacher forcing."""

    def __init__(self, d: int = 32, mels: int = 16) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, d)
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv1d(d, d, 5, padding=2), nn.BatchNorm1d(d), nn.ReLU(), nn.Dropout(0.5))
            for _ in range(3)
        )
        self.encoder = nn.LSTM(d, d // 2, batch_first=True, bidirectional=True)
        self.prenet = nn.Sequential(
            nn.Linear(mels, d), nn.ReLU(), nn.Dropout(0.5), nn.Linear(d, d), nn.ReLU(), nn.Dropout(0.5)
        )
        self.attend = nn.LSTMCell(2 * d, d)
        self.query, self.key, self.energy = nn.Linear(d, d, False), nn.Linear(d, d, False), nn.Linear(d, 1, False)
        self.decode, self.frame, self.stop = nn.LSTMCell(2 * d, d), nn.Linear(2 * d, mels), nn.Linear(2 * d, 1)
        self.postnet = nn.Sequential(
            *(nn.Conv1d(mels, d, 5, padding=2), nn.BatchNorm1d(d), nn.Tanh(), nn.Dropout(0.5)),
            *(nn.Conv1d(d, mels, 5, padding=2), nn.BatchNorm1d(mels)),
        )

    def forward(self, text: Tensor, mel: Tensor) -> Any:
        h = self.embed(text).transpose(1, 2)
        for each in self.convs:
            h = each(h)
        memory, _ = self.encoder(h.transpose(1, 2))
        keys, context = self.key(memory), torch.zeros_like(memory[:, 0])
        given = self.prenet(torch.cat([torch.zeros_like(mel[:, :1]), mel[:, :-1]], 1))
        a = d = None
        frames, stops = [], []
        for t in range(mel.shape[1]):
            a = self.attend(torch.cat([given[:, t], context], 1), a)
            energies = self.energy(torch.tanh(self.query(a[0])[:, None] + keys))
            context = (energies.softmax(1) * memory).sum(1)
            d = self.decode(torch.cat([a[0], context], 1), d)
            both = torch.cat([d[0], context], 1)
            frames.append(self.frame(both))
            stops.append(self.stop(both))
        frame = torch.stack(frames, 1)
        return frame, frame + self.postnet(frame.transpose(1, 2)).transpose(1, 2), torch.cat(stops, 1)


@healthy("Tacotron-like speech synthesis")
def _() -> Any:
    text = torch.randint(0, 40, (8, 15))
    mel = torch.randn(40, 16)[text].repeat_interleave(2, 1)
    stop = torch.zeros(8, 30).index_fill(1, torch.tensor([29]), 1.0)

    def loss(out: Any, y: Tensor) -> Tensor:
        return F.mse_loss(out[0], y) + F.mse_loss(out[1], y) + F.binary_cross_entropy_with_logits(out[2], stop)

    return Tacotron(), loss, (text, mel), mel


@healthy("DeepSpeech-like, CTC")
def _() -> Any:
    class Speech(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Sequential(nn.Conv1d(20, 64, 5, 2, 2), nn.BatchNorm1d(64), nn.Hardtanh(0, 20))
            self.rnn = nn.GRU(64, 48, 2, bidirectional=True)
            self.fc = nn.Linear(96, 12)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.rnn(self.conv(x).permute(2, 0, 1))[0]).log_softmax(-1)

    y = torch.randint(1, 12, (8, 6))
    x = torch.randn(12, 20)[y].repeat_interleave(8, 1).transpose(1, 2) + 0.1 * torch.randn(8, 20, 48)
    lengths = torch.full((8,), 24), torch.full((8,), 6)
    return Speech(), lambda out, t: F.ctc_loss(out, t, *lengths, zero_infinity=True), x, y


@healthy("nn.Transformer, translation with masks")
def _() -> Any:
    class Translate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(50, 32, padding_idx=0), nn.Embedding(50, 32, padding_idx=0)
            self.core = nn.Transformer(32, 4, 2, 2, 64, batch_first=True)
            self.out = nn.Linear(32, 50)
            for p in self.parameters():
                if p.dim() > 1:
                    nn.init.xavier_uniform_(p)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            place = sinusoids(torch.arange(x.shape[1]).float(), 32)
            mask = nn.Transformer.generate_square_subsequent_mask(y.shape[1])
            h = self.core(
                self.source(x) * 32**0.5 + place,
                self.target(y) * 32**0.5 + place[: y.shape[1]],
                tgt_mask=mask,
                src_key_padding_mask=(x == 0).float().masked_fill(x == 0, -math.inf),
            )
            return self.out(h)

    x = sentences(words=49) + 1
    x[:4, 15:] = 0
    y = x.flip(1)
    return (
        Translate(),
        lambda out, t: F.cross_entropy(out.flatten(0, 1), t.flatten(), ignore_index=0),
        (x, y[:, :-1]),
        y[:, 1:],
    )


@healthy("masked language model, 15 % of the labels")
def _() -> Any:
    x = sentences(16)
    hidden = torch.rand(x.shape) < 0.15
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
    net = nn.Sequential(nn.Embedding(51, 32), nn.TransformerEncoder(layer, 3), nn.Linear(32, 51))
    return (
        net,
        lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
        x.masked_fill(hidden, 50),
        x.masked_fill(~hidden, -100),
    )


class CRF(nn.Module):
    """BiLSTM-CRF, its loss by the forward algorithm."""

    def __init__(self, tags: int = 5) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(50, 24), nn.LSTM(24, 16, bidirectional=True, batch_first=True)
        self.emit, self.move = nn.Linear(32, tags), nn.Parameter(torch.randn(tags, tags))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scores = self.emit(self.lstm(self.embed(x))[0])
        alpha = scores[:, 0]
        gold = scores.gather(2, y[..., None]).squeeze(2).sum(1) + self.move[y[:, :-1], y[:, 1:]].sum(1)
        for t in range(1, x.shape[1]):
            alpha = torch.logsumexp(alpha[:, :, None] + self.move, 1) + scores[:, t]
        return (torch.logsumexp(alpha, 1) - gold).mean()


@healthy("BiLSTM-CRF")
def _() -> Any:
    x = sentences()
    return CRF(), itself, (x, x % 5), None


@healthy("two LSTM cells in float64, sine example")
def _() -> Any:
    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm1, self.lstm2, self.linear = nn.LSTMCell(1, 51), nn.LSTMCell(51, 51), nn.Linear(51, 1)

        def forward(self, x: Tensor) -> Tensor:
            h1 = c1 = h2 = c2 = torch.zeros(len(x), 51, dtype=torch.double)
            outs = []
            for step in x.split(1, dim=1):
                h1, c1 = self.lstm1(step, (h1, c1))
                h2, c2 = self.lstm2(h1, (h2, c2))
                outs.append(self.linear(h2))
            return torch.cat(outs, 1)

    x = torch.sin((torch.arange(60.0).double() + 20 * torch.rand(8, 1)) / 5)
    return Sequence().double(), nn.MSELoss(), x[:, :-1], x[:, 1:]


@healthy("truncated backpropagation with a state handed in")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(50, 32), nn.LSTM(32, 32, 2), nn.Linear(32, 50)
            self.drop = nn.Dropout(0.2)

        def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Any:
            h, state = self.rnn(self.drop(self.embed(x)), tuple(s.detach() for s in state))
            return F.log_softmax(self.out(self.drop(h)).view(-1, 50), dim=1), state

    x = sentences(8, 36).T
    state = 0.1 * torch.randn(2, 8, 32), 0.1 * torch.randn(2, 8, 32)
    return Model(), lambda out, y: F.nll_loss(out[0], y.reshape(-1)), (x[:-1], state), x[1:]


@healthy("echo state network, frozen reservoir")
def _() -> Any:
    class Echo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(2, 100, batch_first=True).requires_grad_(False)
            w = torch.randn(100, 100) / 10
            self.rnn.weight_hh_l0.data = 0.9 * w / torch.linalg.eigvals(w).abs().max()
            self.out = nn.Linear(100, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.rnn(x)[0][:, 20:])

    t = torch.arange(80.0) / 4 + 6 * torch.rand(4, 1)
    x = torch.stack([t.sin(), (1.7 * t).cos()], -1)
    return Echo(), F.mse_loss, x, (x[:, 20:, :1] * x[:, 19:-1, 1:])


@healthy("N-BEATS")
def _() -> Any:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*(nn.Sequential(nn.Linear(a, 64), nn.ReLU()) for a in (24, 64, 64, 64)))
            self.theta_b, self.theta_f = nn.Linear(64, 24, bias=False), nn.Linear(64, 8, bias=False)

    class Beats(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(Block() for _ in range(6))

        def forward(self, x: Tensor) -> Tensor:
            total = torch.zeros(len(x), 8)
            for block in self.blocks:
                h = block.body(x)
                x, total = x - block.theta_b(h), total + block.theta_f(h)
            return total

    t = torch.arange(32.0) / 3 + 6 * torch.rand(64, 1)
    wave = t.sin() + 0.05 * torch.randn(64, 32)
    net = Beats()
    net.blocks[-1].theta_b.requires_grad_(False)
    return net, F.smooth_l1_loss, wave[:, :24], wave[:, 24:]


# Rows, recommendation, graphs ----------------------------------------------------------------------------------------


@healthy("DLRM")
def _() -> Any:
    class DLRM(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tables = nn.ModuleList(nn.EmbeddingBag(n, 16, mode="sum") for n in (1000, 500, 50))
            for table in self.tables:
                bound = 1 / math.sqrt(table.num_embeddings)
                nn.init.uniform_(table.weight, -bound, bound)
            self.bottom = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
            self.top = nn.Sequential(nn.Linear(22, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())

        def forward(self, dense: Tensor, ids: Tensor) -> Tensor:
            x = self.bottom(dense)
            stacked = torch.stack([x, *(table(ids[:, n]) for n, table in enumerate(self.tables))], 1)
            products = stacked @ stacked.transpose(1, 2)
            i, j = torch.tril_indices(4, 4, -1)
            return self.top(torch.cat([x, products[:, i, j]], 1))

    dense, ids = torch.randn(128, 8), torch.randint(0, 50, (128, 3, 2))
    return DLRM(), nn.BCELoss(), (dense, ids), (dense[:, :1] + 0.3 * torch.randn(128, 1) > 0).float()


@healthy("BPR matrix factorisation, embeddings of 0.01")
def _() -> Any:
    class MF(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.user, self.item = nn.Embedding(100, 16), nn.Embedding(200, 16)
            nn.init.normal_(self.user.weight, std=0.01)
            nn.init.normal_(self.item.weight, std=0.01)

        def forward(self, u: Tensor, i: Tensor, j: Tensor) -> Tensor:
            return -F.logsigmoid((self.user(u) * (self.item(i) - self.item(j))).sum(1)).mean()

    u, i = torch.randint(0, 100, (256,)), torch.randint(0, 100, (256,))
    return MF(), itself, (u, i, 100 + i), None


@healthy("word2vec, output vectors at zero")
def _() -> Any:
    class SkipGram(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Embedding(50, 32), nn.Embedding(50, 32)
            nn.init.uniform_(self.inner.weight, -0.5 / 32, 0.5 / 32)
            nn.init.zeros_(self.outer.weight)

        def forward(self, word: Tensor, near: Tensor, far: Tensor) -> Tensor:
            v = self.inner(word)
            good = (v * self.outer(near)).sum(1)
            bad = (self.outer(far) @ v[:, :, None]).squeeze(2)
            return -(F.logsigmoid(good) + F.logsigmoid(-bad).sum(1)).mean()

    word = torch.randint(0, 50, (256,))
    return SkipGram(), itself, (word, (word + 1) % 50, torch.randint(0, 50, (256, 5))), None


@healthy("DeepFM on sparse fields")
def _() -> Any:
    class DeepFM(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.embed = nn.Embedding(300, 1), nn.Embedding(300, 8)
            nn.init.xavier_uniform_(self.embed.weight)
            self.deep = nn.Sequential(
                nn.Linear(48, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1)
            )
            self.bias = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            e = self.embed(x)
            fm = 0.5 * (e.sum(1) ** 2 - (e**2).sum(1)).sum(1, keepdim=True)
            return (self.bias + self.linear(x).sum(1) + fm + self.deep(e.flatten(1))).squeeze(1)

    x = torch.randint(0, 50, (128, 6)) + 50 * torch.arange(6)
    return DeepFM(), nn.BCEWithLogitsLoss(), x, (x[:, 0] % 2).float()


@healthy("tabular network with categories and batch norm")
def _() -> Any:
    class Tabular(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeds = nn.ModuleList(nn.Embedding(n, min(50, (n + 1) // 2)) for n in (7, 12, 3))
            self.drop, self.bn = nn.Dropout(0.04), nn.BatchNorm1d(6)
            self.layers = nn.Sequential(
                *(nn.Linear(4 + 6 + 2 + 6, 100), nn.ReLU(), nn.BatchNorm1d(100), nn.Dropout(0.1)),
                *(nn.Linear(100, 50), nn.ReLU(), nn.BatchNorm1d(50), nn.Linear(50, 1)),
            )

        def forward(self, c: Tensor, x: Tensor) -> Tensor:
            e = torch.cat([embed(c[:, n]) for n, embed in enumerate(self.embeds)], 1)
            return self.layers(torch.cat([self.drop(e), self.bn(x)], 1))

    c = torch.stack([torch.randint(0, n, (64,)) for n in (7, 12, 3)], 1)
    x = torch.randn(64, 6) * torch.tensor([1, 10, 100, 1000, 1, 0.1])
    return Tabular(), F.mse_loss, (c, x), (x[:, :1] + c[:, :1] / 7)


@healthy("bag of words, 5,000 sparse inputs")
def _() -> Any:
    y = torch.randint(0, 4, (64,))
    x = torch.zeros(64, 5000).scatter_(1, torch.randint(0, 1200, (64, 30)) + 1200 * y[:, None], 1.0)
    net = nn.Sequential(nn.Linear(5000, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4))
    return net, F.cross_entropy, x, y


@healthy("soft decision tree")
def _() -> Any:
    class Tree(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.split, self.leaves = nn.Linear(20, 15), nn.Parameter(0.1 * torch.randn(16, 4))

        def forward(self, x: Tensor) -> Tensor:
            p = self.split(x).sigmoid()
            ways = torch.ones(len(x), 1)
            for depth in range(4):
                here = p[:, 2**depth - 1 : 2 ** (depth + 1) - 1]
                ways = torch.stack([ways * here, ways * (1 - here)], 2).flatten(1)
            return (ways @ self.leaves.softmax(1)).log()

    return Tree(), F.nll_loss, *table()


@healthy("Kolmogorov-Arnold network")
def _() -> Any:
    class KAN(nn.Module):
        def __init__(self, a: int, b: int, grid: int = 8) -> None:
            super().__init__()
            self.register_buffer("grid", torch.linspace(-2, 2, grid))
            self.base, self.spline = nn.Parameter(torch.empty(b, a)), nn.Parameter(torch.empty(b, a * grid))
            nn.init.kaiming_uniform_(self.base, a=math.sqrt(5))
            nn.init.normal_(self.spline, std=0.1 / a)

        def forward(self, x: Tensor) -> Tensor:
            basis = torch.exp(-(((x[..., None] - self.grid) * 2) ** 2)).flatten(1)
            return F.linear(F.silu(x), self.base) + F.linear(basis, self.spline)

    x = 2 * torch.rand(128, 2) - 1
    y = torch.exp(torch.sin(3 * x[:, :1])) * x[:, 1:]
    return nn.Sequential(KAN(2, 16), KAN(16, 16), KAN(16, 1)), F.mse_loss, x, y


class MessagePassing(nn.Module):
    """Edges by index_add, residual, layer norm (MeshGraphNet)."""

    def __init__(self, d: int = 32) -> None:
        super().__init__()
        self.edge = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, d), nn.LayerNorm(d))
        self.node = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, d), nn.LayerNorm(d))

    def forward(self, h: Tensor, edges: Tensor) -> Tensor:
        a, b = edges
        message = self.edge(torch.cat([h[a], h[b]], 1))
        return h + self.node(torch.cat([h, torch.zeros_like(h).index_add(0, b, message)], 1))


@healthy("mesh graph network, 15 steps")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.into, self.out = nn.Linear(4, 32), nn.Linear(32, 1)
            self.steps = nn.ModuleList(MessagePassing() for _ in range(15))

        def forward(self, x: Tensor, edges: Tensor) -> Tensor:
            h = self.into(x)
            for step in self.steps:
                h = step(h, edges)
            return self.out(h)

    x, edges = torch.randn(100, 4), torch.randint(0, 100, (2, 400))
    y = torch.zeros(100, 1).index_add(0, edges[1], x[edges[0], :1]) / 4
    return Model(), F.mse_loss, (x, edges), y


@healthy("GCN on a sparse matrix, features of a bag of words")
def _() -> Any:
    class GCN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(300, 16, bias=False), nn.Linear(16, 4, bias=False)
            nn.init.xavier_uniform_(self.a.weight)
            nn.init.xavier_uniform_(self.b.weight)

        def forward(self, x: Tensor, links: Tensor) -> Tensor:
            h = F.relu(torch.sparse.mm(links, self.a(F.dropout(x, 0.5, self.training))))
            return torch.sparse.mm(links, self.b(F.dropout(h, 0.5, self.training)))

    y = torch.randint(0, 4, (80,))
    x = (torch.rand(80, 300) < 0.02 + 0.06 * (torch.arange(300) % 4 == y[:, None])).float()
    x = x / x.sum(1, keepdim=True).clamp(min=1)
    links = ((torch.rand(80, 80) < 0.1) & (y[:, None] == y)).float() + torch.eye(80)
    links = (links / links.sum(1, keepdim=True)).to_sparse()
    return GCN(), lambda out, t: F.cross_entropy(out[:20], t[:20]), (x, links), y


class Potential(nn.Module):
    """Energies, and forces by differentiating them: a double backward pass (SchNet)."""

    def __init__(self, d: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, d)
        self.filters = nn.ModuleList(nn.Sequential(nn.Linear(16, d), nn.Softplus(), nn.Linear(d, d)) for _ in range(3))
        self.updates = nn.ModuleList(nn.Sequential(nn.Linear(d, d), nn.Softplus(), nn.Linear(d, d)) for _ in range(3))
        self.out = nn.Sequential(nn.Linear(d, d), nn.Softplus(), nn.Linear(d, 1))

    def forward(self, kinds: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        places = places.detach().requires_grad_()
        apart = (places[:, :, None] - places[:, None]).square().sum(-1).add(1e-6).sqrt()
        waves = torch.exp(-4 * (apart[..., None] - torch.linspace(0, 4, 16)) ** 2)
        h = self.embed(kinds)
        for near, update in zip(self.filters, self.updates, strict=True):
            h = h + update((near(waves) * h[:, None]).sum(2))
        energy = self.out(h).sum((1, 2))
        (slope,) = torch.autograd.grad(energy.sum(), places, create_graph=True)
        return energy, -slope


@healthy("interatomic potential with forces")
def _() -> Any:
    kinds, places = torch.randint(0, 5, (8, 6)), 2 * torch.randn(8, 6, 3)
    energy, force = torch.randn(8), torch.randn(8, 6, 3)

    def loss(out: Any, _: Any) -> Tensor:
        return F.mse_loss(out[0], energy) + F.mse_loss(out[1], force)

    return Potential(), loss, (kinds, places), None


# Generative, contrastive, reinforced ---------------------------------------------------------------------------------


class ConvVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> Any:
        h = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


@healthy("VAE example, sums of BCE and KL")
def _() -> Any:
    x = (spots(32, 28)[0] > 0.3).float()

    def loss(out: Any, y: Tensor) -> Tensor:
        reconstruction, mu, logvar = out
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return F.binary_cross_entropy(reconstruction, y.view(-1, 784), reduction="sum") + kl

    return ConvVAE(), loss, x, x


class Glow(nn.Module):
    """Act norm, invertible 1x1 matrix, coupling whose last layer is zero."""

    def __init__(self, d: int = 8, steps: int = 6) -> None:
        super().__init__()
        self.scale = nn.ParameterList(torch.zeros(d) for _ in range(steps))
        self.mix = nn.ParameterList(torch.linalg.qr(torch.randn(d, d))[0] for _ in range(steps))
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(d // 2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, d))
            for _ in range(steps)
        )
        for net in self.nets:
            nn.init.zeros_(net[-1].weight)
            nn.init.zeros_(net[-1].bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.zeros(len(x))
        for scale, mix, net in zip(self.scale, self.mix, self.nets, strict=True):
            x = x * scale.exp() @ mix
            a, b = x.chunk(2, 1)
            s, t = net(a).chunk(2, 1)
            s = torch.tanh(s)
            x = torch.cat([a, b * s.exp() + t], 1)
            total = total + scale.sum() + torch.linalg.slogdet(mix)[1] + s.sum(1)
        return x, total


@healthy("Glow, zero coupling")
def _() -> Any:
    x = torch.randn(128, 8)
    x[:, 1] = x[:, 0] ** 2 + 0.3 * x[:, 1]
    return Glow(), lambda out, _: (0.5 * out[0].square().sum(1) - out[1]).mean(), 3 * x, None


@healthy("WGAN-GP critic, double backward")
def _() -> Any:
    class Critic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                *(nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2)),
                *(nn.Flatten(), nn.Linear(512, 1)),
            )

        def forward(self, real: Tensor, fake: Tensor) -> Tensor:
            share = torch.rand(len(real), 1, 1, 1)
            between = (share * real + (1 - share) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(self.net(between).sum(), between, create_graph=True)
            penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
            return self.net(fake).mean() - self.net(real).mean() + 10 * penalty

    return Critic(), itself, (pictures(16)[0], torch.randn(16, 3, 16, 16)), None


@healthy("discrete VAE with Gumbel softmax")
def _() -> Any:
    class DVAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 24, 4, 2, 1))
            self.codes = nn.Embedding(24, 16)
            self.decode = nn.Sequential(
                nn.ConvTranspose2d(16, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)
            )

        def forward(self, x: Tensor) -> Tensor:
            picked = F.gumbel_softmax(self.encode(x), tau=1.0, hard=True, dim=1)
            return self.decode(torch.einsum("bnhw,nd->bdhw", picked, self.codes.weight))

    x = spots(8, 16)[0]
    return DVAE(), F.mse_loss, x, x


@healthy("masked autoencoder")
def _() -> Any:
    class MAE(nn.Module):
        def __init__(self, d: int = 32) -> None:
            super().__init__()
            self.patch, self.place = nn.Linear(48, d), nn.Parameter(0.02 * torch.randn(16, d))
            self.encode = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(d, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True), 3
            )
            self.mask, self.again = nn.Parameter(0.02 * torch.randn(d)), nn.Parameter(0.02 * torch.randn(16, d))
            self.decode = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(d, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True), 1
            )
            self.out = nn.Linear(d, 48)

        def forward(self, x: Tensor) -> Tensor:
            tokens = F.pixel_unshuffle(x, 4).flatten(2).transpose(1, 2)
            order = torch.rand(len(x), 16).argsort(1)
            keep = order[:, :4, None]
            h = (self.patch(tokens) + self.place).gather(1, keep.expand(-1, -1, 32))
            h = self.encode(h)
            full = self.mask.expand(len(x), 16, -1).scatter(1, keep.expand(-1, -1, 32), h) + self.again
            wrong = (self.out(self.decode(full)) - tokens).square().mean(2)
            return wrong.gather(1, order[:, 4:]).mean()

    return MAE(), itself, (F.interpolate(torch.randn(16, 3, 4, 4), scale_factor=4),), None


@healthy("MoCo: momentum encoder and a queue")
def _() -> Any:
    class MoCo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
            self.k = copy.deepcopy(self.q).requires_grad_(False)
            self.register_buffer("queue", F.normalize(torch.randn(16, 128), dim=0))
            self.register_buffer("pointer", torch.zeros(1, dtype=torch.long))

        def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            q = F.normalize(self.q(a), dim=1)
            with torch.no_grad():
                for mine, theirs in zip(self.q.parameters(), self.k.parameters(), strict=True):
                    theirs.mul_(0.999).add_(mine, alpha=0.001)
                k = F.normalize(self.k(b), dim=1)
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.clone().detach()], 1) / 0.07
            at = int(self.pointer)
            self.queue[:, at : at + len(k)] = k.T
            self.pointer[0] = (at + len(k)) % 128
            return logits, torch.zeros(len(a), dtype=torch.long)

    x = torch.randn(64, 20)
    return MoCo(), lambda out, _: F.cross_entropy(*out), (x + 0.1 * torch.randn_like(x), x), None


@healthy("DINO: centred teacher")
def _() -> Any:
    class DINO(nn.Module):
        def __init__(self) -> None:
            super().__init__()

            def branch() -> nn.Module:
                last = parametrizations.weight_norm(nn.Linear(16, 32, bias=False))
                last.parametrizations.weight.original0.data.fill_(1)
                last.parametrizations.weight.original0.requires_grad_(False)
                return nn.Sequential(
                    nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 16), Fn(lambda h: F.normalize(h, dim=1)), last
                )

            self.student, self.teacher = branch(), branch()
            self.teacher.load_state_dict(self.student.state_dict())
            self.teacher.requires_grad_(False)
            self.register_buffer("center", torch.zeros(1, 32))

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            with torch.no_grad():
                t = self.teacher(b)
                target = ((t - self.center) / 0.04).softmax(1)
                self.center.mul_(0.9).add_(0.1 * t.mean(0))
            return -(target * (self.student(a) / 0.1).log_softmax(1)).sum(1).mean()

    x = torch.randn(64, 20)
    return DINO(), itself, (x + 0.1 * torch.randn_like(x), x), None


@healthy("Barlow Twins")
def _() -> Any:
    net = nn.Sequential(
        nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32), nn.BatchNorm1d(32, affine=False)
    )

    def loss(z: Tensor, _: Any) -> Tensor:
        a, b = z.chunk(2)
        c = a.T @ b / len(a)
        off = c - torch.diag(torch.diag(c))
        return (torch.diag(c) - 1).square().sum() + 0.005 * off.square().sum()

    x = torch.randn(64, 20)
    return net, loss, torch.cat([x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)]), None


@healthy("batch-hard triplets, unit length")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 16), Fn(lambda h: F.normalize(h, dim=1)))

    def loss(z: Tensor, y: Tensor) -> Tensor:
        apart = (2 - 2 * z @ z.T).clamp(min=1e-6).sqrt()
        same = y[:, None] == y
        far, near = (apart * same).amax(1), (apart + 10 * same).amin(1)
        return F.relu(far - near + 0.2).mean()

    return net, loss, *table()


@healthy("mean teacher")
def _() -> Any:
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 4))
            self.teacher = torch.optim.swa_utils.AveragedModel(self.student)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            with torch.no_grad():
                t = self.teacher(x)
            return self.student(x), t

    def loss(out: Any, y: Tensor) -> Tensor:
        s, t = out
        return F.cross_entropy(s[:16], y[:16]) + 0.1 * F.mse_loss(s.softmax(1), t.softmax(1))

    return Mean(), loss, *table()


@healthy("distillation, frozen teacher inside")
def _() -> Any:
    class Distil(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 4)).eval().requires_grad_(False)
            self.student = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.student(x), self.teacher(x)

    def loss(out: Any, y: Tensor) -> Tensor:
        soft = F.kl_div((out[0] / 4).log_softmax(1), (out[1] / 4).softmax(1), reduction="batchmean") * 16
        return 0.5 * soft + 0.5 * F.cross_entropy(out[0], y)

    return Distil(), loss, *table()


class PPOAgent(nn.Module):
    """Orthogonal weights, the policy's last layer of gain 0.01 (Huang 2022)."""

    def __init__(self) -> None:
        super().__init__()

        def layer(a: int, b: int, gain: float = 2**0.5) -> nn.Linear:
            made = nn.Linear(a, b)
            nn.init.orthogonal_(made.weight, gain)
            nn.init.zeros_(made.bias)
            return made

        self.critic = nn.Sequential(layer(8, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.actor = nn.Sequential(layer(8, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 4, 0.01))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.actor(x), self.critic(x)[:, 0]


def acting(n: int = 128) -> Any:
    x, action = torch.randn(n, 8), torch.randint(0, 4, (n,))
    reward = (x[:, :4].argmax(1) == action).float()
    return x, action, reward


@healthy("PPO agent")
def _() -> Any:
    x, action, reward = acting()
    agent = PPOAgent()
    with torch.no_grad():
        old = agent(x)[0].log_softmax(1).gather(1, action[:, None])[:, 0]

    def loss(out: Any, _: Any) -> Tensor:
        logits, value = out
        logp = logits.log_softmax(1)
        ratio = (logp.gather(1, action[:, None])[:, 0] - old).exp()
        advantage = reward - value.detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        policy = torch.max(-advantage * ratio, -advantage * ratio.clamp(0.8, 1.2)).mean()
        entropy = -(logp.exp() * logp).sum(1).mean()
        return policy - 0.01 * entropy + 0.5 * 0.5 * (value - reward).square().mean()

    return agent, loss, x, None


@healthy("REINFORCE with a baseline")
def _() -> Any:
    class Policy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.affine1, self.action_head, self.value_head = nn.Linear(8, 128), nn.Linear(128, 4), nn.Linear(128, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            h = F.relu(self.affine1(x))
            return self.action_head(h).softmax(-1), self.value_head(h)

    x, action, reward = acting()

    def loss(out: Any, _: Any) -> Tensor:
        p, value = out
        logp = torch.distributions.Categorical(p).log_prob(action)
        return (-logp * (reward - value[:, 0].detach())).sum() + F.smooth_l1_loss(value[:, 0], reward, reduction="sum")

    return Policy(), loss, x, None


@healthy("SAC: twin critics with targets")
def _() -> Any:
    class SAC(nn.Module):
        def __init__(self) -> None:
            super().__init__()

            def q() -> nn.Module:
                return nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

            self.actor = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4))
            self.q1, self.q2 = q(), q()
            self.t1, self.t2 = copy.deepcopy(self.q1), copy.deepcopy(self.q2)
            for p in (*self.t1.parameters(), *self.t2.parameters()):
                p.requires_grad_(False)

        def sample(self, s: Tensor) -> tuple[Tensor, Tensor]:
            mean, log_std = self.actor(s).chunk(2, 1)
            u = mean + log_std.clamp(-20, 2).exp() * torch.randn_like(mean)
            a = torch.tanh(u)
            logp = -0.5 * ((u - mean) / log_std.exp()).square() - log_std - torch.log(1 - a.pow(2) + 1e-6)
            return a, logp.sum(1, keepdim=True)

        def forward(self, s: Tensor, a: Tensor, r: Tensor, after: Tensor) -> Tensor:
            with torch.no_grad():
                a2, logp2 = self.sample(after)
                both = torch.cat([after, a2], 1)
                y = r + 0.99 * (torch.min(self.t1(both), self.t2(both)) - 0.2 * logp2)
            both = torch.cat([s, a], 1)
            critic = F.mse_loss(self.q1(both), y) + F.mse_loss(self.q2(both), y)
            new, logp = self.sample(s)
            both = torch.cat([s, new], 1)
            return critic + (0.2 * logp - torch.min(self.q1(both), self.q2(both))).mean()

    s = torch.randn(128, 8)
    a = 2 * torch.rand(128, 2) - 1
    return SAC(), itself, (s, a, s[:, :1] * a[:, :1], torch.randn(128, 8)), None


@healthy("domain adversary with gradient reversal")
def _() -> Any:
    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return -0.1 * gradient

    class DANN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
            self.label, self.domain = nn.Linear(32, 4), nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            h = self.body(x)
            return self.label(h), self.domain(Reverse.apply(h))

    x, y = table()
    d = torch.arange(64) % 2
    return (
        DANN(),
        lambda out, t: F.cross_entropy(out[0][d == 0], t[d == 0]) + F.cross_entropy(out[1], d),
        x + d[:, None],
        y,
    )


@healthy("RSSM world model")
def _() -> Any:
    class RSSM(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.cell = nn.Sequential(nn.Linear(8, 32), nn.ELU()), nn.GRUCell(16 + 2, 32)
            self.prior, self.post, self.decode = nn.Linear(32, 16), nn.Linear(64, 16), nn.Linear(48, 8)

        def forward(self, x: Tensor, action: Tensor) -> Tensor:
            h, z, total = torch.zeros(len(x), 32), torch.zeros(len(x), 16), torch.zeros(())
            for t in range(x.shape[1]):
                h = self.cell(torch.cat([z, action[:, t]], 1), h)
                prior = self.prior(h).unflatten(1, (4, 4)).log_softmax(-1)
                post = self.post(torch.cat([h, self.encode(x[:, t])], 1)).unflatten(1, (4, 4)).log_softmax(-1)
                p = post.exp()
                one = F.one_hot(torch.distributions.Categorical(p).sample(), 4).float()
                z = (one + p - p.detach()).flatten(1)
                kl = (p * (post - prior)).sum((1, 2)).mean().clamp(min=0.1)
                total = total + F.mse_loss(self.decode(torch.cat([h, z], 1)), x[:, t]) + 0.5 * kl
            return total / x.shape[1]

    t = torch.arange(12.0)[:, None] / 2 + 6 * torch.rand(16, 1, 8)
    return RSSM(), itself, (t.sin(), torch.randn(16, 12, 2)), None


# Physics, fields, learning to learn ----------------------------------------------------------------------------------


@healthy("PINN, Burgers' equation")
def _() -> Any:
    class Burgers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = [2] + [20] * 8
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False))
            self.out = nn.Linear(20, 1)
            for each in (*self.layers, self.out):
                nn.init.xavier_normal_(each.weight)
                nn.init.zeros_(each.bias)

        def u(self, x: Tensor, t: Tensor) -> Tensor:
            h = torch.cat([x, t], 1)
            for each in self.layers:
                h = torch.tanh(each(h))
            return self.out(h)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
            u = self.u(x, t)
            one = torch.ones_like(u)
            u_x, u_t = torch.autograd.grad(u, (x, t), one, create_graph=True)
            (u_xx,) = torch.autograd.grad(u_x, x, one, create_graph=True)
            residual = u_t + u * u_x - 0.01 / math.pi * u_xx
            start = self.u(x.detach(), torch.zeros_like(t)) + torch.sin(math.pi * x.detach())
            return residual.square().mean() + start.square().mean()

    return Burgers(), itself, (2 * torch.rand(200, 1) - 1, torch.rand(200, 1)), None


class HashGrid(nn.Module):
    """Features by hashed cells, drawn from ±1e-4 (Müller 2022)."""

    def __init__(self, levels: int = 6) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(1024, 2) for _ in range(levels))
        for table in self.tables:
            nn.init.uniform_(table.weight, -1e-4, 1e-4)
        self.net = nn.Sequential(
            nn.Linear(2 * levels, 64, False), nn.ReLU(), nn.Linear(64, 64, False), nn.ReLU(), nn.Linear(64, 3, False)
        )

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for level, table in enumerate(self.tables):
            scaled = x * 2 ** (level + 1)
            low = scaled.floor().long()
            part = scaled - low
            total = 0
            for dx in (0, 1):
                for dy in (0, 1):
                    key = ((low[:, 0] + dx) ^ ((low[:, 1] + dy) * 2654435761)) % 1024
                    weight = (part[:, 0] if dx else 1 - part[:, 0]) * (part[:, 1] if dy else 1 - part[:, 1])
                    total = total + weight[:, None] * table(key)
            features.append(total)
        return self.net(torch.cat(features, 1))


@healthy("hash-grid field, features of 1e-4")
def _() -> Any:
    x = torch.rand(512, 2)
    return HashGrid(), F.mse_loss, x, torch.stack([(9 * x[:, 0]).sin(), (7 * x[:, 1]).cos(), x.prod(1)], 1)


@healthy("NeRF with volume rendering")
def _() -> Any:
    class NeRF(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.ModuleList(nn.Linear(i, 64) for i in (39, 64, 64, 64))
            self.b = nn.ModuleList(nn.Linear(i, 64) for i in (64 + 39, 64, 64))
            self.density, self.color = nn.Linear(64, 1), nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))

        def forward(self, rays: Tensor) -> Tensor:
            depth = torch.linspace(0.5, 2, 24) + 0.05 * torch.rand(len(rays), 24)
            x = rays[:, None, :3] + depth[..., None] * rays[:, None, 3:]
            e = torch.cat([x, *(f(2.0**k * x) for k in range(6) for f in (torch.sin, torch.cos))], -1)
            h = e
            for each in self.a:
                h = F.relu(each(h))
            h = torch.cat([h, e], -1)
            for each in self.b:
                h = F.relu(each(h))
            sigma, color = F.relu(self.density(h)[..., 0] + 0.1), torch.sigmoid(self.color(h))
            alpha = 1 - torch.exp(-sigma * torch.cat([depth.diff(dim=1), torch.full((len(rays), 1), 1e10)], 1))
            through = torch.cumprod(torch.cat([torch.ones(len(rays), 1), 1 - alpha + 1e-10], 1), 1)[:, :-1]
            return ((alpha * through)[..., None] * color).sum(1)

    rays = torch.randn(64, 6)
    return NeRF(), F.mse_loss, rays, rays[:, 3:].sigmoid()


@healthy("MAML, one inner step")
def _() -> Any:
    class MAML(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))

        def forward(self, x: Tensor, y: Tensor, x2: Tensor, y2: Tensor) -> Tensor:
            total = torch.zeros(())
            for task in range(len(x)):
                weights = dict(self.net.named_parameters())
                loss = F.mse_loss(torch.func.functional_call(self.net, weights, (x[task],)), y[task])
                slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
                fast = {n: w - 0.01 * g for (n, w), g in zip(weights.items(), slopes, strict=True)}
                total = total + F.mse_loss(torch.func.functional_call(self.net, fast, (x2[task],)), y2[task])
            return total / len(x)

    x, phase = 10 * torch.rand(4, 20, 1) - 5, 3 * torch.rand(4, 1, 1)
    y = (x + phase).sin()
    return MAML(), itself, (x[:, :10], y[:, :10], x[:, 10:], y[:, 10:]), None


@healthy("forward-forward-like local losses")
def _() -> Any:
    class Local(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(a, 64) for a in (20, 64, 64))
            self.heads = nn.ModuleList(nn.Linear(64, 4) for _ in range(3))

        def forward(self, x: Tensor) -> list[Tensor]:
            outs = []
            for layer, head in zip(self.layers, self.heads, strict=True):
                x = F.relu(layer(x.detach()))
                outs.append(head(x))
            return outs

    return Local(), lambda outs, y: sum(F.cross_entropy(o, y) for o in outs), *table()


@healthy("Sinkhorn layer, 20 iterations")
def _() -> Any:
    class Sort(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 6))

        def forward(self, x: Tensor) -> Tensor:
            log = self.net(x[..., None])
            for _ in range(20):
                log = log - log.logsumexp(-1, keepdim=True)
                log = log - log.logsumexp(-2, keepdim=True)
            return (log.exp().transpose(1, 2) @ x[..., None])[..., 0]

    x = torch.rand(64, 6)
    return Sort(), F.mse_loss, x, x.sort(1)[0]


@healthy("slot attention")
def _() -> Any:
    class Slots(nn.Module):
        def __init__(self, d: int = 32) -> None:
            super().__init__()
            self.mu, self.log_sigma = nn.Parameter(0.1 * torch.randn(1, 1, d)), nn.Parameter(torch.zeros(1, 1, d))
            self.into, self.norm, self.norm_s = nn.Linear(4, d), nn.LayerNorm(d), nn.LayerNorm(d)
            self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
            self.gru, self.out = nn.GRUCell(d, d), nn.Linear(d, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = self.norm(self.into(x))
            slots = self.mu + self.log_sigma.exp() * torch.randn(len(x), 3, 32)
            k, v = self.k(h), self.v(h)
            for _ in range(3):
                attention = (self.q(self.norm_s(slots)) @ k.transpose(1, 2) / 32**0.5).softmax(1) + 1e-8
                attention = attention / attention.sum(-1, keepdim=True)
                slots = self.gru((attention @ v).flatten(0, 1), slots.flatten(0, 1)).view_as(slots)
            return self.out(slots)

    centres = torch.randn(32, 3, 4)
    x = centres.repeat_interleave(5, 1) + 0.1 * torch.randn(32, 15, 4)
    return Slots(), lambda out, y: torch.cdist(y, out).min(2)[0].mean(), x, x


@healthy("uncertainty by dropout, two outputs")
def _() -> Any:
    net = nn.Sequential(
        nn.Linear(1, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 2)
    )
    x = 4 * torch.rand(128, 1) - 2
    return net, lambda out, y: F.gaussian_nll_loss(out[:, :1], y, F.softplus(out[:, 1:]) + 1e-3), x, (2 * x).sin()


@healthy("survival analysis, Cox loss")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Dropout(0.2), nn.Linear(32, 1, bias=False))
    x = torch.randn(64, 20)
    time = torch.exp(-x[:, 0]) * torch.rand(64)

    def loss(risk: Tensor, event: Tensor) -> Tensor:
        order = time.argsort(descending=True)
        r = risk[order, 0]
        return -((r - torch.logcumsumexp(r, 0)) * event[order]).sum() / event.sum()

    return net, loss, x, (torch.rand(64) < 0.7).float()


@healthy("several tasks, heads unused in this batch")
def _() -> Any:
    class Tasks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.heads = nn.ModuleDict({name: nn.Linear(64, 4) for name in ("a", "b", "c")})

        def forward(self, x: Tensor, task: str) -> Tensor:
            return self.heads[task](self.body(x))

    x, y = table()
    return Tasks(), F.cross_entropy, (x, "b"), y


@healthy("batch of one, layer norm")
def _() -> Any:
    net = nn.Sequential(
        nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 4)
    )
    return net, F.cross_entropy, torch.randn(1, 20), torch.tensor([2])


@healthy("quantization-aware training")
def _() -> Any:
    from torch.ao.quantization import FakeQuantize, MovingAverageMinMaxObserver

    def fake(kind: torch.dtype = torch.quint8) -> nn.Module:
        return FakeQuantize(MovingAverageMinMaxObserver, quant_min=0, quant_max=255, dtype=kind)

    net = nn.Sequential(
        *(fake(), nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(fake(), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(fake(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10), fake()),
    )
    return net, F.cross_entropy, *pictures()


@healthy("DistributedDataParallel, one process")
def _() -> Any:
    import torch.distributed as dist

    if not dist.is_initialized():
        name = tempfile.mktemp()
        dist.init_process_group("gloo", init_method=f"file://{name}", rank=0, world_size=1)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    return nn.parallel.DistributedDataParallel(net), F.cross_entropy, *table()


@healthy("DataParallel")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    return nn.DataParallel(net), F.cross_entropy, *table()


@healthy("spectral norm by parametrization, instance norm, PReLU")
def _() -> Any:
    def part(a: int, b: int) -> list[nn.Module]:
        return [parametrizations.spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.InstanceNorm2d(b, affine=True), nn.PReLU()]

    net = nn.Sequential(*part(3, 16), *part(16, 32), nn.Conv2d(32, 1, 4))
    x = torch.cat([pictures(8)[0], torch.randn(8, 3, 16, 16)])
    return net, lambda out, y: F.relu(1 - y * out.flatten()).mean(), x, torch.tensor([1.0, -1.0]).repeat_interleave(8)


@healthy("deep post-norm with DeepNorm")
def _() -> Any:
    class Layer(nn.Module):
        def __init__(self, d: int, n: int) -> None:
            super().__init__()
            self.alpha, beta = (2 * n) ** 0.25, (8 * n) ** -0.25
            self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.a, self.b = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
            self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
            for each in (self.o, self.a, self.b):
                nn.init.xavier_normal_(each.weight, gain=beta)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).chunk(3, -1)
            x = self.n1(self.alpha * x + self.o(F.scaled_dot_product_attention(q, k, v)))
            return self.n2(self.alpha * x + self.b(F.gelu(self.a(x))))

    x = sentences()
    net = nn.Sequential(nn.Embedding(50, 32), *(Layer(32, 24) for _ in range(24)), nn.Linear(32, 50))
    return net, shifted, x, x


@healthy("fine-tuning: frozen convolutions in eval mode, new head")
def _() -> Any:
    body = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    body(pictures(32)[0])  # its statistics
    return nn.Sequential(body.eval().requires_grad_(False), nn.Linear(32, 10)), F.cross_entropy, *pictures(32)


# Sick ----------------------------------------------------------------------------------------------------------------


class Encoded(nn.Module):
    """An encoder, something done to its code, and a head."""

    def __init__(self, between: Callable[[Tensor], Tensor], encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder or nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.between, self.head = between, nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.between(self.encoder(x)))


def encoded(between: Callable[[Tensor], Tensor]) -> Make:
    return lambda: (Encoded(between), F.cross_entropy, *table())


sick("code wrapped anew by torch.tensor", "detached")(encoded(lambda h: torch.tensor(h.tolist())))
sick("code through .data", "detached")(encoded(lambda h: h.data))
sick("detach().requires_grad_() between", "detached")(encoded(lambda h: h.detach().requires_grad_()))
sick("cast to whole numbers", "detached")(encoded(lambda h: (10 * h).long().float() / 10))
sick("rounded code", "blocked")(encoded(lambda h: torch.round(10 * h) / 10))
sick("clamped far below", "blocked saturated")(encoded(lambda h: (h - 100).clamp(-1, 1)))
sick("sign as an activation", "blocked")(encoded(lambda h: torch.sign(h - 0.1)))


@sick("encoder under no_grad", "detached")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.head = nn.Linear(64, 4)

        @torch.no_grad()
        def encode(self, x: Tensor) -> Tensor:
            return self.encoder(x)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.encode(x))

    return Model(), F.cross_entropy, *table()


@sick("argmax and an embedding in the path", "detached")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 16))
            self.codes, self.head = nn.Embedding(16, 32), nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.codes(self.encoder(x).argmax(1)))

    return Model(), F.cross_entropy, *table()


@sick("loss rebuilt from its item", "detached")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    return net, lambda out, y: torch.tensor(F.cross_entropy(out, y).item(), requires_grad=True), *table()


@sick("layer made in forward", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(20, 64)

        def forward(self, x: Tensor) -> Tensor:
            return nn.Linear(64, 4)(F.relu(self.a(x)))

    return Model(), F.cross_entropy, *table()


@sick("weight as a plain tensor that asks for a gradient", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.randn(20, 64, requires_grad=True)
            self.out = nn.Linear(64, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(F.relu(x @ self.w / 5))

    return Model(), F.cross_entropy, *table()


@sick("layers in a dictionary", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branches = {"x": nn.Linear(20, 32), "y": nn.Linear(20, 32)}
            self.out = nn.Linear(64, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(F.relu(torch.cat([self.branches["x"](x), self.branches["y"](x)], 1)))

    return Model(), F.cross_entropy, *table()


@sick("softmax before cross-entropy", "note")
def _() -> Any:
    x, y = pictures()
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 196, 10), nn.Softmax(dim=-1))
    return net, nn.CrossEntropyLoss(), x, y


@sick("sigmoid before BCEWithLogits", "note")
def _() -> Any:
    x, y = table()
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
    return net, nn.BCEWithLogitsLoss(), x, (y > 1).float()[:, None]


@sick("one label for all samples", "note data")
def _() -> Any:
    x, y = table()
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4)), F.cross_entropy, x, torch.zeros_like(y)


@sick("outputs averaged over the batch", "note loss data")
def _() -> Any:
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.o = nn.Linear(20, 64), nn.Linear(64, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = F.relu(self.a(x)).mean(0, keepdim=True)
            return self.o(h).expand(len(x), -1)

    return Mean(), F.cross_entropy, *table()


@sick("inputs of mean 500, sigmoid layers", "saturated note data")
def _() -> Any:
    x, y = table()
    net = nn.Sequential(nn.Linear(20, 64), nn.Sigmoid(), nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 4))
    return net, F.cross_entropy, 500 + 100 * x, y


@sick("all layers at zero", "symmetric blocked")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    for p in net.parameters():
        nn.init.zeros_(p)
    return net, F.cross_entropy, *table()


sick("LoRA with both factors at zero", "symmetric blocked detached vanishing")(lambda: next_of(with_lora(True)))


def initialised(net: nn.Module, std: float) -> nn.Module:
    for m in net.modules():
        if isinstance(m, nn.Linear | nn.Conv2d):
            nn.init.normal_(m.weight, std=std)
            nn.init.zeros_(m.bias)
    return net


def plain(depth: int, width: int, act: Callable[[], nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(20, width), act()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), act()]
    return nn.Sequential(*layers, nn.Linear(width, 4))


sick("normal_() weights, ReLU, 8 layers of 256", "exploding")(
    lambda: (initialised(plain(8, 256, nn.ReLU), 1.0), F.cross_entropy, *table())
)
sick("normal_() weights, tanh, 8 layers of 256", "saturated exploding")(
    lambda: (initialised(plain(8, 256, nn.Tanh), 1.0), F.cross_entropy, *table())
)
sick("N(0, 0.01) weights, ReLU, 8 layers of 100", "vanishing")(
    lambda: (initialised(plain(8, 100, nn.ReLU), 0.01), F.cross_entropy, *table())
)
sick("40 sigmoid layers, Xavier", "vanishing")(lambda: (xavier(plain(40, 32, nn.Sigmoid)), F.cross_entropy, *table()))


def xavier(net: nn.Module) -> nn.Module:
    for m in net.modules():
        if isinstance(m, nn.Linear):
            nn.init.xavier_normal_(m.weight)
            nn.init.zeros_(m.bias)
    return net


@sick("weights drawn from 0 to 1", "exploding saturated")
def _() -> Any:
    net = plain(6, 128, nn.ReLU)
    for p in net.parameters():
        nn.init.uniform_(p)
    return net, F.cross_entropy, *table()


@sick("sigmoid VGG", "vanishing")
def _() -> Any:
    parts: list[nn.Module] = []
    a = 3
    for b in (16, 16, 32, 32, 32, 32, 32, 32):
        parts += [nn.Conv2d(a, b, 3, padding=1), nn.Sigmoid()]
        a = b
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)), F.cross_entropy, *pictures()


@sick("convolutions of N(0, 0.001)", "vanishing")
def _() -> Any:
    parts: list[nn.Module] = []
    a = 3
    for b in (16, 16, 32, 32, 32, 32):
        parts += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
        a = b
    net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    return initialised(net, 1e-3), F.cross_entropy, *pictures()


@sick("batch norm in eval mode, variances of 1e8", "vanishing")
def _() -> Any:
    parts: list[nn.Module] = []
    for a in (20, 64, 64):
        parts += [nn.Linear(a, 64), nn.BatchNorm1d(64), nn.ReLU()]
    net = nn.Sequential(*parts, nn.Linear(64, 4))
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_var.fill_(1e8)
    return net.eval(), F.cross_entropy, *table()


@sick("batch norm in eval mode, variances of 1e-8", "exploding note")
def _() -> Any:
    parts: list[nn.Module] = []
    for a in (20, 64, 64):
        parts += [nn.Linear(a, 64), nn.BatchNorm1d(64), nn.ReLU()]
    net = nn.Sequential(*parts, nn.Linear(64, 4))
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_var.fill_(1e-8)
    return net.eval(), F.cross_entropy, *table()


@sick("a batch of one and batch norm", "error")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 4))
    return net, F.cross_entropy, torch.randn(1, 20), torch.tensor([1])


@sick("ReLU behind the last layer of a regression", "dead blocked loss")
def _() -> Any:
    x = torch.randn(64, 20)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1), nn.ReLU())
    nn.init.constant_(net[2].bias, -5.0)
    return net, F.mse_loss, x, x[:, :1]


@sick("convolution with biases of -20", "dead")
def _() -> Any:
    net = nn.Sequential(
        *(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)),
    )
    nn.init.constant_(net[4].bias, -20.0)
    return net, F.cross_entropy, *pictures()


@sick("recurrent loop of radius 2, 60 steps", "exploding")
def _() -> Any:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.i, self.h, self.o = nn.Linear(8, 64), nn.Linear(64, 64), nn.Linear(64, 4)
            w = torch.randn(64, 64)
            self.h.weight.data = 2 * w / torch.linalg.eigvals(w).abs().max()

        def forward(self, x: Tensor) -> Tensor:
            h = torch.zeros(len(x), 64)
            for t in range(x.shape[1]):
                h = F.leaky_relu(self.i(x[:, t]) + self.h(h), 0.8)
            return self.o(h)

    return Loop(), F.cross_entropy, torch.randn(16, 60, 8), torch.randint(0, 4, (16,))


@sick("attention without a scale, rows of one entry", "saturated vanishing note")
def _() -> Any:
    class Sharp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.e = nn.Embedding(50, 128)
            self.q, self.k, self.v = (nn.Linear(128, 128, False) for _ in range(3))
            for each in (self.q, self.k, self.v):
                nn.init.normal_(each.weight)
            self.o = nn.Linear(128, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = self.e(x)
            a = (self.q(h) @ self.k(h).transpose(1, 2)).softmax(-1)
            return self.o((a @ self.v(h)).mean(1))

    x = sentences(16)
    return Sharp(), F.cross_entropy, x, x[:, 0] % 4


@sick("log of a probability that underflows", "non-finite")
def _() -> Any:
    x, y = table()
    last = nn.Linear(64, 4)
    last.weight.data *= 1e4
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), last, nn.Softmax(1))
    return net, lambda out, t: -torch.log(out[torch.arange(len(t)), t]).mean(), x, y


@sick("distance of equal vectors", "non-finite")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 16))

    def loss(z: Tensor, y: Tensor) -> Tensor:
        apart = (z[:, None] - z).square().sum(-1).sqrt()
        return (apart * (y[:, None] == y)).mean()

    return net, loss, *table()


@sick("where() around a root of a negative number", "non-finite")
def _() -> Any:
    return Encoded(lambda h: torch.where(h - 0.1 > 0, (h - 0.1).sqrt(), torch.zeros_like(h))), F.cross_entropy, *table()


@sick("unit length of a zero vector", "non-finite")
def _() -> Any:
    x, y = table()
    x[3] = 0
    body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    return nn.Sequential(Fn(lambda v: v / v.norm(dim=1, keepdim=True)), body), F.cross_entropy, x, y


@sick("mean over an empty mask", "non-finite")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
    mask = torch.zeros(64, 1)
    return net, lambda out, y: ((out - y).square() * mask).sum() / mask.sum(), torch.randn(64, 20), torch.randn(64, 1)


@sick("softmax by hand without the maximum", "non-finite")
def _() -> Any:
    x, y = table()
    first = nn.Linear(20, 64)
    first.weight.data *= 1e3
    net = nn.Sequential(first, nn.ReLU(), nn.Linear(64, 4))

    def loss(out: Tensor, t: Tensor) -> Tensor:
        p = out.exp() / out.exp().sum(1, keepdim=True)
        return F.nll_loss(p.log(), t)

    return net, loss, x, y


@sick("every gap in a column of the table", "non-finite")
def _() -> Any:
    x, y = table()
    x[:, 7] = (x[:, 7] - x[:, 7]) / 0
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4)), F.cross_entropy, x, y


@sick("auxiliary loss of weight 0 alone", "loss")
def _() -> Any:
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
    return net, lambda o, y: 0.0 * F.cross_entropy(o, y), *table()


@sick("L1 of (N, 1) with (N,)", "loss")
def _() -> Any:
    x = torch.randn(64, 20)
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)), nn.L1Loss(), x, x[:, 0]


@sick("softmax without dim over a sequence", "note loss")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.e, self.o = nn.Embedding(50, 32), nn.Linear(32, 50)

        def forward(self, x: Tensor) -> Tensor:
            return F.softmax(self.o(self.e(x)), dim=0)

    x = sentences()
    return Model(), lambda out, y: F.nll_loss((out.flatten(0, 1) + 1e-9).log(), y.flatten()), x, x.roll(-1, 1)


@sick("sigmoid output on raw inputs, squared error", "saturated")
def _() -> Any:
    x = torch.rand(64, 20) * torch.tensor([1.0, 1e4] * 10)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
    return net, nn.MSELoss(), x, (x[:, :1] > 0.5).float()


@sick("every token is padding", "note data blocked loss")
def _() -> Any:
    net = nn.Sequential(
        nn.Embedding(50, 32, padding_idx=0), nn.Linear(32, 32), nn.ReLU(), Fn(lambda h: h.mean(1)), nn.Linear(32, 4)
    )
    return net, F.cross_entropy, torch.zeros(16, 12, dtype=torch.long), torch.randint(0, 4, (16,))


@sick("head frozen and body forgotten", "detached")
def _() -> Any:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.head = nn.Linear(64, 4)
            for p in self.parameters():
                p.requires_grad = False

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    return Wrapped(), F.cross_entropy, *table()


@sick("generator before a critic that is sure", "loss saturated blocked vanishing")
def _() -> Any:
    critic = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)).requires_grad_(False)
    critic[2].bias.fill_(-200.0)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 20))
    return net, lambda out, _: torch.log(1 - critic(out).sigmoid()).mean(), torch.randn(64, 8), None


@sick("half precision, loss of 1e-6", "vanishing loss blocked note")
def _() -> Any:
    x, y = table()
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)).half()
    return net, lambda out, t: 1e-6 * F.cross_entropy(out, t), x.half(), y


@sick("plain LSTM has to recall over 300 steps", "vanishing")
def _() -> Any:
    class Recall(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.lstm, self.out = nn.Embedding(10, 16), nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.lstm(self.embed(x))[0][:, -1])

    y = torch.randint(0, 8, (16,))
    x = torch.full((16, 300), 8)
    x[:, 0] = y
    return Recall(), F.cross_entropy, x, y


@sick("state detached in an unrolled decoder", "detached")
def _() -> Any:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.cell, self.out = nn.Embedding(50, 32), nn.LSTMCell(32, 32), nn.Linear(32, 50)

        def forward(self, x: Tensor) -> Tensor:
            h = c = torch.zeros(len(x), 32)
            outs = []
            for t in range(x.shape[1]):
                h, c = self.cell(self.embed(x[:, t]), (h.detach(), c.detach()))
                outs.append(self.out(h))
            return torch.stack(outs, 1)

    x = sentences()
    return Decoder(), shifted, x, x
