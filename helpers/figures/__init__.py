"""Functions that turn results into a `plotly.graph_objects.Figure`. None of them shows a figure or uses a widget."""

from __future__ import annotations

from helpers.figures.by_layer import hidden_profile, signal_and_saturation, signal_by_layer
from helpers.figures.clipping import before_and_after, cliff
from helpers.figures.course_map import course_map
from helpers.figures.games import MOMENTS, both_networks, digits_game, duel, loss_slopes, overlap, plane_game
from helpers.figures.heat_maps import layers_over_steps, log10_or_gap
from helpers.figures.history import MILESTONES, timeline
from helpers.figures.neurons import chain, histogram_under_bell, slope_and_spread
from helpers.figures.normalization import loss_and_gradient_by_scale, signal_and_difference
from helpers.figures.parts import band, line
from helpers.figures.random_networks import both_ways, phase_plane, singular_values
from helpers.figures.rectifiers import born_dead, rectifier_family, signal_and_weight_gradient
from helpers.figures.recurrent import forecasts, signal_through_time
from helpers.figures.residual import path_lengths, shattered_gradients, signal_and_size
from helpers.figures.scores import scores_over_time
from helpers.figures.training import training_losses, training_movement
from helpers.figures.two_networks import unknown_and_own
