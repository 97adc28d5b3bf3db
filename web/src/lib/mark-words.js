// Shows where words stand on the page, without touching its elements.

const SHOWN_MS = 8000;

/** @param {string} words as they were searched: quotes are phrases, "-" excludes */
const termsOf = (words) => [...words.matchAll(/(-?)"([^"]+)"|(\S+)/g)].filter(([, minus, , word]) => !minus && !word?.startsWith("-")).map(([, , phrase, word]) => (phrase ?? word).toLowerCase());

/** Where the words stand in the element, in the order of the page. @param {Element} element @param {string} words */
export function rangesOf(element, words) {
  const terms = termsOf(words);
  const ranges = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (const term of terms) {
      for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) {
        const range = new Range();
        range.setStart(node, Math.min(at, node.length));
        range.setEnd(node, Math.min(at + term.length, node.length));
        ranges.push(range);
      }
    }
  }
  return ranges;
}

/** Colour these, instead of those before. @param {"found" | "found-now"} name @param {Range[]} ranges */
export function showRanges(name, ranges) {
  if (!("highlights" in CSS)) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

/** For a while. @param {Element} element @param {string} words */
export function markWords(element, words) {
  showRanges("found", rangesOf(element, words));
  setTimeout(() => showRanges("found", []), SHOWN_MS);
}
