"""What `watch` measures of layers and parameters, in few operations: in a small network each costs as much as a layer.

Everything that is measured waits as tensors on its device and is fetched at once.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .flatness import Flat
from .following import Following

Array = NDArray[Any]

SMALL = 2**16
"""Outputs of at most so many elements are kept, and those of one shape are measured together when all are there."""

ALIKE_SAMPLES, ALIKE_FEATURES = 32, 256
"""The similarity of samples is taken of at most so many samples and features, evenly picked."""

TOGETHER = 2**20
"""Parameters that are no more than this together are measured together."""

LEAST, MOST = 1e-12, 1e15
"""A norm between these lost nothing in float32; any other is taken once more in float64."""

UPDATE_SAMPLE = 2**14
"""Of a parameter with more elements, about so many are looked at to see how far a step moves it."""


@dataclass(frozen=True)
class Leaving:
    """What leaves one layer: mean, standard deviation, flat shares, and the mean cosine between two samples."""

    mean: float = math.nan
    std: float = math.nan
    dead: float = math.nan
    saturated: float = math.nan
    similarity: float = math.nan
    units: int = 0


@dataclass(frozen=True)
class _Kept:
    values: Tensor
    z: Tensor | None
    flat: Flat | None
    unit_axis: int

    @property
    def alike(self) -> Hashable:
        """What those have in common that can be measured together."""
        return self.values.shape, self.values.dtype, self.values.device, self.flat, self.unit_axis


class Group(NamedTuple):
    """Layers that are measured together: their keys, and of each the size of its output and how many units it has.

    rectifies: whether a rectifier follows them; None where nothing is flat
    """

    keys: list[Any]
    size: int
    units: int
    rectifies: bool | None


class Outputs:
    """Collects what leaves the layers during a forward pass, by any key, and measures it."""

    def __init__(self) -> None:
        self._small: dict[Any, _Kept] = {}
        self._measured: dict[Any, tuple[list[Tensor], Group]] = {}

    def keep(self, key: Any, following: Following, unit_axis: int) -> None:
        """Keep what left a layer; another call under the same key takes its place."""
        values, flat, z = following.values, following.flat, following.z
        if flat is None or z is None or (flat.rectifies and values.dim() < 2):
            flat = z = None
        elif flat.rectifies:
            z = None  # behind a rectifier the output tells as much
        self._small.pop(key, None)
        self._measured.pop(key, None)
        if values.numel() > SMALL:
            kept = _Kept(values.unsqueeze(0), None if z is None else z.unsqueeze(0), flat, unit_axis)
            self._measured[key] = _measure(kept), _group([key], kept)
        else:
            self._small[key] = _Kept(values, z, flat, unit_axis)

    def clear(self) -> None:
        """Forget everything."""
        self._small.clear()
        self._measured.clear()

    @property
    def keys(self) -> list[Any]:
        """All that something was kept of, in no order that matters."""
        return [*self._measured, *self._small]

    def waiting(self) -> tuple[list[Tensor], list[Group]]:
        """Tensors to be fetched, and what `answers` needs besides."""
        alike: dict[Hashable, list[Any]] = {}
        for key, kept in self._small.items():
            alike.setdefault(kept.alike, []).append(key)
        tensors: list[Tensor] = []
        groups: list[Group] = []
        for keys in alike.values():
            first = self._small[keys[0]]
            values = torch.stack([self._small[key].values for key in keys])
            z = None if first.z is None else torch.stack([_of(self._small[key].z) for key in keys])
            together = _Kept(values, z, first.flat, first.unit_axis)
            tensors += _measure(together)
            groups.append(_group(keys, together))
        for measured, group in self._measured.values():
            tensors += measured
            groups.append(group)
        return tensors, groups


def answers(numbers: Iterator[Array], groups: Sequence[Group]) -> dict[Any, Leaving]:
    """What left the layers, by key, from what was fetched of the tensors of `Outputs.waiting`."""
    found = {}
    for keys, size, units, rectifies in groups:
        mean, deviation, alike = next(numbers), next(numbers), next(numbers)
        shares = np.zeros(len(keys)) if rectifies is None else next(numbers) / (units if rectifies else size)
        for place, key in enumerate(keys):
            share = float(shares[place])
            found[key] = Leaving(
                mean=float(mean[place]),
                std=float(deviation[place]) / size**0.5,
                dead=share if rectifies else 0.0,
                saturated=0.0 if rectifies else share,
                similarity=float(alike[place]),
                units=units,
            )
    return found


def _group(keys: list[Any], kept: _Kept) -> Group:
    return Group(keys, kept.values[0].numel(), _units(kept), None if kept.flat is None else kept.flat.rectifies)


def _units(kept: _Kept) -> int:
    shape = kept.values.shape[1:]
    return shape[kept.unit_axis] if len(shape) > 1 else shape[0] if shape else 1


def _measure(kept: _Kept) -> list[Tensor]:
    """For each layer in a stack (layers, samples, …): mean, norm of the deviations, similarity, flat elements."""
    values, layers = kept.values, len(kept.values)
    numbers = values if values.dtype == torch.float64 else values.float()
    flattened = numbers.reshape(layers, -1)
    mean = flattened.mean(dim=1)
    deviation = torch.linalg.vector_norm(flattened - mean[:, None], dim=1)
    measured = [mean, deviation, _similarity(numbers)]
    if kept.flat is not None and kept.flat.rectifies:
        axis = kept.unit_axis % (values.dim() - 1) + 1
        peaks = values.amax([each for each in range(1, values.dim()) if each != axis])
        measured.append(torch.count_nonzero(peaks <= kept.flat.low, dim=1))
    elif kept.flat is not None and kept.z is not None:
        measured.append(torch.count_nonzero(kept.flat.mask(kept.z).reshape(layers, -1), dim=1))
    return measured


def _similarity(values: Tensor) -> Tensor:
    """Mean cosine between two samples, (layers,); NaN where there is one sample only, or nothing but zeros."""
    layers, samples = values.shape[0], values.shape[1] if values.dim() > 2 else 1
    if samples < 2:
        return torch.full((layers,), math.nan, device=values.device)
    rows = values.reshape(layers, samples, -1)
    rows = rows[:, :: -(-samples // ALIKE_SAMPLES), :: -(-rows.shape[2] // ALIKE_FEATURES)]
    sizes = torch.linalg.vector_norm(rows, dim=2)
    some = (sizes > 0).to(sizes)
    count = some.sum(dim=1)
    directions = torch.bmm((some / sizes.clamp_min(1e-38)).unsqueeze(1), rows)  # the sum of all unit vectors
    return ((directions * directions).sum(dim=(1, 2)) - count) / (count * (count - 1))


def _of(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


# Parameters ----------------------------------------------------------------------------------------------------------


def real(tensor: Tensor) -> Tensor:
    """The numbers in a tensor, detached: of a sparse one its values, of a complex one its real and imaginary parts."""
    values = (tensor.coalesce().values() if tensor.is_sparse else tensor).detach()
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def norms(tensors: Sequence[Tensor]) -> Tensor:
    """The norm of each tensor, (tensors,), in float64 where the device has it: small ones don't underflow to 0."""
    if not tensors:
        return torch.empty(0)
    if tensors[0].device.type != "cpu":
        return _on_device([real(each) for each in tensors])
    sizes = [each.numel() for each in tensors]
    if min(sizes) and sum(sizes) <= TOGETHER and are_plain(tensors):
        return _norms_within(together(tensors), sizes)
    return torch.tensor([_norm(real(each)) for each in tensors], dtype=torch.float64)


