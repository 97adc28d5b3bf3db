import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { followImport } from "../../src/api/imports.js";

const browser = globalThis.fetch;
afterEach(() => (globalThis.fetch = browser));

/** Each connection says its events and is cut. @param {[number, object][][]} connections */
function serve(...connections) {
  const after = [];
  globalThis.fetch = async (_, { headers }) => {
    after.push(headers["Last-Event-ID"]);
    const said = connections.shift().map(([id, event]) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`).join("");
    return new Response(said);
  };
  return after;
}

test("an import is followed over a cut line to its report", async () => {
  const report = { imported: 2, skipped: 0, failed: 0, conversations: [], errors: [] };
  const after = serve([[3, { type: "progress", imported: 1 }]], [[9, { type: "complete", report }]]);
  const seen = [];
  assert.deepEqual(await followImport("t", ({ imported }) => seen.push(imported)), report);
  assert.deepEqual([after, seen], [["0", "3"], [1]]);
});

test("an import that failed says why", async () => {
  serve([[1, { type: "interrupted", error: "import_interrupted", message: "interrupted" }]]);
  await assert.rejects(followImport("t", () => {}), { code: "import_interrupted", message: "interrupted" });
});
