import assert from "node:assert/strict";
import test from "node:test";
import { drawNets, frontsOf, notesOf } from "../../helpers/live/drawing.js";
import { lookOf } from "../../helpers/live/looks.js";
import {
  arrivesAt,
  DIM,
  darkTo,
  decodeNet,
  describeColumn,
  describeColumns,
  describeNet,
  factorOf,
  LEVELS,
  levelOf,
  placeOfColumn,
  verdictOf,
} from "../../helpers/live/net.js";
import { Pixels } from "../../helpers/live/pixels.js";

// A state as `helpers.picture` packs it: a ReLU network of 4 layers with 5 units, the lower three without a gradient.
const PACKED = {
  ...{
    kind: "layers",
    columns: 4,
    units: 5,
    linked: true,
    rows: [],
    last: 4,
    width: 5,
    activation: "relu",
    norm: "none",
  },
  ...{ skip: 0, nets: 2, closed: "dead", data: "AIMAgwCDAAAzmf//8BAAIBAAEBAAAAAAAAAACwwLCQkAAAAAAAAAAA==" },
};

const shorts = (...values) => [...new Uint8Array(new Int16Array(values).buffer)];
const packed = (facts, bytes) => ({ linked: false, rows: [], ...facts, data: btoa(String.fromCharCode(...bytes)) });
const withLevels = (levels, facts = {}) =>
  decodeNet(
    packed({ kind: "layers", columns: levels.length, units: 1, last: levels.length, width: 8, ...facts }, [
      ...shorts(...levels.map((level) => (level === -Infinity ? -32000 : Math.round(100 * level)))),
      ...levels.map(() => 0),
      ...levels.map(() => 0x7b),
    ]),
  );

test("a state is decoded as Python packed it", () => {
  const net = decodeNet(PACKED);
  assert.deepEqual([...net.level], [-Infinity, -Infinity, -Infinity, 0]);
  assert.deepEqual([...net.shut], [51, 153, 255, 255]);
  assert.deepEqual([...net.bytes.slice(0, 5)], [0xf0, 0x10, 0x00, 0x20, 0x10]);
  assert.deepEqual([...net.lit.slice(15)], [0, 0.2, 0, -0.4, -0.4].map(levelOf));
  assert.deepEqual([...net.links], new Array(15).fill(0));
});

test("links stand two to a byte, further rows follow them", () => {
  const links = [1, 0, 2, 2, 1, 0];
  const facts = { kind: "chain", columns: 3, units: 3, last: 3, width: 3, linked: true, rows: ["slope", "skip"] };
  const bytes = [...shorts(-250, -125, 0), 0, 0, 0, ...new Array(9).fill(0x1b), 0x01, 0x22, 0x01];
  const net = decodeNet(packed(facts, [...bytes, ...shorts(250, 125, 0), ...shorts(-100, 0, -32000)]));
  assert.deepEqual([...net.links], links);
  assert.deepEqual(
    [...net.rows.slope].map((value) => value.toFixed(3)),
    ["0.250", "0.125", "0.000"],
  );
  assert.deepEqual([...net.rows.skip], [-1, 0, -Infinity]);
});

test("brightness ends a millionth below the last column and a million above it", () => {
  assert.equal(levelOf(-Infinity), 0);
  assert.equal(levelOf(-6), 0);
  assert.equal(levelOf(-5.99), 1);
  assert.equal(levelOf(0), DIM);
  assert.equal(levelOf(6), LEVELS - 1);
  assert.equal(levelOf(60), LEVELS - 1);
  for (let d = -6; d < 6; d += 0.05) assert.ok(levelOf(d + 0.05) >= levelOf(d));
});

test("colours grow lighter from dark to burnt out on the screen, and darker on paper", () => {
  const luminance = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));
    return 0.2126 * red ** 2.2 + 0.7152 * green ** 2.2 + 0.0722 * blue ** 2.2;
  };
  for (const [name, sign] of [
    ["night", 1],
    ["paper", -1],
  ]) {
    const { levels } = lookOf(name);
    assert.equal(levels.length, LEVELS);
    for (let k = 1; k < LEVELS; k++)
      assert.ok(sign * (luminance(levels[k]) - luminance(levels[k - 1])) >= 0, `${name} ${k}`);
  }
});

