import assert from "node:assert/strict";
import { test } from "node:test";

import { every, hourGrid, level, ticks, weeks } from "../../src/lib/chart.js";

test("ticks are round, whole, few, and reach above the highest", () => {
  assert.deepEqual(ticks(0), [0, 1]);
  assert.deepEqual(ticks(3), [0, 1, 2, 3]);
  assert.deepEqual(ticks(7), [0, 2, 4, 6, 8]);
  for (const max of [1, 9, 10, 11, 99, 101, 12_345, 7e6]) {
    const all = ticks(max);
    assert.ok(all.length <= 6 && all.at(-1) >= max && all.every(Number.isInteger), String(all));
  }
});

test("labels thin out where there is no room", () => {
  assert.equal(every(7, 700), 1);
  assert.equal(every(30, 300), 6);
});

test("a quiet day is still seen beside a loud one", () => {
  assert.deepEqual([0, 1, 100, 1000].map((value) => level(value, 1000)), [0, 1, 2, 4]);
});

test("days stand under their weekday", () => {
  // 2026-01-31 is a Saturday.
  const days = ["2026-01-31", "2026-02-01", "2026-02-02"].map((date) => ({ date }));
  assert.deepEqual(weeks(days).map(({ column, row }) => [column, row]), [[0, 5], [0, 6], [1, 0]]);
  assert.deepEqual(weeks(days, 7).map(({ column, row }) => [column, row]), [[0, 6], [1, 0], [1, 1]]);
});

test("hours stand under their weekday; the hour that a clock gives twice counts once", () => {
  const cells = hourGrid([
    { date: "2026-10-25T02:00+02:00", value: 1 },
    { date: "2026-10-25T02:00+01:00", value: 2 },
    { date: "2026-10-26T23:00+01:00", value: 5 },
  ]);
  assert.equal(cells.length, 168);
  assert.deepEqual(cells.filter(({ value }) => value), [
    { row: 0, hour: 23, value: 5 },
    { row: 6, hour: 2, value: 3 },
  ]);
});
