"""The hidden networks of profile questions, and what the engine measures on them."""

from __future__ import annotations

import functools

import numpy as np

from helpers.arrays import Array
from helpers.network import NetworkSpec, gradient_profile
from helpers.quiz.numbers import format_number
from helpers.quiz.questions import Question

Curve = tuple[float, ...]


def profile_curve(question: Question) -> tuple[Array, Array]:
    """The curve of a profile question, log10 by layer: mean over seeds (depth,), lowest and highest (2, depth).

    A layer at which any seed has an exact zero is NaN. ValueError where the question has no hidden network.
    """
    if question.network is None:
        raise ValueError(f"question is {question.id!r}; only one of type profile has a hidden network")
    mean, low, high = _measured(question.network, question.shows)
    return np.array(mean), np.array([low, high])


def compare_networks(question: Question, place: int) -> str:
    """A sentence with the ratio in the curve shown and, where another network was chosen, the ratio in that one."""
    assert question.network is not None
    chosen = question.answers[place].network
    assert chosen is not None
    drawn = f"Layer 1 divided by the last layer: {_ratio(question.network, question.shows)} in the picture"
    if chosen == question.network:
        return f"{drawn}."
    return f"{drawn}, {_ratio(chosen, question.shows)} in the network you chose."


def _ratio(network: NetworkSpec, shows: str) -> str:
    mean = _measured(network, shows)[0]
    return format_number(10 ** (mean[0] - mean[-1]))


@functools.lru_cache(maxsize=256)
def _measured(network: NetworkSpec, shows: str) -> tuple[Curve, Curve, Curve]:
    """Mean, lowest and highest over the seeds of log10 of a quantity by layer."""
    profile = gradient_profile(network)
    values = profile.log10_signal if shows == "signal" else profile.log10_weight_gradient
    known = np.where(np.isfinite(values), values, np.nan)
    return tuple(known.mean(axis=0)), tuple(known.min(axis=0)), tuple(known.max(axis=0))
