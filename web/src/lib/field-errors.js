import { said } from "./said.js";

/**
 * What is wrong with which field of a form: `{ model_url: "…" }`; what names no field is `other`.
 * @param {import("../api/http.js").ApiError} error
 * @returns {Record<string, string>}
 */
export function fieldErrors(error) {
  const named = (error.detail ?? []).filter(({ loc }) => loc[0] === "body" && typeof loc[1] === "string");
  return named.length ? Object.fromEntries(named.map(({ loc, msg }) => [loc[1], msg])) : { other: said(error) };
}
