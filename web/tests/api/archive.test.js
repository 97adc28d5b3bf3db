// The rest of the API module against a running server, and that no function of it goes untried.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { before, test } from "node:test";

import * as api from "../../src/api/chat.js";
import { configure } from "../../src/api/http.js";

const origin = new URL(process.env.DUIHUA_URL ?? "http://127.0.0.1:8000").origin;
const config = { offline: { text: "好的。", rate: 0 } };

before(() => configure({ baseUrl: origin, language: () => "en" }));

/** A form with one file. */
function form(content, name) {
  const data = new FormData();
  data.append("file", new Blob([content]), name);
  return data;
}

const textOf = async ({ blob }) => new TextDecoder().decode(await blob.arrayBuffer());

test("every function of the module is tried", () => {
  const folder = new URL(".", import.meta.url);
  const tests = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  const untried = Object.keys(api).filter((name) => !new RegExp(`api\\.${name}\\b`).test(tests));
  assert.deepEqual(untried, []);
});

test("models: available, asked, counted", async () => {
  const [offline] = await api.getAvailableModels({ activeOnly: true });
  assert.equal(offline.model_id, "offline");
  assert.deepEqual(await api.getAvailableModels({ provider: "nobody" }), []);
  const { success, reply, response_time } = await api.testModel({ modelId: "offline", testMessage: "Hello" });
  assert.deepEqual([success, reply.length > 0, typeof response_time], [true, true, "number"]);
  const chat = await api.createChat({ title: "a" });
  await api.sendMessage({ chatId: chat.uuid, content: "b", config });
  const [used] = await api.getModelStats({ timeRange: "day", modelId: "offline" });
  assert.ok(used.requests > 0 && used.average_latency !== null);
});

test("files: up, beside a message, down, gone", async () => {
  let progress = 0;
  const file = await api.uploadFile(form("# 笔记", "笔记.md"), () => progress++);
  assert.deepEqual([file.name, file.size, file.url], ["笔记.md", 8, api.fileAddress(file.id)]);
  assert.equal((await api.getFileInfo(file.id)).kind, "document");
  assert.equal(await (await fetch(origin + api.fileAddress(file.id))).text(), "# 笔记");
  const chat = await api.createChat({ title: "a" });
  await api.sendMessage({ chatId: chat.uuid, content: "看", files: [file.id], config });
  assert.equal((await api.getChatMessages(chat.uuid)).list[0].files[0].id, file.id);
  await api.deleteFile(file.id);
  await assert.rejects(api.getFileInfo(file.id), { status: 404, code: "file_not_found" });
});

test("export, purge, import: what was there comes back, once", async () => {
  const chat = await api.createChat({ title: "出：入/口" });
  await api.sendMessage({ chatId: chat.uuid, content: "珊瑚礁", config });
  const json = await api.exportChat({ chatId: chat.uuid, format: "json" });
  assert.match(json.name, /出.入.口.*\.json$/);
  let bytes = 0;
  const text = await api.exportChat({ chatId: chat.uuid, format: "txt" }, { onProgress: (all) => (bytes = all) });
  assert.match(await textOf(text), /珊瑚礁/);
  assert.equal(bytes, text.blob.size);
  const zip = await api.batchExportChats({ chatIds: [chat.uuid], format: "json" });
  assert.match(zip.name, /\.zip$/);
  const { address, fields } = api.chosenForm({ chatIds: [chat.uuid], format: "markdown", branches: true, attachments: undefined });
  const chosen = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
  assert.match(chosen.headers.get("content-disposition"), /^attachment.*\.zip/);
  assert.equal((await fetch(api.everythingAddress({ format: "markdown" }))).status, 200);

  const again = await api.importChat(form(json.blob, "a"));
  assert.deepEqual([again.imported, again.skipped, again.failed], [0, 1, 0]);
  assert.equal((await api.batchArchiveChats({ chatIds: [chat.uuid], status: "archived" })).updated, 1);
  await api.deleteChat(chat.uuid);
  assert.ok((await api.getTrash({ pageSize: 100 })).list.some(({ uuid }) => uuid === chat.uuid));
  assert.equal((await api.restoreTrash([chat.uuid])).restored, 1);
  await api.deleteChat(chat.uuid);
  assert.equal((await api.purgeTrash({ ids: [chat.uuid] })).purged, 1);
  const group = await api.createChatGroup({ name: "导入" });
  const { imported, conversations } = await api.importChat(form(zip.blob, "b"), group.id);
  assert.equal(imported, 1);
  assert.equal((await api.getChatDetail(conversations[0].uuid)).group_id, group.id);
});

test("search, settings, figures", async () => {
  const chat = await api.createChat({ title: "a" });
  const { message_id } = await api.sendMessage({ chatId: chat.uuid, content: "琥珀色的傍晚", config });
  const { messages, total } = await api.searchChats({ keyword: "琥珀", type: "message" });
  assert.deepEqual([total.messages, messages[0].snippet], [1, "<mark>琥珀</mark>色的傍晚"]);
  await api.deleteMessage(message_id);
  assert.equal((await api.searchChats({ keyword: "琥珀" })).total.messages, 0);
  assert.equal((await api.restoreMessage(message_id)).content, "琥珀色的傍晚");
  assert.notEqual((await api.forkMessage(message_id)).uuid, chat.uuid);

  const earlier = await api.getChatSettings();
  assert.deepEqual(await api.updateChatSettings({ theme: "dark" }), { ...earlier, theme: "dark" });
  await api.updateChatSettings({ theme: earlier.theme });
  const { overview, trend } = await api.getChatStatistics({ timeRange: "week", tz: "Asia/Shanghai" });
  assert.equal(trend.length, 7);
  assert.equal(trend.reduce((sum, { messages }) => sum + messages, 0), overview.message_count);
});
