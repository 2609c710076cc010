"""Lesson 07: every number that its prose and its quiz state, and the recipe of its convolutional twins.

Recipe: `ConvNet`, 30 blocks (62 layers with weights), 16 channels, batch norm, the digits (1348 to train on), SGD
without momentum, learning rate 0.1, batches of 64, 150 steps, seeds 0-4 for weights and shuffling. Plain: .18-.32 of
new digits right, training loss 1.8-2.2. Residual: .967-.980, loss below .02. Two blocks: the twins learn alike.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch

from helpers import figures, panels, quiz, theory
from helpers.datasets import digits_split
from helpers.models import ConvNet, ResidualMLP
from helpers.panels.lesson_07 import DEFAULT_BRANCH
from helpers.residual import ResidualSpec, input_gradients, path_energies, residual_profile
from helpers.training import History, train
from tests.lessons import prose_of
from tests.tiers import first_slow

prose = partial(prose_of, "07")
FULL = {"skip": 1.0, "branch": 1.0, "norm": "none", "blocks": 20, "width": 64}


@pytest.fixture(scope="module")
def panel() -> panels.Panel:
    return panels.residual_networks()


def grown(panel: panels.Panel, trace: str = "measured", **values: object) -> float:
    """log10 of the signal at the stem over the last block's; for "size" of the last block's over the stem's."""
    panel.set(**{**FULL, **values})
    known = np.asarray(panel.data[trace])
    known = known[np.isfinite(known)]
    assert len(known) == panel.controls["blocks"].value + 1
    return float(known[-1] - known[0]) if trace.startswith("size") else float(known[0] - known[-1])


# Predict, slide, measure ---------------------------------------------------------------------------------------------


def test_what_is_predicted() -> None:
    predictions = quiz.load_predictions()
    assert predictions["07"].low < math.log10(2**20) < predictions["07"].high
    average = (path_energies(ResidualSpec(blocks=20, norm="pre_layer")) @ np.arange(21)).mean()
    assert average == pytest.approx(3, abs=0.3), "about three branches of twenty"
    assert sum(1 / (block + 1) for block in range(1, 21)) == pytest.approx(2.6, abs=0.05)
    assert quiz.compare_prediction(predictions["07-length"], "3", average).close


def test_presets_the_text_names_are_there() -> None:
    for make in (panels.residual_networks, panels.path_lengths, panels.shattered_gradients):
        named = [name for name in make().presets if f"*{name}*" in prose()]
        assert named or make is panels.path_lengths, make.__name__
    assert all(f"*{name}*" in prose() for name in panels.residual_networks().presets if "batch" not in name)


def test_plain_with_he_is_level_and_with_pytorchs_default_it_vanishes(panel: panels.Panel) -> None:
    for blocks in range(1, 51, 7):
        assert grown(panel, skip=0.0, blocks=blocks, width=128) == pytest.approx(0, abs=0.3)
        lost = grown(panel, skip=0.0, branch=DEFAULT_BRANCH, blocks=blocks)
        assert lost == pytest.approx(blocks * math.log10(DEFAULT_BRANCH), abs=0.35)
    assert pytest.approx(math.sqrt((1 / 3) * (1 / 3) / 2), abs=5e-4) == DEFAULT_BRANCH
    assert 10 ** grown(panel, branch=DEFAULT_BRANCH) == pytest.approx(1.72, rel=0.1), "the skip is a cure there"


def test_the_skip_alone_explodes(panel: panels.Panel) -> None:
    previous = -1.0
    for skip in np.linspace(0, 1, 21):
        now = grown(panel, skip=float(skip), width=128)
        assert now == pytest.approx(10 * math.log10(1 + skip**2), abs=0.25)
        assert now > previous - 0.02
        previous = now
    for blocks in (10, 30, 50):
        assert 10 ** (grown(panel, blocks=blocks) / blocks) == pytest.approx(math.sqrt(2), rel=0.03)
        assert grown(panel, "size", blocks=blocks) == pytest.approx(blocks * math.log10(math.sqrt(2)), rel=0.07)


def test_on_the_circle_every_network_is_level(panel: panels.Panel) -> None:
    assert grown(panel, skip=0.8, branch=0.6, blocks=50) == pytest.approx(0, abs=0.3)
    assert grown(panel, skip=0.8, branch=0.2, blocks=50) < -2
    assert grown(panel, skip=0.8, branch=1.0, blocks=50) > 4


