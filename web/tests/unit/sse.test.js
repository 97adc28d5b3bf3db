import assert from "node:assert/strict";
import { test } from "node:test";

import { readEvents, Silence } from "../../src/lib/sse.js";

/** A stream of these bytes in segments of `size`. */
function streamOf(text, size) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

async function read(text, size) {
  const found = [];
  await readEvents(streamOf(text, size), (event) => void found.push(event));
  return found;
}

const EVENTS = Array.from({ length: 200 }, (_, i) => ({ id: i + 1, data: `{"n":${i},"t":"汉字 emoji 👩‍👩‍👧‍👦 ${"é".repeat(i % 7)}"}` }));

for (const size of [1, 2, 3, 7, 37, 512, 65536]) {
  for (const [name, eol] of Object.entries({ LF: "\n", CRLF: "\r\n" })) {
    test(`every event arrives whole: segments of ${size} bytes, ${name}`, async () => {
      const wire = EVENTS.map(({ id, data }) => `: ping${eol}id: ${id}${eol}data: ${data}${eol}${eol}`).join("");
      assert.deepEqual(await read(wire, size), EVENTS);
    });
  }
}

test("a byte order mark, comments and several data lines", async () => {
  assert.deepEqual(await read("\uFEFF: hello\n\ndata: a\ndata: b\nid: 4\n\n", 1), [{ id: 4, data: "a\nb" }]);
});

test("an event that was cut is not one", async () => {
  assert.deepEqual(await read("id: 1\ndata: a\n\nid: 2\ndata: b", 3), [{ id: 1, data: "a" }]);
});

test("reading stops when it is told to", async () => {
  const found = [];
  await readEvents(streamOf("data: 1\n\ndata: 2\n\ndata: 3\n\n", 1000), ({ data }) => {
    found.push(data);
    return data !== "2";
  });
  assert.deepEqual(found, ["1", "2"]);
});

test("silence is an error, a ping is not silence", async () => {
  const pinged = new ReadableStream({
    async start(controller) {
      for (let i = 0; i < 5; i++) {
        controller.enqueue(new TextEncoder().encode(": ping\n\n"));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      controller.close();
    },
  });
  await readEvents(pinged, () => {}, { silenceMs: 500 });
  await assert.rejects(readEvents(new ReadableStream({}), () => {}, { silenceMs: 20 }), Silence);
});
