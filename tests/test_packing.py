"""A panel's table: what is packed into it comes out as it went in, and what states have in common is kept once."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import numpy as np
import pytest

from helpers import panels
from helpers.live.browser import HERE as LIVE
from helpers.panels import Panel
from helpers.publish.cells.bake import SHARES, Fineness, anchors, baked, baked_share, in_single_precision, table_of
from helpers.publish.cells.packing import Rows, table
from tests.browser.lab import ROOT
from tests.site_reader import opened

WITH_PICTURES = ("start_here", "residual_networks", "recurrent_networks", "gradient_clipping")


def lowest_bits_gone(rows: np.ndarray) -> np.ndarray:
    return rows.astype("<f4").view(np.uint32) & np.uint32(0xFFFFFF00)


def size_of(packed: Any) -> int:
    return sum(map(len, packed.values()))


def test_numbers_come_out_as_they_went_in() -> None:
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3e38, -1.5]
    bits = lowest_bits_gone(np.array([special, special[::-1], special, np.arange(8.0)]))
    keys, notes, rows = opened(
        table([Rows([[0], [1], [2], [3]], bits, [{"summary": str(n)} for n in range(4)], [3, 5])])
    )
    assert keys == [[0], [1], [2], [3]] and notes[2] == {"summary": "2"}
    assert np.array_equal(rows.view(np.uint32), bits)


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_the_pictures_of_networks_come_out_bit_for_bit(name: str) -> None:
    panel: Panel = getattr(panels, name)()
    states = anchors(panel)
    keys, notes, rows = opened(table_of(panel.live, states))
    bits, made = panel.live.baked([list(state) for state in states])
    assert keys == [list(state) for state in states]
    assert notes == json.loads(json.dumps(made)) and any("net" in note for note in notes)
    assert np.array_equal(rows.view(np.uint32), bits)


def test_what_states_have_in_common_is_kept_once() -> None:
    noise = np.random.default_rng(0).normal(size=(1, 2000))
    one, twenty = (
        table([Rows([[n] for n in range(count)], lowest_bits_gone(noise).repeat(count, axis=0), [{}] * count, [2000])])
        for count in (1, 20)
    )
    assert size_of(twenty) < 1.05 * size_of(one)


def test_a_column_that_is_too_long_is_named() -> None:
    with pytest.raises(ValueError, match="65535"):
        table([Rows([[0]], np.zeros((1, 70_000), np.uint32), [{}], [70_000])])


@pytest.mark.parametrize("part", [0.0001, 0.01])
def test_a_panel_baked_in_shares_has_the_table_of_one_baked_whole(part: float) -> None:
    for name in ("residual_networks", "start_here"):
        shares = [rows for share in range(SHARES) for rows in baked_share(name, Fineness(part), share)]
        assert table(shares) == baked(name, Fineness(part))
        assert 1 <= len(shares) <= SHARES


READ = """
import fs from "node:fs";
import vm from "node:vm";
import { inflate } from "%s";
const pages = vm.runInThisContext(fs.readFileSync("%s", "utf8") + "; coursePages");
const { index, columns } = JSON.parse(fs.readFileSync(0, "utf8"));
const text = new TextDecoder().decode(await inflate(pages.bytesOf(index), "deflate"));
const { keys, notes, columns: heads } = JSON.parse(text);
const found = pages.columnsIn(await inflate(pages.bytesOf(columns), "deflate"), heads);
const rows = keys.map((_, i) => Buffer.from(pages.rowOf(found.slice(0, -6), i).buffer).toString("base64"));
let net = 0;
const nets = notes.map((note) => (note.net ?? []).map(() => pages.netData(found.slice(-6), net++)));
console.log(JSON.stringify({ rows, nets }));
"""


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_the_browsers_half_reads_the_same(name: str) -> None:
    panel: Panel = getattr(panels, name)()
    packed = table_of(panel.live, anchors(panel))
    script = READ % ((LIVE / "rows.js").as_uri(), ROOT / "helpers" / "publish" / "cells" / "pages.js")
    command = ["node", "--input-type=module", "-e", script]
    answer = subprocess.run(command, input=json.dumps(packed), capture_output=True, text=True, check=True)
    read = json.loads(answer.stdout)
    _, notes, rows = opened(packed)
    assert [base64.b64decode(row) for row in read["rows"]] == [row.tobytes() for row in rows]
    assert read["nets"] == [[net["data"] for net in note.get("net", ())] for note in notes]


@pytest.mark.parametrize(("numbers", "kind"), [([0.1, np.nan, 0.0], "f4"), ([1e-60, 1.0], "f8"), ([1e300], "f8")])
def test_doubles_become_floats_where_a_float_can_hold_them(numbers: list[float], kind: str) -> None:
    doubles = base64.b64encode(np.array(numbers, "<f8").tobytes()).decode()
    (made,) = in_single_precision({"z": [{"dtype": "f8", "bdata": doubles, "shape": "1, 3"}]})["z"]
    assert made["dtype"] == kind and made["shape"] == "1, 3"
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(made["bdata"]), f"<{kind}"), numbers, rtol=1e-7)
