// What was typed and not sent, for each conversation, over reloads. "new" is the one that does not exist yet.

import { recall, remember } from "./storage.js";

const MOST = 200;
let kept = true;

/** Whether drafts are kept at all; those that are there go where they shall not be. @param {boolean} wanted */
export function keepDrafts(wanted) {
  kept = wanted;
  if (!kept) for (const name of ["drafts", "queues"]) remember(name, null);
}

/** @param {string} chatId @returns {{ text: string, files: any[], modelId: string | null }} */
export const draftOf = (chatId) => ({ text: "", files: [], modelId: null, ...recall("drafts", {})[chatId] });

/** @param {string} chatId @param {{ text: string, files: any[], modelId: string | null }} draft */
export function keepDraft(chatId, draft) {
  if (!kept) return;
  const { [chatId]: _, ...others } = recall("drafts", {});
  const isEmpty = !draft.text && !draft.files.length && !draft.modelId;
  const next = isEmpty ? others : { ...others, [chatId]: draft };
  remember("drafts", Object.fromEntries(Object.entries(next).slice(-MOST)));
}

/** Where nothing is kept, what waits to be sent waits on this page alone. @type {Map<string, any[]>} */
const unkept = new Map();

/** What waits to be sent in a conversation. @param {string} chatId @returns {any[]} */
export const queueOf = (chatId) => (kept ? recall("queues", {})[chatId] : unkept.get(chatId)) ?? [];

/** @param {string} chatId @param {any[]} list */
export function keepQueue(chatId, list) {
  if (!kept) return unkept.set(chatId, list);
  const { [chatId]: _, ...others } = recall("queues", {});
  remember("queues", list.length ? { ...others, [chatId]: list } : others);
}
