import assert from "node:assert/strict";
import { test } from "node:test";

import { fold } from "../../src/lib/fold.js";
import { linesOf } from "../../src/lib/markdown/shown.js";

const SHOWN = [
  ["说**重**点与`代码`，[链接](https://example.com/secret)", ["说重点与代码，链接"]],
  ["# 标题\n\n第一行\n第二行<br>第三行", ["标题", "第一行\n第二行", "第三行"]],
  ["- 一 *二*\n  - 三\n- [x] 四", ["一 二", "三", "四"]],
  ["```python\nx = 1\n```\n\n> 引 ~~用~~", ["x = 1", "引 用"]],
  ["| a | **b** |\n|---|---|\n| 1 | 2 |", ["a", "b", "1", "2"]],
  ["a &amp; b \\* c", ["a & b * c"]],
  ["<b>原样</b>", ["<b>原样</b>"]],
  ["![图](https://example.com/a.png) ![我](/chat/files/1/content)", ["图 "]],
  ["$E=mc^2$ 与\n\n$$\na+b\n$$", ["E=mc^2 与", "a+b"]],
  ["[文][1]\n\n[1]: https://example.com", ["文"]],
];
for (const [source, lines] of SHOWN) test(`what is shown of ${JSON.stringify(source)}`, () => assert.deepEqual(linesOf(source), lines));

test("texts are compared without case and width, and each place stays where it was", () => {
  for (const [text, folded] of [["ABC", "abc"], ["ＡＢＣ１", "abc1"], ["İstanbul ＯＫ", "İstanbul ok"], ["a\nb\u00a0c", "a b c"], ["😀Ａ", "😀a"]]) {
    assert.equal(fold(text), folded);
    assert.equal(fold(text).length, text.length);
  }
});