test("columns are dark up to the last one below a millionth", () => {
  assert.equal(darkTo(withLevels([-9, -6.01, -6, 0])), 2);
  assert.equal(darkTo(withLevels([-5, 0])), 0);
  assert.equal(darkTo(withLevels([-Infinity, -Infinity])), 2);
  assert.equal(darkTo(withLevels([-5, -9, 0])), 0); // dark in the middle only
});

test("the text says what becomes of the gradient", () => {
  const says = (levels, facts) => describeNet(withLevels(levels, facts));
  assert.match(
    says([-9, -7, -3, 0]),
    /vanishes .* dark from layer 2 on: the first layer receives 10 to the -9\.0 times/,
  );
  assert.match(says([-3, -1, 0]), /fades/);
  assert.match(says([3.2, 1, 0]), /grows .* 10 to the 3\.2 times/);
  assert.match(says([0.1, 0]), /about as strong as it began/);
  assert.match(says([-Infinity, 0]), /No gradient arrives at the first layer/);
  assert.match(says([-3, 0], { arrives: null }), /No gradient/);
  assert.match(says([-3, 0], { title: "after" }), /^after: A network of 2 layers with 8 units each\. /);
  assert.match(describeNet(decodeNet(PACKED)), /70 % of the units are dead\.$/);
  assert.match(
    describeColumn(withLevels([-9, 0], { last: 100, stride: 5 }), 0),
    /^layer 95: 1\.0.×.10⁻⁹ of the last one's/,
  );
});

test("what comes past the weights is said beside the whole", () => {
  const rows = (kind, names, more, facts) =>
    decodeNet(
      packed({ kind, columns: 2, units: 1, last: 2, width: 8, rows: names, ...facts }, [
        ...shorts(-30, 0),
        ...[0, 0, 0x7b, 0x7b],
        ...more.flatMap((level) => shorts(level, -32000)),
      ]),
    );
  const lstm = rows("steps", ["skip"], [-10], { cell: "lstm", title: "LSTM" });
  assert.equal(describeColumn(lstm, 0), "step 1: 0.5 of the last one's, by the cell 0.79");
  assert.equal(describeColumn(lstm, 1), "step 2: 1 of the last one's");
  assert.equal(describeColumns([lstm], 1), "step 2: 1 of the last one's");
  const plainer = { ...rows("steps", [], [], { cell: "rnn", title: "RNN" }), columns: 2 };
  assert.equal(
    describeColumns([plainer, lstm, { ...plainer, columns: 3 }], 0),
    "RNN, step 1: 0.5 of the last one's; LSTM, step 1: 0.5 of the last one's, by the cell 0.79",
    "of networks one above the other, those that have the column are read out",
  );
  assert.match(describeNet(lstm), /receives 0\.5 times .* Its cell carries 0\.79 past the weights\.$/);
  assert.match(notesOf(lstm), /straight lines: carried past the weights by the cell$/);
  const block = rows("blocks", ["skip", "branch"], [-40, -100], { skip: 1, norm: "pre_layer" });
  assert.equal(describeColumn(block, 0), "block 1: 0.5 of the last one's (skip 0.4, branch 0.1)");
  assert.match(describeNet(block), /The first skip carries 0\.4, its branch 0\.1\.$/);
  assert.match(notesOf(block), /dotted: layer normalization before each branch$/);
  const plain = rows("blocks", ["skip", "branch"], [-32000, -30], { skip: 0, norm: "post_batch" });
  assert.match(describeNet(plain), /The first skip carries nothing, its branch 0\.5\.$/);
  assert.match(notesOf(plain), /dotted: batch normalization after each sum$/);
});

test("bars of shut units end above the words beneath them, in the lowest strips too", () => {
  for (const [height, words] of [
    [60, 15], // pixels at the foot of the strip
    [90, 15],
    [180, 17],
  ]) {
    const ends = [];
    const pixels = new Pixels(300, height);
    pixels.rect = (_x0, _y0, _x1, y1, colour) => colour === lookOf("night").packed.text && ends.push(y1);
    globalThis.ImageData = class {};
    const ctx = new Proxy({}, { get: () => () => ({ addColorStop() {}, width: 10 }), set: () => true });
    const bytes = [...shorts(0, 0, 0), 255, 255, 255, ...new Array(12).fill(0x7b)];
    const net = decodeNet(packed({ kind: "layers", columns: 3, units: 4, last: 3, width: 4, closed: "dead" }, bytes));
    const view = { top: 0, height, width: 300, scale: 1, across: (place) => 60 + 60 * place, look: "night" };
    drawNets(ctx, pixels, [net], [{ ...view, time: 1, hover: -1, last: true }]);
    assert.equal(ends.length, 3);
    assert.ok(Math.max(...ends) <= height - words, `${height}: ${ends}`);
  }
});

