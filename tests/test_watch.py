"""`watch`: right numbers, nothing changed, nothing left behind."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks
from torch.utils.checkpoint import checkpoint

from helpers import figures
from helpers.doctor import Monitor, display, pictures, watch
from helpers.doctor import hooks as following
from helpers.doctor.history import QUANTITIES
from helpers.doctor.watch import MOST_LINES
from helpers.panels.watching import COLUMNS, LayersPicture
from tests.benchmarks.watching import networks, ratio_of


def small() -> nn.Sequential:
    """A network with dropout and batch norm: randomness and buffers."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3)
    )


def batch(size: int = 16) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(1)
    return torch.randn(size, 6, generator=draws), torch.randint(3, (size,), generator=draws)


def fit(
    model: nn.Module,
    steps: int,
    *,
    data: tuple[Any, Tensor] | None = None,
    optimizer: str = "SGD",
    each: Callable[[int], object] = lambda step: None,
    clip: float | None = None,
) -> None:
    inputs, targets = data or batch()
    stepper = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1)
    for step in range(steps):
        each(step)
        stepper.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        stepper.step()


def hooks(model: nn.Module) -> list[int]:
    """How many hooks of each kind the model, its parameters and torch as a whole carry."""
    module = torch.nn.modules.module
    everywhere = [
        module._global_forward_hooks,
        module._global_forward_pre_hooks,
        module._global_backward_hooks,
        _global_optimizer_pre_hooks,
        _global_optimizer_post_hooks,
    ]
    parts = [hook for part in model.modules() for hook in (part._forward_hooks, part._forward_pre_hooks)]
    parts += [part._backward_hooks for part in model.modules()]
    parts += [parameter._backward_hooks or {} for parameter in model.parameters()]
    everywhere += [following.BACKWARD._followers, following.SCALE._followers, following.SCALER_STEP._followers]
    return [len(each) for each in [*everywhere, *parts]]


def everything(model: nn.Module) -> list[Any]:
    """State, gradients, modes and random states, to be compared bit for bit."""
    state = [tensor.clone() for tensor in model.state_dict().values()]
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    modes = torch.tensor([part.training for part in model.modules()])
    draws = [
        torch.get_rng_state(),
        torch.tensor(random.getstate()[1]),
        torch.tensor(np.random.get_state()[1].astype(int)),
    ]
    return [*state, *gradients, modes, *draws]


def same(one: list[Any], other: list[Any]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a is b if a is None or b is None else torch.equal(a, b) for a, b in pairs)


# Nothing is changed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("every", [1, 3, 10])
def test_training_comes_out_bit_for_bit_as_without(every: int, optimizer: str) -> None:
    plain, watched = small(), small()
    before = hooks(watched)
    torch.manual_seed(5)
    fit(plain, 25, optimizer=optimizer)
    expected = everything(plain)
    torch.manual_seed(5)
    with watch(watched, every=every, show=False) as monitor:
        fit(watched, 25, optimizer=optimizer)
    assert same(everything(watched), expected)
    assert hooks(watched) == before
    assert list(monitor.history.steps) == list(range(0, 25, every))


def test_an_optimizer_may_replace_the_weights_or_hold_them_in_any_order() -> None:
    class Replacing(torch.optim.SGD):
        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for each in self.param_groups[0]["params"]:
                each.data = each.data - 0.5 * each.data

    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    model[1].weight.data = model[1].weight.data.t().contiguous().t()  # numpy can't read it as one piece
    for layers in (model[:1], model):
        optimizer = Replacing(layers.parameters(), lr=1)
        with watch(layers, every=1, show=False) as monitor:
            for _ in range(3):
                layers(torch.ones(3, 4)).sum().backward()
                optimizer.step()
        assert monitor.history.update_to_weight == pytest.approx(np.full((3, len(layers)), 0.5), rel=1e-6)


@pytest.fixture(autouse=True)
def one_hook_stays() -> None:
    """The hook before the steps of all optimizers, which the first block sets, is counted from the beginning."""
    with watch(nn.Linear(1, 1), show=False):
        pass


@pytest.mark.parametrize("failing", [0, 3, 10])
def test_a_body_that_raises_leaves_nothing_behind(failing: int) -> None:
    def stop(step: int) -> None:
        if step == failing:
            raise KeyError("stopped by the body")

    plain, watched = small(), small()
    before = hooks(watched)
    torch.manual_seed(5)
    fit(plain, failing)
    expected = everything(plain)
    torch.manual_seed(5)
    with pytest.raises(KeyError, match="stopped by the body"), watch(watched, every=2, show=False):
        fit(watched, 20, each=stop)
    assert same(everything(watched), expected)
    assert hooks(watched) == before


