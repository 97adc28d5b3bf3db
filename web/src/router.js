import { createRouter, createWebHistory } from "vue-router";

import { later } from "./lib/later.js";
import NewChatPage from "./pages/NewChatPage.vue";
import { pages } from "./pages/index.js";

// What shows messages is not in the first load, but here before the first one is sent.
const loadChat = () => import("./pages/ChatPage.vue");
later(loadChat);

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", name: "new", component: NewChatPage },
    { path: "/c/:chatId", name: "chat", component: loadChat },
    ...pages,
    { path: "/:rest(.*)*", name: "missing", component: () => import("./pages/NotFoundPage.vue") },
  ],
});

// After an upgrade the old page names files that are gone: take the new page, once.
router.onError((error, to) => {
  if (!/dynamically imported module|Importing a module script|preload CSS/.test(error.message)) return;
  if (sessionStorage.getItem("duihua.reloaded") === to.fullPath) return;
  sessionStorage.setItem("duihua.reloaded", to.fullPath);
  window.location.assign(to.fullPath);
});
