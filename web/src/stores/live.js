// What is done in another tab, on another device, by another program: it shows here without a reload.
import { defineStore } from "pinia";
import { ref } from "vue";

import { openChanges } from "@/api/changes.js";
import { ChangeFollower } from "@/lib/change-client.js";

import { useConversations } from "./conversations.js";
import { useThreads } from "./threads.js";

/** Changes that come together are fetched together. */
const GATHER_MS = 100;
/** More conversations than these are not asked for one by one. */
const MANY = 8;
/** Browsers give a site six connections: a tab that nobody sees must not hold one. */
const HIDDEN_MS = 20_000;

export const useLive = defineStore("live", () => {
  const conversations = useConversations();
  const threads = useThreads();
  const follower = new ChangeFollower({ connect: openChanges, onChange: hear });
  let told = nothing();
  let timer;
  let hidden;
  let isFirst = true;
  /** Grows with every change of which conversations there are and where: lists of their own read anew. */
  const moved = ref(0);

  function start() {
    follower.start();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hidden);
      if (document.visibilityState === "visible") follower.start();
      else hidden = setTimeout(() => follower.stop(), HIDDEN_MS);
    });
    window.addEventListener("online", () => follower.start());
  }

  function hear(change) {
    // What was loaded before the first connection may be older than it.
    if (change.type === "start") told.all ||= isFirst && conversations.status === "ready";
    else if (change.type === "reset") told.all = true;
    else if (change.type === "group") told.groups = true;
    else told.chats.set(change.chat_id, [...(told.chats.get(change.chat_id) ?? []), change]);
    isFirst = false;
    timer ??= setTimeout(apply, GATHER_MS);
  }

  async function apply() {
    const { all, groups, chats } = told;
    told = nothing();
    timer = undefined;
    if (all || [...chats.values()].flat().some(({ type }) => type === "conversation")) moved.value++;
    const isGone = (changes) => ["deleted", "purged"].includes(changes.findLast(({ type }) => type === "conversation")?.act);
    for (const [chatId, changes] of chats) {
      if (isGone(changes)) conversations.forget(chatId);
      else threads.hear(chatId, changes);
    }
    const kept = [...chats].filter(([, changes]) => !isGone(changes));
    try {
      if (all) threads.hearAll();
      if (all || kept.length > MANY) await conversations.load();
      else await Promise.all(kept.map(([chatId]) => conversations.refresh(chatId)));
      if ((groups || kept.length < chats.size) && !all) await conversations.loadGroups();
    } catch (error) {
      console.warn("not up to date:", error.message);
    }
  }

  return { start, moved };
});

const nothing = () => ({ all: false, groups: false, chats: new Map() });
