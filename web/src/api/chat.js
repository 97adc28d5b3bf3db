// The chat API, one function for each endpoint. Each resolves to the `data` of the answer or throws an
// ApiError. Parameters may be spelled in camelCase or snake_case, as on the wire; answers are snake_case.

import { addressOf, download, request, send, upload } from "./http.js";
import { CANCEL_PATH, follow, newKey, posting } from "./streams.js";

/** @typedef {import("./types.js").Conversation} Conversation */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Group} Group */
/** @typedef {import("./types.js").Model} Model */
/** @typedef {import("./http.js").ApiError} ApiError */
/** @typedef {import("./streams.js").StreamEvent} StreamEvent */
/** @typedef {import("./streams.js").StreamControl} StreamControl */
/** @typedef {import("./streams.js").Callbacks} Callbacks */
/** @typedef {import("./streams.js").FollowOptions} FollowOptions */

const part = encodeURIComponent;

/** Every POST carries a key: sent twice by an impatient network, it has one effect. */
const post = (/** @type {string} */ path, /** @type {object} */ body) =>
  request("POST", path, { body, headers: { "Idempotency-Key": newKey() } });

// ------------------------------------------------------------------------------------- conversations

/**
 * A page of conversations, pinned first.
 * @param {{ pageNum?: number, pageSize?: number, cursor?: string, keyword?: string, groupId?: number, modelId?: string,
 *   beginTime?: string, endTime?: string, status?: string, pinned?: boolean, sort?: string }} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Page<Conversation>>}
 */
export const getChatList = (query, signal) => request("GET", "/chat/conversations/list", { query, signal });

/** @param {string} chatId @returns {Promise<Conversation>} */
export const getChatDetail = (chatId) => request("GET", `/chat/conversations/${part(chatId)}`);

/**
 * @param {{ title?: string, description?: string, groupId?: number, modelId?: string, apiKeyId?: number,
 *   promptId?: number, config?: object }} [data]
 * @returns {Promise<Conversation>}
 */
export const createChat = (data = {}) => post("/chat/conversations", data);

/**
 * Change what is named; an explicit null clears.
 * @param {{ id: string } & Record<string, any>} data `id` is the uuid
 * @returns {Promise<Conversation>}
 */
export const updateChat = ({ id, ...changes }) => request("PUT", `/chat/conversations/${part(id)}`, { body: changes });

/** @param {string} chatId @returns {Promise<null>} */
export const deleteChat = (chatId) => request("DELETE", `/chat/conversations/${part(chatId)}`);

/** @param {string[]} chatIds @returns {Promise<{ deleted: number, missing: string[] }>} */
export const batchDeleteChats = (chatIds) => request("DELETE", "/chat/conversations/batch", { body: { ids: chatIds } });

/** @param {string} chatId @returns {Promise<null>} */
export const clearChatMessages = (chatId) => request("DELETE", `/chat/conversations/${part(chatId)}/messages`);

/** @param {{ chatId: string, targetGroupId: number }} data @returns {Promise<Conversation>} */
export const moveChatToGroup = ({ chatId, targetGroupId }) =>
  request("PUT", `/chat/conversations/${part(chatId)}/move`, { body: { groupId: targetGroupId } });

/** @param {{ chatIds: string[], targetGroupId: number }} data @returns {Promise<{ moved: number, missing: string[] }>} */
export const batchMoveChatToGroup = (data) => request("PUT", "/chat/conversations/batch/move", { body: data });

/** @param {{ chatIds: string[], status: "archived" | "active" }} data @returns {Promise<{ updated: number, missing: string[] }>} */
export const batchArchiveChats = (data) => request("PUT", "/chat/conversations/batch/status", { body: data });

// ------------------------------------------------------------------------------------------ messages

