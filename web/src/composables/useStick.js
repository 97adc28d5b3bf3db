// A scroller that stays at its end while it grows, for a reader who is there, and lets go at the first move up.
import { onBeforeUnmount, ref, watch } from "vue";

const NEAR = 64;

/**
 * @param {import("vue").Ref<HTMLElement | null>} scroller
 * @param {import("vue").Ref<unknown>} growing whether more comes at its end
 */
export function useStick(scroller, growing) {
  const pinned = ref(true);
  const far = ref(false);
  let last = 0;
  let touchY = 0;
  let held = false;

  const distance = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.value;
    return scrollHeight - scrollTop - clientHeight;
  };

  /** Which way is told by the scroller, so that its own growth is not taken for a move. */
  function onScroll() {
    if (!scroller.value) return;
    const { scrollTop, clientHeight } = scroller.value;
    if (scrollTop < last - 1 && distance() > 2) pinned.value = pinned.value && distance() < 2;
    else if (!held && distance() < NEAR && scrollTop > last) pinned.value = true;
    last = scrollTop;
    far.value = distance() > clientHeight;
  }

  const letGo = () => (pinned.value = false);
  /** Stay here, though the end is near, until a person moves. */
  const hold = () => ((held = true), letGo());
  const moves = (up) => ((held = false), up && letGo());
  const UP = ["ArrowUp", "PageUp", "Home"];
  const DOWN = ["ArrowDown", "PageDown", "End", " "];
  const events = {
    scroll: onScroll,
    wheel: (event) => moves(event.deltaY < 0),
    touchstart: (event) => (touchY = event.touches[0].clientY),
    touchmove: (event) => moves(event.touches[0].clientY > touchY + 4),
    keydown: (event) => [...UP, ...DOWN].includes(event.key) && !/^(TEXTAREA|INPUT)$/.test(event.target.tagName) && moves(UP.includes(event.key)),
  };

  function toEnd() {
    held = false;
    pinned.value = true;
    if (scroller.value) scroller.value.scrollTop = scroller.value.scrollHeight;
  }

  // While it grows at its end and is read there, the browser need not look for what to hold. What loads above moves nothing.
  watch([pinned, scroller, growing], () => scroller.value && (scroller.value.style.overflowAnchor = pinned.value && growing.value ? "none" : ""), { flush: "post" });

  const growth = new ResizeObserver(() => {
    if (pinned.value) toEnd();
    else if (scroller.value) far.value = distance() > scroller.value.clientHeight;
  });
  onBeforeUnmount(() => growth.disconnect());

  return { pinned, far, events, toEnd, letGo, hold, watch: (element) => element && growth.observe(element) };
}
