"""Reads a packed state of the network picture back, as `net.js` does in the browser."""

from __future__ import annotations

import base64

import numpy as np

from helpers.arrays import Array
from helpers.picture import NetworkPicture, Packed
from helpers.picture.packing import DEVIATION_STEP, DEVIATION_ZERO, LEVEL_STEP, LOWEST, SLOPE_STEP


def unpack(packed: Packed) -> NetworkPicture:
    """Return the numbers of a packed state, to the precision of its bits."""
    columns, units = packed["columns"], packed["units"]
    data = memoryview(base64.b64decode(packed["data"]))

    def take(count: int, kind: str) -> Array:
        nonlocal data
        found = np.frombuffer(data, kind, count)
        data = data[found.nbytes :]
        return found

    def decades(step: float) -> Array:
        found = take(columns, "<i2")
        return np.where(found == LOWEST, -np.inf, found * step)

    level, shut = decades(LEVEL_STEP), take(columns, "u1") / 255
    both = take(columns * units, "u1").reshape(columns, units)
    low, high = both & 15, both >> 4
    links = None
    if packed["linked"]:
        count = (columns - 1) * units
        pairs = take((count + 1) // 2, "u1")
        links = np.stack([pairs & 15, pairs >> 4], axis=1).ravel()[:count].reshape(columns - 1, units)
    rows = {name: decades(SLOPE_STEP if name == "slope" else LEVEL_STEP) for name in packed["rows"]}
    deviation = np.where(low > 0, (low.astype(float) - DEVIATION_ZERO) * DEVIATION_STEP, -np.inf)
    activation = np.where(high > 0, (high.astype(float) - 1) / 14, 0.0)
    known = {"kind", "columns", "units", "linked", "rows", "data"}
    facts = {name: value for name, value in packed.items() if name not in known}
    return NetworkPicture(packed["kind"], level, deviation, activation, high == 0, shut, links, rows, facts)
