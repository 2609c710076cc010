import assert from "node:assert/strict";
import test from "node:test";
import { cutFar, dotPath, fillPath, linePath, runsOf, thinned } from "../../helpers/live/paths.js";

// An axis of 100 pixels as Plotly has them: one pixel a unit, or ten a decade.
const linear = { type: "linear", length: 100, c2p: (value) => value };
const log = {
  type: "log",
  length: 100,
  c2p: (value, clip) => (value > 0 ? 10 * Math.log10(value) : clip ? -30 : Number.NaN),
};

test("a gap divides a line into runs", () => {
  const runs = runsOf([1, 2, 3, 4, 5], [1, 5, Number.NaN, 2, 9], linear, linear);
  assert.deepEqual(runs, [
    [1, 1, 2, 5],
    [4, 2, 5, 9],
  ]);
  assert.equal(linePath(runs), "M1,1L2,5M4,2L5,9");
  assert.equal(linePath([]), "M0,0");
});

test("a line of one point is a dot twice as wide as the line", () => {
  assert.equal(dotPath([10, 5.004], 4), "M8,5a2,2 0 1,0 4,0a2,2 0 1,0 -4,0");
});

test("zero on a log axis lies far below the plot, and is cut there", () => {
  const [run] = runsOf([1, 2], [10, 0], linear, log);
  assert.deepEqual(run.slice(0, 2), [1, 10]);
  assert.equal(run.at(-1), -20 * 100);
});

test("a line that leaves for far away and comes back has its crossings on the edges", () => {
  const run = cutFar([0, 0, 10, 1e6, 20, 0], 100);
  assert.deepEqual(
    run.filter((_, i) => i % 2).map((y) => Math.round(y)),
    [0, 2100, 2100, 0],
  );
  assert.ok(run.every(Number.isFinite));
});

test("points on a straight line are left out, corners and both ends stay", () => {
  assert.deepEqual(thinned([0, 0, 1, 1, 2, 2, 3, 3, 4, 0]), [0, 0, 3, 3, 4, 0]);
  assert.deepEqual(thinned([0, 0]), [0, 0]);
  const long = Array.from({ length: 200 }, (_, i) => i).flatMap((i) => [i, i]);
  assert.ok(thinned(long).length < 40, "a straight piece stands for at most 24 points");
});

test("every kind of fill closes on what it fills to", () => {
  const runs = [[0, 10, 5, 20]];
  assert.equal(fillPath("toself", runs, null, linear, linear), "M0,10L5,20Z");
  assert.equal(fillPath("tozeroy", runs, null, linear, linear), "M5,0L0,0L0,10L5,20");
  assert.equal(fillPath("tozerox", runs, null, linear, linear), "M0,20L0,10L0,10L5,20");
  const before = { runs: [[0, 1, 5, 2]], fill: "none" };
  assert.equal(fillPath("tonexty", runs, before, linear, linear), "M0,10L5,20L5,2L0,1Z");
  assert.equal(fillPath("tonext", runs, before, linear, linear), "M0,10L5,20ZM5,2L0,1Z");
  assert.equal(fillPath("tonexty", runs, null, linear, linear), "M0,0");
  assert.equal(fillPath("toself", [], null, linear, linear), "M0,0");
});
