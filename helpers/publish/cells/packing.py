"""The table of a panel, packed: vectors that several states share are stored once.

A table consists of columns. A column holds one vector for each state or network: for instance the numbers of a trace,
or the levels of a network's layers. `columnsIn` in pages.js reads this format.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.arrays import Array
from helpers.picture import Packed

Note = Mapping[str, Any]
Table = Mapping[str, str]
"""The states with their notes ("index") and the numbers of all columns ("columns"), compressed, in base64."""

NET_FIELDS = {"level": 2, "shut": 1, "gradient": 1, "activation": 1, "links": 1, "rows": 2}
"""The fields of a network that `helpers.picture.packing` packs, in its order, with the bytes of a number of each."""

ROW_BYTES = 3  # of a float's four: the last byte of each number in a rounded row is 0
LONGEST = 2**16 - 1
"""The most numbers in a vector, and the most distinct vectors in a column."""


@dataclass(frozen=True)
class Rows:
    """States of a panel, before they are packed.

    keys: the place of each control. bits: (states, numbers), uint32, of the rounded rows. notes: those of each state.
    sizes: how many numbers of a row belong to each trace.
    """

    keys: Sequence[Sequence[int]]
    bits: Array
    notes: Sequence[Note]
    sizes: Sequence[int]


def table(parts: Sequence[Rows]) -> Table:
    """Pack the table of these states, one part after another; the numbers of pictures of networks become columns."""
    keys = [key for part in parts for key in part.keys]
    notes = [note for part in parts for note in part.notes]
    rows = np.concatenate([part.bits for part in parts]) >> np.uint32(8)
    traces = np.split(rows, np.cumsum(parts[0].sizes)[:-1], axis=1)
    columns = [_column(list(trace), ROW_BYTES) for trace in traces]
    nets = [_fields(net) for note in notes for net in note.get("net", ())]
    columns += [_column([net[name] for net in nets], width) for name, width in NET_FIELDS.items()]
    heads = [head for head, _ in columns]
    index = {"keys": keys, "notes": [_without_numbers(note) for note in notes], "columns": heads}
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=False)
    return {"index": _packed(text.encode()), "columns": _packed(b"".join(block for _, block in columns))}


def _column(vectors: Sequence[Array], width: int) -> tuple[Mapping[str, Any], bytes]:
    """The entry of a column in the index, and its bytes: the place of each vector among the distinct ones, the lengths
    of these, and their numbers of `width` bytes, plain or as differences along each vector.
    """
    distinct = {each.tobytes(): each for each in vectors}
    places = {content: place for place, content in enumerate(distinct)}
    if max(len(distinct), *map(len, distinct.values()), 0) > LONGEST:
        raise ValueError(f"a column has {len(distinct)} distinct vectors; they and their numbers may be {LONGEST}")
    plain, steps = (
        _planes(np.concatenate([change(each) for each in distinct.values()] or [np.zeros(0, np.uint32)]), width)
        for change in (np.asarray, _steps)
    )
    by_steps = len(zlib.compress(steps)) < len(zlib.compress(plain))
    head = {"vectors": len(vectors), "distinct": len(distinct), "width": width, "steps": by_steps}
    about = _planes([places[each.tobytes()] for each in vectors], 2) + _planes(list(map(len, distinct.values())), 2)
    return head, about + (steps if by_steps else plain)


def _steps(vector: Array) -> Array:
    """The first number, then the difference of each number from the previous one, as unsigned integers that wrap."""
    return np.diff(vector, prepend=vector.dtype.type(0))


def _planes(numbers: Sequence[int] | Array, width: int) -> bytes:
    """The lowest bytes of all numbers, then the next bytes, and so on; this order compresses better."""
    planes = np.asarray(numbers, "<u4").view(np.uint8).reshape(-1, 4).T[:width]
    return np.ascontiguousarray(planes).tobytes()


def _fields(net: Packed) -> Mapping[str, Array]:
    """The numbers of a packed picture for each of `NET_FIELDS`, as uint32."""
    data, columns, units = base64.b64decode(net["data"]), net["columns"], net["columns"] * net["units"]
    linked = (units - net["units"] + 1) // 2 if net["linked"] else 0
    parts = {"level": "<u2", "shut": "u1", "units": "u1", "links": "u1", "rows": "<u2"}
    counts = (columns, columns, units, linked, columns * len(net["rows"]))
    found, at = {}, 0
    for (name, kind), count in zip(parts.items(), counts, strict=True):
        part = np.frombuffer(data, kind, count, at)
        found[name], at = part.astype(np.uint32), at + part.nbytes
    both = found.pop("units")
    return {**found, "gradient": both & np.uint32(15), "activation": both >> np.uint32(4)}


def _without_numbers(note: Note) -> Note:
    if "net" not in note:
        return note
    return {**note, "net": [{name: each for name, each in net.items() if name != "data"} for net in note["net"]]}


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")