def together(tensors: Sequence[Tensor]) -> Tensor:
    """Plain tensors one behind the other; of a single one a view, and nothing of none."""
    with torch.no_grad():
        return torch._C._nn.flatten_dense_tensors(list(tensors)).detach() if tensors else torch.empty(0)


def _norms_within(flat: Tensor, sizes: Sequence[int]) -> Tensor:
    """The norms of stretches of these sizes, on the processor; in float64 where float32 would lose something."""
    numbers, start, found = flat.numpy(), 0, []
    with np.errstate(all="ignore"):
        for size in sizes:
            part = numbers[start : start + size]
            start += size
            quick = math.sqrt(part.dot(part))
            found.append(quick if LEAST < quick < MOST else float(np.linalg.norm(part.astype(np.float64))))
    return torch.tensor(found, dtype=torch.float64)


def are_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether all are dense, of float32 and on the processor."""
    return all(each.dtype is torch.float32 and each.layout is torch.strided and each.is_cpu for each in tensors)


def _norm(values: Tensor) -> float:
    quick = float(torch.linalg.vector_norm(values)) if values.dtype == torch.float32 else math.nan
    return quick if LEAST < quick < MOST else float(torch.linalg.vector_norm(values, dtype=torch.float64))


def _on_device(values: Sequence[Tensor]) -> Tensor:
    """Without waiting for the device."""
    wide = torch.float32 if values[0].device.type == "mps" else torch.float64
    found = [torch.linalg.vector_norm(each, dtype=wide) for each in values]
    return torch.stack([each.to(found[0].device) for each in found])


def fetched(tensors: Sequence[Tensor]) -> list[Array]:
    """The numbers of tensors of at most one axis, brought from each device at once."""
    found: list[Array] = [np.empty(0)] * len(tensors)
    for device in {tensor.device for tensor in tensors}:
        places = [place for place, tensor in enumerate(tensors) if tensor.device == device]
        if device.type == "cpu":
            for place in places:
                found[place] = np.atleast_1d(tensors[place].double().numpy())
            continue
        together, start = torch.hstack([tensors[place] for place in places]).cpu().numpy(), 0
        for place in places:
            end = start + tensors[place].numel()
            found[place], start = together[start:end], end
    return found


class Weights:
    """Some elements of each parameter before a step, to be held against those after it.

    is_whole: whether all elements are looked at
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = [each for each in parameters if each.numel()]
        self.is_whole = are_plain(self.parameters) and all(e.numel() < 2 * UPDATE_SAMPLE for e in self.parameters)
        self._before = self._samples()

    @cached_property
    def sizes(self) -> Tensor:
        """The norm that each of the parameters had before, (parameters,)."""
        return self._norms_of(self._before)

    def moved(self) -> Tensor:
        """The norm of the change of each of the parameters, (parameters,)."""
        return self._norms_of(self._samples() - self._before)

    def _norms_of(self, samples: Tensor) -> Tensor:
        sizes = [min(each.numel(), len(range(0, each.numel(), _stride(each)))) for each in self.parameters]
        sizes = [2 * size if each.is_complex() else size for size, each in zip(sizes, self.parameters, strict=True)]
        return _norms_within(samples, sizes) if self.is_whole else norms(list(samples.split(sizes)))

    def _samples(self) -> Tensor:
        """Of each parameter at most about `UPDATE_SAMPLE` elements, evenly picked, one behind the other."""
        if self.is_whole:
            flat = together(self.parameters)
            return flat.clone() if len(self.parameters) == 1 else flat
        some = [real(each.detach().reshape(-1)[:: _stride(each)]).reshape(-1) for each in self.parameters]
        return torch.cat([each.to(some[0].device) for each in some])


def _stride(parameter: Tensor) -> int:
    return max(1, parameter.numel() // UPDATE_SAMPLE)
