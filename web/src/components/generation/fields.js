// How a model is asked: what is set of new conversations, and of each of them. An empty field leaves it to the model.
import { computed, reactive, watch } from "vue";

export const numbers = [
  { name: "temperature", min: 0, max: 2, step: 0.1, slider: true },
  { name: "top_p", min: 0, max: 1, step: 0.05, slider: true },
  { name: "max_tokens", min: 1, max: 2147483647, step: 1 },
  { name: "context_messages", min: 0, max: 100000, step: 1, without: "settings.all" },
];
const names = [...numbers.map(({ name }) => name), "system_prompt"];

/** @param {() => Record<string, any>} stored what is set */
export function useGeneration(stored) {
  const form = reactive({});
  const fill = (from = stored()) => names.forEach((name) => (form[name] = from[name] ?? ""));
  // By what it says: every answer of the server is a new object, and what is being typed stays.
  watch(() => JSON.stringify(stored()), () => fill(), { immediate: true });
  const changed = computed(() => names.some((name) => form[name] !== (stored()[name] ?? "")));

  /** As the server keeps it; keys that other programs keep there stay. */
  function config() {
    const given = names.filter((name) => form[name] !== "" && form[name] !== null);
    const others = Object.entries(stored()).filter(([name]) => !names.includes(name));
    return Object.fromEntries([...others, ...given.map((name) => [name, form[name]])]);
  }

  return { form, fill, changed, config };
}
