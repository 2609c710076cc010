"""The network picture as data: a network's units, activations and gradients in one state, quantized for the browser.

Decoded values differ from the engine's numbers by at most half a step: 0.005 decades for a column, and 0.1 decades
more for a unit between 0.01 and 6 times its column's RMS unit (values beyond are clipped to that range).
"""

from __future__ import annotations

from helpers.picture.networks import blocks, chain, first_of, layers, parts, players, steps
from helpers.picture.packing import NetworkPicture, Packed
