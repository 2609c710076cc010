"""Backpropagation through time by hand against torch's autograd, and against what is known in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.recurrent import (
    CELLS,
    RecurrentParameters,
    RecurrentSpec,
    backpropagate,
    initial_parameters,
    recurrent_profile,
)


def drawn(spec: RecurrentSpec, seed: int = 0, dtype: Any = np.float64) -> tuple[RecurrentParameters, Any, Any]:
    rng = np.random.default_rng(seed)
    inputs = spec.input_scale * rng.standard_normal((spec.length, spec.batch, spec.features))
    return initial_parameters(spec, seed, dtype), inputs, rng.standard_normal((spec.batch, spec.hidden))


def autograd(
    spec: RecurrentSpec, parameters: RecurrentParameters, inputs: Any, at_hidden: Any, at_cell: Any = None, net: int = 0
) -> dict[str, Any]:
    """The same with torch's own cells, step by step, in float64: norms of ∂L/∂h_t and ∂L/∂c_t, and raw gradients."""
    kinds: dict[str, Any] = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
    cell = kinds[spec.cell](spec.features, spec.hidden).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(parameters.input_weights[net].T.astype(float)))
        cell.weight_hh.copy_(torch.tensor(parameters.recurrent_weights[net].T.astype(float)))
        cell.bias_ih.copy_(torch.tensor(parameters.input_biases[net].astype(float)))
        cell.bias_hh.copy_(torch.tensor(parameters.recurrent_biases[net].astype(float)))
    h = torch.zeros(spec.batch, spec.hidden, dtype=torch.float64)
    c = torch.zeros_like(h)
    hidden, cells, kept = [], [], []
    for x in torch.tensor(inputs):
        if spec.cell == "lstm":
            h, c = cell(x, (h, c))
            c.retain_grad()
            cells.append(c)
            c = 1.0 * c  # whose gradient is what comes to the cell from the next step
            c.retain_grad()
            kept.append(c)
        else:
            h = cell(x, h)
        h.retain_grad()
        hidden.append(h)
    loss = (h * torch.tensor(at_hidden)).sum()
    if at_cell is not None:
        loss = loss + (c * torch.tensor(at_cell)).sum()
    loss.backward()
    return {
        "signal": np.array([h.grad.norm().item() for h in hidden]),
        "units": np.stack([h.grad.norm(dim=0).numpy() for h in hidden]),
        "cell_signal": np.array([c.grad.norm().item() for c in cells]),
        "carried": np.array([0.0 if c.grad is None else c.grad.norm().item() for c in kept[:-1]]),
        "gradients": [
            cell.weight_ih.grad.numpy().T,
            cell.weight_hh.grad.numpy().T,
            cell.bias_ih.grad.numpy(),
            cell.bias_hh.grad.numpy(),
        ],
        "states": np.stack([h.detach().numpy() for h in hidden]),
    }


def assert_equals_autograd(spec: RecurrentSpec, tolerance: float, seed: int = 0, dtype: Any = np.float64) -> None:
    parameters, inputs, at_hidden = drawn(spec, seed, dtype)
    at_cell = 0.5 * at_hidden[::-1].copy() if spec.cell == "lstm" else None
    profile = backpropagate(spec, parameters, inputs, at_hidden, at_cell)
    for net in range(spec.seeds):
        right = autograd(spec, parameters, inputs, at_hidden, at_cell, net)
        np.testing.assert_allclose(profile.signal[net], right["signal"], rtol=tolerance)
        np.testing.assert_allclose(10 ** profile.log10_signal[net], right["signal"], rtol=10 * tolerance)
        units, largest = 10 ** profile.log10_unit_gradient[net], right["units"].max(axis=1, keepdims=True)
        np.testing.assert_allclose(units / largest, right["units"] / largest, rtol=0, atol=10 * tolerance)
        if spec.cell == "lstm":
            np.testing.assert_allclose(profile.cell_signal[net], right["cell_signal"], rtol=tolerance)
            np.testing.assert_allclose(10 ** profile.log10_carried[net][:-1], right["carried"], rtol=10 * tolerance)
            assert profile.log10_carried[net][-1] == -np.inf
        np.testing.assert_allclose(profile.states[:, net], right["states"], rtol=0, atol=tolerance)
        for mine, other in zip(vars(profile.gradients).values(), right["gradients"], strict=True):
            assert np.linalg.norm(mine[net] - other) <= tolerance * np.linalg.norm(other)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("length", [1, 2, 50, 500])
