// What was typed and not sent, for each conversation, over reloads. "new" is the one that does not exist yet.

import { recall, remember } from "./storage.js";

const MOST = 200;

/** @param {string} chatId @returns {{ text: string, files: any[], modelId: string | null }} */
export const draftOf = (chatId) => ({ text: "", files: [], modelId: null, ...recall("drafts", {})[chatId] });

/** @param {string} chatId @param {{ text: string, files: any[], modelId: string | null }} draft */
export function keepDraft(chatId, draft) {
  const { [chatId]: _, ...others } = recall("drafts", {});
  const isEmpty = !draft.text && !draft.files.length && !draft.modelId;
  const kept = isEmpty ? others : { ...others, [chatId]: draft };
  remember("drafts", Object.fromEntries(Object.entries(kept).slice(-MOST)));
}
