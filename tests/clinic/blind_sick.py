"""A second set of sick networks and trainings that nothing was set on before the doctor met them.

All are faults that people report, in small programs of our own. The verdicts that are right are those that a
practitioner would accept as the fault's name; `note` stands for a note beside a healthy verdict, `error` for a
DiagnosisError. `BLIND_TRAININGS` holds trainings that go wrong, for `watch`: a function that makes the network and one
that takes a step. They were written on 28 November 2026 before any verdict on them was seen.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.clinic.parts import Attention, Begin, Example, Fn, Make, Net, Skip, Step, entering, feed, loss_of, mlp, seq
from tests.clinic.unseen import itself, pictures, sentences, table

BLIND_SICK: dict[str, tuple[tuple[str, ...], Make]] = {}
sick = entering(BLIND_SICK)


def tabular(model: nn.Module) -> Any:
    return model, F.cross_entropy, *table()


def numbers(model: nn.Module, loss: Any = F.mse_loss) -> Any:
    """A regression on one column of the table."""
    x = table()[0]
    return model, loss, x, x[:, :1]


# Detached, unregistered, overwritten ---------------------------------------------------------------------------------


@sick("straight-through estimator the wrong way round", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        z = m.encoder(x)
        q = m.codes(torch.cdist(z, m.codes.weight).argmin(1))
        return m.decoder(q + (z - q).detach())

    net = Net(run, encoder=mlp(20, 64, 8), codes=nn.Embedding(16, 8), decoder=mlp(8, 64, 20))
    x = table()[0]
    return net, F.mse_loss, x, x


@sick("student detached in the loss of a distillation", "detached error")
def _() -> Any:
    teacher = mlp(20, 64, 4).requires_grad_(False)
    x = table()[0]
    return mlp(20, 32, 4), lambda out, x: F.mse_loss(out.detach(), teacher(x)), x, x


@sick("generator's picture detached before the critic", "detached error")
def _() -> Any:
    net = Net(
        lambda m, z: F.softplus(-m.critic(m.generator(z).detach())).mean(),
        generator=mlp(16, 64, 48),
        critic=mlp(48, 64, 1).requires_grad_(False),
    )
    return net, itself, torch.randn(32, 16), None


@sick("middle blocks of a residual network under no_grad", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        x = m.start(x)
        for place, block in enumerate(m.blocks):
            with torch.set_grad_enabled(place not in (1, 2)):
                branch = block(x)
            x = x + branch
        return m.out(x)

    blocks = nn.ModuleList(feed(32) for _ in range(4))
    return tabular(Net(run, start=nn.Linear(20, 32), blocks=blocks, out=nn.Linear(32, 4)))


@sick("weights wrapped in a new nn.Parameter as the model runs", "detached unregistered")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        w = nn.Parameter(m.a.weight * (m.a.weight.abs() > 0.05))
        return m.b(F.relu(F.linear(x, w, m.a.bias)))

    return tabular(Net(run, a=nn.Linear(20, 64), b=nn.Linear(64, 4)))


@sick("text encoder of two left under no_grad", "detached note")
def _() -> Any:
    def run(m: Any, a: Tensor, b: Tensor) -> Tensor:
        with torch.no_grad():
            text = m.text(b).mean(1)
        return m.image(a) @ m.project(text).T

    x = sentences(16)
    text = nn.Sequential(nn.Embedding(50, 32), nn.Linear(32, 32))
    net = Net(run, image=mlp(20, 64, 32), text=text, project=nn.Linear(32, 32))
    return net, F.cross_entropy, (torch.randn(16, 20), x), torch.arange(16)


@sick("reentrant checkpoint of the first block, inputs without gradient", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        return m.out(checkpoint(m.body, x, use_reentrant=True))

    return tabular(Net(run, body=mlp(20, 64, 64), out=nn.Linear(64, 4)))


@sick("gate by a comparison", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = F.relu(m.a(x))
        return m.out(h * (torch.sigmoid(m.gate(x)) > 0.5).float())

    return tabular(Net(run, a=nn.Linear(20, 64), gate=nn.Linear(20, 64), out=nn.Linear(64, 4)))


@sick("experts chosen without their gate's weight", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        chosen = m.router(x).argmax(1)
        out = torch.stack([expert(x) for expert in m.experts], 1)
        return m.out(F.relu(out[torch.arange(len(x)), chosen]))

    experts = nn.ModuleList(nn.Linear(20, 32) for _ in range(4))
    return tabular(Net(run, router=nn.Linear(20, 4), experts=experts, out=nn.Linear(32, 4)))


@sick("pixels fetched at rounded coordinates", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        shift = 4 * torch.tanh(m.where(x.flatten(1)))
        i, j = (torch.arange(16) + shift[:, k : k + 1].long() for k in (0, 1))
        rows = torch.arange(len(x))[:, None, None]
        moved = x.permute(0, 2, 3, 1)[rows, i.clamp(0, 15)[:, :, None], j.clamp(0, 15)[:, None]]
        return m.out(moved.permute(0, 3, 1, 2))

    out = seq(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 196, 10))
    return Net(run, where=mlp(768, 32, 2), out=out), F.cross_entropy, *pictures()


def with_backward(of: Callable[[Tensor], Tensor | None]) -> Any:
    """A SiLU written by hand, whose backward pass makes this of the gradient."""

    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * torch.sigmoid(x)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor | None:
            return of(gradient)

    return tabular(seq(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), Fn(Broken.apply), nn.Linear(64, 4)))


@sick("own backward pass that returns zeros", "blocked")
def _() -> Any:
    return with_backward(torch.zeros_like)


@sick("own backward pass that returns None", "detached")
def _() -> Any:
    return with_backward(lambda _: None)


@sick("answer changed in place after the sigmoid", "error")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.sigmoid(m.a(x))
        h += 1
        return m.b(h)

    return tabular(Net(run, a=nn.Linear(20, 64), b=nn.Linear(64, 4)))


@sick("hidden layer overwritten by a tensor without gradient", "detached blocked")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = F.relu(m.a(x))
        h = h.clone()
        h[:] = (h.detach() - h.detach().mean(0)) / (h.detach().std(0) + 1e-3)
        return m.b(h)

    return tabular(Net(run, a=nn.Linear(20, 64), b=nn.Linear(64, 4)))


@sick("experts in a tuple", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = tuple(nn.Linear(20, 32) for _ in range(3))
            self.gate, self.out = nn.Linear(20, 3), nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            shares = self.gate(x).softmax(1)
            return self.out(F.relu(sum(shares[:, k : k + 1] * e(x) for k, e in enumerate(self.experts))))

    return tabular(Model())


@sick("everything frozen but a head that this loss doesn't use", "detached error")
def _() -> Any:
    net = Net(lambda m, x: m.old(m.body(x)), body=mlp(20, 64, 64), old=nn.Linear(64, 4), new=nn.Linear(64, 4))
    net.requires_grad_(False)
    net.new.requires_grad_(True)
    return tabular(net)


# Losses and their arguments ------------------------------------------------------------------------------------------


@sick("nll_loss of logits without log_softmax", "loss note")
def _() -> Any:
    return mlp(20, 64, 4), F.nll_loss, *table()


@sick("KL divergence of probabilities in place of their logarithms", "loss note")
def _() -> Any:
    x, y = table()
    net = seq(mlp(20, 64, 4), nn.Softmax(1))
    return net, nn.KLDivLoss(reduction="batchmean"), x, F.one_hot(y, 4) * 0.9 + 0.025


@sick("sigmoid before the cross-entropy of four classes", "note loss")
def _() -> Any:
    return tabular(seq(mlp(20, 64, 4), nn.Sigmoid()))


@sick("BCE of logits", "error non-finite loss")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 1), nn.BCELoss(), x, (y > 1).float()[:, None]


@sick("classes counted from 1", "error")
def _() -> Any:
    x, y = table()
    y[0] = 3
    return mlp(20, 64, 4), F.cross_entropy, x, y + 1


@sick("softmax over the positions of a tagger", "note loss")
def _() -> Any:
    x = sentences(16)
    net = seq(nn.Embedding(50, 32), nn.Linear(32, 5), nn.Softmax(1))
    return net, lambda out, y: F.nll_loss((out + 1e-9).log().flatten(0, 1), y.flatten()), x, x % 5


@sick("(N, T, 1) with (N, T), as many steps as samples", "loss")
def _() -> Any:
    net = Net(lambda m, x: m.out(m.gru(x)[0]), gru=nn.GRU(4, 16, batch_first=True), out=nn.Linear(16, 1))
    x = torch.randn(16, 16, 4)
    return net, F.mse_loss, x, x[..., 0].cumsum(1)


@sick("smooth L1 of (N, 1) with (N,)", "loss")
def _() -> Any:
    x = table()[0]
    return mlp(20, 64, 1), nn.SmoothL1Loss(), x, x[:, 0]


@sick("class weights of 0 for every class that is there", "non-finite")
def _() -> Any:
    x, y = table()
    weights = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])
    return mlp(20, 64, 5), nn.CrossEntropyLoss(weight=weights), x, y


@sick("CTC: more labels than frames", "non-finite")
def _() -> Any:
    def loss(out: Tensor, y: Tensor) -> Tensor:
        frames = torch.full((8,), out.shape[1])
        return F.ctc_loss(out.log_softmax(-1).transpose(0, 1), y, frames, torch.full((8,), y.shape[1]))

    net = Net(lambda m, x: m.out(m.gru(x)[0]), gru=nn.GRU(16, 32, batch_first=True), out=nn.Linear(32, 20))
    return net, loss, torch.randn(8, 10, 16), torch.randint(1, 20, (8, 15))


@sick("Poisson loss takes the logarithm of raw outputs", "non-finite")
def _() -> Any:
    x = torch.randn(64, 20)
    return mlp(20, 64, 1), nn.PoissonNLLLoss(log_input=False), x, torch.poisson(torch.ones(64, 1))


@sick("sigmoid at the output, targets of about 30", "data saturated loss note")
def _() -> Any:
    x = table()[0]
    return seq(mlp(20, 64, 64, 1), nn.Sigmoid()), F.mse_loss, x, 30 + 10 * x[:, :1]


@sick("ReLU at the output, targets below 0", "data dead blocked loss note")
def _() -> Any:
    x = table()[0]
    return seq(mlp(20, 64, 64, 1), nn.ReLU()), F.mse_loss, x, -5 - x[:, :1].abs()


@sick("outputs clamped to 0 … 1 that lie beyond", "loss blocked saturated dead")
def _() -> Any:
    net = mlp(20, 64, 1)
    nn.init.constant_(net[-1].bias, 8.0)
    return numbers(seq(net, Fn(lambda out: out.clamp(0, 1))))


# Numbers that are not finite -----------------------------------------------------------------------------------------


@sick("binary cross-entropy by hand, sigmoid of 100", "non-finite")
def _() -> Any:
    x, y = table()
    net: Any = mlp(20, 64, 1)
    net[-1].weight.data *= 1e3
    target = (y > 1).float()[:, None]
    return net, lambda out, y: -(y * out.sigmoid().log() + (1 - y) * (1 - out.sigmoid()).log()).mean(), x, target


@sick("standard deviation over an axis of one", "non-finite")
def _() -> Any:
    def scaled(h: Tensor) -> Tensor:
        return (h - h.mean(1, keepdim=True)) / h.std(1, keepdim=True)

    with_axis = [nn.Unflatten(1, (1, 64)), Fn(scaled), nn.Flatten()]
    return tabular(seq(nn.Linear(20, 64), nn.ReLU(), with_axis, nn.Linear(64, 4)))


@sick("angle of equal vectors by acos", "non-finite")
def _() -> Any:
    def loss(z: Tensor, _: Any) -> Tensor:
        z = F.normalize(z, dim=1)
        return torch.acos((z @ z.T).clamp(max=1)).mean()

    return mlp(20, 64, 8).double(), loss, table()[0].double(), None


@sick("root of a product with a mask", "non-finite")
def _() -> Any:
    return tabular(seq(nn.Linear(20, 64), Fn(lambda h: (h * (h > 0)).sqrt()), nn.Linear(64, 4)))


@sick("mean over the words of an empty text", "non-finite")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        words = (x > 0).float()[..., None]
        return m.out((m.embed(x) * words).sum(1) / words.sum(1))

    x = sentences(16)
    x[3] = 0
    return Net(run, embed=nn.Embedding(50, 32), out=nn.Linear(32, 4)), F.cross_entropy, x, x[:, 0] % 4


@sick("all keys of a text are padding", "non-finite")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.embed(x)
        return m.out(m.attention(h, h, h, key_padding_mask=x == 0)[0].mean(1))

    x = sentences(16)
    x[5] = 0
    attention = nn.MultiheadAttention(32, 4, batch_first=True)
    net = Net(run, embed=nn.Embedding(50, 32), attention=attention, out=nn.Linear(32, 4))
    return net, F.cross_entropy, x, x[:, 0] % 4


@sick("mask of 0 and 1 times minus infinity", "non-finite")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.embed(x)
        mask = torch.ones(20, 20).triu(1) * -math.inf
        return m.out((h @ h.transpose(1, 2) / 5 + mask).softmax(-1) @ h).transpose(1, 2)

    x = sentences(16)
    return Net(run, embed=nn.Embedding(50, 32), out=nn.Linear(32, 50)), F.cross_entropy, x, x.roll(-1, 1)


@sick("variance by exp of what isn't bounded", "non-finite")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        mean, log_var = m.encoder(x).chunk(2, 1)
        kl = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(1).mean()
        return F.mse_loss(m.decoder(mean + (0.5 * log_var).exp() * torch.randn_like(mean)), x) + kl

    return Net(run, encoder=mlp(20, 64, 16), decoder=mlp(8, 64, 20)), itself, 1000 * table()[0], None


@sick("eps of 1e-8 in half precision", "non-finite")
def _() -> Any:
    def scaled(h: Tensor) -> Tensor:
        return (h - h.mean(1, keepdim=True)) / (h.std(1, keepdim=True) + 1e-8)

    x, y = table()
    x[2] = 0
    net = seq(Fn(scaled), mlp(20, 64, 4)).half()
    return net, lambda out, y: F.cross_entropy(out.float(), y), x.half(), y


# Data ----------------------------------------------------------------------------------------------------------------


@sick("a column of seconds since 1970", "note data exploding saturated")
def _() -> Any:
    x, y = table()
    x[:, 3] = 1.7e9 + 1e5 * x[:, 3]
    return mlp(20, 64, 64, 4), F.cross_entropy, x, y


@sick("pixels of 0 to 255 into a deep ReLU network", "note data")
def _() -> Any:
    x, y = pictures(32)
    net = seq(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 10))
    return net, F.cross_entropy, (255 * torch.sigmoid(x)).round(), y


@sick("every picture is black", "note data")
def _() -> Any:
    x, y = pictures()
    net = seq(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return net, F.cross_entropy, torch.zeros_like(x), y


@sick("the first sample repeated by expand", "note data")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 4), F.cross_entropy, x[:1].expand(64, -1), y


@sick("binary labels that are all 1", "note data")
def _() -> Any:
    return mlp(20, 64, 1), F.binary_cross_entropy_with_logits, table()[0], torch.ones(64, 1)


@sick("regression on a constant column", "note data")
def _() -> Any:
    return mlp(20, 64, 1), F.mse_loss, table()[0], torch.full((64, 1), 3.5)


@sick("LSTM expects time first and gets the batch first", "note data loss")
def _() -> Any:
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 12, 8) + torch.randn(4, 8)[y][:, None]
    net = Net(lambda m, x: m.out(m.lstm(x)[0][:, -1]), lstm=nn.LSTM(8, 32), out=nn.Linear(32, 4))
    return net, F.cross_entropy, x, y


@sick("transformer layers expect time first and get the batch first", "note data loss")
def _() -> Any:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0)
    net = seq(nn.Embedding(50, 32), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), lambda h: h.mean(1))
    x = sentences(32)
    return seq(net, nn.Linear(32, 4)), F.cross_entropy, x, x[:, 0] % 4


# Initial weights, activations, normalizations ------------------------------------------------------------------------


@sick("convolutions all at 1", "symmetric exploding")
def _() -> Any:
    parts = [nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU()]
    net = seq(parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    for each in net.parameters():
        nn.init.ones_(each)
    return net, F.cross_entropy, *pictures()


@sick("convolutions of N(0, 1), 8 layers of 32", "exploding")
def _() -> Any:
    parts = [part for a in (3, *[32] * 7) for part in (nn.Conv2d(a, 32, 3, padding=1), nn.ReLU())]
    net = seq(parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    for each in net.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.normal_(each.weight)
    return net, F.cross_entropy, *pictures()


@sick("orthogonal weights times 4, ReLU, 14 layers", "exploding")
def _() -> Any:
    net = mlp(20, *[64] * 14, 4)
    for each in net:
        if isinstance(each, nn.Linear):
            nn.init.orthogonal_(each.weight, 4.0)
    return tabular(net)


@sick("Xavier's weights times 0.1, tanh, 10 layers", "vanishing")
def _() -> Any:
    net = mlp(20, *[64] * 10, 4, activation=nn.Tanh)
    for each in net:
        if isinstance(each, nn.Linear):
            nn.init.xavier_normal_(each.weight, 0.1)
    return tabular(net)


@sick("sum of 60 residual branches of full size, no norm", "exploding")
def _() -> Any:
    def branch() -> nn.Module:
        a, b = nn.Linear(64, 64), nn.Linear(64, 64)
        nn.init.kaiming_normal_(a.weight)
        nn.init.kaiming_normal_(b.weight)
        return seq(a, nn.ReLU(), b)

    return tabular(seq(nn.Linear(20, 64), *(Skip(branch()) for _ in range(60)), nn.Linear(64, 4)))


@sick("read-out a thousand times too large", "note loss exploding data")
def _() -> Any:
    net: Any = mlp(20, 64, 64, 4)
    net[-1].weight.data *= 1000
    return tabular(net)


@sick("softmax between the hidden layers", "vanishing")
def _() -> Any:
    return tabular(mlp(20, 64, 64, 64, 64, 4, activation=lambda: nn.Softmax(-1)))


@sick("tanhshrink, default, 6 layers", "vanishing")
def _() -> Any:
    return tabular(mlp(20, *[64] * 6, 4, activation=nn.Tanhshrink))


@sick("hard shrink with a threshold beyond all", "dead blocked")
def _() -> Any:
    return tabular(mlp(20, 64, 64, 4, activation=lambda: nn.Hardshrink(8.0)))


@sick("ReLU6 on inputs of a thousand", "saturated blocked data note")
def _() -> Any:
    x, y = table()
    net = seq(nn.Linear(20, 64), nn.ReLU6(), nn.Linear(64, 64), nn.ReLU6(), nn.Linear(64, 4))
    return net, F.cross_entropy, 1e4 * x.abs(), y


@sick("layer norm with a shift of -8 before ReLU", "dead")
def _() -> Any:
    norm = nn.LayerNorm(64)
    nn.init.constant_(norm.bias, -8.0)
    return tabular(seq(nn.Linear(20, 64), norm, nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)))


@sick("layer norm over an axis of one", "blocked")
def _() -> Any:
    x = torch.randn(32, 20, 1)
    net = seq(nn.LayerNorm(1), nn.Flatten(), mlp(20, 64, 4))
    first = seq(nn.Conv1d(1, 1, 3, padding=1), Fn(lambda h: h.transpose(1, 2)), net)
    return seq(Fn(lambda x: x.transpose(1, 2)), first), F.cross_entropy, x, torch.randint(0, 4, (32,))


@sick("dropout of 0.99 in every layer", "dead blocked vanishing exploding note")
def _() -> Any:
    return tabular(seq(*(seq(nn.Linear(a, 64), nn.ReLU(), nn.Dropout(0.99)) for a in (20, 64, 64)), nn.Linear(64, 4)))


@sick("state thrown away at each step", "detached vanishing blocked note")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        for step in x.unbind(1):
            h = m.cell(step, torch.zeros(len(x), 32))
        return m.out(h)

    y = torch.randint(0, 4, (32,))
    x = torch.zeros(32, 20, 4)
    x[torch.arange(32), 0, y] = 1
    return Net(run, cell=nn.GRUCell(4, 32), out=nn.Linear(32, 4)), F.cross_entropy, x + 0.1 * torch.randn_like(x), y


@sick("sigmoid cell has to recall over 40 steps", "vanishing")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 32)
        for step in x.unbind(1):
            h = torch.sigmoid(m.x(step) + m.h(h))
        return m.out(h)

    y = torch.randint(0, 4, (32,))
    x = torch.zeros(32, 40, 4)
    x[torch.arange(32), 0, y] = 1
    return Net(run, x=nn.Linear(4, 32), h=nn.Linear(32, 32), out=nn.Linear(32, 4)), F.cross_entropy, x, y


@sick("loop of a linear state that doubles", "exploding")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 32)
        for step in x.unbind(1):
            h = m.h(h) + m.x(step)
        return m.out(h)

    inner = nn.Linear(32, 32)
    nn.init.orthogonal_(inner.weight, 2.0)
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 30, 4)
    return Net(run, x=nn.Linear(4, 32), h=inner, out=nn.Linear(32, 4)), F.cross_entropy, x, y


# Trainings that go wrong ---------------------------------------------------------------------------------------------

BLIND_TRAININGS: dict[str, tuple[tuple[str, ...], tuple[Make, Begin]]] = {}


def usual(make: Callable[[Any], torch.optim.Optimizer]) -> Begin:
    """A sound step with an optimizer."""

    def begin(example: Example) -> Step:
        optimizer = make(example[0].parameters())

        def step() -> float:
            optimizer.zero_grad()
            loss = loss_of(example)
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        return step

    return begin


def training(name: str, verdicts: str, make: Make, begin: Begin) -> None:
    assert name not in BLIND_TRAININGS, name
    BLIND_TRAININGS[name] = tuple(verdicts.split(" | ")), (make, begin)


def small() -> Any:
    return tabular(mlp(20, 64, 64, 4))


def convolutions() -> Any:
    net = seq(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 10))
    return net, F.cross_entropy, *pictures(64)


def decoder() -> Any:
    x = sentences(16)
    body = (Skip(seq(nn.LayerNorm(32), each)) for each in (Attention(32, causal=True), feed(32)) * 2)
    net = seq(nn.Embedding(50, 32), *body, nn.Linear(32, 50), lambda h: h.transpose(1, 2))
    return net, F.cross_entropy, x, x.roll(-1, 1)


def without_zero_grad(example: Example) -> Step:
    optimizer = torch.optim.Adam(example[0].parameters(), 1e-3)

    def step() -> float:
        loss = loss_of(example)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def zeroed_too_late(example: Example) -> Step:
    optimizer = torch.optim.Adam(example[0].parameters(), 1e-3)

    def step() -> float:
        loss = loss_of(example)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        return float(loss.detach())

    return step


def of_another_copy(example: Example) -> Step:
    optimizer = torch.optim.Adam(copy.deepcopy(example[0]).parameters(), 1e-3)

    def step() -> float:
        optimizer.zero_grad()
        example[0].zero_grad()
        loss = loss_of(example)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def with_new_labels(example: Example) -> Step:
    """The labels of every batch are shuffled against its samples."""
    model, loss_function, inputs, targets = example
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets[torch.randperm(len(targets))])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def clipped(example: Example) -> Step:
    optimizer = torch.optim.SGD(example[0].parameters(), 0.01)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(example)
        loss.backward()
        nn.utils.clip_grad_norm_(example[0].parameters(), 1e-5)
        optimizer.step()
        return float(loss.detach())

    return step


def decayed(example: Example) -> Step:
    optimizer = torch.optim.Adam(example[0].parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(example)
        loss.backward()
        optimizer.step()
        schedule.step()
        return float(loss.detach())

    return step


def sgd(rate: float, **options: Any) -> Begin:
    return usual(lambda p: torch.optim.SGD(p, rate, **options))


def adam(rate: float, **options: Any) -> Begin:
    return usual(lambda p: torch.optim.AdamW(p, rate, **options))


def half() -> Any:
    x, y = table()
    net = mlp(20, 64, 64, 4).half()
    return net, lambda out, y: F.cross_entropy(out.float(), y), x.half(), y


def recurrent() -> Any:
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 60, 4)
    x[:, 0] += 3 * F.one_hot(y, 4)
    net = Net(lambda m, x: m.out(m.rnn(x)[0][:, -1]), rnn=nn.RNN(4, 64, batch_first=True), out=nn.Linear(64, 4))
    return net, F.cross_entropy, x, y


def house_prices() -> Any:
    x = table()[0]
    return mlp(20, 64, 64, 1), F.mse_loss, x, 2e5 + 5e4 * x[:, :1]


def black() -> Any:
    model, loss, x, y = convolutions()
    return model, loss, torch.zeros_like(x), y


def with_softmax() -> Any:
    model, loss, x, y = convolutions()
    return seq(model, nn.Softmax(1)), loss, x, y


TOO_LARGE = "update too large | dead | oscillating | diverging | stuck | collapsed | non-finite | saturated"
training("zero_grad forgotten, Adam", "not zeroed", small, without_zero_grad)
training("zero_grad forgotten, transformer", "not zeroed", decoder, without_zero_grad)
training("zero_grad between backward and step", "unchanged | stuck", small, zeroed_too_late)
training("optimizer of another copy", "unchanged | stuck | not examined", small, of_another_copy)
training("labels shuffled in every batch", "stuck", small, with_new_labels)
training("learning rate of 1e-8", "update too small | unchanged | stuck", small, adam(1e-8))
training("learning rate of 5, SGD", TOO_LARGE, small, sgd(5.0))
training("learning rate of 0.5, Adam, convolutions", TOO_LARGE, convolutions, adam(0.5))
training("learning rate of 0.3, Adam, transformer", TOO_LARGE, decoder, adam(0.3))
training("momentum of 0.999", TOO_LARGE, small, sgd(0.3, momentum=0.999))
training("weight decay of 30", f"{TOO_LARGE} | update too small", small, adam(3e-2, weight_decay=30.0))
training("loss is maximised", "diverging | non-finite", small, adam(1e-2, maximize=True))
training("gradient clipped to 1e-5", "update too small | stuck | unchanged", small, clipped)
training("rate halved after each step", "update too small | unchanged | stuck", small, decayed)
training("half-precision weights, Adam", "non-finite | unchanged", half, adam(1e-3))
training(
    "sigmoid, 8 layers, SGD",
    "stuck | update too small | collapsed",
    lambda: tabular(mlp(20, *[64] * 8, 4, activation=nn.Sigmoid)),
    sgd(0.1),
)
training("prices of 200,000, SGD", "non-finite | diverging | stuck | dead | update too large", house_prices, sgd(1e-2))
training("every picture is black", "stuck | collapsed | dead", black, adam(1e-3))
training("tanh RNN, rate of 2, SGD", TOO_LARGE, recurrent, sgd(2.0))
training("softmax twice, rate of 1, SGD", f"{TOO_LARGE} | update too small", with_softmax, sgd(1.0))
