// The stream of what changes in the archive: docs/events.md.

import { send } from "./http.js";

/** From now on, or after a change that was told. @param {number | null} after @param {AbortSignal} signal */
export const openChanges = (after, signal) =>
  send("GET", "/chat/events", { headers: after === null ? {} : { "Last-Event-ID": String(after) }, signal });
