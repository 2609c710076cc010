"""Reads what `start.py site` has written, without its code: the tables of the panels, row by row."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from helpers.panels import Panel


def page_data(site: Path, lesson: str) -> dict[str, Any]:
    """What the scripts of a lesson's page are given, by tag."""
    return data_in((site / "tables" / f"{lesson}.js").read_text(encoding="utf-8"))


def data_in(script: str) -> dict[str, Any]:
    """What a page's script of data makes of it: figures have numbers of looks, which stand in its second line."""
    first, second = script.splitlines()
    data: dict[str, Any] = json.loads(first.removeprefix("globalThis.courseData=").removesuffix(";"))
    looks = json.loads(second[second.rindex("})(") + len("})(") :].removesuffix(");"))
    for each in data.values():
        if "spec" in each:
            layout = each["spec"]["figure"]["layout"]
            layout["template"] = looks[layout["template"]]
    return data


def opened(table: Mapping[str, str]) -> tuple[list[list[int]], list[dict[str, Any]], np.ndarray]:
    """States, notes and rows (states, size) of a table."""
    index = json.loads(zlib.decompress(base64.b64decode(table["index"])))
    data = zlib.decompress(base64.b64decode(table["columns"]))
    columns = []
    for head in index["columns"]:
        column, data = _column(data, **head)
        columns.append(column)
    traces, fields = columns[:-6], columns[-6:]
    bits = np.array([np.concatenate(state) for state in zip(*traces, strict=True)], np.uint32)
    numbers = zip(*fields, strict=True)
    for note in index["notes"]:
        for net in note.get("net", ()):
            net["data"] = _net_data(*next(numbers))
    return index["keys"], index["notes"], (bits << np.uint32(8)).view("<f4")


def _column(data: bytes, vectors: int, distinct: int, width: int, steps: bool) -> tuple[list[np.ndarray], bytes]:
    """The vectors of a column at the beginning of the data, and what comes after it."""

    def numbers(count: int, width: int) -> np.ndarray:
        nonlocal data
        planes = np.frombuffer(data, np.uint8, count * width).reshape(width, count).astype(np.uint32)
        data = data[planes.size :]
        return sum((plane << np.uint32(8 * place) for place, plane in enumerate(planes)), np.zeros(count, np.uint32))

    places, lengths = numbers(vectors, 2), numbers(distinct, 2)
    kept = np.split(numbers(int(lengths.sum()), width), np.cumsum(lengths)[:-1]) if distinct else []
    if steps:
        kept = [np.cumsum(each, dtype=np.uint32) % np.uint32(256**width) for each in kept]
    return [kept[place] for place in places], data


def _net_data(*fields: np.ndarray) -> str:
    level, shut, gradient, activation, links, rows = fields
    narrow = np.concatenate([shut, gradient | activation << np.uint32(4), links]).astype(np.uint8)
    parts = (level.astype("<u2"), narrow, rows.astype("<u2"))
    return base64.b64encode(b"".join(part.tobytes() for part in parts)).decode("ascii")


def expected_row(panel: Panel, result: Mapping[str, Any]) -> np.ndarray:
    """What the engine gives, in the order of the figure's traces."""
    named = [trace.name for trace in panel.live.figure.data if trace.name in result]
    return np.concatenate([np.asarray(result[name], np.float32).ravel() for name in named])
