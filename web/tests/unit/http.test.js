import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, download, fileName } from "../../src/api/http.js";

test("the name of a download", () => {
  assert.equal(fileName("attachment; filename=\"a.json\"; filename*=UTF-8''%E5%AF%B9%E8%AF%9D.json"), "对话.json");
  assert.equal(fileName('attachment; filename="plain name.zip"'), "plain name.zip");
  assert.equal(fileName(""), "download");
});

test("what passes and what does not", () => {
  for (const status of [0, 429, 500, 503]) assert.ok(new ApiError("", { status }).passing, String(status));
  for (const status of [200, 400, 404, 409, 422]) assert.ok(!new ApiError("", { status }).passing, String(status));
});

test("what may have been done all the same", () => {
  const unclear = [{}, { code: "stream_lost" }, { status: 503, code: "storage_in_doubt" }, { status: 502, code: "http_502" }, { status: 504, code: "http_504" }];
  for (const facts of unclear) assert.ok(new ApiError("", facts).unclear, facts.code);
  const clear = [{ status: 503, code: "storage_unavailable" }, { status: 503, code: "http_503" }, { status: 500, code: "internal_error" }, { status: 429, code: "http_429" }];
  for (const facts of clear) assert.ok(!new ApiError("", facts).unclear, facts.code);
});

test("a download keeps little of a large file in the page", async () => {
  // A ring of 8 MiB: what is older than that is written over, as if it were no longer in memory.
  const MIB = 1024 * 1024;
  const ring = Array.from({ length: 8 }, () => new Uint8Array(MIB));
  let count = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        if (count === 64) return controller.close();
        controller.enqueue(ring[count % ring.length].fill(count));
        count++;
      },
    },
    { highWaterMark: 0 },
  );
  const told = [];
  const { blob, name } = await download(new Response(body, { headers: { "content-type": "application/zip" } }), (bytes) => told.push(bytes));
  assert.deepEqual([blob.size, blob.type, name, told.at(-1)], [64 * MIB, "application/zip", "download", 64 * MIB]);
  const content = new Uint8Array(await blob.arrayBuffer());
  for (let at = 0; at < 64; at++) assert.ok(content[at * MIB] === at && content[(at + 1) * MIB - 1] === at, String(at));
});
