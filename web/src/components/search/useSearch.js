// What is looked for, and what was found. An answer that comes too late is not shown.
import { onBeforeUnmount, reactive, ref, shallowRef, watch } from "vue";

import { getChatList, searchChats } from "@/api/chat.js";

const PAUSE_MS = 120;
const PAGE = 20;
const DAY = 86_400_000;

export function useSearch() {
  const words = ref("");
  const filters = reactive({ groupId: "", modelId: "", role: "", days: "", from: "", to: "" });
  /** @type {import("vue").ShallowRef<any[] | null>} conversations and messages, as they are shown */
  const found = shallowRef(null);
  const total = ref(0);
  const error = ref("");
  let page = 1;
  let timer;
  let asked = new AbortController();

  const query = () => ({
    groupId: filters.groupId,
    modelId: filters.modelId,
    ...period(filters),
    pageNum: page,
  });

  /** Without words, the newest conversations. */
  async function ask(signal) {
    const keyword = words.value.trim();
    if (!keyword) {
      const answer = await getChatList({ ...query(), pageSize: 8 }, signal);
      return { list: answer.list.map(ofConversation), all: answer.list.length };
    }
    const answer = await searchChats({ ...query(), keyword, role: filters.role, pageSize: PAGE }, signal);
    const { conversations, messages } = answer.total;
    return { list: [...answer.conversations.map(ofConversation), ...answer.messages.map(ofMessage)], all: conversations + messages };
  }

  async function look(next = 1) {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    page = next;
    try {
      const { list, all } = await ask(signal);
      if (signal.aborted) return;
      found.value = byKind(next > 1 ? [...found.value, ...list] : list);
      total.value = all;
      error.value = "";
    } catch (failure) {
      if (!signal.aborted) error.value = failure.message;
    }
  }

  const more = () => found.value && found.value.length < total.value && look(page + 1);

  let work = look();
  watch([words, filters], () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  });

  function now() {
    clearTimeout(timer);
    timer = undefined;
    work = look();
  }

  /** What is found for the words as they are. */
  function settled() {
    if (timer) now();
    return work;
  }

  /** Every conversation in which the words are found, to the last page. */
  async function everyChat() {
    const { pageNum: _, ...where } = query();
    const ids = [];
    let cursor = "";
    do {
      const page = await getChatList({ ...where, keyword: words.value.trim(), pageSize: 100, cursor });
      ids.push(...page.list.map(({ uuid }) => uuid));
      cursor = page.next_cursor;
    } while (cursor);
    return ids;
  }

  onBeforeUnmount(() => {
    clearTimeout(timer);
    asked.abort();
  });

  return { words, filters, found, total, error, more, settled, everyChat };
}

/**
 * From the first moment of one day to the last of another, as the reader's clock has them; either may be open.
 * @param {{ days: string, from: string, to: string }} filters
 */
function period({ days, from, to }) {
  if (days !== "dates") return { beginTime: days && new Date(Date.now() - Number(days) * DAY).toISOString() };
  const [first, last] = from && to && from > to ? [to, from] : [from, to];
  // The server's moments have microseconds.
  const end = last && new Date(`${last}T23:59:59.999`).toISOString().replace("Z", "999Z");
  return { beginTime: first && new Date(`${first}T00:00`).toISOString(), endTime: end };
}

const byKind = (/** @type {any[]} */ list) => [...list.filter(({ messageId }) => !messageId), ...list.filter(({ messageId }) => messageId)];

const ofConversation = (/** @type {any} */ chat) => ({
  key: chat.uuid,
  chatId: chat.uuid,
  title: chat.highlighted_title ?? escaped(chat.title),
  snippet: chat.snippet ?? escaped(chat.last_message ?? ""),
  groupId: chat.group_id,
  modelId: chat.model_id,
  time: chat.updated_at,
});

const ofMessage = (/** @type {any} */ message) => ({
  key: message.uuid,
  chatId: message.chat_id,
  messageId: message.uuid,
  role: message.role,
  title: message.highlighted_title,
  snippet: message.snippet,
  groupId: message.group_id,
  modelId: message.model_id,
  time: message.created_at,
});

/** As the server gives it. @param {string} text */
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
