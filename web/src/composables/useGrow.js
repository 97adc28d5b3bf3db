// A field that grows with its text, where the style sheet alone cannot do it (`field-sizing`).
import { nextTick, onMounted, watch } from "vue";

/** @param {import("vue").Ref<HTMLTextAreaElement | null>} area @param {import("vue").Ref<string>} text */
export function useGrow(area, text) {
  if (CSS.supports("field-sizing", "content")) return;

  async function grow() {
    await nextTick();
    if (!area.value) return;
    area.value.style.height = "auto";
    area.value.style.height = `${area.value.scrollHeight}px`;
  }

  onMounted(grow);
  watch(text, grow);
}
