"""A second set of healthy networks that nothing was set on before the doctor met them: unusual forms that are sound.

They were written on 28 November 2026 from papers and the code that people share, before any verdict on them was seen.
The README of `helpers/doctor` says what came of it. Whether they learn is measured as for the older ones
(tests/test_clinic.py).
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.clinic.parts import Attention, Fn, Make, Net, Skip, entering, feed, mlp, seq
from tests.clinic.unseen import itself, pictures, sentences, shifted, table

BLIND_NOT_SHOWN = frozenset(("consistency training against an averaged copy", "supervised contrastive, two views"))
"""Those whose loss doesn't fall by 30 % on one batch, so that they don't count."""

BLIND_HEALTHY: dict[str, Make] = {}
healthy = entering(BLIND_HEALTHY)

WORDS, WIDTH = 50, 32


def shown(model: nn.Module, **options: Any) -> Any:
    return model, F.cross_entropy, *pictures(**options)


def tabular(model: nn.Module) -> Any:
    return model, F.cross_entropy, *table()


def language(*body: Any) -> Any:
    """The next word by embeddings, a body, and a linear layer."""
    x = sentences()
    return seq(nn.Embedding(WORDS, WIDTH), *body, nn.Linear(WIDTH, WORDS)), shifted, x, x


def waves(n: int = 32, length: int = 48) -> tuple[Tensor, Tensor]:
    """Noisy waves, and how each goes on for 12 steps."""
    t = torch.arange(length + 12) * 0.3
    whole = torch.sin(t * (0.5 + torch.rand(n, 1)) + 6 * torch.rand(n, 1)) + 0.1 * torch.randn(n, length + 12)
    return whole[:, :length], whole[:, length:]


def moons(n: int = 256) -> Tensor:
    """Points of two half circles."""
    angle, side = math.pi * torch.rand(n), torch.randint(0, 2, (n,)) * 2.0 - 1
    points = torch.stack([angle.cos() + 0.5 * side, side * angle.sin() - 0.25 * side], 1)
    return points + 0.05 * torch.randn(n, 2)


def graph(n: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    """Features, the normalised matrix of neighbours with each node itself, and classes, of two communities."""
    y = torch.arange(n) % 2
    near = (torch.rand(n, n) < torch.where(y[:, None] == y, 0.3, 0.05)).float()
    near = ((near + near.T) > 0).float().fill_diagonal_(1)
    root = near.sum(1).rsqrt()
    return torch.randn(n, 16) + y[:, None], root[:, None] * near * root, y


# Normalizations, and doing without -----------------------------------------------------------------------------------


class ScaleNorm(nn.Module):
    """Nguyen 2019: unit length times one learned number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.tensor(math.sqrt(width)))

    def forward(self, x: Tensor) -> Tensor:
        return self.g * F.normalize(x, dim=-1)


def blocks_of(norm: Any, count: int = 4) -> list[nn.Module]:
    return [
        part
        for _ in range(count)
        for part in (Skip(seq(norm(WIDTH), Attention(WIDTH, causal=True))), Skip(seq(norm(WIDTH), feed(WIDTH))))
    ]


healthy("transformer with ScaleNorm")(lambda: language(*blocks_of(ScaleNorm), ScaleNorm(WIDTH)))


class DynamicTanh(nn.Module):
    """Zhu 2025, in place of a normalization."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(0.5))
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * torch.tanh(self.alpha * x) + self.bias


healthy("transformer with dynamic tanh")(lambda: language(*blocks_of(DynamicTanh), DynamicTanh(WIDTH)))


class FilterResponse(nn.Module):
    """Filter response norm with its thresholded linear unit (Singh 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma, self.beta, self.tau = (nn.Parameter(torch.full((width, 1, 1), value)) for value in (1.0, 0.0, -1.0))

    def forward(self, x: Tensor) -> Tensor:
        x = x * torch.rsqrt(x.square().mean((2, 3), keepdim=True) + 1e-6)
        return torch.maximum(self.gamma * x + self.beta, self.tau)


@healthy("filter response norm with a learned threshold")
def _() -> Any:
    widths = (3, 16, 16, 32, 32)
    parts = [
        (nn.Conv2d(a, b, 3, 1 + (a == 16 and b == 32), 1, bias=False), FilterResponse(b))
        for a, b in zip(widths, widths[1:], strict=False)
    ]
    return shown(seq(*(seq(*each) for each in parts), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)))


class StandardConv(nn.Conv2d):
    """Weight standardization (Qiao 2019); `gain` makes up for the activation (NFNet, Brock 2021)."""

    gain = 1.0

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) * torch.rsqrt(w.var((1, 2, 3), keepdim=True) * w[0].numel() + 1e-4)
        return self._conv_forward(x, self.gain * w, self.bias)


@healthy("weight standardization and group norm, pre-activation")
def _() -> Any:
    def branch() -> nn.Module:
        return seq(
            nn.GroupNorm(8, 32),
            nn.ReLU(),
            StandardConv(32, 32, 3, padding=1),
            nn.GroupNorm(8, 32),
            nn.ReLU(),
            StandardConv(32, 32, 3, padding=1),
        )

    return shown(
        seq(
            StandardConv(3, 32, 3, padding=1),
            *(Skip(branch()) for _ in range(6)),
            nn.GroupNorm(8, 32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32, 10),
        )
    )


@healthy("NFNet: no normalization, standardised weights")
def _() -> Any:
    class Block(nn.Module):
        def __init__(self, beta: float) -> None:
            super().__init__()
            self.a, self.b = (StandardConv(32, 32, 3, padding=1) for _ in range(2))
            self.skip_gain, self.beta = nn.Parameter(torch.zeros(())), beta

        def forward(self, x: Tensor) -> Tensor:
            h = self.b(1.7139 * F.relu(self.a(1.7139 * F.relu(x) * self.beta)))
            return x + 0.2 * self.skip_gain * h

    stem = StandardConv(3, 32, 3, padding=1)
    deep = [Block((1 + 0.04 * place) ** -0.5) for place in range(8)]
    return shown(seq(stem, *deep, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)))


@healthy("batch norm without scale and shift, CELU")
def _() -> Any:
    return tabular(mlp(20, 64, 64, 64, 4, activation=nn.CELU, norm=lambda w: nn.BatchNorm1d(w, affine=False)))


@healthy("batch norm over single numbers of 1e6")
def _() -> Any:
    x, y = table()
    return seq(nn.BatchNorm1d(20), mlp(20, 64, 64, 4)), F.cross_entropy, 1e6 * x + 3e6, y


class Equalized(nn.Module):
    """A layer with normal weights that are scaled as it runs (Karras 2018)."""

    def __init__(self, a: int, b: int, k: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(b, a, k, k)), nn.Parameter(torch.zeros(b))
        self.scale = math.sqrt(2 / (a * k * k))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.scale * self.weight, self.bias, padding=self.weight.shape[-1] // 2)


