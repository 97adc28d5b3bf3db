import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../src/api/http.js";
import { fieldErrors } from "../../src/lib/field-errors.js";
import { said } from "../../src/lib/said.js";

test("a server that is not reached is told in our words, a refusal in its own", () => {
  assert.equal(said(new ApiError("Failed to fetch")), "common.unreachable");
  assert.equal(said(new ApiError("太长", { status: 422, code: "invalid_input" })), "太长");
});

test("what is wrong stands at its field", () => {
  const detail = [{ loc: ["body", "title"], msg: "too long", type: "x" }];
  assert.deepEqual(fieldErrors(new ApiError("no", { status: 422, code: "invalid_input", detail })), { title: "too long" });
  assert.deepEqual(fieldErrors(new ApiError("no", { status: 500, code: "internal" })), { other: "no" });
});
