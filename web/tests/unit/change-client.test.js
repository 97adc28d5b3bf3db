import assert from "node:assert/strict";
import { test } from "node:test";

import { ChangeFollower } from "../../src/lib/change-client.js";

const saying = (events) =>
  new Response(new TextEncoder().encode(events.map(([id, type]) => `id: ${id}\ndata: {"type":"${type}","n":${id}}\n\n`).join("")));

/** Follows what `script` says, one entry a connection, until it is told `last`. */
async function follow(script, last) {
  const told = [];
  const asked = [];
  await new Promise((resolve) => {
    const follower = new ChangeFollower({
      backoffMs: [1],
      connect: async (after) => {
        asked.push(after);
        const step = script.shift();
        if (step instanceof Error) throw step;
        return step;
      },
      onChange: ({ type, n }) => {
        told.push([type, n]);
        if (n !== last) return;
        follower.stop();
        resolve(null);
      },
    });
    follower.start();
  });
  return { told, asked };
}

test("after a cut line it asks for what came since, and tells nothing twice", async () => {
  const { told, asked } = await follow(
    [saying([[4, "start"], [5, "message"]]), new Error("unreachable"), saying([[5, "start"], [5, "message"], [6, "group"]])],
    6,
  );
  assert.deepEqual(told, [["start", 4], ["message", 5], ["start", 5], ["group", 6]]);
  assert.deepEqual(asked, [null, 5, 5]);
});

test("where the server has forgotten, it goes on from where that is", async () => {
  const { told, asked } = await follow([saying([[900, "start"]]), saying([[12, "reset"], [13, "conversation"]])], 13);
  assert.deepEqual(told.slice(1), [["reset", 12], ["conversation", 13]]);
  assert.deepEqual(asked, [null, 900]);
});
