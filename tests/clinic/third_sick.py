"""A third set of sick networks that nothing was set on before the doctor met them: slips that people make day by day.

The verdicts that are right are those that a practitioner would accept as the fault's name; `note` stands for a note
beside a healthy verdict, `error` for a DiagnosisError. They were written on 28 November 2026, after the faults of the
second set were mended and before any verdict on them was seen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.clinic.blind_healthy import tabular
from tests.clinic.parts import Fn, Make, Net, Skip, entering, mlp, seq
from tests.clinic.unseen import itself, pictures, sentences, table

THIRD_SICK: dict[str, tuple[tuple[str, ...], Make]] = {}
sick = entering(THIRD_SICK)


def column(model: nn.Module, loss: Any = F.mse_loss, scale: float = 1.0, shift: float = 0.0) -> Any:
    """A regression on one column of the table."""
    x = table()[0]
    return model, loss, x, scale * x[:, :1] + shift


# Cut off -------------------------------------------------------------------------------------------------------------


@sick("features taken to numpy and back between two parts", "detached error")
def _() -> Any:
    run = lambda m, x: m.out(torch.from_numpy(np.tanh(m.body(x).detach().numpy())))  # noqa: E731
    return tabular(Net(run, body=mlp(20, 64, 64), out=nn.Linear(64, 4)))


@sick("hidden state made anew by torch.tensor of a list", "detached")
def _() -> Any:
    run = lambda m, x: m.out(torch.tensor(F.relu(m.body(x)).tolist()))  # noqa: E731
    return tabular(Net(run, body=nn.Linear(20, 32), out=nn.Linear(32, 4)))


@sick("loss on the predicted class instead of the logits", "error detached loss")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 4), lambda out, y: F.mse_loss(out.argmax(1).float(), y.float()), x, y


@sick("accuracy in place of a loss", "error detached loss")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 4), lambda out, y: 1 - (out.argmax(1) == y).float().mean(), x, y


@sick("backbone under inference by a decorator, head on top", "detached")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = mlp(20, 64, 64), nn.Linear(64, 4)

        @torch.no_grad()
        def features(self, x: Tensor) -> Tensor:
            return F.relu(self.backbone(x))

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.features(x))

    return tabular(Model())


@sick("weights read by .data in the forward pass", "detached")
def _() -> Any:
    run = lambda m, x: m.out(F.relu(F.linear(x, m.a.weight.data, m.a.bias.data)))  # noqa: E731
    return tabular(Net(run, a=nn.Linear(20, 64), out=nn.Linear(64, 4)))


@sick("codes rounded without a way round it", "blocked detached")
def _() -> Any:
    run = lambda m, x: m.out(torch.round(4 * torch.tanh(m.encoder(x))))  # noqa: E731
    return tabular(Net(run, encoder=mlp(20, 64, 8), out=mlp(8, 64, 4)))


@sick("sign of the hidden units, no straight-through", "blocked detached")
def _() -> Any:
    return tabular(seq(nn.Linear(20, 64), torch.sign, nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)))


@sick("multinomial samples of the words are fed on", "detached")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        drawn = torch.multinomial(m.first(x).softmax(1), 1)[:, 0]
        return m.second(m.words(drawn))

    return tabular(Net(run, first=mlp(20, 64, 30), words=nn.Embedding(30, 16), second=mlp(16, 32, 4)))


@sick("embedding frozen from a random start, by from_pretrained", "note detached")
def _() -> Any:
    words = nn.Embedding.from_pretrained(torch.randn(50, 8))
    x = sentences(16)
    return seq(words, lambda h: h.mean(1), nn.Linear(8, 4)), F.cross_entropy, x, x[:, 0] % 4


@sick("everything frozen after loading a checkpoint", "detached error")
def _() -> Any:
    return tabular(mlp(20, 64, 64, 4).requires_grad_(False))


@sick("prediction head left out of the module's attributes", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp(20, 64, 64)
            self.heads = {"kind": nn.Linear(64, 4)}

        def forward(self, x: Tensor) -> Tensor:
            return self.heads["kind"](F.relu(self.body(x)))

    return tabular(Model())


@sick("blocks kept in a list of lists", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = [[nn.Linear(20, 32), nn.Linear(32, 32)], [nn.Linear(32, 32)]]
            self.out = nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            for stage in self.stages:
                for layer in stage:
                    x = F.relu(layer(x))
            return self.out(x)

    return tabular(Model())


@sick("position table as a plain tensor with requires_grad", "unregistered")
def _() -> Any:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.out = nn.Embedding(50, 16), nn.Linear(16, 4)
            self.place = torch.randn(20, 16, requires_grad=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.tanh(self.words(x) + self.place).mean(1))

    x = sentences(16)
    return Model(), F.cross_entropy, x, x[:, 0] % 4


# The loss ------------------------------------------------------------------------------------------------------------


@sick("predictions (N, 1) against (N,) in a loss by hand", "loss")
def _() -> Any:
    x = table()[0]
    return mlp(20, 64, 1), lambda out, y: ((out - y) ** 2).mean(), x, x[:, 0]


@sick("Huber of (N,) against (N, 1)", "loss")
def _() -> Any:
    x = table()[0]
    return seq(mlp(20, 64, 1), nn.Flatten(0)), nn.HuberLoss(), x, x[:, :1]


@sick("log of softmax handed to cross-entropy as probabilities, exponent and all", "note loss")
def _() -> Any:
    return tabular(seq(mlp(20, 64, 4), nn.LogSoftmax(1), torch.exp))


@sick("softmax at the end and the negative log-likelihood", "loss note")
def _() -> Any:
    x, y = table()
    return seq(mlp(20, 64, 4), nn.Softmax(1)), nn.NLLLoss(), x, y


@sick("sigmoid in the model and logits expected by the focal loss", "note loss")
def _() -> Any:
    def focal(out: Tensor, y: Tensor) -> Tensor:
        cost = F.binary_cross_entropy_with_logits(out, y, reduction="none")
        return ((1 - torch.exp(-cost)) ** 2 * cost).mean()

    x, y = table()
    return seq(mlp(20, 64, 1), nn.Sigmoid()), focal, x, (y > 1).float()[:, None]


@sick("tanh at the end, labels 0 and 1, logits expected", "note loss")
def _() -> Any:
    x, y = table()
    return seq(mlp(20, 64, 1), nn.Tanh()), nn.BCEWithLogitsLoss(), x, (y > 1).float()[:, None]


@sick("ReLU at the end and logits expected", "note loss dead")
def _() -> Any:
    return tabular(seq(mlp(20, 64, 4), nn.ReLU()))


@sick("hinge with labels 0 and 1 in place of -1 and 1", "note loss")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 1), lambda out, y: F.relu(1 - y * out).mean(), x, (y > 1).float()[:, None]


@sick("binary loss on labels of -1 and 1", "loss non-finite")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 1), nn.BCEWithLogitsLoss(), x, (y > 1).float()[:, None] * 2 - 1


@sick("masks of 0 to 255 for a binary loss", "loss data")
def _() -> Any:
    x = torch.randn(8, 3, 16, 16)
    net = seq(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1))
    return net, nn.BCEWithLogitsLoss(), x, 255.0 * (x.mean(1, keepdim=True) > 0)


@sick("several labels at once by cross-entropy", "note loss")
def _() -> Any:
    x = table()[0]
    return mlp(20, 64, 6), F.cross_entropy, x, (x[:, :6] > 0).float()


@sick("loss with the wrong sign", "note loss")
def _() -> Any:
    x, y = table()
    return mlp(20, 64, 4), lambda out, y: -F.cross_entropy(out, y), x, y


@sick("contrastive pairs whose margin is met by all", "loss")
def _() -> Any:
    def loss(z: Tensor, _: Any) -> Tensor:
        return F.relu(0.01 - torch.cdist(z[:32], z[32:]).diagonal()).mean()

    return mlp(20, 64, 8), loss, table()[0], None


@sick("every word of the batch is ignored", "non-finite loss data")
def _() -> Any:
    x = sentences(16)
    net = seq(nn.Embedding(50, 32), nn.Linear(32, 50), lambda h: h.transpose(1, 2))
    return net, F.cross_entropy, x, torch.full_like(x, -100)


@sick("temperature of 0.0005 in a contrastive loss", "loss note exploding blocked")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        a, b = (F.normalize(m.body(x + 0.1 * torch.randn_like(x)), dim=1) for _ in range(2))
        return a @ b.T / 0.0005

    return Net(run, body=mlp(20, 64, 16)), F.cross_entropy, table()[0], torch.arange(64)


# Data ----------------------------------------------------------------------------------------------------------------


@sick("16-bit pixels, not scaled, tanh", "note data saturated exploding")
def _() -> Any:
    x, y = pictures()
    net = seq(nn.Conv2d(3, 16, 3), nn.Tanh(), nn.Flatten(), nn.Linear(3136, 10))
    return net, F.cross_entropy, (65535 * torch.sigmoid(x)).round(), y


@sick("prices in cents as targets", "data note")
def _() -> Any:
    return column(mlp(20, 64, 64, 1), scale=3e5, shift=2e7)


@sick("tiny targets of 1e-7", "note data")
def _() -> Any:
    return column(mlp(20, 64, 1), scale=1e-7)


@sick("infinity from a division in the table", "non-finite")
def _() -> Any:
    x, y = table()
    x[4, 2] = math.inf
    return mlp(20, 64, 4), F.cross_entropy, x, y


@sick("a loader that returns one sample 32 times", "note data")
def _() -> Any:
    x, y = pictures(32)
    net = seq(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(784, 10))
    return net, F.cross_entropy, x[:1].repeat(32, 1, 1, 1), y


@sick("GRU takes the batch for time", "note data loss")
def _() -> Any:
    y = torch.randint(0, 3, (24,))
    x = torch.randn(24, 30, 6) + torch.randn(3, 6)[y][:, None]
    net = Net(lambda m, x: m.out(m.gru(x)[0].mean(1)), gru=nn.GRU(6, 24), out=nn.Linear(24, 3))
    return net, F.cross_entropy, x, y


@sick("labels sorted, the batch holds one class", "note data")
def _() -> Any:
    x, _ = pictures(32)
    net = seq(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(784, 10))
    return net, F.cross_entropy, x, torch.full((32,), 4)


# Weights and activations ---------------------------------------------------------------------------------------------


@sick("12 layers of sigmoid for digits", "vanishing")
def _() -> Any:
    return tabular(mlp(20, *[48] * 12, 4, activation=nn.Sigmoid))


@sick("weights of N(0, 1), width 200, ReLU, five layers", "exploding")
def _() -> Any:
    net = mlp(20, *[200] * 5, 4)
    for each in net.modules():
        if isinstance(each, nn.Linear):
            nn.init.normal_(each.weight)
    return tabular(net)


@sick("all weights 0.5", "symmetric")
def _() -> Any:
    net = mlp(20, 64, 64, 4)
    for each in net.parameters():
        nn.init.constant_(each, 0.5)
    return tabular(net)


@sick("encoder and decoder start at zero, biases too", "symmetric blocked vanishing dead")
def _() -> Any:
    net = seq(mlp(20, 8), nn.ReLU(), mlp(8, 20))
    for each in net.parameters():
        nn.init.zeros_(each)
    x = table()[0]
    return net, F.mse_loss, x, x


@sick("biases of -6 before ReLU, He's weights", "dead")
def _() -> Any:
    net = mlp(20, 64, 64, 64, 4)
    for each in net.modules():
        if isinstance(each, nn.Linear) and each.out_features == 64:
            nn.init.constant_(each.bias, -6.0)
    return tabular(net)


@sick("tanh network with weights of N(0, 3)", "saturated exploding")
def _() -> Any:
    net = mlp(20, 64, 64, 4, activation=nn.Tanh)
    for each in net.modules():
        if isinstance(each, nn.Linear):
            nn.init.normal_(each.weight, std=3.0)
    return tabular(net)


@sick("20 convolutions, default weights, no normalization", "vanishing")
def _() -> Any:
    parts = [part for a in (3, *[16] * 19) for part in (nn.Conv2d(a, 16, 3, padding=1), nn.ReLU())]
    net = seq(parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    return net, F.cross_entropy, *pictures()


@sick("dropout of 1 in one place", "blocked")
def _() -> Any:
    return tabular(seq(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(1.0), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)))


@sick("two classes by a softmax over one unit", "blocked loss")
def _() -> Any:
    x, y = table()
    return seq(mlp(20, 64, 1), nn.Softmax(1)), F.binary_cross_entropy, x, (y > 1).float()[:, None]


@sick("exponential units, ten layers", "non-finite exploding")
def _() -> Any:
    return tabular(mlp(20, *[32] * 10, 4, activation=lambda: Fn(torch.exp)))


@sick("residual sum without normalization, branches times 4", "exploding")
def _() -> Any:
    def branch() -> nn.Module:
        a, b = nn.Linear(64, 64), nn.Linear(64, 64)
        for each in (a, b):
            nn.init.xavier_normal_(each.weight, 2.0)
        return seq(a, nn.ReLU(), b)

    return tabular(seq(nn.Linear(20, 64), *(Skip(branch()) for _ in range(16)), nn.Linear(64, 4)))


@sick("attention without a scale over wide keys, both drawn from N(0, 1)", "note vanishing saturated exploding")
def _() -> Any:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.words(x)
        mixed = (m.q(h) @ m.k(h).transpose(1, 2)).softmax(-1) @ m.v(h)
        return m.out(mixed.mean(1))

    q, k, v = (nn.Linear(64, 64, bias=False) for _ in range(3))
    for each in (q, k):
        nn.init.normal_(each.weight)
    x = sentences(16)
    return Net(run, words=nn.Embedding(50, 64), q=q, k=k, v=v, out=nn.Linear(64, 4)), F.cross_entropy, x, x[:, 0] % 4


@sick("plain recurrent network has to carry a bit over 100 steps", "vanishing")
def _() -> Any:
    x = torch.zeros(64, 100, 2)
    x[:, 0, 0] = torch.randint(0, 2, (64,)) * 2.0 - 1
    net = Net(lambda m, x: m.out(m.rnn(x)[0][:, -1]), rnn=nn.RNN(2, 32, batch_first=True), out=nn.Linear(32, 2))
    return net, F.cross_entropy, x, (x[:, 0, 0] > 0).long()


@sick("variance of one sample in a batch norm's place", "non-finite error blocked")
def _() -> Any:
    scaled = Fn(lambda h: (h - h.mean(0)) / h.std(0))
    x, y = table(1)
    return seq(nn.Linear(20, 64), scaled, nn.ReLU(), nn.Linear(64, 4)), F.cross_entropy, x, y


@sick("square root of a distance that is 0", "non-finite")
def _() -> Any:
    def loss(z: Tensor, _: Any) -> Tensor:
        return (z[:, None] - z).square().sum(-1).sqrt().mean()

    return mlp(20, 64, 8), loss, table()[0], None


@sick("logarithm of a softmax that has become 0", "non-finite")
def _() -> Any:
    net: Any = mlp(20, 64, 4)
    net[-1].weight.data *= 3e3
    x, y = table()
    return net, lambda out, y: F.nll_loss(out.softmax(1).log(), y), x, y


@sick("generator step on a critic that gives exactly 0", "loss blocked")
def _() -> Any:
    net: Any = Net(
        lambda m, z: (1 - m.critic(m.generator(z)).sigmoid() + 1e-12).log().mean(),
        generator=mlp(8, 32, 16),
        critic=mlp(16, 32, 1).requires_grad_(False),
    )
    nn.init.constant_(net.critic[-1].bias, -120.0)
    return net, itself, torch.randn(32, 8), None
