"""What single calls of torch's functions in a forward pass show, besides the layers: axes, slices, draws, padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

VIEWS = frozenset(("view", "reshape"))
"""Functions of torch that keep the order of a tensor's numbers, whatever the new axes are."""

DROPOUTS = frozenset(
    ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
)
"""Functions of torch that set numbers to 0 at random."""

ALONG = frozenset(
    (
        *("mean", "sum", "prod", "std", "var", "median", "max", "min", "amax", "amin", "norm", "vector_norm"),
        *("normalize", "cumsum", "cumprod", "logsumexp", "softmax", "log_softmax", "sort", "argsort", "layer_norm"),
    )
)
"""Functions of torch that combine the numbers along an axis, or all of them."""

SWAPS = frozenset(("transpose", "swapaxes", "permute", "movedim", "t"))
"""Functions of torch that change the order of the axes."""

SEEN = SWAPS | VIEWS | DROPOUTS | ALONG | {"__getitem__", "normal", "masked_fill", "masked_fill_"}
"""Functions of torch whose calls are looked at."""

HARDLY = 1e-2
"""A mask of less than this changes scores hardly at all."""

MANY, SOME = 8, 0.05
"""An embedding of at least MANY numbers gets a note if SOME of them are padding_idx between others."""


class Calls:
    """What the calls of a forward pass show.

    unread: the tensors of the inputs that no function of torch was called with, by their ids; set before the run
    mixed_axes: in words, where a view gives an axis another place, as if it were a permutation
    dropouts: name, p and step of every dropout that dropped something
    drops_by_function: whether one of them is a call of a function and not a module, which eval mode switches off
    along_samples: in words, what works along the first axis, which may hold the samples
    rows: name and number of rows, from the first on, that were taken from a table of the model
    padded: name, indices and padding_idx of every embedding that has one
    drawn: random numbers whose distribution depends on parameters, without a gradient
    """

    def __init__(self, held: Sequence[Tensor]) -> None:
        """Prepare; `held` are the tensors that the model holds."""
        self._held = set(map(id, held))
        self._both_ways: dict[int, tuple[str, Tensor, int]] = {}
        self.unread: dict[int, Tensor] = {}
        self.mixed_axes: list[str] = []
        self.dropouts: list[tuple[str, float, Any]] = []
        self.drops_by_function = False
        self.along_samples: list[str] = []
        self.rows: list[tuple[str, int]] = []
        self.padded: list[tuple[str, Tensor, int]] = []
        self.drawn: list[Tensor] = []
        self.notes: list[str] = []

    def see(self, name: str, where: str, module: nn.Module | None, output: Any, args: Any, kwargs: Any) -> None:
        """Look at a call of the function `name` that was made in a module."""
        if not args or not isinstance(args[0], Tensor) or args[0].layout is not torch.strided:
            return
        if name in VIEWS:
            self._view(where, args[0], output)
        elif name in DROPOUTS:
            self._drop(where, module, output, args, kwargs)
        elif type(module).__module__.startswith("torch.nn.modules"):
            return
        elif name == "__getitem__":
            self._slice(where, args[0], args[1], output)
        elif name in SWAPS:
            if output.dim() and len(args[0]) > 1 and output.stride(0) != args[0].stride(0):
                self.along_samples.append(f"{where} swaps the first axis with another.")
        elif name.startswith("masked_fill"):
            self._mask(where, args, kwargs)
        elif name == "normal":
            if any(each.requires_grad or _depends(each._base) for each in args if isinstance(each, Tensor)):
                self.drawn.append(output)
        elif args[0].dim() > 1 and len(args[0]) > 1 and _is_along_samples(name, args, kwargs):
            self.along_samples.append(f"{where} takes a {name} over the first axis: set its dim.")

    def see_product(self, name: str, where: str, output: Any, args: Any, kwargs: Any) -> None:
        """Look at a product with no matrix of its own, or an embedding."""
        if name == "embedding":
            indices = args[0]
            if kwargs.get("padding_idx") is not None:
                self.padded.append((where, indices, kwargs["padding_idx"]))
            ends = [int(indices[0]), int(indices[-1])] if indices.dim() == 1 and len(indices) > 1 else []
            if ends == [0, len(indices) - 1]:
                self.rows.append((where, len(indices)))
            return
        is_square = name != "linear" and output.dim() == 2 and output.shape[0] == output.shape[1] > 1
        if is_square and not any(isinstance(each, nn.Parameter) for each in args):
            self.along_samples.append(f"{where} multiplies samples with samples.")

    def runs_both_ways(self, name: str, module: nn.RNNBase, output: Any) -> None:
        """Keep the outputs of a bidirectional recurrent module, to see which steps are read."""
        first = output[0] if isinstance(output, tuple) else None
        if module.bidirectional and isinstance(first, Tensor) and first.dim() == 3:
            self._both_ways[id(first)] = name, first, 1 if module.batch_first else 0

    def enters(self, name: str, args: Sequence[Any]) -> None:
        """Note a module that gets random numbers through which no gradient flows."""
        if not self.notes and any(each is drawn for each in args for drawn in self.drawn):
            self.notes.append(
                f"{name} gets random numbers drawn without a gradient: what sets their mean and deviation learns "
                "nothing from it. Use rsample(), or mean + deviation * torch.randn_like(mean)."
            )

    def _view(self, where: str, before: Tensor, after: Tensor) -> None:
        """Note a view that swaps the sizes of two axes, or moves an axis behind the parts of another."""
        old, new = ([size for size in each.shape if size != 1] for each in (before, after))
        if old != new and (sorted(old) == sorted(new) or _moved(old, new)):
            self.mixed_axes.append(f"{where} views {tuple(before.shape)} as {tuple(after.shape)}")

    def _drop(self, where: str, module: nn.Module | None, output: Tensor, args: Any, kwargs: Any) -> None:
        given = {**dict(zip(("input", "p", "training"), args, strict=False)), **kwargs}
        p = float(given.get("p", 0.5))
        if p and given.get("training", True):
            self.dropouts.append((where, p, output.grad_fn))
            self.drops_by_function |= not isinstance(module, nn.modules.dropout._DropoutNd)

    def _mask(self, where: str, args: Any, kwargs: Any) -> None:
        value = kwargs.get("value", args[2] if len(args) > 2 else 0)
        if isinstance(value, float) and -HARDLY < value < 0:
            self.notes.append(
                f"{where} fills what is masked with {value:g}, which hides nothing from a softmax: use -1e9 or -inf."
            )

    def _slice(self, where: str, tensor: Tensor, index: Any, output: Tensor) -> None:
        if id(tensor) in self._held and output.dim():
            self.rows.append((where, len(output)))
        known = self._both_ways.get(id(tensor))
        if known is None:
            return
        name, _, axis = known
        places = index if isinstance(index, tuple) else (index,)
        at = places[axis] if len(places) > axis and places[0] is not Ellipsis else None
        if type(at) is int and at in (-1, tensor.shape[axis] - 1) and tensor.shape[axis] > 1:
            self.notes.append(
                f"{name} runs both ways, and its output is read at the last step, where the way back has seen that "
                "step only. Read its final state h_n, or the outputs of all steps."
            )


