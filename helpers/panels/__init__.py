"""The panels that the notebooks show, one line each. Every slider moves a real computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from helpers.panels.lesson_00 import start_here
from helpers.panels.lesson_01 import definition
from helpers.panels.lesson_02 import activation_derivatives
from helpers.panels.lesson_03 import deep_sigmoid_nets
from helpers.panels.lesson_04 import born_dead, relu, relu_schemes
from helpers.panels.lesson_05 import initialization, initialization_schemes, jacobian_singular_values
from helpers.panels.lesson_06 import batch_norm, scale_invariance
from helpers.panels.lesson_07 import path_lengths, residual_networks, shattered_gradients
from helpers.panels.lesson_08 import recurrent_networks
from helpers.panels.lesson_09 import disjoint_supports, gans, generator_losses, way_back
from helpers.panels.lesson_10 import cliff, gradient_clipping
from helpers.panels.panel import Panel, still
from helpers.panels.play import GameView, digits_game, ring_game, shifted_game
from helpers.panels.training import follow, training_picture

PANELS: Mapping[str, Callable[[], Panel]] = {
    "00": start_here,
    "01": definition,
    "02": activation_derivatives,
    "03": deep_sigmoid_nets,
    "04": relu,
    "05": initialization,
    "06": batch_norm,
    "07": residual_networks,
    "08": recurrent_networks,
    "09": gans,
    "10": gradient_clipping,
}
"""The main panel of each lesson, by the lesson's two-digit number."""

__all__ = [
    "PANELS",
    "GameView",
    "Panel",
    "activation_derivatives",
    "batch_norm",
    "born_dead",
    "cliff",
    "deep_sigmoid_nets",
    "definition",
    "digits_game",
    "disjoint_supports",
    "follow",
    "gans",
    "generator_losses",
    "gradient_clipping",
    "initialization",
    "initialization_schemes",
    "jacobian_singular_values",
    "path_lengths",
    "relu",
    "relu_schemes",
    "residual_networks",
    "ring_game",
    "scale_invariance",
    "shattered_gradients",
    "shifted_game",
    "recurrent_networks",
    "start_here",
    "still",
    "training_picture",
    "way_back",
]
