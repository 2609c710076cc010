import assert from "node:assert/strict";
import test from "node:test";
import { tickStep, ticksBetween, tickText } from "../../helpers/live/axes.js";

test("ticks stand as far apart as Plotly would put them", () => {
  assert.equal(tickStep([0.5, 100.5], 10), 20);
  assert.equal(tickStep([-100, 3], 7), 20);
  assert.equal(tickStep([-30, 1], 7), 5);
  assert.equal(tickStep([0, 0.3], 5), 0.1);
  assert.equal(tickStep([0, 10], 10), 2, "a step that just fits is one too small");
});

test("ticks lie between the ends, both included", () => {
  assert.deepEqual(ticksBetween([-20, 3], 5), [-20, -15, -10, -5, 0]);
  assert.deepEqual(ticksBetween([0.5, 10.5], 2), [2, 4, 6, 8, 10]);
  assert.deepEqual(ticksBetween([0, 0.3], 0.1), [0, 0.1, 0.2, 0.3]);
  assert.equal(Object.is(ticksBetween([-1, 1], 1)[1], 0), true, "no negative zero");
});

test("ticks read as Plotly writes them", () => {
  assert.deepEqual([-20, 0, 0.1].map(tickText), ["−20", "0", "0.1"]);
});
