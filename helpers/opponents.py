"""What a generator gets from a discriminator that has trained for some steps while the generator stood still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.activations import get_activation
from helpers.adversarial import (
    Dense,
    GeneratorGradients,
    draw_dense,
    forward,
    generator_gradients,
    input_slopes,
)
from helpers.arrays import Array
from helpers.games import DATA, discriminators
from helpers.theory import GENERATOR_LOSSES, generator_slope

SEEDS = 4  # discriminators of so many draws
BELL_POINTS = np.linspace(-5, 5, 101)
BELL = np.exp(-(BELL_POINTS**2) / 2) / np.exp(-(BELL_POINTS**2) / 2).sum()
"""Weights of the mean over fakes N(-distance, 1), which stand at `BELL_POINTS` - distance."""


@dataclass(frozen=True, eq=False)
class Opponent:
    """Discriminators of N(0, 1) against N(-distance, 1), at some moments of their training; (moments, seeds, …).

    `answers` (…, points) are what they say at given points: probabilities, or what a critic says. `pushes` (…, fakes),
    by the generator's loss, is -∂L/∂x at given fakes; `gradients` the mean of that over all fakes, the derivative by
    the generator's shift. `confidence` is the mean probability that they give to fakes.
    """

    answers: Array
    pushes: dict[str, Array]
    gradients: dict[str, Array]
    confidence: Array


def losses_of(critic: bool) -> tuple[str, ...]:
    """The generator's losses that go with a critic, or with a discriminator."""
    return tuple(loss for loss in GENERATOR_LOSSES if (loss == "wasserstein") == critic)


def opponent(distance: float, critic: bool, moments: Sequence[int], points: Array, fakes: Array) -> Opponent:
    """Train discriminators, or critics, of N(0, 1) against N(-distance, 1), and look at them at `moments`.

    `points` are where their answers are read, `fakes` where their push is; both (count,).
    """
    kept = discriminators(
        lambda random, count: random.standard_normal((count, 1)),
        lambda random, count: random.standard_normal((count, 1)) - distance,
        (1, 16, 16, 1),
        "wasserstein" if critic else "saturating",
        moments,
        seeds=SEEDS,
    )
    nets = kept[0].with_arrays([np.stack(arrays) for arrays in zip(*(net.arrays for net in kept), strict=True)])
    sigmoid = get_activation("sigmoid").function
    logits, slopes = _answers_and_slopes(nets, BELL_POINTS - distance)
    at_fakes, steep = _answers_and_slopes(nets, fakes)
    answers = forward(nets, _column(points)).outputs[..., 0]
    return Opponent(
        (answers if critic else sigmoid(answers)).astype(np.float32),
        {loss: -(generator_slope(loss, at_fakes) * steep).astype(np.float32) for loss in losses_of(critic)},
        {loss: -(generator_slope(loss, logits) * slopes) @ BELL for loss in losses_of(critic)},
        sigmoid(logits) @ BELL,
    )


def _answers_and_slopes(nets: Dense, points: Array) -> tuple[Array, Array]:
    """Logits and their slopes at points (count,), (moments, seeds, count)."""
    column = _column(points)
    return forward(nets, column).outputs[..., 0], input_slopes(nets, column)[..., 0]


def _column(points: Array) -> Array:
    return points.astype(np.float32)[None, None, :, None]


def gradients_of_two(moments: Sequence[int]) -> tuple[dict[str, list[GeneratorGradients]], Array]:
    """The gradients on the way back through discriminator and generator at each moment, by the generator's loss.

    The generator (2, 16, 16, 16, 2) stands still while discriminators (2, 16, 16, 16, 1) of 3 draws train. The second
    array is the mean probability that they give to fakes, (moments,).
    """
    noise = np.random.default_rng(5).standard_normal((1, 64, 2)).astype(np.float32)
    drawn = draw_dense((2, 16, 16, 16, 2), [np.random.default_rng((0, 92))], dtype=np.float32)
    generator = drawn.with_arrays([array[0] for array in drawn.arrays])
    found: dict[str, list[GeneratorGradients]] = {}
    confidence = np.empty(0)
    for critic in (False, True):
        kind = "wasserstein" if critic else "saturating"
        kept = discriminators(DATA["shifted"], _makes(generator), (2, 16, 16, 16, 1), kind, moments, seeds=3)
        for loss in losses_of(critic):
            found[loss] = [generator_gradients(generator, net, noise, loss) for net in kept]
        if not critic:
            logits = [forward(net, forward(generator, noise).outputs).outputs for net in kept]
            confidence = np.array([get_activation("sigmoid").function(each).mean() for each in logits])
    return found, confidence


def _makes(generator: Dense) -> Callable[[np.random.Generator, int], Array]:
    def fake(random: np.random.Generator, count: int) -> Array:
        return forward(generator, random.standard_normal((count, 2)).astype(np.float32)).outputs

    return fake
