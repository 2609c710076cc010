"""The doctor: right verdicts, readings that equal plain autograd, and models that are left as they were."""

from __future__ import annotations

import copy
import dataclasses
import gc
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.activations import get_activation
from helpers.course import NOTEBOOKS
from helpers.doctor import THRESHOLDS, VERDICTS, Diagnosis, DiagnosisError, LayerReading, diagnose
from helpers.doctor.__main__ import main
from helpers.doctor.data import LIMITS
from helpers.doctor.flatness import FLAT, FLAT_PARTS, flat_parts
from tests import doctor_cases
from tests.doctor_cases import CASES, HEALTHY, SLOW, classes_of, digits, he, mlp, scaled, sequences, tokens

HERE = Path(__file__).resolve().parent


def bits(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()


def state_of(model: nn.Module) -> dict[str, Any]:
    """Everything about a model and about random numbers that must stay."""
    generators = [value for module in model.modules() for value in vars(module).values()]
    return {
        "state": {name: (id(tensor), bits(tensor)) for name, tensor in model.state_dict(keep_vars=True).items()},
        "buffers": {name: (id(tensor), bits(tensor)) for name, tensor in model.named_buffers()},
        "gradients": {
            name: None if each.grad is None else (id(each.grad), bits(each.grad))
            for name, each in model.named_parameters()
        },
        "asking": {name: each.requires_grad for name, each in model.named_parameters()},
        "modes": {name: module.training for name, module in model.named_modules()},
        "hooks": {
            (name, kind): (id(value), dict(value))
            for name, module in model.named_modules()
            for kind, value in vars(module).items()
            if "hooks" in kind and isinstance(value, dict)
        },
        "attributes": {
            (name, key): id(value)
            for name, module in model.named_modules()
            for key, value in vars(module).items()
            if key != "training"
        },
        "torch": bits(torch.get_rng_state()),
        "numpy": [np.asarray(part).tolist() for part in np.random.get_state()],
        "python": random.getstate(),
        "generators": [bits(each.get_state()) for each in generators if isinstance(each, torch.Generator)],
    }


# Verdicts ------------------------------------------------------------------------------------------------------------

NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CASES]


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_right_and_nothing_has_changed(name: str) -> None:
    verdict, make = CASES[name]
    torch.manual_seed(0)
    model, loss_function, inputs, targets = make()
    for parameter in list(model.parameters())[::2]:
        parameter.grad = torch.randn_like(parameter)
    batch = [each.clone() for each in (inputs, targets) if isinstance(each, Tensor)]
    before = state_of(model)
    diagnosis = diagnose(model, loss_function, inputs, targets)
    assert state_of(model) == before
    assert diagnosis.verdict == verdict, str(diagnosis)
    for now, then in zip((each for each in (inputs, targets) if isinstance(each, Tensor)), batch, strict=True):
        assert bits(now) == bits(then)
    check_form(diagnosis)


def check_form(diagnosis: Diagnosis) -> None:
    """Findings are whole, the print-out fits a terminal."""
    assert diagnosis.healthy == (not diagnosis.findings)
    for finding in diagnosis.findings:
        assert finding.verdict in VERDICTS[:-2]
        assert finding.threshold in [*THRESHOLDS.values(), *LIMITS.values()]
        assert finding.kind == {"data": "data", "loss": "loss"}.get(finding.verdict, "gradient")
        assert finding.evidence and finding.remedy and finding.summary and finding.threshold.source
        assert (NOTEBOOKS / finding.lesson).is_file()
    lines = str(diagnosis).splitlines()
    assert lines[0] == f"Verdict: {diagnosis.verdict}"
    assert max(map(len, lines)) <= 80
    assert len(lines) < 150


def test_every_verdict_has_several_networks() -> None:
    verdicts = [verdict for verdict, _ in CASES.values()]
    assert set(verdicts) == set(VERDICTS) - {"not examined"}
    assert min(map(verdicts.count, set(verdicts))) >= 5
    assert len(CASES) >= 100 and set(CASES) >= SLOW


HALF = [torch.float16] if hasattr(torch, "uint16") else []  # before PyTorch 2.3 most operations lack it on a CPU


@pytest.mark.parametrize("name", ["plain CNN with batch norm", "LSTM", "GPT", "U-Net", "sigmoid, default, 30 x 128"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, *HALF], ids=str)
def test_verdicts_hold_in_every_precision(name: str, dtype: torch.dtype) -> None:
    verdict, make = CASES[name]
    torch.manual_seed(0)
    model, loss_function, inputs, targets = make()
    inputs = inputs.to(dtype) if inputs.is_floating_point() else inputs
    assert diagnose(model.to(dtype), loss_function, inputs, targets).verdict == verdict


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_no_false_alarm_with_other_seeds(seed: int) -> None:
    for name, make in HEALTHY.items():
        torch.manual_seed(seed)
        diagnosis = diagnose(*make())
        assert diagnosis.healthy, f"{name}\n{diagnosis}"


