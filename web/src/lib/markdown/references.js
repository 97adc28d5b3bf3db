// Character references, as text has them.

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", hellip: "…", mdash: "—", ndash: "–", times: "×", middot: "·", larr: "←", rarr: "→", laquo: "«", raquo: "»", ensp: "\u2002", emsp: "\u2003", deg: "°", plusmn: "±", bull: "•", le: "≤", ge: "≥", ne: "≠", infin: "∞", euro: "€", yen: "¥" };

/** @param {string} text */
export function decode(text) {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (all, hex, decimal, name) => {
    if (name) return NAMED[name] ?? all;
    const point = hex ? parseInt(hex, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  });
}
