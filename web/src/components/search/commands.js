// What can be done from the palette beside going to what was said.
import { useRouter } from "vue-router";

import { t } from "@/lib/i18n.js";
import { sidebarLinks } from "@/pages/index.js";
import { useSettings } from "@/stores/settings.js";
import { useToasts } from "@/stores/toasts.js";
import { useUi } from "@/stores/ui.js";

export function useCommands() {
  const router = useRouter();
  const settings = useSettings();
  const toasts = useToasts();
  const ui = useUi();

  const wear = (theme) => () => settings.change({ theme }).catch(toasts.complain);
  const all = () => [
    { label: t("sidebar.new"), icon: "new", run: () => router.push("/") },
    ...sidebarLinks.map(({ name, icon, title }) => ({ label: t(title), icon, run: () => router.push({ name }) })),
    { label: t("search.light"), icon: "gear", run: wear("light") },
    { label: t("search.dark"), icon: "gear", run: wear("dark") },
    { label: t("shortcuts.title"), icon: "info", run: () => (ui.sheetOpen = true) },
  ];

  /** Those that the words name; without words, all. @param {string} words */
  return (words) => {
    const wanted = words.trim().toLowerCase();
    return all().filter(({ label }) => label.toLowerCase().includes(wanted)).map((each) => ({ ...each, key: `command ${each.label}` }));
  };
}
