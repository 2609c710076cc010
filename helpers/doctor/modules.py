"""Notes on a model that need no run: they look only at the contents of its modules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from .readings import some

ENOUGH = 256
"""The number of weights from which their distribution can be judged."""

LARGE_GAIN = 3.0
"""The growth of a state per step above which a recurrent matrix, if its entries are independent, gets a note."""

GROWN = 1e3
"""A state that grows this much over the steps explodes. A ReLU passes on half of the squares (He et al. 2015)."""

SLOW_MEAN, LAST_BATCH = 1e-3, 0.9
"""A batch norm's momentum below SLOW_MEAN takes over a thousand batches to find the statistics; above LAST_BATCH it
keeps little but the last batch."""

LARGE_EPS = 0.1
"""An eps of a normalization above this is a sizeable part of a variance of 1."""

BATCH_NORMS = nn.modules.batchnorm._BatchNorm
RANDOM = (BATCH_NORMS, nn.modules.dropout._DropoutNd)


Names = Mapping[Tensor, str]


def notes_of_modules(
    model: nn.Module, named: Sequence[tuple[str, nn.Module]], names: Names, steps: Mapping[str, int]
) -> Iterator[str]:
    """Yield notes on a model, its modules with their names, its parameters with theirs, and steps of recurrent ones."""
    modules = [pair for pair in named if not isinstance(pair[1], torch.jit.ScriptModule)]
    yield from _notes_of_modes(model, [(name, each) for name, each in modules if isinstance(each, RANDOM)])
    yield from _notes_of_norms(modules)
    yield from _notes_of_sharing(modules, names)
    yield from _notes_of_numbers(modules, names, steps)


def _notes_of_modes(model: nn.Module, found: Sequence[tuple[str, nn.Module]]) -> Iterator[str]:
    norms = [(name, each) for name, each in found if isinstance(each, BATCH_NORMS) and each.track_running_stats]
    odd = ((name, each.momentum) for name, each in norms if each.training and each.momentum is not None)
    for name, momentum in [pair for pair in odd if not SLOW_MEAN <= pair[1] < LAST_BATCH][:1]:
        means = "keep little but the last batch" if momentum >= LAST_BATCH else "take over a thousand batches"
        yield (
            f"{name}: with a momentum of {momentum:g} the running mean and variance, which eval mode uses, "
            f"{means if momentum else 'never change'}. Momentum is the weight of the new batch, usually 0.1."
        )
    fresh = [name for name, each in norms if not each.training and each.num_batches_tracked == 0 and _is_new(each)]
    if fresh:
        yield (
            f"{some(fresh)}: batch norm in eval mode that has never seen a batch (mean 0, variance 1) normalises "
            "nothing. Call model.train() before training, or load the statistics."
        )
    elif found and not model.training:
        yield "The model is in eval mode (no dropout, running statistics): call model.train() before training."


def _notes_of_norms(modules: Sequence[tuple[str, nn.Module]]) -> Iterator[str]:
    for name, each in modules:
        if isinstance(each, nn.LayerNorm) and math.prod(each.normalized_shape) == 1:
            yield f"{name}: a layer norm over a single number returns its bias, whatever it is given."
        eps = getattr(each, "eps", None) if "Norm" in type(each).__name__ else None
        if isinstance(eps, float | int) and eps > LARGE_EPS:
            yield f"{name}: an eps of {eps:g} outweighs the variance that it normalises by. Usual is 1e-5."
            break


def _is_new(norm: nn.Module) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return isinstance(mean, Tensor) and isinstance(variance, Tensor) and not mean.any() and bool((variance == 1).all())


def _notes_of_sharing(modules: Sequence[tuple[str, nn.Module]], names: Names) -> Iterator[str]:
    for name, module in modules:
        children = [each for each in module._modules.values() if each is not None]
        if len(set(children)) == len(children):
            continue
        counts = Counter(children)
        often = next(child for child in children if counts[child] > 1)
        if any(True for _ in often.parameters()):
            yield (
                f"{name or 'The model'} holds one and the same {type(often).__name__} {counts[often]} times, "
                "with the same weights each time. To get separate layers, create each: [make() for _ in range(n)]."
            )
            break
    places: dict[tuple[int, torch.Size], str] = {}
    for each, name in names.items():
        if each.layout is torch.strided and each.numel() and each.device.type != "meta":
            other = places.setdefault((each.data_ptr(), each.shape), name)
            if other != name:
                yield (
                    f"{other} and {name} are two parameters that share memory, which an optimizer changes twice. "
                    "Assign the parameter itself: a.weight = b.weight, without .data."
                )
                break


def _notes_of_numbers(
    modules: Sequence[tuple[str, nn.Module]], names: Names, steps: Mapping[str, int]
) -> Iterator[str]:
    halves = [name for each, name in names.items() if each.dtype is torch.float16 and each.requires_grad]
    if halves:
        yield (
            f"{some(halves)} in float16: gradients below 6e-8 are 0, updates are lost in rounding, and Adam's eps of "
            "1e-8 is 0. Keep the weights in float32, and train with torch.autocast and a GradScaler."
        )
    frozen = [name for name, module in modules if _is_fresh_and_frozen(module) and not _is_copied(module, names)]
    if frozen and any(each.requires_grad for each in names):
        yield f"{some(frozen)}: frozen at its random initial weights. Load trained weights, or let the layer learn."
    matrices = [(name, each.detach()) for each, name in names.items() if each.dim() > 1 and each.requires_grad]
    constant = [name for name, each in matrices if each.numel() > 1 and _is_constant(each)]
    if constant:
        yield (
            f"{some(constant)}: all weights are the same, so units start the same, and only different layers after "
            "them make them differ. Draw the weights at random."
        )
    wild = [name for name, each in modules if isinstance(each, nn.RNNBase) and _gain(each) > LARGE_GAIN]
    if wild:
        yield (
            f"{some(wild)}: the recurrent weights are so large that gates and states saturate. Start with PyTorch's "
            "default or with orthogonal weights."
        )
    for name, each in modules:
        growth = _gain(each) / math.sqrt(2) if isinstance(each, nn.RNN) and each.nonlinearity == "relu" else 0.0
        if growth > 1 and growth ** steps.get(name, 0) > GROWN:
            yield (
                f"{name}: the recurrent weights make a ReLU state grow {growth:.2g} times at each of {steps[name]} "
                "steps, and its gradient too. Start with the identity or a spectral radius of 1."
            )


def _is_constant(matrix: Tensor) -> bool:
    """Whether all numbers of a dense matrix are the same and not 0; fast if the first two differ."""
    if matrix.layout is not torch.strided or matrix.is_complex() or matrix.device.type == "meta":
        return False
    first = matrix.reshape(-1)[:2].tolist() if matrix.is_contiguous() else [matrix.flatten()[0].item()] * 2
    return first[0] == first[-1] != 0 and bool((matrix == first[0]).all())


def _gain(module: nn.RNNBase) -> float:
    weights = [each.detach() for name, each in module.named_parameters() if name.startswith("weight_hh")]
    return max((float(each.square().mean().sqrt()) * math.sqrt(each.shape[1]) for each in weights), default=0.0)


def _is_copied(module: nn.Module, names: Names) -> bool:
    """Whether a layer that learns has the same weights, as the network has of which a target network is a copy."""
    weight = module._parameters["weight"]
    alike = [each for each in names if each.requires_grad and weight is not None and each.shape == weight.shape]
    return any(torch.equal(each, weight) for each in alike if weight is not None)


def _is_fresh_and_frozen(module: nn.Module) -> bool:
    """Whether a layer is frozen and its weights are distributed as PyTorch draws them.

    PyTorch draws linear and convolutional weights from a uniform distribution up to ±1 / √fan_in, and embeddings from
    a normal distribution with standard deviation 1.
    """
    weight = module._parameters.get("weight")
    layer = isinstance(module, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding)
    if not layer or weight is None or weight.requires_grad or weight.numel() < ENOUGH or not weight.is_floating_point():
        return False
    numbers = weight.detach().float()
    size = float(numbers.square().mean().sqrt())
    if isinstance(module, nn.Embedding):
        tails = float((numbers.abs() > 2).float().mean())  # 0.0455 for a normal distribution
        return abs(size - 1) < 0.05 and abs(float(numbers.mean())) < 0.1 and 0.02 < tails < 0.07
    bound = 1 / math.sqrt(weight[0].numel())
    largest = float(numbers.abs().max())
    return 0.95 * bound < largest <= bound * (1 + 1e-4) and abs(size * math.sqrt(3) / bound - 1) < 0.1
