// What the client needs to start without a network: its page and its files. Nothing else goes through here: questions,
// streams and downloads are the browser's own business, and never kept.

// Both are filled in by the build: a new one makes this a new worker.
const BUILD = "__BUILD__";
const FILES = ["__FILES__"];
const NAME = `duihua-${BUILD}`;
const PAGE = "/";
const NO_PAGE = /^\/(chat|api|docs|docs-assets|openapi\.json|metrics|health|ready|share)\b/;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.destination === "document" && !NO_PAGE.test(pathname)) event.respondWith(page(request));
  else if (pathname.startsWith("/assets/") || FILES.includes(pathname)) event.respondWith(file(request));
});

async function fill() {
  const cache = await caches.open(NAME);
  await cache.addAll([PAGE, ...FILES].map((path) => new Request(path, { cache: path.startsWith("/assets/") ? "default" : "reload" })));
}

/** Files of versions before go; pages that are open are served from now on. */
async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** The server's page; where it is not reached, the one that is kept: it is the same for every path. */
async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    return (await caches.match(PAGE, { ignoreVary: true })) ?? Promise.reject(error);
  }
}

/** A file with its hash in its name never changes; the few others belong to this build. */
async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(NAME)).put(request, response.clone());
  return response;
}