/**
 * A page of the active branch, oldest first; `before`, `after` and `around` name a message.
 * @param {string} chatId
 * @param {{ pageNum?: number, pageSize?: number, cursor?: string, messageType?: string, before?: string,
 *   after?: string, around?: string }} [query]
 * @returns {Promise<import("./types.js").Page<Message>>}
 */
export const getChatMessages = (chatId, query) =>
  request("GET", `/chat/conversations/${part(chatId)}/messages`, { query });

/**
 * Send and wait for the whole reply.
 * @param {{ chatId: string, content: string, type?: string, files?: string[], metadata?: object }} data
 * @returns {Promise<{ message_id: string, content: string, created_at: string, reply: Message, task_id: string }>}
 */
export const sendMessage = (data) => post("/chat/messages", { ...data, stream: false });

/**
 * Send, and follow the reply to its end over as many connections as that takes. Each event is given to
 * `onMessage` exactly once and in order; then `onComplete` or `onError` is called, once.
 * Rejects (after `onError`) where the server refuses: then nothing was stored, unless the error is `unclear`; sent
 * again with the same data and `key`, it is stored once.
 * @param {Record<string, any>} data as for `sendMessage`
 * @param {(event: StreamEvent) => void} [onMessage]
 * @param {(error: ApiError) => void} [onError] the reply failed, or the line is lost (`stream_lost`)
 * @param {(event: StreamEvent) => void} [onComplete] with the last event, `complete` or `cancelled`
 * @param {FollowOptions} [options]
 * @returns {Promise<StreamControl>}
 */
export const sendStreamMessage = (data, onMessage, onError, onComplete, options) =>
  follow(posting("/chat/messages/stream", data, options?.key), { onMessage, onError, onComplete, ...options });

/**
 * Follow a generation that was started before, after event `after`.
 * @param {string} taskId @param {number} after
 * @param {(event: StreamEvent) => void} [onMessage] @param {(error: ApiError) => void} [onError]
 * @param {(event: StreamEvent) => void} [onComplete] @param {FollowOptions} [options]
 * @returns {Promise<StreamControl>}
 */
export const joinStreamMessage = (taskId, after, onMessage, onError, onComplete, options) =>
  follow({ start: null, taskId, after }, { onMessage, onError, onComplete, ...options });

/**
 * Another version of a reply. With the callbacks of `sendStreamMessage` as a second argument, it is streamed
 * and resolves as that does; without, it resolves to the finished reply.
 * @param {{ chatId: string, messageId: string, config?: object, modelId?: string, continueReply?: boolean }} data
 * @param {Callbacks & FollowOptions} [streaming]
 * @returns {Promise<any>}
 */
export const regenerateMessage = (data, streaming) =>
  streaming
    ? follow(posting("/chat/messages/regenerate", { ...data, stream: true }, streaming.key), streaming)
    : post("/chat/messages/regenerate", data);

/**
 * Change a text in place, or with `branch` as a new version that is answered anew (streamed with `streaming`).
 * @param {{ messageId: string, content: string, branch?: boolean }} data
 * @param {Callbacks & FollowOptions} [streaming]
 * @returns {Promise<any>}
 */
export function editMessage({ messageId, ...body }, streaming) {
  const path = `/chat/messages/${part(messageId)}`;
  if (!streaming) return request("PUT", path, { body });
  const start = (/** @type {AbortSignal} */ signal) => send("PUT", path, { body: { ...body, stream: true }, signal });
  // A PUT takes no retry key: an attempt that got no answer is not repeated.
  return follow({ start, once: true }, streaming);
}

/** @param {string} taskId @returns {Promise<{ task_id: string, message_id: string, state: string }>} */
export const cancelStreamMessage = (taskId) => post(CANCEL_PATH, { taskId });

/** @param {string} messageId @returns {Promise<null>} */
export const deleteMessage = (messageId) => request("DELETE", `/chat/messages/${part(messageId)}`);

