import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const file = new URL("../../helpers/publish/site/answers.js", import.meta.url);
const answers = vm.runInThisContext(`${readFileSync(file, "utf8")}; courseAnswers`);

/** A browser's storage, of which `full` takes nothing more. */
function storage(texts = {}, full = false) {
  return {
    getItem: (key) => texts[key] ?? null,
    setItem(key, text) {
      if (full) throw new Error("QuotaExceededError");
      texts[key] = text;
    },
    removeItem: (key) => delete texts[key],
  };
}

const answer = (question, correct, lesson = "01") => ({
  ...{ at: "2026-03-04T05:06:07.000+00:00", lesson, question, given: "x", correct },
  ...{ seconds: 1, seed: null, score: null },
});
const prediction = (id) => ({
  at: "2026-03-04T05:06:08.000+00:00",
  lesson: "01",
  prediction: id,
  given: 0.1,
  seconds: 2,
});

test("rows are added and never changed, and the last answer counts", () => {
  const place = storage();
  assert.ok(answers.add(place, "answer", answer("a", 0)));
  assert.ok(answers.add(place, "answer", answer("a", 1)));
  assert.ok(answers.add(place, "answer", answer("b", 0)));
  assert.ok(answers.add(place, "answer", answer("a", 1, "02")));
  assert.ok(answers.add(place, "prediction", prediction("p")));
  const rows = answers.read(place);
  assert.equal(rows.answer.length, 4);
  assert.deepEqual([...answers.lastAnswers(rows, "01").keys()], ["a", "b"]);
  assert.equal(answers.lastAnswers(rows, "01").get("a").correct, 1);
  const asked = { questions: ["a", "b", "c"], predictions: ["p", "q"] };
  assert.deepEqual(answers.counts(rows, "01", asked), { answered: 2, right: 1, predicted: 1 });
  answers.forget(place);
  assert.deepEqual(answers.read(place), { answer: [], prediction: [] });
});

test("a browser that keeps nothing, or something else, is no reason to fail", () => {
  const nothing = { answer: [], prediction: [] };
  assert.equal(answers.add(null, "answer", answer("a", 1)), false);
  assert.equal(answers.add(storage({}, true), "answer", answer("a", 1)), false);
  const forbidden = {
    getItem() {
      throw new Error("SecurityError");
    },
  };
  assert.deepEqual(answers.read(forbidden), nothing);
  for (const text of ["{", "null", "3", '{"answer": 3}', '{"answer": [null, {"lesson": 1}]}'])
    assert.deepEqual(answers.read(storage({ [answers.KEY]: text })), nothing, text);
  answers.forget(null);
});

test("whoever goes away is not counted as working, and no clock runs backward", () => {
  assert.equal(answers.spent(12_500), 12.5);
  assert.equal(answers.spent(3_600_000), 300);
  assert.equal(answers.spent(-5), 0);
});

test("an export is named by the reader's clock", () => {
  assert.equal(answers.fileName(new Date(2026, 2, 4, 5, 6, 7)), "gradient-course-20260304-050607.json");
});
