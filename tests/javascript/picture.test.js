import assert from "node:assert/strict";
import test from "node:test";
import { axesOnlyIn, modeOf, Picture, widened } from "../../helpers/live/picture.js";

test("while a hand moves an axis only widens", () => {
  const shown = { "xaxis.range": [0, 60], "yaxis.range": [-20, 1] };
  const wanted = { "xaxis.range": [0, 30], "yaxis.range": [-10, 3] };
  assert.deepEqual(widened(shown, wanted), { "xaxis.range": [0, 60], "yaxis.range": [-20, 3] });
  assert.deepEqual(widened({}, wanted), wanted);
  assert.deepEqual(widened(shown, {}), {});
});

test("an axis belongs to the plots that are hidden only if no other plot has it", () => {
  const traces = [{}, { xaxis: "x2", yaxis: "y2" }, { yaxis: "y3" }];
  assert.deepEqual([...axesOnlyIn(["x2y2", "xy3"], traces)], ["x2", "y2", "y3"]);
  assert.deepEqual([...axesOnlyIn([], traces)], []);
});

test("Plotly draws a dot where a line has one point, and nothing else changes its mode", () => {
  const line = { mode: "lines", line: { width: 4 } };
  assert.equal(modeOf(line, { y: [2, Number.NaN, Number.NaN] }), "lines+markers");
  assert.equal(modeOf(line, { y: [2, 3, Number.NaN] }), "lines");
  assert.equal(modeOf(line, { y: [Number.NaN, Number.NaN] }), "lines");
  assert.equal(modeOf({ mode: "lines", line: { width: 0 } }, { y: [2, Number.NaN] }), "lines");
  assert.equal(modeOf({ mode: "markers" }, { y: [2] }), "markers");
});

test("a view names its own traces in the legend, in the same redraw", async () => {
  const asked = [];
  const picture = Object.create(Picture.prototype);
  Object.assign(picture, {
    ...{ plot: { dataset: {} }, queue: Promise.resolve(), overlay: { shown: false } },
    spec: { views: [{}, { hides: ["xy"], patch: { "yaxis.visible": false }, legend: [false, true] }] },
    Plotly: { update: async (_plot, ...patches) => asked.push(patches) },
  });
  await picture.look(1);
  assert.deepEqual(asked, [[{ showlegend: [false, true] }, { "yaxis.visible": false }]]);
});

test("while a hand moves Plotly isn't asked for an axis that the view hides", () => {
  const asked = [];
  const picture = Object.create(Picture.prototype);
  Object.assign(picture, {
    ...{ hides: ["x2y2"], drawnRanges: {}, shownRanges: { "xaxis.range": [0, 5], "xaxis2.range": [0, 5] } },
    spec: { figure: { data: [{}, { xaxis: "x2", yaxis: "y2" }] } },
    axes: { show: (ranges) => ranges }, // an axis that only Plotly can move
    redraw: async (_traces, ranges) => asked.push(Object.keys(ranges)),
    overlay: { shown: false },
  });
  picture.placeAxes();
  assert.deepEqual(asked, [["xaxis.range"]]);
});

test("a page that becomes narrow or wide is laid out twice, so that the legend follows the new margins", async () => {
  const patches = [];
  const picture = Object.create(Picture.prototype);
  Object.assign(picture, {
    ...{ plot: { clientWidth: 390 }, narrow: false, queue: Promise.resolve() },
    spec: { wide: { height: 250 }, narrow: { height: 330 } },
    Plotly: { relayout: async (_plot, patch) => patches.push(patch) },
  });
  await picture.fit();
  await picture.fit(); // as narrow as before
  assert.deepEqual(patches, [{ height: 330 }, { height: 330 }]);
  assert.notEqual(patches[0], patches[1]); // Plotly keeps what it is given
  picture.plot.clientWidth = 1198;
  await picture.fit();
  assert.deepEqual(patches.slice(2), [{ height: 250 }, { height: 250 }]);
});

test("plots stand beside the networks where there is room, from the shares that the figure names", async () => {
  const seen = {};
  const host = {
    toggleAttribute: (name, on) => Object.assign(seen, { [name]: on }),
    style: { setProperty: (name, value) => Object.assign(seen, { [name]: value }) },
  };
  const picture = Object.create(Picture.prototype);
  Object.assign(picture, {
    ...{ plot: { clientWidth: 700, parentElement: host }, narrow: false, queue: Promise.resolve() },
    spec: { wide: { height: 432 }, narrow: { height: 450 }, beside: [0.5, 0.6] },
    Plotly: { relayout: async () => {} },
  });
  await picture.fit();
  assert.deepEqual(seen, {
    "data-beside": false,
    "data-under": true,
    "--networks-end": "0.5",
    "--beside-start": "0.6",
  });
  picture.plot.clientWidth = 1198;
  await picture.fit();
  assert.equal(seen["data-beside"], true);
});
