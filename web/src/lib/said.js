import { t } from "./i18n.js";

/**
 * What went wrong, in words for a person: the server's, or where it was not reached, ours.
 * @param {Error & { status?: number, code?: string }} error
 */
export const said = (error) => (error.code === "network" ? t("common.unreachable") : error.message);
