// What is sent while a reply is being written: it waits, and goes out when that has come to its own end.

import { newKey } from "@/api/streams.js";
import { keepQueue, queueOf } from "@/lib/drafts.js";

/** @typedef {{ key: string, content: string, files: any[], modelId?: string }} Waiting */

/** @param {any} thread */
export function createQueue(thread) {
  const keep = (/** @type {Waiting[]} */ list) => keepQueue(thread.chatId, (thread.queued = list));

  /** @param {string} content @param {{ files?: any[], modelId?: string }} [options] */
  const enqueue = (content, { files = [], modelId } = {}) => keep([...thread.queued, { key: newKey(), content, files, modelId }]);

  /** @param {Waiting} entry */
  const unqueue = (entry) => keep(thread.queued.filter(({ key }) => key !== entry.key));

  /** @param {Waiting} entry */
  function sendNow({ key, content, files, modelId }) {
    unqueue({ key, content, files });
    return thread.send(content, { files, modelId, key });
  }

  /** The first that waits. Another tab may have sent or changed it; where both send it, its key makes them one. */
  function sendNext() {
    thread.queued = queueOf(thread.chatId);
    if (thread.queued.length && !thread.run) sendNow(thread.queued[0]);
  }

  thread.queued = queueOf(thread.chatId);
  return { enqueue, unqueue, sendNow, sendNext };
}
