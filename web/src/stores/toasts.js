// Short messages at the bottom edge, some with a way back.
import { defineStore } from "pinia";
import { ref } from "vue";

import { said } from "@/lib/said.js";

const SHOWN_MS = 5000;
const WITH_ACTION_MS = 8000;

export const useToasts = defineStore("toasts", () => {
  const shown = ref([]);
  let last = 0;

  /** @param {string} text @param {{ kind?: "error", action?: string, run?: () => any }} [options] */
  function say(text, { kind, action, run } = {}) {
    const id = ++last;
    shown.value = [...shown.value.slice(-3), { id, text, kind, action, run }];
    setTimeout(() => dismiss(id), action || kind ? WITH_ACTION_MS : SHOWN_MS);
  }

  /** Say what went wrong, in the words of the server. @param {Error} error */
  const complain = (error) => say(said(error), { kind: "error" });

  const dismiss = (/** @type {number} */ id) => (shown.value = shown.value.filter((toast) => toast.id !== id));

  function act(toast) {
    dismiss(toast.id);
    return toast.run();
  }

  return { shown, say, complain, dismiss, act };
});
