// Imports that go on without their request: begun with a file, followed to their report.

import { ApiError, request, send, upload } from "./http.js";
import { readEvents } from "../lib/sse.js";

const GIVE_UP_MS = 60_000;

/**
 * @typedef {{ done: number, total: number, imported: number, skipped: number, failed: number }} ImportProgress bytes,
 *   and conversations
 * @typedef {{ imported: number, updated: number, skipped: number, failed: number, formats: string[], errors: any[],
 *   conversations: { uuid: string, title: string, message_count: number, added: number, is_new: boolean }[] }} ImportReport
 * @typedef {{ groupId?: number | null, duplicates?: "skip" | "update" | "copy", dryRun?: boolean }} ImportOptions where
 *   the conversations go (null: where the file says), what becomes of those that are there, and whether it is only told
 */

/**
 * @param {FormData} formData with the field `file`
 * @param {ImportOptions} options
 * @param {(event: { loaded: number, total: number }) => void} onUpload @param {AbortSignal} signal of the upload
 * @returns {Promise<string>} the import's name
 */
export async function startImport(formData, options, onUpload, signal) {
  const { task_id } = await upload("/chat/import", formData, { query: { ...options, async: true }, onProgress: onUpload, signal });
  return task_id;
}

/** Let it end after its present conversation; `followImport` then throws `import_cancelled`. @param {string} taskId */
export const cancelImport = (taskId) => request("POST", `/chat/import/${encodeURIComponent(taskId)}/cancel`);

/**
 * Waits for the report of an import, over as many connections as that takes.
 * @param {string} taskId @param {(progress: ImportProgress) => void} onProgress
 * @returns {Promise<ImportReport>}
 * @throws {ApiError} why it ended without a report
 */
export async function followImport(taskId, onProgress) {
  /** @type {any} */
  let event = null;
  let after = 0;
  for (let heard = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
    try {
      const response = await send("GET", `/chat/import/${encodeURIComponent(taskId)}`, { headers: { "Last-Event-ID": String(after) } });
      await readEvents(/** @type {ReadableStream<Uint8Array>} */ (response.body), ({ id, data }) => {
        [event, after, heard] = [JSON.parse(data), id ?? after, Date.now()];
        if (event.type !== "complete") onProgress(event);
        return event.type === "progress";
      });
    } catch (error) {
      // A cut line is joined again: the import goes on meanwhile. A refusal is not asked for twice.
      if (error instanceof ApiError && !error.passing) throw error;
      if (Date.now() - heard > GIVE_UP_MS) throw error;
    }
    if (event?.type === "complete") return event.report;
    if (event && event.type !== "progress") throw new ApiError(event.message, { code: event.error, status: 200 });
  }
}
