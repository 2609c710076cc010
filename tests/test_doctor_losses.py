"""A loss that is given what it is not made for, layers that it can do without, and their healthy neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.doctor import diagnose
from tests.clinic.parts import Net, mlp, seq
from tests.test_doctor import state_of

X, Y = torch.randn(64, 20, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 4
BITS = (Y > 1).float()[:, None]
SHARES = F.one_hot(Y, 4) * 0.9 + 0.025
Given = tuple[nn.Module, Callable[[Any, Any], Tensor], Any, Any]


def net(*last: Any, out: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return seq(mlp(20, 32, out), *last)


def kl(out: Tensor, y: Tensor) -> Tensor:
    return F.kl_div(out, y, reduction="batchmean")


def squares(out: Tensor, y: Tensor) -> Tensor:
    return (out - y).square().mean()


MISTAKES: dict[str, tuple[Given, str]] = {
    "pictures (N, 1, H, W) with (N, H, W)": (
        (nn.Conv2d(3, 1, 3, padding=1), F.mse_loss, torch.rand(8, 3, 6, 6), torch.rand(8, 6, 6)),
        "every output with every target",
    ),
    "a hinge of (N, 1) and (N,)": (
        (net(out=1), lambda out, y: F.relu(1 - y * out).mean(), X, 2 * BITS[:, 0] - 1),
        "every output with every target",
    ),
    "soft margin with labels 0 and 1": ((net(out=1), F.soft_margin_loss, X, BITS), "labels of -1 and 1"),
    "margin of pairs with labels 0 and 1": (
        (net(out=2), lambda out, y: F.margin_ranking_loss(out[:, 0], out[:, 1], y), X, BITS[:, 0]),
        "labels of -1 and 1",
    ),
    "nll_loss of logits": ((net(), F.nll_loss, X, Y), "nll_loss is given numbers"),
    "nll_loss of probabilities": ((net(nn.Softmax(1)), F.nll_loss, X, Y), "nll_loss is given probabilities"),
    "kl_div of probabilities": ((net(nn.Softmax(1)), kl, X, SHARES), "kl_div is given probabilities"),
    "labels of -1 and 1": (
        (net(out=1), F.binary_cross_entropy_with_logits, X, 2 * BITS - 1),
        "outside 0 to 1 it has no minimum",
    ),
    "sigmoid, targets of 30": ((net(nn.Sigmoid(), out=1), F.mse_loss, X, 30 + X[:, :1]), "sigmoid at the end"),
    "ReLU, negative targets, by hand": ((net(F.relu, out=1), squares, X, -5 - X[:, :1].abs()), "relu at the end"),
    "clamped to 0 … 1, targets of 5": (
        (Net(lambda m, x: m.o(x).clamp(0, 1), o=net(out=1)), F.mse_loss, X, 5 + 0.1 * X[:, :1]),
        "clamp at the end",
    ),
    "tanh, targets of 0 to 255": ((net(torch.tanh, out=1), F.l1_loss, X, 128 + X[:, :1]), "tanh at the end"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_loss_that_is_given_what_it_is_not_made_for(name: str) -> None:
    given, words = MISTAKES[name]
    diagnosis = diagnose(*given)
    assert diagnosis.verdict == "loss" and words in diagnosis.findings[0].summary, str(diagnosis)


def attention(axis: int) -> nn.Module:
    """One layer of attention over twelve places of eight features."""

    def run(m: Any, x: Tensor) -> Tensor:
        weights = (m.q(x) @ m.k(x).transpose(1, 2) / 4).softmax(axis)
        return m.o(torch.einsum("bqk,bkd->bqd", weights, m.v(x)).mean(1))

    torch.manual_seed(0)
    return Net(run, q=nn.Linear(8, 16), k=nn.Linear(8, 16), v=nn.Linear(8, 16), o=nn.Linear(16, 4))


def reader(place: int) -> nn.Module:
    """An LSTM over twelve steps whose output is read at one of them."""
    torch.manual_seed(0)
    parts = {"r": nn.LSTM(8, 16, batch_first=True), "o": nn.Linear(16, 4)}
    return Net(lambda m, x: m.o(m.r(x)[0][:, place]), **parts)


def shrinking(factor: float) -> Given:
    model = net()
    return (
        model,
        lambda out, y: F.cross_entropy(out, y) + factor * sum(each.square().sum() for each in model.parameters()),
        X,
        Y,
    )


def transformer(causal: bool, positions: bool = True) -> nn.Module:
    """One layer over twelve tokens of nine kinds, with an output at each place or, without positions, for all."""

    def run(m: Any, tokens: Tensor) -> Tensor:
        h = m.e(tokens) + (m.places if positions else 0)
        mask = nn.Transformer.generate_square_subsequent_mask(12) if causal else None
        h = m.t(h, mask)
        return m.o(h if positions else h.mean(1))

    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
    parts = {"e": nn.Embedding(9, 16), "t": layer, "o": nn.Linear(16, 9)}
    return Net(run, places=nn.Parameter(0.1 * torch.randn(12, 16)), **parts)


def of_tokens(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out.flatten(0, 1), y.flatten())


def coded(factor: float) -> Given:
    """An autoencoder whose code has a penalty, and targets of variance 1 in each direction."""

    def loss(out: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
        return F.mse_loss(out[0], y) + factor * out[1].square().sum(1).mean()

    torch.manual_seed(0)
    parts = {"a": mlp(20, 32, 4), "b": mlp(4, 32, 20)}
    return Net(lambda m, x: (m.b(m.a(x)), m.a(x)), **parts), loss, X, X


def curved(activation: Callable[[], nn.Module]) -> Given:
    """A network that returns its second derivative, too."""

    def run(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()
        u = m.u(x)
        slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        return u, torch.autograd.grad(slope.sum(), x, create_graph=True)[0]

    torch.manual_seed(0)
    model = Net(run, u=mlp(1, 32, 32, 1, activation=activation))
    return model, lambda out, _: (out[0] + out[1]).square().mean(), X[:, :1], None


def hidden_tokens(hidden: bool) -> Given:
    """A mean over the tokens or, by mistake, over the padding."""

    def run(m: Any, tokens: Tensor) -> Tensor:
        h = m.e(tokens)
        weights = m.a(h)[..., 0].masked_fill((tokens > 0) == hidden, -1e9).softmax(1)
        return m.o((weights[..., None] * h).sum(1))

    torch.manual_seed(0)
    parts = {"e": nn.Embedding(9, 16), "a": nn.Linear(16, 1), "o": mlp(16, 32, 4)}
    return Net(run, **parts), F.cross_entropy, F.pad(TOKENS[:, :8], (0, 4)), Y


TOKENS = 1 + torch.randint(0, 8, (64, 13), generator=torch.Generator().manual_seed(0))
SHUFFLED = torch.rand(64, 9, generator=torch.Generator().manual_seed(0)).argsort(1)
LEVELS = Y[:, None, None, None] + 0.1 * X[:, :16].reshape(64, 1, 4, 4)
SEQUENCES = torch.randn(64, 12, 8, generator=torch.Generator().manual_seed(1))

NOTED: dict[str, tuple[Given, str]] = {
    "batch norm behind the last layer of a regression": (
        (net(nn.BatchNorm1d(1, affine=False), out=1), F.mse_loss, X, 3 + X[:, :1]),
        "come from a batch normalization",
    ),
    "two views that are only pulled together": (
        (
            Net(lambda m, x: (m.o(x), m.o(x + 0.1 * torch.randn_like(x))), o=net()),
            lambda out, _: F.mse_loss(*out),
            X,
            None,
        ),
        "compares outputs with outputs",
    ),
    "an LSTM of one constant": (
        (
            Net(
                lambda m, x: m.o(m.r(x.reshape(64, 5, 4))[0][:, -1]),
                r=nn.LSTM(4, 16, batch_first=True),
                o=nn.Linear(16, 4),
            ),
            F.cross_entropy,
            X,
            Y,
        ),
        "units start the same",
    ),
    "log-likelihood by hand without its minus": (
        (net(), lambda out, y: F.log_softmax(out, 1)[torch.arange(64), y].mean(), X, Y),
        "away from the targets",
    ),
    "1 minus the squared error": ((net(out=1), lambda out, y: 1 - squares(out, y), X, X[:, :1]), "away from"),
    "hinge with labels 0 and 1": (
        (net(out=1), lambda out, y: F.relu(1 - y * out).mean(), X, BITS),
        "No sample whose target is 0",
    ),
    "one sample of 64 with a margin that isn't met": (
        (net(out=1), lambda out, y: F.relu(out - out.topk(2, 0)[0][1]).sum(), X, Y),
        "of the samples get no gradient",
    ),
    "cosines without a temperature": (
        (Net(lambda m, x: F.normalize(m.o(x)) @ F.normalize(x[:32, :4]).T, o=net()), F.cross_entropy, X, Y),
        "been through a cosine",
    ),
    "a temperature of 0.0005": (
        (Net(lambda m, x: F.normalize(m.o(x)) @ F.normalize(x[:32, :4]).T / 5e-4, o=net()), F.cross_entropy, X, Y),
        "0 or 1. Check the scale",
    ),
    "log-probabilities against one-hot targets": (
        (net(nn.LogSoftmax(1)), F.mse_loss, X, F.one_hot(Y, 4).float()),
        "below 0",
    ),
    "63 of 64 targets left out": (
        (net(), F.cross_entropy, X, torch.where(torch.arange(64) > 0, -100, Y)),
        "98.4% of the targets",
    ),
    "tiny inputs": ((net(), F.cross_entropy, 1e-5 * X, Y), "inputs are tiny"),
    "two inputs, four targets": ((net(), F.cross_entropy, X[torch.arange(64) % 2], Y.roll(1) // 2), "Only 2 of 64"),
    "three words and 97 times padding": (
        (
            seq(nn.Embedding(9, 8), lambda h: h.mean(1), nn.Linear(8, 4)),
            F.cross_entropy,
            F.pad(torch.arange(192).reshape(64, 3) % 8 + 1, (0, 97)),
            Y,
        ),
        "97% of the inputs",
    ),
    "a loss times 1e-12": ((net(), lambda out, y: 1e-12 * F.cross_entropy(out, y), X, Y), "eps of Adam"),
    "a variance of 1e-10": (
        (net(out=1), lambda out, y: F.gaussian_nll_loss(out, y, torch.full_like(out, 1e-10), eps=1e-12), X, X[:, :1]),
        "times as large as the weights",
    ),
    "a branch times 0": (
        (Net(lambda m, x: m.o(x) + 0.0 * m.b(x), o=net(), b=nn.Linear(20, 4)), F.cross_entropy, X, Y),
        "exactly 0 in b",
    ),
    "softmax before cross-entropy": ((net(nn.Softmax(1)), F.cross_entropy, X, Y), "above 0.48"),
    "sigmoid before cross-entropy": ((net(nn.Sigmoid()), F.cross_entropy, X, Y), "above 0.48"),
    "tanh before log_softmax": ((net(nn.Tanh(), nn.LogSoftmax(1)), F.nll_loss, X, Y), "been through a tanh"),
    "softmax by hand before cross-entropy": (
        (net(lambda z: z.exp() / z.exp().sum(1, keepdim=True)), F.cross_entropy, X, Y),
        "been through a softmax",
    ),
    "ReLU before cross-entropy": ((net(nn.ReLU()), F.cross_entropy, X, Y), "been through a relu"),
    "cross-entropy with a minus": ((net(), lambda out, y: -F.cross_entropy(out, y), X, Y), "away from the targets"),
    "half the negative mean square": ((net(out=1), lambda out, y: -0.5 * F.mse_loss(out, y), X, BITS), "away from"),
    "tiny targets": ((net(out=1), F.mse_loss, X, 1e-7 * X[:, :1]), "targets are tiny"),
    "ReLU before binary cross-entropy": (
        (net(nn.ReLU(), out=1), F.binary_cross_entropy_with_logits, X, BITS),
        "between 0.5 and 1",
    ),
    "softmax over another axis": (
        (net(nn.Softmax(0)), lambda out, y: F.nll_loss((out + 1e-9).log(), y), X, Y),
        "over the classes, not to 1",
    ),
    "tanh, a third of the targets beyond": ((net(nn.Tanh(), out=1), F.mse_loss, X, X[:, :1]), "of the targets lie"),
    "two labels for cross-entropy": ((net(), F.cross_entropy, X, (SHARES > 0.5) + SHARES.roll(1, 1).round()), "to 2"),
    "labels all 1": ((net(out=1), F.binary_cross_entropy_with_logits, X, torch.ones(64, 1)), "batch are 1"),
    "labels all 0": ((net(out=1), F.binary_cross_entropy_with_logits, X, torch.zeros(64, 1)), "batch are 0"),
    "a constant column": ((net(out=1), F.mse_loss, X, torch.full((64, 1), 3.5)), "batch are 3.5"),
    "label smoothing of 1": (
        (net(), lambda out, y: F.cross_entropy(out, y, label_smoothing=1.0), X, Y),
        "ignores the targets",
    ),
    "means compared": ((net(out=1), lambda out, y: (out.mean() - y.mean()) ** 2, X, X[:, :1]), "takes a mean over"),
    "a penalty of 10": (shrinking(10.0), "penalty on the weights"),
    "a temperature of 1000": ((net(), lambda out, y: F.cross_entropy(out / 1000, y), X, Y), "A step of Adam at"),
    "dropout of the outputs": ((net(nn.Dropout(0.3)), F.cross_entropy, X, Y), "outputs come from a dropout"),
    "no activations": (
        (seq(nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 4)), F.cross_entropy, X, Y),
        "No activation",
    ),
    "pictures viewed, not permuted": (
        (
            Net(lambda m, x: m.o(m.c(x.view(64, 2, 5, 4)).amax((2, 3))), c=nn.Conv2d(2, 8, 3), o=nn.Linear(8, 4)),
            F.cross_entropy,
            SEQUENCES[:, :10, :4].reshape(64, 5, 4, 2),
            Y,
        ),
        "this mixes the axes",
    ),
    "attention, softmax over the queries": ((attention(1), F.cross_entropy, SEQUENCES, Y), "the values are summed"),
    "an LSTM read at its first step": ((reader(0), F.cross_entropy, SEQUENCES, Y), "the first 1 of 12 time steps"),
    "targets that are the inputs": ((transformer(True), of_tokens, TOKENS[:, :12], TOKENS[:, :12]), "only copy them"),
    "next tokens without a mask": ((transformer(False), of_tokens, TOKENS[:, :-1], TOKENS[:, 1:]), "mask that hides"),
    "the target among the inputs": ((net(out=1), F.mse_loss, X, X[:, 7:8]), "Column 7 of the inputs"),
    "a class that is ignored": (
        (net(), lambda out, y: F.cross_entropy(out, y, ignore_index=0), X, Y),
        "a class that 25% of the targets have",
    ),
    "a penalty that empties the code": (coded(10.0), "the best code is empty"),
    "second derivative of ReLUs": (curved(nn.ReLU), "straight between its kinks"),
    "levels behind an instance norm": (
        (seq(nn.InstanceNorm2d(1), nn.Flatten(), mlp(16, 32, 4)), F.cross_entropy, LEVELS, Y),
        "takes each sample's mean away",
    ),
    "order without positions": (
        (transformer(False, positions=False), F.cross_entropy, SHUFFLED, SHUFFLED[:, 0]),
        "doesn't see the order",
    ),
    "a mask the wrong way round": (hidden_tokens(True), "a mask may hide them"),
    "cosines with a plus": (
        (net(), lambda out, y: F.cosine_similarity(out, y).mean(), X, X[:, :4].sin()),
        "away from the targets",
    ),
    "softmax of a softmax": (
        (net(nn.Softmax(1), nn.Softmax(1), nn.Linear(4, 4)), F.cross_entropy, X, Y),
        "what another softmax returns",
    ),
    "dropout of 0.95": ((net(nn.Linear(4, 32), nn.Dropout(0.95), nn.Linear(32, 4)), F.cross_entropy, X, Y), "95%"),
}


for name, weights in NOTED["an LSTM of one constant"][0][0].named_parameters():
    if name.startswith("r."):
        nn.init.constant_(weights, 0.1)


@pytest.mark.parametrize("name", NOTED)
def test_a_note_of_loss_or_targets(name: str) -> None:
    given, words = NOTED[name]
    notes = " ".join(diagnose(*given).notes)
    assert words in notes


NEIGHBOURS: dict[str, Given] = {
    "a table of pairs by hand": (
        net(out=1),
        lambda out, y: F.softplus((y[None] > y[:, None]) * (out - out.T)).mean(),
        X,
        X[:, 0].sin(),
    ),
    "quantiles against quantiles": (
        net(out=8),
        lambda out, y: F.relu(y[:, None, :] - out[:, :, None]).mean() + F.relu(out[:, :, None] - y[:, None, :]).mean(),
        X,
        X[:, :8],
    ),
    "a hinge of labels -1 and 1": (net(out=1), lambda out, y: F.relu(1 - y * out).mean(), X, 2 * BITS - 1),
    "distances of pairs that are alike or not": (
        Net(lambda m, x: (m.o(x[:, :20]) - m.o(x.flip(1)[:, :20])).norm(dim=1), o=net()),
        lambda out, y: (y * out**2 + (1 - y) * F.relu(1 - out) ** 2).mean(),
        X,
        BITS[:, 0],
    ),
    "cosines over a temperature": (
        Net(lambda m, x: F.normalize(m.o(x)) @ F.normalize(x[:32, :4]).T / 0.5, o=net()),
        F.cross_entropy,
        X,
        Y,
    ),
    "a masked language model": (
        seq(nn.Embedding(50, 16), nn.Linear(16, 50)),
        lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
        torch.arange(640).square().reshape(32, 20) % 47,
        torch.where(torch.arange(640) % 7 == 0, torch.arange(640) % 50, -100).reshape(32, 20),
    ),
    "logits that lie between 0 and 1 by chance": (
        Net(lambda m, x: 0.5 + 0.01 * m.o(x), o=net()),
        F.cross_entropy,
        X,
        Y,
    ),
    "next tokens behind a mask": (transformer(True), of_tokens, TOKENS[:, :-1], TOKENS[:, 1:]),
    "labels that the loss shifts": (
        transformer(True),
        lambda out, y: of_tokens(out[:, :-1], y[:, 1:]),
        TOKENS[:, :12],
        TOKENS[:, :12],
    ),
    "a penalty on a code": coded(1e-3),
    "second derivative of tanh": curved(nn.Tanh),
    "a mask of the padding": hidden_tokens(False),
    "cosines with a minus": (net(), lambda out, y: 1 - F.cosine_similarity(out, y).mean(), X, X[:, :4].sin()),
    "shapes behind an instance norm": (
        seq(nn.InstanceNorm2d(1), nn.Flatten(), mlp(16, 32, 4)),
        F.cross_entropy,
        X[:, :16].reshape(64, 1, 4, 4),
        Y,
    ),
    "attention": (attention(-1), F.cross_entropy, SEQUENCES, Y),
    "an LSTM read at its last step": (reader(-1), F.cross_entropy, SEQUENCES, Y),
    "a penalty of 0.0001": shrinking(1e-4),
    "a body and a head": (net(nn.Linear(4, 4)), F.cross_entropy, X, Y),
    "features summed by a softmax over clusters": (
        Net(
            lambda m, x: m.o((m.a(x).softmax(2).transpose(1, 2) @ x).flatten(1)),
            a=nn.Linear(8, 5),
            o=nn.Linear(40, 4),
        ),
        F.cross_entropy,
        SEQUENCES,
        Y,
    ),
    "log_softmax twice": (net(nn.LogSoftmax(1)), F.cross_entropy, X, Y),
    "scores of a sigmoid over a temperature": (
        net(nn.Sigmoid()),
        lambda out, y: F.cross_entropy(out / 0.07, y),
        X,
        Y,
    ),
    "twice a tanh, targets up to 2": (Net(lambda m, x: 2.5 * torch.tanh(m.o(x)), o=net(out=1)), squares, X, 2 * BITS),
    "kl_div of logarithms": (net(nn.LogSoftmax(1)), kl, X, SHARES),
    "kl_div over the last of three axes": (
        Net(lambda m, x: m.o(x).reshape(-1, 1, 4).expand(-1, 3, -1).log_softmax(-1), o=net()),
        kl,
        X,
        SHARES[:, None].expand(-1, 3, -1),
    ),
    "softplus, positive targets": (net(nn.Softplus(), out=1), F.mse_loss, X, X[:, :1].abs()),
    "a likelihood below zero": (
        net(out=2),
        lambda out, y: -torch.distributions.Normal(out[:, :1], 0.01 + out[:, 1:].exp()).log_prob(y).mean(),
        X,
        BITS,
    ),
    "an entropy that is raised": (
        net(nn.LogSoftmax(1)),
        lambda out, y: F.nll_loss(out, y) + 3 * (out.exp() * out).sum(1).mean(),
        X,
        Y,
    ),
    "a softplus of a parameter that is small": (
        Net(
            lambda m, x: m.o(x + F.softplus(m.rho) * torch.randn_like(x)),
            o=net(),
            rho=nn.Parameter(torch.full((20,), -9.0)),
        ),
        F.cross_entropy,
        X,
        Y,
    ),
    "a residual without targets": (net(out=1), lambda out, y: squares(out, y), X, torch.zeros(64, 1)),
    "adversary's labels up to 1.2": (
        net(out=1),
        lambda out, _: F.binary_cross_entropy_with_logits(out, torch.full_like(out, 1.2)),
        X,
        None,
    ),
    "sigmoid on some coordinates, joined": (
        Net(lambda m, x: torch.cat([m.o(x)[:, :1].sigmoid(), m.o(x)[:, 1:]], 1), o=net(out=2)),
        F.mse_loss,
        X,
        X[:, :2].abs() * torch.tensor([0.1, 9.0]),
    ),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_their_healthy_neighbours_get_neither_finding_nor_note(name: str) -> None:
    diagnosis = diagnose(*NEIGHBOURS[name])
    assert diagnosis.healthy and not diagnosis.notes, str(diagnosis)


# What the loss can do without ----------------------------------------------------------------------------------------


def both(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    return m.b(x), m.a(x)


def test_a_layer_whose_answer_is_dropped_is_of_no_use_and_not_ill() -> None:
    torch.manual_seed(0)
    model = Net(lambda m, x: both(m, x)[0], a=nn.Linear(20, 4), b=nn.Linear(20, 4))
    before = state_of(model)
    diagnosis = diagnose(model, F.cross_entropy, X, Y)
    assert diagnosis.healthy and any("no use for a" in note for note in diagnosis.notes), str(diagnosis)
    assert state_of(model) == before, "the numbers that were put in its place are gone"


def test_a_bias_that_drops_out_of_a_derivative_is_not_ill() -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(m.energy(x).sum(), x, create_graph=True)[0]

    torch.manual_seed(0)
    model = Net(run, energy=mlp(20, 32, 1, activation=nn.Tanh))
    assert diagnose(model, F.mse_loss, X, X.sin()).healthy


def test_weights_read_by_data_are_cut_off_and_a_module_that_is_not_called_is_not() -> None:
    torch.manual_seed(0)
    parts = {"a": nn.Linear(20, 16), "out": nn.Linear(16, 4), "spare": nn.Linear(3, 3)}
    model = Net(lambda m, x: m.out(F.relu(F.linear(x, m.a.weight.data, m.a.bias.data))), **parts)
    diagnosis = diagnose(model, F.cross_entropy, X, Y)
    assert diagnosis.verdict == "detached" and diagnosis.findings[0].layers == ("a",), str(diagnosis)
    model = Net(lambda m, x: m.out(F.relu(m.a(x))), **parts)
    diagnosis = diagnose(model, F.cross_entropy, X, Y)
    assert diagnosis.healthy and any("didn't call spare" in note for note in diagnosis.notes), str(diagnosis)


def test_a_first_step_that_works_on_a_state_of_zero_blocks_nothing() -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 16)
        for step in x.unbind(1):
            h = m.cell(step, h * torch.exp(-F.relu(m.decay(step))))
        return m.out(h)

    torch.manual_seed(0)
    model = Net(run, decay=nn.Linear(8, 16), cell=nn.GRUCell(8, 16), out=nn.Linear(16, 4))
    assert diagnose(model, F.cross_entropy, torch.randn(64, 12, 8), Y).healthy


@pytest.mark.parametrize("how", ["no_grad", "detach", "argmax", "own backward"])
def test_a_trunk_that_is_cut_off_by_mistake_stays_an_alarm(how: str) -> None:
    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> None:
            return None

    def run(m: Any, x: Tensor) -> Tensor:
        m.spare(x)
        with torch.set_grad_enabled(how != "no_grad"):
            h = m.trunk(x)
        cut = {"detach": Tensor.detach, "own backward": Silent.apply}
        h = F.one_hot(h.argmax(1), 16).float() if how == "argmax" else cut.get(how, Tensor.clone)(h)
        return m.out(h)

    torch.manual_seed(0)
    model = Net(run, trunk=mlp(20, 32, 16), spare=nn.Linear(20, 4), out=nn.Linear(16, 4))
    diagnosis = diagnose(model, F.cross_entropy, X, Y)
    assert diagnosis.verdict == "detached", str(diagnosis)
    assert diagnosis.findings[0].layers == ("trunk.0", "trunk.2"), "and not the spare layer"


# Time and samples ----------------------------------------------------------------------------------------------------


def recurrent(batch_first: bool) -> nn.Module:
    torch.manual_seed(0)
    lstm = nn.LSTM(8, 16, batch_first=batch_first)
    return Net(lambda m, x: m.out(m.lstm(x)[0][:, -1]), lstm=lstm, out=nn.Linear(16, 4))


@pytest.mark.parametrize("batch_first", [False, True])
def test_samples_taken_for_time_steps(batch_first: bool) -> None:
    x = torch.randn(64, 12, 8)
    diagnosis = diagnose(recurrent(batch_first), F.cross_entropy, x, Y)
    assert any("first axis as time" in note for note in diagnosis.notes) is not batch_first


def test_time_first_and_attention_over_samples_are_left_alone() -> None:
    """One answer at each time step, one sample; and an axis of one between samples that shall see each other."""
    torch.manual_seed(0)
    tagger = Net(lambda m, x: m.out(m.lstm(x)[0]), lstm=nn.LSTM(8, 16), out=nn.Linear(16, 4))
    words = torch.randn(12, 5, 8)
    loss = lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten())  # noqa: E731
    assert not diagnose(tagger, loss, words, torch.randint(0, 4, (12, 5))).notes
    turned = Net(lambda m, x: m.out(m.lstm(x.transpose(0, 1))[0][-1]), lstm=nn.LSTM(8, 16), out=nn.Linear(16, 4))
    assert not diagnose(turned, F.cross_entropy, torch.randn(64, 12, 8), Y).notes


@pytest.mark.parametrize("carried", [False, True])
def test_a_state_that_is_thrown_away_at_each_step(carried: bool) -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 16)
        for step in x.unbind(1):
            h = m.cell(step, h if carried else torch.zeros(len(x), 16))
        return m.out(h)

    torch.manual_seed(0)
    model = Net(run, cell=nn.GRUCell(8, 16), out=nn.Linear(16, 4))
    diagnosis = diagnose(model, F.cross_entropy, torch.randn(64, 12, 8), Y)
    assert (diagnosis.verdict == "detached") is not carried
    assert diagnosis.healthy is carried


# What the modules hold -----------------------------------------------------------------------------------------------


def held(*layers: Any) -> nn.Module:
    torch.manual_seed(0)
    return seq(nn.Linear(20, 32), *layers, nn.Linear(32, 4))


def tied_by_data() -> nn.Module:
    model = held(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32))
    model[3].weight.data = model[1].weight.data
    return model


def pretrained() -> nn.Module:
    layer = nn.Linear(32, 32).requires_grad_(False)
    nn.init.orthogonal_(layer.weight)
    return held(layer)


SAME = nn.Linear(32, 32)
HELD: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a frozen layer as it was drawn": (
        lambda: held(nn.Linear(32, 32).requires_grad_(False)),
        "1: frozen at its random initial weights",
    ),
    "frozen after training": (pretrained, ""),
    "a layer three times": (lambda: held(SAME, SAME, nn.Tanh(), SAME), "one and the same Linear 3 times"),
    "an activation three times": (lambda: held(*[nn.Tanh()] * 3), ""),
    "two parameters over the same numbers": (tied_by_data, "an optimizer changes twice"),
    "momentum of 0": (lambda: held(nn.BatchNorm1d(32, momentum=0.0)), "never change"),
    "momentum of 0.0001": (lambda: held(nn.BatchNorm1d(32, momentum=1e-4)), "over a thousand batches"),
    "momentum of 0.99": (lambda: held(nn.BatchNorm1d(32, momentum=0.99)), "little but the last batch"),
    "momentum of 0.01": (lambda: held(nn.BatchNorm1d(32, momentum=0.01)), ""),
    "batch norm in eval mode": (lambda: held(nn.BatchNorm1d(32).eval()), "has never seen a batch"),
    "batch norm without statistics": (lambda: held(nn.BatchNorm1d(32, track_running_stats=False).eval()), ""),
    "a model in eval mode": (lambda: held(nn.Dropout(0.1)).eval(), "model is in eval mode"),
    "batch norm as it comes": (lambda: held(nn.BatchNorm1d(32)), ""),
}


@pytest.mark.parametrize("name", HELD)
def test_notes_of_what_modules_hold(name: str) -> None:
    make, words = HELD[name]
    diagnosis = diagnose(make(), F.cross_entropy, X, Y)
    assert diagnosis.healthy and words in " ".join(diagnosis.notes) and bool(diagnosis.notes) is bool(words)


def test_weights_in_float16_get_a_note() -> None:
    halves = Net(lambda m, x: m.o(x.to(next(m.parameters()).dtype)).float(), o=net().half())
    assert any("in float16" in note for note in diagnose(halves, F.cross_entropy, X, Y).notes)
    assert not diagnose(halves.float(), F.cross_entropy, X, Y).notes


@pytest.mark.parametrize("gain", [1.0, 30.0])
def test_large_recurrent_weights_get_a_note(gain: float) -> None:
    model = recurrent(batch_first=True)
    with torch.no_grad():
        model.get_parameter("lstm.weight_hh_l0").mul_(gain)
    notes = diagnose(model, F.cross_entropy, torch.randn(64, 12, 8), Y).notes
    assert any("recurrent weights are so large" in note for note in notes) is (gain > 1)


@pytest.mark.parametrize("radius", [0.9, 1.8])
def test_a_relu_state_that_grows_gets_a_note(radius: float) -> None:
    rnn = nn.RNN(8, 16, nonlinearity="relu", batch_first=True)
    nn.init.orthogonal_(rnn.weight_hh_l0, radius)
    model = Net(lambda m, x: m.o(m.r(x)[0][:, -1]), r=rnn, o=nn.Linear(16, 4))
    notes = diagnose(model, F.cross_entropy, torch.randn(64, 40, 8), Y).notes
    assert any("make a ReLU state grow" in note for note in notes) is (radius > 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_softmax_over_the_batch_within_a_network_gets_a_note(axis: int) -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        return m.out((m.scores(x).softmax(axis) * x).sum(1))

    torch.manual_seed(0)
    model = Net(run, scores=nn.Linear(8, 1), out=nn.Linear(8, 4))
    notes = diagnose(model, F.cross_entropy, torch.randn(64, 12, 8), Y).notes
    assert any("takes a softmax over the first axis" in note for note in notes) is (axis == 0)


def test_a_loss_of_the_parameters_alone_is_cut_off() -> None:
    model = net()
    penalty = lambda: sum(each.square().sum() for each in model.parameters())  # noqa: E731
    diagnosis = diagnose(model, lambda out, y: F.cross_entropy(out.detach(), y) + 1e-4 * penalty(), X, Y)
    assert diagnosis.verdict == "detached" and "on the parameters alone" in diagnosis.findings[0].summary
    assert diagnose(model, lambda out, y: F.cross_entropy(out, y) + 1e-4 * penalty(), X, Y).healthy
    assert diagnose(model, lambda out, y: F.cross_entropy(model(X), y), X, Y).healthy, "the loss may run the model"


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_teacher_without_gradients_is_a_note_and_a_forgotten_encoder_is_not(forgotten: bool) -> None:
    def run(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            wanted = m.large(x)
        return m.small(wanted if forgotten else x), wanted

    torch.manual_seed(0)
    model = Net(run, large=mlp(20, 64, 20), small=mlp(20, 16, 20))
    diagnosis = diagnose(model, lambda out, _: F.mse_loss(*out), X, None)
    assert diagnosis.verdict == ("detached" if forgotten else "healthy"), str(diagnosis)
    assert any("like a target network or a teacher" in note for note in diagnosis.notes) is not forgotten


@pytest.mark.parametrize("zeros", [("users", "items"), ("items",)])
def test_two_factors_at_zero_never_leave_it(zeros: tuple[str, ...]) -> None:
    def run(m: Any, rows: Tensor) -> Tensor:
        user, item = rows.unbind(1)
        return (m.users(user) * m.items(item)).sum(1) + m.bias(user)[:, 0]

    torch.manual_seed(0)
    model = Net(run, users=nn.Embedding(9, 4), items=nn.Embedding(9, 4), bias=nn.Embedding(9, 1))
    for name in (*zeros, "bias"):
        nn.init.zeros_(model.get_parameter(f"{name}.weight"))
    diagnosis = diagnose(model, F.mse_loss, torch.randint(0, 9, (64, 2)), X[:, 0])
    assert diagnosis.verdict == ("symmetric" if len(zeros) == 2 else "healthy"), str(diagnosis)
    assert not diagnosis.findings or diagnosis.findings[0].layers == zeros


@pytest.mark.parametrize("groups", [4, 32])
def test_a_normalization_of_single_numbers_takes_all_away(groups: int) -> None:
    model = held(lambda h: h[:, :, None, None], nn.GroupNorm(groups, 32), nn.Flatten(), nn.ReLU())
    diagnosis = diagnose(model, F.cross_entropy, X, Y)
    assert diagnosis.verdict == ("blocked" if groups == 32 else "healthy"), str(diagnosis)
    assert groups == 4 or "normalises single numbers" in diagnosis.findings[0].summary
