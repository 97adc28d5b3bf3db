import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, URL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const output = fileURLToPath(new URL("../src/duihua/http/dist", import.meta.url));
const server = process.env.DUIHUA_URL ?? "http://localhost:8000";

export default defineConfig({
  plugins: [modernFonts(), vue(), compressed()],
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  // No inlined assets: the policy lets a page load fonts from files only.
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    outDir: output,
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { groups: pieces() } } },
  },
  server: { proxy: { "/chat": server, "/api": server } },
});

const FIRST = fileURLToPath(new URL("src/main.js", import.meta.url));
const CHAT = fileURLToPath(new URL("src/pages/ChatPage.vue", import.meta.url));

/** The first load is one file, what a conversation adds to it another; else each of thirty shared parts would be one. */
function pieces() {
  const parts = [["first", "src/main.js"], ["chat", "src/pages/ChatPage.vue"]];
  return parts.map(([name, path], index) => {
    const root = fileURLToPath(new URL(path, import.meta.url));
    let within;
    const nameOf = (id, graph) => {
      within ??= reached(root, graph);
      return id !== root && within.has(id) ? name : null;
    };
    return { name: nameOf, priority: parts.length - index };
  });
}

/** What a module imports at once, and what that does. */
function reached(root, graph) {
  const found = new Set([root]);
  for (const id of found) for (const each of graph.getModuleInfo(id)?.importedIds ?? []) found.add(each);
  return found;
}

/** KaTeX names each font three times; every browser that runs this reads the first. */
function modernFonts() {
  return {
    name: "modern-fonts",
    enforce: "pre",
    transform(code, id) {
      if (/katex[^/]*\.css/.test(id)) return code.replace(/,\s*url\([^)]+\)\s*format\(["'](?:woff|truetype)["']\)/g, "");
    },
  };
}

/** A .br and a .gz beside each file that gains by it: the server sends them as they are. */
function compressed() {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      await shell();
      const names = await readdir(output, { recursive: true });
      await Promise.all(names.filter((name) => /\.(js|css|html|svg|webmanifest)$/.test(name)).map((name) => pack(join(output, name))));
    },
  };
}

/** What a start without a network needs, written into the service worker, which is a new one with every build. */
async function shell() {
  const manifest = JSON.parse(await readFile(join(output, "manifest.json"), "utf8"));
  const wanted = new Set(["index.html", "src/locales/zh.js", "src/locales/en.js", "src/pages/ChatPage.vue"]);
  for (const name of wanted) for (const each of manifest[name].imports ?? []) wanted.add(each);
  const built = [...wanted].flatMap((name) => [manifest[name].file, ...(manifest[name].css ?? [])]).map((file) => `/${file}`);
  const path = join(output, "sw.js");
  const worker = await readFile(path, "utf8");
  const everything = createHash("sha256").update(JSON.stringify(manifest)).update(await readFile(join(output, "index.html"))).update(worker);
  const files = [...new Set(built), "/theme-init.js", "/favicon.svg", "/manifest.webmanifest"];
  await writeFile(path, worker.replace("__BUILD__", everything.digest("hex").slice(0, 12)).replace('["__FILES__"]', JSON.stringify(files)));
}

async function pack(path) {
  const bytes = await readFile(path);
  await Promise.all([
    promisify(brotliCompress)(bytes).then((packed) => writeFile(`${path}.br`, packed)),
    promisify(gzip)(bytes, { level: 9 }).then((packed) => writeFile(`${path}.gz`, packed)),
  ]);
}
