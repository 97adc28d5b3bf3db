import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces } from "../../src/lib/marks.js";

test("what is marked is told apart, and what is escaped is text once more, once", () => {
  assert.deepEqual(pieces("去<mark>京都</mark>&amp;lt; &#x27;&lt;mark&gt;"), [
    { text: "去", marked: false },
    { text: "京都", marked: true },
    { text: "&lt; '<mark>", marked: false },
  ]);
  assert.deepEqual(pieces(""), []);
});
