// What keys do, wherever one is. None of them is a character alone but "?", and that only where nothing is typed.
import { onBeforeUnmount, onMounted } from "vue";
import { useRoute, useRouter } from "vue-router";

import { copyText } from "@/lib/clipboard.js";
import { t } from "@/lib/i18n.js";
import { useThreads } from "@/stores/threads.js";
import { useToasts } from "@/stores/toasts.js";
import { useUi } from "@/stores/ui.js";

const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);

/** As they are shown: `mod` is ⌘ on a Mac, else Ctrl. @param {string} keys */
export const shownKeys = (keys) => keys.split("+").map((key) => ({ mod: isMac ? "⌘" : "Ctrl", shift: isMac ? "⇧" : "Shift" })[key] ?? key);

/** Every shortcut; those without `run` belong to the place where they work. */
export const shortcuts = [
  { keys: "mod+shift+O", says: "shortcuts.new" },
  { keys: "mod+K", says: "shortcuts.search" },
  { keys: "mod+F", says: "shortcuts.find" },
  { keys: "mod+shift+M", says: "shortcuts.models" },
  { keys: "mod+shift+S", says: "shortcuts.sidebar" },
  { keys: "shift+Esc", says: "shortcuts.composer" },
  { keys: "mod+shift+;", says: "shortcuts.copyAnswer" },
  { keys: "mod+shift+K", says: "shortcuts.copyCode" },
  { keys: "mod+,", says: "shortcuts.settings" },
  { keys: "Esc", says: "shortcuts.stop" },
  { keys: "↑", says: "shortcuts.editLast" },
  { keys: "/", says: "shortcuts.prompts" },
  { keys: "End", says: "shortcuts.latest" },
  { keys: "F2", says: "shortcuts.rename" },
  { keys: "?", says: "shortcuts.sheet" },
];

export function useShortcuts() {
  const ui = useUi();
  const route = useRoute();
  const router = useRouter();
  const threads = useThreads();
  const toasts = useToasts();

  const run = {
    "mod+shift+o": () => router.push({ name: "new" }),
    "mod+k": () => (ui.paletteOpen = !ui.paletteOpen),
    "mod+shift+s": () => (ui.sidebarOpen = !ui.sidebarOpen),
    "mod+shift+m": () => document.querySelector(".composer .pick")?.click(),
    "mod+,": () => router.push("/settings"),
    "mod+/": () => (ui.sheetOpen = !ui.sheetOpen),
    "shift+escape": () => document.querySelector(".composer textarea")?.focus(),
    "mod+shift+;": copyAnswer,
    "mod+shift+:": copyAnswer,
    "mod+shift+k": copyCode,
    "shift+?": () => (ui.sheetOpen = true),
    "?": () => (ui.sheetOpen = true),
  };

  function copyAnswer() {
    const answer = threads.of(String(route.params.chatId)).messages.findLast(({ role }) => role === "assistant");
    if (answer) copyText(answer.content).then(() => toasts.say(t("message.copied")));
  }

  function copyCode() {
    const code = [...document.querySelectorAll(".message .code-block pre")].at(-1);
    if (code) copyText(code.textContent).then(() => toasts.say(t("message.copied")));
  }

  function onKey(event) {
    if (event.isComposing) return;
    const hasMod = event.ctrlKey || event.metaKey;
    const keys = `${hasMod ? "mod+" : ""}${event.shiftKey ? "shift+" : ""}${event.key.toLowerCase()}`;
    if (!run[keys] || (!hasMod && event.key === "?" && event.target.closest("input, textarea, select, dialog"))) return;
    event.preventDefault();
    run[keys]();
  }

  onMounted(() => window.addEventListener("keydown", onKey));
  onBeforeUnmount(() => window.removeEventListener("keydown", onKey));
}
