import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/prose.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import { configure } from "./api/http.js";
import App from "./App.vue";
import { language } from "./lib/i18n.js";
import { stayAboveKeyboard } from "./lib/keyboard.js";
import { isMounted, later } from "./lib/later.js";
import { keepShell } from "./lib/shell.js";
import { router } from "./router.js";
import { useConversations } from "./stores/conversations.js";
import { useModels } from "./stores/models.js";
import { useSettings } from "./stores/settings.js";
import { useUi } from "./stores/ui.js";

const app = createApp(App).use(createPinia());
const settings = useSettings();
// A part of the page that is not there any more: the server has a newer client. Without a network nothing is there.
window.addEventListener("vite:preloadError", () => navigator.onLine && (useUi().outdated ??= { renew: () => location.reload() }));
configure({ language });
stayAboveKeyboard();

// The words first: without them there is nothing to paint. What comes from the server fills the page as it comes.
await settings.start();
app.use(router).mount("#app");
isMounted();
later(() => keepShell((renew) => (useUi().outdated = { renew })).catch((error) => console.warn("no start without a network:", error.message)));
useConversations().load();
useModels().load();
settings.load().catch((error) => console.warn("settings are this browser's:", error.message));
