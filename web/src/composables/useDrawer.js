// On a narrow screen the sidebar is a drawer: a stroke to the right from the edge opens it, one to the left closes it, and
// so do Escape and the back button: that of a phone, and the browser's own where it would lead to another page of ours.
import { onBeforeUnmount, onMounted, watch } from "vue";
import { useRouter } from "vue-router";

import { useUi } from "@/stores/ui.js";

const EDGE_PX = 32;
const STROKE_PX = 60;

export function useDrawer() {
  const ui = useUi();
  const router = useRouter();
  let from = null;
  /** @type {any} of browsers that have one */
  let watcher = null;

  const onStart = ({ touches: [touch] }) => (from = ui.isNarrow && (ui.sidebarOpen || touch.clientX < EDGE_PX) ? { x: touch.clientX, y: touch.clientY } : null);

  function onEnd({ changedTouches: [touch] }) {
    if (!from) return;
    const [right, down] = [touch.clientX - from.x, touch.clientY - from.y];
    from = null;
    if (Math.abs(right) < STROKE_PX || Math.abs(down) > Math.abs(right) / 2) return;
    ui.sidebarOpen = right > 0;
  }

  const close = () => (ui.sidebarOpen = false);
  const onKey = (event) => event.key === "Escape" && ui.isNarrow && ui.sidebarOpen && !watcher && !event.defaultPrevented && close();

  /** Going back or forward, where the history is there already, closes the drawer, and that is all it does. */
  const unguard = router.beforeEach((to) => {
    if (!ui.isNarrow || !ui.sidebarOpen || history.state?.current !== to.fullPath) return true;
    close();
    return false;
  });

  watch(() => ui.isNarrow && ui.sidebarOpen, (open) => {
    watcher?.destroy();
    watcher = open && "CloseWatcher" in window ? Object.assign(new window.CloseWatcher(), { onclose: close }) : null;
  });
  onMounted(() => {
    window.addEventListener("touchstart", onStart, { passive: true });
    window.addEventListener("touchend", onEnd, { passive: true });
    window.addEventListener("keydown", onKey);
  });
  onBeforeUnmount(() => {
    window.removeEventListener("touchstart", onStart);
    window.removeEventListener("touchend", onEnd);
    window.removeEventListener("keydown", onKey);
    unguard();
  });
}
