// Emphasis and bare links where Chinese, Japanese and Korean have no spaces. CommonMark takes `**重点。**后面` for
// text, because a full stop stands before the closing stars; and a bare link would swallow the sentence after it.

import { Tokenizer } from "marked";

// Punctuation of East Asian text (U+3000 block, full-width forms, curly quotes, dashes, ellipsis) and symbols on words.
const PUNCTUATION = /[\u2014\u2018-\u201d\u2026\u3001-\u3003\u3008-\u3011\u3014-\u301f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/g;
const CJK = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u303f\u2018-\u201d]/;
const END_OF_LINK = /[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u2018-\u201d\u2026]/;

/** The same text to a delimiter scan, with CJK punctuation as letters. */
const asLetters = (/** @type {string} */ text) => text.replace(PUNCTUATION, "一");

/** Where stars touch CJK, other punctuation inside them (`)`, `` ` ``, `"`) must not keep them from closing. */
const neighbourly = (/** @type {string} */ text) =>
  asLetters(text).replace(/[)\]"'.!?:;%`](?=\*{1,3}([\u2e80-\u9fff\uac00-\ud7af]))/g, "一");

/** @type {Partial<Tokenizer>} */
export const cjkTokenizer = {
  emStrong(src, maskedSrc, prevChar) {
    const before = prevChar && CJK.test(prevChar) ? "一" : prevChar;
    return resliced(this, src, Tokenizer.prototype.emStrong.call(this, neighbourly(src), neighbourly(maskedSrc), before));
  },
  del(src, maskedSrc, prevChar) {
    return resliced(this, src, Tokenizer.prototype.del.call(this, asLetters(src), asLetters(maskedSrc), prevChar));
  },
  url(src) {
    const end = src.search(END_OF_LINK);
    return Tokenizer.prototype.url.call(this, end < 0 ? src : src.slice(0, end)) ?? false;
  },
};

/** The token of the scan, with the source's own characters again; false leaves it to marked. */
function resliced(tokenizer, src, token) {
  if (!token) return false;
  const raw = src.slice(0, token.raw.length);
  const edge = (token.raw.length - token.text.length) / 2;
  const text = raw.slice(edge, raw.length - edge);
  return { ...token, raw, text, tokens: tokenizer.lexer.inlineTokens(text) };
}
