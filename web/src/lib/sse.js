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
  try {
    while (wanted) {
      const { done, value } = await within(silenceMs, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Also frees the socket when a caller has seen enough. A line that is broken cannot be closed: no matter.
    reader.cancel().catch(() => {});
  }
}

/**
 * @template T
 * @param {number} ms @param {Promise<T>} work
 * @returns {Promise<T>}
 */
async function within(ms, work) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Silence(`nothing for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, /** @type {Promise<never>} */ (silence)]);
  } finally {
    clearTimeout(timer);
  }
}
