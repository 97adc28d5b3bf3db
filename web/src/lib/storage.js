// What this browser remembers. Where storage is forbidden, it remembers until the page is left.

const PREFIX = "duihua.";
/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} name @param {any} fallback */
export function recall(name, fallback) {
  try {
    const text = localStorage.getItem(PREFIX + name) ?? memory.get(name);
    return text ? JSON.parse(text) : fallback;
  } catch {
    return fallback;
  }
}

/** @param {string} name @param {any} value null forgets */
export function remember(name, value) {
  const text = JSON.stringify(value);
  if (value === null) memory.delete(name);
  else memory.set(name, text);
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
  } catch {
    // Full or forbidden: this page still has it in memory.
  }
}
