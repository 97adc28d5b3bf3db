// The sidebar as one list of rows with known heights: pinned, groups with what they hold, then the rest by time.

import { t } from "./i18n.js";
import { period } from "./time.js";

/** Fingers want more than a pointer does. */
const isTouch = globalThis.matchMedia?.("(pointer: coarse)").matches;
export const HEIGHT = isTouch ? { chat: 44, head: 44, group: 44, note: 32 } : { chat: 34, head: 36, group: 34, note: 32 };

/**
 * @param {{ pinned: string[], groups: any[], opened: Set<number>, recent: string[], idsOf: (groupId: number) => string[],
 *   listOf: (name: any) => any, known: Map<string, any>, recentName: number | undefined }} from
 */
export function sidebarRows({ pinned, groups, opened, recent, idsOf, listOf, known, recentName }) {
  const rows = [];
  const head = (label, extra = {}) => rows.push({ type: "head", key: `head ${label}`, label, height: HEIGHT.head, ...extra });
  const chat = (id, indent = false) => known.has(id) && rows.push({ type: "chat", key: `${indent} ${id}`, id, indent, height: HEIGHT.chat });
  const rest = (name, list) => {
    const missing = list ? list.total - list.ids.length : 0;
    if (missing > 0 && list.cursor) rows.push({ type: "rest", key: `rest ${name}`, name, height: missing * HEIGHT.chat });
  };

  if (pinned.length) head(t("sidebar.pinned"));
  pinned.forEach((id) => chat(id));
  head(t("sidebar.groups"), { adds: true });
  for (const group of groups) {
    rows.push({ type: "group", key: `group ${group.id}`, group, open: opened.has(group.id), height: HEIGHT.group });
    if (!opened.has(group.id)) continue;
    const ids = idsOf(group.id);
    ids.forEach((id) => chat(id, true));
    if (!ids.length) rows.push({ type: "note", key: `note ${group.id}`, label: t("sidebar.emptyGroup"), height: HEIGHT.note });
    rest(group.id, listOf(group.id));
  }
  let label = "";
  for (const id of recent) {
    const now = known.has(id) ? period(known.get(id).updated_at) : label;
    if (now !== label) head((label = now));
    chat(id);
  }
  rest(recentName, listOf(recentName));
  return rows;
}