def test_a_model_that_raises_in_its_forward_pass_leaves_nothing_behind() -> None:
    model = small()
    before = hooks(model)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), watch(model, show=False):
        model(torch.ones(2, 7))
    assert hooks(model) == before


def interrupted(model: nn.Module, seconds: float) -> None:
    """Watch a training that Ctrl-C ends after so many seconds, wherever it is then."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with watch(model, every=2, show=False):
            fit(model, 3)
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def interrupts(count: int) -> list[int]:
    """Which of so many interrupts at random moments leave a hook behind."""
    model, draws = small(), random.Random(count)
    interrupted(model, 60)
    before, left = hooks(model), []
    started = time.perf_counter()
    for _ in range(20):
        interrupted(model, 60)
    usual = (time.perf_counter() - started) / 20
    pressed = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for number in range(count):
            with contextlib.suppress(KeyboardInterrupt):  # one that comes when all is over
                interrupted(model, draws.uniform(1e-6, 1.1 * usual))
            torch.set_grad_enabled(True)  # PyTorch's own no_grad leaves it off where an interrupt hits its end
            if hooks(model) != before or following._followers:
                left.append(number)
                torch.nn.modules.module._global_forward_hooks.clear()
                following._followers = ()
    finally:
        signal.signal(signal.SIGALRM, pressed)
    return left


needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timer that interrupts")


@needs_timer
def test_an_interrupt_at_any_moment_leaves_nothing_behind() -> None:
    assert interrupts(60) == []


@needs_timer
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_three_thousand_interrupts_leave_nothing_behind() -> None:
    assert interrupts(3000) == []


@pytest.mark.parametrize("place", ["_start", "_stop", "_listen"])
def test_an_interrupt_where_hooks_come_and_go_waits_until_they_have(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    watched(1)
    model = small()
    before, whole, times = hooks(model), getattr(Monitor, place), iter(range(2))

    def pressed(self: Monitor) -> None:
        if next(times, None) == 0:
            signal.raise_signal(signal.SIGINT)
        whole(self)
        if next(times, None) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Monitor, place, pressed)
    with pytest.raises(KeyboardInterrupt), watch(model, every=1, show=False):
        fit(model, 2)
    assert hooks(model) == before and following._followers == ()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_before_the_first_line_of_the_exit_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = small()
    before = hooks(model)
    monkeypatch.setattr(Monitor, "__exit__", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), watch(model, show=False):
        fit(model, 1)
    assert hooks(model) == before and following._followers == ()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_the_block_catches_ends_the_recording() -> None:
    model = small()
    with watch(model, every=1, show=False) as outer, watch(model, every=1, show=False) as monitor:
        fit(model, 2)
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        fit(model, 2)
    assert len(monitor.history.steps) == len(outer.history.steps) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_block_in_one_thread_does_not_disturb_a_step_in_another() -> None:
    """PyTorch goes through its hooks while it calls them; here the block of another thread ends meanwhile."""
    model, other = small(), small()
    begun, ended = threading.Event(), threading.Event()

    def elsewhere() -> None:
        begun.wait(60)
        with watch(other, show=False):
            fit(other, 1)
        ended.set()

    thread = threading.Thread(target=elsewhere)
    thread.start()

    class Slow(Monitor):
        def _record(self) -> None:
            begun.set()
            assert ended.wait(60)
            super()._record()

    with Slow(model, 10, False) as monitor:
        fit(model, 2)
    thread.join()
    assert len(monitor.history.steps) == 1


def test_between_two_records_no_module_is_followed() -> None:
    seen = []
    model = small()
    with watch(model, every=4, show=False):
        fit(model, 9, each=lambda _: seen.append(len(torch.nn.modules.module._global_forward_hooks)))
    assert seen == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_an_evaluation_in_between_takes_the_same_path() -> None:
    """A hook on a part of it would keep the transformer's encoder from its fast path, which rounds otherwise."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    inputs = torch.randn(4, 5, 8)

    def evaluated() -> Tensor:
        layer.eval()
        with torch.no_grad():
            answer = layer(inputs)
        layer.train()
        return answer

    plain = evaluated()
    with watch(layer, show=False):
        assert torch.equal(evaluated(), plain)


# The numbers are right -----------------------------------------------------------------------------------------------