def test_float64_equals_autograd(cell: str, length: int) -> None:
    assert_equals_autograd(RecurrentSpec(cell, length, hidden=16, features=3, batch=4, seeds=2), 1e-9)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("length", [1, 2, 50, 500])
def test_float32_equals_autograd(cell: str, length: int) -> None:
    spec = RecurrentSpec(cell, length, hidden=16, features=3, batch=4, seeds=2, input_scale=0.5)
    assert_equals_autograd(spec, 1e-5, dtype=np.float32)


@given(
    cell=st.sampled_from(list(CELLS)),
    length=st.integers(1, 12),
    hidden=st.integers(1, 9),
    features=st.integers(1, 4),
    init=st.sampled_from(["pytorch_default", "orthogonal", "gaussian"]),
    radius=st.sampled_from([None, 0.5, 1.0, 1.5]),
    biased=st.booleans(),
    seeds=st.sampled_from([1, 3]),
    batch=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_any_cell_equals_autograd(seed: int, **shape: Any) -> None:
    assert_equals_autograd(RecurrentSpec(**shape), 1e-9, seed)


def test_a_gru_carries_past_its_weights_what_it_keeps_of_its_state() -> None:
    """Without recurrent weights nothing else reaches the step before; with them it is autograd's whole less theirs."""
    spec = RecurrentSpec("gru", 30, hidden=8, batch=3, seeds=2, radius=0.0)
    profile = backpropagate(spec, *drawn(spec))
    np.testing.assert_allclose(profile.log10_carried[:, :-1], profile.log10_signal[:, :-1], atol=1e-9)
    spec = RecurrentSpec("gru", 2, hidden=8, batch=1, seeds=1)
    parameters, inputs, at_hidden = drawn(spec)
    h = backpropagate(spec, parameters, inputs, at_hidden).states[0, 0]
    z = (inputs[1] @ parameters.input_weights[0] + parameters.input_biases[0])[:, 8:16]
    z = z + (h @ parameters.recurrent_weights[0] + parameters.recurrent_biases[0])[:, 8:16]
    kept = np.linalg.norm(at_hidden / (1 + np.exp(-z)))
    found = backpropagate(spec, parameters, inputs, at_hidden).log10_carried
    np.testing.assert_allclose(found, [[np.log10(kept), -np.inf]])
    assert np.isnan(backpropagate(RecurrentSpec("rnn", 3), *drawn(RecurrentSpec("rnn", 3))).log10_carried).all()


@pytest.mark.parametrize(("length", "stride"), [(1, 1), (9, 1), (9, 2), (21, 5)])
def test_steps_of_a_plain_network_are_linked_where_most_of_their_gradient_came_through(
    length: int, stride: int
) -> None:
    """Against autograd from one unit at a time, over all the steps between."""
    spec = RecurrentSpec("rnn", length, hidden=7, batch=3, seeds=2)
    parameters, inputs, at_hidden = drawn(spec)
    units, times = np.array([0, 2, 3, 6]), np.arange(length - 1, -1, -stride)[::-1]
    found = backpropagate(spec, parameters, inputs, at_hidden).links(1, units, times)
    weights, recurrent, *biases = (torch.tensor(array[1]) for array in vars(parameters).values())
    states = [torch.zeros(3, 7, dtype=torch.float64)]
    for x in torch.tensor(inputs):
        states.append(torch.tanh(x @ weights + states[-1] @ recurrent + sum(biases)).requires_grad_())
    gradients = torch.autograd.grad((states[-1] * torch.tensor(at_hidden)).sum(), states[1:], retain_graph=True)
    expected = []
    for here, there in zip(times[:-1], times[1:], strict=True):
        weighted = states[there + 1] * gradients[there]
        parts = [
            torch.autograd.grad(weighted[:, v].sum(), states[here + 1], retain_graph=True)[0].norm(dim=0) for v in units
        ]
        expected.append(torch.stack(parts).argmax(dim=0)[units].tolist())
    assert found.tolist() == expected
    assert found.shape == (len(times) - 1, 4)


def test_cells_that_carry_their_state_have_no_links() -> None:
    with pytest.raises(ValueError, match="cell must be 'rnn'.*got 'gru'"):
        recurrent_profile(RecurrentSpec("gru", 3)).links(0, np.arange(2), np.arange(3))


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.1])
def test_a_linear_network_of_orthogonal_weights_follows_its_radius_exactly(radius: float) -> None:
    spec = RecurrentSpec("rnn", 200, init="orthogonal", radius=radius, activation="linear", seeds=2)
    profile = backpropagate(spec, *drawn(spec))
    expected = radius ** np.arange(199, -1, -1.0)
    np.testing.assert_allclose(profile.signal / profile.signal[:, -1:], np.tile(expected, (2, 1)), rtol=1e-12)