def pixel_norm(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


@healthy("equalized learning rate and pixel norm, latent codes to pictures")
def _() -> Any:
    widths = (32, 32, 16, 16)
    parts: list[Any] = [Fn(lambda z: pixel_norm(z[:, :, None, None]).expand(-1, -1, 2, 2))]
    for a, b in zip(widths, widths[1:], strict=False):
        parts += [nn.Upsample(scale_factor=2), Equalized(a, b, 3), nn.LeakyReLU(0.2), Fn(pixel_norm)]
    return seq(parts, Equalized(16, 3, 1)), F.mse_loss, torch.randn(8, 32), 0.5 * pictures(8)[0]


class Modulated(nn.Module):
    """A convolution whose weights follow a style, and are demodulated (Karras 2020)."""

    def __init__(self, a: int, b: int, style: int) -> None:
        super().__init__()
        self.weight, self.style = nn.Parameter(torch.randn(b, a, 3, 3) / math.sqrt(9 * a)), nn.Linear(style, a)
        nn.init.ones_(self.style.bias)
        self.noise = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        n, a, height, width = x.shape
        kernel = self.weight * self.style(w)[:, None, :, None, None]
        kernel = kernel * torch.rsqrt(kernel.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        out = F.conv2d(x.reshape(1, -1, height, width), kernel.flatten(0, 1), padding=1, groups=n)
        out = out.reshape(n, -1, height, width)
        return F.leaky_relu(out + self.noise * torch.randn_like(out[:, :1]), 0.2)


@healthy("StyleGAN2-like generator, modulated convolutions, constant input")
def _() -> Any:
    def run(m: Any, z: Tensor) -> Tensor:
        w = m.map(F.normalize(z, dim=1) * math.sqrt(32))
        x = m.start.expand(len(z), -1, -1, -1)
        for layer in m.layers:
            x = layer(F.interpolate(x, scale_factor=2, mode="bilinear"), w)
        return m.out(x)

    net = Net(
        run,
        map=mlp(32, 32, 32, 32, activation=lambda: nn.LeakyReLU(0.2)),
        start=nn.Parameter(torch.randn(1, 32, 4, 4)),
        layers=nn.ModuleList([Modulated(32, 32, 32), Modulated(32, 16, 32)]),
        out=nn.Conv2d(16, 3, 1),
    )
    return net, F.mse_loss, torch.randn(8, 32), 0.5 * pictures(8)[0]


@healthy("snake activations, weight norm, upsampling (vocoder)")
def _() -> Any:
    class Snake(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.alpha = nn.Parameter(torch.ones(width, 1))

        def forward(self, x: Tensor) -> Tensor:
            return x + torch.sin(self.alpha * x).square() / (self.alpha + 1e-9)

    wn = parametrizations.weight_norm
    net = seq(
        wn(nn.Conv1d(20, 32, 7, padding=3)),
        Snake(32),
        wn(nn.ConvTranspose1d(32, 16, 8, 4, 2)),
        Snake(16),
        wn(nn.ConvTranspose1d(16, 8, 8, 4, 2)),
        Snake(8),
        wn(nn.Conv1d(8, 1, 7, padding=3)),
        nn.Tanh(),
    )
    mel = torch.randn(8, 20, 8)
    wave = torch.sin(torch.arange(128) * (0.1 + 0.2 * torch.rand(8, 1)))[:, None]
    spectrum = torch.hann_window(32)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        a, b = (torch.stft(each[:, 0], 32, window=spectrum, return_complex=True).abs() for each in (out, y))
        return F.l1_loss(out, y) + F.l1_loss((a + 1e-5).log(), (b + 1e-5).log())

    return net, loss, mel, wave


# Gates, experts, tied weights, fixed points --------------------------------------------------------------------------


@healthy("gated convolutions as a language model")
def _() -> Any:
    def gated() -> nn.Module:
        return seq(nn.ConstantPad1d((3, 0), 0.0), nn.Conv1d(WIDTH, 2 * WIDTH, 4), nn.GLU(1))

    return language(lambda x: x.transpose(1, 2), *(Skip(gated()) for _ in range(5)), lambda x: x.transpose(1, 2))


@healthy("experts choose their tokens")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        flat = m.norm(x).flatten(0, 1)
        gates = m.router(flat).softmax(-1)
        out = torch.zeros_like(flat)
        for number, expert in enumerate(m.experts):
            weight, chosen = gates[:, number].topk(len(flat) // 4)
            out = out.index_add(0, chosen, weight[:, None] * expert(flat[chosen]))
        return x + out.view_as(x)

    layer = [
        Net(
            run,
            norm=nn.LayerNorm(WIDTH),
            router=nn.Linear(WIDTH, 8, bias=False),
            experts=nn.ModuleList(feed(WIDTH) for _ in range(8)),
        )
        for _ in range(2)
    ]
    return language(layer[0], Skip(seq(nn.LayerNorm(WIDTH), Attention(WIDTH, causal=True))), layer[1])


@healthy("soft mixture of experts")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        logits = torch.einsum("bnd,ed->bne", F.normalize(x, dim=-1), F.normalize(m.slots, dim=-1)) * m.scale
        mixed = torch.einsum("bne,bnd->bed", logits.softmax(1), x)
        out = torch.stack([expert(mixed[:, e]) for e, expert in enumerate(m.experts)], 1)
        return x + torch.einsum("bne,bed->bnd", logits.softmax(2), out)

    def layer() -> nn.Module:
        return Net(
            run,
            slots=nn.Parameter(torch.randn(6, 32) / 6),
            scale=nn.Parameter(torch.ones(())),
            experts=nn.ModuleList(feed(32) for _ in range(6)),
        )

    stem = [nn.Conv2d(3, 32, 4, 4), Fn(lambda x: x.flatten(2).transpose(1, 2))]
    return shown(seq(stem, layer(), layer(), lambda x: x.mean(1), nn.LayerNorm(32), nn.Linear(32, 10)))


@healthy("fixed point found without gradient, then one step with it")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        u, z = m.inject(x), torch.zeros(len(x), 64)
        with torch.no_grad():
            for _ in range(20):
                z = torch.tanh(m.cell(z) + u)
        return m.out(torch.tanh(m.cell(z) + u))

    cell = nn.Linear(64, 64)
    nn.init.orthogonal_(cell.weight, 0.7)
    return tabular(Net(run, inject=nn.Linear(20, 64), cell=cell, out=nn.Linear(64, 4)))


@healthy("fixed point with an implicit gradient by a hook")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        def step(z: Tensor) -> Tensor:
            return torch.tanh(m.cell(z) + m.inject(x))

        z = torch.zeros(len(x), 64)
        with torch.no_grad():
            for _ in range(20):
                z = step(z)
        z = step(z)
        if z.requires_grad:
            start = z.detach().requires_grad_()
            again = step(start)

            def solve(gradient: Tensor) -> Tensor:
                g = gradient
                for _ in range(15):
                    g = torch.autograd.grad(again, start, g, retain_graph=True)[0] + gradient
                return g

            z.register_hook(solve)
        return m.out(z)

    cell = nn.Linear(64, 64)
    nn.init.orthogonal_(cell.weight, 0.6)
    return tabular(Net(run, inject=nn.Linear(20, 64), cell=cell, out=nn.Linear(64, 4)))


@healthy("adaptive halting over a tied block")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Any:
        h = m.start(x)
        left, out, ponder = torch.ones(len(x), 1), torch.zeros_like(h), torch.zeros(())
        for step in range(6):
            h = h + m.block(h)
            p = torch.sigmoid(m.halt(h)) if step < 5 else torch.ones(len(x), 1)
            out, left = out + left * p * h, left * (1 - p)
            ponder = ponder + left.mean()
        return m.out(out), ponder

    halt = nn.Linear(64, 1)
    nn.init.constant_(halt.bias, -1.0)
    block = seq(nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64))
    net = Net(run, start=nn.Linear(20, 64), block=block, halt=halt, out=nn.Linear(64, 4))
    return net, lambda out, y: F.cross_entropy(out[0], y) + 0.01 * out[1], *table()


@healthy("LISTA: unrolled sparse coding")
def _() -> Any:
    dictionary = F.normalize(torch.randn(20, 50), dim=0)
    codes = torch.randn(64, 50) * (torch.rand(64, 50) < 0.1)

    def run(m: Any, x: Tensor) -> Tensor:
        z = torch.zeros(len(x), 50)
        for _ in range(8):
            z = m.w(x) + m.s(z)
            z = z.sign() * F.relu(z.abs() - F.softplus(m.threshold))
        return z

    net: Any = Net(
        run, w=nn.Linear(20, 50, False), s=nn.Linear(50, 50, False), threshold=nn.Parameter(torch.full((50,), -3.0))
    )
    with torch.no_grad():
        size = float(torch.linalg.matrix_norm(dictionary, 2)) ** 2
        net.w.weight.copy_(dictionary.T / size)
        net.s.weight.copy_(torch.eye(50) - dictionary.T @ dictionary / size)
    return net, F.mse_loss, codes @ dictionary.T, codes


@healthy("reversible blocks with a backward pass of their own")
def _() -> Any:
    class Reversed(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, f: nn.Module, g: nn.Module, *weights: Tensor) -> Tensor:
            a, b = x.chunk(2, 1)
            with torch.no_grad():
                a = a + f(b)
                b = b + g(a)
            ctx.parts, ctx.out = (f, g), torch.cat([a, b], 1)
            return ctx.out.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Any:
            f, g = ctx.parts
            a, b = ctx.out.chunk(2, 1)
            da, db = gradient.chunk(2, 1)
            with torch.enable_grad():
                a = a.detach().requires_grad_()
                ga = g(a)
            dg = torch.autograd.grad(ga, [a, *g.parameters()], db)
            da = da + dg[0]
            with torch.enable_grad():
                b = (b - ga).detach().requires_grad_()
                fb = f(b)
            df = torch.autograd.grad(fb, [b, *f.parameters()], da)
            return torch.cat([da, db + df[0]], 1), None, None, *df[1:], *dg[1:]

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.f, self.g = (seq(nn.LayerNorm(32), feed(32)) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            return Reversed.apply(x, self.f, self.g, *self.f.parameters(), *self.g.parameters())

    return tabular(seq(nn.Linear(20, 64), *(Block() for _ in range(4)), nn.Linear(64, 4)))


@healthy("architecture search: every edge a mixture of operations")
def _() -> Any:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.choices = nn.ModuleList(
                [
                    seq(nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16, affine=False)),
                    seq(nn.AvgPool2d(3, 1, 1), nn.BatchNorm2d(16, affine=False)),
                    nn.Identity(),
                    Fn(lambda x: 0 * x),
                ]
            )
            self.alpha = nn.Parameter(1e-3 * torch.randn(4))

        def forward(self, x: Tensor) -> Tensor:
            return sum(w * each(x) for w, each in zip(self.alpha.softmax(0), self.choices, strict=True))

    def cell(m: Any, x: Tensor) -> Tensor:
        a = m.ab(x)
        return m.xc(x) + m.ac(a)

    cells = [Net(cell, ab=Mixed(), xc=Mixed(), ac=Mixed()) for _ in range(3)]
    ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
    return shown(seq(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), *cells, ends))


@healthy("an ensemble by functional_call and vmap")
def _() -> Any:
    class Ensemble(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            members = [mlp(20, 32, 32, 4, activation=nn.Tanh) for _ in range(5)]
            stacked, _ = torch.func.stack_module_state(members)
            self.names = list(stacked)
            self.stacked = nn.ParameterList([nn.Parameter(each.detach().clone()) for each in stacked.values()])
            self.skeleton = [copy.deepcopy(members[0]).to("meta")]

        def forward(self, x: Tensor) -> Tensor:
            def one(parameters: Any, x: Tensor) -> Tensor:
                return torch.func.functional_call(self.skeleton[0], parameters, (x,))

            return torch.vmap(one, (0, None))(dict(zip(self.names, self.stacked, strict=True)), x)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(out.flatten(0, 1), y.repeat(5))

    return Ensemble(), loss, *table()


# Attention and recurrence in other forms -----------------------------------------------------------------------------


def in_language(layer: Any, count: int = 3) -> Any:
    """Layers of a kind in pre-norm blocks, each followed by a feed-forward block."""
    parts = [
        part
        for _ in range(count)
        for part in (Skip(seq(nn.LayerNorm(WIDTH), layer())), Skip(seq(nn.LayerNorm(WIDTH), feed(WIDTH))))
    ]
    return language(*parts, nn.LayerNorm(WIDTH))


class Heads(nn.Module):
    """Queries, keys and values in four heads, and a function that mixes them."""

    def __init__(self, mix: Any, **parts: Any) -> None:
        super().__init__()
        self.qkv, self.out, self.mix = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), mix
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, 4, -1)).permute(2, 0, 3, 1, 4)
        return self.out(self.mix(self, q, k, v).transpose(1, 2).flatten(2))


