/** Hand a file to the browser's downloads. @param {{ blob: Blob, name: string }} file */
export function saveFile({ blob, name }) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
