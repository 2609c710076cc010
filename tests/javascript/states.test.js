import assert from "node:assert/strict";
import test from "node:test";
import { gridIndex, gridValue, nearestIndex, statesAlong } from "../../helpers/live/states.js";

const linear = { name: "n", id: "n", kind: "linear", count: 11, start: 0, step: 0.1, base: 10 };
const log = { name: "g", id: "g", kind: "log", count: 45, start: -1, step: 0.05, base: 10 };

for (const grid of [linear, log]) {
  test(`every place of a ${grid.kind} grid has a value that is found again`, () => {
    for (let index = 0; index < grid.count; index++) {
      const number = grid.start + index * grid.step;
      const value = gridValue(grid, grid.kind === "log" ? 10 ** number : number);
      assert.equal(gridIndex(grid, value), index);
      assert.equal(nearestIndex(grid, value), index);
    }
  });
}

test("a value between two places or beyond the ends is a state of its own", () => {
  assert.deepEqual(gridIndex(linear, 0.15), { value: 0.15 });
  assert.deepEqual(gridIndex(linear, 1.1), { value: 1.1 });
  assert.equal(nearestIndex(linear, 99), 10);
  assert.equal(nearestIndex(linear, -99), 0);
});

test("the states along a control come nearest first, each once", () => {
  assert.deepEqual(
    [...statesAlong([5, 1], 1, 4)],
    [
      [5, 1],
      [5, 2],
      [5, 0],
      [5, 3],
    ],
  );
  assert.equal([...statesAlong([{ value: 0.3 }], 0, 7)].length, 7);
});
