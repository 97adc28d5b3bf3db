import assert from "node:assert/strict";
import { test } from "node:test";

import { createPacer } from "../../src/lib/pacing.js";
import { places, visible } from "../../src/lib/windowing.js";

/** A pacer whose frames are run by hand. */
function paced(hurried = false, cost = 0, known = 0) {
  const frames = [];
  const shown = [];
  const pauses = [];
  let clock = 0;
  const platform = {
    frame: (work) => frames.push(work),
    later: (work, ms) => (ms ? pauses.push(ms) : (clock += cost), frames.push(work)),
    now: () => clock,
    hurried: () => hurried,
    known,
  };
  const pacer = createPacer((text) => shown.push(text), platform);
  return { pacer, shown, frames, pauses, run: () => { while (frames.length) frames.shift()(); } };
}

test("a burst glides, in order, with nothing lost", () => {
  const { pacer, shown, frames, run } = paced();
  pacer.push("一二三四五六七八九十".repeat(30));
  pacer.push("完");
  assert.equal(frames.length, 1);
  run();
  assert.equal(shown.join(""), "一二三四五六七八九十".repeat(30) + "完");
  assert.ok(shown.length > 5);
});

test("what costs much is done less often, but never as good as not at all", () => {
  for (const [cost, pause] of [[1, 18], [20, 60], [1000, 250]]) {
    const { pacer, pauses, run } = paced(false, cost);
    pacer.push("x".repeat(100));
    run();
    assert.deepEqual([...new Set(pauses)], [pause]);
  }
});

test("what is known is not shown once more, in however many pieces it comes", () => {
  const { pacer, shown, run } = paced(true, 0, 5);
  for (const piece of ["一二三", "四五六", "七"]) pacer.push(piece);
  run();
  assert.equal(shown.join(""), "六七");
});

test("no frame shows half an emoji", () => {
  const { pacer, shown, run } = paced();
  pacer.push("a😀😀😀😀😀");
  run();
  assert.ok(shown.every((text) => text.isWellFormed()));
});

test("in a hurry all is shown at once; what is dropped is not shown", () => {
  const { pacer, shown, run } = paced(true);
  pacer.push("x".repeat(1000));
  run();
  assert.equal(shown.length, 1);
  pacer.push("y");
  pacer.drop();
  run();
  assert.equal(shown.length, 1);
});

test("of ten thousand rows those near the screen", () => {
  const tops = places(Array.from({ length: 10_000 }, () => ({ height: 34 })));
  assert.equal(tops[10_000], 340_000);
  const [first, last] = visible(tops, 170_000, 800);
  assert.ok(first <= 5000 && first > 4985);
  assert.ok(last - first < 60);
  assert.deepEqual(visible(tops, 0, 340), [0, 19]);
  assert.equal(visible(tops, 339_200, 800)[1], 10_000);
  assert.deepEqual(visible(places([]), 0, 800), [0, 0]);
});
