// A list that the server gives page by page: `data` is `{ items, total, next_cursor }` of the pages so far.
import { useResource } from "./useResource.js";

/** @param {(cursor: { cursor?: string }) => Promise<any>} ask for a page */
export function usePages(ask) {
  const page = async (cursor) => {
    const { list, items, total, next_cursor } = await ask(cursor);
    return { items: items ?? list, total, next_cursor };
  };
  const pages = useResource(() => page({}));

  /** The next page; what came meanwhile by another way is not listed twice. */
  async function more() {
    const before = pages.data.value;
    const next = await page({ cursor: before.next_cursor });
    if (pages.data.value !== before) return;
    const seen = new Set(before.items.map(({ id }) => id));
    pages.data.value = { ...next, items: [...before.items, ...next.items.filter(({ id }) => !seen.has(id))] };
  }

  /** As much of the list as there is, read anew. */
  async function refresh() {
    const wanted = pages.data.value?.items.length ?? 0;
    await pages.load();
    while (!pages.error.value && pages.data.value.next_cursor && pages.data.value.items.length < wanted) await more();
  }

  /** Take away those that are elsewhere now, and ask again once none is left. @param {string[]} uuids */
  async function drop(uuids) {
    const { items, total, next_cursor } = pages.data.value;
    const left = items.filter(({ uuid }) => !uuids.includes(uuid));
    pages.data.value = { items: left, total: total - (items.length - left.length), next_cursor };
    if (!left.length) await pages.load();
  }

  return { ...pages, more, refresh, drop };
}