/** Bring back a deleted message. @param {string} messageId @returns {Promise<Message>} */
export const restoreMessage = (messageId) => request("PUT", `/chat/messages/${part(messageId)}/restore`);

/** Show the branch of this version. @param {string} messageId @returns {Promise<Message>} */
export const activateMessage = (messageId) => request("PUT", `/chat/messages/${part(messageId)}/activate`);

/** A new conversation with a copy of all that leads to this message. @param {string} messageId @returns {Promise<Conversation>} */
export const forkMessage = (messageId) => post(`/chat/messages/${part(messageId)}/fork`, {});

// -------------------------------------------------------------------------------------------- groups

/** @param {{ includeChats?: boolean }} [query] @returns {Promise<Group[]>} */
export const getChatGroups = (query) => request("GET", "/chat/groups", { query });

/** @param {{ name: string, description?: string, color?: string, sort?: number }} data @returns {Promise<Group>} */
export const createChatGroup = (data) => post("/chat/groups", data);

/** @param {{ id: number } & Record<string, any>} data @returns {Promise<Group>} */
export const updateChatGroup = ({ id, ...changes }) => request("PUT", `/chat/groups/${id}`, { body: changes });

/** @param {number} groupId @param {boolean} [deleteChats] else they move to the default group @returns {Promise<null>} */
export const deleteChatGroup = (groupId, deleteChats = false) =>
  request("DELETE", `/chat/groups/${groupId}`, { query: { deleteChats } });

// -------------------------------------------------------------------------------------------- models

/** @param {{ activeOnly?: boolean, provider?: string }} [query] @returns {Promise<Model[]>} */
export const getAvailableModels = (query) => request("GET", "/chat/models/available", { query });

/**
 * @param {{ modelId: string, testMessage?: string }} data
 * @returns {Promise<{ success: boolean, message: string, reply: string | null, response_time: number }>}
 */
export const testModel = (data) => post("/chat/models/test", data);

/** @param {{ timeRange?: string, modelId?: string }} [query] @returns {Promise<any[]>} */
export const getModelStats = (query) => request("GET", "/chat/models/stats", { query });

// --------------------------------------------------------------------------------------------- files

/**
 * @param {FormData} formData with the field `file`
 * @param {(event: { loaded: number, total: number }) => void} [onProgress] @param {AbortSignal} [signal]
 * @returns {Promise<{ id: string, name: string, size: number, content_type: string, url: string }>}
 */
export const uploadFile = (formData, onProgress, signal) => upload("/chat/upload", formData, { onProgress, signal });

/** @param {string} fileId @returns {Promise<null>} */
export const deleteFile = (fileId) => request("DELETE", `/chat/files/${part(fileId)}`);

/** @param {string} fileId @returns {Promise<any>} */
export const getFileInfo = (fileId) => request("GET", `/chat/files/${part(fileId)}`);

// --------------------------------------------------------------------------------- export and import

/** @typedef {{ onProgress?: (bytes: number) => void, signal?: AbortSignal }} Following of a download */

/**
 * How conversations are written: `branches` are all versions, which json has if nobody says otherwise, or the shown ones;
 * `attachments` are the contents of files in json.
 * @typedef {{ format: "json" | "markdown" | "txt" | "html", includeSystemMessages?: boolean, branches?: boolean,
 *   attachments?: boolean }} ExportOptions
 */

/**
 * @param {{ chatId: string } & ExportOptions} data
 * @param {Following} [following]
 * @returns {Promise<{ blob: Blob, name: string }>}
 */
export const exportChat = async (data, { onProgress, signal } = {}) =>
  download(await send("POST", "/chat/export", { body: data, signal }), onProgress);

/** Where a zip of every conversation comes from, for a link. @param {ExportOptions} query */
export const everythingAddress = (query) => addressOf("/chat/export/all", query);

/**
 * The form that a zip of these is asked for with: a browser that submits it writes to the disk what comes.
 * @param {{ chatIds: string[] } & ExportOptions} wanted
 * @returns {{ address: string, fields: Record<string, string> }}
 */
