"""The network picture as data: a network's units, activations and gradients of one state, quantized for the browser.

What is decoded differs from the engine's numbers by at most half a step: 0.005 decades for a column, and 0.1 decades
more for a unit between 0.01 and 6 times its column's RMS unit (beyond, it stands at that end).
"""

from __future__ import annotations

from helpers.picture.networks import blocks, chain, first_of, layers, parts, players, steps
from helpers.picture.packing import NetworkPicture, Packed, unpack
