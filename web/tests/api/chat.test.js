// The API module against a running server: DUIHUA_URL says where. `pytest tests/web` starts one.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";

import * as api from "../../src/api/chat.js";
import { ApiError, configure } from "../../src/api/http.js";

const SERVER = new URL(process.env.DUIHUA_URL ?? "http://127.0.0.1:8000");
const fast = (text, more = {}) => ({ offline: { text, rate: 0, ...more } });

before(() => configure({ baseUrl: SERVER.origin, language: () => "en" }));

/** Send and collect: the events, and how it ended. */
async function stream(data, options) {
  const events = [];
  const ended = { completed: null, error: null };
  const control = await api.sendStreamMessage(
    data,
    (event) => events.push(event),
    (error) => (ended.error = error),
    (event) => (ended.completed = event),
    options,
  );
  return { control, events, ended };
}

const textOf = (events) => events.filter(({ type }) => type === "chunk").map(({ content }) => content).join("");

/** A line to the server that is cut after some bytes of each of its first answers. */
async function cuttingProxy(cutAfter) {
  const cuts = [...cutAfter];
  let connections = 0;
  const server = net.createServer((client) => {
    connections++;
    const upstream = net.connect(Number(SERVER.port), SERVER.hostname);
    let left = cuts.shift() ?? Infinity;
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("close", () => client.end());
    client.pipe(upstream);
    upstream.on("data", (data) => {
      client.write(data.subarray(0, left));
      if ((left -= data.length) <= 0) client.resetAndDestroy();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, connections: () => connections, close: () => server.close() };
}

test("conversations: create, list, change, move, delete", async () => {
  const group = await api.createChatGroup({ name: "研究", color: "#409EFF" });
  const chat = await api.createChat({ title: "第一个", groupId: group.id });
  assert.equal(chat.group_id, group.id);
  assert.equal((await api.getChatDetail(chat.uuid)).title, "第一个");
  assert.equal((await api.updateChat({ id: chat.uuid, title: "改名", pinned: true })).pinned, true);
  const page = await api.getChatList({ groupId: group.id, keyword: "改名", pageSize: 5 });
  assert.deepEqual([page.total, page.list[0].uuid, page.pageSize], [1, chat.uuid, 5]);

  const other = await api.createChatGroup({ name: "工作" });
  assert.equal((await api.moveChatToGroup({ chatId: chat.uuid, targetGroupId: other.id })).group_id, other.id);
  assert.equal((await api.batchMoveChatToGroup({ chatIds: [chat.uuid], targetGroupId: group.id })).moved, 1);
  assert.equal((await api.updateChatGroup({ id: other.id, name: "别的" })).name, "别的");
  await api.deleteChatGroup(other.id);
  const groups = await api.getChatGroups({ includeChats: false });
  assert.deepEqual(groups.map(({ name }) => name).includes("别的"), false);

  const missing = "00000000-0000-7000-8000-000000000000";
  assert.deepEqual(await api.batchDeleteChats([chat.uuid, missing]), { deleted: 1, missing: [missing] });
  const last = await api.createChat();
  await api.deleteChat(last.uuid);
  await assert.rejects(api.getChatDetail(last.uuid), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.message], [404, "conversation_not_found", "Conversation not found"]);
    assert.ok(error.requestId);
    return true;
  });
});

test("what is wrong with a request is told by field", async () => {
  await assert.rejects(api.createChatGroup({ name: "" }), ({ status, detail }) => {
    assert.equal(status, 422);
    assert.deepEqual(detail[0].loc.at(-1), "name");
    return true;
  });
});

test("messages: send, page, edit, regenerate, choose a version, delete, clear", async () => {
  const chat = await api.createChat();
  const first = await api.sendMessage({ chatId: chat.uuid, content: "你好", config: fast("好的。") });
  assert.equal(first.reply.content, "好的。");
  const again = await api.regenerateMessage({ chatId: chat.uuid, messageId: first.reply.uuid, config: fast("换一种。") });
  assert.deepEqual(again.reply.version, { index: 2, count: 2, uuids: [first.reply.uuid, again.reply.uuid] });
  await api.activateMessage(first.reply.uuid);
  const page = await api.getChatMessages(chat.uuid, { around: first.reply.uuid });
  assert.deepEqual(page.list.map(({ content }) => content), ["你好", "好的。"]);
  const copy = await api.forkMessage(again.reply.uuid);
  assert.deepEqual((await api.getChatMessages(copy.uuid)).list.map(({ content }) => content), ["你好", "换一种。"]);
  assert.equal((await api.editMessage({ messageId: first.message_id, content: "您好" })).content, "您好");
  await api.deleteMessage(first.message_id);
  assert.equal((await api.getChatMessages(chat.uuid)).total, 1);
  await api.clearChatMessages(chat.uuid);
  assert.equal((await api.getChatMessages(chat.uuid)).total, 0);
});

test("sharing: a page, its address, and an end of it", async () => {
  const chat = await api.createChat({ title: "给大家看" });
  await api.sendMessage({ chatId: chat.uuid, content: "你好", config: fast("好的。") });
  const share = await api.shareChat(chat.uuid, { days: 7 });
  assert.deepEqual(await api.getShare(chat.uuid), share);
  assert.ok((await api.getShares()).some(({ path }) => path === share.path));
  const page = await fetch(api.shareAddress(share));
  assert.match(await page.text(), /好的。/);
  await api.unshareChat(chat.uuid);
  assert.equal((await fetch(api.shareAddress(share))).status, 404);
  await assert.rejects(api.getShare(chat.uuid), ({ code }) => code === "share_not_found");
});