def test_what_the_norms_do(panel: panels.Panel) -> None:
    for blocks in (5, 20, 50):
        assert 10 ** (2 * grown(panel, "size", norm="pre_layer", blocks=blocks)) == pytest.approx(blocks + 1, rel=0.25)
        assert grown(panel, norm="pre_layer", blocks=blocks) == pytest.approx(0.5 * math.log10(blocks + 1), abs=0.12)
        assert grown(panel, norm="post_layer", blocks=blocks) == pytest.approx(0, abs=0.25)
    assert (math.sqrt(21), math.sqrt(51)) == pytest.approx((4.6, 7.1), abs=0.05)
    factor = 10 ** (grown(panel, skip=0.0, norm="post_batch", blocks=50) / 50)
    assert factor == pytest.approx(1.21, rel=0.04), "the plain network of lesson 06"
    for branch in (0.2, 0.5, 1.5):
        predicted = theory.residual_theory(30, 1.0, branch, "pre_layer")
        assert grown(panel, branch=branch, norm="pre_layer", blocks=30) == pytest.approx(
            predicted.log10_signal[0], abs=0.25
        )


def test_zero_branches_pass_everything_on(panel: panels.Panel) -> None:
    for norm in ("none", "pre_layer", "pre_batch"):
        assert grown(panel, branch=0.0, norm=norm, blocks=50) == 0
    assert np.ptp(panel.data["size"]) == 0
    panel.set(**{**FULL, "skip": 0.0, "branch": 0.0})
    assert "nothing gets through" in panel.summary and np.isfinite(panel.data["measured"]).sum() == 1


def test_theory_lies_on_the_line_for_every_norm_and_skip(panel: panels.Panel) -> None:
    for norm in ("none", "pre_layer", "post_layer", "pre_batch", "post_batch"):
        for skip in (0.0, 0.5, 1.0):
            measured = grown(panel, norm=norm, skip=skip, width=128)
            theory_line = np.asarray(panel.data["theory"])[:21]
            # of a batch of 32 digits, which are not orthogonal, the law for large batches is a little off
            assert measured == pytest.approx(theory_line[0] - theory_line[-1], abs=0.35 if "batch" in norm else 0.2)


def test_plain_and_residual_in_plain_torch() -> None:
    growth = [residual_profile(ResidualSpec(skip=skip)) for skip in (0.0, 1.0)]
    forward = [np.mean(profile.size[:, -1] / profile.size[:, 0]) for profile in growth]
    assert forward[0] == pytest.approx(1, abs=0.35) and forward[1] == pytest.approx(1024, rel=0.2)


# Explain -------------------------------------------------------------------------------------------------------------


def test_one_over_root_l_stays_below_e() -> None:
    assert all((1 + 1 / blocks) ** blocks < math.e for blocks in range(1, 1000))
    assert (1 + 1 / 20) ** 20 > 2.6


def test_bars_of_the_paths() -> None:
    panel = panels.path_lengths()
    for norm in ("none", "pre_layer", "post_layer"):
        for branch in (0.0, 0.2, 1.0):
            for blocks in (1, 20, 60):
                panel.set(blocks=blocks, branch=branch, norm=norm)
                data = panel.data
                for bars in ("all paths", "gradient", "gradient in theory"):
                    assert np.nansum(data[bars]) == pytest.approx(1)
                    assert np.isfinite(data[bars]).sum() == blocks + 1
                grey, green, dashed = (
                    np.nan_to_num(data[bars]) @ np.arange(61)
                    for bars in data
                    if bars in data and bars in ("all paths", "gradient", "gradient in theory")
                )
                assert grey == pytest.approx(blocks / 2)
                assert green == pytest.approx(dashed, abs=0.1 + 0.12 * dashed)
    panel.set(blocks=20, branch=0.5, norm="none")
    assert np.nan_to_num(panel.data["gradient"]) @ np.arange(61) == pytest.approx(4, rel=0.12)


