// What is looked for in one conversation. The server knows which messages have it, whether they are on the page or
// not; where in a message it stands, the page knows once the message is on it.
import { computed, nextTick, onBeforeUnmount, ref, watch } from "vue";

import { searchChats } from "@/api/chat.js";
import { rangesOf, showRanges } from "@/lib/mark-words.js";
import { said } from "@/lib/said.js";

const PAUSE_MS = 150;
const PAGE = 100;

/**
 * @param {any} thread
 * @param {{ articleOf: (uuid: string) => Element | null, show: (uuid: string) => Promise<void>, light: (uuid: string) => void,
 *   bringIntoView: (range: Range) => void, topmost: () => string | undefined }} page `topmost`: the first message that is seen
 */
export function useFind(thread, page) {
  const words = ref("");
  /** -1: not known yet. */
  const total = ref(-1);
  /** Which of the messages, counted from the end of the conversation as the server does; -1: none. */
  const at = ref(-1);
  const error = ref("");
  const shown = computed(() => (at.value < 0 ? 0 : total.value - at.value));
  const keyword = computed(() => words.value.split('"').filter((part) => part.trim()).map((part) => `"${part.trim()}"`).join(" "));
  /** @type {(string | undefined)[]} uuids */
  let hits = [];
  let inMessage = 0;
  let timer;
  let asked = new AbortController();

  async function fetchPage(number) {
    const query = { keyword: keyword.value, chatId: thread.chatId, onBranch: true, type: "message", sort: "place" };
    const { signal } = asked;
    const answer = await searchChats({ ...query, pageNum: number, pageSize: PAGE }, signal);
    signal.throwIfAborted();
    answer.messages.forEach(({ uuid }, index) => (hits[(number - 1) * PAGE + index] = uuid));
    total.value = answer.total.messages;
  }

  async function hit(index) {
    if (!hits[index]) await fetchPage(Math.floor(index / PAGE) + 1);
    return hits[index];
  }

  async function look() {
    clearTimeout(timer);
    timer = undefined;
    asked.abort();
    asked = new AbortController();
    hits = [];
    error.value = "";
    if (!keyword.value) {
      total.value = at.value = -1;
      return mark();
    }
    return attempt(async () => {
      await fetchPage(1);
      at.value = total.value ? nearest() : -1;
      inMessage = 0;
      await go();
    });
  }

  async function attempt(work) {
    const { signal } = asked;
    try {
      await work();
    } catch (failure) {
      if (!signal.aborted) error.value = said(failure);
    }
  }

  /** The first one from where one reads; where all are before that, the last of these. */
  function nearest() {
    const order = new Map(thread.messages.map(({ uuid }, index) => [uuid, index]));
    const top = order.get(page.topmost()) ?? 0;
    const after = hits.findLastIndex((uuid) => order.get(uuid) >= top);
    return after >= 0 ? after : 0;
  }

  async function go() {
    if (at.value >= 0) await page.show(await hit(at.value));
    await nextTick();
    const range = mark();
    if (range) page.bringIntoView(range);
    // It may stand between signs that are not shown: then the message must do.
    else if (at.value >= 0) page.light(hits[at.value]);
  }

  const rangesIn = (uuid) => {
    const text = uuid && page.articleOf(uuid)?.querySelector(".bubble, :scope > .prose");
    return text && keyword.value ? rangesOf(text, keyword.value) : [];
  };

  /** Colour what is on the page; the place where one is now. */
  function mark() {
    const here = at.value < 0 ? [] : rangesIn(hits[at.value]);
    inMessage = Math.min(inMessage, Math.max(here.length - 1, 0));
    showRanges("found", thread.messages.flatMap(({ uuid }) => rangesIn(uuid)));
    showRanges("found-now", here.slice(inMessage, inMessage + 1));
    return here[inMessage];
  }

  /** To the next place in this message, else to the next message; after the last one to the first. @param {1 | -1} by */
  async function step(by) {
    if (timer) await look();
    if (at.value < 0) return;
    const inside = inMessage + by;
    if (inside >= 0 && inside < rangesIn(hits[at.value]).length) {
      inMessage = inside;
      return go();
    }
    at.value = (at.value - by + total.value) % total.value;
    inMessage = by > 0 ? 0 : Infinity;
    return attempt(go);
  }

  watch(words, () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  // What the page shows has changed: other messages, or more of one.
  watch(() => [thread.messages, thread.run], () => nextTick(mark));
  onBeforeUnmount(() => {
    clearTimeout(timer);
    asked.abort();
    showRanges("found", []);
    showRanges("found-now", []);
  });

  return { words, total, shown, error, step };
}