def test_norms_far_below_float64_stay_known() -> None:
    spec = RecurrentSpec("rnn", 500, init="orthogonal", radius=0.1, activation="linear", seeds=1)
    profile = recurrent_profile(spec)
    np.testing.assert_allclose(profile.log10_signal[0], -np.arange(499, -1, -1.0), atol=1e-3)
    assert profile.signal[0, 0] == 0.0


def test_exploding_norms_stay_known_too() -> None:
    spec = RecurrentSpec("rnn", 500, init="orthogonal", radius=10, activation="linear", input_scale=0, seeds=1)
    np.testing.assert_allclose(recurrent_profile(replace(spec, biased=False)).log10_signal[0, 0], 499, atol=1e-3)


def test_a_long_default_lstm_equals_autograd_of_a_scaled_loss() -> None:
    spec = RecurrentSpec("lstm", 300, hidden=8, batch=2, seeds=1)
    parameters, inputs, at_hidden = drawn(spec)
    low = np.log10(autograd(spec, parameters, inputs, 1e100 * at_hidden)["signal"]) - 100
    np.testing.assert_allclose(backpropagate(spec, parameters, inputs, at_hidden).log10_signal[0], low, atol=1e-9)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 2.0, 5.0])
def test_without_weights_the_cell_forgets_by_its_gate_alone(bias: float) -> None:
    spec = RecurrentSpec("lstm", 60, radius=0.0, input_scale=0.0, biased=False, forget_bias=bias, seeds=1)
    parameters, inputs, at_hidden = drawn(spec)
    profile = backpropagate(spec, parameters, inputs, 0 * at_hidden, at_hidden)
    gate = 1 / (1 + np.exp(-bias))
    fallen = np.log10(gate) * np.arange(59, -1, -1.0) + np.log10(np.linalg.norm(at_hidden))
    np.testing.assert_allclose(profile.log10_cell_signal[0], fallen, rtol=1e-12)
    np.testing.assert_allclose(profile.log10_forget_path[0], fallen, rtol=1e-12)
    np.testing.assert_allclose(profile.forget_gate, gate)


def test_the_forget_path_is_the_product_of_the_gates() -> None:
    spec = RecurrentSpec("lstm", 9, hidden=5, batch=3, seeds=2)
    parameters, inputs, at_hidden = drawn(spec)
    profile = backpropagate(spec, parameters, inputs, 0 * at_hidden, at_hidden)
    assert profile.log10_cell_signal[0, -1] == pytest.approx(profile.log10_forget_path[0, -1], rel=1e-12)
    assert (np.diff(profile.log10_forget_path) > 0).all()
    assert abs(profile.log10_forget_path[0, 0] - profile.log10_cell_signal[0, 0]) < 1


def test_biases_of_the_forget_gate_stand_where_pytorch_has_them() -> None:
    one = initial_parameters(RecurrentSpec(forget_bias=1, hidden=4, seeds=1))
    two = initial_parameters(RecurrentSpec(forget_bias=1, bias_vectors=2, hidden=4, seeds=1))
    np.testing.assert_array_equal(one.input_biases[0, 4:8], 1)
    np.testing.assert_array_equal(one.recurrent_biases[0, 4:8], 0)
    np.testing.assert_array_equal(two.recurrent_biases[0, 4:8], 1)
    chrono = initial_parameters(RecurrentSpec(chrono=60, hidden=400, seeds=1))
    forget = chrono.input_biases[0, 400:800]
    assert forget.min() >= 0 and forget.max() <= np.log(59) and forget.max() > np.log(50)
    np.testing.assert_array_equal(chrono.input_biases[0, :400], -forget)
    np.testing.assert_array_equal(chrono.recurrent_biases[0, 400:800], 0)