def test_the_skip_brings_back_what_shattered() -> None:
    panel = panels.shattered_gradients()
    neighbours = {}
    for name, values in panel.presets.items():
        panel.set(**values)
        neighbours[name] = panel.data["autocorrelation"][1]
    assert neighbours["plain, 2 blocks"] > 0.95
    assert neighbours["plain, 24 blocks"] == pytest.approx(0, abs=0.08)
    assert neighbours["residual, 24 blocks"] == pytest.approx(0.8, abs=0.05)
    assert neighbours["plain, no normalization"] > 0.95
    panel.set(**panel.presets["plain, 24 blocks"])
    by_skip = {}
    for skip in np.linspace(0, 1, 21):
        panel.set(skip=float(skip))
        by_skip[float(skip)] = panel.data["autocorrelation"][1]
    assert max(by_skip, key=lambda skip: by_skip[skip]) == 1.0, "it is the whole skip that helps"
    assert max(value for skip, value in by_skip.items() if skip <= 0.5) < 0.15
    panel.set(skip=0.0)
    depths = []
    for blocks in (2, 8, 16, 24):
        panel.set(blocks=blocks)
        depths.append(panel.data["autocorrelation"][1])
    assert depths == sorted(depths, reverse=True)


def test_the_branchs_part_with_batch_norm_is_what_the_text_says() -> None:
    """Batch norm divides by less than the whole square of h, so the part is larger than layer norm's 1/(l+1)."""
    share = theory.residual_theory(3, skip=1.0, branch=1.0, norm="pre_batch").share
    assert share == pytest.approx([0.50, 0.37, 0.30], abs=0.005)
    assert "block to block: 0.50, 0.37, 0.30" in prose()


def test_without_norm_and_biases_there_are_two_gradients() -> None:
    gradients = input_gradients(ResidualSpec(blocks=24, skip=0.0, seeds=2), np.linspace(-2, 2, 256)[:, None])
    for network in gradients:
        assert len(np.unique(network.round(9))) == 2


def test_figures_hold_the_traces_that_the_panels_fill() -> None:
    names = {trace.name for trace in figures.signal_and_size(np.arange(5), title="t", low=-1, high=1).data}
    assert names == {"measured", "spread over seeds", "theory", "size", "spread of sizes", "size in theory"}
    names = {trace.name for trace in figures.path_lengths(np.arange(5), title="t").data}
    assert names == {"all paths", "gradient", "gradient in theory"}


# Train, myths --------------------------------------------------------------------------------------------------------


@cache
def trained(blocks: int, skip: float, seed: int) -> History:
    model = ConvNet(blocks, skip, seed=seed)
    return train(model, digits_split(), steps=150, learning_rate=0.1, seed=seed, records=1, progress=False)


def test_two_blocks_train_plain_or_residual() -> None:
    for skip in (0.0, 1.0):
        assert trained(2, skip, 0).accuracy[-1] > 0.85


@pytest.mark.parametrize("seed", first_slow(range(5)))
def test_thirty_blocks_train_with_the_skip_and_not_without(seed: int) -> None:
    plain, residual = trained(30, 0.0, seed), trained(30, 1.0, seed)
    print(seed, plain.accuracy, plain.loss, residual.accuracy, residual.loss)
    assert plain.accuracy[-1] < 0.5 and plain.loss[-1] > 1.5, "worse on its own training data"
    assert residual.accuracy[-1] > 0.95 and residual.loss[-1] < 0.05
    first, last = (plain.gradient_norms[0, plain.layers.index(name)] for name in ("first.0.0", "first.29.0"))
    assert first > 10 * last > 0.1, "its gradient grows toward the first block"


def test_the_signal_of_the_plain_twin_grows_toward_the_first_block() -> None:
    digits, factors = digits_split(), []
    for count in (64, 512):
        twin = ConvNet(30, 0.0)
        states: list[torch.Tensor] = []
        for layer in twin.first:
            layer.register_forward_pre_hook(lambda _, inputs, states=states: states.append(inputs[0]))
        logits = twin(torch.tensor(digits.train_inputs[:count], dtype=torch.float32))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(digits.train_targets[:count]))
        norms = [float(gradient.norm()) for gradient in torch.autograd.grad(loss, states)]
        factors.append(norms[0] / norms[-1])
    assert all(4000 < factor < 20_000 for factor in factors)


def test_what_is_said_of_norms_and_noise(panel: panels.Panel) -> None:
    assert "residual" not in panel.presets and panel.presets["post-norm"]["norm"] == "post_layer"
    assert "warm-up" in prose() and "with ten both do better" not in prose() and "at this spacing" in prose()


