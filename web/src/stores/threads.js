// The conversations that are open or still being answered, each once.
import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import { createThread } from "./thread.js";
import { useConversations } from "./conversations.js";

const MOST_KEPT = 12;

export const useThreads = defineStore("threads", () => {
  const conversations = useConversations();
  const open = shallowReactive(new Map());

  /** @param {string} chatId */
  function of(chatId) {
    if (!open.has(chatId)) {
      const setTitle = (title) => conversations.known.has(chatId) && conversations.known.set(chatId, { ...conversations.known.get(chatId), title });
      open.set(chatId, createThread(chatId, { onTitle: setTitle, onEnd: () => conversations.refresh(chatId) }));
      forgetOldest();
    }
    return open.get(chatId);
  }

  /** The oldest that nobody answers. */
  function forgetOldest() {
    if (open.size <= MOST_KEPT) return;
    const idle = [...open].find(([, thread]) => !thread.run);
    if (idle) open.delete(idle[0]);
  }

  /** @param {string} chatId */
  const isRunning = (chatId) => Boolean(open.get(chatId)?.run);
  const reconnectAll = () => [...open.values()].forEach((thread) => thread.reconnect());

  return { of, isRunning, reconnectAll };
});
