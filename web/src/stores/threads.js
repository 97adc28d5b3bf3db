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

  /** Replies that are being written in conversations, whoever asked: message → conversation. */
  const running = shallowReactive(new Map());

  /** What was told of a conversation. @param {string} chatId @param {import("@/lib/change-client.js").Change[]} changes */
  function hear(chatId, changes) {
    for (const { type, message_id, state } of changes) {
      if (state === "streaming") running.set(message_id, chatId);
      else if (type === "message") running.delete(message_id);
    }
    open.get(chatId)?.hear(changes);
  }

  /** More was done than was told. */
  function hearAll() {
    running.clear();
    for (const thread of open.values()) thread.hear([{ type: "conversation", act: "changed" }]);
  }

  /** @param {string} chatId */
  const isRunning = (chatId) => Boolean(open.get(chatId)?.run) || [...running.values()].includes(chatId);
  const reconnectAll = () => [...open.values()].forEach((thread) => thread.reconnect());

  return { of, hear, hearAll, isRunning, reconnectAll };
});