def test_numbers_agree_with_plain_autograd() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 20), nn.Sigmoid(), nn.Linear(20, 3)
    )
    with torch.no_grad():
        model.get_parameter("0.bias").sub_(1.0)
        model.get_parameter("2.weight").mul_(60)
        model.get_parameter("4.weight").mul_(30)
    reference, (inputs, targets) = copy.deepcopy(model), batch()
    with watch(model, show=False) as monitor:
        fit(model, 1)
    history, state, after = monitor.history, inputs, []
    cross_entropy(reference(inputs), targets).backward()
    for part in reference:
        state = part(state)
        after.append(state.detach().double())
    left = [after[1], after[3], after[5], after[6]]
    layers = [reference[place] for place in (0, 2, 4, 6)]
    norms = [math.hypot(*(p.grad.double().norm() for p in layer.parameters())) for layer in layers]
    weights = [math.hypot(*(p.detach().double().norm() for p in layer.parameters())) for layer in layers]
    assert history.layers == ("0", "2", "4", "6")
    assert history.gradient_norm[0] == pytest.approx(norms, rel=1e-6)
    assert history.gradient_to_weight[0] == pytest.approx(np.divide(norms, weights), rel=1e-6)
    assert history.activation_mean[0] == pytest.approx([float(values.mean()) for values in left], rel=1e-4)
    assert history.activation_std[0] == pytest.approx([float(values.std(correction=0)) for values in left], rel=1e-4)
    dead = float((left[0] == 0).all(dim=0).double().mean())
    flat_tanh = float(((1 - left[1] ** 2) < 0.01).double().mean())
    flat_sigmoid = float((left[2] * (1 - left[2]) < 0.0025).double().mean())
    assert 0.05 < dead < 0.95 and 0.05 < flat_tanh < 0.95 and 0.05 < flat_sigmoid < 0.95
    assert history.dead[0] == pytest.approx([dead, 0, 0, 0])
    assert history.saturated[0] == pytest.approx([0, flat_tanh, flat_sigmoid, 0])


def test_units_of_a_convolution_are_its_channels() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 3))
    with torch.no_grad():
        model[0].weight.abs_()  # so that the fourth channel is alive, whatever the weights drawn
        model[0].bias[:3] = -100.0
    with watch(model, show=False) as monitor:
        fit(model, 1, data=(torch.rand(8, 1, 6, 6) + 1, torch.arange(8) % 3))
    assert monitor.history.dead[0, 0] == 0.75


class Parts(nn.Module):
    """Two layers with activations called as functions, run as a whole, part by part, or as a checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.out = nn.Linear(6, 20), nn.Linear(20, 20), nn.Linear(20, 3)

    def hidden(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.two(torch.relu(self.one(inputs) - 0.5)))

    def forward(self, inputs: Tensor) -> Tensor:
        answer: Tensor = self.out(self.hidden(inputs))
        return answer


@pytest.mark.parametrize("is_checkpoint", [False, True])
def test_calls_that_wait_are_read_if_the_model_itself_is_not_called(is_checkpoint: bool) -> None:
    def in_parts(model: Parts, inputs: Tensor) -> Tensor:
        inputs = inputs.clone().requires_grad_()
        hidden = checkpoint(model.hidden, inputs, use_reentrant=False) if is_checkpoint else model.hidden(inputs)
        answer: Tensor = model.out(hidden)
        return answer

    found = []
    for run in (Parts.__call__, in_parts):
        model, (inputs, targets) = Parts(), batch()
        stepper = torch.optim.SGD(model.parameters(), lr=0.1)
        with watch(model, every=1, show=False) as monitor:
            for _ in range(2):
                stepper.zero_grad()
                cross_entropy(run(model, inputs), targets).backward()
                stepper.step()
        history = monitor.history
        # what follows the last layer of a checkpoint isn't run again in the backward pass, and isn't found there
        places = [history.layers.index(name) for name in ("one", "out", *(["two"] if not is_checkpoint else []))]
        found.append([history.activation_mean[:, places], history.dead[:, places], history.saturated[:, places]])
    assert found[0][1][0, 0] > 0
    for whole, parts in zip(*found, strict=True):
        assert parts == pytest.approx(whole, rel=1e-5)


def test_clipping_is_in_it() -> None:
    model = small()
    with watch(model, every=1, show=False) as monitor:
        fit(model, 5, clip=1e-3)
    whole = np.sqrt((monitor.history.gradient_norm**2).sum(axis=1))
    assert whole == pytest.approx([1e-3] * 5, rel=1e-3)


def test_gradients_below_the_square_root_of_float32_are_no_zeros() -> None:
    model = nn.Sequential(nn.Linear(6, 3, bias=False))
    inputs, targets = batch()
    with watch(model, show=False) as monitor:
        (1e-30 * cross_entropy(model(inputs), targets)).backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert 1e-32 < monitor.history.gradient_norm[0, 0] < 1e-28


def test_what_gets_no_gradient_or_no_number_is_said() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    model[0].requires_grad_(False)
    with watch(model, show=False) as monitor:
        fit(model, 1)
    assert np.isnan(monitor.history.gradient_norm[0]).tolist() == [True, False]
    inputs, targets = batch()
    with watch(model, show=False) as monitor:
        fit(model, 1, data=(inputs * math.inf, targets))
    assert monitor.history.gradient_norm[0, 1] == math.inf
    assert "none" in str(monitor) and "inf" in str(monitor)


class Reader(nn.Module):
    """Embedding, LSTM, attention, a layer that is used twice and one that is not used at all."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(3, 3)
        self.readout = nn.Linear(8, 3)
        self.words = nn.Embedding(10, 8, sparse=True)
        self.cell = nn.LSTM(8, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.twice = nn.Linear(8, 8)

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.cell(self.words(words))
        states, _ = self.attention(states, states, states)
        answer: Tensor = self.readout(self.twice(torch.relu(self.twice(states[:, -1]))))
        return answer


def test_layers_stand_in_the_order_in_which_they_ran() -> None:
    model = Reader()
    with watch(model, show=False) as monitor:
        fit(model, 1, data=(torch.randint(10, (4, 5)), torch.arange(4) % 3))
    history = monitor.history
    assert history.layers == ("words", "cell", "attention", "attention.out_proj", "twice", "readout", "unused")
    read = dict(zip(history.layers, history.activation_std[0], strict=True))
    assert math.isnan(read["unused"]) and read["cell"] > 0
    norms = dict(zip(history.layers, history.gradient_norm[0], strict=True))
    assert math.isnan(norms["unused"]) and norms["words"] > 0 and norms["attention.out_proj"] > 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    model, (inputs, targets) = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).to(dtype), batch()
    with watch(model, show=False) as monitor:
        fit(model, 1, data=(inputs.to(dtype), targets))
    assert (monitor.history.gradient_norm > 0).all() and (monitor.history.activation_std > 0).all()


