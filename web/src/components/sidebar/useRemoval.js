// Deleting conversations, with a way back.
import { useRoute, useRouter } from "vue-router";

import { t } from "@/lib/i18n.js";
import { useConversations } from "@/stores/conversations.js";
import { useToasts } from "@/stores/toasts.js";

export function useRemoval() {
  const conversations = useConversations();
  const toasts = useToasts();
  const route = useRoute();
  const router = useRouter();

  return async function remove(ids) {
    let count;
    try {
      count = await conversations.remove(ids);
    } catch (error) {
      return toasts.complain(error);
    }
    if (ids.includes(route.params.chatId)) router.push("/");
    toasts.say(t("sidebar.deleted", { n: count }), { action: t("common.undo"), run: () => restore(ids) });
  };

  async function restore(ids) {
    try {
      await conversations.restore(ids);
    } catch (error) {
      toasts.complain(error);
    }
  }
}
