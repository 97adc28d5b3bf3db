// The server marks what it found: escaped text with `<mark>`. Here it becomes text again, in pieces.

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'" };
const unescape = (/** @type {string} */ text) => text.replace(/&(amp|lt|gt|quot|#x27|#39);/g, (_, name) => NAMED[name]);

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
