// What the sidebar shows: groups, pinned conversations, those of a group once it is opened, and the others by time.
import { defineStore } from "pinia";
import { computed, shallowReactive, shallowRef } from "vue";

import * as api from "@/api/chat.js";
import { recall, remember } from "@/lib/storage.js";

const PAGE = 100;
/** So many the server takes in one request. */
const BATCH = 1000;

export const useConversations = defineStore("conversations", () => {
  /** uuid → conversation, the newest that is known of it. */
  const known = shallowReactive(new Map());
  const groups = shallowRef([]);
  /** Of these lists only uuids: "pinned", and a group's id. */
  const lists = shallowReactive(new Map());
  const opened = shallowRef(new Set(recall("openGroups", [])));
  const status = shallowRef("loading");
  const error = shallowRef(null);

  const defaultGroup = computed(() => groups.value.find((group) => group.is_default));
  const ownGroups = computed(() => groups.value.filter((group) => !group.is_default));
  const idsOf = (name) => lists.get(name)?.ids ?? [];

  /** Everything that is seen first; also after a change that cannot be followed in detail. */
  async function load() {
    try {
      await loadGroups();
      await Promise.all([
        reload("pinned"),
        ...(defaultGroup.value ? [reload(defaultGroup.value.id)] : []),
        ...ownGroups.value.filter((group) => opened.value.has(group.id)).map((group) => reload(group.id)),
      ]);
      status.value = "ready";
      error.value = null;
    } catch (failure) {
      error.value = failure;
      if (status.value === "loading") status.value = "error";
    }
  }

  const queryOf = (name) => (name === "pinned" ? { pinned: true } : { groupId: name, pinned: false });

  async function reload(name) {
    const page = await api.getChatList({ pageSize: PAGE, ...queryOf(name) });
    note(page.list);
    lists.set(name, { ids: page.list.map((each) => each.uuid), total: page.total, cursor: page.next_cursor, loading: null });
  }

  /** The next page of a list, unless it is on its way. */
  async function more(name) {
    const list = lists.get(name);
    if (!list?.cursor) return;
    await (list.loading ??= next(name, list));
  }

  async function next(name, { cursor }) {
    let page;
    try {
      page = await api.getChatList({ pageSize: PAGE, ...queryOf(name), cursor });
    } finally {
      if (lists.has(name)) lists.get(name).loading = null;
    }
    note(page.list);
    // What was done meanwhile may have put another list in its place.
    const list = lists.get(name);
    if (list?.cursor !== cursor) return;
    const seen = new Set(list.ids);
    const ids = [...list.ids, ...page.list.map((each) => each.uuid).filter((uuid) => !seen.has(uuid))];
    lists.set(name, { ids, total: page.total, cursor: page.next_cursor, loading: null });
  }

  const shown = computed(() => ["pinned", ...ownGroups.value.filter((group) => opened.value.has(group.id)).map((group) => group.id), defaultGroup.value?.id]);
  /** How many conversations the lists that are shown have, here or not. */
  const listed = computed(() => shown.value.reduce((sum, name) => sum + (lists.get(name)?.total ?? 0), 0));

  /** The uuids of lists to their last; without names, of those that are shown. */
  async function all(names = shown.value) {
    for (const name of names) while (lists.get(name)?.cursor) await more(name);
    return names.flatMap(idsOf);
  }

  async function toggle(groupId) {
    const next = new Set(opened.value);
    if (!next.delete(groupId)) next.add(groupId);
    opened.value = next;
    remember("openGroups", [...next]);
    if (next.has(groupId) && !lists.has(groupId)) await reload(groupId);
  }

  const note = (list) => list.forEach((each) => known.set(each.uuid, each));

  /** One conversation, asked for where it is not known. */
  async function get(uuid) {
    if (!known.has(uuid)) note([await api.getChatDetail(uuid)]);
    return known.get(uuid);
  }

  async function create(data) {
    const made = await api.createChat(data);
    place(made);
    return made;
  }

  /** A new one that begins as the branch down to this message. @param {string} messageId */
  async function fork(messageId) {
    const made = await api.forkMessage(messageId);
    place(made);
    return made;
  }

  /** Put a conversation at the top of the list to which it belongs. */
  function place(conversation) {
    const { uuid } = conversation;
    const before = known.get(uuid);
    known.set(uuid, conversation);
    const home = conversation.pinned ? "pinned" : conversation.group_id;
    const wasHome = before && (before.pinned ? "pinned" : before.group_id);
    if (wasHome !== undefined && wasHome !== home) drop(wasHome, uuid);
    const list = lists.get(home);
    if (list) {
      const isNew = !list.ids.includes(uuid);
      lists.set(home, { ...list, ids: [uuid, ...list.ids.filter((id) => id !== uuid)], total: list.total + (isNew ? 1 : 0) });
    }
    if (before?.group_id !== conversation.group_id) count(before?.group_id, conversation.group_id);
  }

  function drop(name, uuid) {
    const list = lists.get(name);
    if (list?.ids.includes(uuid)) lists.set(name, { ...list, ids: list.ids.filter((id) => id !== uuid), total: list.total - 1 });
  }

  function count(from, to) {
    groups.value = groups.value.map((group) => {
      const change = (group.id === to ? 1 : 0) - (group.id === from ? 1 : 0);
      return change ? { ...group, conversation_count: group.conversation_count + change } : group;
    });
  }

  /** Show a change before the server has agreed; put it back where it does not. */
  async function change(uuid, changes) {
    const before = known.get(uuid);
    known.set(uuid, { ...before, ...changes });
    try {
      const after = await api.updateChat({ id: uuid, ...changes });
      const moved = after.status !== "active" || after.pinned !== before.pinned || after.group_id !== before.group_id;
      known.set(uuid, after);
      if (moved) await load();
      return after;
    } catch (failure) {
      known.set(uuid, before);
      throw failure;
    }
  }

  /** What the server says of one conversation now: its title, its time, its place. */
  async function refresh(uuid) {
    const before = known.get(uuid);
    let after;
    try {
      after = await api.getChatDetail(uuid);
    } catch (failure) {
      if (failure.status !== 404) throw failure;
      return forget(uuid);
    }
    const isListed = before && before.status === after.status && before.group_id === after.group_id && before.pinned === after.pinned;
    if (isListed && after.status === "active" && before.updated_at !== after.updated_at) return place(after);
    known.set(uuid, after);
    if (!isListed) await load();
  }

  /** It is gone: deleted elsewhere. */
  function forget(uuid) {
    for (const name of lists.keys()) drop(name, uuid);
    known.delete(uuid);
  }

  async function remove(uuids) {
    return inBatches(uuids, async (part) => (part.length > 1 ? (await api.batchDeleteChats(part)).deleted : (await api.deleteChat(part[0]), 1)));
  }

  const restore = (uuids) => inBatches(uuids, async (part) => (await api.restoreTrash(part)).restored);

  /** How many it was done to; where one part is refused, what was done before is shown. */
  async function inBatches(uuids, act) {
    let count = 0;
    try {
      for (let at = 0; at < uuids.length; at += BATCH) count += await act(uuids.slice(at, at + BATCH));
    } finally {
      await load();
    }
    return count;
  }

  async function move(uuids, groupId) {
    return inBatches(uuids, async (chatIds) => {
      const { moved } = await api.batchMoveChatToGroup({ chatIds, targetGroupId: groupId });
      chatIds.forEach((uuid) => known.has(uuid) && known.set(uuid, { ...known.get(uuid), group_id: groupId }));
      return moved;
    });
  }

  /** On the shelf, or back from it. @param {string[]} uuids @param {"archived" | "active"} status */
  const shelve = (uuids, status) => inBatches(uuids, async (chatIds) => (await api.batchArchiveChats({ chatIds, status })).updated);

  const loadGroups = async () => (groups.value = await api.getChatGroups({ includeChats: false }));

  async function saveGroup(group) {
    const saved = await (group.id ? api.updateChatGroup(group) : api.createChatGroup(group));
    await loadGroups();
    return saved;
  }

  async function removeGroup(groupId, withChats) {
    await api.deleteChatGroup(groupId, withChats);
    await load();
  }

  return {
    known, groups, ownGroups, defaultGroup, lists, listed, opened, status, error,
    idsOf, load, loadGroups, more, all, toggle, get, create, fork, place, change, refresh, forget, remove, restore, move, shelve, saveGroup, removeGroup,
  };
});
