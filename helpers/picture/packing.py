"""One state of the network picture: the drawn quantities of every column and unit, in few bytes.

Little endian, in this order: `level` (int16 per column), `shut` (uint8 per column), `units` (uint8 per unit), `links`
(4 bits per unit of every column but the last), and further rows of int16. `live/net.js` decodes them in the browser.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.arrays import Array

LEVEL_STEP = 0.01
"""The step of a level in decades; a level is off by at most half a step."""

DEVIATION_STEP, DEVIATION_ZERO = 0.2, 11
"""A unit's four bits: 0 for no gradient at all, else 1 … 15, for its decades above its column's RMS unit."""

SLOPE_STEP = 0.001
LOWEST = -32_000
"""The code of a level of -inf."""

MOST_LINKED = 75
"""The largest number of columns with links; more columns are too close together for lines."""

Packed = dict[str, Any]


@dataclass(frozen=True, eq=False)
class NetworkPicture:
    """The drawn quantities of one network. Columns are layers, blocks, steps or places; units are those chosen in each.

    kind: "layers", "chain", "blocks", "steps" or "places"
    level: (columns,) log10 of the gradient's RMS unit in the column over that in the last column, or over another
        reference that the caller names; -inf for an exact 0
    deviation: (columns, units) log10 of a unit's gradient over its column's RMS unit; -inf for an exact 0
    activation: (columns, units) from 0 to 1, for one sample
    closed: (columns, units) whether a unit passes on nothing for any sample
    shut: (columns,) the share of the column's units, or of its units and samples, that pass on nothing
    links: (columns - 1, units) for each unit, the unit of the next column from which most of its gradient comes, as its
        place among the chosen ones; None if no lines are drawn
    rows: further (columns,) arrays by name: "skip" and "branch", the gradients in decades that a column gets from the
        next one by a skip (or past the weights of a recurrent cell) and by a branch; "slope"
    facts: further facts about the network that the picture shows, as JSON values
    """

    kind: str
    level: Array
    deviation: Array
    activation: Array
    closed: Array
    shut: Array
    links: Array | None = None
    rows: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def packed(self) -> Packed:
        """Return the state as the browser decodes it: facts, sizes, and the numbers in base64."""
        columns, units = self.deviation.shape
        low = np.where(self.deviation > -np.inf, _between(self.deviation / DEVIATION_STEP + DEVIATION_ZERO, 1, 15), 0)
        high = np.where(self.closed, 0, _between(14 * self.activation + 1, 1, 15))
        both = (low + 16 * high).astype(np.uint8)
        parts = [_whole(self.level / LEVEL_STEP), np.rint(255 * self.shut).astype(np.uint8), both]
        linked = self.links is not None and 1 < columns <= MOST_LINKED
        if self.links is not None and linked:
            flat = np.zeros(self.links.size + self.links.size % 2, np.uint8)
            flat[: self.links.size] = self.links.ravel()
            parts.append(flat[::2] | flat[1::2] << 4)
        for name, row in self.rows.items():
            parts.append(_whole(row / (SLOPE_STEP if name == "slope" else LEVEL_STEP)))
        data = base64.b64encode(b"".join(part.tobytes() for part in parts)).decode("ascii")
        sizes = {"columns": columns, "units": units, "linked": linked, "rows": list(self.rows)}
        return {"kind": self.kind, **sizes, **_plain(self.facts), "data": data}


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as JSON values: rounded numbers, and null for one that isn't finite."""
    return {
        name: (round(float(value), 4) if math.isfinite(value) else None) if isinstance(value, float) else value
        for name, value in facts.items()
    }


def _between(values: Array, low: int, high: int) -> Array:
    """Return the nearest whole numbers, clipped to `low` … `high`; `low` for NaN."""
    nearest: Array = np.minimum(np.fmax(np.rint(values), low), high)
    return nearest


def _whole(values: Array) -> Array:
    """Return values as int16, with `LOWEST` for -inf and NaN."""
    return _between(values, LOWEST, -LOWEST).astype("<i2")