test("normalization before the branches is dotted between the rails, one after the sums across them", () => {
  const dots = (norm) => {
    const drawn = [];
    const pixels = new Pixels(300, 180);
    pixels.rect = (_x0, y0, _x1, _y1, colour) => colour === lookOf("night").packed.text && drawn.push(y0);
    globalThis.ImageData = class {};
    const ctx = new Proxy({}, { get: () => () => ({ addColorStop() {}, width: 10 }), set: () => true });
    const bytes = [...shorts(0, 0, 0), 0, 0, 0, ...new Array(12).fill(0x7b)];
    const net = decodeNet(packed({ kind: "blocks", columns: 3, units: 4, last: 2, width: 4, skip: 1, norm }, bytes));
    const view = { top: 0, height: 180, width: 300, scale: 1, across: (place) => 60 + 80 * place, look: "night" };
    drawNets(ctx, pixels, [net], [{ ...view, time: 1, hover: -1, last: true }]);
    return drawn;
  };
  assert.deepEqual(dots("none"), []);
  const [before, after] = [dots("pre_layer"), dots("post_layer")];
  assert.equal(before.length, 2 * 4); // two branches, four rails
  assert.ok(after.length > 2 * 10);
});

test("the verdict changes where a reader would see another picture", () => {
  const verdicts = [-Infinity, -20, -3, 0, 4].map((level) => verdictOf(withLevels([level, 0])));
  assert.deepEqual(verdicts, ["nothing", "dark", "faint", "even", "strong"]);
  assert.equal(arrivesAt(withLevels([-3, 0], { arrives: -2 })), -2);
});

test("factors are written as the sentence writes them", () => {
  assert.equal(factorOf(Math.log10(4.5) - 51), "4.5\u2009×\u200910⁻⁵¹");
  assert.equal(factorOf(Math.log10(9.97) - 4), "1.0\u2009×\u200910⁻³");
  assert.equal(factorOf(Math.log10(0.43)), "0.43");
  assert.equal(factorOf(-Infinity), "0");
});

test("columns of a long series stand where their steps are", () => {
  const net = withLevels([-1, -0.5, 0], { last: 500, stride: 5 });
  assert.deepEqual(
    [0, 1, 2].map((c) => placeOfColumn(net, c)),
    [490, 495, 500],
  );
});

test("a pulse goes forward, stops at the loss, and comes back to the input", () => {
  const columns = 10;
  assert.equal(frontsOf(0, columns).forward, 0);
  assert.equal(frontsOf(0.2, columns).backward, columns); // none has its gradient yet
  assert.ok(frontsOf(0.34, columns).forward >= columns);
  assert.equal(frontsOf(0.34, columns).loss, 0);
  assert.equal(frontsOf(0.41, columns).loss, 1);
  assert.ok(frontsOf(0.95, columns).backward < -1);
  assert.ok(frontsOf(1, columns).rest);
});

test("the notes name what is drawn", () => {
  assert.equal(notesOf(decodeNet(PACKED)), "network 1 of 2  ·  hollow: dead, bars: their share");
  const saturated = { ...decodeNet(PACKED), closed: "saturated" };
  assert.match(notesOf(saturated), /hollow: always saturated, bars: mean share$/);
  const many = withLevels([0, 0], { width: 64, norm: "batch", nets: 1 });
  assert.equal(notesOf(many), "1 of 64 units shown  ·  dotted: batch normalization");
});

test("marks stay inside the image, whatever is asked for", () => {
  const pixels = new Pixels(20, 10);
  pixels.clear(0x000000);
  pixels.rect(-5, -5, 3, 3, 0xffffff);
  pixels.line(-30, 5, 50, 5, 0x0000ff, 1, 1);
  pixels.line(5, -40, 5.5, 60, 0x00ff00, 2, 0.5);
  pixels.disc(1, 1, 6, 0, 0xff0000); // does not fit: left out
  pixels.disc(10, 5, 3, 0, 0xff0000);
  assert.equal(pixels.px.length, 200);
  assert.equal(pixels.px[0], 0xffffffff);
  assert.equal(pixels.px[5 * 20 + 10], 0xffff0000);
  assert.ok(pixels.px.every((value) => value >>> 24 === 255));
});
