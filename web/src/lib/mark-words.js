// Shows where the words of a search stand in a message, without touching its elements.

const SHOWN_MS = 8000;

/** @param {Element} element @param {string} words as they were searched: quotes are phrases, "-" excludes */
export function markWords(element, words) {
  if (!("highlights" in CSS)) return;
  const terms = [...words.matchAll(/(-?)"([^"]+)"|(\S+)/g)].filter(([, minus, , word]) => !minus && !word?.startsWith("-")).map(([, , phrase, word]) => (phrase ?? word).toLowerCase());
  const ranges = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (const term of terms) {
      for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(at + term.length, node.length));
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
  setTimeout(() => CSS.highlights.delete("found"), SHOWN_MS);
}
