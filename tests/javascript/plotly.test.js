import assert from "node:assert/strict";
import test from "node:test";
import { drawnAxis, missingParts } from "../../helpers/live/plotly.js";

/** A figure with one scatter trace, as this plotly.js draws it. */
function figure() {
  const axis = () => ({ type: "linear", c2p: (value) => 2 * value, _length: 100, _offset: 40 });
  const found = { ".lines": {}, ".fills": {}, ".points": {}, "path.js-line": {}, "path.point": {} };
  const group = {
    querySelector: (selector) => found[selector.split(" ").at(-1)] ?? null,
    querySelectorAll: () => [{}],
  };
  return {
    _fullData: [{ uid: "a1", xaxis: "x", yaxis: "y2", mode: "lines+markers", line: { width: 2 }, fill: "tozeroy" }],
    _fullLayout: { xaxis: axis(), yaxis2: axis(), shapes: [{ _index: 0 }], annotations: [{ _index: 0 }] },
    group,
    querySelector: (selector) => (selector === ".scatterlayer .tracea1" ? group : null),
  };
}

test("a figure with all private parts misses none", () => {
  assert.deepEqual(missingParts(figure(), 0), []);
});

const CHANGES = {
  _fullData: (plot) => delete plot._fullData,
  _fullLayout: (plot) => delete plot._fullLayout,
  "axis.c2p": (plot) => delete plot._fullLayout.xaxis.c2p,
  "axis._length": (plot) => delete plot._fullLayout.yaxis2._length,
  "axis._offset": (plot) => delete plot._fullLayout.yaxis2._offset,
  "shapes[]._index": (plot) => delete plot._fullLayout.shapes[0]._index,
  "annotations[]._index": (plot) => delete plot._fullLayout.annotations[0]._index,
  ".scatterlayer .trace{uid}": (plot) => (plot.querySelector = () => null),
  ".lines path.js-line": (plot) => (plot.group.querySelector = (s) => (s.includes("js-line") ? null : {})),
  ".points path.point": (plot) => (plot.group.querySelector = (s) => (s.includes("path.point") ? null : {})),
  ".fills path.js-fill": (plot) => (plot.group.querySelectorAll = () => []),
};

for (const [part, change] of Object.entries(CHANGES)) {
  test(`a plotly.js without ${part} is told by its name`, () => {
    const plot = figure();
    change(plot);
    assert.deepEqual(missingParts(plot, 0), [part]);
  });
}

test("an axis is read as Plotly has drawn it, and is missing before", () => {
  const plot = figure();
  const axis = drawnAxis(plot, "y2");
  assert.deepEqual([axis.type, axis.length, axis.offset, axis.c2p(3), axis.isAcross], ["linear", 100, 40, 6, false]);
  plot._fullLayout.yaxis2._length = 120; // the figure has another size now
  assert.equal(axis.length, 120);
  assert.equal(drawnAxis(plot, "x3"), undefined);
  assert.equal(drawnAxis({}, "x"), undefined);
});
