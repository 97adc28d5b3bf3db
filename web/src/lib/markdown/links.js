// Where a text may lead. Everything else stays text.

const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
const DATA_IMAGE = /^data:image\/(png|jpe?g|gif|webp|avif);base64,[a-z0-9+/=\s]+$/i;

/** The address, if a link may have it; else null. @param {string} href */
export function safeLink(href) {
  const address = href.trim();
  if (/^(#|\/(?![/\\]))/.test(address)) return address;
  try {
    return SCHEMES.has(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}

/** Whether the browser may load this as an image: from here, or out of the text itself. @param {string} src */
export function ownImage(src) {
  return /^\/(?![/\\])/.test(src) || DATA_IMAGE.test(src);
}
