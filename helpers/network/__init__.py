"""The exact engine: the loss of a deep network at initialization and the gradient of every layer, by backpropagation.

Layer l = 1 … depth computes `z = h W + b`, normalises z and adds the normalization's bias if asked, applies the
activation and, from the second layer on, adds `skip` times the layer's input. A linear read-out and the mean
cross-entropy follow. All `seeds` networks are computed at once; arrays are (seeds, batch, width).

Gradients outside the range of a float are not lost: whenever the norm of the running gradient strays from 1, it is
multiplied by a power of two, and the exponent is stored beside it as a whole number.
"""

from __future__ import annotations

from helpers.network.engine import backpropagate, gradient_profile
from helpers.network.parameters import Parameters, initial_parameters
from helpers.network.profile import GradientProfile
from helpers.network.silent import first_silent_layers
from helpers.network.spec import INITS, NORMALIZATIONS, NetworkSpec
from helpers.network.units import unit_signals
