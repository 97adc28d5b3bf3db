// Texts are compared without regard to case and width, and a line that the source ends is a space to a reader. Each
// character stays as long as it was: places in the folded text are places in the text.

const OTHERS = /[\u0130\u00a0\u3000\uff01-\uff5e]/;

/** @param {string} text */
export function fold(text) {
  const lower = text.replaceAll("\n", " ").toLowerCase();
  if (lower.length === text.length && !OTHERS.test(text)) return lower;
  return Array.from(text.replaceAll("\n", " "), same).join("");
}

function same(/** @type {string} */ character) {
  const folded = character.normalize("NFKC").toLowerCase();
  return folded.length === character.length ? folded : character;
}
