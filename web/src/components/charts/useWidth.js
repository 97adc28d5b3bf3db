// How wide an element is, in pixels: a chart that is drawn in them keeps its letters as they are.
import { onBeforeUnmount, ref, watch } from "vue";

/** @param {import("vue").Ref<HTMLElement | null>} element */
export function useWidth(element) {
  const width = ref(0);
  const sized = new ResizeObserver(([entry]) => (width.value = entry.contentRect.width));
  function measure(/** @type {HTMLElement | null} */ now) {
    if (!now) return;
    // At once: the observer tells it when a frame without it has been drawn.
    width.value = now.clientWidth;
    sized.observe(now);
  }
  watch(element, measure, { flush: "post" });
  onBeforeUnmount(() => sized.disconnect());
  return width;
}
