"""Lesson 09: a generator and the gradient that it gets from its discriminator."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from helpers import figures, picture, theme, theory
from helpers.activations import get_activation
from helpers.arrays import Array
from helpers.figures import MOMENTS
from helpers.opponents import SEEDS, Opponent, gradients_of_two, opponent
from helpers.panels.controls import dropdown, float_slider, steps
from helpers.panels.curves import decades_range, gaps_for_zero
from helpers.panels.panel import Panel
from helpers.picture import NetworkPicture
from helpers.words import counted

LOSSES = theory.GENERATOR_LOSSES
NAMES = {loss: theme.LOSS_LOOKS[loss][0] for loss in LOSSES}
LEAST, FARTHEST = 0.5, 10.0
X = np.linspace(-14, 5, 115)
QUANTILES = np.array([-1.6, -1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0, 1.6])
HEIGHTS = 0.1 + 0.075 * np.arange(len(QUANTILES))[[4, 0, 7, 2, 8, 3, 6, 1, 5]]
ARROW, LONGEST = 0.6, 5.0  # length of an arrow for a push of 1, and the longest


def loss_choice(value: str) -> Any:
    """A menu of the three generator losses."""
    return dropdown("G's loss", {name: loss for loss, name in NAMES.items()}, value)


# The main panel -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _opponent(distance: float, critic: bool) -> Opponent:
    return opponent(distance, critic, MOMENTS, X, QUANTILES - distance)


def gans() -> Panel:
    """The game on a line: the discriminator's training steps, the distance of the distributions, and the loss."""

    def compute(trained: int, distance: float, loss: str) -> dict[str, Any]:
        at = MOMENTS.index(trained)
        seen = _opponent(distance, loss == "wasserstein")
        log10 = {each: _log10(_opponent(distance, each == "wasserstein").gradients[each]) for each in LOSSES}
        mean = {each: values.mean(axis=1) for each, values in log10.items()}
        answers, best = _answers(seen.answers[at], distance, loss)
        optimum = theory.optimal_generator_gradient(loss, distance)
        return {
            "generated": np.exp(-((X + distance) ** 2) / 2) * 0.4,
            "real": np.exp(-(X**2) / 2) * 0.4,
            "discriminator": answers.mean(axis=0),
            "spread over seeds": np.stack([answers.min(axis=0), answers.max(axis=0)]),
            "best discriminator": best,
            "push": _arrows(QUANTILES - distance, seen.pushes[loss][at].mean(axis=0)),
            "samples": np.stack([QUANTILES - distance, HEIGHTS]),
            "over seeds": np.stack([log10[loss].min(axis=1), log10[loss].max(axis=1)]),
            **{NAMES[each]: mean[each] for each in LOSSES},
            "theory": np.full(2, np.log10(optimum)),
            "now": np.array([[at], [mean[loss][at]]]),
            "summary": _duel_summary(trained, distance, loss, seen, at, mean[loss][at], optimum),
        }

    controls = {
        "trained": steps("D's steps", list(MOMENTS), 0),
        "distance": float_slider("distance", 8.0, LEAST, FARTHEST, 0.5),
        "loss": loss_choice("saturating"),
    }
    presets = {
        "nobody has learned": {"trained": 0, "distance": 8.0, "loss": "saturating"},
        "a helpful opponent": {"trained": 10, "distance": 8.0, "loss": "saturating"},
        "trained to the end": {"trained": 1000, "distance": 8.0, "loss": "saturating"},
        "the same, non-saturating": {"trained": 1000, "distance": 8.0, "loss": "non_saturating"},
        "the same, Wasserstein": {"trained": 1000, "distance": 8.0, "loss": "wasserstein"},
        "nearly there": {"trained": 1000, "distance": 1.0, "loss": "saturating"},
    }
    return Panel("gans", figures.duel(X), controls, compute, presets)


