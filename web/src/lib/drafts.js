// What was typed and not sent, for each conversation, over reloads. "new" is the one that does not exist yet.

import { recall, remember } from "./storage.js";

const MOST = 200;
let kept = true;

/** Whether drafts are kept at all; those that are there go where they shall not be. @param {boolean} wanted */
export function keepDrafts(wanted) {
  kept = wanted;
  if (!kept) remember("drafts", null);
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
