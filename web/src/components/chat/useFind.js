// What is looked for in one conversation, in the words that a reader sees: not in stars, fences and addresses. Which
// messages have it is known of all of them; where in a message it stands, the page knows once the message is on it.
import { computed, nextTick, onBeforeUnmount, ref, watch } from "vue";

import { fold } from "@/lib/fold.js";
import { rangesOf, showRanges } from "@/lib/mark-words.js";
import { linesOf } from "@/lib/markdown/shown.js";
import { said } from "@/lib/said.js";

import { createBranch } from "./branch.js";

const PAUSE_MS = 150;
/** So long a search keeps the page from anything else. */
const TURN_MS = 12;

/**
 * @param {any} thread
 * @param {{ articleOf: (uuid: string) => Element | null, show: (uuid: string) => Promise<void>, light: (uuid: string) => void,
 *   unfold: (uuid: string) => void, bringIntoView: (range: Range) => void, topmost: () => string | undefined,
 *   messages: () => Element }} page `topmost`: the first message that is seen
 */
export function useFind(thread, page) {
  const words = ref("");
  /** -1: not known yet. */
  const total = ref(-1);
  /** Which of the messages that have it, in the order of the conversation; -1: none. */
  const at = ref(-1);
  const error = ref("");
  const shown = computed(() => at.value + 1);
  const term = computed(() => fold(words.value.trim()));
  const branch = createBranch(thread);
  /** @type {string[]} uuids */
  let hits = [];
  let order = new Map();
  let inMessage = 0;
  let timer;
  let turn = 0;
  let work = Promise.resolve();
  // What is not on the page is here when the words are.
  branch.all().catch(() => {});

  /** Those that have the words; null where others are looked for by now. */
  async function matching() {
    const mine = ++turn;
    const list = await branch.all();
    order = new Map(list.map(({ uuid }, index) => [uuid, index]));
    const found = [];
    let since = performance.now();
    for (const message of list) {
      if (performance.now() - since > TURN_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        since = performance.now();
      }
      if (mine !== turn) return null;
      if (has(message, term.value)) found.push(message.uuid);
    }
    return mine === turn ? found : null;
  }

  function now() {
    clearTimeout(timer);
    timer = undefined;
    return (work = look());
  }

  async function look() {
    error.value = "";
    if (!term.value) {
      turn++;
      hits = [];
      total.value = at.value = -1;
      return mark();
    }
    return attempt(async () => {
      const found = await matching();
      if (!found) return;
      hits = found;
      total.value = found.length;
      at.value = found.length ? nearest() : -1;
      inMessage = 0;
      await go();
    });
  }

  /** The same words once more, where a message has changed: one stays where one is. */
  async function again() {
    if (!term.value || timer) return;
    return attempt(async () => {
      const here = hits[at.value];
      const found = await matching();
      if (!found) return;
      hits = found;
      total.value = found.length;
      at.value = found.length ? Math.max(found.indexOf(here), 0) : -1;
      mark();
    });
  }

  async function attempt(job) {
    try {
      await job();
    } catch (failure) {
      // One of them may be gone: what there is now is read when it is looked for again.
      branch.forget();
      error.value = said(failure);
    }
  }

  /** The first one from where one reads; where all are before that, the last of these. */
  function nearest() {
    const top = order.get(page.topmost()) ?? 0;
    const after = hits.findIndex((uuid) => order.get(uuid) >= top);
    return after >= 0 ? after : hits.length - 1;
  }

  async function go() {
    const uuid = hits[at.value];
    if (!uuid) return void mark();
    await page.show(uuid);
    await nextTick();
    let range = mark();
    if (!range) {
      page.unfold(uuid);
      await nextTick();
      range = mark();
    }
    inMessage = placeIn(rangesIn(uuid));
    if (range) page.bringIntoView(range);
    // In a formula or a diagram it has no place of its own: then the message must do.
    else page.light(uuid);
  }

  const rangesIn = (uuid) => {
    const text = uuid && page.articleOf(uuid)?.querySelector(".bubble, :scope > .prose");
    return text && term.value ? rangesOf(text, [term.value]) : [];
  };

  /** Where one is of these, of which some may not be on the page yet. */
  const placeIn = (here) => Math.max(Math.min(inMessage, here.length - 1), 0);

  /** Colour what is on the page; the place where one is now. */
  function mark() {
    const here = at.value < 0 ? [] : rangesIn(hits[at.value]);
    const place = placeIn(here);
    showRanges("found", thread.messages.flatMap(({ uuid }) => rangesIn(uuid)));
    showRanges("found-now", here.slice(place, place + 1));
    return here[place];
  }

  /** To the next place in this message, else to the next message; after the last one to the first. @param {1 | -1} by */
  async function step(by) {
    if (timer) now();
    await work;
    if (at.value < 0) return;
    const inside = inMessage + by;
    if (inside >= 0 && inside < rangesIn(hits[at.value]).length) inMessage = inside;
    else {
      at.value = (at.value + by + total.value) % total.value;
      inMessage = by > 0 ? 0 : Infinity;
    }
    return attempt(go);
  }

  watch(words, () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  });
  watch(() => thread.run, (run) => !run && again());
  // What the page shows has changed: other messages, more of one, or its code has its colours now.
  let marking;
  const changes = new MutationObserver(() => (marking ??= setTimeout(() => {
    marking = undefined;
    mark();
  }, PAUSE_MS)));
  changes.observe(page.messages(), { childList: true, subtree: true, characterData: true });
  onBeforeUnmount(() => {
    clearTimeout(timer);
    clearTimeout(marking);
    turn++;
    changes.disconnect();
    showRanges("found", []);
    showRanges("found-now", []);
  });

  return { words, total, shown, error, step };
}

/** @type {WeakMap<object, { content: string, lines: string[] }>} of messages, folded */
const known = new WeakMap();

/** @param {any} message @param {string} term folded */
function has(message, term) {
  const { content, role } = message;
  // A reader sees characters of the source, and what references stand for: most sources are not parsed at all.
  const source = content.includes("&") ? "" : fold(content);
  if (source && ![...term].every((character) => source.includes(character))) return false;
  let kept = known.get(message);
  if (kept?.content !== content) {
    kept = { content, lines: (role === "user" ? [content] : linesOf(content)).map(fold) };
    known.set(message, kept);
  }
  return kept.lines.some((line) => line.includes(term));
}
