import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const file = new URL("../../helpers/publish/site/search.js", import.meta.url);
const search = vm.runInThisContext(`${readFileSync(file, "utf8")}; courseSearch`);

const index = {
  terms: [
    ["dead unit", "a unit that is 0 for every sample", "glossary.html#term-dead-unit"],
    ["critical", "where the factor is 1", "glossary.html#term-critical"],
  ],
  lessons: { "01": "What is a vanishing gradient?", "04": "ReLU" },
  sections: [
    [
      "01",
      "01.html#measure",
      "Measure",
      `${"Words before it. ".repeat(20)}A dead unit passes nothing on. ${"And more. ".repeat(40)}`,
    ],
    ["04", "04.html#dead", "Dead units", "He’s weights leave half of the units at work."],
    ["04", "04.html#critical", "Explain", "Kaiming’s naïve reading of μ: 10⁻¹² <b>units</b>."],
  ],
};
const found = (query) => search.find(index, query).map(({ address }) => address);
const text = (parts) => parts.map((part) => part.text).join("");

test("terms of the glossary come first, then headings, then text", () => {
  assert.deepEqual(found("dead units"), ["glossary.html#term-dead-unit", "04.html#dead", "01.html#measure"]);
});

test("capitals, accents, plurals and the order of words make no difference", () => {
  assert.deepEqual(found("NAIVE"), ["04.html#critical"]);
  assert.deepEqual(found("units, dead"), found("dead unit"));
  assert.deepEqual(found("kaiming"), ["04.html#critical"]);
});

test("all words must be there, each from its beginning", () => {
  assert.deepEqual(found("dead critical"), []);
  assert.deepEqual(found("ead"), []);
  assert.deepEqual(found("crit"), ["glossary.html#term-critical"]);
});

test("nothing is found for nothing, and signs are no patterns", () => {
  for (const query of ["", "  ", "(", "[-", "\\", ".*", "$", "<b>zz"]) assert.deepEqual(found(query), [], query);
});

test("the snippet shows the hit, whole words around it, and marks nothing else", () => {
  const { snippet } = search.find(index, "dead")[2];
  assert.ok(text(snippet).length < 200);
  assert.match(text(snippet), /^… .*A dead unit passes nothing on\..* …$/);
  assert.deepEqual(
    snippet.filter((part) => part.hit).map((part) => part.text),
    ["dead"],
  );
  assert.equal(text(search.marked("Naïve units", ["unit"])), "Naïve units");
});

test("a text is folded letter by letter, so that places stay", () => {
  for (const word of ["İstanbul", "ﬁne", "naïve", "10⁻¹²", "𝟙𝟚"])
    assert.equal(search.folded(word).length, word.length, word);
});
