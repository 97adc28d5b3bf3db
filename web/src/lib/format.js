import { locale, t } from "./i18n.js";

/** How long something took: to a tenth while that can be felt. @param {number} ms */
export function duration(ms) {
  const seconds = ms < 9950 ? Math.max(Math.round(ms / 100) / 10, 0.1) : Math.round(ms / 1000);
  if (seconds < 60) return t("message.seconds", { n: seconds });
  return t("message.minutes", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
}

/** @param {number} count */
export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(Math.floor(Math.log2(Math.max(count ?? 0, 1)) / 10), units.length - 1);
  const options = { style: "unit", unit: units[power], unitDisplay: power ? "short" : "long", maximumFractionDigits: power > 1 ? 1 : 0 };
  return new Intl.NumberFormat(locale(), options).format((count ?? 0) / 1024 ** power);
}
