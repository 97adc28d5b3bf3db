// A table as comma-separated values (RFC 4180), in the words that are read: without stars, links and references.

import { decode } from "./references.js";

/** @param {any} token a table of marked */
export const csvOf = (token) => [token.header, ...token.rows].map((row) => row.map((cell) => quoted(plain(cell.tokens).trim())).join(",")).join("\r\n");

/** @param {any[]} tokens @returns {string} */
const plain = (tokens) => tokens.map(said).join("");

function said(token) {
  if (token.type === "br" || (token.type === "html" && /^<br\s*\/?>$/i.test(token.raw))) return "\n";
  if (token.tokens) return plain(token.tokens);
  return token.type === "text" || token.type === "image" ? decode(token.text) : (token.text ?? token.raw);
}

const quoted = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
