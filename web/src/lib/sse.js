// Server-Sent Events out of a fetch response: any segmentation, UTF-8 cut anywhere, silence noticed.

import { createParser } from "eventsource-parser";

/** Three missed pings: the line is dead, whatever the socket believes. */
export const SILENCE_MS = 45_000;

/** The connection said nothing, not even a ping, for too long. */
export class Silence extends Error {}

/**
 * Reads a stream to its end.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(event: { id: number | null, data: string }) => boolean | void} onEvent `false` stops the reading
 * @param {{ silenceMs?: number }} [options]
 * @throws {Silence} or what the transport throws
 */
export async function readEvents(body, onEvent, { silenceMs = SILENCE_MS } = {}) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let wanted = true;
  const parser = createParser({
    onEvent({ id, data }) {
      if (wanted && onEvent({ id: id === undefined ? null : Number(id), data }) === false) wanted = false;
    },
  });
  let silent = false;
  let heard = Date.now();
  // One timer for all readings: a token must not cost one of its own.
  let timer = setTimeout(listen, silenceMs);
  function listen() {
    const left = heard + silenceMs - Date.now();
    if (left > 0) return void (timer = setTimeout(listen, left));
    silent = true;
    reader.cancel().catch(() => {});
  }
  try {
    while (wanted) {
      const { done, value } = await reader.read();
      if (silent) throw new Silence(`nothing for ${silenceMs} ms`);
      if (done) return;
      heard = Date.now();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
    // Also frees the socket when a caller has seen enough. A line that is broken cannot be closed: no matter.
    reader.cancel().catch(() => {});
  }
}
