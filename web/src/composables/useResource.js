// Something that a page asks the server for: what came, what went wrong, and asking again.
import { onBeforeMount, ref, shallowRef } from "vue";

/**
 * Asks at once; of several answers only the newest question's counts.
 * @template T @param {() => Promise<T>} ask
 */
export function useResource(ask) {
  const data = shallowRef(/** @type {T | null} */ (null));
  const error = shallowRef(/** @type {Error | null} */ (null));
  const busy = ref(false);
  let newest = 0;

  async function load() {
    const mine = ++newest;
    busy.value = true;
    try {
      const answer = await ask();
      if (mine === newest) [data.value, error.value] = [answer, null];
    } catch (failure) {
      if (mine === newest) error.value = failure;
    } finally {
      if (mine === newest) busy.value = false;
    }
  }

  // Once the component is set up: `ask` may use what is declared below it.
  onBeforeMount(load);
  return { data, error, busy, load };
}
