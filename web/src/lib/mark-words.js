// Shows where words stand on the page, without touching its elements.

import { fold } from "./fold.js";

const SHOWN_MS = 8000;

/** @param {string} words as they were searched: quotes are phrases, "-" excludes */
const termsOf = (words) => [...words.matchAll(/(-?)"([^"]+)"|(\S+)/g)].filter(([, minus, , word]) => !minus && !word?.startsWith("-")).map(([, , phrase, word]) => phrase ?? word);

const BLOCKS = "p, li, pre, td, th, h2, h3, h4, h5, h6, blockquote, div";
// Not what was said: names and buttons of code and tables, and formulas, whose signs stand where they are drawn.
const OURS = "button, figcaption, .katex";

/** Where these stand in the element, in the order of the page. @param {Element} element @param {string[]} terms */
export function rangesOf(element, terms) {
  const folded = terms.map(fold);
  return linesOf(element).flatMap((nodes) => {
    const text = fold(nodes.map(({ data }) => data).join(""));
    const places = folded.flatMap((term) => placesOf(text, term)).sort(([one], [other]) => one - other);
    return places.map(([from, to]) => {
      const range = new Range();
      range.setStart(...pointAt(nodes, from, 1));
      range.setEnd(...pointAt(nodes, to, 0));
      return range;
    });
  });
}

/** Texts that are read in one go, though parts of them are bold or coloured: those of one block. @param {Element} element */
function linesOf(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, taken);
  /** @type {Text[][]} */
  const lines = [];
  let last;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const block = node instanceof Text ? node.parentElement.closest(BLOCKS) : null;
    if (block && block !== last) lines.push([]);
    if (block) lines.at(-1).push(/** @type {Text} */ (node));
    last = block;
  }
  return lines;
}

/** Texts and what breaks a line; nothing within what is ours. @param {Node} node */
function taken(node) {
  if (node instanceof Text || node.nodeName === "BR") return NodeFilter.FILTER_ACCEPT;
  return /** @type {Element} */ (node).matches(OURS) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
}

/** @param {string} text @param {string} term @returns {[number, number][]} */
function placesOf(text, term) {
  const places = [];
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) places.push([at, at + term.length]);
  return places;
}

/** The node and the place in it; between two of them, the second where `after` is 1. @param {Text[]} nodes @param {number} at @param {0 | 1} after */
function pointAt(nodes, at, after) {
  for (const node of nodes) {
    if (at + after <= node.length) return [node, at];
    at -= node.length;
  }
  return [nodes.at(-1), nodes.at(-1).length];
}

/** Colour these, instead of those before. @param {"found" | "found-now"} name @param {Range[]} ranges */
export function showRanges(name, ranges) {
  if (!("highlights" in CSS)) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

/** For a while. @param {Element} element @param {string} words */
export function markWords(element, words) {
  showRanges("found", rangesOf(element, termsOf(words)));
  setTimeout(() => showRanges("found", []), SHOWN_MS);
}
