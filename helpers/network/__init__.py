"""The exact engine: a deep network at its start, its loss, and every layer's gradient, by backpropagation by hand.

Layer l = 1 … depth computes `z = h W + b`, normalises z and adds the normalization's bias if asked, applies the
activation and, from the second layer on, adds `skip` times the layer's input. A linear read-out and the mean
cross-entropy follow. All `seeds` networks are computed at once; arrays are (seeds, batch, width).

Gradients that leave the range of a float do not get lost: the running gradient is multiplied by a power of two
whenever its norm strays, and the exponent is kept beside it as a whole number.
"""

from __future__ import annotations

from helpers.network.engine import backpropagate, gradient_profile
from helpers.network.parameters import Parameters, initial_parameters
from helpers.network.profile import GradientProfile
from helpers.network.silent import first_silent_layers
from helpers.network.spec import INITS, NORMALIZATIONS, NetworkSpec
from helpers.network.units import unit_signals
