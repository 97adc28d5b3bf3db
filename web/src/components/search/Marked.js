// A passage with what was found in it: elements, made of text.
import { h } from "vue";

import { pieces, readable } from "@/lib/marks.js";

/** @param {{ html: string, plain?: boolean }} props `plain`: what is Markdown, without its signs */
export const Marked = ({ html, plain }) => (plain ? readable(pieces(html)) : pieces(html)).map(({ text, marked }) => (marked ? h("mark", text) : text));
Marked.props = { html: String, plain: Boolean };
