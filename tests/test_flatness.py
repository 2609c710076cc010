"""Dead and saturated by one rule: the engine's profile, `diagnose` and `watch` on the same network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.datasets import gaussian
from helpers.doctor import WatchHistory, diagnose, watch
from helpers.models import MLP
from helpers.network import GradientProfile, NetworkSpec, backpropagate, initial_parameters

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
    "hard_tanh": F.hardtanh,
}
DEPTH, BATCH = 3, 40


def spec_of(activation: str) -> NetworkSpec:
    """Wide pre-activations, so that some elements lie on the flat parts and some do not; far biases kill ReLUs."""
    return NetworkSpec(DEPTH, 30, activation, "lecun_normal", gain=3.0, bias_std=6.0, batch=BATCH, seeds=1)


class Functional(nn.Module):
    """The same network, its activation called as a function, with dropout of nothing and a view in between."""

    def __init__(self, twin: MLP, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers, self.readout, self.function = twin.layers, twin.readout, function
        self.dropout = nn.Dropout(0.0)

    def forward(self, inputs: Tensor) -> Tensor:
        h = inputs
        for layer in self.layers:
            h = self.dropout(self.function(layer(h))).view(len(inputs), -1)
        return self.readout(h)


def by_engine(spec: NetworkSpec) -> tuple[GradientProfile, Tensor, Tensor]:
    inputs, targets = gaussian(BATCH, features=20)
    profile = backpropagate(spec, initial_parameters(spec, 20, 10), inputs, targets)
    return profile, torch.tensor(inputs), torch.tensor(targets)


def watched(model: nn.Module, inputs: Tensor, targets: Tensor) -> WatchHistory:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, show=False) as monitor:
        cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return monitor.history


@pytest.mark.parametrize("called", ["module", "function"])
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_the_engine_diagnose_and_watch_agree(activation: str, called: str) -> None:
    spec = spec_of(activation)
    profile, inputs, targets = by_engine(spec)
    twin = MLP(spec, 20, 10, dtype=torch.float64)
    model = twin if called == "module" else Functional(twin, FUNCTIONS[activation])
    layers = [
        layer
        for layer in diagnose(model, cross_entropy, inputs, targets).layers
        if layer.status == "no parameters" and not np.isnan(layer.dead if activation == "relu" else layer.saturated)
    ]
    history = watched(model, inputs, targets)
    assert len(layers) == DEPTH
    assert profile.saturated.max() > 0.02 and profile.saturated.min() < 0.98
    if activation == "relu":
        assert 0.05 < profile.dead.min() < profile.dead.max() < 0.95
        assert [layer.dead for layer in layers] == pytest.approx(profile.dead[0])
        assert all(np.isnan(layer.saturated) for layer in layers)  # a rectifier's flat part is what it is made for
        assert history.dead[0, :DEPTH] == pytest.approx(profile.dead[0])
        assert not history.saturated.any()
    else:
        assert not profile.dead.any() and not history.dead.any()
        assert all(np.isnan(layer.dead) for layer in layers)
        assert [layer.saturated for layer in layers] == pytest.approx(profile.saturated[0])
        assert history.saturated[0, :DEPTH] == pytest.approx(profile.saturated[0])
    for name in ("mean", "std"):
        values = [getattr(layer, f"activation_{name}") for layer in layers]
        assert getattr(history, f"activation_{name}")[0, :DEPTH] == pytest.approx(values, rel=1e-5)


def test_watch_sees_an_activation_behind_the_last_layer_and_one_in_place() -> None:
    class Ends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return torch.sigmoid(20 * self.last(F.relu(self.first(inputs), inplace=True)))

    torch.manual_seed(0)
    model = Ends()
    with torch.no_grad():
        model.first.bias[:2] = -100.0
    history = watched(model, torch.randn(16, 4), torch.arange(16) % 3)
    assert history.dead[0].tolist() == pytest.approx([1 / 3, 0])
    assert history.saturated[0, 1] > 0.05


def test_an_activation_of_another_branch_is_not_taken_for_the_layers_own() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            beside = torch.relu(inputs * self.two.weight.sum() * 0 - 1)  # dead, and not computed from `one`
            return self.two(self.one(inputs) + beside)

    history = watched(Branches(), torch.randn(16, 4), torch.arange(16) % 3)
    assert not history.dead.any()