def causal(length: int) -> Tensor:
    return torch.ones(length, length).tril()


@healthy("sigmoid attention with a bias of minus ln n")
def _() -> Any:
    def mix(_: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n = q.shape[-2]
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) - math.log(n)
        return (torch.sigmoid(scores) * causal(n)) @ v

    return in_language(lambda: Heads(mix))


@healthy("differential attention")
def _() -> Any:
    def mix(m: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n, half = q.shape[-2], q.shape[-1] // 2
        maps = [
            ((a @ b.transpose(-1, -2)) / math.sqrt(half)).masked_fill(causal(n) == 0, -math.inf).softmax(-1)
            for a, b in zip(q.split(half, -1), k.split(half, -1), strict=True)
        ]
        return 0.2 * F.layer_norm((maps[0] - m.share * maps[1]) @ v, (v.shape[-1],))

    return in_language(lambda: Heads(mix, share=nn.Parameter(torch.tensor(0.8))))


@healthy("retention: decay in place of softmax, group norm")
def _() -> Any:
    def mix(m: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n = q.shape[-2]
        apart = torch.arange(n)[:, None] - torch.arange(n)
        decay = 1 - 2.0 ** -(5 + torch.arange(4.0))
        weight = decay[:, None, None] ** apart.clamp(min=0) * (apart >= 0)
        out = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) * weight) @ v
        return F.layer_norm(out, (out.shape[-1],))

    return in_language(lambda: Heads(mix))


