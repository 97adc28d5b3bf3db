import assert from "node:assert/strict";
import { test } from "node:test";

import { estimateTokens } from "../../src/lib/tokens.js";

test("tokens are estimated as the server estimates them", () => {
  for (const [text, tokens] of [["", 0], ["你好，world", 4], ["a".repeat(4001), 1001], ["한국어", 3], ["京都 trip", 4]]) assert.equal(estimateTokens(text), tokens, text);
});
