// Formulas: $$…$$, \[…\], \(…\), and $…$ by pandoc's rule (no space inside the edges, no digit after), so that
// prices stay prices.

const BLOCK = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/;
const INLINE = /^(?:\$\$([^$]+?)\$\$|\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\]|\$(?![\s$])((?:\\[\s\S]|[^$\\\n])*?(?:\\[\s\S]|[^\s$\\]))\$(?!\d))/;
const START = /\$|\\\(|\\\[/;

/** @type {import("marked").TokenizerAndRendererExtension[]} */
export const mathExtensions = [
  {
    name: "mathBlock",
    level: "block",
    start: (src) => src.match(/(?:^|\n)[ \t]*(?:\$\$|\\\[)/)?.index,
    tokenizer(src) {
      const match = BLOCK.exec(src);
      if (match) return { type: "mathBlock", raw: match[0], text: (match[1] ?? match[2]).trim() };
    },
  },
  {
    name: "math",
    level: "inline",
    start: (src) => src.match(START)?.index,
    tokenizer(src) {
      const match = INLINE.exec(src);
      if (!match) return;
      const text = match[1] ?? match[2] ?? match[3] ?? match[4];
      return { type: "math", raw: match[0], text: text.trim(), display: match[1] !== undefined || match[3] !== undefined };
    },
  },
];
