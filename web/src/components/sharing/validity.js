import { t } from "@/lib/i18n.js";
import { moment } from "@/lib/time.js";

/** When a page was taken, and until when it is read. @param {import("@/api/chat.js").Share} share */
export function validity({ created_at, expires_at }) {
  const taken = t("sharing.taken", { time: moment(created_at) });
  if (!expires_at) return `${taken} · ${t("sharing.always")}`;
  return `${taken} · ${t(Date.parse(expires_at) > Date.now() ? "sharing.until" : "sharing.expired", { time: moment(expires_at) })}`;
}
