// Asking a connection something: whether it is being asked, and how it went.
import { reactive } from "vue";

import { testApiKey } from "@/api/chat_config.js";
import { said } from "@/lib/said.js";

export function useTest() {
  const test = reactive({ busy: false, result: /** @type {any} */ (null), run });

  /** @param {object} asked a stored connection's `id`, or what is not stored yet */
  async function run(asked) {
    Object.assign(test, { busy: true, result: null });
    try {
      test.result = await testApiKey(asked);
    } catch (error) {
      test.result = { success: false, message: said(error) };
    } finally {
      test.busy = false;
    }
  }

  return test;
}
