import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";

import { getAvailableModels } from "@/api/chat.js";

/**
 * By all names under which a conversation may know them: their ids; `connection/model`, also where no other has that
 * model any more; and what the provider calls them, which is the first's that has it.
 * @param {import("@/api/types.js").Model[]} models @returns {Map<string, import("@/api/types.js").Model>}
 */
export const named = (models) =>
  new Map([
    ...[...models].reverse().map((model) => [model.model_id, model]),
    ...models.map((model) => [`${model.api_key_id ?? model.provider}/${model.model_id}`, model]),
    ...models.map((model) => [model.id, model]),
  ]);

/** @param {import("@/api/types.js").Model[]} models */
export const byProvider = (models) =>
  [...new Set(models.map(({ provider }) => provider))].map((name) => ({ name, list: models.filter(({ provider }) => provider === name) }));

export const useModels = defineStore("models", () => {
  /** Also those of connections that are switched off. */
  const every = shallowRef([]);
  const error = shallowRef(null);
  const list = computed(() => every.value.filter((model) => model.status === "active"));
  const byId = computed(() => named(list.value));
  const everyById = computed(() => named(every.value));

  async function load() {
    try {
      every.value = await getAvailableModels({ activeOnly: false });
      error.value = null;
    } catch (failure) {
      error.value = failure;
    }
  }

  /** Nothing but the offline model answers: a person should connect one. */
  const onlyOffline = computed(() => list.value.length > 0 && list.value.every((model) => model.provider === "offline"));
  /** @param {string | null} id */
  const nameOf = (id) => byId.value.get(id)?.name ?? id ?? "";

  return { every, list, byId, everyById, error, load, onlyOffline, nameOf };
});
