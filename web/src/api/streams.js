// Streams as the API hands them out: callbacks, and a control to stop or leave.

import { StreamFollower } from "../lib/stream-client.js";
import { ApiError, request, send } from "./http.js";

/** @typedef {import("../lib/stream-client.js").StreamEvent} StreamEvent */
/** @typedef {import("../lib/stream-client.js").Connection} Connection */

/**
 * @typedef {{ onMessage?: (event: StreamEvent) => void, onError?: (error: ApiError) => void,
 *   onComplete?: (event: StreamEvent) => void }} Callbacks
 *
 * @typedef {{ onConnection?: (connection: Connection) => void, key?: string, backoffMs?: number[],
 *   giveUpMs?: number, silenceMs?: number }} FollowOptions `key`: the Idempotency-Key, where a retry must be the same
 */

/**
 * A reply that is being written, as this client follows it.
 * @typedef {object} StreamControl
 * @property {string} taskId the generation
 * @property {() => Promise<{ task_id: string, message_id: string, state: string }>} cancel stop generating
 * @property {() => void} close stop following; the generation goes on
 * @property {() => void} hurry do not wait before the next attempt to reconnect
 * @property {Promise<StreamEvent | null>} done the last event; null where it was closed or lost
 */

export const CANCEL_PATH = "/chat/messages/stream/cancel";

/** A key for one intention of a person. Not `randomUUID`: that needs HTTPS, which a home network has not. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A start that may be repeated: the key is the same each time. @param {string} path @param {object} body */
export function posting(path, body, key = newKey()) {
  return {
    start: (/** @type {AbortSignal} */ signal) =>
      send("POST", path, { body, headers: { "Idempotency-Key": key }, signal }),
  };
}

/**
 * Open a stream and read it to its end in the background.
 * @param {{ start: any, once?: boolean, taskId?: string, after?: number }} from
 * @param {Callbacks & FollowOptions} options
 * @returns {Promise<StreamControl>}
 */
export async function follow({ start, once, taskId, after = 0 }, { onMessage, onError, onComplete, ...options }) {
  /** @type {StreamEvent | null} */
  let last = null;
  const follower = new StreamFollower({
    start,
    once,
    join: (id, seq, signal) =>
      send("GET", `/chat/messages/stream/${encodeURIComponent(id)}`, { headers: { "Last-Event-ID": String(seq) }, signal }),
    onEvent: (event) => {
      last = event;
      onMessage?.(event);
    },
    ...options,
  });
  if (taskId) follower.at(taskId, after);
  let response;
  try {
    response = await follower.open();
  } catch (error) {
    if (error instanceof ApiError) onError?.(error);
    throw error;
  }
  const done = follower.run(response).then(
    () => finish(last, onError, onComplete),
    (error) => {
      onError?.(error);
      return null;
    },
  );
  const id = /** @type {string} */ (follower.taskId);
  return {
    taskId: id,
    cancel: () => request("POST", CANCEL_PATH, { body: { taskId: id } }),
    close: () => follower.close(),
    hurry: () => follower.hurry(),
    done,
  };
}

/** @param {StreamEvent | null} last @param {Callbacks["onError"]} onError @param {Callbacks["onComplete"]} onComplete */
function finish(last, onError, onComplete) {
  if (last?.type === "error") onError?.(new ApiError(last.message ?? "", { code: last.error ?? "failed", status: 200 }));
  else if (last?.type === "complete" || last?.type === "cancelled") onComplete?.(last);
  else return null;
  return last;
}
