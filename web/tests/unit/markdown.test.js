import assert from "node:assert/strict";
import { test } from "node:test";

import { Blocks } from "../../src/lib/markdown/blocks.js";
import { csvOf } from "../../src/lib/markdown/csv.js";
import { ownImage, safeLink } from "../../src/lib/markdown/links.js";

/** Tokens as short text: `strong(…)`, `math(…)`. */
const shape = (tokens = []) => tokens.map((t) => (t.tokens?.length ? (t.type === "text" ? shape(t.tokens) : `${t.type}(${shape(t.tokens)})`) : t.type === "text" || t.type === "escape" ? t.text : `${t.type}(${t.text})`)).join("");
const inline = (text) => shape(new Blocks().update(text, false)[0].token.tokens);

const CJK = [
  ["**重点。**后面", "strong(重点。)后面"],
  ["前面**“引用”**后面", "前面strong(“引用”)后面"],
  ["他说**你好！**然后", "他说strong(你好！)然后"],
  ["**（括号）**后", "strong((括号))后".replace("((", "(（").replace("))", "）)")],
  ["这是**粗体**文字", "这是strong(粗体)文字"],
  ["*斜体，*接着", "em(斜体，)接着"],
  ["~~删除。~~接着", "del(删除。)接着"],
  ["**数字 100%**的", "strong(数字 100%)的"],
  ["**Bold.** next", "strong(Bold.) next"],
  ["a * b * c", "a * b * c"],
  ["**日本語。**です", "strong(日本語。)です"],
  ["**한국어!**는", "strong(한국어!)는"],
  ["https://example.com/a。后面", "link(https://example.com/a)。后面"],
  ["见 https://example.com/a，然后", "见 link(https://example.com/a)，然后"],
];
for (const [text, wanted] of CJK) test(`emphasis and links beside CJK: ${text}`, () => assert.equal(inline(text), wanted));

const MATH = [
  ["costs $5 and $10", "costs $5 and $10"],
  ["$E=mc^2$ 是", "math(E=mc^2) 是"],
  ["\\(x\\) 与 $$y$$", "math(x) 与 math(y)"],
  ["a $ b $ c", "a $ b $ c"],
];
for (const [text, wanted] of MATH) test(`formulas and prices: ${text}`, () => assert.equal(inline(text), wanted));

const LONG = "# 标题\n\n段落 **重点。** 一\n\n- a\n- b\n\n  c\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n> 引用\n\n$$\nE=mc^2\n$$\n\n结束 [链接][1]\n\n[1]: https://example.com\n";

test("character by character gives what the whole text gives", () => {
  const growing = new Blocks();
  for (let end = 1; end < LONG.length; end++) growing.update(LONG.slice(0, end), true);
  const strip = (blocks) => blocks.map(({ key, token }) => [key, token.type, token.raw]);
  assert.deepEqual(strip(growing.update(LONG, false)), strip(new Blocks().update(LONG, false)));
});

test("a finished block is the same object while others grow", () => {
  const blocks = new Blocks();
  const [first] = blocks.update("one\n\ntwo", true);
  assert.equal(blocks.update("one\n\ntwo three", true)[0], first);
});

test("a text that was replaced is parsed anew", () => {
  const blocks = new Blocks();
  blocks.update("one\n\ntwo", true);
  assert.equal(blocks.update("uno\n\ndos", true)[0].token.raw.trim(), "uno");
});

test("half of a bold is bold already", () => {
  const [block] = new Blocks().update("a **bo", true);
  assert.equal(shape(block.token.tokens), "a strong(bo)");
});

test("only harmless addresses are links and images", () => {
  for (const bad of ["javascript:alert(1)", " javascript:x", "JAVASCRIPT:x", "java\nscript:x", "data:text/html,x", "vbscript:x", "file:///etc", "//host/x", "/\\host", "blob:x"]) assert.equal(safeLink(bad), null, bad);
  for (const good of ["https://a.b/c", "mailto:a@b.c", "tel:1", "/c/1", "#top"]) assert.equal(safeLink(good), good);
  for (const bad of ["https://a/b.png", "//a/b.png", "data:image/svg+xml;base64,AA", "data:text/html,x"]) assert.equal(ownImage(bad), false, bad);
  assert.equal(ownImage("/chat/files/1/content"), true);
});

test("a table becomes comma-separated values in the words that are read", () => {
  const source = '| 名称 | **数** |\n|---|--:|\n| [京都](https://a.test) &amp; `x` | 1,5 |\n| a "b"<br>c | $E=mc^2$ |\n| ![图](/x) | |';
  const [{ token }] = new Blocks().update(source, false);
  assert.equal(csvOf(token), '名称,数\r\n京都 & x,"1,5"\r\n"a ""b""\nc",E=mc^2\r\n图,');
});
