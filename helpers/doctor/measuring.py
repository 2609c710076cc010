"""The measurements of `watch`, in few operations: in a small network each of them costs as much as a layer.

Results wait as tensors on their device and are fetched together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .flatness import Flat
from .following import Following

Array = NDArray[Any]

SMALL = 2**16
"""Outputs of at most this many elements are copied, and those of one shape are measured together."""

ALIKE_SAMPLES, ALIKE_FEATURES = 32, 256
"""The largest numbers of samples and features, evenly picked, that the similarity of samples is computed from."""

RECORDS, TOGETHER = 16, 2**20
"""Outputs of RECORDS records are measured together, or of fewer if they have more than TOGETHER elements."""

LEAST, MOST = 1e-12, 1e15
"""A norm between these is accurate in float32; any other is computed again in float64."""

FLOAT32 = np.dtype(np.float32)

UPDATE_SAMPLE = 2**14
"""For a parameter with more elements, about this many are examined to see how far a step moves it."""


@dataclass(frozen=True)
class Leaving:
    """The statistics of one layer's outputs: mean, standard deviation, flat shares, mean cosine of two samples."""

    mean: float = math.nan
    std: float = math.nan
    dead: float = math.nan
    saturated: float = math.nan
    similarity: float = math.nan
    units: int = 0


class _Kept(NamedTuple):
    """The outputs of one layer, (samples, …), or of several of one shape, (layers, samples, …)."""

    values: Tensor
    z: Tensor | None
    flat: Flat | None
    unit_axis: int

    @property
    def alike(self) -> Hashable:
        """The key that outputs share if they can be measured together."""
        return self.values.shape, self.values.dtype, self.values.device, self.flat, self.unit_axis


class Batch:
    """Outputs that are measured together, when their room is full or when a result is requested.

    units: the number of units of each of these layers
    """

    def __init__(self, like: _Kept, room: _Room | None = None) -> None:
        """Prepare a batch; `like` is one of the outputs, `room` the room where they wait, None if they are measured."""
        self._room, self._size = room, like.values.numel()
        self._rectifies = like.flat is not None and like.flat.rectifies
        shape = like.values.shape
        self.units = shape[like.unit_axis] if len(shape) > 1 else shape[0] if shape else 1
        self._measured: list[Tensor] = []
        self._numbers: list[Array] = []

    def set(self, measured: list[Tensor]) -> None:
        """Store the measurements."""
        self._room, self._measured = None, measured

    def leaving(self, place: int) -> Leaving:
        """Return the statistics of the layer at this place."""
        if self._room is not None:
            self._room.measure()
        self._numbers = self._numbers or fetched(self._measured)
        mean, deviation, alike, *share = (float(each[place]) for each in self._numbers)
        flat = share[0] / (self.units if self._rectifies else self._size) if share else 0.0
        dead, saturated = (flat, 0.0) if self._rectifies else (0.0, flat)
        return Leaving(mean, deviation / self._size**0.5, dead, saturated, alike, self.units)


class _Room:
    """Memory in which outputs of one kind wait until they are measured; it is reused afterwards."""

    def __init__(self, like: _Kept, size: int) -> None:
        self.size, self.used = size, 0
        values, z = (None if each is None else each.new_empty((size, *each.shape)) for each in (like.values, like.z))
        self._memory = _Kept(_of(values), z, like.flat, like.unit_axis)
        self._places = [list(_of(values)), [] if z is None else list(z)]
        self._batch = Batch(like, self)

    def add(self, count: int) -> tuple[Batch, int, list[Tensor]]:
        """Return the batch that will measure so many outputs, the place of the first one, and where they are copied."""
        if self.used + count > self.size:
            self.measure()
        start, self.used = self.used, self.used + count
        return self._batch, start, [place for each in self._places for place in each[start : self.used]]

    def measure(self) -> None:
        """Measure the waiting outputs."""
        if self.used:
            values, z = self._memory.values, self._memory.z
            waiting = self._memory._replace(values=values[: self.used], z=None if z is None else z[: self.used])
            self._batch.set(_measure(waiting, is_own=True))
            self._batch, self.used = Batch(self._memory._replace(values=values[0]), self), 0


class Left(NamedTuple):
    """The outputs of some layers of a record: the places of a batch from `start` on."""

    keys: list[Any]
    batch: Batch
    start: int


