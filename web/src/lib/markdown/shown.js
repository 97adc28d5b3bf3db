// What a text in Markdown shows, as lines of text: what a reader finds in it. As `render.js` renders, without a page.

import { tokensOf } from "./blocks.js";
import { ownImage } from "./links.js";
import { decode } from "./references.js";

/** Where a line ends that is no block's end. No text of a message has it. */
const BREAK = "\0";
const isBreak = (/** @type {string} */ html) => /^<br\s*\/?>$/i.test(html);

/** @param {string} source @returns {string[]} */
export const linesOf = (source) => ofBlocks(tokensOf(source)).flatMap((line) => line.split(BREAK)).filter((line) => line.trim());

/** @type {Record<string, (token: any) => string[]>} */
const BLOCKS = {
  space: () => [],
  def: () => [],
  hr: () => [],
  checkbox: () => [],
  heading: (token) => [inline(token.tokens)],
  paragraph: (token) => [inline(token.tokens)],
  text: (token) => [token.tokens ? inline(token.tokens) : decode(token.text)],
  code: (token) => [token.text],
  html: (token) => [token.raw.trimEnd()],
  mathBlock: (token) => [token.text],
  blockquote: (token) => ofBlocks(token.tokens),
  list: (token) => token.items.flatMap((item) => ofBlocks(item.tokens)),
  table: (token) => [token.header, ...token.rows].flat().map((cell) => inline(cell.tokens)),
};

/** @type {Record<string, (token: any) => string>} */
const INLINE = {
  text: (token) => (token.tokens ? inline(token.tokens) : decode(token.text)),
  escape: (token) => token.text,
  codespan: (token) => token.text,
  math: (token) => token.text,
  br: () => BREAK,
  html: (token) => (isBreak(token.raw) ? BREAK : token.raw),
  image: (token) => (ownImage(token.href) ? "" : decode(token.text) || token.href),
};

const ofBlocks = (/** @type {any[]} */ tokens) => tokens.flatMap((token) => BLOCKS[token.type]?.(token) ?? [token.raw]);
const inline = (/** @type {any[]} */ tokens = []) => tokens.map((token) => INLINE[token.type]?.(token) ?? (token.tokens ? inline(token.tokens) : token.raw)).join("");
