// Conversations that are put away, those chosen of them, and what happens to both when they move.
import { ref, watch } from "vue";

import { usePages } from "@/composables/usePages.js";
import { useToasts } from "@/stores/toasts.js";
import { useLive } from "@/stores/live.js";

/** @param {(cursor: { cursor?: string }) => Promise<any>} ask for a page */
export function useShelf(ask) {
  const live = useLive();
  const toasts = useToasts();
  const list = usePages(ask);
  const chosen = ref(/** @type {string[]} */ ([]));

  watch(() => live.moved, () => list.refresh().catch(toasts.complain));
  watch(list.data, (data) => {
    const there = new Set(data?.items.map(({ uuid }) => uuid));
    if (chosen.value.some((id) => !there.has(id))) chosen.value = chosen.value.filter((id) => there.has(id));
  });
  return { list, chosen };
}