# What a step is ------------------------------------------------------------------------------------------------------


def test_optimizers_of_other_models_make_no_steps() -> None:
    mine, other = small(), small()
    with watch(mine, every=1, show=False) as monitor:
        fit(other, 4)
        fit(mine, 2)
    assert len(monitor.history.steps) == 2


def test_passes_without_gradient_and_other_models_are_not_read() -> None:
    model, inputs = small(), batch()[0]
    with watch(model, every=1, show=False) as monitor:
        cross_entropy(model(inputs), batch()[1]).backward()
        with torch.no_grad():
            model(1e6 * inputs)
        small()(1e6 * inputs)
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert (monitor.history.activation_std[0] < 100).all()


def test_two_monitors_do_not_disturb_each_other() -> None:
    model = small()
    with watch(model, every=2, show=False) as outer, watch(model, every=3, show=False) as inner:
        fit(model, 7)
    assert list(outer.history.steps) == [0, 2, 4, 6] and list(inner.history.steps) == [0, 3, 6]
    assert (outer.history.gradient_norm[[0, 3]] == inner.history.gradient_norm[[0, 2]]).all()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="model must be a torch.nn.Module; got list"):
        watch([])  # type: ignore[arg-type]
    for every in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match=f"every must be a whole number ≥ 1; got {every!r}"):
            watch(small(), every=every)  # type: ignore[arg-type]
    monitor = watched(1)
    with pytest.raises(RuntimeError, match="has been used"), monitor:
        pass


# What is shown and kept ----------------------------------------------------------------------------------------------


def watched(steps: int, every: int = 1, show: bool = False) -> Monitor:
    model = small()
    with watch(model, every=every, show=show) as monitor:
        fit(model, steps)
    return monitor


def test_outside_a_notebook_a_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = watched(5, every=2, show=True)
    printed = capsys.readouterr().out
    assert printed == f"{monitor}\n" and monitor.picture is None
    assert "3 of 5 steps recorded, every 2" in printed
    assert all(len(line) <= 90 for line in printed.splitlines())
    assert len(printed.splitlines()) == 3 + 4 + 3
    watched(5)
    assert capsys.readouterr().out == ""


def test_no_step_is_said() -> None:
    with watch(small(), show=False) as monitor:
        pass
    assert str(monitor).startswith("Verdict: not examined") and "No step was recorded" in str(monitor)
    assert monitor.history.gradient_norm.shape == (0, 0)


