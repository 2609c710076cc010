"""Everything that the notebooks use, from one place: `from helpers.notebook import check, np, panels`.

Importing it prepares the running Python for the course (`helpers.runtime`). Each name is loaded only when it is
imported, so a lesson without PyTorch doesn't wait for PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import isfunction
from typing import Any

from helpers import runtime, without_torch

MODULES: Mapping[str, str] = {
    "copy": "copy",
    "figures": "helpers.figures",
    "functional": "torch.nn.functional",
    "lesson": "helpers.lesson",
    "math": "math",
    "nn": "torch.nn",
    "np": "numpy",
    "panels": "helpers.panels",
    "tempfile": "tempfile",
    "theory": "helpers.theory",
    "torch": "torch",
}
"""Modules by the names under which notebooks import them."""

CONTENTS: Mapping[str, tuple[str, ...]] = {
    "dataclasses": ("replace",),
    "pathlib": ("Path",),
    "torch.nn.functional": ("cross_entropy", "logsigmoid", "softplus"),
    "helpers.activations": ("ACTIVATIONS", "get_activation"),
    "helpers.arrays": ("mean_cosine",),
    "helpers.clipping": ("one_unit_gradient", "one_unit_loss"),
    "helpers.datasets": (
        *("adding_problem", "classification_batch", "clusters", "delayed_recall", "digits", "digits_split"),
        *("gaussian", "sunspot_forecast", "train_test_split"),
    ),
    "helpers.doctor": ("THRESHOLDS", "diagnose", "watch"),
    "helpers.patients": ("add_batch_norm", "draw_weights", "late_patient", "perceptron", "set_biases", "ward"),
    "helpers.figures": ("MILESTONES", "histogram_under_bell", "timeline", "training_movement"),
    "helpers.games": ("RING_CENTRES", "Game", "play", "shifted_recipe"),
    "helpers.installation": ("check_installation", "report"),
    "helpers.lesson": ("check", "compare", "predict", "quiz"),
    "helpers.models": ("MLP", "ConvNet", "RecurrentNet", "ResidualMLP"),
    "helpers.network": ("NetworkSpec", "gradient_profile"),
    "helpers.panels.growing": ("live_curve",),
    "helpers.recurrent": ("RecurrentSpec", "recurrent_profile"),
    "helpers.residual": ("ResidualSpec", "input_gradients", "path_energies", "residual_profile"),
    "helpers.training": ("train", "train_task"),
}
"""Names that notebooks import from modules, by module."""

NAMES: Mapping[str, tuple[str, str]] = {
    **{name: (module, "") for name, module in MODULES.items()},
    **{name: (module, name) for module, names in CONTENTS.items() for name in names},
}
"""Every name, with its module and its name in the module ("" for the module itself)."""

FOLLOWED = ("train", "train_task", "play")
"""Functions whose progress a notebook shows as a curve."""

runtime.prepare()


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"helpers.notebook has no {name!r}: give it one in helpers/notebook.py")
    module, inside = NAMES[name]
    if module.startswith(without_torch.MODULES):
        import_module("torch")  # in a browser this installs the stand-ins, for the course's modules too
    loaded = import_module(module)
    found = getattr(loaded, inside) if inside else loaded
    # A stand-in for something that a browser lacks is not a function; it raises its own error when used.
    return import_module("helpers.panels.growing").followed(found) if name in FOLLOWED and isfunction(found) else found
