"""What an LSTM's forget gates keep of a cell state over many steps, and the loss of a network without memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import check_number


def forget_gate(bias: ArrayLike) -> Any:
    """Return σ(bias), the value of an LSTM's forget gate that receives nothing but its bias (Gers 2000).

    PyTorch has two bias vectors for every gate; `bias` is their sum. Float or array, like `bias`.
    """
    value = 1 / (1 + np.exp(-np.asarray(bias, float)))
    return value if np.ndim(bias) else float(value)


def log10_forget_product(bias: float, steps: ArrayLike) -> Any:
    """Return log10 of σ(bias)^steps, the part that a cell keeps on its direct path. Float or array, like `steps`."""
    value = -np.asarray(steps, float) * np.logaddexp(0, -check_number("bias", bias)) / math.log(10)
    return value if np.ndim(steps) else float(value)


def half_life(bias: float) -> float:
    """Return the number of steps, possibly fractional, after which σ(bias)^steps is 1/2: ln 2 / ln(1 + e^-bias)."""
    return math.log(2) / float(np.logaddexp(0, -check_number("bias", bias)))


def bias_for_half_life(steps: float) -> float:
    """Return the forget bias that leaves half after `steps`: ln(f/(1-f)) with f = 2^(-1/steps).

    It is 2.63, 4.97 and 7.27 for 10, 100 and 1000 steps.
    """
    return -math.log(math.expm1(math.log(2) / check_number("steps", steps, above=0)))


def chrono_product(longest: int, steps: ArrayLike) -> Any:
    """Return the part that gates with biases log U(1, longest - 1) keep after `steps`.

    It is the root mean square of σ(bias)^steps over many units, where σ(log u) = u/(1 + u) (Tallec & Ollivier 2018,
    section 3). Float or array, like `steps`.
    """
    spread = np.linspace(1, check_number("longest", longest, least=3) - 1, 401)
    logarithm = np.log(spread / (1 + spread))
    squares = np.exp(2 * np.multiply.outer(np.asarray(steps, float), logarithm))
    value = np.sqrt(np.trapezoid(squares, spread, axis=-1) / (spread[-1] - spread[0]))
    return value if np.ndim(steps) else float(value)


def copying_baseline(delay: float, symbols: int = 8, remembered: int = 10) -> float:
    """Return the cross-entropy per step of a network that waits correctly and then guesses, in nats.

    It is remembered · ln symbols / (delay + 2 · remembered), for the copying task of Hochreiter and Schmidhuber 1997 as
    Arjovsky 2016 states it: 10 ln 8 / (T + 20).
    """
    return remembered * math.log(symbols) / (check_number("delay", delay, least=0) + 2 * remembered)
