// What the archive and its conversations are set up with: prompts and connections to providers.

import { request } from "./http.js";
import { newKey } from "./streams.js";

const post = (/** @type {string} */ path, /** @type {object} */ body) =>
  request("POST", path, { body, headers: { "Idempotency-Key": newKey() } });

// ------------------------------------------------------------------------------------------- prompts

/** @param {object} [query] @returns {Promise<{ items: any[], total: number, next_cursor: string | null }>} */
export const getPrompts = (query) => request("GET", "/chat/prompts/list", { query });

/** The tags in use, the most used first. @returns {Promise<string[]>} */
export const getPromptTags = () => request("GET", "/chat/prompts/tags");

/** @param {number | string} id @returns {Promise<any>} */
export const getPrompt = (id) => request("GET", `/chat/prompts/${encodeURIComponent(id)}`);

/** @param {object} data @returns {Promise<any>} */
export const createPrompt = (data) => post("/chat/prompts", data);

/** @param {{ id: number } & Record<string, any>} data @returns {Promise<any>} */
export const updatePrompt = (data) => request("PUT", "/chat/prompts", { body: data });

/** @param {number} id @returns {Promise<null>} */
export const deletePrompt = (id) => request("DELETE", `/chat/prompts/${id}`);

/** @param {number[]} ids @returns {Promise<any>} */
export const batchDeletePrompts = (ids) => request("DELETE", "/chat/prompts/batch", { body: { ids } });

/** @param {number} id @returns {Promise<any>} */
export const copyPrompt = (id) => post(`/chat/prompts/${id}/copy`, {});

/** @param {{ content: string, variables?: object, testInput?: string }} data @returns {Promise<any>} */
export const testPrompt = (data) => post("/chat/prompts/test", data);

// --------------------------------------------------------------------------------------- connections

/** @param {object} [query] @returns {Promise<{ items: any[], total: number, next_cursor: string | null }>} */
export const getApiKeys = (query) => request("GET", "/chat/api-keys/list", { query });

/** @param {object} data @returns {Promise<any>} */
export const createApiKey = (data) => post("/chat/api-keys", data);

/** An absent key leaves the stored one. @param {{ id: number } & Record<string, any>} data @returns {Promise<any>} */
export const updateApiKey = (data) => request("PUT", "/chat/api-keys", { body: data });

/** @param {number} id @returns {Promise<null>} */
export const deleteApiKey = (id) => request("DELETE", `/chat/api-keys/${id}`);

/** @param {object} data `id`, or key, address and model @returns {Promise<any>} */
export const testApiKey = (data) => post("/chat/api-keys/test", data);
