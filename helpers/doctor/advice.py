"""Say what the caller of `diagnose` can do about an error: one sentence with the value, the place and the remedy."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from .readings import some

ORDER = "the order is diagnose(model, loss_function, inputs, targets)"
OWN = (str(Path(__file__).parent), str(Path(torch.__file__).parent), sysconfig.get_path("stdlib"))
"""Folders of files in which no mistake of the caller is looked for."""


@dataclass(frozen=True)
class Call:
    """What `diagnose` was given, and how far it came: `where` is the running module, `outputs` the model's outputs."""

    model: nn.Module
    inputs: Any
    targets: Any
    where: str = ""
    outputs: Any = None


Say = Callable[[Call, re.Match[str]], str]


# Before anything runs ------------------------------------------------------------------------------------------------


def objection(model: Any, loss_function: Any, inputs: Any) -> str:
    """Return what is wrong with arguments that can't be examined, and the remedy; empty for others."""
    if isinstance(model, type):
        return f"model is the class {model.__name__}: pass an instance, {model.__name__}(...)"
    if not isinstance(model, nn.Module):
        swapped = f"; {ORDER}" if isinstance(loss_function, nn.Module) or isinstance(inputs, nn.Module) else ""
        return f"model must be a torch.nn.Module; got {type(model).__name__}{swapped}"
    if isinstance(loss_function, type) and issubclass(loss_function, nn.Module):
        return f"loss_function is the class {loss_function.__name__}: pass an instance, {loss_function.__name__}()"
    if isinstance(inputs, DataLoader):
        return "inputs is a DataLoader: pass one of its batches, next(iter(loader))"
    if isinstance(inputs, Dataset):
        return "inputs is a Dataset: pass a batch, next(iter(torch.utils.data.DataLoader(dataset, batch_size=32)))"
    first = next((each for each in _parts(inputs) if isinstance(each, Tensor) and each.dim()), None)
    if first is not None and not len(first):
        return f"the batch has no samples: inputs have the shape {tuple(first.shape)}"
    return ""


def without_parameters(model: nn.Module, loss_function: Any) -> str:
    """Return the reason why a model has no parameters, if it can be told."""
    if isinstance(loss_function, nn.Module) and any(True for _ in loss_function.parameters()):
        return f"; {ORDER}"
    if any(".quantized" in type(each).__module__ for each in model.modules()):
        return "; it is quantized: diagnose the model before it is quantized"
    return ""


# Errors of the passes ------------------------------------------------------------------------------------------------


def of_forward(problem: Exception, call: Call) -> str:
    """Return the remedy for an error in the forward pass, on a line of its own; empty if none is known."""
    return _first(FORWARD, problem, call)


def of_loss(problem: Exception, call: Call) -> str:
    """Return the remedy for an error in the loss function, on a line of its own; empty if none is known."""
    return _first(LOSS, problem, call)


def of_backward(problem: Exception, call: Call) -> str:
    """Return the remedy for an error in the backward pass, on a line of its own; empty if none is known."""
    return _first(BACKWARD, problem, call)


def of_result(loss: Any) -> str:
    """Return the remedy for a loss that is no tensor, after a colon; empty if none is known."""
    if loss is None:
        return ": is `return` missing?"
    if isinstance(loss, float | int):
        return ": leave out .item(), which cuts the loss off from the graph"
    if isinstance(loss, np.generic | np.ndarray):
        return ": compute it with torch's functions, since numpy keeps no gradient"
    if isinstance(loss, Mapping):
        return f" with the keys {', '.join(map(repr, loss))}: return one of its values"
    return f" of {len(loss)}: return the part that is the loss" if isinstance(loss, tuple | list) else ""


def of_batch(parts: Sequence[Any]) -> str:
    """Return what was done with a batch of more than two parts, on a line of its own."""
    return (
        f"\nthe batch has {len(parts)} parts: all but the last went to the model, and the last to loss_function; pass "
        "the right ones, for example diagnose(model, loss_function, batch[0], batch[1])"
    )


