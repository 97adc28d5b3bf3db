// `{{name}}` in a prompt, as the server reads it (prompts/filling.py): a letter or underscore of any script first.

const PLACEHOLDER = /\{\{[ \t]*([\p{L}\p{Nl}\p{No}_][\p{L}\p{N}_.-]{0,99})[ \t]*\}\}/gu;
const KEYS = ["default", "default_value", "value"];

/** The names in a text, each once, in order. @param {string} content @returns {string[]} */
export const namesIn = (content) => [...new Set([...content.matchAll(PLACEHOLDER)].map((match) => match[1]))];

/**
 * A text cut at its variables; a piece with a `name` is one, and `filled` where it has a value.
 * @param {string} content @param {Record<string, string>} values
 * @returns {{ text: string, name?: string, filled?: boolean }[]}
 */
export function filled(content, values) {
  const pieces = [];
  let end = 0;
  for (const match of content.matchAll(PLACEHOLDER)) {
    const value = values[match[1]];
    pieces.push({ text: content.slice(end, match.index) }, { text: value || match[0], name: match[1], filled: Boolean(value) });
    end = match.index + match[0].length;
  }
  return [...pieces, { text: content.slice(end) }].filter((piece) => piece.text);
}

/** Each variable's entry by its name, of whichever shape `variables` has. @param {any} variables @returns {Record<string, any>} */
function entries(variables) {
  if (!Array.isArray(variables)) return variables ?? {};
  return Object.fromEntries(variables.map((entry) => (typeof entry === "string" ? [entry, {}] : [entry?.name, entry])).filter(([name]) => name));
}

const keyOf = (entry) => KEYS.find((key) => key in entry) ?? "default";
const isObject = (entry) => typeof entry === "object" && entry !== null;

/** The defaults that a prompt brings along, as text. @param {any} variables @returns {Record<string, string>} */
export const defaultsOf = (variables) =>
  Object.fromEntries(Object.entries(entries(variables)).map(([name, entry]) => [name, String((isObject(entry) ? entry[keyOf(entry)] : entry) ?? "")]));

/**
 * What to store for the variables of a text: their defaults, and whatever else another program keeps with them.
 * @param {any} variables as stored @param {string[]} names in the text @param {Record<string, string>} defaults
 * @returns {Record<string, any> | null}
 */
export function withDefaults(variables, names, defaults) {
  const [before, was] = [entries(variables), defaultsOf(variables)];
  const kept = names.map((name) => {
    const [entry, value] = [before[name], defaults[name] || null];
    if ((defaults[name] ?? "") === (was[name] ?? "") && entry !== undefined) return [name, entry];
    return [name, isObject(entry) ? { ...entry, [keyOf(entry)]: value } : value];
  });
  return kept.length ? Object.fromEntries(kept) : null;
}
