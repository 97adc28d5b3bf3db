// Every file of locales/zh under its name: a part of the client has a file of its own.
const files = import.meta.glob("./zh/*.json", { eager: true, import: "default" });

export default Object.fromEntries(Object.entries(files).map(([path, sentences]) => [path.slice(5, -5), sentences]));