class Outputs:
    """Collects the outputs of layers during a forward pass, by any key.

    Small outputs of several records are measured together: an operation that runs once in ten steps takes a few times
    as long as when it is repeated immediately.
    """

    def __init__(self) -> None:
        self._small: dict[Any, _Kept] = {}
        self._large: dict[Any, Left] = {}
        self._rooms: dict[Hashable, _Room] = {}
        self._records = self._waiting = 0

    def keep(self, key: Any, following: Following, unit_axis: int) -> None:
        """Keep the output of a layer; it replaces an earlier one with the same key."""
        values, flat, z = following
        if flat is None or z is None or (flat.rectifies and values.dim() < 2):
            flat = z = None
        elif flat.rectifies:
            z = None  # after a rectifier the output is sufficient
        self._small.pop(key, None)
        self._large.pop(key, None)
        values, z = values.detach(), None if z is None else z.detach()
        kept = _Kept(values, z, flat, unit_axis)
        if values.numel() > SMALL:
            batch = Batch(kept)
            batch.set(_measure(kept._replace(values=values[None], z=None if z is None else z[None]), is_own=False))
            self._large[key] = Left([key], batch, 0)
        else:
            self._small[key] = kept

    def clear(self) -> None:
        """Forget the outputs of the last forward pass."""
        self._small.clear()
        self._large.clear()

    def taken(self) -> list[Left]:
        """Return the layers' outputs for a record."""
        alike: dict[Hashable, list[Any]] = {}
        for key, kept in self._small.items():
            alike.setdefault(kept.alike, []).append(key)
        found, copied, places = list(self._large.values()), list[Tensor](), list[Tensor]()
        for kind, keys in alike.items():
            those = [self._small[key] for key in keys]
            batch, start, space = self._room(kind, those).add(len(those))
            found.append(Left(keys, batch, start))
            places += space
            copied += [each.values for each in those]
            copied += [each.z for each in those if each.z is not None]
        if copied:
            torch._foreach_copy_(places, copied)
        self._records += 1
        if self._records == RECORDS or self._waiting > TOGETHER:
            self._rooms = {kind: room for kind, room in self._rooms.items() if room.used}
            for room in self._rooms.values():
                room.measure()
            self._records = self._waiting = 0
        return found

    def _room(self, kind: Hashable, those: Sequence[_Kept]) -> _Room:
        """Return the room of outputs of one kind, with space for these."""
        count, size = len(those), those[0].values.numel()
        self._waiting += count * size
        room = self._rooms.get(kind)
        if room is None or room.size < count:
            if room is not None:
                room.measure()
            room = self._rooms[kind] = _Room(those[0], max(count, min(RECORDS * count, TOGETHER // size)))
        return room


def _measure(kept: _Kept, is_own: bool) -> list[Tensor]:
    """Return, for each layer in a stack (layers, samples, …): mean, norm of deviations, similarity, flat elements.

    If `is_own` is set, the values are overwritten, since allocating memory takes longer than the computation.
    """
    values, layers = kept.values, len(kept.values)
    numbers = values if values.dtype == torch.float64 else values.float()
    flattened = numbers.reshape(layers, -1)
    shares = []
    if kept.flat is not None and kept.flat.rectifies:
        axis = kept.unit_axis % (values.dim() - 1) + 1
        peaks = values.amax([each for each in range(1, values.dim()) if each != axis])
        shares.append(torch.count_nonzero(peaks <= kept.flat.low, dim=1))
    elif kept.flat is not None and kept.z is not None:
        shares.append(torch.count_nonzero(kept.flat.mask(kept.z).reshape(layers, -1), dim=1))
    alike, mean = _similarity(numbers), flattened.mean(dim=1)
    away = torch.sub(flattened, mean[:, None], out=flattened if is_own else None)
    return [mean, torch.linalg.vector_norm(away, dim=1), alike, *shares]


def _similarity(values: Tensor) -> Tensor:
    """Return the mean cosine between two samples, (layers,); NaN for a single sample, or if all values are zero."""
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
    """Return a tensor's numbers, detached: a sparse tensor's values, a complex tensor's real and imaginary parts."""
    values = (tensor.coalesce().values() if tensor.is_sparse else tensor).detach()
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def norms(tensors: Sequence[Tensor]) -> Array | Tensor:
    """Return the norm of each tensor, (tensors,), in float64 if the device has it, so small ones don't underflow."""
    if not tensors:
        return np.empty(0)
    if tensors[0].device.type != "cpu":
        return _on_device([real(each) for each in tensors])
    try:
        arrays = [(each.detach() if each.requires_grad else each).numpy().ravel() for each in tensors]
    except (TypeError, RuntimeError):  # numpy lacks the type or the layout
        arrays = []
    if arrays and all(each.dtype is FLOAT32 for each in arrays) and sum(each.size for each in arrays) <= TOGETHER:
        return _norms_of(arrays)
    return np.array([_norm(real(each)) for each in tensors])


def _norms_of(arrays: Sequence[Array]) -> Array:
    """Return the norms of one-dimensional float32 arrays, in float64 where float32 would lose something."""
    with np.errstate(all="ignore"):
        found = [math.sqrt(each.dot(each)) for each in arrays]
        if not LEAST < min(found) <= max(found) < MOST:
            for place, each in enumerate(arrays):
                if not LEAST < found[place] < MOST:
                    found[place] = float(np.linalg.norm(each.astype(np.float64)))
    return np.array(found)


def together(tensors: Sequence[Tensor]) -> Tensor:
    """Concatenate plain tensors, flattened; a single one gives a view, none an empty tensor."""
    with torch.no_grad():
        return torch._C._nn.flatten_dense_tensors(list(tensors)).detach() if tensors else torch.empty(0)


def are_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether all tensors are dense, float32 and on the CPU."""
    return all(each.dtype is torch.float32 and each.layout is torch.strided and each.is_cpu for each in tensors)


def _norm(values: Tensor) -> float:
    quick = float(torch.linalg.vector_norm(values)) if values.dtype == torch.float32 else math.nan
    return quick if LEAST < quick < MOST else float(torch.linalg.vector_norm(values, dtype=torch.float64))


def _on_device(values: Sequence[Tensor]) -> Tensor:
    """Stack scalar tensors without waiting for the device."""
    wide = torch.float32 if values[0].device.type == "mps" else torch.float64
    found = [torch.linalg.vector_norm(each, dtype=wide) for each in values]
    return torch.stack([each.to(found[0].device) for each in found])


def fetched(measured: Sequence[Array | Tensor]) -> list[Array]:
    """Return the numbers of tensors of at most one axis, with one transfer per device; arrays are unchanged."""
    tensors = {place: each for place, each in enumerate(measured) if isinstance(each, Tensor)}
    found = [np.empty(0) if isinstance(each, Tensor) else each for each in measured]
    for device in {tensor.device for tensor in tensors.values()}:
        places = [place for place, tensor in tensors.items() if tensor.device == device]
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
    """Some elements of each parameter before a step, to be compared with those after it.

    Memory is reused from record to record, as are numpy's views of parameters that stay in place: in a small network,
    allocating memory and making views take longer than the computation.

    is_whole: whether all elements are examined
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = [each for each in parameters if each.numel()]
        self.is_whole = all(each.numel() < 2 * UPDATE_SAMPLE for each in self.parameters)
        self._addresses: list[int] = []
        self._views: list[Array] = []  # none if numpy can't read some parameter in place
        self._memory, self._parts = np.empty((2, 0), FLOAT32), [list[Array](), list[Array]()]
        self._tensors: list[Tensor] = []
        self._sizes: Array | Tensor | None = None

    def remember(self) -> None:
        """Store the current elements."""
        self._look()
        if self._views:
            np.concatenate(self._views, out=self._memory[0])
        else:
            self._tensors = [each.detach().clone() for each in self._samples()]
        self._sizes = None

    @property
    def sizes(self) -> Array | Tensor:
        """The norm of each parameter at `remember`, (parameters,)."""
        if self._sizes is None:
            self._sizes = _norms_of(self._parts[0]) if self._views else norms(self._tensors)
        return self._sizes

    def change(self) -> tuple[Array | Tensor, Array | Tensor]:
        """Return the norms of each parameter's change since `remember`, and `sizes`; call it only once."""
        sizes = self.sizes
        if self._views:
            self._look()  # an optimizer may have replaced their data
            before, after = self._memory
            np.subtract(np.concatenate(self._views, out=after), before, out=after)
            return _norms_of(self._parts[1]), sizes
        with torch.no_grad():
            torch._foreach_sub_(self._tensors, self._samples())
        return norms(self._tensors), sizes

    def _look(self) -> None:
        """Make numpy's views again if a parameter has moved, and memory if one has another size."""
        addresses = [*map(Tensor.data_ptr, self.parameters), *map(Tensor.numel, self.parameters)]
        if addresses == self._addresses:
            return
        self._addresses = addresses
        plain = are_plain(self.parameters) and all(map(Tensor.is_contiguous, self.parameters))
        self._views = [each.detach().numpy().reshape(-1) for each in self._samples()] if plain else []
        ends = np.cumsum([each.size for each in self._views])
        if self._views and self._memory.shape[1] != ends[-1]:
            self._memory = np.empty((2, ends[-1]), FLOAT32)
            self._parts = [np.split(each, ends[:-1]) for each in self._memory]

    def _samples(self) -> list[Tensor]:
        """Return at most about `UPDATE_SAMPLE` elements of each parameter, evenly picked."""
        if self.is_whole:
            return self.parameters
        return [each.detach().reshape(-1)[:: _stride(each)] if _stride(each) > 1 else each for each in self.parameters]


def _stride(parameter: Tensor) -> int:
    return max(1, parameter.numel() // UPDATE_SAMPLE)
