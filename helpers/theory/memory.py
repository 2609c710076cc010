"""What an LSTM's forget gates keep over many steps, and the loss of a network that remembers nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import check_number


def forget_gate(bias: ArrayLike) -> Any:
    """σ(bias), the value of an LSTM's forget gate that receives nothing but its bias (Gers 2000).

    PyTorch has two bias vectors for every gate: what counts is their sum. Float or array, like `bias`.
    """
    value = 1 / (1 + np.exp(-np.asarray(bias, float)))
    return value if np.ndim(bias) else float(value)


def log10_forget_product(bias: float, steps: ArrayLike) -> Any:
    """log10 of σ(bias)^steps: what a cell keeps by its direct path. Float or array, like `steps`."""
    value = -np.asarray(steps, float) * np.logaddexp(0, -check_number("bias", bias)) / math.log(10)
    return value if np.ndim(steps) else float(value)


def half_life(bias: float) -> float:
    """The number of steps, not always whole, after which σ(bias)^steps is 1/2: ln 2 / ln(1 + e^-bias)."""
    return math.log(2) / float(np.logaddexp(0, -check_number("bias", bias)))


def bias_for_half_life(steps: float) -> float:
    """The forget bias that leaves half after `steps`: ln(f/(1-f)) with f = 2^(-1/steps); 2.63, 4.97, 7.27 for 10,
    100, 1000."""
    return -math.log(math.expm1(math.log(2) / check_number("steps", steps, above=0)))


def chrono_product(longest: int, steps: ArrayLike) -> Any:
    """What gates keep after `steps` whose biases are log U(1, longest - 1) (Tallec & Ollivier 2018, section 3).

    The root of the mean square of σ(bias)^steps over many units, where σ(log u) = u/(1 + u). Float or array.
    """
    spread = np.linspace(1, check_number("longest", longest, least=3) - 1, 401)
    logarithm = np.log(spread / (1 + spread))
    squares = np.exp(2 * np.multiply.outer(np.asarray(steps, float), logarithm))
    value = np.sqrt(np.trapezoid(squares, spread, axis=-1) / (spread[-1] - spread[0]))
    return value if np.ndim(steps) else float(value)


def copying_baseline(delay: float, symbols: int = 8, remembered: int = 10) -> float:
    """Cross-entropy a step of who waits rightly and then guesses: remembered · ln symbols / (delay + 2 · remembered).

    The copying task of Hochreiter and Schmidhuber 1997 as Arjovsky 2016 writes it: 10 ln 8 / (T + 20).
    """
    return remembered * math.log(symbols) / (check_number("delay", delay, least=0) + 2 * remembered)
