"""Activation functions with their exact slopes.

Each kernel below writes a value and its slope side by side, while the numbers are still in the processor's cache:
the backward rule stands beside the forward rule. ``ACTIVATIONS`` holds the table, ``get_activation`` looks one up.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Kernel = Callable[[Array, Array, Array], None]

SELU_SCALE = 1.0507009873554804934193349852946  # Klambauer et al. 2017, eq. 2: lambda
SELU_ALPHA = 1.6732632423543772848170429916717  # and alpha


@dataclass(frozen=True)
class Activation:
    """An activation function φ with its slope φ′.

    ``function`` and ``slope`` take an array (or a number) of any shape and keep its dtype; integers become float64.
    ``gain`` is what ``torch.nn.init.calculate_gain`` gives, 1 where PyTorch names none. ``formula`` is a label.
    ``kernel``, if given, is called as ``kernel(z, value, slope)`` and fills both arrays in one go.
    """

    name: str
    function: Callable[[ArrayLike], Array]
    slope: Callable[[ArrayLike], Array]
    gain: float
    formula: str
    kernel: Kernel | None = None

    def evaluate(self, z: Array, value: Array, slope: Array) -> None:
        """Write φ(z) into ``value`` and φ′(z) into ``slope``, arrays of the shape and dtype of ``z``."""
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


@lru_cache(maxsize=32)
def _filled(shape: tuple[int, ...], dtype: str, number: float) -> Array:
    """A read-only constant array: numpy compares two arrays several times faster than an array and a number."""
    array = np.full(shape, number, dtype)
    array.flags.writeable = False
    return array


def _zeros(z: Array) -> Array:
    return _filled(z.shape, z.dtype.char, 0.0)


def _ceiling(z: Array) -> Array:
    """Where the exponential stops: above it e^z would overflow, and σ(z) has long been 1."""
    return _filled(z.shape, z.dtype.char, 80.0 if z.dtype.itemsize == 4 else 700.0)


def _sigmoid(z: Array, value: Array, slope: Array) -> None:
    np.minimum(z, _ceiling(z), out=value)
    np.exp(value, out=value)
    np.add(value, 1, out=slope)
    np.reciprocal(slope, out=slope)  # 1 - σ, without the cancellation that "1 - σ" suffers for large z
    np.multiply(value, slope, out=value)
    np.multiply(value, slope, out=slope)


def _tanh(z: Array, value: Array, slope: Array) -> None:
    np.tanh(z, out=value)
    np.multiply(value, value, out=slope)
    np.subtract(1, slope, out=slope)


def _relu(z: Array, value: Array, slope: Array) -> None:
    np.maximum(z, _zeros(z), out=value)
    np.greater(z, _zeros(z), out=slope)


def _leaky_relu(z: Array, value: Array, slope: Array, leak: float) -> None:
    np.greater(z, _zeros(z), out=slope)
    np.multiply(slope, 1 - leak, out=slope)
    np.add(slope, leak, out=slope)
    np.multiply(z, slope, out=value)


def _elu(z: Array, value: Array, slope: Array) -> None:
    np.minimum(z, _zeros(z), out=value)
    np.exp(value, out=slope)  # 1 for z > 0
    np.expm1(value, out=value)  # 0 for z > 0
    np.add(value, np.maximum(z, _zeros(z)), out=value)


def _selu(z: Array, value: Array, slope: Array) -> None:
    _elu(z, value, slope)
    right = np.greater(z, _zeros(z))
    np.multiply(slope, SELU_SCALE * SELU_ALPHA, out=slope)
    np.copyto(slope, SELU_SCALE, where=right)
    factor = np.where(right, z.dtype.type(SELU_SCALE), z.dtype.type(SELU_SCALE * SELU_ALPHA))
    np.multiply(value, factor, out=value)


@lru_cache(maxsize=2)
def _erfc_polynomial(degree: int) -> tuple[float, ...]:
    """Coefficients, highest first, of p(s) = erfc(x) exp(x²) / t with t = 1 / (1 + x/2) and s = 2t - 1, for x ≥ 0."""

    def target(s: Array) -> Array:
        x = [2 * (2 / (1 + v) - 1) for v in s]
        return np.array([math.erfc(v) * math.exp(v * v) * (1 + v / 2) for v in x])

    farthest = 1 / (1 + 26 / 2)  # beyond x = 26 erfc itself is below 1e-295
    series = chebyshev.Chebyshev.interpolate(target, degree, domain=[2 * farthest - 1, 1])
    return tuple(float(c) for c in series.convert(kind=np.polynomial.Polynomial).coef[::-1])


def _gelu(z: Array, value: Array, slope: Array) -> None:
    absolute = np.abs(z)
    t = np.divide(1, 1 + absolute * (0.5 / math.sqrt(2)))
    s = 2 * t - 1
    coefficients = _erfc_polynomial(10 if z.dtype.itemsize == 4 else 24)
    tail = np.multiply(s, coefficients[0])
    for coefficient in coefficients[1:-1]:
        np.add(tail, coefficient, out=tail)
        np.multiply(tail, s, out=tail)
    np.add(tail, coefficients[-1], out=tail)
    density = np.exp(-0.5 * np.minimum(z * z, _ceiling(z) * 2))
    tail *= t
    tail *= 0.5
    tail *= density  # P(Z > |z|)
    cumulative = np.where(z > 0, 1 - tail, tail)
    np.multiply(z, cumulative, out=value)
    np.multiply(z, density, out=slope)
    np.multiply(slope, 1 / math.sqrt(2 * math.pi), out=slope)
    np.add(slope, cumulative, out=slope)


def _silu(z: Array, value: Array, slope: Array) -> None:
    _sigmoid(z, value, slope)
    np.multiply(slope, z, out=slope)
    np.add(slope, value, out=slope)
    np.multiply(value, z, out=value)


def _softplus(z: Array, value: Array, slope: Array) -> None:
    _sigmoid(z, slope, value)
    np.abs(z, out=value)
    np.negative(value, out=value)
    np.exp(value, out=value)
    np.log1p(value, out=value)
    np.add(value, np.maximum(z, _zeros(z)), out=value)


def _hard_tanh(z: Array, value: Array, slope: Array) -> None:
    np.clip(z, -1, 1, out=value)
    np.less(np.abs(z), _filled(z.shape, z.dtype.char, 1.0), out=slope)


def _linear(z: Array, value: Array, slope: Array) -> None:
    np.copyto(value, z)
    slope.fill(1)


def _part(kernel: Kernel, which: int, z: ArrayLike) -> Array:
    given = np.asarray(z)
    flat = given.astype(np.result_type(given, np.float32)).reshape(-1)
    parts = np.empty((2, flat.size), flat.dtype)
    with np.errstate(under="ignore"):
        kernel(flat, parts[0], parts[1])
    part: Array = parts[which].reshape(given.shape)[()]
    return part


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


def get_activation(name: str, leak: float = 0.01) -> Activation:
    """The activation called ``name``; ``leak`` is leaky_relu's slope for z < 0.

    Raises ValueError, with the names there are, for a name that is not in ``ACTIVATIONS``.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}; got {name!r}")
    return _leaky(float(leak)) if name == "leaky_relu" else ACTIVATIONS[name]
