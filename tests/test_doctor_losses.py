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
    "nll_loss of logits": ((net(), F.nll_loss, X, Y), "nll_loss is given numbers"),
    "nll_loss of probabilities": ((net(nn.Softmax(1)), F.nll_loss, X, Y), "nll_loss is given probabilities"),
    "kl_div of probabilities": ((net(nn.Softmax(1)), kl, X, SHARES), "kl_div is given probabilities"),
    "labels of -1 and 1": (
        (net(out=1), F.binary_cross_entropy_with_logits, X, 2 * BITS - 1),
        "beyond 0 and 1 it has no minimum",
    ),
    "sigmoid, targets of 30": ((net(nn.Sigmoid(), out=1), F.mse_loss, X, 30 + X[:, :1]), "sigmoid at the end"),
    "ReLU, negative targets, by hand": ((net(F.relu, out=1), squares, X, -5 - X[:, :1].abs()), "relu at the end"),
    "tanh, targets of 0 to 255": ((net(torch.tanh, out=1), F.l1_loss, X, 128 + X[:, :1]), "tanh at the end"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_loss_that_is_given_what_it_is_not_made_for(name: str) -> None:
    given, words = MISTAKES[name]
    diagnosis = diagnose(*given)
    assert diagnosis.verdict == "loss" and words in diagnosis.findings[0].summary, str(diagnosis)


NOTED: dict[str, tuple[Given, str]] = {
    "softmax before cross-entropy": ((net(nn.Softmax(1)), F.cross_entropy, X, Y), "above 0.48"),
    "sigmoid before cross-entropy": ((net(nn.Sigmoid()), F.cross_entropy, X, Y), "above 0.48"),
    "tanh before log_softmax": ((net(nn.Tanh(), nn.LogSoftmax(1)), F.nll_loss, X, Y), "been through a tanh"),
    "softmax by hand before cross-entropy": (
        (net(lambda z: z.exp() / z.exp().sum(1, keepdim=True)), F.cross_entropy, X, Y),
        "been through a softmax",
    ),
    "ReLU before cross-entropy": ((net(nn.ReLU()), F.cross_entropy, X, Y), "been through a relu"),
    "cross-entropy with a minus": ((net(), lambda out, y: -F.cross_entropy(out, y), X, Y), "turned round"),
    "half the negative mean square": ((net(out=1), lambda out, y: -0.5 * F.mse_loss(out, y), X, BITS), "turned round"),
    "tiny targets": ((net(out=1), F.mse_loss, X, 1e-7 * X[:, :1]), "targets are tiny"),
    "ReLU before binary cross-entropy": (
        (net(nn.ReLU(), out=1), F.binary_cross_entropy_with_logits, X, BITS),
        "between 0.5 and 1",
    ),
    "softmax over another axis": (
        (net(nn.Softmax(0)), lambda out, y: F.nll_loss((out + 1e-9).log(), y), X, Y),
        "over the classes, and not to 1",
    ),
    "tanh, a third of the targets beyond": ((net(nn.Tanh(), out=1), F.mse_loss, X, X[:, :1]), "of the targets lie"),
    "two labels for cross-entropy": ((net(), F.cross_entropy, X, (SHARES > 0.5) + SHARES.roll(1, 1).round()), "to 2"),
    "labels all 1": ((net(out=1), F.binary_cross_entropy_with_logits, X, torch.ones(64, 1)), "batch are 1"),
    "labels all 0": ((net(out=1), F.binary_cross_entropy_with_logits, X, torch.zeros(64, 1)), "batch are 0"),
    "a constant column": ((net(out=1), F.mse_loss, X, torch.full((64, 1), 3.5)), "batch are 3.5"),
    "dropout of 0.95": ((net(nn.Linear(4, 32), nn.Dropout(0.95), nn.Linear(32, 4)), F.cross_entropy, X, Y), "95%"),
}


@pytest.mark.parametrize("name", NOTED)
def test_a_note_of_loss_or_targets(name: str) -> None:
    given, words = NOTED[name]
    notes = " ".join(diagnose(*given).notes)
    assert words in notes


NEIGHBOURS: dict[str, Given] = {
    "logits that lie between 0 and 1 by chance": (
        Net(lambda m, x: 0.5 + 0.01 * m.o(x), o=net()),
        F.cross_entropy,
        X,
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
