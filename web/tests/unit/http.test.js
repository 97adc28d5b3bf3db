import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, fileName } from "../../src/api/http.js";

test("the name of a download", () => {
  assert.equal(fileName("attachment; filename=\"a.json\"; filename*=UTF-8''%E5%AF%B9%E8%AF%9D.json"), "对话.json");
  assert.equal(fileName('attachment; filename="plain name.zip"'), "plain name.zip");
  assert.equal(fileName(""), "download");
});

test("what passes and what does not", () => {
  for (const status of [0, 429, 500, 503]) assert.ok(new ApiError("", { status }).passing, String(status));
  for (const status of [200, 400, 404, 409, 422]) assert.ok(!new ApiError("", { status }).passing, String(status));
});
