// Follows one generation from its first event to its last, over as many connections as that takes.

import { ApiError } from "../api/http.js";
import { readEvents } from "./sse.js";

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
const GIVE_UP_MS = 60_000;
const LAST = new Set(["complete", "cancelled", "error"]);

/**
 * @typedef {{ type: string, message_id?: string, content?: string, task_id?: string, model_id?: string,
 *   title?: string, message?: string, error?: string, usage?: Record<string, number> | null,
 *   finish_reason?: string | null }} StreamEvent
 * @typedef {"connecting" | "live" | "reconnecting" | "lost" | "ended"} Connection
 */

export class StreamFollower {
  /** The last event that was applied. */
  seq = 0;
  /** @type {string | null} */
  taskId = null;
  /** @type {Connection} */
  connection = "connecting";
  #ended = false;
  #closed = new AbortController();
  #wake = () => {};

  /**
   * @param {object} wanted
   * @param {((signal: AbortSignal) => Promise<Response>) | null} wanted.start opens the first connection; asked
   *   again only while it is unclear what became of it, so it must be safe to repeat (an Idempotency-Key) or `once`
   * @param {(taskId: string, after: number, signal: AbortSignal) => Promise<Response>} wanted.join goes on
   * @param {(event: StreamEvent) => void} wanted.onEvent each event exactly once, in order
   * @param {(connection: Connection) => void} [wanted.onConnection]
   * @param {boolean} [wanted.once] `start` must not be repeated
   * @param {number[]} [wanted.backoffMs] @param {number} [wanted.giveUpMs] @param {number} [wanted.silenceMs]
   */
  constructor({ start, join, onEvent, onConnection = () => {}, once = false, backoffMs, giveUpMs, silenceMs }) {
    Object.assign(this, { start, join, onEvent, onConnection, once });
    this.backoffMs = backoffMs ?? BACKOFF_MS;
    this.giveUpMs = giveUpMs ?? GIVE_UP_MS;
    this.silenceMs = silenceMs;
  }

  /** Join a generation that runs already, after event `seq`. @param {string} taskId @param {number} seq */
  at(taskId, seq) {
    this.taskId = taskId;
    this.seq = seq;
    return this;
  }

  /** Opens the first connection. Throws what the server answers; then nothing was started, unless that is `unclear`. */
  async open() {
    return this.#untilItWorks(() =>
      this.taskId === null ? this.start(this.#closed.signal) : this.join(this.taskId, this.seq, this.#closed.signal),
    );
  }

  /**
   * Reads to the last event, joining again after every cut.
   * @param {Response} response of `open`
   * @throws {ApiError} `stream_lost` after a minute without a line (call `run(await open())` to try again),
   *   `stream_gap` where events are missing, or what the server answers
   */
  async run(response) {
    this.taskId = response.headers.get("x-task-id") ?? this.taskId;
    let gapAt = -1;
    for (;;) {
      this.#tell("live");
      const gap = await this.#read(response);
      if (this.#ended || this.#closed.signal.aborted) return this.#tell("ended");
      if (gap && gapAt === this.seq) throw new ApiError("events are missing", { code: "stream_gap" });
      gapAt = gap ? this.seq : -1;
      this.#tell("reconnecting");
      response = await this.open();
    }
  }

  /** Try again now instead of after the rest of the pause. */
  hurry() {
    this.#wake();
  }

  /** Stop following. The generation goes on. */
  close() {
    this.#closed.abort();
    this.#wake();
  }

  /** Whether the reading ended at a gap. @param {Response} response */
  async #read(response) {
    let gap = false;
    try {
      await readEvents(
        /** @type {ReadableStream<Uint8Array>} */ (response.body),
        ({ id, data }) => {
          if (this.#closed.signal.aborted) return false;
          const event = JSON.parse(data);
          const last = LAST.has(event.type);
          // A last event holds the whole text: it is right whatever was missed, and may be numbered anew.
          if (!last && id !== null && id <= this.seq) return true;
          if (!last && id !== null && id !== this.seq + 1) {
            gap = true;
            return false;
          }
          this.seq = Math.max(this.seq, id ?? this.seq + 1);
          this.#ended = last;
          this.onEvent(event);
          return !last;
        },
        { silenceMs: this.silenceMs },
      );
    } catch (error) {
      // A cut line: reset, silence, half a character. The next connection goes on after `seq`.
      if (error instanceof SyntaxError) throw error;
    }
    return gap;
  }

  /** @param {() => Promise<Response>} connect */
  async #untilItWorks(connect) {
    const since = Date.now();
    for (let attempt = 0; ; attempt++) {
      try {
        return await connect();
      } catch (error) {
        if (!(error instanceof ApiError) || !error.passing || (this.once && this.taskId === null)) throw error;
        // An answer is an answer: a server that says 503 to a start has stored nothing, unless nobody knows.
        if (this.taskId === null && !error.unclear) throw error;
        if (Date.now() - since >= this.giveUpMs) {
          this.#tell("lost");
          throw new ApiError(error.message, { code: "stream_lost" });
        }
        this.#tell("reconnecting");
        await this.#pause(attempt);
        if (this.#closed.signal.aborted) throw error;
      }
    }
  }

  /** @param {number} attempt */
  #pause(attempt) {
    const base = this.backoffMs[Math.min(attempt, this.backoffMs.length - 1)];
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setTimeout(resolve, base * (0.8 + Math.random() * 0.4));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      })
    );
  }

  /** @param {Connection} connection */
  #tell(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.onConnection(connection);
  }
}
