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


def opened(table: Mapping[str, str], size: int) -> tuple[list[list[int]], list[dict[str, Any]], np.ndarray]:
    """States, notes and rows (states, size) of a table."""
    index = json.loads(zlib.decompress(base64.b64decode(table["index"])))
    planes = np.frombuffer(zlib.decompress(base64.b64decode(table["rows"])), np.uint8).reshape(4, -1)
    return index["keys"], index["notes"], np.ascontiguousarray(planes.T).view("<f4").reshape(-1, size)


def expected_row(panel: Panel, result: Mapping[str, Any]) -> np.ndarray:
    """What the engine gives, in the order of the figure's traces."""
    named = [trace.name for trace in panel.live.figure.data if trace.name in result]
    return np.concatenate([np.asarray(result[name], np.float32).ravel() for name in named])
