"""Mistakes that leave the gradients sound: each with what the doctor notes, and put right, without that note."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.doctor import diagnose
from tests.clinic.parts import Net, mlp, seq

Given = tuple[nn.Module, Callable[[Any, Any], Tensor], Any, Any]


def rows(width: int = 20, samples: int = 32) -> tuple[Tensor, Tensor]:
    return torch.randn(samples, width), torch.arange(samples) % 4


def words(samples: int = 16, places: int = 12) -> Tensor:
    return torch.randint(1, 9, (samples, places))


def hidden(run: Callable[[Tensor], Tensor]) -> Given:
    model = Net(lambda m, x: m.o(run(F.relu(m.a(x)))), a=nn.Linear(20, 16), o=nn.Linear(16, 4))
    return model, F.cross_entropy, *rows()


def between(h: Tensor) -> Tensor:
    return (h @ h.T).softmax(1) @ h


def within(h: Tensor) -> Tensor:
    return ((h[:, :, None] * h[:, None]).softmax(2) @ h[:, :, None])[:, :, 0]


def by_place(wrong: bool) -> Given:
    """A table of positions whose rows are taken along the samples, or along the places."""

    class Placed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.e, self.o = nn.Embedding(9, 16), nn.Linear(16, 4)
            self.register_buffer("table", torch.randn(40, 16))

        def forward(self, x: Tensor) -> Tensor:
            places = self.table[: len(x), None] if wrong else self.table[: x.shape[1]]
            return self.o(torch.tanh(self.e(x) + places).mean(1))

    return Placed(), F.cross_entropy, words(), torch.arange(16) % 4


def heads(wrong: bool) -> Given:
    def run(m: Any, x: Tensor) -> Tensor:
        q, k, v = (each(x) for each in (m.q, m.k, m.v))
        if wrong:
            q, k, v = (each.view(16, 4, 10, 8) for each in (q, k, v))
        else:
            q, k, v = (each.view(16, 10, 4, 8).transpose(1, 2) for each in (q, k, v))
        return m.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(16, 10, 32).mean(1))

    model = Net(run, q=nn.Linear(32, 32), k=nn.Linear(32, 32), v=nn.Linear(32, 32), o=nn.Linear(32, 4))
    return model, F.cross_entropy, torch.randn(16, 10, 32), torch.arange(16) % 4


def two_inputs(wrong: bool) -> Given:
    model = Net(lambda m, x, t: m.o(x if wrong else torch.cat([x[:, 1:], t], 1)), o=mlp(20, 32, 20))
    return model, F.mse_loss, (torch.randn(32, 20), torch.rand(32, 1)), torch.randn(32, 20)


def dropping(wrong: bool) -> Given:
    model = Net(lambda m, x: m.o(F.dropout(m.a(x), training=wrong or m.training)), a=nn.Linear(20, 32), o=mlp(32, 4))
    return model, F.cross_entropy, *rows()


def both_ways(wrong: bool) -> Given:
    def run(m: Any, x: Tensor) -> Tensor:
        steps, (state, _) = m.r(x)
        return m.o(steps[:, -1] if wrong else torch.cat([state[0], state[1]], 1))

    model = Net(run, r=nn.LSTM(8, 16, batch_first=True, bidirectional=True), o=nn.Linear(32, 4))
    return model, F.cross_entropy, torch.randn(16, 12, 8), torch.arange(16) % 4


def drawn(wrong: bool) -> Given:
    def run(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        h = m.e(x)
        code = torch.distributions.Normal(h[:, :4], F.softplus(h[:, 4:]))
        return m.d(code.sample() if wrong else code.rsample()), h

    loss = lambda out, x: F.mse_loss(out[0], x) + 1e-2 * out[1].square().mean()  # noqa: E731
    x = torch.rand(32, 20)
    return Net(run, e=mlp(20, 32, 8), d=mlp(4, 32, 20)), loss, x, x


def padding_index(wrong: bool) -> Given:
    tokens = words()
    tokens[:, 2 if wrong else -2 :: 3] = 0
    tokens[:, -1] = 5 if wrong else 0
    model = Net(lambda m, x: m.o(m.e(x).mean(1)), e=nn.Embedding(9, 16, padding_idx=0), o=nn.Linear(16, 4))
    return model, F.cross_entropy, tokens, torch.arange(16) % 4


def language(both: bool, flat: bool = True) -> Given:
    """A model of next tokens that runs forwards, or both ways, and its loss on outputs with one axis less."""
    text = words(16, 13)
    model = Net(
        lambda m, x: m.o(m.r(m.e(x))[0]).flatten(0, 1) if flat else m.o(m.r(m.e(x))[0]).transpose(1, 2),
        e=nn.Embedding(9, 16),
        r=nn.GRU(16, 16, batch_first=True, bidirectional=both),
        o=nn.Linear(32 if both else 16, 9),
    )
    return model, lambda out, y: F.cross_entropy(out, y.flatten() if flat else y), text[:, :-1], text[:, 1:]


def forecast(wrong: bool) -> Given:
    walk = torch.randn(16, 13, 3).cumsum(1)
    model = Net(lambda m, x: m.o(m.r(x)[0]), r=nn.GRU(3, 16, batch_first=True, bidirectional=wrong), o=nn.Linear(16, 3))
    if wrong:
        model.o = nn.Linear(32, 3)
    return model, F.mse_loss, walk[:, :-1], walk[:, 1:]


def decoder(wrong: bool) -> Given:
    """A decoder that is given its targets, which it must shift itself."""

    def run(m: Any, x: Tensor, y: Tensor) -> Tensor:
        given = y if wrong else F.pad(y[:, :-1], (1, 0))
        return m.o(m.decode(m.e(given), m.encode(m.e(x))[1])[0]).flatten(0, 1)

    grus = {name: nn.GRU(16, 16, batch_first=True) for name in ("encode", "decode")}
    y = words(16, 8)
    model = Net(run, e=nn.Embedding(9, 16), o=nn.Linear(16, 9), **grus)
    return model, lambda out, y: F.cross_entropy(out, y.flatten()), (words(), y), y


def padded_targets(wrong: bool) -> Given:
    model, _, x, y = language(False)
    x, y = x.clone(), y.clone()
    x[:, 6:], y[:, 6:] = 0, 0
    return model, lambda out, y: F.cross_entropy(out, y.flatten(), ignore_index=-100 if wrong else 0), x, y


def leaking(wrong: bool) -> Given:
    x, y = rows()
    x[:, 3] = 0.1 * y if wrong else x[:, 3]
    return mlp(20, 32, 4), F.cross_entropy, x, y


def beside_label(wrong: bool) -> Given:
    x, y = rows()
    model = Net(lambda m, x, c: m.o(torch.cat([x, m.e(c)], 1)), e=nn.Embedding(4, 8), o=mlp(28, 32, 4))
    return model, F.cross_entropy, (x, y.clone() if wrong else y.flip(0)), y


def twins(wrong: bool) -> Given:
    x, y = rows()
    model = Net(lambda m, a, b: m.o(m.f(a) * m.f(b)), f=mlp(20, 16), o=nn.Linear(16, 4))
    return model, F.cross_entropy, (x, x.clone() if wrong else x.flip(1)), y


def gaps(wrong: bool) -> Given:
    x, y = rows()
    x[::5, ::3] = -999 if wrong else -2
    return seq(nn.BatchNorm1d(20), mlp(20, 32, 4)), F.cross_entropy, x, y


def unknown(wrong: bool) -> Given:
    tokens = words()
    tokens[:, 1::2] = 1
    tokens[:, ::4] = 1 if wrong else tokens[:, ::4]
    tokens[:, 2::8] = 1 if wrong else tokens[:, 2::8]
    return (
        Net(lambda m, x: m.o(m.e(x).mean(1)), e=nn.Embedding(9, 16), o=nn.Linear(16, 4)),
        F.cross_entropy,
        tokens,
        (torch.arange(16) % 4),
    )


def weighted(wrong: bool) -> Given:
    weights = torch.tensor([0.0 if wrong else 0.1, 1, 1, 1])
    return mlp(20, 32, 4), lambda out, y: F.cross_entropy(out, y, weights), *rows()


def half(wrong: bool) -> Given:
    part = slice(16 if wrong else None)
    return mlp(20, 32, 4), lambda out, y: F.cross_entropy(out[part], y[part]), *rows()


def places(wrong: bool) -> Given:
    mask = torch.ones(16, 10, 1)
    mask[:, : 7 if wrong else 0] = 0
    x, y = torch.randn(16, 10, 8), torch.randn(16, 10, 1)
    return mlp(8, 32, 1), lambda out, given: ((out - given[0]).square() * given[1]).mean(), x, (y, mask)


def held_down(wrong: bool) -> Given:
    """A mean and a variance for each sample, where the variance is clamped to nothing."""
    model = mlp(20, 32, 2)
    variance = (lambda out: out.clamp(1, 1.001)) if wrong else F.softplus  # type: ignore[no-untyped-call]
    return model, lambda out, y: F.gaussian_nll_loss(out[:, :1], y, variance(out[:, 1:])), rows()[0], rows(1)[0]


def penalised(wrong: bool) -> Given:
    def run(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        h = m.e(x)
        return m.d(h), h

    sign, x = -1 if wrong else 1, torch.rand(32, 20)
    loss = lambda out, x: F.mse_loss(out[0], x) + sign * 1e-3 * out[1].square().sum(1).mean()  # noqa: E731
    return Net(run, e=mlp(20, 32, 4), d=mlp(4, 32, 20)), loss, x, x


def derived(wrong: bool) -> Given:
    """A residual made of a derivative that has a gradient of its own, or not."""

    def run(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        u = m.o(torch.tanh(m.a(x)))
        return u, torch.autograd.grad(u.sum(), x, retain_graph=True, create_graph=not wrong)[0]

    x = torch.rand(32, 1)
    loss = lambda out, y: F.mse_loss(out[1], y) + F.mse_loss(out[0][:4], y[:4])  # noqa: E731
    return Net(run, a=nn.Linear(1, 16), o=nn.Linear(16, 1)), loss, x, torch.cos(3 * x)


def classes_last(wrong: bool) -> Given:
    model = Net(lambda m, x: m.o(x) if wrong else m.o(x).transpose(1, 2), o=mlp(8, 32, 6))
    return model, F.cross_entropy, torch.randn(16, 6, 8), torch.randint(0, 6, (16, 6))


def several_labels(wrong: bool) -> Given:
    last = nn.Softmax(1) if wrong else nn.Sigmoid()
    return seq(mlp(20, 32, 5), last), F.binary_cross_entropy, rows()[0], (torch.rand(32, 5) > 0.5).float()


def labels_smooth(wrong: bool) -> Given:
    return mlp(20, 32, 4), nn.CrossEntropyLoss(label_smoothing=0.9 if wrong else 0.1), *rows()


def rates(wrong: bool) -> Given:
    loss = nn.PoissonNLLLoss(log_input=wrong)
    return seq(mlp(20, 32, 1), nn.Softplus()), loss, rows()[0], torch.poisson(torch.full((32, 1), 4.0))


def margins(wrong: bool) -> Given:
    y = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1]] if wrong else [[1, 2, -1, 0], [0, 3, -1, 0]]).repeat(16, 1)
    return mlp(20, 32, 4), F.multilabel_margin_loss, rows()[0], y


def eps(wrong: bool) -> Given:
    norm = nn.LayerNorm(32, eps=10 if wrong else 1e-3)
    return seq(nn.Linear(20, 32), norm, nn.ReLU(), nn.Linear(32, 4)), F.cross_entropy, *rows()


def swapped(wrong: bool) -> Given:
    """A state for each sample, read from the outputs of another."""

    def run(m: Any, x: Tensor) -> Tensor:
        h = m.r(x)[0]
        return m.o(h.transpose(0, 1).reshape(16, 12, 8)[:, -1] if wrong else h.transpose(0, 1)[-1])

    model = Net(run, r=nn.GRU(4, 8, batch_first=True), o=nn.Linear(8, 4))
    return model, F.cross_entropy, torch.randn(16, 12, 4), torch.arange(16) % 4


def own_backward(wrong: str) -> Given:
    class Swish(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x * x.sigmoid()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            slope = x.sigmoid() * (1 + x * (1 - x.sigmoid()))
            return slope if wrong == "alone" else -gradient * slope if wrong == "minus" else gradient * slope

    model = Net(lambda m, x: m.o(Swish.apply(m.a(x))), a=nn.Linear(20, 32), o=nn.Linear(32, 4))
    return model, F.cross_entropy, *rows()


def straight_through(_: bool) -> Given:
    class Signs(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.sign()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient

    model = Net(lambda m, x: m.o(Signs.apply(m.a(x))), a=nn.Linear(20, 32), o=nn.Linear(32, 4))
    return model, F.cross_entropy, *rows()


def masked(wrong: bool) -> Given:
    def run(m: Any, x: Tensor, pad: Tensor) -> Tensor:
        scores = m.s(x)[..., 0].masked_fill(pad, -1e-9 if wrong else -1e9)
        return m.o((scores.softmax(1)[..., None] * x).sum(1))

    x, pad = torch.randn(16, 10, 8), torch.arange(10) >= torch.randint(2, 9, (16, 1))
    return Net(run, s=nn.Linear(8, 1), o=nn.Linear(8, 4)), F.cross_entropy, (x, pad), torch.arange(16) % 4


def alike(wrong: bool) -> Given:
    def run(m: Any, x: Tensor) -> Tensor:
        a, b = m.f(x), m.f(x + 0.3 * torch.randn_like(x))
        return 1 - F.cosine_similarity(m.p(a), b if wrong else b.detach()).mean()

    return Net(run, f=mlp(20, 32, 16), p=mlp(16, 16, 16)), lambda out, _: out, rows()[0], None


def compared(wrong: bool) -> Given:
    """Cosines, multiplied by a temperature of 0.1 or divided by it."""
    scale = 0.1 if wrong else 10
    model = Net(lambda m, a, b: scale * (F.normalize(m.f(a)) @ F.normalize(m.f(b)).T), f=mlp(20, 32, 16))
    return model, F.cross_entropy, (rows()[0], rows()[0]), torch.arange(32)


def balance(wrong: bool) -> Given:
    y = (torch.arange(100) < 5).float()[:, None]
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.05 if wrong else 19.0))
    return mlp(20, 32, 1), loss, torch.randn(100, 20), y


def class_weights(wrong: bool) -> Given:
    weights = torch.tensor([9.0, 1] if wrong else [1.0, 9])
    return mlp(20, 32, 2), nn.CrossEntropyLoss(weights), torch.randn(100, 20), (torch.arange(100) % 10 == 0).long()


def rain(wrong: bool) -> Given:
    y = F.relu(torch.randn(64, 1) - 0.8)
    return mlp(20, 32, 1), F.l1_loss if wrong else F.mse_loss, torch.randn(64, 20), y


def numbered(wrong: bool) -> Given:
    x, y = rows(samples=64)
    return (
        (mlp(20, 32, 1), lambda out, y: F.mse_loss(out[:, 0], y.float()), x, y)
        if wrong
        else (
            mlp(20, 32, 4),
            F.cross_entropy,
            x,
            y,
        )
    )


def likelihood(wrong: bool) -> Given:
    sign = 1 if wrong else -1
    return seq(mlp(20, 32, 4), nn.LogSoftmax(1)), lambda out, y: sign * out.gather(1, y[:, None]).mean(), *rows()


def single(wrong: bool) -> Given:
    norm = nn.LayerNorm(1 if wrong else 20)
    run = (lambda m, x: m.o(m.n(x[..., None])[..., 0])) if wrong else lambda m, x: m.o(m.n(x))  # type: ignore[no-untyped-call]
    return Net(run, n=norm, o=mlp(20, 32, 1)), F.mse_loss, rows()[0], torch.randn(32, 1)


MISTAKES: dict[str, tuple[Callable[[bool], Given], str]] = {
    "a mean over the samples is taken away": (
        lambda wrong: hidden(lambda h: h - h.mean(0 if wrong else 1, True)),
        "mean",
    ),
    "lengths over the samples": (lambda wrong: hidden(lambda h: F.normalize(h, dim=0 if wrong else 1)), "normalize"),
    "a running sum over the samples": (lambda wrong: hidden(lambda h: h.cumsum(0 if wrong else 1) / 16), "cumsum"),
    "all numbers of the batch standardised": (
        lambda wrong: hidden(lambda h: (h - h.mean()) / h.std() if wrong else F.layer_norm(h, (16,))),
        "takes a mean",
    ),
    "attention between samples": (
        lambda wrong: hidden(between if wrong else within),
        "multiplies samples with samples",
    ),
    "positions by the place in the batch": (by_place, "another row of a table"),
    "heads without a transposition": (heads, "mixes the axes"),
    "an input that nothing reads": (two_inputs, "doesn't use input 2"),
    "dropout in eval mode": (dropping, "drops in eval mode too"),
    "both ways, read at the last step": (both_ways, "the way back has seen that step only"),
    "a sample without a gradient": (drawn, "drawn without a gradient"),
    "padding_idx is a word": (padding_index, "its padding_idx, and stand between others"),
    "a language model that runs both ways": (language, "the mask that hides later places is missing"),
    "a language model that runs both ways, classes in axis 1": (
        lambda wrong: language(wrong, flat=False),
        "the mask that hides later places is missing",
    ),
    "a forecast that sees what it forecasts": (forecast, "the mask that hides later places is missing"),
    "a decoder that is given its own targets": (decoder, "so the model need only copy them"),
    "padding among the targets": (padded_targets, "the loss should not count it: ignore_index=0"),
    "the class as a column, in another unit": (leaking, "Column 3 of the inputs is the target itself"),
    "the class as an input": (beside_label, "One of the inputs is the target itself"),
    "two views that are the same": (twins, "Two of the inputs are the same"),
    "gaps of -999 before a batch norm": (gaps, "If it marks missing values"),
    "most tokens unknown": (unknown, "check whether the vocabulary fits the text"),
    "a class of weight 0": (weighted, "No sample whose target is 0 gets a gradient"),
    "a loss over half of the batch": (half, "The last 16 of 32 samples get no gradient"),
    "a mask that is upside down": (places, "7 of 10 places of the sequence have targets and get no gradient"),
    "a variance that is clamped": (held_down, "Output 1 of 2 gets no gradient"),
    "a penalty with the wrong sign": (penalised, "check the sign of the penalty"),
    "a derivative without a gradient": (derived, "create_graph=True"),
    "classes on the last axis": (classes_last, "move it, outputs.movedim(-1, 1)"),
    "a softmax for several labels": (several_labels, "several labels or none"),
    "label smoothing of 0.9": (labels_smooth, "label_smoothing is 0.9"),
    "rates in place of their logarithms": (rates, "takes logarithms of rates"),
    "bits in place of class numbers": (margins, "the numbers of the right classes"),
    "outputs of another sample": (swapped, "swaps the first axis"),
    "a backward pass without its argument": (
        lambda wrong: own_backward("alone" if wrong else ""),
        "isn't proportional",
    ),
    "a backward pass with the wrong sign": (lambda wrong: own_backward("minus" if wrong else ""), "leads uphill"),
    "a mask of -1e-9": (masked, "which hides nothing from a softmax"),
    "two branches that are both trained": (alike, "one constant for all samples is the best answer"),
    "a temperature that multiplies": (compared, "have been through a cosine"),
    "pos_weight upside down": (balance, "To balance them, use negatives over positives, 19"),
    "class weights upside down": (class_weights, "weights that balance are larger for rare classes"),
    "an absolute error of rain": (rain, "the absolute error is smallest for the median"),
    "class numbers as numbers": (numbered, "use cross_entropy"),
    "a likelihood that is made small": (likelihood, "away from the targets"),
    "a layer norm over one number": (single, "a layer norm over a single number"),
    "an eps of 10": (eps, "an eps of 10 outweighs the variance"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_gradients_do_not_show_is_noted_and_not_when_put_right(name: str) -> None:
    make, said = MISTAKES[name]
    for wrong in (True, False):
        torch.manual_seed(0)
        diagnosis = diagnose(*make(wrong))
        assert diagnosis.healthy, str(diagnosis)
        assert (said in " ".join(diagnosis.notes)) is wrong, (wrong, diagnosis.notes)


def test_a_straight_through_estimator_is_left_alone() -> None:
    torch.manual_seed(0)
    assert not diagnose(*straight_through(True)).notes


def test_one_huge_column_is_named_if_it_makes_the_outputs() -> None:
    x, y = torch.randn(64, 9), torch.randn(64, 1)
    x[:, 8] += 1.6e9
    diagnosis = diagnose(mlp(9, 32, 1), F.mse_loss, x, y)
    assert diagnosis.verdict == "data" and "column 8" in diagnosis.findings[0].summary
    assert diagnose(seq(nn.BatchNorm1d(9), mlp(9, 32, 1)), F.mse_loss, x, y).healthy


def test_a_function_that_stops_the_gradient_is_named() -> None:
    model = Net(lambda m, x: m.d((m.e(x) * 4).round() / 4), e=mlp(20, 32, 16), d=mlp(16, 32, 20))
    diagnosis = diagnose(model, F.mse_loss, rows()[0], rows()[0])
    assert diagnosis.verdict == "blocked" and diagnosis.findings[0].summary.endswith("in round().")
    assert "round" in diagnosis.findings[0].remedy


def test_a_model_with_a_tensor_that_repeats_its_numbers_is_left_as_it_was() -> None:
    model = Net(lambda m, x: m.o(x + m.p), o=mlp(20, 32, 4))
    model.p = torch.arange(1.0, 33)[:, None].expand(32, 20)
    kept = model.p.clone()
    assert diagnose(model, F.cross_entropy, *rows()).examined
    assert torch.equal(model.p, kept) and model.p.stride() == (1, 0)


def test_a_copy_that_is_frozen_and_counts_as_targets_get_no_note() -> None:
    torch.manual_seed(0)
    learns, x = mlp(20, 32, 4), rows()[0]
    frozen, other = mlp(20, 32, 4).requires_grad_(False), mlp(20, 32, 4).requires_grad_(False)
    frozen.load_state_dict(learns.state_dict())
    for old, said in ((frozen, False), (other, True)):
        model = Net(lambda m, x: (m.q(x), m.old(x)), q=learns, old=old)
        notes = " ".join(diagnose(model, lambda out, _: F.mse_loss(out[0], 1 + out[1]), x, None).notes)
        assert ("frozen at its random initial weights" in notes) is said
    counts = torch.poisson(torch.full((32, 1), 300.0))
    assert not diagnose(mlp(20, 32, 1), nn.PoissonNLLLoss(), x, counts).notes


def test_ctc_takes_logarithms_of_probabilities() -> None:
    """As nll_loss does."""
    lengths = torch.full((8,), 20), torch.full((8,), 5)
    for wrong in (True, False):
        model = Net(lambda m, x, w=wrong: m.o(x) if w else m.o(x).log_softmax(-1), o=mlp(10, 32, 6))
        loss = lambda out, y: F.ctc_loss(out.transpose(0, 1), y, *lengths)  # noqa: E731
        diagnosis = diagnose(model, loss, torch.randn(8, 20, 10), torch.randint(1, 6, (8, 5)))
        assert (diagnosis.verdict == "loss") is wrong and (diagnosis.healthy is not wrong)


def test_a_softmax_over_the_batch_inside_the_loss_is_named() -> None:
    loss = lambda axis: lambda out, y: F.mse_loss(out.softmax(axis), F.one_hot(y, 4).float())  # noqa: E731
    verdicts = [diagnose(mlp(20, 32, 4), loss(axis), *rows()).verdict for axis in (0, 1)]
    assert verdicts == ["loss", "healthy"]
