// A scroller that stays at its end while it grows, for a reader who is there, and lets go at the first move up.
import { onBeforeUnmount, ref, watch } from "vue";

const NEAR = 64;

/** @param {import("vue").Ref<HTMLElement | null>} scroller */
export function useStick(scroller) {
  const pinned = ref(true);
  const far = ref(false);
  let last = 0;
  let touchY = 0;

  const distance = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.value;
    return scrollHeight - scrollTop - clientHeight;
  };

  /** Which way is told by the scroller, so that its own growth is not taken for a move. */
  function onScroll() {
    if (!scroller.value) return;
    const { scrollTop, clientHeight } = scroller.value;
    if (scrollTop < last - 1 && distance() > 2) pinned.value = pinned.value && distance() < 2;
    else if (distance() < NEAR && scrollTop > last) pinned.value = true;
    last = scrollTop;
    far.value = distance() > clientHeight;
  }

  const letGo = () => (pinned.value = false);
  const events = {
    scroll: onScroll,
    wheel: (event) => event.deltaY < 0 && letGo(),
    touchstart: (event) => (touchY = event.touches[0].clientY),
    touchmove: (event) => event.touches[0].clientY > touchY + 4 && letGo(),
    keydown: (event) => ["ArrowUp", "PageUp", "Home"].includes(event.key) && !/^(TEXTAREA|INPUT)$/.test(event.target.tagName) && letGo(),
  };

  function toEnd() {
    pinned.value = true;
    if (scroller.value) scroller.value.scrollTop = scroller.value.scrollHeight;
  }

  // At the end nothing below moves what is read, and the browser need not look for what to hold.
  watch([pinned, scroller], () => scroller.value && (scroller.value.style.overflowAnchor = pinned.value ? "none" : ""), { flush: "post" });

  const growth = new ResizeObserver(() => {
    if (pinned.value) toEnd();
    else if (scroller.value) far.value = distance() > scroller.value.clientHeight;
  });
  onBeforeUnmount(() => growth.disconnect());

  return { pinned, far, events, toEnd, letGo, watch: (element) => element && growth.observe(element) };
}
