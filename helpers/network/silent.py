"""Count ReLU networks that are silent at initialization, by drawing networks and running them on one input."""

from __future__ import annotations

import numpy as np

from helpers.arrays import Array


def first_silent_layers(width: int, depth: int, nets: int, seed: int = 0) -> Array:
    """Return, for each of `nets` random ReLU nets without biases, the first layer that is silent on one input, (nets,).

    A net that is not silent after `depth` layers gets `depth` + 1. Every net is drawn and run; He's scale only keeps
    the numbers within range, since nothing but their signs matters. `theory.born_dead_probability` is the closed form.
    """
    rng = np.random.default_rng((seed, width))
    silent = np.full(nets, depth + 1)
    living = np.arange(nets)
    h = rng.standard_normal((nets, 1, width))
    for layer in range(1, depth + 1):
        weights = rng.standard_normal((len(living), width, width)) * np.sqrt(2 / width)
        h = np.maximum(h @ weights, 0)
        answers = h.any(axis=(1, 2))
        silent[living[~answers]] = layer
        living, h = living[answers], h[answers]
    return silent
