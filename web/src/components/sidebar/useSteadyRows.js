// What is under the pointer stays there while rows above it come, go or change places: nobody hits what they did not aim at.
import { nextTick, ref, watch } from "vue";

import { above } from "@/lib/windowing.js";

/**
 * @param {import("vue").Ref<HTMLElement | null>} scroller
 * @param {import("vue").Ref<any[]>} rows
 * @param {import("vue").Ref<Float64Array>} tops
 */
export function useSteadyRows(scroller, rows, tops) {
  /** Where the pointer is, from the top of the scroller; null elsewhere, and for a finger. */
  let pointer = null;
  /** A short list may need room below to be scrolled at all; it has it until the pointer leaves. */
  const room = ref(0);

  function onMove(event) {
    pointer = event.pointerType === "touch" ? null : event.clientY - scroller.value.getBoundingClientRect().top;
  }

  function onLeave() {
    pointer = null;
    room.value = 0;
  }

  watch([rows, tops], async ([now, placed], [before, placedBefore]) => {
    const y = pointer === null ? Infinity : pointer + scroller.value.scrollTop;
    if (y >= placedBefore.at(-1)) return;
    const at = above(placedBefore, y);
    const next = now.findIndex(({ key }) => key === before[at].key);
    // It is itself what moved, if both of its neighbours are others.
    const isOther = (by) => now[next + by]?.key !== before[at + by]?.key;
    if (next < 0 || (isOther(-1) && isOther(1))) return;
    const moved = placed[next] - placedBefore[at];
    if (!moved) return;
    const to = scroller.value.scrollTop + moved;
    room.value = to + scroller.value.clientHeight;
    await nextTick();
    if (scroller.value) scroller.value.scrollTop = to;
  }, { flush: "post" });

  return { room, events: { pointermove: onMove, pointerleave: onLeave } };
}
