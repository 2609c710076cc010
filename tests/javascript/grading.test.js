import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const file = new URL("../../helpers/publish/cells/grading.js", import.meta.url);
const { grade, readNumber } = vm.runInThisContext(`${readFileSync(file, "utf8")}; courseGrading`);

const answer = (text, correct, more = {}) => ({
  text,
  correct,
  feedback: `about ${text}`,
  number: null,
  range: null,
  default: false,
  try: {},
  ...more,
});
const question = (grader, answers, more = {}) => ({
  grader,
  answers,
  unit: "",
  precision: null,
  tolerance: null,
  feedback: "all of it",
  ...more,
});

test("numbers are read as people write them", () => {
  const cases = { 0.25: 0.25, " 1e-6 ": 1e-6, "1/4": 0.25, "25 %": 0.25, "0,5": 0.5, "10⁻⁶": 1e-6, "2×10^3": 2000 };
  for (const [text, number] of Object.entries(cases)) assert.ok(Math.abs(readNumber(text) - number) < 1e-12, text);
  assert.equal(readNumber("٣"), 3);
  assert.equal(readNumber("3 steps", "steps"), 3);
});

test("what is no finite number is refused with a sentence", () => {
  for (const text of ["", "x", "1,000", "1/0", "1e999", "7".repeat(201), "0^-1", "alert(1)"])
    assert.throws(() => readNumber(text), RangeError, text);
});

test("a number is right within its tolerance or to its digits", () => {
  const answers = [answer("", true, { number: 0.25 }), answer("", false, { default: true })];
  const right = (given, more) => grade(question("number", answers, more), given).correct;
  assert.ok(right("0.26", { tolerance: 0.05 }) && !right("0.27", { tolerance: 0.05 }));
  assert.ok(right("0.2504", { precision: 3 }) && !right("0.252", { precision: 3 }));
});

test("many choices are right together, and what is wrong or missing is told", () => {
  const asked = question("choices", [answer("a", true), answer("b", true), answer("c", false, { try: { 0: 3 } })]);
  assert.ok(grade(asked, ["b", "a"]).correct);
  const wrong = grade(asked, ["a", "c"]);
  assert.ok(!wrong.correct && wrong.feedback.includes("Not this one: “c”") && wrong.feedback.includes("Missing: “b”"));
  assert.deepEqual(wrong.try, { 0: 3 });
  assert.ok(!grade(asked, []).understood && !grade(asked, ["d"]).understood);
});

test("an order tells the first place that is wrong", () => {
  const asked = question("order", [answer("a", true), answer("b", true)]);
  assert.ok(grade(asked, ["a", "b"]).correct);
  assert.match(grade(asked, ["b", "a"]).feedback, /^Place 1 belongs to “a”/);
  assert.ok(!grade(asked, ["a"]).understood);
});

test("an open text is compared with its points", () => {
  const asked = question("text", [answer("one", true), answer("two", true)]);
  assert.ok(!grade(asked, "A text.").correct && !grade(asked, " ").understood);
  assert.equal(grade(asked, { text: "A text.", points: [0] }).missing, 1);
  assert.ok(grade(asked, { text: "A text.", points: [0, 1] }).correct);
});
