"""The exercises of lesson 04."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import theory
from helpers.arrays import Array
from helpers.exercises.checking import Exercise, Mistake, Verdict, judge_function


def _dead(activations: Array) -> int:
    return int((activations == 0).all(axis=0).sum())


def _judge_count_dead(function: Any) -> Verdict:
    rng = np.random.default_rng(4)
    layer = np.maximum(rng.standard_normal((5, 6)) - 0.8, 0)
    layer[:, 2] = 0.0
    layer[1] = 0.0
    graveyard = np.maximum(rng.standard_normal((40, 30)) - 2.2, 0)
    cancels = np.array([[1.0, 0.0, 3.0, 4.0], [-1.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0, 4.0]])
    inputs = [(layer,), (np.ones((3, 4)),), (np.zeros((7, 4)),), (graveyard,), (cancels,)]
    mistakes = [
        Mistake(lambda h: (h == 0).sum(), "That counts zeros. A unit is dead if it is 0 for every sample."),
        Mistake(lambda h: (h == 0).all(axis=1).sum(), "That counts samples for which all units are 0: the other axis."),
        Mistake(lambda h: (h == 0).any(axis=0).sum(), "That counts units that are 0 for some sample; all are needed."),
        Mistake(lambda h: (h == 0).all(axis=0).mean(), "That is their share. The number is asked."),
        Mistake(lambda h: (h != 0).any(axis=0).sum(), "That counts the living ones."),
        Mistake(lambda h: (h.sum(axis=0) == 0).sum(), "A sum can be 0 where its terms are not: look at each value."),
    ]
    return judge_function(function, "count_dead", _dead, inputs, mistakes=mistakes)


def _judge_born_dead(function: Any) -> Verdict:
    inputs = [(3, 10), (2, 10), (1, 1), (4, 50), (8, 50), (12, 100)]
    mistakes = [
        Mistake(lambda n, depth: 0.5**n, "That is the probability for a single layer."),
        Mistake(lambda n, depth: depth * 0.5**n, "Probabilities add up only while they are small: two layers can die."),
        Mistake(
            lambda n, depth: (1 - 0.5**n) ** depth, "That is the probability that the net lives. Take it away from 1."
        ),
        Mistake(lambda n, depth: 0.5 ** (n * depth), "That asks every layer to be silent. One is enough."),
        Mistake(lambda n, depth: 1 - 0.5 ** (n * depth), "2^(−N·L) is the probability that every unit is silent."),
        Mistake(lambda n, depth: 1 - (1 - 0.5**depth) ** n, "Depth and width have changed places."),
    ]
    return judge_function(function, "born_dead", theory.born_dead_probability, inputs, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="count_dead",
        lesson="04",
        task="Write `count_dead(activations)`: how many units are exactly 0 for every sample. The array is "
        "(samples, units).",
        hints=(
            "First ask of every number whether it is 0: `activations == 0` has the shape of the array.",
            "A unit is a column. `.all(axis=0)` asks whether all of a column is true, for each column.",
            "`(activations == 0).all(axis=0).sum()`.",
        ),
        solution="""\
def count_dead(activations):
    return (activations == 0).all(axis=0).sum()
""",
        judge=_judge_count_dead,
    ),
    Exercise(
        id="born_dead",
        lesson="04",
        task="Write `born_dead(width, depth)`: the probability that a ReLU net without biases is silent on an input.",
        hints=(
            "One unit is silent with probability ½, whatever reaches it. When are all `width` units silent?",
            "The net lives if every layer lives, each with probability 1 − 2^(−width).",
            "1 − (1 − 2^(−width))^depth.",
        ),
        solution="""\
def born_dead(width, depth):
    return 1 - (1 - 0.5**width) ** depth
""",
        judge=_judge_born_dead,
    ),
)
