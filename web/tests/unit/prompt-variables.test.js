import assert from "node:assert/strict";
import { test } from "node:test";

import { defaultsOf, filled, namesIn, withDefaults } from "../../src/lib/prompt-variables.js";

test("variables are found as the server finds them", () => {
  assert.deepEqual(namesIn("{{语言}} {{ tone }} {{语言}} {{1}} {{ }} {{a b}} {{_x-1.y}} {single}"), ["语言", "tone", "_x-1.y"]);
});

test("a value is text and never looked at again", () => {
  const pieces = filled("a {{x}} b {{y}}", { x: "{{y}}" });
  assert.deepEqual(pieces, [{ text: "a " }, { text: "{{y}}", name: "x", filled: true }, { text: " b " }, { text: "{{y}}", name: "y", filled: false }]);
});

test("defaults are read in every shape, and what is kept beside them stays", () => {
  assert.deepEqual(defaultsOf({ a: 1, b: { default: "x", label: "B" }, c: null }), { a: "1", b: "x", c: "" });
  assert.deepEqual(defaultsOf([{ name: "a", value: 2 }, "b"]), { a: "2", b: "" });
  assert.deepEqual(withDefaults({ a: 1, b: { default: "x", label: "B" }, gone: 3 }, ["a", "b", "c"], { a: "1", b: "y", c: "" }), { a: 1, b: { default: "y", label: "B" }, c: null });
  assert.equal(withDefaults({ gone: 3 }, [], {}), null);
});
