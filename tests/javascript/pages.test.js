import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const file = new URL("../../helpers/publish/cells/pages.js", import.meta.url);
const pages = vm.runInThisContext(`${readFileSync(file, "utf8")}; coursePages`);

const slider = { kind: "slider", label: "depth", labels: ["1", "2", "4", "8"] };
const menu = { kind: "menu", label: "activation", labels: ["tanh", "relu"] };

test("bytes come out of base64 as they went in", () => {
  const bytes = Uint8Array.from([0, 1, 127, 128, 255]);
  assert.deepEqual(pages.bytesOf(Buffer.from(bytes).toString("base64")), bytes);
});

test("the nearest state has the same entry of a menu, however far its sliders are", () => {
  const keys = [
    [3, 0],
    [0, 1],
  ];
  assert.equal(pages.nearest(keys, [0, 0], [slider, menu]), 0);
  assert.equal(pages.nearest(keys, [3, 1], [slider, menu]), 1);
  const byOne = [[0], [2], [3]];
  assert.equal(pages.nearest(byOne, [1], [slider]), 0); // of two equally near ones the first
});

test("of states equally far on the whole, the one that fewer sliders differ in is nearer", () => {
  const keys = [
    [1, 1],
    [2, 0],
  ];
  assert.equal(pages.nearest(keys, [0, 0], [slider, slider]), 1);
});

test("what another state differs in is named with its value", () => {
  assert.equal(pages.differences([1, 0], [1, 0], [slider, menu]), "");
  assert.equal(pages.differences([1, 0], [2, 1], [slider, menu]), "depth 4, activation relu");
});

test("code stands between backticks, and a line ends with a null", () => {
  const code = (text) => ({ text, code: true });
  const plain = (text) => ({ text, code: false });
  assert.deepEqual(pages.partsOf("use `relu` here"), [plain("use "), code("relu"), plain(" here")]);
  assert.deepEqual(pages.partsOf("a\n`b`"), [plain("a"), null, plain(""), code("b"), plain("")]);
  assert.deepEqual(pages.partsOf("one ` alone"), [plain("one ` alone")]);
});

test("an open text is compared first, then right or partly so", () => {
  const choice = { isOpen: false, comparing: false };
  const text = { isOpen: true, comparing: false };
  assert.equal(pages.verdictOf({ understood: false, correct: false }, choice), "open");
  assert.equal(pages.verdictOf({ understood: true, correct: true }, choice), "right");
  assert.equal(pages.verdictOf({ understood: true, correct: false }, choice), "wrong");
  assert.equal(pages.verdictOf({ understood: true, correct: false }, { ...text, comparing: true }), "open");
  assert.equal(pages.verdictOf({ understood: true, correct: false }, text), "partly");
});

test("the score counts right and answered questions; an open one isn't answered", () => {
  assert.equal(pages.score(["right", "wrong", "partly", "open", undefined]), "1 of 5 right, 3 answered.");
});

test("the largest scale at which something fits is found to a hundredth", () => {
  const below = (limit) => (scale) => scale <= limit;
  assert.equal(pages.largestScale(below(2), 0.3, 1.3), 1.3);
  const found = pages.largestScale(below(0.777), 0.3, 1.3);
  assert.ok(found <= 0.777 && found > 0.767, String(found));
  assert.equal(pages.largestScale(below(0), 0.3, 1.3), 0.3);
});

test("a control keeps its keys, and a button those that press it", () => {
  const nowhere = { inControl: false, onButton: false };
  assert.ok(pages.turnsSlides("ArrowRight", nowhere) && pages.turnsSlides(" ", nowhere));
  assert.ok(!pages.turnsSlides("ArrowRight", { inControl: true, onButton: false }));
  const button = { inControl: false, onButton: true };
  assert.ok(
    pages.turnsSlides("ArrowRight", button) && !pages.turnsSlides("Enter", button) && !pages.turnsSlides(" ", button),
  );
});
