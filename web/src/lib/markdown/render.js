// Tokens to vnodes. No HTML string is ever made of a model's words: there is nothing to sanitise.

import { defineAsyncComponent, h } from "vue";

import CodeBlock from "@/components/markdown/CodeBlock.vue";
import TableBlock from "@/components/markdown/TableBlock.vue";
import { t } from "@/lib/i18n.js";

import { ownImage, safeLink } from "./links.js";
import { decode } from "./references.js";

const Formula = defineAsyncComponent({
  loader: () => import("@/components/markdown/Formula.vue"),
  // Until it is there, and where it cannot be loaded: the source.
  loadingComponent: (props, { attrs }) => h("code", attrs.text),
  errorComponent: (props, { attrs }) => h("code", attrs.text),
  delay: 0,
});

const Diagram = defineAsyncComponent({
  loader: () => import("@/components/markdown/Diagram.vue"),
  loadingComponent: (props, { attrs }) => h(CodeBlock, attrs),
  errorComponent: (props, { attrs }) => h(CodeBlock, attrs),
  delay: 0,
});

/** @type {Record<string, (token: any, open: boolean) => any>} */
const BLOCKS = {
  heading: (token) => h(`h${Math.min(token.depth + 1, 6)}`, { class: `h${token.depth}` }, inline(token.tokens)),
  paragraph: (token) => h("p", inline(token.tokens)),
  text: (token) => (token.tokens ? inline(token.tokens) : decode(token.text)),
  code,
  blockquote: (token, open) => h("blockquote", blocks(token.tokens, open)),
  hr: () => h("hr"),
  html: (token) => h("p", { class: "raw-html" }, token.raw.trimEnd()),
  list: (token, open) => h(token.ordered ? "ol" : "ul", token.start > 1 ? { start: token.start } : null, token.items.map((each) => item(each, open && each === token.items.at(-1)))),
  table,
  mathBlock: (token) => h("div", { class: "math-block" }, h(Formula, { text: token.text, display: true })),
};

/** @type {Record<string, (token: any) => any>} */
const INLINE = {
  text: (token) => (token.tokens ? inline(token.tokens) : decode(token.text)),
  escape: (token) => token.text,
  strong: (token) => h("strong", inline(token.tokens)),
  em: (token) => h("em", inline(token.tokens)),
  del: (token) => h("del", inline(token.tokens)),
  codespan: (token) => h("code", token.text),
  br: () => h("br"),
  html: (token) => (/^<br\s*\/?>$/i.test(token.raw) ? h("br") : token.raw),
  link,
  image,
  math: (token) => h(Formula, { text: token.text, display: token.display }),
};

/** @param {any} token @param {boolean} [open] */
export const block = (token, open = false) => BLOCKS[token.type]?.(token, open) ?? h("p", token.raw);

/** @param {any[]} tokens @param {boolean} [open] whether the last of them grows */
function blocks(tokens, open = false) {
  const shown = tokens.filter((token) => token.type !== "space" && token.type !== "def");
  return shown.map((token) => block(token, open && token === shown.at(-1)));
}

/** @param {any[]} [tokens] */
const inline = (tokens = []) => tokens.map((token) => INLINE[token.type]?.(token) ?? token.raw);

function code(token, open) {
  const shown = { code: token.text, language: token.lang ?? "" };
  const isDiagram = !open && shown.language.trim().toLowerCase() === "mermaid";
  return isDiagram ? h(Diagram, shown) : h(CodeBlock, { ...shown, open });
}

function item(token, open) {
  const box = token.task ? [h("input", { type: "checkbox", checked: token.checked, disabled: true, "aria-label": t("message.task") })] : [];
  const content = token.tokens.filter((part) => part.type !== "checkbox");
  return h("li", { class: { task: token.task } }, [...box, ...blocks(content, open)]);
}

function table(token, open) {
  const cell = (tag) => (each, index) =>
    h(tag, { style: token.align[index] ? { textAlign: token.align[index] } : null, ...(tag === "th" ? { scope: "col" } : {}) }, inline(each.tokens));
  return h(TableBlock, { token, open }, () => [
    h("thead", h("tr", token.header.map(cell("th")))),
    h("tbody", token.rows.map((row) => h("tr", row.map(cell("td"))))),
  ]);
}

function link(token) {
  const href = safeLink(token.href);
  if (href === null) return inline(token.tokens);
  const outside = /^https?:/i.test(href) ? { target: "_blank", rel: "noopener noreferrer nofollow" } : {};
  return h("a", { href, title: token.title || null, ...outside }, inline(token.tokens));
}

/** Images of other servers are not fetched: that would tell them who reads what. They stay links. */
function image(token) {
  if (ownImage(token.href)) return h("img", { src: token.href, alt: decode(token.text), loading: "lazy", class: "picture" });
  const href = safeLink(token.href);
  const name = decode(token.text) || token.href;
  return href === null ? name : h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", class: "far-image" }, name);
}
