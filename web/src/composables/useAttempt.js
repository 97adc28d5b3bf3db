// What is sent from a dialog: busy while it is on its way, and what was wrong where it failed.
import { ref } from "vue";

import { said } from "@/lib/said.js";

/**
 * @template T
 * @param {(error: any) => T} explain what to show of a failure
 * @param {T} nothing what `wrong` is while nothing is
 */
export function useAttempt(explain = /** @type {any} */ (said), nothing = /** @type {any} */ ("")) {
  const busy = ref(false);
  const wrong = ref(nothing);

  /** @param {() => Promise<any>} work */
  async function attempt(work) {
    busy.value = true;
    try {
      await work();
    } catch (error) {
      wrong.value = explain(error);
    } finally {
      busy.value = false;
    }
  }

  return { busy, wrong, attempt };
}
