"""Activation functions with their exact slopes.

Each kernel below computes the value and its slope together, while the numbers are still in the processor's cache, so
the backward rule is next to the forward rule. `ACTIVATIONS` is the table, `get_activation` looks one up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from helpers.arrays import Array
from helpers.checks import check_choice

Kernel = Callable[[Array, Array, Array], None]

SELU_SCALE = 1.0507009873554804934193349852946  # Klambauer et al. 2017, eq. 2: lambda
SELU_ALPHA = 1.6732632423543772848170429916717  # and alpha


@dataclass(frozen=True)
class Activation:
    """An activation function φ with its slope φ′.

    `function` and `slope` take an array (or a number) of any shape and keep its dtype; integers become float64.
    `gain` is the value of `torch.nn.init.calculate_gain`, 1 where PyTorch has none. `formula` is a label.
    `kernel`, if given, is called as `kernel(z, value, slope)` and fills both arrays in one pass.
    """

    name: str
    function: Callable[[ArrayLike], Array]
    slope: Callable[[ArrayLike], Array]
    gain: float
    formula: str
    kernel: Kernel | None = None

    def evaluate(self, z: Array, value: Array, slope: Array) -> None:
        """Write φ(z) into `value` and φ′(z) into `slope`, arrays of the shape and dtype of `z`."""
        if self.kernel is not None:
            self.kernel(z, value, slope)
        else:
            value[...] = self.function(z)
            slope[...] = self.slope(z)

    @cached_property
    def max_slope(self) -> float:
        """The largest |φ′(z)| over all z, found on a grid that is refined around its best point."""
        low, high = -40.0, 40.0
        while high - low > 1e-9:
            grid = np.linspace(low, high, 4001)
            best = int(np.argmax(np.abs(self.slope(grid))))
            low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, 4000)])
        return float(np.max(np.abs(self.slope(np.append(grid, 0.0)))))

    @property
    def flat_slope(self) -> float:
        """1 % of the largest |φ′(z)|: an element with a smaller one is saturated."""
        return 0.01 * self.max_slope


ActivationLike = str | Activation
"""An activation, or its name in `ACTIVATIONS`."""


class _Numbers:
    """The constants that kernels use, as zero-dimensional arrays of one dtype, which numpy handles faster."""

    def __init__(self, dtype: type[np.floating[Any]]) -> None:
        single = dtype is np.float32
        self.zero, self.half, self.one, self.minus_one, self.infinity, self.minus_infinity = (
            np.array(number, dtype) for number in (0, 0.5, 1, -1, math.inf, -math.inf)
        )
        self.highest = np.array(80 if single else 700, dtype)  # e^highest does not overflow
        self.density = np.array(1 / math.sqrt(2 * math.pi), dtype)
        self.erfc = [np.array(c, dtype) for c in _erfc_polynomial(9 if single else 20)]


@lru_cache(maxsize=2)
def _numbers(code: str) -> _Numbers:
    return _Numbers(np.float32 if code == "f" else np.float64)


def _sigmoid(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    z.clip(n.minus_infinity, n.highest, value)
    np.exp(value, value)
    np.add(value, n.one, slope)  # 1/(1 - σ): no cancellation where σ is near 1
    np.divide(value, slope, value)
    np.divide(value, slope, slope)


def _tanh(z: Array, value: Array, slope: Array) -> None:
    np.tanh(z, value)
    np.multiply(value, value, slope)
    np.subtract(_numbers(z.dtype.char).one, slope, slope)


def _relu(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    z.clip(n.zero, n.infinity, value)
    np.greater(z, n.zero, slope)


def _leaky_relu(z: Array, value: Array, slope: Array, leak: float) -> None:
    np.greater(z, _numbers(z.dtype.char).zero, slope)
    np.multiply(slope, 1 - leak, slope)
    np.add(slope, leak, slope)
    np.multiply(z, slope, value)


def _elu(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    z.clip(n.minus_infinity, n.zero, slope)
    np.expm1(slope, value)  # 0 for z > 0
    np.exp(slope, slope)  # 1 for z > 0
    np.add(value, z.clip(n.zero, n.infinity), value)


def _selu(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    left = z.clip(n.minus_infinity, n.zero)
    np.exp(left, slope)
    np.multiply(slope, SELU_SCALE * SELU_ALPHA, slope)
    np.greater(z, n.zero, value)
    np.multiply(value, SELU_SCALE * (1 - SELU_ALPHA), value)
    np.add(slope, value, slope)
    np.expm1(left, left)
    np.multiply(left, SELU_ALPHA, left)
    z.clip(n.zero, n.infinity, value)
    np.add(value, left, value)
    np.multiply(value, SELU_SCALE, value)


@lru_cache(maxsize=2)
def _erfc_polynomial(degree: int) -> tuple[float, ...]:
    """Return the coefficients, highest first, of p(t) = erfc(x) exp(x²) / t with t = 1 / (1 + x/2), for x ≥ 0."""

    from numpy.polynomial import Chebyshev, Polynomial  # imported here: slow to load, and few programs need it

    def target(t: Array) -> Array:
        x = [2 * (1 / v - 1) for v in t]
        return np.array([math.erfc(v) * math.exp(v * v) * (1 + v / 2) for v in x])

    farthest = 1 / (1 + 26 / 2)  # beyond x = 26 erfc itself is below 1e-295
    series = Chebyshev.interpolate(target, degree, domain=[farthest, 1])
    return tuple(float(c) for c in series.convert(kind=Polynomial).coef[::-1])


def _gelu(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    t = np.abs(z)
    np.multiply(t, math.sqrt(1 / 8), t)
    np.add(t, n.one, t)
    np.divide(n.one, t, t)
    np.multiply(t, n.erfc[0], value)
    for coefficient in n.erfc[1:-1]:
        np.add(value, coefficient, value)
        np.multiply(value, t, value)
    np.add(value, n.erfc[-1], value)
    np.multiply(value, t, value)  # erfc(|z|/√2) / exp(-z²/2)
    np.multiply(z, z, t)
    np.multiply(t, -n.half, t)
    np.exp(t, t)
    np.multiply(value, t, value)
    np.subtract(n.one, value, slope)
    np.multiply(slope, np.greater(z, n.zero), slope)
    np.multiply(value, n.half, value)
    np.add(slope, value, slope)  # Φ(z): erfc/2 on the left, 1 - erfc/2 on the right
    np.multiply(z, slope, value)
    np.multiply(t, n.density, t)
    np.multiply(t, z, t)
    np.add(slope, t, slope)


def _silu(z: Array, value: Array, slope: Array) -> None:
    _sigmoid(z, value, slope)
    np.multiply(slope, z, slope)
    np.add(slope, value, slope)
    np.multiply(value, z, value)


def _softplus(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    _sigmoid(z, slope, value)
    np.abs(z, value)
    np.negative(value, value)
    np.exp(value, value)
    np.log1p(value, value)
    np.add(value, z.clip(n.zero, n.infinity), value)


def _hard_tanh(z: Array, value: Array, slope: Array) -> None:
    n = _numbers(z.dtype.char)
    z.clip(n.minus_one, n.one, value)
    np.less(np.abs(z), n.one, slope)


def _linear(z: Array, value: Array, slope: Array) -> None:
    np.copyto(value, z)
    slope.fill(1)


def _part(kernel: Kernel, which: int, z: ArrayLike) -> Array:
    given = np.asarray(z)
    flat = given.astype(np.result_type(given, np.float32)).reshape(-1)
    parts = np.empty((2, flat.size), flat.dtype)
    with np.errstate(under="ignore"):
        kernel(flat, parts[0], parts[1])
    return parts[which].reshape(given.shape)[()]


def _activation(name: str, kernel: Kernel, gain: float, formula: str) -> Activation:
    return Activation(name, partial(_part, kernel, 0), partial(_part, kernel, 1), gain, formula, kernel)


@lru_cache(maxsize=64)
def _leaky(leak: float) -> Activation:
    gain = math.sqrt(2 / (1 + leak**2))
    return _activation("leaky_relu", partial(_leaky_relu, leak=leak), gain, f"max(0, z) + {leak:g}·min(0, z)")


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        _activation("sigmoid", _sigmoid, 1.0, "σ(z) = 1/(1 + e⁻ᶻ)"),
        _activation("tanh", _tanh, 5 / 3, "tanh z"),
        _activation("relu", _relu, math.sqrt(2), "max(0, z)"),
        _leaky(0.01),
        _activation("elu", _elu, 1.0, "z for z > 0, eᶻ − 1 below"),
        _activation("selu", _selu, 0.75, "λz for z > 0, λα(eᶻ − 1) below; λ = 1.0507, α = 1.6733"),
        _activation("gelu", _gelu, 1.0, "z·Φ(z)"),
        _activation("silu", _silu, 1.0, "z·σ(z)"),
        _activation("softplus", _softplus, 1.0, "ln(1 + eᶻ)"),
        _activation("hard_tanh", _hard_tanh, 1.0, "max(−1, min(1, z))"),
        _activation("linear", _linear, 1.0, "z"),
    )
}


def get_activation(activation: ActivationLike, leak: float = 0.01) -> Activation:
    """Return the activation of this name, or the one given; `leak` is leaky_relu's slope for z < 0.

    Raises ValueError, listing all names, for a name that is not in `ACTIVATIONS`.
    """
    if isinstance(activation, Activation):
        return activation
    name = check_choice("activation", activation, tuple(ACTIVATIONS))
    return _leaky(float(leak)) if name == "leaky_relu" else ACTIVATIONS[name]
