// Follows what changes in the archive, over as many connections as that takes (docs/events.md).

import { readEvents } from "./sse.js";

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** @typedef {{ type: string, act?: string, chat_id?: string, message_id?: string, group_id?: number,
 *   role?: string, state?: string, task_id?: string | null }} Change */

export class ChangeFollower {
  /** @type {number | null} the last change that was told */
  #last = null;
  /** @type {AbortController | null} */
  #connection = null;
  #wake = () => {};

  /**
   * @param {object} wanted
   * @param {(after: number | null, signal: AbortSignal) => Promise<Response>} wanted.connect
   * @param {(change: Change) => void} wanted.onChange each change once, in order; `start` and `reset` as they come
   * @param {number[]} [wanted.backoffMs] @param {number} [wanted.silenceMs]
   */
  constructor({ connect, onChange, backoffMs = BACKOFF_MS, silenceMs }) {
    Object.assign(this, { connect, onChange, backoffMs, silenceMs });
  }

  /** Begin, or go on where it was stopped. */
  start() {
    if (this.#connection) return this.#wake();
    this.#connection = new AbortController();
    this.#follow(this.#connection.signal);
  }

  stop() {
    this.#connection?.abort();
    this.#connection = null;
    this.#wake();
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const { body } = await this.connect(this.#last, signal);
        await readEvents(body, ({ id, data }) => {
          if (signal.aborted) return false;
          attempt = 0;
          this.#hear(id, JSON.parse(data));
        }, { silenceMs: this.silenceMs });
      } catch (error) {
        // A cut line, or a server that is away: the next connection goes on after the last change.
        if (error instanceof SyntaxError) throw error;
      }
      if (!signal.aborted) await this.#pause(attempt);
    }
  }

  /** @param {number | null} id @param {Change} change */
  #hear(id, change) {
    const isPlace = change.type === "start" || change.type === "reset";
    if (!isPlace && this.#last !== null && id !== null && id <= this.#last) return;
    this.#last = id ?? this.#last;
    this.onChange(change);
  }

  /** @param {number} attempt */
  #pause(attempt) {
    const base = this.backoffMs[Math.min(attempt, this.backoffMs.length - 1)];
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, base * (0.8 + Math.random() * 0.4));
      this.#wake = () => (clearTimeout(timer), resolve(undefined));
    });
  }
}
