// One conversation as it is shown: a window of its messages, and the reply that is being written.

import { shallowReactive } from "vue";

import * as api from "@/api/chat.js";
import { newKey } from "@/api/streams.js";
import { t } from "@/lib/i18n.js";
import { createPacer } from "@/lib/pacing.js";

import { createQueue } from "./thread-queue.js";
import { createSync } from "./thread-sync.js";

const PAGE = 50;
/** More than these are not kept on the page; what is trimmed is fetched again. */
export const MOST_SHOWN = 120;
/** With so much of its end a conversation opens, a dozen screens: what is before is a scroll away. */
const OPENED_CHARACTERS = 12_000;
let keys = 0;

/** A message for the page: `key` stays the same when the server has given it its uuid. */
const shown = (/** @type {object} */ message) => shallowReactive({ key: ++keys, error_message: null, ...message });

/**
 * @param {string} chatId
 * @param {{ onTitle?: (title: string) => void, onEnd?: () => void }} [hooks]
 */
export function createThread(chatId, { onTitle, onEnd } = {}) {
  const thread = shallowReactive({
    chatId,
    /** idle | loading | ready | error */
    status: "idle",
    error: null,
    messages: [],
    hasEarlier: false,
    hasLater: false,
    /** The generation that is followed: { taskId, message, connection, control }. */
    run: null,
    /** What goes out when the reply has ended. */
    queued: [],
  });

  /** Questions that are sent and the replies to them, until these end; also what was not sent. */
  const fresh = new Set();

  // ----------------------------------------------------------------------------------------- reading

  /** The end of the conversation. @param {number} count messages it has, as far as is known */
  async function load(count) {
    if (thread.status === "loading") return;
    thread.status = thread.status === "ready" ? "ready" : "loading";
    try {
      const last = await api.getChatMessages(chatId, { pageSize: PAGE, pageNum: Math.max(1, Math.ceil(count / PAGE)) });
      let list = last.list;
      let earlier = last.pageNum > 1;
      if (earlier && list.length < PAGE / 2 && list.length > 0) {
        const before = await api.getChatMessages(chatId, { pageSize: PAGE, before: list[0].uuid });
        list = [...before.list, ...list];
        earlier = list.length < last.total;
      }
      const shownFrom = list.findIndex(({ uuid }) => uuid === thread.messages[0]?.uuid);
      const from = shownFrom < 0 ? opening(list) : Math.min(shownFrom, opening(list));
      take(list.slice(from), earlier || from > 0, false);
      if (last.next_cursor && last.total > count) await load(last.total);
    } catch (error) {
      thread.error = error;
      if (thread.status === "loading") thread.status = "error";
    }
  }

  /** It is opened once more, at its end: many elements for what nobody sees would slow that. */
  function trim() {
    const from = thread.run || thread.hasLater ? 0 : opening(thread.messages);
    if (from) Object.assign(thread, { messages: thread.messages.slice(from), hasEarlier: true });
  }

  /** The messages around one of them. */
  async function jump(messageId) {
    const page = await api.getChatMessages(chatId, { pageSize: PAGE, around: messageId });
    take(page.list, true, page.next_cursor !== null || page.list.length >= PAGE);
  }

  /** A message that may stand on another branch: that branch is shown then. */
  async function reveal(messageId) {
    if (!thread.messages.some((message) => message.uuid === messageId)) await activate(messageId);
  }

  function take(list, hasEarlier, hasLater) {
    const old = new Map(thread.messages.map((message) => [message.uuid, message]));
    const listed = new Set(list.map(({ uuid }) => uuid));
    // What is sent while this answer was on its way is not in it.
    const sent = hasLater ? [] : thread.messages.filter((message) => fresh.has(message) && !listed.has(message.uuid));
    const known = list.map((message) => {
      const kept = old.get(message.uuid);
      if (!kept) return shown(message);
      if (thread.run?.message === kept) return kept;
      return Object.assign(kept, message);
    });
    thread.messages = [...known, ...sent];
    Object.assign(thread, { hasEarlier, hasLater, status: "ready", error: null });
    const running = thread.messages.find((message) => message.state === "streaming" && message.task_id);
    if (running && !thread.run) follow(running);
  }

  /** Whether there were any. @param {() => void} [onMove] called just before they are shown */
  async function loadEarlier(onMove) {
    const first = thread.messages[0];
    if (!thread.hasEarlier || !first) return false;
    const page = await api.getChatMessages(chatId, { pageSize: PAGE, before: first.uuid });
    if (thread.messages[0] !== first) return false;
    onMove?.();
    const list = [...page.list.map(shown), ...thread.messages];
    const trimmed = list.length > MOST_SHOWN && !thread.run;
    thread.messages = trimmed ? list.slice(0, MOST_SHOWN) : list;
    thread.hasEarlier = page.list.length === PAGE;
    thread.hasLater = thread.hasLater || trimmed;
    return page.list.length > 0;
  }

  /** As `loadEarlier`. @param {() => void} [onMove] */
  async function loadLater(onMove) {
    const last = thread.messages.at(-1);
    if (!thread.hasLater || !last) return false;
    const page = await api.getChatMessages(chatId, { pageSize: PAGE, after: last.uuid });
    if (thread.messages.at(-1) !== last) return false;
    onMove?.();
    const list = [...thread.messages, ...page.list.map(shown)];
    const trimmed = list.length > MOST_SHOWN;
    thread.messages = trimmed ? list.slice(-MOST_SHOWN) : list;
    thread.hasEarlier = thread.hasEarlier || trimmed;
    thread.hasLater = page.list.length === PAGE;
    return page.list.length > 0;
  }

  /** What the server has of the messages around this one: versions, counts, sentences of errors. */
  async function refresh(messageId) {
    const page = await api.getChatMessages(chatId, { pageSize: 4, around: messageId });
    const fresh = new Map(page.list.map((message) => [message.uuid, message]));
    for (const message of thread.messages) if (fresh.has(message.uuid)) Object.assign(message, fresh.get(message.uuid));
  }

  // ------------------------------------------------------------------------------------------ asking

  /**
   * Ask. The question is on the page before the server has it; where it is refused, it stays there as not sent.
   * @param {string} content @param {{ files?: any[], modelId?: string, config?: object, key?: string }} [options]
   */
  async function send(content, { files = [], modelId, config, key = newKey() } = {}) {
    const question = shown({ role: "user", content, files, state: "sending", version: alone, created_at: new Date().toISOString() });
    const body = { chatId, content, files: files.map((file) => file.id), modelId, config };
    thread.messages = [...thread.messages, question];
    return ask(Object.assign(question, { request: { body, key } }));
  }

  /** Send once more what was not sent: the same request with the same key. Where it had arrived after all, this joins its reply. */
  function resend(question) {
    Object.assign(question, { state: "sending", error_message: null, waits: false });
    return ask(question);
  }

  async function ask(question) {
    const { body, key } = question.request;
    const reply = blankReply(body.modelId);
    fresh.add(question).add(reply);
    thread.messages = [...thread.messages, reply];
    const callbacks = { ...following(reply, question), key };
    try {
      const control = await api.sendStreamMessage(body, callbacks.onMessage, callbacks.onError, callbacks.onComplete, callbacks);
      begun(control, reply);
    } catch (error) {
      discard(reply);
      // Nobody heard of it: it goes out by itself once there is a network again.
      const waits = error.status === 0 && navigator.onLine === false;
      Object.assign(question, { state: "unsent", waits, error_message: waits ? t("message.waits") : error.message, error: error.code, error_status: error.status, request_id: error.requestId, retry_at: soonest(error) });
    }
  }

  /** Answer anew, beside the old version; `continueReply` begins with its text and goes on from there. */
  async function regenerate(message, { modelId, config, continueReply } = {}) {
    const index = thread.messages.indexOf(message);
    const at = message.role === "user" ? index + 1 : index;
    const { content, reasoning, reasoning_ms } = message;
    const reply = Object.assign(blankReply(modelId), continueReply && { content, reasoning, reasoning_ms });
    return replacing(at, reply, (callbacks) => api.regenerateMessage({ chatId, messageId: message.uuid, modelId, config, continueReply }, callbacks));
  }

  /** A changed question beside the old one, answered anew. */
  async function branch(message, content) {
    const index = thread.messages.indexOf(message);
    const question = shown({ ...message, key: ++keys, content, state: "sending" });
    const reply = blankReply(null);
    return replacing(index, reply, (callbacks) => api.editMessage({ messageId: message.uuid, content, branch: true }, callbacks), question);
  }

  async function replacing(index, reply, start, question) {
    const before = thread.messages;
    thread.messages = [...before.slice(0, index), ...(question ? [question] : []), reply];
    try {
      begun(await start(following(reply, question, reply)), reply);
    } catch (error) {
      thread.messages = before;
      thread.run = null;
      throw error;
    }
  }

  // --------------------------------------------------------------------------------------- following

  /** Go on where the server's text ends. */
  async function follow(message) {
    const callbacks = following(message, null);
    try {
      begun(await api.joinStreamMessage(message.task_id, message.last_event_id ?? 0, callbacks.onMessage, callbacks.onError, callbacks.onComplete, callbacks), message);
    } catch {
      // It ended and was cleared away in between: the message itself says how.
      thread.run = null;
      await refresh(message.uuid);
    }
  }

  /** Where an attempt had arrived whose answer did not, a change may have brought its messages here already: they are these. */
  function named(message, facts) {
    Object.assign(message, facts);
    const isTwin = (each) => each !== message && each.uuid === message.uuid;
    if (thread.messages.some(isTwin)) thread.messages = [...new Set(thread.messages.map((each) => (isTwin(each) ? message : each)))];
  }

  function begun(control, message) {
    // A short reply is over before its control is here.
    if (message.state === "streaming") thread.run = { ...thread.run, control, taskId: control.taskId };
  }

  /** @param {any} [beginning] what is on the page already, and the events say once more */
  function following(message, question, beginning) {
    const pacer = createPacer((text) => (message.content += text), { known: beginning?.content.length });
    const thoughts = createPacer((text) => (message.reasoning = (message.reasoning ?? "") + text), { known: beginning?.reasoning?.length });
    const before = thread.run;
    let thinkingSince = 0;
    /** Until the server has said how long it was, as seen from here. A reader who came later does not know. */
    function thought() {
      if (thinkingSince) message.reasoning_ms = (message.reasoning_ms ?? 0) + performance.now() - thinkingSince;
      thinkingSince = 0;
    }
    thread.run = { message, control: null, taskId: message.task_id ?? null, connection: "connecting" };
    const on = {
      user_message: (event) => question && named(question, { uuid: event.message_id, state: "complete" }),
      assistant_start: (event) => {
        if (before?.taskId === event.task_id) before.control?.close();
        named(message, { uuid: event.message_id, task_id: event.task_id, model_id: event.model_id ?? message.model_id });
      },
      reasoning: (event) => {
        if (!message.reasoning) thinkingSince ||= performance.now();
        thoughts.push(event.content);
      },
      chunk: (event) => {
        thought();
        pacer.push(event.content);
      },
      title: (event) => onTitle?.(event.title),
      complete: (event) => end("complete", event),
      cancelled: (event) => end("cancelled", event),
      error: (event) => end("failed", event),
    };
    function end(state, event) {
      pacer.drop();
      fresh.delete(message);
      fresh.delete(question);
      Object.assign(message, { content: event.content, state, finish_reason: event.finish_reason ?? null, error: event.error ?? null, error_message: event.message ?? null });
      thread.run = null;
      refresh(message.uuid).catch(() => {}).then(() => {
        onEnd?.();
        sync.settle();
        if (state === "complete") queue.sendNext();
      });
    }
    return {
      onMessage: (event) => on[event.type]?.(event),
      onError: (error) => thread.run?.message === message && error.code === "stream_lost" && (thread.run = { ...thread.run, connection: "lost" }),
      onComplete: () => {},
      onConnection: (connection) => thread.run?.message === message && (thread.run = { ...thread.run, connection }),
    };
  }

  const stop = () => thread.run?.taskId && api.cancelStreamMessage(thread.run.taskId);

  /** After a minute without a line, or when the network is back. */
  async function reconnect() {
    const { run } = thread;
    const waiting = navigator.onLine !== false && thread.messages.find((message) => message.waits);
    if (!run) return waiting && resend(waiting);
    if (run.connection !== "lost") return run.control?.hurry();
    thread.run = null;
    await load(thread.messages.length);
  }

  // ---------------------------------------------------------------------------------------- changing

  const discard = (message) => {
    fresh.delete(message);
    thread.messages = thread.messages.filter((each) => each !== message);
    if (thread.run?.message === message) thread.run = null;
    sync.settle();
  };

  async function remove(message) {
    if (message.uuid) await api.deleteMessage(message.uuid);
    discard(message);
    onEnd?.();
  }

  /** Bring back what was deleted, where it stood. */
  async function restore(uuid) {
    await api.restoreMessage(uuid);
    await sync.again();
    onEnd?.();
  }

  async function edit(message, content) {
    Object.assign(message, await api.editMessage({ messageId: message.uuid, content }));
  }

  /** Show another version, and the branch below it. */
  async function activate(uuid) {
    await api.activateMessage(uuid);
    await jump(uuid);
  }

  const queue = createQueue(thread);
  const sync = createSync(thread, { take, load, refresh });

  return Object.assign(thread, {
    ...queue, hear: sync.hear, load, trim, jump, reveal, loadEarlier, loadLater, send, resend, regenerate, branch, stop, reconnect, remove, restore, discard, edit, activate,
  });
}

/** Where the messages begin with which it opens; the last question and its answer in any case. @param {any[]} list */
function opening(list) {
  let from = Math.max(0, list.length - 2);
  let size = list.slice(from).reduce((sum, { content }) => sum + content.length, 0);
  while (from > 0 && (size += list[from - 1].content.length) <= OPENED_CHARACTERS) from--;
  return from;
}

const soonest = (error) => (error.retryAfter ? new Date(Date.now() + error.retryAfter * 1000).toISOString() : null);

const alone = { index: 1, count: 1, uuids: [] };

const blankReply = (modelId) =>
  shown({ role: "assistant", content: "", reasoning: null, files: [], state: "streaming", model_id: modelId ?? null, version: alone, created_at: new Date().toISOString() });
