// Files that go with the next message: uploaded at once, sent by id.
import { computed, shallowReactive, shallowRef } from "vue";

import { uploadFile } from "@/api/chat.js";

let keys = 0;

/** @param {any[]} kept files of a draft: they are on the server already */
export function useAttachments(kept) {
  const list = shallowRef(kept.map(entryOf));
  const stored = computed(() => list.value.filter((each) => each.file).map((each) => each.file));
  const busy = computed(() => list.value.some((each) => !each.file && !each.error));

  const add = (/** @type {File[]} */ files) => Promise.all(files.map(upload));

  async function upload(source) {
    const controller = new AbortController();
    const preview = source.type.startsWith("image/") ? URL.createObjectURL(source) : "";
    const entry = shallowReactive({ key: ++keys, name: source.name || "image.png", preview, file: null, progress: 0, error: "", stop: () => controller.abort() });
    list.value = [...list.value, entry];
    const form = new FormData();
    form.append("file", source, entry.name);
    try {
      const file = await uploadFile(form, ({ loaded, total }) => (entry.progress = total ? loaded / total : 0), controller.signal);
      Object.assign(entry, { file, progress: 1 });
      // `busy` and `stored` look at the list: tell them that an entry of it changed.
      list.value = [...list.value];
    } catch (error) {
      if (controller.signal.aborted) return;
      entry.error = error.message;
      list.value = [...list.value];
    }
  }

  /** Files that are on the server already. */
  const keep = (/** @type {any[]} */ files) => (list.value = [...list.value, ...files.map(entryOf)]);

  function remove(entry) {
    entry.stop?.();
    if (entry.preview) URL.revokeObjectURL(entry.preview);
    list.value = list.value.filter((each) => each !== entry);
  }

  return { list, stored, busy, add, keep, remove, clear: () => (list.value = []) };
}

const entryOf = (/** @type {any} */ file) => shallowReactive({ key: ++keys, name: file.name, file, progress: 1, error: "" });
