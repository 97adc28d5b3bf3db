/** Hand a file to the browser's downloads. @param {{ blob: Blob, name: string }} file */
export function saveFile({ blob, name }) {
  const address = URL.createObjectURL(blob);
  saveFrom(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Let the browser fetch a file: it writes to the disk what comes, however much that is. @param {string} address */
export const saveFrom = (address, name = "") => Object.assign(document.createElement("a"), { href: address, download: name }).click();

/** A download has no event that says that it began; a page that came instead of it has been loaded by then. */
const KEPT_MS = 600_000;

/**
 * The same for what a form asks for.
 * @param {{ address: string, fields: Record<string, string> }} form
 * @param {() => void} onRefused a page came, of the server or of a browser that does not reach it, and no file
 */
export function saveFromForm({ address, fields }, onRefused) {
  const frame = Object.assign(document.createElement("iframe"), { name: `file-${Math.random()}`, hidden: true });
  const form = Object.assign(document.createElement("form"), { action: address, method: "post", target: frame.name, hidden: true });
  form.append(...Object.entries(fields).map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value })));
  const away = () => (frame.remove(), form.remove());
  // First its own empty page, at once or a moment later.
  frame.onload = () => {
    frame.onload = () => (away(), onRefused());
    form.submit();
  };
  document.body.append(form, frame);
  setTimeout(away, KEPT_MS);
}
