"""Generative adversarial networks: slopes of the generator's losses, divergences, the optimal discriminator."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.checks import check_choice, check_number

GENERATOR_LOSSES = ("saturating", "non_saturating", "wasserstein")
"""The generator's losses: mean log(1 - D), -mean log D (Goodfellow 2014), -mean critic (Arjovsky 2017)."""


def generator_slope(loss: str, logit: ArrayLike) -> Array:
    """Return the slope of a generator's loss at the discriminator's logit a for a fake, in the shape of `logit`.

    saturating -σ(a), non-saturating -(1 - σ(a)), wasserstein -1 (there a is the critic's output).
    """
    check_choice("loss", loss, GENERATOR_LOSSES)
    a = np.asarray(logit)
    if loss == "wasserstein":
        return -np.ones_like(a)
    sigmoid = get_activation("sigmoid").function
    return np.asarray(-sigmoid(a) if loss == "saturating" else -sigmoid(-a))


def _bell(x: Array, mean: float) -> Array:
    return np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi)


def _line(distance: float) -> tuple[Array, float]:
    """Return points over unit Gaussians at 0 and `distance`, and their spacing; sums over them are exact to 1e-12."""
    x = np.linspace(min(0.0, distance) - 12, max(0.0, distance) + 12, 4001)
    return x, float(x[1] - x[0])


def js_divergence(distance: float, spread: float = 1.0) -> float:
    """Return the Jensen-Shannon divergence, in nats, of two normal distributions of equal spread, `distance` apart.

    `spread` 0 means two point masses: 0 where they coincide and log 2 everywhere else (Arjovsky 2017, example 1).
    """
    distance = abs(check_number("distance", distance))
    if check_number("spread", spread, least=0) == 0:
        return math.log(2) if distance else 0.0
    ratio = distance / spread
    if ratio > 60:  # the difference from log 2 is below the smallest float
        return math.log(2)
    x, step = _line(ratio)
    # log p/m with m = (p + q)/2 and log p/q = ratio²/2 - ratio·x: log 2 - softplus of the other logit
    logit = ratio * (x - ratio / 2)
    return float(math.log(2) - step * (_bell(x, 0) @ np.logaddexp(0, logit)))


def wasserstein_distance(distance: float) -> float:
    """Return W₁ of two distributions that differ by a shift: the size of the shift, whatever their spread.

    Arjovsky 2017, example 1.
    """
    return abs(check_number("distance", distance))


def optimal_logit(x: ArrayLike, distance: float) -> Array:
    """Return the optimal discriminator's logit, log p(x)/q(x), for real p = N(0, 1) and generated q = N(-distance, 1).

    Goodfellow 2014, proposition 1, D = p / (p + q) = σ(logit).
    """
    distance = check_number("distance", distance)
    return np.asarray(distance * (np.asarray(x, float) + distance / 2))


def optimal_generator_gradient(loss: str, distance: float) -> float:
    """Return |∂L/∂θ| of a generator N(θ, 1) at `distance` from the data N(0, 1), against the optimal discriminator.

    The discriminator is `optimal_logit`; the mean over the fakes is an integral. Saturating: 2 dJS/dd.
    Wasserstein: 1 for any distance but 0.
    """
    distance = abs(check_number("distance", distance))
    if loss == "wasserstein":
        return float(distance > 0)
    x, step = _line(-distance)
    slopes = generator_slope(loss, optimal_logit(x, distance))
    return float(-step * (_bell(x, -distance) @ slopes) * distance)
