"""The exercises of lesson 07."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers import theory
from helpers.arrays import Array
from helpers.exercises.checking import CheckResult, Exercise, Mistake, judge_function


def _branch(h: Array, first: Array, second: Array) -> Array:
    values: Array = np.maximum(h @ first, 0) @ second
    return values


def _residual_block(h: Array, first: Array, second: Array, alpha: float) -> Array:
    return h + alpha * _branch(h, first, second)


def _judge_residual_block(function: Any) -> CheckResult:
    draw = np.random.default_rng(7).standard_normal
    inputs = [
        (np.array([[1.0, -2.0]]), np.array([[1.0, 0.5], [0.5, -1.0]]), np.array([[1.0, 2.0], [0.5, -3.0]]), 0.5),
        (draw((3, 4)), draw((4, 6)), draw((6, 4)), 1.0),
        (draw((5, 4)), draw((4, 4)), draw((4, 4)), 0.2),
        (draw((2, 3)), draw((3, 3)), draw((3, 3)), 0.0),
    ]
    mistakes = [
        Mistake(lambda h, a, b, alpha: alpha * _branch(h, a, b), "That is the branch alone: a plain layer. Add h."),
        Mistake(lambda h, a, b, alpha: h + _branch(h, a, b), "The branch is missing its factor alpha."),
        Mistake(
            lambda h, a, b, alpha: alpha * (h + _branch(h, a, b)), "alpha belongs to the branch alone, not to the skip."
        ),
        Mistake(
            lambda h, a, b, alpha: np.maximum(_residual_block(h, a, b, alpha), 0),
            "You apply a ReLU after the sum. Here it belongs inside the branch only, so that the skip stays open.",
        ),
        Mistake(
            lambda h, a, b, alpha: h + alpha * np.maximum(h @ a @ b, 0),
            "Your ReLU comes after the second layer; it belongs between the two.",
        ),
        Mistake(lambda h, a, b, alpha: h + alpha * h @ a @ b, "The ReLU between the two layers is missing."),
    ]
    return judge_function(function, "residual_block", _residual_block, inputs, mistakes=mistakes)


def _path_energy(blocks: int, alpha: float) -> Array:
    return theory.path_lengths(np.full(blocks, alpha**2 / (1 + alpha**2)))


def _terms(blocks: int, weight: float) -> Array:
    """The number of paths of each length times the weight that one of them carries."""
    return np.array([math.comb(blocks, k) * weight**k for k in range(blocks + 1)])


def _judge_path_energy(function: Any) -> CheckResult:
    mistakes = [
        Mistake(
            lambda blocks, alpha: _terms(blocks, 1.0) / 2**blocks,
            "That counts the paths. Weight each one by the squared gradient that it carries.",
        ),
        Mistake(
            lambda blocks, alpha: _terms(blocks, alpha) / (1 + alpha) ** blocks,
            "You weight a path by alpha for each branch. Squares add up, so it is alpha² for each.",
        ),
        Mistake(lambda blocks, alpha: _terms(blocks, alpha**2), "The weights are right, but shares must add up to 1."),
        Mistake(
            lambda blocks, alpha: np.array([alpha ** (2 * k) for k in range(blocks + 1)]),
            "That is what one path of each length carries. How many paths of that length are there?",
        ),
        Mistake(lambda blocks, alpha: _path_energy(blocks, alpha)[::-1], "The order is reversed: begin at length 0."),
    ]
    inputs = [(2, 0.5), (1, 1.0), (5, 0.2), (20, 0.5), (54, 1.0)]
    return judge_function(function, "path_energy", _path_energy, inputs, floor=1e-12, mistakes=mistakes)


EXERCISES = (
    Exercise(
        id="residual_block",
        hints=(
            "The branch: multiply `h` by the matrix `first`, apply a ReLU, multiply by `second`.",
            "A ReLU in numpy is `np.maximum(z, 0)`. The skip is just `h +`.",
        ),
        solution="""\
import numpy as np

def residual_block(h, first, second, alpha):
    branch = np.maximum(h @ first, 0) @ second
    return h + alpha * branch
""",
        judge=_judge_residual_block,
    ),
    Exercise(
        id="path_energy",
        hints=(
            "Of all paths, C(blocks, k) take k branches: `math.comb(blocks, k)`.",
            "A path carries alpha² for every branch that it takes and 1 for every skip.",
            "Divide by the sum, which is (1 + alpha²) to the power of `blocks`.",
        ),
        solution="""\
import math
import numpy as np

def path_energy(blocks, alpha):
    carried = [math.comb(blocks, k) * alpha ** (2 * k) for k in range(blocks + 1)]
    return np.array(carried) / sum(carried)
""",
        judge=_judge_path_energy,
    ),
)
