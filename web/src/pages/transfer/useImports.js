// Files on their way into the archive, one after the other: what each holds, how far it is, and what became of it.
import { onBeforeUnmount, shallowReactive, shallowRef } from "vue";

import { cancelImport, followImport, startImport } from "@/api/imports.js";
import { said } from "@/lib/said.js";
import { useConversations } from "@/stores/conversations.js";
import { useToasts } from "@/stores/toasts.js";

let keys = 0;

/**
 * An entry is `waiting`, `sending` and `reading` twice: first for a `preview`, with which it is `ready`; then, when one
 * has begun it with options, for its `report`, with which it is `done`. It may end `stopped`, `cancelled` or `failed`.
 */
export function useImports() {
  const conversations = useConversations();
  const toasts = useToasts();
  const list = shallowRef([]);
  let queue = Promise.resolve();

  /** @param {File[]} files */
  function add(files) {
    for (const file of files) {
      const entry = shallowReactive({ key: ++keys, name: file.name, preview: null, report: null, error: "", begin: (options) => line(entry, file, options) });
      list.value = [entry, ...list.value];
      line(entry, file, { dryRun: true });
    }
  }

  function line(entry, file, options) {
    const controller = new AbortController();
    Object.assign(entry, { state: "waiting", share: 0, progress: null, isStopping: false, stop: () => controller.abort() });
    queue = queue.then(() => work(entry, file, options, controller.signal));
  }

  async function work(entry, file, options, signal) {
    if (signal.aborted) return (entry.state = "stopped");
    try {
      const report = await send(entry, file, options, signal);
      const holdsNone = options.dryRun && !report.imported && !report.skipped;
      if (options.dryRun && !holdsNone) return Object.assign(entry, { state: "ready", preview: report });
      Object.assign(entry, { state: "done", report });
      if (!options.dryRun) await conversations.load();
    } catch (error) {
      const isCancelled = error.code === "import_cancelled";
      entry.state = signal.aborted || (isCancelled && options.dryRun) ? "stopped" : isCancelled ? "cancelled" : "failed";
      entry.error = said(error);
      // What is only looked at changes nothing.
      if (options.dryRun) entry.progress = null;
      // What came before the end is there.
      else if (entry.progress?.imported) await conversations.load();
    }
  }

  async function send(entry, file, options, signal) {
    entry.state = "sending";
    const form = new FormData();
    form.append("file", file, file.name);
    const onUpload = ({ loaded, total }) => (entry.share = total ? loaded / total : 0);
    const taskId = await startImport(form, options, onUpload, signal);
    Object.assign(entry, { state: "reading", share: 0, stop: () => stopReading(entry, taskId) });
    return followImport(taskId, (progress) => {
      const share = progress.total ? progress.done / progress.total : 0;
      Object.assign(entry, { progress: options.dryRun ? null : progress, share });
    });
  }

  /** The server reads it already: it ends after its present conversation, and its end says what it has. */
  async function stopReading(entry, taskId) {
    entry.isStopping = true;
    try {
      await cancelImport(taskId);
    } catch (error) {
      entry.isStopping = false;
      toasts.complain(error);
    }
  }

  onBeforeUnmount(() => list.value.forEach((entry) => entry.state === "waiting" && entry.stop()));
  return { list, add };
}
