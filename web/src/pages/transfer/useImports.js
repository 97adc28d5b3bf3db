// Files on their way into the archive, one after the other: how far each is, and what became of it.
import { onBeforeUnmount, shallowReactive, shallowRef } from "vue";

import { cancelImport, followImport, startImport } from "@/api/imports.js";
import { said } from "@/lib/said.js";
import { useConversations } from "@/stores/conversations.js";
import { useToasts } from "@/stores/toasts.js";

let keys = 0;

export function useImports() {
  const conversations = useConversations();
  const toasts = useToasts();
  const list = shallowRef([]);
  let queue = Promise.resolve();

  /** @param {File[]} files @param {number | null} groupId where they go; null: where they say */
  function add(files, groupId) {
    for (const file of files) {
      const controller = new AbortController();
      const entry = shallowReactive({ key: ++keys, name: file.name, state: "waiting", share: 0, progress: null, report: null, error: "", stop: () => controller.abort(), isStopping: false });
      list.value = [entry, ...list.value];
      queue = queue.then(() => send(entry, file, groupId, controller.signal));
    }
  }

  async function send(entry, file, groupId, signal) {
    if (signal.aborted) return (entry.state = "stopped");
    entry.state = "sending";
    const form = new FormData();
    form.append("file", file, file.name);
    const onUpload = ({ loaded, total }) => (entry.share = total ? loaded / total : 0);
    try {
      const taskId = await startImport(form, groupId, onUpload, signal);
      Object.assign(entry, { state: "reading", share: 0, stop: () => stopReading(entry, taskId) });
      entry.report = await followImport(taskId, (progress) => {
        Object.assign(entry, { progress, share: progress.total ? progress.done / progress.total : 0 });
      });
      entry.state = "done";
      await conversations.load();
    } catch (error) {
      entry.state = signal.aborted ? "stopped" : error.code === "import_cancelled" ? "cancelled" : "failed";
      entry.error = said(error);
      // What came before the end is there.
      if (entry.progress?.imported) await conversations.load();
    }
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
