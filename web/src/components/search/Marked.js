// A passage with what was found in it: elements, made of text.
import { h } from "vue";

import { pieces } from "@/lib/marks.js";

/** @param {{ html: string }} props */
export const Marked = ({ html }) => pieces(html).map(({ text, marked }) => (marked ? h("mark", text) : text));
Marked.props = ["html"];
