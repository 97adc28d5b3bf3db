// Diagrams are drawn in a frame of their own: see public/diagram.js and docs/decisions/0010.

import library from "@mermaid-js/tiny/dist/mermaid.tiny.js?url";

const PATIENCE_MS = 20_000;

/** @type {{ element: HTMLIFrameElement, ready: Promise<void>, asked: Map<number, (answer: any) => void> } | null} */
let frame = null;
let ids = 0;
let queue = Promise.resolve();

/**
 * Draw a source, after those before it.
 * @param {string} source @param {object} look what Mermaid is told of theme and font
 * @returns {Promise<{ svg: string, width: number, height: number }>} rejects with Mermaid's word on what is wrong
 */
export function draw(source, look) {
  const drawn = queue.then(() => ask(source, look));
  queue = drawn.then(
    () => {},
    () => {},
  );
  return drawn;
}

async function ask(source, look) {
  frame ??= open();
  const { element, ready, asked } = frame;
  const id = ++ids;
  let timer;
  const answer = await new Promise((resolve, reject) => {
    // One that never ends takes its frame with it.
    timer = setTimeout(() => {
      close();
      reject(new Error("timeout"));
    }, PATIENCE_MS);
    asked.set(id, resolve);
    ready.then(() => element.contentWindow?.postMessage({ id, address: library, source, look }, "*"));
  }).finally(() => clearTimeout(timer));
  asked.delete(id);
  if (answer.wrong) throw new Error(answer.wrong);
  return answer;
}

function open() {
  const element = document.createElement("iframe");
  // Without an origin, and so without a way to anything of this page. Out of sight, but with a size: text is measured.
  element.setAttribute("sandbox", "allow-scripts");
  element.setAttribute("aria-hidden", "true");
  Object.assign(element, { src: "/diagram.html", title: "", tabIndex: -1, className: "diagram-frame" });
  const asked = new Map();
  const ready = new Promise((resolve) => {
    addEventListener("message", function hear({ source, data }) {
      if (!element.isConnected) return removeEventListener("message", hear);
      if (source !== element.contentWindow) return;
      if (data.ready) resolve();
      else asked.get(data.id)?.(data);
    });
  });
  document.body.append(element);
  return { element, ready, asked };
}

function close() {
  frame?.element.remove();
  frame = null;
}
