// Where things stand on the screen.
import { defineStore } from "pinia";
import { ref, shallowRef, watch } from "vue";

import { recall, remember } from "@/lib/storage.js";

export const useUi = defineStore("ui", () => {
  const narrow = window.matchMedia("(max-width: 760px)");
  const isNarrow = ref(narrow.matches);
  const sidebarOpen = ref(narrow.matches ? false : recall("sidebar", true));
  const sidebarWidth = ref(recall("sidebarWidth", 272));
  const paletteOpen = ref(false);
  const sheetOpen = ref(false);
  /** The conversation whose sharing is open: its uuid. */
  const sharing = ref("");
  /** The conversation whose settings are open: its uuid. */
  const tuning = ref("");
  /** The page is older than the server: { renew } takes the new one. */
  const outdated = shallowRef(null);
  /** The words that led to the message that is shown next. */
  const sought = ref("");
  narrow.addEventListener("change", () => {
    isNarrow.value = narrow.matches;
    sidebarOpen.value = !narrow.matches;
  });
  watch(sidebarOpen, (open) => isNarrow.value || remember("sidebar", open));
  watch(sidebarWidth, (width) => remember("sidebarWidth", width));
  return { isNarrow, sidebarOpen, sidebarWidth, paletteOpen, sheetOpen, sharing, tuning, outdated, sought };
});
