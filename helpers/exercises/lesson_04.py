"""The exercises of lesson 04."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def _dead(activations: Array) -> int:
    return int((activations == 0).all(axis=0).sum())


def _judge_count_dead(function: Any) -> CheckResult:
    rng = np.random.default_rng(4)
    layer = np.maximum(rng.standard_normal((5, 6)) - 0.8, 0)
    layer[:, 2] = 0.0
    layer[1] = 0.0
    layer[0, 0] = 1.0
    mostly_off = np.maximum(rng.standard_normal((40, 30)) - 2.2, 0)
    mostly_off[:, 0] = 0.0
    mostly_off[0, 0] = 0.001
    cancels = np.array([[1.0, 0.0, 3.0, 4.0], [-1.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0, 4.0]])
    leaky = np.array([[-0.1, 0.0, 2.0, 0.0], [-0.2, 0.0, 0.0, 0.5]])
    inputs = [(layer,), (np.ones((3, 4)),), (np.zeros((7, 4)),), (mostly_off,), (cancels,), (leaky,)]
    mistakes = [
        Mistake(lambda h: (h == 0).sum(), "That counts zeros. A unit is dead if it is 0 for every sample."),
        Mistake(lambda h: (h == 0).all(axis=1).sum(), "That counts samples for which all units are 0: the other axis."),
        Mistake(
            lambda h: (h == 0).any(axis=0).sum(), "That counts units that are 0 for some sample. It must be every one."
        ),
        Mistake(
            lambda h: (h == 0).all(axis=0).mean(), "That is the share of dead units. The task asks for their number."
        ),
        Mistake(lambda h: (h != 0).any(axis=0).sum(), "That counts the units that are active for some sample."),
        Mistake(
            lambda h: (h.sum(axis=0) == 0).sum(),
            "A sum can be 0 where its terms are not. Look at each value separately.",
        ),
        Mistake(
            lambda h: (h <= 0).all(axis=0).sum(),
            "A leaky ReLU's negative output is not 0, and its slope there isn't 0 either.",
        ),
        Mistake(
            lambda h: (h.mean(axis=0) < 0.001).sum(),
            "That treats small outputs as 0. A unit that is active for one sample is not dead.",
        ),
        Mistake(lambda h: (h[0] == 0).sum(), "That looks at the first sample alone."),
    ]
    return judge_function(function, "count_dead", _dead, inputs, mistakes=mistakes)


def _born_dead(widths: Array) -> float:
    return float(1 - np.prod(1 - 0.5 ** np.asarray(widths, dtype=np.float64)))


def _judge_born_dead(function: Any) -> CheckResult:
    widths = ([3, 4, 2, 6], [1, 1], [8, 2, 8, 8, 5], [5], [10] * 50)
    inputs = [(np.array(each),) for each in widths]
    mistakes = [
        Mistake(lambda n: 0.5 ** n[0], "That is the first layer alone. Any layer may be silent."),
        Mistake(lambda n: 0.5 ** n[-1], "That is the last layer alone. Any layer may be silent."),
        Mistake(lambda n: 0.5 ** n.min(), "That is the narrowest layer alone. The others may be silent too."),
        Mistake(
            lambda n: (0.5**n).sum(),
            "That adds up the probabilities of the layers. Networks in which two layers are silent are counted twice.",
        ),
        Mistake(
            lambda n: np.prod(1 - 0.5**n), "That is the probability that the network is alive. Subtract it from 1."
        ),
        Mistake(lambda n: 0.5 ** n.sum(), "That is the probability that every unit is silent. One layer is enough."),
        Mistake(
            lambda n: 1 - 0.5 ** n.sum(),
            "That is the probability that some unit is active. Every layer needs an active unit.",
        ),
        Mistake(
            lambda n: 1 - (1 - 0.5 ** n.mean()) ** len(n),
            "That gives every layer the mean width. Narrow layers raise the risk more than wide ones lower it.",
        ),
        Mistake(lambda n: 1 - np.prod(1 - 0.5 ** n[1:]), "That leaves out the first layer."),
        Mistake(lambda n: 1 - np.prod(1 - 0.5 ** n[:-1]), "That leaves out the last layer."),
        Mistake(
            lambda n: 1 - np.prod(0.5**n),
            "A layer is silent with probability ½ to the power of its width, and active otherwise: 1 minus that.",
        ),
    ]
    return judge_function(function, "born_dead", _born_dead, inputs, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="count_dead",
        hints=(
            "First find the zeros: `activations == 0` is True where a number is 0, and has the shape of the array.",
            "A unit is a column. `.all(axis=…)` says whether all entries along an axis are True. Which axis?",
            "The sum of True and False counts the True ones.",
        ),
        solution="""\
def count_dead(activations):
    return (activations == 0).all(axis=0).sum()
""",
        judge=_judge_count_dead,
    ),
    Exercise(
        id="born_dead",
        hints=(
            "What is the probability that all units of one layer are silent, if each is silent with probability ½?",
            "The network is alive if every layer has an active unit. Multiply the probabilities of that.",
            "Subtract from 1 at the end. `np.prod` multiplies all numbers of an array.",
        ),
        solution="""\
import numpy as np

def born_dead(widths):
    layer_is_alive = 1 - 0.5 ** np.array(widths)
    return 1 - np.prod(layer_is_alive)
""",
        judge=_judge_born_dead,
    ),
)