@pytest.mark.parametrize("cell", CELLS)
def test_the_radius_is_that_of_every_block(cell: str) -> None:
    weights = initial_parameters(RecurrentSpec(cell, radius=1.3, hidden=20, seeds=2)).recurrent_weights
    for block in np.split(weights, CELLS[cell], axis=2):
        assert np.abs(np.linalg.eigvals(block)).max(axis=1) == pytest.approx(1.3)


def test_a_longer_series_ends_in_the_same_networks_and_one_seed_is_the_first_of_many() -> None:
    spec = RecurrentSpec("gru", 30)
    one, many = recurrent_profile(replace(spec, seeds=1)), recurrent_profile(spec)
    np.testing.assert_allclose(one.log10_signal[0], many.log10_signal[0], atol=1e-5)
    longer = recurrent_profile(replace(spec, length=40))
    np.testing.assert_allclose(longer.states[:30], many.states, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cell": "rnnn"}, "cell must be one of rnn, lstm, gru; got 'rnnn'"),
        ({"length": 0}, "length must be a whole number ≥ 1; got 0"),
        ({"hidden": -3}, "hidden must be a whole number ≥ 1; got -3"),
        ({"init": "he"}, "init must be one of pytorch_default, orthogonal, gaussian; got 'he'"),
        ({"radius": float("nan")}, "radius must be a finite number ≥ 0; got nan"),
        ({"forget_bias": float("inf")}, "forget_bias must be a finite number; got inf"),
        ({"cell": "gru", "forget_bias": 1.0}, "forget_bias must be None for cell 'gru'"),
        ({"chrono": 2}, "chrono must be a whole number ≥ 3; got 2"),
        ({"chrono": 9, "forget_bias": 1.0}, "chrono must be None where forget_bias is given; got 9"),
        ({"bias_vectors": 3}, "bias_vectors must be a whole number from 1 to 2; got 3"),
        ({"activation": "relu"}, "activation must be one of tanh, linear; got 'relu'"),
    ],
)
def test_a_bad_spec_is_refused_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RecurrentSpec(**wrong)


def test_arrays_that_do_not_fit_are_refused_by_name() -> None:
    spec = RecurrentSpec("rnn", 5, hidden=3, batch=2, seeds=1)
    parameters, inputs, at_hidden = drawn(spec)
    with pytest.raises(ValueError, match=r"inputs must have shape \(5, 2, 1\); got \(4, 2, 1\)"):
        backpropagate(spec, parameters, inputs[1:], at_hidden)
    with pytest.raises(ValueError, match="at_hidden must be finite"):
        backpropagate(spec, parameters, inputs, np.nan * at_hidden)
    with pytest.raises(ValueError, match="where at_cell is given, must be one of lstm; got 'rnn'"):
        backpropagate(spec, parameters, inputs, at_hidden, at_hidden)
    with pytest.raises(ValueError, match="all be float32 or all be float64"):
        backpropagate(spec, replace(parameters, input_biases=parameters.input_biases.astype("f")), inputs, at_hidden)


def test_a_gain_multiplies_the_recurrent_weights_and_nothing_else() -> None:
    drawn, larger = (initial_parameters(RecurrentSpec("lstm", hidden=8, gain=gain)) for gain in (1.0, 2.5))
    np.testing.assert_allclose(larger.recurrent_weights, 2.5 * drawn.recurrent_weights)
    np.testing.assert_array_equal(larger.input_weights, drawn.input_weights)
    np.testing.assert_array_equal(larger.input_biases, drawn.input_biases)
    with pytest.raises(ValueError, match="gain must be 1 where radius is given; got 2"):
        RecurrentSpec(radius=1.0, gain=2.0)
