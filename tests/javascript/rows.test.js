import assert from "node:assert/strict";
import test from "node:test";
import { bandPolygon, RowCache, readRow, sameTrace, unpackRows } from "../../helpers/live/rows.js";

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

test("a plain block of rows holds the floats as they are", async () => {
  const block = new Uint8Array(new Float32Array([0, 1, 2.5, Number.NaN]).buffer);
  assert.deepEqual([...(await unpackRows(block.subarray(4), false))], [1, 2.5, Number.NaN]);
});

test("a packed block holds the four bytes of each float as planes", async () => {
  const floats = new Float32Array([1, -2, 3.25, Number.POSITIVE_INFINITY]);
  const bytes = new Uint8Array(floats.buffer);
  const planes = new Uint8Array(bytes.length);
  for (let i = 0; i < 4; i++) for (let b = 0; b < 4; b++) planes[b * 4 + i] = bytes[4 * i + b];
  assert.deepEqual(await unpackRows(await deflated(planes), true), floats);
});

test("a cache that is full drops the row that was put in first", () => {
  const cache = new RowCache(1e9); // so large that only the least number of rows is kept
  for (let i = 0; i < 65; i++) cache.put(`[${i}]`, { row: new Float32Array(1), notes: { ranges: {} } });
  assert.equal(cache.rows.size, 64);
  assert.ok(!cache.has("[0]"));
  assert.ok(cache.has("[64]"));
});

test("a band goes up along its upper edge and back along its lower one, and stops at a gap", () => {
  const { x, y } = bandPolygon([1, 2, 3, 4], [0, 1, Number.NaN, 3], [10, 11, 12, 13]);
  assert.deepEqual(x, [1, 2, 2, 1, Number.NaN, 4, 4]);
  assert.deepEqual(y, [10, 11, 1, 0, Number.NaN, 13, 3]);
});

test("a row is read piece by piece", () => {
  const layout = [
    { index: 4, kind: "y", shape: [2], x: [7, 8] },
    { index: 1, kind: "xy", shape: [2, 2] },
    { index: 2, kind: "z", shape: [2, 3] },
  ];
  const [line, curve, map] = readRow(
    layout,
    Float32Array.from({ length: 12 }, (_, i) => i),
  );
  assert.deepEqual({ ...line, y: [...line.y] }, { index: 4, kind: "y", x: [7, 8], y: [0, 1] });
  assert.deepEqual(
    [[...curve.x], [...curve.y]],
    [
      [2, 3],
      [4, 5],
    ],
  );
  assert.deepEqual(
    map.z.map((row) => [...row]),
    [
      [6, 7, 8],
      [9, 10, 11],
    ],
  );
});

test("a trace is the same as one that is drawn where every number is, gaps included", () => {
  const bars = (...y) => ({ index: 0, kind: "y", x: [1, 2], y });
  assert.ok(sameTrace(bars(1, Number.NaN), bars(1, Number.NaN)));
  assert.ok(!sameTrace(bars(1, 2), bars(1, 3)));
  assert.ok(!sameTrace(bars(1, 2), { ...bars(1, 2), x: [1, 3] }));
  assert.ok(!sameTrace(bars(1, 2), undefined));
});