def test_a_long_list_of_layers_is_cut_in_the_middle() -> None:
    model = nn.Sequential(*[nn.Linear(6, 6, bias=False) for _ in range(60)], nn.Linear(6, 3))
    with watch(model, show=False) as monitor:
        fit(model, 1)
    lines = str(monitor).splitlines()
    assert len(lines) == 3 + 3 + 3 + MOST_LINES + 1 and "… 21 more layers" in lines


def half_written(path: Path, text: str, encoding: str) -> None:
    """What a full disk makes of a file."""
    path.write_bytes(text[: len(text) // 2].encode(encoding))
    raise OSError(28, "No space left on device")


def test_one_file_shows_all_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = watched(4)
    path = monitor.save(tmp_path / "training.html")
    text = path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path] and str(monitor).splitlines()[0] in text
    head = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(src|href)\s*=", head)
    assert not re.search(r"<script[^>]*\ssrc=", text)
    assert text.count("Plotly.newPlot(") == 1 and "plotly.js v" in text
    earlier = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", half_written)
        with pytest.raises(OSError, match="No space left"):
            monitor.save(path)
    assert path.read_bytes() == earlier and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="doesn't exist: make it first"):
        monitor.save(tmp_path / "missing" / "training.html")
    (tmp_path / "link.html").symlink_to(path)
    path.chmod(0o640)
    monitor.save(tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink() and path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ValueError, match="a folder: name a file in it"):
        monitor.save(tmp_path)
    with pytest.raises(ValueError, match="no regular file"):
        monitor.save(os.devnull)
    with pytest.raises(ValueError, match="path is empty"):
        monitor.save("")
    with pytest.raises(TypeError, match="a string or a Path; got NoneType"):
        monitor.save(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing was recorded"):
        watch(small()).save(tmp_path / "empty.html")


def test_the_saved_figure_holds_every_quantity() -> None:
    history = watched(4).history
    figure = pictures.steps(history)
    assert [trace.name for trace in figure.data] == list(QUANTITIES)
    assert [trace.visible for trace in figure.data] == [True, *[False] * 7]
    assert figure.data[0].z == pytest.approx(np.log10(history.gradient_norm.T))
    assert figure.data[4].z == pytest.approx(history.dead.T)
    assert list(figure.layout.yaxis.ticktext) == list(history.layers)
    assert figure.layout.xaxis.ticklabeloverflow == figure.layout.yaxis.ticklabeloverflow == "allow"
    for place, button in enumerate(figure.layout.updatemenus[0].buttons):
        assert button.args[0]["visible"] == [other == place for other in range(8)]


def test_gaps_where_there_is_no_logarithm() -> None:
    values = np.array([[1e-3, 0.0], [np.nan, np.inf]])
    np.testing.assert_array_equal(figures.log10_or_gap(values), [[-3, np.nan], [np.nan, np.nan]])


def test_in_a_notebook_the_picture_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []

    def picture(layers: Any, every: int) -> LayersPicture:
        pictures.append(LayersPicture(layers, every))
        return pictures[-1]

    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "live_picture", picture)
    monitor = watched(12, show=True)
    assert pictures == [monitor.picture]
    shown = pictures[0].live.data["gradient norm"]
    assert shown.shape == (4, COLUMNS)
    np.testing.assert_allclose(shown[:, :12], np.log10(monitor.history.gradient_norm.T))
    assert np.isnan(shown[:, 12:]).all()


def test_a_long_run_is_thinned_and_keeps_its_steps() -> None:
    class Records:
        layers = ("a", "b")
        steps = np.arange(0, 5000, 10)
        gradient_norm = np.stack([10.0 ** -(steps / 1000), np.zeros(len(steps))], axis=1)

    picture = LayersPicture(Records.layers, 10)
    picture.show(Records())
    (heat,) = picture.live.figure.data
    assert isinstance(heat, go.Heatmap) and tuple(picture.children) == (picture.live,)
    shown = picture.live.data["gradient norm"]
    assert heat.x[1] == 50 or heat.x[1] == 80
    known = np.isfinite(shown[0])
    np.testing.assert_allclose(shown[0][known], -np.array(heat.x)[known] / 1000)
    assert known.sum() > COLUMNS / 2 and np.isnan(shown[1]).all()
    assert picture.live.data["ranges"]["xaxis"][1] >= Records.steps[-1]


def test_the_benchmark_compares_the_same_training() -> None:
    model, inputs = networks()["10 × 64 ReLU, batch 64"]
    assert 0.2 < ratio_of(model, inputs, rounds=1, steps=2) < 100
