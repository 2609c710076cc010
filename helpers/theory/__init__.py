"""Closed forms for the forward signal and the backward gradient in wide random networks.

Each module has one subject; `from helpers import theory` gives all of them. An activation is given by its name or as an
`Activation`.
"""

from __future__ import annotations

from helpers.theory.adversarial import (
    GENERATOR_LOSSES,
    generator_slope,
    js_divergence,
    optimal_generator_gradient,
    optimal_logit,
    wasserstein_distance,
)
from helpers.theory.averages import mean_slope, mean_square_activation, mean_square_slope
from helpers.theory.chains import chain_gradient, steps_to_move
from helpers.theory.mean_field import (
    LARGEST,
    SMALLEST,
    bisect,
    critical_gain,
    critical_weight_variance,
    depth_scale,
    factor_plane,
    per_layer_factor,
    preactivation_variances,
    signal_profile,
    variance_fixed_point,
)
from helpers.theory.memory import (
    bias_for_half_life,
    chrono_product,
    copying_baseline,
    forget_gate,
    half_life,
    log10_forget_product,
)
from helpers.theory.normalization import normalized_factor, normalized_profile
from helpers.theory.pairs import correlation_depth_scale, cosines
from helpers.theory.rectifiers import born_dead_probability
from helpers.theory.residual import ResidualTheory, path_lengths, relu_overlaps, residual_theory