def place_of(problem: BaseException) -> str:
    """Return file and line of the caller's code where an exception was raised, in parentheses; empty if unknown."""
    trace: TracebackType | None = problem.__traceback__
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if Path(file).is_file() and not file.startswith(OWN) and "site-packages" not in file:
            found = f" ({Path(file).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return found


def made_late(model: nn.Module, before: Sequence[tuple[str, nn.Module]]) -> Iterator[str]:
    """Yield a note if the forward pass has made layers that were not among the model's modules before."""
    known = {id(module) for _, module in before}
    late = [
        name
        for name, module in model.named_modules()
        if id(module) not in known and any(True for _ in module.parameters(recurse=False))
    ]
    if late:
        yield (
            f"{some(late)} is made in the forward pass: an optimizer that was created before lacks its parameters. "
            "Make it in __init__, or run the model once before you create the optimizer."
        )


def _first(table: Sequence[tuple[str, Say]], problem: Exception, call: Call) -> str:
    message = f"{type(problem).__name__}: {problem}"
    for pattern, say in table:
        match = re.search(pattern, message)
        if match and (words := say(call, match)):
            return f"\n{words}"
    return ""


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, tuple | list) else [value]


def _recursion(call: Call, _: re.Match[str]) -> str:
    limit = sys.getrecursionlimit()
    return (
        f"the recursion limit is {limit}, and diagnose adds calls to each of nested modules: if the model runs by "
        f"itself, call sys.setrecursionlimit({4 * limit}) first"
    )


def _transform(call: Call, _: re.Match[str]) -> str:
    return "torch.vmap or another transform of torch.func is used there: diagnose the function inside it"


def _no_tensors(call: Call, _: re.Match[str]) -> str:
    if call.inputs is None:
        return "inputs is None"
    parts = _parts(call.inputs)
    if any(isinstance(each, np.ndarray) for each in parts):
        return "inputs hold a numpy array: pass a tensor, torch.from_numpy(inputs).float()"
    if parts and all(isinstance(each, str) for each in parts):
        return f"inputs hold text ({parts[0]!r}): turn it into numbers first, as a tokenizer does"
    if isinstance(call.inputs, list) and parts and all(isinstance(each, int | float | list) for each in parts):
        return f"inputs is a list of {len(parts)}, passed as positional arguments: pass a tensor, torch.tensor(inputs)"
    return ""


def _arguments(call: Call, _: re.Match[str]) -> str:
    inputs = call.inputs
    if isinstance(inputs, Mapping):
        return f"inputs is a dictionary, passed as named arguments: {', '.join(map(str, inputs))}"
    if not isinstance(inputs, list | tuple):
        return ""
    return (
        f"inputs is a {type(inputs).__name__} of {len(inputs)}, passed as {len(inputs)} positional arguments; is it "
        "(inputs, targets)? Then call diagnose(model, loss_function, *batch)"
    )


def _types(call: Call, _: re.Match[str]) -> str:
    given = [each.dtype for each in _parts(call.inputs) if isinstance(each, Tensor)]
    own = next((each.dtype for each in call.model.parameters() if each.is_floating_point()), None)
    if own is None or not given or own in given:
        return ""
    return f"inputs are {_name(given[0])} and the weights are {_name(own)}: pass inputs.to({own})"


def _features(call: Call, match: re.Match[str]) -> str:
    return (
        f"{call.where} takes {match[3]} features but gets {match[2]}: check the shape of the inputs or the layer's size"
    )


def _index(call: Call, _: re.Match[str]) -> str:
    layer = dict(call.model.named_modules()).get(call.where.partition(" (")[0])
    rows = getattr(layer, "num_embeddings", None)
    if rows is None:
        return ""
    tokens = [each for each in _parts(call.inputs) if isinstance(each, Tensor) and not each.is_floating_point()]
    ends = f"; the inputs range from {int(tokens[0].min())} to {int(tokens[0].max())}" if tokens else ""
    return f"{call.where} has {rows} rows, so its indices must be 0 to {rows - 1}{ends}"


