// Markdown as blocks that are parsed once. While a text grows, only its last block is open; what stands before it
// is final: same token, same key, never rendered again.

import { Marked } from "marked";
import remend from "remend";

import { cjkTokenizer } from "./cjk.js";
import { mathExtensions } from "./math.js";

const marked = new Marked({ gfm: true, tokenizer: cjkTokenizer, extensions: mathExtensions });
/** A whole text at once. @param {string} text */
export const tokensOf = (text) => marked.lexer(text);
const REFERENCE = /^ {0,3}\[[^\]\n]+\]:/m;

/** @typedef {{ key: number, token: import("marked").Token, open: boolean }} Block `key`: where it starts */

/** The blocks of one text, whatever length it has this time. */
export class Blocks {
  /** @type {Block[]} */
  #final = [];
  #text = "";
  #stable = 0;

  /**
   * @param {string} source @param {boolean} open more may come
   * @returns {Block[]} a new array; blocks that did not change are the same objects
   */
  update(source, open) {
    const text = source.includes("\r") ? source.replace(/\r\n?/g, "\n") : source;
    const grown = text.length >= this.#stable && text.startsWith(this.#text.slice(0, this.#stable));
    // A definition at the end may give an earlier block its links.
    if (!grown || (!open && REFERENCE.test(text))) this.#restart();
    this.#text = text;
    const rest = text.slice(this.#stable);
    return open ? this.#grow(rest) : this.#finish(rest);
  }

  /** @param {string} rest */
  #grow(rest) {
    const tokens = marked.lexer(rest);
    const last = tokens.findLastIndex((token) => token.type !== "space");
    const start = this.#stable;
    this.#append(tokens.slice(0, Math.max(last, 0)));
    const tail = rest.slice(this.#stable - start);
    const repaired = repair(tail);
    // What nothing is missing from is parsed already.
    const open = repaired === tail ? tokens.slice(Math.max(last, 0)) : marked.lexer(repaired);
    const shown = open.filter((token) => token.type !== "space");
    return [...this.#final, ...shown.map((token, index) => ({ key: this.#stable + index, token, open: true }))];
  }

  /** @param {string} rest */
  #finish(rest) {
    this.#append(marked.lexer(rest));
    return [...this.#final];
  }

  /** @param {import("marked").Token[]} tokens */
  #append(tokens) {
    for (const token of tokens) {
      if (token.type !== "space" && token.type !== "def") this.#final.push({ key: this.#stable, token, open: false });
      this.#stable += token.raw.length;
    }
  }

  #restart() {
    this.#final = [];
    this.#stable = 0;
  }
}

/** Close what the open tail has not closed yet, so that half a `**bold` is bold already. @param {string} tail */
function repair(tail) {
  if (/^ {0,3}(```|~~~)/.test(tail)) return tail;
  return remend(tail, { linkMode: "text-only" });
}
