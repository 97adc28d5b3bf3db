import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";

import { getAvailableModels } from "@/api/chat.js";

export const useModels = defineStore("models", () => {
  const list = shallowRef([]);
  const error = shallowRef(null);
  const byId = computed(() => new Map(list.value.flatMap((model) => [[model.model_id, model], [model.id, model]])));

  async function load() {
    try {
      list.value = await getAvailableModels({ activeOnly: true });
      error.value = null;
    } catch (failure) {
      error.value = failure;
    }
  }

  /** Nothing but the offline model answers: a person should connect one. */
  const onlyOffline = computed(() => list.value.length > 0 && list.value.every((model) => model.provider === "offline"));
  /** @param {string | null} id */
  const nameOf = (id) => byId.value.get(id)?.name ?? id ?? "";

  return { list, byId, error, load, onlyOffline, nameOf };
});