def notes_of_calls(calls: Calls, names: Mapping[int, str]) -> Iterator[str]:
    """Yield notes on single calls; `names` names the tensors of the inputs by their ids."""
    yield from dict.fromkeys(calls.notes)
    unread = [names[each] for each in calls.unread if each in names]
    if unread and len(unread) < len(names):
        yield f"The model doesn't use {', '.join(unread)}: neither outputs nor loss can depend on it."
    for where, indices, padding in calls.padded:
        inside = _share_inside(indices, padding)
        if inside >= SOME and indices.numel() >= MANY:
            yield (
                f"{where}: {inside:.0%} of the numbers are {padding}, its padding_idx, and stand between others: they "
                "get a vector of zeros that never learns. Keep the number of padding for padding."
            )
            break


def _share_inside(indices: Tensor, padding: int) -> float:
    """Return the share of the indices that are padding but stand before or between others in their row."""
    if indices.is_floating_point() or not indices.numel():
        return 0.0
    rows = indices.reshape(-1, indices.shape[-1] if indices.dim() > 1 else 1)
    word = rows != padding
    if rows.shape[1] == 1:
        return float((~word).double().mean()) if bool(word.any()) else 0.0
    seen, ahead = word.long().cumsum(1) > 0, word.long().flip(1).cumsum(1).flip(1) > 0
    return float((~word & seen & ahead).double().mean())


def _moved(old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether a size that occurs once in both, after the same first axis, starts at another place in memory."""
    if not old or not new or old[0] != new[0]:
        return False
    for size in old[1:]:
        if old.count(size) == new.count(size) == 1:
            before, after = (torch.Size(each[: each.index(size)]).numel() for each in (old, new))
            if before != after:
                return True
    return False


def _is_along_samples(name: str, args: Any, kwargs: Any) -> bool:
    """Whether a function combines numbers along the first axis of its first argument."""
    axes = args[0].dim()
    if name == "layer_norm":
        return len(kwargs.get("normalized_shape", args[1] if len(args) > 1 else ())) == axes
    place = 2 if name in ("norm", "vector_norm") else 1
    axis = kwargs.get("dim", kwargs.get("axis", args[place] if len(args) > place else None))
    if isinstance(axis, Tensor):  # the larger one of two tensors
        return False
    if axis is None or isinstance(axis, bool):
        return name not in ("sort", "argsort")
    return any(type(each) is int and each % axes == 0 for each in (axis if isinstance(axis, tuple | list) else (axis,)))


def _depends(base: Tensor | None) -> bool:
    return base is not None and base.requires_grad
