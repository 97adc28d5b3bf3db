// What a person decided, kept by the server and, for the first paint, by the browser.
import { defineStore } from "pinia";
import { reactive, ref } from "vue";

import { getChatSettings, updateChatSettings } from "@/api/chat.js";
import { keepDrafts } from "@/lib/drafts.js";
import { browserLanguage, speak } from "@/lib/i18n.js";
import { recall, remember } from "@/lib/storage.js";

export const useSettings = defineStore("settings", () => {
  const look = recall("look", {});
  const values = reactive({
    theme: look.theme ?? "system",
    language: look.language ?? "auto",
    default_model_id: null,
    default_config: {},
    preferences: {},
    auto_save: true,
    timezone: "UTC",
  });
  const loaded = ref(false);
  // Changes reach the server one after the other: requests side by side may overtake each other.
  let latest = Promise.resolve();

  /** Put on what the browser remembers. */
  function start() {
    wearTheme();
    return speakLanguage();
  }

  /** What the server has is what counts. */
  async function load() {
    Object.assign(values, await getChatSettings());
    loaded.value = true;
    await start();
    keep();
  }

  /** Change now, tell the server; what it refuses is put back. @param {Record<string, any>} changes */
  async function change(changes) {
    const before = Object.fromEntries(Object.keys(changes).map((name) => [name, values[name]]));
    Object.assign(values, changes);
    await start();
    keep();
    const turn = (latest = latest.catch(() => {}).then(() => updateChatSettings(changes)));
    try {
      const kept = await turn;
      if (turn === latest) Object.assign(values, kept);
    } catch (error) {
      Object.assign(values, before);
      await start();
      keep();
      throw error;
    }
  }

  function keep() {
    remember("look", { theme: values.theme, language: values.language });
    keepDrafts(values.auto_save);
  }

  function wearTheme() {
    if (values.theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = values.theme;
  }

  const speakLanguage = () => speak(values.language === "auto" ? browserLanguage() : values.language);

  return { values, loaded, start, load, change };
});
