"""The engine's two functions: `backpropagate` for given parameters, `gradient_profile` for networks that it draws."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.checks import check_finite, check_shape
from helpers.datasets import CLASSES, classification_batch
from helpers.network.backward import Backward
from helpers.network.forward import Forward, arrays_kept
from helpers.network.parameters import Parameters, initial_parameters
from helpers.network.profile import EAGER, LAZY, GradientProfile
from helpers.network.spec import NetworkSpec

PASS_BYTES = 800_000_000  # that one forward pass may keep; seeds that don't fit are computed in further passes


def backpropagate(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    """Exact gradients of every layer for given parameters and one batch, by the chain rule (Rumelhart 1986).

    `inputs` are (batch, features), `targets` (batch,) whole numbers below the number of classes. Computes in the
    dtype of the parameters, float32 or float64. Raises ValueError for arrays that do not fit `spec`. Warns
    (RuntimeWarning, naming the layer) when the forward signal itself leaves the range of that dtype.
    """
    dtype = _check_arrays(spec, parameters, inputs, targets)
    x, t = np.ascontiguousarray(inputs, dtype), np.asarray(targets)

    def part(some: NetworkSpec, start: int) -> GradientProfile:
        nets = slice(start, start + some.seeds)
        chosen = Parameters([w[nets] for w in parameters.weights], [b[nets] for b in parameters.biases])
        return _profile(some, chosen, x, t)

    return _in_turns(spec, part)


def gradient_profile(spec: NetworkSpec, data: str | tuple[Array, Array] = "digits", seed: int = 0) -> GradientProfile:
    """Draw `spec.seeds` networks and one batch from `seed` and backpropagate through all of them.

    `data` is a task of `classification_batch` ("digits", "clusters", "gaussian") or (inputs, targets) with ten
    classes. Computes in float32 with rescaled gradients, or in float64 if the forward signal leaves [1e-15, 1e15] or
    weights, biases or inputs are extreme. Raises and warns like `backpropagate`.
    """
    if isinstance(data, str):
        inputs, targets = _batch(data, spec.batch, seed)
    else:
        inputs, targets = (np.asarray(array) for array in data)
        _check_batch(spec, inputs, targets, CLASSES)
    single, double = (np.ascontiguousarray(inputs, dtype) for dtype in (np.float32, np.float64))
    tame = (
        1e-6 < spec.weight_variance < 1e3
        and spec.bias_std < 30
        and abs(spec.bias_mean) < 30
        and (isinstance(data, str) or abs(single).max() < 1e3)
    )

    def part(some: NetworkSpec, start: int) -> GradientProfile:
        draw = partial(initial_parameters, some, inputs.shape[1], CLASSES, seed + start)
        if tame:
            with np.errstate(all="ignore"):
                forward = Forward(some, draw(np.float32), single, some.bias_std > 0 or some.bias_mean != 0)
                if forward.lost_layer() is None:
                    return _profile_of(Backward(forward, targets))
        return _profile(some, draw(np.float64), double, targets)

    return _in_turns(spec, part, 4 * spec.depth * spec.width**2)


def _profile_of(backward: Backward) -> GradientProfile:
    signal, log10_signal = backward.signal_norms()
    return GradientProfile(backward.forward.spec, signal, log10_signal, backward.loss, backward)


def _profile(spec: NetworkSpec, parameters: Parameters, inputs: Array, targets: Array) -> GradientProfile:
    with np.errstate(all="ignore"):
        forward = Forward(spec, parameters, inputs, any(bias.any() for bias in parameters.biases[:-1]))
        lost = forward.lost_layer()
        profile = _profile_of(Backward(forward, targets))
    if lost is not None or not np.isfinite(profile.loss).all():
        _check_finite(parameters)
        where = "the read-out" if lost is None else f"layer {lost}"
        norms = profile.loss if lost is None else forward.norms.arrays()[0][lost - 1]
        warnings.warn(
            f"The forward signal of {where} leaves the range of {inputs.dtype} "
            f"({'losses' if lost is None else 'norms'} {norms.min():.1e} to {norms.max():.1e}): "
            "from there on the numbers are not reliable",
            RuntimeWarning,
            stacklevel=5,
        )
    return profile


def _check_finite(parameters: Parameters) -> None:
    for name in ("weights", "biases"):
        for layer, array in enumerate(getattr(parameters, name)):
            check_finite(f"{name}[{layer}]", array)


def _in_turns(
    spec: NetworkSpec, part: Callable[[NetworkSpec, int], GradientProfile], bytes_drawn: int = 0
) -> GradientProfile:
    """Return `part(spec, first seed)` for all seeds, computed at once or, if memory is short, in several passes."""
    at_once = max(1, PASS_BYTES // (8 * arrays_kept(spec) * spec.depth * spec.batch * spec.width + bytes_drawn))
    if spec.seeds <= at_once:
        return part(spec, 0)
    joined: dict[str, list[Array]] = {name: [] for name in (*EAGER, *LAZY)}
    for start in range(0, spec.seeds, at_once):
        profile = part(replace(spec, seeds=min(at_once, spec.seeds - start)), start)
        for name, arrays_so_far in joined.items():
            arrays_so_far.append(getattr(profile, name))
    whole: dict[str, Any] = {name: np.concatenate(joined[name]) for name in EAGER}
    result = GradientProfile(spec, **whole)
    for name in LAZY:
        vars(result)[name] = np.concatenate(joined[name])
    return result


@lru_cache(maxsize=8)
def _batch(name: str, size: int, seed: int) -> tuple[Array, Array]:
    return classification_batch(name, size, seed)


def _check_arrays(spec: NetworkSpec, parameters: Parameters, inputs: Any, targets: Any) -> np.dtype[Any]:
    """Check every shape against `spec`; return the dtype that all parameters share."""
    for name in ("weights", "biases"):
        arrays = getattr(parameters, name)
        if len(arrays) != spec.depth + 1:
            raise ValueError(f"{name} must hold depth + 1 = {spec.depth + 1} arrays, read-out last; got {len(arrays)}")
    dtypes = {np.asarray(array).dtype for array in (*parameters.weights, *parameters.biases)}
    if len(dtypes) != 1 or next(iter(dtypes)).char not in "fd":
        names = ", ".join(sorted(str(dtype) for dtype in dtypes))
        raise ValueError(f"weights and biases must all be float32 or all be float64; got {names}")
    readout = np.shape(parameters.weights[-1])
    if len(readout) != 3:
        raise ValueError(f"weights[-1] must have shape (seeds, width, classes); got {readout}")
    classes = readout[2]
    _check_batch(spec, inputs, targets, classes)
    widths = [np.shape(inputs)[1], *[spec.width] * spec.depth, classes]
    for layer, (weight, bias) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        check_shape(f"weights[{layer}]", weight, (spec.seeds, widths[layer], widths[layer + 1]))
        check_shape(f"biases[{layer}]", bias, (spec.seeds, widths[layer + 1]))
    return dtypes.pop()


def _check_batch(spec: NetworkSpec, inputs: Any, targets: Any, classes: int) -> None:
    x, t = np.asarray(inputs), np.asarray(targets)
    if x.ndim != 2 or len(x) != spec.batch or not x.shape[1]:
        raise ValueError(f"inputs must have shape (batch, features) with batch = {spec.batch}; got {x.shape}")
    if x.dtype.kind not in "fiu":
        raise ValueError(f"inputs must be finite numbers; got {x.dtype}")
    check_finite("inputs", x)
    check_shape("targets", t, (spec.batch,))
    if t.dtype.kind not in "iu" or t.min() < 0 or t.max() >= classes:
        given = f"{t.min()} … {t.max()}" if t.dtype.kind in "iu" else str(t.dtype)
        raise ValueError(f"targets must be whole numbers from 0 to {classes - 1}; got {given}")
