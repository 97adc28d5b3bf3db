// Several conversations at once: one by one with Ctrl or the check boxes, a range with Shift.
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

export const useSelection = defineStore("selection", () => {
  const chosen = shallowRef(new Set());
  const mode = ref(false);
  let anchor = null;

  const active = computed(() => mode.value || chosen.value.size > 0);
  const ids = computed(() => [...chosen.value]);

  /** @param {string} id @param {string[]} [range] the order of the rows, where a range up to here is meant */
  function pick(id, range) {
    const next = new Set(chosen.value);
    const from = range ? range.indexOf(anchor) : -1;
    if (from >= 0) {
      const to = range.indexOf(id);
      range.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => next.add(each));
    } else if (!next.delete(id)) next.add(id);
    anchor = id;
    chosen.value = next;
  }

  const all = (list) => (chosen.value = new Set(list));
  const add = (list) => all([...chosen.value, ...list]);
  function clear() {
    chosen.value = new Set();
    mode.value = false;
  }
  const toggleMode = () => (active.value ? clear() : (mode.value = true));

  return { chosen, ids, active, pick, all, add, clear, toggleMode };
});