def _log10(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return gaps_for_zero(np.log10(np.abs(values)))


def _answers(answers: Array, distance: float, loss: str) -> tuple[Array, Array]:
    """Return the curves of a discriminator and of the best one: probabilities, or a critic scaled to 0 … 1."""
    if loss != "wasserstein":
        return answers, get_activation("sigmoid").function(theory.optimal_logit(X, distance))
    # A critic is defined up to a constant; it is drawn at the scale of the best one, whose slope is 1.
    width = X[-1] - X[0]
    middle = np.interp(-distance / 2, X, np.arange(len(X)))
    centre = answers[:, round(middle)][:, None]
    return 0.5 + (answers - centre) / width, 0.5 + (X + distance / 2) / width


def _arrows(starts: Array, push: Array) -> Array:
    """Return lines from each sample in the direction of its push, with gaps between them: (2, 3 n)."""
    ends = starts + np.clip(ARROW * push, -LONGEST, LONGEST)
    gap = np.full_like(starts, np.nan)
    return np.stack([np.stack([starts, ends, gap], axis=1).ravel(), np.stack([HEIGHTS, HEIGHTS, gap], axis=1).ravel()])


def _duel_summary(
    trained: int, distance: float, loss: str, seen: Opponent, at: int, log10: float, optimum: float
) -> str:
    critic = loss == "wasserstein"
    doubt = "" if critic else f", fakes get D = {theme.number(seen.confidence[at].mean())}"
    judge = "critic" if critic else "discriminator"
    best = f"Best {judge}: {theme.scientific(np.log10(optimum))}."
    if trained < 5:
        best += " Too early to trust: the push may point the wrong way."
    return (
        f"The {NAMES[loss]} loss pulls the generator with {theme.scientific(log10)}.\n"
        f"{_when(trained, 'step')}, distance {distance:g}{doubt} (means of {SEEDS} seeds). {best}"
    )


def _when(trained: int, step: str) -> str:
    return f"After {counted(trained, step)}" if trained else "Untrained"


# Losses by the logit --------------------------------------------------------------------------------------------------


def generator_losses() -> Panel:
    """The slope of each generator loss at the discriminator's logit for a fake."""

    def compute(logit: float) -> dict[str, Any]:
        slopes = {loss: float(-theory.generator_slope(loss, logit)) for loss in LOSSES}
        probability = float(get_activation("sigmoid").function(np.array(logit)))
        return {
            "here": np.array([[logit, logit], [-6.0, 1.0]]),
            **{f"{NAMES[loss]} here": np.array([[logit], [np.log10(slope)]]) for loss, slope in slopes.items()},
            "summary": f"Slopes: saturating {theme.number(slopes['saturating'])}, non-saturating "
            f"{theme.number(slopes['non_saturating'])}, Wasserstein 1.\n"
            f"The discriminator gives the fake D = {theme.number(probability)}.",
        }

    controls = {"logit": float_slider("logit a", 0.0, -12, 12, 0.5)}
    presets = {
        "sure that it is a fake": {"logit": -10.0},
        "undecided": {"logit": 0.0},
        "fooled": {"logit": 10.0},
    }
    return Panel("generator_losses", figures.loss_slopes(), controls, compute, presets)


# Overlap --------------------------------------------------------------------------------------------------------------

SHIFTS = np.linspace(-4, 4, 161)


def disjoint_supports() -> Panel:
    """Jensen-Shannon divergence and Wasserstein distance of two distributions that drift apart."""

    def compute(shift: float, spread: float) -> dict[str, Any]:
        values, slopes = _js_curve(spread)
        here = theory.js_divergence(shift, spread)
        slope = float(_js_slope(shift, spread))
        distance = theory.wasserstein_distance(shift)
        known = np.log10(slope) if slope > 1e-12 else np.nan
        pull = theme.scientific(np.log10(slope)) if slope > 1e-12 else "0"
        kind = "Two point masses" if spread == 0 else f"Two bells of spread {spread:g}"
        return {
            "JS": values,
            "ranges": {"yaxis2": decades_range(slopes, np.zeros(1))},
            "JS slope": slopes,
            "JS here": np.array([[shift], [here]]),
            "W here": np.array([[shift], [distance]]),
            "JS slope here": np.array([[shift], [known]]),
            "W slope here": np.array([[shift], [0.0 if shift else np.nan]]),
            "summary": f"JS = {here:.4f} with slope {pull}; W₁ = {distance:.2g} with slope "
            f"{'1' if shift else 'undefined'}.\n{kind}, {abs(shift):.2g} apart. JS is never above log 2 = 0.6931.",
        }

    controls = {
        "shift": float_slider("shift θ", 2.0, -4, 4, 0.05),
        "spread": steps("spread", [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0], 1.0),
    }
    presets = {
        "they overlap": {"shift": 2.0, "spread": 1.0},
        "they hardly overlap": {"shift": 2.0, "spread": 0.3},
        "point masses": {"shift": 2.0, "spread": 0.0},
    }
    return Panel("disjoint_supports", figures.overlap(SHIFTS), controls, compute, presets)


@lru_cache(maxsize=16)
def _js_curve(spread: float) -> tuple[Array, Array]:
    values = np.array([theory.js_divergence(shift, spread) for shift in SHIFTS])
    slopes = np.array([_js_slope(shift, spread) for shift in SHIFTS])
    return values, np.log10(np.where(slopes > 1e-12, slopes, np.nan))


def _js_slope(shift: float, spread: float) -> float:
    """Return |dJS/dθ|: half the saturating generator's gradient against the best discriminator, per unit of spread."""
    return theory.optimal_generator_gradient("saturating", shift / spread) / (2 * spread) if spread else 0.0


# The way back ---------------------------------------------------------------------------------------------------------

PLACES = ("z", "G₁", "G₂", "G₃", "x", "D₁", "D₂", "D₃", "logit")
BORDER = PLACES.index("x")
PICTURED = ("saturating", "non_saturating")


@lru_cache(maxsize=1)
def _signals() -> tuple[dict[str, Array], Array, list[list[NetworkPicture]]]:
    """Return log10 norms (moments, seeds, places) by loss during training, the mean of D at fakes, and pictures."""
    found, confidence = gradients_of_two(MOMENTS)
    pictures = [
        [picture.players(found[loss][at], 0, BORDER, title=f"{NAMES[loss]} loss") for loss in PICTURED]
        for at in range(len(MOMENTS))
    ]
    return {loss: _log10(np.stack([each.signal() for each in by])) for loss, by in found.items()}, confidence, pictures


def way_back() -> Panel:
    """The network picture for two networks in a row: the gradient from the loss back to the noise."""

    def compute(trained: int) -> dict[str, Any]:
        at = MOMENTS.index(trained)
        found, confidence, pictures = _signals()
        mean = {loss: values[at].mean(axis=0) for loss, values in found.items()}
        saturating = found["saturating"][at]
        return {
            "spread over seeds": np.stack([saturating.min(axis=0), saturating.max(axis=0)]),
            **{NAMES[loss]: values for loss, values in mean.items()},
            "ranges": {"yaxis": decades_range(saturating, *mean.values())},
            "net": pictures[at],
            "summary": f"Under the saturating loss samples receive {theme.scientific(mean['saturating'][BORDER])}.\n"
            f"Non-saturating {theme.scientific(mean['non_saturating'][BORDER])}, Wasserstein "
            f"{theme.scientific(mean['wasserstein'][BORDER])}. "
            f"{_when(trained, 'discriminator step')}, fakes get D = {theme.number(confidence[at])}.",
        }

    controls = {"trained": steps("D's steps", list(MOMENTS), 0)}
    presets = {"untrained": {"trained": 0}, "trained a little": {"trained": 20}, "to the end": {"trained": 1000}}
    return Panel("way_back", figures.both_networks(PLACES, BORDER), controls, compute, presets)
