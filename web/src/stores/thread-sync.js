// Brings an open conversation up to date with what was done to it elsewhere.

import * as api from "@/api/chat.js";

const MOST = 100;

/**
 * @param {any} thread
 * @param {{ take: (list: any[], hasEarlier: boolean, hasLater: boolean) => void, load: (count: number) => Promise<void>,
 *   refresh: (messageId: string) => Promise<void> }} parts
 */
export function createSync(thread, { take, load, refresh }) {
  /** @type {import("@/lib/change-client.js").Change[]} */
  let told = [];

  /** What was told of this conversation. What this page does itself comes back here, too, and is known then. */
  function hear(changes) {
    if (thread.status !== "ready") return;
    told.push(...changes);
    settle();
  }

  /** While a reply is followed, its messages may not have their names yet: afterwards, then. */
  async function settle() {
    if (thread.run || !told.length) return;
    const changes = told;
    told = [];
    const isHere = (uuid) => thread.messages.some((message) => message.uuid === uuid);
    const isVersion = (uuid) => thread.messages.some(({ version }) => version.uuids.includes(uuid));
    const moves = {
      created: (uuid) => !isHere(uuid) && !thread.hasLater,
      deleted: (uuid) => isHere(uuid) || isVersion(uuid),
      restored: (uuid) => !isHere(uuid),
    };
    const moved = changes.some(({ type, act, message_id }) => type === "conversation" || moves[act]?.(message_id));
    const edited = new Set(changes.filter(({ type, act, message_id }) => type === "message" && act === "changed" && isHere(message_id)).map(({ message_id }) => message_id));
    try {
      if (moved) await again();
      for (const uuid of edited) if (isHere(uuid)) await refresh(uuid);
    } catch (error) {
      // Away again: the next change, or opening it once more, brings it up to date.
      console.warn("not up to date:", error.message);
    }
  }

  /** The same window once more. Where it is no longer on the shown branch, the end of that. */
  async function again() {
    const first = thread.messages[0]?.uuid;
    if (!first) return load(0);
    const list = [];
    let from = 0;
    let more = true;
    try {
      while (more && (!thread.hasLater || list.length - from < thread.messages.length)) {
        const place = list.length ? { after: list.at(-1).uuid } : { around: first };
        const page = await api.getChatMessages(thread.chatId, { pageSize: MOST, ...place });
        list.push(...page.list);
        more = page.next_cursor !== null;
        if (thread.hasEarlier) from = list.findIndex(({ uuid }) => uuid === first);
      }
    } catch (error) {
      if (error.status !== 404) throw error;
      return load(0);
    }
    const isBranch = list.every(({ parent_id }, index) => !index || parent_id === list[index - 1].uuid);
    if (!isBranch) return load(0);
    if (!thread.run) take(list.slice(from), thread.hasEarlier, more);
  }

  return { hear, settle, again };
}
