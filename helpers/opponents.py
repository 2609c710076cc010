"""The gradients that a fixed generator gets from a discriminator after some steps of training."""

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

SEEDS = 4  # number of discriminators, each with its own initial weights
BELL_POINTS = np.linspace(-5, 5, 101)
BELL = np.exp(-(BELL_POINTS**2) / 2) / np.exp(-(BELL_POINTS**2) / 2).sum()
"""Weights of the mean over fakes N(-distance, 1), which are at `BELL_POINTS` - distance."""


@dataclass(frozen=True, eq=False)
class Opponent:
    """Discriminators of N(0, 1) against N(-distance, 1) at some moments of their training; (moments, seeds, …).

    `answers` (…, points) are their outputs at given points: probabilities, or a critic's values. `pushes` (…, fakes)
    has -∂L/∂x at given fakes for each loss of the generator, `gradients` its mean over all fakes, which is minus the
    derivative with respect to the generator's shift. `confidence` is the mean probability that they give to fakes.
    """

    answers: Array
    pushes: dict[str, Array]
    gradients: dict[str, Array]
    confidence: Array


def losses_of(critic: bool) -> tuple[str, ...]:
    """Return the generator's losses that belong to a critic, or those that belong to a discriminator."""
    return tuple(loss for loss in GENERATOR_LOSSES if (loss == "wasserstein") == critic)


def opponent(distance: float, critic: bool, moments: Sequence[int], points: Array, fakes: Array) -> Opponent:
    """Train discriminators, or critics, of N(0, 1) against N(-distance, 1), and read them at `moments`.

    Their answers are read at `points`, their pushes at `fakes`; both are (count,).
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
    """Return logits and their slopes at points (count,), each (moments, seeds, count)."""
    column = _column(points)
    return forward(nets, column).outputs[..., 0], input_slopes(nets, column)[..., 0]


def _column(points: Array) -> Array:
    return points.astype(np.float32)[None, None, :, None]


def gradients_of_two(moments: Sequence[int]) -> tuple[dict[str, list[GeneratorGradients]], Array]:
    """Return the gradients back through discriminator and generator at each moment, for each loss of the generator.

    The generator (2, 16, 16, 16, 2) is fixed while discriminators (2, 16, 16, 16, 1) from 3 draws train. The second
    result is the mean probability that they give to fakes, (moments,).
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
