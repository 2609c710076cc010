"""What `watch` concludes from a training: every finding, the step at which it began, and nothing on healthy ones."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.doctor import Monitor, TrainingDiagnosis, watch
from helpers.doctor import hooks as following
from helpers.doctor.conclusions import TRAINING_VERDICTS
from helpers.doctor.following import Following
from helpers.doctor.history import QUANTITIES
from helpers.doctor.losses import Baseline, origin
from helpers.doctor.measuring import Outputs, norms
from helpers.doctor.report import as_dictionary


def data() -> tuple[Tensor, Tensor]:
    """Four classes that two of twenty features tell apart."""
    inputs = torch.randn(256, 20, generator=torch.Generator().manual_seed(0))
    return inputs, (inputs[:, 0] > 0).long() + 2 * (inputs[:, 1] > 0).long()


def perceptron(activation: Callable[[], nn.Module] = nn.ReLU, depth: int = 3, outputs: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    parts = [part for place in range(depth) for part in (nn.Linear(20 if place == 0 else 32, 32), activation())]
    return nn.Sequential(*parts, nn.Linear(32, outputs))


def trained(
    model: nn.Module,
    *,
    steps: int = 220,
    rate: float = 0.1,
    optimizer: Any = torch.optim.SGD,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    zero: bool = True,
    each: Callable[[int], object] = lambda step: None,
    clip: float = 0.0,
    every: int = 10,
) -> Monitor:
    inputs, targets = data()
    stepper = optimizer(model.parameters(), lr=rate)
    with watch(model, every=every, show=False) as monitor:
        for step in range(steps):
            each(step)
            rows = torch.arange(32) + 32 * (step % 8)
            if zero:
                stepper.zero_grad()
            loss(model(inputs[rows]), targets[rows]).backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            stepper.step()
    assert monitor.problem == ""
    return monitor


def verdicts(diagnosis: TrainingDiagnosis) -> list[str]:
    return [finding.verdict for finding in diagnosis.findings]


# Healthy trainings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.GELU])
@pytest.mark.parametrize(("optimizer", "rate"), [(torch.optim.SGD, 0.1), (torch.optim.Adam, 1e-3)])
def test_a_training_that_learns_is_healthy(activation: Any, optimizer: Any, rate: float) -> None:
    diagnosis = trained(perceptron(activation), optimizer=optimizer, rate=rate).diagnosis
    assert diagnosis.healthy and diagnosis.steps == 220 and diagnosis.loss < 1.2


def test_a_regression_and_a_binary_one_are_measured_by_their_own_constants() -> None:
    inputs, targets = data()
    monitor = trained(perceptron(outputs=1), loss=lambda out, y: F.mse_loss(out, y[:, None].float()))
    assert monitor.diagnosis.healthy
    assert monitor._backwards.constant == pytest.approx(float(targets.float().var(correction=0)), rel=0.15)
    binary = trained(
        perceptron(outputs=1),
        rate=0.5,
        loss=lambda out, y: F.binary_cross_entropy_with_logits(out, (y[:, None] > 0).float()),
    )
    share = float((targets > 0).float().mean())
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert binary.diagnosis.healthy and binary._backwards.constant == pytest.approx(entropy, rel=0.1)


def test_the_diagnosis_can_be_asked_for_at_any_time() -> None:
    model = perceptron()
    monitor = watch(model, show=False)
    assert monitor.diagnosis.verdict == "not examined"
    steps = []
    with monitor:
        assert monitor.diagnosis.verdict == "not examined"
        inputs, targets = data()
        stepper = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(25):
            stepper.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            stepper.step()
            steps.append(monitor.diagnosis.steps)
    assert steps == list(range(1, 26)) and monitor.diagnosis.healthy
    assert as_dictionary(monitor.diagnosis)["steps"] == 25


# Every finding -------------------------------------------------------------------------------------------------------


def test_layers_that_die_in_training_are_named_with_the_step() -> None:
    model = perceptron(depth=2)

    def kill(step: int) -> None:
        if step == 95:
            with torch.no_grad():
                model[2].bias.fill_(-50.0)

    finding = trained(model, each=kill).diagnosis.findings[0]
    assert finding.verdict == "dead" and finding.began == 100 and finding.layers == ("2",)
    assert finding.evidence["share at the start"] < 0.5 and finding.evidence["share at the end"] == 1


def test_saturation_that_grows_is_named_with_the_step() -> None:
    diagnosis = trained(perceptron(nn.Tanh), rate=10.0).diagnosis
    (finding,) = [each for each in diagnosis.findings if each.verdict == "saturated"]
    assert finding.began > 0 and finding.evidence["share at the start"] < 0.5 < finding.evidence["share at the end"]


def test_a_layer_that_does_not_move_is_unchanged() -> None:
    model = perceptron()
    groups = [
        {"params": model[0].parameters(), "lr": 0.0},
        {"params": [*model[2].parameters(), *model[4].parameters()]},
    ]
    diagnosis = trained(model, optimizer=lambda _, lr: torch.optim.SGD(groups, lr=lr)).diagnosis
    (finding,) = [each for each in diagnosis.findings if each.verdict == "unchanged"]
    assert finding.layers == ("0",) and finding.began == 0
    assert any("No optimizer holds 6" in note for note in diagnosis.notes)


@pytest.mark.parametrize("spare", [1, 4])
def test_a_layer_that_the_loss_has_no_use_for_is_a_note_where_the_network_learns(spare: int) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk, self.spare = perceptron(depth=9), nn.ModuleList(nn.Linear(4, 4) for _ in range(spare))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.trunk(x)
            for layer in self.spare:
                layer(out)
            return out

    diagnosis = trained(Net(), rate=3e-3, optimizer=torch.optim.Adam).diagnosis
    assert ("unchanged" in verdicts(diagnosis)) is (spare > 1)
    assert any("nothing changes them" in note for note in diagnosis.notes) is (spare == 1)


def steps_of(model: nn.Module, optimizer: torch.optim.Optimizer, *order: str, times: int = 40) -> TrainingDiagnosis:
    """Watch a loop that does these things in this order."""
    inputs, targets = data()
    with watch(model, show=False) as monitor:
        for _ in range(times):
            for each in order:
                if each == "backward":
                    F.cross_entropy(model(inputs), targets).backward()
                else:
                    getattr(optimizer, each)()
    return monitor.diagnosis


def test_a_layer_replaced_after_the_optimizer_was_made_is_named() -> None:
    model = perceptron(depth=2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model[4] = nn.Linear(32, 4)
    (finding,) = steps_of(model, optimizer, "zero_grad", "backward", "step").findings
    assert finding.verdict == "unchanged" and finding.layers == ("4",) and "replaced" in finding.remedy


@pytest.mark.parametrize("kind", ["head only", "frozen", "added later", "shared with another model"])
def test_layers_outside_the_optimizer_on_purpose_are_no_finding(kind: str) -> None:
    model, other = perceptron(depth=2), nn.Linear(4, 4)
    model[0].requires_grad_(kind != "frozen")
    if kind == "shared with another model":
        optimizer = torch.optim.Adam([*model[2:].parameters(), *other.parameters()], 1e-3)
        other(torch.ones(1, 4)).sum().backward()
        order: tuple[str, ...] = ("backward", "step")
    else:
        optimizer = torch.optim.Adam(model[4:].parameters() if kind == "head only" else model[2:].parameters(), 1e-3)
        order = ("zero_grad", "backward", "step")
    if kind == "added later":
        optimizer.add_param_group({"params": model[0].parameters()})
    diagnosis = steps_of(model, optimizer, *order)
    assert "unchanged" not in verdicts(diagnosis)
    noted = any("requires_grad_(False)" in note for note in diagnosis.notes)
    assert noted is (kind in ("head only", "shared with another model"))


@pytest.mark.parametrize(
    ("order", "is_named"),
    [
        (("backward", "zero_grad", "step"), True),
        (("zero_grad", "step", "backward"), True),
        (("zero_grad", "backward", "step"), False),
        (("backward", "step", "zero_grad"), False),
        (("zero_grad", "backward", "backward", "step"), False),
    ],
)
@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_zeroed_before_the_step_are_named(order: tuple[str, ...], is_named: bool, to_none: bool) -> None:
    model = perceptron(depth=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    zero_grad = optimizer.zero_grad
    optimizer.zero_grad = lambda: zero_grad(set_to_none=to_none)  # type: ignore[method-assign, assignment, misc]
    diagnosis = steps_of(model, optimizer, *order)
    assert ("in this order" in "".join(each.remedy for each in diagnosis.findings)) is is_named
    assert ("unchanged" in verdicts(diagnosis)) is is_named


@pytest.mark.parametrize(
    ("order", "other", "words"),
    [
        (("backward",), False, "Call optimizer.step"),
        (("backward", "step"), True, "hold no parameter of this model"),
        ((), False, "belongs inside the `with` block"),
    ],
)
def test_why_no_step_was_recorded_is_said(order: tuple[str, ...], other: bool, words: str) -> None:
    model = perceptron(depth=1)
    optimizer = torch.optim.SGD((perceptron() if other else model).parameters(), 0.1)
    diagnosis = steps_of(model, optimizer, *order)
    assert diagnosis.verdict == "not examined" and words in diagnosis.notes[0]


@pytest.mark.parametrize(
    ("more", "clip", "rate", "words"),
    [
        ({"weight_decay": 1.0}, 0.0, 0.1, "a smaller weight_decay than 1"),
        ({}, 1e-6, 0.1, "a norm larger than 1.0e-06"),
        ({"maximize": True}, 0.0, 0.3, "maximize=True"),
    ],
)
def test_the_remedy_names_the_setting_that_caused_it(
    more: dict[str, Any], clip: float, rate: float, words: str
) -> None:
    diagnosis = trained(
        perceptron(), rate=rate, clip=clip, optimizer=lambda of, lr: torch.optim.SGD(of, lr=lr, **more)
    ).diagnosis
    assert words in diagnosis.findings[0].remedy


def test_an_optimizer_of_parameters_that_were_replaced_is_named() -> None:
    old = perceptron(depth=2)
    stepper = lambda _, lr: torch.optim.SGD(old.parameters(), lr=lr)  # noqa: E731
    for each in old.parameters():
        each.grad = torch.zeros_like(each)
    diagnosis = trained(perceptron(), steps=60, optimizer=stepper).diagnosis
    assert diagnosis.verdict in ("unchanged", "not examined"), str(diagnosis)


@pytest.mark.parametrize("anew", [True, False])
def test_an_optimizer_made_anew_for_each_step_gets_a_note(anew: bool) -> None:
    model, (inputs, targets) = perceptron(), data()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with watch(model, show=False) as monitor:
        for _ in range(100):
            optimizer = torch.optim.Adam(model.parameters(), 1e-3) if anew else optimizer
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    assert monitor.steps == 100
    assert any("each begins anew" in note for note in monitor.diagnosis.notes) is anew


def test_a_first_step_that_overwrites_the_weights_is_named() -> None:
    diagnosis = trained(perceptron(), rate=2.0, optimizer=torch.optim.Adam).diagnosis
    first = next(each for each in diagnosis.findings if each.verdict == "update too large")
    assert first.began == 0 and first.evidence["largest"] > 100 * first.evidence["loss at the start"]
    assert "update too large" not in verdicts(trained(perceptron(), rate=3e-3, optimizer=torch.optim.Adam).diagnosis)


def test_a_frozen_layer_is_no_finding() -> None:
    model = perceptron()
    model[0].requires_grad_(False)
    assert trained(model).diagnosis.healthy


@pytest.mark.parametrize(("rate", "verdict"), [(1e-6, "update too small"), (5.0, "update too large")])
def test_updates_outside_of_what_is_usual(rate: float, verdict: str) -> None:
    optimizer = torch.optim.SGD if rate < 1 else torch.optim.Adam
    assert verdict in verdicts(trained(perceptron(nn.Tanh), rate=rate, optimizer=optimizer).diagnosis)


def test_a_loss_that_does_not_fall_is_stuck() -> None:
    diagnosis = trained(perceptron(nn.Sigmoid, depth=10)).diagnosis
    stuck = diagnosis.findings[-1]
    assert stuck.verdict == "stuck" and stuck.evidence["loss"] == pytest.approx(math.log(4), rel=0.02)
    assert "collapsed" in verdicts(diagnosis)


def test_a_loss_that_swings_oscillates() -> None:
    weight = nn.Linear(1, 1, bias=False)
    nn.init.ones_(weight.weight)
    stepper = torch.optim.SGD(weight.parameters(), lr=1.0)
    with watch(weight, show=False) as monitor:
        for step in range(80):
            stepper.zero_grad()
            target = 3.0 if step % 2 else 1.0
            (weight(torch.ones(1, 1)) - target).square().sum().mul(0.5 + 0.5 * (step % 2)).backward()
            stepper.step()
    assert "oscillating" in verdicts(monitor.diagnosis)


def test_a_loss_that_grows_diverges() -> None:
    model = nn.Linear(20, 1)

    def squares(out: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(out, y[:, None].float())

    diagnosis = trained(model, rate=0.15, loss=squares, steps=150).diagnosis
    healthy = trained(nn.Linear(20, 1), rate=0.01, loss=squares, steps=150).diagnosis
    assert healthy.healthy
    diverged = trained(nn.Linear(20, 1), rate=1.2, loss=squares, steps=40).diagnosis
    (finding,) = [each for each in diverged.findings if each.verdict == "diverging"]
    assert 0 < finding.began < 40 and "diverging" not in verdicts(diagnosis)


def test_gradients_that_are_not_zeroed_are_named() -> None:
    finding = trained(perceptron(), rate=0.01, zero=False).diagnosis.findings[0]
    assert finding.verdict == "not zeroed" and finding.began == 1
    every = trained(perceptron(), rate=0.01, zero=False, every=1, steps=30).diagnosis.findings[0]
    assert every.evidence["steps that began with old gradients"] == 29


@pytest.mark.parametrize("to_none", [True, False])
def test_zeroing_after_the_step_or_in_place_is_zeroing(to_none: bool) -> None:
    model, (inputs, targets) = perceptron(), data()
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, every=2, show=False) as monitor:
        for _ in range(30):
            F.cross_entropy(model(inputs), targets).backward()
            stepper.step()
            stepper.zero_grad(set_to_none=to_none)
    assert monitor.diagnosis.healthy and monitor._looked_at >= 14


def test_the_first_step_with_nan_and_the_module_are_named() -> None:
    model = perceptron()

    def spoil(step: int) -> None:
        if step == 33:
            with torch.no_grad():
                model[2].weight[0, 0] = math.inf

    monitor = trained(model, each=spoil, steps=60)
    finding = monitor.diagnosis.findings[0]
    assert finding.verdict == "non-finite" and finding.began == 33 and "weights of 2" in finding.summary

    class Logs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(20, 32), nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.sqrt(self.first(x)).tanh())

    finding = trained(Logs(), steps=5).diagnosis.findings[0]
    assert finding.began == 0 and "at first" in finding.summary


def test_inputs_with_nan_and_a_loss_of_its_own_are_told_apart() -> None:
    layer = nn.Linear(3, 2)
    names = {id(each): "layer" for each in layer.parameters()}
    bad = torch.full((4, 3), math.nan)
    assert origin(layer(bad).sum(), names) == "the inputs"
    assert origin(torch.log(layer(torch.ones(4, 3)).sum() * 0), names) == "the loss function"


def test_clipped_steps_are_counted() -> None:
    monitor = trained(perceptron(), clip=0.05)
    assert any("were clipped to a norm of 0.05" in note for note in monitor.diagnosis.notes)
    assert not any("clipped" in note for note in trained(perceptron()).diagnosis.notes)


# What a step is ------------------------------------------------------------------------------------------------------


def scaler(**more: Any) -> Any:
    if not hasattr(torch.amp, "GradScaler"):
        pytest.skip("this PyTorch has no scaler for the processor")
    return torch.amp.GradScaler("cpu", **more)


def test_a_gradient_scaler_is_seen_through() -> None:
    plain, scaled, (inputs, targets) = perceptron(), perceptron(), data()
    alone = trained(plain, steps=1)
    stepper, scale = torch.optim.SGD(scaled.parameters(), lr=0.1), scaler()
    with watch(scaled, show=False) as monitor:
        scale.scale(F.cross_entropy(scaled(inputs[:32]), targets[:32])).backward()
        scale.step(stepper)
        scale.update()
    np.testing.assert_allclose(monitor.history.gradient_norm, alone.history.gradient_norm, rtol=1e-4)
    assert monitor.diagnosis.loss == pytest.approx(alone.diagnosis.loss, rel=1e-5)
    assert monitor._backwards.constant == pytest.approx(alone._backwards.constant)


def test_steps_that_the_scaler_skips_are_counted() -> None:
    model, (inputs, targets) = perceptron(), data()
    stepper, scale = torch.optim.SGD(model.parameters(), lr=0.01), scaler(growth_interval=1000)
    with watch(model, show=False) as monitor:
        for step in range(60):
            stepper.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            scale.scale(loss * (math.inf if step % 3 == 2 else 1.0)).backward()
            scale.step(stepper)
            scale.update()
    finding = next(each for each in monitor.diagnosis.findings if each.verdict == "steps skipped")
    assert finding.evidence == {"skipped": 20.0, "of": 60.0} and monitor.diagnosis.steps == 40
    assert "not zeroed" not in verdicts(monitor.diagnosis)


def test_one_recorded_step_is_no_verdict() -> None:
    diagnosis = trained(perceptron(), steps=10).diagnosis
    assert diagnosis.verdict == "not examined" and "Only one step was recorded" in diagnosis.notes[-1]
    assert trained(perceptron(), steps=11).diagnosis.healthy
    assert "1 training step;" in str(trained(perceptron(), steps=1).diagnosis)


def test_too_large_updates_stand_before_the_layers_that_they_killed() -> None:
    diagnosis = trained(perceptron(), rate=1.0, optimizer=torch.optim.Adam).diagnosis
    found = {each.verdict: each.began for each in reversed(diagnosis.findings)}
    assert diagnosis.verdict == "update too large" and found["dead"] > found["update too large"] == 0


def test_clipping_before_the_scaler_unscales_is_explained() -> None:
    model, (inputs, targets) = perceptron(), data()
    stepper, scale = torch.optim.SGD(model.parameters(), lr=0.1), scaler()
    with watch(model, show=False) as monitor:
        for step in range(60):
            stepper.zero_grad()
            rows = torch.arange(32) + 32 * (step % 7)
            scale.scale(F.cross_entropy(model(inputs[rows]), targets[rows])).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scale.step(stepper)
            scale.update()
    assert any("clip after scaler.unscale_" in note for note in monitor.diagnosis.notes)


def test_a_scaler_that_skips_every_step_is_named() -> None:
    model, (inputs, targets) = perceptron(), data()
    stepper, scale = torch.optim.SGD(model.parameters(), lr=0.01), scaler(init_scale=1e38, backoff_factor=0.99)
    with watch(model, show=False) as monitor:
        for _ in range(60):
            scale.scale(F.cross_entropy(model(inputs), targets) * 1e4).backward()
            scale.step(stepper)
            scale.update()
    assert monitor.steps == 0 and monitor.diagnosis.verdict == "steps skipped"
    assert "skipped all 60 steps" in monitor.diagnosis.notes[0]


@pytest.mark.parametrize("divided", [True, False])
def test_accumulated_gradients_are_one_step(divided: bool) -> None:
    model, (inputs, targets) = perceptron(), data()
    stepper = torch.optim.SGD(model.parameters(), lr=0.1 if divided else 0.025)
    with watch(model, every=5, show=False) as monitor:
        for _ in range(120):
            stepper.zero_grad()
            for part in range(4):
                rows = torch.arange(32) + 32 * part
                loss = F.cross_entropy(model(inputs[rows]), targets[rows])
                (loss / 4 if divided else loss).backward()
            stepper.step()
    assert monitor.diagnosis.healthy and monitor.steps == 120
    assert monitor._backwards.losses(120)[0] == pytest.approx(math.log(4), rel=0.1)
    assert monitor._backwards.constant == pytest.approx(math.log(4), rel=0.02)


def test_optimizers_that_take_turns_make_one_step_together() -> None:
    model, (inputs, targets) = perceptron(), data()
    first = torch.optim.SGD(model[:4].parameters(), lr=0.1)
    second = torch.optim.Adam(model[4:].parameters(), lr=1e-3)
    with watch(model, every=10, show=False) as monitor:
        for _ in range(120):
            for stepper in (first, second):
                stepper.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            for stepper in (first, second):
                stepper.step()
    history = monitor.history
    assert monitor.steps == 120 and list(history.steps) == list(range(0, 120, 10))
    assert np.isfinite(history.update_to_weight).all() and (history.update_to_weight > 0).all()
    assert monitor.diagnosis.healthy


def test_a_generator_and_a_discriminator_keep_no_gradients() -> None:
    both = nn.ModuleDict({"g": nn.Linear(4, 20), "d": nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))})
    steppers = {name: torch.optim.Adam(part.parameters(), lr=1e-3) for name, part in both.items()}
    inputs = data()[0]
    with watch(both, every=2, show=False) as monitor:
        for _ in range(40):
            noise = torch.randn(64, 4)
            steppers["d"].zero_grad()
            answers = both["d"](torch.cat([inputs[:64], both["g"](noise).detach()]))
            F.binary_cross_entropy_with_logits(answers, torch.cat([torch.ones(64, 1), torch.zeros(64, 1)])).backward()
            steppers["d"].step()
            steppers["g"].zero_grad()
            F.softplus(-both["d"](both["g"](noise))).mean().backward()
            steppers["g"].step()
    assert "not zeroed" not in verdicts(monitor.diagnosis) and monitor.steps == 40


def test_a_step_with_a_closure_is_read_at_its_end() -> None:
    model, twin, (inputs, targets) = perceptron(), perceptron(), data()
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure() -> Tensor:
        loss = F.cross_entropy(model(inputs), targets)
        stepper.zero_grad()
        loss.backward()
        return loss

    with watch(model, every=2, show=False) as monitor:
        for _ in range(6):
            stepper.step(closure)
    plain = torch.optim.SGD(twin.parameters(), lr=0.1)
    with watch(twin, every=2, show=False) as other:
        for _ in range(6):
            plain.zero_grad()
            F.cross_entropy(twin(inputs), targets).backward()
            plain.step()
    assert list(monitor.history.steps) == list(other.history.steps) == [0, 2, 4]
    for name in ("gradient_norm", "update_to_weight", "activation_std", "similarity"):
        np.testing.assert_allclose(getattr(monitor.history, name), getattr(other.history, name), rtol=1e-5)
    assert monitor._backwards.losses(6) == pytest.approx(other._backwards.losses(6))


# No error reaches the training ---------------------------------------------------------------------------------------


def test_complex_weights_are_measured() -> None:
    class Waves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(20, 32, dtype=torch.cfloat), nn.Linear(32, 4, dtype=torch.cfloat)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(torch.tanh(self.a(x.to(torch.cfloat)))).abs()

    torch.manual_seed(0)
    model = Waves()
    monitor = trained(model, rate=0.5)
    assert monitor.diagnosis.healthy and (monitor.history.update_to_weight > 0).all()
    assert norms([model.a.weight.detach()])[0] == pytest.approx(float(model.a.weight.detach().abs().norm()), rel=1e-6)


@pytest.mark.parametrize("place", ["_record", "_held_by"])
def test_an_error_in_the_recording_ends_it_and_not_the_training(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def fails(self: Monitor, *_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Monitor, place, fails)
    model, (inputs, targets) = perceptron(), data()
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, show=False) as monitor:
        for _ in range(3):
            F.cross_entropy(model(inputs), targets).backward()
            stepper.step()
    assert monitor.problem == "ZeroDivisionError: a fault of ours" and "an error: ZeroDivisionError" in " ".join(
        str(monitor).split()
    )
    assert monitor.diagnosis.verdict == "not examined"
    assert following.BACKWARD._followers == () and following._followers == ()


def test_an_error_in_a_forward_hook_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers.doctor.listening import Listener

    monkeypatch.setattr(Listener, "_note", lambda *_: 1 / 0)
    model = perceptron()
    inputs = data()[0]
    with watch(model, show=False) as monitor:
        model(inputs)
    assert "ZeroDivisionError" in monitor.problem


def test_the_methods_of_torch_are_what_they_were() -> None:
    before = torch.Tensor.backward
    with watch(perceptron(), show=False):
        assert torch.Tensor.backward is not before
    assert torch.Tensor.backward is before


# The numbers ---------------------------------------------------------------------------------------------------------


def records(sizes: list[int], ask: bool, activation: Callable[[], nn.Module]) -> tuple[Monitor, list[int]]:
    """A training with batches of these sizes, and how many outputs wait after each step; `ask` looks at each record."""
    model, (inputs, targets) = perceptron(activation), data()
    stepper, waiting = torch.optim.SGD(model.parameters(), lr=0.1), []
    with watch(model, every=1, show=False) as monitor:
        for size in sizes:
            stepper.zero_grad()
            F.cross_entropy(model(inputs[:size]), targets[:size]).backward()
            stepper.step()
            assert not ask or np.isfinite(monitor.history.similarity[-1]).all()
            waiting.append(sum(room.used for room in monitor._listener.outputs._rooms.values()))
    return monitor, waiting


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize("sizes", [[64] * 20, [64, 64, 32, 64] * 5, list(range(20, 40))])
def test_records_that_are_measured_together_have_the_numbers_of_single_ones(
    sizes: list[int], activation: Callable[[], nn.Module]
) -> None:
    (together, waiting), (alone, none) = (records(sizes, ask, activation) for ask in (False, True))
    for name in QUANTITIES:
        found, right = (getattr(each.history, name) for each in (together, alone))
        assert found == pytest.approx(right, rel=1e-5, abs=1e-7, nan_ok=True), name
    assert max(waiting) <= 16 * 4 and waiting[15] == 0 and not any(none)


@pytest.mark.parametrize("size", [8, 4000])
def test_similarity_and_updates_agree_with_plain_torch(size: int) -> None:
    torch.manual_seed(0)
    values = torch.randn(20, size) + 0.5
    outputs = Outputs()
    outputs.keep("here", Following(values.clone().requires_grad_()), -1)
    [(_, batch, place)] = outputs.taken()
    found = batch.leaving(place)
    step = -(-size // 256)
    rows = F.normalize(values[:, ::step], dim=1)
    cosines = (rows @ rows.T)[~torch.eye(20, dtype=torch.bool)]
    assert found.similarity == pytest.approx(float(cosines.mean()), rel=1e-4)
    model = perceptron()
    before = model[2].weight.detach().clone(), model[2].bias.detach().clone()
    monitor = trained(model, steps=1)
    change = math.hypot(
        *(float((new.detach() - old).norm()) for new, old in zip(model[2].parameters(), before, strict=True))
    )
    weight = math.hypot(*(float(old.norm()) for old in before))
    assert monitor.history.update_to_weight[0, 1] == pytest.approx(change / weight, rel=1e-4)


def test_the_best_constant_prediction_of_ignored_labels_and_several_losses() -> None:
    baseline = Baseline()
    logits = torch.zeros(6, 3, requires_grad=True)
    baseline.look(F.cross_entropy(logits, torch.tensor([0, 0, 1, -100, -100, 2])))
    shares = np.array([0.5, 0.25, 0.25])
    assert baseline.value == pytest.approx(-(shares * np.log(shares)).sum())
    baseline.look(F.mse_loss(logits, torch.ones(6, 3)))
    assert math.isnan(baseline.value)


# What is shown -------------------------------------------------------------------------------------------------------


def test_text_json_and_page_tell_the_same(tmp_path: Path) -> None:
    monitor = trained(perceptron(), rate=0.01, zero=False, steps=60)
    diagnosis = monitor.diagnosis
    assert str(diagnosis) in str(monitor) and "Since step 1." in str(diagnosis)
    assert all(len(line) <= 80 for line in str(diagnosis).splitlines())
    report = json.loads(json.dumps(as_dictionary(diagnosis)))
    assert report["findings"][0]["began"] == 1 and report["findings"][0]["kind"] == "training"
    page = monitor.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "not zeroed: the gradients of earlier steps" in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts}
    assert scripts and hashes == set(re.findall(r"'sha256-([^']*)'", policy))
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy


def test_every_verdict_is_known() -> None:
    for verdict in ("dead", "not zeroed", "steps skipped", "healthy", "not examined"):
        assert verdict in TRAINING_VERDICTS
