import assert from "node:assert/strict";
import test from "node:test";
import { widened } from "../../helpers/live/picture.js";

test("while a hand moves an axis only widens", () => {
  const shown = { "xaxis.range": [0, 60], "yaxis.range": [-20, 1] };
  const wanted = { "xaxis.range": [0, 30], "yaxis.range": [-10, 3] };
  assert.deepEqual(widened(shown, wanted), { "xaxis.range": [0, 60], "yaxis.range": [-20, 3] });
  assert.deepEqual(widened({}, wanted), wanted);
  assert.deepEqual(widened(shown, {}), {});
});
