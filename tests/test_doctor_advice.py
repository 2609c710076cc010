"""What `diagnose` says about arguments it can't examine: the value, the place, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.doctor import DiagnosisError, advice, diagnose

X, Y = torch.randn(32, 20, generator=torch.Generator().manual_seed(0)), torch.arange(32) % 5
CE = F.cross_entropy


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 5))


class Makes(nn.Module):
    """A model whose outputs go through a function."""

    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.net, self.make = net(), make

    def forward(self, x: Tensor) -> Any:
        return self.make(self.net(x))


class Nested(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layer = nn.Linear(20, 20)
        self.inner = Nested(depth - 1) if depth else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y if self.inner is None else self.inner(y)


class Late(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(20, 16)

    def forward(self, x: Tensor) -> Tensor:
        if not hasattr(self, "late"):
            self.late = nn.Linear(16, 5)
        out: Tensor = self.late(self.first(x).relu())
        return out


def steps_backward(outputs: Tensor, targets: Tensor | None = None) -> Tensor:
    loss = CE(outputs, Y)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss


class Quantized(nn.ReLU):
    __module__ = "torch.ao.nn.quantized.dynamic.modules.linear"


def tokens() -> tuple[Any, ...]:
    return nn.Sequential(nn.Embedding(10, 5), nn.Flatten(), nn.Linear(15, 5)), CE, torch.full((32, 3), 19), Y


MISTAKES: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {
    "labels from 1": (lambda: (net(), CE, X, Y + 1), "must be 0 to 4 for 5 outputs, but range from 1 to 5: subtract 1"),
    "labels from -1": (lambda: (net(), CE, X, Y - 1), "range from -1 to 3: add 1"),
    "too few outputs": (lambda: (net(), CE, X, 2 * Y), "range from 0 to 8: give the last layer 9 outputs"),
    "complex loss": (lambda: (net(), lambda o, y: CE(o, y) * (1 + 1j), X, Y), "a real number; got torch.complex64"),
    "empty batch": (lambda: (net(), CE, X[:0], Y[:0]), r"no samples: inputs have the shape \(0, 20\)"),
    "a loss's class": (lambda: (net(), nn.CrossEntropyLoss, X, Y), r"pass an instance, CrossEntropyLoss\(\)"),
    "a model's class": (lambda: (nn.Linear, CE, X, Y), r"pass an instance, Linear\(\.\.\.\)"),
    "swapped": (lambda: (nn.CrossEntropyLoss(), net(), X, Y), "the order is diagnose"),
    "float loss": (lambda: (net(), lambda o, y: CE(o, y).item(), X, Y), r"leave out .item\(\)"),
    "numpy loss": (lambda: (net(), lambda o, y: np.mean(o.detach().numpy()), X, Y), "numpy keeps no gradient"),
    "no loss": (lambda: (net(), lambda o, y: None, X, Y), "is `return` missing"),
    "loss in a dictionary": (lambda: (net(), lambda o, y: {"loss": CE(o, y)}, X, Y), "keys 'loss': return one"),
    "loss in a tuple": (lambda: (net(), lambda o, y: (CE(o, y), 1), X, Y), "tuple of 2: return the part"),
    "whole numbers": (lambda: (net(), CE, X.long(), Y), r"are int64 .* weights are float32: pass inputs.to\(torch.fl"),
    "bytes": (lambda: (net(), CE, X.byte(), Y), "inputs are uint8"),
    "doubles": (lambda: (net(), CE, X.double(), Y), "inputs are float64"),
    "numpy inputs": (lambda: (net(), CE, X.numpy(), Y), "torch.from_numpy"),
    "numpy targets": (lambda: (net(), CE, X, Y.numpy()), "targets is a numpy array"),
    "lists": (lambda: (net(), CE, X.tolist(), Y), r"list of 32.*torch.tensor\(inputs\)"),
    "text": (lambda: (net(), CE, ["a"] * 32, Y), "text .'a'.: turn it into numbers"),
    "None": (lambda: (net(), CE, None, Y), "inputs is None"),
    "a loader": (lambda: (net(), CE, DataLoader(TensorDataset(X, Y))), r"next\(iter\(loader\)\)"),
    "a data set": (lambda: (net(), CE, TensorDataset(X, Y)), "inputs is a Dataset"),
    "three parts": (lambda: (net(), CE, (X, Y, ["n"] * 32)), r"3 parts.*batch\[0\], batch\[1\]\)$"),
    "a pair twice": (lambda: (net(), CE, (X, Y), Y), r"\*batch\)"),
    "tokens": (tokens, r"0 \(Embedding\) has 10 rows, so its indices must be 0 to 9; the inputs range from 19 to 19"),
    "features": (lambda: (net(), CE, X[:, :7], Y), r"0 \(Linear\) takes 20 features but gets 7"),
    "real classes": (lambda: (net(), CE, X, Y.float()), r"pass targets.long\(\)"),
    "whole numbers for BCE": (
        lambda: (net(), F.binary_cross_entropy_with_logits, X, F.one_hot(Y, 5)),
        r"pass targets.float\(\)",
    ),
    "fewer targets": (lambda: (net(), CE, X, Y[:7]), r"shape \(32, 5\) and targets \(7,\)"),
    "loss takes targets first": (lambda: (net(), lambda y, o: CE(o, y), X, Y), r"loss_function\(outputs, targets\)"),
    "no outputs": (lambda: (Makes(lambda o: None), CE, X, Y), "returned None: is `return` missing"),
    "outputs in a dictionary": (lambda: (Makes(lambda o: {"logits": o}), CE, X, Y), "type dict with the keys 'logits'"),
    "loss calls backward": (lambda: (net(), steps_backward, X, Y), r"calls backward\(\) itself"),
    "model calls backward": (lambda: (Makes(steps_backward), None, X), r"calls backward\(\) itself"),
    "quantized": (lambda: (nn.Sequential(Quantized()), CE, X, Y), "before it is quantized"),
    "deep": (lambda: (Nested(sys.getrecursionlimit() // 3), F.mse_loss, X, X), "setrecursionlimit"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistaken_argument_is_named_with_its_remedy(name: str) -> None:
    make, words = MISTAKES[name]
    given = make()
    with pytest.raises(DiagnosisError, match=f"(?s){words}") as refused:
        diagnose(*given)
    assert "an error of the doctor" not in str(refused.value)
    assert max(map(len, str(refused.value).splitlines())) < 500


def test_older_versions_of_torch_refuse_whole_numbers_in_the_backward_pass() -> None:
    problem = RuntimeError("Found dtype Long but expected Float")
    assert "pass targets.float()" in advice.of_backward(problem, advice.Call(net(), X, Y))


def test_a_remedy_for_deep_models_works() -> None:
    limit = sys.getrecursionlimit()
    model = Nested(limit // 5 + 20)
    with pytest.raises(DiagnosisError, match="setrecursionlimit"):
        diagnose(model, F.mse_loss, X, X.roll(1, 0))
    try:
        sys.setrecursionlimit(4 * limit)
        assert diagnose(model, F.mse_loss, X, X.roll(1, 0)).verdict
    finally:
        sys.setrecursionlimit(limit)


def test_the_line_of_the_mistake_is_named_and_the_traceback_is_short() -> None:
    def fails(outputs: Tensor, targets: Tensor) -> Tensor:
        raise KeyError("x")

    with pytest.raises(
        DiagnosisError, match=rf"KeyError: 'x' \(test_doctor_advice.py:{fails.__code__.co_firstlineno + 1}\)"
    ):
        try:
            diagnose(net(), fails, X, Y)
        except DiagnosisError as problem:
            assert isinstance(problem.__context__, KeyError) and problem.__suppress_context__
            assert problem.__traceback__ is not None and problem.__traceback__.tb_next is not None
            assert problem.__traceback__.tb_next.tb_next is None
            raise


def test_an_error_of_the_doctor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.doctor.examination._examine", lambda *_: 1 / 0)
    with pytest.raises(DiagnosisError, match="an error of the doctor itself.*ZeroDivisionError"):
        diagnose(net(), CE, X, Y)


def test_a_layer_made_in_the_forward_pass_gets_a_note() -> None:
    model = Late()
    assert any("late is made in the forward pass" in note for note in diagnose(model, CE, X, Y).notes)
    assert not hasattr(model, "late")
    model(X)
    assert not any("made in the forward pass" in note for note in diagnose(model, CE, X, Y).notes)