# Readings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in HEALTHY if name not in SLOW])
def test_gradient_norms_equal_a_plain_backward_pass(name: str) -> None:
    """The same random state gives the same dropout."""
    torch.manual_seed(0)
    model, loss_function, inputs, targets = HEALTHY[name]()
    diagnosis = diagnose(model, loss_function, inputs, targets)
    loss = loss_function(model(inputs), targets)
    loss.backward()
    assert diagnosis.loss == pytest.approx(loss.item(), rel=1e-6)
    modules = dict(model.named_modules())
    seen: set[Tensor] = set()
    for layer in diagnosis.layers:
        if layer.status != "learns":
            continue
        module = modules["" if layer.name == "model" else layer.name]
        own = list(module.parameters(recurse=isinstance(module, nn.MultiheadAttention)))
        expected = math.hypot(*(float(each.grad.double().norm()) for each in own if each.grad is not None))
        assert layer.gradient_norm == pytest.approx(expected, rel=1e-4, abs=1e-9), layer.label
        assert layer.parameters == sum(each.numel() for each in own)
        seen.update(own)
    assert seen == {each for each in model.parameters() if each.grad is not None}


class Chain(nn.Module):
    """Layers with activations called as functions, skips, and one layer used twice; keeps its states."""

    def __init__(self, widths: list[int], functions: list[str], twice: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.again, self.readout = nn.Linear(widths[-1], widths[-1]), nn.Linear(widths[-1], 3)
        self.functions, self.twice = functions, twice

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(self.states(x)[-1])

    def states(self, x: Tensor) -> list[Tensor]:
        states = [x]
        for layer, function in zip(self.layers, self.functions, strict=True):
            states.append(layer(states[-1]))
            states.append(getattr(torch, function)(states[-1]))
        for _ in range(2 if self.twice else 1):
            states.append(self.again(states[-1]))
            states.append(states[-1] + states[-2])
        return states


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    names=st.lists(st.sampled_from(["relu", "tanh", "sigmoid"]), min_size=4, max_size=4),
    twice=st.booleans(),
    seed=st.integers(0, 99),
)
def test_signals_equal_plain_autograd(widths: list[int], names: list[str], twice: bool, seed: int) -> None:
    torch.manual_seed(seed)
    model = Chain(widths, names[: len(widths) - 1], twice).double()
    inputs, targets = torch.randn(7, widths[0], dtype=torch.float64), torch.randint(0, 3, (7,))
    states = model.states(inputs)
    logits = model.readout(states[-1])
    loss = F.cross_entropy(logits, targets)
    sums = len(model.layers) * 2 + 1  # where the sums of the second part stand
    sources = [state for place, state in enumerate(states[1:], 1) if place < sums or (place - sums) % 2 == 0] + [logits]
    signals = torch.autograd.grad(loss, sources)
    layers = diagnose(model, F.cross_entropy, inputs, targets).layers
    assert [layer.type for layer in layers] == ["Linear", "function"] * len(model.layers) + ["Linear"] * (
        3 if twice else 2
    )
    for layer, signal, output in zip(layers, signals, sources, strict=True):
        assert layer.signal_norm == pytest.approx(float(signal.norm()), rel=1e-9, abs=1e-300)
        assert layer.activation_mean == pytest.approx(float(output.detach().mean()), rel=1e-9, abs=1e-12)
        # Its square is a difference of two means: of equal numbers it leaves the root of their last digit.
        last_digit = 1e-7 * (1 + abs(layer.activation_mean))
        spread = float(output.detach().std(unbiased=False))
        assert layer.activation_std == pytest.approx(spread, rel=1e-6, abs=last_digit)
    if twice:
        assert [layer.label for layer in layers[-3:]] == ["again", "again #2", "readout"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, *HALF], ids=str)
@pytest.mark.parametrize("depth", [20, 60, 110])
def test_nothing_underflows(depth: int, dtype: torch.dtype) -> None:
    """Signals down to 1e-90 are read in every precision, as the same network in float64 has them."""
    torch.manual_seed(0)
    model, (inputs, targets) = mlp(depth, 32, nn.Sigmoid).to(dtype), digits(16)
    layers = diagnose(model, F.cross_entropy, inputs.to(dtype), targets).layers
    exact = diagnose(copy.deepcopy(model).double(), F.cross_entropy, inputs.to(dtype).double(), targets).layers
    assert exact[0].signal_norm < 10 ** (-0.8 * depth)
    tolerance = 0.02 if dtype == torch.float32 else 0.5
    for layer, expected in zip(layers, exact, strict=True):
        assert layer.signal_norm == pytest.approx(expected.signal_norm, rel=tolerance)
        assert not layer.underflow


