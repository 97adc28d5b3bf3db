// Sentences in the language of the person. `t("chat.send")` is the key `send` in locales/<language>/chat.json.

import { shallowRef } from "vue";

/** @typedef {"zh" | "en"} Language */

const loaders = { zh: () => import("../locales/zh.js"), en: () => import("../locales/en.js") };
// What only the pages beside the chat say comes with the first of them.
const ofPages = { zh: () => import("../locales/zh-pages.js"), en: () => import("../locales/en-pages.js") };
let speaksPages = false;
const current = shallowRef({ language: /** @type {Language} */ ("zh"), sentences: /** @type {Record<string, any>} */ ({}) });

/** @param {Language} language */
export async function speak(language) {
  const parts = await Promise.all([loaders[language](), speaksPages && ofPages[language]()]);
  current.value = { language, sentences: Object.assign({}, ...parts.map((part) => part && part.default)) };
  document.documentElement.lang = locale();
}

/** From now on also the sentences of locales/<language>/pages/. */
export async function speakPages() {
  if (speaksPages) return;
  speaksPages = true;
  await speak(language());
}

export const language = () => current.value.language;
/** For `Intl`. */
export const locale = () => (current.value.language === "zh" ? "zh-CN" : "en");

/** The language of the browser, of the two that are here. @returns {Language} */
export const browserLanguage = () => (/^zh\b/i.test(navigator.language) ? "zh" : "en");

/**
 * `{name}` is replaced; `one|other` chooses by `n`, in languages that have both.
 * @param {string} key @param {Record<string, string | number>} [values]
 */
export function t(key, values) {
  const [area, name] = key.split(".");
  let sentence = current.value.sentences[area]?.[name] ?? key;
  if (!values) return sentence;
  if (sentence.includes("|")) sentence = sentence.split("|")[values.n === 1 ? 0 : 1];
  return sentence.replace(/\{(\w+)\}/g, (all, each) => (typeof values[each] === "number" ? number(values[each]) : (values[each] ?? all)));
}

/** Making one costs more than a hundred uses. @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number} value */
export function number(value) {
  if (!formats.has(locale())) formats.set(locale(), new Intl.NumberFormat(locale()));
  return formats.get(locale()).format(value);
}
