import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces, readable } from "../../src/lib/marks.js";

test("what is marked is told apart, and what is escaped is text once more, once", () => {
  assert.deepEqual(pieces("去<mark>京都</mark>&amp;lt; &#x27;&lt;mark&gt;"), [
    { text: "去", marked: false },
    { text: "京都", marked: true },
    { text: "&lt; '<mark>", marked: false },
  ]);
  assert.deepEqual(pieces(""), []);
});

const shown = (html) => readable(pieces(html)).map(({ text, marked }) => (marked ? `<${text}>` : text)).join("");

test("a passage shows the words of Markdown and not its signs", () => {
  for (const [html, wanted] of [
    ["## 第 1 节\n**重点。**后面 `code`", "第 1 节\n重点。后面 code"],
    ["**<mark>重点</mark>**和~~旧的~~", "<重点>和旧的"],
    ["- 甲\n&gt; 乙", "甲\n乙"],
    ["[链接](https://example.com/a) 与 ![图](b.png)", "链接 与 图"],
    ["[<mark>链接</mark>](https://example.com)", "<链接>"],
    ["```python\nprint(1)\n```", "python\nprint(1)\n"],
    ["|甲|乙|\n|---|---|\n|1|2|", "|甲|乙|\n\n|1|2|"],
  ]) assert.equal(shown(html), wanted);
});

test("what only looks like a sign stays, and so does what was found", () => {
  for (const html of ["2 * 3 * 4", "snake_case_name", "a[0] = b(1)", "5 &gt; 3", "C# 与 F#", "x - y", "<mark>**</mark>"]) assert.equal(shown(html), html.replace("&gt;", ">").replace(/<mark>(.*)<\/mark>/, "<$1>"));
});