export const chosenForm = (wanted) => ({
  address: addressOf("/chat/export/chosen"),
  fields: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)])),
});

/**
 * A zip of several conversations, or with `all` of every one.
 * @param {{ chatIds: string[], all?: boolean } & ExportOptions} data
 * @param {Following} [following]
 * @returns {Promise<{ blob: Blob, name: string }>}
 */
export const batchExportChats = async (data, { onProgress, signal } = {}) =>
  download(await send("POST", "/chat/export/batch", { body: data, signal }), onProgress);

/**
 * @param {FormData} formData with the field `file`
 * @param {number | null} [groupId] where the conversations go
 * @param {(event: { loaded: number, total: number }) => void} [onProgress] of the upload
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ imported: number, skipped: number, failed: number,
 *   conversations: { uuid: string, title: string, message_count: number }[], errors: any[] }>}
 */
export const importChat = (formData, groupId, onProgress, signal) =>
  upload("/chat/import", formData, { query: { groupId }, onProgress, signal });

// ------------------------------------------------------------------- search, settings, titles, figures

/** @param {{ keyword: string } & Record<string, any>} query @param {AbortSignal} [signal] @returns {Promise<any>} */
export const searchChats = (query, signal) => request("GET", "/chat/search", { query, signal });

/** @returns {Promise<any>} */
export const getChatSettings = () => request("GET", "/chat/settings");

/** Change only what is named. @param {Record<string, any>} data @returns {Promise<any>} */
export const updateChatSettings = (data) => request("PUT", "/chat/settings", { body: data, keepalive: true });

/** @param {{ content: string, maxLength?: number }} data @returns {Promise<{ title: string }>} */
export const generateChatTitle = (data) => post("/chat/utils/generate-title", data);

/** @param {{ timeRange?: string, by?: string, groupId?: number | null, tz?: string }} [query] @returns {Promise<any>} */
export const getChatStatistics = (query) => request("GET", "/chat/statistics", { query });

// --------------------------------------------------------------------------------------------- sharing

/** @typedef {{ chat_id: string, title: string, path: string, created_at: string, expires_at: string | null }} Share */

/** All that is shared, the newest first. @returns {Promise<Share[]>} */
export const getShares = async () => (await request("GET", "/chat/shares")).shares;

/** @param {string} chatId @returns {Promise<Share>} */
export const getShare = (chatId) => request("GET", sharePath(chatId));

/** As it is now; once more: as it is then. @param {string} chatId @param {{ days?: number | null }} [data] @returns {Promise<Share>} */
export const shareChat = (chatId, data = {}) => post(sharePath(chatId), data);

/** Its address leads nowhere from now on. @param {string} chatId */
export const unshareChat = (chatId) => request("DELETE", sharePath(chatId));

/** The whole address of a shared page. @param {Share} share */
export const shareAddress = ({ path }) => new URL(addressOf(path), globalThis.location?.href).href;

/** @param {string} chatId */
const sharePath = (chatId) => `/chat/conversations/${part(chatId)}/share`;

// --------------------------------------------------------------------------------------------- trash

/** @param {{ pageNum?: number, pageSize?: number, cursor?: string }} [query] @returns {Promise<import("./types.js").Page<any>>} */
export const getTrash = (query) => request("GET", "/chat/trash", { query });

/** @param {string[]} ids @returns {Promise<any>} */
export const restoreTrash = (ids) => post("/chat/trash/restore", { ids });

/** For ever. @param {{ ids?: string[], all?: boolean }} data @returns {Promise<any>} */
export const purgeTrash = (data) => request("DELETE", "/chat/trash", { body: data });

/** Where a file's bytes are, for an `<img>` or a link. @param {string} fileId */
export const fileAddress = (fileId) => `/chat/files/${part(fileId)}/content`;
