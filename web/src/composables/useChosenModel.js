// Which model answers: of a conversation where there is one, of the next one otherwise.
import { computed } from "vue";

import { useConversations } from "@/stores/conversations.js";
import { useModels } from "@/stores/models.js";
import { useSettings } from "@/stores/settings.js";

/** @param {() => string} chatId "new" for the next one @param {() => string | null} chosen for the next one */
export function useChosenModel(chatId, chosen) {
  const conversations = useConversations();
  const models = useModels();
  const settings = useSettings();
  const id = computed(() => (chatId() === "new" ? (chosen() ?? settings.values.default_model_id) : conversations.known.get(chatId())?.model_id));
  /** Undefined where it is not offered now. */
  const model = computed(() => (id.value ? models.byId.get(id.value) : models.list[0]));
  return { id, model };
}
