// The server marks what it found: escaped text with `<mark>`. Here it becomes text again, in pieces.

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'" };
const unescape = (/** @type {string} */ text) => text.replace(/&(amp|lt|gt|quot|#x27|#39);/g, (_, name) => NAMED[name]);

// The signs of Markdown that a passage shows as nothing: of headings, quotes, lists and tables where a line begins, then
// emphasis, code and fences, and the address of a link. What is marked is never one of them, and stays as it was found.
const SIGNS = /(?<=^|\n)[ \t]*(?:#{1,6}|>|[-*+])[ \t]+|\*{2,3}|(?<![\p{L}\p{N}])__|__(?![\p{L}\p{N}])|~~|`{1,3}|(?<=\n|^)\|?(?:[ :]*-{3,}[ :]*\|)+(?:[ :]*-{3,})?|\]\([^()\s]*\)|!?\[(?=[^\]]*(?:\]\(|$))/gu;

/** A passage as it reads. @param {{ text: string, marked: boolean }[]} parts */
export const readable = (parts) => parts.map(({ text, marked }) => ({ text: marked ? text : text.replace(SIGNS, ""), marked })).filter(({ text }) => text);

/** @param {string} html @returns {{ text: string, marked: boolean }[]} */
export function pieces(html) {
  let marked = false;
  const found = [];
  for (const part of html.split(/(<\/?mark>)/)) {
    if (part === "<mark>" || part === "</mark>") marked = part === "<mark>";
    else if (part) found.push({ text: unescape(part), marked });
  }
  return found;
}
