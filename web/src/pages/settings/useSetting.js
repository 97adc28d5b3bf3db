// One setting as a ref: it changes at once, and goes back where the server refuses.
import { computed } from "vue";

import { useSettings } from "@/stores/settings.js";
import { useToasts } from "@/stores/toasts.js";

/** @param {string} name */
export function useSetting(name) {
  const settings = useSettings();
  const toasts = useToasts();
  return computed({
    get: () => settings.values[name],
    set: (value) => settings.change({ [name]: value }).catch(toasts.complain),
  });
}

/** One of the preferences, which the server keeps as a whole. @param {string} name @param {any} usual */
export function usePreference(name, usual) {
  const all = useSetting("preferences");
  return computed({
    get: () => all.value?.[name] ?? usual,
    set: (value) => (all.value = { ...all.value, [name]: value }),
  });
}