class InSingle(nn.Module):
    """A model that no one can run in float64."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.chain = mlp(depth, 16, nn.Sigmoid)

    def forward(self, x: Tensor) -> Tensor:
        assert next(self.parameters()).dtype == torch.float32
        return self.chain(x)


def test_a_model_that_knows_one_precision_only_is_read_by_scaling_the_loss() -> None:
    torch.manual_seed(0)
    model, (inputs, targets) = InSingle(70), digits(16)
    layers = diagnose(model, F.cross_entropy, inputs, targets).layers
    exact = diagnose(copy.deepcopy(model.chain).double(), F.cross_entropy, inputs.double(), targets).layers
    assert exact[0].signal_norm < 1e-55
    for layer, expected in zip(layers, exact, strict=True):
        assert layer.signal_norm == pytest.approx(expected.signal_norm, rel=0.02)
    deeper = diagnose(InSingle(140), F.cross_entropy, inputs, targets)
    assert deeper.verdict == "vanishing"
    assert deeper.layers[0].underflow
    assert any("below what can be read" in note for note in deeper.notes)


def test_time_steps_of_a_recurrent_module() -> None:
    """Against the gradient of inputs that ask for one."""
    torch.manual_seed(0)
    for batch_first in (True, False):
        model = nn.LSTM(4, 6, batch_first=batch_first)
        inputs = torch.randn((3, 12, 4) if batch_first else (12, 3, 4))

        def last(outputs: tuple[Tensor, Any], _: object, axis: int = int(batch_first)) -> Tensor:
            return outputs[0].select(axis, -1).square().sum()

        asking = inputs.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(last(model(asking), None), asking)
        expected = gradient.movedim(int(batch_first), 0).flatten(1).norm(dim=1).tolist()
        for given_inputs in (inputs, asking):
            (layer,) = diagnose(model, last, given_inputs, None).layers
            assert layer.steps == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("sigmoid", "sigmoid"),
        ("tanh", "tanh"),
        ("relu", "relu"),
        ("elu", "elu"),
        ("selu", "selu"),
        ("gelu", "gelu"),
        ("silu", "silu"),
        ("softplus", "softplus"),
        ("hard_tanh", "hardtanh"),
    ],
)
def test_flat_parts_are_where_the_slope_is(name: str, function: str) -> None:
    z = np.linspace(-12, 12, 24001) + 1e-7
    slope, largest = (np.abs(get_activation(name).slope(points)) for points in (z, np.linspace(-3, 3, 100_001)))
    flat = FLAT_PARTS[function]
    expected = slope < FLAT * max(slope.max(), largest.max())
    assert (flat.mask(torch.tensor(z)).numpy() == expected).all()


def test_hardtanh_with_edges_of_its_own() -> None:
    assert flat_parts("hardtanh_", (None, -2.0), {"max_val": 3.0}) == flat_parts("hardtanh", (None, -2.0, 3.0), {})
    relu6 = flat_parts("hardtanh", (None, 0.0, 6.0), {})
    assert relu6 is not None and not relu6.squashes
    assert flat_parts("linear", (), {}) is None


def test_saturated_and_dead_are_counted() -> None:
    class Four(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            z = x * self.scale
            return torch.tanh(z) + torch.relu_(z.clone()) + F.relu(input=z) + z.sigmoid()

    z = torch.tensor([[-9.0, -9.0, 4.0, 0.1], [9.0, -9.0, 9.0, 7.0]])
    layers = {layer.label: layer for layer in diagnose(Four(), lambda out, _: out.sum(), z, None).layers}
    assert layers["model"].saturated == pytest.approx((7 / 8 + 6 / 8) / 2)
    assert layers["model"].dead == 1 / 4 and layers["model"].units == 4


IN_CHANNELS_LAST = nn.utils.convert_conv2d_weight_memory_format(nn.Conv2d(3, 5, 1), torch.channels_last)


@pytest.mark.parametrize("first", [nn.Conv2d(3, 5, 1), IN_CHANNELS_LAST])
def test_a_unit_of_a_convolution_is_a_channel(first: nn.Module) -> None:
    with torch.no_grad():
        first.bias.copy_(torch.tensor([-100.0, -100, 0, 100, 100]))
    model = nn.Sequential(first, nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 2))
    layers = diagnose(model, F.cross_entropy, torch.randn(6, 3, 4, 4), torch.zeros(6).long()).layers
    assert layers[1].dead == pytest.approx(2 / 5) and layers[1].units == 5


def test_attention_is_one_layer_and_containers_with_parameters_have_a_row() -> None:
    torch.manual_seed(0)
    layers = diagnose(*HEALTHY["transformer encoder"]()).layers
    rows = {layer.name: layer for layer in layers}
    attention = rows["encoder.layers.0.self_attn"]
    assert attention.parameters == 4 * 32 * 32 + 4 * 32 and attention.signal_norm > 0
    assert rows["model"].type == "Encoder" and rows["model"].parameters == 64 * 32
    assert math.isnan(rows["model"].signal_norm) and rows["model"].gradient_norm > 0
    assert "encoder.layers.0.relu()" in rows
    assert [layer.name for layer in layers][:2] == ["model", "embedding"]


@pytest.mark.parametrize("wrap", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm])
def test_computed_weights_belong_to_their_layer(wrap: Callable[[nn.Module], nn.Module]) -> None:
    model = nn.Sequential(wrap(nn.Linear(64, 32)), nn.ReLU(), nn.Linear(32, 10))
    before = state_of(model)
    diagnosis = diagnose(model, F.cross_entropy, *digits())
    assert state_of(model) == before
    assert diagnosis.healthy and [layer.name for layer in diagnosis.layers] == ["0", "1", "2"]
    assert all(layer.gradient_norm > 0 for layer in diagnosis.layers[::2])


def test_inputs_by_position_and_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(3, 4), nn.Linear(5, 4)

        def forward(self, a: Tensor, b: Tensor, factor: float = 1.0) -> dict[str, Tensor]:
            return {"logits": self.left(a) + factor * self.right(b)}

    a, b, model = torch.randn(6, 3), torch.randn(6, 5), Two()

    def loss_function(outputs: dict[str, Tensor], targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs["logits"], targets)

    targets = torch.randint(0, 4, (6,))
    found = [
        diagnose(model, loss_function, inputs, targets)
        for inputs in ((a, b), [a, b], {"a": a, "b": b}, {"b": b, "a": a, "factor": 1.0})
    ]
    assert len({str(each) for each in found}) == 1
    assert [layer.name for layer in found[0].layers] == ["left", "right"]


# What is told apart --------------------------------------------------------------------------------------------------


def rows(diagnosis: Diagnosis) -> dict[str, LayerReading]:
    return {layer.label: layer for layer in diagnosis.layers}


def test_frozen_detached_unused_and_never_called() -> None:
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frozen = nn.Linear(64, 32).requires_grad_(False)
            self.cut, self.used, self.head = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 10)
            self.other_head = nn.Sequential(nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 2))
            self.spare, self.by_name = nn.Linear(3, 3), nn.Linear(32, 32)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            h = torch.relu(self.used(self.cut(self.frozen(x)).detach()))
            h = F.linear(h, self.by_name.weight)
            return self.head(h), self.other_head(h)

    diagnosis = diagnose(Parts(), lambda out, y: F.cross_entropy(out[0], y), *digits())
    status = {name: layer.status for name, layer in rows(diagnosis).items()}
    assert status == {
        "frozen": "frozen",
        "cut": "detached",
        "used": "learns",
        "relu()": "no parameters",
        "head": "learns",
        "other_head.0": "unused",
        "other_head.1": "no parameters",
        "other_head.2": "unused",
        "spare": "not called",
        "by_name": "learns",
    }
    (finding,) = diagnosis.findings
    assert finding.verdict == "detached" and finding.layers == ("cut",)
    assert "other_head.0, other_head.2" in diagnosis.notes[0] and "spare" in diagnosis.notes[1]


def test_a_frozen_backbone_is_healthy() -> None:
    model = doctor_cases.plain_cnn()
    model[:-1].requires_grad_(False)
    diagnosis = diagnose(*classes_of(model, doctor_cases.images))
    assert diagnosis.healthy and diagnosis.learning == 128 * 10 + 10 < diagnosis.parameters


def test_a_head_that_begins_at_zero_is_noted() -> None:
    model = mlp(4, 32, nn.Tanh, scaled(1))
    nn.init.zeros_(model[-1].weight)
    diagnosis = diagnose(model, F.cross_entropy, *digits())
    assert diagnosis.healthy and "begin at zero (8)" in diagnosis.notes[0]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("nan in the inputs", "the inputs"),
        ("infinity in a weight", "the parameter 2.weight"),
        ("logarithm of zero", "the forward pass, in log() at 1 (LogOfReLU)"),
        ("square root of zero, on the way back", "the backward pass, through sqrt() (the loss function, in sqrt())"),
    ],
)
def test_where_nan_and_infinity_arise(name: str, place: str) -> None:
    torch.manual_seed(0)
    assert f"arise in {place}." in diagnose(*CASES[name][1]()).findings[0].summary


def test_nan_of_the_loss_function() -> None:
    diagnosis = diagnose(mlp(2, 8), lambda out, _: (out.sum() * 0).log() * math.nan, *digits())
    assert "the loss function" in diagnosis.findings[0].summary


def test_causes_stand_before_what_they_bring_about() -> None:
    torch.manual_seed(0)
    deep = diagnose(*CASES["ReLU with batch norm, 50 x 64"][1]())
    assert [finding.verdict for finding in deep.findings] == ["shattered", "exploding"]
    assert deep.findings[0].lesson == "07_resnets.ipynb" and deep.findings[1].lesson == "06_batch_norm.ipynb"
    dead = diagnose(*CASES["ReLU of bias -20, 4 x 256"][1]())
    assert [finding.verdict for finding in dead.findings] == ["dead", "vanishing"]
    assert dead.findings[0].layers == ("1", "3", "5", "7")
    assert deep.findings[1].evidence["first over last"] == pytest.approx(1.2112**49, rel=0.7)


# Left as it was ------------------------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Changes all it can while it runs, and fails where it is told to."""

    count: Tensor

    def __init__(self, fails: str = "") -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 8, max_norm=0.5)
        self.norm, self.drop, self.lstm = nn.BatchNorm1d(24), nn.Dropout(0.5), nn.LSTM(8, 8, batch_first=True)
        self.drop.eval()
        self.readout = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 10))
        self.register_buffer("count", torch.zeros(()))
        self.generator = torch.Generator().manual_seed(1)
        self.calls, self.memory, self.cache = 0, None, {"a": 1}
        self.fails = fails

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.count += 1
        self.cache["b"] = self.calls
        self.norm.eval()
        self.norm.train()
        h = self.norm(self.embedding(x)) + torch.rand(1) + np.random.rand() + random.random()
        h = h + torch.rand(1, generator=self.generator)
        self.memory = h
        self.register_buffer("late", h.detach())
        self.readout.bias.requires_grad_(False)
        with torch.no_grad():
            self.readout.bias.mul_(0.5)
        self.readout.register_forward_hook(print)
        self.count = self.count + 1
        if self.fails == "forward":
            raise RuntimeError("in the middle")
        outputs = F.dropout(self.lstm(h)[0][:, -1])
        self.readout._forward_hooks.clear()
        return self.readout(outputs)


