"""What people have at hand, as the model, loss function, inputs and targets that `diagnose` works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

Example = tuple[Any, Callable[[Any, Any], Any], Any, Any]


class _NotGiven:
    """Stands for an argument that was left out; None may be one that was handed over."""

    def __repr__(self) -> str:
        return "not given"


NOT_GIVEN: Any = _NotGiven()


LOGGING = ("log", "log_dict")


class TrainingStep(nn.Module):
    """A LightningModule whose outputs are what its `training_step` returns."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.train(module.training)

    def forward(self, batch: Any) -> Any:
        """The loss, or a dictionary with it. What the step logs goes nowhere: no trainer is there to take it."""
        step: Any = self.module.training_step
        own = vars(self.module)
        before = {name: own[name] for name in LOGGING if name in own}
        own.update(dict.fromkeys(LOGGING, _ignore))
        try:
            return step(batch, 0)
        finally:
            for name in LOGGING:
                del own[name]
            own.update(before)


def adapted(model: Any, loss_function: Any, inputs: Any, targets: Any = NOT_GIVEN) -> Example:
    """Model, loss function, inputs and targets, from what was given.

    - Targets that are not given: `inputs` is a DataLoader's batch (inputs, targets), and is taken apart. Of more than
      two parts the last one is the targets, the others are the positional arguments.
    - No loss function and a model with a `training_step`, as a LightningModule has: the step is called with the batch,
      and what it returns is the loss or holds it.
    - No loss function otherwise: the outputs hold the loss, as `outputs["loss"]`, `outputs.loss` or as their first
      part. Models of Hugging Face return it where the batch has labels.

    Anything else stays as it is.
    """
    if loss_function is None and callable(getattr(model, "training_step", None)):
        batch = inputs if targets is NOT_GIVEN or targets is None else (inputs, targets)
        return _named(model), loss_in, (batch,), None
    if loss_function is None:
        return model, loss_in, inputs, None if targets is NOT_GIVEN else targets
    if targets is not NOT_GIVEN:
        return model, loss_function, inputs, targets
    if isinstance(inputs, tuple | list) and len(inputs) >= 2:
        return model, loss_function, inputs[0] if len(inputs) == 2 else tuple(inputs[:-1]), inputs[-1]
    return model, loss_function, inputs, None


def loss_in(outputs: Any, _: Any = None) -> Tensor:
    """The loss that a model's outputs hold; raises ValueError where they hold none."""
    if isinstance(outputs, Tensor) and outputs.numel() == 1:
        return outputs
    found = outputs.get("loss") if isinstance(outputs, Mapping) else getattr(outputs, "loss", None)
    if found is None and isinstance(outputs, tuple | list) and outputs:
        found = outputs[0]
    if not isinstance(found, Tensor) or found.numel() != 1:
        raise ValueError(
            f"the outputs ({type(outputs).__name__}) hold no loss of one number: hand over a loss_function, or the "
            "labels with the inputs"
        )
    return found


def _ignore(*_: Any, **__: Any) -> None:
    """Takes what is logged."""


def _named(module: nn.Module) -> TrainingStep:
    """The step under the name of the module that it belongs to."""
    kind = type(f"{type(module).__name__}.training_step", (TrainingStep,), {})
    step: TrainingStep = kind(module)
    return step
