"""Convert the forms of arguments that `diagnose` accepts to model, loss function, inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

Example = tuple[Any, Callable[[Any, Any], Any], Any, Any]


class _NotGiven:
    """The default of an argument that may be omitted and for which None is a valid value."""

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
        """Return the loss, or a dictionary with it. Logged values are discarded, since there is no trainer."""
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
    """Return model, loss function, inputs and targets for the given arguments.

    - Without targets, `inputs` is a DataLoader's batch (inputs, targets) and is split. If it has more than two parts,
      the last one is the targets and the others are positional arguments.
    - Without a loss function, and with a model that has a `training_step`, as a LightningModule does, the step is
      called with the batch, and its result is the loss or contains it.
    - Without a loss function otherwise, the outputs contain the loss, as `outputs["loss"]`, `outputs.loss` or their
      first part. Models of Hugging Face return it if the batch has labels.

    Anything else is unchanged.
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
    """Return the loss in a model's outputs; raise ValueError if there is none."""
    if isinstance(outputs, Tensor) and outputs.numel() == 1:
        return outputs
    found = outputs.get("loss") if isinstance(outputs, Mapping) else getattr(outputs, "loss", None)
    if found is None and isinstance(outputs, tuple | list) and outputs:
        found = outputs[0]
    if not isinstance(found, Tensor) or found.numel() != 1:
        raise ValueError(
            f"the outputs ({type(outputs).__name__}) hold no loss of one number: pass a loss_function, or the labels "
            "with the inputs"
        )
    return found


def _ignore(*_: Any, **__: Any) -> None:
    """Discard logged values."""


def _named(module: nn.Module) -> TrainingStep:
    """Return the training step as a module whose class has the name of the original one."""
    kind = type(f"{type(module).__name__}.training_step", (TrainingStep,), {})
    step: TrainingStep = kind(module)
    return step