def _outputs(call: Call, _: re.Match[str]) -> str:
    outputs = call.outputs
    if isinstance(outputs, Tensor):
        return ""
    if outputs is None:
        return "the model returned None: is `return` missing in its forward?"
    keys = f" with the keys {', '.join(map(repr, outputs))}" if isinstance(outputs, Mapping) else ""
    return f"the model's output is of type {type(outputs).__name__}{keys}: let loss_function take the tensors from it"


def _targets(call: Call, _: re.Match[str]) -> str:
    if call.targets is None:
        return "targets is None"
    if isinstance(call.targets, np.ndarray):
        return "targets is a numpy array: pass torch.from_numpy(targets)"
    return "targets is a list: pass a tensor, torch.tensor(targets)" if isinstance(call.targets, list) else ""


def _classes(call: Call, _: re.Match[str]) -> str:
    outputs, targets = call.outputs, call.targets
    if not isinstance(targets, Tensor) or not outputs.dim():
        return ""
    classes, low, high = outputs.shape[min(1, outputs.dim() - 1)], int(targets.min()), int(targets.max())
    said = f"targets must be 0 to {classes - 1} for {classes} outputs, but range from {low} to {high}: "
    if high - low < classes:
        return said + (f"subtract {low}" if low > 0 else f"add {-low}")
    return f"{said}give the last layer {high + 1} outputs, or number the classes from 0"


def _sizes(call: Call, _: re.Match[str]) -> str:
    if not isinstance(call.targets, Tensor):
        return ""
    shapes = f"outputs have the shape {tuple(call.outputs.shape)} and targets {tuple(call.targets.shape)}"
    return f"{shapes}: both need the same samples, in the shapes that the loss takes"


def _swapped(call: Call, _: re.Match[str]) -> str:
    whole = isinstance(call.targets, Tensor) and not call.outputs.is_floating_point()
    if whole and call.targets.is_floating_point():
        return "outputs are whole numbers and targets are not: loss_function is called as (outputs, targets)"
    return ""


def _class_numbers(call: Call, _: re.Match[str]) -> str:
    if not isinstance(call.targets, Tensor) or not call.targets.is_floating_point():
        return ""
    return f"targets are {_name(call.targets.dtype)}, but this loss takes the numbers of classes: pass targets.long()"


def _real_targets(call: Call, _: re.Match[str]) -> str:
    if not isinstance(call.targets, Tensor) or call.targets.is_floating_point():
        return ""
    return f"targets are {_name(call.targets.dtype)}, but this loss takes real numbers: pass targets.float()"


def _called(call: Call, _: re.Match[str]) -> str:
    return "loss_function is called as loss_function(outputs, targets), in this order"


def _own_backward(call: Call, _: re.Match[str]) -> str:
    return (
        "the model's forward pass or loss_function calls backward() itself: diagnose needs the graph of the loss, so "
        "leave backward() to the caller"
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


FORWARD: Sequence[tuple[str, Say]] = (
    ("^RecursionError", _recursion),
    ("vmap|functorch", _transform),
    ("^(TypeError|AttributeError)", _no_tensors),
    ("^TypeError", _arguments),
    ("same dtype|scalar type|Input type|dtype", _types),
    (r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)", _features),
    ("index out of range", _index),
)
"""Patterns of errors in the forward pass with what to say about them; the first that has something to say counts."""

LOSS: Sequence[tuple[str, Say]] = (
    ("", _outputs),
    ("", _targets),
    ("Target -?[0-9]+ is out of bounds", _classes),
    ("", _swapped),
    ("batch_size|must match|size of tensor|target size|same size", _sizes),
    ("softmax.* for 'Long'|class probabilities", _called),
    ("scalar type Long|for 'Float'|to be .*Long", _class_numbers),
    ("scalar type Float|Float can't be cast|dtype Long|for 'Long'", _real_targets),
)
"""The same for errors in the loss function."""

BACKWARD: Sequence[tuple[str, Say]] = (
    ("retain_graph|second time", _own_backward),
    ("dtype Long", _real_targets),
)
"""The same for errors in the backward pass."""
