// A menu at a button. `items`: { label, why?, icon?, run?, danger?, disabled?, checked?, items?, opened? }, "line", or { heading }.
// Until somebody opens it, it is the button alone: a page has hundreds of them, and their code is not in the first load.
import { cloneVNode, defineComponent, h, shallowRef } from "vue";

import { later } from "@/lib/later.js";

const load = () => import("./OpenMenu.vue");
later(load);

export default defineComponent({
  props: { items: { type: Array, required: true }, opened: Function, align: { type: String, default: "end" }, side: { type: String, default: "bottom" } },
  setup(props, { slots }) {
    const opened = shallowRef(null);
    const open = async () => (opened.value = (await load()).default);
    const isDown = (/** @type {KeyboardEvent} */ event) => event.key === "ArrowDown" && (event.preventDefault(), open());
    return () =>
      opened.value
        ? h(opened.value, props, slots)
        : slots.default().map((button) => cloneVNode(button, { onClick: open, onKeydown: isDown, "aria-haspopup": "menu", "aria-expanded": false }));
  },
});
