import { ref } from "vue";

import { copyText } from "@/lib/clipboard.js";

const SHOWN_MS = 2000;

/** Copying, and the tick that says so for a moment: `copied` is then `what` was copied, else false. */
export function useCopied() {
  const copied = ref(false);
  async function copy(text, what = true) {
    await copyText(text);
    copied.value = what;
    setTimeout(() => (copied.value = false), SHOWN_MS);
  }
  return { copied, copy };
}
