"""The network picture against the engines: what is decoded equals their numbers but for the stated rounding."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import panels, picture
from helpers.activations import ACTIVATIONS, get_activation
from helpers.adversarial import draw_dense, generator_gradients
from helpers.arrays import Array
from helpers.clipping import gradient_parts, norm_factors
from helpers.network import INITS, NORMALIZATIONS, NetworkSpec, gradient_profile, unit_signals
from helpers.network.units import chosen_units
from helpers.panels import PANELS
from helpers.picture import NetworkPicture
from helpers.recurrent import RecurrentSpec, recurrent_profile
from helpers.residual import NORMALIZATIONS as PLACES
from helpers.residual import ResidualSpec, residual_profile
from tests.unpacking import unpack

PICTURED = {
    *("start_here", "definition", "deep_sigmoid_nets", "relu", "relu_schemes", "initialization"),
    *("initialization_schemes", "batch_norm", "residual_networks", "recurrent_networks", "way_back"),
    *("gradient_clipping", "unknown_network"),
}
"""The panels that are about a network and its gradient."""

COLUMN, UNIT = 0.0051, 0.1051
"""How far a level and a unit's deviation may be off, in decades."""


def decoded(drawn: NetworkPicture) -> NetworkPicture:
    """As the browser gets it: through JSON."""
    return unpack(json.loads(json.dumps(drawn.packed())))


def assert_levels(found: NetworkPicture, log10: Array) -> None:
    """Levels against log10 norms of the columns, relative to the last one."""
    silent = ~np.isfinite(log10)
    assert (found.level[silent] == -np.inf).all()
    np.testing.assert_allclose(found.level[~silent], (log10 - log10[-1])[~silent], atol=COLUMN)


def assert_units(found: NetworkPicture, log10: Array, column: Array) -> None:
    """Deviations against log10 norms of the units (columns, units) and of the whole columns' RMS units."""
    silent = ~np.isfinite(log10)
    assert ((found.deviation == -np.inf) == silent).all()
    expected = np.clip((log10 - column[:, None])[~silent], -2.0, 0.8)
    np.testing.assert_allclose(found.deviation[~silent], expected, atol=UNIT)