@pytest.mark.parametrize("draw", [np.random.randn, lambda: np.random.seed(3), lambda: random.gauss(0, 1), lambda: None])
def test_random_numbers_of_numpy_and_python_are_as_before(draw: Callable[[], Any]) -> None:
    class Draws(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            draw()
            return super().forward(x)

    np.random.randn(), random.gauss(0, 1)  # each keeps a second number of a pair for the next call
    model, before = Draws(3, 1), (str(np.random.get_state()), random.getstate())
    diagnose(model, F.mse_loss, torch.ones(2, 3), torch.zeros(2, 1))
    assert (str(np.random.get_state()), random.getstate()) == before


@pytest.mark.parametrize("fails", ["", "forward", "loss", "shape", "backward"])
def test_a_restless_model_is_left_as_it_was(fails: str) -> None:
    class BadBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            raise RuntimeError("no way back")

    def loss_function(outputs: Tensor, targets: Tensor) -> Tensor:
        np.random.rand(), torch.rand(1)
        if fails == "loss":
            raise KeyError("lost")
        outputs = BadBackward.apply(outputs) if fails == "backward" else outputs
        return F.cross_entropy(outputs, targets, reduction="none" if fails == "shape" else "mean")

    torch.manual_seed(0)
    model = Restless(fails)
    seen: list[str] = []
    model.norm.register_forward_hook(lambda *_: seen.append("hook"))
    model.norm.register_full_backward_hook(lambda *_: None)
    model.register_state_dict_pre_hook(lambda *_: None)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    handle = model.lstm.register_forward_hook(lambda *_: None)
    before = state_of(model)
    inputs, targets = tokens()[0], torch.randint(0, 10, (8,))
    before |= {"torch": bits(torch.get_rng_state())}
    if fails:
        with pytest.raises(DiagnosisError):
            diagnose(model, loss_function, inputs, targets)
    else:
        diagnose(model, loss_function, inputs, targets)
        assert len(seen) == 2, "one forward pass, and one in eval mode, where its dropout drops too"
    assert state_of(model) == before
    assert model.calls == 0 and model.memory is None and model.cache == {"a": 1}
    handle.remove()
    assert len(model.lstm._forward_hooks) == 0, "a handle still finds its hook"


def test_a_graph_of_the_callers_own_stays_valid() -> None:
    model, (inputs, targets) = mlp(2, 16), digits()
    loss = F.cross_entropy(model(inputs), targets)
    diagnose(model, F.cross_entropy, inputs, targets)
    loss.backward()
    assert model[0].weight.grad is not None


@pytest.mark.parametrize("before", [True, False])
def test_garbage_is_collected_afterwards_as_before_and_not_in_between(before: bool) -> None:
    seen: list[bool] = []
    model, (inputs, targets) = mlp(2, 16), digits()
    model[0].register_forward_hook(lambda *_: seen.append(gc.isenabled()))
    (gc.enable if before else gc.disable)()
    try:
        diagnose(model, F.cross_entropy, inputs, targets)
        with pytest.raises(DiagnosisError):
            diagnose(model, F.cross_entropy, inputs, targets[:1])
        assert seen == [False, False] and gc.isenabled() is before
    finally:
        gc.enable()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_switched_off(context: Callable[[], Any]) -> None:
    model, (inputs, targets) = mlp(2, 16), digits()
    with context():
        assert diagnose(model, F.cross_entropy, inputs, targets).healthy
        assert torch.is_grad_enabled() is False


def test_diagnosing_twice_gives_the_same() -> None:
    torch.manual_seed(0)
    example = classes_of(doctor_cases.vgg(norm=True), doctor_cases.images)
    first = diagnose(*example)
    assert any(layer.type == "Dropout" for layer in first.layers)
    assert str(diagnose(*example)) == str(first)


# Clear answers -------------------------------------------------------------------------------------------------------


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise ZeroDivisionError("nothing left")


def scalar(outputs: Any, targets: Any) -> float:
    return 1.0


def on_digits(model: nn.Module, loss_function: Any = F.cross_entropy) -> tuple[Any, ...]:
    return model, loss_function, *digits()


UNFIT: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {
    "no parameters": (lambda: on_digits(nn.Sequential(nn.ReLU())), "Sequential has no parameters"),
    "meta device": (lambda: on_digits(nn.Linear(64, 10, device="meta")), "weight is on the meta device.*to_empty"),
    "lazy module": (lambda: on_digits(nn.Sequential(nn.LazyLinear(10))), "0.weight of a lazy module.*run the model"),
    "no module": (lambda: on_digits(torch.relu), "model must be a torch.nn.Module; got builtin"),
    "scripted": (lambda: on_digits(torch.jit.script(nn.Linear(64, 10))), "ScriptModule.*before it is scripted"),
    "loss a vector": (
        lambda: on_digits(nn.Linear(64, 10), lambda out, y: F.cross_entropy(out, y, reduction="none")),
        r"must return one number; got the shape \(64,\): take its mean",
    ),
    "loss a float": (lambda: on_digits(nn.Linear(64, 10), scalar), "must return a tensor of one number; got float"),
    "loss raises": (lambda: on_digits(nn.Linear(64, 10), lambda out, y: {}["y"]), "loss_function failed: KeyError"),
    "wrong width": (
        lambda: on_digits(nn.Sequential(nn.Linear(64, 9), nn.Sequential(nn.ReLU(), nn.Linear(8, 10)))),
        r"forward pass failed in 1\.1 \(Linear\): RuntimeError: mat1 and mat2",
    ),
    "model raises": (
        lambda: on_digits(nn.Sequential(nn.Linear(64, 10), Raises())),
        r"failed in 1 \(Raises\): ZeroDivisionError: nothing left",
    ),
    "wrong names": (
        lambda: (nn.Linear(64, 10), F.cross_entropy, {"image": digits()[0]}, digits()[1]),
        "forward pass failed in .*unexpected keyword argument 'image'",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_cannot_be_examined_is_said_clearly(name: str) -> None:
    make, message = UNFIT[name]
    with pytest.raises(DiagnosisError, match=f"(?s){message}"):
        diagnose(*make())


def test_an_exception_that_the_model_catches_itself_leads_nobody_astray() -> None:
    class Tries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrong, self.right = nn.Linear(3, 10), nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    diagnosis = diagnose(Tries(), F.cross_entropy, *digits())
    assert {layer.name: layer.status for layer in diagnosis.layers}["right"] == "learns"


@pytest.mark.slow
def test_ten_thousand_modules() -> None:
    torch.manual_seed(0)
    layers = [module for _ in range(5000) for module in (nn.Linear(4, 4), nn.Tanh())]
    model = nn.Sequential(*layers[:-1], nn.Linear(4, 3))
    for layer in layers[::2]:
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    inputs, targets = torch.randn(8, 4), torch.randint(0, 3, (8,))
    before = state_of(model)
    diagnosis = diagnose(model, F.cross_entropy, inputs, targets)
    assert state_of(model) == before
    assert len(diagnosis.layers) == 10_000
    check_form(diagnosis)
    assert "9,960 layers in between" in str(diagnosis)


# The command line ----------------------------------------------------------------------------------------------------

NETS = """
import torch
from torch import nn

def example(depth):
    layers = [module for _ in range(depth) for module in (nn.Linear(8, 8), nn.Sigmoid())]
    return nn.Sequential(*layers, nn.Linear(8, 2)), nn.CrossEntropyLoss(), torch.randn(16, 8), torch.zeros(16).long()

def healthy(): return example(1)
def ill(): return example(20)
def two(): return example(1)[:2]
def broken(): return 1 / 0
def meta(): return nn.Linear(2, 2, device="meta"), None, None, None
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nets_of_mine.py").write_text(NETS, encoding="utf-8")
    (tmp_path / "with_error.py").write_text("import nothing_of_that_name", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "nets_of_mine", raising=False)
    return tmp_path


@pytest.mark.parametrize(("function", "status"), [("healthy", 0), ("ill", 1)])
def test_the_command_prints_the_diagnosis(
    folder: Path, capsys: pytest.CaptureFixture[str], function: str, status: int
) -> None:
    assert main([f"nets_of_mine:{function}"]) == status
    assert capsys.readouterr().out.startswith(f"Verdict: {'vanishing' if status else 'healthy'}")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nets_of_mine", "name it as module:function"),
        ("nets_of_mine:", "name it as module:function"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        ("with_error:f", "importing with_error failed: ModuleNotFoundError"),
        ("nets_of_mine:nope", "nets_of_mine has no function nope"),
        ("nets_of_mine:number", "nets_of_mine has no function number"),
        ("nets_of_mine:two", r"or (model, loss_function, batch); got tuple of 2"),
        ("nets_of_mine:broken", "broken() failed: ZeroDivisionError"),
        ("nets_of_mine:meta", "weight is on the meta device"),
    ],
)
def test_what_the_command_cannot_examine(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str, message: str
) -> None:
    assert main([place]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert printed.err.startswith(f"Cannot examine {place}: ") and message in printed.err


def test_the_command_in_a_shell(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "helpers.doctor", "nets_of_mine:ill"]
    ill = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ill.returncode == 1 and "‖∂L/∂output‖" in ill.stdout.decode("utf-8")


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert "module:function" in printed and "2 if it can't be examined" in printed


# The picture ---------------------------------------------------------------------------------------------------------


def shown(diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    import IPython.display

    parts: list[Any] = []
    monkeypatch.setattr(IPython.display, "display", parts.append)
    diagnosis.show()
    return parts


def test_show_has_verdict_evidence_and_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    diagnosis = diagnose(*CASES["ReLU of bias -8, 6 x 64"][1]())
    words, live = shown(diagnosis, monkeypatch)
    for text in ("dead", "vanishing", "04_relu.ipynb", "90 %", diagnosis.findings[0].remedy):
        assert text in words.value
    traces = {trace.name: trace for trace in live.figure.data}
    signals = [layer.signal_norm for layer in diagnosis.layers]
    drawn = traces["signal ‖∂L/∂output‖"]
    logs = [math.log10(value) if value > 0 else None for value in signals]
    assert (
        list(drawn.y) == pytest.approx(logs)
        if None not in logs
        else [y is None for y in drawn.y] == [value is None for value in logs]
    )
    zeros = traces["signal exactly 0"]
    assert list(zeros.x) == [place for place, value in enumerate(signals, 1) if value == 0]
    dead = [None if math.isnan(layer.dead) else layer.dead for layer in diagnosis.layers]
    assert list(traces["dead units"].y) == dead
    assert traces["dead units"].text[1] == "2 1 (ReLU)"


@pytest.mark.parametrize("status", ["learns", "frozen", "detached", "unused", "unregistered", "not called"])
def test_every_cell_of_the_table_stands_apart(status: str) -> None:
    layer = dataclasses.replace(diagnose(mlp(2, 16), F.cross_entropy, *digits()).layers[0], status=status)
    signal = f"{layer.signal_norm:.1e}"
    assert f" {signal} " in str(Diagnosis((layer,), (), 1.0, "model", 1, 1))


def test_names_of_a_model_are_text_and_not_html(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential()
    for name in ("<b>", "</b>", "&"):
        model.add_module(name, nn.Linear(4, 4) if name != "</b>" else nn.Sigmoid())
    nn.init.zeros_(model[0].weight)
    nn.init.constant_(model[2].weight, math.nan)
    words, _ = shown(diagnose(model, lambda out, _: out.sum(), torch.randn(8, 4), None), monkeypatch)
    assert "<b></td>" not in words.value and "parameter &amp;.weight" in words.value


# Where the thresholds come from --------------------------------------------------------------------------------------


def ratio(model: nn.Sequential) -> float:
    """Signal of the first layer over that of the last hidden one, as the doctor reads it."""
    layers = [layer for layer in diagnose(model, F.cross_entropy, *digits()).layers if layer.type == "Linear"]
    return layers[0].signal_norm / layers[-2].signal_norm


def learns(make: Callable[[], nn.Module], rates: list[float], steps: int = 600) -> float:
    """Accuracy on the training digits after SGD at the best of these rates."""
    inputs, targets = digits(1000)
    best = 0.0
    for rate in rates:
        torch.manual_seed(0)
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), rate)
        for step in range(steps):
            rows = torch.arange(100) + 100 * (step % 10)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[rows]), targets[rows]).backward()
            optimizer.step()
        best = max(best, float((model(inputs).argmax(dim=1) == targets).float().mean()))
    return best


@pytest.mark.slow
def test_threshold_of_vanishing() -> None:
    """Sigmoid layers at PyTorch's default: three train, six don't, and the threshold lies between."""
    torch.manual_seed(0)
    assert ratio(mlp(3, 64, nn.Sigmoid)) > 5 * THRESHOLDS["vanishing"].value
    assert ratio(mlp(6, 64, nn.Sigmoid)) < THRESHOLDS["vanishing"].value / 5
    assert learns(lambda: mlp(3, 64, nn.Sigmoid), [3.0]) > 0.8
    assert learns(lambda: mlp(6, 64, nn.Sigmoid), [0.3, 3.0]) < 0.2


@pytest.mark.slow
def test_threshold_of_exploding() -> None:
    """ReLU of gain 3: five layers train, twenty don't, and the threshold lies between."""
    torch.manual_seed(0)
    assert ratio(mlp(5, 64, nn.ReLU, scaled(3))) < THRESHOLDS["exploding"].value / 5
    assert ratio(mlp(20, 64, nn.ReLU, scaled(3))) > 5 * THRESHOLDS["exploding"].value
    assert learns(lambda: mlp(5, 64, nn.ReLU, scaled(3)), [0.01], 300) > 0.9
    assert learns(lambda: mlp(20, 64, nn.ReLU, scaled(3)), [1e-4, 1e-2], 300) < 0.2


def test_threshold_of_dead_units() -> None:
    """The deepest healthy ReLU network has half its units dead in its last layers, and none has more than 90 %."""
    torch.manual_seed(0)
    layers = diagnose(*HEALTHY["ReLU, He, 60 layers"]()).layers
    dead = [layer.dead for layer in layers if layer.dead == layer.dead]
    assert dead[-1] > 0.3 and max(dead) < 0.75 < THRESHOLDS["dead"].value


def test_threshold_of_saturation() -> None:
    torch.manual_seed(0)
    layers = diagnose(*HEALTHY["sigmoid of gain 8, 20 layers"]()).layers
    saturated = [layer.saturated for layer in layers if layer.saturated == layer.saturated]
    assert np.mean(saturated) > 0.2 and max(saturated) < THRESHOLDS["saturated"].value


def gradients_of_neighbours(model: nn.Module, inputs: Tensor, distance: float) -> float:
    """Mean cosine between a sample's input gradient and that of a neighbour, centred over the samples.

    The gradient is that of one random read-out of a sample's own answer, with the batch's statistics held fast; the
    neighbour is `distance` times as far away as another sample.
    """
    model, inputs = copy.deepcopy(model).double(), inputs.double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0
    model(inputs)
    model.eval()
    step = torch.randn_like(inputs)
    step *= distance * torch.pdist(inputs).mean() / step.norm(dim=1, keepdim=True)
    readout = torch.randn(10, dtype=torch.float64)
    gradients = []
    for place in (inputs, inputs + step):
        place = place.requires_grad_()
        (gradient,) = torch.autograd.grad((model(place) @ readout).sum(), place)
        gradients.append(gradient - gradient.mean(dim=0))
    return float(F.cosine_similarity(*gradients).mean())


@pytest.mark.parametrize(
    ("depth", "norm", "shattered"),
    [(5, True, False), (10, True, False), (40, True, True), (60, True, True), (30, False, False)],
)
def test_threshold_of_shattering(depth: int, norm: bool, shattered: bool) -> None:
    """Where the doctor says shattered, inputs 1 % as far apart as two samples have unrelated gradients."""
    torch.manual_seed(0)
    model, (inputs, targets) = mlp(depth, 64, nn.ReLU, he, norm=nn.BatchNorm1d if norm else None), digits()
    findings = {finding.verdict: finding for finding in diagnose(model, F.cross_entropy, inputs, targets).findings}
    assert ("shattered" in findings) == shattered
    cosine = gradients_of_neighbours(model, inputs, 1 / THRESHOLDS["shattered"].value)
    assert abs(cosine) < 0.15 if shattered else cosine > 0.6


def test_skips_keep_neighbours_together() -> None:
    torch.manual_seed(0)
    model = HEALTHY["residual, pre-batch-norm, 25 blocks"]()[0]
    assert gradients_of_neighbours(model, digits()[0], 1 / THRESHOLDS["shattered"].value) > 0.9


@pytest.mark.parametrize(("kind", "length", "short"), [(nn.LSTM, 50, False), (nn.LSTM, 75, True), (nn.RNN, 60, True)])
def test_threshold_through_time(kind: type[nn.RNNBase], length: int, short: bool) -> None:
    """A reach that is short is a note where the inputs tell something all along, an illness where they don't."""
    torch.manual_seed(0)
    model = doctor_cases.Recurrent(kind)
    diagnosis = diagnose(*classes_of(model, lambda: sequences(length=length)))
    assert diagnosis.healthy and any("reaches back about" in note for note in diagnosis.notes) == short
    findings = diagnose(*classes_of(model, lambda: doctor_cases.recall(length))).findings
    assert [finding.threshold for finding in findings] == [THRESHOLDS["vanishing through time"]] * short