@healthy("delta rule over a matrix of memory")
def _() -> Any:
    def mix(m: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        k, beta = F.normalize(k, dim=-1), torch.sigmoid(m.beta)
        state, outs = torch.zeros(*q.shape[:2], q.shape[-1], q.shape[-1]), []
        for t in range(q.shape[2]):
            now = k[:, :, t, :, None]
            state = state + beta * now @ (v[:, :, t, None] - now.transpose(-1, -2) @ state)
            outs.append((q[:, :, t, None] @ state)[:, :, 0])
        return torch.stack(outs, 2)

    return in_language(lambda: Heads(mix, beta=nn.Parameter(torch.zeros(()))), 2)


@healthy("long convolutions by the Fourier transform, gated (Hyena)")
def _() -> Any:
    class Long(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.short = nn.Conv1d(3 * WIDTH, 3 * WIDTH, 3, padding=2, groups=3 * WIDTH)
            self.filter = mlp(1, 16, WIDTH, activation=nn.Tanh)
            self.skip = nn.Parameter(torch.randn(WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            n = x.shape[1]
            a, b, v = self.short(self.inner(x).transpose(1, 2))[..., :n].chunk(3, 1)
            t = torch.linspace(0, 1, n)[:, None]
            kernel = (self.filter(t) * torch.exp(-3 * t)).T
            u = b * v
            y = torch.fft.irfft(torch.fft.rfft(u, 2 * n) * torch.fft.rfft(kernel, 2 * n), 2 * n)[..., :n]
            return self.out((a * (y + self.skip[:, None] * u)).transpose(1, 2))

    return in_language(Long)


@healthy("minimal GRU by a parallel scan in logarithms")
def _() -> Any:
    class Scan(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.z, self.h = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            z, h = self.z(x), self.h(x)
            keep, take = -F.softplus(z), -F.softplus(-z)
            value = torch.where(h >= 0, (F.relu(h) + 0.5).log(), -F.softplus(-h))
            total = keep.cumsum(1)
            return (total + (take + value - total).logcumsumexp(1)).exp()

    return in_language(Scan)


@healthy("exponential gates with a stabiliser (sLSTM)")
def _() -> Any:
    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.h = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(WIDTH, 4 * WIDTH, bias=False)
            with torch.no_grad():
                self.x.bias[WIDTH : 2 * WIDTH] = torch.linspace(3, 6, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            c = n = h = torch.zeros(len(x), WIDTH)
            m, outs = torch.full((len(x), WIDTH), -10.0), []
            for t in range(x.shape[1]):
                i, f, z, o = (self.x(x[:, t]) + self.h(h)).chunk(4, -1)
                f = F.logsigmoid(f)
                top = torch.maximum(f + m, i)
                i, f, m = (i - top).exp(), (f + m - top).exp(), top
                c, n = f * c + i * torch.tanh(z), f * n + i
                h = torch.sigmoid(o) * c / n.clamp(min=1e-6)
                outs.append(h)
            return torch.stack(outs, 1)

    return in_language(Cell, 2)


def classes_over_time(model: nn.Module, length: int = 30) -> Any:
    y = torch.randint(0, 4, (16,))
    return model, F.cross_entropy, torch.randn(16, length, 8) + torch.randn(4, 8)[y][:, None], y


@healthy("IndRNN, two layers, 60 steps")
def _() -> Any:
    class Layer(nn.Module):
        def __init__(self, a: int) -> None:
            super().__init__()
            self.x, self.u = nn.Linear(a, 64), nn.Parameter(torch.rand(64))
            self.norm = nn.BatchNorm1d(64)

        def forward(self, x: Tensor) -> Tensor:
            h, outs = torch.zeros(len(x), 64), []
            for step in self.x(x).unbind(1):
                h = F.relu(step + self.u * h)
                outs.append(h)
            return self.norm(torch.stack(outs, 2)).transpose(1, 2)

    return classes_over_time(seq(Layer(8), Layer(64), lambda h: h[:, -1], nn.Linear(64, 4)), 60)


@healthy("LSTM with layer norm and peepholes, by hand")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = c = torch.zeros(len(x), 32)
        for step in x.unbind(1):
            i, f, g, o = m.norm(m.x(step) + m.h(h)).chunk(4, -1)
            c = torch.sigmoid(f + m.peep[0] * c + 1) * c + torch.sigmoid(i + m.peep[1] * c) * torch.tanh(g)
            h = torch.sigmoid(o + m.peep[2] * c) * torch.tanh(m.last(c))
        return m.out(h)

    return classes_over_time(
        Net(
            run,
            x=nn.Linear(8, 128),
            h=nn.Linear(32, 128, bias=False),
            norm=nn.LayerNorm(128),
            last=nn.LayerNorm(32),
            peep=nn.Parameter(torch.zeros(3, 32)),
            out=nn.Linear(32, 4),
        )
    )


@healthy("recurrent matrix kept orthogonal by a parametrization")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 64)
        for step in x.unbind(1):
            h = m.relu(m.x(step) + m.h(h))
        return m.out(h)

    inner = parametrizations.orthogonal(nn.Linear(64, 64, bias=False))
    return classes_over_time(Net(run, x=nn.Linear(8, 64), h=inner, relu=nn.Tanh(), out=nn.Linear(64, 4)))


@healthy("convolutional LSTM, the next frame")
def _() -> Any:
    def run(m: Any, clips: Tensor) -> Tensor:
        h = c = torch.zeros(len(clips), 16, 16, 16)
        outs = []
        for frame in clips.unbind(1):
            i, f, g, o = m.gates(torch.cat([frame, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outs.append(m.out(h))
        return torch.stack(outs, 1)

    start = F.avg_pool2d(torch.randn(4, 1, 16, 16), 3, 1, 1) * 3
    clips = torch.stack([start.roll(t, -1) for t in range(9)], 1)
    net = Net(run, gates=nn.Conv2d(17, 64, 5, padding=2), out=nn.Conv2d(16, 1, 1))
    return net, F.mse_loss, clips[:, :-1], clips[:, 1:]


@healthy("tree LSTM over nested pairs")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        nodes = [(torch.tanh(m.leaf(e)), m.leaf(e)) for e in m.words(x).unbind(1)]
        while len(nodes) > 1:
            pairs = [*zip(nodes[::2], nodes[1::2], strict=False)]
            merged = []
            for (ha, ca), (hb, cb) in pairs:
                i, a, b, o, g = m.join(torch.cat([ha, hb], -1)).chunk(5, -1)
                c = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(a) * ca + torch.sigmoid(b) * cb
                merged.append((torch.sigmoid(o) * torch.tanh(c), c))
            nodes = merged + (nodes[-1:] if len(nodes) % 2 else [])
        return m.out(nodes[0][0])

    x = sentences(16, 11)
    net = Net(run, words=nn.Embedding(50, 32), leaf=nn.Linear(32, 32), join=nn.Linear(64, 160), out=nn.Linear(32, 4))
    return net, F.cross_entropy, x, x[:, 0] % 4


@healthy("packed GRU that tags words, padding ignored")
def _() -> Any:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50, 32, padding_idx=0)
            self.gru, self.out = nn.GRU(32, 32, 2, batch_first=True, bidirectional=True, dropout=0.2), nn.Linear(64, 5)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            packed = pack_padded_sequence(self.embed(x), lengths, batch_first=True, enforce_sorted=False)
            return self.out(pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]).transpose(1, 2)

    lengths = torch.randint(5, 20, (16,))
    lengths[0] = 20
    x = sentences(16, 20, 49) + 1
    x[torch.arange(20) >= lengths[:, None]] = 0
    y = torch.where(x == 0, -100, x % 5)
    return Tagger(), nn.CrossEntropyLoss(ignore_index=-100), (x, lengths), y


@healthy("decoder that is fed its own words half of the time")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.start(m.embed(x).mean(1))
        word, outs = x[:, 0], []
        for t in range(1, x.shape[1]):
            h = m.cell(m.embed(word), h)
            logits = m.out(h)
            outs.append(logits)
            word = logits.argmax(-1) if t % 2 else x[:, t]
        return torch.stack(outs, 2)

    x = sentences(16)
    net = Net(run, embed=nn.Embedding(50, 32), start=nn.Linear(32, 64), cell=nn.GRUCell(32, 64), out=nn.Linear(64, 50))
    return net, F.cross_entropy, x, x[:, 1:]


@healthy("pointer network sorts")
def _() -> Any:
    def run(m: Any, x: Tensor, order: Tensor) -> Tensor:
        seen, (h, c) = m.encoder(x[:, :, None])
        h, c, now, outs = h[0], c[0], m.start.expand(len(x), -1), []
        used = torch.zeros_like(x)
        for best in order.unbind(1):
            h, c = m.cell(now, (h, c))
            scores = m.v(torch.tanh(m.a(seen) + m.b(h)[:, None]))[..., 0] - 1e9 * used
            outs.append(scores)
            used = used.scatter(1, best[:, None], 1.0)
            now = seen[torch.arange(len(x)), best]
        return torch.stack(outs, 2)

    x = torch.rand(32, 6)
    net = Net(
        run,
        encoder=nn.LSTM(1, 32, batch_first=True),
        cell=nn.LSTMCell(32, 32),
        start=nn.Parameter(torch.zeros(32)),
        a=nn.Linear(32, 32),
        b=nn.Linear(32, 32, bias=False),
        v=nn.Linear(32, 1, bias=False),
    )
    order = x.argsort(1)
    return net, F.cross_entropy, (x, order), order


@healthy("memory network, three hops")
def _() -> Any:
    def run(m: Any, story: Tensor, question: Tensor) -> Tensor:
        u = m.b(question).sum(1)
        for keys, values in zip(m.words[:-1], m.words[1:], strict=True):
            p = (keys(story).sum(2) @ u[:, :, None])[..., 0].softmax(1)
            u = u + (p[:, None] @ values(story).sum(2))[:, 0]
        return u @ m.words[-1].weight.T

    story, place = torch.randint(0, 40, (32, 8, 4)), torch.randint(0, 8, (32,))
    question = story[torch.arange(32), place][:, :3]
    embeddings = [nn.Embedding(40, 32) for _ in range(5)]
    for each in embeddings:
        nn.init.normal_(each.weight, std=0.1)
    net = Net(run, b=embeddings[0], words=nn.ModuleList(embeddings[1:]))
    return net, F.cross_entropy, (story, question), story[torch.arange(32), place, 3]


@healthy("learned queries read any input (Perceiver IO)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        x = m.inner(torch.cat([x[..., None], m.places.expand(len(x), -1, -1)], -1))
        z = m.latents.expand(len(x), -1, -1)
        z = z + m.read(m.norm(z), x, x, need_weights=False)[0]
        for block in m.blocks:
            z = block(z)
        q = m.queries.expand(len(x), -1, -1)
        return m.out(m.write(q, z, z, need_weights=False)[0])[..., 0]

    x, y = waves()
    net = Net(
        run,
        inner=nn.Linear(9, 32),
        places=nn.Parameter(0.02 * torch.randn(48, 8)),
        latents=nn.Parameter(0.02 * torch.randn(8, 32)),
        queries=nn.Parameter(0.02 * torch.randn(12, 32)),
        norm=nn.LayerNorm(32),
        read=nn.MultiheadAttention(32, 4, batch_first=True),
        blocks=nn.ModuleList(Skip(seq(nn.LayerNorm(32), feed(32))) for _ in range(3)),
        write=nn.MultiheadAttention(32, 4, batch_first=True),
        out=nn.Linear(32, 1),
    )
    return net, F.mse_loss, x, y


# Generative models ---------------------------------------------------------------------------------------------------


@healthy("quantised codes with a moving codebook")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = seq(nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 16, 4, 2, 1))
            self.decoder = seq(nn.ConvTranspose2d(16, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 2, 1))
            self.register_buffer("codes", torch.randn(32, 16))
            self.register_buffer("counts", torch.ones(32))
            self.register_buffer("sums", self.codes.clone())

        def forward(self, x: Tensor) -> Any:
            z = self.encoder(x).permute(0, 2, 3, 1)
            flat = z.detach().flatten(0, 2)
            chosen = torch.cdist(flat, self.codes).argmin(1)
            if self.training:
                hot = F.one_hot(chosen, 32).float()
                self.counts.mul_(0.99).add_(0.01 * hot.sum(0))
                self.sums.mul_(0.99).add_(0.01 * hot.T @ flat)
                self.codes.copy_(self.sums / self.counts.clamp(min=1e-3)[:, None])
            q = self.codes[chosen].view_as(z)
            commit = F.mse_loss(z, q.detach())
            q = z + (q - z).detach()
            return self.decoder(q.permute(0, 3, 1, 2)), commit

    x = 0.5 * pictures(8)[0]
    return Model(), lambda out, y: F.mse_loss(out[0], y) + 0.25 * out[1], x, x


@healthy("importance-weighted autoencoder")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        mean, log_var = m.encoder(x).chunk(2, 1)
        spread = torch.distributions.Normal(mean, (0.5 * log_var).exp())
        z = spread.rsample((5,))
        prior = torch.distributions.Normal(0, 1).log_prob(z).sum(-1)
        logits = m.decoder(z)
        likely = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        return -(torch.logsumexp(likely + prior - spread.log_prob(z).sum(-1), 0) - math.log(5)).mean()

    x = (table(64, 40)[0] > 0).float()
    net = Net(run, encoder=mlp(40, 64, 64, 16, activation=nn.Tanh), decoder=mlp(8, 64, 64, 40, activation=nn.Tanh))
    return net, itself, x, None


@healthy("ladder of two latent levels with free bits")
def _() -> Any:
    def split(h: Tensor) -> Any:
        mean, log_var = h.chunk(2, 1)
        return torch.distributions.Normal(mean, F.softplus(log_var) + 1e-3)

    def run(m: Any, x: Tensor) -> Tensor:
        d1 = m.up1(x)
        d2 = m.up2(d1)
        q2 = split(m.q2(d2))
        z2 = q2.rsample()
        p1, q1 = split(m.p1(z2)), split(m.q1(torch.cat([d1, m.down(z2)], 1)))
        z1 = q1.rsample()
        kinds = ((q2, torch.distributions.Normal(0.0, 1.0)), (q1, p1))
        kl = sum(torch.distributions.kl_divergence(a, b).mean(0).clamp(min=0.05).sum() for a, b in kinds)
        return 20 * F.mse_loss(m.out(z1), x) + 0.1 * kl

    net = Net(
        run,
        up1=mlp(20, 64, 32, activation=nn.SiLU),
        up2=mlp(32, 64, 32, activation=nn.SiLU),
        q2=nn.Linear(32, 8),
        p1=mlp(4, 32, 16, activation=nn.SiLU),
        q1=nn.Linear(64, 16),
        down=nn.Linear(4, 32),
        out=mlp(8, 64, 20, activation=nn.SiLU),
    )
    return net, itself, table()[0], None


@healthy("denoiser with preconditioning by the noise level (EDM)")
def _() -> Any:
    def run(m: Any, y: Tensor, sigma: Tensor) -> Tensor:
        s = sigma[:, None]
        h = m.body(torch.cat([y / (s**2 + 0.25).sqrt(), 0.25 * s.log()], 1))
        return 0.25 / (s**2 + 0.25) * y + 0.5 * s / (s**2 + 0.25).sqrt() * h

    x = 0.5 * moons()
    sigma = (1.2 * torch.randn(256) - 1.2).exp()
    weight = ((sigma**2 + 0.25) / (0.5 * sigma) ** 2)[:, None]
    body = mlp(3, 64, 64, 64, 2, activation=nn.SiLU)
    nn.init.zeros_(body[-1].weight)
    nn.init.zeros_(body[-1].bias)
    noisy = x + sigma[:, None] * torch.randn_like(x)
    return Net(run, body=body), lambda out, y: (weight * (out - y) ** 2).mean(), (noisy, sigma), x


@healthy("flow matching on points")
def _() -> Any:
    x1, x0, t = moons(), torch.randn(256, 2), torch.rand(256, 1)
    net = Net(lambda m, x, t: m.body(torch.cat([x, t], 1)), body=mlp(3, 64, 64, 64, 2, activation=nn.SiLU))
    return net, F.mse_loss, ((1 - t) * x0 + t * (x1 - 1), t), x1 - 1 - x0


@healthy("consistency training against an averaged copy")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp(3, 64, 64, 2, activation=nn.SiLU)
            self.average = copy.deepcopy(self.body).requires_grad_(False)

        def answer(self, body: nn.Module, x: Tensor, s: Tensor) -> Tensor:
            return 0.25 / (s**2 + 0.25) * x + 0.5 * s / (s**2 + 0.25).sqrt() * body(torch.cat([x, s.log() / 4], 1))

        def forward(self, x: Tensor, s: Tensor, noise: Tensor) -> Tensor:
            near = self.answer(self.body, x + s * noise, s)
            with torch.no_grad():
                for a, b in zip(self.average.parameters(), self.body.parameters(), strict=True):
                    a.lerp_(b, 0.05)
                target = self.answer(self.average, x + 0.5 * s * noise, 0.5 * s)
            return (((near - target) ** 2).sum(1) + 1e-3).sqrt().mean()

    x = 0.5 * moons()
    return Model(), itself, (x, 0.1 + 2 * torch.rand(256, 1), torch.randn(256, 2)), None


@healthy("sliced score matching, a gradient inside the loss")
def _() -> Any:
    def run(m: Any, x: Tensor, v: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        score = m.body(x)
        slope = torch.autograd.grad((score * v).sum(), x, create_graph=True)[0]
        return ((slope * v).sum(1) + 0.5 * (score * v).sum(1) ** 2).mean() + 5

    return Net(run, body=mlp(2, 64, 64, 2, activation=nn.Softplus)), itself, (moons(), torch.randn(256, 2)), None


class Masked(nn.Linear):
    """A layer of MADE (Germain 2015)."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.float())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.mask * self.weight, self.bias)


@healthy("masked autoregressive flow")
def _() -> Any:
    class Made(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            before, degree = torch.arange(6), torch.arange(48) % 5
            self.a, self.b = Masked(degree[:, None] >= before), Masked((before[:, None] > degree).repeat(2, 1))

        def forward(self, x: Tensor) -> Any:
            mean, log_scale = self.b(F.relu(self.a(x))).chunk(2, 1)
            log_scale = log_scale.tanh()
            return ((x - mean) * (-log_scale).exp()).flip(1), -log_scale.sum(1)

    def run(m: Any, x: Tensor) -> Tensor:
        total = torch.zeros(len(x))
        for flow in m.flows:
            x, change = flow(x)
            total = total + change
        return (0.5 * x.square().sum(1) - total).mean() + 6

    x = torch.randn(128, 6)
    x = torch.cat([x[:, :3], x[:, :3] ** 2 + 0.1 * x[:, 3:]], 1)
    return Net(run, flows=nn.ModuleList(Made() for _ in range(4))), itself, 3 * x, None


@healthy("eight planar flows to a target density")
def _() -> Any:
    def run(m: Any, z: Tensor) -> Tensor:
        total = torch.zeros(len(z))
        for u, w, b in zip(m.u, m.w, m.b, strict=True):
            wu = w @ u
            u = u + (F.softplus(wu) - 1 - wu) * w / w.square().sum()
            h = torch.tanh(z @ w + b)
            total = total + (1 + (1 - h**2) * (w @ u)).abs().log()
            z = z + h[:, None] * u
        energy = 0.5 * ((z.norm(dim=1) - 2) / 0.4) ** 2
        return (energy - total).mean()

    net = Net(
        run,
        u=nn.Parameter(0.3 * torch.randn(8, 2)),
        w=nn.Parameter(0.3 * torch.randn(8, 2)),
        b=nn.Parameter(torch.zeros(8)),
    )
    return net, itself, torch.randn(256, 2), None


@healthy("continuous flow with its exact trace, Runge-Kutta")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()

        def speed(x: Tensor) -> Any:
            v = m.body(x)
            trace = sum(torch.autograd.grad(v[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(2))
            return v, trace

        total = torch.zeros(len(x))
        for _ in range(4):
            k1, d1 = speed(x)
            k2, d2 = speed(x + 0.125 * k1)
            x, total = x + 0.25 * k2, total + 0.25 * d2
        return (0.5 * x.square().sum(1) - total).mean() + 1

    return Net(run, body=mlp(2, 32, 32, 2, activation=nn.Tanh)), itself, 2 * moons(128), None


@healthy("energy against noise: noise-contrastive")
def _() -> Any:
    def run(m: Any, x: Tensor, noise: Tensor) -> Tensor:
        def log_ratio(points: Tensor) -> Tensor:
            return -m.body(points)[:, 0] - m.log_z - torch.distributions.Normal(0, 1.5).log_prob(points).sum(1)

        return -(F.logsigmoid(log_ratio(x)).mean() + F.logsigmoid(-log_ratio(noise)).mean())

    net = Net(run, body=mlp(2, 64, 64, 1, activation=nn.SiLU), log_z=nn.Parameter(torch.zeros(())))
    return net, itself, (moons(), 1.5 * torch.randn(256, 2)), None


@healthy("critic with the penalty R1, spectral norm and minibatch spread")
def _() -> Any:
    sn = parametrizations.spectral_norm

    def run(m: Any, real: Tensor, fake: Tensor) -> Tensor:
        real = real.detach().requires_grad_()
        a, b = m.judge(m.spread(m.body(real))), m.judge(m.spread(m.body(fake)))
        slope = torch.autograd.grad(a.sum(), real, create_graph=True)[0]
        return F.softplus(-a).mean() + F.softplus(b).mean() + 0.05 * slope.square().sum((1, 2, 3)).mean()

    def spread(x: Tensor) -> Tensor:
        return torch.cat([x, x.std(0).mean().expand(len(x), 1, *x.shape[2:])], 1)

    body = seq(sn(nn.Conv2d(3, 32, 4, 2, 1)), nn.LeakyReLU(0.2), sn(nn.Conv2d(32, 32, 4, 2, 1)), nn.LeakyReLU(0.2))
    net = Net(
        run,
        body=body,
        spread=Fn(spread),
        judge=seq(nn.Conv2d(33, 32, 4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32, 1)),
    )
    return net, itself, (pictures(8)[0], 0.3 * torch.randn(8, 3, 16, 16)), None


@healthy("translation of pictures there and back (cycle)")
def _() -> Any:
    def generator() -> nn.Module:
        block = [
            Skip(
                seq(
                    nn.Conv2d(16, 16, 3, padding=1),
                    nn.InstanceNorm2d(16),
                    nn.ReLU(),
                    nn.Conv2d(16, 16, 3, padding=1),
                    nn.InstanceNorm2d(16),
                )
            )
            for _ in range(3)
        ]
        return seq(
            nn.ReflectionPad2d(3),
            nn.Conv2d(3, 16, 7),
            nn.InstanceNorm2d(16),
            nn.ReLU(),
            *block,
            nn.ReflectionPad2d(3),
            nn.Conv2d(16, 3, 7),
            nn.Tanh(),
        )

    def run(m: Any, a: Tensor, b: Tensor) -> Tensor:
        fake_b, fake_a = m.ab(a), m.ba(b)
        fooled = sum((critic(x) - 1).square().mean() for critic, x in ((m.critic_b, fake_b), (m.critic_a, fake_a)))
        return fooled + 10 * (F.l1_loss(m.ba(fake_b), a) + F.l1_loss(m.ab(fake_a), b))

    def critic() -> nn.Module:
        return seq(nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4, 2, 1)).requires_grad_(False)

    net = Net(run, ab=generator(), ba=generator(), critic_a=critic(), critic_b=critic())
    return net, itself, (pictures(2)[0].tanh(), pictures(2)[0].tanh()), None


# Few bits, few weights, frozen parts, averaged copies ----------------------------------------------------------------


class Rounded(torch.autograd.Function):
    """Learned step size (Esser 2020): rounding passed straight through, the step with its own gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, low: int, high: int) -> Tensor:
        ctx.save_for_backward(x / step)
        ctx.ends = low, high
        return (x / step).clamp(low, high).round() * step

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (q,) = ctx.saved_tensors
        low, high = ctx.ends
        inside = (q > low) & (q < high)
        slope = torch.where(inside, q.round() - q, q.clamp(low, high))
        return gradient * inside, (gradient * slope).sum() / math.sqrt(q.numel() * high), None, None


class LSQLinear(nn.Linear):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b)
        self.step_w = nn.Parameter(2 * self.weight.detach().abs().mean() / math.sqrt(7))
        self.step_x = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(Rounded.apply(x, self.step_x, -8, 7), Rounded.apply(self.weight, self.step_w, -8, 7), self.bias)


healthy("four bits with learned step sizes")(
    lambda: tabular(
        seq(nn.Linear(20, 64), nn.ReLU(), LSQLinear(64, 64), nn.ReLU(), LSQLinear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    )
)


@healthy("ternary weights, straight through, RMS norm (BitNet)")
def _() -> Any:
    class Ternary(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
            scale = self.weight.abs().mean()
            w = self.weight + ((self.weight / scale).round().clamp(-1, 1) * scale - self.weight).detach()
            s = 127 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
            x = x + ((x * s).round() / s - x).detach()
            return F.linear(x, w, self.bias)

    block = [Skip(seq(Ternary(WIDTH, 2 * WIDTH), nn.SiLU(), Ternary(2 * WIDTH, WIDTH))) for _ in range(3)]
    return language(Skip(seq(nn.LayerNorm(WIDTH), Attention(WIDTH, causal=True))), *block, nn.LayerNorm(WIDTH))


@healthy("pruned to a tenth of its weights by masks")
def _() -> Any:
    net = mlp(20, 256, 256, 4)
    for layer in (net[0], net[2]):
        prune.l1_unstructured(layer, "weight", 0.9)
    return tabular(net)


@healthy("a fine mask learned over frozen random weights")
def _() -> Any:
    class Chosen(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, scores: Tensor) -> Tensor:
            return (scores >= scores.flatten().kthvalue(scores.numel() // 2)[0]).float()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient

    class Subnet(nn.Linear):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(a, b, bias=False)
            nn.init.kaiming_normal_(self.weight)
            self.weight.requires_grad_(False)
            self.scores = nn.Parameter(torch.randn_like(self.weight).abs())

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.weight * Chosen.apply(self.scores.abs()))

    return tabular(seq(Subnet(20, 128), nn.ReLU(), Subnet(128, 128), nn.ReLU(), Subnet(128, 4)))


def trained_body(a: int = 20, width: int = 64) -> nn.Module:
    """Stands for a body from elsewhere: frozen, of usual scale."""
    return mlp(a, width, width, width).requires_grad_(False)


@healthy("linear probe on features taken without gradient")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            features = m.body(x)
        return m.head(m.norm(features))

    return tabular(Net(run, body=trained_body(), norm=nn.BatchNorm1d(64, affine=False), head=nn.Linear(64, 4)))


@healthy("DoRA: direction of low rank and a magnitude")
def _() -> Any:
    class DoRA(nn.Module):
        def __init__(self, layer: nn.Linear) -> None:
            super().__init__()
            self.layer = layer.requires_grad_(False)
            self.magnitude = nn.Parameter(layer.weight.detach().norm(dim=1, keepdim=True))
            self.a = nn.Parameter(torch.randn(4, layer.in_features) / 8)
            self.b = nn.Parameter(torch.zeros(layer.out_features, 4))

        def forward(self, x: Tensor) -> Tensor:
            w = self.layer.weight + self.b @ self.a
            return F.linear(x, self.magnitude * w / w.norm(dim=1, keepdim=True).detach(), self.layer.bias)

    body = mlp(20, 64, 64, 4)
    return tabular(seq(*(DoRA(each) if isinstance(each, nn.Linear) else each for each in body)))


@healthy("learned scales on keys, values and a hidden layer of a frozen transformer (IA3)")
def _() -> Any:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
            self.qkv, self.o = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.a, self.b = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
            self.requires_grad_(False)
            self.k, self.v, self.f = (nn.Parameter(torch.ones(n)) for n in (WIDTH, WIDTH, 4 * WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(self.norms[0](x)).chunk(3, -1)
            x = x + self.o(F.scaled_dot_product_attention(q, self.k * k, self.v * v, is_causal=True))
            return x + self.b(self.f * F.gelu(self.a(self.norms[1](x))))

    model, loss, x, y = language(Block(), Block(), Block())
    model[0].requires_grad_(False)
    return model, loss, x, y


@healthy("side network beside a frozen body")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        side = m.enter(x)
        for body, down, step, gate in zip(m.body, m.down, m.steps, m.gates, strict=True):
            x = F.relu(body(x))
            mixed = torch.sigmoid(gate)
            side = step(mixed * down(x.detach()) + (1 - mixed) * side)
        return m.head(side)

    net = Net(
        run,
        enter=nn.Linear(20, 16),
        body=nn.ModuleList(nn.Linear(a, 64) for a in (20, 64, 64)).requires_grad_(False),
        down=nn.ModuleList(nn.Linear(64, 16) for _ in range(3)),
        steps=nn.ModuleList(seq(nn.Linear(16, 16), nn.GELU()) for _ in range(3)),
        gates=nn.ParameterList(nn.Parameter(torch.zeros(())) for _ in range(3)),
        head=nn.Linear(16, 4),
    )
    return tabular(net)


@healthy("FixMatch before any pseudo-label is sure")
def _() -> Any:
    def run(m: Any, x: Tensor, free: Tensor) -> Any:
        sure = m.body(free).detach().softmax(1)
        strong = m.body(free + 0.5 * torch.randn_like(free))
        peak, label = sure.max(1)
        extra = (F.cross_entropy(strong, label, reduction="none") * (peak > 0.95)).mean()
        return m.body(x), extra

    x, y = table()
    net = Net(run, body=mlp(20, 64, 64, 4))
    return net, lambda out, y: F.cross_entropy(out[0], y) + out[1], (x, x + 0.3 * torch.randn_like(x)), y


@healthy("data2vec-like: an averaged teacher gives targets for masked places")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(8, 32)
            self.student = seq(*(Skip(seq(nn.LayerNorm(32), Attention(32))) for _ in range(2)), nn.LayerNorm(32))
            self.teacher = copy.deepcopy(self.student).requires_grad_(False)
            self.mask, self.head = nn.Parameter(0.02 * torch.randn(32)), nn.Linear(32, 32)

        def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
            h = self.inner(x)
            with torch.no_grad():
                for a, b in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
                    a.lerp_(b, 0.001)
                target = F.layer_norm(self.teacher(h), (32,))
            out = self.head(self.student(torch.where(hidden[..., None], self.mask, h)))
            return F.smooth_l1_loss(out[hidden], target[hidden])

    t = torch.arange(16)[None, :, None] * 0.3
    x = torch.sin(t * (1 + torch.rand(16, 1, 8)) + 6 * torch.rand(16, 1, 8))
    return Model(), itself, (x, torch.rand(16, 16) < 0.4), None


@healthy("sparse gradients for two tables of embeddings")
def _() -> Any:
    net = Net(
        lambda m, x: (m.a(x[:, 0]) * m.b(x[:, 1])).sum(1),
        a=nn.Embedding(100, 16, sparse=True),
        b=nn.Embedding(200, 16, sparse=True),
    )
    for each in net.parameters():
        nn.init.normal_(each, std=0.3)
    x = torch.stack([torch.randint(0, 100, (256,)), torch.randint(0, 200, (256,))], 1)
    return net, F.mse_loss, x, torch.randn(100)[x[:, 0]] + torch.randn(200)[x[:, 1]]


@healthy("bags of words with weights (EmbeddingBag)")
def _() -> Any:
    words = torch.randint(0, 200, (320,))
    offsets = torch.arange(0, 320, 10)
    y = (words.view(32, 10) < 100).sum(1).clamp(3, 6) - 3
    net = Net(
        lambda m, w, o, s: m.out(F.relu(m.bag(w, o, per_sample_weights=s))),
        bag=nn.EmbeddingBag(200, 32, mode="sum"),
        out=nn.Linear(32, 4),
    )
    return net, F.cross_entropy, (words, offsets, torch.rand(320)), y


# Several losses, sets, pairs -----------------------------------------------------------------------------------------


@healthy("three tasks with learned uncertainties")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Any:
        h = m.body(x)
        return [head(h) for head in m.heads], m.log_vars

    def loss(out: Any, y: Any) -> Tensor:
        heads, log_vars = out
        parts = F.cross_entropy(heads[0], y[0]), F.mse_loss(heads[1], y[1]), F.l1_loss(heads[2], y[2])
        return sum((-s).exp() * part + s for part, s in zip(parts, log_vars, strict=True)) + 1

    x, y = table()
    heads = nn.ModuleList(nn.Linear(64, n) for n in (4, 2, 1))
    net = Net(run, body=mlp(20, 64, 64), heads=heads, log_vars=nn.Parameter(torch.zeros(3)))
    return net, loss, x, (y, x[:, :2], x.sum(1, keepdim=True))


@healthy("supervised contrastive, two views")
def _() -> Any:
    x, y = table()

    def loss(z: Tensor, y: Tensor) -> Tensor:
        z = F.normalize(z, dim=1)
        scores = (z @ z.T / 0.1).masked_fill(torch.eye(len(z)).bool(), -1e9)
        same = (y[:, None] == y) & ~torch.eye(len(z)).bool()
        return -((scores.log_softmax(1) * same).sum(1) / same.sum(1).clamp(min=1)).mean()

    return mlp(20, 64, 64, 32), loss, torch.cat([x, x + 0.2 * torch.randn_like(x)]), y.repeat(2)


@healthy("contrastive pairs with a margin (Siamese)")
def _() -> Any:
    x, y = table(128)

    def run(m: Any, a: Tensor, b: Tensor) -> Tensor:
        return F.pairwise_distance(m.body(a), m.body(b))

    same = (y[:64] == y[64:]).float()
    loss = lambda d, same: (same * d**2 + (1 - same) * F.relu(2 - d) ** 2).mean()  # noqa: E731
    return Net(run, body=mlp(20, 64, 64, 8)), loss, (x[:64], x[64:]), same


@healthy("VICReg with an expander")
def _() -> Any:
    def loss(z: Tensor, _: Any) -> Tensor:
        a, b = z.chunk(2)
        out = 25 * F.mse_loss(a, b)
        for each in (a, b):
            each = each - each.mean(0)
            out = out + 25 * F.relu(1 - (each.var(0) + 1e-4).sqrt()).mean()
            cov = each.T @ each / (len(each) - 1)
            out = out + (cov.square().sum() - cov.diagonal().square().sum()) / cov.shape[0]
        return out

    x = table()[0]
    two = torch.cat([x + 0.3 * torch.randn_like(x), x + 0.3 * torch.randn_like(x)])
    return mlp(20, 64, 64, 64, norm=nn.BatchNorm1d), loss, two, None


@healthy("swapped assignments by Sinkhorn without gradient (SwAV)")
def _() -> Any:
    def loss(scores: Tensor, _: Any) -> Tensor:
        with torch.no_grad():
            q = (scores / 0.05).exp().T
            for _ in range(3):
                q = q / q.sum(1, keepdim=True) / q.shape[0]
                q = q / q.sum(0, keepdim=True) / q.shape[1]
            q = (q * q.shape[1]).T
        a, b = (scores / 0.1).log_softmax(1).chunk(2)
        qa, qb = q.chunk(2)
        return -0.5 * ((qa * b).sum(1).mean() + (qb * a).sum(1).mean())

    x = table()[0]
    prototypes = parametrizations.weight_norm(nn.Linear(32, 12, bias=False))
    net = seq(mlp(20, 64, 32, norm=nn.BatchNorm1d), Fn(lambda z: F.normalize(z, dim=1)), prototypes)
    return net, loss, torch.cat([x, x + 0.1 * torch.randn_like(x)]), None


@healthy("two towers, negatives from the batch")
def _() -> Any:
    def run(m: Any, user: Tensor, item: Tensor) -> Tensor:
        return F.normalize(m.user(user), dim=1) @ F.normalize(m.item(item), dim=1).T * m.scale.exp()

    user = torch.randn(64, 16)
    item = torch.cat([user[:, :8] + 0.3 * torch.randn(64, 8), torch.randn(64, 8)], 1)
    net = Net(run, user=mlp(16, 64, 32), item=mlp(16, 64, 32), scale=nn.Parameter(torch.tensor(2.6)))
    return net, F.cross_entropy, (user, item), torch.arange(64)


@healthy("adaptive softmax over 2,000 words")
def _() -> Any:
    def run(m: Any, x: Tensor, y: Tensor) -> Tensor:
        h, _ = m.lstm(m.embed(x))
        return m.top(h.flatten(0, 1), y.flatten()).loss

    x = (sentences(8, 21, 50) * 37) % 2000
    net = Net(
        run,
        embed=nn.Embedding(2000, 32),
        lstm=nn.LSTM(32, 64, batch_first=True),
        top=nn.AdaptiveLogSoftmaxWithLoss(64, 2000, [100, 500]),
    )
    return net, itself, (x[:, :-1], x[:, 1:]), None


@healthy("detector on a grid, nearly all cells empty, focal loss")
def _() -> Any:
    net = seq(
        nn.Conv2d(1, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 5, 1),
    )
    with torch.no_grad():
        net[-1].bias[0] = -2.19
    x, y = 0.1 * torch.randn(8, 1, 32, 32), torch.zeros(8, 5, 8, 8)
    for n in range(8):
        i, j = torch.randint(1, 7, (2,)).tolist()
        x[n, 0, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4] += 2
        y[n, :, i, j] = torch.tensor([1.0, 0.5, 0.5, 0.3, -0.3])

    def loss(out: Tensor, y: Tensor) -> Tensor:
        p = out[:, 0].sigmoid()
        right = torch.where(y[:, 0] > 0, p, 1 - p).clamp(min=1e-6)
        boxes = ((out[:, 1:] - y[:, 1:]).abs().sum(1) * y[:, 0]).sum()
        return (-((1 - right) ** 2) * right.log()).sum() / 8 + boxes / 8

    return net, loss, x, y


@healthy("set prediction by matching (DETR)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        memory = m.body(x).flatten(2).transpose(1, 2) + m.places
        q = m.queries.expand(len(x), -1, -1)
        return m.out(m.decoder(q, memory))

    def loss(out: Tensor, y: Tensor) -> Tensor:
        total = out.new_zeros(())
        for boxes, wanted in zip(out, y, strict=True):
            cost = torch.cdist(boxes[:, 1:].detach(), wanted, p=1) - boxes[:, :1].detach().sigmoid()
            found = torch.zeros(len(boxes))
            for k in range(len(wanted)):
                best = int((cost[:, k] + 1e3 * found).argmin())
                found[best] = 1
                total = total + F.l1_loss(boxes[best, 1:], wanted[k])
            total = total + F.binary_cross_entropy_with_logits(boxes[:, 0], found)
        return total / len(out)

    layer = nn.TransformerDecoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    net = Net(
        run,
        body=seq(nn.Conv2d(3, 32, 4, 4), nn.ReLU()),
        places=nn.Parameter(torch.randn(16, 32)),
        queries=nn.Parameter(torch.randn(6, 32)),
        decoder=nn.TransformerDecoder(layer, 2),
        out=nn.Linear(32, 3),
    )
    return net, loss, pictures(8)[0], torch.rand(8, 2, 2)


@healthy("optical flow, refined in steps from detached coordinates (RAFT)")
def _() -> Any:
    def run(m: Any, a: Tensor, b: Tensor) -> list[Tensor]:
        fa, fb = m.features(a), m.features(b)
        h, flow, flows = torch.tanh(m.context(a)), torch.zeros(len(a), 2, 8, 8), []
        line = torch.linspace(-1, 1, 8)
        base = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
        for _ in range(5):
            flow = flow.detach()
            warped = F.grid_sample(fb, base + flow.permute(0, 2, 3, 1) / 4, align_corners=True)
            inner = torch.cat([(fa * warped).mean(1, keepdim=True), flow, m.context(a)], 1)
            z, r = torch.sigmoid(m.zr(torch.cat([h, inner], 1))).chunk(2, 1)
            h = (1 - z) * h + z * torch.tanh(m.q(torch.cat([r * h, inner], 1)))
            flow = flow + m.delta(h)
            flows.append(flow)
        return flows

    x = F.avg_pool2d(torch.randn(4, 3, 16, 16), 3, 1, 1) * 3
    shift = torch.tensor([0, 2, 4, -2])
    y = shift[:, None, None, None] / 2.0 * torch.tensor([1.0, 0.0])[None, :, None, None].expand(4, 2, 8, 8)
    moved = torch.stack([each.roll(int(s), -1) for each, s in zip(x, shift, strict=True)])
    net = Net(
        run,
        features=seq(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)),
        context=nn.Conv2d(3, 16, 3, 2, 1),
        zr=nn.Conv2d(35, 32, 3, padding=1),
        q=nn.Conv2d(35, 16, 3, padding=1),
        delta=nn.Conv2d(16, 2, 3, padding=1),
    )
    return (
        net,
        lambda out, y: sum(0.8 ** (4 - place) * (each - y).abs().mean() for place, each in enumerate(out)),
        (x, moved),
        y,
    )


@healthy("super-resolution, dense blocks scaled by 0.2, no norm")
def _() -> Any:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Conv2d(16 + 8 * n, 8 if n < 3 else 16, 3, padding=1) for n in range(4))
            for layer in list[Any](self.layers):
                nn.init.kaiming_normal_(layer.weight)
                layer.weight.data *= 0.1

        def forward(self, x: Tensor) -> Tensor:
            seen = [x]
            for layer in self.layers[:-1]:
                seen.append(F.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
            return x + 0.2 * self.layers[-1](torch.cat(seen, 1))

    sharp = F.avg_pool2d(torch.randn(4, 3, 32, 32), 5, 1, 2) * 3
    net = seq(
        nn.Conv2d(3, 16, 3, padding=1),
        *(Dense() for _ in range(6)),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Upsample(scale_factor=2),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 3, 3, padding=1),
    )
    return net, F.l1_loss, F.avg_pool2d(sharp, 2), sharp


# Graphs, physics, numbers of other kinds -----------------------------------------------------------------------------


@healthy("graph attention of the second kind, dense")
def _() -> Any:
    x, near, y = graph()

    class Layer(nn.Module):
        def __init__(self, a: int) -> None:
            super().__init__()
            self.l, self.r, self.score = nn.Linear(a, 16), nn.Linear(a, 16), nn.Linear(16, 1, bias=False)

        def forward(self, h: Tensor) -> Tensor:
            scores = self.score(F.leaky_relu(self.l(h)[:, None] + self.r(h)[None], 0.2))[..., 0]
            return scores.masked_fill(near == 0, -math.inf).softmax(1) @ self.r(h)

    net = seq(nn.Dropout(0.3), Layer(16), nn.ELU(), Layer(16), nn.ELU(), nn.Linear(16, 2))
    return net, lambda out, y: F.cross_entropy(out[:30], y[:30]), x, y


@healthy("personalised propagation, ten steps (APPNP)")
def _() -> Any:
    x, near, y = graph()

    def spread(h: Tensor) -> Tensor:
        z = h
        for _ in range(10):
            z = 0.9 * near @ z + 0.1 * h
        return z

    return seq(mlp(16, 32, 2), Fn(spread)), lambda out, y: F.cross_entropy(out[:20], y[:20]), x, y


@healthy("graph network that turns with its points (EGNN)")
def _() -> Any:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.edge, self.node = mlp(65, 32, 32, activation=nn.SiLU), mlp(64, 32, 32, activation=nn.SiLU)
            self.move = nn.Linear(32, 1, bias=False)
            nn.init.xavier_uniform_(self.move.weight, gain=0.001)

        def forward(self, h: Tensor, x: Tensor) -> Any:
            n = h.shape[1]
            apart = x[:, :, None] - x[:, None]
            both = torch.cat([h[:, :, None].expand(-1, -1, n, -1), h[:, None].expand(-1, n, -1, -1)], -1)
            m = F.silu(self.edge(torch.cat([both, apart.square().sum(-1, keepdim=True)], -1)))
            x = x + (apart * self.move(m)).mean(2)
            return h + self.node(torch.cat([h, m.sum(2) / n], -1)), x

    def run(m: Any, x: Tensor) -> Tensor:
        h = m.start.expand(*x.shape[:2], -1)
        for layer in m.layers:
            h, x = layer(h, x)
        return m.out(h.mean(1))

    x = torch.randn(32, 6, 3)
    net = Net(
        run,
        start=nn.Parameter(torch.randn(32)),
        layers=nn.ModuleList(Layer() for _ in range(3)),
        out=mlp(32, 32, 1, activation=nn.SiLU),
    )
    y = torch.cdist(x, x).mean((1, 2))[:, None]
    return net, F.mse_loss, x, (y - y.mean()) / y.std()


@healthy("Hamiltonian network in double precision")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        slope = torch.autograd.grad(m.energy(x).sum(), x, create_graph=True)[0]
        return torch.cat([slope[:, 1:], -slope[:, :1]], 1)

    x = torch.randn(128, 2).double()
    y = torch.stack([x[:, 1], -torch.sin(x[:, 0])], 1)
    return Net(run, energy=mlp(2, 64, 64, 1, activation=nn.Tanh).double()), F.mse_loss, x, y


@healthy("controller trained through a simulated pendulum, 40 steps")
def _() -> Any:
    def run(m: Any, state: Tensor) -> Tensor:
        angle, speed = state.unbind(1)
        cost = torch.zeros(())
        for _ in range(40):
            force = 4 * torch.tanh(m.policy(torch.stack([angle.sin(), angle.cos(), speed], 1))[:, 0])
            speed = speed + 0.05 * (2 * angle.sin() + force - 0.1 * speed)
            angle = angle + 0.05 * speed
            cost = cost + (angle**2 + 0.1 * speed**2).mean() / 40
        return cost

    return Net(run, policy=mlp(3, 32, 32, 1, activation=nn.Tanh)), itself, 0.5 * torch.randn(64, 2), None


@healthy("complex convolutions with modReLU")
def _() -> Any:
    class ModReLU(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(width, 1))

        def forward(self, z: Tensor) -> Tensor:
            size = z.abs() + 1e-6
            return z * F.relu(size + self.bias) / size

    y = torch.randint(0, 4, (32,))
    phase = torch.rand(32, 1) * 6.28
    x = torch.polar(torch.ones(32, 64), torch.arange(64) * (0.2 + 0.3 * y[:, None]) + phase)[:, None]
    x = x + 0.3 * torch.randn(32, 1, 64, dtype=torch.cfloat)
    net = seq(
        nn.Conv1d(1, 16, 5, dtype=torch.cfloat),
        ModReLU(16),
        nn.Conv1d(16, 16, 5, 2, dtype=torch.cfloat),
        ModReLU(16),
        Fn(lambda z: z.abs().mean(-1)),
        nn.Linear(16, 4),
    )
    return net, F.cross_entropy, x, y


@healthy("convolutions in bfloat16, channels last")
def _() -> Any:
    x, y = pictures(32)
    net = seq(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.SiLU(),
        nn.Conv2d(32, 32, 3, 2, 1),
        nn.BatchNorm2d(32),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
        Fn(lambda out: out.float()),
    )
    return net.bfloat16(), F.cross_entropy, x.bfloat16().contiguous(memory_format=torch.channels_last), y


@healthy("Gaussian process by its marginal likelihood, three numbers in double precision")
def _() -> Any:
    def run(m: Any, x: Tensor, y: Tensor) -> Tensor:
        scale, length, noise = m.logs.exp()
        kernel = scale * torch.exp(-0.5 * (x - x.T) ** 2 / length**2) + (noise + 1e-6) * torch.eye(len(x)).double()
        root = torch.linalg.cholesky(kernel)
        a = torch.cholesky_solve(y, root)
        return 0.5 * ((y * a).sum() + 2 * root.diagonal().log().sum()) / len(x) + 1

    x = torch.linspace(-3, 3, 40).double()[:, None]
    logs = nn.Parameter(torch.zeros(3).double())
    return Net(run, logs=logs), itself, (x, torch.sin(2 * x) + 0.1 * torch.randn_like(x)), None


@healthy("mixture of eight Gaussians by the logarithm of sums")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        apart = (x[:, None] - m.means) * (-m.log_scales).exp()
        each = m.logits.log_softmax(0) - 0.5 * apart.square().sum(-1) - m.log_scales.sum(-1)
        return -torch.logsumexp(each, 1).mean()

    net = Net(
        run,
        means=nn.Parameter(torch.randn(8, 2)),
        log_scales=nn.Parameter(torch.zeros(8, 2)),
        logits=nn.Parameter(torch.zeros(8)),
    )
    return net, itself, 3 * moons(), None


@healthy("Poisson regression, one layer")
def _() -> Any:
    x = torch.randn(256, 10)
    rate = (0.5 * x @ torch.randn(10, 1)).clamp(-3, 3).exp()
    return nn.Linear(10, 1), lambda out, y: nn.PoissonNLLLoss(full=True)(out, y), x, torch.poisson(rate)


@healthy("least squares, one layer without bias")
def _() -> Any:
    x = torch.randn(128, 10)
    return nn.Linear(10, 3, bias=False), F.mse_loss, x, x @ torch.randn(10, 3)


@healthy("ordered classes by shared weights (CORAL)")
def _() -> Any:
    x, _ = table(128)
    rank = (x[:, :3].sum(1) + 2).clamp(0, 4).long()
    net = Net(
        lambda m, x: m.last(m.body(x)) + m.steps,
        body=mlp(20, 32, 32),
        last=nn.Linear(32, 1, bias=False),
        steps=nn.Parameter(torch.linspace(2, -2, 4)),
    )
    return net, F.binary_cross_entropy_with_logits, x, (rank[:, None] > torch.arange(4)).float()


@healthy("counts over time, negative binomial (DeepAR)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Any:
        h, _ = m.lstm(x[..., None].log1p())
        size, prob = m.out(h).unbind(-1)
        return F.softplus(size) + 1e-3, prob

    t = torch.arange(41) * 0.5
    counts = torch.poisson(30 * (1.1 + torch.sin(t + 6 * torch.rand(16, 1))))
    loss = lambda out, y: -torch.distributions.NegativeBinomial(out[0], logits=out[1]).log_prob(y).mean()  # noqa: E731
    return Net(run, lstm=nn.LSTM(1, 32, 2, batch_first=True), out=nn.Linear(32, 2)), loss, counts[:, :-1], counts[:, 1:]


# Time series, codes, agents ------------------------------------------------------------------------------------------


@healthy("patches of a series with reversible scaling")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        mean, spread = x.mean(1, keepdim=True), x.std(1, keepdim=True) + 1e-5
        h = m.inner(((x - mean) / spread).unfold(1, 8, 4)) + m.places
        return m.head(m.body(h).flatten(1)) * spread + mean

    x, y = waves()
    layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, "gelu", batch_first=True, norm_first=True)
    net = Net(
        run,
        inner=nn.Linear(8, 32),
        places=nn.Parameter(0.02 * torch.randn(11, 32)),
        body=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        head=nn.Linear(352, 12),
    )
    return net, F.mse_loss, 50 * x + 1000, 50 * y + 1000


@healthy("trend and rest, a linear layer each (DLinear)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        trend = F.avg_pool1d(F.pad(x[:, None], (12, 12), "replicate"), 25, 1)[:, 0]
        return m.trend(trend) + m.rest(x - trend)

    return Net(run, trend=nn.Linear(48, 12), rest=nn.Linear(48, 12)), F.mse_loss, *waves()


@healthy("sparse codes: the largest eight of 256 (sparse autoencoder)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.encoder(x - m.shift)
        top = h.topk(8, dim=1)
        return torch.zeros_like(h).scatter(1, top.indices, F.relu(top.values)) @ m.decoder + m.shift

    x = torch.relu(torch.randn(128, 64) - 1) @ F.normalize(torch.randn(64, 32), dim=1)
    encoder = nn.Linear(32, 256)
    nn.init.zeros_(encoder.bias)
    decoder = F.normalize(encoder.weight.detach().clone(), dim=1)
    return Net(run, encoder=encoder, decoder=nn.Parameter(decoder), shift=nn.Parameter(x.mean(0))), F.mse_loss, x, x


@healthy("a learned code for each shape (auto-decoder)")
def _() -> Any:
    def run(m: Any, shape: Tensor, points: Tensor) -> Tensor:
        code = m.codes(shape)[:, None].expand(-1, points.shape[1], -1)
        x = torch.cat([code, points], -1)
        return torch.tanh(m.b(torch.cat([m.a(x), x], -1)))

    points = torch.rand(16, 64, 2) * 2 - 1
    y = (points.norm(dim=-1, keepdim=True) - torch.linspace(0.3, 0.9, 16)[:, None, None]).clamp(-0.3, 0.3)
    codes = nn.Embedding(16, 8)
    nn.init.normal_(codes.weight, std=0.01)
    wn = parametrizations.weight_norm
    a = seq(*(part for n in (10, 64, 64) for part in (wn(nn.Linear(n, 64)), nn.ReLU())))
    b = seq(wn(nn.Linear(74, 64)), nn.ReLU(), nn.Linear(64, 1))
    return Net(run, codes=codes, a=a, b=b), F.l1_loss, (torch.arange(16), points), y


@healthy("distribution of returns over 51 values (C51)")
def _() -> Any:
    y = torch.rand(64, 51).softmax(1) * 0.2 + 0.8 * F.one_hot(torch.randint(20, 30, (64,)), 51)
    action = torch.randint(0, 4, (64,))
    net = Net(
        lambda m, x: m.out(m.body(x)).view(-1, 4, 51)[torch.arange(len(x)), action].log_softmax(-1),
        body=mlp(20, 64, 64),
        out=nn.Linear(64, 204),
    )
    return net, lambda out, y: -(y * out).sum(1).mean() + (y * y.log()).sum(1).mean() + 0.1, table()[0], y


@healthy("actor through a frozen critic (DDPG), last layer of 0.003")
def _() -> Any:
    class Agent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.actor = seq(mlp(8, 64, 64, 2), nn.Tanh())
            for each in self.actor[0][-1].parameters():
                nn.init.uniform_(each, -3e-3, 3e-3)
            self.critic = mlp(10, 64, 64, 1).requires_grad_(False)

        def forward(self, state: Tensor) -> Tensor:
            action = self.actor(state)
            return -self.critic(torch.cat([state, action], 1)).mean() + ((action - state[:, :2].tanh()) ** 2).mean()

    return Agent(), itself, torch.randn(128, 8), None


@healthy("curiosity: predictor of a frozen random network")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        return (m.predictor(x) - m.random(x).detach()).square().mean()

    random = mlp(20, 64, 16, activation=nn.LeakyReLU).requires_grad_(False)
    return Net(run, predictor=mlp(20, 64, 64, 16, activation=nn.LeakyReLU), random=random), itself, table()[0], None


@healthy("policy and value over a residual tower (AlphaZero)")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Any:
        h = m.tower(x)
        return m.policy(h), torch.tanh(m.value(h))

    def block() -> nn.Module:
        body = seq(
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
        )
        return Skip(body, last=nn.ReLU())

    stem = [nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    net = Net(
        run,
        tower=seq(stem, *(block() for _ in range(6))),
        policy=seq(nn.Conv2d(32, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(128, 65)),
        value=seq(nn.Conv2d(32, 1, 1), nn.BatchNorm2d(1), nn.ReLU(), nn.Flatten(), mlp(64, 32, 1)),
    )
    x = (torch.rand(32, 3, 8, 8) < 0.3).float()
    visits = F.one_hot(torch.randint(0, 65, (32,)), 65) * 0.7 + 0.3 / 65
    loss = lambda out, y: (out[1] - y[1]).square().mean() - (y[0] * out[0].log_softmax(1)).sum(1).mean()  # noqa: E731
    return net, loss, x, (visits, torch.randint(0, 2, (32, 1)) * 2.0 - 1)


@healthy("returns, states and actions as one sequence (decision transformer)")
def _() -> Any:
    def run(m: Any, returns: Tensor, states: Tensor, actions: Tensor) -> Tensor:
        tokens = torch.stack([m.r(returns), m.s(states), m.a(actions)], 2) + m.time.weight[:10, None]
        h = m.body(m.norm(tokens.flatten(1, 2)))
        return torch.tanh(m.out(h[:, 1::3]))

    states = torch.randn(16, 10, 6)
    actions = torch.tanh(states[..., :2])
    body = seq(*(Skip(seq(nn.LayerNorm(32), part)) for part in (Attention(32, causal=True), feed(32)) * 2))
    net = Net(
        run,
        r=nn.Linear(1, 32),
        s=nn.Linear(6, 32),
        a=nn.Linear(2, 32),
        time=nn.Embedding(20, 32),
        norm=nn.LayerNorm(32),
        body=body,
        out=nn.Linear(32, 2),
    )
    return net, F.mse_loss, (torch.rand(16, 10, 1) * 100 / 10, states, actions), actions