test("a stream: each event once, in order, then onComplete", async () => {
  const chat = await api.createChat();
  const text = "流式 👩‍👩‍👧‍👦 输出。".repeat(50);
  const { control, events, ended } = await stream({ chatId: chat.uuid, content: "说", config: fast(text, { reasoning: "想想" }) });
  const last = await control.done;
  assert.deepEqual([last.type, last.content, ended.completed, ended.error], ["complete", text, last, null]);
  assert.equal(textOf(events), text);
  assert.deepEqual(events.slice(0, 3).map(({ type }) => type), ["user_message", "assistant_start", "reasoning"]);
  assert.deepEqual(events.at(-2), { type: "title", title: "说" });
  assert.equal((await api.getChatDetail(chat.uuid)).title, "说");
  assert.deepEqual(await api.generateChatTitle({ content: "**你好**，世界。后面不要", maxLength: 8 }), { title: "你好，世界" });
  assert.equal(events[1].task_id, control.taskId);
});

test("a stream that is cut twice, in the middle of characters, loses and repeats nothing", async () => {
  const chat = await api.createChat();
  const text = "一二三四五六七八九十".repeat(200);
  // Each answer has its own connection: the proxy ends it, and Node's client opens another.
  const proxy = await cuttingProxy([1501, 3001]);
  after(() => proxy.close());
  configure({ baseUrl: proxy.origin });
  try {
    const { control, events, ended } = await stream(
      { chatId: chat.uuid, content: "数", config: fast(text, { rate: 4000 }) },
      { backoffMs: [10] },
    );
    await control.done;
    assert.equal(ended.completed.content, text);
    assert.equal(textOf(events), text);
    assert.equal(events.filter(({ type }) => type === "user_message").length, 1);
    assert.ok(proxy.connections() >= 3, `${proxy.connections()} connections`);
  } finally {
    configure({ baseUrl: SERVER.origin });
  }
  assert.equal((await api.getChatMessages(chat.uuid)).total, 2, "it was never sent twice");
});

test("stop: what was generated is kept", async () => {
  const chat = await api.createChat();
  const { control, events, ended } = await stream({ chatId: chat.uuid, content: "x", config: fast(null, { tokens: 9999, rate: 200 }) });
  while (!events.some(({ type }) => type === "chunk")) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await control.cancel()).state, "cancelled");
  assert.equal((await control.done).type, "cancelled");
  assert.equal(ended.completed.content, textOf(events));
  assert.equal((await api.cancelStreamMessage(control.taskId)).state, "cancelled");
});

test("leave and join: the generation goes on meanwhile", async () => {
  const chat = await api.createChat();
  const { control } = await stream({ chatId: chat.uuid, content: "x", config: fast("甲乙丙丁".repeat(20), { rate: 400 }) });
  control.close();
  assert.equal(await control.done, null);
  const events = [];
  const joined = await api.joinStreamMessage(control.taskId, 2, (event) => events.push(event));
  assert.equal((await joined.done).content, "甲乙丙丁".repeat(20));
  assert.equal(textOf(events), "甲乙丙丁".repeat(20));
});

test("a reply that fails: its text is kept, onError says why", async () => {
  const chat = await api.createChat();
  const { control, ended } = await stream({
    chatId: chat.uuid,
    content: "x",
    config: fast(null, { tokens: 50, fail_after: 10, error: "provider_timeout" }),
  });
  const last = await control.done;
  assert.deepEqual([last.type, ended.error.code, ended.completed], ["error", "provider_timeout", null]);
  assert.ok(last.content);
});

test("the same key joins what it began: while it runs, when it is over, and where it failed", async () => {
  const withKey = async (content, config) => {
    const chat = await api.createChat({ config });
    const key = chat.uuid;
    const attempts = [];
    for (let n = 0; n < 2; n++) attempts.push(await stream({ chatId: chat.uuid, content }, { key }));
    await Promise.all(attempts.map(({ control }) => control.done));
    attempts.push(await stream({ chatId: chat.uuid, content }, { key }));
    await attempts[2].control.done;
    const [first, ...others] = attempts;
    for (const { control, events, ended } of others) {
      assert.equal(control.taskId, first.control.taskId);
      assert.deepEqual([events.at(-1), ended.error?.code], [first.events.at(-1), first.ended.error?.code]);
      assert.equal(textOf(events), textOf(first.events));
    }
    assert.equal((await api.getChatMessages(chat.uuid)).total, 2);
    return first.events.at(-1).type;
  };
  assert.equal(await withKey("说", { offline: { tokens: 60, rate: 200 } }), "complete");
  assert.equal(await withKey("断", { offline: { tokens: 60, rate: 200, fail_after: 20 } }), "error");
});

test("a refused start rejects and stores nothing", async () => {
  let told = null;
  const refused = api.sendStreamMessage({ chatId: "00000000-0000-7000-8000-000000000000", content: "x" }, null, (error) => (told = error));
  await assert.rejects(refused, { code: "conversation_not_found" });
  assert.equal(told.status, 404);
});

test("streamed versions: of a reply, and of a question", async () => {
  const chat = await api.createChat({ config: fast(null, { tokens: 5 }) });
  const { message_id, reply } = await api.sendMessage({ chatId: chat.uuid, content: "问", config: fast("答") });
  const started = [];
  const onMessage = (event) => started.push(event);
  const again = await api.regenerateMessage({ chatId: chat.uuid, messageId: reply.uuid, config: fast("再答") }, { onMessage });
  assert.equal((await again.done).content, "再答");
  const asked = await api.editMessage({ messageId: message_id, content: "换个问法", branch: true }, { onMessage });
  assert.equal((await asked.done).type, "complete");
  const [question] = (await api.getChatMessages(chat.uuid)).list;
  assert.deepEqual([question.content, question.version.count], ["换个问法", 2]);
});