def random_layers(count: int) -> list[NetworkSpec]:
    random = np.random.default_rng(15)
    return [
        NetworkSpec(
            depth=int(random.integers(1, 101)),
            width=int(random.choice([3, 8, 16, 37, 64])),
            activation=str(random.choice(list(ACTIVATIONS))),
            init=str(random.choice(INITS[:7])),
            gain=float(10 ** random.uniform(-0.7, 0.7)),
            bias_std=float(random.choice([0, 0.3])),
            norm=str(random.choice(NORMALIZATIONS)),
            skip=float(random.choice([0, 0, 0.5, 1])),
            bias_mean=float(random.choice([0, 0, -1])),
            batch=8,
            seeds=2,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("spec", random_layers(30), ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_layers_equal_the_engine(spec: NetworkSpec) -> None:
    profile = gradient_profile(spec)
    units, found = unit_signals(profile), decoded(picture.layers(profile, arrives=-3.5))
    log10 = profile.log10_signal[0]
    assert_levels(found, log10)
    assert_units(found, units.log10_gradient, log10 - 0.5 * np.log10(spec.width))
    assert (found.closed == units.closed).all()
    shut = units.closed_share if spec.activation == "relu" else units.flat_share
    np.testing.assert_allclose(found.shut, shut, atol=0.5 / 255 + 1e-9)
    if 1 < spec.depth <= 75:
        assert found.links is not None and (found.links == units.links).all()
    else:
        assert found.links is None
    assert found.facts["last"] == spec.depth and found.facts["arrives"] == -3.5


def test_activations_are_those_of_the_digit_that_is_shown() -> None:
    profile = gradient_profile(NetworkSpec(3, 16, "sigmoid", batch=4, seeds=1))
    found = decoded(picture.layers(profile))
    np.testing.assert_allclose(found.activation, unit_signals(profile).sample, atol=0.5 / 14 + 1e-6)
    assert len(found.facts["input"]) == 64 and set(found.facts["input"]) <= set("0123456789")


def test_share_of_a_saturating_network_is_the_profile_s() -> None:
    profile = gradient_profile(NetworkSpec(6, 32, "sigmoid", gain=12.0, batch=16, seeds=2))
    found = decoded(picture.layers(profile))
    np.testing.assert_allclose(found.shut, profile.saturated[0], atol=0.002 + 1e-9)
    assert found.shut.max() > 0.1


def test_networks_that_went_in_turns_show_the_first_one() -> None:
    profile = gradient_profile(NetworkSpec(5, 16, batch=8, seeds=2))
    alone = picture.layers(replace(profile, backward=None)).packed()
    assert alone == picture.layers(profile).packed()


def test_a_network_without_any_gradient_is_dark() -> None:
    spec = NetworkSpec(12, 16, "relu", "he_normal", bias_mean=-8.0, batch=8, seeds=1)
    found = decoded(picture.layers(gradient_profile(spec)))
    assert (found.level[:-1] == -np.inf).all() and found.closed.all() and (found.shut == 1).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_chain_equals_its_product(activation: str) -> None:
    random = np.random.default_rng(1)
    places, weight = random.normal(0, 2, 40), 1.7
    chosen = ACTIVATIONS[activation]
    slopes = chosen.slope(places)
    found = decoded(picture.chain(slopes, chosen.function(places), weight, activation))
    with np.errstate(divide="ignore"):
        product = np.log10([np.abs(np.prod(weight * slopes[k + 1 :])) for k in range(40)])
    assert_levels(found, product)
    np.testing.assert_allclose(found.rows["slope"], slopes, atol=0.00051)
    closed = np.abs(slopes) < 0.01 * get_activation(activation).max_slope
    assert (found.closed[:, 0] == closed).all()


@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize(("skip", "branch"), [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.3)])
def test_blocks_equal_the_engine(norm: str, skip: float, branch: float) -> None:
    profile = residual_profile(ResidualSpec(9, 24, skip, branch, norm, batch=8, seeds=2))
    found, log10 = decoded(picture.blocks(profile)), profile.log10_signal[0]
    assert_levels(found, log10)
    with np.errstate(divide="ignore"):
        units = np.log10(profile.unit_gradient[0][:, chosen_units(24)])
        ways = np.log10(profile.skip_signal[0]), np.log10(profile.branch_signal[0])
    assert_units(found, units, log10 - 0.5 * np.log10(24))
    for name, way in zip(("skip", "branch"), ways, strict=True):
        silent = ~np.isfinite(way)
        assert (found.rows[name][:-1][silent] == -np.inf).all()
        np.testing.assert_allclose(found.rows[name][:-1][~silent], (way - log10[-1])[~silent], atol=COLUMN)
    assert found.links is not None and (found.links == profile.links(0, chosen_units(24))).all()
    assert len(np.unique(found.links)) > 3


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("length", [1, 30, 100, 250, 500])
def test_steps_equal_the_engine(cell: str, length: int) -> None:
    profile = recurrent_profile(RecurrentSpec(cell, length, hidden=12, batch=2, seeds=2))
    found, log10 = decoded(picture.steps(profile)), profile.log10_signal[0]
    stride = found.facts["stride"]
    times = np.arange(length - 1, -1, -stride)[::-1]
    assert len(times) <= 100 and times[-1] == length - 1
    assert_levels(found, log10[times])
    assert_units(found, profile.log10_unit_gradient[0][times], log10[times] - 0.5 * np.log10(12))
    if cell == "rnn":
        linked = 1 < len(times) <= 75
        assert not found.rows and (found.links is not None) == linked
        if found.links is not None:
            assert (found.links == profile.links(0, chosen_units(12), times)).all()
    else:
        assert found.links is None
        carried = (profile.log10_carried[0] - log10[-1])[times]
        assert found.rows["skip"][-1] == carried[-1] == -np.inf
        np.testing.assert_allclose(found.rows["skip"][:-1], carried[:-1], atol=COLUMN)


@pytest.mark.parametrize("loss", ["saturating", "non_saturating", "wasserstein"])
def test_players_equal_the_engine(loss: str) -> None:
    random = np.random.default_rng(2)
    made, judged = draw_dense((3, 16, 2), [random]), draw_dense((2, 9, 1), [random])
    gradients = generator_gradients(made, judged, random.standard_normal((1, 32, 3)), loss)
    found = decoded(picture.players(gradients, 0, 2))
    units = [np.log10(each[0]) for each in gradients.unit_gradients()]
    assert found.facts["counts"] == [3, 16, 2, 9, 1]
    for column, each in enumerate(units):
        rms = np.log10(np.sqrt(np.mean(10 ** (2 * each))))
        assert found.level[column] == pytest.approx(rms + np.log10(32) / 2, abs=COLUMN)
        expected = np.clip(each - rms, -2, 0.8)
        np.testing.assert_allclose(found.deviation[column, : len(each)], expected, atol=UNIT)
    logits = gradients.at_logits[0, :, 0] * 32  # one for each sample, as if it had been alone
    assert 10 ** found.level[-1] == pytest.approx(np.sqrt(np.mean(logits**2)), rel=0.02)
    if loss == "wasserstein":
        assert found.level[-1] == 0


@pytest.mark.parametrize("network", ["layers", "recurrent"])
def test_clipping_by_norm_dims_all_parts_alike(network: str) -> None:
    each, whole = gradient_parts(network, 12, 3.0, width=8)
    before = each[0].reshape(12, 8, 8)
    factor = float(norm_factors(whole, 0.01)[0].item())
    first = decoded(picture.parts(before, before, "layers"))
    second = decoded(picture.parts(before * factor, before, "layers"))
    with np.errstate(divide="ignore"):
        norms = np.log10(np.linalg.norm(before, axis=(1, 2)))
    assert_levels(first, norms)
    known = np.isfinite(first.level)
    np.testing.assert_allclose(second.level[known], first.level[known] + np.log10(factor), atol=2 * COLUMN)
    assert (second.deviation == first.deviation).all()


def test_a_hundred_states_stay_under_300_kilobytes() -> None:
    """The depth slider of the deepest panel, all of its hundred places, as the kernel sends them."""

    def size(depth: int) -> int:
        profile = gradient_profile(NetworkSpec(depth, 64, batch=8, seeds=1))
        return len(json.dumps(picture.layers(profile).packed()))

    sizes = [size(depth) for depth in range(1, 101)]
    assert sum(sizes) < 300_000 and max(sizes) < 3000


def test_a_table_packs_well() -> None:
    states: list[Any] = [
        picture.layers(gradient_profile(NetworkSpec(depth, 64, batch=8, seeds=1))).packed() for depth in (10, 40, 75)
    ]
    text = json.dumps(states).encode()
    assert len(zlib.compress(text, 9)) < 0.75 * len(text)


def test_fewer_units_and_columns_where_networks_share_the_height() -> None:
    spec = NetworkSpec(5, 64, batch=8, seeds=2)
    profile = gradient_profile(spec)
    few = picture.layers(profile, 6)
    assert few.deviation.shape == (5, 6) and (few.level == picture.layers(profile).level).all()
    assert picture.first_of(spec, 6).packed() == few.packed()
    series = recurrent_profile(RecurrentSpec("rnn", 100, hidden=12, batch=2, seeds=1))
    assert picture.steps(series, 6, 50).deviation.shape == (50, 6)


@pytest.mark.parametrize("name", [name for names in PANELS.values() for name in names])
def test_pictures_of_panels_are_json_of_less_than_three_kilobytes_a_state(name: str) -> None:
    panel = getattr(panels, name)()
    if "net" not in panel.live.notes_shown:
        assert name not in PICTURED
        return
    for values in panel.presets.values():
        panel.set(**values)
        nets = panel.data["net"]
        packed = [net.packed() for net in ([nets] if isinstance(nets, NetworkPicture) else nets)]
        assert len(json.dumps(packed, allow_nan=False)) < 3000


@pytest.mark.parametrize(
    ("name", "values", "dark"),
    [
        ("start_here", {"depth": 10}, [0]),
        ("start_here", {"depth": 11}, [1]),
        ("deep_sigmoid_nets", {"depth": 60, "scheme": "pytorch_default"}, [52]),
        ("relu_schemes", {"depth": 30}, [14, 0, 0]),
    ],
)
def test_the_layers_that_lessons_00_03_and_04_and_their_notes_call_dark(
    name: str, values: dict[str, Any], dark: list[int]
) -> None:
    panel = getattr(panels, name)()
    panel.set(**values)
    nets = panel.data["net"]
    assert [int((net.level < -6).sum()) for net in (nets if isinstance(nets, list) else [nets])] == dark


def test_the_picture_of_lesson_00_shows_16_of_64_units() -> None:
    drawn = panels.start_here().data["net"]
    assert (drawn.facts["width"], drawn.deviation.shape[1]) == (64, 16)


def test_units_of_lesson_03_that_are_saturated_for_every_digit_are_hollow() -> None:
    panel = panels.deep_sigmoid_nets()
    panel.set(**panel.presets["what it costs"])
    drawn = panel.data["net"]
    assert 0.1 < drawn.closed.mean() < drawn.shut.mean() < 0.4
