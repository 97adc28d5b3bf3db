import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";

const folder = new URL("../../src/", import.meta.url);
const read = (language) => {
  const names = readdirSync(new URL(`locales/${language}/`, folder), { recursive: true }).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(names.map((name) => [basename(name, ".json"), JSON.parse(readFileSync(new URL(`locales/${language}/${name}`, folder), "utf8"))]));
};
const zh = read("zh");
const en = read("en");
const keys = (areas) => Object.entries(areas).flatMap(([area, sentences]) => Object.keys(sentences).map((key) => `${area}.${key}`)).sort();
const holes = (sentence) => [...new Set(sentence.match(/\{\w+\}/g) ?? [])].sort();

const sources = readdirSync(folder, { recursive: true }).filter((name) => /\.(vue|js)$/.test(name) && !/^(locales|api)/.test(name));

test("every sentence is there in both languages, with the same holes", () => {
  assert.deepEqual(keys(zh), keys(en));
  for (const key of keys(zh)) {
    const [area, name] = key.split(".");
    assert.deepEqual(holes(zh[area][name]), holes(en[area][name]), key);
  }
});

test("every key in the code has its sentence", () => {
  const known = new Set(keys(zh));
  for (const name of sources) {
    const text = readFileSync(new URL(name, folder), "utf8");
    for (const [, key] of text.matchAll(/\bt\("([\w.]+)"/g)) assert.ok(known.has(key), `${name}: ${key}`);
    for (const [, key] of text.matchAll(/\bt\('([\w.]+)'/g)) assert.ok(known.has(key), `${name}: ${key}`);
  }
});

test("templates hold no words of their own, and v-html stands in two files only", () => {
  for (const name of sources.filter((each) => each.endsWith(".vue"))) {
    const text = readFileSync(new URL(name, folder), "utf8");
    const template = /<template>([\s\S]*)<\/template>/.exec(text)?.[1] ?? "";
    const words = template.replace(/<!--[\s\S]*?-->|\{\{[\s\S]*?\}\}|<kbd>.*?<\/kbd>|<span lang="zh">.*?<\/span>/g, "").replace(/<(?:"[^"]*"|'[^']*'|[^'">])*>/g, "");
    assert.equal(/[A-Za-z\u4e00-\u9fff]{2,}/.exec(words)?.[0], undefined, name);
    if (/ v-html=/.test(template)) assert.match(name, /(CodeBlock|Formula)\.vue$/);
  }
});
