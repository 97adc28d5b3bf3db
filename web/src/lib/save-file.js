/** Hand a file to the browser's downloads. @param {{ blob: Blob, name: string }} file */
export function saveFile({ blob, name }) {
  const address = URL.createObjectURL(blob);
  saveFrom(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Let the browser fetch a file: it writes to the disk what comes, however much that is. @param {string} address */
export const saveFrom = (address, name = "") => Object.assign(document.createElement("a"), { href: address, download: name }).click();
