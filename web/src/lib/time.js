// Dates as people say them.

import { locale, t } from "./i18n.js";

const DAY = 86_400_000;
const midnight = (/** @type {Date} */ date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** The heading under which a day belongs in the sidebar. @param {string} iso @param {Date} [now] */
export function period(iso, now = new Date()) {
  const date = new Date(iso);
  const days = Math.round((midnight(now) - midnight(date)) / DAY);
  if (days <= 0) return t("sidebar.today");
  if (days === 1) return t("sidebar.yesterday");
  if (days < 7) return t("sidebar.week");
  if (date.getFullYear() === now.getFullYear()) return format(date, { month: "long" });
  return format(date, { year: "numeric", month: "long" });
}

/** The day that was so many days ago, as `YYYY-MM-DD`. @param {number} ago @param {Date} [now] */
export function dayOf(ago, now = new Date()) {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() - ago, 12);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** @param {string} iso */
export const moment = (iso) => format(new Date(iso), { dateStyle: "medium", timeStyle: "short" });

/** Short, for lists: a time today, else a date. @param {string} iso @param {Date} [now] */
export function shortly(iso, now = new Date()) {
  const date = new Date(iso);
  if (midnight(date) === midnight(now)) return format(date, { hour: "2-digit", minute: "2-digit" });
  const sameYear = date.getFullYear() === now.getFullYear();
  return format(date, sameYear ? { month: "short", day: "numeric" } : { year: "numeric", month: "short", day: "numeric" });
}

/** @param {Date} date @param {Intl.DateTimeFormatOptions} options */
const format = (date, options) => new Intl.DateTimeFormat(locale(), options).format(date);