class Transformer(torch.nn.Module):
    """Encoder blocks on the 8 rows of a digit, normalized after each sum or before each branch."""

    def __init__(self, blocks: int, pre_norm: bool, width: int = 32) -> None:
        super().__init__()
        self.rows = torch.nn.Linear(8, width)
        self.places = torch.nn.Parameter(0.1 * torch.randn(8, width))
        self.blocks = torch.nn.Sequential(
            *(
                torch.nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True, norm_first=pre_norm)
                for _ in range(blocks)
            )
        )
        self.last = torch.nn.LayerNorm(width) if pre_norm else torch.nn.Identity()
        self.readout = torch.nn.Linear(width, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.blocks(self.rows(inputs.reshape(-1, 8, 8)) + self.places)
        logits: torch.Tensor = self.readout(self.last(hidden).mean(dim=1))
        return logits


def share_right(pre_norm: bool, learning_rate: float, seed: int) -> float:
    """What 24 transformer blocks get right after 100 steps of Adam without a warm-up."""
    torch.manual_seed(seed)
    recipe = {"steps": 100, "optimizer": "adam", "records": 1, "progress": False}
    return float(train(Transformer(24, pre_norm), digits_split(), learning_rate=learning_rate, **recipe).accuracy[-1])


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_post_norm_transformers_need_a_warm_up_and_pre_norm_ones_do_not() -> None:
    assert share_right(False, 3e-3, seed=0) < 0.2 < 0.5 < share_right(True, 3e-3, seed=0)


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_at_a_third_of_the_rate_transformers_of_both_kinds_learn(seed: int) -> None:
    assert share_right(False, 1e-3, seed) > 0.6 and share_right(True, 1e-3, seed) > 0.6
    assert "post-norm transformer blocks with Adam at 0.003" in prose() and "at 0.001 both learned" in prose()


def test_thirty_blocks_are_sixty_two_layers() -> None:
    assert sum(parameter.dim() > 1 for parameter in ConvNet(30).parameters()) == 62


@pytest.mark.parametrize("seed", range(3))
def test_a_branch_of_full_strength_needs_a_norm(seed: int) -> None:
    model = ResidualMLP(ResidualSpec(blocks=25), inputs=64, classes=10, seed=seed)
    run = train(model, digits_split(), steps=200, learning_rate=0.1, seed=seed, progress=False)
    assert run.diverged and run.steps[-1] < 20 and run.loss[0] > 2000
    assert math.sqrt(2) ** 25 == pytest.approx(5800, rel=0.01)


def test_what_the_paper_measured_is_quoted_as_it_stands() -> None:
    for number in ("28.54", "27.94", "25.03", "27.88"):
        assert number in prose()
    assert "unlikely" in prose()


# Quiz ----------------------------------------------------------------------------------------------------------------


def test_the_skip_tames_the_size_of_the_shattered_gradient_too() -> None:
    """The panel's networks of 24 blocks, batch norm before each branch."""
    grown = {}
    for skip in (0, 1):
        signal = residual_profile(ResidualSpec(blocks=24, width=64, skip=skip, norm="pre_batch")).log10_signal
        grown[skip] = 10 ** float(np.mean(signal[:, 0] - signal[:, -1]))
    assert grown[0] == pytest.approx(200, rel=0.1) and grown[1] == pytest.approx(9, rel=0.1)
    question = next(each for each in quiz.load_bank("07") if each.id == "07-shatter-panel")
    assert "grows 9-fold in place of 200-fold" in quiz.grade(question, question.right_answer()).feedback


def test_buttons_of_the_quiz_move_the_panel(panel: panels.Panel) -> None:
    states = [answer.try_state for question in quiz.load_bank("07") for answer in question.answers if answer.try_state]
    assert len(states) > 20
    for state in states:
        panel.set(**state)
        shown: dict[str, Any] = {name: panel.controls[name].value for name in state}
        assert shown == state


def test_a_third_of_the_quiz_needs_a_slider_or_a_cell() -> None:
    words = ("Press", "press", "Move", "move", "Run the", "panel", "no norm: with")
    bank = quiz.load_bank("07")
    assert len(bank) >= 12
    assert 3 * sum(any(word in question.text for word in words) for question in bank) >= len(bank)
