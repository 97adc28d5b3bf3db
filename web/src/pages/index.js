// Every page: its path, its name, its component (loaded when it is opened), and how the sidebar shows it, if it does.
// A new page is a line here and a folder beside this file.
import { speakPages } from "@/lib/i18n.js";

/** A page comes with its sentences. @param {() => Promise<any>} load */
const page = (load) => async () => (await Promise.all([load(), speakPages()]))[0];

/** @type {import("vue-router").RouteRecordRaw[]} */
export const pages = [
  {
    path: "/settings",
    component: page(() => import("./settings/SettingsPage.vue")),
    children: [
      { path: "", name: "settings", component: () => import("./settings/AppearanceSection.vue") },
      { path: "models", name: "settings-models", component: () => import("./settings/ModelSection.vue") },
      { path: "connections", name: "connections", component: () => import("./connections/ConnectionsSection.vue") },
      { path: "data", name: "settings-data", component: () => import("./settings/DataSection.vue") },
    ],
  },
  { path: "/prompts", name: "prompts", component: page(() => import("./prompts/PromptsPage.vue")) },
  { path: "/prompts/:id(new|\\d+)", name: "prompt", props: true, component: page(() => import("./prompts/PromptPage.vue")) },
  { path: "/statistics", name: "statistics", component: page(() => import("./statistics/StatisticsPage.vue")) },
  { path: "/archived", name: "archived", component: page(() => import("./shelf/ArchivedPage.vue")) },
  { path: "/shared", name: "shared", component: page(() => import("./sharing/SharedPage.vue")) },
  { path: "/trash", name: "trash", component: page(() => import("./shelf/TrashPage.vue")) },
];

/** Shown at the lower end of the sidebar: the name of a page, its icon and its title. */
export const sidebarLinks = [
  { name: "prompts", icon: "prompt", title: "sidebar.prompts" },
  { name: "statistics", icon: "chart", title: "sidebar.statistics" },
  { name: "archived", icon: "archive", title: "sidebar.archived" },
  { name: "trash", icon: "trash", title: "sidebar.trash" },
  { name: "settings", icon: "gear", title: "sidebar.settings" },
];
