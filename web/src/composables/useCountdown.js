// Seconds that are left until a moment.
import { onBeforeUnmount, ref, watch } from "vue";

/** @param {() => string | null | undefined} moment RFC 3339 */
export function useCountdown(moment) {
  const seconds = ref(0);
  let timer;

  function tick() {
    clearTimeout(timer);
    seconds.value = Math.max(0, Math.ceil((Date.parse(moment() ?? "") - Date.now()) / 1000)) || 0;
    if (seconds.value) timer = setTimeout(tick, 1000);
  }

  watch(moment, tick, { immediate: true });
  onBeforeUnmount(() => clearTimeout(timer));
  return seconds;
}
