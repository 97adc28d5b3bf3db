import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../src/api/http.js";
import { StreamFollower } from "../../src/lib/stream-client.js";

const QUICK = { backoffMs: [1], giveUpMs: 200 };

/** A response that says these events, `[id, type]`, and then ends or breaks. */
function saying(events, { broken = false } = {}) {
  const text = events.map(([id, type]) => `id: ${id}\ndata: {"type":"${type}","n":${id}}\n\n`).join("");
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (!broken) controller.close();
    },
    pull(controller) {
      controller.error(new TypeError("terminated"));
    },
  });
  return new Response(body, { headers: { "x-task-id": "t" } });
}

/** Follows what `script` says, one entry a connection; what was applied and what was asked. */
async function follow(script, options = {}) {
  const applied = [];
  const asked = [];
  const next = (what) => {
    asked.push(what);
    const step = script.shift();
    if (step instanceof Error) throw step;
    return Promise.resolve(step);
  };
  const follower = new StreamFollower({
    start: async () => next("start"),
    join: async (id, seq) => next(`${id}:${seq}`),
    onEvent: (event) => applied.push(event.n),
    ...QUICK,
    ...options,
  });
  let error = null;
  try {
    await follower.run(await follower.open());
  } catch (caught) {
    error = caught;
  }
  return { applied, asked, error, follower };
}

test("a cut line is joined after the last event, and what was heard is not heard again", async () => {
  const { applied, asked, follower } = await follow([
    saying([[1, "chunk"], [2, "chunk"]], { broken: true }),
    new ApiError("unreachable"),
    saying([[2, "chunk"], [3, "chunk"]]),
    saying([[4, "complete"]]),
  ]);
  assert.deepEqual(applied, [1, 2, 3, 4]);
  assert.deepEqual(asked, ["start", "t:2", "t:2", "t:3"]);
  assert.equal(follower.connection, "ended");
});

test("a gap is read again, and is an error if it stays", async () => {
  const again = await follow([saying([[1, "chunk"], [3, "chunk"]]), saying([[2, "chunk"], [3, "complete"]])]);
  assert.deepEqual(again.applied, [1, 2, 3]);
  const stays = await follow([saying([[1, "chunk"], [3, "chunk"]]), saying([[3, "chunk"]]), saying([[3, "chunk"]])]);
  assert.deepEqual(stays.applied, [1]);
  assert.equal(stays.error.code, "stream_gap");
});

test("a last event is the truth, whatever its number", async () => {
  const { applied } = await follow([saying([[1, "chunk"], [2, "chunk"]], { broken: true }), saying([[2, "complete"]])]);
  assert.deepEqual(applied, [1, 2, 2]);
});

test("a start of which nobody knows whether it was one is repeated; an answered one never is", async () => {
  const unanswered = await follow([new ApiError("unreachable"), saying([[1, "complete"]])]);
  assert.deepEqual(unanswered.asked, ["start", "start"]);
  const inDoubt = await follow([new ApiError("lost", { status: 503, code: "storage_in_doubt" }), saying([[1, "complete"]])]);
  assert.deepEqual(inDoubt.asked, ["start", "start"]);
  const refused = await follow([new ApiError("busy", { status: 503 })]);
  assert.deepEqual([refused.asked, refused.error.status], [["start"], 503]);
  const cut = await follow([saying([[1, "chunk"]]), saying([[2, "complete"]])]);
  assert.deepEqual(cut.asked, ["start", "t:1"]);
});

test("what must not be repeated is not", async () => {
  const { asked, error } = await follow([new ApiError("unreachable")], { once: true });
  assert.deepEqual([asked, error.status], [["start"], 0]);
});

test("it gives up in the end, says so, and can be asked again", async () => {
  const told = [];
  const lost = await follow([saying([[1, "chunk"]]), ...Array(500).fill(new ApiError("unreachable"))], {
    giveUpMs: 30,
    onConnection: (connection) => told.push(connection),
  });
  assert.equal(lost.error.code, "stream_lost");
  assert.deepEqual(told, ["live", "reconnecting", "lost"]);
});

test("a join that is refused is not repeated", async () => {
  const { asked, error } = await follow([saying([[1, "chunk"]]), new ApiError("gone", { status: 404 })]);
  assert.deepEqual([asked, error.status], [["start", "t:1"], 404]);
});
