// All messages of the branch that is shown, those too that are not on the page: read once, page by page.
import { getChatMessages } from "@/api/chat.js";

const PAGE = 100;

/** @param {any} thread */
export function createBranch(thread) {
  /** @type {Promise<any[]> | null} */
  let whole = null;

  async function read() {
    const list = [];
    let cursor = "";
    do {
      const page = await getChatMessages(thread.chatId, { pageSize: PAGE, cursor });
      list.push(...page.list);
      cursor = page.next_cursor;
    } while (cursor);
    return list;
  }

  const known = () => (whole ??= read().catch((error) => {
    whole = null;
    throw error;
  }));

  /** As they are now: what is on the page is newer than what was read. */
  async function all() {
    const here = thread.messages.filter(({ uuid }) => uuid);
    if (!thread.hasEarlier && !thread.hasLater) return here;
    let list = await known();
    const listed = new Set(list.map(({ uuid }) => uuid));
    if (!here.every(({ uuid }) => listed.has(uuid))) list = await (forget(), known());
    const newer = new Map(here.map((message) => [message.uuid, message]));
    return list.map((message) => newer.get(message.uuid) ?? message);
  }

  const forget = () => (whole = null);
  return { all, forget };
}
