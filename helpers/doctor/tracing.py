"""Find the operation and the module in which nan or infinity arises, in a second run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .graph import Graph, name_of
from .recording import flatten

ON_PURPOSE = frozenset(
    (
        *("masked_fill", "masked_fill_", "where", "full", "full_like", "new_full", "fill_", "triu", "tril", "zero_"),
        *(
            "__setitem__",
            "index_fill",
            "index_fill_",
            "copy_",
            "clone",
            "detach",
            "clamp",
            "isfinite",
            "isnan",
            "isinf",
        ),
        *("__get__", "__getitem__", "expand", "view", "reshape", "transpose", "permute", "contiguous", "to", "stack"),
        *("isinf", "cat", "repeat", "generate_square_subsequent_mask"),
    )
)
"""Functions that pass on or set an intended infinity, such as a mask before a softmax."""


class Tracing(TorchFunctionMode):
    """Observes every function of torch and stores the first that turns finite numbers into nan or infinity."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._names = {module: name or "model" for name, module in model.named_modules()}
        self._stack: list[tuple[str, str]] = []
        self._last = ""
        self._in_loss = False
        self.first_infinity = ""
        self.first_nan = ""
        self._made: dict[Any, str] = {}

    def run(self, forward: Callable[[], Any], loss_function: Callable[[Any], Any]) -> str:
        """Return a description of the place where it arises; empty if it doesn't arise again."""
        hooks: list[Any] = []
        for module in self._names:
            if not isinstance(module, torch.jit.ScriptModule):
                hooks.append(module.register_forward_pre_hook(self._enter))
                hooks.append(module.register_forward_hook(self._leave))
        try:
            with self:
                outputs = forward()
                self._in_loss = True
                loss = loss_function(outputs)
        except Exception:  # the loss raises on nan, as binary_cross_entropy does
            return self.first_infinity or self.first_nan
        finally:
            for hook in hooks:
                hook.remove()
        if self.first_infinity and not all(map(_is_finite, flatten(loss))):
            return self.first_infinity
        if self.first_nan:
            return self.first_nan
        return self._on_the_way_back(loss) or self.first_infinity

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if torch._C._functorch.peek_interpreter_stack() is not None:
            return output
        name = getattr(func, "__name__", "")
        made = [each for each in flatten(output) if _has_numbers(each)]
        for each in made:
            if each.grad_fn is not None:
                self._made.setdefault(each.grad_fn, self._place(name))
        if name in ON_PURPOSE or (self.first_infinity and self.first_nan) or all(map(_is_finite, made)):
            return output
        given = [each for each in flatten([*args, *(kwargs or {}).values()]) if _has_numbers(each)]
        if not self.first_infinity and all(map(_is_finite, given)):
            self.first_infinity = self._place(name)
        if not self.first_nan and any(map(_has_nan, made)) and not any(map(_has_nan, given)):
            self.first_nan = self._place(name)
        return output

    def _enter(self, module: nn.Module, _: Any) -> None:
        self._stack.append((self._names[module], type(module).__name__))

    def _leave(self, module: nn.Module, _: Any, output: Any) -> None:
        name, kind = self._stack.pop() if self._stack else ("model", "")
        self._last = name

    def _place(self, function: str) -> str:
        """Describe the place of a call: the function and the module around it."""
        if self._in_loss:
            return f"the loss function, in {function}()"
        name, kind = self._stack[-1] if self._stack else ("model", "")
        module = next((each for each, own in self._names.items() if own == name), None)
        leaf = module is not None and not any(True for _ in module.children())
        if leaf or not self._last:
            return f"the forward pass, in {function}() at {name} ({kind})"
        return f"the forward pass, in {function}() of {name} ({kind}), after {self._last}"

    def _on_the_way_back(self, loss: Tensor) -> str:
        """Describe the step of the backward pass that turns finite gradients into nan or infinity."""
        if not loss.requires_grad:
            return ""
        found: list[Any] = []

        def look(step: Any, made: Any, given: Any) -> None:
            finite = all(_is_finite(each) for each in given if each is not None)
            if finite and not all(_is_finite(each) for each in made if each is not None):
                found.append(step)

        handles = [
            step.register_hook(lambda made, given, step=step: look(step, made, given)) for step in Graph([loss]).order
        ]
        leaves = [leaf for leaf in Graph([loss]).leaves if leaf.requires_grad]
        try:
            torch.autograd.grad(loss, leaves, torch.ones_like(loss), allow_unused=True)
        except RuntimeError:
            return ""
        finally:
            for handle in handles:
                handle.remove()
        if not found:
            return ""
        place = self._made.get(found[0], "")
        operation = name_of(found[0]).removesuffix("Backward")
        return f"the backward pass, through {operation.lower()}()" + (f" ({place})" if place else "")


def _has_numbers(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex()) and not value.is_sparse


def _is_finite(tensor: Tensor) -> bool:
    return not _has_numbers(tensor) or bool(torch.isfinite(tensor.detach()).all())


def _has_nan(tensor: Tensor) -> bool:
    return bool(torch.isnan(tensor.detach()).any())
